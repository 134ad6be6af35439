"""The JSON Schema of instance files, for `optimizer.schemas`."""

from __future__ import annotations

import re
from typing import Any

from optimizer.instance.models import Instance
from optimizer.instance.tables import CHILDREN, TARGETS


def instance_schema() -> dict[str, Any]:
    """Return the JSON Schema of instance files: `tables` included, and amounts in a currency of the instance's own."""
    schema = Instance.model_json_schema(mode="validation")
    schema["properties"]["tables"] = {
        "title": "Tables",
        "description": "CSV or Parquet files beside the instance file whose rows extend the list of that name.",
        "type": "object",
        "properties": {
            name: {"type": "string", "description": f"The file whose rows extend {name.replace('_', ' ')}."}
            for name in sorted([*TARGETS, *CHILDREN])
        },
        "additionalProperties": False,
    }
    for model in (schema, *schema["$defs"].values()):
        # Bulk lists may come from tables, so a file need not hold them itself.
        needed = [name for name in model.get("required", ()) if name not in TARGETS and name not in CHILDREN]
        if model.get("title") != "Currency":  # its usd_per_unit is the rate itself
            _take_currencies(model)
            needed = [name for name in needed if "usd" not in name.split("_")]
        if "required" in model:
            model["required"] = needed
    return schema


def _take_currencies(model: dict[str, Any]) -> None:
    """Let `limit_eur` stand for `limit_usd` in a model."""
    patterns = {}
    for name, stated in model.get("properties", {}).items():
        words = name.split("_")
        if "usd" in words:
            written = "_".join("[a-z]{3}" if word == "usd" else re.escape(word) for word in words)
            patterns[f"^{written}$"] = {**stated, "description": f"As {name}, in the instance's currency."}
    if patterns:
        model["patternProperties"] = patterns
