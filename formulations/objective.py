r"""The objective: least cost over the horizon, in USD; or, in a second solve, least carbon at no higher cost.

    minimise  cost  =  sum_i run_i n[i] + sum_i work_i H[i] + sum_q serve_q f[q] + sum_c copy_c d[c] + sum_e gb_e u[e]
                       + sum_{e,t} move_e m[e,t] + sum_x leave_x m[x] + sum_y enter_y e[y]
                       + sum_r fixed[r] s[r] + sum_z price[z] q[z] + sum_m cost[m] z[m] + sum_o buy[o] y[o]
                       + sum_{j,t} unserved[j,t] v[j,t] + sum_g undone[g] x[g]

where the coefficient of a place's decision is its spend_usd + carbon_price x carbon_kg. Nothing else enters: no
epsilon. Which family is charged what under which cost term, the columns of a problem state (`charged_on`); the
breakdown of a plan's cost is the same sum by term.

Where the problem has a cost cap C (`cost_cap_usd`), what is minimised is kg CO2e over the horizon, the sum that a
carbon budget on everything caps:

    minimise  carbon  =  sum_i run_i n[i] + sum_i work_i H[i] + sum_q serve_q f[q] + sum_c copy_c d[c] + sum_e gb_e u[e]
                         + sum_{e,t} move_e m[e,t] + sum_x leave_x m[x] + sum_y enter_y e[y]    each its carbon_kg

Constraint (coupling):
    cost_cap[0]   cost <= C
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from formulations.algebra import Expression, Model
from formulations.columns import Coefficients, Column, Floats
from formulations.families import VARIABLES
from formulations.indexing import every
from formulations.problem import Problem
from formulations.tables import Stated, Tables

CARBON_PRICE = "carbon_price"
"""The cost term under which carbon is charged at the problem's price."""


@dataclass(frozen=True)
class Charge:
    """What each unit of the variables of a family is charged under a cost term (USD), over their full table length."""

    term: str
    family: str
    usd: Floats
    column: Column


def charges(problem: Problem) -> Iterator[Charge]:
    """Yield all that is charged and not 0: terms of coefficients in the order of the tables, then single numbers."""
    tables, price = Tables(problem), problem.carbon_price_usd_per_kg
    charged = [one for one in tables.columns if one.column.charged_on]
    for one in sorted(charged, key=lambda one: one.column.kind != "added"):
        by_term = {one.column.term: one.value}
        if isinstance(one.value, Coefficients):
            by_term = {**one.value.cost, **({CARBON_PRICE: price * one.value.carbon_kg} if price else {})}
        for term, usd in by_term.items():
            if usd.any():
                yield Charge(term, one.column.charged_on, _over_family(tables, one, usd), one.column)


def _over_family(tables: Tables, one: Stated, values: Floats) -> Floats:
    """Return values of a column's rows by entry of the family charged; those of a move hold in every period."""
    others = VARIABLES[one.column.charged_on].over[len(one.column.rows) :]
    return np.repeat(values, tables.size(others)) if others else values.ravel()


def cost_usd(problem: Problem) -> dict[str, Floats]:
    """Return what one unit of every decision adds to the objective (USD), by component, over its full table length."""
    cost: dict[str, Floats] = {}
    for charge in charges(problem):
        cost[charge.family] = cost[charge.family] + charge.usd if charge.family in cost else charge.usd
    return cost


def cost_by_term(problem: Problem, values: Mapping[str, Floats]) -> dict[str, float]:
    """Return what decisions cost (USD) by cost term, at the values of each component over its full table length."""
    cost: dict[str, float] = {}
    for charge in charges(problem):
        cost[charge.term] = cost.get(charge.term, 0.0) + float((charge.usd * values[charge.family].ravel()).sum())
    return cost


def spent_in_no_place(problem: Problem) -> dict[str, Floats]:
    """Return by component what is spent on it apart from what happens in a place: charged by a number, no penalty."""
    spent = [one for one in charges(problem) if one.column.kind == "numbers" and not one.column.is_penalty]
    return {one.family: one.usd for one in spent}


def carbon_kg(problem: Problem) -> dict[str, Floats]:
    """Return what one unit of every decision emits (kg CO2e), by component, over its full table length."""
    return added_to(problem, "carbon_kg")


def added_to(problem: Problem, metric: str) -> dict[str, Floats]:
    """Return what one unit of every decision adds to a metric of `Coefficients`, by component, over its full table
    length.
    """
    tables = Tables(problem)
    return {
        one.column.charged_on: _over_family(tables, one, one.value.of(metric))
        for one in tables.columns if isinstance(one.value, Coefficients)
    }  # fmt: skip


def add_variables(model: Model, problem: Problem) -> None:
    """Add nothing: everything that costs is decided elsewhere."""


def add_local_constraints(model: Model, problem: Problem) -> None:
    """Add nothing: cost is shared."""


def add_coupling_constraints(model: Model, problem: Problem) -> None:
    """Add cost_cap, which has a row only where the problem has a cap."""
    C, cost = problem.cost_cap_usd, cost_usd(problem)
    model.add("cost_cap", every(0 if C is None else 1), _total(model, cost if C is not None else {}) <= (C or 0.0))


def add_objective(model: Model, problem: Problem) -> None:
    """Add the objective: `cost`, or `carbon` under a cost cap."""
    name, amounts = ("cost", cost_usd) if problem.cost_cap_usd is None else ("carbon", carbon_kg)
    model.minimise(name, _total(model, amounts(problem)))


def _total(model: Model, amounts: Mapping[str, Floats]) -> Expression:
    """Return the sum over all decisions, what one unit of each adds times how much of it there is, as one entry."""
    return reduce(add, ((amount * model[family]).sum() for family, amount in amounts.items()), Expression(()))
