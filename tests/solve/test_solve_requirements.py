"""Copies of mechanisms per workload: the same plans, a bound that counts whole mechanisms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helper_estate import asking

from formulations import build_model
from formulations.problem import Problem
from optimizer.solve import SolutionStatus, solve_problem
from optimizer.solve.blocks import find_blocks
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.column_generation import Decomposition
from optimizer.solve.decomposition.cut import cut_model
from optimizer.solve.decomposition.decompose import mechanisms_matter
from optimizer.solve.decomposition.pool import Pool
from optimizer.solve.decomposition.pricing import Pricing
from optimizer.solve.decomposition.small import Effort
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import to_matrix
from optimizer.solve.neighbourhoods.working_plan import worth_usd
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows
from optimizer.solve.presolve.requirement_copies import NEED, NEED_MET, NEEDED, split_requirements

EXACT = Effort(gap=0.0, nodes=100_000, seconds=20.0)


def matrix_of(problem: Problem):
    return with_cover_rows(to_matrix(build_model(problem)), problem)


@pytest.mark.parametrize("seed", range(3))
def test_the_split_model_has_the_same_optimum(seed):
    """HiGHS finds the same least cost with copies of the mechanisms and without, and the plan obeys the first model."""
    problem = asking(5, seed)
    matrix = matrix_of(problem)
    split, needs = split_requirements(matrix, problem)
    assert needs.size > 0
    assert split.columns.of(NEEDED).size == needs.size == split.rows.of(NEED_MET).size
    assert split.rows.of(NEED).size == problem.mechanisms.bound.size
    before, after = (run(one, Watch(60), gap=1e-7) for one in (matrix, split))
    assert before.objective_usd == pytest.approx(after.objective_usd, rel=1e-5)
    wide = needs.project(np.where(before.x > 1e-9, before.x, 0.0))  # a flow of 1e-12 would ask for its mechanism
    assert split.is_feasible(wide)
    assert split.objective(wide) == pytest.approx(before.objective_usd)
    assert after.x is not None
    assert matrix.is_feasible(after.x[: matrix.cost.size])


def test_needs_are_numbered_by_workload_and_set_of_mechanisms():
    """Two rows of one workload with the same mechanisms share a need; another workload or another set has its own."""
    problem = asking(5, 0)
    _, needs = split_requirements(matrix_of(problem), problem)
    by = problem.mechanisms.satisfied_by
    streams = np.array([int(np.flatnonzero(problem.mechanisms.by_flow.row == row)[0]) for row in np.unique(by.row)])
    flow = problem.mechanisms.by_flow.column[streams]
    owner = problem.slots.workload[problem.flows.slot[flow]]
    sets = {(int(owner[row]), tuple(sorted(by.column[by.row == row].tolist()))) for row in np.unique(by.row)}
    assert needs.size == len(sets)


def test_spread_charges_never_exceed_the_true_ones():
    """At any charge of the needs every configuration costs at least what it does at spread costs."""
    problem = asking(8, 1)
    split, needs = split_requirements(matrix_of(problem), problem)
    parts = cut_model(split, find_blocks(split, problem), needs)
    pool = Pool(parts)
    pricing = Pricing(problem, parts, pool, Watch(60), threads=1)
    rng = np.random.default_rng(0)
    for _ in range(4):
        price = -rng.uniform(0.0, 2000.0, parts.rows.size) * (split.rows.component[parts.rows] ==
                                                              split.rows.names.index(NEED_MET))
        assert pricing.price(price, EXACT, settled=0.0, among=np.ones(8, dtype=bool)) is not None
        reduced = parts.reduced_cost(price)
        spread = needs.spread(reduced)
        assert (reduced[split.columns.of(NEEDED)] > 0).any()
        for columns, values in zip(pool.columns, pool.values, strict=True):
            assert spread[columns] @ values <= reduced[columns] @ values * (1 + 1e-9) + 1e-6
    asked = [np.isin(columns, split.columns.of(NEEDED)).any() for columns in pool.columns]
    assert any(asked)
    assert not all(asked)


def test_a_configuration_needs_what_its_flows_ask_for():
    """`complete` drops a need nothing asks for and adds the ones that are missing."""
    problem = asking(5, 2)
    split, needs = split_requirements(matrix_of(problem), problem)
    flow = int(split.columns.of("flow")[np.flatnonzero(np.diff(needs.asks.indptr)[split.columns.of("flow")])[0]])
    wanted = needs.columns[needs.asks[[flow]].indices]
    other = next(one for one in split.columns.of(NEEDED).tolist() if one not in wanted)
    columns, values = needs.complete(np.array([flow, other]), np.array([2.0, 1.0]))
    assert columns.tolist() == [flow, *wanted.tolist()]
    assert values.tolist() == [2.0] + [1.0] * wanted.size
    assert needs.complete(np.array([flow, other]), np.array([0.0, 1.0]))[0].tolist() == [flow]


@pytest.mark.parametrize("seed", [0, 2])
def test_bound_counts_whole_mechanisms(seed):
    """With copies the bound is at least as high as without, and never above the optimum."""
    problem = asking(6, seed)
    matrix = matrix_of(problem)
    proven = []
    for model, needs in ((matrix, None), split_requirements(matrix, problem)):
        parts = cut_model(model, find_blocks(model, problem), needs)
        worth = worth_usd(model, np.zeros(model.row_lower.size))[parts.rows]
        state = Decomposition(problem, parts, worth, Watch(60), threads=1)
        for _ in range(5):  # a run ends where a round helps little; the next goes on from better prices
            assert state.run(gap=1e-6, until_seconds=50.0)
            state.tighten(target_usd=np.inf)
        proven.append(state.proven_usd)
    optimum = solve_problem(problem, gap=1e-6, method="direct", time_limit_seconds=60)
    assert optimum.status is SolutionStatus.OPTIMAL
    assert proven[1] >= proven[0] * (1 - 1e-4)
    assert proven[1] <= optimum.objective_usd * (1 + 1e-6)


def test_mechanisms_matter_where_they_are_dear_beside_the_gap():
    """Free ones never do, dear ones do, and a smaller gap makes cheap ones matter."""
    problem = asking(5, 0)
    matrix = matrix_of(problem)
    assert mechanisms_matter(matrix, problem, 1e-3)
    priced = matrix.cost.copy()
    priced[matrix.columns.of("bought")] = 1.0
    cheap = replace(matrix, cost=priced)
    assert not mechanisms_matter(cheap, problem, 1e-3)
    assert mechanisms_matter(cheap, problem, 1e-9)
    priced = priced.copy()
    priced[matrix.columns.of("bought")] = 0.0
    assert not mechanisms_matter(replace(matrix, cost=priced), problem, 1e-9)
