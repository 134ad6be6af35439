"""The model as arrays: min cost'x + offset, row_lower <= A x <= row_upper, lower <= x <= upper, some x integer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ROW_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Columns:
    """Which variable a column is: `component[column]` is a position in `names`, `key[column]` its index there."""

    names: tuple[str, ...]
    component: Ints
    key: Ints

    def of(self, name: str) -> Ints:
        """Return the columns of a component, in order; none when it has no column."""
        if name not in self.names:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(self.component == self.names.index(name))

    def take(self, columns: Ints) -> Columns:
        """Return the variables of some columns only."""
        return Columns(self.names, self.component[columns], self.key[columns])


@dataclass(frozen=True)
class Matrix:
    """A mixed-integer linear program in arrays; `rows` names a row by (component, key)."""

    cost: Floats
    offset: float
    lower: Floats
    upper: Floats
    integer: Bools
    a: sparse.csr_array
    row_lower: Floats
    row_upper: Floats
    columns: Columns
    row_name: Callable[[int], tuple[str, int]] = field(repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.row_lower.size, self.cost.size

    @cached_property
    def by_column(self) -> sparse.csc_array:
        """The same matrix by column."""
        return self.a.tocsc()

    @cached_property
    def row_scale(self) -> Floats:
        """Per row, the size a violation is judged against: the largest of 1, its finite sides and coefficients."""
        sides = np.maximum(
            np.where(np.isfinite(self.row_lower), np.abs(self.row_lower), 0.0),
            np.where(np.isfinite(self.row_upper), np.abs(self.row_upper), 0.0),
        )
        largest = np.zeros(self.row_lower.size)
        filled = np.flatnonzero(np.diff(self.a.indptr))
        if filled.size:
            largest[filled] = np.maximum.reduceat(np.abs(self.a.data), self.a.indptr[filled])
        return np.maximum(1.0, np.maximum(sides, largest))

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


def submatrix(matrix: Matrix, free: Ints, fixed_at: Floats) -> tuple[Matrix, Ints]:
    """Return the program left when every column but `free` is fixed at `fixed_at`, and the rows kept.

    Rows without a free column are dropped; what the fixed columns use is taken from both sides of the others. The
    offset carries the cost of what is fixed, so that objectives of the two programs agree.
    """
    rest = fixed_at.copy()
    rest[free] = 0.0
    used = matrix.a @ rest
    part = matrix.by_column[:, free].tocsr()
    kept = np.flatnonzero(np.diff(part.indptr))
    part = part[kept]
    smaller = Matrix(
        cost=matrix.cost[free],
        offset=matrix.offset + float(matrix.cost @ rest),
        lower=matrix.lower[free],
        upper=matrix.upper[free],
        integer=matrix.integer[free],
        a=part,
        row_lower=matrix.row_lower[kept] - used[kept],
        row_upper=matrix.row_upper[kept] - used[kept],
        columns=matrix.columns.take(free),
        row_name=lambda row: matrix.row_name(int(kept[row])),
    )
    return smaller, kept
