"""JSON Schemas, for editors and for tools that write instances or read plans."""

from __future__ import annotations

from typing import Any

from optimizer.instance.models import Instance
from optimizer.instance.tables import CHILDREN, TARGETS

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def instance_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of instance files, `tables` included."""
    schema: dict[str, Any] = {"$schema": _DIALECT, **Instance.model_json_schema(mode="validation")}
    schema["properties"]["tables"] = {
        "title": "Tables",
        "description": "CSV or Parquet files beside the instance file whose rows extend the list of that name.",
        "type": "object",
        "properties": {name: {"type": "string"} for name in sorted([*TARGETS, *CHILDREN])},
        "additionalProperties": False,
    }
    # Bulk lists may come from tables, so a file need not hold them itself.
    schema["required"] = [name for name in schema["required"] if name not in TARGETS]
    return schema


def plan_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of plans."""
    from optimizer.plan.models import Plan

    return {"$schema": _DIALECT, **Plan.model_json_schema(mode="serialization")}
