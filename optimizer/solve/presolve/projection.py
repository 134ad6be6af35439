"""Project counts of instances and gangs out of the linear relaxation.

A column x >= 0 with a row  sum(rest) - a x <= u  (a > 0, everything in `rest` >= 0, u <= 0: x carries the rest) is
replaced by x = (sum(rest) - u) / a + s with s >= 0, which makes the row superfluous. Where nothing else asks for more
of x and it costs nothing negative, s = 0 in some optimum and is left out as well. The optimal value is unchanged,
except that x <= upper is given up: what is solved is at most weaker, so its value still bounds the model from below.
On an estate of 500 workloads this takes the relaxation from 300,000 rows to 3,000.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations.families import rows_that
from optimizer.solve.matrix import Matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Reduced:
    """The smaller linear program and the way back to the full one.

    x_full = lift @ x + shift; `kept_columns` and `kept_rows` of the full program are those of the reduced one, in
    order; `left_out` are the columns without any of their own.
    """

    cost: Floats
    offset: float
    lower: Floats
    upper: Floats
    a: sparse.csr_array
    row_lower: Floats
    row_upper: Floats
    kept_columns: Ints
    kept_rows: Ints
    left_out: Ints
    lift: sparse.csr_array
    shift: Floats


def implied_rows(matrix: Matrix) -> Bools:
    """Whether each row is of a family that follows from others, there for branch and bound alone."""
    return matrix.rows.is_of(rows_that(lambda family: family.is_implied))


def carried_pairs(matrix: Matrix, ignored: Bools) -> tuple[Ints, Ints, Bools]:
    """Return (columns, rows, spare): each column is carried by its row, no row or column twice.

    `spare` says whether something else may ask for more of the column, so that its s is kept. `ignored` rows do not
    count.
    """
    a = matrix.by_column
    column = np.repeat(np.arange(a.shape[1]), np.diff(a.indptr))
    row, value = a.indices, a.data
    has_lower, has_upper = np.isfinite(matrix.row_lower[row]), np.isfinite(matrix.row_upper[row])
    helps = ((has_lower & (value > 0)) | (has_upper & (value < 0))) & ~ignored[row]
    # Turned so that it reads sum(rest) - a x <= u, nothing but x is negative in the row and u <= 0.
    turn = np.where(np.isfinite(matrix.row_upper), 1.0, -1.0)
    side = np.where(np.isfinite(matrix.row_upper), matrix.row_upper, matrix.row_lower)
    one_sided = np.isfinite(matrix.row_lower) ^ np.isfinite(matrix.row_upper)
    negative = np.bincount(row, turn[row] * value < 0, a.shape[0])
    below_zero = np.bincount(row, matrix.lower[column] < 0, a.shape[0])
    carries = ~ignored & one_sided & (turn * side <= 0) & (negative == 1) & (below_zero == 0)
    entry = np.flatnonzero(helps & carries[row] & (matrix.lower[column] == 0))
    entry = entry[np.unique(column[entry], return_index=True)[1]]
    columns, rows = column[entry].astype(np.int64), row[entry].astype(np.int64)
    # Definitions must not chain: no row may hold another column that is replaced.
    replaced = np.zeros(matrix.cost.size)
    replaced[columns] = 1.0
    pattern = sparse.csr_array((np.ones(matrix.a.nnz), matrix.a.indices, matrix.a.indptr), shape=matrix.a.shape)
    alone = np.asarray(pattern @ replaced)[rows] == 1.0
    columns, rows = columns[alone], rows[alone]
    wanted = np.bincount(column, helps, a.shape[1])[columns]
    return columns, rows, (wanted > 1) | (matrix.cost[columns] < 0)


def reduce(matrix: Matrix) -> Reduced:
    """Return the relaxation without its carried columns and their rows."""
    ignored = implied_rows(matrix)
    columns, rows, spare = carried_pairs(matrix, ignored)
    is_left_out = np.zeros(matrix.cost.size, dtype=bool)
    is_left_out[columns[~spare]] = True
    kept_columns = np.flatnonzero(~is_left_out)
    is_gone = ignored.copy()
    is_gone[rows] = True
    kept_rows = np.flatnonzero(~is_gone)
    lift, shift = _lift(matrix, columns, rows, kept_columns)
    a_kept = matrix.a[kept_rows]
    used = a_kept @ shift
    reduced = (a_kept @ lift).tocsr()
    reduced.eliminate_zeros()
    return Reduced(
        cost=np.asarray(lift.T @ matrix.cost).ravel(),
        offset=matrix.offset + float(matrix.cost @ shift),
        lower=matrix.lower[kept_columns],
        upper=matrix.upper[kept_columns],
        a=reduced,
        row_lower=matrix.row_lower[kept_rows] - used,
        row_upper=matrix.row_upper[kept_rows] - used,
        kept_columns=kept_columns,
        kept_rows=kept_rows,
        left_out=columns[~spare],
        lift=lift,
        shift=shift,
    )


def _lift(matrix: Matrix, columns: Ints, rows: Ints, kept: Ints) -> tuple[sparse.csr_array, Floats]:
    n = matrix.cost.size
    shift = np.zeros(n)
    identity = sparse.csr_array((np.ones(kept.size), (kept, np.arange(kept.size))), shape=(n, kept.size))
    if not columns.size:
        return identity, shift
    block = matrix.a[rows]
    own = np.asarray(block[np.arange(rows.size), columns]).ravel()
    side = np.where(np.isfinite(matrix.row_upper[rows]), matrix.row_upper[rows], matrix.row_lower[rows])
    shift[columns] = side / own
    scaled = sparse.csr_array(block.multiply((-1.0 / own)[:, None]))
    own_entries = sparse.csr_array((-np.ones(rows.size), (np.arange(rows.size), columns)), shape=scaled.shape)
    rest = sparse.csr_array(scaled - own_entries)[:, kept]
    place = sparse.csr_array((np.ones(columns.size), (columns, np.arange(columns.size))), shape=(n, columns.size))
    return (identity + place @ rest).tocsr(), shift
