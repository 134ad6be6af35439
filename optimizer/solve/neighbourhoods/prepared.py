"""What every search starts from: the relaxation, who owns which column, a ranking of options, and an empty plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from optimizer.solve.blocks import Blocks, find_blocks
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import Run
from optimizer.solve.matrix import Matrix
from optimizer.solve.neighbourhoods.ranking import rank_options
from optimizer.solve.neighbourhoods.relaxation import Relaxation, solve_relaxation
from optimizer.solve.neighbourhoods.working_plan import WorkingPlan, worth_usd
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows
from optimizer.solve.solution import Termination

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Prepared:
    """A model with its relaxation; `state` holds the plan under construction, `rank` the options' ranks."""

    matrix: Matrix
    relaxation: Relaxation
    blocks: Blocks
    rank: Ints
    state: WorkingPlan


def prepare(
    matrix: Matrix, problem: Problem, watch: Watch, *, seconds: float, start: Floats | None = None
) -> Prepared | Run:
    """Solve the relaxation in at most `seconds`, note its bound and prepare a search.

    `start` is a plan to begin from. Returns a Run where the relaxation is infeasible or the solve must stop.
    """
    with watch.phase_of("relax"):
        matrix = with_cover_rows(matrix, problem)
        relaxation = solve_relaxation(matrix, watch, seconds)
    if relaxation.termination is Termination.INFEASIBLE:
        return Run(Termination.INFEASIBLE)
    if watch.should_stop() and relaxation.x is None:
        return Run(watch.why_stopped(), start, None if start is None else matrix.objective(start))
    watch.note(bound_usd=relaxation.bound_usd)
    blocks = find_blocks(matrix, problem)
    rank = rank_options(matrix, blocks, relaxation.reduced_cost, relaxation.x)
    state = WorkingPlan(matrix, blocks, worth_usd(matrix, relaxation.row_price))
    if start is not None:
        state.set_columns(np.arange(start.size), start)
    return Prepared(matrix, relaxation, blocks, rank, state)


def held(prepared: Prepared, watch: Watch) -> Run:
    """Return what a search that has stopped holds."""
    state = prepared.state
    x = state.x if state.is_whole() else None
    objective = None if x is None else prepared.matrix.objective(x)
    return Run(watch.why_stopped(), x, objective, watch.bound_usd)
