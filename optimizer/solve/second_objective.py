"""A second solve: least carbon at no higher cost than the plan found (mathematics: formulations.objective)."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formulations import Problem, carbon_kg, cost_usd
from formulations.units import normalise
from optimizer.solve.deadline import Watch, ctrl_c_calls
from optimizer.solve.driver import stated_matrix
from optimizer.solve.highs.call import Run
from optimizer.solve.matrix import Matrix
from optimizer.solve.neighbourhoods.concurrent import construct_and_improve
from optimizer.solve.parameters import DEFAULTS, Parameters
from optimizer.solve.postsolve.finish import honest_bound, to_solution
from optimizer.solve.solution import Progress, Solution, SolutionStatus, Termination, is_within, relative_gap
from optimizer.solve.solution_tables import from_tables
from optimizer.solve.special.assignment.kernels import kernel_search
from optimizer.solve.special.location.lazy_rows import run_linked

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
log = logging.getLogger(__name__)

NO_DEARER = 1e-9
"""Relative difference in cost that is rounding, not a dearer plan."""
PHASE = "least carbon"


@dataclass(frozen=True)
class LeastCarbon:
    """What the second solve holds; figures in kg CO2e over the horizon, of places that have a carbon figure.

    `status` is OPTIMAL (least carbon within the gap asked), FEASIBLE (not proven) or NO_PLAN (not run, or stopped
    before it could say anything: the first plan stays); `bound_kg` is None when unknown. `values` are those of the
    better plan, the first one's when nothing better was found.
    """

    status: SolutionStatus
    termination: Termination
    cost_cap_usd: float
    carbon_before_kg: float
    carbon_kg: float
    bound_kg: float | None
    values: dict[str, Floats]
    seconds: float

    @property
    def gap(self) -> float | None:
        """(carbon - bound) / carbon, None when the bound is unknown."""
        return relative_gap(self.carbon_kg, self.bound_kg)


def total(amounts: Mapping[str, Floats], values: Mapping[str, Floats]) -> float:
    """Return what decisions add up to, given what one unit of each adds."""
    return sum(float(amount @ values[name].ravel()) for name, amount in amounts.items())


def least_carbon(
    problem: Problem,
    first: Solution,
    *,
    unknown: Mapping[str, Bools],
    gap: float,
    time_limit_seconds: float,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
    elapsed_seconds: float = 0.0,
    parameters: Parameters = DEFAULTS,
) -> LeastCarbon:
    """Minimise the carbon of a plan found, at no higher cost, starting from it.

    `unknown`: by component, over its full table, what has no carbon figure; no more is decided there than in the first
    plan, since it would count as none. Stops as `solve_problem` does, `gap` being that of the carbon. Raises what
    `progress` raises; reports carry the cost of the first plan, and count their time from `elapsed_seconds`, which
    finding it took.
    """
    assert first.objective_usd is not None
    before = total(carbon_kg(problem), first.values)
    told = None if progress is None else _about_cost(first, progress, elapsed_seconds)
    watch = Watch(time_limit_seconds, cancel, told, parameters)
    nothing = LeastCarbon(
        SolutionStatus.NO_PLAN, Termination.TIME_LIMIT, first.objective_usd, before, before, None, first.values, 0.0
    )
    building = first.timings.get("build", 0.0) + first.timings.get("hand_over", 0.0)
    if watch.should_stop() or watch.left_seconds() <= building:
        return replace(nothing, termination=watch.why_stopped())
    with ctrl_c_calls(watch.interrupt), watch.phase_of(PHASE):
        normalised = normalise(replace(problem, cost_cap_usd=first.objective_usd))
        stated = stated_matrix(normalised.problem, watch, method="direct")
        if stated is None:
            return replace(nothing, termination=watch.why_stopped())
        start = from_tables(stated, normalised.apply(first.values))
        matrix = hold(stated, start, unknown)
        workers = threads or os.cpu_count() or 1
        result = run_from(matrix, normalised.problem, start, watch, method=first.method, gap=gap, threads=workers)
        found = to_solution(matrix, normalised.problem, result, gap=gap, watch=watch, method=first.method)
        found = replace(found, values=normalised.restore(found.values))
    watch.raise_if_broken()
    values, after = _better(problem, first, found, before)
    bound, _ = honest_bound(result.bound_usd, after)
    reached = relative_gap(after, bound)
    is_optimal = is_within(reached, gap)
    log.info("second solve: %.6g kg from %.6g kg in %.1f s", after, before, watch.elapsed_seconds())
    return replace(
        nothing,
        status=SolutionStatus.OPTIMAL if is_optimal else SolutionStatus.FEASIBLE,
        termination=Termination.GAP_REACHED if is_optimal else _why(found.termination, watch),
        carbon_kg=after,
        bound_kg=bound,
        values=values,
        seconds=watch.elapsed_seconds(),
    )


def _about_cost(
    first: Solution, progress: Callable[[Progress], None], before: float
) -> Callable[[Progress], None]:
    """Return a callback that reports the cost of the first plan while the second solve runs."""

    def told(report: Progress) -> None:
        progress(Progress(PHASE, first.objective_usd, first.bound_usd, first.gap, before + report.elapsed_seconds))

    return told


def hold(matrix: Matrix, x: Floats, which: Mapping[str, Bools]) -> Matrix:
    """Return the model in which some decisions, by component, take no more than they do now."""
    upper = matrix.upper.copy()
    for family, chosen in which.items():
        columns = matrix.columns.of(family)
        held = columns[chosen[matrix.columns.key[columns]]]
        upper[held] = np.minimum(upper[held], x[held])
    return replace(matrix, upper=upper)


def run_from(
    matrix: Matrix, problem: Problem, start: Floats, watch: Watch, *, method: str, gap: float, threads: int
) -> Run:
    """Minimise from a start by the method that found it."""
    if method == "decompose" and matrix.is_feasible(start):
        found = construct_and_improve(matrix, problem, watch, gap=gap, threads=threads, start=start)
        if found is not None:
            return found
    if method == "kernel":
        return kernel_search(matrix, watch, gap=gap, threads=threads, start=start)
    return run_linked(matrix, watch, gap=gap, threads=threads, start=start)


def _better(problem: Problem, first: Solution, found: Solution, before: float) -> tuple[dict[str, Floats], float]:
    """Return the values that emit less, and their carbon: never those of a dearer plan."""
    assert first.objective_usd is not None
    if not found.values:
        return first.values, before
    after = total(carbon_kg(problem), found.values)
    allowed = first.objective_usd + NO_DEARER * abs(first.objective_usd)
    if after >= before or total(cost_usd(problem), found.values) > allowed:
        return first.values, before
    return found.values, after


def _why(termination: Termination, watch: Watch) -> Termination:
    """Return why it stopped short; a start that HiGHS then called infeasible is a limit of its tolerances."""
    if watch.should_stop():
        return watch.why_stopped()
    return Termination.LIMIT if termination in (Termination.GAP_REACHED, Termination.INFEASIBLE) else termination
