"""The model as arrays against the same model through Pyomo's standard form."""

from __future__ import annotations

import numpy as np
import pytest
from problem_generators import random_problem
from problem_units import restated

from formulations import build_arrays, build_model
from formulations.check import _has_twins
from formulations.configurations import MasterProblem, build_master, master_arrays
from formulations.indexing import group, lookup
from formulations.problem import Membership
from formulations.units import normalise
from optimizer.solve.highs.hand_over import from_arrays, to_matrix


def _sorted(matrix):
    """Return labels, costs, bounds, sides and the dense matrix in an order that does not depend on how it was built."""
    columns, rows = (
        [(labels.names[c], int(k)) for c, k in zip(labels.component, labels.key, strict=True)]
        for labels in (matrix.columns, matrix.rows)
    )
    column = sorted(range(len(columns)), key=lambda place: columns[place])
    row = sorted(range(len(rows)), key=lambda place: rows[place])
    dense = matrix.a.toarray()[row][:, column]
    return (
        [columns[place] for place in column], [rows[place] for place in row], dense, matrix.cost[column],
        matrix.lower[column], matrix.upper[column], matrix.integer[column], matrix.row_lower[row],
        matrix.row_upper[row],
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_arrays_and_pyomo_give_the_same_matrix(seed):
    """Column by column and row by row, over random problems with every feature."""
    problem = random_problem(seed)
    arrays, pyomo = _sorted(from_arrays(build_arrays(problem))), _sorted(to_matrix(build_model(problem)))
    assert arrays[0] == pyomo[0]
    assert arrays[1] == pyomo[1]
    for ours, theirs in zip(arrays[2:], pyomo[2:], strict=True):
        assert np.allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_pyomo_loses_no_coefficient_either(seed):
    """Work in units from 1e-15 to 1e15: as many non-zeros by either way, each the same to the last digits."""
    problem = random_problem(seed)
    rng = np.random.default_rng(seed)
    odd = restated(problem, 10.0 ** rng.uniform(-15, 15, len(problem.workload_ids)))
    for stated in (odd, normalise(odd).problem):
        arrays, pyomo = _sorted(from_arrays(build_arrays(stated))), _sorted(to_matrix(build_model(stated)))
        assert ((arrays[2] != 0.0) == (pyomo[2] != 0.0)).all()
        assert np.allclose(arrays[2], pyomo[2], rtol=1e-12, atol=0.0)


def _random_master(seed):
    """Return a master over random configurations of four workloads, one of them counted twice and one not at all."""
    rng = np.random.default_rng(seed)
    rows, shared, configurations = 6, 3, 12
    lower = np.where(rng.random(rows) < 0.5, rng.uniform(-3, 1, rows), -np.inf)
    upper = np.where(np.isfinite(lower) & (rng.random(rows) < 0.6), lower + rng.integers(0, 2, rows), np.inf)
    upper = np.where(np.isfinite(lower), upper, rng.uniform(0, 5, rows))
    workload = rng.permutation(np.repeat([0, 1, 3], 4))

    def use(columns):
        row, column = np.nonzero(rng.random((rows, columns)) < 0.4)
        return Membership(row, column, rng.normal(size=row.size))

    return MasterProblem(
        row_lower=lower, row_upper=upper, penalty_usd=np.where(rng.random(rows) < 0.5, rng.uniform(1, 9, rows), 0.0),
        shared_cost_usd=rng.uniform(1, 9, shared), shared_upper=np.array([1.0, 2.0, np.inf]),
        shared_whole=np.array([True, False, True]), shared_use=use(shared), unplaced_usd=np.full(4, 99.0),
        workload_count=np.array([1, 2, 0, 1]), configuration_workload=workload,
        configuration_cost_usd=rng.uniform(1, 9, configurations), use=use(configurations),
    )  # fmt: skip


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_master_as_arrays_is_that_of_pyomo(seed, whole):
    """The master of the decomposition likewise, as a relaxation and as an integer program."""
    problem = _random_master(seed)
    arrays = _sorted(from_arrays(master_arrays(problem, whole=whole)))
    pyomo = _sorted(to_matrix(build_master(problem, whole=whole)))
    assert arrays[0] == pyomo[0]
    assert arrays[1] == pyomo[1]
    for ours, theirs in zip(arrays[2:], pyomo[2:], strict=True):
        assert np.allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("far", [0, 10**9])
def test_lookup_in_short_and_in_long_lists(far):
    """Positions of known values and -1 for others, whether the values lie close together or far apart."""
    table = np.array([7, 3 + far, 5])
    assert lookup(table, np.array([5, 4, 3 + far, 8, -1, 7])).tolist() == [2, -1, 1, -1, -1, 0]


def test_groups_are_numbered_in_order_however_wide_the_labels():
    """Tuples in lexicographic order, with labels below 0 and labels too large for one number of 64 bits."""
    first, second = np.array([2, -1, 2, 2]), np.array([5, 5, 1, 5])
    of, heads = group(first, second)
    assert (of.tolist(), heads.tolist()) == ([2, 0, 1, 2], [1, 2, 0])
    of, heads = group(first * 2**40, second * 2**40, np.zeros(4, dtype=np.int64))
    assert (of.tolist(), heads.tolist()) == ([2, 0, 1, 2], [1, 2, 0])


def test_twins_are_seen_whatever_the_size_of_the_keys():
    """Equal keys, in a table short enough to list all keys and in one that is not."""
    for wide in (1, 10**9):
        some, other = np.array([0, 1, 1]), np.array([2, 2, 0]) * wide
        assert not _has_twins(some, other)
        assert _has_twins(np.append(some, 1), np.append(other, 2 * wide))
