"""Large estates by decomposition: bound and configurations by column generation, a plan put together, both improved."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from optimizer.solve.blocks import find_blocks
from optimizer.solve.covers import with_cover_rows
from optimizer.solve.decomposition.classes import with_classes
from optimizer.solve.decomposition.cut import cut_model
from optimizer.solve.decomposition.job_bounds import JobBounds
from optimizer.solve.decomposition.master import Chosen
from optimizer.solve.decomposition.requirements import no_needs, split_requirements
from optimizer.solve.decomposition.rounds import Decomposition
from optimizer.solve.decomposition.service_bounds import ServiceBounds
from optimizer.solve.decomposition.workers import Workers
from optimizer.solve.highs import Run
from optimizer.solve.incumbent import Incumbent, worth_usd
from optimizer.solve.matrix import ROW_TOLERANCE, Matrix
from optimizer.solve.prepared import Prepared, held
from optimizer.solve.ranking import rank_options
from optimizer.solve.relaxation import Relaxation
from optimizer.solve.search import POLISH_SECONDS, construct_and_improve, improve_until, search_beside_highs
from optimizer.solve.solution import Termination, relative_gap
from optimizer.solve.subproblem import make_part, solve_part
from optimizer.solve.watch import Watch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
log = logging.getLogger(__name__)

ROUNDS_SHARE = 0.6
"""Part of the time left that generating configurations may take."""
MASTER_GAP_SHARE, PLAN_GAP_SHARE = 0.4, 0.2
"""How near to each other bound and master, and then plan and master, should come, in parts of the gap asked for."""
FIRST_SEARCH_SECONDS, LONGER_SEARCH = 3.0, 1.5
"""How long neighbourhoods are searched before the master combines what they found, and its growth without success."""
BRANCH_TO_INTEGERS = 15_000
"""Integer columns up to which HiGHS branches on the whole model where the gap stays open: beyond, it gets nowhere."""
MECHANISMS_SHARE = 3.0
"""What all mechanisms cost, in parts of gap x least cost, from which they are counted whole."""
FIRST_PLAN_SECONDS, PLAN_SHARE = 3.0, 0.2
FIRST_PLAN_GAP = 3e-3
SHARED_SECONDS = 10.0
"""Most time for the shared decisions of the first plan."""
TURNS, SHARPER, SPENT_SHARE = 4, 0.3, 0.1
"""Turns of columns, plan and bound; how much sharper each is; the part of the gap below which the bound is spent."""


def decompose_and_improve(
    matrix: Matrix, problem: Problem, watch: Watch, *, gap: float, threads: int, workers: Workers | None = None
) -> Run | None:
    """Generate configurations, put a plan together, tighten the bound and improve the plan until both meet.

    Where that leaves the gap open on a model of moderate size, HiGHS branches on the whole of it, from the plan held
    and with a search beside it; the better of both bounds counts.

    The bound is Lagrangian, over all options of all workloads, whatever options were looked at for the plan. Where the
    master stays without a solution that breaks no row, HiGHS on the whole model, or above that size the relaxation of
    the whole model and a plan constructed workload by workload take over. Returns None when a workload has no place of
    its own, which only the whole model can settle.
    """
    end = watch.elapsed_seconds() + watch.left_seconds() - POLISH_SECONDS
    with watch.phase_of("cut"):
        whole = with_cover_rows(matrix, problem)
        needs = no_needs(whole)
        if mechanisms_matter(whole, problem, gap):
            whole, needs = split_requirements(whole, problem)
        blocks = find_blocks(whole, problem)
        cut = with_classes(cut_model(whole, blocks, needs), blocks, problem)
        no_price = np.zeros(whole.row_lower.size)
        worth = worth_usd(whole, no_price)
        parts = Decomposition(problem, cut, worth[cut.rows], watch, threads=threads, workers=workers)
        state = Incumbent(whole, blocks, no_price, worth=worth)
    ground = Prepared(whole, _relaxed(parts), blocks, np.zeros(0, dtype=np.int64), state)
    try:
        _approach(ground, parts, watch, gap=gap)
    except KeyboardInterrupt:
        watch.interrupt()
        state.restore()
    placed, own = _is_placed(ground, ground.state.x), Run(watch.why_stopped(), bound_usd=watch.bound_usd)
    if placed:
        own = _own_columns(held(ground, watch), matrix)
    if watch.should_stop() or (placed and _is_proven(ground, watch, gap)):
        return own
    if matrix.integer.sum() <= BRANCH_TO_INTEGERS:
        return search_beside_highs(matrix, problem, watch, gap=gap, threads=threads, start=own.x)
    if not placed:
        return construct_and_improve(matrix, problem, watch, gap=gap, threads=threads)
    relaxed = _relaxed(parts)
    rank = rank_options(whole, blocks, relaxed.reduced_cost, relaxed.x)
    ground = Prepared(whole, relaxed, blocks, rank, state)
    try:
        _improve(ground, parts, watch, gap=gap, threads=threads, until_seconds=end)
    except KeyboardInterrupt:
        watch.interrupt()
        ground.state.restore()
    return _own_columns(held(ground, watch), matrix)


def _own_columns(run: Run, matrix: Matrix) -> Run:
    """Return the run without the columns that the decomposition added."""
    return run if run.x is None else replace(run, x=run.x[: matrix.cost.size])


def mechanisms_matter(matrix: Matrix, problem: Problem, gap: float) -> bool:
    """Whether mechanisms bought by shares could keep a gap open, so that every workload should have copies of its own.

    The copies make pricing dearer. On estates of 50 to 500 workloads shares saved the relaxation 5 to 7 % of what all
    mechanisms cost together: little against the gap asked where the workloads cost much more.
    """
    bought_usd = float(matrix.cost[matrix.columns.of("bought")].sum())
    return bought_usd > 0 and bought_usd > MECHANISMS_SHARE * gap * _least_usd(matrix, problem)


def _least_usd(matrix: Matrix, problem: Problem) -> float:
    """Return what all workloads cost at least, each alone, in closed form."""
    lower = ServiceBounds(problem, matrix).estimate(matrix.cost).lower_usd
    if problem.jobs.workload.size:
        lower = lower + JobBounds(problem, matrix).estimate(matrix.cost)[0].lower_usd
    return float(lower[np.isfinite(lower)].sum())


def _approach(ground: Prepared, parts: Decomposition, watch: Watch, *, gap: float) -> None:
    """Generate configurations, put plans together and tighten the bound in turn, as long as that can close the gap.

    The first pass stops early, since a plan is worth more than a sharp master; later ones go further.
    """

    def simple_plan() -> None:
        with watch.phase_of("first_plan"):
            numbers = parts.simple_plan()
            if numbers is not None:
                _take_over(ground, parts, with_shared(ground, parts, numbers, watch), watch)
                parts.has_plan = watch.incumbent_usd is not None

    def first_plan(quick: bool) -> None:
        with watch.phase_of("put_together"):
            found = parts.quick_plan() if quick else parts.plan(gap=FIRST_PLAN_GAP, seconds=FIRST_PLAN_SECONDS)
            _take_over(ground, parts, found, watch)

    for turn in range(TURNS):
        until = watch.elapsed_seconds() + ROUNDS_SHARE * watch.left_seconds()
        with watch.phase_of("columns"):
            ran = parts.run(
                None, gap=MASTER_GAP_SHARE * gap * SHARPER**turn, until_seconds=until,
                when_priced=simple_plan, when_clean=None if turn else first_plan,
            )  # fmt: skip
        if not ran or watch.should_stop():
            return
        with watch.phase_of("put_together"):
            found = parts.plan(gap=PLAN_GAP_SHARE * gap, seconds=PLAN_SHARE * watch.left_seconds())
            _take_over(ground, parts, found, watch)
        with watch.phase_of("tighten"):
            target = _target_usd(ground, parts, gap)
            parts.tighten(target_usd=target)
        if watch.should_stop() or parts.proven_usd >= target or parts.open_usd <= SPENT_SHARE * gap * abs(target):
            return


def with_shared(ground: Prepared, parts: Decomposition, numbers: Ints, watch: Watch) -> Chosen | None:
    """Return the plan of a configuration for every workload with the best shared decisions beside it, None where there
    are none in time.
    """
    state, shared = ground.state, parts.cut.shared
    chosen = Chosen(numbers, np.zeros(shared.size))
    if not shared.size:
        return chosen
    state.save()
    values = chosen.values(parts.cut, parts.pool)
    state.set_columns(np.arange(values.size), values)
    part = make_part(state, shared, elastic=False)
    state.restore()
    found = solve_part(part, watch, gap=0.0, time_limit_seconds=SHARED_SECONDS, use_start=False)
    return None if found is None else Chosen(numbers, found)


def _improve(
    ground: Prepared, parts: Decomposition, watch: Watch, *, gap: float, threads: int, until_seconds: float
) -> None:
    """Search neighbourhoods of the plan, and let the master choose anew among what they found, in turn.

    A neighbourhood knows what exactly is left of a limit, which no price tells; the master combines what was found in
    different ones.
    """
    state, seconds = ground.state, FIRST_SEARCH_SECONDS
    while not (watch.should_stop() or watch.elapsed_seconds() >= until_seconds or _is_proven(ground, watch, gap)):
        before = state.penalised_usd()
        with watch.phase_of("improve"):
            slice_end = min(until_seconds, watch.elapsed_seconds() + seconds)
            improve_until(ground, watch, gap=gap, threads=threads, until_seconds=slice_end)
        if watch.should_stop() or not state.is_whole() or state.penalised_usd() >= before:
            seconds *= LONGER_SEARCH
            continue
        with watch.phase_of("put_together"):
            start = parts.learn(state.x)
            left = min(seconds, until_seconds - watch.elapsed_seconds())
            found = parts.plan(gap=PLAN_GAP_SHARE * gap, seconds=left, start=start)
            _take_over(ground, parts, found, watch)


def _is_proven(ground: Prepared, watch: Watch, gap: float) -> bool:
    """Whether the plan held is within the gap of the bound."""
    if not ground.state.is_whole():
        return False
    reached = relative_gap(ground.matrix.objective(ground.state.x), watch.bound_usd)
    return reached is not None and reached <= gap


def _take_over(ground: Prepared, parts: Decomposition, found: Chosen | None, watch: Watch) -> None:
    """Take over a plan of the master where it is better than the plan held."""
    if found is None:
        return
    values = found.values(parts.cut, parts.pool)
    if not (parts.cut.classes.are_single or _is_placed(ground, values)):
        return  # rows summed over a class may hold where those of its members do not
    state = ground.state
    before, placed = state.penalised_usd(), _is_placed(ground, state.x)
    state.save()
    state.set_columns(np.arange(values.size), values)
    if placed and state.penalised_usd() >= before:
        state.restore()
        return
    state.save()
    if state.is_whole():
        objective = ground.matrix.objective(state.x)
        watch.note(incumbent_usd=objective)
        log.info("plan of %.6g USD, gap %s", objective, relative_gap(objective, watch.bound_usd))


def _target_usd(ground: Prepared, parts: Decomposition, gap: float) -> float:
    """Return the bound (without the model's offset) that would prove the plan held within the gap.

    While the plan held breaks rows: what the plan to be found could be proven with, the master's own optimum.
    """
    objective = ground.matrix.objective(ground.state.x)
    if not (_is_placed(ground, ground.state.x) and ground.state.is_whole()):
        objective = parts.answer.cost_usd + ground.matrix.offset if parts.answer is not None else objective
    return objective - gap * abs(objective) - ground.matrix.offset


def _relaxed(parts: Decomposition) -> Relaxation:
    """Return what the master says in the terms of a relaxation of the whole model, as far as it has come."""
    matrix = parts.cut.matrix
    price, x = np.zeros(matrix.row_lower.size), None
    if parts.answer is None or parts.centre is None:
        return Relaxation(Termination.LIMIT, None, x, price, matrix.cost.copy())
    price[parts.cut.rows] = parts.centre.price
    x = np.zeros(matrix.cost.size)
    for number in np.flatnonzero(parts.answer.shares > 0).tolist():
        x[parts.pool.columns[number]] += parts.answer.shares[number] * parts.pool.values[number]
    x[parts.cut.shared] = parts.answer.shared
    return Relaxation(
        Termination.GAP_REACHED, parts.proven_usd + matrix.offset, x, price, parts.cut.reduced_cost(parts.centre.price)
    )


def _is_placed(ground: Prepared, x: Floats) -> bool:
    """Whether values are a plan, possibly one that breaks elastic rows, and not the empty start."""
    broken = ground.matrix.violation(x) > ROW_TOLERANCE * ground.matrix.row_scale
    return not (broken & ~ground.blocks.elastic).any()
