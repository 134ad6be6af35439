"""Plain data to a validated Instance; pydantic's errors become findings in the user's own words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from optimizer.instance.models import Instance
from optimizer.instance.place import Finding, Path, shortened
from optimizer.instance.shape import fields_at
from optimizer.suggest import did_you_mean

T = TypeVar("T", bound=BaseModel)
MOST_HELD = 100_000
"""Most wrong values that are described; the rest is counted."""

_WORDS = {
    "missing": "is missing",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "int_parsing": "should be a whole number",
    "bool_type": "should be true or false",
    "string_type": "should be text",
    "tuple_type": "should be a list",
    "list_type": "should be a list",
    "dict_type": "should be a mapping",
    "model_type": "should be a mapping of fields",
    "model_attributes_type": "should be a mapping of fields",
    "finite_number": "should be a finite number",
    "date_type": "should be a date such as 2027-01-31",
    "date_parsing": "should be a date such as 2027-01-31",
    "date_from_datetime_parsing": "should be a date such as 2027-01-31",
    "date_from_datetime_inexact": "should be a date without a time of day",
    "union_tag_not_found": "does not say its kind",
}
_TYPE_ERRORS = frozenset(
    ("float_type", "int_type", "tuple_type", "list_type", "string_type", "literal_error", "int_from_float")
)


def validate(data: dict[str, Any]) -> tuple[Instance | None, list[Finding]]:
    """Return the instance, or None and every problem pydantic found in it."""
    return read_as(Instance, data)


def read_as(model: type[T], data: dict[str, Any]) -> tuple[T | None, list[Finding]]:
    """Return data as a model, or None and every problem pydantic found in them."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
        rest = len(errors) - MOST_HELD
        found = describe(errors[:MOST_HELD], data, model)
        if rest > 0:
            found.append(Finding((), f"holds {rest:,} more wrong values"))
        return None, found


def describe(errors: Iterable[ErrorDetails], data: dict[str, Any], root: type[BaseModel] = Instance) -> list[Finding]:
    """Turn pydantic's errors into findings: real paths without union tags, one finding per value."""
    return [_finding(path, error, data, root) for path, error in distinct(errors, data)]


def distinct(errors: Iterable[ErrorDetails], data: dict[str, Any]) -> list[tuple[Path, ErrorDetails]]:
    """Return one error per value with its real path: of a union's members, the one that says most."""
    located = [(real_path(error["loc"], error["type"], data), error) for error in errors]
    chosen: dict[Path, ErrorDetails] = {}
    above = {path[:depth] for path, _ in located for depth in range(len(path))}
    for path, error in located:
        if error["type"] == "too_short" and path in above:
            continue  # pydantic counts only the items without errors
        weak = error["type"] in _TYPE_ERRORS
        if weak and len(path) < len(error["loc"]) and path in above:
            continue  # another member of the union took the value and complains deeper inside
        if path not in chosen or (chosen[path]["type"] in _TYPE_ERRORS and not weak):
            chosen[path] = error
    return list(chosen.items())


def real_path(loc: tuple[str | int, ...], kind: str, data: Any) -> Path:
    """Return pydantic's location without the names of union members it passes through."""
    path: list[str | int] = []
    here = data
    for at, key in enumerate(loc):
        inside = (isinstance(here, dict) and isinstance(key, str) and key in here) or (
            isinstance(here, list) and isinstance(key, int) and key < len(here)
        )
        if inside:
            here = here[key]
            path.append(key)
        elif kind == "missing" and at == len(loc) - 1:
            path.append(key)
    return tuple(path)


def _finding(path: Path, error: ErrorDetails, data: Any, root: type[BaseModel]) -> Finding:
    kind, context = error["type"], error.get("ctx", {})
    value = shortened(error["input"])
    if kind == "missing":
        return Finding(path, _WORDS[kind], code="missing")
    if kind == "extra_forbidden":
        key = str(path[-1]) if path else str(error["loc"][-1])
        maybe = did_you_mean(key, fields_at(root, path[:-1], data))
        return Finding(path, f"unknown field {shortened(key)}", maybe, code="unknown_field")
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _of_union(path, error)
    if kind == "literal_error":
        expected = str(context["expected"]).replace("'", "").replace(" or ", ", ")
        maybe = did_you_mean(value.strip("'"), expected.split(", "))
        listed = maybe is not None and maybe.startswith("you mean")
        what = f"is {value}; should be one of {expected}"
        return Finding(path, what, maybe if listed else None, code="unknown_name")
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        limit = next(iter(context.values()))
        words = {
            "greater_than": "above",
            "greater_than_equal": "at least",
            "less_than": "below",
            "less_than_equal": "at most",
        }
        return Finding(path, f"is {value}; must be {words[kind]} {limit}", code="out_of_range")
    if kind == "value_error":
        return Finding(path, str(context.get("error", error["msg"])))
    if kind == "too_short":
        return Finding(path, "is empty; at least one is needed", code="missing")
    if kind == "string_pattern_mismatch":
        what = f"is {value}, which does not fit {context['pattern']}"
        return Finding(path, what, _pattern_advice(str(path[-1]), value))
    if kind in _WORDS and error["input"] is None:
        what = f"has nothing below it; {_WORDS[kind]}"
        return Finding(path, what, "give it a value, or remove the line", code="missing")
    if kind in _WORDS:
        reason = f" ({context['error']})" if kind.startswith("date") and "error" in context else ""
        return Finding(path, f"is {value}; {_WORDS[kind]}{reason}", code="wrong_type")
    return Finding(path, f"is {value}: {error['msg']}")


def _of_union(path: Path, error: ErrorDetails) -> Finding:
    """Return what is wrong with the word (`kind`, `op`) that says which member of a union a mapping is."""
    context, given = error.get("ctx", {}), error["input"]
    name = str(context.get("discriminator", "")).strip("'")
    name = name if name.isidentifier() else "op"
    if error["type"] == "union_tag_not_found":
        if not isinstance(given, dict):
            return Finding(path, f"is {shortened(given)}; should be a mapping of fields")
        if given.get(name) is not None:
            return Finding((*path, name), f"is {shortened(given[name])}; should be text")
        expected = str(context.get("expected_tags", "")).replace("'", "")
        return Finding(path, f"{name} is missing", f"it is one of {expected}" if expected else None, code="missing")
    expected = str(context.get("expected_tags", "")).replace("'", "")
    tag = str(context.get("tag"))
    maybe = did_you_mean(tag, expected.split(", "))
    what = f"unknown {name} {tag!r}"
    return Finding((*path, name), what, maybe or f"it is one of {expected}", code="unknown_name")


def _pattern_advice(field: str, value: str) -> str | None:
    if field == "unit":
        return "a rate is work per s, min, h or day, in lower case: tokens/s, requests/min"
    return "an id has letters, digits and _ . : / @ + - only" if field == "id" else None
