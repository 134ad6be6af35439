"""Branch and price: limits on workloads, divisions of the search space, and the tree's bound against the optimum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helper_estate import asking, coupled
from synthetic_estate import estate

from formulations import build_model
from optimizer.solve import solve_problem
from optimizer.solve.blocks import find_blocks
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.branch_and_price import Tree
from optimizer.solve.decomposition.branching import Count, Divider, Limit, mean_configurations, no_limits
from optimizer.solve.decomposition.column_generation import Decomposition
from optimizer.solve.decomposition.cut import cut_model
from optimizer.solve.decomposition.pool import Pool
from optimizer.solve.decomposition.pricing import OTHER_SHAPE, Pricing
from optimizer.solve.decomposition.restricted_master import MasterAnswer, legal_price
from optimizer.solve.decomposition.small import Effort, SmallProgram, solve_small
from optimizer.solve.highs.call import Run
from optimizer.solve.highs.hand_over import to_matrix
from optimizer.solve.neighbourhoods.concurrent import beside_highs
from optimizer.solve.neighbourhoods.working_plan import worth_usd
from optimizer.solve.parameters import Decomposition as Parts
from optimizer.solve.parameters import Parameters
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows
from optimizer.solve.presolve.requirement_copies import split_requirements
from optimizer.solve.solution import Termination

EXACT = Effort(gap=0.0, nodes=100_000, seconds=20.0)


def cut(problem):
    matrix, needs = split_requirements(with_cover_rows(to_matrix(build_model(problem)), problem), problem)
    return matrix, cut_model(matrix, find_blocks(matrix, problem), needs)


def whole_program(parts, workload, price):
    """The workload's program with all of its columns and rows."""
    block, matrix = parts.blocks[workload], parts.matrix
    start, row, value = block.entries_of(np.arange(block.columns.size))
    return SmallProgram(
        cost=parts.reduced_cost(price)[block.columns], lower=matrix.lower[block.columns],
        upper=matrix.upper[block.columns], integer=matrix.integer[block.columns], indptr=start, indices=row, data=value,
        row_lower=matrix.row_lower[block.rows], row_upper=matrix.row_upper[block.rows],
    )  # fmt: skip


def toy_pool(problem, seed=0, prices=3):
    """A cut problem, its pool after some prices, and the pricing."""
    matrix, parts = cut(problem)
    pool = Pool(parts)
    pricing = Pricing(problem, parts, pool, Watch(120), threads=1)
    rng = np.random.default_rng(seed)
    worth = worth_usd(matrix, np.zeros(matrix.row_lower.size))[parts.rows]
    everyone = np.ones(len(parts.blocks), dtype=bool)
    price = np.zeros(worth.size)
    for _ in range(prices):
        pricing.price(price, EXACT, settled=0.0, among=everyone)
        price = legal_price(parts, rng.choice([-1.0, 0.0, 1.0], worth.size) * worth * rng.uniform(0, 2, worth.size))
    return parts, pool, pricing, price


def even_answer(parts, pool):
    """A master's optimum in which all configurations of a workload have the same share."""
    count = np.bincount(pool.workload)
    return MasterAnswer(0.0, 0.0, 1.0 / count[pool.workload], np.zeros(parts.shared.size), np.zeros(parts.rows.size))


@pytest.mark.parametrize(("made_by", "seed"), [(coupled, 0), (coupled, 2), (asking, 0), (asking, 2)])
def test_limited_pricing_agrees_with_the_whole_program_and_the_row(made_by, seed):
    """Closed forms, regrets and dominance leave nothing out that a limit asks for: HiGHS on the whole block with the
    row of the limit has the same optimum, in both parts of every division; no part is cheaper than the whole.
    """
    problem = made_by(8, seed)
    parts, pool, pricing, price = toy_pool(problem, seed)
    divider = Divider(problem, parts, pool, pricing.slot_of_column)
    divisions = divider.divisions(no_limits(parts), even_answer(parts, pool))
    assert {division.workload for division in divisions} - {None}
    everyone = np.ones(8, dtype=bool)
    free = pricing.price(price, EXACT, settled=0.0, among=everyone)
    tried = 0
    for division in divisions[:3]:
        workload = division.workload
        if workload is None:
            continue
        for limits in division.parts:
            found = pricing.price(price, EXACT, settled=0.0, among=everyone, limits=limits)
            whole = whole_program(parts, workload, price)
            limited = limits.put_into(whole, workload, parts.blocks[workload].columns)
            optimum = solve_small(limited, EXACT, scale=1.0).cost_usd
            slack = 1e-5 * abs(optimum) + 1e-3 if np.isfinite(optimum) else 0.0
            assert found.lower_usd[workload] == pytest.approx(optimum, rel=1e-5, abs=1e-3)
            assert found.upper_usd[workload] == pytest.approx(optimum, rel=1e-5, abs=1e-3)
            assert found.lower_usd[workload] >= free.lower_usd[workload] - slack
            tried += 1
    assert tried > 3


def test_options_stand_in_for_others_only_as_far_as_a_limit_asks_for_more():
    """One service, options alike but for their price, two machines of each at most, and at least three asked for: two
    of the cheapest and one of the next, though the cheapest beats every other one by one.
    """
    problem = estate(1, regions=1, jobs_share=0.0, offer_share=0.5)
    slots, total = problem.slots, float(problem.services.demand_per_s.sum())
    size = slots.workload.size
    assert size > 4
    assert problem.flows.stream.size == size * problem.services.workload.size
    problem = replace(
        problem, slots=replace(slots, capacity_per_s=np.full(size, total / 1.5), max_instances=np.full(size, 2.0))
    )
    parts, _, pricing, price = toy_pool(problem, prices=0)
    matrix, everyone = parts.matrix, np.ones(1, dtype=bool)
    machines, flows = matrix.columns.of("instances"), matrix.columns.of("flow")
    matrix.cost[flows] = 0.0
    limits = no_limits(parts).with_limit(Limit(Count(0, machines), lower=3.0))
    matrix.cost[machines] = 1.0 + np.arange(size)
    last = [machines[-1], machines[-2]]
    served = flows[pricing.slot_of_column[flows] == pricing.slot_of_column[machines[-1]]]
    demand = problem.services.demand_per_s[problem.flows.stream[pricing.flow_of_column[served]], 0]
    pricing.keep(0, np.concatenate([last, served]), np.concatenate([[2.0, 1.0], demand]))
    found = pricing.price(price, EXACT, settled=0.0, among=everyone, limits=limits)
    assert found.lower_usd == pytest.approx([1.0 + 1.0 + 2.0])
    assert found.upper_usd == pytest.approx([1.0 + 1.0 + 2.0])


def test_a_division_loses_no_configuration_and_parts_the_optimum():
    """Every configuration is in exactly one part; both parts hold some that have a share."""
    problem = coupled(10, seed=1)
    parts, pool, pricing, _ = toy_pool(problem, prices=4)
    divisions = Divider(problem, parts, pool, pricing.slot_of_column).divisions(
        no_limits(parts), even_answer(parts, pool)
    )
    assert divisions == sorted(divisions, key=lambda division: -division.evenness)
    for division in divisions:
        first, second = (limits.allowed(pool) for limits in division.parts)
        if division.workload is not None:
            own = pool.workload == division.workload
            assert (first ^ second)[own].all()
            assert first[own].any()
            assert second[own].any()
            assert first[~own].all()
            assert second[~own].all()


def test_fractional_shared_decisions_are_divided_by_their_bounds():
    """A decision of 0.3 is 0 in one part and at least 1 in the other, and the nearer part comes first."""
    problem = coupled(8)
    parts, pool, pricing, _ = toy_pool(problem, prices=1)
    whole = np.flatnonzero(parts.matrix.integer[parts.shared])
    assert whole.size
    shared = np.zeros(parts.shared.size)
    shared[whole[0]] = 0.3
    one_each = np.zeros(len(pool))
    one_each[np.unique(pool.workload, return_index=True)[1]] = 1.0
    answer = MasterAnswer(0.0, 0.0, one_each, shared, np.zeros(parts.rows.size))
    (division,) = Divider(problem, parts, pool, pricing.slot_of_column).divisions(no_limits(parts), answer)
    down, up = division.parts
    assert division.evenness == pytest.approx(0.3)
    assert down.shared_upper[whole[0]] == 0.0
    assert up.shared_lower[whole[0]] == 1.0


def test_limits_of_several_kinds_hold_together():
    """Counts are sums over columns; a configuration keeps a set of limits when it keeps each; marks tell slots apart
    by the limits that count them.
    """
    problem = coupled(6)
    parts, pool, pricing, _ = toy_pool(problem)
    workload = int(pool.workload[0])
    columns = parts.blocks[workload].columns
    machines = columns[parts.matrix.integer[columns] & (pricing.slot_of_column[columns] >= 0)]
    some, one = Count(workload, machines), Count(workload, machines[:1])
    numbers = np.flatnonzero(pool.workload == workload)
    expected = [pool.values[n][np.isin(pool.columns[n], machines)].sum() for n in numbers.tolist()]
    assert some.count(pool, numbers) == pytest.approx(expected)
    limits = no_limits(parts).with_limit(Limit(some, upper=max(expected))).with_limit(Limit(one, upper=0.0))
    assert limits.allowed(pool)[numbers].tolist() == (one.count(pool, numbers) <= 0.0).tolist()
    slot = pricing.slot_of_column[columns]
    slots = np.unique(slot[slot >= 0])
    marks = limits.marks(workload, columns, slot, slots)
    assert (marks > 0).sum() == np.unique(pricing.slot_of_column[machines]).size
    assert (marks == marks[np.searchsorted(slots, pricing.slot_of_column[machines[0]])]).sum() == 1
    assert no_limits(parts).marks(workload, columns, slot, slots).tolist() == [0] * slots.size


def test_the_mean_of_configurations_is_one():
    """Configurations that differ in continuous columns alone have a mean that keeps the rows and costs their mean."""
    problem = estate(4, regions=4, jobs_share=0.0)
    parts, pool, _, _ = toy_pool(problem, prices=1)
    number = 0
    workload, columns = int(pool.workload[number]), pool.columns[number]
    moved = pool.values[number] * np.where(parts.matrix.integer[columns], 1.0, 0.5)
    other = pool.add(workload, columns, moved)
    shares = np.ones(len(pool))
    shares[[number, other]] = 0.25, 0.75
    shares[(pool.workload == workload) & (shares == 1.0)] = 0.0
    answer = MasterAnswer(0.0, 0.0, shares, np.zeros(parts.shared.size), np.zeros(parts.rows.size))
    ((owner, at, values),) = mean_configurations(parts, pool, answer)
    assert owner == workload
    assert at.tolist() == columns.tolist()
    assert values == pytest.approx(0.25 * pool.values[number] + 0.75 * moved)


def tree_of(problem, gap):
    """The tree on a converged decomposition, and the decomposition."""
    matrix, parts = cut(problem)
    worth = worth_usd(matrix, np.zeros(matrix.row_lower.size))[parts.rows]
    state = Decomposition(problem, parts, worth, Watch(120), threads=1)
    assert state.run(gap=gap, until_seconds=60.0)
    return Tree(problem, state, gap=gap), state, matrix


@pytest.mark.parametrize("seed", range(5))
def test_the_tree_meets_the_optimum(seed):
    """Searched to the end with the optimum known, the tree's bound comes within the gap of it and never above; on the
    way it only rises.
    """
    carbon_limit_kg = 3e4 + 1e4 * seed
    problem = estate(6, regions=6, seed=seed, pool=(100, 200), devices=(10.0, 60.0), carbon_limit_kg=carbon_limit_kg)
    optimum = solve_problem(problem, gap=1e-7, method="direct", time_limit_seconds=60).objective_usd
    assert optimum is not None
    gap = 1e-4
    tree, state, matrix = tree_of(problem, gap)
    bounds = [tree.bound_usd]
    while not tree.is_done and len(bounds) < 400:
        known = tree.solved
        tree.search(lambda: optimum - matrix.offset, lambda plan: None, np.inf, most_nodes=1)
        assert tree.solved == known + 1 or tree.is_done
        bounds.append(tree.bound_usd)
    assert tree.is_done
    assert (np.diff(bounds) >= -1e-6 * abs(optimum)).all()
    assert optimum * (1 - 2 * gap) <= state.proven_usd + matrix.offset <= optimum * (1 + 1e-6)


def test_without_a_plan_the_tree_finds_the_configurations_of_the_optimum():
    """With no plan to compare with, every node is divided until it is whole: the pool then has an optimum's
    configurations, and the integer master finds it.
    """
    problem = estate(5, regions=5, seed=2, pool=(60, 100), devices=(10.0, 60.0), carbon_limit_kg=4e4)
    optimum = solve_problem(problem, gap=1e-7, method="direct", time_limit_seconds=60).objective_usd
    tree, state, matrix = tree_of(problem, 1e-4)
    held = [np.inf]

    def look(found) -> None:
        found = state.plan(gap=0.0, seconds=5.0) if found is None else found
        if found is not None:
            x = found.values(state.cut, state.pool)
            if matrix.is_feasible(x):
                held[0] = min(held[0], matrix.objective(x) - matrix.offset)

    tree.search(lambda: held[0], look, 60.0)
    assert tree.is_done
    assert held[0] + matrix.offset == pytest.approx(optimum, rel=3e-4)


def test_limits_leave_nothing_behind_in_the_master():
    """After a search the master may use every configuration again: its optimum is no higher than before."""
    problem = estate(6, regions=6, seed=1, pool=(100, 200), devices=(10.0, 60.0), carbon_limit_kg=4e4)
    tree, state, _ = tree_of(problem, 1e-3)
    before = state.answer.cost_usd
    tree.search(lambda: np.inf, lambda plan: None, np.inf, most_nodes=5)
    assert state.master.solve(10.0).cost_usd <= before + 1e-6 * abs(before)


def test_jobs_options_that_others_replace():
    """One period, three options: the second is dearer by gang and hour, the third does more than either per gang."""
    problem = estate(6, regions=8, jobs_share=0.5, seed=4)
    parts, _, pricing, _ = toy_pool(problem, prices=1)
    jobs = pricing.jobs
    assert jobs is not None
    workload = int(problem.jobs.workload[0])
    slots = np.flatnonzero(problem.slots.workload == workload)[:3]
    place = jobs.place[slots]
    jobs.speed[place], jobs.useful[place] = [1.0, 1.0, 1.0], [10.0, 10.0, 20.0]
    reduced = parts.matrix.cost.copy()
    reduced[jobs.column_of_gangs[place]] = [5.0, 6.0, 6.0]
    reduced[jobs.column_of_hours[place]] = [1.0, 2.0, 1.0]
    free = np.zeros(3, dtype=np.int64)
    assert jobs.dominated(slots, reduced, free).tolist() == [False, True, False]
    asks = np.array([1, 0, 0])  # the first one asks for something: it stands in for nothing that does not
    reduced[jobs.column_of_gangs[place]] = [5.0, 5.5, 6.0]
    assert jobs.dominated(slots, reduced, asks).tolist() == [False, False, False]
    assert jobs.dominated(slots, reduced, np.array([1, 1, 0])).tolist() == [False, True, False]


def test_other_shapes_are_limited_too():
    """A job of several periods has no closed form: its limits are rows of its program all the same."""
    problem = estate(4, regions=3, jobs_share=0.5, seed=1)
    parts, pool, pricing, price = toy_pool(problem, prices=2)
    pricing.shape[:] = OTHER_SHAPE
    workload = int(pool.workload[0])
    columns = parts.blocks[workload].columns
    machines = columns[parts.matrix.integer[columns] & (pricing.slot_of_column[columns] >= 0)]
    none = no_limits(parts).with_limit(Limit(Count(workload, machines), upper=0.0))
    everyone = np.ones(4, dtype=bool)
    found = pricing.price(price, EXACT, settled=0.0, among=everyone, limits=none)
    assert found.lower_usd[workload] == np.inf  # work needs a gang
    assert np.isfinite(np.delete(found.lower_usd, workload)).all()


def test_a_plan_within_the_gap_is_proven_where_the_relaxation_leaves_more():
    """A few workloads with large nodes: the tree closes what the master's relaxation leaves open."""
    problem = estate(8, regions=20, seed=2, pool=(60, 120), devices=(20.0, 90.0), carbon_limit_kg=6e4)
    solution = solve_problem(problem, gap=5e-4, method="decompose", time_limit_seconds=90, threads=1)
    assert solution.gap is not None
    assert solution.gap <= 5e-4
    direct = solve_problem(problem, gap=1e-2, method="direct", time_limit_seconds=30)
    assert solution.bound_usd <= direct.objective_usd * (1 + 1e-6)
    assert solution.objective_usd >= direct.bound_usd * (1 - 1e-6)


def test_a_tree_begins_where_time_ran_out_between_closed_forms_and_programs():
    """The rounds end with the last one of closed forms: no prices promise anything yet, and a plan is held already."""
    short = Parameters(decomposition=Parts(most_rough_rounds=1, rounds_share=0.0))
    problem = estate(5, regions=5, seed=2, pool=(60, 100), devices=(10.0, 60.0))
    solution = solve_problem(
        problem, gap=1e-3, method="decompose", time_limit_seconds=60, threads=1, parameters=short
    )
    direct = solve_problem(problem, gap=1e-5, method="direct", time_limit_seconds=60, threads=1)
    assert solution.objective_usd >= direct.bound_usd * (1 - 1e-6)
    assert solution.bound_usd <= direct.objective_usd * (1 + 1e-6)


def test_without_a_plan_nothing_ends_a_node():
    """No cost to compare with: a node ends at no bound, however the gap is asked for."""
    problem = estate(3, regions=3, seed=1, pool=(100, 200), devices=(10.0, 60.0))
    for gap in (0.0, 1e-3):
        tree, _, _ = tree_of(problem, 1e-3)
        tree.gap = gap
        assert tree._cutoff(np.inf) == np.inf


@pytest.mark.parametrize("threads", [1, 2])
def test_what_a_search_holds_counts_beside_highs_only_when_it_is_a_plan(threads):
    """Values that break rows, and cost next to nothing, stand neither in the way of a plan nor of its absence."""
    problem = estate(3, regions=4, seed=1, pool=(100, 200), devices=(10.0, 30.0), jobs_share=0.0)
    for limit, expected in ((problem.pools.limit, Termination.GAP_REACHED), (0.0, Termination.INFEASIBLE)):
        tight = replace(problem, pools=replace(problem.pools, limit=np.broadcast_to(limit, problem.pools.limit.shape)))
        matrix = to_matrix(build_model(tight))
        nothing = Run(Termination.TIME_LIMIT, np.zeros(matrix.cost.size), matrix.offset)
        result = beside_highs(matrix, Watch(60), lambda *_, run=nothing: run, gap=1e-4, threads=threads)
        assert result.termination is expected
        assert (result.x is None) == (expected is Termination.INFEASIBLE)
        assert result.x is None or matrix.is_feasible(result.x)


@pytest.mark.parametrize("seed", range(6))
def test_jobs_options_against_all_pairs(seed):
    """Whatever is replaced has a replacement that stays; what stays has none among what stays."""
    rng = np.random.default_rng(seed)
    problem = estate(8, regions=12, jobs_share=0.5, seed=4)
    parts, _, pricing, _ = toy_pool(problem, prices=1)
    jobs = pricing.jobs
    assert jobs is not None
    slots = np.flatnonzero(problem.slots.workload == problem.jobs.workload[0])
    place = jobs.place[slots]
    jobs.speed[place] = rng.integers(1, 4, place.size)
    jobs.useful[place] = np.minimum(rng.integers(4, 12, place.size), 12 / jobs.speed[place])
    reduced = parts.matrix.cost.copy()
    reduced[jobs.column_of_gangs[place]] = gang = rng.integers(-1, 6, place.size).astype(np.float64)
    reduced[jobs.column_of_hours[place]] = rng.integers(1, 5, place.size)
    alike = rng.integers(0, 3, place.size)
    gone = jobs.dominated(slots, reduced, alike)
    unit, most = reduced[jobs.column_of_hours[place]] / jobs.speed[place], jobs.speed[place] * jobs.useful[place]
    wins = (gang[:, None] <= gang) & (unit[:, None] <= unit) & (most[:, None] >= most)
    wins &= (alike[:, None] == 0) | (alike[:, None] == alike)
    np.fill_diagonal(wins, False)
    assert gone.any()
    assert wins[np.ix_(~gone, gone)].any(axis=0).all()
    assert not wins[np.ix_(~gone, ~gone)].any()
