"""Large estates by decomposition: bound and configurations by column generation, a plan put together, both improved."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.acceptance import holds_plan, is_placed, is_proven, take_over, with_shared
from optimizer.solve.decomposition.closing import close_gap
from optimizer.solve.decomposition.column_generation import Decomposition
from optimizer.solve.decomposition.handed import begin_with, hand_on
from optimizer.solve.decomposition.infeasibility_proof import is_infeasible
from optimizer.solve.decomposition.job_bounds import JobBounds
from optimizer.solve.decomposition.lagrangian import Lagrangian, kept, whole_model
from optimizer.solve.decomposition.service_bounds import ServiceBounds
from optimizer.solve.decomposition.spot_checks import WrongAnswerError
from optimizer.solve.decomposition.workers import Workers
from optimizer.solve.highs.call import Run
from optimizer.solve.incumbent import Incumbent, Projected
from optimizer.solve.matrix import Matrix
from optimizer.solve.neighbourhoods.concurrent import POLISH_SECONDS, beside_highs, construct_and_improve
from optimizer.solve.neighbourhoods.prepared import Prepared, held
from optimizer.solve.neighbourhoods.relaxation import Relaxation, solve_relaxation
from optimizer.solve.neighbourhoods.working_plan import WorkingPlan, worth_usd
from optimizer.solve.presolve.requirement_copies import Needs
from optimizer.solve.solution import GAP_FLOOR, Termination
from optimizer.solve.warm_start import current_handing

Floats = NDArray[np.float64]
log = logging.getLogger(__name__)

MASTER_GAP_SHARE, PLAN_GAP_SHARE = 0.4, 0.2
"""How near to each other bound and master, and then plan and master, should come, in parts of the gap asked for."""
QUICK_PROOF_SHARE, PROOF_SHARE = 0.1, 0.5
"""Part of the time left to prove that no plan exists where column generation found none that breaks no row: after the
rounds of closed forms, and in the end.
"""
MECHANISMS_SHARE = 3.0
"""What all mechanisms cost, in parts of gap x least cost, from which they are counted whole."""
FIRST_PLAN_SECONDS, FIRST_PLAN_GAP = 3.0, 3e-3
PLAN_SHARE, PLAN_SECONDS, PLAN_AFTER_SHARE = 0.2, 3.0, 0.2
"""A later plan takes at most a share of the time left, and so many seconds and a share of the time gone: neighbourhoods
find better ones sooner than a long integer master.
"""
TURNS, SHARPER, SPENT_SHARE = 4, 0.3, 0.1
"""Turns of columns, plan and bound; how much sharper each is; the part of the gap below which the bound is spent."""


def decompose_and_improve(
    matrix: Matrix, problem: Problem, watch: Watch, *, gap: float, threads: int, workers: Workers | None = None,
    start: Floats | None = None, begins_rough: bool = True,
) -> Run | None:  # fmt: skip
    """Generate configurations, put a plan together, tighten the bound and improve the plan until both meet.

    What that leaves open is for neighbourhoods and branch and price (`closing`). On a model of moderate size HiGHS
    branches on the whole of it beside them, from the plan held; the better of both bounds counts.

    The bound is Lagrangian, over all options of all workloads, whatever options were looked at for the plan. Where the
    master stays without a solution that breaks no row, HiGHS on the whole model, or above that size the relaxation of
    the whole model and a plan constructed workload by workload take over. `start` is a plan to begin from; the master
    begins with its configurations if it is a rough one (`begins_rough`): those of a good one would end the rounds of
    closed forms before they found prices. Where an answer of `workers` turns out to be wrong, bounds and configurations
    are thrown out and generated anew in this process; of what was found, the plan held stays, since it obeys every row.
    Returns None when a workload has no place of its own, which only the whole model can settle.
    """
    try:
        return _decompose(matrix, problem, watch, gap=gap, threads=threads, workers=workers, start=start,
                          begins_rough=begins_rough)  # fmt: skip
    except WrongAnswerError as wrong:
        log.warning("a wrong answer (%s): the decomposition begins again, without all that workers answered", wrong)
        watch.forget_bound()
        start = start if wrong.plan is None else wrong.plan
    if start is not None and watch.should_stop():
        return Run(watch.why_stopped(), start, matrix.objective(start))
    return _decompose(
        matrix, problem, watch, gap=gap, threads=threads, workers=workers, start=start, begins_rough=begins_rough
    )


def _decompose(
    matrix: Matrix, problem: Problem, watch: Watch, *, gap: float, threads: int, workers: Workers | None,
    start: Floats | None, begins_rough: bool,
) -> Run | None:  # fmt: skip
    """Decompose and improve from a plan; where an answer is wrong, what is raised has the plan held."""
    end = watch.elapsed_seconds() + watch.left_seconds() - POLISH_SECONDS
    with watch.phase_of("cut"):
        is_split = mechanisms_matter(matrix, problem, gap)
        model = whole_model(matrix, problem, is_split=is_split)
        whole, needs, blocks = model.matrix, model.needs, model.blocks
        if start is not None and watch.should_stop():  # of ten thousand workloads the rest takes seconds as well
            return Run(watch.why_stopped(), start, matrix.objective(start))
        cut = model.cut(problem)
        worth = worth_usd(whole, np.zeros(whole.row_lower.size))
        parts = Decomposition(problem, cut, worth[cut.rows], watch, threads=threads, workers=workers)
        state = WorkingPlan(whole, blocks, worth)
    ground = Prepared(whole, _relaxed(parts), blocks, np.zeros(0, dtype=np.int64), state)
    handing = current_handing()
    if start is not None:
        _begin_from(ground, parts, needs.project(start), watch, learns=begins_rough)
    if handing is not None and handing.known is not None:
        with watch.phase_of("handed"):
            count = begin_with(parts, problem, handing.known)
            log.info("%d configurations of %d that were handed on hold", count, handing.known.owner.size)
    try:
        run = _solve_parts(ground, parts, problem, watch, needs, gap=gap, threads=threads, matrix=matrix, end=end)
        if handing is not None and handing.made is None:
            handing.made = hand_on(parts, problem)
        return None if run is None else replace(run, lagrangian=_lagrangian(parts, is_split=is_split))
    except WrongAnswerError as wrong:
        state.restore()
        wrong.plan = state.x[: matrix.cost.size].copy() if holds_plan(ground) else None
        raise


def _lagrangian(parts: Decomposition, *, is_split: bool) -> Lagrangian | None:
    """Return the bound of the prices that column generation ended with; None where it found none."""
    centre = parts.centre
    if centre is None or not np.isfinite(centre.usd):
        return None
    usd = centre.usd + parts.cut.matrix.offset
    return kept(parts.cut, centre.price, usd, centre.priced.lower_usd, is_split=is_split)


def _solve_parts(
    ground: Prepared, parts: Decomposition, problem: Problem, watch: Watch, needs: Needs, *,
    gap: float, threads: int, matrix: Matrix, end: float,
) -> Run | None:  # fmt: skip
    """Generate configurations and close the gap of the plan held by `ground`, until some seconds have elapsed."""
    state, proofs = ground.state, list[Termination]()
    is_moderate = matrix.integer.sum() <= watch.parameters.decomposition.branch_to_integers

    def is_impossible(share: float) -> bool:
        """Whether configurations prove within a share of the time left that no plan obeys all rows."""
        if Termination.INFEASIBLE in proofs or watch.should_stop():
            return Termination.INFEASIBLE in proofs
        with watch.phase_of("prove"):
            if is_infeasible(problem, parts, parts.worth_usd, watch, seconds=share * watch.left_seconds()):
                proofs.append(Termination.INFEASIBLE)
        return Termination.INFEASIBLE in proofs

    def is_hopeless() -> bool:
        """Whether no plan obeys all rows, by the relaxation of the whole model where that is moderate, or else by
        configurations.
        """
        if is_moderate:
            with watch.phase_of("relax"):
                relaxation = solve_relaxation(matrix, watch, watch.left_seconds())
            watch.note(bound_usd=relaxation.bound_usd)
            proofs.append(relaxation.termination)
        return is_impossible(QUICK_PROOF_SHARE)

    try:
        _approach(ground, parts, watch, gap=gap, is_hopeless=is_hopeless)
    except KeyboardInterrupt:
        watch.interrupt()
        state.restore()
    placed = is_placed(ground, ground.state.x)
    if not holds_plan(ground) and parts.answer is not None and not parts.is_clean:
        is_impossible(PROOF_SHARE)
    if Termination.INFEASIBLE in proofs and not holds_plan(ground):
        return Run(Termination.INFEASIBLE)
    own = Run(watch.why_stopped(), bound_usd=watch.bound_usd)
    if placed:
        own = _own_columns(held(ground, watch), matrix)
    if watch.should_stop() or (placed and is_proven(ground, watch, gap)):
        return own

    def search(incumbent: Incumbent | None, threads: int, until_seconds: float) -> Run | None:
        if not placed:
            return construct_and_improve(
                matrix, problem, watch, gap=gap, threads=threads, until_seconds=until_seconds, incumbent=incumbent
            )
        shared = None if incumbent is None else Projected(incumbent, needs.project, needs.restore)
        try:
            close_gap(
                replace(ground, relaxation=_relaxed(parts)), problem, parts, watch,
                gap=gap, threads=threads, until_seconds=min(end, until_seconds), incumbent=shared,
            )  # fmt: skip
        except KeyboardInterrupt:
            watch.interrupt()
            state.restore()
        return _own_columns(held(ground, watch), matrix)

    if is_moderate:
        return beside_highs(matrix, watch, search, gap=gap, threads=threads, start=own.x)
    return search(None, threads, end)


def _begin_from(ground: Prepared, parts: Decomposition, x: Floats, watch: Watch, *, learns: bool) -> None:
    """Hold a plan found before, and its configurations if the master is to learn them."""
    state = ground.state
    state.set_columns(np.arange(x.size), x)
    if not holds_plan(ground):
        state.restore()
        return
    state.save()
    if learns:
        parts.learn(x)
        parts.has_plan = True
    watch.note(incumbent_usd=ground.matrix.objective(x))


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


def _approach(
    ground: Prepared, parts: Decomposition, watch: Watch, *, gap: float, is_hopeless: Callable[[], bool]
) -> None:
    """Generate configurations, put plans together and tighten the bound in turn, as long as that can close the gap.

    The first pass stops early, since a plan is worth more than a sharp master; later ones go further.
    """

    def simple_plan() -> None:
        with watch.phase_of("first_plan"):
            numbers = parts.simple_plan()
            if numbers is not None:
                take_over(ground, parts, with_shared(ground, parts, numbers, watch), watch)
                parts.has_plan = holds_plan(ground)

    def first_plan(quick: bool) -> None:
        with watch.phase_of("put_together"):
            found = parts.quick_plan() if quick else parts.plan(gap=FIRST_PLAN_GAP, seconds=FIRST_PLAN_SECONDS)
            take_over(ground, parts, found, watch)

    for turn in range(TURNS):
        until = watch.elapsed_seconds() + watch.parameters.decomposition.rounds_share * watch.left_seconds()
        with watch.phase_of("columns"):
            ran = parts.run(
                gap=MASTER_GAP_SHARE * gap * SHARPER**turn, until_seconds=until, is_hopeless=is_hopeless,
                when_priced=None if parts.has_plan else simple_plan, when_clean=None if turn else first_plan,
                is_enough=lambda: holds_plan(ground) and is_proven(ground, watch, gap),
            )  # fmt: skip
        if not ran or watch.should_stop():
            return
        if _over_master(ground, parts) > PLAN_GAP_SHARE * gap:
            with watch.phase_of("put_together"):
                later = PLAN_SECONDS + PLAN_AFTER_SHARE * watch.elapsed_seconds()
                found = parts.plan(gap=PLAN_GAP_SHARE * gap, seconds=min(PLAN_SHARE * watch.left_seconds(), later))
                take_over(ground, parts, found, watch)
        if not parts.is_clean:
            return  # no plan may be possible, which more of the same does not prove
        with watch.phase_of("tighten"):
            target = _target_usd(ground, parts, gap)
            parts.tighten(target_usd=target)
        if watch.should_stop() or parts.proven_usd >= target or parts.open_usd <= SPENT_SHARE * gap * abs(target):
            return


def _over_master(ground: Prepared, parts: Decomposition) -> float:
    """Return by what part of its cost the plan held exceeds the master's optimum; inf while it breaks rows."""
    if parts.answer is None or not holds_plan(ground):
        return np.inf
    objective = ground.matrix.objective(ground.state.x)
    return (objective - parts.answer.cost_usd - ground.matrix.offset) / max(abs(objective), GAP_FLOOR)


def _target_usd(ground: Prepared, parts: Decomposition, gap: float) -> float:
    """Return the bound (without the model's offset) that would prove the plan held within the gap.

    While the plan held breaks rows: what the plan to be found could be proven with, the master's own optimum.
    """
    objective = ground.matrix.objective(ground.state.x)
    if not holds_plan(ground):
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


