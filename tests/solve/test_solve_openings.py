"""Prices of openings, cuts over sets of open regions and the search with them, against every set and the whole."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from problem_generators import random_problem
from sampled import sampled
from small_models import knapsack, location, random_location

from formulations import build_arrays
from optimizer.solve import SolutionStatus, solve_problem
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import from_arrays
from optimizer.solve.incumbent import Incumbent
from optimizer.solve.matrix import submatrix
from optimizer.solve.parameters import Location, Parameters
from optimizer.solve.solution import Termination
from optimizer.solve.special.location.benders import _Search, solve_openings
from optimizer.solve.special.location.facility_prices import find_gates, price_openings
from optimizer.solve.special.location.lazy_rows import link


def _linked(problem):
    return link(from_arrays(build_arrays(problem)), Watch(60), least_rows=1)


def _least_with(matrix, openers, values):
    """The least cost of the relaxation with given openers, infinite where they carry too little."""
    fixed = np.zeros(matrix.cost.size)
    fixed[openers] = values
    others = np.ones(matrix.cost.size, dtype=bool)
    others[openers] = False
    part, kept = submatrix(matrix, np.flatnonzero(others), fixed)
    alone = np.setdiff1d(np.arange(matrix.shape[0]), kept)
    if matrix.violation(fixed)[alone].max(initial=0.0) > 1e-9:
        return np.inf
    found = run(part, Watch(60), relaxed=True)
    return np.inf if found.termination is Termination.INFEASIBLE else found.objective_usd


def test_opening_cost_by_hand():
    """One customer of 2 units/s at prices of 5: a place at 1 per unit for a fixed 10 gains 8 and costs 2 to open."""
    linked = _linked(location([[1.0, 3.0]], [2.0], [5.0, 5.0], [10.0, 1.0]))
    matrix = linked.matrix
    gates = find_gates(matrix)
    assert gates.openers.size == 2
    assert (gates.of_column >= 0).sum() == 2
    price = np.zeros(matrix.shape[0])
    price[matrix.rows.of("demand")] = 5.0
    prices = price_openings(matrix, gates, price, np.zeros(matrix.cost.size))
    assert prices.reduced_cost[gates.openers].tolist() == pytest.approx([2.0, -3.0])
    assert prices.bound_usd == pytest.approx(10.0 - 3.0)  # 2 units at 5, and the second place gains


def test_a_limit_takes_the_best_first():
    """Room for 3 of two customers of 2 units/s each, at gains of 4 and 1 per unit: 8 + 1."""
    matrix = _linked(location([[1.0], [4.0]], [2.0, 2.0], [3.0], [7.0])).matrix
    gates = find_gates(matrix)
    price = np.zeros(matrix.shape[0])
    price[matrix.rows.of("demand")] = 5.0
    prices = price_openings(matrix, gates, price, np.zeros(matrix.cost.size))
    assert prices.reduced_cost[gates.openers].tolist() == pytest.approx([7.0 - 9.0])


@pytest.mark.parametrize("seed", range(8))
def test_cuts_hold_for_every_set_and_are_exact_at_their_own(seed):
    """All 32 sets of five places: no cut says more than a set costs, and the set's own says just that."""
    matrix = _linked(random_location(9, 5, seed)).matrix
    gates = find_gates(matrix)
    relaxed_x = run(matrix, Watch(60), relaxed=True).x
    relaxed = price_openings(matrix, gates, np.zeros(matrix.shape[0]), relaxed_x)
    watch = Watch(60)
    best = Incumbent(matrix, watch, bound_usd=relaxed.bound_usd)
    search = _Search(matrix, gates, relaxed, best, watch, gap=0.0, threads=1)
    sets = [np.array(values, dtype=float) for values in itertools.product((0.0, 1.0), repeat=5)]
    cost = np.array([_least_with(matrix, gates.openers, values) for values in sets])
    for values in sets:
        assert search.evaluate(values)
    assert not search.evaluate(sets[3])
    for place, (constant, slope, is_cost) in enumerate(
        zip(search.cuts.constant, search.cuts.slope, search.cuts.is_cost, strict=True)
    ):
        said = constant + np.array(sets) @ slope
        assert is_cost == np.isfinite(cost[place])
        if is_cost:
            assert np.all(said <= cost + 1e-6 * np.abs(cost))
            assert said[place] == pytest.approx(cost[place], rel=1e-6)
        else:
            assert np.all(said[np.isfinite(cost)] <= 1e-6)
            assert said[place] > 1e-6
    assert search.best.objective_usd == pytest.approx(cost.min())


@pytest.mark.parametrize("part", sampled(range(4)))
def test_prices_bound_any_problem(part):
    """Jobs, copies, law, survival and periods: at any prices bound and cut are below the optimum."""
    tried = 0
    for seed in range(40 * part, 40 * part + 40):
        matrix = from_arrays(build_arrays(random_problem(seed)))
        gates = find_gates(matrix)
        whole = run(matrix, Watch(60))
        relaxed = run(matrix, Watch(60), relaxed=True)
        if not gates.openers.size or whole.x is None or relaxed.row_dual is None:
            continue
        tried += 1
        noise = np.random.default_rng(seed).uniform(0.5, 1.5, matrix.shape[0])
        for price in (relaxed.row_dual, relaxed.row_dual * noise):
            prices = price_openings(matrix, gates, price, relaxed.x)
            if prices is None:
                continue
            slope = prices.reduced_cost[gates.openers]
            said = prices.bound_usd - np.minimum(slope, 0.0).sum() + slope @ np.round(whole.x[gates.openers])
            slack = 1e-6 * max(abs(whole.objective_usd), 1.0)
            assert prices.bound_usd <= said + slack <= whole.objective_usd + 2 * slack
        closed = np.append(whole.x[gates.openers] < 0.5, False)
        assert np.abs(whole.x[closed[gates.of_column]]).max(initial=0.0) < 1e-6
    assert tried >= 5


@pytest.mark.parametrize("seed", range(10))
def test_search_is_exact(seed):
    """The optimum of the whole model, proven; bounds on the way are no higher."""
    problem = random_location(25, 12, seed)
    matrix, linked = from_arrays(build_arrays(problem)), _linked(problem)
    whole = run(matrix, Watch(60))
    seen = []
    found = solve_openings(
        linked.matrix, Watch(60, progress=seen.append), x=linked.x, row_price=linked.row_price, gap=0.0, threads=1
    )
    assert found.termination is Termination.GAP_REACHED
    assert found.objective_usd == pytest.approx(whole.objective_usd, rel=1e-6)
    assert found.bound_usd == pytest.approx(whole.objective_usd, rel=1e-6)
    assert matrix.is_feasible(linked.restore(found.x))
    slack = 1e-6 * whole.objective_usd
    assert all(report.bound_usd is None or report.bound_usd <= whole.objective_usd + slack for report in seen)
    assert all(report.incumbent_usd is None or report.incumbent_usd >= whole.objective_usd - slack for report in seen)


@pytest.mark.parametrize("gap", [1e-3, 1e-2])
@pytest.mark.parametrize("seed", range(2))
def test_search_keeps_to_the_gap(seed, gap):
    problem = random_location(60, 20, seed)
    linked = _linked(problem)
    optimum = run(linked.matrix, Watch(60)).objective_usd
    found = solve_openings(linked.matrix, Watch(60), x=linked.x, row_price=linked.row_price, gap=gap, threads=1)
    assert found.bound_usd <= optimum * (1 + 1e-6) <= found.objective_usd * (1 + 2e-6)
    assert found.objective_usd - found.bound_usd <= gap * found.objective_usd * (1 + 1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_relaxation_from_few_columns(seed):
    """Begun with two columns of each customer, which may carry too little, it ends where the one with all does."""
    few = Parameters(location=Location(sift_from_columns=1, cheapest=2, stall=1e-9))
    matrix = from_arrays(build_arrays(random_location(30, 12, seed)))
    linked = link(matrix, Watch(60, parameters=few), least_rows=1)
    whole = run(matrix, Watch(60), relaxed=True)
    assert linked.bound_usd == pytest.approx(whole.objective_usd, rel=1e-7)
    assert linked.matrix.objective(linked.x) == pytest.approx(whole.objective_usd, rel=1e-7)


def test_what_is_not_for_it():
    """Without openers, or with more that is whole, there is nothing to do; a start is kept when nothing is better."""
    matrix = knapsack(10, 2)
    assert solve_openings(matrix, Watch(9), x=np.zeros(10), row_price=np.zeros(2), gap=0.0, threads=1) is None
    single = _linked(random_location(12, 5, 1, single_share=1.0))
    args = {"x": single.x, "row_price": single.row_price, "gap": 0.0, "threads": 1}
    assert solve_openings(single.matrix, Watch(9), **args) is None


def test_infeasible_is_said():
    """Demand above all capacity."""
    linked = _linked(location(np.ones((6, 3)), np.full(6, 2.0), np.full(3, 3.0), np.ones(3)))
    assert linked.x is None
    problem = random_location(60, 20, 2)
    linked = _linked(problem)
    begin = run(linked.matrix, Watch(60), gap=5e-2).x
    found = solve_openings(
        linked.matrix, Watch(60), x=linked.x, row_price=linked.row_price, gap=1.0, threads=1, start=begin
    )
    assert found.objective_usd <= linked.matrix.objective(begin) * (1 + 1e-9)


def test_more_room_is_never_dearer():
    """Metamorphic: with capacities a tenth larger the optimum does not rise."""
    rng = np.random.default_rng(5)
    cost, demand = rng.uniform(0, 3, (60, 20)), rng.integers(5, 36, 60)
    capacity, fixed = np.full(20, 0.15 * demand.sum()), rng.uniform(50, 150, 20)
    answers = [
        solve_problem(location(cost, demand, size * capacity, fixed), gap=1e-6, threads=1) for size in (1.0, 1.1)
    ]
    assert all(answer.status is SolutionStatus.OPTIMAL for answer in answers)
    assert answers[1].objective_usd <= answers[0].objective_usd * (1 + 2e-6)
