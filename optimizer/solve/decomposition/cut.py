"""The cut: coupling rows and shared columns go to the master, every workload keeps a small program of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.solve.blocks import Blocks
from optimizer.solve.decomposition.requirements import Needs, no_needs
from optimizer.solve.matrix import Matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Block:
    """The program of one workload: its columns (of the whole model) and the rows that only they are in.

    `indptr`, `indices` and `data` hold the matrix by column, rows numbered within the block; `rows` are their numbers
    in the whole model.
    """

    columns: Ints
    rows: Ints
    indptr: Ints
    indices: Ints
    data: Floats

    def entries_of(self, kept: Ints) -> tuple[Ints, Ints, Floats]:
        """Return (start of each kept column, row, value) of the columns at the positions `kept`."""
        sizes = self.indptr[kept + 1] - self.indptr[kept]
        start = np.concatenate([[0], np.cumsum(sizes)])
        place = np.repeat(self.indptr[kept] - start[:-1], sizes) + np.arange(start[-1])
        return start, self.indices[place], self.data[place]


@dataclass(frozen=True)
class Cut:
    """What the master sees (`rows`, `use` over all columns by column, `shared` columns) and the blocks it does not.

    `needs` are the workloads' own copies of the mechanisms that they need.
    """

    matrix: Matrix
    rows: Ints
    use: sparse.csc_array
    shared: Ints
    shared_upper: Floats
    elastic: Bools
    blocks: tuple[Block, ...]
    needs: Needs

    @property
    def row_lower(self) -> Floats:
        """Lower sides of the master's rows."""
        return self.matrix.row_lower[self.rows]

    @property
    def row_upper(self) -> Floats:
        """Upper sides of the master's rows."""
        return self.matrix.row_upper[self.rows]

    @cached_property
    def priced(self) -> sparse.csr_array:
        """`use` transposed: prices of rows to charges of columns."""
        return sparse.csr_array(self.use.T)

    def reduced_cost(self, price: Floats) -> Floats:
        """Return what a unit of every column costs at the prices of the master's rows."""
        return np.asarray(self.matrix.cost - self.priced @ price)


def cut_model(matrix: Matrix, blocks: Blocks, needs: Needs | None = None) -> Cut:
    """Cut a model: rows of a coupling family, and those that touch something shared, go to the master."""
    owners = np.diff(blocks.touch.indptr)
    first = np.where(owners > 0, blocks.touch.indices[np.minimum(blocks.touch.indptr[:-1], blocks.touch.nnz - 1)], 0)
    to_master = blocks.coupling | ((owners == 1) & (first == 0))
    rows = np.flatnonzero(to_master)
    shared = blocks.shared_columns
    return Cut(
        matrix=matrix,
        rows=rows,
        use=sparse.csc_array(matrix.by_column[rows]) if rows.size else sparse.csc_array((0, matrix.cost.size)),
        shared=shared,
        shared_upper=_implied_upper(matrix, shared),
        elastic=blocks.elastic[rows],
        blocks=_split(matrix, blocks, np.flatnonzero(~to_master & (owners == 1)), first),
        needs=no_needs(matrix) if needs is None else needs,
    )


def _split(matrix: Matrix, blocks: Blocks, rows: Ints, first: Ints) -> tuple[Block, ...]:
    """Sort the local rows and all columns by workload and slice."""
    owner = first[rows] - 1
    order = np.argsort(owner, kind="stable")
    rows, owner = rows[order], owner[order]
    row_ends = np.searchsorted(owner, np.arange(blocks.workloads + 1))
    within = np.arange(rows.size) - row_ends[owner]
    columns = np.concatenate([blocks.by_owner[w + 1] for w in range(blocks.workloads)])
    ends = np.concatenate([[0], np.cumsum([blocks.by_owner[w + 1].size for w in range(blocks.workloads)])])
    local = sparse.csc_array(sparse.csc_array(matrix.a[rows])[:, columns])
    local.sort_indices()
    numbered = within[local.indices] if local.nnz else local.indices
    parts = []
    for w in range(blocks.workloads):
        begin, end = ends[w], ends[w + 1]
        low, high = local.indptr[begin], local.indptr[end]
        parts.append(
            Block(
                columns=columns[begin:end],
                rows=rows[row_ends[w] : row_ends[w + 1]],
                indptr=(local.indptr[begin : end + 1] - low).astype(np.int64),
                indices=numbered[low:high].astype(np.int64),
                data=local.data[low:high],
            )
        )
    return tuple(parts)


def _implied_upper(matrix: Matrix, shared: Ints) -> Floats:
    """Return upper bounds of the shared columns (lower bounds are 0), finite where some row implies one.

    A transfer is at most what its copy allows: u <= G d with d <= 1.
    """
    upper = matrix.upper.copy()
    rows = np.flatnonzero(np.isfinite(matrix.row_upper))
    part = matrix.a[rows].tocoo()
    side = np.where(part.data > 0, matrix.lower[part.col], matrix.upper[part.col])
    least = np.bincount(part.row, part.data * side, rows.size)
    implies = (part.data > 0) & np.isfinite(least[part.row]) & (matrix.lower[part.col] == 0)
    column, row, value = part.col[implies], part.row[implies], part.data[implies]
    np.minimum.at(upper, column, (matrix.row_upper[rows[row]] - least[row]) / value)
    return np.where(np.isfinite(matrix.upper[shared]), matrix.upper[shared], upper[shared])
