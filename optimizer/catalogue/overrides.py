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
from typing import TYPE_CHECKING, Any

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
    tables: dict[str, pd.DataFrame] = {}
    for k, override in enumerate(overrides):
        where = f"catalogue.overrides[{k}]"
        found = list(_shape_issues(override, where))
        if not found:
            name = override["table"]
            if name not in tables:
                tables[name] = getattr(catalogue, name).copy()
            found = list(_apply(tables[name], name, override, where, catalogue))
        issues += found
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
    for k, override in enumerate(overrides):
        if any(_shape_issues(override, "")):
            continue
        name = override["table"]
        for column, value in override["set"].items():
            span = COLUMN_RANGES.get((name, column))
            if span is not None and _is_figure(value):
                devices = _devices(catalogue, name, override["id"]) if span.each else 1.0
                yield k, column, value / devices, span


def _devices(catalogue: Catalogue, name: str, key: str) -> float:
    """Return how many devices a SKU, or that of an offer, holds; 1 for anything else."""
    if name == "offers":
        if key not in catalogue.offers.index:
            return 1.0
        sku = (catalogue.offers.at[key, "provider"], catalogue.offers.at[key, "sku"])
    elif name == "skus":
        provider, _, sku_name = key.partition("/")
        sku = (provider, sku_name)
    else:
        return 1.0
    if sku not in catalogue.skus.index:
        return 1.0
    devices, vcpus = catalogue.skus[["devices", "vcpu"]].loc[[sku]].to_numpy(dtype=float)[0].tolist()
    counted = devices if devices > 0 else vcpus / VCPUS_AS_A_DEVICE
    return counted if counted > 1 else 1.0  # not for NaN


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


def _apply(
    table: pd.DataFrame, name: str, override: Mapping[str, Any], where: str, catalogue: Catalogue
) -> Iterator[Issue]:
    key: Any = tuple(override["id"].split("/", 1)) if name == "skus" else override["id"]
    if key not in table.index:
        yield Issue(f"{name} has no row {override['id']!r}", where=where)
        return
    row = table.index.get_loc(key)
    for column, value in override["set"].items():
        what = _problem(table, name, column, value, catalogue)
        if what is not None:
            yield Issue(what, where=f"{where}.set")
            continue
        table[column] = _with_cell(table[column], row, cell(name, column, value))
        if column in QUALITY_OF:
            table.loc[[key], QUALITY_OF[column]] = "stated"


def cell(table: str, column: str, value: Any) -> Any:
    """Return a stated value as the catalogue keeps it: numbers as floats, `DE|FR` as a set of countries."""
    spec = schema.TABLES[table].column(column)
    if spec is not None and spec.kind in ("countries", "countries_or_none"):
        return frozenset(value.split("|"))
    return float(value) if isinstance(value, (int, float)) else value


def _with_cell(cells: pd.Series, row: Any, value: Any) -> pd.Series:
    values = cells.to_numpy(copy=True)
    values[row] = value
    return pd.Series(values, index=cells.index, dtype=cells.dtype, name=cells.name)


def _problem(table: pd.DataFrame, name: str, column: str, value: Any, catalogue: Catalogue) -> str | None:
    """Say why a value cannot stand in a column, None if it can."""
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
    typed(dataclasses.replace(layout, columns=(spec,)), pd.DataFrame({column: [value]}), None, found)
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
