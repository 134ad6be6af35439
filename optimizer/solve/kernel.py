r"""Kernel search: models that HiGHS stalls on although their relaxation is good (assignment, single-source location).

The relaxation of the model (after `substitution`) gives a bound LB and reduced costs d. A *kernel*, the columns it uses
and those with small d, is an integer program HiGHS solves quickly; its plan costs UB (Angelelli, Mansini, Speranza
2010). A smaller one comes first, at whose root node alone HiGHS looks for a plan to begin with. What may still matter
is little: a plan that costs less than T = UB (1 - gap), and would be worth having, obeys

    d_j (x_j - l_j) <= T - LB  for d_j > 0,      d_j (u_j - x_j) <= T - LB (in size)  for d_j < 0,

since LB + sum_j |d_j| |x_j - bound| <= cost. Bounds cut to that leave the *rest*. Every plan that is not in it costs at
least T, so that min(T, bound of the rest) bounds all plans. Larger kernels follow while they are much smaller than the
rest and the gap is open; in the end HiGHS solves the rest from the best plan, which is exact given time.

LB is no solver's word: it is Lagrangian, from the prices y of the rows,
sum of y times the side it is for + sum_j min(d_j l_j, d_j u_j), valid whatever y is; a column without an upper bound
(data read from a copy) has the one that its rows imply.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.assignment import Assignment, find_assignment
from optimizer.solve.fine import COARSE, run_whole
from optimizer.solve.highs import Run, cost_scale, run
from optimizer.solve.incumbent import worth_usd
from optimizer.solve.matrix import Matrix, implied_upper, submatrix
from optimizer.solve.shifts import ShiftsBeside, shift_and_swap
from optimizer.solve.solution import GAP_FLOOR, Termination, relative_gap
from optimizer.solve.substitution import substitute
from optimizer.solve.watch import Watch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
log = logging.getLogger(__name__)

FIRST_SIZE, GROWTH = 1.5, 2.0
"""Columns of the first kernel, in those the relaxation uses, and by how much the next ones are larger."""
GLANCE_SIZE, GLANCE_RELAXATIONS, GLANCE_GAP = 1.2, 4.0, 1e-3
"""Size of a kernel before the first, its time limit in times the relaxation took, and the gap at which it ends: it is
looked at for a plan to begin with."""
GLANCE: Mapping[str, Any] = MappingProxyType({"mip_max_nodes": 1, "mip_pool_soft_limit": 1})
"""Options for it: the root node, and no stock of cuts, which lift a bound that nobody asks for."""
FEW = 1.5
"""A rest of at most this many times the next kernel is solved as it is."""
SHIFT_SHARE = 0.05
"""Part of the time left that shifts and swaps may take before the first kernel."""
KERNEL_SHARE, KERNEL_GAP_SHARE = 0.35, 0.3
"""Part of the time left that one kernel may take, and how far it is solved in parts of the gap asked for."""
USED, WHOLE, ROUNDING = 1e-7, 1e-6, 1e-9
RELAX_SHARE = 0.5
SMALL, FEW_INTEGERS = 5_000, 2_000
"""Columns, or integer columns, up to which HiGHS solves the model as it is: a kernel saves nothing."""


@dataclass(frozen=True)
class Priced:
    """A bound on every plan (USD), the reduced costs behind it, and the relaxation's solution."""

    bound_usd: float
    reduced_cost: Floats
    x: Floats


@dataclass(frozen=True)
class Rest:
    """Bounds of the columns in plans that cost less than `target_usd`: every plan outside costs at least that."""

    lower: Floats
    upper: Floats
    target_usd: float

    @cached_property
    def free(self) -> Ints:
        """The columns that are not settled."""
        return np.flatnonzero(self.lower < self.upper)


@dataclass
class Held:
    """The best plan so far and the bound proven for all plans."""

    x: Floats | None
    objective_usd: float
    bound_usd: float

    def is_within(self, gap: float) -> bool:
        """Whether the gap is proven, up to rounding."""
        reached = relative_gap(self.objective_usd, self.bound_usd)
        return self.x is not None and reached is not None and reached <= gap * (1 + WHOLE) + ROUNDING


def kernel_search(
    matrix: Matrix, watch: Watch, *, gap: float, threads: int, start: Floats | None = None, small: int = SMALL
) -> Run:
    """Minimise a model by kernels of growing size; `start` is a plan to begin with. The bound is over all options.

    Choices among regions with a fixed cost go to `linking.locate`. Else a model of at most `small` columns after
    substitution, or 2,000 integer ones, goes to HiGHS as it is (0: none).
    """
    from optimizer.solve.linking import locate  # which searches kernels in turn

    with watch.phase_of("substitute"):
        smaller = substitute(matrix)
    log.info("%d of %d columns are settled by others", matrix.cost.size - smaller.kept.size, matrix.cost.size)
    begin = None if start is None else smaller.from_full(start)
    found = locate(smaller.matrix, watch, gap=gap, threads=threads, start=begin)
    if found is None:
        is_small = smaller.matrix.cost.size <= small or (small and smaller.matrix.integer.sum() <= FEW_INTEGERS)
        search = _whole if is_small else search_kernels
        found = search(smaller.matrix, watch, gap=gap, threads=threads, start=begin)
    return found if found.x is None else replace(found, x=smaller.to_full(found.x))


def _whole(matrix: Matrix, watch: Watch, *, gap: float, threads: int, start: Floats | None) -> Run:
    with watch.phase_of("solve"):
        return run_whole(matrix, watch, gap=gap, threads=threads, start=start)


def search_kernels(matrix: Matrix, watch: Watch, *, gap: float, threads: int, start: Floats | None) -> Run:
    """Minimise a model as it is, by kernels of growing size."""
    with watch.phase_of("relax"):
        relaxed = price(matrix, watch, RELAX_SHARE * watch.left_seconds())
    if isinstance(relaxed, Run):
        if relaxed.termination is Termination.INFEASIBLE:
            return relaxed
        return _whole(matrix, watch, gap=gap, threads=threads, start=start)
    watch.note(bound_usd=relaxed.bound_usd)
    held = Held(start, np.inf if start is None else matrix.objective(start), relaxed.bound_usd)
    if start is not None and not matrix.is_feasible(start):
        held = Held(None, np.inf, relaxed.bound_usd)
    assignment = find_assignment(matrix, worth_usd(matrix, np.zeros(matrix.row_lower.size)))
    shifted_usd = np.inf
    try:
        if assignment is not None:
            with watch.phase_of("shift"):
                _shift(matrix, assignment, relaxed, held, watch, gap=gap)
            shifted_usd = held.objective_usd
        if not held.is_within(gap):
            with watch.phase_of("kernel"):
                _grow(matrix, relaxed, held, watch, gap=gap, threads=threads)
    except KeyboardInterrupt:
        watch.interrupt()
    if held.is_within(gap):
        return Run(Termination.GAP_REACHED, held.x, held.objective_usd, held.bound_usd)
    with watch.phase_of("solve"):
        rest = rest_of(matrix, relaxed, held, gap)
        # where kernels found better, HiGHS is what finds plans and gets all threads
        if assignment is None or held.x is None or threads == 1 or held.objective_usd < shifted_usd:
            return solve_rest(matrix, rest, held, watch, gap=gap, threads=threads)
        return _rest_beside(matrix, assignment, rest, held, watch, gap=gap, threads=threads)


def _rest_beside(
    matrix: Matrix, assignment: Assignment, rest: Rest, held: Held, watch: Watch, *, gap: float, threads: int
) -> Run:
    """Let HiGHS solve the rest while shifts and swaps go on in a thread; the better plan counts."""
    assert held.x is not None
    beside = ShiftsBeside(assignment, held.x, matrix.objective)
    beside.start()
    try:
        offer = _offer(matrix, rest, held, beside, watch)
        found = solve_rest(matrix, rest, held, watch, gap=gap, threads=threads - 1, offer=offer)
    finally:
        beside.stop()
    better = beside.exchange.better_than(held.objective_usd)
    if better is not None:
        take_over(matrix, held, better, watch)
        found = replace(found, x=held.x, objective_usd=held.objective_usd)
    return replace(found, termination=Termination.GAP_REACHED) if held.is_within(gap) else found


def _offer(matrix: Matrix, rest: Rest, held: Held, beside: ShiftsBeside, watch: Watch) -> Callable[[], Floats | None]:
    """Return what hands in better plans found beside, where they are in the rest."""
    seen, settled = [held.objective_usd], rest.lower == rest.upper

    def offer() -> Floats | None:
        better = beside.exchange.better_than(seen[0])
        if better is None:
            return None
        seen[0] = matrix.objective(better)
        watch.note(incumbent_usd=seen[0])
        return better[rest.free] if np.array_equal(better[settled], rest.lower[settled]) else None

    return offer


def _shift(matrix: Matrix, assignment: Assignment, relaxed: Priced, held: Held, watch: Watch, *, gap: float) -> None:
    """Take over the plan of shifts and swaps, which take a small part of the time left."""
    until = watch.elapsed_seconds() + SHIFT_SHARE * watch.left_seconds()
    begin = relaxed.x if held.x is None else held.x
    enough = relaxed.bound_usd + gap * abs(relaxed.bound_usd) - matrix.offset
    found = shift_and_swap(
        assignment, lambda: watch.should_stop() or watch.elapsed_seconds() > until, begin=begin, enough_usd=enough
    )
    if found is not None:
        take_over(matrix, held, found, watch)
    log.info("shifts and swaps: %.6g USD, bound %.6g USD", held.objective_usd, relaxed.bound_usd)


def price(matrix: Matrix, watch: Watch, seconds: float) -> Priced | Run:
    """Solve the relaxation and bound the model by its prices; the Run of the relaxation when it did not end."""
    result = run(matrix, watch, time_limit_seconds=seconds, relaxed=True, options={"solver": "simplex"})
    if result.x is None or result.row_dual is None or result.termination is not Termination.GAP_REACHED:
        return result
    return priced(matrix, result.row_dual, result.x) or Run(Termination.LIMIT)


def priced(
    matrix: Matrix, row_price: Floats, x: Floats, charge: Callable[[Floats], Floats] = lambda d: d
) -> Priced | None:
    """Return the bound that prices of the rows give, whatever they are; None where they give none.

    `charge` prices rows that hold without being stated, with sides of 0: it turns reduced costs into those with them.
    """
    y = row_price.copy()
    y[((y > 0) & np.isneginf(matrix.row_lower)) | ((y < 0) & np.isposinf(matrix.row_upper))] = 0.0
    reduced_cost = charge(matrix.cost - matrix.by_column.T @ y)
    side = np.where(y > 0, matrix.row_lower, matrix.row_upper)
    rows = float(np.sum(y[y != 0] * side[y != 0]))
    counts = reduced_cost != 0
    bound = np.where(reduced_cost > 0, matrix.lower, matrix.upper)
    above = np.flatnonzero((reduced_cost < 0) & np.isposinf(bound))
    bound[above] = implied_upper(matrix, above)
    if not np.isfinite(bound[counts]).all():
        return None
    return Priced(matrix.offset + rows + float(reduced_cost[counts] @ bound[counts]), reduced_cost, x)


def _grow(matrix: Matrix, relaxed: Priced, held: Held, watch: Watch, *, gap: float, threads: int) -> None:
    """Solve kernels of growing size until the plan held is within the gap or the rest is hardly larger.

    A kernel that its time did not suffice for is not followed by a larger one when it gave a plan.
    """
    is_used = relaxed.x - _resting_at(matrix) > USED
    is_first = is_used | ~np.isfinite(matrix.lower)
    order = np.argsort(np.where(is_first, -1.0, np.abs(relaxed.reduced_cost)), kind="stable")
    size, small = (int(factor * is_used.sum()) + 1 for factor in (FIRST_SIZE, GLANCE_SIZE))
    enough = max(gap, GLANCE_GAP)
    if not held.is_within(enough) and size * FEW < rest_of(matrix, relaxed, held, gap).free.size:
        solve_kernel(
            matrix, relaxed, held, order[:small], watch, gap=enough, threads=threads, options=GLANCE,
            seconds=GLANCE_RELAXATIONS * watch.timings["relax"],
        )  # fmt: skip
        log.info("kernel of %d columns, at a glance: %.6g USD", small, held.objective_usd)
        if held.is_within(gap):
            return
    while size * FEW < rest_of(matrix, relaxed, held, gap).free.size and not watch.should_stop():
        ended = solve_kernel(matrix, relaxed, held, order[:size], watch, gap=gap, threads=threads)
        log.info("kernel of %d columns: %.6g USD, bound %.6g USD", size, held.objective_usd, held.bound_usd)
        if held.is_within(gap) or (held.x is not None and not ended):
            return
        size = int(GROWTH * size)


def _resting_at(matrix: Matrix) -> Floats:
    """Return the value of columns outside a kernel, which is that of a column not used."""
    return np.where(np.isfinite(matrix.lower), matrix.lower, 0.0)


def solve_kernel(
    matrix: Matrix, relaxed: Priced, held: Held, kernel: Ints, watch: Watch, *, gap: float, threads: int,
    seconds: float = np.inf, options: Mapping[str, Any] = MappingProxyType({}),
) -> bool:  # fmt: skip
    """Take over the plan of a kernel where it is better: the columns given and those of the plan held.

    Returns whether the kernel holds no better plan.
    """
    fixed_at = _resting_at(matrix)
    free = np.zeros(matrix.cost.size, dtype=bool)
    free[kernel] = True
    if held.x is not None:
        free |= np.abs(held.x - fixed_at) > USED
    chosen = np.flatnonzero(free)
    part, _ = submatrix(matrix, chosen, np.where(free, 0.0, fixed_at))
    enough = relaxed.bound_usd + gap * abs(relaxed.bound_usd)
    found = run(
        part, watch, gap=KERNEL_GAP_SHARE * gap, time_limit_seconds=min(seconds, KERNEL_SHARE * watch.left_seconds()),
        threads=threads, start=None if held.x is None else held.x[chosen], on_incumbent=_teller(part, watch),
        options={"objective_target": enough * cost_scale(part.cost), **options},
    )  # fmt: skip
    if found.x is not None:
        take_over(matrix, held, _completed(matrix, chosen, found.x, fixed_at), watch)
    return found.termination in (Termination.GAP_REACHED, Termination.INFEASIBLE)


def _completed(matrix: Matrix, chosen: Ints, values: Floats, fixed_at: Floats) -> Floats:
    x = fixed_at.copy()
    x[chosen] = np.where(matrix.integer[chosen], np.round(values), values)
    return x


def take_over(matrix: Matrix, held: Held, x: Floats, watch: Watch) -> None:
    """Hold a plan where it is one and better."""
    objective = matrix.objective(x)
    if objective < held.objective_usd and matrix.is_feasible(x):
        held.x, held.objective_usd = x, objective
        watch.note(incumbent_usd=objective)


def _teller(part: Matrix, watch: Watch) -> Callable[[Floats], None]:
    return lambda x: watch.note(incumbent_usd=part.objective(x))


def rest_of(matrix: Matrix, relaxed: Priced, held: Held, gap: float) -> Rest:
    """Return what is left of a model. The plan held stays within the bounds."""
    lower, upper = matrix.lower, matrix.upper
    if held.x is None:
        return Rest(lower, upper, np.inf)
    target = held.objective_usd - gap * max(abs(held.objective_usd), GAP_FLOOR)
    room = max(0.0, target - relaxed.bound_usd)
    d = relaxed.reduced_cost
    up, down = np.flatnonzero((d > 0) & np.isfinite(lower)), np.flatnonzero((d < 0) & np.isfinite(upper))
    lower, upper = lower.copy(), upper.copy()
    upper[up] = np.minimum(upper[up], np.maximum(lower[up] + _steps(matrix, d, up, room), held.x[up]))
    lower[down] = np.maximum(lower[down], np.minimum(upper[down] - _steps(matrix, d, down, room), held.x[down]))
    return Rest(lower, upper, target)


def _steps(matrix: Matrix, reduced_cost: Floats, columns: Ints, room: float) -> Floats:
    """Return how far columns may leave their bound, rounded up a little."""
    steps = room / np.abs(reduced_cost[columns]) * (1 + WHOLE)
    return np.where(matrix.integer[columns], np.floor(steps + WHOLE), steps)


def solve_rest(
    matrix: Matrix, rest: Rest, held: Held, watch: Watch, *, gap: float, threads: int,
    offer: Callable[[], Floats | None] | None = None,
) -> Run:  # fmt: skip
    """Let HiGHS solve what is left of the model, from the plan held; its bound counts up to the target only."""
    lower, upper, free, target = rest.lower, rest.upper, rest.free, rest.target_usd
    log.info("%d of %d columns are left", free.size, matrix.cost.size)
    part, _ = submatrix(replace(matrix, lower=lower, upper=upper), free, lower)
    if held.x is not None and abs(held.objective_usd) * cost_scale(part.cost) < COARSE:
        return run_whole(matrix, watch, gap=gap, threads=threads, start=held.x)
    found = Run(Termination.LIMIT)
    # A start can mislead HiGHS: its presolve may map a start to one that is cheaper and no solution, and the search
    # then ends "optimal" at a bound below the plan held. Without the start it cannot.
    for start in (held.x, None) if held.x is not None else (None,):
        found = run(
            part, watch, gap=gap, threads=threads, start=None if start is None else start[free], reports=True,
            most_bound_usd=target, offer=offer,
        )  # fmt: skip
        if found.termination is Termination.INFEASIBLE:
            if held.x is None:
                return found
            continue  # the plan held is in it: nothing is proven
        if found.x is not None:
            take_over(matrix, held, _completed(matrix, free, found.x, lower), watch)
        if found.bound_usd is not None:
            held.bound_usd = max(held.bound_usd, min(found.bound_usd, target))
        watch.note(bound_usd=held.bound_usd)
        if held.is_within(gap):
            return Run(Termination.GAP_REACHED, held.x, held.objective_usd, held.bound_usd)
        if found.termination is not Termination.GAP_REACHED:
            break
    termination = watch.why_stopped() if watch.should_stop() else Termination.LIMIT
    return Run(termination, held.x, held.objective_usd if held.x is not None else None, held.bound_usd)
