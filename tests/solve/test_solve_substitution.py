"""What a choice settles is taken out of the model: the same optimum, and only where the conditions hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helper_choices import TWISTS, assignment
from problem_generators import random_problem
from small_models import make_matrix, two_regions

from formulations import build_arrays
from formulations.problem import Presence, Problem
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import from_arrays
from optimizer.solve.matrix import Matrix
from optimizer.solve.presolve.implied_share import settled_share
from optimizer.solve.presolve.implied_variables import Substituted, substitute
from optimizer.solve.solution import Termination


def matrix_of(problem: Problem) -> Matrix:
    return from_arrays(build_arrays(problem))


def sizes(matrix: Matrix) -> dict[str, int]:
    return {name: matrix.columns.of(name).size for name in matrix.columns.names if matrix.columns.of(name).size}


def assert_same_optimum(matrix: Matrix) -> Substituted:
    """The smaller model has the whole model's optimum, and its solution lifted is one of the whole model."""
    smaller = substitute(matrix)
    whole, small = run(matrix, Watch(60)), run(smaller.matrix, Watch(60))
    assert whole.termination is small.termination
    if whole.termination is Termination.GAP_REACHED:
        assert small.objective_usd == pytest.approx(whole.objective_usd, rel=1e-6, abs=1e-6)
        y = np.where(smaller.matrix.integer, np.round(small.x), small.x)
        lifted = smaller.restore(y)
        assert matrix.objective(lifted) == pytest.approx(smaller.matrix.objective(y))
        assert matrix.is_feasible(lifted)
        part = smaller.project(np.where(matrix.integer, np.round(whole.x), whole.x))
        assert smaller.matrix.is_feasible(part)
        assert smaller.matrix.objective(part) <= matrix.objective(whole.x) + 1e-6
    return smaller


def one_region() -> Problem:
    """10 units/s at 4 per instance, in the near region (1 USD each) or the far one (2 USD), not in both."""
    both = np.arange(2)
    bound = {"bounded_workload": np.array([0]), "min_regions": np.array([1]), "max_regions": np.array([1])}
    return replace(two_regions(limits=(100.0, 100.0)), presence=Presence(np.zeros(2, dtype=np.int64), both, **bound))


def test_by_hand():
    """Three instances go with a region: two columns of 3 and 6 USD and one row that chooses."""
    matrix = matrix_of(one_region())
    smaller = assert_same_optimum(matrix)
    assert sizes(smaller.matrix) == {"present": 2}
    assert smaller.matrix.cost.tolist() == [3.0, 6.0]
    assert smaller.matrix.a.toarray().tolist() == [[1.0, 1.0]]  # the pools of 100 devices bind no single column
    full = smaller.restore(np.array([0.0, 1.0]))
    assert full[matrix.columns.of("flow")].tolist() == [0.0, 10.0]
    assert full[matrix.columns.of("instances")].tolist() == [0.0, 3.0]
    choice = smaller.matrix.rows.of("most_regions")
    assert (smaller.matrix.row_lower[choice], smaller.matrix.row_upper[choice]) == (1.0, 1.0)


def test_rounding_makes_no_instance_more():
    """A demand of 3 times the capacity, up to rounding, takes three instances."""
    problem = one_region()
    third = replace(problem.slots, capacity_per_s=np.full(2, 10.0 / 3.0 * (1 - 1e-15)))
    assert substitute(matrix_of(replace(problem, slots=third))).matrix.cost.tolist() == [3.0, 6.0]


def test_a_region_that_is_too_small_is_none():
    """Where most two instances may run, three cannot: the column is 0."""
    problem = one_region()
    slots = replace(problem.slots, max_instances=np.array([2.0, 3.0]))
    smaller = assert_same_optimum(matrix_of(replace(problem, slots=slots)))
    assert smaller.matrix.upper.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("periods", [1, 2])
def test_all_of_a_service_is_settled(seed, periods):
    """Streams and periods alike: what is left are presences and regions in use."""
    smaller = assert_same_optimum(matrix_of(assignment(seed, periods=periods)))
    assert set(sizes(smaller.matrix)) <= {"present", "region_used"}
    assert not {"demand", "throughput", "present_flow", "cover"} & set(row_families(smaller.matrix))


def row_families(matrix: Matrix) -> list[str]:
    return [name for name in matrix.rows.names if matrix.rows.of(name).size]


@pytest.mark.parametrize("seed", range(8))
def test_jobs_of_one_gang_and_one_period(seed):
    """Hours follow gangs; the columns left are binaries."""
    smaller = assert_same_optimum(matrix_of(assignment(seed, jobs=True)))
    assert set(sizes(smaller.matrix)) <= {"present", "region_used", "gangs"}
    assert not {"work", "hours_held"} & set(row_families(smaller.matrix))


@pytest.mark.parametrize("twist", TWISTS)
@pytest.mark.parametrize("seed", range(6))
def test_twists_keep_the_optimum(twist, seed):
    """Each condition broken."""
    assert_same_optimum(matrix_of(assignment(100 + seed, twist, jobs=seed % 2 == 0, periods=1 + seed % 2)))


@pytest.mark.parametrize(
    ("twist", "left"),
    [
        ("two_regions", {"flow", "instances"}),
        ("unserved", {"flow", "instances", "unserved"}),
        ("two_offers", {"flow", "instances"}),
        ("survival", {"instances", "failover"}),
        ("share_lower", {"instances"}),
    ],
)
def test_where_a_condition_fails_columns_stay(twist, left):
    """More than one region, demand left unserved, two offers in a region; instances that something else may want."""
    found = sizes(substitute(matrix_of(assignment(3, twist))).matrix)
    assert left <= set(found)


def test_a_region_that_cannot_serve_all_streams_is_none():
    """In any plan a service in one region serves all of its streams there."""
    smaller = assert_same_optimum(matrix_of(assignment(4, "missing_stream")))
    assert set(sizes(smaller.matrix)) <= {"present", "region_used"}
    first = np.flatnonzero(smaller.matrix.columns.key == 0)[0]
    assert smaller.matrix.upper[first] == 0.0


def test_a_count_that_pays_is_kept():
    """Two columns a, n with a - n <= 0 and n at -1 USD each: more of n is worth something."""
    rows = [[1.0, -1.0], [0.0, 1.0]]
    matrix = make_matrix([1.0, -1.0], rows, [-np.inf, -np.inf], [0.0, 3.0], [1, 5])
    assert substitute(matrix).kept.tolist() == [0, 1]
    assert substitute(replace(matrix, cost=np.array([1.0, 0.0]))).kept.tolist() == [0]


@pytest.mark.parametrize("seed", range(120))
def test_any_problem_keeps_its_optimum(seed):
    """Every family of constraints, drawn at random."""
    assert_same_optimum(matrix_of(random_problem(seed)))


@pytest.mark.parametrize("twist", ["", *TWISTS])
@pytest.mark.parametrize("jobs", [False, True])
def test_the_share_settled_is_what_is_taken_out(twist, jobs):
    """Told from the tables: all where only presences, gangs and regions in use are left, and else the settled part."""
    problem = assignment(4, *([twist] if twist else []), jobs=jobs)
    left = sizes(substitute(matrix_of(problem)).matrix)
    broken = {"two_offers", "two_regions", "unserved", "survival"}
    assert (settled_share(problem) == 1.0) == (twist not in broken)
    if twist not in broken and "share" not in twist:
        assert set(left) <= {"present", "region_used", "gangs"}
