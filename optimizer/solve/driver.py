"""`solve_problem`: presolve, choose a method, build the model, run its strategies, make a `Solution` of the result."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formulations import Problem, build_arrays
from formulations.streams import merge_streams
from formulations.units import normalise
from optimizer.methods import Method
from optimizer.solve.auto import Choice, choose, look_closer
from optimizer.solve.backend import state_model, stated_by
from optimizer.solve.deadline import Watch, ctrl_c_calls
from optimizer.solve.first_plan import (
    find_first,
    find_start,
    from_first,
    may_be_built,
    nothing_yet,
)
from optimizer.solve.highs.call import Run
from optimizer.solve.highs.hand_over import TriviallyInfeasible, find_scaling, from_arrays, well_scaled
from optimizer.solve.incumbent import with_start
from optimizer.solve.matrix import Matrix
from optimizer.solve.parameters import DEFAULTS, Parameters
from optimizer.solve.postsolve.finish import solve_precisely, to_solution
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows
from optimizer.solve.solution import Progress, Solution, SolutionStatus, Termination
from optimizer.solve.solution_tables import Entries
from optimizer.solve.state import Contribution, State
from optimizer.solve.strategies import METHODS
from optimizer.solve.warm_start import is_handed

if TYPE_CHECKING:
    from optimizer.solve.decomposition.workers import Workers

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
log = logging.getLogger(__name__)


def solve_problem(
    problem: Problem,
    *,
    gap: float = 1e-3,
    time_limit_seconds: float = 300.0,
    threads: int | None = None,
    method: Method = "auto",
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
    workers: Workers | None = None,
    around: Ints | None = None,
    by: str | None = None,
    parameters: Parameters = DEFAULTS,
) -> Solution:
    """Build the model of a problem and minimise its cost.

    Stops at the first of: proven gap at most `gap`, `time_limit_seconds` (counted from this call), `cancel` set from
    another thread, the first Ctrl-C in the main thread. The best plan found is kept in every case. `threads` None: all
    cores. `method`: see `strategies`; "auto" chooses by size and structure. `workers` solve the small programs of the
    decomposition; None: threads. `around` are the slots that an earlier plan uses: the solve begins with a plan made of
    them, where there is one (see `start_plan`). `by` states the model (see `backend`); None: by size.
    `parameters`: see there. Raises InternalError when the model is unbounded, and whatever `progress` raises.
    """
    watch = Watch(time_limit_seconds, cancel, progress, parameters)
    with watch.phase_of("merge"):
        normalised = normalise(problem)
        merged = merge_streams(normalised.problem)
    reduced = normalised.problem if merged is None else merged.problem
    streams = reduced.services.workload.size
    if merged is not None:
        log.info("%d streams are %d", problem.services.workload.size, streams)
    solution = _solve(
        reduced, watch, gap=gap, threads=threads, method=method, workers=workers, around=around, by=by
    )
    values = solution.values if merged is None else merged.split(solution.values)
    return replace(solution, values=normalised.restore(values))


def _solve(
    problem: Problem, watch: Watch, *, gap: float, threads: int | None, method: Method, workers: Workers | None,
    around: Ints | None, by: str | None = None,
) -> Solution:  # fmt: skip
    """Find a first plan, build the model and minimise it; arguments as for `solve_problem`."""
    choice = choose(problem, watch.parameters.auto) if method == "auto" else Choice(method)
    with ctrl_c_calls(watch.interrupt):
        begins_handed = choice.method == "decompose" and is_handed()
        first = None
        if around is not None and not begins_handed:
            first = find_start(problem, around, watch, partial_solve(gap, threads))
        begun_usd = None if first is None else first.objective_usd
        try:
            if first is None and choice.method == "decompose" and not begins_handed:
                first = find_first(problem, watch, threads)
            if watch.should_stop() or (first is not None and not may_be_built(watch)):
                return from_first(first, problem, watch, gap=gap, method=choice.method)
            by = by or stated_by(problem, watch.parameters.model)
            matrix = stated_matrix(problem, watch, choice.method, by)
        except TriviallyInfeasible as reason:
            log.info("infeasible before any solver: %s", reason)
            return Solution(SolutionStatus.INFEASIBLE, Termination.INFEASIBLE, timings=watch.timings, method="none")
        if matrix is None or (first is not None and watch.should_stop()):
            return from_first(first, problem, watch, gap=gap, method=choice.method)
        solution = solve_matrix(
            matrix, problem, watch, gap=gap, threads=threads, choice=choice, workers=workers,
            start=None if first is None else first.entries(), begins_rough=begun_usd is None,
        )  # fmt: skip
        return replace(solution, stated_by=by, start_usd=begun_usd)


def stated_matrix(problem: Problem, watch: Watch, method: Method = "decompose", by: str | None = None) -> Matrix | None:
    """State the model, through Pyomo or as arrays, by size if not given; None when the solve must stop meanwhile.

    For the decomposition, cover rows come with it, so that no second matrix is made for them later.
    """
    matrix = state_model(problem, stated_by(problem, watch.parameters.model) if by is None else by, watch)
    if matrix is None:
        return None
    with watch.phase_of("hand_over"):
        matrix = well_scaled(matrix, problem)
        return with_cover_rows(matrix, problem) if method == "decompose" else matrix


def solve_matrix(
    matrix: Matrix, problem: Problem, watch: Watch, *, gap: float, threads: int | None, choice: Choice,
    workers: Workers | None = None, start: Entries | None = None, begins_rough: bool = True,
) -> Solution:  # fmt: skip
    """Minimise a model already handed over; arguments as for `solve_problem`.

    `start` is a plan to begin from, as entries of the problem's tables, and a rough one unless `begins_rough` is False.
    """
    if watch.should_stop() and start is None:
        return nothing_yet(watch, choice.method)
    if choice.why:
        choice = look_closer(choice, matrix)
        log.info("auto: %s, since %s", choice.method, choice.why)
    begin = None if start is None else _begun_with(matrix, start, watch)
    state = State(
        matrix, problem, watch, gap, threads or os.cpu_count() or 1, start=begin, begins_rough=begins_rough,
        workers=workers,
    )  # fmt: skip
    result, used = run_strategies(state, choice.method)
    solution = to_solution(matrix, problem, result, gap=gap, watch=watch, method=used)
    is_short = solution.status is SolutionStatus.FEASIBLE and solution.termination is Termination.LIMIT
    if is_short and result.termination is Termination.GAP_REACHED:
        solution = solve_precisely(solution, matrix, problem, watch, gap=gap, threads=state.threads)
    watch.raise_if_broken()
    return replace(
        solution, why=choice.why, strategies=tuple(state.contributions), threads=state.threads, work=watch.work,
        parameters=watch.parameters.changed(),
    )


def _begun_with(matrix: Matrix, start: Entries, watch: Watch) -> Floats | None:
    from optimizer.solve.start_plan import begin_with  # and with it much that few solves need

    return begin_with(matrix, start, watch)


def run_strategies(state: State, method: Method) -> tuple[Run, str]:
    """Run the strategies of a method until one minimises the model; return what it ended with, and its name."""
    for strategy in METHODS[method]:
        if not strategy.applies(state):
            continue
        begun = state.deadline.elapsed_seconds()
        result = strategy.run(state)
        seconds = state.deadline.elapsed_seconds() - begun
        if result is not None and state.start is not None:
            result = with_start(result, state.matrix, state.start, state.deadline)
        found = Run(Termination.LIMIT) if result is None else result
        state.contributions.append(Contribution(strategy.name, seconds, found.objective_usd, found.bound_usd))
        log.info(
            "strategy %s: cost %s, bound %s in %.1f s",
            strategy.name, found.objective_usd, found.bound_usd, seconds,
        )  # fmt: skip
        if result is not None:
            return result, strategy.name
    raise AssertionError("the last strategy of a method always applies")


def partial_solve(gap: float, threads: int | None) -> Callable[[Matrix, Problem, Watch], Solution]:
    """Return what solves the model of a part of a problem."""


    def solve(matrix: Matrix, part: Problem, aside: Watch) -> Solution:
        choice = choose(part, aside.parameters.auto)
        return solve_matrix(matrix, part, aside, gap=gap, threads=threads, choice=choice)

    return solve


def check_range(problem: Problem) -> None:
    """Raise InputError where a row of the model spans more than the solver handles."""
    normalised = normalise(problem).problem
    merged = merge_streams(normalised)
    solved = normalised if merged is None else merged.problem
    find_scaling(well_scaled(from_arrays(build_arrays(solved)), solved))
