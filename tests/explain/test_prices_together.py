"""What rules cost together and laws by permutations, and what missing figures cost."""

from __future__ import annotations

import random
import statistics
from itertools import permutations

import pytest
from compile_toys import offer, region, service, toy
from random_instances import random_instance

import domicile
from optimizer.errors import InfeasibleError, InputError
from optimizer.explain import shapley

prices = domicile.explain.prices
TWO = {
    "providers": [{"id": "p", "control": ["DE"]}, {"id": "q", "control": ["US"]}],
    "regions": [region(), region("q:east", "US")],
    "offers": [offer(usd_per_hour=3.0), offer("y", place="q:east", usd_per_hour=2.0)],
    "network": [
        {"origin": "DE", "region": "p:north", "rtt_ms": 20.0},
        {"origin": "DE", "region": "q:east", "rtt_ms": 30.5},
    ],
}
NEAR = {**service(), "streams": [{"origin": "DE", "rate": 35.0, "unit": "requests/s", "max_rtt_ms": 30.0}]}
FAR = {**service(), "streams": [{"origin": "DE", "rate": 35.0, "unit": "requests/s", "max_rtt_ms": 60.0}]}
NO_US = {"kind": "exclude_control", "id": "no-us", "jurisdictions": ["US"]}


def asked(instance, *rules, **more):
    return prices(instance, None, rules, gap=0.0, threads=1, steps=False, **more)


def ends(found):
    return None if found is None else pytest.approx((found.low, found.high), abs=1e-6)


def test_two_rules_that_shut_one_door_cost_something_only_together():
    """Each alone costs nothing; without both, five devices for 100 h cost 1 USD/h less. No plan need be given."""
    answer = asked(toy(NEAR, inline=TWO, policies=[NO_US]), "latency", "policy")
    assert [ends(row.lifted_usd) for row in answer.prices] == [(0.0, 0.0)] * 2
    assert answer.together is not None
    assert ends(answer.together.together_usd) == (500.0, 500.0)
    assert ends(answer.together.overlap_usd) == (500.0, 500.0)
    assert answer.together.moves == ("svc",)
    assert answer.cost_usd == pytest.approx(1500.0)


def test_two_rules_that_each_keep_the_same_saving_out_cost_it_once_together():
    """One shuts the far region, one the near one of an operator from the US; either saves the same 500 USD."""
    inline = {
        "providers": [*TWO["providers"], {"id": "r", "control": ["FR"]}],
        "regions": [*TWO["regions"], region("r:far", "FR")],
        "offers": [*TWO["offers"], offer("z", place="r:far", usd_per_hour=2.0)],
        "network": [{"origin": "DE", "region": name, "rtt_ms": rtt}
                    for name, rtt in (("p:north", 20.0), ("q:east", 20.0), ("r:far", 30.5))],
    }  # fmt: skip
    answer = asked(toy(NEAR, inline=inline, policies=[NO_US]), "latency", "policy")
    assert [ends(row.lifted_usd) for row in answer.prices] == [(500.0, 500.0)] * 2
    assert answer.together is not None
    assert ends(answer.together.overlap_usd) == (-500.0, -500.0)


def test_of_one_rule_nothing_is_told_together():
    assert asked(toy(NEAR, inline=TWO), "latency").together is None


def test_a_missing_figure_costs_what_its_options_would_save():
    """The cheaper offer has no power, and a budget asks for it: five devices for 100 h would save 1 USD/h."""
    dark = {"sku": "dark", "region": "p:north", "accelerator": "X", "devices": 1.0, "device_memory_gb": 24.0,
            "software": "cuda", "usd_per_hour": 2.0, "embodied_kg_per_hour": 0.01}  # fmt: skip
    inline = {**TWO, "offers": [offer(usd_per_hour=3.0), dark]}
    answer = asked(toy(FAR, inline=inline, budgets=[{"id": "kg", "limit_kg": 1e6}]), "latency", missing=True)
    (row,) = answer.missing
    assert (row.figure, row.options, row.alone) == ("missing_power", 1, 1)
    assert ends(row.saves_usd) == (500.0, 500.0)


def test_an_instance_without_a_plan_has_no_prices():
    with pytest.raises(InfeasibleError, match="no rule of it has a price") as told:
        asked(toy(FAR, inline=TWO, budgets=[{"id": "kg", "limit_kg": 0.001}]), "budget", attribute=True)
    assert "Maybe" in str(told.value)


def test_where_no_law_does_anything_there_is_nothing_to_split():
    with pytest.raises(InputError, match="no law does anything here"):
        asked(toy(NEAR, inline=TWO), attribute=True)


def _saved(instance, laws):
    """The least cost with laws lifted, solved on its own."""
    changes = [{"op": "lift", "rule": law} for law in sorted(laws)]
    return domicile.solve(domicile.changed(instance, changes), gap=0.0, threads=1).objective_usd


def _marginals(instance, orders):
    """By law what lifting it saves after those before it, one figure an order."""
    known = {}
    found = {law: [] for law in orders[0]}
    for order in orders:
        for k, law in enumerate(order):
            for one in (frozenset(order[:k]), frozenset(order[: k + 1])):
                known.setdefault(one, None)
                known[one] = _saved(instance, one) if known[one] is None else known[one]
            found[law].append(known[frozenset(order[:k])] - known[frozenset(order[: k + 1])])
    return found


@pytest.mark.parametrize("seed", [63])
def test_the_split_is_the_mean_over_all_permutations(seed: int):
    instance = domicile.load(random_instance(seed), references=False)
    split = asked(instance, "law", attribute=True).shapley
    assert split is not None
    assert split.exact
    values = {law: row for row in split.values for law in row.laws}
    found = _marginals(instance, list(permutations(sorted(values))))
    for law, row in values.items():
        assert row.value_usd == pytest.approx(statistics.mean(found[law]), rel=1e-6, abs=1e-4)
        assert row.interval_usd.low - 1e-6 <= row.value_usd <= row.interval_usd.high + 1e-6
    assert sum(row.value_usd for row in split.values) == pytest.approx(split.total_usd.high, rel=1e-6, abs=1e-4)
    assert split.values[0].value_usd > 1.0


def test_of_many_families_orders_are_drawn_and_the_error_is_stated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shapley, "MOST_EXACT", 1)
    instance = domicile.load(random_instance(7), references=False)
    split = asked(instance, "law", attribute=True, samples=4, seed=3).shapley
    assert split is not None
    assert (split.exact, split.orders, split.seed) == (False, 4, 3)
    families = {row.family: row for row in split.values}
    assert set(families) == {"CN", "EU"}
    draw = random.Random(3)
    orders = [draw.sample(sorted(families), 2) for _ in range(4)]
    laws = {name: row.laws for name, row in families.items()}
    gains = {name: [] for name in families}
    for order in orders:
        for k, name in enumerate(order):
            before = [law for one in order[:k] for law in laws[one]]
            gains[name].append(_saved(instance, before) - _saved(instance, [*before, *laws[name]]))
    for name, row in families.items():
        assert row.value_usd == pytest.approx(statistics.mean(gains[name]), abs=1e-4)
        assert row.standard_error_usd == pytest.approx(statistics.stdev(gains[name]) / 2.0, abs=1e-4)
