"""Bulk lists in CSV or Parquet beside the instance file.

A table stands for one list of the instance; its columns are the fields of that list's items, nested ones with dots
(`runs.model`, `data.persons.DE`), lists with `|` between their items. An empty cell is an absent field.
"""

from __future__ import annotations

import csv
import difflib
import functools
import io
import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from optimizer.errors import InputError, Issue
from optimizer.input_files import decoded, read_bytes, require_cells
from optimizer.instance.currency import CURRENCIES
from optimizer.instance.models import Instance
from optimizer.instance.place import Path as ValuePath
from optimizer.instance.place import Place, shortened
from optimizer.instance.shape import Shape, hints_of, shape_of
from optimizer.instance.world import OverlayRow
from optimizer.instance.yaml_reader import plain_scalar
from optimizer.suggest import did_you_mean

TARGETS: dict[str, ValuePath] = {
    "workloads": ("workloads",),
    "origins": ("origins",),
    "datasets": ("datasets",),
    "budgets": ("budgets",),
    "policies": ("policies",),
    "commitments": ("commitments",),
    "buy_instances": ("buy", "instances"),
    "discounts": ("discounts",),
    "mechanism_costs": ("mechanism_costs",),
    "quotas": ("quotas", "limits"),
    "periods": ("horizon", "periods"),
    "exporters": ("legal_assertions", "exporters"),
    "current": ("current", "placements"),
    "current_copies": ("current", "copies"),
    "providers": ("catalogue", "inline", "providers"),
    "regions": ("catalogue", "inline", "regions"),
    "offers": ("catalogue", "inline", "offers"),
    "endpoints": ("catalogue", "inline", "endpoints"),
    "network": ("catalogue", "inline", "network"),
    "throughput": ("catalogue", "inline", "throughput"),
    "overlay": ("catalogue", "overlay"),
}
"""Which list of the instance each table extends."""

CHILDREN: dict[str, tuple[str, str, str]] = {
    "streams": ("workloads", "workload", "streams"),
    "readers": ("datasets", "dataset", "readers"),
}
"""Tables whose rows belong to an item of another list: (that list, the column that names its id, the field)."""

_Row = tuple[int, int | None, list[Any]]
"""Number of a data row from 1, its line in the file if it has lines, its cells."""

_OTHER_SEPARATORS = ";\t|"
_NO_LINE_BREAK = "its last row does not end with a line break, so it may be cut short"


ALL_NAMES = "*"
"""Stands for every name, where a table could not be read at all."""


def merge_tables(data: dict[str, Any], places: Place, folder: Path) -> tuple[list[Issue], set[str]]:
    """Read every table the `tables` field names and append its rows to the lists of `data`, in place.

    `folder` is where table paths start. Returns the problems found and the names that were lost with unreadable rows;
    `tables` is removed from `data`.
    """
    tables = data.pop("tables", None)
    if tables is None:
        return [], set()
    if not isinstance(tables, dict):
        what = "is not a mapping of table names to files"
        return [Issue(what, file=places.file, where="tables", line=places.locate(("tables",))[1])], {ALL_NAMES}
    issues: list[Issue] = []
    gone: set[str] = set()
    order = sorted(tables, key=lambda name: name in CHILDREN)
    for name in order:
        try:
            issues += _merge_table(name, tables[name], data, places, folder, gone)
        except InputError as error:
            issues += error.issues
            gone.add(ALL_NAMES)
    return issues, gone


def _merge_table(  # noqa: PLR0917
    name: str, entry: Any, data: dict[str, Any], places: Place, folder: Path, gone: set[str]
) -> list[Issue]:
    issues: list[Issue] = []
    line = places.locate(("tables", name))[1]
    where = f"tables.{name}"
    if name not in TARGETS and name not in CHILDREN:
        maybe = did_you_mean(name, [*TARGETS, *CHILDREN])
        raise InputError(Issue(f"unknown table {name!r}", file=places.file, where=where, line=line, maybe=maybe))
    path = _inside(entry, folder, Issue("", file=places.file, where=where, line=line))
    file = str(folder / entry)
    item = _item_shape(name)
    parent = CHILDREN[name][1] if name in CHILDREN else None
    rows = list(_typed_rows(path, file, item, parent, issues, gone))
    if name in TARGETS:
        _append(data, places, TARGETS[name], rows)
    else:
        _append_children(data, places, name, rows, issues, gone)
    return issues


def _item_shape(name: str) -> Shape:
    """Return the shape of a table's rows; those of the overlay, kept as mappings, are `OverlayRow`s."""
    if name == "overlay":
        return Shape(models=(OverlayRow,))
    return shape_of(_annotation_at(TARGETS[name]).item) if name in TARGETS else _child_shape(name)


def _inside(entry: Any, folder: Path, at: Issue) -> Path:
    """Return the table's path if it lies inside the instance's folder once links are followed."""
    if not isinstance(entry, str) or not entry:
        raise InputError(Issue(f"is {entry!r}, not a file name", file=at.file, where=at.where, line=at.line))
    try:
        path = (folder / entry).resolve()
        inside = not Path(entry).is_absolute() and path.is_relative_to(folder.resolve())
        there = path.exists()
    except (OSError, ValueError, RuntimeError):
        raise InputError(Issue(f"{shortened(entry)} is no path", file=at.file, where=at.where, line=at.line)) from None
    if not inside:
        what = f"{entry!r} lies outside the instance's folder"
        raise InputError(Issue(what, file=at.file, where=at.where, line=at.line, maybe="copy it beside the file"))
    if not there:
        raise InputError(Issue(f"{entry!r} does not exist", file=at.file, where=at.where, line=at.line))
    return path


def _annotation_at(path: ValuePath) -> Shape:
    shape = Shape(models=(Instance,))
    for key in path:
        assert isinstance(key, str)
        shape = shape_of(hints_of(shape.models[0])[key])
    return shape


def _child_shape(name: str) -> Shape:
    parent, _, field = CHILDREN[name]
    models = shape_of(_annotation_at((parent,)).item).models
    hint = next(hints_of(model)[field] for model in models if field in model.model_fields)
    return shape_of(shape_of(hint).item)


# --- rows ---------------------------------------------------------------------------------------------------------


def _typed_rows(  # noqa: PLR0917
    path: Path, file: str, item: Shape, parent: str | None, issues: list[Issue], gone: set[str]
) -> Iterator[tuple[dict[str, Any], Place]]:
    """Yield each row as nested fields with its place; cells are typed by the field their column names."""
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise InputError(Issue(f"has the suffix {suffix!r}; a table is .csv or .parquet", file=file))
    header, rows = _read_csv(path, file, issues, gone) if suffix == ".csv" else _read_parquet(path, file)
    _require_columns(header, item, parent, file)
    kinds = [Shape(text=True) if column == parent else _column_kind(item, column) for column in header]
    readers = [_reader(kind) for kind in kinds]
    nested = any("." in column for column in header)
    for number, line, cells in rows:
        values = [read(cell) for read, cell in zip(readers, cells, strict=True)]
        row = {column: value for column, value in zip(header, values, strict=True) if value is not None}
        yield _unfolded(row) if nested else row, Place(line=line, file=file, row=number)


def _require_columns(header: list[str], item: Shape, parent: str | None, file: str) -> None:
    """Refuse a table without a column that every row needs, once instead of once per row."""
    needed = set.intersection(
        *(
            {
                name
                for name, field in model.model_fields.items()
                if field.is_required() and not _holds_models(model, name)
            }
            for model in item.models
        )
    )
    if parent is not None:
        needed.add(parent)
    present = {column.split(".")[0] for column in header} | {_in_usd(column) for column in header}
    spare = {column for column in header if _column_kind(item, _in_usd(column)) is None and column != parent}
    issues = [_missing(name, spare, file) for name in sorted(needed - present)]
    if len(header) == 1 and any(separator in header[0] for separator in _OTHER_SEPARATORS):
        what = f"has one column, {header[0]!r}"
        issues = [Issue(what, file=file, line=1, maybe="separate columns by commas")]
    if issues:
        raise InputError(issues)


def _missing(name: str, spare: set[str], file: str) -> Issue:
    """Return the issue of a missing column, with the column of a like name that stands there and means nothing."""
    alike = [column for column in sorted(spare) if _plain_name(column) == name]
    like = alike or difflib.get_close_matches(name, sorted(spare), n=1, cutoff=0.6)
    if not like:
        return Issue(f"missing column {name!r}", file=file, line=1)
    what = f"missing column {name!r}; there is {like[0]!r} instead"
    return Issue(what, file=file, line=1, maybe=f"rename column {like[0]!r} to {name!r}")


def _plain_name(column: str) -> str:
    """Return a column name in the spelling of fields: lower case, words joined by one underscore."""
    return "_".join(column.lower().replace("-", " ").replace("_", " ").split())


def _holds_models(model: type[BaseModel], name: str) -> bool:
    shape = shape_of(hints_of(model)[name])
    return shape.item is not None and bool(shape_of(shape.item).models)


def _in_usd(column: str) -> str:
    """Return the column name with a currency code that stands where `usd` would replaced by it."""
    return "_".join("usd" if part in CURRENCIES else part for part in column.split("_"))


def _read_csv(path: Path, file: str, issues: list[Issue], gone: set[str]) -> tuple[list[str], list[_Row]]:
    content = read_bytes(path, file)
    require_cells(content, file)
    text = decoded(content, file)
    if not text.strip():
        raise InputError(Issue("is empty", file=file))
    if not text.endswith(("\n", "\r")):
        last = text.count("\n") + 1
        issues.append(Issue(_NO_LINE_BREAK, file=file, line=last, maybe="end the last row with a line break"))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[_Row] = []
    header: list[str] = []
    blank: list[tuple[int, int]] = []
    line, number = 1, 0
    try:
        for cells in reader:
            start, line = line, reader.line_num + 1
            if len(cells) <= 1 and not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _header(cells, file, start)
                continue
            number += 1
            if not any(cell.strip() for cell in cells):
                blank.append((number, start))
            elif len(cells) == len(header):
                rows.append((number, start, [cell.strip() for cell in cells]))
            else:
                what = f"has {len(cells)} cells where the header has {len(header)}"
                issues.append(Issue(what, file=file, where=f"row {number}", line=start))
                gone.update(cells)
    except csv.Error as error:
        raise InputError(Issue(f"is not CSV: {error}", file=file, line=line, maybe="a quote is left open")) from None
    if not header:
        raise InputError(Issue("has no header", file=file, line=1))
    if blank:
        issues.append(_blank_rows(blank, file))
    return header, rows


def _blank_rows(blank: list[tuple[int, int]], file: str) -> Issue:
    """Return the one issue of all rows without a value, which spreadsheets save below a table."""
    first, line = blank[0]
    what = "has no value in any cell" + (f"; {len(blank):,} such rows in all" if blank[1:] else "")
    return Issue(
        what, file=file, where=f"row {first}", line=line, maybe="delete the blank rows and save the table again"
    )


def _header(cells: list[str], file: str, line: int) -> list[str]:
    header = [cell.strip() for cell in cells]
    issues = [Issue(f"column {n} has no name", file=file, line=line) for n, name in enumerate(header, 1) if not name]
    twice = sorted(name for name, times in Counter(header).items() if name and times > 1)
    issues += [Issue(f"duplicate column {name!r}", file=file, line=line) for name in twice]
    if issues:
        raise InputError(issues)
    return header


def _read_parquet(path: Path, file: str) -> tuple[list[str], list[_Row]]:
    from optimizer.instance.parquet import read_parquet

    names, columns = read_parquet(read_bytes(path, file), file)
    header = _header(names, file, 1)
    return header, [(number, None, list(cells)) for number, cells in enumerate(zip(*columns, strict=True), start=1)]


# --- cells --------------------------------------------------------------------------------------------------------


@functools.cache
def _column_kind(item: Shape, column: str) -> Shape | None:
    shapes = [item]
    for part in column.split("."):
        below: list[Shape] = []
        for shape in shapes:
            below += [shape_of(hints_of(model)[part]) for model in shape.models if part in model.model_fields]
            if shape.value is not None:
                below.append(shape_of(shape.value))
        shapes = below
    if not shapes:
        return None
    first = shapes[0]
    return Shape(
        models=first.models,
        item=first.item,
        value=first.value,
        text=any(shape.text for shape in shapes),
        number=any(shape.number for shape in shapes),
        boolean=any(shape.boolean for shape in shapes),
        words=first.words,
        anything=first.anything,
    )


def _reader(kind: Shape | None) -> Callable[[Any], Any]:
    """Return what types a cell of a column; a cell that does not fit stays text, so that the model says what is wrong.

    An empty cell is None; what Parquet typed already stays as it is.
    """
    inner = shape_of(kind.item) if kind is not None and kind.item is not None else None
    read_one = _scalar_reader(kind)
    if kind is None or inner is None:
        return lambda cell: (read_one(cell) if cell else None) if isinstance(cell, str) else cell
    read_item, is_list_only = _scalar_reader(inner), not kind.number

    def read(cell: Any) -> Any:
        if not isinstance(cell, str):
            return cell
        if not cell:
            return None
        if is_list_only or "|" in cell:
            return [read_item(part.strip()) for part in cell.split("|")]
        return read_one(cell)

    return read


def _scalar_reader(kind: Shape | None) -> Callable[[str], Any]:
    read: Callable[[str], Any] = _number if kind is None or kind.number else str
    if kind is None or not kind.boolean:
        return read
    return lambda text: text.lower() == "true" if text.lower() in ("true", "false") else read(text)


def _number(text: str) -> Any:
    value = plain_scalar(text)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return math.nan if text.lower() == "nan" else text


def _unfolded(flat: dict[str, Any]) -> dict[str, Any]:
    """Return a row with what stands in columns with dots below their fields."""
    row: dict[str, Any] = {}
    for column, value in flat.items():
        _set(row, column, value)
    return row


def _set(row: dict[str, Any], column: str, value: Any) -> None:
    *parents, last = column.split(".")
    here = row
    for part in parents:
        below = here.setdefault(part, {})
        if not isinstance(below, dict):
            below = here[part] = {}
        here = below
    here[last] = value


# --- merging ------------------------------------------------------------------------------------------------------


def _append(data: dict[str, Any], places: Place, path: ValuePath, rows: list[tuple[dict[str, Any], Place]]) -> None:
    here: Any = data
    for key in path[:-1]:
        if here.get(key) is None:
            here[key] = {}
        here = here[key]
        places = places.children.setdefault(key, Place())
        if not isinstance(here, dict):
            return  # the model reports what stands here
    target = here.setdefault(path[-1], [])
    place = places.children.setdefault(path[-1], Place())
    if not isinstance(target, list):
        return
    for row, row_place in rows:
        place.children[len(target)] = row_place
        target.append(row)


def _append_children(  # noqa: PLR0917
    data: dict[str, Any],
    places: Place,
    name: str,
    rows: list[tuple[dict[str, Any], Place]],
    issues: list[Issue],
    gone: set[str],
) -> None:
    parent, column, field = CHILDREN[name]
    items = data.get(parent)
    items = items if isinstance(items, list) else []
    ids = [item.get("id") if isinstance(item, dict) else None for item in items]
    index = {name: at for at, name in enumerate(ids) if isinstance(name, str)}
    parents = places.children.setdefault(parent, Place())
    for row, place in rows:
        owner = row.pop(column, None)
        at = index.get(owner) if isinstance(owner, str) else None
        if at is None and ALL_NAMES in gone:
            continue  # the table that defines it could not be read
        if at is None:
            what = f"unknown {column} {owner!r}" if owner is not None else "is missing"
            maybe = did_you_mean(owner, index) if isinstance(owner, str) else None
            issues.append(Issue(what, place.file, f"row {place.row}, column {column}", place.line, maybe))
            continue
        target = items[at].setdefault(field, [])
        if isinstance(target, list):
            owner_place = parents.children.setdefault(at, Place())
            below = owner_place.children.setdefault(field, Place())
            below.children[len(target)] = place
            target.append(row)
