"""Cover rows for estates too large for the formulation to state them (see formulations.workloads).

    sum_i K'[i] n[i] + sum_{q on endpoints} f[q] + sum_j v[j,t] >= sum_j D[j,t]      every service and period

The sum of a service's demand rows minus the sum of its throughput rows: implied, but it holds the instances of a period
together in one row, and HiGHS solves the program of one workload about four times faster with it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations import Problem
from formulations.arrays import lean, lean_matrix
from optimizer.solve.matrix import Labels, Matrix

Ints = NDArray[np.int64]

COVER = "cover"


def with_cover_rows(matrix: Matrix, problem: Problem) -> Matrix:
    """Return the model with one cover row per service and period, or as it is when it has them."""
    if COVER in matrix.rows.names and matrix.rows.of(COVER).size:
        return matrix
    periods = problem.period_hours.size
    demand, throughput = matrix.rows.of("demand"), matrix.rows.of("throughput")
    if not demand.size or not throughput.size:
        return matrix
    stream, period = np.divmod(matrix.rows.key[demand], periods)
    of_demand = problem.services.workload[stream] * periods + period
    slot = matrix.rows.key[throughput]
    of_throughput = problem.slots.workload[slot] * periods + problem.slots.period[slot]
    held = np.zeros(int(of_throughput.max()) + 1, dtype=bool)
    held[of_throughput] = True
    keys = np.flatnonzero(held)
    known = np.isin(of_demand, keys)
    demand, of_demand = demand[known], of_demand[known]
    summed = _sum_rows(matrix, demand, np.searchsorted(keys, of_demand), keys.size)
    carried = _sum_rows(matrix, throughput, np.searchsorted(keys, of_throughput), keys.size)
    needed = np.bincount(np.searchsorted(keys, of_demand), matrix.row_lower[demand], keys.size)
    cover = sparse.csr_array(summed - carried)
    cover = sparse.csr_array(cover.multiply(1.0 / np.maximum(needed, 1e-12)[:, None]))
    cover.eliminate_zeros()
    rows = matrix.rows
    return replace(
        matrix,
        a=lean_matrix(sparse.csr_array(sparse.vstack([matrix.a, cover], format="csr"))),
        row_lower=np.concatenate([matrix.row_lower, np.where(needed > 0, 1.0, 0.0)]),
        row_upper=np.concatenate([matrix.row_upper, np.full(keys.size, np.inf)]),
        rows=Labels(
            (*rows.names, COVER),
            np.concatenate([rows.component, np.full(keys.size, len(rows.names), dtype=rows.component.dtype)]),
            np.concatenate([rows.key, lean(keys)]),
        ),
    )


def _sum_rows(matrix: Matrix, rows: Ints, group: Ints, groups: int) -> sparse.csr_array:
    gather = sparse.csr_array((np.ones(rows.size), (lean(group), lean(rows))), shape=(groups, matrix.row_lower.size))
    return lean_matrix(sparse.csr_array(lean_matrix(gather) @ matrix.a))
