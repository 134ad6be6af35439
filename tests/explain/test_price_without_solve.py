"""Prices of rules that no solve is needed for: what the plan's own prices prove, held against solves."""

from __future__ import annotations

import threading
import time

import pytest
from compile_toys import offer, region, service, toy
from random_instances import random_instance

import domicile
from optimizer.compile import compile_instance
from optimizer.compile.effects import effects
from optimizer.explain import pricing
from optimizer.explain.at_prices import AtPrices
from optimizer.explain.without_solve import BY_PRICES, ELSE, ROWS, known_without_solve
from optimizer.what_if import Limits

PLACES = {
    "providers": [{"id": "p", "control": ["DE"]}, {"id": "q", "control": ["US"]}],
    "regions": [region(), region("q:east", "US", grid_g_per_kwh=500.0)],
    "offers": [offer(usd_per_hour=3.0), offer("y", place="q:east", usd_per_hour=2.0)],
    "network": [{"origin": "DE", "region": name, "rtt_ms": 20.0} for name in ("p:north", "q:east")],
}


def estate(limit_kg):
    """Two services of five devices each: 119 kg in the north at 1,500 USD, 290 kg in the east at 1,000 USD."""
    budgets = [{"id": "carbon", "limit_kg": limit_kg}]
    return toy(service("a"), service("b"), inline=PLACES, budgets=budgets, quotas={"default_devices": 64.0})


def limits(gap=1e-3):
    return Limits(gap, 1, time.perf_counter() + 60.0, threading.Event())


def test_a_budget_with_room_that_no_price_stands_on_is_not_solved_for(monkeypatch):
    """Both are in the east whatever the budget is: it costs nothing, and no solve has to say so."""
    monkeypatch.setattr(pricing, "solved_changed", lambda *_: pytest.fail("nothing is to be solved"))
    plan = domicile.solve(estate(1000.0), gap=0.0, method="decompose")
    (row,) = domicile.explain.prices(estate(1000.0), plan, ["budget:carbon"], steps=False).prices
    assert row.lifted_usd is not None
    assert (row.lifted_usd.low, row.lifted_usd.high) == pytest.approx((0.0, 0.0), abs=1e-6)
    assert row.exact
    assert row.complete
    assert row.why == BY_PRICES


def test_a_budget_that_costs_something_is_solved_for():
    """At 420 kg one of the two has to be in the north, for 500 USD: more than the gap leaves open."""
    plan = domicile.solve(estate(420.0), gap=0.0, method="decompose")
    (row,) = domicile.explain.prices(estate(420.0), plan, ["budget:carbon"], steps=False, gap=0.0).prices
    assert row.lifted_usd is not None
    assert (row.lifted_usd.low, row.lifted_usd.high) == pytest.approx((plan.objective_usd - 2000.0,) * 2)
    assert row.lifted_usd.low > 100.0
    assert row.why is None


@pytest.mark.parametrize("seed", [1, 2, 6, 11])
def test_without_its_rows_a_rule_saves_no_more_than_the_prices_prove(seed: int):
    """Against the instance without the rule, compiled and solved on its own."""
    instance = domicile.load(random_instance(seed), references=False)
    compiled, plan = compile_instance(instance), domicile.solve(instance, gap=0.02, threads=1, method="decompose")
    table, prices = effects(compiled), AtPrices(compiled, plan)
    kinds = ("budget", "quota", "policy", "law")
    rows_only = table[table[list(ROWS)].any(axis=1) & ~table[list(ELSE)].any(axis=1) & table.kind.isin(kinds)]
    for rule in rows_only.index:
        if str(rows_only.text[rule]).startswith("default of"):
            continue
        told = known_without_solve(compiled, plan, table, rule, limits(gap=1.0), at_prices=prices)
        if told is None:
            continue
        free = domicile.solve(domicile.changed(instance, [{"op": "lift", "rule": rule}]), gap=0.0, threads=1)
        assert free.objective_usd is not None
        assert told.bound_usd is not None
        assert told.bound_usd <= free.objective_usd + 1e-6 * abs(free.objective_usd)
