"""File and line for what only compiling finds wrong: its issues name the place in words alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from optimizer.bundled import instance_file
from optimizer.errors import InputError, Issue
from optimizer.instance.files import read_document
from optimizer.instance.place import Path as Steps
from optimizer.instance.place import Place
from optimizer.instance.tables import merge_tables

_STEP = re.compile(r"\.?(\w+)|\[(?:id=)?([^\]]*)\]")


@contextmanager
def placed_in(file: Path) -> Iterator[None]:
    """Let every InputError raised inside say where in `file`, or in a table beside it, the trouble is.

    Issues that have a file keep it; those whose place the file does not have stay as they are.
    """
    try:
        yield
    except InputError as error:
        raise InputError(_placed(list(error.issues), file)) from error


def _placed(issues: list[Issue], file: Path) -> list[Issue]:
    try:
        path = instance_file(file, str(file))
        data, places = read_document(path, str(file))
        merge_tables(data, places, path.parent)
    except InputError:
        return issues
    return [_with_line(issue, data, places) for issue in issues]


def _with_line(issue: Issue, data: Any, places: Place) -> Issue:
    steps = steps_to(issue.where or "", data)
    if issue.file is not None or not steps:
        return issue
    at, line, _, _ = places.locate(steps)
    return replace(issue, file=at, line=line)


def steps_to(where: str, data: Any) -> Steps:
    """Return keys and positions of a place such as `workloads[id=chat].work`, as far as the data has it."""
    steps: list[str | int] = []
    for match in _STEP.finditer(where):
        key, item = match.groups()
        step: str | int | None = key if isinstance(data, dict) and key in data else None
        if item is not None and isinstance(data, list):
            step = next((n for n, row in enumerate(data) if isinstance(row, dict) and row.get("id") == item), None)
            step = int(item) if step is None and item.isdecimal() and int(item) < len(data) else step
        if step is None:
            break
        steps.append(step)
        data = data[step]
    return tuple(steps)
