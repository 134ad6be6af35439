"""Hourly shapes of the grid: typical day per month, as a ratio to the annual mean of the same series."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

MIN_HOURS = 8_700  # a year with fewer hours has no usable annual mean
FLAT_SWING = 0.02  # a zone whose ratios stay within ±1 % of the mean has no usable hourly shape
KNOWN_FLAT = frozenset({"HK", "ID", "SG", "US-NW-SCL"})


def build_grid_shapes(source: Path) -> pd.DataFrame:
    """Ratios r[zone, basis, month, UTC hour]; the level of an hour is ratio × annual intensity of the same basis."""
    hourly = pd.read_parquet(source / "environment/grid_hourly.parquet")
    hourly = hourly[hourly.preferred]
    hourly["zone"] = hourly.zone.astype(str)
    hourly["year"] = hourly.ts_utc.dt.year
    hourly["month"] = hourly.ts_utc.dt.month
    hourly["hour"] = hourly.ts_utc.dt.hour
    tables = []
    for basis in ("lifecycle", "direct"):
        series = hourly.rename(columns={f"gco2e_kwh_{basis}": "value"}).dropna(subset=["value"])
        counts = series.groupby(["zone", "year"]).size()
        full = counts[counts >= MIN_HOURS].reset_index()
        latest = full.groupby("zone").year.max()
        series = series[series.year.eq(series.zone.map(latest))]
        mean = series.groupby("zone").value.mean()
        typical = series.groupby(["zone", "month", "hour"]).value.mean().unstack("hour")
        ratio = typical.div(mean.reindex(typical.index.get_level_values("zone")).to_numpy(), axis=0)
        ratio.columns = [f"h{h:02d}" for h in ratio.columns]
        used = series.drop_duplicates("zone").set_index("zone")
        out = ratio.round(4).reset_index()
        out.insert(0, "basis", basis)
        out.insert(3, "year", out.zone.map(latest))
        swing = ratio.max(axis=1).groupby("zone").max() - ratio.min(axis=1).groupby("zone").min()
        out.insert(4, "flat", (out.zone.isin(KNOWN_FLAT) | (out.zone.map(swing) < FLAT_SWING)).astype(int))
        out["source"] = out.zone.map(used.source_id).astype(str)
        tables.append(out)
    return pd.concat(tables, ignore_index=True)
