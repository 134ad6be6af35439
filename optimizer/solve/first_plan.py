"""A plan before the model is built: from an earlier plan, or from a shortlist of the options of a large problem."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from optimizer.solve.backend import ARRAYS
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import Run
from optimizer.solve.matrix import Matrix
from optimizer.solve.postsolve.finish import to_solution
from optimizer.solve.solution import Solution, SolutionStatus

if TYPE_CHECKING:
    from optimizer.solve.presolve.shortlist import FirstPlan

Ints = NDArray[np.int64]


def find_start(
    problem: Problem, around: Ints, watch: Watch, solve: Callable[[Matrix, Problem, Watch], Solution]
) -> FirstPlan | None:
    """Return a plan of the slots that an earlier plan uses, repaired where it needs to be; None where there is none.

    `solve` minimises the model of a part of the problem.
    """
    from optimizer.solve.start_plan import plan_around

    with watch.phase_of("start"):
        return plan_around(problem, around, watch, solve)


def find_first(problem: Problem, watch: Watch, threads: int | None) -> FirstPlan | None:
    """Return a plan from a shortlist of the options, where building the whole model takes long and such a plan is easy
    to find.
    """
    if problem.slots.workload.size < watch.parameters.shortlist.from_slots or watch.should_stop():
        return None
    from optimizer.solve.presolve.shortlist import find_first_plan

    with watch.phase_of("shortlist"):
        return find_first_plan(problem, watch, threads=threads or os.cpu_count() or 1)


def may_be_built(watch: Watch) -> bool:
    """Whether building the whole model and cutting it up, which nothing interrupts, would end before the time does."""
    return watch.left_seconds() >= watch.parameters.shortlist.built_after * watch.timings.get("shortlist", 0.0)


def from_first(first: FirstPlan | None, problem: Problem, watch: Watch, *, gap: float, method: str) -> Solution:
    """Return the first plan, since there was no time for more; that there is nothing yet where there is none."""
    if first is None:
        return nothing_yet(watch)
    short = first.shortlist
    solution = to_solution(
        first.matrix, short.problem, Run(watch.why_stopped(), first.x), gap=gap, watch=watch, method=method
    )
    watch.raise_if_broken()
    values = short.spread(solution.values, problem) if solution.values else {}
    return replace(solution, values=values, stated_by=ARRAYS)


def nothing_yet(watch: Watch, method: str = "") -> Solution:
    """Return that the solve was stopped before anything was run."""
    watch.raise_if_broken()
    return Solution(SolutionStatus.NO_PLAN, watch.why_stopped(), timings=watch.timings, method=method)
