"""What must survive a failure, in the second formulation: failure flows per slot instead of per cell."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from problem_independent_work import Work

from formulations.problem import Problem


class Surviving(Work):
    """Rows of failures; they need what the law asks of every flow (`asked`)."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.asked: dict[int, list[dict[int, float]]] = defaultdict(list)

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
