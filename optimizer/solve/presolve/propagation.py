"""Bounds that rows imply: what is settled, how far the rest may still go, and which rows can no longer be broken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from optimizer.solve.matrix import Bools, Floats, Ints, Matrix, row_chunks

ROUNDS = 8
ROUNDING = 1e-9
"""Relative to what a row adds up: differences that are rounding."""
NEARLY_WHOLE = 1e-6
"""How far from a whole number the bound of a whole column still counts as that number."""


@dataclass(frozen=True)
class _Sums:
    """Least and most that rows can add up to: finite parts, and how many entries are unbounded on that side."""

    least: Floats
    unbounded_below: Ints
    most: Floats
    unbounded_above: Ints

    def least_known(self) -> Floats:
        """Return the least of every row, -inf where nothing bounds it."""
        return np.where(self.unbounded_below > 0, -np.inf, self.least)

    def most_known(self) -> Floats:
        """Return the most of every row, inf where nothing bounds it."""
        return np.where(self.unbounded_above > 0, np.inf, self.most)


def _ends(data: Floats, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Return the least and the most that entries can add, given the bounds of their columns; never NaN."""
    least, most = np.zeros(data.size), np.zeros(data.size)
    np.multiply(data, np.where(data > 0, lower, upper), out=least, where=data != 0)
    np.multiply(data, np.where(data > 0, upper, lower), out=most, where=data != 0)
    return least, most


def _sum_up(row: Ints, least: Floats, most: Floats, rows: int) -> _Sums:
    def add(values: Floats) -> tuple[Floats, Ints]:
        known = np.isfinite(values)
        total: Floats = np.bincount(row, np.where(known, values, 0.0), rows).astype(np.float64)
        return total, np.bincount(row[~known], minlength=rows).astype(np.int64)

    return _Sums(*add(least), *add(most))


def _row_of_entry(a: sparse.csr_array) -> Ints:
    return np.repeat(np.arange(a.shape[0], dtype=np.int64), np.diff(a.indptr))


def settled_columns(matrix: Matrix, lower: Floats, upper: Floats) -> Bools:
    """Return the columns that can only take one value: their bounds meet, or a row leaves them no other.

    A row whose least is its upper side holds all its columns at the bounds that make it so (no flow without an
    instance). Only that is looked for: it is what leaves few columns of a whole model.
    """
    settled = upper <= lower
    begins_low = bool(lower.any())
    for begin, end in row_chunks(matrix.a):
        a = matrix.a[begin:end]
        row = _row_of_entry(a)
        down = np.flatnonzero(a.data < 0)
        least = np.bincount(row[down], a.data[down] * upper[a.indices[down]], end - begin)
        if begins_low:
            up = np.flatnonzero(a.data > 0)
            least += np.bincount(row[up], a.data[up] * lower[a.indices[up]], end - begin)
        side = matrix.row_upper[begin:end]
        known = np.where(np.isfinite(side), side, 0.0)
        held = np.isfinite(side) & (least >= known - ROUNDING * np.maximum(1.0, np.abs(known)))
        settled[a[np.flatnonzero(held)].indices] = True
    return settled


def tighten(matrix: Matrix, lower: Floats, upper: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Return the bounds of columns that rows imply, one row at a time, in a few rounds; x, which holds, keeps them."""
    a = matrix.a
    row, column = _row_of_entry(a), a.indices
    lower, upper = lower.copy(), upper.copy()
    for _ in range(ROUNDS):
        before = lower.copy(), upper.copy()
        _tighten_once(matrix, row, lower, upper)
        whole = matrix.integer
        lower[whole] = np.ceil(lower[whole] - NEARLY_WHOLE)
        upper[whole] = np.floor(upper[whole] + NEARLY_WHOLE)
        np.minimum(lower, x, out=lower)
        np.maximum(upper, x, out=upper)
        moved = np.abs(lower - before[0]) > NEARLY_WHOLE
        with np.errstate(invalid="ignore"):
            moved |= np.nan_to_num(before[1] - upper, nan=0.0) > NEARLY_WHOLE
        if not moved[column].any():
            break
    return lower, upper


def _tighten_once(matrix: Matrix, row: Ints, lower: Floats, upper: Floats) -> None:
    """Tighten, in place, by every row and the bounds of the others in it."""
    data, column = matrix.a.data, matrix.a.indices
    least, most = _ends(data, lower[column], upper[column])
    sums = _sum_up(row, least, most, matrix.row_lower.size)
    for sign, own, total, unbounded, side in (
        (1.0, least, sums.least, sums.unbounded_below, matrix.row_upper),
        (-1.0, -most, -sums.most, sums.unbounded_above, -matrix.row_lower),
    ):  # sign * row <= side
        is_finite = np.isfinite(own)
        alone = unbounded[row] - ~is_finite == 0
        usable = np.flatnonzero(alone & np.isfinite(side[row]) & (data != 0))
        others = total[row[usable]] - np.where(is_finite[usable], own[usable], 0.0)
        left = side[row[usable]] - others
        left += ROUNDING * (1.0 + np.abs(side[row[usable]]) + np.abs(others))
        weight = sign * data[usable]
        up, down = weight > 0, weight < 0
        np.minimum.at(upper, column[usable[up]], left[up] / weight[up])
        np.maximum.at(lower, column[usable[down]], left[down] / weight[down])


def loose_rows(matrix: Matrix, lower: Floats, upper: Floats) -> Bools:
    """Return the rows that hold whatever the columns do between their bounds."""
    a = matrix.a
    sums = _sum_up(_row_of_entry(a), *_ends(a.data, lower[a.indices], upper[a.indices]), matrix.row_lower.size)
    slack = ROUNDING * matrix.row_scale
    loose: Bools = (sums.least_known() >= matrix.row_lower - slack) & (sums.most_known() <= matrix.row_upper + slack)
    return loose
