"""The instance's own figures in place of the catalogue's: `catalogue.overrides`.

One override is `{table, id, set: {column: value}, citation?}`: `table` is one of TABLES, `id` the key of its row
(`provider/sku` for SKUs), `set` the cells, each of the kind and in the range that the catalogue's schema asks for;
sets of countries are written `DE|FR`. The quality of what was set becomes `stated`. Figures have the ranges of those
that an inline catalogue states, which take the place of the schema's upper limits (`optimizer/instance/ranges.py`).
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
from optimizer.errors import Issue
from optimizer.instance.ranges import COLUMN_RANGES, VCPUS_AS_A_DEVICE, Range

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue

TABLES = ("providers", "regions", "accelerators", "skus", "offers", "endpoints")
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
}
CHOSEN = {"endpoints": ("scope",), "skus": ("accelerator",)}
"""Text columns whose words are those the table holds already (and `global` for a scope)."""


def apply_overrides(catalogue: Catalogue, overrides: Sequence[Mapping[str, Any]], issues: list[Issue]) -> Catalogue:
    """Return the catalogue with every override applied; what fits no table, row, column or range goes to `issues`."""
    if not overrides:
        return catalogue
    cells: dict[tuple[str, str], list[_Cell]] = {}
    found: list[tuple[int, Issue]] = []
    for k, override in enumerate(overrides):
        where = f"catalogue.overrides[{k}]"
        told = list(_shape_issues(override, where)) or list(_cells(catalogue, override, k, cells))
        found += ((k, issue) for issue in told)
    tables: dict[str, pd.DataFrame] = {}
    for (name, column), stated in cells.items():
        if name not in tables:
            tables[name] = getattr(catalogue, name).copy()
        _write(tables[name], name, column, _sound(catalogue, name, column, stated, found))
    issues += (issue for _, issue in sorted(found, key=lambda pair: pair[0]))
    applied = dataclasses.replace(catalogue, tables={**catalogue.tables, **tables})
    issues += [
        Issue(f"{column} {span.impossible(value)}", where=f"catalogue.overrides[{k}].set", maybe=span.advice)
        for k, column, value, span in stated_figures(applied, overrides)
        if span.possible is not None and value > span.possible
    ]
    return applied


def stated_figures(
    catalogue: Catalogue, overrides: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[int, str, float, Range]]:
    """Yield position, column, figure and range of every figure that overrides put into a catalogue; per device where
    the range is. What fits no table or row is left out.
    """
    devices = _Devices(catalogue)
    for k, override in enumerate(overrides):
        if any(_shape_issues(override, "")):
            continue
        name = override["table"]
        for column, value in override["set"].items():
            span = COLUMN_RANGES.get((name, column))
            if span is not None and _is_figure(value):
                yield k, column, value / (devices.of(name, override["id"]) if span.each else 1.0), span


class _Devices:
    """How many devices a SKU, or that of an offer, holds; looked up for all of a table at once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def of(self, name: str, key: str) -> float:
        """Return the devices; 1 for anything else."""
        if name == "offers":
            return self._of_sku.get(self._sku_of.get(key, ("", "")), 1.0)
        provider, _, sku = key.partition("/")
        return self._of_sku.get((provider, sku), 1.0) if name == "skus" else 1.0

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


def _shape_issues(override: Mapping[str, Any], where: str) -> Iterator[Issue]:
    for key in sorted(set(override) - {"table", "id", "set", "citation"}):
        yield Issue(f"unknown key {key!r}", where=where, maybe="use table, id, set, citation")
    if override.get("table") not in TABLES:
        yield Issue(f"table {override.get('table')!r} is none of {', '.join(TABLES)}", where=where)
    if not isinstance(override.get("id"), str):
        yield Issue("id of the row is missing", where=where)
    if not isinstance(override.get("set"), Mapping) or not override.get("set"):
        yield Issue("set holds no column", where=where)


@dataclasses.dataclass(frozen=True)
class _Cell:
    """A value for a row of a column, and the position of the override that states it."""

    row: int
    value: Any
    number: int


def _cells(
    catalogue: Catalogue, override: Mapping[str, Any], number: int, cells: dict[tuple[str, str], list[_Cell]]
) -> Iterator[Issue]:
    """Add the cells of an override to those of its columns; a row that is not there is an issue."""
    name = override["table"]
    index = getattr(catalogue, name).index
    key: Any = tuple(override["id"].split("/", 1)) if name == "skus" else override["id"]
    if key not in index:
        yield Issue(f"{name} has no row {override['id']!r}", where=f"catalogue.overrides[{number}]")
        return
    for column, value in override["set"].items():
        cells.setdefault((name, column), []).append(_Cell(index.get_loc(key), value, number))


def _sound(
    catalogue: Catalogue, name: str, column: str, stated: list[_Cell], issues: list[tuple[int, Issue]]
) -> list[_Cell]:
    """Return the cells that can stand in a column; of the others go issues. Figures are looked at all at once."""
    table = getattr(catalogue, name)
    figures = [one.value for one in stated]
    if all(map(_is_figure, figures)) and _problem(table, name, column, figures, catalogue) is None:
        return stated
    sound = []
    for one in stated:
        what = _problem(table, name, column, [one.value], catalogue)
        if what is None:
            sound.append(one)
        else:
            issues.append((one.number, Issue(what, where=f"catalogue.overrides[{one.number}].set")))
    return sound


def _write(table: pd.DataFrame, name: str, column: str, cells: list[_Cell]) -> None:
    """Put cells into a column, each with the quality `stated` where the column has one."""
    if not cells:
        return
    values = table[column].to_numpy(copy=True)
    for one in cells:
        values[one.row] = cell(name, column, one.value)
    table[column] = pd.Series(values, index=table.index, dtype=table[column].dtype, name=column)
    if column in QUALITY_OF:
        quality = table[QUALITY_OF[column]].to_numpy(copy=True)
        quality[[one.row for one in cells]] = "stated"
        table[QUALITY_OF[column]] = pd.Series(quality, index=table.index, dtype=table[QUALITY_OF[column]].dtype)


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
            return set(getattr(catalogue, target)[column])
    if column in CHOSEN.get(name, ()):
        return {*table[column], "global"} if column == "scope" else set(table[column])
    if column == "country":
        from optimizer.laws.codes import COUNTRIES

        return set(COUNTRIES)
    return None
