"""What `auto` decides: the method that suits the structure and the size of a problem, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from formulations import Problem
from formulations.failures import find_failures
from optimizer.methods import Method
from optimizer.solve.matrix import Matrix
from optimizer.solve.presolve.implied_share import settled_share
from optimizer.solve.special.location.linking_rows import FROM_ROWS, has_many

DECOMPOSE_FROM_INTEGERS = 2_000
"""Integer columns from which `auto` does not begin with HiGHS on the whole model: it would find no plan for minutes."""
MANY_WORKLOADS = 6
"""Workloads from which half as many counts of machines and failure flows have the same effect."""
SETTLED, KERNEL_SLOTS = 0.9, 500_000
"""Share of the slots that one choice settles from which `auto` takes the kernel search, and slots up to which."""


@dataclass(frozen=True)
class Choice:
    """A method, and the figures that decided for it; no words where it was asked for."""

    method: Method
    why: str = ""


def choose(problem: Problem) -> Choice:
    """Return the method that suits structure and size.

    Kernel search where a choice settles nearly all of each workload; else HiGHS, or decomposition, by size. Counts of
    machines weigh more than choices of regions, whose relaxation is sharp: those of several workloads multiply in
    HiGHS's tree, and every failure flow leans on the machines of a whole service.
    """
    slots, presence, workloads = problem.slots, problem.presence, len(problem.workload_ids)
    share = settled_share(problem) if slots.workload.size <= KERNEL_SLOTS else 0.0
    if share >= SETTLED:
        return Choice("kernel", f"one choice of a region settles {share:.0%} of the options, {SETTLED:.0%} or more")
    if workloads < 2:
        return Choice("direct", "there is one workload: nothing to decompose")
    decided = np.isin(presence.workload, presence.bounded_workload)  # the others follow from the regions in use
    machines = int((~slots.is_endpoint).sum())
    integers = machines + int(decided.sum()) + problem.datasets.copy_dataset.size
    if integers >= DECOMPOSE_FROM_INTEGERS:
        return Choice("decompose", f"{integers:,} integer columns, {DECOMPOSE_FROM_INTEGERS:,} or more")
    counts = machines + (find_failures(problem).flow.size if machines else 0)
    enough = DECOMPOSE_FROM_INTEGERS if workloads < MANY_WORKLOADS else DECOMPOSE_FROM_INTEGERS // 2
    sizes = f"{counts:,} counts of machines and failure flows of {workloads} workloads"
    if counts >= enough:
        return Choice("decompose", f"{sizes}, {enough:,} or more")
    return Choice("direct", f"{integers:,} integer columns and {sizes}: small enough for HiGHS")


def look_closer(choice: Choice, matrix: Matrix) -> Choice:
    """Return what suits the matrix where HiGHS was to get the whole of it: not with many rows that tie things to
    regions in use.
    """
    if choice.method != "direct" or not has_many(matrix):
        return choice
    return Choice("location", f"{choice.why}, but {FROM_ROWS:,} rows or more tie things to regions in use")
