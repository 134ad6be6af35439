"""The cut: coupling rows and shared columns go to the master, every workload keeps a small program of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations.arrays import lean
from optimizer.solve.blocks import Blocks
from optimizer.solve.matrix import Matrix, implied_upper
from optimizer.solve.presolve.requirement_copies import Needs, no_needs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class LocalRows:
    """The whole matrix by column, and of every row its number within its block (-1: it goes to the master)."""

    by_column: sparse.csc_array
    within: Ints


@dataclass(frozen=True)
class Block:
    """The program of one workload: its columns (of the whole model) and the rows that only they are in.

    `rows` are their numbers in the whole model. The entries stay in the matrix of the whole model and are taken from
    there when asked for: the blocks together have nearly as many as the model. A block that is pickled takes its own
    along.
    """

    columns: Ints
    rows: Ints
    local: LocalRows

    def entries_of(self, kept: Ints) -> tuple[Ints, Ints, Floats]:
        """Return (start of each kept column, row, value) of the columns at the positions `kept`; rows numbered within
        the block.
        """
        a, columns = self.local.by_column, self.columns[kept]
        first = a.indptr[columns].astype(np.int64)
        sizes = a.indptr[columns + 1] - first
        ends = np.cumsum(sizes)
        place = np.repeat(first - ends + sizes, sizes) + np.arange(ends[-1] if kept.size else 0)
        row = self.local.within[a.indices[place]]
        own = np.flatnonzero(row >= 0)
        start = np.concatenate([[0], np.searchsorted(own, ends)]).astype(np.int64)
        return start, row[own].astype(np.int64), a.data[place[own]]

    def __reduce__(self) -> tuple[Any, ...]:
        return _alone, (self.columns, self.rows, *self.entries_of(np.arange(self.columns.size)))


def _alone(columns: Ints, rows: Ints, start: Ints, row: Ints, value: Floats) -> Block:
    """Return a block that holds its own entries: columns are looked up in a matrix that has them where they belong."""
    size = int(columns.max(initial=-1)) + 1
    indptr = np.zeros(size + 1, dtype=np.int64)
    indptr[columns + 1] = np.diff(start)
    a = sparse.csc_array((value, row, np.cumsum(indptr)), shape=(rows.size, size))
    return Block(columns, rows, LocalRows(a, np.arange(rows.size)))


@dataclass(frozen=True)
class Classes:
    """By workload the head of its class of identical ones, and how many it stands for (0: its head stands for it)."""

    head: Ints
    count: Ints

    @property
    def are_single(self) -> bool:
        """Whether every workload is like no other."""
        return bool((self.count == 1).all())


@dataclass(frozen=True)
class Cut:
    """What the master sees (`rows`, `use` over all columns by column, `shared` columns) and the blocks it does not.

    `row_lower` and `row_upper` are the sides of the master's rows; `needs` are the workloads' own copies of the
    mechanisms that they need; `classes` which of them are alike, so that one is priced for all.
    """

    matrix: Matrix
    rows: Ints
    row_lower: Floats
    row_upper: Floats
    use: sparse.csc_array
    shared: Ints
    shared_upper: Floats
    elastic: Bools
    blocks: tuple[Block, ...]
    needs: Needs
    classes: Classes

    @cached_property
    def priced(self) -> sparse.csr_array:
        """`use` transposed: prices of rows to charges of columns."""
        return sparse.csr_array(self.use.T)

    @cached_property
    def shared_use(self) -> sparse.csr_array:
        """`use` of the shared decisions alone, by row."""
        return sparse.csr_array(self.use[:, self.shared])

    @cached_property
    def harmless(self) -> Bools:
        """Whether shared decisions within their bounds cannot break the row: it matters once a configuration uses it.

        Of ten thousand workloads' 78,000 rows, most of them f <= D z for a mechanism, 68,000 stay unused.
        """
        most, least = self.shared_use.maximum(0) @ self.shared_upper, self.shared_use.minimum(0) @ self.shared_upper
        return np.asarray((least >= self.row_lower) & (most <= self.row_upper) & ~self.elastic)

    def columns_of(self, workload: int, columns: Ints) -> Ints:
        """Return the columns of a workload that are what some columns of its head are."""
        head = int(self.classes.head[workload])
        if head == workload:
            return columns
        return np.asarray(self.blocks[workload].columns[np.searchsorted(self.blocks[head].columns, columns)])

    def fixed_usd(self, price: Floats, lower: Floats | None = None, upper: Floats | None = None) -> float:
        """Return the part of a Lagrangian bound that no workload is in: the rows' sides, and the shared decisions
        within some bounds (None: their own).
        """
        side = np.where(price < 0, self.row_upper, np.where(price > 0, self.row_lower, 0.0))
        reduced = self.reduced_cost(price)[self.shared]
        lower = np.zeros(self.shared.size) if lower is None else lower
        bound = np.where(reduced < 0, self.shared_upper if upper is None else upper, lower)
        return float(price @ side + np.where(reduced != 0, reduced * bound, 0.0).sum())

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
        row_lower=matrix.row_lower[rows],
        row_upper=matrix.row_upper[rows],
        use=sparse.csc_array(matrix.by_column[rows]) if rows.size else sparse.csc_array((0, matrix.cost.size)),
        shared=shared,
        shared_upper=_upper(matrix, shared),
        elastic=blocks.elastic[rows],
        blocks=_split(matrix, blocks, np.flatnonzero(~to_master & (owners == 1)), first),
        needs=no_needs(matrix) if needs is None else needs,
        classes=Classes(np.arange(blocks.workloads), np.ones(blocks.workloads, dtype=np.int64)),
    )


def _split(matrix: Matrix, blocks: Blocks, rows: Ints, first: Ints) -> tuple[Block, ...]:
    """Sort the local rows by workload and slice."""
    owner = first[rows] - 1
    order = np.argsort(owner, kind="stable")
    rows, owner = rows[order], owner[order]
    row_ends = np.searchsorted(owner, np.arange(blocks.workloads + 1))
    within = lean(np.full(matrix.row_lower.size, -1))
    within[rows] = np.arange(rows.size) - row_ends[owner]
    local = LocalRows(matrix.by_column, within)
    return tuple(
        Block(columns=blocks.by_owner[w + 1], rows=rows[row_ends[w] : row_ends[w + 1]], local=local)
        for w in range(blocks.workloads)
    )


def _upper(matrix: Matrix, shared: Ints) -> Floats:
    """Return upper bounds of the shared columns: a transfer is at most what its copy allows, u <= G d with d <= 1."""
    upper = matrix.upper[shared]
    above = np.flatnonzero(np.isposinf(upper))
    upper[above] = implied_upper(matrix, shared[above])
    return upper
