"""What is known of the price of a rule without solving again.

A rule that alone excludes nothing, and from which no row of the model stems, costs nothing. Of one that has rows that
workloads share, and does nothing else, the prices that the plan keeps bound the instance without it (see
`optimizer.solve.decomposition.lagrangian`): without a row that has no price their bound is what it was, and without
others the workloads in them are priced again. Where what the rule may cost is then no more than two solves to the gap
asked would leave open, it is not solved for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.explain.at_prices import AtPrices
from optimizer.explain.resolved import Other
from optimizer.plan.models import Plan
from optimizer.what_if import Limits

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.compile.assemble import Compiled

ROWS = ("limits", "requires")
ELSE = ("excludes_alone", "closes", "duties", "charges")
BY_PRICES = "no solve: bounded by the prices that the plan keeps"


def known_without_solve(
    compiled: Compiled, plan: Plan, table: pd.DataFrame, rule: str, limits: Limits, *, at_prices: AtPrices
) -> Other | None:
    """Return what the instance without a rule costs at least, where that is all a solve would have to tell."""
    row = table.loc[rule]
    has_rows = any(bool(row[name]) for name in ROWS)
    if plan.objective_usd is None or plan.bound_usd is None or not has_rows or any(bool(row[name]) for name in ELSE):
        return None
    if row.kind == "quota" and _bounds_counts(compiled, rule):
        return None
    bound = at_prices.without(rule, limits)
    open_usd = plan.objective_usd - plan.bound_usd + limits.gap * abs(plan.objective_usd)
    if bound is None or plan.objective_usd - bound > open_usd:
        return None
    return Other(None, bound, None, None, complete=True)


def _bounds_counts(compiled: Compiled, rule: str) -> bool:
    """Whether a quota is what bounds the instances of an option, which a model without its rows would not know."""
    pools, most = compiled.problem.pools, compiled.problem.slots.max_instances
    name = rule.partition(":")[2]
    own = np.isin(pools.by_instances.row, [k for k, one in enumerate(pools.ids) if one == name])
    row, slot = pools.by_instances.row[own], pools.by_instances.column[own]
    fits = np.floor(pools.limit[row] / pools.by_instances.weight[own] + 1e-9)
    return not own.any() or bool((most[slot] >= fits).any())
