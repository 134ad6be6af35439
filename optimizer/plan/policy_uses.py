"""Where a plan uses what a policy of the user's own selects: placements and copies, each with service and period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.assemble import Compiled
from optimizer.compile.policies import SERVICES
from optimizer.compile.policies_at_rest import STORAGE, selects_copies
from optimizer.compile.scope import region_scope, workload_scope
from optimizer.instance.base import Scope
from optimizer.plan.placements import Lines


@dataclass(frozen=True)
class Use:
    """A service in a region and a period, of a workload or of a dataset."""

    region: int
    service: str
    period: int
    workload: str = ""
    dataset: str = ""


def uses_of(compiled: Compiled, lines: Lines, copied: NDArray[np.float64], scope: Scope) -> Iterator[Use]:
    """Yield what a scope selects of a plan, each once."""
    world, slots, data = compiled.world, compiled.problem.slots, compiled.problem.datasets
    owners, places = workload_scope(scope, world), region_scope(scope, world)
    used: dict[Use, None] = {}
    for slot in np.unique(lines.slot).tolist():
        w, o, t = int(slots.workload[slot]), int(slots.offer[slot]), int(slots.period[slot])
        region = int(world.offer_region[o])
        if owners[w] and region >= 0 and places[region, t]:
            service = SERVICES[bool(world.is_endpoint[o])]
            used[Use(region, service, t, workload=compiled.problem.workload_ids[w])] = None
    for c in np.flatnonzero(copied > 0).tolist():
        info, region = compiled.datasets.info[int(data.copy_dataset[c])], int(data.copy_region[c])
        owner = None if info.retained is None else info.retained.workload
        if selects_copies(scope) if owner is None else owners[owner]:
            for t in np.flatnonzero(places[region]).tolist():
                used[Use(region, STORAGE, t, dataset=info.id)] = None
    yield from used
