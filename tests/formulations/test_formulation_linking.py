"""Linking rows left out of random problems with every feature, against the whole model."""

from __future__ import annotations

import pytest
from problem_generators import random_problem

from formulations import build_arrays
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import from_arrays
from optimizer.solve.special.location.lazy_rows import link


@pytest.mark.parametrize("part", range(4))
def test_random_problems_keep_their_optimum(part):
    """Jobs, endpoints, copies, law, survival and periods: wherever a region has a fixed cost."""
    tried = 0
    for seed in range(40 * part, 40 * part + 40):
        matrix = from_arrays(build_arrays(random_problem(seed)))
        linked = link(matrix, Watch(60), least_rows=1)
        if linked is None:
            continue
        tried += 1
        whole, found = run(matrix, Watch(60)), run(linked.matrix, Watch(60))
        assert whole.termination is found.termination
        if whole.x is None:
            continue
        assert found.objective_usd == pytest.approx(whole.objective_usd, rel=1e-6, abs=1e-6)
        assert matrix.worst_violation(linked.restore(found.x)) <= 1e-6
        assert linked.matrix.worst_violation(linked.project(whole.x)) <= 1e-6
    assert tried >= 5
