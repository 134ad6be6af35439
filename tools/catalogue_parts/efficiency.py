"""What is corrected and added to regions: grid zones, direct intensities of the same year, PUE and WUE by site.

PUE and WUE come with a step, which says how near to the site the figure is: `region`, `campus`, `geography` (the
operator's own name for a place), `derived` (mean of the zones of one region), `macro_region` (a continent), `design`
(what a new hall is planned for). Company and industry averages are no steps: they are fallbacks.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from catalogue_parts.common import read_csv

SITE_QUALITY = {
    "region": "published", "campus": "published", "geography": "published", "derived": "derived",
    "macro_region": "estimated", "design": "estimated",
}  # fmt: skip


def correct_places(regions: pd.DataFrame, source: Path) -> pd.Series:
    """Move regions to the grid zone and position they are known to have; return a remark on zones that are in doubt."""
    fixes = read_csv(source / "additions/environment/grid_zone_corrections.csv")
    row_of = pd.Series(regions.index, index=regions.provider + ":" + regions.region)
    remark = pd.Series("", index=regions.index)
    for fix in fixes[fixes.action.isin(["change", "coordinates", "flag_only"])].itertuples(index=False):
        row = row_of[fix.region_id]
        if fix.action == "change":
            regions.loc[row, "em_zone"] = fix.zone_proposed
            regions.loc[row, "zone_corrected"] = True
        if np.isfinite(fix.lat_proposed):
            regions.loc[row, ["lat", "lon"]] = fix.lat_proposed, fix.lon_proposed
        other = f", perhaps {fix.zone_proposed}" if fix.action == "flag_only" else ""
        remark[row] = f"{fix.reason} ({fix.confidence} confidence{other})"
    return remark


def doubted_zones(regions: pd.DataFrame, source: Path) -> pd.Series:
    """Return which regions may lie in another grid zone than the one given."""
    fixes = read_csv(source / "additions/environment/grid_zone_corrections.csv")
    flagged = set(fixes[fixes.action.eq("flag_only")].region_id)
    return (regions.provider + ":" + regions.region).isin(flagged)


def direct_of_the_year(zone: pd.Series, lifecycle: pd.Series, older: pd.DataFrame, source: Path) -> pd.DataFrame:
    """Return the direct intensity of the zone's own year, else an older one that is not above the lifecycle figure.

    Lifecycle counts what direct counts and more: a direct figure above it is of another year, place or publisher.
    """
    table = read_csv(source / "additions/environment/direct_2025_by_zone.csv").set_index("zone")
    out = older.copy()
    known = zone.isin(table.index)
    out.loc[known, "grid_direct_g_per_kwh"] = zone[known].map(table.direct_g_per_kwh_2025)
    out.loc[known, "grid_direct_year"] = 2025
    out.loc[known, "grid_direct_source"] = zone[known].map(table.source)
    out.loc[out.grid_direct_g_per_kwh > lifecycle, :] = np.nan
    return out


def site_efficiency(regions: pd.DataFrame, carbon: pd.DataFrame, source: Path) -> pd.DataFrame:
    """Return PUE and WUE by site with year, step, quality and source; company and industry averages are left out."""
    keys = regions.provider + ":" + regions.region
    table = read_csv(source / "additions/environment/pue_by_region_proposal.csv").set_index("region_id").reindex(keys)
    table.index = regions.index
    out = pd.DataFrame(index=regions.index)
    design = table.wue_action.eq("keep_catalogue")
    for name, column in (("pue", "pue"), ("wue", "wue_l_per_kwh")):
        step = table[f"{name}_quality"].where(table[f"{name}_quality"].isin(SITE_QUALITY), "")
        value, year = table[f"{name}_proposed"].where(step.ne("")), _year(table[f"{name}_period"])
        if name == "wue":
            step = step.mask(design, "design")
            value, year = value.mask(design, carbon.wue_l_per_kwh), year.mask(design, 2022)
        out[column] = value
        out[f"{name}_year"] = year.where(value.notna()).astype("Int64")
        out[f"{name}_step"] = step.where(value.notna(), "")
        out[f"{name}_quality"] = out[f"{name}_step"].map(SITE_QUALITY).fillna("missing")
    out["pue_source"] = table.pue_source.where(out.pue.notna(), "")
    return out


def _year(period: pd.Series) -> pd.Series:
    """The year that a period names."""
    return period.fillna("").str.extract(r"(\d{4})", expand=False).astype(float)
