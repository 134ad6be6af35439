"""`current.plan`: what runs today, read from a plan that this program wrote, as JSON or as a folder of tables."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from optimizer.errors import InputError, Issue
from optimizer.input_files import decoded, read_bytes, require_cells
from optimizer.instance.place import shortened

LISTS: dict[str, tuple[str, ...]] = {
    "placements": ("workload", "region", "sku", "endpoint", "purchase", "instances", "stream", "period",
                   "served_per_s", "work_units", "instance_hours"),
    "copies": ("dataset", "region"),
    "mechanisms": ("mechanism", "key"),
}  # fmt: skip
"""What of a plan's lists says what runs today."""
FIGURES = ("instances", "served_per_s", "work_units", "instance_hours")
WHERE = "current.plan"
_MAYBE = "name a plan that `domicile solve --output` wrote (JSON), or the folder of its tables"
Rows = dict[str, list[dict[str, Any]]]


def merge_current(data: dict[str, Any], folder: Path | None) -> list[Issue]:
    """Replace `current.plan` by the rows that it holds, appended to those stated; return what is wrong with it.

    `folder` is where the path starts; a mapping or a plan in hand needs none.
    """
    current = data.get("current")
    if not isinstance(current, dict) or current.get("plan") is None:
        return []
    stated = current["plan"]
    del current["plan"]
    try:
        rows = _rows_of(stated, folder)
    except InputError as error:
        return list(error.issues)
    for name, found in rows.items():
        own = current.setdefault(name, [])
        if isinstance(own, list):
            own += found
    return []


def _rows_of(stated: Any, folder: Path | None) -> Rows:
    if isinstance(stated, BaseModel):
        stated = stated.model_dump(mode="json")
    if isinstance(stated, Mapping):
        return _taken(dict(stated), WHERE)
    if not isinstance(stated, str) or not stated:
        raise InputError(Issue(f"is {shortened(stated)}, no path of a plan", where=WHERE, maybe=_MAYBE))
    if folder is None:
        maybe = "give the plan itself, or its placements"
        raise InputError(Issue(f"{stated!r} needs a file to stand beside", where=WHERE, maybe=maybe))
    path = folder / stated
    try:
        inside = path.resolve().is_relative_to(folder.resolve()) and not Path(stated).is_absolute()
        is_folder = path.is_dir()
    except (OSError, ValueError, RuntimeError):
        raise InputError(Issue(f"{shortened(stated)} is no path", where=WHERE, maybe=_MAYBE)) from None
    if not inside:
        what = f"{stated!r} lies outside the instance's folder"
        raise InputError(Issue(what, where=WHERE, maybe="copy it beside the file"))
    return _from_tables(path) if is_folder else _from_json(path)


def _from_json(path: Path) -> Rows:
    text = decoded(read_bytes(path, str(path), maybe=None), str(path))
    try:
        plan = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(Issue(f"is not JSON: {shortened(str(error))}", file=str(path), maybe=_MAYBE)) from None
    if not isinstance(plan, dict):
        raise InputError(Issue("is no plan: its top level is no mapping", file=str(path), maybe=_MAYBE))
    return _taken(plan, str(path))


def _from_tables(path: Path) -> Rows:
    plan: dict[str, Any] = {}
    for name in LISTS:
        table = path / f"{name}.csv"
        if not table.exists():
            continue
        content = read_bytes(table, str(table), folder=path, maybe=None)
        require_cells(content, str(table))
        try:
            rows = list(csv.DictReader(io.StringIO(decoded(content, str(table)), newline=""), strict=True))
        except csv.Error as error:
            raise InputError(Issue(f"is not CSV: {error}", file=str(table))) from None
        plan[name] = [{key: _cell(key, cell) for key, cell in row.items() if key and cell} for row in rows]
    return _taken(plan, str(path))


def _cell(column: str, text: str) -> Any:
    """Return a cell of a plan's table as its JSON has it; what is no figure stays text, for the model to refuse."""
    if column == "key":
        return text.split("|")
    if column in FIGURES:
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _taken(plan: dict[str, Any], file: str) -> Rows:
    """Return the rows of a plan's lists with what they say of today."""
    if not plan.get("placements"):
        what = "places nothing: it is no plan, or one that was not found"
        raise InputError(Issue(what, file=file, maybe=_MAYBE))
    found: Rows = {}
    for name, columns in LISTS.items():
        rows = plan.get(name) or []
        if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
            raise InputError(Issue(f"has {name} that are no list of rows", file=file, maybe=_MAYBE))
        found[name] = []
        for row in rows:
            told = {column: row[column] for column in columns if row.get(column) is not None}
            if "region" in columns:
                told["region"] = row.get("region_id") or f"{row.get('provider', '')}:{row.get('region', '')}"
            found[name].append(told)
    return found
