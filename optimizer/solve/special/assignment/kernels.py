r"""Kernel search: models that HiGHS stalls on although their relaxation is good (assignment, single-source location).

The relaxation of the model (after `presolve.implied_variables`) gives a bound LB and reduced costs d. A *kernel*, the
columns it uses and those with small d, is an integer program HiGHS solves quickly; its plan costs UB (Angelelli,
Mansini, Speranza 2010). A smaller one comes first, at whose root node alone HiGHS looks for a plan to begin with.
Larger kernels follow while they are much smaller than the rest, which is what may still matter (`reduced_costs`), and
the gap is open; in the end HiGHS solves the rest from the best plan, which is exact given time.

Where the model is an assignment, shifts and swaps give the first plan, and where a few choices fill a place, packings
(`packing`) come before kernels and mostly instead of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import Run, cost_scale, run
from optimizer.solve.highs.fine_scale import COARSE, run_whole
from optimizer.solve.incumbent import Incumbent
from optimizer.solve.matrix import Matrix, submatrix
from optimizer.solve.neighbourhoods.working_plan import worth_usd
from optimizer.solve.presolve.implied_variables import substitute
from optimizer.solve.solution import Termination
from optimizer.solve.special.assignment.assignment_model import Assignment, find_assignment
from optimizer.solve.special.assignment.packing.packing_search import PackingSearch, are_few, is_packed
from optimizer.solve.special.assignment.shifts import STALE, ShiftsBeside, shift_and_swap
from optimizer.solve.special.reduced_costs import Priced, Rest, price, rest_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
log = logging.getLogger(__name__)

FIRST_SIZE, GROWTH = 1.5, 2.0
"""Columns of the first kernel, in those the relaxation uses, and by how much the next ones are larger."""
GLANCE_SIZE, GLANCE_RELAXATIONS, GLANCE_GAP = 1.2, 4.0, 1e-3
"""Size of a kernel before the first, its time limit in times the relaxation took, and the gap at which it ends, as
shifts and swaps do: it is looked at for a plan to begin with."""
GLANCE: Mapping[str, Any] = MappingProxyType({"mip_max_nodes": 1, "mip_pool_soft_limit": 1})
"""Options for it: the root node, and no stock of cuts, which lift a bound that nobody asks for."""
FEW = 1.5
"""A rest of at most this many times the next kernel is solved as it is."""
SHIFT_SHARE, GLIMPSE_SHARE = 0.05, 0.01
"""Part of the time left that shifts and swaps may take before the first kernel, and before packings."""
GLIMPSE_STALE = 250
"""Moves without a better plan after which they end before packings, which need no better plan than that to begin with.

Of ten instances gap-c, gap-d, gap-e of 20 x 100 and 40 x 400 none took longer than with 4,000, and those that a second
settles took a quarter less.
"""
KERNEL_SHARE, KERNEL_GAP_SHARE = 0.35, 0.3
"""Part of the time left that one kernel may take, and how far it is solved in parts of the gap asked for."""
MOST_NODES = 2**30
ROUNDS_OF_ITERATION = 0.04
"""Rounds of pricing that take as long as an iteration of the simplex method (360 and 2,000 columns: 0.2 and 5
microseconds a column).
"""
USED = 1e-7
RELAX_SHARE = 0.5


def kernel_search(
    matrix: Matrix, watch: Watch, *, gap: float, threads: int, start: Floats | None = None
) -> Run:
    """Minimise a model by kernels of growing size; `start` is a plan to begin with. The bound is over all options.

    Choices among regions with a fixed cost go to `lazy_rows.locate`. Else a model of few columns after substitution, or
    few integer ones, goes to HiGHS as it is: a kernel saves nothing.
    """
    from optimizer.solve.special.location.lazy_rows import locate  # which searches kernels in turn

    with watch.phase_of("substitute"):
        smaller = substitute(matrix)
    log.info("%d of %d columns are settled by others", matrix.cost.size - smaller.kept.size, matrix.cost.size)
    begin = None if start is None else smaller.project(start)
    found = locate(smaller.matrix, watch, gap=gap, threads=threads, start=begin)
    if found is None:
        limits, found_integers = watch.parameters.kernels, int(smaller.matrix.integer.sum())
        is_small = smaller.matrix.cost.size <= limits.small_columns or found_integers <= limits.few_integers
        search = _whole if is_small and not _is_packed(smaller.matrix) else search_kernels
        found = search(smaller.matrix, watch, gap=gap, threads=threads, start=begin)
    return found if found.x is None else replace(found, x=smaller.restore(found.x))


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
    best = Incumbent(matrix, watch, start=start, bound_usd=relaxed.bound_usd)
    assignment = _as_assignment(matrix)
    shifted_usd = np.inf
    try:
        if assignment is not None:
            packed = is_packed(assignment)
            with watch.phase_of("shift"):
                share, patience = (GLIMPSE_SHARE, GLIMPSE_STALE) if packed else (SHIFT_SHARE, STALE)
                _shift(matrix, assignment, relaxed, best, watch, gap=gap, share=share, patience=patience)
            shifted_usd = best.objective_usd
            if packed and not best.is_within(gap):
                search = PackingSearch(matrix, assignment, watch, gap=gap, best=best)
                if matrix.cost.size <= watch.parameters.kernels.turns_to_columns:
                    return _take_turns(matrix, relaxed, search, watch, gap=gap, threads=threads)
                with watch.phase_of("pack"):
                    search.run(relaxed.row_price)
                if watch.should_stop() and not best.is_within(gap):
                    return best.as_run(watch.why_stopped())
        if not best.is_within(gap):
            with watch.phase_of("kernel"):
                _grow(matrix, relaxed, best, watch, gap=gap, threads=threads)
    except KeyboardInterrupt:
        watch.interrupt()
    if best.is_within(gap):
        return best.as_run(Termination.GAP_REACHED)
    with watch.phase_of("solve"):
        rest = rest_of(matrix, relaxed, best, gap)
        # where kernels found better, HiGHS is what finds plans and gets all threads
        if assignment is None or best.x is None or threads == 1 or best.objective_usd < shifted_usd:
            return solve_rest(matrix, rest, best, watch, gap=gap, threads=threads)
        return _rest_beside(matrix, assignment, rest, best, watch, gap=gap, threads=threads)


def _take_turns(
    matrix: Matrix, relaxed: Priced, search: PackingSearch, watch: Watch, *, gap: float, threads: int
) -> Run:
    """Let packings and HiGHS, on what is left of the model, take turns until one of them proves the gap.

    Which is faster is not known beforehand: packings where few choices fill a place, which are first then; HiGHS where
    many do. Turns are counted in nodes, simplex iterations and rounds of pricing, not in seconds, and grow: HiGHS
    begins anew with each, from the best plan and with what that rules out; packings go on where they were.
    """
    best, limits = search.best, watch.parameters.kernels
    nodes, share = limits.first_nodes, limits.packings_share
    if are_few(search.assignment):
        share = limits.packings_share_of_few
        with watch.phase_of("pack"):
            search.run(relaxed.row_price, rounds=limits.packings_first)
    while not best.is_within(gap) and not watch.should_stop():
        done = watch.work.simplex_iterations
        with watch.phase_of("solve"):
            found = solve_rest(
                matrix, rest_of(matrix, relaxed, best, gap), best, watch, gap=gap, threads=threads,
                options={"mip_max_nodes": nodes},
            )  # fmt: skip
        if found.termination is not Termination.LIMIT:
            return found
        with watch.phase_of("pack"):
            iterations = watch.work.simplex_iterations - done
            search.run(relaxed.row_price, rounds=max(1.0, share * ROUNDS_OF_ITERATION * iterations))
        nodes = min(limits.more_nodes * nodes, MOST_NODES)
    return best.as_run(Termination.GAP_REACHED if best.is_within(gap) else watch.why_stopped())


def _as_assignment(matrix: Matrix) -> Assignment | None:
    return find_assignment(matrix, worth_usd(matrix, np.zeros(matrix.row_lower.size)))


def _is_packed(matrix: Matrix) -> bool:
    """Whether a model is an assignment that is to be solved by packings."""
    assignment = _as_assignment(matrix)
    return assignment is not None and is_packed(assignment)


def _rest_beside(
    matrix: Matrix, assignment: Assignment, rest: Rest, best: Incumbent, watch: Watch, *, gap: float, threads: int
) -> Run:
    """Let HiGHS solve the rest while shifts and swaps go on in a thread; the better plan counts."""
    assert best.x is not None
    beside = ShiftsBeside(assignment, best.x, best)
    beside.start()
    try:
        offer = _offer(matrix, rest, best)
        found = solve_rest(matrix, rest, best, watch, gap=gap, threads=threads - 1, offer=offer)
    finally:
        beside.stop()
    return best.as_run(Termination.GAP_REACHED if best.is_within(gap) else found.termination)


def _offer(matrix: Matrix, rest: Rest, best: Incumbent) -> Callable[[], Floats | None]:
    """Return what hands in better plans found beside, where they are in the rest."""
    seen, settled = [best.objective_usd], rest.lower == rest.upper

    def offer() -> Floats | None:
        better = best.better_than(seen[0])
        if better is None:
            return None
        seen[0] = matrix.objective(better)
        return better[rest.free] if np.array_equal(better[settled], rest.lower[settled]) else None

    return offer


def _shift(
    matrix: Matrix, assignment: Assignment, relaxed: Priced, best: Incumbent, watch: Watch, *, gap: float, share: float,
    patience: int,
) -> None:
    """Take over plans of shifts and swaps, which take a small share of the time left, and no longer than a glance at a
    kernel would where there is one that is as near to the bound; they end after `patience` moves without a better plan.
    """
    glanced = watch.elapsed_seconds() + GLANCE_RELAXATIONS * watch.timings["relax"]
    until = watch.elapsed_seconds() + share * watch.left_seconds()
    begin = relaxed.x if best.x is None else best.x
    enough = relaxed.bound_usd + gap * abs(relaxed.bound_usd) - matrix.offset

    def is_over() -> bool:
        late = until if not best.is_within(max(gap, GLANCE_GAP)) else min(until, glanced)
        return watch.should_stop() or watch.elapsed_seconds() > late

    shift_and_swap(
        assignment, is_over, begin=begin, enough_usd=enough, patience=patience,
        on_better=best.offer,
    )
    log.info("shifts and swaps: %.6g USD, bound %.6g USD", best.objective_usd, relaxed.bound_usd)


def _grow(matrix: Matrix, relaxed: Priced, best: Incumbent, watch: Watch, *, gap: float, threads: int) -> None:
    """Solve kernels of growing size until the plan held is within the gap or the rest is hardly larger.

    A kernel that its time did not suffice for is not followed by a larger one when it gave a plan.
    """
    is_used = relaxed.x - _resting_at(matrix) > USED
    is_first = is_used | ~np.isfinite(matrix.lower)
    order = np.argsort(np.where(is_first, -1.0, np.abs(relaxed.reduced_cost)), kind="stable")
    size, small = (int(factor * is_used.sum()) + 1 for factor in (FIRST_SIZE, GLANCE_SIZE))
    enough = max(gap, GLANCE_GAP)
    if not best.is_within(enough) and size * FEW < rest_of(matrix, relaxed, best, gap).free.size:
        solve_kernel(
            matrix, relaxed, best, order[:small], watch, gap=enough, threads=threads, options=GLANCE,
            seconds=GLANCE_RELAXATIONS * watch.timings["relax"],
        )  # fmt: skip
        log.info("kernel of %d columns, at a glance: %.6g USD", small, best.objective_usd)
        if best.is_within(gap):
            return
    while size * FEW < rest_of(matrix, relaxed, best, gap).free.size and not watch.should_stop():
        ended = solve_kernel(matrix, relaxed, best, order[:size], watch, gap=gap, threads=threads)
        log.info("kernel of %d columns: %.6g USD, bound %.6g USD", size, best.objective_usd, best.bound_usd)
        if best.is_within(gap) or (best.x is not None and not ended):
            return
        size = int(GROWTH * size)


def _resting_at(matrix: Matrix) -> Floats:
    """Return the value of columns outside a kernel, which is that of a column not used."""
    return np.where(np.isfinite(matrix.lower), matrix.lower, 0.0)


def solve_kernel(
    matrix: Matrix, relaxed: Priced, best: Incumbent, kernel: Ints, watch: Watch, *, gap: float, threads: int,
    seconds: float = np.inf, options: Mapping[str, Any] = MappingProxyType({}),
) -> bool:  # fmt: skip
    """Take over the plan of a kernel where it is better: the columns given and those of the plan best.

    Returns whether the kernel holds no better plan.
    """
    fixed_at = _resting_at(matrix)
    free = np.zeros(matrix.cost.size, dtype=bool)
    free[kernel] = True
    if best.x is not None:
        free |= np.abs(best.x - fixed_at) > USED
    chosen = np.flatnonzero(free)
    part, _ = submatrix(matrix, chosen, np.where(free, 0.0, fixed_at))
    enough, scale = relaxed.bound_usd + gap * abs(relaxed.bound_usd), cost_scale(part.cost)
    found = run(
        part, watch, gap=KERNEL_GAP_SHARE * gap, time_limit_seconds=min(seconds, KERNEL_SHARE * watch.left_seconds()),
        threads=threads, start=None if best.x is None else best.x[chosen], on_incumbent=_teller(part, watch),
        options={"objective_target": enough * scale, **options}, scale=scale,
    )  # fmt: skip
    if found.x is not None:
        best.offer(_completed(matrix, chosen, found.x, fixed_at))
    return found.termination in (Termination.GAP_REACHED, Termination.INFEASIBLE)


def _completed(matrix: Matrix, chosen: Ints, values: Floats, fixed_at: Floats) -> Floats:
    x = fixed_at.copy()
    x[chosen] = np.where(matrix.integer[chosen], np.round(values), values)
    return x


def _teller(part: Matrix, watch: Watch) -> Callable[[Floats], None]:
    return lambda x: watch.note(incumbent_usd=part.objective(x))


def solve_rest(
    matrix: Matrix, rest: Rest, best: Incumbent, watch: Watch, *, gap: float, threads: int,
    offer: Callable[[], Floats | None] | None = None, options: Mapping[str, Any] = MappingProxyType({}),
) -> Run:  # fmt: skip
    """Let HiGHS solve what is left of the model, from the best plan; its bound counts up to the target only."""
    lower, upper, free, target = rest.lower, rest.upper, rest.free, rest.target_usd
    log.info("%d of %d columns are left", free.size, matrix.cost.size)
    part, _ = submatrix(replace(matrix, lower=lower, upper=upper), free, lower)
    if best.x is not None and abs(best.objective_usd) * cost_scale(part.cost) < COARSE:
        return run_whole(matrix, watch, gap=gap, threads=threads, start=best.x)
    found = Run(Termination.LIMIT)
    # A start can mislead HiGHS: its presolve may map a start to one that is cheaper and no solution, and the search
    # then ends "optimal" at a bound below the plan best. Without the start it cannot.
    for start in (best.x, None) if best.x is not None else (None,):
        found = run(
            part, watch, gap=gap, threads=threads, start=None if start is None else start[free], reports=True,
            most_bound_usd=target, offer=offer, options=options,
        )  # fmt: skip
        if found.termination is Termination.INFEASIBLE:
            if best.x is None:
                return found
            continue  # the plan held is in it: nothing is proven
        if found.x is not None:
            best.offer(_completed(matrix, free, found.x, lower))
        if found.bound_usd is not None:
            best.offer_bound(min(found.bound_usd, target))
        if best.is_within(gap):
            return best.as_run(Termination.GAP_REACHED)
        if found.termination is not Termination.GAP_REACHED:
            break
    termination = watch.why_stopped() if watch.should_stop() else Termination.LIMIT
    return best.as_run(termination)
