"""Packings: knapsacks against enumeration, the relaxation against all packings, the optimum of small assignments."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from helper_assignments import make_assignment
from small_models import make_matrix

from formulations.configurations import MasterProblem, build_master, master_arrays
from formulations.problem import Membership
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import from_arrays, to_matrix
from optimizer.solve.incumbent import Incumbent
from optimizer.solve.neighbourhoods.working_plan import worth_usd
from optimizer.solve.parameters import Kernels, Parameters
from optimizer.solve.solution import Termination
from optimizer.solve.special.assignment import kernels
from optimizer.solve.special.assignment.assignment_model import find_assignment
from optimizer.solve.special.assignment.kernels import kernel_search
from optimizer.solve.special.assignment.packing.bounds import PackingRelaxation
from optimizer.solve.special.assignment.packing.dives import settle
from optimizer.solve.special.assignment.packing.knapsacks import MOST_STEPS, Knapsacks, in_steps
from optimizer.solve.special.assignment.packing.packing_search import PackingSearch, is_packed
from optimizer.solve.special.assignment.packing.packings import Prices

CASES = [{}, {"budget": True}, {"forbidden": 0.3}, {"unlimited": 1}, {"part": 0.37}, {"budget": True, "unlimited": 2}]


def _as_assignment(matrix):
    return find_assignment(matrix, worth_usd(matrix, np.zeros(matrix.shape[0])))


def _search(matrix, *, gap=0.0, seconds=60.0, plan=None):
    """A search that has run, with the best plan it took."""
    watch = Watch(seconds)
    best = Incumbent(matrix, watch, start=plan)
    search = PackingSearch(matrix, _as_assignment(matrix), watch, gap=gap, best=best)
    search.run(run(matrix, Watch(60), relaxed=True).row_dual)
    return search, best.x


def _bounds(search):
    return [news.bound_usd for news in search.best.history if news.bound_usd is not None]


def _all_packings(assignment):
    """(place, members) of every set of choices that fits a place."""
    choices, places = assignment.cost.shape
    for place in range(places):
        for chosen in itertools.product([False, True], repeat=choices):
            members = np.array(chosen)
            if (assignment.column[members, place] >= 0).all() and (
                assignment.draw[members, place].sum() <= assignment.limit[place] * (1 + 1e-9)
            ):
                yield place, members


def _master(assignment):
    """The master of `formulations.configurations` with places for workloads and choices for coupling rows."""
    packings = list(_all_packings(assignment))
    choices, places = assignment.cost.shape
    use = [
        *((choice, number, 1.0) for number, (_, members) in enumerate(packings) for choice in np.flatnonzero(members)),
        *(
            (choices + e, number, float(drawn[members, place].sum()))
            for e, drawn in enumerate(assignment.common)
            for number, (place, members) in enumerate(packings)
        ),
    ]
    row, column, weight = (np.array(part) for part in zip(*use, strict=True))
    limits = assignment.common_limit
    return MasterProblem(
        row_lower=np.concatenate([np.ones(choices), np.full(limits.size, -np.inf)]),
        row_upper=np.concatenate([np.ones(choices), limits]),
        penalty_usd=np.zeros(choices + limits.size),
        shared_cost_usd=np.zeros(0),
        shared_upper=np.zeros(0),
        shared_whole=np.zeros(0, dtype=bool),
        shared_use=Membership(np.zeros(0, dtype=int), np.zeros(0, dtype=int), np.zeros(0)),
        unplaced_usd=np.full(places, 1e6),
        workload_count=np.ones(places, dtype=int),
        configuration_workload=np.array([place for place, _ in packings]),
        configuration_cost_usd=np.array([assignment.cost[m, place].sum() for place, m in packings]),
        use=Membership(row, column, weight),
    )


def _enumerated(profit, size, capacity):
    """(worth, contents) of all that fit."""
    for chosen in itertools.product([False, True], repeat=profit.size):
        members = np.array(chosen)
        if size[members].sum() <= capacity and np.isfinite(profit[members]).all():
            yield float(profit[members].sum()), members


@pytest.mark.parametrize("seed", range(12))
def test_knapsacks_against_enumeration(seed):
    """Best contents, and what it costs to hold a choice or to do without it."""
    rng = np.random.default_rng(seed)
    knapsacks = Knapsacks(rng.integers(0, 9, (7, 3)), rng.integers(0, 20, 3))
    profit = np.round(rng.normal(2.0, 3.0, (7, 3)), 1)
    profit[rng.random((7, 3)) < 0.1] = -np.inf
    worth, chosen = knapsacks.best(profit)
    within, without = knapsacks.losses(profit)
    for place in range(3):
        every = list(_enumerated(profit[:, place], knapsacks.size[:, place], knapsacks.capacity[place]))
        best = max(w for w, _ in every)
        assert worth[place] == pytest.approx(best)
        assert (knapsacks.size[:, place] * chosen[:, place]).sum() <= knapsacks.capacity[place]
        for choice in range(7):
            holding = [w for w, m in every if m[choice]]
            assert within[choice, place] == pytest.approx(best - max(holding) if holding else np.inf)
            assert without[choice, place] == pytest.approx(best - max(w for w, m in every if not m[choice]))


def test_sizes_in_steps():
    """Even devices count by two, 7 of them as 3; broken and huge sizes are rounded down, so that what fits fits."""
    a = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [2, 0, 4, 0], [0, 0.7, 0, 1.3]])
    matrix = make_matrix(np.ones(4), a, [1, 1, -np.inf, -np.inf], [1, 1, 7, 2], np.ones(4))
    steps = in_steps(_as_assignment(matrix))
    assert steps.size[:, 0].tolist() == [1, 2]
    assert steps.capacity.tolist() == [3, MOST_STEPS]
    assert steps.size[:, 1].tolist() == [700, 1300]
    huge = replace(_as_assignment(matrix), draw=np.array([[3.0, 0.0], [99_999.0, 0.0]]), limit=np.array([1e5, np.inf]))
    steps = in_steps(huge)
    assert steps.capacity.tolist() == [MOST_STEPS, 0]
    assert steps.size.tolist() == [[0, 0], [1999, 0]]


@pytest.mark.parametrize("options", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_the_relaxation_is_that_of_the_formulation(seed, options):
    """Column generation ends at the optimum over all packings, which is no less than the model's own relaxation."""
    matrix = make_assignment(6, 3, seed, **options)
    assignment = _as_assignment(matrix)
    whole = run(to_matrix(build_master(_master(assignment), whole=False)), Watch(60))
    relaxed = run(matrix, Watch(60), relaxed=True)
    relaxation = PackingRelaxation(assignment, Watch(60))
    prices = relaxation.prices_from(relaxed.row_dual)
    found = relaxation.solve(relaxation.is_option, prices, enough_usd=np.inf, rounds=500, tolerance=0.0)
    bound = found.bound_usd + relaxation.offset_usd
    if whole.termination is Termination.GAP_REACHED and whole.objective_usd < 1e5:
        assert relaxed.objective_usd - 1e-6 <= whole.objective_usd
        assert bound <= whole.objective_usd + 1e-6
        if "part" not in options:  # sizes in steps are exact
            assert bound == pytest.approx(whole.objective_usd)


@pytest.mark.parametrize("options", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_the_bound_holds_at_any_prices(seed, options):
    """For all plans, and for those left when a place is settled."""
    matrix = make_assignment(6, 3, seed, **options)
    assignment, optimum = _as_assignment(matrix), run(matrix, Watch(60))
    rng = np.random.default_rng(seed)
    relaxation = PackingRelaxation(assignment, Watch(60))
    for _ in range(20):
        prices = Prices(rng.uniform(0.0, 40.0, 6), rng.uniform(0.0, 5.0, len(assignment.common)))
        bound, place, members = relaxation.bound(prices, relaxation.is_option)
        assert place.size == members.shape[0]
        if optimum.x is None:
            continue
        assert bound + relaxation.offset_usd <= optimum.objective_usd + 1e-6
        at = assignment.to_places(optimum.x)
        left = relaxation.is_option.copy()
        settle(left, int(at[0]), at == at[0])
        bound, _, _ = relaxation.bound(prices, left)
        assert bound + relaxation.offset_usd <= optimum.objective_usd + 1e-6


@pytest.mark.parametrize("options", CASES)
@pytest.mark.parametrize("seed", range(8))
def test_small_assignments_to_their_optimum(seed, options):
    """Ten jobs on four agents: the optimum, proven; where there is no plan, none is made up."""
    matrix = make_assignment(10, 4, seed, **options)
    whole = run(matrix, Watch(60))
    search, found = _search(matrix)
    if whole.x is None:
        assert found is None
        return
    assert matrix.objective(found) == pytest.approx(whole.objective_usd)
    assert search.best.bound_usd == pytest.approx(whole.objective_usd)


@pytest.mark.parametrize("seed", range(4))
def test_bounds_on_the_way_and_the_gap(seed):
    """Tight assignments of 24 jobs on 8 agents: no bound above the optimum; with a gap, it stops within it."""
    matrix = make_assignment(24, 8, seed, slack=1.04)
    optimum = run(matrix, Watch(60), gap=0.0)
    search, found = _search(matrix, gap=2e-3)
    told = _bounds(search)
    assert told == sorted(told)
    assert max(told) <= optimum.objective_usd + 1e-6
    cost = matrix.objective(found)
    assert cost >= optimum.objective_usd - 1e-6
    assert cost - search.best.bound_usd <= 2e-3 * cost * (1 + 1e-6)


@pytest.mark.parametrize("gap", [0.02, 0.1])
@pytest.mark.parametrize("options", [{}, {"budget": True}, {"unlimited": 1}])
def test_no_bound_above_the_optimum_where_a_gap_is_allowed(options, gap):
    """Parts that hold nothing better by the gap are given up; the bound told allows for that."""
    for seed in range(25):
        matrix = make_assignment(8, 3, seed, slack=1.05, **options)
        optimum = run(matrix, Watch(60))
        search, found = _search(matrix, gap=gap)
        if optimum.x is None:
            assert found is None
            continue
        assert max(_bounds(search), default=-np.inf) <= optimum.objective_usd + 1e-6
        cost = matrix.objective(found)
        assert cost - search.best.bound_usd <= gap * cost * (1 + 1e-6)


@pytest.mark.parametrize("options", CASES)
def test_where_next_to_nothing_fits(options):
    """Nine jobs that just fit or just do not: the optimum, and no plan where there is none."""
    for seed in range(10):
        matrix = make_assignment(9, 3, seed, slack=0.97, **options)
        optimum = run(matrix, Watch(60))
        search, found = _search(matrix, seconds=20.0)
        if optimum.x is None:
            assert found is None
            continue
        assert matrix.objective(found) == pytest.approx(optimum.objective_usd)
        assert search.best.bound_usd == pytest.approx(optimum.objective_usd)


def test_limits_of_nothing():
    """Limits of 0, and of 0 up to rounding, beside broken sizes: what needs something goes elsewhere."""
    matrix = make_assignment(8, 4, 3, part=0.37, slack=2.0)
    upper = matrix.row_upper.copy()
    upper[8:10] = 0.0, 0.3 - 0.1 - 0.2
    matrix = replace(matrix, row_upper=upper)
    search, found = _search(matrix)
    optimum = run(matrix, Watch(60))
    assert matrix.objective(found) == pytest.approx(optimum.objective_usd)
    assert search.best.bound_usd <= optimum.objective_usd + 1e-6


def test_nothing_costs_anything():
    """60 jobs on 12 agents with just enough room, all for nothing: a plan."""
    matrix = make_assignment(60, 12, 1, slack=1.0)
    matrix = replace(matrix, cost=np.zeros(matrix.cost.size))
    assert is_packed(_as_assignment(matrix))
    found = kernel_search(matrix, Watch(30), gap=1e-3, threads=1)
    assert found.termination is Termination.GAP_REACHED
    assert matrix.is_feasible(np.round(found.x))


def test_a_plan_to_begin_with_is_kept_or_bettered():
    matrix = make_assignment(10, 4, 1)
    best = run(matrix, Watch(60))
    search, found = _search(matrix, plan=np.round(best.x))
    assert matrix.objective(found) == pytest.approx(best.objective_usd)
    assert search.best.bound_usd == pytest.approx(best.objective_usd)


def test_no_time():
    """A search without time leaves plan and bound as they are."""
    search, found = _search(make_assignment(10, 4, 1), seconds=0.0)
    assert found is None
    assert search.best.bound_usd <= run(make_assignment(10, 4, 1), Watch(60)).objective_usd


@pytest.mark.parametrize("seed", range(3))
def test_neither_names_nor_scale_matter(seed):
    """Jobs in another order, all costs a thousand times: the optimum with them."""
    matrix = make_assignment(10, 4, seed)
    order = np.random.default_rng(seed).permutation(40)
    other = make_matrix(
        1000.0 * matrix.cost[order], matrix.a.toarray()[:, order], matrix.row_lower, matrix.row_upper, np.ones(40)
    )
    (_, first), (_, second) = _search(matrix), _search(other)
    assert other.objective(second) == pytest.approx(1000.0 * matrix.objective(first))


def test_a_looser_limit_is_never_worse():
    """One more unit for an agent, then ten."""
    costs = []
    for more in (0.0, 1.0, 10.0):
        matrix = make_assignment(12, 4, 5, slack=1.0)
        upper = matrix.row_upper.copy()
        upper[12] += more
        search, found = _search(replace(matrix, row_upper=upper))
        costs.append(matrix.objective(found))
        assert search.best.bound_usd == pytest.approx(costs[-1])
    assert costs == sorted(costs, reverse=True)


def test_where_packings_are_worth_it():
    """Few choices to a place, and more than HiGHS solves at once."""
    assert is_packed(_as_assignment(make_assignment(100, 20, 0)))
    assert not is_packed(_as_assignment(make_assignment(500, 10, 0)))
    assert not is_packed(_as_assignment(make_assignment(10, 4, 0)))


def test_plans_of_the_formulation_are_plans():
    """The integer master over all packings has the optimum of the model."""
    matrix = make_assignment(6, 3, 2)
    whole = run(from_arrays(master_arrays(_master(_as_assignment(matrix)), whole=True)), Watch(60))
    assert whole.objective_usd == pytest.approx(run(matrix, Watch(60)).objective_usd)


@pytest.mark.parametrize("seed", range(4))
def test_a_search_goes_on_from_where_its_rounds_ended(seed):
    """One round at a time comes to the same optimum, and never solves the knapsacks of all plans again."""
    matrix = make_assignment(24, 8, seed, slack=1.04)
    watch, price = Watch(60), run(matrix, Watch(60), relaxed=True).row_dual
    best = Incumbent(matrix, watch)
    search = PackingSearch(matrix, _as_assignment(matrix), watch, gap=0.0, best=best)
    search.run(price, rounds=1)
    roots, turns = search.relaxation.rounds, 0
    while not best.is_within(0.0) and turns < 1000:
        before, turns = search.relaxation.rounds, turns + 1
        search.run(price, rounds=10)
        assert search.relaxation.rounds > before
    assert best.objective_usd == pytest.approx(run(matrix, Watch(60)).objective_usd)
    assert roots < search.relaxation.rounds or turns == 0


@pytest.mark.parametrize("agents", [4, 12])
def test_packings_and_highs_take_turns(agents):
    """Where many choices fill a place HiGHS is first, where few do packings are; both end at the optimum."""
    matrix = make_assignment(360 // agents, agents, 1, slack=1.2)
    watch = Watch(60, parameters=Parameters(kernels=Kernels(first_nodes=1, packings_first=2)))
    found = kernels.search_kernels(matrix, watch, gap=0.0, threads=1, start=None)
    assert found.termination is Termination.GAP_REACHED
    assert found.objective_usd == pytest.approx(found.bound_usd)
    assert matrix.is_feasible(found.x)
    assert {4: "solve", 12: "pack"}[agents] in watch.timings
    assert found.bound_usd == pytest.approx(run(matrix, Watch(60), gap=0.0).objective_usd)
