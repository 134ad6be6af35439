"""Closing the gap that a decomposition left: neighbourhoods of the plan, and branch and price, in turn.

A neighbourhood knows what exactly is left of a limit, which no price tells; the tree raises the bound and finds the
configurations other prices lead to; the master chooses anew among what both found. The options that any configuration
known uses are few and good: neighbourhoods of many workloads free these alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.acceptance import is_proven, take_over
from optimizer.solve.decomposition.branch_and_price import Tree
from optimizer.solve.decomposition.column_generation import Decomposition
from optimizer.solve.decomposition.restricted_master import Chosen
from optimizer.solve.incumbent import Incumbent, Projected
from optimizer.solve.neighbourhoods.concurrent import improve_until
from optimizer.solve.neighbourhoods.improve import Neighbours, Pace
from optimizer.solve.neighbourhoods.prepared import Prepared
from optimizer.solve.neighbourhoods.ranking import known_first, rank_options

Floats = NDArray[np.float64]

SEARCH_SECONDS, TREE_SHARE, LONGER = 3.0, 2.0, 1.5
"""How long neighbourhoods are searched at a time; how long the tree is in parts of that, and by how much more after a
search without success."""
PLAN_GAP_SHARE, PLAN_SECONDS = 0.2, 3.0
"""How near to the best plan of the configurations known the master comes, in parts of the gap asked for, and how long
it may take."""


def close_gap(
    ground: Prepared,
    problem: Problem,
    parts: Decomposition,
    watch: Watch,
    *,
    gap: float,
    threads: int,
    until_seconds: float,
    incumbent: Incumbent | Projected | None = None,
) -> None:
    """Improve plan and bound until they are within the gap, the clock passes `until_seconds` or the solve must stop.

    `ground.relaxation` is the master's. Plans are traded with a search beside this one through `incumbent`.
    """
    state, relaxed = ground.state, ground.relaxation
    tree = Tree(problem, parts, gap=gap)
    neighbours, pace, share = Neighbours(state, relaxed), Pace(), TREE_SHARE
    rank = rank_options(ground.matrix, ground.blocks, relaxed.reduced_cost, relaxed.x)

    def stopped() -> bool:
        return watch.should_stop() or watch.elapsed_seconds() >= until_seconds or is_proven(ground, watch, gap)

    def plan(found: Chosen | None = None) -> None:
        if found is None:
            choose_anew(ground, parts, watch, gap=gap)
        else:
            take_over(ground, parts, found, watch)

    def cost_usd() -> float:
        return ground.matrix.objective(state.x) - ground.matrix.offset if state.is_whole() else np.inf

    while not stopped():
        before = state.penalised_usd()
        known = replace(ground, rank=known_first(rank, ground.blocks, np.concatenate(parts.pool.columns)))
        with watch.phase_of("improve"):
            improve_until(
                known, watch, gap=gap, threads=threads, incumbent=incumbent, neighbours=neighbours, pace=pace,
                until_seconds=min(until_seconds, watch.elapsed_seconds() + SEARCH_SECONDS),
            )  # fmt: skip
        if stopped():
            return
        if state.penalised_usd() < before:
            plan()
        else:
            share *= LONGER
        with watch.phase_of("branch"):
            tree.search(
                cost_usd, plan, min(until_seconds, watch.elapsed_seconds() + share * SEARCH_SECONDS)
            )


def choose_anew(ground: Prepared, parts: Decomposition, watch: Watch, *, gap: float) -> None:
    """Let the master choose among all configurations known, beginning from the plan held."""
    with watch.phase_of("put_together"):
        start: Chosen | None = parts.learn(ground.state.x) if ground.state.is_whole() else None
        take_over(ground, parts, parts.plan(gap=PLAN_GAP_SHARE * gap, seconds=PLAN_SECONDS, start=start), watch)
