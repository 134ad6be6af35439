"""Rows that only say that nothing is in a region which is not in use, and whether a model has many of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from formulations.families import rows_that
from optimizer.solve.matrix import Matrix

Bools = NDArray[np.bool_]

FROM_ROWS = 1_000
"""Linking rows from which they are added where broken: fewer cost HiGHS nothing."""


def has_many(matrix: Matrix, least_rows: int = FROM_ROWS) -> bool:
    """Whether a model has regions in use and so many linking rows."""
    return bool(matrix.columns.of("region_used").size) and int(is_linking(matrix).sum()) >= least_rows


def is_linking(matrix: Matrix) -> Bools:
    """Whether each row is of a family that, where it holds a region in use, only says that nothing is where s = 0."""
    return matrix.rows.is_of(rows_that(lambda family: family.is_link))
