"""Projecting tight columns out of the relaxation."""

from __future__ import annotations

import numpy as np
import pytest
from small_models import make_matrix, two_regions
from synthetic_estate import estate

from formulations import build_model
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import to_matrix
from optimizer.solve.neighbourhoods.relaxation import solve_relaxation
from optimizer.solve.presolve.projection import reduce


@pytest.mark.parametrize("seed", range(4))
def test_same_bound_as_the_whole_relaxation(seed):
    """The reduced program is a fraction of the size and at most a hair weaker than the whole relaxation."""
    matrix = to_matrix(build_model(estate(8, seed=seed, regions=12, pool=(40, 80))))
    whole = run(matrix, Watch(60), relaxed=True)
    small = solve_relaxation(matrix, Watch(60), 60)
    assert reduce(matrix).a.shape[0] < 0.25 * matrix.shape[0]
    assert small.bound_usd <= whole.objective_usd * (1 + 1e-9)
    assert small.bound_usd == pytest.approx(whole.objective_usd, rel=1e-3)
    rows = matrix.a @ small.x
    assert np.all(rows <= matrix.row_upper + 1e-6 * matrix.row_scale)
    assert np.all(rows >= matrix.row_lower - 1e-6 * matrix.row_scale)


def test_by_hand():
    """10 units/s at 4 per instance are 2.5 instances; the near pool holds one of them at 1 USD, the rest cost 2."""
    relaxation = solve_relaxation(to_matrix(build_model(two_regions(limits=(3.0, 100.0)))), Watch(5), 5)
    near = 1.0  # whole nodes: 3 devices in nodes of 2 are one node
    assert relaxation.bound_usd == pytest.approx(near * 1.0 + 1.5 * 2.0)


def test_a_column_two_rows_want_is_kept():
    """Nothing is projected out when a second row also asks for the column."""
    matrix = make_matrix(
        [1.0, 0.0, 0.0],
        [[-4.0, 1.0, 0.0], [-4.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [-np.inf, -np.inf, 6.0, 10.0],
        [0.0, 0.0, np.inf, np.inf],
        [9, 20, 20],
        [True, False, False],
    )
    assert 0 not in reduce(matrix).left_out


def test_a_column_with_negative_cost_is_kept():
    """More of it could pay: it is not tight."""
    matrix = make_matrix([-1.0, 0.0], [[-4.0, 1.0], [0.0, 1.0]], [-np.inf, 8.0], [0.0, np.inf], [9, 20], [True, False])
    assert 0 not in reduce(matrix).left_out
