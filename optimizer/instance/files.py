"""From a path to plain data: syntax and depth are settled here, before any model sees a value."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from optimizer.errors import InputError, Issue
from optimizer.input_files import read_text
from optimizer.instance.place import Path as ValuePath
from optimizer.instance.place import Place, show_path
from optimizer.instance.yaml_reader import DEPTH_LIMIT, NODE_BUDGET, read_yaml

_KINDS = {dict: "a mapping", list: "a list", str: "text", type(None): "empty"}


def read_document(path: Path, file: str) -> tuple[dict[str, Any], Place]:
    """Read a YAML or JSON file whose top level is a mapping; return its data and the place of every value."""
    data, place = _read(path, file, "an instance")
    if not isinstance(data, dict):
        kind = _KINDS.get(type(data), "a single value")
        raise InputError(Issue(f"is {kind}, not a mapping of fields", file=file, line=1))
    return plain(data, file, place), place


def read_list(path: Path, file: str, name: str) -> tuple[list[Any], Place]:
    """Read a YAML or JSON file that is a list; return it, and the place of every value as that of a field `name`."""
    data, place = _read(path, file, f"a file of {name}")
    if not isinstance(data, list):
        kind = _KINDS.get(type(data), "a single value")
        raise InputError(Issue(f"is {kind}, not a list of {name}", file=file, line=1))
    return plain(data, file, place), Place(file=file, children={name: place})


def _read(path: Path, file: str, what: str) -> tuple[Any, Place]:
    suffix = path.suffix.lower()
    if suffix not in (".yaml", ".yml", ".json"):
        raise InputError(Issue(f"has the suffix {suffix!r}; {what} is .yaml, .yml or .json", file=file))
    text = read_text(path, file)
    return _read_json(text, file) if suffix == ".json" else read_yaml(text, file)


def _read_json(text: str, file: str) -> tuple[Any, Place]:
    """Read JSON; its lines come from a second reading as YAML, whose flow style contains nearly all of JSON."""
    twice: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        data = dict(pairs)
        if len(data) < len(pairs):
            twice.extend(sorted(key for key, times in Counter(key for key, _ in pairs).items() if times > 1))
        return data

    try:
        data = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        what = f"is not JSON: {error.msg}"
        raise InputError(Issue(what, file=file, line=error.lineno, maybe="the file is truncated",
                               code="syntax")) from None
    except RecursionError:
        raise InputError(Issue(f"is nested more than {DEPTH_LIMIT} levels deep", file=file, code="too_large")) from None
    except ValueError as error:
        raise InputError(Issue(f"is not JSON: {error}", file=file, code="syntax")) from None
    try:
        _, place = read_yaml(text, file)
    except InputError as error:
        if twice:
            lines = [issue for issue in error.issues if issue.what.startswith("duplicate key")]
            raise InputError(lines or [Issue(f"duplicate key {key!r}", file=file) for key in twice]) from None
        place = Place(file=file)
    return data, place


def plain(value: Mapping[str, Any] | Any, file: str | None = None, places: Place | None = None) -> Any:
    """Copy nested mappings and sequences into dicts and lists, so that nothing is shared or endless.

    Scalars of numpy become Python's. Raises InputError for cycles, keys that are not text, text that cannot be written
    (half a surrogate pair), more than 64 levels or more than 2,000,000 values.
    """
    budget = NODE_BUDGET
    above: set[int] = set()
    unwritable = False

    def copy(item: Any) -> Any:
        nonlocal budget, unwritable
        budget -= 1
        if budget < 0:
            raise InputError(Issue(f"holds more than {NODE_BUDGET:,} values", file=file, code="too_large"))
        if isinstance(item, str):
            unwritable = unwritable or not _writable(item)
            return item
        if not isinstance(item, Mapping | list | tuple):
            return _python_value(item)
        if id(item) in above:
            raise InputError(Issue("a value contains itself: a cyclic reference", file=file))
        if len(above) > DEPTH_LIMIT:
            raise InputError(Issue(f"is nested more than {DEPTH_LIMIT} levels deep", file=file, code="too_large"))
        above.add(id(item))
        if isinstance(item, Mapping):
            odd = [key for key in item if not isinstance(key, str)]
            if odd:
                raise InputError(Issue(f"key {odd[0]!r} is not text", file=file))
            unwritable = unwritable or not all(map(_writable, item))
            result: Any = {key: copy(below) for key, below in item.items()}
        else:
            result = [copy(below) for below in item]
        above.discard(id(item))
        return result

    data = copy(value)
    if unwritable:
        raise InputError(_half_characters(data, file, places or Place()))
    return data


def _python_value(item: Any) -> Any:
    """Return a numpy scalar or list as Python's own; anything else as it is."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(item, numpy.generic | numpy.ndarray):
        return item
    if item.dtype.kind == "M":
        item = item.astype("datetime64[us]")
    return item.tolist()


def _writable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _half_characters(data: Any, file: str | None, places: Place) -> list[Issue]:
    """Return an issue for every text that no file could hold."""
    issues: list[Issue] = []

    def visit(item: Any, path: ValuePath) -> None:
        if isinstance(item, dict):
            for key, below in item.items():
                tell(key, (*path, key))
                visit(below, (*path, key))
        elif isinstance(item, list):
            for at, below in enumerate(item):
                visit(below, (*path, at))
        elif isinstance(item, str):
            tell(item, path)

    def tell(text: str, path: ValuePath) -> None:
        if not _writable(text):
            at = next(at for at, letter in enumerate(text) if "\ud800" <= letter <= "\udfff")
            where = ascii(show_path(path, data))[1:-1]
            what = f"holds half a character, {ascii(text[at])[1:-1]} at position {at}"
            line = places.locate(path)[1]
            issues.append(Issue(what, file, where, line, "write the character (an emoji, say) whole, or leave it out"))

    visit(data, ())
    return issues
