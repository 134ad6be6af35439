r"""Budgets on carbon, water, energy or money.

Sets: budgets β, each on one metric μ(β) over a scope: slots, copies, transfers and moves (each in the period before
which it is made) with weights (1, or the part of a copy that counts: it is kept in one place and sent from another).

Parameters: L[β] the limit (kg CO2e, l, kWh or USD over the horizon) · μ of one unit of each decision, from the
Coefficients of running (per instance), working (per instance-hour), serving (per unit/s), copying, moving (per GB, per
move).

Constraint (coupling):
    budget[β]   sum_{i in β} (μ_run n[i] + μ_work H[i] + sum_{q on i} μ_serve f[q]) + sum_c μ_copy d[c]
                + sum_e μ_gb u[e] + sum_{e,t} μ_move m[e,t] + sum_x μ_leave m[x] + sum_y μ_enter e[y]
                + sum_{o in β} buy[o] y[o] + sum_{i in drawn(β)} (compute_run n[i] + compute_work H[i])
                (+ sum_m cost z[m] + sum_r fixed s[r] + sum_z price q[z] + sum_o buy[o] y[o])   <= L[β]

Leaving and entering belong to a workload, and to no place and no period: a scope selects them by its workloads. What is
charged in no place (mechanisms, the fixed cost of regions, the price of places in use) counts only in a money budget on
everything. A purchase o is charged as a whole: in a money budget on everything, and where the scope selects all of its
places and names no workload or period (o in β). A scope that selects a part of it counts what
runs on it, at its share of the price (see `commitments`); what is idle is in no part. The carbon price and penalties
for unserved
demand are no spending and never count.
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
    d, u, m, left, entered, y = model.vars("copy", "transfer", "move", "moved", "entered", "committed")
    β, datasets, μ, L = problem.budgets, problem.datasets, problem.budgets.metric, problem.budgets.limit
    slots = measured(model, problem, slot_matrix(problem, β.slots, L.size), μ)
    copies = priced(β.copies, datasets.copying, μ) @ d
    transfers = priced(β.transfers, datasets.moving, μ) @ u
    moves = priced(β.moves, problem.moves.moving, μ, each=problem.period_hours.size) @ m
    moves += priced(β.movers, problem.relocations.leaving, μ) @ left
    moves += priced(β.entries, problem.relocations.entering, μ) @ entered
    drawn = measured(model, problem, slot_matrix(problem, β.drawn, L.size), ["compute_usd"] * L.size)
    fixed = [_placeless(problem, usd) @ model[family] for family, usd in spent_in_no_place(problem).items()]
    used = slots + drawn + copies + transfers + moves + _bought(problem) @ y
    model.add("budget", every(L.size), reduce(add, fixed, used) <= L)


def _bought(problem: Problem) -> Membership:
    """Return what purchases are charged in the money budgets on a part that holds them; those on everything do."""
    of = problem.budgets.purchases
    kept = ~problem.budgets.whole[of.row]
    return Membership(of.row[kept], of.column[kept], problem.purchases.price_usd[of.column[kept]] * of.weight[kept])


def _placeless(problem: Problem, usd: Floats) -> Membership:
    """Return what is charged in no place in the money budgets on everything."""
    on_money = np.array([name == "spend_usd" for name in problem.budgets.metric], dtype=np.bool_)
    whole = np.flatnonzero(problem.budgets.whole & on_money)
    column = np.tile(every(usd.size), whole.size)
    return Membership(np.repeat(whole, usd.size), column, usd[column])
