"""What rules cost: by hand, and against the instance without them, compiled and solved on its own."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from compile_toys import offer, region, service, toy
from random_instances import random_instance

import domicile
from domicile.cli import main
from optimizer.errors import InputError

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
    plan = domicile.solve(instance, gap=0.0)
    return {row.rule: row for row in prices(instance, plan, rules, gap=0.0, **more).prices}


def ends(found):
    return None if found is None else pytest.approx((found.low, found.high))


def test_a_limit_on_round_trips_costs_what_the_cheaper_region_saves():
    """Five devices for 100 h at 3 instead of 2 USD/h. A millisecond more opens the region; one less shuts nothing."""
    row, default = asked(toy(NEAR, inline=TWO)).values()
    assert (row.rule, default.rule) == ("latency:max_rtt_ms", "quota:quotas.default_devices")
    assert ends(default.lifted_usd) == (0.0, 0.0)
    assert ends(row.lifted_usd) == (500.0, 500.0)
    assert ends(row.looser_usd) == (500.0, 500.0)
    assert ends(row.tighter_usd) == (0.0, 0.0)
    assert row.exact
    assert row.moves == ("svc",)


def test_of_two_rules_that_shut_one_door_each_costs_nothing_alone():
    found = asked(toy(NEAR, inline=TWO, policies=[NO_US]), "latency", "policy")
    assert set(found) == {"latency:max_rtt_ms", "policy:no-us"}
    assert all(row.lifted_usd.high == 0.0 and row.why for row in found.values())


def test_a_limit_with_something_left_may_cost_something_where_machines_are_whole():
    """Five devices are needed. Two machines of four at 2.50 USD/h hold eight; a quota of 7.5 admits one beside one of
    three at 3 USD/h, 50 USD dearer over 100 h, and leaves half a device.
    """
    inline = {**TWO, "offers": [offer(devices=3.0, usd_per_hour=3.0), offer("g4", devices=4.0, usd_per_hour=2.5)]}
    quotas = {"default_devices": 64.0, "limits": [{"id": "few", "region": "p:north", "devices": 7.5}]}
    instance = toy(FAR, inline=inline, quotas=quotas)
    plan = domicile.solve(instance, gap=0.0)
    assert plan.objective_usd == pytest.approx(550.0)
    assert [row.slack for row in plan.quotas if row.id == "few"] == pytest.approx([0.5])
    row = asked(instance, "quota:few")["quota:few"]
    assert ends(row.lifted_usd) == (50.0, 50.0)
    assert row.exact


def test_a_budget_that_binds_has_no_plan_one_step_tighter():
    plan = domicile.solve(toy(FAR, inline=TWO), gap=0.0)
    budget = {"id": "money", "limit_usd": plan.objective_usd}
    row = asked(toy(FAR, inline=TWO, budgets=[budget]), "budget")["budget:money"]
    assert row.tighter_possible is False
    assert row.tighter_usd is None
    assert ends(row.lifted_usd) == (0.0, 0.0)


def test_quotas_that_stand_for_one_default_are_one_rule():
    found = asked(toy(FAR, inline=TWO, quotas={"default_devices": 5.0}), "quota", steps=False)
    assert list(found) == ["quota:quotas.default_devices"]


@pytest.mark.parametrize("seed", range(1, 9))
def test_on_random_instances_prices_are_those_of_the_instance_without_the_rule(seed: int):
    instance = domicile.load(random_instance(seed), references=False)
    plan = domicile.solve(instance, gap=0.0, threads=1)
    if not plan.placements:
        pytest.skip("nothing is placed")
    found = [row for row in asked(instance, steps=False, threads=1).values() if row.kind != "law"][:4]
    assert found
    for row in found:
        without = domicile.changed(instance, [{"op": "lift", "rule": row.rule}])
        saved = plan.objective_usd - domicile.solve(without, gap=0.0, threads=1).objective_usd
        slack = 1e-6 * max(1.0, abs(plan.objective_usd))
        assert row.lifted_usd.low - slack <= saved <= row.lifted_usd.high + slack, row.rule


def test_an_unknown_rule_is_an_error_and_the_command_prints_both_ways(tmp_path):
    instance = toy(NEAR, inline=TWO)
    with pytest.raises(InputError, match="no rule 'latency:max_rtt' does anything"):
        asked(instance, "latency:max_rtt")
    file, plan = tmp_path / "toy.json", tmp_path / "plan.json"
    file.write_text(instance.model_dump_json(exclude_none=True))
    domicile.solve(domicile.load(file)).write(plan)
    words = ["explain", "prices", str(file), "--plan", str(plan)]
    said = CliRunner().invoke(main, [*words, "--json"])
    assert said.exit_code == 0, said.output
    row = json.loads(said.stdout)["prices"][0]
    assert {"rule", "lifted_usd", "lifted_kg", "tighter_usd", "looser_usd", "exact", "moves"} <= row.keys()
    text = CliRunner().invoke(main, words)
    assert text.exit_code == 0
    assert "latency:max_rtt_ms" in text.output


def test_carbon_that_nobody_knows_is_no_saving():
    """Without its budget the offer without power is an option, the cheaper one: what it emits is not 0."""
    dark = {"sku": "dark", "region": "p:north", "accelerator": "X", "devices": 1.0, "device_memory_gb": 24.0,
            "software": "cuda", "usd_per_hour": 1.0}  # fmt: skip
    instance = toy(FAR, inline={**TWO, "offers": [offer(), dark]}, budgets=[{"id": "kg", "limit_kg": 1e6}])
    row = asked(instance, "budget:kg", steps=False)["budget:kg"]
    assert ends(row.lifted_usd) == (500.0, 500.0)
    assert row.lifted_kg is None


def test_a_step_that_the_instance_does_not_admit_says_so():
    """A limit of one millisecond cannot fall by one: no figure, and the reason."""
    trips = {"p:north": 0.5, "q:east": 9.0}
    network = [{"origin": "DE", "region": name, "rtt_ms": rtt} for name, rtt in trips.items()]
    near = {**NEAR, "streams": [{**NEAR["streams"][0], "max_rtt_ms": 1.0}]}
    row = asked(toy(near, inline={**TWO, "network": network}), "latency")["latency:max_rtt_ms"]
    assert row.tighter_usd is None
    assert row.why == "tighter: max_rtt_ms is 0.0; must be above 0.0"
