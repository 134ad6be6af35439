"""By how much one limit alone would have to change, all others kept: its least use is sought, with a proven bound."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations import Problem
from formulations.families import SHARE, is_over
from optimizer.solve.auto import choose
from optimizer.solve.deadline import Watch
from optimizer.solve.diagnosis.elastic import with_columns
from optimizer.solve.diagnosis.limit_rows import Limit, stated_sides, use_of, without_rows
from optimizer.solve.diagnosis.share_limits import share_of
from optimizer.solve.highs.call import Run, polish, run
from optimizer.solve.matrix import Matrix
from optimizer.solve.solution import Termination

Floats = NDArray[np.float64]

PROVEN_GAP = 1e-3
"""A change is proven where what was found exceeds the proven bound by at most this part of the change."""
SHARPEST_GAP, BLUNTEST_GAP = 1e-7, 1e-4
"""Range of the gap asked for a least use, which is large beside the change where the limit nearly suffices."""
MOST_NODES = 20_000
"""Nodes after which HiGHS stops, so that an answer it does not prove depends less on the machine."""
MOST_RATIOS = 6
"""Programs solved in turn for a share, each at the ratio the last one reached."""
APART_FROM_NONZEROS = 10_000
"""Non-zeros from which HiGHS runs in a process of its own, since an elastic model may not stop when it is asked to."""
ROUNDING = 1e-9


@dataclass(frozen=True)
class Change:
    """What is known of a limit that alone is to make room.

    `is_enough` None: not known; `by` is the least change found, `at_least` what is proven to be needed. Both count in
    the unit of the limit, in which shares are parts of 1. `use` is what the relaxation uses of the limit at least.
    """

    is_enough: bool | None
    by: float | None = None
    at_least: float | None = None
    use: float = 0.0

    @property
    def is_proven(self) -> bool:
        """Whether nothing less than what was found would do, but for a small part of it."""
        return (
            self.by is not None
            and self.at_least is not None
            and (self.by - self.at_least <= PROVEN_GAP * abs(self.by) + ROUNDING)
        )


@dataclass(frozen=True)
class Question:
    """The model without a limit, which costs what it uses of that limit, and what is allowed of it.

    A limit of several rows is kept, with a column `relaxed` that makes room in all of them and alone costs something.
    """

    limit: Limit
    matrix: Matrix
    allowed: float

    def relaxed(self, watch: Watch) -> Change:
        """Return what the linear relaxation says: whether the limit alone can make room at all, and by how much it has
        to change at least.
        """
        answer = run(self.matrix, watch, relaxed=True, threads=1)
        if answer.termination is Termination.INFEASIBLE:
            return Change(is_enough=False)
        if answer.termination is not Termination.GAP_REACHED or answer.objective_usd is None:
            return Change(is_enough=None)
        use = answer.objective_usd
        return Change(None, at_least=max(0.0, use - self.allowed), use=use)


def ask(matrix: Matrix, limit: Limit) -> Question:
    """Return the question by how much a limit alone would have to change; `matrix` holds all limits."""
    first = int(limit.rows[0])
    if limit.rows.size == 1:
        free = replace(without_rows(matrix, limit.rows), cost=use_of(matrix, first), offset=0.0)
        return Question(limit, free, float(stated_sides(matrix)[first]))
    entries = sparse.csr_array(
        (np.full(limit.rows.size, -1.0), (limit.rows, np.zeros(limit.rows.size, dtype=np.int64))),
        shape=(matrix.row_lower.size, 1),
    )
    free = replace(matrix, cost=np.zeros(matrix.cost.size), offset=0.0)
    return Question(limit, with_columns(free, entries, cost=np.ones(1)), 0.0)


def least_change(question: Question, problem: Problem, watch: Watch, at_least: float) -> Change:
    """Return by how much the limit has to change, whole machines and all; `at_least` is known from the relaxation."""
    if is_over(question.limit.family, SHARE):
        return _least_share_change(question, problem, watch)
    floor = question.allowed + at_least
    gap = 0.5 * PROVEN_GAP * at_least / floor if floor > 0 else BLUNTEST_GAP
    found = _minimise(question.matrix, problem, watch, gap=float(np.clip(gap, SHARPEST_GAP, BLUNTEST_GAP)))
    if found.termination is Termination.INFEASIBLE:
        return Change(is_enough=False)
    bound = max(at_least, -np.inf if found.bound_usd is None else found.bound_usd - question.allowed)
    if _is_whole(question.matrix):
        bound = np.ceil(bound - 1e-6)
    if found.objective_usd is None:
        return Change(None, at_least=bound)
    by = max(0.0, found.objective_usd - question.allowed)
    return Change(True, by, min(by, bound))


def _is_whole(matrix: Matrix) -> bool:
    """Whether the cost of every plan is a whole number."""
    counted = matrix.cost != 0
    return bool(matrix.integer[counted].all() and (matrix.cost[counted] % 1.0 == 0).all())


def _least_share_change(question: Question, problem: Problem, watch: Watch) -> Change:
    """Return by how much a share has to change.

    The ratio of two sums is least where part - ratio x whole is at least 0 for every plan: from the ratio of each plan
    found follows the next program, until none undercuts it (Dinkelbach 1967).
    """
    sign = 1.0 if question.limit.family == "share_upper" else -1.0
    share = share_of(problem, question.limit.family, question.limit.key)
    part, whole = share.part, share.whole
    ratio, by, is_least = share.stated, None, False
    for _ in range(MOST_RATIOS):
        cost = sign * (part - ratio * whole)
        found = _minimise(replace(question.matrix, cost=cost), problem, watch, gap=BLUNTEST_GAP, may_decompose=False)
        if found.termination is Termination.INFEASIBLE:
            return Change(is_enough=False)
        if found.x is None or float(whole @ found.x) <= 0:
            break
        reached = float(part @ found.x) / float(whole @ found.x)
        if by is not None and sign * (ratio - reached) <= ROUNDING:
            is_least = found.bound_usd is not None and found.bound_usd >= -1e-6 * float(whole @ found.x)
            break
        ratio, by = reached, sign * (reached - share.stated)
    if by is None:
        return Change(is_enough=None)
    return Change(True, by, by if is_least else 0.0)


def _minimise(matrix: Matrix, problem: Problem, watch: Watch, *, gap: float, may_decompose: bool = True) -> Run:
    """Minimise in one thread, so that the answer does not depend on how many there are."""
    found = None
    is_whole = may_decompose and "relaxed" not in matrix.columns.names
    if is_whole and choose(problem, watch.parameters.auto).method == "decompose":
        from optimizer.solve.decomposition.decompose import decompose_and_improve

        found = decompose_and_improve(matrix, problem, watch, gap=gap, threads=1)
    if found is None:
        options = {"mip_max_nodes": MOST_NODES}
        found = run(matrix, watch, gap=gap, threads=1, options=options, apart=is_apart(matrix))
    x = None if found.x is None else polish(matrix, found.x, watch)
    if x is None or not matrix.is_feasible(x):
        return replace(found, x=None, objective_usd=None)
    return replace(found, x=x, objective_usd=matrix.objective(x))


def is_apart(matrix: Matrix) -> bool:
    """Whether HiGHS is to run in a process of its own."""
    return matrix.a.nnz >= APART_FROM_NONZEROS
