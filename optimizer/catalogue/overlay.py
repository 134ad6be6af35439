"""The instance's own figures over the catalogue's: `catalogue.overlay`.

A row of the overlay is one of

    {table, id, set, citation}      figures of one row: `id` is its key (`provider/sku`, `provider/region`, `src/dst`)
    {table, where, set, citation}   figures of every row that has these values (offers and endpoints: `country` as well)
    {table, add, citation}          a row, new or in the place of that of its key; columns it lacks are absent

`table` is one of TABLES. Figures have the kind and range that the catalogue's schema asks for, and in place of its
upper limits the ranges of those that an inline catalogue states (`optimizer/instance/ranges.py`); sets of countries are
written `DE|FR`. The quality of what was set becomes `stated`. `network` (round trips of users) and `throughput`
(units/s of one device, by workload or model) are no tables of the catalogue: their rows are added.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optimizer.catalogue import schema
from optimizer.catalogue.check import typed
from optimizer.catalogue.overlay_rows import (
    ADDED_ONLY,
    TABLES,
    added_issues,
    keys_of,
    shape_issues,
    stored_as,
    table_of,
    with_added,
    with_tables,
)
from optimizer.errors import Issue
from optimizer.instance.ranges import COLUMN_RANGES, VCPUS_AS_A_DEVICE, Range

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue

__all__ = ["TABLES", "apply_overlay", "cell", "stated_figures"]

Row = Mapping[str, Any]
QUALITY_OF = {
    "pue": "pue_quality",
    "wue_l_per_kwh": "wue_quality",
    "grid_lifecycle_g_per_kwh": "grid_quality",
    "idle_kw": "power_quality",
    "load_kw": "power_quality",
    "embodied_kg": "embodied_quality",
    "embodied_vendor_kg": "embodied_quality",
    "price_usd_per_hour": "price_quality",
    "price_usd_per_million_input_tokens": "price_quality",
    "price_usd_per_million_output_tokens": "price_quality",
    "kwh_per_million_output_tokens": "energy_quality",
    "kwh_per_million_input_tokens": "energy_quality",
}
CHOSEN = {"endpoints": ("scope",), "skus": ("accelerator",)}
"""Text columns whose words are those the table holds already (and `global` for a scope)."""


def apply_overlay(catalogue: Catalogue, overlay: Sequence[Row], issues: list[Issue]) -> Catalogue:
    """Return the catalogue with every row of the overlay applied, those that are added first; what fits no table, row,
    column or range goes to `issues`.
    """
    if not overlay:
        return catalogue
    found: list[tuple[int, Issue]] = []
    sound: list[tuple[int, Row]] = []
    for k, row in enumerate(overlay):
        told = list(shape_issues(row, f"catalogue.overlay[{k}]"))
        found += ((k, issue) for issue in told)
        sound += [] if told else [(k, row)]
    extended = with_added(catalogue, [(k, row) for k, row in sound if "add" in row], found)
    found += added_issues(extended, [(k, row) for k, row in sound if row["table"] in ADDED_ONLY])
    cells: dict[tuple[str, str], list[_Cell]] = {}
    for k, row in sound:
        if "set" in row:
            found += ((k, issue) for issue in _cells(extended, row, k, cells))
    tables: dict[str, pd.DataFrame] = {}
    for (name, column), stated in cells.items():
        if name not in tables:
            tables[name] = table_of(extended, name).copy()
        _write(tables[name], name, column, _sound(extended, name, column, stated, found))
    issues += (issue for _, issue in sorted(found, key=lambda pair: pair[0]))
    applied = with_tables(extended, tables)
    issues += [
        Issue(f"{column} {span.impossible(value)}", where=f"catalogue.overlay[{k}].{part}", maybe=span.advice)
        for k, part, column, value, span in stated_figures(applied, overlay)
        if span.possible is not None and value > span.possible
    ]
    return applied


def stated_figures(catalogue: Catalogue, overlay: Sequence[Row]) -> Iterator[tuple[int, str, str, float, Range]]:
    """Yield position, part (`set` or `add`), column, figure and range of every figure that an overlay puts into a
    catalogue; per device where the range is. What fits no table or row is left out.
    """
    devices = _Devices(catalogue)
    for k, row in enumerate(overlay):
        if any(shape_issues(row, "")):
            continue
        name, part = stored_as(row["table"]), "add" if "add" in row else "set"
        for column, value in row[part].items():
            span = COLUMN_RANGES.get((name, column))
            if span is None or not _is_figure(value):
                continue
            of = {devices.of(name, key) for key in keys_of(catalogue, row) or ()} if span.each else {1.0}
            yield from ((k, part, column, value / each, span) for each in sorted(of))


class _Devices:
    """How many devices a SKU, or that of an offer, holds; looked up for all of a table at once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def of(self, name: str, key: Any) -> float:
        """Return the devices of a row; 1 for anything else."""
        if name == "offers":
            return self._of_sku.get(self._sku_of.get(key, ("", "")), 1.0)
        return self._of_sku.get(key, 1.0) if name == "skus" else 1.0

    @cached_property
    def _sku_of(self) -> dict[str, tuple[str, str]]:
        offers = self._catalogue.offers
        pairs = zip(offers["provider"].tolist(), offers["sku"].tolist(), strict=True)
        return dict(zip(offers.index.tolist(), pairs, strict=True))

    @cached_property
    def _of_sku(self) -> dict[tuple[str, str], float]:
        skus = self._catalogue.skus
        held, vcpus = skus["devices"].to_numpy(dtype=float), skus["vcpu"].to_numpy(dtype=float)
        counted = np.where(held > 0, held, vcpus / VCPUS_AS_A_DEVICE)
        return dict(zip(skus.index.tolist(), np.where(counted > 1, counted, 1.0).tolist(), strict=True))  # 1 for NaN


def _is_figure(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


@dataclasses.dataclass(frozen=True)
class _Cell:
    """A value for a row of a column, and the position in the overlay of what states it."""

    row: int
    value: Any
    number: int


def _cells(
    catalogue: Catalogue, stated: Row, number: int, cells: dict[tuple[str, str], list[_Cell]]
) -> Iterator[Issue]:
    """Add the cells of a row of the overlay to those of their columns; a row that is not there is an issue."""
    name, where = stored_as(stated["table"]), f"catalogue.overlay[{number}]"
    table = table_of(catalogue, name)
    keys = keys_of(catalogue, stated)
    if keys is None:
        columns = ", ".join(sorted(stated["where"]))
        yield Issue(f"where names a column that {name} has not: {columns}", where=f"{where}.where")
        return
    if not keys:
        what = f"{name} has no row {stated['id']!r}" if "id" in stated else f"no row of {name} has all that where asks"
        yield Issue(what, where=where)
        return
    wanted = pd.MultiIndex.from_tuples(keys) if isinstance(keys[0], tuple) else pd.Index(keys)
    places = table.index.get_indexer(wanted)
    for column, value in stated["set"].items():
        cells.setdefault((name, column), []).extend(_Cell(int(at), value, number) for at in places)


def _sound(
    catalogue: Catalogue, name: str, column: str, stated: list[_Cell], issues: list[tuple[int, Issue]]
) -> list[_Cell]:
    """Return the cells that can stand in a column; of the others go issues, one for each row of the overlay. Figures
    are looked at all at once.
    """
    table = table_of(catalogue, name)
    figures = [one.value for one in stated]
    if all(map(_is_figure, figures)) and _problem(table, name, column, figures, catalogue) is None:
        return stated
    said: dict[int, str | None] = {}
    for one in stated:
        if one.number not in said:
            said[one.number] = _problem(table, name, column, [one.value], catalogue)
    issues += [
        (number, Issue(what, where=f"catalogue.overlay[{number}].set"))
        for number, what in said.items() if what is not None
    ]  # fmt: skip
    return [one for one in stated if said[one.number] is None]


def _write(table: pd.DataFrame, name: str, column: str, cells: list[_Cell]) -> None:
    """Put cells into a column, each with the quality `stated` where the column has one."""
    if not cells:
        return
    values = table[column].to_numpy(copy=True)
    for one in cells:
        values[one.row] = cell(name, column, one.value)
    table[column] = pd.Series(values, index=table.index, dtype=table[column].dtype, name=column)
    quality_of = QUALITY_OF.get(column)
    if quality_of in table.columns:
        quality = table[quality_of].to_numpy(copy=True)
        quality[[one.row for one in cells]] = "stated"
        table[quality_of] = pd.Series(quality, index=table.index, dtype=table[quality_of].dtype)


def cell(table: str, column: str, value: Any) -> Any:
    """Return a stated value as the catalogue keeps it: numbers as floats, `DE|FR` as a set of countries."""
    spec = schema.TABLES[table].column(column)
    if spec is not None and spec.kind in ("countries", "countries_or_none"):
        return frozenset(value.split("|"))
    return float(value) if isinstance(value, (int, float)) else value


def _problem(table: pd.DataFrame, name: str, column: str, values: list[Any], catalogue: Catalogue) -> str | None:
    """Say why a value (the first, for what is asked of one alone) cannot stand in a column, None if all can."""
    value = values[0]
    layout = schema.TABLES[name]
    spec = layout.column(column)
    if column not in table.columns or spec is None:
        return f"{name} has no column {column!r}"
    if column in layout.key or spec.kind in ("flag", "tristate"):
        return f"{column} cannot be replaced"
    if spec.kind in ("number", "integer"):
        if not _is_figure(value):
            return f"{column} is {value!r}, not a figure"
    elif not isinstance(value, str) or not value:
        return f"{column} is {value!r}, not a text"
    if (name, column) in COLUMN_RANGES:
        spec = dataclasses.replace(spec, high=None)
    found: list[Issue] = []
    typed(dataclasses.replace(layout, columns=(spec,)), pd.DataFrame({column: values}), None, found)
    if found:
        return f"{column}: {found[0].what}"
    known = _known_words(table, name, column, catalogue)
    return f"{column}: unknown {value!r}" if known is not None and value not in known else None


def _known_words(table: pd.DataFrame, name: str, column: str, catalogue: Catalogue) -> set[str] | None:
    """Return the words a column may hold; None if any."""
    for columns, target in schema.TABLES[name].references:
        if columns == (column,):
            return set(table_of(catalogue, target)[column])
    if column in CHOSEN.get(name, ()):
        return {*table[column], "global"} if column == "scope" else set(table[column])
    if column == "country":
        from optimizer.laws.codes import COUNTRIES

        return set(COUNTRIES)
    return None
