"""Reading a plan file: what is wrong with it is said with file and place, before any of it is believed."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from optimizer.errors import InputError, Issue
from optimizer.input_files import as_path, decoded, read_bytes

if TYPE_CHECKING:
    from pydantic import ValidationError

MAX_BYTES = 256 * 1024 * 1024


def parse_json(path: str | os.PathLike[str]) -> str:
    """Return the text of a JSON file that is well-formed, without duplicate keys and without NaN or infinity.

    Raises:
        InputError: naming file and line.
    """
    target = as_path(path, "path")
    name = str(target)
    text = decoded(read_bytes(target, name, limit=MAX_BYTES, maybe=None), name)
    if not text.strip():
        raise InputError(Issue("is empty", file=name, code="syntax"))
    problems: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) < len(items):
            seen: set[str] = set()
            problems.extend(f"key {key!r} appears twice" for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return result

    def constant(value: str) -> float:
        problems.append(f"{value} is no figure")
        return 0.0

    try:
        data = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        issue = Issue(f"not JSON: {error.msg}", file=name, line=error.lineno, where=f"column {error.colno}",
                      code="syntax")
        raise InputError(issue) from None
    except RecursionError:
        raise InputError(Issue("nested too deeply", file=name, code="too_large")) from None
    except ValueError as error:  # a number of more digits than Python reads
        raise InputError(Issue(f"not JSON: {error}", file=name, code="syntax")) from None
    if not isinstance(data, dict):
        problems.append(f"a plan is a mapping, this is a {type(data).__name__}")
    elif "placements" not in data:
        problems.append("has no placements")
    if problems:
        raise InputError(Issue(problem, file=name) for problem in dict.fromkeys(problems))
    return text


def validation_issues(error: ValidationError, file: str) -> list[Issue]:
    """Return one issue per problem pydantic found, with its place and its value."""
    issues = []
    for problem in error.errors(include_url=False):
        where = ""
        for part in problem["loc"]:
            where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
        message = problem["msg"].removeprefix("Value error, ")
        value = problem.get("input")
        if isinstance(value, str | int | float | bool) or value is None:
            message += f" (got {value!r})"
        maybe = "use only the fields of `domicile schema plan`" if problem["type"] == "extra_forbidden" else None
        issues.append(Issue(message, file=file, where=where or None, maybe=maybe))
    return issues
