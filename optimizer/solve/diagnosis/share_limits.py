"""What a share policy compares: a part of a measure and the whole of it, by column of the model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formulations import Problem, build_arrays
from optimizer.solve.diagnosis.limit_rows import use_of
from optimizer.solve.highs.hand_over import from_arrays

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """The share a policy states, and what one unit of every column adds to its part and to its whole."""

    stated: float
    part: Floats
    whole: Floats

    def reached(self, x: Floats) -> float:
        """Return the share in a plan; the stated one where the whole is 0, which satisfies it."""
        whole = float(self.whole @ x)
        return float(self.part @ x) / whole if whole > 0 else self.stated


def share_of(problem: Problem, family: str, key: int) -> Share:
    """Return the share that a row of share_upper or share_lower bounds.

    Its row holds part - share x whole, in which a part of 100 % or a share of 0 hides one of the two; at a share of one
    half the part has weights of one sign, all the rest of the other, and both are half of what they count.
    """
    is_upper = family == "share_upper"
    bounds = problem.shares.upper if is_upper else problem.shares.lower
    halved = bounds.copy()
    halved[key] = 0.5
    half = replace(problem.shares, upper=halved) if is_upper else replace(problem.shares, lower=halved)
    matrix = from_arrays(build_arrays(replace(problem, shares=half)))
    (row,) = (int(row) for row in matrix.rows.of(family) if matrix.rows.key[row] == key)
    signed = use_of(matrix, row) * (1.0 if is_upper else -1.0)
    return Share(float(bounds[key]), 2.0 * np.maximum(signed, 0.0), 2.0 * np.abs(signed))
