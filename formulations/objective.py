r"""The objective: least cost over the horizon, in USD; or, in a second solve, least carbon at no higher cost.

    minimise  cost  =  sum_i run_i n[i] + sum_i work_i H[i] + sum_q serve_q f[q] + sum_c copy_c d[c] + sum_e gb_e u[e]
                       + sum_{e,t} move_e m[e,t] + sum_r fixed[r] s[r] + sum_m cost[m] z[m]
                       + sum_{j,t} unserved[j,t] v[j,t] + sum_g undone[g] x[g]

where the coefficient of a place's decision is its spend_usd + carbon_price x carbon_kg. Nothing else enters: no
epsilon.

Where the problem has a cost cap C (`cost_cap_usd`), what is minimised is kg CO2e over the horizon, the sum that a
carbon budget on everything caps:

    minimise  carbon  =  sum_i run_i n[i] + sum_i work_i H[i] + sum_q serve_q f[q] + sum_c copy_c d[c] + sum_e gb_e u[e]
                         + sum_{e,t} move_e m[e,t]                                      each coefficient its carbon_kg

Constraint (coupling):
    cost_cap[0]   cost <= C
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import add

import numpy as np

from formulations.algebra import Expression, Model
from formulations.indexing import every
from formulations.problem import Coefficients, Floats, Problem


def cost_usd(problem: Problem) -> dict[str, Floats]:
    """Return what one unit of every decision adds to the objective (USD), by component, over its full table length."""
    price = problem.carbon_price_usd_per_kg
    return {
        **_placed(problem, lambda coefficients: coefficients.spend_usd + price * coefficients.carbon_kg),
        "region_used": problem.regions.fixed_usd,
        "bought": problem.mechanisms.cost_usd,
        "unserved": problem.services.unserved_usd.ravel(),
        "undone": problem.jobs.undone_usd,
    }


def carbon_kg(problem: Problem) -> dict[str, Floats]:
    """Return what one unit of every decision emits (kg CO2e), by component, over its full table length."""
    return _placed(problem, lambda coefficients: coefficients.carbon_kg)


def _placed(problem: Problem, of: Callable[[Coefficients], Floats]) -> dict[str, Floats]:
    """Return one figure of the coefficients of everything that happens in a place, by component."""
    slots, datasets = problem.slots, problem.datasets
    return {
        "instances": of(slots.running),
        "flow": of(problem.flows.serving),
        "work_hours": of(slots.working),
        "copy": of(datasets.copying),
        "transfer": of(datasets.moving),
        "move": np.repeat(of(problem.moves.moving), problem.period_hours.size),
    }


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
