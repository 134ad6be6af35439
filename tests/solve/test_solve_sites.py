"""Local search over sets of open regions and single-source location, against every set and the whole model."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from small_models import location, random_location, two_regions

from formulations import build_arrays
from optimizer.solve import SolutionStatus, Termination, solve_problem
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import from_arrays
from optimizer.solve.incumbent import Incumbent
from optimizer.solve.matrix import Labels, submatrix
from optimizer.solve.presolve.implied_variables import substitute
from optimizer.solve.special.location.benders import _Search
from optimizer.solve.special.location.facility_prices import find_gates, price_openings
from optimizer.solve.special.location.lazy_rows import link, locate
from optimizer.solve.special.location.site_search import (
    OpenSet,
    _estimates,
    find_sites,
    priced_set,
    search_sets,
)


def _single(problem):
    """The model with flows as choices."""
    return substitute(from_arrays(build_arrays(problem))).matrix


def _with_budget(matrix, limit):
    """One more row: what a choice costs apart from openings is `limit` at most."""
    use = np.where(matrix.columns.is_of(["region_used"]), 0.0, matrix.cost)
    return replace(
        matrix, a=sparse.csr_array(sparse.vstack([matrix.a, use[None, :]], format="csr")),
        row_lower=np.append(matrix.row_lower, -np.inf), row_upper=np.append(matrix.row_upper, limit),
        rows=Labels((*matrix.rows.names, "added"), np.append(matrix.rows.component, len(matrix.rows.names)),
                    np.append(matrix.rows.key, 0)),
    )  # fmt: skip


def _cost_of(matrix, openers, chosen):
    """The least cost of the relaxation with some openers open, infinite where they carry too little."""
    fixed = np.zeros(matrix.cost.size)
    fixed[openers[chosen]] = 1.0
    others = np.setdiff1d(np.arange(matrix.cost.size), openers)
    found = run(submatrix(matrix, others, fixed)[0], Watch(60), relaxed=True)
    return np.inf if found.termination is Termination.INFEASIBLE else found.objective_usd


def test_a_set_by_hand():
    """Two customers of 2 units/s, unit costs 1 or 4 at the one place and 3 at the other, which has room for all.

    The first has room for 3: a unit/s goes elsewhere at 3 - 1, so that its limit is worth 2 per unit.
    """
    matrix = _single(location([[1.0, 3.0], [1.0, 3.0]], [2.0, 2.0], [3.0, 4.0], [5.0, 7.0], single=[0, 1]))
    sites = find_sites(matrix, find_gates(matrix))
    assert sites.cost.tolist() == [[2.0, 2.0], [6.0, 6.0]]
    assert sites.draw.tolist() == [[2.0, 2.0], [0.0, 0.0]]
    assert sites.fixed_usd.tolist() == [5.0, 7.0]
    assert sites.limit.tolist() == [3.0, np.inf]  # the second is never full
    found = priced_set(sites, np.array([0, 1]), np.zeros(2), 300)
    assert found.usd == pytest.approx(5.0 + 7.0 + 3 * 1.0 + 1 * 3.0, rel=1e-3)
    assert found.usd <= 18.0 + 1e-9
    best = search_sets(sites, np.array([0.2, 0.9]), lambda: False, count=2)
    assert [sorted(one.chosen.tolist()) for one in best] == [[0, 1], [1]]
    assert [one.usd for one in best] == pytest.approx([18.0, 7.0 + 4 * 3.0], rel=1e-3)


@pytest.mark.parametrize("single_share", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_prices_and_estimates_stay_below_the_linear_programs(seed, single_share):
    """All 31 sets of five places: prices say nearly what a set costs, and no more; nor do estimates of neighbours."""
    matrix = _single(random_location(9, 5, seed, single_share=single_share))
    if single_share == 0.0:
        matrix = link(matrix, Watch(60), least_rows=1).matrix
    openers, sites = find_gates(matrix).openers, find_sites(matrix, find_gates(matrix))
    sets = [np.array(c) for size in range(1, 6) for c in itertools.combinations(range(5), size)]
    cost = {tuple(chosen): _cost_of(matrix, openers, chosen) for chosen in sets}
    for chosen in sets:
        found = priced_set(sites, chosen, np.zeros(chosen.size), 300)
        usd = cost[tuple(chosen)]
        assert found.usd <= usd * (1 + 1e-9)
        assert found.usd == pytest.approx(usd, rel=5e-3) or not np.isfinite(usd)
        outside = np.setdiff1d(np.arange(5), chosen)
        estimates = _estimates(sites, OpenSet(chosen, found.price, found.usd), outside, lambda: False)
        for leaving in range(chosen.size + 1):
            for place, coming in enumerate(outside):
                swapped = np.sort(np.append(np.delete(chosen, [leaving] if leaving < chosen.size else []), coming))
                assert estimates[leaving, place] <= cost[tuple(swapped)] * (1 + 1e-9)
    best = search_sets(sites, np.full(5, 0.5), lambda: False, count=1)[0]
    assert cost[tuple(np.sort(best.chosen))] == pytest.approx(min(cost.values()), rel=5e-3)


@pytest.mark.parametrize("budget", [None, 0.97, 0.5])
@pytest.mark.parametrize("seed", range(6))
def test_one_source_per_customer_is_exact(seed, budget):
    """The optimum of the whole model, proven, also with a budget that binds or that nothing keeps to; bounds on the way
    are no higher, plans no lower.
    """
    matrix = _single(random_location(25, 8, seed, single_share=1.0))
    if budget is not None:
        best = run(matrix, Watch(60)).x
        use = matrix.cost @ np.where(matrix.columns.is_of(["region_used"]), 0.0, best)
        matrix = _with_budget(matrix, budget * use)
    whole, seen = run(matrix, Watch(60)), []
    found = locate(matrix, Watch(60, progress=seen.append), gap=0.0, threads=1, least_rows=1)
    if whole.termination is Termination.INFEASIBLE:
        assert found is None or found.termination is Termination.INFEASIBLE
        return
    assert found.termination is Termination.GAP_REACHED
    assert found.objective_usd == pytest.approx(whole.objective_usd, rel=1e-6)
    assert found.bound_usd == pytest.approx(whole.objective_usd, rel=1e-6)
    assert matrix.is_feasible(found.x)
    slack = 1e-6 * whole.objective_usd
    assert all(report.bound_usd is None or report.bound_usd <= whole.objective_usd + slack for report in seen)
    assert all(report.incumbent_usd is None or report.incumbent_usd >= whole.objective_usd - slack for report in seen)


def test_the_whole_solve_takes_this_way():
    """70 customers of one source, 80 places: no bound of `auto` is above any plan; with more room no plan is dearer."""
    rng = np.random.default_rng(3)
    places, customers, demand = rng.uniform(0, 9, (80, 2)), rng.uniform(0, 9, (70, 2)), rng.integers(5, 36, 70)
    cost = np.linalg.norm(customers[:, None] - places, axis=2)
    capacity, fixed = np.full(80, 0.3 * demand.sum()), rng.uniform(150, 250, 80)
    plain, roomy = (
        solve_problem(location(cost, demand, size * capacity, fixed, single=np.arange(70)), gap=1e-3, threads=1)
        for size in (1.0, 1.2)
    )
    for found in (plain, roomy):
        assert found.status is SolutionStatus.OPTIMAL
        assert "open" in found.timings
        assert found.objective_usd - found.bound_usd <= 1e-3 * found.objective_usd * (1 + 1e-5)
    assert roomy.bound_usd <= plain.objective_usd * (1 + 1e-9)


def test_a_start_is_kept_where_it_is_good():
    """The optimum to begin with ends as the optimum; a start that breaks a limit does no harm."""
    matrix = _single(random_location(25, 8, 1, single_share=1.0))
    best = run(matrix, Watch(60))
    for start in (np.round(best.x), np.ones(matrix.cost.size)):
        found = locate(matrix, Watch(60), gap=1e-6, threads=1, start=start, least_rows=1)
        assert found.objective_usd == pytest.approx(best.objective_usd, rel=1e-5)


def test_what_is_not_for_it():
    """No openers, mixed customers, two limits of a place, more than may be held: nothing is done."""
    for problem in (two_regions(), random_location(9, 5, 0, single_share=0.5)):
        matrix = _single(problem)
        assert find_sites(matrix, find_gates(matrix)) is None
        assert locate(matrix, Watch(20), gap=0.0, threads=1, least_rows=1) is None
    matrix = _single(random_location(9, 5, 0, single_share=1.0))
    limits = matrix.rows.of("work_rate")
    twice = replace(
        matrix, a=sparse.csr_array(sparse.vstack([matrix.a, matrix.a[limits]], format="csr")),
        row_lower=np.append(matrix.row_lower, matrix.row_lower[limits]),
        row_upper=np.append(matrix.row_upper, matrix.row_upper[limits]),
        rows=matrix.rows.take(np.append(np.arange(matrix.shape[0]), limits)),
    )  # fmt: skip
    assert find_sites(twice, find_gates(twice)) is None


def test_no_time_and_cancel():
    """Out of time or cancelled, what it returns is no claim."""
    matrix = _single(random_location(25, 8, 1, single_share=1.0))
    cancel = threading.Event()
    cancel.set()
    for watch in (Watch(0.0), Watch(20, cancel)):
        assert locate(matrix, watch, gap=0.0, threads=1, least_rows=1) is None


def test_a_watch_within_a_watch():
    """It ends with the whole, tells it of plans and not of bounds, and passes on an interrupt."""
    whole = Watch(60)
    part = whole.within(5.0)
    assert part.left_seconds() <= 5.0
    part.note(incumbent_usd=7.0, bound_usd=6.0)
    assert (whole.incumbent_usd, whole.bound_usd) == (7.0, None)
    assert not part.should_stop()
    part.interrupt()
    assert whole.interrupted
    assert part.should_stop()


@pytest.mark.parametrize("single_share", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_cuts_between_a_set_and_the_core_hold_for_every_set(seed, single_share):
    """All 31 sets of five places; what the master proposes before it knows better is no set at all."""
    matrix = link(_single(random_location(9, 5, seed, single_share=single_share)), Watch(60), least_rows=1).matrix
    gates = find_gates(matrix)
    relaxed = price_openings(matrix, gates, np.zeros(matrix.shape[0]), run(matrix, Watch(60), relaxed=True).x)
    watch = Watch(60)
    best = Incumbent(matrix, watch, bound_usd=relaxed.bound_usd)
    search = _Search(
        matrix, gates, relaxed, best, watch, gap=0.0, threads=1, sites=find_sites(matrix, gates)
    )  # fmt: skip
    search.cuts.add(gates, relaxed, is_cost=True)
    for _ in range(12):
        assert search.turn(60.0) or best.is_within(1e-9) or len(search.proposed) > 1
    assert np.zeros(5, dtype=bool).tobytes() in search.proposed
    assert len(search.cuts.slope) > 5
    sets = [np.array(values) for values in itertools.product((0.0, 1.0), repeat=5)][1:]
    cost = np.array([_cost_of(matrix, gates.openers, np.flatnonzero(values)) for values in sets])
    for constant, slope, is_cost in zip(
        search.cuts.constant, search.cuts.slope, search.cuts.is_cost, strict=True
    ):
        said = constant + np.array(sets) @ slope
        if is_cost:
            assert np.all(said <= cost + 1e-6 * np.abs(cost))
        else:
            assert np.all(said[np.isfinite(cost)] <= 1e-6)
    assert best.bound_usd <= run(matrix, Watch(60)).objective_usd * (1 + 1e-6)
