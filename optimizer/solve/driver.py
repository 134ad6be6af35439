"""`solve_problem`: from a `Problem` to a `Solution`, by the method that suits its size."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from formulations import Problem, build_arrays
from formulations.failures import find_failures
from formulations.streams import merge_streams
from formulations.units import normalise
from optimizer.solve.backend import ARRAYS, state_model, stated_by
from optimizer.solve.deadline import Watch, ctrl_c_calls
from optimizer.solve.highs.call import Run, polish, run
from optimizer.solve.highs.hand_over import TriviallyInfeasible, find_scaling, from_arrays, well_scaled
from optimizer.solve.matrix import Matrix
from optimizer.solve.postsolve.minimal import make_minimal
from optimizer.solve.postsolve.rounding import round_up
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows
from optimizer.solve.presolve.implied_share import settled_share
from optimizer.solve.solution import (
    SAME_USD,
    Progress,
    Solution,
    SolutionStatus,
    Termination,
    is_within,
    relative_gap,
)
from optimizer.solve.solution_tables import Entries, to_tables
from optimizer.solve.special.assignment.kernels import kernel_search
from optimizer.solve.special.location.lazy_rows import run_linked
from optimizer.solve.special.reduced_costs import with_start
from optimizer.solve.warm_start import is_handed

if TYPE_CHECKING:
    from optimizer.solve.decomposition.workers import Workers
    from optimizer.solve.presolve.shortlist import FirstPlan

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Method = Literal["auto", "direct", "beside", "construct", "kernel", "decompose"]
log = logging.getLogger(__name__)

DECOMPOSE_FROM_INTEGERS = 2_000
"""Integer columns from which `auto` does not begin with HiGHS on the whole model: it would find no plan for minutes."""
MANY_WORKLOADS = 6
"""Workloads from which half as many counts of machines and failure flows have the same effect."""
SETTLED, KERNEL_SLOTS = 0.9, 500_000
"""Share of the slots that one choice settles from which `auto` takes the kernel search, and slots up to which."""
SHORTLIST_FROM_SLOTS = 100_000
"""Slots from which a first plan comes from a shortlist: stating the whole model takes seconds."""
STATED_AFTER = 6.0
"""How many times as long as the shortlist and its plan it takes to state the whole model and to cut it up."""
PRECISE = {"mip_feasibility_tolerance": 1e-9, "primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
PRECISE_UP_TO_NONZEROS = 1_000_000
"""Tolerances where HiGHS' own (1e-6) let pass what is no plan, and the size of models up to which they are tried."""


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
) -> Solution:
    """Build the model of a problem and minimise its cost.

    Stops at the first of: proven gap at most `gap`, `time_limit_seconds` (counted from this call), `cancel` set from
    another thread, the first Ctrl-C in the main thread. The best plan found is kept in every case. `threads` None: all
    cores. `method` "direct" hands the whole model to HiGHS, "beside" searches for plans beside it, "construct" builds a
    plan workload by workload and improves it, "kernel" solves parts of the model that the relaxation points to,
    "decompose" puts it together from configurations of workloads, "auto" chooses by size and structure. `workers` solve
    the small programs of "decompose"; None: threads. `around` are the slots that an earlier plan uses: the solve begins
    with a plan made of them, where there is one (see `start_plan`). `by` states the model (see `backend`); None: by
    size. Raises InternalError when the model is unbounded, and whatever `progress` raises.
    """
    watch = Watch(time_limit_seconds, cancel, progress)
    with watch.phase_of("merge"):
        normalised = normalise(problem)
        merged = merge_streams(normalised.problem)
    if merged is None:
        solution = _solve(
            normalised.problem, watch, gap=gap, threads=threads, method=method, workers=workers, around=around,
            by=by,
        )  # fmt: skip
        return replace(solution, values=normalised.restore(solution.values))
    log.info("%d streams are %d", problem.services.workload.size, merged.problem.services.workload.size)
    solution = _solve(
        merged.problem, watch, gap=gap, threads=threads, method=method, workers=workers, around=around, by=by
    )
    return replace(solution, values=normalised.restore(merged.split(solution.values)))


def _solve(
    problem: Problem, watch: Watch, *, gap: float, threads: int | None, method: Method, workers: Workers | None,
    around: Ints | None, by: str | None = None,
) -> Solution:  # fmt: skip
    """Build the model and minimise it; arguments as for `solve_problem`."""
    chosen = choose_method(problem) if method == "auto" else method
    with ctrl_c_calls(watch.interrupt):
        begins_handed = chosen == "decompose" and is_handed()
        first = None
        if around is not None and not begins_handed:
            first = find_start(problem, around, watch, gap=gap, threads=threads)
        begun_usd = None if first is None else first.objective_usd
        try:
            if first is None and chosen == "decompose" and not begins_handed:
                first = _first_plan(problem, watch, threads)
            if watch.should_stop() or (first is not None and not _may_be_stated(watch)):
                return _from_first(first, problem, watch, gap=gap, method=chosen)
            by = by or stated_by(problem)
            matrix = stated_matrix(problem, watch, chosen, by)
        except TriviallyInfeasible as reason:
            log.info("infeasible before any solver: %s", reason)
            return Solution(SolutionStatus.INFEASIBLE, Termination.INFEASIBLE, timings=watch.timings, method="none")
        if matrix is None or (first is not None and watch.should_stop()):
            return _from_first(first, problem, watch, gap=gap, method=chosen)
        solution = solve_matrix(
            matrix, problem, watch, gap=gap, threads=threads, method=chosen, workers=workers,
            start=None if first is None else first.entries(), begins_rough=begun_usd is None,
        )  # fmt: skip
        return replace(solution, stated_by=by, start_usd=begun_usd)


def check_range(problem: Problem) -> None:
    """Raise InputError where a row of the model spans more than the solver handles."""
    normalised = normalise(problem).problem
    merged = merge_streams(normalised)
    solved = normalised if merged is None else merged.problem
    find_scaling(well_scaled(from_arrays(build_arrays(solved)), solved))


def _first_plan(problem: Problem, watch: Watch, threads: int | None) -> FirstPlan | None:
    """Return a plan from a shortlist of the options, where stating the whole model takes long and such a plan is easy
    to find.
    """
    if problem.slots.workload.size < SHORTLIST_FROM_SLOTS or watch.should_stop():
        return None
    from optimizer.solve.presolve.shortlist import find_first_plan

    with watch.phase_of("shortlist"):
        return find_first_plan(problem, watch, threads=threads or os.cpu_count() or 1)


def find_start(
    problem: Problem, around: Ints, watch: Watch, *, gap: float, threads: int | None
) -> FirstPlan | None:
    """Return a plan of the slots that an earlier plan uses, repaired where it needs to be; None where there is none."""
    from optimizer.solve.start_plan import plan_around

    def solve(matrix: Matrix, part: Problem, aside: Watch) -> Solution:
        return solve_matrix(matrix, part, aside, gap=gap, threads=threads, method="auto")

    with watch.phase_of("start"):
        return plan_around(problem, around, watch, solve)


def _may_be_stated(watch: Watch) -> bool:
    """Whether stating the whole model and cutting it up, which nothing interrupts, would end before the time does."""
    return watch.left_seconds() >= STATED_AFTER * watch.timings.get("shortlist", 0.0)


def _from_first(first: FirstPlan | None, problem: Problem, watch: Watch, *, gap: float, method: str) -> Solution:
    """Return the first plan, since there was no time for more; that there is nothing yet where there is none."""
    if first is None:
        return _nothing_yet(watch)
    short = first.shortlist
    solution = to_solution(
        first.matrix, short.problem, Run(watch.why_stopped(), first.x), gap=gap, watch=watch, method=method
    )
    watch.raise_if_broken()
    values = short.spread(solution.values, problem) if solution.values else {}
    return replace(solution, values=values, stated_by=ARRAYS)


def stated_matrix(problem: Problem, watch: Watch, method: Method = "decompose", by: str | None = None) -> Matrix | None:
    """State the model, through Pyomo or as arrays, by size if not given; None when the solve must stop meanwhile.

    For the decomposition, cover rows come with it, so that no second matrix is made for them later.
    """
    matrix = state_model(problem, stated_by(problem) if by is None else by, watch)
    if matrix is None:
        return None
    with watch.phase_of("hand_over"):
        matrix = well_scaled(matrix, problem)
        return with_cover_rows(matrix, problem) if method == "decompose" else matrix


def solve_matrix(
    matrix: Matrix, problem: Problem, watch: Watch, *, gap: float, threads: int | None, method: Method,
    workers: Workers | None = None, start: Entries | None = None, begins_rough: bool = True,
) -> Solution:  # fmt: skip
    """Minimise a model already handed over; arguments as for `solve_problem`.

    `start` is a plan to begin from, as entries of the problem's tables, and a rough one unless `begins_rough` is False.
    """
    threads = threads or os.cpu_count() or 1
    chosen = choose_method(problem) if method == "auto" else method
    if watch.should_stop() and start is None:
        return _nothing_yet(watch, chosen)
    result, begin = None, None
    if start is not None:
        from optimizer.solve.start_plan import begin_with

        begin = begin_with(matrix, start, watch)
    if chosen == "decompose":  # the many modules of decomposition and search are loaded where they are used
        from optimizer.solve.decomposition.decompose import decompose_and_improve

        result = decompose_and_improve(
            matrix, problem, watch, gap=gap, threads=threads, workers=workers, start=begin, begins_rough=begins_rough
        )
    elif chosen == "kernel":
        result = kernel_search(matrix, watch, gap=gap, threads=threads, start=begin)
    elif chosen == "construct":
        from optimizer.solve.neighbourhoods.concurrent import construct_and_improve

        result = construct_and_improve(matrix, problem, watch, gap=gap, threads=threads, start=begin)
    elif chosen == "beside":
        from optimizer.solve.neighbourhoods.concurrent import search_beside_highs

        result = search_beside_highs(matrix, problem, watch, gap=gap, threads=threads, start=begin)
    if result is None:
        with watch.phase_of("solve"):
            result = run_linked(matrix, watch, gap=gap, threads=threads, start=begin)
    if begin is not None:
        result = with_start(result, matrix, begin, watch)
    solution = to_solution(matrix, problem, result, gap=gap, watch=watch, method=chosen)
    is_short = solution.status is SolutionStatus.FEASIBLE and solution.termination is Termination.LIMIT
    if is_short and result.termination is Termination.GAP_REACHED:
        solution = _more_precise(solution, matrix, problem, watch, gap=gap, threads=threads)
    watch.raise_if_broken()
    return solution


def _more_precise(
    solution: Solution, matrix: Matrix, problem: Problem, watch: Watch, *, gap: float, threads: int
) -> Solution:
    """Return what a second run with tighter tolerances proves, where HiGHS took for a plan what is none.

    The first run's plan held up to a millionth of a row, and what holds exactly costs more than its bound: a machine
    more for the last ten-millionth of the demand. Or HiGHS called optimal the plan that it was given to begin with, far
    above its own bound: so that the second run begins with none.
    """
    if watch.should_stop() or matrix.a.nnz > PRECISE_UP_TO_NONZEROS:
        return solution
    with watch.phase_of("precise"):
        result = run(matrix, watch, gap=gap, threads=threads, options=PRECISE)
        again = to_solution(matrix, problem, result, gap=gap, watch=watch, method=solution.method)
    is_better = again.status is SolutionStatus.OPTIMAL or (again.gap or np.inf) < (solution.gap or np.inf)
    return again if is_better else solution


def _nothing_yet(watch: Watch, method: str = "") -> Solution:
    """Return that the solve was stopped before anything was run."""
    watch.raise_if_broken()
    return Solution(SolutionStatus.NO_PLAN, watch.why_stopped(), timings=watch.timings, method=method)


def choose_method(problem: Problem) -> Method:
    """Return the method that suits structure and size.

    Kernel search where a choice settles nearly all of each workload; else HiGHS alone, or decomposition, by size.
    Counts of machines weigh more than choices of regions, whose relaxation is sharp: those of several workloads
    multiply in HiGHS's tree, and every failure flow leans on the machines of a whole service.
    """
    slots, presence, workloads = problem.slots, problem.presence, len(problem.workload_ids)
    if slots.workload.size <= KERNEL_SLOTS and settled_share(problem) >= SETTLED:
        return "kernel"
    decided = np.isin(presence.workload, presence.bounded_workload)  # the others follow from the regions in use
    machines = int((~slots.is_endpoint).sum())
    integers = machines + int(decided.sum()) + problem.datasets.copy_dataset.size
    if workloads < 2:
        return "direct"
    if integers >= DECOMPOSE_FROM_INTEGERS:
        return "decompose"
    counts = machines + (find_failures(problem).flow.size if machines else 0)
    enough = DECOMPOSE_FROM_INTEGERS if workloads < MANY_WORKLOADS else DECOMPOSE_FROM_INTEGERS // 2
    return "decompose" if counts >= enough else "direct"


def to_solution(
    matrix: Matrix, problem: Problem, result: Run, *, gap: float, watch: Watch, method: str,
    made: tuple[Floats | None, float | None] | None = None,
) -> Solution:  # fmt: skip
    """Make a plan of the values of a run and state what is held; the objective is that of the plan.

    `made` is what `finished` made of the values, if it was called before.
    """
    if result.termination is Termination.INFEASIBLE and result.x is None:
        return Solution(SolutionStatus.INFEASIBLE, Termination.INFEASIBLE, timings=watch.timings, method=method)
    if made is None:
        made = (None, None) if result.x is None else finished(matrix, result.x, watch)
    x, rounding = made
    if x is None:
        return Solution(
            SolutionStatus.NO_PLAN,
            result.termination if result.x is None else Termination.LIMIT,
            bound_usd=result.bound_usd,
            timings=watch.timings,
            method=method,
        )
    objective = matrix.objective(x)
    bound, excess = honest_bound(result.bound_usd, objective)
    is_optimal = is_within(relative_gap(objective, bound), gap)
    termination = result.termination
    if bound is None and excess > 0.0:
        termination = Termination.CONTRADICTION
    elif is_optimal:
        termination = Termination.GAP_REACHED
    elif termination in (Termination.GAP_REACHED, Termination.INFEASIBLE):
        termination = Termination.LIMIT
    return Solution(
        status=SolutionStatus.OPTIMAL if is_optimal else SolutionStatus.FEASIBLE,
        termination=termination,
        objective_usd=objective,
        bound_usd=bound,
        values=to_tables(matrix, x, problem),
        timings=watch.timings,
        method=method,
        bound_excess_usd=excess,
        rounding_usd=rounding,
        lagrangian=result.lagrangian,
    )


def finished(matrix: Matrix, x: Floats, watch: Watch) -> tuple[Floats | None, float | None]:
    """Return values that obey every row precisely, without what the plan can do without and with whole counts, and what
    rounding counts up adds to the cost (None: there was nothing to round).

    Each step checks what it leaves against all rows, bounds and integrality, the last one included. No values where
    none obey the rows.
    """
    with watch.phase_of("polish"):
        precise = polish(matrix, x, watch, nearby=True)
    if precise is None:
        return None, None
    with watch.phase_of("minimal"):
        minimal = make_minimal(matrix, precise, watch)
        whole = round_up(matrix, minimal, watch)
    if whole is None or whole is minimal:
        return whole, None
    return whole, matrix.objective(whole) - matrix.objective(minimal)


def honest_bound(bound: float | None, objective: float) -> tuple[float | None, float]:
    """Return a bound, at most the objective, and by how much it was above.

    None where it is above by more than rounding explains: it contradicts the plan, and one of the two is wrong.
    """
    if bound is None:
        return None, 0.0
    excess = max(bound - objective, 0.0)
    if excess > SAME_USD * max(abs(objective), 1.0):
        log.warning("the bound %.9g is above the %.9g of the plan found: it is withdrawn", bound, objective)
        return None, excess
    return min(bound, objective), excess
