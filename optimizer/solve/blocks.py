"""Which column belongs to which workload, and which rows tie workloads together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations import Problem
from formulations.arrays import lean, lean_matrix
from formulations.families import COUPLING, POOL, VARIABLES, rows_that
from formulations.tables import Tables
from optimizer.solve.matrix import Matrix, row_chunks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SHARED = -1
"""Owner of what several workloads share: copies, transfers, mechanisms, regions in use."""


def pool_rows() -> tuple[str, ...]:
    """Return the families of limits that open with a region in use: what is shared gives them their capacity, and no
    more than that.
    """
    return rows_that(lambda family: family.over == POOL)


@dataclass(frozen=True)
class Blocks:
    """Ownership of columns and rows.

    `owner[column]` is a workload or SHARED; `option[column]` the (workload, offer) pair a column belongs to, -1 for
    columns that belong to none. `touch[row, owner]` (owners shifted by one, SHARED first) counts the columns of an
    owner in a row; `coupling[row]`: several owners meet in it, or could (a limit that one workload alone uses).
    `elastic[row]`: coupling, and nothing that is shared can make all the room it takes in it, so that a constructed
    plan may first break it at a price. `opened` holds the shared entries that make some room in elastic rows: what a
    pool has once its region is in use.
    """

    workloads: int
    owner: Ints
    option: Ints
    touch: sparse.csr_array
    coupling: Bools
    elastic: Bools
    opened: sparse.csr_array
    by_owner: tuple[Ints, ...]
    shared_in_row: sparse.csr_array

    def columns_of(self, workloads: Ints) -> Ints:
        """Return the columns owned by some workloads, sorted."""
        parts = [self.by_owner[int(w) + 1] for w in workloads]
        return np.sort(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)

    @property
    def shared_columns(self) -> Ints:
        """The columns no single workload owns."""
        return self.by_owner[0]


def find_blocks(matrix: Matrix, problem: Problem) -> Blocks:
    """Label the columns and rows of a model built from a problem."""
    owner, slot = owners_of_columns(matrix, problem), slots_of_columns(matrix, problem)
    workloads = len(problem.workload_ids)
    touch = _touch(matrix, owner, workloads)
    all_known = not (owner == UNKNOWN).any()
    for name in matrix.columns.names:  # families that are not indexed by a table above: their rows tell whose they are
        columns = matrix.columns.of(name)
        if columns.size and np.all(owner[columns] == UNKNOWN):
            owner[columns] = _told_by_rows(matrix, columns, touch)
    if not all_known:
        owner[owner == UNKNOWN] = SHARED
        touch = _touch(matrix, owner, workloads)
    shared = np.flatnonzero(owner == SHARED)
    coupling = (np.diff(touch.indptr) > 1) | _is_limit(matrix, touch)
    gives = _gives_room(matrix, shared)
    elastic = coupling & (matrix.rows.is_of(pool_rows()) | (np.diff(gives.indptr) == 0))
    order = np.argsort(owner, kind="stable")
    ends = np.searchsorted(owner[order], np.arange(-1, workloads), side="right")
    return Blocks(
        workloads=workloads,
        owner=owner,
        option=_options(problem, slot),
        touch=touch,
        coupling=coupling,
        elastic=elastic,
        opened=_rows_only(gives, elastic),
        by_owner=tuple(np.split(order, ends[:-1])),
        shared_in_row=_shared_in_row(matrix, shared, elastic),
    )


UNKNOWN = -2


def owners_of_columns(matrix: Matrix, problem: Problem) -> Ints:
    """Return the owner of each column: the workload that a row of its family's table belongs to, SHARED where such rows
    belong to none, UNKNOWN (below SHARED) where the family is not over a table itself.
    """
    tables = Tables(problem)
    owner = lean(np.full(matrix.cost.size, UNKNOWN))
    for name in matrix.columns.names:
        family = VARIABLES.get(name)
        if family is not None and family.rows is None:
            columns = matrix.columns.of(name)
            workload_of = tables.leads_to(family.over, "workload")
            owner[columns] = SHARED if workload_of is None else workload_of[matrix.columns.key[columns]]
    return owner


def slots_of_columns(matrix: Matrix, problem: Problem) -> Ints:
    """Return the slot of each column, -1 where it has none."""
    slot = lean(np.full(matrix.cost.size, -1))
    for name in ("instances", "gangs", "work_hours"):
        columns = matrix.columns.of(name)
        slot[columns] = matrix.columns.key[columns]
    columns = matrix.columns.of("flow")
    slot[columns] = problem.flows.slot[matrix.columns.key[columns]]
    return slot


def _options(problem: Problem, slot: Ints) -> Ints:
    """Return per column the number of its (workload, offer) pair; -1 without a slot."""
    slots = problem.slots
    option = lean(np.full(slot.size, -1))
    if slots.workload.size:
        pair = slots.workload * (int(slots.offer.max()) + 1) + slots.offer
        number = lean(np.unique(pair, return_inverse=True)[1].astype(np.int64))
        option[slot >= 0] = number[slot[slot >= 0]]
    return option


def _touch(matrix: Matrix, owner: Ints, workloads: int) -> sparse.csr_array:
    """Count the columns of every known owner in every row, some rows at a time: each entry costs a number."""
    known = lean(np.flatnonzero(owner >= SHARED))
    membership = lean_matrix(sparse.csr_array(
        (np.ones(known.size, dtype=np.int32), (known, owner[known] + 1)), shape=(owner.size, workloads + 1)
    ))  # fmt: skip
    parts = []
    for begin, end in row_chunks(matrix.a):
        low, high = matrix.a.indptr[begin], matrix.a.indptr[end]
        pattern = sparse.csr_array(
            (np.ones(high - low, dtype=np.int32), matrix.a.indices[low:high], matrix.a.indptr[begin : end + 1] - low),
            shape=(end - begin, owner.size),
        )
        part = sparse.csr_array(pattern @ membership)
        part.sort_indices()
        parts.append(part)
    return lean_matrix(sparse.csr_array(sparse.vstack(parts, format="csr"))) if parts else sparse.csr_array(
        (0, workloads + 1), dtype=np.int32
    )


def _told_by_rows(matrix: Matrix, columns: Ints, touch: sparse.csr_array) -> Ints:
    """Return the owner of columns as the first row with a single known owner tells it; UNKNOWN when none does."""
    only = np.where(np.diff(touch.indptr) == 1, touch.indices[np.minimum(touch.indptr[:-1], touch.indices.size - 1)],
    -1)
    answer = np.full(columns.size, UNKNOWN, dtype=np.int64)
    part = matrix.by_column[:, columns]
    place = np.repeat(np.arange(columns.size), np.diff(part.indptr))
    tells = only[part.indices] > 0
    answer[place[tells]] = only[part.indices[tells]] - 1
    return answer


def _is_limit(matrix: Matrix, touch: sparse.csr_array) -> Bools:
    """Whether a row of a coupling family holds columns of a workload, be it one alone: a pool nobody else can use."""
    last = np.append(touch.indices, 0)[np.maximum(touch.indptr[1:] - 1, 0)]
    of_family = matrix.rows.is_of(rows_that(lambda family: family.kind == COUPLING))
    return of_family & (np.diff(touch.indptr) > 0) & (last > 0)


def _gives_room(matrix: Matrix, shared: Ints) -> sparse.csr_array:
    """Return the entries of shared columns that can be raised to make room for more of what workloads add to a row."""
    part = matrix.by_column[:, shared]
    row, value, column = part.indices, part.data, np.repeat(shared, np.diff(part.indptr))
    helps = (np.isfinite(matrix.row_upper[row]) & (value < 0)) | (np.isfinite(matrix.row_lower[row]) & (value > 0))
    return sparse.csr_array((value[helps], (row[helps], column[helps])), shape=matrix.a.shape)


def _rows_only(a: sparse.csr_array, kept: Bools) -> sparse.csr_array:
    """Return the entries in some rows only."""
    row = np.repeat(np.arange(a.shape[0]), np.diff(a.indptr))
    chosen = np.flatnonzero(kept[row])
    return sparse.csr_array((a.data[chosen], (row[chosen], a.indices[chosen])), shape=a.shape)


def _shared_in_row(matrix: Matrix, shared: Ints, elastic: Bools) -> sparse.csr_array:
    part = matrix.by_column[:, shared]
    column = np.repeat(shared, np.diff(part.indptr))
    marked = np.flatnonzero(~elastic[part.indices])
    return sparse.csr_array((np.ones(marked.size), (part.indices[marked], column[marked])), shape=matrix.a.shape)
