"""Subset a catalogue so that all tables still agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from optimizer.catalogue.schema import ACCESS, AVAILABILITY, GRANULARITY
from optimizer.errors import InputError, Issue
from optimizer.suggest import unknown_name

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue


def unknown_ids(kind: str, asked: Iterable[str], known: Iterable[str]) -> list[Issue]:
    """One Issue per asked id that is not known, with the nearest known ones as advice."""
    names = [str(k) for k in known]
    present = set(names)
    issues = []
    for name in dict.fromkeys(asked):
        if name not in present:
            issues.append(unknown_name(f"unknown {kind} {name!r}", str(name), names))
    return issues


def select(
    catalogue: Catalogue,
    *,
    providers: Sequence[str] | None = None,
    exclude_providers: Sequence[str] = (),
    regions: Sequence[str] | None = None,
    exclude_regions: Sequence[str] = (),
    countries: Sequence[str] | None = None,
    access: Sequence[str] = ("public",),
    availability: Sequence[str] = ("verified", "price_meter"),
    granularity: Sequence[str] = ("region",),
) -> Catalogue:
    """Keep what the filters allow; `None` means all, the three last filters list the classes that stay.

    Defaults keep open regions with verified availability: government, China, disaster-recovery, dedicated and limited
    partitions, unverified stock and country-level placements are opt-ins. An endpoint without a resource region stays
    unless regions or countries are named. Raises `InputError` naming every unknown id or word.
    """
    r = catalogue.regions
    issues = [
        *unknown_ids("provider", [*(providers or ()), *exclude_providers], catalogue.providers.index),
        *unknown_ids("region", [*(regions or ()), *exclude_regions], r.index),
        *unknown_ids("country of a region", countries or (), sorted(set(r.country))),
        *unknown_ids("access class", access, ACCESS),
        *unknown_ids("availability class", availability, AVAILABILITY),
        *unknown_ids("granularity", granularity, GRANULARITY),
    ]
    if issues:
        raise InputError(issues)
    kept = r.access.isin(access) & r.granularity.isin(granularity) & ~r.index.isin(list(exclude_regions))
    kept &= ~r.provider.isin(list(exclude_providers))
    allowed = ~catalogue.providers.index.isin(list(exclude_providers))
    if providers is not None:
        kept &= r.provider.isin(list(providers))
        allowed &= catalogue.providers.index.isin(list(providers))
    if regions is not None:
        kept &= r.index.isin(list(regions))
    if countries is not None:
        kept &= r.country.isin(list(countries))
    tables = dict(catalogue.tables)
    tables["regions"] = r[kept]
    tables["providers"] = catalogue.providers[allowed]
    tables["offers"] = _offers(catalogue.offers, tables["regions"].index, availability)
    tables["skus"] = catalogue.skus[catalogue.skus.provider.isin(tables["providers"].index)]
    e = catalogue.endpoints
    placed = e.region_id.isin(tables["regions"].index)
    if regions is None and countries is None:
        placed |= e.region_id.eq("")
    tables["endpoints"] = e[placed & e.provider.isin(tables["providers"].index)]
    return replace(catalogue, tables=tables)


def _offers(offers: pd.DataFrame, region_ids: pd.Index, availability: Sequence[str]) -> pd.DataFrame:
    return offers[offers.region_id.isin(region_ids) & offers.availability.isin(list(availability))]
