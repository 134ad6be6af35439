"""The model against enumeration without a solver, on tiny random problems."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problem_brute_force import least_cost
from problem_generators import random_problem
from problem_solve import solve
from sampled import most

FEATURE_SETS = (
    ("services", "presence", "fixed", "unserved"),
    ("services", "endpoints", "law", "data", "fixed"),
    ("services", "periods", "data", "law"),
    ("jobs", "periods", "unserved"),
    ("jobs", "periods", "law", "pools", "data"),
    ("jobs", "periods", "presence", "fixed"),
    ("services", "jobs", "pools"),
    ("services", "periods", "current", "unserved"),
    ("jobs", "periods", "current"),
    ("services", "jobs", "places", "current"),
    ("services", "places", "fixed"),
    ("services", "periods", "purchases"),
    ("services", "jobs", "purchases"),
    ("jobs", "periods", "purchases", "pools"),
)


@pytest.mark.parametrize("features", FEATURE_SETS, ids="-".join)
@settings(max_examples=most(60), deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_optimum_is_the_enumerated_one(features: tuple[str, ...], seed: int) -> None:
    """Both agree on the least cost, and on whether a plan exists."""
    problem = random_problem(seed, features, tiny=True)
    expected, found = least_cost(problem), solve(problem).objective
    assert (expected is None) == (found is None)
    if expected is not None:
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)
