"""Who states a model: Pyomo where that is not what takes the time, arrays above. The same modules write both.

Measured on one core (Pyomo 6.10, processor seconds of building the model and handing it over, against those of
`solve_problem` to 0.1 %): Pyomo takes 12 to 15 microseconds a column, 0.25 s at 20,000 columns.

    estates of 12, 25, 42 workloads (17,000, 29,000, 41,000 columns)        7, 7, 13 % of the solve
    cfl 40 x 400 and sscfl 40 x 400 (32,000), carbon 200 x 100 (25,000)     10, 14, 9 %

Models of some thousand columns that a choice settles (gap 20 x 100: 0.1 s) take no longer to solve than to load and
compile, beside which it is less than a tenth.
"""

from __future__ import annotations

from formulations import Problem, build_arrays, build_model
from formulations.build import column_count, paused_gc
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.hand_over import from_arrays, to_matrix
from optimizer.solve.matrix import Matrix
from optimizer.solve.parameters import DEFAULTS, Model

PYOMO, ARRAYS = "pyomo", "arrays"


def stated_by(problem: Problem, limits: Model = DEFAULTS.model) -> str:
    """Return who states the model of a problem: "pyomo" up to so many columns, or "arrays"."""
    if problem.slots.workload.size > limits.pyomo_up_to_columns:  # each has a column or more: no need to count
        return ARRAYS
    return PYOMO if column_count(problem) <= limits.pyomo_up_to_columns else ARRAYS


def state_model(problem: Problem, by: str, watch: Watch) -> Matrix | None:
    """State the model of a problem through Pyomo or as arrays; None when `watch` says to stop between two steps.

    Raises TriviallyInfeasible as `to_matrix` does.
    """
    if by == ARRAYS:
        with watch.phase_of("build"):
            return from_arrays(build_arrays(problem))
    with watch.phase_of("build"), paused_gc():
        model = build_model(problem)
    if watch.should_stop():
        return None
    with watch.phase_of("hand_over"):
        return to_matrix(model)
