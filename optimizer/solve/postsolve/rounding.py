"""Counts too large to branch on: solved as continuous quantities, rounded up afterwards (see formulations.domains)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from formulations.families import VARIABLES
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import CLEAN_TOLERANCE, polish
from optimizer.solve.matrix import Matrix

Floats = NDArray[np.float64]

ROUNDING = 1e-12
"""Part of a count that is the rounding of double precision."""


def round_up(matrix: Matrix, x: Floats, watch: Watch) -> Floats | None:
    """Return x with every count whole; x itself where the model holds them all as integers.

    More machines serve what fewer do, so that rounding up keeps every row but limits that are nearly used up; there the
    counts are chosen again between the whole numbers below and above. Returns None where no such choice holds.
    """
    whole = [name for name, family in VARIABLES.items() if family.is_count]
    counts = np.flatnonzero(matrix.columns.is_of(whole) & ~matrix.integer)
    if not counts.size:
        return x
    rounding = np.maximum(CLEAN_TOLERANCE, ROUNDING * x[counts])
    above, below = np.ceil(x[counts] - rounding), np.floor(x[counts] + rounding)
    raised = x.copy()
    raised[counts] = np.minimum(above, np.floor(matrix.upper[counts]))
    if matrix.worst_violation(raised) <= CLEAN_TOLERANCE:
        return raised
    integer, lower, upper = matrix.integer.copy(), matrix.lower.copy(), matrix.upper.copy()
    integer[counts], lower[counts], upper[counts] = True, below, np.maximum(raised[counts], below)
    return polish(replace(matrix, integer=integer, lower=lower, upper=upper), raised, watch, nearby=True)
