"""First plans from simple configurations, and configurations generated for all workloads at once."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from helper_estate import coupled
from scipy import sparse
from synthetic_estate import estate

from formulations import build_model
from optimizer.solve.blocks import find_blocks
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.candidates import SingleSlots, joined, of_pool
from optimizer.solve.decomposition.column_generation import Decomposition
from optimizer.solve.decomposition.configuration_rows import as_rows, ranges, without_dust
from optimizer.solve.decomposition.cut import Classes, cut_model
from optimizer.solve.decomposition.pool import Pool
from optimizer.solve.decomposition.pricing import PLAIN_SERVICE, SERVICE, SHORT_JOB, Pricing
from optimizer.solve.decomposition.selection import Selection
from optimizer.solve.decomposition.slot_pairs import Items, cover_demands
from optimizer.solve.highs.hand_over import to_matrix
from optimizer.solve.neighbourhoods.working_plan import worth_usd
from optimizer.solve.parameters import Decomposition as Parts
from optimizer.solve.parameters import Parameters
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows
from optimizer.solve.presolve.requirement_copies import no_needs, split_requirements


def parts_of(problem, *, needs):
    matrix = with_cover_rows(to_matrix(build_model(problem)), problem)
    split = split_requirements(matrix, problem) if needs else (matrix, no_needs(matrix))
    return split[0], cut_model(split[0], find_blocks(split[0], problem), split[1])


def state_of(problem):
    matrix, parts = parts_of(problem, needs=False)
    worth = worth_usd(matrix, np.zeros(matrix.row_lower.size))[parts.rows]
    state = Decomposition(problem, parts, worth, Watch(60), threads=1)
    assert state._price(settled=1.0) is not None
    return matrix, parts, state


def test_ranges_and_rows_by_hand():
    """Entries in one place add up, those without a column are left out, dust goes."""
    assert ranges(np.array([5, 0, 7]), np.array([2, 0, 3])).tolist() == [5, 6, 7, 8, 9]
    entries = [(np.array([1, 0, 1]), np.array([2, -1, 2]), np.array([1.0, 9.0, 2.0]))]
    assert as_rows(entries, 2, 3).toarray().tolist() == [[0.0, 0.0, 0.0], [0.0, 0.0, 3.0]]
    dusty = sparse.csr_array(np.array([[1e-12, 2.0], [3.0, 0.0]]))
    assert without_dust(dusty).nnz == 2


def test_pool_keeps_a_configuration_once():
    """What is known keeps its number, added one by one or with others; cost and use are those of the matrix."""
    _, parts = parts_of(estate(4, regions=6, seed=1, carbon_limit_kg=1e5), needs=False)
    pool, columns = Pool(parts), parts.blocks[2].columns[:3]
    first = pool.add(2, columns, np.array([1.0, 0.0, 2.0]))
    every = as_rows([(np.array([0, 0, 1]), columns[[0, 2, 1]], np.array([1.0, 2.0, 5.0]))], 2, parts.matrix.cost.size)
    assert pool.add_all(np.array([2, 2]), every).tolist() == [first, first + 1]
    assert pool.add_all(np.array([2, 1]), every[[1, 1]]).tolist() == [first + 1, first + 2]  # of another workload
    start, row, weight = pool.entries()
    use = sparse.csr_array((weight, row, start), shape=(len(pool), parts.rows.size)).toarray()
    assert use[:2] == pytest.approx(every.toarray() @ parts.use.toarray().T)
    assert pool.cost_usd[:2] == pytest.approx(every @ parts.matrix.cost)


@pytest.mark.parametrize("needs", [False, True])
def test_single_slots_are_solutions_of_their_workloads(needs):
    """Every one obeys the workload's own rows, costs what its columns cost, and no two of a workload are alike."""
    problem = coupled(14, seed=5)
    matrix, parts = parts_of(problem, needs=needs)
    pricing = Pricing(problem, parts, Pool(parts), Watch(60), threads=1)
    found = SingleSlots(pricing).cheapest(np.zeros(parts.rows.size), 5)
    assert set(pricing.shape[found.workload].tolist()) == {PLAIN_SERVICE, SERVICE, SHORT_JOB}
    assert 1 < np.bincount(found.workload).max() <= 5
    x = found.values.toarray()
    for number, workload in enumerate(found.workload.tolist()):
        rows = parts.blocks[workload].rows
        assert (matrix.violation(x[number])[rows] <= 1e-9 * matrix.row_scale[rows]).all()
        assert (x[number] <= matrix.upper + 1e-9).all()
        assert np.isin(np.flatnonzero(x[number]), parts.blocks[workload].columns).all()
    assert found.cost_usd == pytest.approx(x @ matrix.cost)
    assert found.use.toarray() == pytest.approx(x @ parts.use.toarray().T)
    assert np.unique(np.column_stack([found.workload, x]), axis=0).shape[0] == found.workload.size


def test_cheapest_single_slot_is_the_best_of_its_kind():
    """At any prices: one job at a time, the cheapest candidate costs what the closed form's best single slot costs."""
    problem = estate(10, regions=8, seed=2, jobs_share=0.8, carbon_limit_kg=1e5)
    _, parts = parts_of(problem, needs=False)
    pricing = Pricing(problem, parts, Pool(parts), Watch(60), threads=1)
    price = -np.random.default_rng(0).uniform(0.0, 2.0, parts.rows.size)
    found = SingleSlots(pricing).cheapest(price, 1)
    assert pricing.jobs is not None
    _, least, _ = pricing.jobs.estimate(parts.reduced_cost(price))
    jobs = np.flatnonzero(pricing.shape[found.workload] == SHORT_JOB)
    assert jobs.size > 1
    paid = (found.cost_usd - found.use @ price)[jobs]
    assert paid == pytest.approx(least[found.workload[jobs]])


def test_placing_by_hand():
    """The dearest workload comes first and takes what it likes best; the next one sees what is left."""
    known = SimpleNamespace(
        workload=np.array([0, 0, 1, 1]), cost_usd=np.array([1.0, 4.0, 2.0, 3.0]),
        entries=lambda: (np.arange(5), np.zeros(4, dtype=np.int64), np.array([2.0, 1.0, 2.0, 1.0])),
    )  # fmt: skip
    single = Classes(np.arange(2), np.ones(2, dtype=np.int64))
    cut = SimpleNamespace(
        row_lower=np.array([-np.inf]), row_upper=np.array([3.0]), blocks=(None, None), classes=single
    )
    state = Selection(cut, known, np.zeros(1), np.array([100.0]))
    state.place_all()
    assert state.chosen.tolist() == [1, 2]
    assert state.used.tolist() == [3.0]
    assert not state.repair(Watch(10)).any()
    assert state.numbers().tolist() == [1, 2]  # each alone can only lose


@pytest.mark.parametrize("seed", range(3))
def test_simple_plan_obeys_every_row(seed):
    """Before there is any price there is a plan, feasible for the whole model."""
    problem = estate(25, regions=15, seed=seed, pool=(200, 300), devices=(10.0, 80.0), carbon_limit_kg=4e5)
    matrix, _, state = state_of(problem)
    numbers = state.simple_plan()
    assert numbers is not None
    x = np.zeros(matrix.cost.size)
    for number in numbers.tolist():
        x[state.pool.columns[number]] += state.pool.values[number]
    assert (state.pool.workload[numbers] == np.arange(25)).all()
    assert matrix.is_feasible(x)


def test_prices_of_what_was_broken_bring_other_configurations():
    """A carbon cap under which none of the cheapest will do: a plan at the second attempt, none at the first."""
    problem = estate(20, regions=15, seed=0, pool=(400, 500), devices=(10.0, 40.0), carbon_limit_kg=2e4)
    matrix, _, state = state_of(problem)
    state.watch.parameters = Parameters(decomposition=Parts(greedy_each=1, greedy_attempts=1))
    assert state.simple_plan() is None
    state.watch.parameters = Parameters(decomposition=Parts(greedy_each=1, greedy_attempts=3))
    numbers = state.simple_plan()
    assert numbers is not None
    x = np.zeros(matrix.cost.size)
    for number in numbers.tolist():
        x[state.pool.columns[number]] += state.pool.values[number]
    assert matrix.is_feasible(x)


def test_no_simple_plan_where_there_is_none():
    """Pools of one device: nothing is said to fit."""
    problem = estate(12, regions=12)
    tight = replace(problem, pools=replace(problem.pools, limit=np.full(problem.pools.limit.size, 1.0)))
    _, _, state = state_of(tight)
    assert state.simple_plan() is None


def test_joined_candidates_are_numbered_on():
    """Those of the pool come first, the others after them."""
    problem = estate(6, regions=6, seed=1, carbon_limit_kg=1e5)
    _, parts, state = state_of(problem)
    simple = SingleSlots(state.pricing).cheapest(np.zeros(parts.rows.size), 3)
    every = joined([of_pool(parts, state.pool), simple])
    assert every.workload.tolist() == [*state.pool.workload.tolist(), *simple.workload.tolist()]
    for have, entries in ((every, every.entries()), (state.pool, state.pool.entries())):
        assert entries[0].size == have.workload.size + 1
    used = [
        sparse.csr_array((weight, row, start), shape=(start.size - 1, parts.rows.size)).toarray()
        for start, row, weight in (every.entries(), state.pool.entries())
    ]
    assert used[0][: len(state.pool)] == pytest.approx(used[1])


@pytest.mark.parametrize("seed", range(6))
def test_covers_are_the_best_of_all_pairs(seed):
    """Over random items: what is found costs as little as any lead with any rest, tried one by one."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 8, 12)
    group = np.repeat(np.arange(12), sizes)
    capacity, demand = rng.uniform(1.0, 20.0, group.size), rng.uniform(1.0, 60.0, 12)
    items = Items(group, demand, capacity, rng.integers(0, 12, group.size).astype(np.float64))
    price, serving = rng.uniform(-1.0 if seed == 5 else 1.0, 5.0, group.size), rng.uniform(0.0, 9.0, group.size)
    found = cover_demands(items, price, serving)
    for own in range(12):
        members = np.flatnonzero(group == own)
        costs = [np.inf]
        for lead in [-1, *members.tolist()]:
            full = 0.0 if lead < 0 else min(np.floor(demand[own] / capacity[lead] + 1e-9), items.most[lead])
            share = 0.0 if lead < 0 else min(full * capacity[lead] / demand[own], 1.0)
            spent = 0.0 if lead < 0 else price[lead] * full + serving[lead] * share
            for other in members.tolist():
                count = np.ceil((1.0 - share) * demand[own] / capacity[other] - 1e-9)
                if count + (full if other == lead else 0.0) <= items.most[other]:
                    costs.append(spent + price[other] * count + serving[other] * (1.0 - share))
        assert found.cost_usd[own] == pytest.approx(min(costs))
