r"""Proofs that no plan obeys every row, by column generation for the least shortfall instead of the least cost.

Without costs the Lagrangian bound of the master (`formulations.configurations`) is, for prices π of legal signs,

    L(π) = sum_ρ π[ρ] side[ρ] + sum_s min over the bounds of -π U[.,s] y[s] + sum_w k[w] min_x -π U[.,x]

and at most 0 wherever a plan exists, since that plan costs nothing. So L(π) > 0 proves that there is none (Farkas 1902,
over whole configurations instead of the relaxation of the compact model: the proof counts whole devices). To keep clear
of rounding, L(π) must exceed what loosening every row of the master by a hundred-thousandth of its scale could give.
"""

from __future__ import annotations

import logging
from copy import copy
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from optimizer.solve.blocks import find_blocks
from optimizer.solve.deadline import Aside, Watch
from optimizer.solve.decomposition.candidates import of_pool
from optimizer.solve.decomposition.column_generation import Decomposition
from optimizer.solve.decomposition.cut import Cut, cut_model
from optimizer.solve.decomposition.pool import Pool
from optimizer.solve.decomposition.workers import in_threads
from optimizer.solve.matrix import Matrix

Floats = NDArray[np.float64]
log = logging.getLogger(__name__)

LOOSENED = 1e-5
"""By how much of its scale every row of the master may be loosened without a plan becoming possible."""
GAP = 1e-2
"""How near to the least shortfall rounds go, in parts of it."""
ROUNDS_SHARE = 0.6
"""Part of the time that rounds may take before a plan is put together."""


def is_infeasible(
    problem: Problem, parts: Decomposition, worth_usd: Floats, watch: Watch, *, seconds: float
) -> bool:
    """Whether it is proven within so many seconds that no plan obeys all rows; `worth_usd` by row of the master.

    Proven in this process: what a cluster's workers state is not asked for.
    """
    aside = Aside(watch, seconds)
    cut = _without_cost(parts.cut)
    pool = Pool(cut)
    pool.add_all(parts.pool.workload, of_pool(parts.cut, parts.pool).values)
    pricing = parts.pricing.at(cut, pool, aside)
    if pricing.workers.checks is not None:  # nobody's word makes an instance infeasible
        pricing.workers = in_threads(parts.threads)
    # At any penalties there is a shortfall where there is no plan: raising them would only make prices large.
    free = Decomposition(problem, cut, worth_usd, aside, threads=parts.threads, pricing=pricing, most_raises=0)
    slack, proofs = LOOSENED * _scale(cut), list[float]()

    def is_proven() -> bool:
        bound = free.latest
        if bound is not None and bound.usd > float(np.abs(bound.price) @ slack):
            proofs.append(bound.usd)
        return bool(proofs)

    free.run(gap=GAP, until_seconds=seconds, is_enough=is_proven)
    if proofs:
        log.info("no plan obeys all rows: the least shortfall is worth %.3g USD", proofs[0])
    return bool(proofs)


def _scale(cut: Cut) -> Floats:
    """Return what a violation of each row of the master is judged against; rows summed over a class have its size."""
    sides = [np.where(np.isfinite(side), np.abs(side), 0.0) for side in (cut.row_lower, cut.row_upper)]
    return np.maximum(cut.matrix.row_scale[cut.rows], np.maximum(*sides))


def least_broken(matrix: Matrix, problem: Problem, weight: Floats, watch: Watch, *, threads: int) -> Floats | None:
    """Return values of all columns that place every workload and break elastic rows least: the sum of what each is
    broken by times its `weight` (by row of the model). None when nothing was found in time.
    """
    cut = _without_cost(cut_model(matrix, find_blocks(matrix, problem)))
    if watch.should_stop():
        return None
    parts = Decomposition(problem, cut, weight[cut.rows], watch, threads=threads, most_raises=0)
    parts.run(gap=GAP, until_seconds=ROUNDS_SHARE * watch.left_seconds())
    if watch.should_stop() or parts.answer is None:
        return None
    found = parts.plan_at_penalties(gap=GAP, seconds=watch.left_seconds())
    return None if found is None else found.values(cut, parts.pool)


def _without_cost(cut: Cut) -> Cut:
    """Return the cut of the same model in which nothing costs anything; what was derived of its rows stays."""
    matrix = copy(cut.matrix)  # with its columns and scales, which take seconds to find again
    object.__setattr__(matrix, "cost", np.zeros(matrix.cost.size))
    free = replace(cut, matrix=matrix)
    free.__dict__.update(priced=cut.priced, shared_use=cut.shared_use, harmless=cut.harmless)
    return free
