"""What an earlier plan, or what runs today, uses of what there is now."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.assemble import Compiled
from optimizer.plan.models import Plan, Start
from optimizer.plan.rows import Placement

Ints = NDArray[np.int64]
Named = tuple[str, tuple[str, str | None, str | None, str | None], str]
"""Workload, option (region, SKU, endpoint, way of paying) and period of a row."""


def slots_used(compiled: Compiled, plan: Plan) -> tuple[Ints, Start]:
    """Return the slots, of workload, offer and period, that a plan's placements name, and how many placements name one.

    What is gone, shut or renamed since is left out: a start is a hint.
    """
    place = slots_of_rows(compiled, plan.placements)
    return np.unique(place[place >= 0]), Start(placements=len(place), kept=int((place >= 0).sum()))


def slots_of_rows(compiled: Compiled, rows: Sequence[Placement]) -> Ints:
    """Return by placement its slot, -1 where there is none."""
    named = [(row.workload, (row.region_id, row.sku, row.endpoint, row.purchase), row.period) for row in rows]
    return _slots_named(compiled, named)


def slots_of_today(compiled: Compiled) -> Ints | None:
    """Return the slots that what runs today uses, as far as it is stated and there is such an option; None for none."""
    current, regions = compiled.world.instance.current, compiled.world.regions
    if current is None:
        return None
    region_id = dict(zip(regions.provider + ":" + regions.region_id, regions.region_id, strict=True))
    named = [
        (row.workload, (region_id.get(row.region, row.region), row.sku, row.endpoint, purchase), period)
        for row in current.placements
        for purchase in ([row.purchase] if row.purchase or row.endpoint else ["on_demand"])
        for period in ([row.period] if row.period is not None else [period.id for period in compiled.world.periods])
        if row.is_there
    ]
    place = _slots_named(compiled, named)
    return np.unique(place[place >= 0]) if (place >= 0).any() else None


def _slots_named(compiled: Compiled, named: list[Named]) -> Ints:
    """Return by (workload, (region, SKU, endpoint, way of paying), period) its slot, -1 where there is none."""
    offers, slots = compiled.world.offers, compiled.problem.slots
    offer_of = {
        (region, sku or None, endpoint or None, purchase or None): o
        for o, (region, sku, endpoint, purchase) in enumerate(
            zip(offers.region_id, offers.sku, offers.endpoint, offers.purchase, strict=True)
        )
    }
    workload_of = {name: w for w, name in enumerate(compiled.problem.workload_ids)}
    period_of = {period.id: t for t, period in enumerate(compiled.world.periods)}
    keys = zip(slots.workload.tolist(), slots.offer.tolist(), slots.period.tolist(), strict=True)
    slot_of = {key: i for i, key in enumerate(keys)}
    found = []
    for workload, option, period in named:
        offer = offer_of.get(option)
        key = (workload_of.get(workload, -1), -1 if offer is None else offer, period_of.get(period, -1))
        found.append(slot_of.get(key, -1))
    return np.array(found, dtype=np.int64)
