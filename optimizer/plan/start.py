"""What an earlier plan uses of what there is now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.assemble import Compiled
from optimizer.plan.models import Plan, Start

Ints = NDArray[np.int64]


def slots_used(compiled: Compiled, plan: Plan) -> tuple[Ints, Start]:
    """Return the slots, of workload, offer and period, that a plan's placements name, and how many placements name one.

    What is gone, shut or renamed since is left out: a start is a hint.
    """
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
    for row in plan.placements:
        offer = offer_of.get((row.region_id, row.sku, row.endpoint, row.purchase))
        key = (workload_of.get(row.workload, -1), -1 if offer is None else offer, period_of.get(row.period, -1))
        found.append(slot_of.get(key, -1))
    place = np.array(found, dtype=np.int64)
    used = np.unique(place[place >= 0])
    return used, Start(placements=len(found), kept=int((place >= 0).sum()))
