"""Every constraint family alone: the optimum where it binds, one unit looser, and without the family."""

from __future__ import annotations

import pytest
from binding_cases import CASES
from problem_solve import solve, solve_model

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


@pytest.mark.parametrize("family", sorted(CASES))
def test_it_is_this_family_that_binds(family: str) -> None:
    """Without the family's rows the plan would be cheaper."""
    build, tight, _ = CASES[family]
    model = build_model(build(False))
    model.component(family).deactivate()
    objective, _ = solve_model(model)
    assert objective is not None
    assert objective < tight - 1e-6
