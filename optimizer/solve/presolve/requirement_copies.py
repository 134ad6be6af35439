r"""Requirements with a copy of their own per workload: what makes whole mechanisms cost what they cost.

In the compact model a requirement ρ of workload w (see `formulations.data_localization`)

    requirement[ρ]    sum_q β f[q] + sum_i β b[i] <= B[ρ] sum_{m in M(ρ)} z[m]                     coupling

lets a thousandth of the demand go abroad for a thousandth of the mechanism. Here every workload decides by itself, for
each set of mechanisms M that its requirements name, whether it needs one of them, y[w,M] in {0, 1}:

    need[ρ]           sum_q β f[q] + sum_i β b[i] <= B[ρ] y[w,M(ρ)]                                local
    need_met[w,M]     y[w,M] <= sum_{m in M} z[m]                                                  coupling

The plans are the same (take y = 1 where anything is asked for). Configurations hold whole y, so that the master cannot
share a mechanism out any more, and at prices of the coupling rows y has a charge c[w,M] >= 0. Closed forms know no
fixed charges: they *spread* it over the activities,

    c y >= c sum_{ρ: M(ρ) = M} (B[ρ] / B) (sum_q β f[q] + ...) / B[ρ],    B = sum_{ρ: M(ρ) = M} B[ρ]

which never charges more than y does, so that what bounds the spread costs from below bounds the true ones.

What a row says that is `switched_by` a binary of the workload's own (that it moves, that it enters a region) is of the
same make, and its y is in the compact model already: sum of activities <= B y. Such columns are needs like the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations import Problem
from formulations.arrays import lean, stacked
from formulations.families import CONSTRAINTS
from optimizer.solve.blocks import owners_of_columns
from optimizer.solve.matrix import Labels, Matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

REQUIREMENT, NEED, NEED_MET, NEEDED = "requirement", "need", "need_met", "needed"


@dataclass(frozen=True)
class Needs:
    """The columns y, of which `appended` come after those of the compact model; `asks[column, y]` > 0 where a column
    asks for one.

    `spread_over[column, y]` is the part of the charge of y that a unit of the column bears.
    """

    columns: Ints
    appended: int
    asks: sparse.csr_array
    spread_over: sparse.csr_array

    @property
    def size(self) -> int:
        """How many there are."""
        return int(self.asks.shape[1])

    def labels(self) -> Ints:
        """Return by column a number that columns asking for the same y share, 0 where none is asked for."""
        count = np.diff(self.asks.indptr)
        label = np.zeros(count.size, dtype=np.int64)
        asking = np.flatnonzero(count)
        if asking.size:
            sets = np.full((asking.size, int(count.max())), -1, dtype=np.int64)
            place = np.arange(self.asks.nnz) - np.repeat(self.asks.indptr[asking], count[asking])
            sets[np.repeat(np.arange(asking.size), count[asking]), place] = self.asks.indices
            label[asking] = np.unique(sets, axis=0, return_inverse=True)[1].ravel() + 1
        return label

    def spread(self, reduced_cost: Floats) -> Floats:
        """Return the costs of all columns with the charges of y spread over the columns that ask for it."""
        if not self.size:
            return reduced_cost
        own = self.columns
        spread = reduced_cost + self.spread_over @ np.maximum(reduced_cost[own], 0.0)
        spread[own] = np.minimum(reduced_cost[own], 0.0)
        return np.asarray(spread)

    def tells(self, columns: Ints) -> Bools:
        """Whether each of some columns is a y."""
        return self._is_need[columns]

    @cached_property
    def _is_need(self) -> Bools:
        is_need = np.zeros(self.asks.shape[0], dtype=np.bool_)
        is_need[self.columns] = True
        return is_need

    def complete(self, columns: Ints, values: Floats) -> tuple[Ints, Floats]:
        """Return (columns, values) of a configuration with y = 1 exactly where something in it asks for it."""
        if not self.size:
            return columns, values
        kept = ~self.tells(columns)
        columns, values = columns[kept], values[kept]
        asking = self.asks[columns[values > 0]]
        needed = self.columns[np.unique(asking.indices)]
        return np.concatenate([columns, needed]), np.concatenate([values, np.ones(needed.size)])

    def project(self, x: Floats) -> Floats:
        """Return values of the compact model's columns with those of y after them."""
        own = np.pad(x, (0, self.appended))
        own[self.columns] = self.asks.T @ np.where(own > 0, own, 0.0) > 0
        return own

    def restore(self, x: Floats) -> Floats:
        """Return values of the compact model's columns, without those of y after them."""
        return x[: x.size - self.appended]

    def completed(self, values: sparse.csr_array) -> sparse.csr_array:
        """Return configurations (rows over the columns of the model, none of them y) with what they need, as above."""
        if not self.size or not values.nnz:
            return values
        asked = sparse.csr_array((values > 0).astype(np.float64) @ self.asks)
        asked.data[:] = 1.0
        own = sparse.csr_array(
            (asked.data, self.columns[asked.indices], asked.indptr), shape=values.shape
        )
        return sparse.csr_array(values + own)


def no_needs(matrix: Matrix) -> Needs:
    """Return that nothing is needed."""
    none = sparse.csr_array((matrix.cost.size, 0))
    return Needs(np.zeros(0, dtype=np.int64), 0, none, none)


def with_switches(matrix: Matrix, needs: Needs) -> Needs:
    """Return the needs with those of rows that are switched by a binary of the workload's own.

    Its charge is spread over flows and gangs alone: instances that serve nothing are in no cheaper configuration.
    """
    row, column, value = [], [], []
    for name, family in CONSTRAINTS.items():
        if family.switched_by and name in matrix.rows.names:
            rows = matrix.rows.of(name)
            part = matrix.a[rows].tocoo()
            row.append(rows[part.row])
            column.append(part.col.astype(np.int64))
            value.append(part.data)
    if not row or not sum(part.size for part in row):
        return needs
    rows, columns, values = (np.concatenate(part) for part in (row, column, value))
    is_switch = matrix.columns.is_of([f.switched_by for f in CONSTRAINTS.values() if f.switched_by])[columns]
    switch_of = np.full(matrix.row_lower.size, -1, dtype=np.int64)
    bound = np.zeros(matrix.row_lower.size)
    switch_of[rows[is_switch]], bound[rows[is_switch]] = columns[is_switch], -values[is_switch]
    switched = switch_of[rows] >= 0  # what may not be at all has no switch in its row
    rows, columns, values, is_switch = (part[switched] for part in (rows, columns, values, is_switch))
    switches, number = np.unique(switch_of[rows], return_inverse=True)
    bears = ~is_switch & ~matrix.columns.is_of(["instances"])[columns]
    first = np.unique(rows[bears], return_index=True)[1]
    total = np.bincount(number[bears][first], bound[rows[bears]][first], switches.size)
    shape = (matrix.cost.size, switches.size)
    asks = sparse.csr_array((values[~is_switch], (columns[~is_switch], number[~is_switch])), shape=shape)
    part = values[bears] / total[number[bears]]
    spread_over = sparse.csr_array((part, (columns[bears], number[bears])), shape=shape)
    asks, spread_over = (
        sparse.csr_array(sparse.hstack([old, new], format="csr"))
        for old, new in ((needs.asks, asks), (needs.spread_over, spread_over))
    )
    asks.sort_indices()
    return Needs(np.concatenate([needs.columns, switches]), needs.appended, asks, spread_over)


def split_requirements(matrix: Matrix, problem: Problem) -> tuple[Matrix, Needs]:
    """Return the model with y[w,M] after its own columns, and what asks for them.

    Rows keep their place: a requirement of one workload becomes its `need`; `need_met` rows come last. Requirements
    that only copies of datasets have stay as they are.
    """
    owner = owners_of_columns(matrix, problem)
    rows, owner_of_row = _of_one_workload(matrix, owner)
    if not rows.size:
        return matrix, no_needs(matrix)
    part = matrix.a[rows].tocoo()
    row, column, value = part.row.astype(np.int64), part.col.astype(np.int64), part.data
    is_mechanism = owner[column] < 0
    bound = np.zeros(rows.size)
    bound[row[is_mechanism]] = -value[is_mechanism]
    needed, head = _numbered(owner_of_row, row[is_mechanism], column[is_mechanism])
    first, count = matrix.cost.size, head.size
    row_a, column_a, value_a = row[~is_mechanism], column[~is_mechanism], value[~is_mechanism]
    shape = (first + count, count)
    asks = sparse.csr_array((value_a, (column_a, needed[row_a])), shape=shape)
    asks.sort_indices()
    part_of = value_a / np.bincount(needed, bound, count)[needed[row_a]]
    spread_over = sparse.csr_array((part_of, (column_a, needed[row_a])), shape=shape)
    number_of_head = np.full(rows.size, -1, dtype=np.int64)
    number_of_head[head] = np.arange(count)
    meets = np.flatnonzero(is_mechanism & (number_of_head[row] >= 0))
    extended = _extended(matrix, rows, needed, bound, (number_of_head[row[meets]], column[meets]))
    return extended, Needs(np.arange(first, first + count), count, asks, spread_over)


def _of_one_workload(matrix: Matrix, owner: Ints) -> tuple[Ints, Ints]:
    """Return the requirement rows in which one workload and mechanisms alone stand, and whose they are."""
    rows = matrix.rows.of(REQUIREMENT)
    part = matrix.a[rows].tocoo()
    whose = owner[part.col]
    is_own = whose >= 0
    is_mechanism = matrix.columns.component == _place(matrix.columns.names, "bought")
    low, high = np.full(rows.size, np.iinfo(np.int64).max), np.full(rows.size, -1, dtype=np.int64)
    np.minimum.at(low, part.row[is_own], whose[is_own])
    np.maximum.at(high, part.row[is_own], whose[is_own])
    mechanisms = np.bincount(part.row, is_mechanism[part.col], rows.size)
    others = np.bincount(part.row, ~is_own & ~is_mechanism[part.col], rows.size)
    kept = (low == high) & (mechanisms > 0) & (others == 0)
    return rows[kept], high[kept]


def _place(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1


def _numbered(owner: Ints, row: Ints, mechanism: Ints) -> tuple[Ints, Ints]:
    """Number the distinct (workload, set of mechanisms); return the number of every row and the first row of each."""
    order = np.lexsort((mechanism, row))
    row, mechanism = row[order], mechanism[order]
    place = np.arange(row.size) - np.searchsorted(row, row)
    label = np.full((owner.size, int(place.max(initial=0)) + 2), -1, dtype=np.int64)
    label[:, 0] = owner
    label[row, 1 + place] = mechanism
    _, first, number = np.unique(label, axis=0, return_index=True, return_inverse=True)
    return number.ravel().astype(np.int64), first.astype(np.int64)


def _extended(
    matrix: Matrix, rows: Ints, needed: Ints, bound: Floats, mechanisms: tuple[Ints, Ints]
) -> Matrix:
    """Return the matrix with `need` rows in place of `rows`, columns y and rows `need_met`.

    `needed` and `bound` by row; `mechanisms` are the (number of y, column of the mechanism) that meet it.
    """
    met, mechanism = mechanisms
    size, count = matrix.cost.size, int(needed.max()) + 1
    met_rows = sparse.csr_array(
        (
            np.concatenate([-np.ones(met.size), np.ones(count)]),
            (np.concatenate([met, np.arange(count)]), np.concatenate([mechanism, size + np.arange(count)])),
        ),
        shape=(count, size + count),
    )
    a = stacked([matrix.a, met_rows], size + count)
    _put_needs(a, rows, needed + size, bound, np.unique(mechanism))
    labels = matrix.rows
    component = labels.component.copy()
    component[rows] = len(labels.names)
    return replace(
        matrix,
        cost=np.concatenate([matrix.cost, np.zeros(count)]),
        lower=np.concatenate([matrix.lower, np.zeros(count)]),
        upper=np.concatenate([matrix.upper, np.ones(count)]),
        integer=np.concatenate([matrix.integer, np.ones(count, dtype=bool)]),
        a=a,
        row_lower=np.concatenate([matrix.row_lower, np.full(count, -np.inf)]),
        row_upper=np.concatenate([matrix.row_upper, np.zeros(count)]),
        columns=Labels(
            (*matrix.columns.names, NEEDED),
            np.concatenate([matrix.columns.component, lean(np.full(count, len(matrix.columns.names)))]),
            np.concatenate([matrix.columns.key, lean(np.arange(count))]),
        ),
        rows=Labels(
            (*labels.names, NEED, NEED_MET),
            np.concatenate([component, lean(np.full(count, len(labels.names) + 1))]),
            np.concatenate([labels.key, lean(np.arange(count))]),
        ),
    )


def _put_needs(a: sparse.csr_array, rows: Ints, column: Ints, bound: Floats, mechanisms: Ints) -> None:
    """Put -bound at `column` in place of the mechanisms of some rows; in the matrix given, which is large."""
    first, sizes = a.indptr[rows].astype(np.int64), np.diff(a.indptr)[rows].astype(np.int64)
    place = np.repeat(first - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
    row = np.repeat(np.arange(rows.size), sizes)
    gone = np.isin(a.indices[place], mechanisms)
    place, row = place[gone], row[gone]
    a.data[place] = 0.0
    own, last = np.unique(row[::-1], return_index=True)
    at = place[::-1][last]
    a.indices[at], a.data[at] = column[own], -bound[own]
    a.eliminate_zeros()
    a.sort_indices()
