"""Rows that a new formulation module adds, which no other module knows of: no method proves what is false of them."""

from __future__ import annotations

from contextlib import ExitStack
from types import SimpleNamespace

import numpy as np
import pytest
from problem_toys import Builder

from formulations.families import COUPLING, LOCAL, Rows, registered
from optimizer.solve import SolutionStatus, solve_problem

METHODS = ("direct", "kernel", "decompose")


def nothing(model, problem):
    """Add nothing."""


@pytest.fixture
def add_family():
    """Return what adds a module with one constraint family to the model, as the contributors' page says."""
    with ExitStack() as stack:

        def add(name, kind, constraint):
            module = SimpleNamespace(
                add_variables=nothing,
                add_local_constraints=constraint if kind == LOCAL else nothing,
                add_coupling_constraints=constraint if kind == COUPLING else nothing,
            )
            stack.enter_context(registered(module, rows={name: Rows(kind, "one", "", "", "here")}))

        yield add


@pytest.mark.parametrize("method", METHODS)
def test_a_coupling_row_on_two_of_four_alike_services(add_family, method):
    """Each service needs one instance, for 1 or 2 USD; a licence lets two of the four have one cheap one: 5 USD.

    `decompose` took the four for identical, gave the licence to those it does not bind, and proved 7 USD.
    """
    b = Builder()
    region = b.region()
    cheap = []
    for _ in range(4):
        _, (stream,) = b.service(1.0)
        cheap.append(b.serve(stream, region, offer=0, capacity=1.0, most=1, usd=1.0))
        b.serve(stream, region, offer=1, capacity=1.0, most=1, usd=2.0)

    def licence(model, problem):
        model.add("licence", np.array([0]), model["instances"][np.array(cheap[:2])].sum() <= 1.0)

    add_family("licence", COUPLING, licence)
    solution = solve_problem(b.build(), method=method, gap=0.0, time_limit_seconds=30)
    assert solution.objective_usd == pytest.approx(5.0)
    assert solution.bound_usd is not None
    assert solution.bound_usd <= 5.0
    assert solution.status is SolutionStatus.OPTIMAL or method not in ("direct", "kernel", "decompose")
    assert solution.values["instances"][cheap[:2]].sum() <= 1.0
