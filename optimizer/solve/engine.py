"""`solve_problem`: from a `Problem` to a `Solution`, by the method that suits its size."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Literal

from formulations import Problem, build_model
from optimizer.solve.blocks import find_blocks
from optimizer.solve.construct import construct
from optimizer.solve.covers import with_cover_rows
from optimizer.solve.hand_over import TriviallyInfeasible, paused_gc, to_matrix
from optimizer.solve.highs import Run, polish, run
from optimizer.solve.improve import improve
from optimizer.solve.incumbent import Incumbent
from optimizer.solve.matrix import Matrix
from optimizer.solve.ranking import rank_options
from optimizer.solve.relaxation import solve_relaxation
from optimizer.solve.solution import Progress, Solution, SolutionStatus, Termination, relative_gap
from optimizer.solve.tables import to_tables
from optimizer.solve.tidy import tidy
from optimizer.solve.watch import Watch

Method = Literal["auto", "direct", "construct"]
log = logging.getLogger(__name__)

CONSTRUCT_FROM_INTEGERS = 20_000
"""Integer columns from which `auto` constructs a plan: plain HiGHS finds none within minutes on such estates."""
RELAX_SHARE = 0.5
POLISH_SECONDS = 2.0


def solve_problem(
    problem: Problem,
    *,
    gap: float = 1e-3,
    time_limit_seconds: float = 300.0,
    threads: int | None = None,
    method: Method = "auto",
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> Solution:
    """Build the model of a problem and minimise its cost.

    Stops at the first of: proven gap at most `gap`, `time_limit_seconds` (counted from this call), `cancel` set from
    another thread, Ctrl-C. The best plan found is kept in every case. `threads` None: all cores. `method` "direct" hands
    the whole model to HiGHS, "construct" builds a plan workload by workload and improves it, "auto" chooses by size.
    Raises InternalError when the model is unbounded, and whatever `progress` raises.
    """
    watch = Watch(time_limit_seconds, cancel, progress)
    try:
        with watch.phase_of("build"), paused_gc():
            model = build_model(problem)
        with watch.phase_of("hand_over"):
            matrix = to_matrix(model)
            del model
    except TriviallyInfeasible as reason:
        log.info("infeasible before any solver: %s", reason)
        return Solution(SolutionStatus.INFEASIBLE, Termination.INFEASIBLE, timings=watch.timings, method="none")
    return solve_matrix(matrix, problem, watch, gap=gap, threads=threads, method=method)


def solve_matrix(
    matrix: Matrix, problem: Problem, watch: Watch, *, gap: float, threads: int | None, method: Method
) -> Solution:
    """Minimise a model already handed over; arguments as for `solve_problem`."""
    workers = threads or os.cpu_count() or 1
    chosen = method
    if chosen == "auto":
        chosen = "construct" if int(matrix.integer.sum()) >= CONSTRUCT_FROM_INTEGERS else "direct"
    result = None
    if chosen == "construct":
        result = construct_and_improve(matrix, problem, watch, gap=gap, threads=workers)
    if result is None:
        with watch.phase_of("solve"):
            result = run(matrix, watch, gap=gap, threads=workers, reports=True)
    return to_solution(matrix, problem, result, gap=gap, watch=watch, method=chosen)


def construct_and_improve(
    matrix: Matrix, problem: Problem, watch: Watch, *, gap: float, threads: int
) -> Run | None:
    """Bound by the relaxation, place workload by workload, improve by neighbourhoods.

    Returns None when a workload has no place of its own, which only the whole model can settle.
    """
    with watch.phase_of("relax"):
        matrix = with_cover_rows(matrix, problem)
        relaxation = solve_relaxation(matrix, watch, RELAX_SHARE * watch.left_seconds())
    if relaxation.termination is Termination.INFEASIBLE:
        return Run(Termination.INFEASIBLE)
    watch.note(bound_usd=relaxation.bound_usd)
    blocks = find_blocks(matrix, problem)
    rank = rank_options(matrix, blocks, relaxation.reduced_cost, relaxation.x)
    state = Incumbent(matrix, blocks, relaxation.row_price)
    with watch.phase_of("construct"):
        placed = construct(state, relaxation, rank, watch, threads)
    if not placed:
        return Run(watch.why_stopped(), bound_usd=watch.bound_usd) if watch.should_stop() else None
    with watch.phase_of("improve"):
        until = watch.elapsed_seconds() + max(0.0, watch.left_seconds() - POLISH_SECONDS)
        improve(state, relaxation, rank, watch, gap=gap, threads=threads, until_seconds=until)
    x = state.x if state.is_whole() else None
    objective = None if x is None else matrix.objective(x)
    return Run(watch.why_stopped(), x, objective, watch.bound_usd)


def to_solution(
    matrix: Matrix, problem: Problem, result: Run, *, gap: float, watch: Watch, method: str
) -> Solution:
    """Polish the values of a run, recompute the objective from the arrays and state what is held."""
    if result.termination is Termination.INFEASIBLE and result.x is None:
        return Solution(SolutionStatus.INFEASIBLE, Termination.INFEASIBLE, timings=watch.timings, method=method)
    with watch.phase_of("polish"):
        x = None if result.x is None else polish(matrix, result.x, watch)
    if x is None:
        return Solution(
            SolutionStatus.NO_PLAN,
            result.termination if result.x is None else Termination.LIMIT,
            bound_usd=result.bound_usd,
            timings=watch.timings,
            method=method,
        )
    objective = matrix.objective(x)
    bound = None if result.bound_usd is None else min(result.bound_usd, objective)
    reached = relative_gap(objective, bound)
    is_optimal = reached is not None and reached <= gap * (1 + 1e-6) + 1e-9
    termination = result.termination
    if is_optimal:
        termination = Termination.GAP_REACHED
    elif termination in (Termination.GAP_REACHED, Termination.INFEASIBLE):
        termination = Termination.LIMIT
    return Solution(
        status=SolutionStatus.OPTIMAL if is_optimal else SolutionStatus.FEASIBLE,
        termination=termination,
        objective_usd=objective,
        bound_usd=bound,
        values=tidy(problem, to_tables(matrix, x, problem)),
        timings=watch.timings,
        method=method,
    )
