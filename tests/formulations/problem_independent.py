"""A second formulation of a `Problem`, written from the mathematics in plain loops: other variables, other big-M rows.

It differs on purpose: contiguous jobs choose among explicit runs, moves are transitions between every pair of places,
failure flows are per slot instead of per cell, and every conditional activity has its own row.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from formulations.problem import Coefficients, Problem

INF = np.inf


class Program:
    """min cost'x, rows of dicts."""

    def __init__(self) -> None:
        self.cost: list[float] = []
        self.high: list[float] = []
        self.integer: list[int] = []
        self.rows: list[tuple[dict[int, float], float, float]] = []

    def variable(self, cost: float = 0.0, high: float = INF, integer: bool = False) -> int:
        self.cost.append(cost)
        self.high.append(high)
        self.integer.append(int(integer))
        return len(self.cost) - 1

    def row(self, terms: dict[int, float], low: float = -INF, high: float = INF) -> None:
        self.rows.append((terms, low, high))

    def least(self) -> float | None:
        for terms, low, high in self.rows:
            if not any(terms.values()) and (low > 0 or high < 0):
                return None
        data, row, column = [], [], []
        for position, (terms, _, _) in enumerate(self.rows):
            for variable, weight in terms.items():
                data.append(weight)
                row.append(position)
                column.append(variable)
        matrix = sparse.csr_array((data, (row, column)), shape=(len(self.rows), len(self.cost)))
        result = milp(
            np.array(self.cost),
            integrality=np.array(self.integer),
            bounds=Bounds(np.zeros(len(self.cost)), np.array(self.high)),
            constraints=LinearConstraint(matrix, [r[1] for r in self.rows], [r[2] for r in self.rows]),
            options={"mip_rel_gap": 0.0},
        )
        if result.status == 2:
            return None
        assert result.status == 0, result.message
        return float(result.fun)


def least_cost(problem: Problem) -> float | None:
    """Return the optimal objective (USD), or None when no plan exists."""
    return _Second(problem).program.least()


def least_carbon(problem: Problem, cost_cap_usd: float) -> float | None:
    """Return the least kg CO2e at no more than this cost, or None when no plan exists."""
    money = _Second(problem).program
    carbon = _Second(_only_carbon(problem)).program  # its variables are the same; its rows on money are not
    money.row(dict(enumerate(money.cost)), high=cost_cap_usd)
    money.cost = carbon.cost
    return money.least()


def _only_carbon(p: Problem) -> Problem:
    """Return the problem in which kg cost what USD did, and nothing else costs anything."""

    def only(table: Any, *names: str) -> Any:
        swapped = {name: replace(of := getattr(table, name), spend_usd=of.carbon_kg) for name in names}
        return replace(table, **swapped)

    return replace(
        p,
        regions=replace(p.regions, fixed_usd=0 * p.regions.fixed_usd),
        services=replace(p.services, unserved_usd=0 * p.services.unserved_usd),
        jobs=replace(p.jobs, undone_usd=0 * p.jobs.undone_usd),
        slots=only(p.slots, "running", "working"),
        flows=only(p.flows, "serving"),
        datasets=only(p.datasets, "copying", "moving"),
        mechanisms=replace(p.mechanisms, cost_usd=0 * p.mechanisms.cost_usd),
        moves=only(p.moves, "moving"),
        carbon_price_usd_per_kg=0.0,
    )


class _Second:
    def __init__(self, problem: Problem) -> None:
        self.p = problem
        self.program = Program()
        self.n: dict[int, int] = {}
        self.b: dict[int, int] = {}
        self.h: dict[int, int] = {}
        self.f: dict[int, int] = {}
        self.move: list[tuple[int, int, int]] = []  # move row, period, variable
        self.s = self._family(problem.regions.fixed_usd, 1.0, True)
        self.z = self._family(problem.mechanisms.cost_usd, 1.0, True)
        self.d = self._family(self._price(problem.datasets.copying), 1.0, True)
        self.u = self._family(self._price(problem.datasets.moving), INF, False)
        self.a = [self.program.variable(0.0, 1.0, True) for _ in problem.presence.workload]
        self._services()
        self._jobs()
        self._places()
        self._data()
        self._law()
        self._pools()
        self._measured()
        self._survival()

    def _family(self, costs: Any, high: float, integer: bool) -> list[int]:
        return [self.program.variable(float(cost), high, integer) for cost in costs]

    def _price(self, of: Coefficients) -> Any:
        return of.spend_usd + self.p.carbon_price_usd_per_kg * of.carbon_kg

    def _services(self) -> None:
        p, add = self.p, self.program
        running, serving = self._price(p.slots.running), self._price(p.flows.serving)
        for i in range(p.slots.workload.size):
            if not p.slots.is_job[i] and not p.slots.is_endpoint[i]:
                self.n[i] = add.variable(running[i], float(np.floor(p.slots.max_instances[i])), True)
        for q in range(p.flows.stream.size):
            self.f[q] = add.variable(serving[q])
        for j in range(p.services.workload.size):
            for t in range(p.period_hours.size):
                terms = {
                    self.f[q]: 1.0 for q in self.f if p.flows.stream[q] == j and p.slots.period[p.flows.slot[q]] == t
                }
                if p.services.may_be_unserved[j]:
                    terms[add.variable(p.services.unserved_usd[j, t])] = 1.0
                add.row(terms, p.services.demand_per_s[j, t], p.services.demand_per_s[j, t])
        for i, n in self.n.items():
            terms = {self.f[q]: 1.0 for q in self.f if p.flows.slot[q] == i}
            add.row({**terms, n: -p.slots.capacity_per_s[i]}, high=0.0)

    def _jobs(self) -> None:
        p, add = self.p, self.program
        working = self._price(p.slots.working)
        for g, w in enumerate(p.jobs.workload.tolist()):
            slots = [i for i in range(p.slots.workload.size) if p.slots.workload[i] == w]
            work = p.jobs.work_units[g]
            done = {}
            for i in slots:
                full = p.slots.usable_hours[i] * p.slots.gang_instances[i]
                self.b[i] = add.variable(0.0, float(p.jobs.max_gangs[g]), True)
                self.h[i] = add.variable(working[i])
                add.row({self.h[i]: 1.0, self.b[i]: -full}, high=0.0)
                done[self.h[i]] = 3600 * p.slots.capacity_per_s[i]
            if p.jobs.may_be_undone[g]:
                done[add.variable(p.jobs.undone_usd[g])] = 1.0
            add.row(done, work, work)
            by_period = defaultdict(list)
            for i in slots:
                by_period[int(p.slots.period[i])].append(i)
            for own in by_period.values():
                add.row({self.b[i]: 1.0 for i in own}, high=float(p.jobs.max_gangs[g]))
            if not p.jobs.deferrable[g]:
                self._prompt(g, slots)
            if not p.jobs.interruptible[g]:
                self._one_run(g, slots)
            elif p.jobs.max_gangs[g] == 1 and p.jobs.may_move[g]:
                self._journey(g, by_period)
            elif p.jobs.max_gangs[g] == 1:
                self._one_offer(slots)

    def _prompt(self, g: int, slots: list[int]) -> None:
        """Either every later gang is shut, or a gang's hours are worked in the first period."""
        p, add = self.p, self.program
        goes_on = add.variable(0.0, 1.0, True)
        worked = {goes_on: -1.0}
        for i in slots:
            if p.slots.period[i] == p.jobs.first_period[g]:
                worked[self.h[i]] = 1.0 / (p.slots.usable_hours[i] * p.slots.gang_instances[i])
            else:
                add.row({self.b[i]: 1.0, goes_on: -float(p.jobs.max_gangs[g])}, high=0.0)
        add.row(worked, low=0.0)

    def _one_offer(self, slots: list[int]) -> None:
        offers = {int(self.p.slots.offer[i]): 0 for i in slots}
        for offer in offers:
            offers[offer] = self.program.variable(0.0, 1.0, True)
        self.program.row(dict.fromkeys(offers.values(), 1.0), high=1.0)
        for i in slots:
            self.program.row({self.b[i]: 1.0, offers[int(self.p.slots.offer[i])]: -1.0}, high=0.0)

    def _one_run(self, g: int, slots: list[int]) -> None:
        """Choose at most one run: an offer and consecutive periods, idle only before its start and after its end."""
        p, add = self.p, self.program
        at = {(int(p.slots.offer[i]), int(p.slots.period[i])): i for i in slots}
        runs, covering, full_by = {}, defaultdict(dict), defaultdict(dict)
        for offer, start in at:
            end = start
            while (offer, end) in at:
                run = add.variable(0.0, 1.0, True)
                runs[run] = 1.0
                for t in range(start, end + 1):
                    covering[at[offer, t]][run] = 1.0
                    prompt = not p.jobs.deferrable[g] and t == start == p.jobs.first_period[g] and end > start
                    if start < t < end or prompt:
                        full_by[at[offer, t]][run] = 1.0
                end += 1
        add.row(runs, high=1.0)
        for i in slots:
            add.row({self.b[i]: -1.0, **covering[i]}, 0.0, 0.0)
            full = p.slots.usable_hours[i] * p.slots.gang_instances[i]
            add.row({self.h[i]: 1.0, **dict.fromkeys(full_by[i], -full)}, low=0.0)

    def _journey(self, g: int, by_period: dict[int, list[int]]) -> None:
        p, add = self.p, self.program
        times = sorted(by_period)
        cost = {
            (int(p.moves.source[e]), int(p.moves.target[e])): (e, float(self._price(p.moves.moving)[e]))
            for e in range(p.moves.job.size)
            if p.moves.job[e] == g
        }
        at: dict[tuple[int, int], int] = {}
        for t in times:
            regions = {int(p.slots.region[i]) for i in by_period[t]}
            for r in regions:
                at[r, t] = add.variable(0.0, 1.0, True)
            add.row(dict.fromkeys([at[r, t] for r in regions], 1.0), 1.0, 1.0)
            for i in by_period[t]:
                add.row({self.b[i]: 1.0, at[int(p.slots.region[i]), t]: -1.0}, high=0.0)
        for before, t in itertools.pairwise(times):
            steps = {}
            for source, target in [(x, y) for x, s in at if s == before for y, e in at if e == t]:
                if source != target and (source, target) not in cost:
                    continue
                row, usd = cost.get((source, target), (-1, 0.0))
                step = add.variable(usd if source != target else 0.0, 1.0, True)
                add.row({step: 1.0, at[source, before]: -1.0}, high=0.0)
                add.row({step: 1.0, at[target, t]: -1.0}, high=0.0)
                steps[step] = 1.0
                if source != target:
                    self.move.append((row, t, step))
            add.row(steps, 1.0, 1.0)

    def _places(self) -> None:
        p, add = self.p, self.program
        where = {
            (int(w), int(r)): x for x, (w, r) in enumerate(zip(p.presence.workload, p.presence.region, strict=True))
        }
        for i in range(p.slots.workload.size):
            x = where.get((int(p.slots.workload[i]), int(p.slots.region[i])))
            if x is None:
                continue
            if i in self.n:
                add.row({self.n[i]: 1.0, self.a[x]: -1e3}, high=0.0)
            if i in self.b:
                add.row({self.b[i]: 1.0, self.a[x]: -1e3}, high=0.0)
            for q in self.f:
                if p.flows.slot[q] == i:
                    add.row({self.f[q]: 1.0, self.a[x]: -1e3}, high=0.0)
        for x, r in enumerate(p.presence.region.tolist()):
            add.row({self.a[x]: 1.0, self.s[r]: -1.0}, high=0.0)
        for c, r in enumerate(p.datasets.copy_region.tolist()):
            add.row({self.d[c]: 1.0, self.s[r]: -1.0}, high=0.0)
        for k, w in enumerate(p.presence.bounded_workload.tolist()):
            own = {r: x for (v, r), x in where.items() if v == w}
            add.row({self.a[x]: 1.0 for x in own.values()}, high=float(p.presence.max_regions[k]))
            if p.presence.min_regions[k] < 2:
                continue
            add.row({self.a[x]: 1.0 for x in own.values()}, low=float(p.presence.min_regions[k]))
            total = p.services.demand_per_s[p.services.workload == w].sum()
            for r, x in own.items():
                terms = {self.a[x]: 1.0}
                for i in range(p.slots.workload.size):
                    if p.slots.workload[i] == w and p.slots.region[i] == r:
                        if i in self.n or i in self.b:
                            terms[self.n[i] if i in self.n else self.b[i]] = -1.0
                        elif total > 0:
                            terms.update({self.f[q]: -100.0 / total for q in self.f if p.flows.slot[q] == i})
                add.row(terms, high=0.0)

    def _data(self) -> None:
        p, add = self.p, self.program
        data = p.datasets
        read: dict[tuple[int, int], dict[int, float]] = defaultdict(dict)
        for members, variables in ((data.read_by_flow, self.f), (data.read_by_work, self.h)):
            for x, column, weight in zip(members.row, members.column, members.weight, strict=True):
                pair = read[int(data.read_dataset[x]), int(data.read_region[x])]
                variable = variables[int(column)]
                pair[variable] = pair.get(variable, 0.0) - weight
        for e in range(data.transfer_copy.size):
            c = int(data.transfer_copy[e])
            read[int(data.copy_dataset[c]), int(data.transfer_region[e])][self.u[e]] = 1.0
            add.row({self.u[e]: 1.0, self.d[c]: -float(data.max_gb[data.copy_dataset[c]])}, high=0.0)
        for terms in read.values():
            add.row(terms, 0.0, 0.0)
        for y, least in enumerate(data.duty_copies.tolist()):
            kept = data.duty.row == y
            add.row(
                {self.d[c]: w for c, w in zip(data.duty.column[kept], data.duty.weight[kept], strict=True)}, low=least
            )
        for k, least in enumerate(data.min_countries.tolist()):
            countries = defaultdict(list)
            for c in np.flatnonzero(data.copy_dataset == k).tolist():
                countries[int(p.regions.country[data.copy_region[c]])].append(c)
            if least < 2:
                continue
            reached = {}
            for copies in countries.values():
                mark = add.variable(0.0, 1.0, True)
                reached[mark] = 1.0
                add.row({mark: 1.0, **{self.d[c]: -1.0 for c in copies}}, high=0.0)
            add.row(reached, low=float(least))

    def _law(self) -> None:
        law, add = self.p.mechanisms, self.program
        self.asked: dict[int, list[dict[int, float]]] = defaultdict(
            list
        )  # by flow: mechanism terms of each requirement
        for row in range(law.bound.size):
            by = {self.z[int(m)]: -1e3 for m in law.satisfied_by.column[law.satisfied_by.row == row]}
            for members, variables in (
                (law.by_flow, self.f),
                (law.by_gang, self.b),
                (law.by_copy, dict(enumerate(self.d))),
            ):
                for column in members.column[members.row == row].tolist():
                    add.row({variables[column]: 1.0, **by}, high=0.0)
            for column in law.by_flow.column[law.by_flow.row == row].tolist():
                self.asked[column].append(by)

    def _pools(self) -> None:
        p = self.p
        for row, limit in enumerate(p.pools.limit.tolist()):
            terms: dict[int, float] = {}
            held = p.pools.by_instances
            for i, weight in zip(
                held.column[held.row == row].tolist(), held.weight[held.row == row].tolist(), strict=True
            ):
                if i in self.n:
                    terms[self.n[i]] = weight
                elif i in self.b:
                    terms[self.b[i]] = weight * p.slots.gang_instances[i]
            by_flow = p.pools.by_flow
            for q, weight in zip(by_flow.column[by_flow.row == row], by_flow.weight[by_flow.row == row], strict=True):
                terms[self.f[int(q)]] = float(weight)
            self.program.row(terms, high=limit)

    def _measure(self, metric: str, weights: dict[int, float], terms: dict[int, float], sign: float = 1.0) -> None:
        """Add sign x weight x metric of what happens in the slots."""
        p = self.p
        for i, weight in weights.items():
            for variables, of in ((self.n, p.slots.running), (self.h, p.slots.working)):
                if i in variables:
                    value = sign * weight * getattr(of, metric)[i]
                    terms[variables[i]] = terms.get(variables[i], 0.0) + value
            for q in np.flatnonzero(p.flows.slot == i).tolist():
                value = sign * weight * getattr(p.flows.serving, metric)[q]
                terms[self.f[q]] = terms.get(self.f[q], 0.0) + value

    def _measured(self) -> None:
        p, budgets, shares = self.p, self.p.budgets, self.p.shares

        def of(members: Any, row: int) -> dict[int, float]:
            kept = members.row == row
            return dict(zip(members.column[kept].tolist(), members.weight[kept].tolist(), strict=True))

        for row, metric in enumerate(budgets.metric):
            terms: dict[int, float] = {}
            self._measure(metric, of(budgets.slots, row), terms)
            for c, weight in of(budgets.copies, row).items():
                terms[self.d[c]] = weight * getattr(p.datasets.copying, metric)[c]
            for e, weight in of(budgets.transfers, row).items():
                terms[self.u[e]] = weight * getattr(p.datasets.moving, metric)[e]
            counted = of(budgets.moves, row)
            for e, t, step in self.move:
                weight = counted.get(e * p.period_hours.size + t, 0.0)
                terms[step] = weight * getattr(p.moves.moving, metric)[e]
            if budgets.whole[row] and metric == "spend_usd":
                terms.update(zip(self.z, p.mechanisms.cost_usd.tolist(), strict=True))
                terms.update(zip(self.s, p.regions.fixed_usd.tolist(), strict=True))
            self.program.row(terms, high=budgets.limit[row])
        for row, measure in enumerate(shares.measure):
            for bound, sign in ((shares.upper[row], 1.0), (shares.lower[row], -1.0)):
                terms = {}
                self._measure(measure, of(shares.part, row), terms, sign)
                self._measure(measure, of(shares.all, row), terms, -sign * bound)
                if 0.0 < bound < 1.0 or (sign > 0) == (bound < 1.0):
                    self.program.row(terms, high=0.0)

    def _survival(self) -> None:
        p = self.p
        survival = p.survival
        replaced: dict[tuple[int, int], dict[int, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
        for x, w in enumerate(survival.workload.tolist()):
            label = (np.arange(len(p.regions.ids)), p.regions.metro, p.regions.provider)[survival.of[x]]
            mine = [
                q
                for q in self.f
                if p.slots.workload[p.flows.slot[q]] == w
                and p.services.demand_per_s[p.flows.stream[q], p.slots.period[p.flows.slot[q]]] > 0
            ]
            region = {q: int(p.slots.region[p.flows.slot[q]]) for q in mine}
            reads = p.datasets.read_by_flow
            read = defaultdict(set)
            for row, q in zip(reads.row.tolist(), reads.column.tolist(), strict=True):
                read[q].add(int(p.datasets.read_dataset[row]))
            known = set().union(*(read[q] for q in mine)) if mine else set()
            copies = {k: np.flatnonzero(p.datasets.copy_dataset == k).tolist() for k in known}
            places = {int(label[region[q]]) for q in mine}
            places |= {int(label[p.datasets.copy_region[c]]) for own in copies.values() for c in own} if mine else set()
            for place in sorted(places):
                self._failure(x, place, label, [q for q in mine if label[region[q]] != place], replaced, read, copies)
        self._failing_rates(replaced)

    def _failure(self, x: int, place: int, label: Any, left: list[int], replaced: Any, read: Any, copies: Any) -> None:
        p, add, survival = self.p, self.program, self.p.survival
        share, w = survival.share[x], survival.workload[x]
        g = {q: add.variable() for q in left}
        for j in np.flatnonzero(p.services.workload == w):
            for t in range(p.period_hours.size):
                if p.services.demand_per_s[j, t] > 0:
                    own = {g[q]: 1.0 for q in left if p.flows.stream[q] == j and p.slots.period[p.flows.slot[q]] == t}
                    add.row(own, low=share * p.services.demand_per_s[j, t])
        where = {
            (int(v), int(r)): y for y, (v, r) in enumerate(zip(p.presence.workload, p.presence.region, strict=True))
        }
        for i in {int(p.flows.slot[q]) for q in left}:
            own = {g[q]: 1.0 for q in left if p.flows.slot[q] == i}
            if i in self.n:
                add.row({**own, self.n[i]: -p.slots.capacity_per_s[i]}, high=0.0)
            elif (int(w), int(p.slots.region[i])) in where:
                add.row({**own, self.a[where[int(w), int(p.slots.region[i])]]: -1e3}, high=0.0)
        for q in left:
            for by in self.asked[q]:
                add.row({g[q]: 1.0, **by}, high=0.0)
            for k in read[q]:
                routed = {
                    self.d[c]: -1e3
                    for c, target in zip(p.datasets.transfer_copy.tolist(), p.datasets.transfer_region, strict=True)
                    if c in copies[k]
                    and target == p.slots.region[p.flows.slot[q]]
                    and label[p.datasets.copy_region[c]] != place
                }
                add.row({g[q]: 1.0, **routed}, high=0.0)
            replaced[int(survival.of[x]), place][int(w)].append((q, g[q]))
        for own in copies.values():
            add.row({self.d[c]: 1.0 for c in own if label[p.datasets.copy_region[c]] != place}, low=1.0)

    def _failing_rates(self, replaced: Any) -> None:
        p = self.p
        for (of, place), by_workload in replaced.items():
            label = (np.arange(len(p.regions.ids)), p.regions.metro, p.regions.provider)[of]
            failing = dict(pair for pairs in by_workload.values() for pair in pairs)
            for row, limit in enumerate(p.pools.limit.tolist()):
                kept = p.pools.by_flow.row == row
                weights = dict(zip(p.pools.by_flow.column[kept].tolist(), p.pools.by_flow.weight[kept], strict=True))
                terms = {failing[q]: float(weight) for q, weight in weights.items() if q in failing}
                if not terms:
                    continue
                for q, weight in weights.items():
                    slot = p.flows.slot[q]
                    if label[p.slots.region[slot]] != place and int(p.slots.workload[slot]) not in by_workload:
                        terms[self.f[q]] = float(weight)
                self.program.row(terms, high=limit)
