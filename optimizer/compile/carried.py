"""Carbon of data carried between regions: GB x network kWh/GB x grid intensity of the region that sends.

Copies stay, reads are summed over the horizon and moves may fall on any period, so the intensity is the mean over the
horizon, weighted by hours. A missing intensity is NaN: where a carbon budget or a carbon price asks, what needs it is
not to be had; elsewhere it counts 0, and the plan says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.budgets import CARBON_PRICE, metric_of, resting_regions
from optimizer.compile.scope import named_regions, region_scope, workload_scope
from optimizer.compile.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def sent_kg_per_gb(world: World) -> Floats:
    """Return kg CO2e of a GB sent by each region, NaN where its grid is unknown; 0 if the network does not count."""
    factor = world.instance.carbon.network_kwh_per_gb
    if factor == 0:
        return np.zeros(len(world.regions))
    hours = world.period_hours
    mean: Floats = (world.grid_g_per_kwh * hours).sum(axis=1) / hours.sum()
    return factor * mean / 1000.0


def carbon_rule_at_rest(world: World) -> tuple[str | None, Bools]:
    """Return the rule that asks for the carbon of what is sent to copies and readers, and from which regions."""
    asked = np.zeros(len(world.regions), dtype=bool)
    rule = None
    for budget in world.instance.budgets:
        if metric_of(budget)[0] == "carbon_kg":
            inside = resting_regions(budget.scope, world)
            rule = rule or (budget.id if inside.any() else None)
            asked |= inside
    if world.instance.carbon.price_usd_per_tonne > 0:
        rule, asked = rule or CARBON_PRICE, np.ones(len(world.regions), dtype=bool)
    return rule, asked


def carbon_asked_of_moves(world: World, workload: int) -> Bools:
    """Return from which regions the carbon of a job's moves must be known; [regions]."""
    if world.instance.carbon.price_usd_per_tonne > 0:
        return np.ones(len(world.regions), dtype=bool)
    asked = np.zeros(len(world.regions), dtype=bool)
    for budget in world.instance.budgets:
        if metric_of(budget)[0] == "carbon_kg" and workload_scope(budget.scope, world)[workload]:
            asked |= region_scope(budget.scope, world).any(axis=1)
    return asked


@dataclass(frozen=True, eq=False)
class Carriage:
    """Bringing data to each region: the region that sends it (-1: none), USD and kg CO2e per GB; NaN: not known."""

    source: Ints
    usd_per_gb: Floats
    kg_per_gb: Floats

    @classmethod
    def free(cls, regions: int) -> Carriage:
        """Return that of data which nothing sends: they come from outside, or there are none."""
        return cls(np.full(regions, -1, dtype=np.int64), np.zeros(regions), np.zeros(regions))


def carriage(world: World, present_in: Sequence[str]) -> Carriage:
    """Return from where data are brought to each region, and at what price.

    The cheapest of the regions that hold them sends; among those of one price the one whose grid is cleanest, then the
    first named. Nothing is sent to those that hold them, nor where no region has a copy yet.
    """
    count = len(world.regions)
    if not present_in:
        return Carriage.free(count)
    target = np.arange(count, dtype=np.int64)
    sent = sent_kg_per_gb(world)
    source, usd, kg = np.full(count, -1, dtype=np.int64), np.full(count, np.nan), np.full(count, np.nan)
    for name in present_in:
        for here in np.flatnonzero(named_regions(world, [name])).tolist():
            price = world.network.egress_usd_per_gb(np.full(count, here, dtype=np.int64), target)
            cheaper = (price < usd) | (np.isnan(usd) & ~np.isnan(price))
            cleaner = (price == usd) & ((sent[here] < kg) | (np.isnan(kg) & ~np.isnan(sent[here])))
            source = np.where(cheaper | cleaner, here, source)
            kg = np.where(cheaper | cleaner, sent[here], kg)
            usd = np.where(cheaper, price, usd)
    held = named_regions(world, present_in)
    return Carriage(np.where(held, -1, source), np.where(held, 0.0, usd), np.where(held, 0.0, kg))
