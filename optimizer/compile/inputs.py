"""What the stages of compiling read of an instance, its world and each other: a figure that is not here is not read.

A limit of a budget, a share or a quota is in none of them (but for what a quota shuts out): such a change leaves all
stages as they are, and only the arrays of the problem that hold limits are made anew. Prices are read by slots alone;
what is open depends on whether they are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.catalogue.overlay_rows import own_speeds
from optimizer.compile.budgets import metric_of
from optimizer.instance.models import Instance
from optimizer.instance.rules import CountryShare, ProviderShare, SpotShare
from optimizer.instance.workloads import Job, Service

if TYPE_CHECKING:
    from optimizer.compile.collected import Parts
    from optimizer.compile.law import LawView
    from optimizer.compile.pools import PoolView
    from optimizer.compile.slots import SlotTables
    from optimizer.compile.world import World

Inputs = tuple[object, ...]
LIMITS = ("limit_kg", "limit_l", "limit_kwh", "limit_usd")
NAMED = frozenset({
    "name", "description", "horizon", "currency", "catalogue", "laws", "carbon", "target_utilisation",
    "unserved_usd_per_unit", "origins", "workloads", "datasets", "budgets", "policies", "quotas", "commitments",
    "discounts", "mechanism_costs", "legal_assertions", "tenant",
})  # fmt: skip
"""Fields of an instance of which each stage says what it reads. Any other is an input of all."""


def of_law(world: World) -> Inputs:
    """Return what the law's view reads: the pack, days, places and operators, whose data it is and what is asserted."""
    instance, inline = world.instance, world.instance.catalogue.inline
    workloads = tuple(
        (
            w.id, w.kind, w.data, w.tenant, w.runs.via, w.providers, w.regions,
            tuple((s.id, s.origin, s.subjects, s.subjects_by, s.state) for s in w.streams)
            if isinstance(w, Service) else None,
        )
        for w in instance.workloads
    )  # fmt: skip
    return (
        world.laws, world.period_dates, world.total_hours, world.legal, world.providers,
        world.accelerators, instance.horizon, instance.laws, instance.legal_assertions,
        instance.mechanism_costs, instance.tenant, instance.origins, instance.datasets,
        inline.providers if inline else None, workloads,
        others(instance),
    )  # fmt: skip


def of_pools(world: World) -> Inputs:
    """Return what pools follow from: quotas, commitments and what offers hold."""
    instance = world.instance
    stated = instance.quotas, instance.commitments, others(instance)
    return world.unpriced, world.regions[["country", "subdivision"]], stated


def of_speeds(world: World) -> Inputs:
    """Return what speeds follow from: what was measured or stated, and what offers hold."""
    catalogue, inline = world.catalogue, world.instance.catalogue.inline
    measured = (catalogue.throughput, catalogue.later) if catalogue is not None else None
    own = own_speeds(world.instance.catalogue.overlay)
    return measured, inline.throughput if inline else None, own, world.unpriced, world.scaled


def of_ways(world: World) -> Inputs:
    """Return what ways between users and regions follow from."""
    return world.network, world.unpriced, world.instance.catalogue.latency_margin_ms


def of_options(world: World, law: LawView, pools: PoolView) -> Inputs:
    """Return what decides which options are open, with all evidence: offers but for what machines cost by the hour,
    workloads, network, law, what quotas shut out, which figures budgets and shares ask for, and policies.
    """
    instance = world.instance
    price = world.column("price_usd_per_hour")
    return (
        law, of_ways(world), of_speeds(world), np.isnan(price), world.regions,
        np.isnan(world.grid_g_per_kwh), world.providers, world.closed,
        instance.horizon, instance.workloads, instance.target_utilisation, instance.unserved_usd_per_unit,
        accounting(instance), metered(instance), policies(instance), others(instance),
        pools.shuts(_largest_gang(instance), world.column("counted_devices")),
    )  # fmt: skip


def of_slots(world: World, parts: Parts) -> Inputs:
    """Return what slots, flows and their coefficients follow from, beside what is open: prices, figures, who asks."""
    instance = world.instance
    with_power = any(quota.kw is not None for quota in instance.quotas.limits)
    return (
        parts, world.offers, world.regions, world.grid_g_per_kwh, world.period_hours, world.network,
        accounting(instance), metered(instance), policies(instance), with_power, others(instance),
    )  # fmt: skip


def of_datasets(world: World, law: LawView, tables: SlotTables) -> Inputs:
    """Return what copies, transfers, reads and duties follow from, and what each costs."""
    instance = world.instance
    return (
        law, tables, world.network, world.regions, world.grid_g_per_kwh, world.providers, instance.horizon,
        instance.datasets, instance.workloads, metered(instance), policies(instance), accounting(instance),
        instance.unserved_usd_per_unit, others(instance),
    )  # fmt: skip


def of_which(tables: SlotTables) -> Inputs:
    """Return which slots and flows there are: all that rows of pools, shares and mechanisms follow from."""
    slots, flows = tables.slots, tables.flows
    return slots.workload, slots.offer, slots.period, slots.is_job, slots.is_endpoint, flows.stream, flows.slot


def of_shares(world: World, tables: SlotTables) -> Inputs:
    """Return what the rows of shares follow from, bounds and all; of the tables, which slots there are."""
    instance = world.instance
    offers, regions = world.unpriced, world.regions
    stated = instance.policies, instance.horizon, instance.workloads, others(instance)
    return tables, offers, regions, world.laws, stated


def metered(instance: Instance) -> Inputs:
    """Return the budgets without how much they grant."""
    unlimited = dict.fromkeys(LIMITS)
    return tuple((metric_of(one)[0], one.model_copy(update=unlimited)) for one in instance.budgets)


def policies(instance: Instance) -> Inputs:
    """Return the policies; those on shares without the share."""
    shares = {ProviderShare: "max_share", SpotShare: "max_share", CountryShare: "min_share"}
    bounds = ((one, shares.get(type(one))) for one in instance.policies)
    return tuple(one if bound is None else one.model_copy(update={bound: 1.0}) for one, bound in bounds)


def accounting(instance: Instance) -> Inputs:
    """Return how carbon is accounted for, and whether it has a price."""
    carbon = instance.carbon
    return carbon.price_usd_per_tonne > 0, carbon.model_copy(update={"price_usd_per_tonne": 0.0})


def others(instance: Instance) -> Inputs:
    """Return every field of the instance that no stage names: a new one is read by all, until its stages are named."""
    return tuple(getattr(instance, name) for name in type(instance).model_fields if name not in NAMED)


def _largest_gang(instance: Instance) -> float:
    """Return the devices of the largest gang; 0 without gangs."""
    return float(max((job.gang_devices or 0 for job in instance.workloads if isinstance(job, Job)), default=0))
