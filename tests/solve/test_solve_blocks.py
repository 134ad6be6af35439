"""Who owns a column, and which rows tie workloads together."""

from __future__ import annotations

import numpy as np
from synthetic_estate import estate

from formulations import CONSTRAINTS, build_model
from optimizer.solve.blocks import SHARED, find_blocks
from optimizer.solve.hand_over import to_matrix


def test_columns_are_split_over_their_workloads():
    """Every column of a service or a job has exactly one owner and every workload some."""
    problem = estate(9, regions=10, jobs_share=0.4)
    matrix = to_matrix(build_model(problem))
    blocks = find_blocks(matrix, problem)
    assert np.all(blocks.owner != SHARED)
    assert sorted(np.concatenate(blocks.by_owner).tolist()) == list(range(matrix.cost.size))
    flows = matrix.columns.of("flow")
    owner = problem.slots.workload[problem.flows.slot[matrix.columns.key[flows]]]
    assert np.array_equal(blocks.owner[flows], owner)


def test_coupling_rows_are_of_coupling_families():
    """A row in which several workloads meet belongs to a family the formulation calls coupling."""
    problem = estate(9, regions=10, jobs_share=0.4, carbon_limit_kg=1e6)
    matrix = to_matrix(build_model(problem))
    blocks = find_blocks(matrix, problem)
    families = {matrix.row_name(int(row))[0] for row in np.flatnonzero(blocks.coupling)}
    assert families == {"devices", "budget"}
    assert all(CONSTRAINTS[name] == "coupling" for name in families)


def test_helper_families_are_told_by_their_rows():
    """Columns of a family no table names get the owner of the local rows they stand in."""
    from helper_estate import surviving

    problem = surviving()
    matrix = to_matrix(build_model(problem))
    blocks = find_blocks(matrix, problem)
    failover = matrix.columns.of("failover")
    assert failover.size
    assert np.all(blocks.owner[failover] >= 0)
