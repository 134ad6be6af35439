"""Descriptions of fields: the one of the model's own, else that of the field in its model, else that of its name."""

from __future__ import annotations

from typing import Any

from optimizer.schemas.words import words_of


def described(schema: dict[str, Any], root: str) -> dict[str, Any]:
    """Return a schema, of the model `root`, in which every field that has words is described."""
    made = dict(schema)
    made["properties"] = _described(root, schema.get("properties", {}))
    if "$defs" in schema:
        made["$defs"] = {
            name: {**model, "properties": _described(name, model["properties"])} if "properties" in model else model
            for name, model in schema["$defs"].items()
        }
    if not made["properties"]:
        del made["properties"]
    return made


def undescribed(schema: dict[str, Any], root: str) -> list[str]:
    """Return the fields of a schema that have no description, as Model.field."""
    models = {root: schema, **schema.get("$defs", {})}
    return [
        f"{name}.{field}"
        for name, model in models.items()
        for field, stated in model.get("properties", {}).items()
        if not stated.get("description")
    ]


def _described(model: str, properties: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for field, stated in properties.items():
        told = stated.get("description") or words_of(model, field)
        found[field] = {**stated, "description": told} if told else stated
    return found
