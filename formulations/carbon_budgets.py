r"""Budgets on carbon, water, energy or money.

Sets: budgets β, each on one metric μ(β) over a scope: slots, copies, transfers and moves (each in the period before
which it is made) with weights (1, or the part of a copy that counts: it is kept in one place and sent from another).

Parameters: L[β] the limit (kg CO2e, l, kWh or USD over the horizon) · μ of one unit of each decision, from the
Coefficients of running (per instance), working (per instance-hour), serving (per unit/s), copying, moving (per GB, per
move).

Constraint (coupling):
    budget[β]   sum_{i in β} (μ_run n[i] + μ_work H[i] + sum_{q on i} μ_serve f[q]) + sum_c μ_copy d[c]
                + sum_e μ_gb u[e] + sum_{e,t} μ_move m[e,t]   (+ sum_m cost z[m] + sum_r fixed s[r])   <= L[β]

Mechanisms and fixed region costs belong to no place, so that they count only in a money budget on everything. The
carbon price and penalties for unserved demand are no spending and never count.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from formulations.bulk import Block, add_rows, block
from formulations.problem import Problem
from formulations.terms import per_row, slot_blocks, slot_matrix


def add_variables(model: Any, problem: Problem) -> None:
    """Add nothing: a budget is a row."""


def add_local_constraints(model: Any, problem: Problem) -> None:
    """Add nothing: budgets are shared."""


def add_coupling_constraints(model: Any, problem: Problem) -> None:
    """Add the budget rows."""
    budgets = problem.budgets
    rows = np.arange(budgets.limit.size)
    metric = list(budgets.metric)
    blocks = slot_blocks(model, problem, slot_matrix(problem, budgets.slots, rows.size), metric)
    for family, members, coefficients, each in (
        ("copy", budgets.copies, problem.datasets.copying, 1),
        ("transfer", budgets.transfers, problem.datasets.moving, 1),
        ("move", budgets.moves, problem.moves.moving, problem.period_hours.size),
    ):
        weight = members.weight * per_row(coefficients, metric, members.row, members.column // each)
        blocks.append(block(model, family, members.row, members.column, weight))
    blocks += _placeless(model, problem)
    add_rows(model, "budget", blocks, keys=rows, upper=budgets.limit)


def _placeless(model: Any, problem: Problem) -> list[Block]:
    budgets = problem.budgets
    on_money = np.array([name == "spend_usd" for name in budgets.metric], dtype=np.bool_)
    whole = np.flatnonzero(budgets.whole & on_money) if on_money.size else np.zeros(0, dtype=np.int64)
    blocks = []
    for family, cost in (("bought", problem.mechanisms.cost_usd), ("region_used", problem.regions.fixed_usd)):
        every = np.arange(cost.size)
        row, column = np.repeat(whole, every.size), np.tile(every, whole.size)
        blocks.append(block(model, family, row, column, cost[column]))
    return blocks
