"""The model as arrays: min cost'x + offset, row_lower <= A x <= row_upper, lower <= x <= upper, some x integer."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations.arrays import lean_matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ROW_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Labels:
    """Which variable a column is, or which constraint a row: `component[x]` is a position in `names`, `key[x]` its
    index.
    """

    names: tuple[str, ...]
    component: Ints
    key: Ints

    def of(self, name: str) -> Ints:
        """Return the columns or rows of a component, in order; none when it has none."""
        if name not in self.names:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(self.component == self.names.index(name))

    def take(self, chosen: Ints) -> Labels:
        """Return the labels of some columns or rows only."""
        return Labels(self.names, self.component[chosen], self.key[chosen])

    def is_of(self, names: Collection[str]) -> Bools:
        """Whether each column or row is of one of the components named."""
        return np.isin(self.component, [place for place, name in enumerate(self.names) if name in names])


@dataclass(frozen=True)
class Matrix:
    """A mixed-integer linear program in arrays."""

    cost: Floats
    offset: float
    lower: Floats
    upper: Floats
    integer: Bools
    a: sparse.csr_array
    row_lower: Floats
    row_upper: Floats
    columns: Labels
    rows: Labels

    def row_name(self, row: int) -> tuple[str, int]:
        """Return the constraint and the index of a row."""
        return self.rows.names[self.rows.component[row]], int(self.rows.key[row])

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.row_lower.size, self.cost.size

    @cached_property
    def by_column(self) -> sparse.csc_array:
        """The same matrix by column."""
        return lean_matrix(self.a.tocsc())

    @cached_property
    def column_size(self) -> Floats:
        """Per column, the size of its values: 1 of an integer, the upper bound of a continuous one (1 without one)."""
        bounded = ~self.integer & np.isfinite(self.upper) & (self.upper > 0.0)
        return np.where(bounded, self.upper, 1.0)

    @cached_property
    def row_scale(self) -> Floats:
        """Per row, the size a violation is judged against: the largest of its finite sides and its terms.

        A term is a coefficient times the size of its column. The same row in other units is thus violated by the same
        part of its size.
        """
        sides = np.maximum(
            np.where(np.isfinite(self.row_lower), np.abs(self.row_lower), 0.0),
            np.where(np.isfinite(self.row_upper), np.abs(self.row_upper), 0.0),
        )
        size = np.maximum(sides, self.row_range(self.column_size)[1])
        return np.where(size > 0.0, size, 1.0)

    def row_range(self, unit: Floats) -> tuple[Floats, Floats]:
        """Return per row the least and the largest coefficient in absolute value, columns being in the units given.

        Zeros aside; a row without coefficients has infinity and 0.
        """
        least, largest = np.full(self.row_lower.size, np.inf), np.zeros(self.row_lower.size)
        for begin, end in row_chunks(self.a):
            part = slice(self.a.indptr[begin], self.a.indptr[end])
            filled = begin + np.flatnonzero(np.diff(self.a.indptr[begin : end + 1]))
            if filled.size:
                size = np.abs(self.a.data[part]) * unit[self.a.indices[part]]
                starts = self.a.indptr[filled] - self.a.indptr[begin]
                largest[filled] = np.maximum.reduceat(size, starts)
                least[filled] = np.minimum.reduceat(np.where(size > 0.0, size, np.inf), starts)
        return least, largest

    def objective(self, x: Floats) -> float:
        """Return cost'x + offset."""
        return float(self.cost @ x) + self.offset

    def violation(self, x: Floats) -> Floats:
        """Return by how much each row is violated, in the row's own unit (0 when it holds)."""
        activity = self.a @ x
        return np.maximum(0.0, np.maximum(self.row_lower - activity, activity - self.row_upper))

    def worst_violation(self, x: Floats) -> float:
        """Return the largest violation of a row (relative to its scale), a bound or an integrality."""
        rows = float(np.max(self.violation(x) / self.row_scale, initial=0.0))
        scale = np.maximum(1.0, np.abs(x))
        bounds = float(np.max(np.maximum(self.lower - x, x - self.upper) / scale, initial=0.0))
        whole = x[self.integer]
        return max(rows, bounds, float(np.max(np.abs(whole - np.round(whole)), initial=0.0)))

    def is_feasible(self, x: Floats, tolerance: float = ROW_TOLERANCE) -> bool:
        """Whether x obeys every row, bound and integrality within the tolerance."""
        return self.worst_violation(x) <= tolerance


ENTRIES_AT_ONCE = 4_000_000
"""Entries of a matrix that a pass over all of them holds a few copies of."""


def row_chunks(a: sparse.csr_array) -> Iterator[tuple[int, int]]:
    """Yield ranges of rows (first, one after the last) that together are all, with so many entries at once."""
    begin, rows = 0, a.shape[0]
    while begin < rows:
        wanted = int(a.indptr[begin]) + ENTRIES_AT_ONCE
        end = max(int(np.searchsorted(a.indptr, wanted, side="right")) - 1, begin + 1)
        yield begin, min(end, rows)
        begin = min(end, rows)


def submatrix(
    matrix: Matrix, free: Ints, fixed_at: Floats, activity: Floats | None = None
) -> tuple[Matrix, Ints]:
    """Return the program left when every column but `free` is fixed at `fixed_at`, and the rows kept.

    Rows without a free column are dropped; what the fixed columns use is taken from both sides of the others. The
    offset carries the cost of what is fixed, so that objectives of the two programs agree. `activity` is A `fixed_at`,
    if known.
    """
    part = matrix.by_column[:, free].tocsr()
    kept = np.flatnonzero(np.diff(part.indptr))
    part = part[kept]
    total = matrix.a @ fixed_at if activity is None else activity
    used = total[kept] - part @ fixed_at[free]
    smaller = Matrix(
        cost=matrix.cost[free],
        offset=matrix.objective(fixed_at) - float(matrix.cost[free] @ fixed_at[free]),
        lower=matrix.lower[free],
        upper=matrix.upper[free],
        integer=matrix.integer[free],
        a=part,
        row_lower=matrix.row_lower[kept] - used,
        row_upper=matrix.row_upper[kept] - used,
        columns=matrix.columns.take(free),
        rows=matrix.rows.take(kept),
    )
    return smaller, kept


def implied_upper(matrix: Matrix, columns: Ints) -> Floats:
    """Return upper bounds of some columns, each from one row and the bounds of the others in it (inf where none is)."""
    found = np.full(columns.size, np.inf)
    entries = matrix.by_column[:, columns].tocoo()
    rows, place = np.unique(entries.row, return_inverse=True)
    a = matrix.a[rows]
    row = np.repeat(np.arange(rows.size), np.diff(a.indptr))
    lower, upper = matrix.lower[a.indices], matrix.upper[a.indices]
    for sign, side in ((1.0, matrix.row_upper[rows]), (-1.0, -matrix.row_lower[rows])):  # sign * row <= side
        value, own = sign * a.data, sign * entries.data
        least = np.zeros(value.size)
        np.multiply(value, np.where(value > 0, lower, upper), out=least, where=value != 0)
        is_known = np.isfinite(least)
        others = np.bincount(row, np.where(is_known, least, 0.0), rows.size)
        is_bounded = (np.bincount(row, ~is_known, rows.size) == 0) & np.isfinite(side)
        at = np.flatnonzero((own > 0) & is_bounded[place])
        own_least = own[at] * matrix.lower[columns[entries.col[at]]]
        np.minimum.at(found, entries.col[at], (side[place[at]] - others[place[at]] + own_least) / own[at])
    return found
