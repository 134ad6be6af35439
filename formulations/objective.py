r"""The objective: least cost over the horizon, in USD.

    minimise  sum_i run_i n[i] + sum_i work_i H[i] + sum_q serve_q f[q] + sum_c copy_c d[c] + sum_e gb_e u[e]
              + sum_{e,t} move_e m[e,t] + sum_r fixed[r] s[r] + sum_m cost[m] z[m]
              + sum_{j,t} unserved[j,t] v[j,t] + sum_g undone[g] x[g]

where the coefficient of a place's decision is its spend_usd + carbon_price x carbon_kg. Nothing else enters: no
epsilon.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.core as pyo
from pyomo.core.expr.numeric_expr import LinearExpression

from formulations.bulk import block, objective_terms
from formulations.problem import Coefficients, Floats, Problem


def cost_usd(problem: Problem) -> dict[str, Floats]:
    """Return what one unit of every decision adds to the objective (USD), by component, over its full table length."""
    periods, slots, datasets = problem.period_hours.size, problem.slots, problem.datasets

    def priced(coefficients: Coefficients) -> Floats:
        return coefficients.spend_usd + problem.carbon_price_usd_per_kg * coefficients.carbon_kg

    return {
        "instances": priced(slots.running),
        "flow": priced(problem.flows.serving),
        "work_hours": priced(slots.working),
        "copy": priced(datasets.copying),
        "transfer": priced(datasets.moving),
        "move": np.repeat(priced(problem.moves.moving), periods),
        "region_used": problem.regions.fixed_usd,
        "bought": problem.mechanisms.cost_usd,
        "unserved": problem.services.unserved_usd.ravel(),
        "undone": problem.jobs.undone_usd,
    }


def add_objective(model: Any, problem: Problem) -> None:
    """Add the objective `cost`."""
    blocks = []
    for family, cost in cost_usd(problem).items():
        every = np.arange(cost.size)
        blocks.append(block(model, family, np.zeros(cost.size, dtype=np.int64), every, cost))
    model.cost = pyo.Objective(expr=LinearExpression(objective_terms(blocks)), sense=pyo.minimize)
