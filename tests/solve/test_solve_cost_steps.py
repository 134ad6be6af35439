"""Costs in steps: what a bound may be raised to, what is better at all, and when nothing is known."""

from __future__ import annotations

import numpy as np
import pytest
from small_models import make_matrix

from optimizer.solve.cost_steps import find_steps
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import run
from optimizer.solve.incumbent import Incumbent


def _model(cost, integer=True, upper=3.0, offset=0.0):
    n = len(cost)
    return make_matrix(cost, [[1.0] * n], [1.0], [np.inf], [upper] * n, integer, offset)


@pytest.mark.parametrize(
    ("cost", "step"),
    [([3.0, 5.0], 1.0), ([6.0, 10.0, 4.0], 2.0), ([0.3, 0.75], 0.15), ([7.0, 0.0], 7.0), ([12.5, -7.5], 2.5)],
)
def test_the_step_of_some_costs(cost, step):
    """The greatest amount that divides them all; what costs nothing does not count."""
    assert find_steps(_model(cost)).step_usd == pytest.approx(step)


def test_no_steps():
    """Of a quantity that is not whole, of costs that share nothing, of nothing at all."""
    assert find_steps(_model([3.0, 5.0], integer=[True, False])) is None
    assert find_steps(_model([1.0, 2**0.5])) is None
    assert find_steps(_model([0.0, 0.0])) is None
    assert find_steps(_model([3.0, 0.0], integer=[True, False])) is not None


def test_costs_rounded_to_some_digits_are_allowed_for():
    """A third of a cent off a step in all: bounds rise that much less."""
    steps = find_steps(_model([3.0 + 1e-8, 5.0 - 2e-8]))
    assert steps.step_usd == pytest.approx(1.0, abs=1e-8)
    assert 0 < steps.slack_usd < 2e-7
    assert steps.least_from(3.2) == pytest.approx(4.0, abs=2e-7)
    assert steps.least_from(3.2) <= 4.0
    assert steps.least_from(3.0) == pytest.approx(3.0, abs=1e-6)


def test_a_bound_a_hair_above_a_multiple_is_not_raised():
    """Bounds hold to the tolerances of the solver: 8.00001 is no proof of 10."""
    steps = find_steps(_model([6.0, 10.0, 4.0], offset=0.5))
    assert steps.least_from(8.50001) == 8.50001
    assert steps.least_from(8.51) == 10.5
    assert steps.most_below(10.5) == pytest.approx(8.5, abs=1e-3)
    assert steps.least_from(steps.most_below(10.5)) == 10.5


@pytest.mark.parametrize("seed", range(10))
def test_the_incumbent_proves_by_steps(seed):
    """Any bound above the next cheaper multiple proves the optimum; no bound exceeds it."""
    rng = np.random.default_rng(seed)
    matrix = make_matrix(rng.integers(2, 9, 6) * 3.0, rng.integers(1, 5, (3, 6)), [7.0] * 3, [np.inf] * 3, [4.0] * 6)
    optimum = run(matrix, Watch(60))
    best = Incumbent(matrix, Watch(60), start=optimum.x)
    assert best.target_usd(0.0) == pytest.approx(optimum.objective_usd - 3.0, abs=1e-2)
    best.offer_bound(optimum.objective_usd - 3.5)
    assert not best.is_within(0.0)
    best.offer_bound(optimum.objective_usd - 2.9)
    assert best.bound_usd == pytest.approx(optimum.objective_usd)
    assert best.is_within(0.0)
