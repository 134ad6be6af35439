"""Linking rows added where they are broken, against the whole model."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from helper_search import solve_by_search
from small_models import location, random_location, two_regions

from formulations import build_arrays
from optimizer.solve import SolutionStatus, Termination, solve_problem
from optimizer.solve.auto import choose
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import from_arrays
from optimizer.solve.special.location.lazy_rows import TOGETHER, is_linking, link, run_linked


def _linked(problem):
    matrix = from_arrays(build_arrays(problem))
    return matrix, link(matrix, Watch(60), least_rows=1)


def _same_optimum(matrix, linked):
    """Whether both models have the same optimum, or none, and the answer holds in the whole model."""
    whole = run(matrix, Watch(60))
    found = run(linked.matrix, Watch(60))
    assert whole.termination is found.termination
    if whole.x is None:
        return
    assert found.objective_usd == pytest.approx(whole.objective_usd, rel=1e-6, abs=1e-6)
    x = linked.restore(found.x)
    assert matrix.worst_violation(x) <= 1e-6
    assert matrix.objective(x) == pytest.approx(found.objective_usd, rel=1e-9, abs=1e-9)
    assert linked.bound_usd <= whole.objective_usd + 1e-6 * abs(whole.objective_usd)
    back = linked.project(whole.x)
    assert linked.matrix.worst_violation(back) <= 1e-6
    assert linked.matrix.objective(back) == pytest.approx(whole.objective_usd, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("single_share", [0.0, 0.4, 1.0])
def test_location_problems_keep_their_optimum(seed, single_share):
    """Split, mixed and single-source customers on a few places."""
    matrix, linked = _linked(random_location(9, 5, seed, single_share=single_share))
    _same_optimum(matrix, linked)


@pytest.mark.parametrize("seed", range(6))
def test_relaxation_is_as_strong_as_with_all_rows(seed):
    """The bound of the rows that were found is that of all of them."""
    matrix, linked = _linked(random_location(30, 8, seed, single_share=0.3))
    everything = run(matrix, Watch(60), relaxed=True)
    few = run(linked.matrix, Watch(60), relaxed=True)
    assert few.objective_usd == pytest.approx(everything.objective_usd, rel=1e-4)
    assert linked.bound_usd == pytest.approx(few.objective_usd, rel=1e-4)
    assert is_linking(linked.matrix).sum() < is_linking(matrix).sum() / 2


def test_what_is_left_by_hand():
    """Three customers on two places: only the one that keeps to one place has presences left, and they are linked."""
    problem = location([[1, 2], [1, 2], [2, 1]], [2, 2, 2], [5, 5], [4, 6], single=[2])
    _, linked = _linked(problem)
    kept = linked.matrix.columns
    assert kept.key[kept.of("present")].tolist() == [4, 5]
    assert linked.replaced.size == 4
    rows = linked.matrix.rows
    assert rows.of(TOGETHER).size == 2
    # both customers' flows per unit of demand and the third one's presence, at most 3 s
    together = linked.matrix.a[[rows.of(TOGETHER)[0]]].toarray().ravel()
    assert np.sort(together[together != 0]).tolist() == [-3.0, 0.5, 0.5, 1.0]


def test_presence_says_where_something_is():
    """A place that is in use for one customer is no presence of the other."""
    problem = location([[0, 9], [9, 0]], [2, 2], [3, 3], [1, 1])
    matrix, linked = _linked(problem)
    found = run_linked(matrix, Watch(20), gap=0.0, threads=1)
    assert found.objective_usd == pytest.approx(2.0)
    x = linked.restore(run(linked.matrix, Watch(20)).x)
    assert np.round(x[matrix.columns.of("present")]).tolist() == [1, 0, 0, 1]
    assert np.round(x[matrix.columns.of("region_used")]).tolist() == [1, 1]


def test_few_rows_and_free_regions_are_left_alone():
    """Nothing is done where there is nothing to gain."""
    assert link(from_arrays(build_arrays(random_location(9, 5, 0))), Watch(20)) is None
    assert link(from_arrays(build_arrays(two_regions())), Watch(20), least_rows=0) is None


def test_large_location_problem_through_the_engine():
    """40 x 30 with linking rows left out ends where the model with all of them does, and goes to HiGHS alone."""
    problem = random_location(40, 30, 0)
    assert choose(problem).method == "direct"
    assert link(from_arrays(build_arrays(problem)), Watch(20)) is not None
    solution = solve_problem(problem, gap=1e-4, threads=1)
    assert solution.status is SolutionStatus.OPTIMAL
    whole = run(from_arrays(build_arrays(problem)), Watch(60), gap=1e-4)
    assert solution.objective_usd == pytest.approx(whole.objective_usd, rel=2e-4)
    assert solution.bound_usd <= whole.objective_usd * (1 + 1e-9)


def test_beside_a_search_plans_are_traded_in_the_terms_of_the_whole_model():
    """A single-source problem with linking rows left out, HiGHS and the search together."""
    problem = random_location(60, 20, 4, single_share=1.0)
    solution = solve_by_search(problem, gap=2e-2, time_limit_seconds=20.0, threads=2, beside=True)
    best = solve_problem(problem, method="location", gap=0.0, threads=1, time_limit_seconds=20.0)
    assert solution.bound_usd <= best.objective_usd * (1 + 1e-9)
    assert best.bound_usd <= solution.objective_usd * (1 + 1e-9)


def test_infeasible_and_cancelled_are_told():
    """More demand than capacity is infeasible; a solve cancelled beforehand says so."""
    problem = location(np.ones((60, 20)), np.full(60, 2.0), np.full(20, 5.0), np.ones(20))
    assert solve_problem(problem).status is SolutionStatus.INFEASIBLE
    cancel = threading.Event()
    cancel.set()
    matrix = from_arrays(build_arrays(random_location(40, 30, 3)))
    assert run_linked(matrix, Watch(20, cancel), gap=0.0, threads=1).termination is Termination.INTERRUPTED
    assert run_linked(matrix, Watch(0.0), gap=0.0, threads=1).termination is Termination.TIME_LIMIT


def test_start_is_taken_over():
    """A plan of the whole model is where the model with few rows begins."""
    problem = random_location(40, 30, 5)
    matrix = from_arrays(build_arrays(problem))
    start = run(matrix, Watch(60), gap=5e-2).x
    found = run_linked(matrix, Watch(60), gap=1.0, threads=1, start=start)
    assert found.objective_usd <= matrix.objective(start) * (1 + 1e-9)
