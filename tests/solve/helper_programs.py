"""Small programs with known optima, and the pricing of an estate, to be solved by any kind of workers."""

from __future__ import annotations

import os
from functools import cache

import numpy as np
import pytest
from helper_estate import coupled

from formulations import build_model
from optimizer.solve.blocks import find_blocks
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.cut import cut_model
from optimizer.solve.decomposition.pool import Pool
from optimizer.solve.decomposition.pricing import Pricing
from optimizer.solve.decomposition.small import Effort, SmallProgram
from optimizer.solve.highs.hand_over import to_matrix
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows

EFFORT = Effort(gap=0.0, nodes=10_000, seconds=20.0)
posix = pytest.mark.skipif(os.name != "posix", reason="signals and process ids are POSIX")


@cache
def parts():
    """Return a problem of 14 workloads, most of which need an integer program, and its cut."""
    problem = coupled(14, seed=5)
    matrix = with_cover_rows(to_matrix(build_model(problem)), problem)
    return problem, cut_model(matrix, find_blocks(matrix, problem))


def priced(workers):
    """Price all workloads twice, at no prices and at some; return bounds, costs and the pool."""
    problem, cut = parts()
    pool = Pool(cut)
    pricing = Pricing(problem, cut, pool, Watch(120), threads=1, workers=workers)
    found = []
    for share in (0.0, -0.02):
        price = np.where(np.isfinite(cut.row_upper), share, 0.0)
        answer = pricing.price(price, EFFORT, settled=0.0, among=np.ones(len(cut.blocks), dtype=bool))
        assert answer is not None
        found += [answer.lower_usd, answer.upper_usd]
    return found, pool


def assert_same(one, other):
    """Bounds, costs and configurations agree to the last bit, in the same order."""
    assert all(np.array_equal(a, b) for a, b in zip(one[0], other[0], strict=True))
    assert len(one[1]) == len(other[1])
    assert one[1].workload.tolist() == other[1].workload.tolist()
    for number in range(len(one[1])):
        assert np.array_equal(one[1].columns[number], other[1].columns[number])
        assert np.array_equal(one[1].values[number], other[1].values[number])


def knapsacks(number):
    """Return small programs whose optima are known: min -sum(x) with sum(x) <= k + 0.5, x whole; and their optima."""
    programs = [
        (
            SmallProgram(
                cost=np.full(9, -1.0), lower=np.zeros(9), upper=np.ones(9), integer=np.ones(9, dtype=bool),
                indptr=np.arange(10), indices=np.zeros(9, dtype=np.int64), data=np.ones(9),
                row_lower=np.full(1, -np.inf), row_upper=np.full(1, k % 7 + 0.5),
            ),
            1.0,
        )
        for k in range(number)
    ]  # fmt: skip
    return programs, [-float(k % 7) for k in range(number)]


def costs(workers, number=40, watch=None):
    """Solve the knapsacks and return their costs beside those known."""
    programs, known = knapsacks(number)
    answers = workers.solve(iter(programs), number, EFFORT, watch or Watch(120))
    return None if answers is None else [answer.cost_usd for answer in answers], known
