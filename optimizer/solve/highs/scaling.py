"""Scaling of a program on its way to HiGHS: by powers of two, where its numbers are far from 1.

HiGHS judges rows and bounds by an absolute tolerance near 1e-6 and drops coefficients below 1e-12 (the least that its
option `small_matrix_value` allows). A row of tiny coefficients would hold whatever is chosen, one of huge coefficients
could not hold in double precision. With x = C x', the program in x' has rows R A C x': R and C are powers of two, so
that nothing is rounded, and integer columns keep their unit. Numpy alone is imported: workers import this module.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SMALLEST_COEFFICIENT, LARGEST_COEFFICIENT, SMALL = 1e-12, 1e15, 1e-8
"""HiGHS drops smaller coefficients at best, and refuses larger ones; below the third it is told to keep them."""
COLUMN_EXPONENTS = (-10, 20)
"""A continuous column whose upper bound lies between these powers of two keeps its unit."""
ROW_EXPONENTS = (-26, -10, 20)
"""A row stays as it is whose coefficients lie above the first power of two, the largest between the other two."""
LEAST_EXPONENT, MOST_EXPONENT = -39, 46
"""Powers of two between which all coefficients of a scaled row lie."""


class RangeError(ValueError):
    """A row's coefficients span more than HiGHS handles: `row`, and `least` and `largest` of them in absolute value."""

    def __init__(self, row: int, least: float, largest: float) -> None:
        super().__init__(f"row {row} has coefficients from {least:.3g} to {largest:.3g}")
        self.row, self.least, self.largest = row, least, largest


def column_units(upper: Floats, integer: NDArray[np.bool_]) -> Floats | None:
    """Return the units in which columns are stated (x = unit x'); None where all keep theirs.

    A continuous column whose upper bound is far from 1 is stated in units of it.
    """
    least, most = COLUMN_EXPONENTS
    bounded = ~integer & np.isfinite(upper) & (upper > 0.0)
    exponent = np.where(bounded, np.frexp(np.where(bounded, upper, 1.0))[1], 0)
    odd = (exponent < least) | (exponent > most)
    return np.ldexp(1.0, np.where(odd, exponent, 0)) if odd.any() else None


def row_ranges(indices: NDArray[np.integer], data: Floats, rows: int) -> tuple[Floats, Floats]:
    """Return the least and the largest coefficient of each row in absolute value; `indices` are the entries' rows."""
    size = np.abs(data)
    least, largest = np.full(rows, np.inf), np.zeros(rows)
    np.maximum.at(largest, indices, size)
    np.minimum.at(least, indices, np.where(size > 0.0, size, np.inf))
    return least, largest


def row_factors(least: Floats, largest: Floats) -> Floats | None:
    """Return what rows with such coefficients are multiplied by; None where all stay as they are.

    The largest coefficient of a row scaled is near 1, or larger where the least would fall below 2^-26. Raises
    RangeError.
    """
    filled = largest > 0.0
    low = np.where(filled, np.frexp(np.where(filled, least, 1.0))[1], 0)
    high = np.where(filled, np.frexp(np.where(filled, largest, 1.0))[1], 0)
    smallest, least_high, most_high = ROW_EXPONENTS
    odd = filled & ((low < smallest) | (high < least_high) | (high > most_high))
    if not odd.any():
        return None
    exponent = np.where(odd, np.minimum(np.maximum(-high, smallest - low), MOST_EXPONENT - high), 0)
    out = np.flatnonzero(odd & (low + exponent < LEAST_EXPONENT))
    if out.size:
        raise RangeError(int(out[0]), float(least[out[0]]), float(largest[out[0]]))
    return np.ldexp(1.0, exponent)


def keep_small(highs: Any, data: Floats) -> None:
    """Have a HiGHS model keep coefficients that it would drop (1e-9 and less, and in presolve what comes near)."""
    if data.size and np.min(np.abs(data), where=data != 0.0, initial=np.inf) < SMALL:
        highs.setOptionValue("small_matrix_value", SMALLEST_COEFFICIENT)
