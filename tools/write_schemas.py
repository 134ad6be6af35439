"""Write the JSON Schemas of `instances/schemas`, for editors and for SchemaStore.

    python tools/write_schemas.py

A schema that would refuse documents which were valid, or that drops what readers rely on, is not written: raise its
version in `optimizer/schemas/__init__.py` first. The file of the old version then stays.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from optimizer.bundled import PATH
from optimizer.schemas import SCHEMAS, bundled_file, json_schema, schema_text

FOLDER = PATH / "schemas"
NARROWER = ("pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "const")


def broken_by(old: dict[str, Any], new: dict[str, Any], is_read: bool) -> list[str]:
    """Return what of an old schema a new one breaks: for documents that people write (`is_read`), or that they read."""
    models = {"": (old, new)} | {
        name: (model, new.get("$defs", {}).get(name, {})) for name, model in old.get("$defs", {}).items()
    }
    return [f"{name}{told}" for name, (before, after) in models.items() for told in _broken(before, after, is_read)]


def _broken(old: dict[str, Any], new: dict[str, Any], is_read: bool) -> Iterator[str]:
    if "properties" in old and "properties" not in new:
        yield " is gone"
        return
    for field, stated in old.get("properties", {}).items():
        if field not in new["properties"]:
            yield f".{field} is gone"
        elif _kinds(stated) - _kinds(new["properties"][field]) and is_read:
            yield f".{field} takes less than before"
        elif _kinds(new["properties"][field]) - _kinds(stated) and not is_read:
            yield f".{field} holds what it did not before"
    more = set(new.get("required", ())) - set(old.get("required", ()))
    if is_read and more:
        yield f" asks for {', '.join(sorted(more))}"
    less = set(old.get("required", ())) - set(new.get("required", ()))
    if not is_read and less:
        yield f" may lack {', '.join(sorted(less))}"


def _kinds(stated: dict[str, Any]) -> set[str]:
    """Return what a field may be, as words that can be compared: types, references, constants, limits."""
    members = stated.get("anyOf") or stated.get("oneOf") or [stated]
    found = set()
    for one in members:
        limits = [f"{key} {one[key]}" for key in NARROWER if key in one]
        words = [f"{value!r}" for value in one.get("enum", ())]
        kind = one.get("$ref") or one.get("type") or "anything"
        found |= {f"{kind} {word}" for word in words} if words else {" ".join([str(kind), *limits])}
    return found


def main() -> int:
    """Write what differs; return 1 where a version has to be raised first."""
    FOLDER.mkdir(exist_ok=True)
    failed = 0
    for name, schema in SCHEMAS.items():
        path = FOLDER / bundled_file(name)
        if path.exists():
            broken = broken_by(json.loads(path.read_text(encoding="utf-8")), json_schema(name),
                               schema.mode == "validation" or schema.home.endswith("_schema"))  # fmt: skip
            if broken:
                failed = 1
                print(f"{path.name}: raise the version of {name!r}: {'; '.join(broken)}", file=sys.stderr)
                continue
        path.write_text(schema_text(name), encoding="utf-8")
    return failed


if __name__ == "__main__":
    sys.exit(main())
