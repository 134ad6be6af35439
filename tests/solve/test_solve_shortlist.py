"""First plans from a shortlist of the options: a restriction of the problem, and what becomes of its plans."""

from __future__ import annotations

import threading
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from helper_estate import coupled
from problem_generators import random_problem
from problem_toys import Builder
from synthetic_estate import estate

from formulations import build_arrays
from formulations.families import VARIABLES
from optimizer.solve import SolutionStatus, Termination, solve_problem
from optimizer.solve.auto import Choice
from optimizer.solve.deadline import Watch
from optimizer.solve.driver import solve_matrix, stated_matrix
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import TriviallyInfeasible, from_arrays
from optimizer.solve.parameters import Parameters, Shortlist
from optimizer.solve.presolve.shortlist import find_first_plan, make_shortlist, restricted
from optimizer.solve.solution_tables import from_entries, from_tables, to_tables

ALWAYS = Parameters(shortlist=Shortlist(from_slots=0))


def toy():
    """One stream (10/s) in three regions: 1 USD each at 3 kg in two offers of the first, 2 USD and 2 kg, 3 and 1."""
    b = Builder()
    regions = [b.region() for _ in range(3)]
    _, (stream,) = b.service(10.0)
    for region, usd, kg in ((0, 1.0, 3.0), (0, 1.5, 3.0), (1, 2.0, 2.0), (2, 3.0, 1.0)):
        b.serve(stream, regions[region], capacity=10.0, usd=usd, carbon_kg=kg)
    return b


def assert_same(one, other):
    for field in fields(one):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if is_dataclass(mine):
            assert_same(mine, theirs)
        elif isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs, err_msg=field.name)
        elif isinstance(mine, dict):
            np.testing.assert_equal(mine, theirs, err_msg=field.name)
        else:
            assert mine == theirs


@pytest.mark.parametrize("seed", range(6))
def test_a_shortlist_of_everything_is_the_problem(seed):
    """Of all slots nothing changes, and tables come back as they are; who takes over in a failure is left out."""
    problem = coupled(8, seed=seed)
    whole = restricted(problem, np.ones(problem.slots.workload.size, dtype=bool))
    assert_same(whole.problem, problem)
    matrix = from_arrays(build_arrays(problem))
    tables = to_tables(matrix, np.arange(matrix.cost.size, dtype=np.float64), problem)
    for name, values in whole.spread(tables, problem).items():
        np.testing.assert_array_equal(values, tables[name] if VARIABLES[name].rows is None else 0.0)


@pytest.mark.parametrize("seed", range(40))
def test_plans_of_a_shortlist_are_plans_of_the_whole(seed):
    """HiGHS' plan of a short list of random problems of all kinds, spread over the whole, obeys every row of it and
    costs the same.
    """
    features = tuple(
        name for name in ("services", "endpoints", "unserved", "jobs", "pools", "budgets", "shares", "presence",
                          "fixed", "law", "data") if np.random.default_rng((seed, len(name))).random() < 0.6
    )  # fmt: skip
    problem = random_problem(seed, features or ("services",))
    short = make_shortlist(problem, each=2, cleanest=1)
    try:
        small, whole = from_arrays(build_arrays(short.problem)), from_arrays(build_arrays(problem))
    except TriviallyInfeasible:
        return
    found = run(small, Watch(20), gap=1e-3)
    if found.x is None:
        return
    x = from_tables(whole, short.spread(to_tables(small, found.x, short.problem), problem))
    assert whole.is_feasible(x)
    assert whole.objective(x) == pytest.approx(small.objective(found.x), rel=1e-9, abs=1e-9)


def test_of_a_pool_the_cheapest_counts_and_with_carbon_the_cleanest_too():
    """One option each: the cheapest of its region; where a budget limits carbon the cleanest comes with it."""
    problem = toy().build()
    assert make_shortlist(problem, each=1).subset.kept["slot"].tolist() == [0]
    assert make_shortlist(problem, each=2).subset.kept["slot"].tolist() == [0, 2]
    limited = toy()
    limited.budget("carbon_kg", 2.5, slots=list(range(4)))
    assert make_shortlist(limited.build(), each=1, cleanest=1).subset.kept["slot"].tolist() == [0, 3]


@pytest.mark.parametrize("seed", range(3))
def test_first_plans_obey_the_whole_problem(seed):
    """The plan found on an estate is feasible in the model of all options, and no cheaper than their optimum."""
    problem = estate(25, regions=15, seed=seed, pool=(200, 300), devices=(10.0, 80.0), carbon_limit_kg=4e5)
    first = find_first_plan(problem, Watch(60), threads=1)
    assert first is not None
    assert first.shortlist.problem.slots.workload.size < problem.slots.workload.size
    whole = from_arrays(build_arrays(problem))
    x = from_entries(whole, first.entries())
    assert whole.is_feasible(x)
    assert whole.objective(x) == pytest.approx(first.matrix.objective(first.x), rel=1e-9)


def test_a_solve_begins_from_the_shortlist():
    """The same answer as without one, with an incumbent before the whole model is stated."""
    problem = estate(25, regions=15, seed=1, pool=(200, 300), devices=(10.0, 80.0), carbon_limit_kg=4e5)
    told = []
    found = solve_problem(
        problem, gap=5e-3, method="decompose", threads=1, progress=told.append, parameters=ALWAYS
    )
    assert found.status is SolutionStatus.OPTIMAL
    assert next(news for news in told if news.phase == "build").incumbent_usd is not None
    without = solve_problem(problem, gap=5e-3, method="direct", threads=1)
    assert found.bound_usd <= without.objective_usd * (1 + 1e-9)
    assert found.objective_usd >= without.bound_usd * (1 - 1e-9)


def test_a_solve_that_ends_before_the_model_is_stated_has_the_plan_of_the_shortlist():
    """Cancelled as soon as stating the whole model begins: a plan of all tables, feasible, without a bound."""
    problem = estate(25, regions=15, seed=1, pool=(200, 300), devices=(10.0, 80.0), carbon_limit_kg=4e5)
    cancel = threading.Event()

    def stop(news):
        if news.phase == "build":
            cancel.set()

    found = solve_problem(
        problem, method="decompose", threads=1, progress=stop, cancel=cancel, parameters=ALWAYS
    )
    assert (found.status, found.termination) == (SolutionStatus.FEASIBLE, Termination.INTERRUPTED)
    assert found.bound_usd is None
    whole = from_arrays(build_arrays(problem))
    x = from_tables(whole, found.values)
    assert whole.is_feasible(x)
    assert whole.objective(x) == pytest.approx(found.objective_usd, rel=1e-9)


def test_problems_without_an_easy_plan_go_on_without_one():
    """Several periods, or limits that nothing can keep: no plan from the shortlist, and no error."""
    periods = random_problem(3, ("services", "jobs", "periods"))
    assert periods.period_hours.size > 1
    assert find_first_plan(periods, Watch(10), threads=1) is None
    problem = estate(6, regions=20)
    problem.pools.limit[:] = 1.0
    assert find_first_plan(problem, Watch(10), threads=1) is None


def test_a_plan_held_is_not_lost_where_time_runs_out_before_the_solve_begins():
    """Out of time between stating the model and solving it: the plan of the shortlist is returned."""
    problem = estate(25, regions=15, seed=1, pool=(200, 300), devices=(10.0, 80.0), carbon_limit_kg=4e5)
    first = find_first_plan(problem, Watch(60), threads=1)
    assert first is not None
    matrix, late = stated_matrix(problem, Watch(60)), Watch(0.0)
    found = solve_matrix(
        matrix, problem, late, gap=1e-3, threads=1, choice=Choice("decompose"), start=first.entries()
    )
    assert found.status is SolutionStatus.FEASIBLE
    assert found.objective_usd == pytest.approx(first.matrix.objective(first.x), rel=1e-9)
    assert solve_matrix(matrix, problem, late, gap=1e-3, threads=1, choice=Choice("decompose")).status is (
        SolutionStatus.NO_PLAN
    )
