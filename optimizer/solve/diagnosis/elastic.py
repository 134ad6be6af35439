"""The elastic relaxation: rows may be broken at a penalty, each by a column of its own, and what is broken least is
sought.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations.families import LIMIT, NEED, rows_that
from optimizer.solve.diagnosis.limit_rows import sizes
from optimizer.solve.matrix import Labels, Matrix
from optimizer.solve.presolve.projection import implied_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEED_WEIGHT = 1e4
"""A need is given up only where no limit can make room: its share weighs this many times that of a limit."""


def elastic(matrix: Matrix) -> tuple[Matrix, Ints]:
    """Return the model in which limits and needs may be broken, each relative to its size, as the only cost; and the
    row of each column that was added.
    """
    is_need = matrix.rows.is_of(rows_that(lambda family: family.gives == NEED))
    may = is_need | matrix.rows.is_of(rows_that(lambda family: family.gives == LIMIT))
    over = np.flatnonzero(may & np.isfinite(matrix.row_upper))
    under = np.flatnonzero(may & np.isfinite(matrix.row_lower))
    row = np.concatenate([over, under])
    weight = np.where(is_need[row], NEED_WEIGHT, 1.0) / sizes(matrix)[row]
    sign = np.concatenate([np.full(over.size, -1.0), np.full(under.size, 1.0)])
    free = replace(
        matrix,
        cost=np.zeros(matrix.cost.size),
        offset=0.0,
        row_lower=np.where(implied_rows(matrix), -np.inf, matrix.row_lower),
    )
    return with_columns(free, sparse.csr_array((sign, (row, np.arange(row.size))), shape=(may.size, row.size)),
                        cost=weight), row  # fmt: skip


def with_columns(matrix: Matrix, entries: sparse.csr_array, *, cost: Floats) -> Matrix:
    """Return the model with further columns of at least 0, continuous and named `relaxed`."""
    extra, columns = entries.shape[1], matrix.columns
    return replace(
        matrix,
        cost=np.concatenate([matrix.cost, cost]),
        lower=np.concatenate([matrix.lower, np.zeros(extra)]),
        upper=np.concatenate([matrix.upper, np.full(extra, np.inf)]),
        integer=np.concatenate([matrix.integer, np.zeros(extra, dtype=bool)]),
        a=sparse.csr_array(sparse.hstack([matrix.a, entries], format="csr")),
        columns=Labels(
            (*columns.names, "relaxed"),
            np.concatenate([columns.component, np.full(extra, len(columns.names))]),
            np.concatenate([columns.key, np.arange(extra)]),
        ),
    )
