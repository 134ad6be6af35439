"""Which limits of a plan have no room for more, and which limits a slot draws on: one definition for all who ask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Problem
from optimizer.plan.models import Plan

Ints = NDArray[np.int64]
FULL = 1e-3
"""Part of a limit below which what is left of it is no room; of counted limits, less than one instance is none."""


def is_full(slack: float, limit: float, least: float = 0.0) -> bool:
    """Whether what is left of a limit is no room for one more, which takes `least` of it."""
    return slack <= FULL * max(limit, 1e-9) or slack < least * (1.0 - 1e-9)


def least_draws(problem: Problem) -> dict[str, float]:
    """Return by quota the least that one instance takes of it."""
    pools = problem.pools
    of_row = np.full(len(pools.ids), np.inf)
    np.minimum.at(of_row, pools.by_instances.row, pools.by_instances.weight)
    least: dict[str, float] = {}
    for name, weight in zip(pools.ids, of_row.tolist(), strict=True):
        least[name] = min(least.get(name, np.inf), weight)
    return {name: weight for name, weight in least.items() if weight < np.inf}


@dataclass(frozen=True)
class FullLimit:
    """A limit without room for more: what it is, what is used of it, and both in words."""

    limit: float
    used: float
    says: str


def full_limits(problem: Problem, plan: Plan) -> dict[str, FullLimit]:
    """Return the quotas, budgets and shares of a plan without room for more, by the id of their rule; a quota in the
    period in which most of it is used.
    """
    found: dict[str, FullLimit] = {}
    draws = least_draws(problem)
    for quota in plan.quotas:
        rule = _rule_of(quota.id)
        is_fuller = rule not in found or found[rule].used < quota.used
        if is_fuller and is_full(quota.slack, quota.limit, draws.get(quota.id, 0.0)):
            says = f"{quota.used:,.6g} of {quota.limit:,.6g} are used: no room for one more"
            found[rule] = FullLimit(quota.limit, quota.used, says)
    for budget in plan.budgets:
        if is_full(budget.slack, budget.limit):
            says = f"{budget.used:,.6g} of {budget.limit:,.6g} {budget.metric} are used"
            found[f"budget:{budget.id}"] = FullLimit(budget.limit, budget.used, says)
    for share in plan.shares:
        room = share.bound - share.value if share.sense == "at_most" else share.value - share.bound
        if is_full(room, 1.0):
            sense = share.sense.replace("_", " ")
            says = f"the share is {share.value:.4g}, {sense} {share.bound:.4g} is allowed"
            found[f"policy:{share.id}"] = FullLimit(share.bound, share.value, says)
    return found


def limits_of_slots(problem: Problem, own: Ints) -> set[str]:
    """Return the ids of the quotas, budgets and shares that slots draw on."""
    pools, budgets, shares, flows = problem.pools, problem.budgets, problem.shares, problem.flows
    held = np.isin(pools.by_instances.column, own)
    flowing = np.isin(flows.slot[pools.by_flow.column], own)
    names = {pools.ids[k] for k in {*pools.by_instances.row[held].tolist(), *pools.by_flow.row[flowing].tolist()}}
    found = {_rule_of(name) for name in names}
    counted = set(budgets.slots.row[np.isin(budgets.slots.column, own)].tolist())
    found |= {f"budget:{name}" for k, name in enumerate(budgets.ids) if budgets.whole[k] or k in counted}
    return found | {f"policy:{shares.ids[k]}" for k in set(shares.all.row[np.isin(shares.all.column, own)].tolist())}


def _rule_of(pool: str) -> str:
    return pool if pool.startswith("commitment:") else f"quota:{pool}"
