"""Large estates by decomposition: bound and configurations by column generation, a plan put together, both improved."""

from __future__ import annotations

import logging

import numpy as np

from formulations import Problem
from optimizer.solve.construct import construct
from optimizer.solve.decomposition.cut import cut_model
from optimizer.solve.decomposition.rounds import Decomposition
from optimizer.solve.highs import Run
from optimizer.solve.incumbent import worth_usd
from optimizer.solve.matrix import ROW_TOLERANCE, Matrix
from optimizer.solve.prepared import Prepared, held, prepare
from optimizer.solve.search import POLISH_SECONDS, RELAX_SHARE, improve_until
from optimizer.solve.solution import relative_gap
from optimizer.solve.watch import Watch

log = logging.getLogger(__name__)

ROUNDS_SHARE = 0.6
"""Part of the time left that generating configurations may take."""
MASTER_GAP_SHARE, PLAN_GAP_SHARE = 0.4, 0.2
"""How near to each other bound and master, and then plan and master, should come, in parts of the gap asked for."""
FIRST_PLAN_SECONDS, PLAN_SHARE = 3.0, 0.2
FIRST_PLAN_GAP = 3e-3


def decompose_and_improve(matrix: Matrix, problem: Problem, watch: Watch, *, gap: float, threads: int) -> Run | None:
    """Generate configurations, put a plan together, tighten the bound and improve the plan until both meet.

    The bound is Lagrangian, over all options of all workloads, whatever options were looked at for the plan. Returns
    None when a workload has no place of its own, which only the whole model can settle.
    """
    end = watch.elapsed_seconds() + watch.left_seconds() - POLISH_SECONDS
    ground = prepare(matrix, problem, watch, seconds=RELAX_SHARE * watch.left_seconds())
    if isinstance(ground, Run):
        return ground
    parts = None
    try:
        parts = _generate(ground, problem, watch, gap=gap, threads=threads)
        if parts is not None and not watch.should_stop():
            with watch.phase_of("put_together"):
                _put_together(ground, parts, watch, gap=PLAN_GAP_SHARE * gap, seconds=PLAN_SHARE * watch.left_seconds())
            with watch.phase_of("tighten"):
                parts.tighten(target_usd=_target_usd(ground, parts, gap))
    except KeyboardInterrupt:
        watch.interrupt()
        ground.state.restore()
    if not _is_placed(ground) and not watch.should_stop():
        with watch.phase_of("construct"):
            if not construct(ground.state, ground.relaxation, ground.rank, watch, threads=threads):
                return Run(watch.why_stopped(), bound_usd=watch.bound_usd) if watch.should_stop() else None
    if _is_placed(ground):
        with watch.phase_of("improve"):
            improve_until(ground, watch, gap=gap, threads=threads, until_seconds=end)
    return held(ground, watch)


def _target_usd(ground: Prepared, parts: Decomposition, gap: float) -> float:
    """Return the bound (without the model's offset) that would prove the plan held within the gap.

    While the plan held breaks rows: what the plan to be found could be proven with, the master's own optimum.
    """
    objective = ground.matrix.objective(ground.state.x)
    if not (_is_placed(ground) and ground.state.is_whole()):
        objective = parts.answer.cost_usd + ground.matrix.offset if parts.answer is not None else objective
    return objective - gap * abs(objective) - ground.matrix.offset


def _generate(
    ground: Prepared, problem: Problem, watch: Watch, *, gap: float, threads: int
) -> Decomposition | None:
    """Run column generation from the relaxation's prices, with a first plan as soon as one is in sight."""
    with watch.phase_of("cut"):
        cut = cut_model(ground.matrix, ground.blocks)
    price = ground.relaxation.row_price
    parts = Decomposition(problem, cut, worth_usd(ground.matrix, price)[cut.rows], watch, threads=threads)

    def first_plan() -> None:
        _put_together(ground, parts, watch, gap=FIRST_PLAN_GAP, seconds=FIRST_PLAN_SECONDS)

    until = watch.elapsed_seconds() + ROUNDS_SHARE * watch.left_seconds()
    with watch.phase_of("columns"):
        ran = parts.run(price[cut.rows], gap=MASTER_GAP_SHARE * gap, until_seconds=until, when_clean=first_plan)
    return parts if ran else None


def _put_together(ground: Prepared, parts: Decomposition, watch: Watch, *, gap: float, seconds: float) -> None:
    """Take over the plan of the integer master where it is better than the plan held."""
    values = parts.plan(gap=gap, seconds=seconds)
    if values is None:
        return
    state = ground.state
    before, placed = state.penalised_usd(), _is_placed(ground)
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


def _is_placed(ground: Prepared) -> bool:
    """Whether the state holds a plan (possibly one that breaks elastic rows) and not the empty start."""
    broken = ground.matrix.violation(ground.state.x) > ROW_TOLERANCE * ground.matrix.row_scale
    return not (broken & ~ground.blocks.elastic).any()
