"""Decomposition: closed forms, pricing and the Lagrangian bound against the compact model."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyomo.core as pyo
import pytest
from helper_estate import coupled
from synthetic_estate import estate

from formulations import build_model
from formulations.configurations import MasterProblem, build_master
from formulations.problem import Membership
from optimizer.solve import SolutionStatus, solve_problem
from optimizer.solve.blocks import find_blocks
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.column_generation import Decomposition
from optimizer.solve.decomposition.cut import cut_model
from optimizer.solve.decomposition.pool import Pool
from optimizer.solve.decomposition.pricing import PLAIN_SERVICE, SERVICE, SHORT_JOB, Pricing
from optimizer.solve.decomposition.restricted_master import legal_price
from optimizer.solve.decomposition.service_bounds import dominated
from optimizer.solve.decomposition.slot_pairs import Items, cover_demands
from optimizer.solve.decomposition.small import Effort, SmallProgram, solve_small
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import to_matrix
from optimizer.solve.matrix import submatrix
from optimizer.solve.neighbourhoods.relaxation import solve_relaxation
from optimizer.solve.neighbourhoods.working_plan import worth_usd
from optimizer.solve.parameters import Decomposition as Parts
from optimizer.solve.parameters import Parameters
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows
from optimizer.solve.presolve.requirement_copies import split_requirements

EXACT = Effort(gap=0.0, nodes=100_000, seconds=20.0)
PAGE = (Path(__file__).parents[2] / "docs" / "formulation.md").read_text(encoding="utf-8")


def cut(problem):
    matrix, needs = split_requirements(with_cover_rows(to_matrix(build_model(problem)), problem), problem)
    return matrix, cut_model(matrix, find_blocks(matrix, problem), needs)


def prices(parts, matrix, seed):
    """Return legal prices of the size that the relaxation's have, some rows free."""
    rng = np.random.default_rng(seed)
    worth = worth_usd(matrix, np.zeros(matrix.row_lower.size))[parts.rows]
    return legal_price(parts, rng.choice([-1.0, 0.0, 1.0], worth.size) * worth * rng.uniform(0, 2, worth.size))


def local_optimum(parts, matrix, workload, price):
    """Return the workload's least cost at the prices by HiGHS on its own rows, nothing left out."""
    columns = parts.blocks[workload].columns
    small, _ = submatrix(matrix, columns, np.zeros(matrix.cost.size))
    rows = np.isin(small.rows.key * 1000 + small.rows.component, _labels(matrix, parts.blocks[workload].rows))
    kept = np.flatnonzero(rows)
    alone = type(small)(
        cost=parts.reduced_cost(price)[columns], offset=0.0, lower=small.lower, upper=small.upper,
        integer=small.integer, a=small.a[kept], row_lower=small.row_lower[kept], row_upper=small.row_upper[kept],
        columns=small.columns, rows=small.rows.take(kept),
    )  # fmt: skip
    return run(alone, Watch(60)).objective_usd


def _labels(matrix, rows):
    return matrix.rows.key[rows] * 1000 + matrix.rows.component[rows]


@pytest.mark.parametrize("seed", range(4))
def test_pricing_agrees_with_the_local_rows_of_the_compact_model(seed):
    """At any prices: the bound, the configuration found and HiGHS on the whole block have one and the same cost."""
    problem = coupled(8, seed=seed)
    matrix, parts = cut(problem)
    pool = Pool(parts)
    pricing = Pricing(problem, parts, pool, Watch(60), threads=1)
    everyone = np.ones(8, dtype=bool)
    pricing.price(np.zeros(parts.rows.size), EXACT, settled=0.0, among=everyone)  # what is known then counts no more
    price = prices(parts, matrix, seed)
    priced = pricing.price(price, EXACT, settled=0.0, among=everyone)
    assert priced is not None
    for workload in range(8):
        optimum = local_optimum(parts, matrix, workload, price)
        assert optimum == pytest.approx(priced.lower_usd[workload], rel=1e-5, abs=1e-3)
        assert optimum == pytest.approx(priced.upper_usd[workload], rel=1e-5, abs=1e-3)
    least = np.full(8, np.inf)
    np.minimum.at(least, pool.workload, pool.reduced_cost(price))
    assert least == pytest.approx(priced.upper_usd, rel=1e-5, abs=1e-3)


def test_closed_forms_hold_the_optimum_between_them():
    """Without any integer program: lower bound <= optimum of the workload <= simple solution, for every shape."""
    problem = coupled(14, seed=5)
    matrix, parts = cut(problem)
    pricing = Pricing(problem, parts, Pool(parts), Watch(60), threads=1)
    assert {PLAIN_SERVICE, SERVICE, SHORT_JOB} <= set(pricing.shape.tolist())
    for seed in range(3):
        price = prices(parts, matrix, seed)
        found = pricing._estimates(parts.reduced_cost(price), price)
        known, _ = pricing._known(price, 14)
        for workload in np.flatnonzero(np.isfinite(found.lower_usd)):
            optimum = local_optimum(parts, matrix, workload, price)
            slack = 1e-6 * abs(optimum) + 1e-6
            assert found.lower_usd[workload] <= optimum + slack
            assert known[workload] >= optimum - slack


def test_configurations_obey_their_local_rows():
    """Every configuration in the pool, simple ones included, is a solution of its workload's rows."""
    problem = estate(12, regions=12, seed=3, carbon_limit_kg=1e5)
    matrix, parts = cut(problem)
    pool = Pool(parts)
    pricing = Pricing(problem, parts, pool, Watch(60), threads=1)
    for seed in range(3):
        price = prices(parts, matrix, seed)
        assert pricing.price(price, EXACT, settled=0.0, among=np.ones(12, dtype=bool)) is not None
    assert len(pool) > 12
    for number, workload in enumerate(pool.workload.tolist()):
        x = np.zeros(matrix.cost.size)
        x[pool.columns[number]] = pool.values[number]
        rows = parts.blocks[workload].rows
        assert (matrix.violation(x)[rows] <= 1e-6 * matrix.row_scale[rows]).all()
        assert (x <= matrix.upper + 1e-9).all()


@pytest.mark.parametrize("seed", range(4))
def test_bound_lies_between_the_relaxation_and_the_optimum(seed):
    """The Lagrangian bound is no worse than the relaxation's and never above the optimum."""
    carbon_limit_kg = 3e4 + 1e4 * seed
    problem = estate(6, regions=6, seed=seed, pool=(100, 200), devices=(10.0, 60.0), carbon_limit_kg=carbon_limit_kg)
    optimum = solve_problem(problem, gap=1e-6, method="direct", time_limit_seconds=60)
    assert optimum.status is SolutionStatus.OPTIMAL
    assert optimum.objective_usd is not None
    matrix, parts = cut(problem)
    relaxation = solve_relaxation(matrix, Watch(60), 60)
    assert relaxation.bound_usd is not None
    worth = worth_usd(matrix, relaxation.row_price)[parts.rows]
    state = Decomposition(problem, parts, worth, Watch(60), threads=1)
    assert state.run(gap=1e-5, until_seconds=30.0)
    state.tighten(target_usd=np.inf)
    assert state.proven_usd <= optimum.objective_usd * (1 + 1e-6)
    assert state.proven_usd >= relaxation.bound_usd * (1 - 1e-6)


def test_large_nodes_raise_the_bound_above_the_relaxation():
    """Whole nodes cost more than fractions of them: the decomposition knows, the relaxation does not."""
    problem = estate(20, regions=15, seed=1, devices=(3.0, 30.0), jobs_share=0.0)
    matrix, parts = cut(problem)
    relaxation = solve_relaxation(matrix, Watch(60), 60)
    state = Decomposition(problem, parts, worth_usd(matrix, relaxation.row_price)[parts.rows], Watch(60), threads=1)
    assert state.run(gap=1e-3, until_seconds=30.0)
    state.tighten(target_usd=np.inf)
    assert relaxation.bound_usd is not None
    assert state.proven_usd > 1.01 * relaxation.bound_usd


def test_decomposed_plan_is_within_the_gap_of_the_optimum():
    """The plan put together is feasible, its gap is proven, and the optimum lies between bound and plan."""
    problem = estate(25, regions=15, seed=3, pool=(60, 120), devices=(10.0, 80.0), carbon_limit_kg=2e5)
    solution = solve_problem(problem, gap=5e-3, method="decompose", time_limit_seconds=60)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.method == "decompose"
    direct = solve_problem(problem, gap=1e-2, method="direct", time_limit_seconds=20)
    assert solution.objective_usd >= direct.bound_usd * (1 - 1e-6)
    assert solution.bound_usd <= direct.objective_usd * (1 + 1e-6)


def test_programs_are_solved_where_another_run_had_more_threads():
    """HiGHS refuses to run with one thread after a run of this thread with two: it is made to, and the bound holds."""
    from highspy import _core

    program = SmallProgram(
        cost=np.array([-3.0, -2.0]), lower=np.zeros(2), upper=np.array([5.0, 5.0]), integer=np.ones(2, dtype=bool),
        indptr=np.array([0, 1, 2]), indices=np.zeros(2, dtype=np.int64), data=np.array([2.0, 1.0]),
        row_lower=np.array([-np.inf]), row_upper=np.array([7.0]),
    )  # fmt: skip
    answers = []

    def work():
        other = _core._Highs()
        other.setOptionValue("output_flag", False)
        other.setOptionValue("threads", 2)
        other.addVars(1, np.zeros(1), np.ones(1))
        other.run()
        answers.append(solve_small(program, EXACT, scale=1.0))
        other.resetGlobalScheduler(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert answers[0].x == pytest.approx([1.0, 5.0])
    assert answers[0].cost_usd == pytest.approx(-13.0)
    assert answers[0].bound_usd == pytest.approx(-13.0)


def test_what_no_plan_can_meet_is_proven_infeasible():
    """A model of moderate size whose limits clash ends as infeasible and not at its time limit."""
    problem = estate(6, regions=20)
    tight = replace(problem, pools=replace(problem.pools, limit=np.full(problem.pools.limit.size, 1.0)))
    solution = solve_problem(tight, time_limit_seconds=60.0, method="decompose")
    assert solution.status is SolutionStatus.INFEASIBLE


def test_dominance_by_hand():
    """Eight singles stand in for a node of eight at the same price; not where the node is cheaper or serves more."""
    capacity = np.array([1.0, 8.0, 8.0])
    enough = np.array([16.0, 2.0, 2.0])
    one_stream, nothing = np.zeros((1, 3)), np.zeros((1, 3), dtype=np.int64)

    def gone(prices, most=enough, flow_usd=one_stream, needs=nothing):
        return dominated(np.array(prices), capacity, most, enough, flow_usd=flow_usd, needs=needs).tolist()

    assert gone([1.0, 8.0, 7.9]) == [False, True, False]
    assert gone([1.0, 8.5, 9.0]) == [False, True, True]
    assert gone([1.0, 8.5, 9.0], most=np.array([4.0, 2.0, 2.0])) == [False, False, True]
    two_streams = np.array([[0.0, 0.0, 0.0], [np.inf, 0.0, 0.0]])
    none = np.zeros((2, 3), dtype=np.int64)
    assert gone([1.0, 8.5, 8.5], flow_usd=two_streams, needs=none) == [False, False, True]
    needs = np.array([[1, 0, 2], [0, 0, 0]])  # the singles ask for a mechanism, one node for another
    assert gone([1.0, 8.5, 8.5], flow_usd=np.zeros((2, 3)), needs=needs) == [False, False, True]


def test_master_components_are_those_of_the_documentation():
    """docs/formulation.md lists every component of the master, and nothing else."""
    none = Membership()
    model = build_master(
        MasterProblem(
            row_lower=np.array([1.0, -np.inf, 0.0]), row_upper=np.array([1.0, 2.0, np.inf]),
            penalty_usd=np.ones(3), shared_cost_usd=np.ones(2), shared_upper=np.ones(2),
            shared_whole=np.array([True, False]), shared_use=none,
            unplaced_usd=np.ones(1), workload_count=np.ones(1, dtype=np.int64),
            configuration_workload=np.zeros(1, dtype=np.int64), configuration_cost_usd=np.ones(1), use=none,
        ),
        whole=True,
    )  # fmt: skip
    table = PAGE.split("### Symbol table: master\n", 1)[1].split("\n## ", 1)[0]
    listed = re.findall(r"^\|[^|]*\| `(\w+)` \|", table, flags=re.MULTILINE)
    components = {c.local_name for kind in (pyo.Var, pyo.Constraint) for c in model.component_objects(kind)}
    assert sorted(listed) == sorted(components)


def test_penalties_that_are_too_low_are_raised():
    """A master that would rather break rows than pay ends without breaking any, and the plan obeys every row."""
    problem = estate(25, regions=15, seed=3, pool=(30, 60), devices=(10.0, 80.0), carbon_limit_kg=2e5)
    matrix, parts = cut(problem)
    worth = worth_usd(matrix, np.zeros(matrix.row_lower.size))[parts.rows]
    low = Parameters(decomposition=Parts(penalty_factor=0.02))
    state = Decomposition(problem, parts, worth, Watch(60, parameters=low), threads=1)
    assert state.run(gap=2e-3, until_seconds=40.0)
    assert state.raised > 0
    assert state.is_clean
    found = state.plan(gap=1e-3, seconds=10.0)
    assert found is not None
    assert matrix.is_feasible(found.values(parts, state.pool))


def test_pairs_by_hand():
    """10 units on instances of 4 (3 USD) and 1 (1 USD): two and two; capped, or dear to serve, otherwise."""
    items = Items(np.zeros(2, dtype=np.int64), np.array([10.0]), np.array([4.0, 1.0]), np.array([9.0, 99.0]))
    price, free = np.array([3.0, 1.0]), np.zeros(2)
    found = cover_demands(items, price, free)
    assert (found.cost_usd[0], found.lead[0], found.lead_count[0], found.rest_count[0]) == (8.0, 0, 2.0, 2.0)
    assert found.lead_share[0] == pytest.approx(0.8)
    few = replace(items, most=np.array([9.0, 1.0]))
    assert cover_demands(few, price, free).cost_usd[0] == 9.0  # three of four
    assert cover_demands(items, price, np.array([10.0, 0.0])).cost_usd[0] == 10.0  # ten of one
    none = replace(items, most=np.array([2.0, 1.0]))
    assert cover_demands(none, price, free).cost_usd[0] == np.inf


def test_flows_of_millions_are_solved_in_parts_of_their_stream():
    """3e6 units/s on machines of 1e6 for 1 USD or 2.5e6 for 2.2 USD: three of the first; flows come back in units/s."""
    program = SmallProgram(
        cost=np.array([1.0, 2.2, 0.0, 0.0]), lower=np.zeros(4), upper=np.array([9.0, 9.0, 3e6, 3e6]),
        integer=np.array([True, True, False, False]), indptr=np.array([0, 1, 2, 4, 6]),
        indices=np.array([0, 1, 0, 2, 1, 2]), data=np.array([-1e6, -2.5e6, 1.0, 1.0, 1.0, 1.0]),
        row_lower=np.array([-np.inf, -np.inf, 3e6]), row_upper=np.array([0.0, 0.0, 3e6]),
        start=np.array([3.0, 0.0, 3e6, 0.0]),
    )  # fmt: skip
    for known in (program, replace(program, start=None)):
        answer = solve_small(known, EXACT, scale=1.0)
        assert answer.x == pytest.approx([3.0, 0.0, 3e6, 0.0])
        assert answer.cost_usd == pytest.approx(3.0)
        assert answer.bound_usd == pytest.approx(3.0)
