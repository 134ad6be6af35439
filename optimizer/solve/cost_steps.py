"""Costs that come in steps: where every cost is a multiple of one amount, so is what any two solutions differ by.

A bound may then be raised to the next multiple, and a solution that is better at all is better by a step. Stated costs
are rounded to some digits: what they are off a multiple is allowed for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.solve.matrix import Matrix

MOST_EUCLID, SMALLEST = 40, 1e-5
"""Divisions of Euclid's algorithm at most, and the least step in parts of the largest cost: less proves nothing."""
OFF, MOST_SLACK = 1e-7, 1e-3
"""What is rounding in a cost, in parts of the largest, and the most that all of it may come to in parts of a step."""
GUARD = 1e-4
"""Part of a step by which a bound must exceed a multiple to exceed it at all: bounds hold to a solver's tolerances."""


@dataclass(frozen=True)
class CostSteps:
    """Every solution costs `offset_usd` and a multiple of `step_usd`, give or take `slack_usd`."""

    offset_usd: float
    step_usd: float
    slack_usd: float

    def least_from(self, bound_usd: float) -> float:
        """Return what every solution costs at least that costs at least `bound_usd`."""
        steps = np.ceil((bound_usd - self.offset_usd - self.slack_usd) / self.step_usd - GUARD)
        return max(bound_usd, float(self.offset_usd + steps * self.step_usd - self.slack_usd))

    def most_below(self, objective_usd: float) -> float:
        """Return what solutions cost at most that are better than one of `objective_usd`; `least_from` any more than
        that is the cost of that one.
        """
        return objective_usd - (1.0 - 2.0 * GUARD) * self.step_usd + 2.0 * self.slack_usd


def find_steps(matrix: Matrix) -> CostSteps | None:
    """Return the steps in which solutions of a model differ in cost; None where a cost is no multiple, or not of whole
    things.
    """
    priced = np.flatnonzero(matrix.cost)
    if not priced.size or not matrix.integer[priced].all():
        return None
    most = np.maximum(np.abs(matrix.lower[priced]), np.abs(matrix.upper[priced]))
    cost = matrix.cost[priced]
    largest = float(np.abs(cost).max())
    values = np.unique(np.abs(cost))
    step = float(values[0])
    for _ in range(MOST_EUCLID):
        rest = np.abs(values - step * np.round(values / step))
        left = rest[rest > OFF * largest]
        if not left.size:
            break
        step = float(left.min())
        if step < SMALLEST * largest:
            return None
    else:
        return None
    times = np.round(values / step)
    step = float(values @ times / (times @ times))
    off = np.abs(cost - step * np.round(cost / step))
    slack = float(off[off > 0] @ most[off > 0])
    return CostSteps(matrix.offset, step, slack) if slack <= MOST_SLACK * step else None
