"""Ways to break what files hold: values of a document, cells of a table, bytes."""

from __future__ import annotations

import copy
import random
from typing import Any

from tools.fuzzing.values import JUNK, WORDS, fitting

Path = tuple[Any, ...]
SCALES = (0, -1, 1e-9, 1e-3, 0.5, 1.0001, 2, 1e3, 1e9, 1e300)
MOST_COPIES = 300


def paths_of(data: Any, path: Path = ()) -> list[Path]:
    """Return the path of every value below the root."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [found for key, value in items for found in [(*path, key), *paths_of(value, (*path, key))]]


def at(data: Any, path: Path) -> Any:
    """Return the value at a path."""
    for key in path:
        data = data[key]
    return data


def mutate(data: Any, rng: random.Random, schema: dict[str, Any] | None = None, most: int = 3) -> list[Path]:
    """Break one or more values of a document in place; return where.

    Values are taken out, doubled, renamed, scaled, swapped with others, or replaced by what fits the schema of their
    field or nothing at all; fields of the schema that are not there are added.
    """
    touched = []
    for _ in range(rng.randint(1, most)):
        paths = paths_of(data)
        if not paths:
            break
        path = rng.choice(paths)
        owner, key = at(data, path[:-1]), path[-1]
        action = rng.random()
        if action < 0.12:
            del owner[key]
        elif action < 0.22 and isinstance(owner, list):
            count = rng.choice((1, 1, 2, MOST_COPIES if len(str(owner[key])) < 1500 else 2))
            owner += [copy.deepcopy(owner[key]) for _ in range(count)]
        elif action < 0.28 and isinstance(owner, dict):
            owner[str(key) + rng.choice(["s", "_eur", "_usd", "x", " ", "\u00a0"])] = owner.pop(key)
        elif action < 0.42 and isinstance(owner[key], (int, float)) and not isinstance(owner[key], bool):
            owner[key] = owner[key] * rng.choice(SCALES)
        elif action < 0.55:
            owner[key] = copy.deepcopy(at(data, rng.choice(paths)))
        elif action < 0.62 and isinstance(owner[key], str):
            owner[key] = rng.choice(WORDS)
        elif action < 0.85 and schema is not None:
            path = _by_schema(data, path, schema, rng)
        else:
            owner[key] = copy.deepcopy(rng.choice(JUNK))
        touched.append(path)
    return touched


def _by_schema(data: Any, path: Path, schema: dict[str, Any], rng: random.Random) -> Path:
    """Replace the value at a path by one that fits, or add a field to the mapping it is in; return where."""
    inside = path[:-1] if rng.random() < 0.6 else path
    found = schema_at(schema, data, inside)
    while found is None or not found.get("properties"):
        if not inside:
            return path
        inside = inside[:-1]
        found = schema_at(schema, data, inside)
    name = rng.choice(list(found["properties"]))
    owner = at(data, inside)
    if isinstance(owner, dict):
        owner[name] = fitting(found["properties"][name], schema, rng, 2)
    return (*inside, name)


def schema_at(schema: dict[str, Any], data: Any, path: Path) -> dict[str, Any] | None:
    """Return the schema of the value at a path, None where it has none."""
    here: dict[str, Any] | None = _resolved(schema, schema, data)
    for key in path:
        data = data[key]
        if here is None:
            return None
        below = here.get("items") if isinstance(key, int) else here.get("properties", {}).get(key)
        here = _resolved(below, schema, data) if isinstance(below, dict) else None
    return here


def _resolved(schema: dict[str, Any], root: dict[str, Any], data: Any) -> dict[str, Any] | None:
    if "$ref" in schema:
        return _resolved(root["$defs"][schema["$ref"].rpartition("/")[2]], root, data)
    options = schema.get("oneOf") or schema.get("anyOf")
    if not options:
        return schema
    mapping = schema.get("discriminator", {}).get("mapping", {})
    kind = data.get("kind") if isinstance(data, dict) else None
    if kind in mapping if isinstance(kind, str) else False:
        return _resolved({"$ref": mapping[kind]}, root, data)
    wanted = {dict: "object", list: "array"}.get(type(data))
    for option in options:
        found = _resolved(option, root, data)
        if found is not None and found.get("type") == wanted:
            return found
    return None


PIECES = (
    b"\n", b"  ", b"[", b"}", b"- ", b": ", b"&a ", b"*a ", b"!x ", b"\t", b"'", b'"', b",", b"|", b"\x00", b"\r",
    b"\xff", b"\xef\xbb\xbf", b"\xc2\xa0", b"\xc2\x9b", b"\xed\xa0\xbd", b"1e999", b"---\n", b"<<: *a\n",
    b"%YAML 9\n", b"#", b"\\u",
)  # fmt: skip


def break_bytes(content: bytes, rng: random.Random) -> bytes:
    """Flip, cut, double or insert a few bytes."""
    raw = bytearray(content)
    for _ in range(rng.choice((1, 1, 3))):
        if not raw:
            break
        where, action = rng.randrange(len(raw)), rng.randrange(5)
        if action == 0:
            raw[where] = rng.randrange(256) if rng.random() < 0.3 else ord(rng.choice("0123456789abz-.: "))
        elif action == 1 and rng.random() < 0.3:
            del raw[where:]
        elif action == 2:
            raw[where:where] = rng.choice(PIECES) * rng.choice((1, 1, 1, 80))
        elif action == 3:
            raw[where:where] = raw[where : where + rng.choice((1, 2, 5, 200))]
        else:
            del raw[where : where + rng.choice((1, 2, 20))]
    return bytes(raw)


def break_cells(rows: list[list[str]], rng: random.Random) -> None:
    """Break one to three cells, rows or columns of a table in place."""
    for _ in range(rng.randint(1, 3)):
        row = rng.choice(rows)
        action = rng.randrange(6)
        if action == 0 and len(rows) > 1:
            rows.append(list(rng.choice(rows)))
        elif action == 1:
            column = rng.randrange(len(rows[0]))
            for cells in rows:
                if column < len(cells):
                    cells.insert(column, cells[column])
        elif action == 2 and row:
            row.pop()
        elif action == 3:
            row += [""] * rng.choice((1, 2, 50))
        elif row:
            junk = rng.choice((*WORDS, *(one for one in JUNK if isinstance(one, str | int | float))))
            row[rng.randrange(len(row))] = junk if isinstance(junk, str) else repr(junk)
