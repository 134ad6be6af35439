"""Rank every workload's options by what they cost at the relaxation's prices, so that small programs see the
promising ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.blocks import Blocks
from optimizer.solve.matrix import Matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def rank_options(matrix: Matrix, blocks: Blocks, reduced_cost: Floats, x: Floats | None) -> Ints:
    """Return the rank of each option within its workload, best 0; options the relaxation uses come before all others.

    An option (workload, offer) is judged twice: by its best column alone (who serves one stream best) and by all of
    its columns together (who serves many streams at once, where whole devices make sharing pay); the better rank
    counts.
    """
    placed = np.flatnonzero((blocks.option >= 0) & ~matrix.integer)
    option = blocks.option[placed]
    options = int(blocks.option.max(initial=-1)) + 1
    owner = np.zeros(options, dtype=np.int64)
    owner[blocks.option[blocks.option >= 0]] = blocks.owner[blocks.option >= 0]
    reach = np.where(np.isfinite(matrix.upper), matrix.upper, 1.0)
    regret_usd = np.maximum(reduced_cost, 0.0)[placed] * reach[placed]
    alone = np.full(options, np.inf)
    np.minimum.at(alone, option, regret_usd)
    together = _together(matrix, blocks, placed, regret_usd, options)
    used = np.zeros(options, dtype=bool)
    if x is not None:
        used[option[x[placed] > 1e-9]] = True
    best = np.minimum(_rank(alone, owner), _rank(together, owner))
    return _rank(np.where(used, -1.0, best.astype(np.float64)), owner)


def known_first(rank: Ints, blocks: Blocks, columns: Ints) -> Ints:
    """Return the ranks with -1 for the options of some columns, which are known to be good."""
    option = blocks.option[columns]
    rank = rank.copy()
    rank[option[option >= 0]] = -1
    return rank


def _together(matrix: Matrix, blocks: Blocks, placed: Ints, regret_usd: Floats, options: int) -> Floats:
    """Return per option the regret of all its columns, what it does not cover counted at the workload's worst."""
    worst = np.zeros(blocks.workloads)
    np.maximum.at(worst, blocks.owner[placed], regret_usd)
    saved = worst[blocks.owner[placed]] - regret_usd
    return -np.bincount(blocks.option[placed], saved, options).astype(np.float64)


def _rank(score: Floats, owner: Ints) -> Ints:
    """Return the position of each element among those of its owner, by ascending score."""
    order = np.lexsort((score, owner))
    first = np.searchsorted(owner[order], owner[order], side="left")
    rank = np.empty(score.size, dtype=np.int64)
    rank[order] = np.arange(score.size) - first
    return rank
