"""Every constraint family alone: the optimum where it binds, one unit looser, and without the family."""

from __future__ import annotations

import numpy as np
import pytest
from binding_cases import CASES, REDUNDANT, TIGHTENING
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


@pytest.mark.parametrize("family", sorted(set(CASES) - REDUNDANT - TIGHTENING))
def test_it_is_this_family_that_binds(family: str) -> None:
    """Without the family's rows (and those that only repeat others) the plan would be cheaper."""
    build, tight, _ = CASES[family]
    model = build_model(build(False))
    for dropped in (family, *REDUNDANT, *TIGHTENING):
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


@pytest.mark.parametrize("seed", range(40))
def test_tightening_families_change_no_optimum(seed: int) -> None:
    """Without all of them the optimum is the same, and the relaxation's no higher."""
    model = build_model(random_problem(seed))
    (expected, _), (tight, _) = solve_model(model), solve_model(model, relaxed=True)
    for family in TIGHTENING:
        model.component(family).deactivate()
    (found, _), (weak, _) = solve_model(model), solve_model(model, relaxed=True)
    assert (found is None) == (expected is None)
    assert expected is None or found == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert tight is None or weak is None or weak <= tight + 1e-6 * max(1.0, abs(tight))


@pytest.mark.parametrize("hours", [1.0, 1.5, 2.0, 2.75, 3.25, 5.0])
@pytest.mark.parametrize("seed", range(4))
def test_the_relaxation_of_a_run_is_as_dear_as_the_run(hours: float, seed: int) -> None:
    """One job on two offers of unlike speed, at prices by the hour: the relaxation costs what the best run does, which
    is found here by trying every begin at which it, or its end, falls on the hour.
    """
    rng = np.random.default_rng(seed)
    usd = rng.integers(1, 30, (2, 8)).astype(float)
    b = Builder(hours=(1.0,) * 8)
    r = b.region()
    w, _ = b.job(hours, interruptible=False)
    for offer, speed in enumerate((1.0, 0.8)):
        for period in range(8):
            b.slot(w, r, offer=offer, period=period, capacity=speed, usd=usd[offer, period])
    model = build_model(b.build())
    best = min(
        _cost_of_run(usd[offer], begin, hours / speed)
        for offer, speed in enumerate((1.0, 0.8))
        for begin in {*range(8), *(end - hours / speed for end in range(9))}
        if 0 <= begin <= 8 - hours / speed + 1e-9
    )
    assert solve_model(model)[0] == pytest.approx(best)
    assert solve_model(model, relaxed=True)[0] == pytest.approx(best)


def _cost_of_run(usd: np.ndarray, begin: float, hours: float) -> float:
    """Return the price of the hours from `begin` on."""
    return sum(
        price * max(0.0, min(period + 1, begin + hours) - max(period, begin)) for period, price in enumerate(usd)
    )


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
