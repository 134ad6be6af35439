"""The plan that a decomposition holds: whether it places everything, whether it is proven, and taking over a better
one.
"""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.column_generation import Decomposition
from optimizer.solve.decomposition.restricted_master import Chosen
from optimizer.solve.matrix import ROW_TOLERANCE
from optimizer.solve.neighbourhoods.prepared import Prepared
from optimizer.solve.neighbourhoods.subproblem import make_part, solve_part
from optimizer.solve.solution import relative_gap

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
log = logging.getLogger(__name__)

SHARED_SECONDS = 10.0
"""Most time for the shared decisions of the first plan."""


def is_placed(ground: Prepared, x: Floats) -> bool:
    """Whether values are a plan, possibly one that breaks elastic rows, and not the empty start."""
    broken = ground.matrix.violation(x) > ROW_TOLERANCE * ground.matrix.row_scale
    return not (broken & ~ground.blocks.elastic).any()


def holds_plan(ground: Prepared) -> bool:
    """Whether what is held is a plan that breaks no row."""
    return is_placed(ground, ground.state.x) and ground.state.is_whole()


def is_proven(ground: Prepared, watch: Watch, gap: float) -> bool:
    """Whether the plan held is within the gap of the bound."""
    if not ground.state.is_whole():
        return False
    reached = relative_gap(ground.matrix.objective(ground.state.x), watch.bound_usd)
    return reached is not None and reached <= gap


def take_over(ground: Prepared, parts: Decomposition, found: Chosen | None, watch: Watch) -> None:
    """Take over a plan of the master where it is better than the plan held."""
    if found is None:
        return
    values = found.values(parts.cut, parts.pool)
    if not (parts.cut.classes.are_single or is_placed(ground, values)):
        return  # rows summed over a class may hold where those of its members do not
    state = ground.state
    before, placed = state.penalised_usd(), is_placed(ground, state.x)
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
