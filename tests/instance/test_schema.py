"""The JSON schemas of instances and plans."""

from __future__ import annotations

import json

from optimizer.schemas import json_schema


def test_schemas_are_json_and_name_every_field():
    """The instance schema has each field of the model and `tables`; the plan schema the promised top level."""
    schema = json.loads(json.dumps(json_schema("instance")))
    assert {"name", "horizon", "workloads", "legal_assertions", "tables"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False
    assert "workloads" not in schema["required"]
    plan = json_schema("plan")
    top = {"status", "objective_usd", "bound_usd", "gap", "cost_breakdown_usd", "carbon_kg", "placements", "versions"}
    assert top | {"instance_sha256"} <= set(plan["properties"])
