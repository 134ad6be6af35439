"""The page of changes has every operation, with an example of each that runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

import domicile
from optimizer.changes.permissions import PERMISSIONS
from optimizer.changes.rules import OPEN, WIDEST
from optimizer.changes.vocabulary import OPERATIONS, AnyChange, changes_schema
from optimizer.compile.rules import KINDS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "changes.md").read_text(encoding="utf-8")
OPS = [one.model_fields["op"].annotation.__args__[0] for one in OPERATIONS]  # type: ignore[union-attr]
EXAMPLES = dict(re.findall(r"^\| `(\w+)` \| .* \| `(\{op: .*\})` \|$", PAGE, re.MULTILINE))
BEFORE: dict[str, list[dict[str, Any]]] = {
    "change_dataset": [{"op": "add_dataset", "dataset": {"id": "corpus", "size_gb": 5.0}}],
    "drop_dataset": [{"op": "add_dataset", "dataset": {"id": "corpus", "size_gb": 5.0}}],
    "open_regions": [{"op": "close_regions", "scope": {"countries": ["PL"]}}],
    "open_offers": [{"op": "close_offers", "scope": {"skus": ["a100-180"]}}],
}
INLINE = {
    "name": "toy", "horizon": {"start": "2027-01-01", "hours": 100.0}, "laws": {"use": "none"},
    "catalogue": {"use": "inline", "inline": {
        "regions": [{"id": "p:north", "provider": "p", "country": "DE"}],
        "offers": [{"sku": "g1", "region": "p:north", "accelerator": "X", "usd_per_hour": 2.0}]}},
    "workloads": [{"id": "job", "kind": "job", "work": 1e5, "runs": {"throughput": {"X": 10.0}}}],
}  # fmt: skip


def example(op: str) -> dict[str, Any]:
    """Return the example of the page, as YAML of an instance file reads it."""
    from optimizer.instance.yaml_reader import read_yaml

    return read_yaml(EXAMPLES[op].replace(r"\|", "|"), "page")[0]


def test_the_page_has_every_operation_once():
    """In the order of the vocabulary."""
    assert list(EXAMPLES) == OPS
    assert len(set(OPS)) == len(OPS)


@pytest.mark.parametrize("op", OPS)
def test_the_example_runs_and_changes_something(op: str):
    """On the instance the page names; the instance stays as it was, and what comes back loads as a file would."""
    inline = op in ("add_region", "add_offer")
    instance = domicile.load(INLINE if inline else "health-assistant")
    instance = domicile.changed(instance, BEFORE.get(op, []))
    fingerprint = domicile.instance_sha256(instance)
    other = domicile.changed(instance, [example(op)])
    assert domicile.instance_sha256(instance) == fingerprint
    assert domicile.instance_sha256(other) != fingerprint
    again = domicile.load(json.loads(other.model_dump_json()))
    assert domicile.instance_sha256(again) == domicile.instance_sha256(other)


def test_the_page_tells_what_lifting_is_of_every_kind_of_rule():
    """Every kind of rule has a row, every field and setting that can be lifted is there or in the page of instances."""
    section = PAGE[PAGE.index("## What lifting means") : PAGE.index("## Permissions")]
    rows = " ".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
    assert [kind for kind in KINDS if f"`{kind}:" not in rows] == []
    assert [name for name in WIDEST if f"`{name}`" not in section] == []
    instances = (Path(__file__).resolve().parents[2] / "docs" / "instance.md").read_text(encoding="utf-8")
    assert [name for name in OPEN if f"`{name}" not in instances] == []


def test_the_page_tells_every_permission():
    """Every kind has a row."""
    section = PAGE[PAGE.index("## Permissions") :]
    assert [kind for kind in PERMISSIONS if not re.search(rf"^\| `{kind}:", section, re.MULTILINE)] == []


def test_the_first_example_of_the_page_runs():
    """As it stands."""
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code
    names: dict[str, Any] = {}
    exec(code[1], names)
    assert names["other"].budgets == ()


def test_the_schema_has_every_operation():
    """A list of one of them, told apart by `op`."""
    schema = json.loads(json.dumps(changes_schema()))
    assert schema["type"] == "array"
    assert sorted(schema["items"]["discriminator"]["mapping"]) == sorted(OPS)
    assert schema["items"]["discriminator"]["propertyName"] == "op"


@pytest.mark.parametrize("op", OPS)
def test_every_operation_reads_back_what_it_writes(op: str):
    """JSON of a change is a change."""
    adapter: TypeAdapter[Any] = TypeAdapter(AnyChange)
    (change,) = domicile.load_changes([example(op)])
    assert isinstance(change, domicile.Change)
    assert adapter.validate_json(adapter.dump_json(change)) == change
    assert yaml.safe_load(json.dumps(adapter.dump_python(change, mode="json")))["op"] == op
