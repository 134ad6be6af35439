"""The second solve on random instances: never dearer, never dirtier, and no other plan of the cost is cleaner."""

from __future__ import annotations

import pytest
from random_instances import random_instance
from solving import CLOSE

import domicile

GAP = 1e-7


@pytest.mark.parametrize("seed", range(5000, 5030))
def test_never_dearer_never_dirtier(seed: int) -> None:
    """Cost stays the least cost, carbon falls or stays, and the plan of a single solve does not beat the bound."""
    instance = domicile.load(random_instance(seed), references=False)
    alone = domicile.solve(instance, gap=GAP, time_limit_seconds=60.0, threads=1)
    both = domicile.solve(instance, gap=GAP, time_limit_seconds=60.0, threads=1, then="carbon")
    assert alone.least_carbon is None
    assert alone.status == both.status
    told = both.least_carbon
    if not both.held:
        assert told is None
        return
    assert told is not None
    scale = max(1.0, abs(alone.objective_usd or 0.0))
    assert abs((both.objective_usd or 0.0) - (alone.objective_usd or 0.0)) <= CLOSE * scale
    assert (both.objective_usd or 0.0) <= told.cost_cap_usd + 1e-9 * scale
    if both.carbon_kg is None:
        assert told.status == "not_run"
        return
    assert told.status in ("optimal", "feasible")
    assert told.carbon_before_kg is not None
    assert both.carbon_kg <= told.carbon_before_kg * (1 + CLOSE) + CLOSE
    assert told.bound_kg is None or told.bound_kg <= both.carbon_kg * (1 + CLOSE) + CLOSE
    no_dearer = (alone.objective_usd or 0.0) <= told.cost_cap_usd
    if told.status == "optimal" and no_dearer and alone.carbon_unknown_share == both.carbon_unknown_share == 0:
        assert both.carbon_kg <= (alone.carbon_kg or 0.0) * (1 + CLOSE) + CLOSE
