"""The limits that a model holds: pools, budgets and shares, each with its rows, and how much one of them is used."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from formulations.families import CONSTRAINTS, LIMIT, POOL, ids_of, rows_that
from formulations.sets import derive_sets
from optimizer.solve.blocks import pool_rows
from optimizer.solve.matrix import Matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]



@dataclass(frozen=True)
class Limit:
    """A limit of the instance: its constraint family, its id and its rows, one per period where it is a pool's.

    `key` is the position of the first row's limit in its table.
    """

    family: str
    id: str
    key: int
    rows: Ints


def limits_of(matrix: Matrix, problem: Problem) -> list[Limit]:
    """Return the limits that have rows, pools last, each family in the problem's order."""
    found = []
    families = rows_that(lambda family: family.gives == LIMIT)
    for family in sorted(families, key=lambda name: CONSTRAINTS[name].over == POOL):
        ids = ids_of(problem, family)
        rows_by_id: dict[str, list[int]] = {}
        for row in matrix.rows.of(family).tolist():
            key = int(matrix.rows.key[row])
            rows_by_id.setdefault(str(key) if ids is None else ids[key], []).append(row)
        found += [
            Limit(family, name, int(matrix.rows.key[rows[0]]), np.array(rows, dtype=np.int64))
            for name, rows in rows_by_id.items()
        ]
    return found


def without_pool_bounds(problem: Problem) -> Problem:
    """Return the problem in which instances are bounded by demand alone, not by what their pools hold as well.

    No plan changes: the rows of the pools say the same. But a pool whose rows are relaxed has no other trace left.
    """
    slots, flows = problem.slots, problem.flows
    asked = np.bincount(flows.slot, derive_sets(problem).demand_of_flow, slots.workload.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.ceil(np.where(slots.capacity_per_s > 0, asked / slots.capacity_per_s, 0.0))
    bounded = ~(slots.is_endpoint | slots.is_job)
    most = np.where(bounded, np.maximum(slots.max_instances, wanted), slots.max_instances)
    return replace(problem, slots=replace(slots, max_instances=most))


def stated_sides(matrix: Matrix) -> Floats:
    """Return the limit or need of each row as stated: a pool's Q, also where the row says Q s."""
    side = np.where(np.isfinite(matrix.row_upper), matrix.row_upper, matrix.row_lower)
    opened = np.asarray(matrix.by_column[:, matrix.columns.of("region_used")].sum(axis=1)).ravel()
    return np.where(matrix.rows.is_of(pool_rows()), side - opened, side)


def sizes(matrix: Matrix) -> Floats:
    """Return what a row's change is relative to: its side, or where that is 0 the most one of its columns can add."""
    side = stated_sides(matrix)
    reach = np.where(np.isfinite(matrix.upper), matrix.upper, 1.0)[matrix.a.indices] * np.abs(matrix.a.data)
    most = np.zeros(side.size)
    filled = np.flatnonzero(np.diff(matrix.a.indptr))
    if filled.size:
        most[filled] = np.maximum.reduceat(reach, matrix.a.indptr[filled])
    size = np.where(np.abs(side) > 0, np.abs(side), most)
    return np.where(size > 0, size, 1.0)


def use_of(matrix: Matrix, row: int) -> Floats:
    """Return what one unit of every column uses of the limit in a row; a region in use makes room, it uses nothing."""
    use = np.zeros(matrix.cost.size)
    begin, end = matrix.a.indptr[row], matrix.a.indptr[row + 1]
    use[matrix.a.indices[begin:end]] = matrix.a.data[begin:end]
    if matrix.row_name(row)[0] in pool_rows():
        use[matrix.columns.of("region_used")] = 0.0
    return use


def without_rows(matrix: Matrix, rows: Ints) -> Matrix:
    """Return the model without some of its rows."""
    kept = np.setdiff1d(np.arange(matrix.row_lower.size), rows)
    return replace(
        matrix,
        a=matrix.a[kept],
        row_lower=matrix.row_lower[kept],
        row_upper=matrix.row_upper[kept],
        rows=matrix.rows.take(kept),
    )
