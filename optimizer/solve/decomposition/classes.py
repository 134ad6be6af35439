r"""Identical workloads: one of them is priced for all, and the master counts how many take each configuration.

Workloads of a class have the same columns, rows, costs and uses of the rows that several workloads share; they may
change places in any plan. The first of a class, its *head*, stands for all k of them: the master asks for k
configurations instead of one, and a plan hands them out to the members one by one.

Rows with one workload and shared decisions (a requirement or its `need_met`, failovers of one service) exist once per
member. They are summed over the class,

    k l[ρ] <= sum_x U[ρ,x] λ[x] + sum_s k U[ρ,s] y[s] <= k u[ρ],

which every plan obeys, so that the bound holds. For whole y it says what the single rows say where these read
"nothing, unless y"; a plan is checked against the single rows before it counts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations import Problem
from formulations.classes import identical_workloads
from optimizer.solve.blocks import Blocks
from optimizer.solve.decomposition.configuration_rows import ranges
from optimizer.solve.decomposition.cut import Classes, Cut

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDING = 1e-12


def find_classes(problem: Problem, cut: Cut, owners: Ints) -> Classes:
    """Return the classes of identical workloads whose blocks agree entry by entry with that of their head.

    `owners` is by row of the master how many workloads are in it.
    """
    label = identical_workloads(problem)
    head = np.unique(label, return_index=True)[1][np.unique(label, return_inverse=True)[1]].astype(np.int64)
    for workload in np.flatnonzero(head != np.arange(head.size)).tolist():
        if not _agree(cut, int(head[workload]), workload, owners):
            head[workload] = workload
    return Classes(head, np.bincount(head, minlength=head.size).astype(np.int64))


def _agree(cut: Cut, head: int, member: int, owners: Ints) -> bool:
    """Whether two blocks are the same program in the same order, and draw alike on what several workloads share."""
    one, other = cut.blocks[head], cut.blocks[member]
    if one.columns.size != other.columns.size or one.rows.size != other.rows.size:
        return False
    every = np.arange(one.columns.size)
    matrix = cut.matrix
    by_column = (matrix.cost, matrix.lower, matrix.upper, matrix.integer)
    return (
        all(map(_alike, one.entries_of(every), other.entries_of(every)))
        and all(_alike(values[one.columns], values[other.columns]) for values in by_column)
        and all(_alike(sides[one.rows], sides[other.rows]) for sides in (matrix.row_lower, matrix.row_upper))
        and _draw_alike(cut, one.columns, other.columns, owners)
    )


def _draw_alike(cut: Cut, one: Ints, other: Ints, owners: Ints) -> bool:
    """Whether two blocks' columns, in order, use the same rows of several workloads by as much, and rows of their own
    that say the same.
    """
    first, second = _use_of(cut, one), _use_of(cut, other)
    if not (np.array_equal(first[0], second[0]) and _alike(first[2], second[2])):
        return False
    row, twin = first[1], second[1]
    differ = row != twin
    if (owners[row[differ]] > 1).any() or (owners[twin[differ]] > 1).any():
        return False
    pairs = np.unique(np.stack([row[differ], twin[differ]]), axis=1)
    if np.unique(pairs[0]).size < pairs.shape[1] or np.unique(pairs[1]).size < pairs.shape[1]:
        return False
    mine, theirs = cut.shared_use[pairs[0]], cut.shared_use[pairs[1]]
    return (
        np.array_equal(mine.indptr, theirs.indptr)
        and np.array_equal(mine.indices, theirs.indices)
        and _alike(mine.data, theirs.data)
        and all(_alike(sides[pairs[0]], sides[pairs[1]]) for sides in (cut.row_lower, cut.row_upper))
    )


def _use_of(cut: Cut, columns: Ints) -> tuple[Ints, Ints, Floats]:
    """Return (entries of each column, row, value) of what columns use of the master's rows."""
    first = cut.use.indptr[columns].astype(np.int64)
    sizes = cut.use.indptr[columns + 1] - first
    place = ranges(first, sizes)
    return sizes, cut.use.indices[place], cut.use.data[place]


def _alike(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Whether arrays are equal up to the rounding of sums (cover rows add up in another order)."""
    return first.shape == second.shape and bool(np.allclose(first, second, rtol=ROUNDING, atol=0.0))


def with_classes(cut: Cut, blocks: Blocks, problem: Problem) -> Cut:
    """Return the cut whose master counts classes; a row of one workload is summed over its class, as the head's."""
    touch = sparse.csr_array(blocks.touch[cut.rows])[:, 1:]
    touch.eliminate_zeros()
    owners = np.diff(touch.indptr)
    classes = find_classes(problem, cut, owners)
    if classes.are_single:
        return cut
    owner = np.where(owners == 1, np.append(touch.indices, 0)[touch.indptr[:-1]], -1)
    times = np.where(owner >= 0, classes.count[owner], 1)
    kept = np.flatnonzero(times > 0)
    return replace(
        cut,
        rows=cut.rows[kept],
        row_lower=cut.row_lower[kept] * times[kept],
        row_upper=cut.row_upper[kept] * times[kept],
        use=_summed_over_classes(cut, times, kept),
        elastic=cut.elastic[kept],
        classes=classes,
    )


def _summed_over_classes(cut: Cut, times: Ints, kept: Ints) -> sparse.csc_array:
    """Return the use of the rows kept, that by shared columns so many times."""
    use, sizes = cut.use, np.diff(cut.use.indptr)
    number = np.full(times.size, -1, dtype=use.indices.dtype)
    number[kept] = np.arange(kept.size)
    own = number[use.indices] >= 0
    data, row = use.data[own], use.indices[own]
    ends = np.concatenate([[0], np.cumsum(own, dtype=use.indptr.dtype)])[use.indptr].astype(use.indptr.dtype)
    for column in cut.shared[sizes[cut.shared] > 0].tolist():
        part = slice(ends[column], ends[column + 1])
        data[part] = data[part] * times[row[part]]
    return sparse.csc_array((data, number[row], ends), shape=(kept.size, cut.matrix.cost.size))
