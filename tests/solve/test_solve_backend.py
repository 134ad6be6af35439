"""Who states a model: Pyomo up to a number of columns, arrays above; answers are the same."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from helper_choices import assignment
from problem_generators import random_problem
from synthetic_estate import estate

import domicile
from formulations.build import build_arrays, column_count
from optimizer.solve import backend, least_carbon, solve_problem
from optimizer.solve.deadline import Watch
from optimizer.solve.diagnosis.shortfalls import diagnose
from optimizer.solve.parameters import Model, Parameters


@pytest.fixture
def built(monkeypatch):
    """Return the list of what stated each model from here on."""
    told = []

    def note(name, build, problem):
        told.append(name)
        return build(problem)

    for name in ("build_model", "build_arrays"):
        monkeypatch.setattr(backend, name, partial(note, name, getattr(backend, name)))
    return told


@pytest.mark.parametrize("method", ["direct", "kernel", "decompose"])
def test_by_every_method_both_state_the_same_model(built, method):
    """The size alone decides, and the solution says which it was."""
    problem = estate(4, regions=6)
    costs = []
    for most, by in ((10**6, "pyomo"), (0, "arrays")):
        limits = Parameters(model=Model(pyomo_up_to_columns=most))
        solution = solve_problem(problem, gap=1e-4, threads=1, method=method, time_limit_seconds=4, parameters=limits)
        assert solution.stated_by == by
        costs.append(solution.objective_usd)
    assert built == ["build_model", "build_arrays"]
    assert costs[0] == pytest.approx(costs[1], rel=2e-4)


@pytest.mark.parametrize("seed", range(30))
def test_the_solver_is_given_the_same_rows_and_columns_in_the_same_order(seed):
    """Whoever stated them: name and index of every row and column, bounds, sides and coefficients."""
    problem = random_problem(seed)
    some, other = (backend.state_model(problem, by, Watch(60)) for by in ("pyomo", "arrays"))
    for ours, theirs in ((some.columns, other.columns), (some.rows, other.rows)):
        assert [(ours.names[c], k) for c, k in zip(ours.component, ours.key, strict=True)] == [
            (theirs.names[c], k) for c, k in zip(theirs.component, theirs.key, strict=True)
        ]
    for name in ("cost", "lower", "upper", "integer", "row_lower", "row_upper"):
        assert np.allclose(getattr(some, name), getattr(other, name), rtol=1e-12, atol=0.0), name
    assert (some.a.indices == other.a.indices).all()
    assert (some.a.indptr == other.a.indptr).all()
    assert np.allclose(some.a.data, other.a.data, rtol=1e-12, atol=0.0)


def test_the_columns_counted_are_those_of_the_model():
    """One column more than the limit, and arrays state it."""
    for seed in range(20):
        problem = random_problem(seed)
        arrays = build_arrays(problem)
        counted = column_count(problem)
        assert counted >= arrays.cost.size  # those without a row and a cost have no column
        assert counted - arrays.cost.size <= counted // 2


@pytest.mark.parametrize(("above", "by"), [(0, "pyomo"), (1, "arrays")])
def test_the_limit_is_the_last_that_pyomo_states(above, by):
    """At the limit Pyomo, one column above it arrays."""
    problem = random_problem(3)
    assert backend.stated_by(problem, Model(pyomo_up_to_columns=column_count(problem) - above)) == by


@pytest.mark.parametrize(("most", "name"), [(10**6, "build_model"), (0, "build_arrays")])
def test_second_solves_and_diagnoses_follow_the_rule(built, most, name):
    """Least carbon, and what an infeasible problem lacks."""
    problem, limits = assignment(1, workloads=4), Parameters(model=Model(pyomo_up_to_columns=most))
    first = solve_problem(problem, gap=0.0, threads=1, time_limit_seconds=30, parameters=limits)
    second = least_carbon(
        problem, first, unknown={}, gap=0.01, time_limit_seconds=30, threads=1, parameters=limits
    )
    assert second.values
    diagnose(problem, time_limit_seconds=10, parameters=limits)
    assert built == [name] * 3


def test_the_quickstart_goes_through_pyomo_and_its_plan_says_so():
    """The plan and its table of figures."""
    plan = domicile.solve(domicile.load("quickstart"), threads=1)
    assert plan.stated_by == "pyomo"


def test_arrays_do_without_pyomo():
    """Above the limit neither its components nor its standard form are loaded."""
    code = (
        "import sys; from helper_choices import assignment; from optimizer.solve import solve_problem\n"
        "from optimizer.solve.parameters import Model, Parameters\n"
        "few = Parameters(model=Model(pyomo_up_to_columns=0))\n"
        "found = solve_problem(assignment(1, workloads=5), time_limit_seconds=30, parameters=few)\n"
        "assert found.stated_by == 'arrays'\n"
        "print([m for m in sys.modules if m.startswith(('pyomo.core', 'pyomo.repn'))])"
    )
    root = Path(__file__).parents[2]
    paths = os.pathsep.join(map(str, (root, root / "tests" / "solve", root / "tests" / "formulations")))
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
