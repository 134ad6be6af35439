"""Sets and Params of the named Pyomo model: the tables of a `Problem`, for rules of one's own."""

from __future__ import annotations

import numpy as np
import pyomo.core as pyo

from formulations.indexing import every
from formulations.labels import Names
from formulations.problem import Problem


def add_tables(model: pyo.ConcreteModel, problem: Problem, names: Names) -> None:
    """Add a Set for each table that an index refers to, and Params of what is given of it."""
    slots, flows, datasets, pools = problem.slots, problem.flows, problem.datasets, problem.pools
    streams, periods = problem.services.workload.size, problem.period_hours.size
    services, jobs = np.flatnonzero(~slots.is_job & ~slots.is_endpoint), np.flatnonzero(slots.is_job)
    for name, kind, size, doc in (
        ("workloads", "workload", len(problem.workload_ids), "w: workloads, services and jobs"),
        ("periods", "period", periods, "t: periods of the horizon"),
        ("regions", "region", len(problem.regions.ids), "r: regions"),
        ("streams", "stream", streams, "j: (workload, stream), demand streams of services"),
        ("slots", "slot", slots.workload.size,
         "i: (workload, region, SKU or endpoint, way of paying, period), eligible options"),
        ("flows", "flow", flows.slot.size,
         "q = (j, i): (workload, stream, region, SKU or endpoint, way of paying, period), eligible pairs"),
        ("presences", "presence", problem.presence.workload.size, "p: (workload, region), where presence is decided"),
        ("datasets", "dataset", len(datasets.ids), "k: datasets"),
        ("copies", "copy", datasets.copy_dataset.size, "c: (dataset, region), possible copies"),
        ("transfers", "transfer", datasets.transfer_copy.size, "e: (dataset, source, reader's region), lawful routes"),
        ("mechanisms", "mechanism", problem.mechanisms.cost_usd.size, "m: mechanisms with their charge key"),
        ("pools", "pool", pools.limit.size, "κ: (pool, period), shared capacity"),
        ("budgets", "budget", problem.budgets.limit.size, "β: budgets"),
        ("shares", "share", problem.shares.upper.size, "σ: share policies"),
    ):  # fmt: skip
        model.add_component(name, pyo.Set(initialize=names.of_kind(kind, every(size)), doc=doc))
    for name, kind, at, values, doc in (
        ("period_hours", "period", every(periods), problem.period_hours, "h_t: hours of the period"),
        ("demand_per_s", "stream_period", every(streams * periods), problem.services.demand_per_s.ravel(),
         "D[j,t]: peak demand (units/s)"),
        ("capacity_per_s", "slot", services, slots.capacity_per_s[services],
         "K[i]: what one instance serves (units/s, target utilisation included)"),
        ("running_usd", "slot", services, slots.running.spend_usd[services], "run: USD of one instance kept running"),
        ("running_kg", "slot", services, slots.running.carbon_kg[services],
         "run: kg CO2e of one instance kept running"),
        ("working_usd", "slot", jobs, slots.working.spend_usd[jobs], "work: USD of one instance-hour"),
        ("working_kg", "slot", jobs, slots.working.carbon_kg[jobs], "work: kg CO2e of one instance-hour"),
        ("gang_instances", "slot", jobs, slots.gang_instances[jobs], "k[i]: instances of one gang"),
        ("serving_usd", "flow", every(flows.slot.size), flows.serving.spend_usd,
         "serve: USD of one unit/s of peak demand"),
        ("serving_kg", "flow", every(flows.slot.size), flows.serving.carbon_kg,
         "serve: kg CO2e of one unit/s of peak demand"),
        ("work_units", "job", every(problem.jobs.workload.size), problem.jobs.work_units, "W[g]: work to be done"),
        ("pool_limit", "pool", every(pools.limit.size), pools.limit,
         "Q[κ]: devices, kW or units/s, by the pool's kind"),
        ("budget_limit", "budget", every(problem.budgets.limit.size), problem.budgets.limit,
         "L[β]: kg, l, kWh or USD over the horizon"),
        ("fixed_usd", "region", every(len(problem.regions.ids)), problem.regions.fixed_usd,
         "fixed: USD over the horizon of a region in use"),
    ):  # fmt: skip
        keys = names.of_kind(kind, at)
        given = dict(zip(keys, values.tolist(), strict=True))
        model.add_component(name, pyo.Param(keys, initialize=given, domain=pyo.Reals, doc=doc))
