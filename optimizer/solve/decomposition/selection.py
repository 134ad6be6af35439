"""A quick plan from configurations known: one for every workload, changed one by one where that pays.

The choice begins with what the relaxed master takes most of, or without it by placing the workloads one after the
other, the dearest first. A pass visits the workloads and gives each the configuration that is cheapest beside what all
others take, rows beyond their limit at a penalty; what rows other than limits ask for (mechanisms, copies) counts at
the prices given. Rows that stay broken get dearer from pass to pass.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.cut import Cut

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST_PASSES, DEARER = 12, 3.0
TOLERANCE = 1e-9


class Configurations(Protocol):
    """Configurations by number, in a pool or beside it."""

    @property
    def workload(self) -> Ints:
        """The workload of each."""

    @property
    def cost_usd(self) -> Floats:
        """The cost of each (USD)."""

    def entries(self) -> tuple[Ints, Ints, Floats]:
        """Return (start of each, row, weight) of what they use of the master's rows."""


class Selection:
    """One configuration per workload, and what they use of the elastic rows together; `chosen` is -1 where there is
    none yet.
    """

    def __init__(self, cut: Cut, known: Configurations, price: Floats, penalty_usd: Floats) -> None:
        elastic = penalty_usd > 0
        self.penalty_usd = penalty_usd.copy()
        self.lower, self.upper = cut.row_lower, cut.row_upper
        self.slack = TOLERANCE * np.maximum(1.0, np.abs(np.where(np.isfinite(self.upper), self.upper, self.lower)))
        workload, rows = known.workload, elastic.size
        self.by_workload = np.argsort(workload, kind="stable")
        workloads, self.head = len(cut.blocks), cut.classes.head
        self.first = np.searchsorted(workload[self.by_workload], np.arange(workloads + 1))
        place = np.empty(workload.size, dtype=np.int64)
        place[self.by_workload] = np.arange(workload.size)
        start, row, weight = known.entries()
        number = np.repeat(np.arange(workload.size), np.diff(start))
        other = ~elastic[row]
        beside = np.bincount(number[other], weight[other] * price[row[other]], workload.size)
        self.cost = (known.cost_usd - beside)[self.by_workload]
        kept = np.flatnonzero(elastic[row])
        number, row, weight = place[number[kept]], row[kept], weight[kept]
        self._sort_entries(workload[self.by_workload][number], number, row, weight, rows)
        self.entry = (number, row, weight)
        self.chosen = np.full(workloads, -1, dtype=np.int64)
        self.used = np.zeros(rows)

    def begin_with(self, shares: Floats) -> None:
        """Choose for every workload the configuration of which most is taken, the cheapest of several."""
        number, row, weight = self.entry
        owner = np.repeat(np.arange(self.first.size - 1), np.diff(self.first))
        order = np.lexsort((self.cost, -shares[self.by_workload], owner))
        self.chosen = order[self.first[:-1][self.head]]
        times = np.bincount(self.chosen, minlength=self.cost.size)
        self.used = np.bincount(row, weight * times[number], self.used.size).astype(np.float64)

    def place_all(self) -> None:
        """Choose for one workload after the other what is cheapest beside those before it, the dearest first."""
        least = np.minimum.reduceat(self.cost, np.minimum(self.first[:-1], self.cost.size - 1))
        for workload in np.argsort(-least[self.head], kind="stable").tolist():
            self.improve(workload)

    def _sort_entries(self, owner: Ints, number: Ints, row: Ints, weight: Floats, rows: int) -> None:
        """Sort the entries by workload, and list the distinct rows of every workload."""
        order = np.lexsort((number, owner))
        owner, number, row, weight = owner[order], number[order], row[order], weight[order]
        pair, column = np.unique(owner * rows + row, return_inverse=True)
        every = np.arange(self.first.size)
        self.entry_start = np.searchsorted(owner, every)
        self.row_start = np.searchsorted(pair // rows, every)
        self.entry_number, self.entry_weight = number, weight
        self.entry_column = column - self.row_start[owner]
        self.row_of = pair % rows

    def excess(self) -> Floats:
        """Return by how much every elastic row is broken, 0 where it holds."""
        over = np.maximum(self.used - self.upper, self.lower - self.used)
        return np.where((self.penalty_usd > 0) & (over > self.slack), over, 0.0)

    def improve(self, workload: int) -> bool:
        """Give a workload the configuration that is cheapest beside the others; whether it is another than before."""
        head = self.head[workload]
        begin, end = self.first[head], self.first[head + 1]
        low, high = self.entry_start[head], self.entry_start[head + 1]
        rows = self.row_of[self.row_start[head] : self.row_start[head + 1]]
        use = np.zeros((end - begin, rows.size))
        use[self.entry_number[low:high] - begin, self.entry_column[low:high]] = self.entry_weight[low:high]
        now = int(self.chosen[workload] - begin) if self.chosen[workload] >= 0 else -1
        then = self.used[rows] + use - (use[now] if now >= 0 else 0.0)
        over = np.maximum(then - self.upper[rows] - self.slack[rows], 0.0)
        lack = np.maximum(self.lower[rows] - self.slack[rows] - then, 0.0)
        cost = self.cost[begin:end] + (over + lack) @ self.penalty_usd[rows]
        best = int(np.argmin(cost))
        if now >= 0 and cost[best] >= cost[now] - TOLERANCE * abs(cost[now]):
            return False
        self.chosen[workload] = begin + best
        self.used[rows] = then[best]
        return True

    def users_of(self, broken: Ints) -> Ints:
        """Return the workloads with a configuration that uses one of some rows."""
        touched = np.flatnonzero(np.isin(self.row_of, broken))
        heads = np.unique(np.searchsorted(self.row_start, touched, side="right") - 1)
        return np.flatnonzero(np.isin(self.head, heads))

    def repair(self, watch: Watch) -> Bools:
        """Change one workload after the other until no row is broken and none changes any more, or it is no use;
        return which rows were broken at the end of a pass.
        """
        every = visited = np.arange(self.chosen.size)
        ever = np.zeros(self.used.size, dtype=bool)
        for _ in range(MOST_PASSES):
            changed = sum(self.improve(workload) for workload in visited.tolist())
            broken = np.flatnonzero(self.excess())
            ever[broken] = True
            if watch.should_stop() or (not changed and not broken.size):
                break
            self.penalty_usd[broken] *= DEARER
            visited = self.users_of(broken) if broken.size else every
        return ever

    def numbers(self) -> Ints | None:
        """Return by workload the number of its configuration; None while a row is broken."""
        return None if self.excess().any() else self.by_workload[self.chosen]


def select(
    cut: Cut, known: Configurations, price: Floats, penalty_usd: Floats, watch: Watch, *, shares: Floats
) -> Ints | None:
    """Return the number of a configuration for every workload, such that no elastic row is broken; None when some stay
    so. Every workload must have a configuration. `price` and `shares` are those of the master's relaxation.
    """
    state = Selection(cut, known, price, penalty_usd)
    state.begin_with(shares)
    state.repair(watch)
    return state.numbers()
