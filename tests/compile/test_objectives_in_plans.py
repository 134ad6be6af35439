"""What a service promises its users: which machines keep it, what the others lack, and what the plan says of it."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import domicile
from optimizer.audit import audit
from optimizer.catalogue import Objectives, Operating, SpeedRequest, find_speeds, load_catalogue, roofline
from optimizer.compile.objectives import nearest_of
from optimizer.errors import InputError, InternalError
from optimizer.plan.models import Plan

LLAMA = "meta-llama/Llama-3.3-70B-Instruct"


def data(kind: str = "service", **runs: Any) -> dict[str, Any]:
    work: dict[str, Any] = {"streams": [{"origin": "DE", "rate": 600.0}]} if kind == "service" else {"work": 1e9}
    shape = {"model": LLAMA, "input_tokens": 1024, "output_tokens": 256, "software": ["cuda"]}
    return {
        "name": "assistant", "horizon": {"start": "2027-01-01", "hours": 730}, "laws": {"use": "none"},
        "catalogue": {"use": "world", "providers": ["aws"]},
        "quotas": {"default_devices": "unlimited", "default_endpoint_units_per_s": "unlimited"},
        "workloads": [{"id": "chat", "kind": kind, "runs": {**shape, **runs}, **work}],
    }  # fmt: skip


@cache
def solved(**runs: Any) -> tuple[domicile.Instance, Plan]:
    instance = domicile.load(data(**runs))
    return instance, domicile.solve(instance, threads=1)


def test_the_plan_keeps_the_objectives_and_names_its_operating_point():
    """8 x H100 as estimated at the cautious end: what counts is what `find_speeds` says at that operating point."""
    instance, plan = solved(ttft_ms=2000.0, tpot_ms=50.0)
    assert audit(instance, plan).violations == ()
    (row,) = plan.speeds
    assert row.workload == "chat"
    assert row.level == "estimated"
    assert row.ttft_ms <= 2000
    assert row.tpot_ms <= 50
    assert row.requests >= 1
    found = find_speeds(load_catalogue(), SpeedRequest(
        LLAMA, None, None, 1024, 256, "output_tokens_per_s", objectives=Objectives(2000.0, 50.0))).rows  # fmt: skip
    same = found[found.accelerator.eq(row.accelerator) & found.devices.eq(row.devices)].iloc[0]
    assert row.units_per_s == pytest.approx(same.units_per_s)
    assert row.low_per_s == pytest.approx(row.units_per_s)
    assert row.high_per_s == pytest.approx(row.units_per_s * same.spread**2)


def test_an_objective_costs_and_a_lax_one_does_not():
    """Without objectives replicas are saturated, which is cheapest."""
    free, lax, tight = (solved(**runs)[1].objective_usd for runs in ({}, {"tpot_ms": 9000.0}, {"tpot_ms": 50.0}))
    assert lax == pytest.approx(free)
    assert tight > free


def test_an_objective_that_no_accelerator_keeps_is_told_in_figures():
    _instance, plan = solved(tpot_ms=2.0)
    assert plan.status == "infeasible"
    reason = [line for line in plan.diagnosis if "(runs.tpot_ms)" in line]
    assert reason
    assert "no replica on it keeps" in reason[0]
    assert any("comes nearest" in line and "ms per output token (2 asked)" in line for line in plan.diagnosis)
    told = domicile.compile(solved(tpot_ms=50.0)[0]).why("chat", "aws:us-east-1:g6.48xlarge:on_demand")
    (one,) = [x for x in told.rules if x.rule.id == "field:runs.tpot_ms"]
    assert (one.evidence[0].limit, one.evidence[0].unit) == (50.0, "ms")
    assert one.evidence[0].figure > 50.0
    assert "in flight it takes" in one.evidence[0].sentence


def test_endpoints_whose_times_nobody_knows_are_out_where_one_is_asked_for():
    asked = data(tpot_ms=50.0, via=["instance", "endpoint"])
    asked["workloads"][0]["streams"][0]["rate"] = 5.0
    asked["catalogue"]["providers"] = ["azure"]
    instance = domicile.load(asked)
    plan = domicile.solve(instance, threads=1)
    assert {row.reason for row in plan.ineligible if row.rule == "runs.tpot_ms"} >= {"missing_latency"}
    assert all(row.endpoint is None for row in plan.placements)
    del asked["workloads"][0]["runs"]["tpot_ms"]
    assert any(row.endpoint for row in domicile.solve(domicile.load(asked), threads=1).placements)


def test_by_machine_the_nearest_replica_is_told():
    """A machine of four holds replicas of one, two and four, of one only that of one; what is served is not told."""
    import numpy as np

    missed = {("X", 1.0): Operating(1, 900.0, 80.0, 1.0), ("X", 4.0): Operating(1, 300.0, 60.0, 1.0),
              ("X", 8.0): Operating(1, 100.0, 50.0, 1.0)}  # fmt: skip
    chips = np.array(["X", "X", "X", "Y"], dtype=object)
    speeds = np.array([np.nan, np.nan, 5.0, np.nan])
    found = nearest_of(missed, Objectives(200.0, 40.0), chips, np.array([1.0, 4.0, 8.0, 1.0]), speeds)
    assert {key: point.ttft_ms for key, point in found.items()} == {("X", 1.0): 900.0, ("X", 4.0): 300.0}


@pytest.mark.parametrize(("kind", "runs", "told"), [
    ("job", {"tpot_ms": 50.0}, "runs.tpot_ms: is an objective of services"),
    ("service", {"ttft_ms": 50.0, "throughput": {"H100": 100.0}}, "runs.ttft_ms: has no effect: the throughput stated"),
    ("service", {"tpot_ms": 50.0, "input_tokens": None}, "asks how long a request takes"),
    ("service", {"tpot_ms": 50.0, "profile": "p"}, "profile 'p' is one operating point"),
])  # fmt: skip
def test_an_objective_that_has_no_meaning_is_an_error(kind, runs, told):
    with pytest.raises(InputError) as caught:
        domicile.load(data(kind, **runs))
    assert told in str(caught.value)


def test_an_objective_beyond_the_plausible_is_a_warning():
    plan = domicile.solve(domicile.load(data(tpot_ms=20_000.0)), threads=1)
    assert any("runs.tpot_ms is 20,000 ms" in text for text in plan.warnings)


def test_an_objective_may_be_lifted_and_changed():
    model = domicile.compile(domicile.load(data(tpot_ms=30.0)))
    lifted = model.changed([{"op": "lift", "rule": "field:runs.tpot_ms"}])
    assert lifted.solve(threads=1).objective_usd == pytest.approx(solved()[1].objective_usd)
    wider = model.changed([{"op": "set_limit", "rule": "field:runs.tpot_ms", "to": 50.0}])
    assert wider.solve(threads=1).objective_usd == pytest.approx(solved(tpot_ms=50.0)[1].objective_usd)


def test_the_audit_does_not_take_the_engines_word_for_times(monkeypatch):
    """An engine that thinks tokens come twice as fast packs replicas too full: its plan fails its own audit."""
    honest = roofline.Pace.tpot_s
    monkeypatch.setattr(roofline.Pace, "tpot_s", lambda self, tokens: honest(self, tokens) / 2)
    with pytest.raises(InternalError, match="fails its own audit"):
        domicile.solve(domicile.load(data(tpot_ms=50.0)), threads=1)


@pytest.mark.parametrize(("field", "value", "kind"), [
    ("units_per_s", 1e4, "use"), ("low_per_s", 1.0, "use"), ("high_per_s", 1e6, "use"), ("requests", 1.0, "use"),
    ("ttft_ms", 1.0, "use"), ("tpot_ms", 1.0, "use"), ("tpot_ms", None, "use"), ("level", "measured", "statement"),
    ("devices", 4.0, "statement"), ("accelerator", "B200", "statement"), ("workload", "other", "statement"),
])  # fmt: skip
def test_the_audit_finds_a_wrong_row_of_speeds(field, value, kind):
    instance, plan = solved(ttft_ms=2000.0, tpot_ms=50.0)
    rows = [row.model_dump() for row in plan.speeds]
    rows[0][field] = value
    other = Plan.model_validate({**plan.model_dump(), "speeds": rows})
    assert kind in {violation.kind for violation in audit(instance, other).violations}


def test_the_audit_finds_a_row_of_speeds_that_is_there_twice():
    instance, plan = solved(ttft_ms=2000.0, tpot_ms=50.0)
    rows = [row.model_dump() for row in plan.speeds]
    twice = Plan.model_validate({**plan.model_dump(), "speeds": [*rows, rows[0]]})
    assert "statement" in {violation.kind for violation in audit(instance, twice).violations}


def test_every_system_of_a_plan_is_among_its_speeds():
    """Without objectives too: saturated, with the times of an estimate there."""
    both = data()
    both["workloads"].append({**both["workloads"][0], "id": "other", "runs": {
        **both["workloads"][0]["runs"], "accelerators": ["H100"]}})  # fmt: skip
    instance = domicile.load(both)
    plan = domicile.solve(instance, threads=1)
    assert {(row.workload, row.accelerator) for row in plan.speeds} == {
        (row.workload, row.accelerator) for row in plan.placements
    }
    assert all(row.tpot_ms is not None for row in plan.speeds if row.level == "estimated")
    assert len(plan.speeds) > 1
    less = Plan.model_validate({**plan.model_dump(), "speeds": [row.model_dump() for row in plan.speeds[1:]]})
    assert "a placement's speed is left out" in {v.what for v in audit(instance, less).violations}


def test_the_audit_finds_machines_and_endpoints_that_keep_no_objective():
    """Plans made without objectives, held against instances that state them."""
    _, plan = solved(tpot_ms=50.0)
    asked = domicile.load(data(tpot_ms=2.0))
    found = audit(asked, Plan.model_validate({**plan.model_dump(), "speeds": []})).violations
    assert "service_objective" in {violation.kind for violation in found}
    small = data(via=["instance", "endpoint"])
    small["catalogue"]["providers"], small["workloads"][0]["streams"][0]["rate"] = ["azure"], 5.0
    free = domicile.solve(domicile.load(small), threads=1)
    assert any(row.endpoint for row in free.placements)
    small["workloads"][0]["runs"]["ttft_ms"] = 900.0
    found = audit(domicile.load(small), Plan.model_validate(free.model_dump())).violations
    assert "missing_latency" in {violation.kind for violation in found}
