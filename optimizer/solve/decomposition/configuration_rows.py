"""Many configurations at once, as the rows of a sparse matrix over the columns of the model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Part = tuple[Ints, Ints, Floats]
"""Entries: row, column (-1: there is none, nothing is entered), value."""
ZERO = 1e-9


def as_rows(parts: Sequence[Part], rows: int, columns: int) -> sparse.csr_array:
    """Return the matrix of all entries; those in one place add up, columns come in order."""
    none = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
    row, column, value = (np.concatenate(part) for part in zip(none, *parts, strict=True))
    held = np.flatnonzero((column >= 0) & (value != 0))
    matrix = sparse.csr_array((value[held], (row[held], column[held])), shape=(rows, columns))
    matrix.sum_duplicates()
    return matrix


def ranges(first: Ints, sizes: Ints) -> Ints:
    """Return first[0], first[0] + 1, ... up to so many, then those from first[1] on, and so forth."""
    ends = np.cumsum(sizes)
    return np.repeat(first - ends + sizes, sizes) + np.arange(ends[-1] if ends.size else 0)


def without_dust(matrix: sparse.csr_array, zero: Floats | float = ZERO) -> sparse.csr_array:
    """Return the matrix without entries of at most `zero` (one figure, or one by entry), columns in order."""
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    kept = np.flatnonzero(np.abs(matrix.data) > zero)
    start = np.concatenate([[0], np.cumsum(np.bincount(row[kept], minlength=matrix.shape[0]))])
    clean = sparse.csr_array((matrix.data[kept], matrix.indices[kept], start), shape=matrix.shape)
    clean.sort_indices()
    return clean
