"""Every constraint family alone: the optimum where it binds, one unit looser, and without the family."""

from __future__ import annotations

import pytest
from binding_cases import CASES, REDUNDANT
from problem_generators import random_problem
from problem_solve import solve, solve_model
from problem_toys import Builder

from formulations import CONSTRAINTS, build_model


def test_every_constraint_has_a_case() -> None:
    """The register lists all constraint families of the model, and nothing else."""
    assert set(CASES) == set(CONSTRAINTS)


@pytest.mark.parametrize("family", sorted(CASES))
def test_optimum_where_it_binds(family: str) -> None:
    """The optimum is the one computed by hand."""
    build, tight, _ = CASES[family]
    assert solve(build(False)).objective == pytest.approx(tight)


@pytest.mark.parametrize("family", sorted(CASES))
def test_optimum_one_unit_looser(family: str) -> None:
    """The optimum changes exactly as computed."""
    build, tight, loose = CASES[family]
    assert loose < tight
    assert solve(build(True)).objective == pytest.approx(loose)


@pytest.mark.parametrize("family", sorted(set(CASES) - REDUNDANT))
def test_it_is_this_family_that_binds(family: str) -> None:
    """Without the family's rows (and those that only repeat others) the plan would be cheaper."""
    build, tight, _ = CASES[family]
    model = build_model(build(False))
    for dropped in (family, *REDUNDANT):
        model.component(dropped).deactivate()
    objective, _ = solve_model(model)
    assert objective is not None
    assert objective < tight - 1e-6


@pytest.mark.parametrize("family", sorted(REDUNDANT))
@pytest.mark.parametrize("seed", range(40))
def test_redundant_families_change_no_optimum(family: str, seed: int) -> None:
    """Without them the optimum is the same, and so is the relaxation's."""
    model = build_model(random_problem(seed))
    for relaxed in (False, True):
        expected, _ = solve_model(model, relaxed=relaxed)
        model.component(family).deactivate()
        found, _ = solve_model(model, relaxed=relaxed)
        model.component(family).activate()
        assert (found is None) == (expected is None)
        assert expected is None or found == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_tenth_of_a_large_node_is_not_enough_in_the_relaxation() -> None:
    """1 unit/s on nodes of 10 at 5 USD, and 1 hour of work in a gang that holds 10 hours: 6 USD and a whole gang."""
    b = Builder(hours=(10.0,))
    r = b.region()
    _, (j,) = b.service(1)
    b.serve(j, r, capacity=10, usd=5)
    job, _ = b.job(1)
    gang = b.slot(job, r, usd=1)
    model = build_model(b.build())
    objective, values = solve_model(model, relaxed=True)
    assert objective == pytest.approx(6)
    assert [value for variable, value in values if variable is model.gangs[gang]] == [pytest.approx(1)]
