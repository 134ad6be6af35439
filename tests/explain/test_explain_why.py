"""Why a workload is where it is, and what another place would take: by hand, and against the instance that says so."""

from __future__ import annotations

import json
import threading
import time

import pyomo.environ as pyo
import pytest
from click.testing import CliRunner
from compile_toys import job, offer, region, service, toy
from random_instances import random_instance

import domicile
from domicile.cli import main
from optimizer.compile import compile_instance
from optimizer.errors import InputError
from optimizer.explain.forcing import Demand, Limits, force

why = domicile.explain.why
HOURS = 100.0
TWO = {
    "providers": [{"id": "p", "control": ["DE"]}, {"id": "q", "control": ["US"]}],
    "regions": [region(), region("q:east", "US", grid_g_per_kwh=500.0)],
    "offers": [offer(), offer("y", place="q:east", usd_per_hour=3.0)],
    "network": [
        {"origin": "DE", "region": "p:north", "rtt_ms": 20.0},
        {"origin": "DE", "region": "q:east", "rtt_ms": 30.57},
    ],
}
NEAR = {**service(), "streams": [{"origin": "DE", "rate": 35.0, "unit": "requests/s", "max_rtt_ms": 30.0}]}
FAR = {**service(), "streams": [{"origin": "DE", "rate": 35.0, "unit": "requests/s", "max_rtt_ms": 60.0}]}


def two(*workloads, **more):
    return toy(*workloads, inline=TWO, **more)


def asked(instance, workload="svc", **more):
    plan = domicile.solve(instance, gap=0.0)
    return why(instance, plan, workload, gap=0.0, **more)


def test_what_it_costs_where_it_is_and_by_how_much_more_elsewhere():
    """Five devices (35/s of 10/s each at 70 % target) at 2 USD/h for 100 h; the same at 3 USD/h elsewhere."""
    told = asked(two(FAR), region="q:east")
    (place,) = told.placements
    assert place.placement.region_id == "p:north"
    assert place.utilisation == pytest.approx(1.0)
    assert told.cost_by_term_usd == pytest.approx({"compute": 1000.0})
    assert told.instead is not None
    assert told.instead.eligible
    assert told.instead.possible
    extra = told.instead.extra_cost_usd
    assert extra is not None
    assert (extra.low, extra.high) == pytest.approx((500.0, 500.0))
    assert told.instead.rest_held_usd == pytest.approx(500.0)
    kwh = 5 * HOURS * (0.2 + 0.7 * 0.8) * 1.5  # between idle and load at the utilisation, with the PUE
    assert told.instead.extra_carbon_kg == pytest.approx(kwh * (500.0 - 200.0) / 1000.0)
    assert told.runner_up is not None
    assert told.runner_up.regions == ("q:east",)
    assert told.runner_up.extra_cost_usd == extra
    assert told.instead.complete
    assert told.runner_up.complete


def test_where_it_is_already_nothing_is_to_pay():
    told = asked(two(FAR), region="p:north")
    assert told.instead is not None
    assert told.instead.held
    assert told.instead.extra_cost_usd is None


def test_a_figure_stands_beside_the_limit_it_breaks_and_the_least_change_opens_the_place():
    told = asked(two(NEAR), stream="DE", region="q:east").instead
    assert told is not None
    assert not told.eligible
    (rule,) = told.rules
    assert (rule.id, rule.alone, rule.evidence) == (
        "latency:max_rtt_ms", True, ("the round trip of DE: 30.57 ms against 30 ms",)
    )  # fmt: skip
    scope = {"workloads": ["svc"], "streams": ["DE"]}
    assert told.opened_by is not None
    assert told.opened_by.verified
    assert told.opened_by.changes == ({"op": "set_limit", "rule": "latency:max_rtt_ms", "to": 30.57, "scope": scope},)


def test_of_two_rules_none_alone_keeps_it_out_and_both_are_lifted():
    no_us = {"kind": "exclude_control", "id": "no-us", "jurisdictions": ["US"]}
    told = asked(two(NEAR, policies=[no_us]), region="q:east").instead
    assert told is not None
    assert told.opened_by is not None
    assert {rule.id for rule in told.rules} == {"latency:max_rtt_ms", "policy:no-us"}
    assert not any(rule.alone for rule in told.rules)
    assert set(told.opened_by.rules) == {"latency:max_rtt_ms", "policy:no-us"}
    assert told.opened_by.verified


def test_a_fact_is_named_as_what_nobody_lifts():
    """A machine without a speed for the workload is no restriction."""
    inline = {**TWO, "offers": [offer(), offer("y", place="q:east", accelerator="Z")]}
    told = asked(toy(FAR, inline=inline), region="q:east").instead
    assert told is not None
    assert told.opened_by is not None
    assert told.opened_by.unchangeable
    assert not told.opened_by.verified
    assert not told.opened_by.changes


def test_who_is_pushed_out_is_named_with_the_limit_that_is_full():
    """One device in the east: it holds `a`; forcing `b` there pushes `a` to the north, for a dollar an hour more."""
    inline = {**TWO, "offers": [offer(usd_per_hour=3.0), offer("y", place="q:east", usd_per_hour=2.0)]}
    works = [{**job("a"), "runs": {"throughput": {"X": 1.0}}}, {**job("b"), "runs": {"throughput": {"X": 1.0}}}]
    for one, regions in zip(works, (["p:north", "q:east"], ["p:north", "q:east"]), strict=True):
        one["regions"] = regions
    works[1]["work"] = 180_000.0  # half as long: the longer one takes the cheap device
    instance = toy(*works, inline=inline, quotas={"default_devices": 64.0, "limits": [
        {"id": "few", "region": "q:east", "devices": 1.0}
    ]})  # fmt: skip
    told = asked(instance, "b", region="q:east").instead
    assert told is not None
    assert told.extra_cost_usd is not None
    assert (told.extra_cost_usd.low, told.extra_cost_usd.high) == pytest.approx((50.0, 50.0))
    (pushed,) = told.displaces
    assert (pushed.workload, pushed.left, pushed.entered) == ("a", ("q:east",), ("p:north",))
    assert pushed.because == ("quota:few",)
    assert told.rest_held_usd is None  # with `a` in its place there is no room


def test_what_no_plan_allows_is_proven_and_says_what_would_have_to_change():
    budget = {"id": "money", "limit_usd": 1200.0}
    told = asked(two(FAR, budgets=[budget]), region="q:east").instead
    assert told is not None
    assert told.eligible
    assert told.possible is False
    assert told.extra_cost_usd is None
    assert any("budget money" in line and "300" in line for line in told.hindered_by)


def test_unserved_demand_is_no_way_to_be_somewhere():
    """Leaving all unserved costs 10 USD, which is cheaper than any machine; forced, it has to be served."""
    cheap = {**FAR, "unserved_usd_per_unit": 10.0 / (35.0 * 3600.0 * HOURS)}
    told = asked(two(cheap), region="q:east")
    assert told.placements == ()
    assert told.runner_up is None
    assert told.instead is not None
    assert told.instead.extra_cost_usd is not None
    assert told.instead.extra_cost_usd.low == pytest.approx(1500.0 - 10.0)


def test_an_offer_that_another_dominates_can_be_asked_about():
    inline = {**TWO, "offers": [offer(), offer("g9", usd_per_hour=2.5), offer("y", place="q:east")]}
    told = asked(toy(FAR, inline=inline), offer="p:north:g9:on_demand").instead
    assert told is not None
    assert told.extra_cost_usd is not None
    assert told.extra_cost_usd.high == pytest.approx(250.0)


def test_the_graph_leads_from_rules_to_demands():
    told = asked(two(NEAR), stream="DE", region="q:east")
    steps = {(edge.source, edge.says, edge.target) for edge in told.graph}
    assert ("latency:max_rtt_ms", "gives", "verdict:q:east:y:on_demand:out") in steps
    assert ("verdict:q:east:y:on_demand:out", "shuts", "option:q:east:y:on_demand") in steps
    assert ("option:p:north:g1:on_demand", "serves", "demand:svc/DE") in steps


def test_a_full_quota_is_told_and_one_with_room_is_not():
    few = {"default_devices": 64.0, "limits": [{"id": "few", "region": "p:north", "devices": 5.0}]}
    full = {bound.id for bound in asked(two(FAR, quotas=few)).bound_by}
    few["limits"][0]["devices"] = 6.0
    assert "quota:few" in full
    assert "quota:few" not in {bound.id for bound in asked(two(FAR, quotas=few)).bound_by}


def _forced_by_fields(instance, workload, place):
    """Return the least cost with the workload's own `regions` and no price for leaving it unserved; None: no plan."""
    changes = [{"op": "change_workload", "workload": workload, "set": {"regions": [place]}}]
    price, others = instance.unserved_usd_per_unit, [one.id for one in instance.workloads if one.id != workload]
    if price is not None:
        changes.append({"op": "set_unserved_price", "usd_per_unit": None})
        scope = {"workloads": others}
        changes += [{"op": "set_unserved_price", "usd_per_unit": price, "scope": scope}] if others else []
    try:
        changed = domicile.changed(instance, changes)
    except InputError:  # it asks for several regions
        return None
    plan = domicile.solve(changed, gap=0.0, threads=1)
    return plan.objective_usd


@pytest.mark.parametrize("seed", range(16))
def test_a_random_instance_forced_by_a_field_costs_what_is_told(seed: int):
    """The independent way: `regions` of the workload in the instance, compiled and solved on its own."""
    data = random_instance(seed)
    instance = domicile.load(data, references=False)
    plan = domicile.solve(instance, gap=0.0, threads=1)
    if not plan.placements:
        pytest.skip("nothing is placed")
    held = {row.workload: row.region_id for row in plan.placements}
    regions = [one["id"] for one in data["catalogue"]["inline"]["regions"]]
    workload = sorted(held)[seed % len(held)]
    place = regions[(regions.index(held[workload]) + 1) % len(regions)]
    told = why(instance, plan, workload, region=place, gap=0.0, threads=1).instead
    assert told is not None
    expected = _forced_by_fields(instance, workload, place)
    if told.held:
        assert expected is None or expected == pytest.approx(plan.objective_usd, rel=1e-6, abs=1e-6)
    elif not told.eligible or told.possible is False:
        assert expected is None
    elif expected is not None:
        extra = told.extra_cost_usd
        assert extra is not None
        assert extra.high is not None
        assert plan.objective_usd is not None
        truth, slack = expected - plan.objective_usd, 1e-6 * max(1.0, abs(expected))
        assert extra.low - slack <= truth <= extra.high + slack
        assert extra.high - extra.low <= 1e-5 * max(1.0, abs(expected))


def test_a_plan_of_another_state_and_two_places_are_refused():
    instance = two(FAR)
    plan = domicile.solve(instance)
    with pytest.raises(InputError, match="another instance"):
        why(two(NEAR), plan, "svc")
    with pytest.raises(InputError, match="name it alone"):
        why(instance, plan, "svc", region="q:east", offer="q:east:y:on_demand")
    with pytest.raises(InputError, match="unknown workload 'svx'\nMaybe"):
        why(instance, plan, "svx")
    with pytest.raises(InputError, match="unknown stream 'FR' of svc\nMaybe"):
        why(instance, plan, "svc", stream="FR")
    with pytest.raises(InputError, match="unknown region or offer 'q:west'\nMaybe"):
        why(instance, plan, "svc", region="q:west")


def test_the_command_says_the_same_in_text_and_json(tmp_path):
    run = CliRunner()
    file, plan = tmp_path / "toy.json", tmp_path / "plan.json"
    file.write_text(two(FAR).model_dump_json(exclude_none=True))
    domicile.solve(domicile.load(file)).write(plan)
    words = ["explain", "why", str(file), "svc", "--plan", str(plan), "--region", "q:east"]
    said = run.invoke(main, [*words, "--json"])
    assert said.exit_code == 0, said.output
    answer = json.loads(said.stdout)
    assert answer["workload"] == "svc"
    assert answer["placements"]
    assert {"eligible", "rules", "extra_cost_usd", "extra_carbon_kg", "displaces"} <= answer["instead"].keys()
    text = run.invoke(main, words)
    assert text.exit_code == 0
    assert "costs more by 500.00 to 500.00 USD (proven)" in text.output
    wrong = run.invoke(main, [*words[:-1], "q:eats"])
    assert wrong.exit_code == 2
    assert "Maybe" in wrong.output


@pytest.mark.parametrize("seed", [2, 5, 7, 12, 18, 22, 31, 36])
def test_a_stream_forced_by_fixing_variables_costs_what_is_told(seed: int):
    """The independent way: the stream's flows elsewhere, and what it leaves unserved, fixed to 0 in the Pyomo model."""
    instance = domicile.load(random_instance(seed), references=False)
    plan = domicile.solve(instance, gap=0.0, threads=1)
    rows = [row for row in plan.placements if row.stream is not None]
    if not rows:
        pytest.skip("no stream is served")
    row, model = rows[seed % len(rows)], domicile.compile(instance)
    place = next((r for r in reversed(model.regions(row.workload)) if r != row.region_id), row.region_id)
    told = why(instance, plan, row.workload, stream=row.stream, region=place, gap=0.0, threads=1).instead
    assert told is not None
    stated = model.pyomo()
    for index, flow in stated.flow.items():
        if index[:2] == (row.workload, row.stream) and index[2] != place:
            flow.fix(0.0)
    for index, unserved in stated.unserved.items():
        if index[:2] == (row.workload, row.stream):
            unserved.fix(0.0)
    forced = model.solve(stated, gap=0.0, threads=1)
    if told.held:
        assert forced.objective_usd == pytest.approx(plan.objective_usd, rel=1e-6)
    elif not told.eligible or told.possible is False:
        assert forced.status == "infeasible"
    else:
        extra = told.extra_cost_usd
        assert extra is not None
        assert forced.objective_usd is not None
        truth, slack = forced.objective_usd - (plan.objective_usd or 0.0), 2e-6 * max(1.0, forced.objective_usd)
        assert extra.low - slack <= truth <= (extra.high or 0.0) + slack


def test_a_share_is_forced_and_the_rest_stays_as_free_as_it_was():
    """Of 35/s two fifths are two of five devices, 1 USD/h dearer in the east: 200 USD for 100 h."""
    told = asked(two(FAR), region="q:east", share=0.4).instead
    assert told is not None
    assert told.share == 0.4
    assert told.extra_cost_usd is not None
    assert (told.extra_cost_usd.low, told.extra_cost_usd.high) == pytest.approx((200.0, 200.0))
    more = asked(two(FAR), region="q:east", share=0.41).instead  # a third machine there, and three stay
    assert more is not None
    assert more.extra_cost_usd is not None
    assert more.extra_cost_usd.high == pytest.approx(300.0)


def test_a_share_that_is_there_already_costs_nothing_and_a_job_has_no_parts():
    instance = two(FAR)
    plan = domicile.solve(instance, gap=0.0)
    told = why(instance, plan, "svc", region="p:north", share=0.9).instead
    assert told is not None
    assert told.held
    spread = {**FAR, "survival": {"of": "region", "share": 0.1}}
    with pytest.raises(InputError, match="must survive failures"):
        why(two(spread), domicile.solve(two(spread)), "svc", region="q:east", share=0.5)
    whole = toy(job())
    with pytest.raises(InputError, match="is a job, of which no part has a place of its own"):
        why(whole, domicile.solve(whole), "job", region="p:north", share=0.5)
    with pytest.raises(InputError, match="is no share of a demand"):
        why(instance, plan, "svc", region="p:north", share=0.0)


@pytest.mark.parametrize("seed", [2, 5, 11, 12])
def test_a_random_share_costs_what_the_model_with_that_row_costs(seed: int):
    """The independent way: a row of one's own in the Pyomo model, at least the share of each period's demand."""
    instance = domicile.load(random_instance(seed), references=False)
    plan = domicile.solve(instance, gap=0.0, threads=1)
    rows = [row for row in plan.placements if row.stream is not None]
    if not rows:
        pytest.skip("no stream is served")
    row, model = rows[seed % len(rows)], domicile.compile(instance)
    place = next((r for r in reversed(model.regions(row.workload)) if r != row.region_id), row.region_id)
    told = why(instance, plan, row.workload, stream=row.stream, region=place, share=0.3, gap=0.0, threads=1).instead
    assert told is not None
    stated = model.pyomo()
    own = {index: flow for index, flow in stated.flow.items() if index[:2] == (row.workload, row.stream)}
    stated.own = pyo.ConstraintList()
    for period in {index[-1] for index in own}:
        needed = max(flow.ub for index, flow in own.items() if index[-1] == period)
        inside = [flow for index, flow in own.items() if index[-1] == period and index[2] == place]
        if not inside:
            pytest.skip("it has no option there in every period")
        stated.own.add(sum(inside) >= 0.3 * needed)
    forced = model.solve(stated, gap=0.0, threads=1)
    if told.held:
        assert forced.objective_usd == pytest.approx(plan.objective_usd, rel=1e-6)
    elif not told.eligible or told.possible is False:
        assert forced.status == "infeasible"
    else:
        extra, truth = told.extra_cost_usd, forced.objective_usd - plan.objective_usd
        slack = 1e-5 * max(1.0, abs(plan.objective_usd))
        assert extra.low - slack <= truth <= extra.high + slack


def test_where_less_time_is_left_than_the_plan_took_the_plan_with_others_held_is_the_interval():
    """Nothing is proven of the whole: 0 to the 500 USD of the plan found."""
    instance = two(FAR)
    plan, compiled = domicile.solve(instance, gap=0.0), compile_instance(instance)
    allowed = (compiled.world.text("region_id") == "q:east")[compiled.problem.slots.offer]
    limits = Limits(0.0, 1, time.perf_counter() + 60.0, threading.Event())
    slow = plan.model_copy(update={"timings_seconds": {"solve": 3600.0}})
    found = force(compiled, slow, Demand(0), allowed, limits)
    assert found.possible
    assert not found.complete
    assert (found.extra_usd.low, found.extra_usd.high) == pytest.approx((0.0, 500.0))
    found = force(compiled, plan, Demand(0), allowed, limits)
    assert found.complete
    assert found.extra_usd.low == pytest.approx(500.0)
