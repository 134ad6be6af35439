"""From the result of strategies to a `Solution`: values that obey every row, whole counts, an honest bound."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import Run, polish, run
from optimizer.solve.matrix import Matrix
from optimizer.solve.postsolve.minimal import make_minimal
from optimizer.solve.postsolve.rounding import round_up
from optimizer.solve.solution import SAME_USD, Solution, SolutionStatus, Termination, is_within, relative_gap
from optimizer.solve.solution_tables import to_tables

Floats = NDArray[np.float64]
log = logging.getLogger(__name__)

PRECISE = {"mip_feasibility_tolerance": 1e-9, "primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
PRECISE_UP_TO_NONZEROS = 1_000_000
"""Tolerances where HiGHS' own (1e-6) let pass what is no plan, and the size of models up to which they are tried."""


def to_solution(
    matrix: Matrix, problem: Problem, result: Run, *, gap: float, watch: Watch, method: str,
    made: tuple[Floats | None, float | None] | None = None,
) -> Solution:  # fmt: skip
    """Make a plan of the values of a run and say what it is and how good; the objective is that of the plan.

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


def solve_precisely(
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
