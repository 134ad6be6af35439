"""Plans that start from today, and places in use: the optimum by every method, and ties that stay put."""

from __future__ import annotations

import numpy as np
import pytest
from problem_brute_force import least_cost
from problem_generators import random_problem
from problem_toys import Builder

from formulations import build_arrays
from optimizer.solve import SolutionStatus, solve_problem
from optimizer.solve.highs.hand_over import from_arrays
from optimizer.solve.presolve.requirement_copies import no_needs, with_switches
from optimizer.solve.solution_tables import from_tables

PROVING = ("auto", "direct", "kernel", "decompose")
METHODS = PROVING
FEATURES = (
    ("services", "jobs", "places", "current"), ("services", "periods", "current"), ("jobs", "periods", "current"),
)  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("features", FEATURES, ids="-".join)
@pytest.mark.parametrize("seed", range(3))
def test_every_method_finds_the_enumerated_optimum(method, features, seed):
    """Random problems small enough to enumerate: that optimum."""
    problem = random_problem(seed, features, tiny=True)
    expected = least_cost(problem)
    found = solve_problem(problem, gap=0.0, threads=1, method=method, time_limit_seconds=20.0)
    if expected is None:
        assert found.status in (SolutionStatus.INFEASIBLE, SolutionStatus.NO_PLAN)
    else:
        assert found.objective_usd == pytest.approx(expected, rel=1e-6, abs=1e-6)


def two_alike(room=2):
    """Two services of 1 unit/s on instances of 1 USD in either region, with room for `room` in each; both run in 0."""
    b = Builder()
    regions = [b.region(), b.region()]
    slots = {r: [] for r in regions}
    for _ in range(2):
        w, (stream,) = b.service(1.0)
        for r in regions:
            slots[r].append(b.serve(stream, r, offer=r, usd=1.0))
        b.mover(w, regions[0])
    for r in regions:
        b.pool(room, slots=dict.fromkeys(slots[r], 1.0))
    return b


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("room", "moves"), [(2, 0), (1, 1)])
def test_a_tie_stays_put(method, room, moves):
    """All plans cost 2 USD; where both fit nobody moves, where one fits one does."""
    found = solve_problem(two_alike(room).build(), gap=0.0, threads=1, method=method, time_limit_seconds=20)
    assert found.objective_usd == pytest.approx(2.0)
    assert found.values["moved"].sum() == pytest.approx(moves)


@pytest.mark.parametrize("method", METHODS)
def test_two_that_could_change_places_stay(method):
    """One runs in each region, with room for one in each: changing places costs the same, and is no reason to move."""
    b = two_alike(room=1)
    b.members["stays"] = [(0, 0, 1.0), (1, 1, 1.0)]
    found = solve_problem(b.build(), gap=0.0, threads=1, method=method, time_limit_seconds=20)
    assert found.objective_usd == pytest.approx(2.0)
    assert found.values["moved"].sum() == pytest.approx(0.0)


@pytest.mark.parametrize("method", METHODS)
def test_alike_services_that_run_in_different_regions_are_not_alike(method):
    """As many as run in the dear region today stay there where moving costs more than it saves."""
    b = Builder()
    dear, cheap = b.region(), b.region()
    for k in range(6):
        w, (stream,) = b.service(1.0)
        b.serve(stream, dear, offer=0, usd=3.0)
        b.serve(stream, cheap, offer=1, usd=1.0)
        b.mover(w, dear if k < 4 else cheap, usd=5.0)
    found = solve_problem(b.build(), gap=0.0, threads=1, method=method, time_limit_seconds=20)
    assert found.objective_usd == pytest.approx(4 * 3.0 + 2 * 1.0)
    assert found.values["moved"].sum() == pytest.approx(0.0)
    assert np.round(found.values["instances"]).reshape(6, 2).tolist() == [[1, 0]] * 4 + [[0, 1]] * 2


@pytest.mark.parametrize("seed", range(8))
def test_the_charge_of_a_move_is_spread_and_never_exceeded(seed):
    """Spread over what asks for it, a charge on moves and entries is at most what the plan pays; a plan has them where,
    and only where, something asks.
    """
    problem = random_problem(seed, ("services", "jobs", "endpoints", "periods", "current", "unserved"))
    matrix = from_arrays(build_arrays(problem))
    needs = with_switches(matrix, no_needs(matrix))
    switches = np.concatenate([matrix.columns.of("moved"), matrix.columns.of("entered")])
    assert np.isin(needs.columns, switches).all()
    solution = solve_problem(problem, gap=0.0, threads=1, method="direct", time_limit_seconds=20)
    if not solution.values:
        return
    x = from_tables(matrix, solution.values)
    charged = matrix.cost.copy()
    charged[needs.columns] += np.random.default_rng(seed).uniform(0.0, 50.0, needs.size)
    assert needs.spread(charged) @ x <= charged @ x + 1e-6
    assert needs.project(x)[needs.columns].tolist() == np.round(x[needs.columns]).tolist()
    assert needs.tells(needs.columns).all()
