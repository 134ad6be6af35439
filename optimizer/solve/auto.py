"""What `auto` decides: the method that suits the structure and the size of a problem, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from formulations import Problem
from formulations.failures import find_failures
from optimizer.methods import Method
from optimizer.solve.matrix import Matrix
from optimizer.solve.parameters import DEFAULTS, Auto
from optimizer.solve.presolve.implied_share import settled_share
from optimizer.solve.special.location.linking_rows import FROM_ROWS, has_many


@dataclass(frozen=True)
class Choice:
    """A method, and the figures that decided for it; no words where it was asked for."""

    method: Method
    why: str = ""


def choose(problem: Problem, by: Auto = DEFAULTS.auto) -> Choice:
    """Return the method that suits structure and size.

    Kernel search where a choice settles nearly all of each workload; else HiGHS, or decomposition, by size. Counts of
    machines weigh more than choices of regions, whose relaxation is sharp: those of several workloads multiply in
    HiGHS's tree, and every failure flow leans on the machines of a whole service. `by` holds the figures.
    """
    slots, presence, workloads = problem.slots, problem.presence, len(problem.workload_ids)
    share = settled_share(problem) if slots.workload.size <= by.kernel_slots else 0.0
    if share >= by.settled_share:
        least = by.settled_share
        return Choice("kernel", f"one choice of a region settles {share:.0%} of the options, {least:.0%} or more")
    if workloads < 2:
        return Choice("direct", "there is one workload: nothing to decompose")
    decided = np.isin(presence.workload, presence.bounded_workload)  # the others follow from the regions in use
    machines = int((~slots.is_endpoint).sum())
    integers = machines + int(decided.sum()) + problem.datasets.copy_dataset.size
    if integers >= by.decompose_from_integers:
        return Choice("decompose", f"{integers:,} integer columns, {by.decompose_from_integers:,} or more")
    counts = machines + (find_failures(problem).flow.size if machines else 0)
    enough = by.decompose_from_integers if workloads < by.many_workloads else by.decompose_from_integers // 2
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
