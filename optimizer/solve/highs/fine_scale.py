"""Run HiGHS on a whole model, and once more on a finer scale where the plan is cheap next to what it avoids.

HiGHS compares costs to an absolute 1e-6 (bounds of branch and bound) and 1e-7 (reduced costs) of the scaled objective.
Costs are scaled by their typical size; a plan that costs next to nothing of that (no penalty of the many it could pay)
would be called optimal although another costs half.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import Run, cost_scale, run
from optimizer.solve.matrix import Matrix
from optimizer.solve.solution import Termination

Floats = NDArray[np.float64]

COARSE, FINE = 1.0, 2.0**10
"""Scaled objective below which the tolerances are no small part of it, and what the second run brings it to."""
LARGEST_COST = 2.0**50
"""Most a cost may become for HiGHS, which takes 1e20 for infinite."""
TOLERANCE = 1e-6


def run_whole(
    matrix: Matrix,
    watch: Watch,
    *,
    gap: float,
    threads: int,
    start: Floats | None = None,
    on_incumbent: Callable[[Floats], None] | None = None,
    offer: Callable[[], Floats | None] | None = None,
) -> Run:
    """Minimise a whole model; arguments as for `run`. The bound holds in USD, however small the objective."""
    first = run(
        matrix, watch, gap=gap, threads=threads, start=start, on_incumbent=on_incumbent, offer=offer, reports=True
    )
    scale = cost_scale(matrix.cost)
    size = abs(first.objective_usd or 0.0) * scale
    if first.termination is not Termination.GAP_REACHED or first.x is None or not 0.0 < size < COARSE:
        return first
    most = LARGEST_COST / float(np.abs(matrix.cost).max())
    finer = min(scale * 2.0 ** np.ceil(np.log2(FINE / size)), 2.0 ** np.floor(np.log2(most)))
    found = run(matrix, watch, gap=gap, threads=threads, start=first.x, reports=True, scale=finer)
    if found.x is None or found.objective_usd is None or found.termination is not Termination.GAP_REACHED:
        return _doubted(first, scale)
    return _doubted(found, finer) if abs(found.objective_usd) * finer < COARSE else found


def _doubted(run: Run, scale: float) -> Run:
    """Return a run whose bound allows for the tolerance."""
    return run if run.bound_usd is None else replace(run, bound_usd=run.bound_usd - TOLERANCE / scale)
