"""Least cost by enumeration, without any solver: tiny problems, services of one stream, no budgets, shares or survival.

Every subset of mechanisms, copies and charged regions is tried; within it every integer choice of every workload. What
is left to decide is then a filling problem with one resource, which cheapest-first solves exactly.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import Any

import numpy as np

from formulations.problem import Coefficients, Problem


def least_cost(problem: Problem) -> float | None:
    """Return the optimal objective (USD), or None when no plan exists."""
    return _Enumeration(problem).least()


def _subsets(size: int) -> Any:
    return (frozenset(s) for count in range(size + 1) for s in itertools.combinations(range(size), count))


def _fill(need: float, options: list[tuple[float, float]]) -> float | None:
    """Return the least cost of filling `need` from options (unit cost, most), or None."""
    cost = 0.0
    for unit, most in sorted(options):
        part = min(need, most)
        cost, need = cost + unit * part, need - part
    return cost if need <= 1e-9 else None


class _Enumeration:
    def __init__(self, problem: Problem) -> None:
        self.p = problem
        assert not problem.budgets.ids
        assert not problem.shares.ids
        assert not problem.survival.workload.size
        assert not problem.pools.by_flow.row.size
        assert np.unique(problem.services.workload).size == problem.services.workload.size
        places, limits = problem.places, problem.relocations.limit
        bought = problem.purchases
        self.limit = np.concatenate([
            problem.pools.limit, limits, np.full(len(places.place_ids), np.inf), bought.most[bought.cover_purchase]
        ])  # fmt: skip
        self.first_place = problem.pools.limit.size + limits.size
        self.first_cover = self.first_place + len(places.place_ids)
        self.draws = defaultdict(lambda: np.zeros(self.limit.size))
        held = problem.pools.by_instances
        for row, slot, weight in zip(held.row, held.column, held.weight, strict=True):
            self.draws[int(slot)][row] += weight
        for row, slot, weight in zip(bought.covers.row, bought.covers.column, bought.covers.weight, strict=True):
            self.draws[int(slot)][self.first_cover + row] += weight
        self.charged = np.flatnonzero(problem.regions.fixed_usd > 0).tolist()
        self.running, self.serving = self._price(problem.slots.running), self._price(problem.flows.serving)
        self.working, self.moving = self._price(problem.slots.working), self._price(problem.moves.moving)

    def _price(self, of: Coefficients) -> Any:
        return of.spend_usd + self.p.carbon_price_usd_per_kg * of.carbon_kg

    def least(self) -> float | None:
        p, best = self.p, math.inf
        mechanism_cost, copy_cost = p.mechanisms.cost_usd, self._price(p.datasets.copying)
        for bought in _subsets(mechanism_cost.size):
            self.unmet = self._unmet(bought)
            for copies in _subsets(copy_cost.size):
                if not self._copies_obey(copies):
                    continue
                self.route, self.owed = self._routes(copies), self._owed(copies)
                for used in _subsets(len(self.charged)):
                    regions = {self.charged[x] for x in used}
                    if any(
                        int(r) in self.charged and int(r) not in regions for r in p.datasets.copy_region[list(copies)]
                    ):
                        continue
                    base = mechanism_cost[list(bought)].sum() + copy_cost[list(copies)].sum()
                    base += p.regions.fixed_usd[sorted(regions)].sum()
                    for places in self._sets_of_places():
                        self.places = places
                        whole = base + p.places.price_usd[sorted(places)].sum()
                        if whole < best:
                            best = min(best, whole + self._workloads(regions))
        return None if math.isinf(best) else float(best)

    def _sets_of_places(self) -> Any:
        """Yield every set of places in use that the rules on them allow."""
        places = self.p.places
        for chosen in _subsets(len(places.place_ids)):
            count = np.bincount(places.place_rule[sorted(chosen)], minlength=len(places.ids))
            if ((count >= places.least) & (count <= places.most)).all():
                yield chosen

    def _elsewhere(self, workload: int, regions: set[int], backed: set[int]) -> tuple[float, Any] | None:
        """Return what being in these regions costs for moving there, and what it counts; None if it may not be."""
        p, counts = self.p, np.zeros(self.limit.size)
        for x, z in zip(p.places.use_presence.tolist(), p.places.use_place.tolist(), strict=True):
            if p.presence.workload[x] == workload and p.presence.region[x] in regions:
                if z not in self.places:
                    return None
                counts[self.first_place + z] += p.presence.region[x] in backed
        cost, relocations = 0.0, p.relocations
        for x in np.flatnonzero(relocations.workload == workload).tolist():
            stays = set(relocations.stays_in.column[relocations.stays_in.row == x].tolist())
            if regions - stays:
                cost += self._price(relocations.leaving)[x]
                counts[p.pools.limit.size : self.first_place] += 1.0
            for y in np.flatnonzero(relocations.entry_mover == x).tolist():
                cost += self._price(relocations.entering)[y] * (int(relocations.entry_region[y]) in regions)
        return cost, counts

    def _unmet(self, bought: frozenset[int]) -> dict[str, set[int]]:
        """Return the flows, gangs and copies that a requirement without a bought mechanism forbids."""
        law = self.p.mechanisms
        unmet: dict[str, set[int]] = {"flow": set(), "gang": set(), "copy": set()}
        for row in range(law.bound.size):
            if set(law.satisfied_by.column[law.satisfied_by.row == row].tolist()) & bought:
                continue
            for name, members in (("flow", law.by_flow), ("gang", law.by_gang), ("copy", law.by_copy)):
                unmet[name] |= set(members.column[members.row == row].tolist())
        return unmet

    def _owed(self, copies: frozenset[int]) -> dict[str, set[int]]:
        """Return the flows and gangs that owe a copy which is not among these."""
        data = self.p.datasets
        owed: dict[str, set[int]] = {"flow": set(), "gang": set()}
        for y in np.flatnonzero(data.owed_bound > 0).tolist():
            if not copies & set(data.duty.column[data.duty.row == y].tolist()):
                for name, members in (("flow", data.owed_by_flow), ("gang", data.owed_by_gang)):
                    owed[name] |= set(members.column[members.row == y].tolist())
        return owed

    def _copies_obey(self, copies: frozenset[int]) -> bool:
        data = self.p.datasets
        if copies & self.unmet["copy"]:
            return False
        for duty, least in enumerate(data.duty_copies.tolist()):
            if len(copies & set(data.duty.column[data.duty.row == duty].tolist())) < least:
                return False
        for dataset, least in enumerate(data.min_countries.tolist()):
            own = [c for c in copies if data.copy_dataset[c] == dataset]
            if least >= 2 and np.unique(self.p.regions.country[data.copy_region[own]]).size < least:
                return False
        return True

    def _routes(self, copies: frozenset[int]) -> tuple[dict[int, float], dict[int, float]]:
        """Return the cost of reading (USD, infinite without a route) per unit/s of a flow and hour of a job slot."""
        data = self.p.datasets
        price = self._price(data.moving)
        cheapest: dict[tuple[int, int], float] = defaultdict(lambda: math.inf)
        for e, copy in enumerate(data.transfer_copy.tolist()):
            if copy in copies:
                pair = int(data.copy_dataset[copy]), int(data.transfer_region[e])
                cheapest[pair] = min(cheapest[pair], float(price[e]))
        costs: tuple[dict[int, float], dict[int, float]] = (defaultdict(float), defaultdict(float))
        for cost, members in zip(costs, (data.read_by_flow, data.read_by_work), strict=True):
            for row, column, weight in zip(members.row, members.column, members.weight, strict=True):
                cost[int(column)] += weight * cheapest[int(data.read_dataset[row]), int(data.read_region[row])]
        return costs

    def _workloads(self, used: set[int]) -> float:
        """Return the least cost of all workloads together under the pools."""
        p = self.p
        cost, usage = np.zeros(1), np.zeros((1, self.limit.size))
        for stream, workload in enumerate(p.services.workload.tolist()):
            cost, usage = self._combine(cost, usage, self._service(stream, workload, used))
        for job, workload in enumerate(p.jobs.workload.tolist()):
            cost, usage = self._combine(cost, usage, self._job(job, workload, used))
        for z in self.places:  # a place that has to be counted is backed by something
            if cost.size and p.places.least[p.places.place_rule[z]] > 0:
                kept = usage[:, self.first_place + z] >= 1.0
                cost, usage = cost[kept], usage[kept]
        for o, price in enumerate(p.purchases.price_usd.tolist()):  # what is bought is the most that is drawn at once
            own = self.first_cover + np.flatnonzero(p.purchases.cover_purchase == o)
            cost = cost + price * usage[:, own].max(axis=1, initial=0.0)
        return float(cost.min(initial=math.inf))

    def _combine(self, cost: Any, usage: Any, plans: dict[tuple[float, ...], float]) -> tuple[Any, Any]:
        if not plans or not cost.size:
            return np.zeros(0), np.zeros((0, usage.shape[1]))
        more = np.array(list(plans)).reshape(len(plans), -1)
        total = (cost[:, None] + np.array(list(plans.values()))[None, :]).ravel()
        both = (usage[:, None, :] + more[None, :, :]).reshape(total.size, -1)
        kept = (both <= self.limit + 1e-9).all(axis=1)
        return total[kept], both[kept]

    def _places_obey(self, workload: int, regions: set[int], backed: set[int], used: set[int]) -> bool:
        presence = self.p.presence
        if regions & set(self.charged) - used:
            return False
        row = np.flatnonzero(presence.bounded_workload == workload)
        if not row.size:
            return True
        least, most = int(presence.min_regions[row[0]]), int(presence.max_regions[row[0]])
        return len(regions) <= most and (least < 2 or len(backed) >= least)

    def _service(self, stream: int, workload: int, used: set[int]) -> dict[tuple[float, ...], float]:
        """Return the cheapest plan of the service for every way to use the pools."""
        p = self.p
        flow_of = {int(p.flows.slot[q]): q for q in np.flatnonzero(p.flows.stream == stream).tolist()}
        partial = {(frozenset(), frozenset(), tuple(np.zeros(self.limit.size))): 0.0}
        for t in range(p.period_hours.size):
            slots = np.flatnonzero((p.slots.workload == workload) & (p.slots.period == t)).tolist()
            grown: dict[Any, float] = {}
            for cost, usage, regions, backed in self._hours(stream, t, slots, flow_of):
                for (old_regions, old_backed, old_usage), old_cost in partial.items():
                    total = np.array(old_usage) + usage
                    key = (old_regions | regions, old_backed | backed, tuple(total))
                    grown[key] = min(grown.get(key, math.inf), old_cost + cost)
            partial = grown
        plans: dict[tuple[float, ...], float] = {}
        for (regions, backed, usage), cost in partial.items():
            away = self._elsewhere(workload, set(regions), set(backed))
            if away is not None and self._places_obey(workload, set(regions), set(backed), used):
                whole = tuple(np.array(usage) + away[1])
                plans[whole] = min(plans.get(whole, math.inf), cost + away[0])
        return plans

    def _hours(self, stream: int, t: int, slots: list[int], flow_of: dict[int, int]) -> Any:
        """Yield (cost, pool use, regions, backed regions) of every way to serve the stream in one period."""
        p = self.p
        demand = float(p.services.demand_per_s[stream, t])
        ranges = []
        for i in slots:
            most = 1 if p.slots.is_endpoint[i] else max(1, math.ceil(demand / p.slots.capacity_per_s[i]))
            ranges.append(range(most + 1))
        for counts in itertools.product(*ranges):
            options, cost, usage = [], 0.0, np.zeros(self.limit.size)
            regions, backed = set(), set()
            for i, count in zip(slots, counts, strict=True):
                if not count:
                    continue
                regions.add(int(p.slots.region[i]))
                if not p.slots.is_endpoint[i]:
                    backed.add(int(p.slots.region[i]))
                    cost += self.running[i] * count
                    usage += self.draws[i] * count
                q = flow_of.get(i)
                if q is None or q in self.unmet["flow"] | self.owed["flow"] or math.isinf(self.route[0].get(q, 0.0)):
                    continue
                most = demand if p.slots.is_endpoint[i] else p.slots.capacity_per_s[i] * count
                options.append((self.serving[q] + self.route[0].get(q, 0.0), most))
            if p.services.may_be_unserved[stream]:
                options.append((float(p.services.unserved_usd[stream, t]), demand))
            filled = _fill(demand, options)
            if filled is not None:
                yield cost + filled, usage, frozenset(regions), frozenset(backed)

    def _job(self, job: int, workload: int, used: set[int]) -> dict[tuple[float, ...], float]:
        p = self.p
        slots = np.flatnonzero(p.slots.workload == workload).tolist()
        times = sorted({int(p.slots.period[i]) for i in slots})
        choices = []
        for t in times:
            own = [i for i in slots if p.slots.period[i] == t]
            most = int(p.jobs.max_gangs[job])
            choices.append([c for n in range(most + 1) for c in itertools.combinations_with_replacement(own, n)])
        plans: dict[tuple[float, ...], float] = {}
        for combination in itertools.product(*choices):
            gangs: dict[int, int] = defaultdict(int)
            for i in itertools.chain(*combination):
                gangs[i] += 1
            regions = {int(p.slots.region[i]) for i in gangs}
            barred = self.unmet["gang"] | self.owed["gang"]
            if set(gangs) & barred or not self._places_obey(workload, regions, regions, used):
                continue
            cost, away = self._job_cost(job, gangs, times, slots), self._elsewhere(workload, regions, regions)
            if cost is not None and away is not None:
                usage = sum((self.draws[i] * p.slots.gang_instances[i] * n for i, n in gangs.items()), away[1])
                plans[tuple(usage)] = min(plans.get(tuple(usage), math.inf), cost + away[0])
        return plans

    def _job_cost(self, job: int, gangs: dict[int, int], times: list[int], slots: list[int]) -> float | None:
        """Return the least cost of the job with these gangs, None when they break its rules."""
        p = self.p
        moves = 0.0
        if not p.jobs.interruptible[job] or (p.jobs.max_gangs[job] == 1 and not p.jobs.may_move[job]):
            if len({int(p.slots.offer[i]) for i in gangs}) > 1:
                return None
        elif p.jobs.max_gangs[job] == 1:
            moves = self._journey(job, gangs, times, slots)
        forced = self._forced(job, gangs)
        if forced is None or math.isinf(moves):
            return None
        at_release = self._at_release(job, gangs, forced)
        costs = [self._work_cost(job, gangs, forced | more) for more in at_release]
        return min((moves + cost for cost in costs if cost is not None), default=None)

    def _at_release(self, job: int, gangs: dict[int, int], forced: dict[int, float]) -> list[dict[int, float]]:
        """Return the ways to owe the release: gangs (or parts of them) that work throughout, by slot."""
        p = self.p
        first = [i for i in gangs if p.slots.period[i] == p.jobs.first_period[job]]
        if p.jobs.deferrable[job] or len(first) == len(gangs):
            return [{}]
        if len(first) < 2:
            return [{i: 1.0} for i in first]
        one, other = first
        shares, (fast, slow) = {0.0, 1.0}, (self._rate(one), self._rate(other))
        if fast != slow:  # a part of each only where they and full slots later on make up the work exactly
            later = [self._rate(i) * count for i, count in gangs.items() if i not in first]
            for filled in (part for n in range(len(later) + 1) for part in itertools.combinations(later, n)):
                shares.add((float(p.jobs.work_units[job]) - sum(filled) - slow) / (fast - slow))
        return [{one: x, other: 1.0 - x} for x in shares if 0.0 <= x <= 1.0]

    def _rate(self, slot: int) -> float:
        """Return the work that one gang on a slot can do in its period."""
        slots = self.p.slots
        return float(3600.0 * slots.capacity_per_s[slot] * slots.usable_hours[slot] * slots.gang_instances[slot])

    def _work_cost(self, job: int, gangs: dict[int, int], forced: dict[int, float]) -> float | None:
        """Return the least cost of the work with these gangs, so many of each working throughout by force."""
        p = self.p
        need, cost, options = float(p.jobs.work_units[job]), 0.0, []
        for i, count in gangs.items():
            rate = self._rate(i)
            unit = (self.working[i] + self.route[1].get(i, 0.0)) / (3600.0 * p.slots.capacity_per_s[i])
            held = forced.get(i, 0.0)
            if math.isinf(unit):
                if held:
                    return None
                continue
            if held:
                need, cost = need - held * rate, cost + unit * held * rate
            options.append((unit, (count - held) * rate))
        if need < -1e-9:
            return None
        if p.jobs.may_be_undone[job]:
            options.append((float(p.jobs.undone_usd[job]), need))
        filled = _fill(max(need, 0.0), options)
        return None if filled is None else cost + filled

    def _forced(self, job: int, gangs: dict[int, int]) -> dict[int, float] | None:
        """Return the gangs that a run without interruption must use fully, None when the periods are not contiguous."""
        p = self.p
        if p.jobs.interruptible[job] or not gangs:
            return {}
        by_time = {int(p.slots.period[i]): i for i in gangs}
        run = sorted(by_time)
        if run != list(range(run[0], run[-1] + 1)):
            return None
        return {by_time[t]: 1.0 for t in run[1:-1]}

    def _journey(self, job: int, gangs: dict[int, int], times: list[int], slots: list[int]) -> float:
        """Return the least cost of being where the gangs are, going only where the job could run."""
        p = self.p
        price = {
            (int(p.moves.source[e]), int(p.moves.target[e])): float(self.moving[e])
            for e in np.flatnonzero(p.moves.job == job).tolist()
        }
        cost: dict[int, float] = {}
        for t in times:
            here = {int(p.slots.region[i]) for i in slots if p.slots.period[i] == t}
            fixed = {int(p.slots.region[i]) for i in gangs if p.slots.period[i] == t}
            allowed = fixed or here
            if not cost:
                cost = dict.fromkeys(allowed, 0.0)
                continue
            cost = {
                r: min(
                    (c + (0.0 if r == old else price.get((old, r), math.inf)) for old, c in cost.items()),
                    default=math.inf,
                )
                for r in allowed
            }
        return min(cost.values(), default=0.0)
