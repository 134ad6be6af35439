"""Random values that fit a JSON Schema, and values that fit nothing."""

from __future__ import annotations

import random
import string
from typing import Any

WORDS = (
    "DE", "FR", "US", "NA", "NO", "XX", "EU27", "EEA", "aws", "azure", "scaleway", "aws:us-east-1", "paris", "oslo",
    "DE:Munich", "H100", "A100-80", "cpu", "gpu", "p5.48xlarge", "cuda", "personal", "health", "payment", "acme",
    "chat", "train", "meta-llama/Llama-3.1-8B-Instruct", "tokens/s", "requests/min", "units/s", "tokens", "SCC_EU",
    "BCR_EU", "DPF", "EU-GDPR-CHV", "RU-152FZ-18", "C5", "2027-01-01", "2027-02-30", "unlimited", "pue_fleet",
)  # fmt: skip
"""Names that mean something somewhere, and some that mean nothing."""

JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 0.0, 10**20, 10**400, 1e308, 1e-308, -1e-9, float("nan"), float("inf"), "", " ", "x", "NO",
    "null", "é\u2028", "\x1b[31mred\x1b[0m", "\x9b31m", "\u202eback", "\x00", "\ud83d", "😀", "2027-02-30", "=1+1",
    "a" * 5000,
    "../../etc/passwd", "/dev/zero", "%s%n", "{id}", [], [[]], [None], ["a", "a"], [1] * 300, {}, {"id": "a"},
    {"kind": "service"}, {"": 1}, {"limit_eur": 5}, [{"id": "a"}, {"id": "a"}],
)  # fmt: skip

DEEPEST = 7


def fitting(schema: dict[str, Any], root: dict[str, Any], rng: random.Random, depth: int = 0) -> Any:
    """Return a random value of a schema; `root` holds the definitions it refers to."""
    if "$ref" in schema:
        return fitting(root["$defs"][schema["$ref"].rpartition("/")[2]], root, rng, depth)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return fitting(rng.choice(schema[choice]), root, rng, depth)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        return _mapping(schema, root, rng, depth)
    if kind == "array":
        least = schema.get("minItems", 0)
        count = least if depth > DEEPEST else max(least, rng.choice((0, 1, 1, 2, 3)))
        return [fitting(schema.get("items", {}), root, rng, depth + 1) for _ in range(count)]
    if kind in ("number", "integer"):
        return _number(schema, rng, whole=kind == "integer")
    if kind == "boolean":
        return rng.random() < 0.5
    if kind == "null":
        return None
    if kind == "string":
        return rng.choice(WORDS) if rng.random() < 0.9 else "".join(rng.choices(string.ascii_lowercase, k=5))
    return rng.choice(WORDS)


def _mapping(schema: dict[str, Any], root: dict[str, Any], rng: random.Random, depth: int) -> dict[str, Any]:
    fields, needed = schema.get("properties", {}), set(schema.get("required", ()))
    share = 0.0 if depth > DEEPEST else rng.choice((0.0, 0.2, 0.6))
    found = {
        name: fitting(below, root, rng, depth + 1)
        for name, below in fields.items() if name in needed or rng.random() < share
    }  # fmt: skip
    if isinstance(schema.get("additionalProperties"), dict):
        count = rng.choice((0, 1, 2))
        found |= {
            rng.choice(WORDS): fitting(schema["additionalProperties"], root, rng, depth + 1) for _ in range(count)
        }
    return found


def _number(schema: dict[str, Any], rng: random.Random, *, whole: bool) -> float:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    high = min(schema.get("maximum", schema.get("exclusiveMaximum", 1e15)), 1e15)
    if rng.random() < 0.15:
        return rng.choice((low, high))
    value = low + (high - low) * rng.random() if rng.random() < 0.2 else low + 10 ** rng.uniform(-3, 4)
    value = min(value, high)
    return max(int(value), int(low)) if whole else value
