"""The model as arrays against the same model through Pyomo's standard form."""

from __future__ import annotations

import numpy as np
import pytest
from problem_generators import random_problem

from formulations import build_arrays, build_model
from optimizer.solve.hand_over import from_arrays, to_matrix


def _sorted(matrix):
    """Return labels, costs, bounds, sides and the dense matrix in an order that does not depend on how it was built."""
    columns, rows = (
        [(labels.names[c], int(k)) for c, k in zip(labels.component, labels.key, strict=True)]
        for labels in (matrix.columns, matrix.rows)
    )
    column = sorted(range(len(columns)), key=lambda place: columns[place])
    row = sorted(range(len(rows)), key=lambda place: rows[place])
    dense = matrix.a.toarray()[row][:, column]
    return (
        [columns[place] for place in column], [rows[place] for place in row], dense, matrix.cost[column],
        matrix.lower[column], matrix.upper[column], matrix.integer[column], matrix.row_lower[row],
        matrix.row_upper[row],
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_arrays_and_pyomo_give_the_same_matrix(seed):
    """Column by column and row by row, over random problems with every feature."""
    problem = random_problem(seed)
    arrays, pyomo = _sorted(from_arrays(build_arrays(problem))), _sorted(to_matrix(build_model(problem)))
    assert arrays[0] == pyomo[0]
    assert arrays[1] == pyomo[1]
    for ours, theirs in zip(arrays[2:], pyomo[2:], strict=True):
        assert np.allclose(ours, theirs, rtol=1e-12, atol=1e-12)
