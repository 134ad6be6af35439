"""`plan`: a CSV of where things run today, as `current.placements`.

Its columns are those of a row of `current`: `workload` and `region`, and where known `sku` or `endpoint`, `purchase`,
`instances`, `stream`, `period`, `served_per_s`, `work_units`, `instance_hours`, `usd_per_hour`. The table of placements
that `domicile solve --tables` writes is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from optimizer.errors import InputError, Issue
from optimizer.importing.imported import Imported, NotRead, csv_rows
from optimizer.instance.current import RunningToday

COLUMNS = tuple(RunningToday.model_fields)
OTHER_NAMES = {"region_id": "region"}
"""Columns of a table of placements that hold what another one of `current` is called."""
NUMBERS = ("instances", "served_per_s", "work_units", "instance_hours", "usd_per_hour")


def imported(paths: list[Path], *, usd_per_unit: float | None, clusters: Mapping[str, str]) -> Imported:
    """Return the rows that are whole; the others, and columns that `current` does not have, are not read."""
    (path,) = paths
    columns, rows = csv_rows(path)
    taken = {name: OTHER_NAMES.get(name, name) for name in columns if OTHER_NAMES.get(name, name) in COLUMNS}
    if "region_id" in columns:
        taken.pop("region", None)
    missing = [name for name in ("workload", "region") if name not in taken.values()]
    if missing:
        maybe = f"its columns are {', '.join(COLUMNS)}"
        raise InputError(Issue(f"has no column {missing[0]!r}", file=str(path), line=1, maybe=maybe))
    told = ("region", "provider") if "region_id" in columns else ()
    others = [name for name in columns if name not in taken and name not in told]
    silent = [NotRead(what=f"columns {', '.join(others)}", why="no fields of `current`")] if others else []
    found = []
    for line, row in rows:
        values = {taken[name]: cell for name, cell in row.items() if name in taken and cell}
        read = _row(values)
        if isinstance(read, str):
            silent.append(NotRead(what=f"line {line}", why=read))
        else:
            found.append(read)
    part = {"current": {"placements": found}} if found else {}
    return Imported(source="plan", files=(str(path),), part=part, not_read=tuple(silent))


def _row(values: dict[str, str]) -> dict[str, Any] | str:
    """Return a row of `current`, or what is wrong with it."""
    typed: dict[str, Any] = dict(values)
    for name in NUMBERS:
        if name in typed:
            try:
                typed[name] = float(typed[name])
            except ValueError:
                return f"{name} is {typed[name]!r}, which is no number"
    try:
        row = RunningToday.model_validate(typed)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'row'}: {first['msg']}"
    return row.model_dump(mode="json", exclude_none=True)
