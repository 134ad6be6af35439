"""A planner's estate of six workloads, two of which survive failures: too much for HiGHS alone, little work for
configurations.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

import domicile
from optimizer.instance.models import Budget

ESTATE = Path(__file__).with_name("planner_estate.yaml")
LIMIT_USD = 60_000.0


@cache
def solved():
    """The plan without a limit on its cost."""
    return domicile.solve(domicile.load(ESTATE), threads=1)


def test_auto_decomposes_and_proves():
    """HiGHS on the whole model leaves 10 % after a minute."""
    plan = solved()
    assert plan.method == "decompose"
    assert plan.status == "optimal"
    assert plan.gap <= 1e-3


@pytest.mark.parametrize("threads", [1, 2])
def test_a_budget_of_half_the_cost_is_short_by_the_other_half(threads):
    """The budget alone would have to rise to the least cost without it; no answer depends on the threads."""
    estate = domicile.load(ESTATE)
    budgets = (*estate.budgets, Budget(id="opex", limit_usd=LIMIT_USD))
    plan = domicile.solve(estate.model_copy(update={"budgets": budgets}), threads=threads)
    assert plan.status == "infeasible"
    (told,) = plan.shortfalls
    assert (told.rule, told.id, told.limit, told.basis, told.proven) == ("budget", "opex", LIMIT_USD, "alone", True)
    assert solved().bound_usd - LIMIT_USD <= told.by + 1e-3
    assert told.by_at_least <= solved().objective_usd - LIMIT_USD + 1e-3
    assert told.by - told.by_at_least <= 1e-3 * told.by
