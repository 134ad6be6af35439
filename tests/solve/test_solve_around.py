"""Solves that begin with what an earlier plan uses: toys by hand, random problems that change in between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from problem_generators import random_problem
from problem_toys import Builder

from formulations import build_arrays
from optimizer.solve import SolutionStatus, solve_problem
from optimizer.solve.auto import Choice
from optimizer.solve.deadline import Watch
from optimizer.solve.driver import solve_matrix
from optimizer.solve.highs.hand_over import from_arrays, well_scaled
from optimizer.solve.start_plan import begin_with, plan_around, slots_around


def toy(demand=10.0, cheap=1.0):
    """One stream (10/s), at 1, 2 or 3 USD in three regions, 10/s a machine."""
    b = Builder()
    regions = [b.region() for _ in range(3)]
    _, (stream,) = b.service(demand)
    for region, usd in zip(regions, (cheap, 2.0, 3.0), strict=True):
        b.serve(stream, region, capacity=10.0, usd=usd)
    return b.build()


def used(problem, solution):
    """Slots on which something runs or is served."""
    served = np.bincount(problem.flows.slot, solution.values["flow"], problem.slots.workload.size)
    return np.flatnonzero(solution.values["instances"] + solution.values["gangs"] + served > 1e-6)


def _solve(matrix, problem, watch):
    return solve_matrix(matrix, problem, watch, gap=0.0, threads=1, choice=Choice("direct"))


def test_the_first_plan_is_made_of_what_the_earlier_one_uses():
    """Only the second region was used: 2 USD, though 1 is possible; counts follow demand: 25/s need three machines."""
    for demand, usd in ((10.0, 2.0), (25.0, 6.0)):
        problem = toy(demand)
        first = plan_around(problem, np.array([1]), Watch(10.0), _solve)
        assert first.matrix.objective(first.x) == pytest.approx(usd)
        solution = solve_problem(problem, around=np.array([1]), gap=0.0, time_limit_seconds=10.0, threads=1)
        assert (solution.start_usd, solution.objective_usd) == (pytest.approx(usd), pytest.approx(usd / 2))


def test_a_workload_that_is_left_without_a_slot_gets_all_of_its_own():
    problem = toy()
    assert slots_around(problem, np.array([2])).tolist() == [False, False, True]
    assert slots_around(problem, np.zeros(0, dtype=np.int64)).all()


def test_what_no_longer_suffices_is_no_start_and_no_harm():
    """The only slot that was used holds one machine, and 25/s need three: the others serve them, for 3 USD."""
    problem = toy(25.0)
    problem = replace(problem, slots=replace(problem.slots, max_instances=np.array([9.0, 1.0, 9.0])))
    solution = solve_problem(problem, around=np.array([1]), gap=0.0, time_limit_seconds=10.0, threads=1)
    assert (solution.start_usd, solution.objective_usd) == (None, pytest.approx(3.0))


@pytest.mark.parametrize("seed", range(0, 60, 5))
def test_a_start_changes_no_optimum(seed):
    """The earlier plan is one of the same problem at other prices; every method begins with what it uses."""
    problem = random_problem(seed)
    earlier = solve_problem(_at_other_prices(problem, seed), gap=0.0, time_limit_seconds=20.0, threads=1)
    alone = solve_problem(problem, gap=0.0, time_limit_seconds=20.0, threads=1, method="direct")
    if not earlier.values:
        assert alone.status is SolutionStatus.INFEASIBLE
        return
    around = used(problem, earlier)
    for method in ("direct", "kernel", "decompose"):
        found = solve_problem(
            problem, around=around, gap=1e-6, time_limit_seconds=6.0, threads=1,
            method=method,
        )  # fmt: skip
        assert found.values
        assert found.start_usd is not None or "spend_usd" in problem.budgets.metric  # prices forbid nothing else
        assert found.start_usd is None or found.objective_usd <= found.start_usd * (1 + 1e-6) + 1e-9
        assert found.objective_usd >= alone.bound_usd - 1e-6 * max(1.0, abs(alone.bound_usd))
        if found.status is SolutionStatus.OPTIMAL:
            assert found.objective_usd == pytest.approx(alone.objective_usd, rel=2e-6, abs=1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_a_plan_of_the_shortlist_is_completed_in_the_whole_model(seed):
    """What follows from others (where checkpoints are, who takes over) is found again: it has other numbers there."""
    problem = random_problem(seed)
    earlier = solve_problem(problem, gap=1e-3, time_limit_seconds=20.0, threads=1)
    if not earlier.values:
        return
    first = plan_around(problem, used(problem, earlier), Watch(20.0), _solve)
    assert first is not None
    matrix = well_scaled(from_arrays(build_arrays(problem)), problem)
    x = begin_with(matrix, first.entries(), Watch(20.0))
    assert x is not None
    assert matrix.objective(x) == pytest.approx(first.matrix.objective(first.x), rel=1e-9, abs=1e-9)


def _at_other_prices(problem, seed):
    rng = np.random.default_rng(seed)
    slots = problem.slots
    factor = rng.uniform(0.3, 3.0, slots.workload.size)
    running, working = (
        replace(one, cost={term: usd * factor for term, usd in one.cost.items()})
        for one in (slots.running, slots.working)
    )
    dearer = replace(slots, running=running, working=working)
    return replace(problem, slots=dearer)
