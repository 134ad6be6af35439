"""A plan under construction or improvement: its values, what every row adds up to, and what breaking rows costs it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.blocks import Blocks
from optimizer.solve.matrix import Matrix, row_chunks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PENALTY_FACTOR = 10.0
BROKEN = 1e-7


class WorkingPlan:
    """Values `x`, their row activities, and the penalty (USD) on elastic rows that they break.

    `penalty_usd[row]` is the price of one unit of violation of an elastic row, 0 elsewhere: ten times what a unit of
    the row is worth (`worth_usd`). `limit[row]` is the side of a row (the upper one
    where it has both) with everything open that can be: Q where the row says Q s.
    """

    def __init__(self, matrix: Matrix, blocks: Blocks, row_worth_usd: Floats) -> None:
        self.matrix = matrix
        self.blocks = blocks
        self.x = np.clip(np.zeros(matrix.cost.size), matrix.lower, matrix.upper)
        self.saved = self.x.copy()
        self.activity = np.asarray(matrix.a @ self.x).ravel()
        side = np.where(np.isfinite(matrix.row_upper), matrix.row_upper, matrix.row_lower)
        self.limit = side - blocks.opened @ matrix.upper if blocks.opened.nnz else side
        self.penalty_usd = np.where(blocks.elastic, PENALTY_FACTOR * row_worth_usd, 0.0)

    def save(self) -> None:
        """Remember the values as they are."""
        self.saved = self.x.copy()

    def restore(self) -> None:
        """Go back to the values last saved."""
        self.x = self.saved.copy()
        self.activity = np.asarray(self.matrix.a @ self.x).ravel()

    def set_columns(self, columns: Ints, values: Floats) -> None:
        """Give some columns new values."""
        changed = np.flatnonzero(values != self.x[columns])  # of a whole plan next to nothing
        columns, values = columns[changed], values[changed]
        self.activity += self.matrix.by_column[:, columns] @ (values - self.x[columns])
        self.x[columns] = values

    def used(self) -> Floats:
        """Return what is used of the `limit` of each row: its activity without what is open in it."""
        return self.activity - self.blocks.opened @ self.x if self.blocks.opened.nnz else self.activity

    def excess(self) -> Floats:
        """Return by how much each elastic row is broken (its own unit), 0 for rows that hold within 1e-7 of their
        scale.
        """
        over = np.maximum(self.matrix.row_lower - self.activity, self.activity - self.matrix.row_upper)
        return np.where(self.blocks.elastic & (over > BROKEN * self.matrix.row_scale), over, 0.0)

    def penalised_usd(self) -> float:
        """Return the cost plus the penalty of what is broken."""
        return self.matrix.objective(self.x) + float(self.penalty_usd @ self.excess())

    def is_whole(self) -> bool:
        """Whether no elastic row is broken."""
        return not self.excess().any()


def worth_usd(matrix: Matrix, row_price: Floats) -> Floats:
    """Return what one unit of each row is worth (USD): its dual, or the mean cost per unit of what it limits."""
    entries = matrix.a
    costs, units = np.zeros(entries.shape[0]), np.zeros(entries.shape[0])
    charged = np.maximum(matrix.cost, 0.0)
    for begin, end in row_chunks(entries):
        own = slice(entries.indptr[begin], entries.indptr[end])
        row = np.repeat(np.arange(end - begin), np.diff(entries.indptr[begin : end + 1]))
        paid = charged[entries.indices[own]]
        costs[begin:end] = np.bincount(row, paid, end - begin)
        units[begin:end] = np.bincount(row, np.abs(entries.data[own]) * (paid > 0), end - begin)
    mean = np.divide(costs, units, out=np.zeros_like(costs), where=units > 0)
    known = mean[mean > 0]
    mean[mean == 0] = float(np.median(known)) if known.size else 1.0
    return np.maximum(mean, np.abs(row_price))
