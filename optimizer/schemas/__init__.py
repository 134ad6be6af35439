"""Versioned JSON Schemas (2020-12) of what domicile reads and writes, every field with its description.

    domicile schema plan            print one
    instances/schemas/plan-1.json   the same, for editors and for SchemaStore

A schema's version rises when a document that was valid is no longer, or when something that readers rely on goes; what
is added does not raise it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class Schema:
    """A schema: `home` (module:name) is a model, or a function that makes the schema; `what` says what it is of."""

    name: str
    version: int
    home: str
    what: str
    mode: Literal["validation", "serialization"] = "serialization"

    @property
    def id(self) -> str:
        """The URN that names it, with its version."""
        return f"urn:domicile:schema:{self.name}:{self.version}"


SCHEMAS = {
    schema.name: schema
    for schema in (
        Schema("instance", 1, "optimizer.instance.schema:instance_schema", "instance files"),
        Schema("changes", 1, "optimizer.changes.vocabulary:changes_schema", "files of changes"),
        Schema("study", 1, "optimizer.study.models:study_schema", "study files"),
        Schema("plan", 1, "optimizer.plan.models:Plan", "plans"),
        Schema("audit", 1, "optimizer.audit:AuditReport", "what `audit --json` prints, but for `proof`"),
        Schema("proof", 1, "optimizer.proof:Proof", "what `audit --prove --json` prints as `proof`"),
        Schema("why", 1, "optimizer.explain:WhyAnswer", "answers to `explain why`"),
        Schema("prices", 1, "optimizer.explain:PricesAnswer", "answers to `explain prices`"),
        Schema("infeasible", 1, "optimizer.explain:InfeasibleAnswer", "answers to `explain infeasible`"),
        Schema("alternatives", 1, "optimizer.explain:AlternativesAnswer", "answers to `alternatives`"),
        Schema("diff", 1, "optimizer.explain.differences:PlanDiff", "what `diff` and `study compare` print as JSON"),
        Schema("frontier", 1, "optimizer.study:Frontier", "answers to `study frontier`"),
        Schema("regret", 1, "optimizer.study:RegretTable", "answers to `study regret`"),
        Schema("discovery", 1, "optimizer.study:Discovery", "answers to `study discover`"),
        Schema("export", 1, "optimizer.export.exported:Exported", "what `export --json` prints"),
        Schema("import", 1, "optimizer.importing.imported:Imported", "what `import --json` prints"),
    )
}
"""All that there are, by name."""


def json_schema(name: str) -> dict[str, Any]:
    """Return a schema by its name, with its version, and a description of every field."""
    from optimizer.schemas.described import described

    schema = SCHEMAS[name]
    module, _, attribute = schema.home.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    made: dict[str, Any] = _made(found, schema.mode)
    made.pop("$schema", None)
    head = {"$schema": DIALECT, "$id": schema.id, "title": f"domicile: {schema.what}"}
    return described({**head, **{key: value for key, value in made.items() if key != "title"}}, root_model(name))


def root_model(name: str) -> str:
    """Return the name of the model that a schema is of."""
    attribute = SCHEMAS[name].home.partition(":")[2]
    return name.capitalize() if attribute.endswith("_schema") else attribute


def _made(found: Any, mode: Literal["validation", "serialization"]) -> dict[str, Any]:
    make: Callable[..., dict[str, Any]] | None = getattr(found, "model_json_schema", None)
    return found() if make is None else make(mode=mode)


def schema_text(name: str) -> str:
    """Return a schema as the text of its file."""
    return json.dumps(json_schema(name), indent=1, ensure_ascii=False) + "\n"


def schema_file(name: str) -> str:
    """Return the name of the file of a schema beside a document of one's own: `domicile-instance-1.schema.json`."""
    return f"domicile-{name}-{SCHEMAS[name].version}.schema.json"


def bundled_file(name: str) -> str:
    """Return the name of the file in `instances/schemas`: `instance-1.json`."""
    return f"{name}-{SCHEMAS[name].version}.json"
