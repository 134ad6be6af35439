"""Services and jobs of the second formulation: contiguous jobs choose among explicit runs, moves are transitions."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Any

import numpy as np
from problem_program import INF, Program

from formulations.problem import Coefficients, Problem


class Work:
    """Variables of everything, and the rows of services and jobs."""

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
        self.moved = self._family(self._price(problem.relocations.leaving), 1.0, True)
        self.entered = self._family(self._price(problem.relocations.entering), 1.0, True)
        self.q = self._family(problem.places.price_usd, 1.0, True)
        self._services()
        self._jobs()

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
