"""From a path to plain data: size, encoding and syntax are settled here, before any model sees a value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from optimizer.errors import InputError, Issue
from optimizer.instance.place import Place
from optimizer.instance.yaml_reader import DEPTH_LIMIT, NODE_BUDGET, read_yaml

SIZE_LIMIT_BYTES = 20_000_000
"""Largest file read, 20 MB: an instance file of 500 workloads is under 1 MB, and bulk belongs in tables."""


def read_bytes(path: Path, file: str) -> bytes:
    """Return the content of a regular file of at most 20 MB; InputError otherwise."""
    try:
        if not path.exists():
            raise InputError(Issue("does not exist", file=file))
        if not path.is_file():
            raise InputError(Issue("is not a regular file", file=file))
        size = path.stat().st_size
        if size > SIZE_LIMIT_BYTES:
            what = f"is {size / 1e6:,.1f} MB; the limit is {SIZE_LIMIT_BYTES / 1e6:,.0f} MB"
            raise InputError(Issue(what, file=file, maybe="split bulk lists into CSV or Parquet tables"))
        with path.open("rb") as stream:
            content = stream.read(SIZE_LIMIT_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(Issue(f"cannot be read: {reason}", file=file)) from None
    if len(content) > SIZE_LIMIT_BYTES:
        raise InputError(Issue(f"is over the limit of {SIZE_LIMIT_BYTES / 1e6:,.0f} MB", file=file))
    return content


def read_text(path: Path, file: str) -> str:
    """Return the text of a UTF-8 file (a byte order mark is dropped); InputError names the first bad byte's line."""
    content = read_bytes(path, file)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"is not UTF-8 text: byte 0x{content[error.start]:02x} at offset {error.start}"
        raise InputError(Issue(what, file=file, line=line, maybe="save the file as UTF-8")) from None
    if not text.strip():
        raise InputError(Issue("is empty", file=file))
    return text


def read_document(path: Path, file: str) -> tuple[dict[str, Any], Place]:
    """Read a YAML or JSON file whose top level is a mapping; return its data and the place of every value."""
    suffix = path.suffix.lower()
    if suffix not in (".yaml", ".yml", ".json"):
        what = f"has the suffix {suffix!r}; an instance is .yaml, .yml or .json"
        raise InputError(Issue(what, file=file))
    text = read_text(path, file)
    data, place = _read_json(text, file) if suffix == ".json" else read_yaml(text, file)
    if not isinstance(data, dict):
        kind = {list: "a list", str: "text", type(None): "empty"}.get(type(data), "a single value")
        raise InputError(Issue(f"is {kind}, not a mapping of fields", file=file, line=1))
    return plain(data, file), place


def _read_json(text: str, file: str) -> tuple[Any, Place]:
    """Read JSON; its lines come from a second reading as YAML, whose flow style contains nearly all of JSON."""
    twice: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        data = dict(pairs)
        if len(data) < len(pairs):
            keys = [key for key, _ in pairs]
            twice.extend(sorted({key for key in keys if keys.count(key) > 1}))
        return data

    try:
        data = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        what = f"is not JSON: {error.msg}"
        raise InputError(Issue(what, file=file, line=error.lineno, maybe="the file is truncated")) from None
    except RecursionError:
        raise InputError(Issue(f"is nested more than {DEPTH_LIMIT} levels deep", file=file)) from None
    except ValueError as error:
        raise InputError(Issue(f"is not JSON: {error}", file=file)) from None
    try:
        _, place = read_yaml(text, file)
    except InputError as error:
        if twice:
            lines = [issue for issue in error.issues if issue.what.startswith("duplicate key")]
            raise InputError(lines or [Issue(f"duplicate key {key!r}", file=file) for key in twice]) from None
        place = Place(file=file)
    return data, place


def plain(value: Mapping[str, Any] | Any, file: str | None = None) -> Any:
    """Copy nested mappings and sequences into dicts and lists, so that nothing is shared or endless.

    Raises InputError for cycles, keys that are not text, more than 64 levels or more than 2,000,000 values.
    """
    budget = NODE_BUDGET
    above: set[int] = set()

    def copy(item: Any) -> Any:
        nonlocal budget
        budget -= 1
        if budget < 0:
            raise InputError(Issue(f"holds more than {NODE_BUDGET:,} values", file=file))
        if not isinstance(item, Mapping | list | tuple):
            return item
        if id(item) in above:
            raise InputError(Issue("a value contains itself: a cyclic reference", file=file))
        if len(above) > DEPTH_LIMIT:
            raise InputError(Issue(f"is nested more than {DEPTH_LIMIT} levels deep", file=file))
        above.add(id(item))
        if isinstance(item, Mapping):
            odd = [key for key in item if not isinstance(key, str)]
            if odd:
                raise InputError(Issue(f"key {odd[0]!r} is not text", file=file))
            result: Any = {key: copy(below) for key, below in item.items()}
        else:
            result = [copy(below) for below in item]
        above.discard(id(item))
        return result

    return copy(value)
