"""Who owns a column, and which rows tie workloads together."""

from __future__ import annotations

import numpy as np
from helper_search import solve_by_search
from small_models import random_location
from synthetic_estate import estate

from formulations import CONSTRAINTS, build_model
from optimizer.solve import solve_problem
from optimizer.solve.blocks import SHARED, find_blocks
from optimizer.solve.highs.hand_over import to_matrix
from optimizer.solve.neighbourhoods.working_plan import WorkingPlan


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
    assert all(CONSTRAINTS[name].kind == "coupling" for name in families)


def test_helper_families_are_told_by_their_rows():
    """Columns of a family no table names get the owner of the local rows they stand in."""
    from helper_estate import surviving

    problem = surviving()
    matrix = to_matrix(build_model(problem))
    blocks = find_blocks(matrix, problem)
    failover = matrix.columns.of("failover")
    assert failover.size
    assert np.all(blocks.owner[failover] >= 0)


def test_pools_that_open_with_a_region_are_elastic():
    """A region in use gives a pool its capacity and no more: broken at a price, its limit is that capacity."""
    problem = random_location(8, 6, 0, single_share=1.0)
    matrix = to_matrix(build_model(problem))
    blocks = find_blocks(matrix, problem)
    rows = matrix.rows.of("work_rate")
    assert rows.size == 6
    assert np.all(matrix.row_upper[rows] == 0)
    assert np.all(blocks.elastic[rows])
    assert not np.any(blocks.elastic[matrix.rows.of("in_use")])
    state = WorkingPlan(matrix, blocks, np.ones(matrix.row_lower.size))
    assert state.limit[rows].tolist() == problem.pools.limit.tolist()
    opened = matrix.columns.of("region_used")
    state.set_columns(opened, np.ones(opened.size))
    assert np.all(state.used()[rows] == 0)
    assert np.all(state.activity[rows] < 0)


def test_constructed_plan_of_a_location_problem_is_near_the_best():
    """Placing customer by customer and improving ends within 5 % of what HiGHS proves."""
    problem = random_location(12, 5, 1, single_share=1.0)
    best = solve_problem(problem, method="direct", gap=0.0)
    built = solve_by_search(problem, time_limit_seconds=6.0, gap=0.0)
    assert best.objective_usd <= built.objective_usd * (1 + 1e-9)
    assert built.objective_usd <= 1.05 * best.objective_usd
    assert built.bound_usd <= best.objective_usd * (1 + 1e-9)
