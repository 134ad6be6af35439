"""What suppliers claim of the electricity of a region: shares matched over a year, and hour by hour.

Two different accounts, never one column: yearly matching counts purchases anywhere in the year (or within the grid of
the region) against consumption; hourly matching asks for carbon-free supply on the same grid in the same hour.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from catalogue_parts.common import read_csv

YEARLY = ("annual_renewable_matched_same_grid", "annual_renewable_matched")
HOURLY = "hourly_carbon_free_share"


def supplier_claims(regions: pd.DataFrame, source: Path) -> pd.DataFrame:
    """Return per region the shares claimed, with year, whether they are of the region or of the fleet, and source."""
    table = read_csv(source / "additions/environment/market_based.csv")
    table["year"] = table.period.str.extract(r"(\d{4})", expand=False).astype(float)
    table = table.sort_values("year", kind="stable")
    keys, out = regions.provider + ":" + regions.region, pd.DataFrame(index=regions.index)
    yearly = table[table.metric.isin(YEARLY)]
    own = yearly[yearly.scope.eq("region")].groupby("region_id").tail(1).set_index("region_id")
    fleet = yearly[yearly.scope.eq("fleet")].groupby("provider").tail(1).set_index("provider")
    of_region, of_fleet = keys.isin(own.index), regions.provider.isin(fleet.index)
    for column, name in (("matched_yearly_share", "value"), ("matched_yearly_year", "year"), ("source", "source")):
        out[column] = keys.map(own[name]).where(of_region, regions.provider.map(fleet[name]))
    out["matched_yearly_scope"] = np.select([of_region, of_fleet], ["region", "fleet"], "")
    hourly = table[table.metric.eq(HOURLY) & table.scope.eq("region")].groupby("region_id").tail(1)
    hourly = hourly.set_index("region_id")
    out["matched_hourly_share"] = keys.map(hourly.value)
    out["matched_hourly_year"] = keys.map(hourly.year).astype("Int64")
    out["matched_yearly_year"] = out.matched_yearly_year.astype("Int64")
    out["matched_source"] = out.pop("source").fillna(keys.map(hourly.source)).fillna("")
    return out
