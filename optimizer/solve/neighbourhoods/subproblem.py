"""Free a few workloads, hold the rest where they are, and solve what is left exactly enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import polish, run
from optimizer.solve.matrix import Labels, Matrix, submatrix
from optimizer.solve.neighbourhoods.working_plan import WorkingPlan

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
T = TypeVar("T")

EAGER = {"mip_heuristic_effort": 0.3}
"""Small programs are asked for good plans, not for proofs."""


@dataclass(frozen=True)
class Part:
    """A small program: `free` columns of the model, then one column per elastic side; `start` are its present
    values.
    """

    matrix: Matrix
    free: Ints
    start: Floats | None


def free_columns(state: WorkingPlan, workloads: Ints, rank: Ints, options: int) -> Ints:
    """Return the columns of some workloads: the best `options` of each, what they use now, and what has no option."""
    blocks = state.blocks
    columns = blocks.columns_of(workloads)
    option = blocks.option[columns]
    kept = (option < 0) | (rank[np.maximum(option, 0)] < options)
    used = np.zeros(rank.size, dtype=bool)
    now = columns[(state.x[columns] > 1e-9) & (option >= 0)]
    used[blocks.option[now]] = True
    kept |= (option >= 0) & used[np.maximum(option, 0)]
    return columns[kept]


def shared_beside(state: WorkingPlan, columns: Ints) -> Ints:
    """Return the shared columns that meet the given ones in some row, directly or through other shared ones.

    Rows in which nothing shared can make room (budgets) do not count: there the shared part can stay as it is.
    """
    marks = state.blocks.shared_in_row
    if not marks.nnz:
        return np.zeros(0, dtype=np.int64)
    found = np.zeros(state.x.size, dtype=bool)
    has_marks = np.diff(marks.indptr) > 0
    reached = columns
    while reached.size:
        rows = state.matrix.by_column[:, reached].indices
        near = marks[np.flatnonzero(np.bincount(rows[has_marks[rows]], minlength=has_marks.size))].indices
        fresh = np.zeros(state.x.size, dtype=bool)
        fresh[near] = True
        reached = np.flatnonzero(fresh & ~found)
        found[reached] = True
    return np.flatnonzero(found)


def make_part(
    state: WorkingPlan, free: Ints, *, elastic: bool, price: Floats | None = None, may_use_slack: Bools | None = None
) -> Part:
    """Build the program over `free` columns with everything else held.

    `elastic` lets elastic rows be broken at their penalty. `price` (USD per unit of each row) charges for what the
    columns add to the rows, on top of their cost. Where `may_use_slack` is False the columns may not use more of a
    row than they do now: what two programs solved side by side need, so that both answers hold together.
    """
    matrix = state.matrix
    small, rows = submatrix(matrix, free, state.x, state.activity)
    small = replace(small, offset=0.0)  # gaps are to be relative to what is free
    if price is not None:
        small = replace(small, cost=small.cost - small.a.T @ price[rows])
    if may_use_slack is not None:
        small = _hold_slack(small, rows, state, free, may_use_slack)
    start = state.x[free]
    if elastic:
        small, start = _with_elastic_columns(small, state.penalty_usd[rows], start)
    return Part(small, free, start)


def _hold_slack(small: Matrix, rows: Ints, state: WorkingPlan, free: Ints, may_use_slack: Bools) -> Matrix:
    now = small.a @ state.x[free]
    held = ~may_use_slack[rows] & state.blocks.coupling[rows]
    upper = np.where(held & np.isfinite(small.row_upper), np.minimum(now, small.row_upper), small.row_upper)
    lower = np.where(held & np.isfinite(small.row_lower), np.maximum(now, small.row_lower), small.row_lower)
    equal = small.row_lower == small.row_upper
    return replace(
        small, row_upper=np.where(equal, small.row_upper, upper), row_lower=np.where(equal, small.row_lower, lower)
    )


def _with_elastic_columns(small: Matrix, penalty_usd: Floats, start: Floats) -> tuple[Matrix, Floats]:
    over = np.flatnonzero((penalty_usd > 0) & np.isfinite(small.row_upper))
    under = np.flatnonzero((penalty_usd > 0) & np.isfinite(small.row_lower))
    row = np.concatenate([over, under])
    value = np.concatenate([np.full(over.size, -1.0), np.full(under.size, 1.0)])
    n, extra = small.cost.size, row.size
    added = sparse.csr_array((value, (row, np.arange(extra))), shape=(small.row_lower.size, extra))
    activity = small.a @ start
    needed = np.concatenate([activity[over] - small.row_upper[over], small.row_lower[under] - activity[under]])
    columns = small.columns
    grown = Matrix(
        cost=np.concatenate([small.cost, penalty_usd[row]]),
        offset=small.offset,
        lower=np.concatenate([small.lower, np.zeros(extra)]),
        upper=np.concatenate([small.upper, np.full(extra, np.inf)]),
        integer=np.concatenate([small.integer, np.zeros(extra, dtype=bool)]),
        a=sparse.csr_array(sparse.hstack([small.a, added], format="csr")),
        row_lower=small.row_lower,
        row_upper=small.row_upper,
        columns=Labels(
            (*columns.names, "elastic"),
            np.concatenate([columns.component, np.full(extra, len(columns.names))]),
            np.concatenate([columns.key, np.arange(extra)]),
        ),
        rows=small.rows,
    )
    assert n + extra == grown.cost.size
    return grown, np.concatenate([start, np.maximum(0.0, needed)])


def solve_part(
    part: Part, watch: Watch, *, gap: float, time_limit_seconds: float, use_start: bool
) -> Floats | None:
    """Return better values for the part's free columns, or None when none were found in time."""
    start = part.start if use_start else None
    result = run(part.matrix, watch, gap=gap, time_limit_seconds=time_limit_seconds, start=start, options=EAGER)
    if result.x is None:
        return None
    clean = polish(part.matrix, result.x, watch)
    return None if clean is None else clean[: part.free.size]


def side_by_side(tasks: Sequence[Callable[[], T]], threads: int, watch: Watch) -> list[T]:
    """Run tasks in threads and return their results in order; Ctrl-C stops the solve through the watch."""
    if len(tasks) == 1:
        return [tasks[0]()]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        futures: list[Future[T]] = [pool.submit(task) for task in tasks]
        while True:
            try:
                if not wait(futures, timeout=0.1).not_done:
                    return [future.result() for future in futures]
            except KeyboardInterrupt:
                watch.interrupt()
