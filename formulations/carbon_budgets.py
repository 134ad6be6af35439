r"""Budgets on carbon, water, energy or money.

Sets: budgets β, each on one metric μ(β) over a scope: slots, copies, transfers and moves (each in the period before
which it is made) with weights (1, or the part of a copy that counts: it is kept in one place and sent from another).

Parameters: L[β] the limit (kg CO2e, l, kWh or USD over the horizon) · μ of one unit of each decision, from the
Coefficients of running (per instance), working (per instance-hour), serving (per unit/s), copying, moving (per GB, per
move).

Constraint (coupling):
    budget[β]   sum_{i in β} (μ_run n[i] + μ_work H[i] + sum_{q on i} μ_serve f[q]) + sum_c μ_copy d[c]
                + sum_e μ_gb u[e] + sum_{e,t} μ_move m[e,t] + sum_x μ_leave m[x] + sum_y μ_enter e[y]
                (+ sum_m cost z[m] + sum_r fixed s[r] + sum_z price q[z])   <= L[β]

Leaving and entering belong to a workload, and to no place and no period: a scope selects them by its workloads. What is
charged in no place (mechanisms, the fixed cost of regions, the price of places in use) counts only in a money budget on
everything. The carbon price and penalties for unserved demand are no spending and never count.
"""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np

from formulations.algebra import Model
from formulations.indexing import every
from formulations.objective import spent_in_no_place
from formulations.problem import Floats, Membership, Problem
from formulations.terms import measured, priced, slot_matrix


def add_variables(model: Model, problem: Problem) -> None:
    """Add nothing: a budget is a row."""


def add_local_constraints(model: Model, problem: Problem) -> None:
    """Add nothing: budgets are shared."""


def add_coupling_constraints(model: Model, problem: Problem) -> None:
    """Add the budget rows."""
    d, u, m, left, entered = model.vars("copy", "transfer", "move", "moved", "entered")
    β, datasets, μ, L = problem.budgets, problem.datasets, problem.budgets.metric, problem.budgets.limit
    slots = measured(model, problem, slot_matrix(problem, β.slots, L.size), μ)
    copies = priced(β.copies, datasets.copying, μ) @ d
    transfers = priced(β.transfers, datasets.moving, μ) @ u
    moves = priced(β.moves, problem.moves.moving, μ, each=problem.period_hours.size) @ m
    moves += priced(β.movers, problem.relocations.leaving, μ) @ left
    moves += priced(β.entries, problem.relocations.entering, μ) @ entered
    fixed = [_placeless(problem, usd) @ model[family] for family, usd in spent_in_no_place(problem).items()]
    model.add("budget", every(L.size), reduce(add, fixed, slots + copies + transfers + moves) <= L)


def _placeless(problem: Problem, usd: Floats) -> Membership:
    """Return what is charged in no place in the money budgets on everything."""
    on_money = np.array([name == "spend_usd" for name in problem.budgets.metric], dtype=np.bool_)
    whole = np.flatnonzero(problem.budgets.whole & on_money)
    column = np.tile(every(usd.size), whole.size)
    return Membership(np.repeat(whole, usd.size), column, usd[column])
