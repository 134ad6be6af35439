"""Policies on how many places are in use: mathematics in `formulations.places_in_use`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formulations.problem import PlacesInUse, Presence
from optimizer.compile.effort import spend
from optimizer.compile.scope import region_scope, workload_scope
from optimizer.errors import InputError, Issue
from optimizer.instance.rules import PlacesInUse as Policy

if TYPE_CHECKING:
    from optimizer.compile.world import World

Bools = NDArray[np.bool_]
COLUMN = {"region": "region_id", "metro": "metro", "country": "country", "provider": "provider"}


def counting(world: World) -> tuple[Policy, ...]:
    """Return the policies that count places.

    Raises:
        InputError: one names periods in its scope; a place is in use for the whole horizon.
    """
    found = tuple(policy for policy in world.instance.policies if isinstance(policy, Policy))
    issues = [
        Issue(
            f"policy {policy.id!r} has periods in its scope: {', '.join(policy.scope.periods)}",
            where=f"policies[id={policy.id}].scope", maybe="a place is in use for the whole horizon: leave periods out",
        )
        for policy in found
        if policy.scope.periods
    ]  # fmt: skip
    if issues:
        raise InputError(issues)
    return found


def counted_workloads(world: World) -> tuple[Bools, Bools]:
    """Return which workloads a policy counts the places of, and of which presence has to be backed; [workloads]."""
    counted = np.zeros(len(world.instance.workloads), dtype=bool)
    backed = counted.copy()
    for policy in counting(world):
        selected = workload_scope(policy.scope, world)
        counted |= selected
        if policy.min_in_use:
            backed |= selected
    return counted, backed


def build_places(world: World, presence: Presence) -> PlacesInUse:
    """Return the policies as rules over presences; a place that nobody may use is in no rule."""
    rules = counting(world)
    places: list[str] = []
    place_rule: list[int] = []
    uses: list[NDArray[np.int64]] = []
    use_place: list[NDArray[np.int64]] = []
    for k, policy in enumerate(rules):
        spend("rules", 8 * len(presence.workload))
        names = world.regions[COLUMN[policy.of]].fillna("").to_numpy(dtype=object).astype(str)
        lies_in: Bools = np.any(region_scope(policy.scope, world), axis=1)
        selected = workload_scope(policy.scope, world)[presence.workload] & lies_in[presence.region]
        own = np.flatnonzero(selected).astype(np.int64)
        distinct, number = np.unique(names[presence.region[own]], return_inverse=True)
        uses.append(own)
        use_place.append(number.astype(np.int64) + len(places))
        places += distinct.tolist()
        place_rule += [k] * len(distinct)
    none = np.zeros(0, dtype=np.int64)
    count = np.bincount(np.array(place_rule, dtype=np.int64), minlength=len(rules))
    most = [count[k] if policy.max_in_use is None else policy.max_in_use for k, policy in enumerate(rules)]
    return PlacesInUse(
        ids=tuple(policy.id for policy in rules),
        least=np.array([policy.min_in_use or 0 for policy in rules], dtype=float),
        most=np.array(most, dtype=float),
        place_ids=tuple(places),
        place_rule=np.array(place_rule, dtype=np.int64),
        price_usd=np.array([rules[k].price_usd for k in place_rule], dtype=float),
        use_presence=np.concatenate([none, *uses]),
        use_place=np.concatenate([none, *use_place]),
    )
