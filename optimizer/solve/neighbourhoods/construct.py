"""A first plan, workload by workload: the dearest first, each solved exactly at the prices of what is scarce."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.deadline import Watch
from optimizer.solve.neighbourhoods.relaxation import Relaxation
from optimizer.solve.neighbourhoods.subproblem import (
    Part,
    free_columns,
    make_part,
    shared_beside,
    side_by_side,
    solve_part,
)
from optimizer.solve.neighbourhoods.working_plan import PENALTY_FACTOR, WorkingPlan

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
log = logging.getLogger(__name__)

OPTIONS_PER_WORKLOAD = 50
INSERT_GAP = 1e-2
SHARE_OF_TIME = 0.35
"""Part of the time left that placing all workloads may take, on average half used."""
QUICKEST_SECONDS, SLOWEST_SECONDS = 0.3, 5.0
RAISE_DUAL, RAISE_WORTH = 3.0, 0.5
"""How much of its dual and of its worth is added to the price of a row heading for a shortage."""


def insertion_order(state: WorkingPlan, relaxation: Relaxation) -> Ints:
    """Return the workloads, those that cost most in the relaxation first (most columns first when it has no values)."""
    owner = state.blocks.owner
    owned = np.flatnonzero(owner >= 0)
    size = np.ones(owner.size) if relaxation.x is None else state.matrix.cost * relaxation.x
    weight = np.bincount(owner[owned], size[owned], state.blocks.workloads)
    return np.argsort(-weight, kind="stable")


class Prices:
    """Prices of the elastic rows (USD per unit), raised while a row is heading for more than it can give.

    The relaxation's duals are right for fractional plans; whole devices use more of everything. What the placed
    workloads use and what the relaxation gives the others, together against the limit, tells how far a row is heading
    beyond it.
    """

    def __init__(self, state: WorkingPlan, relaxation: Relaxation) -> None:
        matrix, elastic = state.matrix, state.blocks.elastic
        self.state = state
        self.rows = np.flatnonzero(elastic)
        self.dual = np.where(elastic, relaxation.row_price, 0.0)
        is_upper = np.isfinite(matrix.row_upper) & ~np.isfinite(matrix.row_lower)
        self.sign = np.where(is_upper, -1.0, np.where(np.isfinite(matrix.row_upper), 0.0, 1.0))[self.rows]
        self.limit = state.limit[self.rows]
        self.worth = state.penalty_usd[self.rows] / PENALTY_FACTOR
        self.x = relaxation.x if relaxation.x is not None else np.zeros(state.x.size)
        self.by_column = matrix.a[self.rows].tocsc()
        self.to_come = np.asarray(self.by_column @ self.x).ravel() - (state.blocks.opened @ self.x)[self.rows]

    def placed(self, workload: int) -> None:
        """Note that a workload is placed: what the relaxation gave it no longer counts."""
        own = self.state.blocks.columns_of(np.array([workload]))
        self.to_come -= self.by_column[:, own] @ self.x[own]

    def now(self) -> Floats:
        """Return the price of every row of the model."""
        over = -self.sign * (self.state.used()[self.rows] + self.to_come - self.limit)
        heading = np.clip(over / np.maximum(np.abs(self.to_come), 1e-9 * np.abs(self.limit) + 1e-12), 0.0, 1.0)
        price = self.dual.copy()
        price[self.rows] += self.sign * heading * (RAISE_DUAL * np.abs(self.dual[self.rows]) + RAISE_WORTH * self.worth)
        return price


def construct(
    state: WorkingPlan, relaxation: Relaxation, rank: Ints, watch: Watch, *, threads: int, share: float = 1.0
) -> bool:
    """Place every workload; False when time ran out before all were placed, or one has no place at all.

    Each workload is solved on its best options against what is left of the pools and budgets, which it may overdraw
    at a penalty: what stays broken is the business of `improve`.
    """
    prices = Prices(state, relaxation)
    order = insertion_order(state, relaxation)
    each = 2.0 * SHARE_OF_TIME * share * watch.left_seconds() * threads / max(order.size, 1)
    each = float(np.clip(each, QUICKEST_SECONDS, SLOWEST_SECONDS))
    every_option = int(rank.max(initial=0)) + 1
    for begin in range(0, order.size, threads):
        group = order[begin : begin + threads]
        price = prices.now()
        parts = [_part_of(state, workload, rank, price, OPTIONS_PER_WORKLOAD) for workload in group]
        answers = side_by_side([_task(part, watch, each) for part in parts], threads, watch)
        for workload, part, answer in zip(group, parts, answers, strict=True):
            chosen, values = part, answer
            if values is None:  # none of its best options will do, or not in so short a time
                chosen = _part_of(state, workload, rank, price, every_option)
                values = _task(chosen, watch, watch.left_seconds())()
            if values is None:
                log.info("no place found for workload %d", workload)
                return False
            state.set_columns(chosen.free, values)
            prices.placed(int(workload))
        watch.report()
    return not watch.should_stop()


def _part_of(state: WorkingPlan, workload: int, rank: Ints, price: Floats, options: int) -> Part:
    own = free_columns(state, np.array([workload]), rank, options)
    free = np.concatenate([own, shared_beside(state, own)])
    return make_part(state, free, elastic=True, price=price)


def _task(part: Part, watch: Watch, seconds: float) -> Callable[[], Floats | None]:
    return lambda: solve_part(part, watch, gap=INSERT_GAP, time_limit_seconds=seconds, use_start=False)
