"""The linear relaxation: a proven lower bound, prices of the coupling rows, and a ranking of every workload's
options.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import run
from optimizer.solve.matrix import Labels, Matrix
from optimizer.solve.presolve.projection import Reduced, reduce
from optimizer.solve.solution import Termination

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Relaxation:
    """What the relaxation says.

    `bound_usd` bounds every plan from below (None: not finished); `x` is its solution, `row_price` the duals of the
    full model's rows (USD per unit of the row; 0 on rows projected out), `reduced_cost` of the full model's columns
    at these prices (for projected columns: 0).
    """

    termination: Termination
    bound_usd: float | None
    x: Floats | None
    row_price: Floats
    reduced_cost: Floats


def solve_relaxation(matrix: Matrix, watch: Watch, time_limit_seconds: float) -> Relaxation:
    """Solve the relaxation of a model after projecting out its tight columns (see `presolve.projection`)."""
    reduced = reduce(matrix)
    small = _as_matrix(reduced)
    result = run(small, watch, time_limit_seconds=time_limit_seconds, relaxed=True, options={"solver": "simplex"})
    price = np.zeros(matrix.row_lower.size)
    if result.x is None or result.row_dual is None or result.termination is not Termination.GAP_REACHED:
        return Relaxation(result.termination, None, None, price, matrix.cost.copy())
    price[reduced.kept_rows] = result.row_dual
    reduced_cost = np.zeros(matrix.cost.size)
    reduced_cost[reduced.kept_columns] = small.cost - small.a.T @ result.row_dual
    x = np.asarray(reduced.lift @ result.x).ravel() + reduced.shift
    return Relaxation(result.termination, result.objective_usd, x, price, reduced_cost)


def _as_matrix(reduced: Reduced) -> Matrix:
    rows, n = reduced.a.shape
    return Matrix(
        cost=reduced.cost,
        offset=reduced.offset,
        lower=reduced.lower,
        upper=reduced.upper,
        integer=np.zeros(n, dtype=bool),
        a=reduced.a,
        row_lower=reduced.row_lower,
        row_upper=reduced.row_upper,
        columns=Labels(("reduced",), np.zeros(n, dtype=np.int64), np.arange(n)),
        rows=Labels(("reduced",), np.zeros(rows, dtype=np.int64), np.arange(rows)),
    )
