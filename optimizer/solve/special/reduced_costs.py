r"""What prices of the rows say: a bound on every plan, and what is left of a model once a plan is best.

The bound LB is no solver's word: it is Lagrangian, from the prices y of the rows,
sum of y times the side it is for + sum_j min(d_j l_j, d_j u_j), d the reduced costs, valid whatever y is; a column
without an upper bound (data read from a copy) has the one that its rows imply.

With a plan of cost UB, one that costs less than T = UB (1 - gap), and would be worth having, obeys

    d_j (x_j - l_j) <= T - LB  for d_j > 0,      d_j (u_j - x_j) <= T - LB (in size)  for d_j < 0,

since LB + sum_j |d_j| |x_j - bound| <= cost. Bounds cut to that leave the *rest*. Every plan that is not in it costs at
least T, so that min(T, bound of the rest) bounds all plans.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import Run, run
from optimizer.solve.incumbent import Incumbent
from optimizer.solve.matrix import Matrix, implied_upper
from optimizer.solve.solution import Termination

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WHOLE = 1e-6


@dataclass(frozen=True)
class Priced:
    """A bound on every plan (USD), the reduced costs and prices of rows behind it, and the relaxation's solution."""

    bound_usd: float
    reduced_cost: Floats
    x: Floats
    row_price: Floats


@dataclass(frozen=True)
class Rest:
    """Bounds of the columns in plans that cost less than `target_usd`: every plan outside costs at least that."""

    lower: Floats
    upper: Floats
    target_usd: float

    @cached_property
    def free(self) -> Ints:
        """The columns that are not settled."""
        return np.flatnonzero(self.lower < self.upper)


def price(matrix: Matrix, watch: Watch, seconds: float) -> Priced | Run:
    """Solve the relaxation and bound the model by its prices; the Run of the relaxation when it did not end."""
    result = run(matrix, watch, time_limit_seconds=seconds, relaxed=True, options={"solver": "simplex"})
    if result.x is None or result.row_dual is None or result.termination is not Termination.GAP_REACHED:
        return result
    return priced(matrix, result.row_dual, result.x) or Run(Termination.LIMIT)


def priced(
    matrix: Matrix, row_price: Floats, x: Floats, charge: Callable[[Floats], Floats] = lambda d: d
) -> Priced | None:
    """Return the bound that prices of the rows give, whatever they are; None where they give none.

    `charge` prices rows that hold without being stated, with sides of 0: it turns reduced costs into those with them.
    """
    y = row_price.copy()
    y[((y > 0) & np.isneginf(matrix.row_lower)) | ((y < 0) & np.isposinf(matrix.row_upper))] = 0.0
    reduced_cost = charge(matrix.cost - matrix.by_column.T @ y)
    side = np.where(y > 0, matrix.row_lower, matrix.row_upper)
    rows = float(np.sum(y[y != 0] * side[y != 0]))
    counts = reduced_cost != 0
    bound = np.where(reduced_cost > 0, matrix.lower, matrix.upper)
    above = np.flatnonzero((reduced_cost < 0) & np.isposinf(bound))
    bound[above] = implied_upper(matrix, above)
    if not np.isfinite(bound[counts]).all():
        return None
    return Priced(matrix.offset + rows + float(reduced_cost[counts] @ bound[counts]), reduced_cost, x, y)


def rest_of(matrix: Matrix, relaxed: Priced, best: Incumbent, gap: float) -> Rest:
    """Return what is left of a model. The best solution stays within the bounds."""
    lower, upper = matrix.lower, matrix.upper
    if best.x is None:
        return Rest(lower, upper, np.inf)
    target = best.target_usd(gap)
    room = max(0.0, target - relaxed.bound_usd)
    d = relaxed.reduced_cost
    up, down = np.flatnonzero((d > 0) & np.isfinite(lower)), np.flatnonzero((d < 0) & np.isfinite(upper))
    lower, upper = lower.copy(), upper.copy()
    upper[up] = np.minimum(upper[up], np.maximum(lower[up] + _steps(matrix, d, up, room), best.x[up]))
    lower[down] = np.maximum(lower[down], np.minimum(upper[down] - _steps(matrix, d, down, room), best.x[down]))
    return Rest(lower, upper, target)


def _steps(matrix: Matrix, reduced_cost: Floats, columns: Ints, room: float) -> Floats:
    """Return how far columns may leave their bound, rounded up a little."""
    steps = room / np.abs(reduced_cost[columns]) * (1 + WHOLE)
    return np.where(matrix.integer[columns], np.floor(steps + WHOLE), steps)
