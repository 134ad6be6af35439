"""Cover rows."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_estate import estate

from formulations import build_model
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import to_matrix
from optimizer.solve.matrix import submatrix
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows


def without_cover(matrix):
    """The model as the formulation states it for estates that are too large for cover rows."""
    from dataclasses import replace

    kept = np.flatnonzero(~matrix.rows.is_of(("cover",)))
    return replace(
        matrix,
        a=matrix.a[kept],
        row_lower=matrix.row_lower[kept],
        row_upper=matrix.row_upper[kept],
        rows=matrix.rows.take(kept),
    )


def test_cover_rows_equal_those_of_the_formulation():
    """The rows derived from demand and throughput are the ones the formulation would state."""
    stated = to_matrix(build_model(estate(5, regions=8)))
    derived = with_cover_rows(without_cover(stated), estate(5, regions=8))
    assert derived.shape == stated.shape
    theirs, ours = stated.rows.of("cover"), derived.rows.of("cover")
    by_key = dict(zip(stated.rows.key[theirs].tolist(), theirs.tolist(), strict=True))
    for row in ours:
        other = by_key[int(derived.rows.key[row])]
        difference = derived.a[[row]] - stated.a[[other]]
        assert abs(difference).max() < 1e-9
        assert derived.row_lower[row] == pytest.approx(stated.row_lower[other])


def test_cover_rows_cut_off_no_plan():
    """With or without cover rows the optimum is the same."""
    problem = estate(3, regions=6)
    stated = to_matrix(build_model(problem))
    plain = run(without_cover(stated), Watch(30), gap=1e-6)
    covered = run(with_cover_rows(without_cover(stated), problem), Watch(30), gap=1e-6)
    assert covered.objective_usd == pytest.approx(plain.objective_usd, rel=1e-5)


def test_submatrix_keeps_objective_and_feasibility():
    """With some columns held at a plan, the plan's other values are feasible in what is left, at the same objective."""
    matrix = to_matrix(build_model(estate(3, regions=6)))
    x = run(matrix, Watch(30), gap=0.05).x
    free = np.flatnonzero(np.arange(x.size) % 3 == 0)
    part, rows = submatrix(matrix, free, x)
    assert part.objective(x[free]) == pytest.approx(matrix.objective(x))
    assert part.is_feasible(x[free])
    assert rows.size <= matrix.shape[0]
