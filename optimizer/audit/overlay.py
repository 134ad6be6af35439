"""The catalogue with the instance's own figures in place: `catalogue.overlay` as the audit reads it, row by row."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from optimizer.catalogue.check import typed
from optimizer.catalogue.schema import QUALITY_OF, TABLES

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue

Row = Mapping[str, Any]
OWN_FIGURES = {
    "pue": "pue_quality",
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
"""What says how a figure was had, for figures that an instance may put in the place of the catalogue's."""
NAMES = {"power": "skus", "egress": "egress_pairs"}
ASIDE = ("network", "throughput")
"""What is no table of the catalogue: looked up where it is asked for."""


def overlaid(catalogue: Catalogue, overlay: tuple[dict[str, Any], ...]) -> Catalogue:
    """Return the catalogue with rows added, and figures set by id or by the values of columns."""
    tables: dict[str, pd.DataFrame] = {}

    def table(name: str) -> pd.DataFrame:
        if name not in tables:
            kept = catalogue.tables[name] if name in catalogue.tables else catalogue.later[name]()
            tables[name] = kept.set_index(list(TABLES[name].key), drop=False)
        return tables[name]

    stated = [(NAMES.get(row["table"], row["table"]), row) for row in overlay if row["table"] not in ASIDE]
    for name, row in stated:
        if "add" in row:
            tables[name] = _with_row(table(name), name, row["add"])
    figures: dict[tuple[str, str], dict[Any, Any]] = {}
    for name, row in stated:
        for key in _keys(table(name), name, row, table("regions")) if "set" in row else ():
            for column, value in row["set"].items():
                figures.setdefault((name, column), {})[key] = _kept(name, column, value)
                if OWN_FIGURES.get(column) in table(name).columns:
                    figures.setdefault((name, OWN_FIGURES[column]), {})[key] = ""
    for (name, column), cells in figures.items():
        frame = table(name)
        values = [cells.get(key, old) for key, old in zip(frame.index.tolist(), frame[column].tolist(), strict=True)]
        tables[name] = frame.assign(**{column: pd.Series(values, index=frame.index, dtype=frame[column].dtype)})
    core = {name: frame for name, frame in tables.items() if name in catalogue.tables}
    later = {name: _later(frame) for name, frame in tables.items() if name not in catalogue.tables}
    return dataclasses.replace(
        catalogue, tables={**catalogue.tables, **core}, later={**catalogue.later, **later} if later else catalogue.later
    )


def _later(frame: pd.DataFrame) -> Any:
    return lambda: frame


def _kept(name: str, column: str, value: Any) -> Any:
    """Return a value as the catalogue keeps it: `DE|FR` is a set of countries."""
    spec = TABLES[name].column(column)
    return frozenset(value.split("|")) if spec is not None and spec.kind.startswith("countries") else value


def _keys(frame: pd.DataFrame, name: str, row: Row, regions: pd.DataFrame) -> list[Any]:
    """Return the keys of the rows that one of the overlay sets figures of."""
    if "id" in row:
        return [tuple(row["id"].split("/", 1)) if len(TABLES[name].key) > 1 else row["id"]]
    found = frame
    for column, wanted in row["where"].items():
        values = found[column] if column in found.columns else found["region_id"].map(regions["country"])
        found = found[values.isin([wanted] if isinstance(wanted, str | int | float) else list(wanted))]
    return list(found.index)


def _with_row(frame: pd.DataFrame, name: str, added: Row) -> pd.DataFrame:
    """Return a table with one more row, in the place of that of its key; ids that follow from others are made."""
    row = dict(added)
    if name == "regions":
        row.setdefault("region_id", f"{row['provider']}:{row['region']}")
    elif name == "offers":
        row.setdefault("purchase", "on_demand")
        row.setdefault("provider", row["region_id"].split(":")[0])
        row.setdefault("offer_id", ":".join((row["region_id"], row["sku"], row["purchase"])))
    elif name == "endpoints":
        row.setdefault("endpoint_id", f"{row.get('region_id') or row['provider']}:{row['model']}")
    one = typed(TABLES[name], pd.DataFrame([row]), None, [])
    for quality, figure in QUALITY_OF.get(name, {}).items():
        one[quality] = "missing" if pd.isna(one[figure].iloc[0]) else ""
    if "price_quality" in one:
        one["price_quality"] = ""
    one = one.set_index(list(TABLES[name].key), drop=False).reindex(columns=frame.columns)
    return pd.concat([frame[frame.index != one.index[0]], one]).astype(frame.dtypes.to_dict())


def own_round_trip(overlay: tuple[dict[str, Any], ...], origin: str, region: str) -> float | None:
    """Return the round trip that the overlay states, the last of several; None if it states none."""
    found = None
    for row in overlay:
        if row["table"] == "network" and (row["add"]["origin"], row["add"]["region"]) == (origin, region):
            found = float(row["add"]["rtt_ms"])
    return found


def own_speed(overlay: tuple[dict[str, Any], ...], workload: str, model: str | None, accelerator: str) -> float | None:
    """Return the units/s of one device that the overlay states: for the workload, else for its model."""
    for key, name in (("workload", workload), ("model", model)):
        for row in reversed(overlay):
            of = row.get("add", {})
            if row["table"] == "throughput" and of.get(key) == name and of["accelerator"] == accelerator:
                return float(of["units_per_s"])
    return None
