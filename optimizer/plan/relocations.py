"""What of a solution is a move away from today, and which places are in use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.assemble import Compiled
from optimizer.compile.relocations import carried_gb
from optimizer.instance.rules import PlacesInUse
from optimizer.plan.rows import Placement, PlaceUse, Relocation

Floats = NDArray[np.float64]


def moving(compiled: Compiled, raw: dict[str, Floats], metric: str) -> float:
    """Return what all moves away from today add to a metric."""
    relocations = compiled.problem.relocations
    left = relocations.leaving.of(metric) * raw["moved"]
    entered = relocations.entering.of(metric) * raw["entered"]
    return float(left.sum() + entered.sum())


def relocations_of(
    compiled: Compiled, raw: dict[str, Floats], placements: tuple[Placement, ...]
) -> tuple[Relocation, ...]:
    """Return the workloads that move, each with the regions that it enters and leaves."""
    relocations, regions, table = compiled.problem.relocations, compiled.problem.regions.ids, compiled.relocations
    runs_in: dict[str, dict[str, None]] = {}
    for row in placements:
        runs_in.setdefault(row.workload, {})[row.region_id] = None
    rows = []
    for x in np.flatnonzero(raw["moved"] > 0).tolist():
        name = compiled.problem.workload_ids[int(relocations.workload[x])]
        home = [regions[r] for r in relocations.stays_in.column[relocations.stays_in.row == x].tolist()]
        own = np.flatnonzero((relocations.entry_mover == x) & (raw["entered"] > 0))
        senders = [int(r) for r in table.entry_source[own] if r >= 0]
        usd = relocations.leaving.spend_usd[x] + relocations.entering.spend_usd[own].sum()
        kg = relocations.leaving.carbon_kg[x] + relocations.entering.carbon_kg[own].sum()
        there = runs_in.get(name, {})
        rows.append(
            Relocation(
                workload=name,
                entered=tuple(region for region in there if region not in home),
                left=tuple(region for region in home if region not in there),
                gb=carried_gb(compiled.world.instance.workloads[int(relocations.workload[x])]),
                sources=tuple(regions[r] for r in senders),
                cost_usd=float(usd),
                carbon_kg=float(kg),
            )
        )
    return tuple(rows)


def places_of(compiled: Compiled, raw: dict[str, Floats]) -> tuple[PlaceUse, ...]:
    """Return the places in use by policy."""
    places = compiled.problem.places
    used = raw["place_used"] > 0
    policies = {policy.id: policy for policy in compiled.world.instance.policies if isinstance(policy, PlacesInUse)}
    rows = []
    for k, name in enumerate(places.ids):
        own = np.flatnonzero((places.place_rule == k) & used).tolist()
        rows.append(
            PlaceUse(
                id=name,
                of=policies[name].of,
                used=tuple(places.place_ids[z] for z in own),
                min_in_use=policies[name].min_in_use,
                max_in_use=policies[name].max_in_use,
                cost_usd=float(places.price_usd[own].sum()),
            )
        )
    return tuple(rows)
