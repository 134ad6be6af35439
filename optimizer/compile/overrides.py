"""The instance's own figures in place of the catalogue's: `catalogue.overrides`.

One override is `{table, id, set: {column: value}, citation?}`: `table` is one of TABLES, `id` the key of its row
(`provider/sku` for SKUs), `set` the figures. The quality of what was set becomes `stated`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.errors import Issue

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.catalogue import Catalogue

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


def apply_overrides(
    catalogue: Catalogue, overrides: Sequence[Mapping[str, Any]], issues: list[Issue]
) -> Catalogue:
    """Return the catalogue with every override applied; unknown tables, rows, columns and figures go to `issues`."""
    if not overrides:
        return catalogue
    tables: dict[str, pd.DataFrame] = {}
    for k, override in enumerate(overrides):
        where = f"catalogue.overrides[{k}]"
        found = _shape_issues(override, where)
        if found:
            issues += found
            continue
        name = override["table"]
        table = tables.setdefault(name, getattr(catalogue, name).copy())
        _apply(table, name, override, where, issues)
    return dataclasses.replace(catalogue, tables={**catalogue.tables, **tables})


def _shape_issues(override: Mapping[str, Any], where: str) -> list[Issue]:
    unknown = sorted(set(override) - {"table", "id", "set", "citation"})
    issues = [Issue(f"unknown key {key!r}", where=where, maybe="use table, id, set, citation") for key in unknown]
    if override.get("table") not in TABLES:
        issues.append(Issue(f"table {override.get('table')!r} is none of {', '.join(TABLES)}", where=where))
    if not isinstance(override.get("id"), str):
        issues.append(Issue("id of the row is missing", where=where))
    if not isinstance(override.get("set"), Mapping) or not override.get("set"):
        issues.append(Issue("set holds no column", where=where))
    return issues


def _apply(table: pd.DataFrame, name: str, override: Mapping[str, Any], where: str, issues: list[Issue]) -> None:
    key: Any = tuple(override["id"].split("/", 1)) if name == "skus" else override["id"]
    if key not in table.index:
        issues.append(Issue(f"{name} has no row {override['id']!r}", where=where))
        return
    for column, value in override["set"].items():
        if column not in table.columns:
            issues.append(Issue(f"{name} has no column {column!r}", where=f"{where}.set"))
            continue
        numeric = table[column].dtype.kind in "fi"
        bad = isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value) or value < 0
        if numeric and bad:
            issues.append(Issue(f"{column} is {value!r}, not a figure of at least 0", where=f"{where}.set"))
            continue
        if not numeric and not isinstance(value, str):
            issues.append(Issue(f"{column} is {value!r}, not a text", where=f"{where}.set"))
            continue
        table.loc[[key], column] = float(value) if numeric else value
        if column in QUALITY_OF:
            table.loc[[key], QUALITY_OF[column]] = "stated"
