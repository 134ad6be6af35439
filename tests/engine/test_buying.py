"""Commitments to buy against a second statement of the problem, in all methods, and by what must change nothing."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from independent import Independent
from random_buying import random_buying
from random_instances import random_instance
from sampled import most
from solving import GAP, better, optimum, same

import domicile

CHUNK = 20
SEEDS = range(8000, 8000 + CHUNK * most(3))
METHODS = ("direct", "kernel", "decompose")
Data = dict[str, Any]


@pytest.mark.parametrize("first", range(SEEDS.start, SEEDS.stop, CHUNK))
def test_optimum_is_that_of_the_second_formulation(first: int) -> None:
    """The same optimum in both, to one in a million, or no plan in both; in many it pays to buy."""
    pays = 0
    for seed in range(first, first + CHUNK):
        data = random_buying(seed)
        found, expected = optimum(data), Independent(domicile.load(data, references=False)).optimum()
        assert same(found, expected), f"seed {seed}: engine {found}, second formulation {expected}"
        pays += better(found, optimum({name: value for name, value in data.items() if name != "buy"}))
    assert pays


@pytest.mark.parametrize("seed", range(8000, 8016))
def test_plans_pass_their_audit(seed: int) -> None:
    """The audit finds nothing, and what the plan buys is what runs on it."""
    instance = domicile.load(random_buying(seed))
    plan = domicile.solve(instance, gap=GAP, threads=1)
    if not plan.held:
        return
    report = domicile.audit(instance, plan)
    assert not report.violations, report.violations[:3]
    reserved = {name for row in plan.placements if row.purchase == "reserved" for name in row.commitments}
    assert {row.id for row in plan.purchases} == reserved
    for row in plan.purchases:
        assert row.used == pytest.approx(row.amount, rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(8030, 8032))
def test_methods_agree(seed: int, method: Any) -> None:
    """All methods end at the optimum of the one that is chosen, or stopped before, not below it."""
    data = random_buying(seed)
    expected = optimum(data)
    plan = domicile.solve(domicile.load(data), gap=GAP, threads=1, method=method, time_limit_seconds=15.0)
    if plan.status == "optimal":
        assert same(plan.objective_usd, expected)
    elif plan.held:
        assert not better(plan.objective_usd, expected)
    else:
        assert expected is None or plan.status == "no_plan"


@pytest.mark.parametrize("seed", range(8040, 8052))
def test_what_may_be_bought_never_makes_a_plan_dearer(seed: int) -> None:
    """Without limits on money, more to buy is never worse; at ten times the price nothing is bought."""
    data = random_buying(seed)
    data["budgets"] = [budget for budget in data["budgets"] if "limit_usd" not in budget]
    without = {name: value for name, value in data.items() if name != "buy"}
    assert not better(optimum(without), optimum(data))
    dear = deepcopy(data)
    for one in dear["buy"]["instances"]:
        one["usd_per_hour"], one["upfront_usd"] = 10 * one["usd_per_hour"] + 1.0, 10 * one["upfront_usd"]
    dear["buy"]["expected_use_months"] = 0.5
    dear["buy"].pop("plans", None)
    if not any(row.get("max_share") or row.get("min_share") for row in data["policies"]):
        assert same(optimum(dear), optimum(without))


@pytest.mark.parametrize("seed", range(8060, 8070))
def test_old_instances_stay_what_they_were(seed: int) -> None:
    """Drawing what may be bought moves no other number of an instance."""
    data, old = random_buying(seed), random_instance(seed)
    assert data["catalogue"] == old["catalogue"]
    assert [w["id"] for w in data["workloads"]] == [w["id"] for w in old["workloads"]]
