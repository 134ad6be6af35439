r"""The master of the decomposition: whole configurations of workloads, tied together by the coupling rows.

The compact model falls apart at its coupling rows: what remains of one workload is a small model of its own, and a
*configuration* x is one of its solutions. Seen through the coupling rows alone it is a column: a cost and a use.

Sets: workloads w · configurations x, each of one workload w(x) · coupling rows ρ · shared decisions s (copies,
transfers, mechanisms, regions in use, with the rows among themselves).

Parameters: k[w] workloads that w stands for (identical ones are one, with a count) · C[x] USD · U[ρ,x] what the
configuration adds to the row · c[s], U[ρ,s] the same of a shared decision · l[ρ] <= . <= u[ρ] the sides of the row, as
in the compact model · e[ρ] penalty (USD per unit), only on rows in which shared decisions cannot make all the room ·
o[w] penalty (USD) of leaving the workload without a configuration.

Variables:
    chosen_share  λ[x] >= 0        workloads, or shares of one, placed by the configuration; whole in the integer one
    shared        y[s]             shared decisions as in the compact model, with their bounds; continuous ones
    shared_whole  y[s]             and integer ones
    excess        e+[ρ] >= 0       by how much the row is exceeded
    lack          e-[ρ] >= 0       by how much the row falls short
    unplaced      o[w] >= 0        the workload has no configuration

Constraints:
    use[ρ]                 l[ρ] <= sum_x U[ρ,x] λ[x] + sum_s U[ρ,s] y[s] - e+[ρ] + e-[ρ] <= u[ρ]
    one_configuration[w]   sum_{x of w} λ[x] + o[w] = k[w]                           where k[w] > 0

Objective: minimise sum_x C[x] λ[x] + sum_s c[s] y[s] + penalties.

Over all configurations and without penalties its linear relaxation bounds the compact model from below, at least as
well as that model's own: it is the minimum over the convex hull of every workload's solutions (Dantzig and Wolfe 1960).
For any prices π of the rows (>= 0 on lower sides, <= 0 on upper sides) the Lagrangian bound

    sum_ρ π[ρ] side[ρ] + sum_s min over the bounds of (c[s] - π U[.,s]) y[s] + sum_w k[w] min_x (C[x] - π U[.,x])

holds as well, with the last minimum over *all* solutions of the workload: it is what a solve reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from formulations.arrays import Arrays
from formulations.bulk import Block, add_cost, add_family, add_rows, block, paused_gc, start_arrays, start_model
from formulations.domains import Domain
from formulations.problem import Bools, Floats, Ints, Membership


@dataclass(frozen=True)
class MasterProblem:
    """The sets and parameters of the master as arrays.

    `row_lower`, `row_upper` and `penalty_usd` (0: the row may not be broken) have one entry per row; `shared_*` one per
    shared decision and `shared_use` its membership (row, shared); `unplaced_usd` and `workload_count` one per workload;
    `configuration_*` one per configuration and `use` its membership (row, configuration).
    """

    row_lower: Floats
    row_upper: Floats
    penalty_usd: Floats
    shared_cost_usd: Floats
    shared_upper: Floats
    shared_whole: Bools
    shared_use: Membership
    unplaced_usd: Floats
    workload_count: Ints
    configuration_workload: Ints
    configuration_cost_usd: Floats
    use: Membership


def build_master(problem: MasterProblem, *, whole: bool) -> Any:
    """Build the Pyomo model over the configurations given: the integer program if `whole`, else its relaxation."""
    with paused_gc():
        model = start_model("configurations")
        _state(model, problem, whole)
    return model


def master_arrays(problem: MasterProblem, *, whole: bool) -> Arrays:
    """Return the same model as arrays: with tens of thousands of configurations components take seconds to build."""
    model = start_arrays()
    _state(model, problem, whole)
    return model.finish()


def _state(model: Any, problem: MasterProblem, whole: bool) -> None:
    _add_variables(model, problem, whole)
    _add_use(model, problem)
    _add_one_configuration(model, problem)
    _add_cost(model, problem)


def _add_variables(model: Any, problem: MasterProblem, whole: bool) -> None:
    every = np.arange(problem.configuration_cost_usd.size)
    most = problem.workload_count[problem.configuration_workload].astype(np.float64)
    domain = Domain.WHOLE if whole else Domain.REAL
    add_family(model, "chosen_share", every, domain, size=every.size, upper=most if whole else None)
    size = problem.shared_cost_usd.size
    for name, mask, domain in (
        ("shared", ~problem.shared_whole, Domain.REAL),
        ("shared_whole", problem.shared_whole, Domain.WHOLE if whole else Domain.REAL),
    ):
        index = np.flatnonzero(mask)
        add_family(model, name, index, domain, size=size, upper=problem.shared_upper[index])
    rows = problem.row_lower.size
    elastic = problem.penalty_usd > 0
    for name, side in (("excess", problem.row_upper), ("lack", problem.row_lower)):
        index = np.flatnonzero(elastic & np.isfinite(side))
        add_family(model, name, index, Domain.REAL, size=rows)
    workloads = np.flatnonzero(problem.workload_count)
    add_family(model, "unplaced", workloads, Domain.REAL, size=problem.workload_count.size)


def _add_use(model: Any, problem: MasterProblem) -> None:
    """Add the rows by their sides: one with two different sides gets one row for each."""
    lower, upper = problem.row_lower, problem.row_upper
    equal = lower == upper
    for name, kept, side in (
        ("use_equal", equal, "equal"),
        ("use_upper", ~equal & np.isfinite(upper), "upper"),
        ("use_lower", ~equal & np.isfinite(lower), "lower"),
    ):
        keys = np.flatnonzero(kept)
        position = np.full(lower.size, -1, dtype=np.int64)
        position[keys] = np.arange(keys.size)
        add_rows(model, name, _use_blocks(model, problem, position), keys=keys, **{side: (
            lower[keys] if side == "lower" else upper[keys]
        )})  # fmt: skip


def _use_blocks(model: Any, problem: MasterProblem, position: Ints) -> list[Block]:
    """Return the terms of the rows that have a position."""
    blocks = []
    for name, members in (
        ("chosen_share", problem.use), ("shared", problem.shared_use), ("shared_whole", problem.shared_use),
    ):  # fmt: skip
        kept = np.flatnonzero(position[members.row] >= 0)
        blocks.append(block(model, name, position[members.row[kept]], members.column[kept], members.weight[kept]))
    rows = np.flatnonzero(position >= 0)
    blocks.append(block(model, "excess", position[rows], rows, -1.0))
    blocks.append(block(model, "lack", position[rows], rows, 1.0))
    return blocks


def _add_one_configuration(model: Any, problem: MasterProblem) -> None:
    every = np.arange(problem.configuration_workload.size)
    keys = np.flatnonzero(problem.workload_count)
    position = np.full(problem.workload_count.size, -1, dtype=np.int64)
    position[keys] = np.arange(keys.size)
    blocks = [
        block(model, "chosen_share", position[problem.configuration_workload], every, 1.0),
        block(model, "unplaced", np.arange(keys.size), keys, 1.0),
    ]
    add_rows(model, "one_configuration", blocks, keys=keys, equal=problem.workload_count[keys].astype(np.float64))


def _add_cost(model: Any, problem: MasterProblem) -> None:
    costs = {
        "chosen_share": problem.configuration_cost_usd,
        "shared": problem.shared_cost_usd,
        "shared_whole": problem.shared_cost_usd,
        "excess": problem.penalty_usd,
        "lack": problem.penalty_usd,
        "unplaced": problem.unplaced_usd,
    }
    blocks = []
    for name, cost in costs.items():
        every = np.arange(cost.size)
        blocks.append(block(model, name, np.zeros(cost.size, dtype=np.int64), every, cost))
    add_cost(model, "cost", blocks)
