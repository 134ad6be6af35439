"""The model against a second formulation written from the mathematics: same optimum, or both without a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problem_generators import random_problem
from problem_independent import least_carbon, least_cost
from problem_solve import solve
from sampled import most

FEATURE_SETS = (
    None,
    ("jobs", "periods", "unserved", "pools"),
    ("jobs", "periods", "data", "presence", "fixed"),
    ("services", "endpoints", "pools", "survival", "unserved"),
    ("services", "endpoints", "survival", "law", "presence", "fixed"),
    ("services", "survival", "data", "law"),
    ("services", "jobs", "periods", "budgets", "shares"),
    ("services", "jobs", "endpoints", "periods", "current", "budgets"),
    ("services", "endpoints", "jobs", "places", "survival", "budgets"),
    ("services", "jobs", "current", "places", "pools", "unserved"),
    ("services", "jobs", "periods", "purchases", "budgets", "pools"),
    ("services", "endpoints", "periods", "purchases", "survival", "unserved"),
)


@pytest.mark.parametrize("features", FEATURE_SETS, ids=lambda x: "-".join(x) if x else "mixed")
@settings(max_examples=most(60), deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_same_optimum_as_the_second_formulation(features: tuple[str, ...] | None, seed: int) -> None:
    """Both agree on the least cost, and on whether a plan exists."""
    problem = random_problem(seed, features)
    expected, found = least_cost(problem), solve(problem).objective
    assert (expected is None) == (found is None)
    if expected is not None:
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("features", FEATURE_SETS, ids=lambda x: "-".join(x) if x else "mixed")
@settings(max_examples=most(24), deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), more=st.sampled_from([0.0, 0.05]))
def test_same_least_carbon_as_the_second_formulation(features: tuple[str, ...] | None, seed: int, more: float) -> None:
    """At the least cost, and at 5 % above it, both agree on the least carbon."""
    problem = random_problem(seed, features)
    cost = solve(problem).objective
    if cost is None:
        return
    cap = cost + more * abs(cost) + 1e-3  # clear of the tolerances of both solvers
    expected = least_carbon(problem, cap)
    found = solve(replace(problem, cost_cap_usd=cap)).objective
    assert expected is not None
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-4)
