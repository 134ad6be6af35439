r"""Proofs that no plan obeys every row, by column generation for the least shortfall instead of the least cost.

Without costs the Lagrangian bound of the master (`formulations.configurations`) is, for prices π of legal signs,

    L(π) = sum_ρ π[ρ] side[ρ] + sum_s min over the bounds of -π U[.,s] y[s] + sum_w k[w] min_x -π U[.,x]

and at most 0 wherever a plan exists, since that plan costs nothing. So L(π) > 0 proves that there is none (Farkas 1902,
over whole configurations instead of the relaxation of the compact model: the proof counts whole devices). To keep clear
of rounding, L(π) must exceed what loosening every row by a hundred-thousandth of its scale could give.
"""

from __future__ import annotations

import logging
from copy import copy
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from optimizer.solve.decomposition.candidates import of_pool
from optimizer.solve.decomposition.cut import Cut
from optimizer.solve.decomposition.pool import Pool
from optimizer.solve.decomposition.rounds import Decomposition
from optimizer.solve.watch import Aside, Watch

Floats = NDArray[np.float64]
log = logging.getLogger(__name__)

LOOSENED = 1e-5
GAP = 1e-2


def is_infeasible(
    problem: Problem, parts: Decomposition, worth_usd: Floats, watch: Watch, *, seconds: float
) -> bool:
    """Whether it is proven within so many seconds that no plan obeys all rows; `worth_usd` by row of the master."""
    aside = Aside(watch, seconds)
    cut = _without_cost(parts.cut)
    pool = Pool(cut)
    pool.add_all(parts.pool.workload, of_pool(parts.cut, parts.pool).values)
    pricing = parts.pricing.at(cut, pool, aside)
    free = Decomposition(problem, cut, worth_usd, aside, threads=parts.threads, pricing=pricing)
    slack = LOOSENED * cut.matrix.row_scale[cut.rows]

    def is_proven() -> bool:
        return free.proven_usd > float(np.abs(free.price) @ slack)

    if free.run(gap=GAP, until_seconds=seconds, is_enough=is_proven) or not is_proven():
        return False
    log.info("no plan obeys all rows: the least shortfall is worth %.3g USD", free.proven_usd)
    return True


def _without_cost(cut: Cut) -> Cut:
    """Return the cut of the same model in which nothing costs anything; what was derived of its rows stays."""
    matrix = copy(cut.matrix)  # with its columns and scales, which take seconds to find again
    object.__setattr__(matrix, "cost", np.zeros(matrix.cost.size))
    free = replace(cut, matrix=matrix)
    free.__dict__.update(priced=cut.priced, shared_use=cut.shared_use, harmless=cut.harmless)
    return free
