"""The restricted master: prices of the coupling rows from the configurations known, and a plan put together from them.

The mathematics is `formulations.configurations`; new configurations are appended to the loaded relaxation, which then
starts from its last basis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formulations.configurations import MasterProblem, master_arrays
from formulations.problem import Membership
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.cut import Cut
from optimizer.solve.decomposition.pool import Pool
from optimizer.solve.highs.call import cost_scale, run
from optimizer.solve.highs.hand_over import from_arrays, to_task
from optimizer.solve.highs.session import OPTIMAL, Ears, Session
from optimizer.solve.matrix import Matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SHARED = ("shared", "shared_whole")
BROKEN = 1e-9
LEAST_SECONDS = 0.1
SIDES = ("use_equal", "use_upper", "use_lower")
OPTIONS = {"threads": 1, "simplex_strategy": 0}
"""The simplex that suits the last basis: primal after new configurations, dual after new bounds of the tree."""


@dataclass(frozen=True)
class MasterAnswer:
    """The optimum over the configurations known: cost with and without penalties (USD), shares, values, row prices."""

    cost_usd: float
    penalties_usd: float
    shares: Floats
    shared: Floats
    price: Floats


@dataclass(frozen=True)
class Chosen:
    """A plan in terms of the master: by workload the number of its configuration (one of its head's), and the values of
    shared decisions.
    """

    numbers: Ints
    shared: Floats

    def values(self, cut: Cut, pool: Pool) -> Floats:
        """Return the values of all columns of the model."""
        values = np.zeros(cut.matrix.cost.size)
        for workload, number in enumerate(self.numbers.tolist()):
            values[cut.columns_of(workload, pool.columns[number])] = pool.values[number]
        values[cut.shared] = self.shared
        whole = cut.matrix.integer
        values[whole] = np.round(values[whole])
        return values


def master_problem(
    cut: Cut, pool: Pool, penalty_usd: Floats, unplaced_usd: Floats, among: Ints | None = None
) -> MasterProblem:
    """Return the master over the pool, or over some of its configurations, as arrays; `penalty_usd` by row, 0 on rows
    that cannot be broken. Rows that these configurations cannot break have no sides.
    """
    matrix, shared = cut.matrix, cut.shared
    entries = cut.shared_use.tocoo()
    use, every = pool.use(), slice(None)
    if among is not None:
        place = np.full(len(pool), -1, dtype=np.int64)
        place[among] = np.arange(among.size)
        kept = np.flatnonzero(place[use.column] >= 0)
        use = Membership(use.row[kept], place[use.column[kept]], use.weight[kept])
    matters = ~cut.harmless
    matters[use.row] = True
    return MasterProblem(
        row_lower=np.where(matters, cut.row_lower, -np.inf),
        row_upper=np.where(matters, cut.row_upper, np.inf),
        penalty_usd=penalty_usd,
        shared_cost_usd=matrix.cost[shared],
        shared_upper=cut.shared_upper,
        shared_whole=matrix.integer[shared],
        shared_use=Membership(entries.row.astype(np.int64), entries.col.astype(np.int64), entries.data),
        unplaced_usd=unplaced_usd,
        workload_count=cut.classes.count,
        configuration_workload=pool.workload[every if among is None else among],
        configuration_cost_usd=pool.cost_usd[every if among is None else among],
        use=use,
    )


class RestrictedMaster:
    """The relaxation over the pool, kept loaded in HiGHS between rounds; the watch is asked while it is solved.

    Rows come with the first configuration that uses them.
    """

    def __init__(self, cut: Cut, pool: Pool, penalty_usd: Floats, unplaced_usd: Floats, watch: Watch) -> None:
        self.cut, self.pool, self.watch = cut, pool, watch
        self.penalty_usd, self.unplaced_usd = penalty_usd, unplaced_usd
        self.matrix = from_arrays(master_arrays(master_problem(cut, pool, penalty_usd, unplaced_usd), whole=False))
        self.scale = cost_scale(self.matrix.cost)
        task = to_task(self.matrix, self.matrix.cost * self.scale, self.matrix.offset * self.scale)
        self.session = Session(replace(task, options=OPTIONS), Ears(watch.is_settled, watch.fail))
        self.highs = self.session.highs
        self._loaded = len(pool)
        self.elastic = np.concatenate([self.matrix.columns.of(name) for name in ("excess", "lack", "unplaced")])
        self.penalty_of_column = self.matrix.cost.copy()
        self.broken = self.elastic[:0]
        rows = self.matrix.rows
        self.row_of_workload = np.full(unplaced_usd.size, -1, dtype=np.int64)
        own = rows.of("one_configuration")
        self.row_of_workload[rows.key[own]] = own
        self.sides = []
        for name in SIDES:
            place = np.full(cut.rows.size, -1, dtype=np.int64)
            own = rows.of(name)
            place[rows.key[own]] = own
            self.sides.append(place)
        shares = self.matrix.columns.of("chosen_share")
        self.column_of_configuration = np.full(len(pool), -1, dtype=np.int64)
        self.column_of_configuration[self.matrix.columns.key[shares]] = shares
        self.column_of_shared = np.full(cut.shared.size, -1, dtype=np.int64)
        for name in SHARED:
            own = self.matrix.columns.of(name)
            self.column_of_shared[self.matrix.columns.key[own]] = own
        self._load_missing()

    def _load_missing(self) -> None:
        """Load the shared decisions without a cost that no row loaded so far has: the model was stated without them."""
        missing = np.flatnonzero(self.column_of_shared < 0)
        self.column_of_shared[missing] = self.highs.getNumCol() + np.arange(missing.size)
        cut, none = self.cut, np.zeros(0, dtype=np.int32)
        start = np.zeros(missing.size, dtype=np.int32)
        cost = cut.matrix.cost[cut.shared[missing]] * self.scale
        upper = cut.shared_upper[missing]
        self.session.add_columns(cost, np.zeros(missing.size), upper, begin=start, row=none, value=np.zeros(0))

    def solve(self, seconds: float) -> MasterAnswer | None:
        """Append what the pool has gained and solve, in at most so many seconds; None when HiGHS ends without an
        optimum.
        """
        self._append()
        self.highs.setOptionValue("time_limit", self.highs.getRunTime() + max(seconds, LEAST_SECONDS))
        outcome = self.session.run()
        self.watch.work.add(runs=1, simplex_iterations=outcome.simplex_iterations)
        if outcome.kind != OPTIMAL or outcome.x is None or outcome.row_dual is None:
            return None
        x, dual = outcome.x, outcome.row_dual / self.scale
        price = np.zeros(self.cut.rows.size)
        for place in self.sides:
            held = place >= 0
            price[held] += dual[place[held]]
        cost = self.highs.getInfo().objective_function_value / self.scale
        self.broken = self.elastic[x[self.elastic] > BROKEN]
        return MasterAnswer(
            cost_usd=cost,
            penalties_usd=float(self.penalty_of_column[self.elastic] @ x[self.elastic]),
            shares=x[self.column_of_configuration],
            shared=x[self.column_of_shared],
            price=legal_price(self.cut, price),
        )

    def restrict(self, allowed: Bools, shared_lower: Floats, shared_upper: Floats) -> None:
        """Let only some configurations of the pool, and shared decisions within some bounds, into the solutions."""
        self._append()
        columns = self.column_of_configuration.astype(np.int32)
        upper = np.where(allowed, np.inf, 0.0)
        self.highs.changeColsBounds(columns.size, columns, np.zeros(columns.size), upper)
        shared = self.column_of_shared.astype(np.int32)
        self.highs.changeColsBounds(shared.size, shared, shared_lower, shared_upper)

    def raise_penalties(self, factor: float) -> None:
        """Make what the last solution broke dearer, in the relaxation and in `penalty_usd`."""
        labels = self.matrix.columns
        for column in self.broken.tolist():
            self.penalty_of_column[column] *= factor
            self.highs.changeColCost(column, self.penalty_of_column[column] * self.scale)
            if labels.names[labels.component[column]] != "unplaced":
                row = labels.key[column]
                self.penalty_usd[row] = max(self.penalty_usd[row], self.penalty_of_column[column])

    def _append(self) -> None:
        fresh = len(self.pool) - self._loaded
        if not fresh:
            return
        start, row, weight = self.pool.entries(self._loaded)
        self._append_rows(row)
        configuration = np.repeat(np.arange(fresh), np.diff(start))
        workload = self.pool.workload[self._loaded :]
        parts = [(np.arange(fresh), self.row_of_workload[workload], np.ones(fresh))]
        for place in self.sides:
            held = place[row] >= 0
            parts.append((configuration[held], place[row[held]], weight[held]))
        column, at, value = (np.concatenate([part[axis] for part in parts]) for axis in range(3))
        order = np.argsort(column, kind="stable")
        column, at, value = column[order], at[order], value[order]
        begin = np.searchsorted(column, np.arange(fresh)).astype(np.int32)
        first = self.highs.getNumCol()
        self.session.add_columns(
            self.pool.cost_usd[self._loaded :] * self.scale, np.zeros(fresh), np.full(fresh, np.inf),
            begin=begin, row=at.astype(np.int32), value=value,
        )  # fmt: skip
        self.column_of_configuration = np.concatenate([self.column_of_configuration, first + np.arange(fresh)])
        self._loaded = len(self.pool)

    def _append_rows(self, used: Ints) -> None:
        """Load those of the rows used that are not loaded yet, with what shared decisions add to them."""
        cut = self.cut
        loaded = np.maximum.reduce(self.sides) >= 0
        fresh = np.unique(used[~loaded[used]])
        equal = cut.row_lower[fresh] == cut.row_upper[fresh]
        for place, kept, has_lower, has_upper in zip(
            self.sides,
            (equal, ~equal & np.isfinite(cut.row_upper[fresh]), ~equal & np.isfinite(cut.row_lower[fresh])),
            (True, False, True),
            (True, True, False),
            strict=True,
        ):
            rows = fresh[kept]
            entries = cut.shared_use[rows]
            free = np.full(rows.size, np.inf)
            place[rows] = self.highs.getNumRow() + np.arange(rows.size)
            self.session.add_rows(
                cut.row_lower[rows] if has_lower else -free, cut.row_upper[rows] if has_upper else free,
                begin=entries.indptr[:-1].astype(np.int32),
                column=self.column_of_shared[entries.indices].astype(np.int32), value=entries.data,
            )  # fmt: skip


def legal_price(cut: Cut, price: Floats) -> Floats:
    """Return prices with the signs that the sides of the rows allow: what a Lagrangian bound needs."""
    at_most = np.where(np.isfinite(cut.row_lower), np.inf, 0.0)
    at_least = np.where(np.isfinite(cut.row_upper), -np.inf, 0.0)
    return np.clip(price, at_least, at_most)


def put_together(
    cut: Cut, pool: Pool, penalty_usd: Floats, unplaced_usd: Floats, watch: Watch, *,
    gap: float, seconds: float, threads: int, among: Ints | None = None, start: Chosen | None = None,
) -> Chosen | None:  # fmt: skip
    """Choose a configuration for every workload by the integer master.

    None when some workload stays without one, or nothing was found in time. Rows may still be broken at their penalty.
    `among`: only some configurations may be chosen; `start` is a plan to begin from.
    """
    matrix = from_arrays(master_arrays(master_problem(cut, pool, penalty_usd, unplaced_usd, among), whole=True))
    begin = None if start is None or among is not None else _as_start(matrix, start)
    result = run(matrix, watch, gap=gap, time_limit_seconds=seconds, threads=threads, start=begin)
    if result.x is None:
        return None
    labels = matrix.columns
    shares = labels.of("chosen_share")
    chosen = labels.key[shares] if among is None else among[labels.key[shares]]
    numbers = _handed_out(cut, pool, _repeated(chosen, result.x[shares]))
    if numbers is None:
        return None
    shared = np.zeros(cut.shared.size)
    for name in SHARED:
        own = labels.of(name)
        shared[labels.key[own]] = result.x[own]
    return Chosen(numbers, shared)


def as_plan(cut: Cut, pool: Pool, answer: MasterAnswer) -> Chosen | None:
    """Return the plan that a whole optimum of the relaxation is; None where it breaks rows or leaves a workload out."""
    if answer.penalties_usd > BROKEN * abs(answer.cost_usd):
        return None
    numbers = _handed_out(cut, pool, _repeated(np.arange(answer.shares.size), answer.shares))
    return None if numbers is None else Chosen(numbers, answer.shared)


def _repeated(numbers: Ints, times: Floats) -> Ints:
    """Return every number as often as it is chosen."""
    return np.repeat(numbers, np.maximum(np.round(times).astype(np.int64), 0))


def _handed_out(cut: Cut, pool: Pool, picked: Ints) -> Ints | None:
    """Return by workload the number of its configuration, handing out those of a head among its class; None when some
    workload gets none.
    """
    order = np.argsort(pool.workload[picked], kind="stable")
    by_head = np.argsort(cut.classes.head, kind="stable")
    if picked.size != by_head.size or (pool.workload[picked[order]] != cut.classes.head[by_head]).any():
        return None
    numbers = np.empty(by_head.size, dtype=np.int64)
    numbers[by_head] = picked[order]
    return numbers


def _as_start(matrix: Matrix, start: Chosen) -> Floats:
    """Return a plan that breaks no row as values of the integer master."""
    begin = np.zeros(matrix.cost.size)
    labels = matrix.columns
    own = labels.of("chosen_share")
    times = np.bincount(start.numbers, minlength=int(labels.key[own].max(initial=0)) + 1)
    begin[own] = times[labels.key[own]]
    for name in SHARED:
        own = labels.of(name)
        begin[own] = start.shared[labels.key[own]]
    return begin
