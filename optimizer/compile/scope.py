"""Which placements a scope selects: keys are ANDed, the values of one key ORed, an empty key selects everything.

A scope splits into a part about the workload and a part about offer and period; slots need both. Country groups are
those of the law pack on the period's date, and a membership that hangs on a condition does not count: nobody has shown
that the condition is met.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from formulations.problem import Slots
from optimizer.compile.effort import RULE, spend
from optimizer.compile.evidence import Evidences
from optimizer.compile.ledger import Exclusion
from optimizer.errors import InputError, Issue
from optimizer.instance.base import Scope

if TYPE_CHECKING:
    from optimizer.compile.world import World
    from optimizer.laws import LawPack

Bools = NDArray[np.bool_]

PLACE_KEYS = ("providers", "regions", "countries", "country_groups")
WORKLOAD_KEYS = ("workloads", "tags")


def is_whole(scope: Scope) -> bool:
    """Return True if the scope selects everything."""
    return not any(getattr(scope, key) for key in (*PLACE_KEYS, *WORKLOAD_KEYS, "periods"))


def group_places(world: World, group: str, on: date) -> frozenset[str]:
    """Return the countries and subdivisions that are in a country group on a day, unconditionally.

    Raises:
        InputError: the law pack has no such group.
    """
    pack = world.laws if world.laws is not None else _bundled_pack()
    if group not in pack.groups:
        maybe = None if world.laws is not None else "groups are the bundled law pack's"
        raise InputError(Issue(f"country group {group!r} is not known", maybe=maybe))
    return frozenset(row.member for row in pack.groups.rows(group) if row.valid(on) and not row.condition)


@lru_cache(maxsize=1)
def _bundled_pack() -> LawPack:
    """Groups keep their meaning in an instance that checks no law (`laws: {use: none}`)."""
    from optimizer.laws import load_laws

    return load_laws()


def in_places(world: World, places: Iterable[str], regions: pd.DataFrame | None = None) -> Bools:
    """Return which regions (default: all of the world) lie in one of the ISO2 or ISO2-SUB codes; [regions]."""
    table = world.regions if regions is None else regions
    wanted = frozenset(places)
    country = table["country"].to_numpy(dtype=object)
    inside = np.isin(country.astype(str), sorted(p for p in wanted if "-" not in p))
    if any("-" in p for p in wanted):
        inside |= np.isin(subdivisions(table), sorted(p for p in wanted if "-" in p))
    return inside


def subdivisions(regions: pd.DataFrame) -> NDArray[np.str_]:
    """Return `ISO2-SUB` per region, "" where the subdivision is not known."""
    country = regions["country"].astype(str)
    sub = regions["subdivision"].fillna("").astype(str)
    full = np.where(sub.str.contains("-", regex=False), sub, country + "-" + sub)
    return np.where(sub == "", "", full).astype(str)


def places_on(world: World, places: Iterable[str], groups: Iterable[str], on: date) -> frozenset[str]:
    """Return all codes behind countries and country groups on a day."""
    found = set(places)
    for group in groups:
        found |= group_places(world, group, on)
    return frozenset(found)


def region_scope(scope: Scope, world: World) -> Bools:
    """Return which (region, period) the place and period keys of a scope select; [regions, periods]."""
    regions, periods = world.regions, len(world.periods)
    spend("rules", RULE + len(regions) * periods)
    keep = np.ones((len(regions), periods), dtype=bool)
    if scope.providers:
        keep &= regions["provider"].isin(scope.providers).to_numpy()[:, None]
    if scope.regions:
        keep &= named_regions(world, scope.regions)[:, None]
    if scope.countries or scope.country_groups:
        keep &= places_mask(world, scope.countries, scope.country_groups)
    if scope.periods:
        keep &= np.array([period.id in scope.periods for period in world.periods])[None, :]
    return keep


def named_regions(world: World, names: Iterable[str]) -> Bools:
    """Return which regions are named, by their id or as `provider:id` (the same thing in the bundled catalogue)."""
    wanted = list(names)
    ids = world.regions["region_id"]
    named: Bools = (ids.isin(wanted) | (world.regions["provider"] + ":" + ids).isin(wanted)).to_numpy(dtype=bool)
    return named


def places_mask(world: World, countries: Iterable[str], groups: Iterable[str]) -> Bools:
    """Return which regions lie in the countries or groups, by the groups of each period's date; [regions, periods]."""
    countries, groups = tuple(countries), tuple(groups)
    columns: dict[date, Bools] = {}
    for on in world.period_dates:
        if on not in columns:
            columns[on] = in_places(world, places_on(world, countries, groups, on))
    return np.stack([columns[on] for on in world.period_dates], axis=1)


def offer_scope(scope: Scope, world: World) -> Bools:
    """Return which (offer, period) the place and period keys of a scope select; [offers, periods]."""
    spend("rules", len(world.offers) * len(world.periods))
    return to_offers(region_scope(scope, world), world)


def to_offers(by_region: Bools, world: World) -> Bools:
    """Broadcast [regions, ...] to [offers, ...] by the region of each offer; False for an offer without one."""
    region = world.offers["region"].to_numpy()
    known = region >= 0
    out = np.zeros((len(region), *by_region.shape[1:]), dtype=bool)
    out[known] = by_region[region[known]]
    return out


def workload_scope(scope: Scope, world: World) -> Bools:
    """Return which workloads the workload and tag keys of a scope select; [workloads]."""
    spend("rules", 4 * len(world.instance.workloads))
    return np.array([_selects(scope, workload.id, workload.tags) for workload in world.instance.workloads], dtype=bool)


def _selects(scope: Scope, workload: str, tags: Iterable[str]) -> bool:
    return (not scope.workloads or workload in scope.workloads) and (
        not scope.tags or not set(scope.tags).isdisjoint(tags)
    )


def scope_mask(scope: Scope, world: World, slots: Slots) -> Bools:
    """Return which slots a scope selects; [slots]."""
    offers = offer_scope(scope, world)
    keep: Bools = workload_scope(scope, world)[slots.workload] & offers[slots.offer, slots.period]
    return keep


def exclusion_rows(
    reason: str, rule: str | None, out: Bools, *, kind: str | None = None, evidence: Evidences | None = None
) -> tuple[Exclusion, ...]:
    """Turn a mask of ruled-out (offer, period) pairs into ledger exclusions: for good, and in some periods only."""
    always: Bools = np.all(out, axis=1)
    sometimes: Bools = np.any(out, axis=1) & ~always
    rows = ((always, False), (sometimes, True))
    return tuple(
        Exclusion(reason, rule, offers, partial, kind, evidence) for offers, partial in rows if offers.any()
    )
