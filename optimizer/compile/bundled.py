"""Tables of the world from the bundled catalogue, prices as listed; and the prices put in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.catalogue.shapes import ODBL_NOTICE
from optimizer.compile.offers import bundled_offers, bundled_regions, committed_offers, reserved_offers, without_closed
from optimizer.compile.periods import clock_weights, shaped
from optimizer.errors import Issue
from optimizer.instance.models import Instance

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue

Floats = NDArray[np.float64]
LISTED = ("price_usd_per_hour", "price_quality")
"""What is listed of the hourly price of a machine."""


@dataclass(frozen=True, eq=False)
class BundledTables:
    """Regions, open and closed offers, and the grid, of the bundled catalogue; prices as listed. `listed` [offers] is
    the row of the catalogue's offers that has the price, -1 for endpoints and commitments.
    """

    regions: pd.DataFrame
    offers: pd.DataFrame
    closed: pd.DataFrame
    grid: Floats
    warnings: list[str]
    listed: NDArray[np.int64]


def priced(tables: BundledTables, catalogue: Catalogue) -> pd.DataFrame:
    """Return the open offers, as a table of their own, with the prices of the catalogue."""
    offers, has = tables.offers.copy(deep=False), tables.listed >= 0
    for column in LISTED:
        values = offers[column].to_numpy(copy=True)
        values[has] = catalogue.offers[column].to_numpy()[tables.listed[has]]
        offers[column] = values
    return offers


def bundled_tables(instance: Instance, catalogue: Catalogue, hours: Floats, issues: list[Issue]) -> BundledTables:
    """Return the tables of an instance's world; what it names and the catalogue has not goes to `issues`."""
    day = instance.horizon.start
    regions = bundled_regions(instance, catalogue)
    for region in sorted(set(instance.catalogue.fixed_usd_per_hour) - {*regions.region_id, "*"}):
        issues.append(Issue(f"unknown region {region!r}", where="catalogue.fixed_usd_per_hour"))
    offers, closed = bundled_offers(instance, catalogue, regions, instance.laws.as_of or day)
    committed = committed_offers(instance, catalogue, regions, issues)
    for more in (committed, reserved_offers(instance, catalogue, regions)):
        if len(more):
            offers = pd.concat([offers, more], ignore_index=True)
    offers["region"] = offers.region.astype(np.int64)
    offers, closed = without_closed(offers, closed, regions, instance.catalogue.exclude_offers)
    grid, warnings = _bundled_grid(instance, catalogue, regions, hours)
    listed = catalogue.offers.index.get_indexer(pd.Index(offers.offer_id))
    return BundledTables(regions, offers, closed, grid, warnings, listed.astype(np.int64))


def none_stated(providers: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Bundled certifications belong to services and regions, not to companies: the law pack holds them."""
    return dict.fromkeys(providers.index, frozenset())


def _bundled_grid(
    instance: Instance, catalogue: Catalogue, regions: pd.DataFrame, hours: Floats
) -> tuple[Floats, list[str]]:
    """Return g/kWh [regions, periods]: annual level, or annual level x hourly shape of the month."""
    annual = regions.grid_g_per_kwh_annual.to_numpy(dtype=float)
    if instance.carbon.resolution == "annual":
        return np.repeat(annual[:, None], len(hours), axis=1), []
    weights = clock_weights(instance.horizon.start, hours)
    basis = "direct" if instance.carbon.basis == "location_direct" else "lifecycle"
    zones = regions.grid_zone.to_numpy(dtype=object)
    empty = np.full((len(zones), 24), np.nan)
    shapes = [empty] * 12
    for month in np.flatnonzero(weights.sum(axis=(0, 2)) > 0):
        known = sorted({zone for zone in zones if zone})
        table = catalogue.grid_shape(known, int(month) + 1, basis)
        shapes[month] = table.reindex(zones).to_numpy(dtype=float)
    flat = sorted({
        str(zone)
        for zone, row, open_ in zip(zones, np.isnan(np.stack(shapes)).all(axis=(0, 2)), regions.open, strict=True)
        if row and open_ and zone
    })  # fmt: skip
    shaped_by = ~np.isnan(np.stack(shapes)).all(axis=(0, 2))
    warnings = [ODBL_NOTICE] if (shaped_by & regions.open.to_numpy(dtype=bool)).any() else []
    if flat:
        warnings.append(f"no hourly grid shape for {len(flat)} zones, annual level used: {', '.join(flat)}")
    return shaped(annual, shapes, weights), warnings
