"""Two cheap allocations of an estate, from which its limits are scaled.

*Cheapest*: every workload at its own cheapest configuration, as if it were alone. *Spread*: workload by workload,
training first, money plus a price on carbon, no pool to hold more than a part of what the cheapest allocation puts
there where that can be avoided. Each obeys everything that is local to a workload, so that limits at or above what the
spread allocation uses leave a feasible plan: itself. A *configuration* is all streams of a service on offers, or all
gangs of a job on one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CARBON_USD_PER_KG = 1.5
"""Price on carbon in the spread allocation: high, so that carbon budgets below what quotas alone lead to can be met."""
KEPT = 14
"""Configurations kept per workload and ranking."""
SPLITS = 6
"""Configurations tried that spread a service over offers."""
PAIR_SHARE, ACCOUNT_SHARE, POWER_SHARE = 0.55, 0.8, 0.7
"""Part of the cheapest allocation's use that `spread` leaves in a pair, in an account, under a power limit."""


@dataclass(frozen=True)
class Configuration:
    """One way to run a workload alone: USD, kg CO2e, and what it takes of each pool, by the pool's id."""

    spend_usd: float
    carbon_kg: float
    use: dict[str, float]

    @property
    def priced_usd(self) -> float:
        """Money and carbon in one figure, by which the spread allocation ranks."""
        return self.spend_usd + CARBON_USD_PER_KG * self.carbon_kg


def configurations(problem: Problem) -> list[list[Configuration]]:
    """Return, per workload, its cheapest configurations by money and by `priced_usd`; empty: none was found.

    For problems of one period without datasets, survival and moves.
    """
    views = _Views(problem)
    return [_best(views.of_job(w) if w in views.job else views.of_service(w)) for w in range(len(problem.workload_ids))]


def _best(found: Iterator[Configuration]) -> list[Configuration]:
    """Keep the cheapest per set of pools, then the first `KEPT` by either ranking."""
    by_pools: dict[tuple[frozenset[str], bool], Configuration] = {}
    for one in found:
        for greener in (False, True):
            key = (frozenset(one.use), greener)
            old = by_pools.get(key)
            rank = one.priced_usd if greener else one.spend_usd
            if old is None or rank < (old.priced_usd if greener else old.spend_usd):
                by_pools[key] = one
    every = list({id(one): one for one in by_pools.values()}.values())
    kept = sorted(every, key=lambda one: one.spend_usd)[:KEPT]
    return kept + [one for one in sorted(every, key=lambda one: one.priced_usd)[:KEPT] if one not in kept]


class _Views:
    """The tables of a problem by workload."""

    def __init__(self, problem: Problem) -> None:
        self.p = problem
        slots, flows = problem.slots, problem.flows
        count = len(problem.workload_ids)
        self.slots = _by(slots.workload, count)
        self.flows = _by(slots.workload[flows.slot], count)
        self.streams = _by(problem.services.workload, count)
        self.job = {int(w): x for x, w in enumerate(problem.jobs.workload)}
        self.capacity = np.where(slots.is_endpoint, np.inf, slots.capacity_per_s)
        self.slot_pools = _lists(problem.pools.by_instances, len(slots.workload))
        self.flow_pools = _lists(problem.pools.by_flow, len(flows.slot))
        bounded = problem.presence
        self.most_regions = dict(zip(bounded.bounded_workload.tolist(), bounded.max_regions.tolist(), strict=True))

    def of_job(self, w: int) -> Iterator[Configuration]:
        """One offer, as many gangs as the work needs."""
        slots, jobs, job = self.p.slots, self.p.jobs, self.job[w]
        for s in self.slots[w].tolist():
            hours = jobs.work_units[job] / (3600.0 * slots.capacity_per_s[s])
            gangs = max(1.0, np.ceil(hours / (slots.usable_hours[s] * slots.gang_instances[s]) - 1e-9))
            if gangs <= jobs.max_gangs[job]:
                use = {self.p.pools.ids[k]: a * gangs * slots.gang_instances[s] for k, a in self.slot_pools[s]}
                working = slots.working
                yield Configuration(float(hours * working.spend_usd[s]), float(hours * working.carbon_kg[s]), use)

    def of_service(self, w: int) -> Iterator[Configuration]:
        """All streams on one offer; where regions are not limited, also each stream on the offer cheapest for it."""
        slots, flows, services = self.p.slots, self.p.flows, self.p.services
        own, streams, flow = self.slots[w], self.streams[w], self.flows[w]
        if not own.size or not streams.size:
            return
        at = np.full((streams.size, own.size), -1, dtype=np.int64)
        at[np.searchsorted(streams, flows.stream[flow]), np.searchsorted(own, flows.slot[flow])] = flow
        demand = services.demand_per_s[streams, 0]
        serving = np.where(at >= 0, flows.serving.spend_usd[at] * demand[:, None], np.inf)
        for s in np.flatnonzero((at >= 0).all(axis=0)):
            one = self._chosen(own, at, demand, np.full(streams.size, s))
            if one is not None:
                yield one
        if w in self.most_regions or streams.size < 2:
            return
        price = serving + demand[:, None] * (slots.running.spend_usd[own] / self.capacity[own])
        for _ in range(SPLITS):
            chosen = np.argmin(price, axis=1)
            if not np.isfinite(price[np.arange(streams.size), chosen]).all():
                return
            one = self._chosen(own, at, demand, chosen)
            if one is not None:
                yield one
            price[np.arange(streams.size), chosen] = np.inf

    def _chosen(self, own: Ints, at: Ints, demand: Floats, chosen: Ints) -> Configuration | None:
        """Return the configuration with stream j on slot own[chosen[j]]; None when too many instances are needed."""
        slots, serving = self.p.slots, self.p.flows.serving
        flow = at[np.arange(demand.size), chosen]
        spend = float((serving.spend_usd[flow] * demand).sum())
        carbon = float((serving.carbon_kg[flow] * demand).sum())
        use: dict[str, float] = defaultdict(float)
        for f, rate in zip(flow.tolist(), demand.tolist(), strict=True):
            for k, a in self.flow_pools[f]:
                use[self.p.pools.ids[k]] += a * rate
        for x in np.unique(chosen):
            s = int(own[x])
            count = np.ceil(demand[chosen == x].sum() / self.capacity[s] - 1e-9)
            if slots.is_endpoint[s]:
                continue
            if count > slots.max_instances[s]:
                return None
            spend += float(count * slots.running.spend_usd[s])
            carbon += float(count * slots.running.carbon_kg[s])
            for k, a in self.slot_pools[s]:
                use[self.p.pools.ids[k]] += a * count
        return Configuration(spend, carbon, dict(use))


def _by(label: Ints, count: int) -> list[Ints]:
    """Return the positions that carry each label, in order."""
    order = np.argsort(label, kind="stable")
    return np.split(order, np.searchsorted(label[order], np.arange(1, count)))


def _lists(members: Any, count: int) -> list[list[tuple[int, float]]]:
    found: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    for row, column, weight in zip(members.row.tolist(), members.column.tolist(), members.weight.tolist(), strict=True):
        found[column].append((row, weight))
    return found


@dataclass(frozen=True)
class Allocation:
    """What an allocation uses: by pool, and by budget tag USD and kg CO2e."""

    use: dict[str, float]
    spend_usd: dict[str, float]
    carbon_kg: dict[str, float]


def cheapest(ways: list[list[Configuration]], tags: list[list[str]]) -> Allocation:
    """Return the allocation that gives every workload what is cheapest for it alone."""
    return _sum([min(one, key=lambda c: c.spend_usd) for one in ways], tags)


def spread(ways: list[list[Configuration]], tags: list[list[str]], caps: dict[str, float], base: float) -> Allocation:
    """Return the allocation that keeps pools within `caps` (pairs without one: `base`) where it can.

    Training comes first, by money; the rest in order, by money and carbon. What fits nowhere goes where it exceeds
    least.
    """
    held: dict[str, float] = defaultdict(float)
    chosen: list[Configuration | None] = [None] * len(ways)
    order = sorted(range(len(ways)), key=lambda w: "training" not in tags[w])
    for w in order:
        best, best_key = None, (np.inf, np.inf)
        for one in ways[w]:
            excess = 0.0
            for pool, amount in one.use.items():
                cap = caps.get(pool, base if pool.startswith("devices:") else np.inf)
                excess = max(excess, (held[pool] + amount) / max(cap, 1e-9) - 1.0)
            rank = one.spend_usd if "training" in tags[w] else one.priced_usd
            key = (max(excess, 0.0), rank)
            if key < best_key:
                best, best_key = one, key
        chosen[w] = best
        if best is not None:
            for pool, amount in best.use.items():
                held[pool] += amount
    return _sum([one for one in chosen if one is not None], tags)


def _sum(chosen: list[Configuration], tags: list[list[str]]) -> Allocation:
    use: dict[str, float] = defaultdict(float)
    spend: dict[str, float] = defaultdict(float)
    carbon: dict[str, float] = defaultdict(float)
    for one, of in zip(chosen, tags, strict=True):
        for pool, amount in one.use.items():
            use[pool] += amount
        for tag in of:
            spend[tag] += one.spend_usd
            carbon[tag] += one.carbon_kg
    return Allocation(dict(use), dict(spend), dict(carbon))
