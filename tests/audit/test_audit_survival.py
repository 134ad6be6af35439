"""Survival: what stands after a failure must carry the share asked for, no more and no less."""

from __future__ import annotations

from typing import Any

import pytest
from audit_toys import base, instance_of, plan_of, row

from optimizer.audit import audit
from optimizer.audit.survival import served_if_lost
from optimizer.audit.world import resolve

ROWS = [
    row("chat", "north-1", stream="DE", instances=2, served_per_s=10),
    row("chat", "south-1", stream="FR", instances=1, served_per_s=6),
]


def chat_alone() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the toy instance with nothing but its service, and that service."""
    data = base()
    chat = data["workloads"][0]
    data["catalogue"]["inline"]["throughput"].pop()
    data.update(workloads=[chat], datasets=[], budgets=[], policies=[])
    return data, chat


def failures(of: str, share: float, rows: list[dict[str, Any]] = ROWS, **changes: Any) -> list[str]:
    """Return where survival is violated for the chat service alone; instances carry 8 units/s each."""
    data, chat = chat_alone()
    chat["runs"]["via"] = ["instance"]
    chat["survival"] = {"of": of, "share": share}
    for stream in chat["streams"]:
        stream["max_rtt_ms"] = 100
    chat.update(changes.pop("chat", {}))
    data.update(changes)
    report = audit(instance_of(data), plan_of({"placements": rows}))
    return [v.where for v in report.violations if v.kind == "survival"]


@pytest.mark.parametrize("of", ["region", "metro", "provider"])
def test_half_the_demand_survives_on_what_is_left(of):
    """16 units/s asked: without north 8 are left (half), without south 16 (all)."""
    assert failures(of, 0.5) == []
    assert len(failures(of, 0.51)) == 1


def test_place_that_fails_is_named():
    """Without north-1 only one instance is left for everything."""
    assert failures("region", 1.0) == ["chat without region north-1 in t0"]
    assert failures("provider", 1.0) == ["chat without provider north in t0"]


def test_distance_still_binds_in_a_failure():
    """Germans may not be served from the south at 60 ms when 50 ms are allowed."""
    near = [{"origin": "DE", "rate": 10, "max_rtt_ms": 50}, {"origin": "FR", "rate": 6, "max_rtt_ms": 50}]
    assert len(failures("region", 0.5, chat={"streams": near})) == 1


def test_endpoints_take_over_up_to_their_rate():
    """An endpoint elsewhere holds nothing in reserve: it may take over, as far as its work rate goes."""
    both = {"runs": {"model": "m", "via": ["instance", "endpoint"]}}
    assert failures("region", 1.0, chat=both) == []
    tight = {"default_devices": 10, "default_endpoint_units_per_s": 7}
    assert len(failures("region", 1.0, chat=both, quotas=tight)) == 1
    assert failures("region", 1.0, chat=both, quotas={**tight, "default_endpoint_units_per_s": 8}) == []


def test_standby_region_with_a_fixed_cost_must_be_in_use():
    """Where a fixed cost is charged for being there, a failover needs the region in use, and it is paid for."""
    data, chat = chat_alone()
    chat["survival"] = {"of": "region", "share": 1.0}
    data["catalogue"]["inline"]["regions"][1]["fixed_usd_per_hour"] = 1.0
    report = audit(instance_of(data), plan_of({"placements": ROWS}))
    assert {v.kind for v in report.violations} == {"survival"}
    kept = {"placements": ROWS, "regions": [{"region_id": "north-2", "fixed_usd": 100.0, "standby": True}]}
    report = audit(instance_of(data), plan_of(kept))
    assert report.violations == ()
    assert report.recomputed["cost.regions"] == pytest.approx(50.0 + 100.0)


def test_a_copy_must_be_left():
    """A dataset the service reads needs a copy outside every place that fails."""
    data, chat = chat_alone()
    chat["survival"] = {"of": "region", "share": 0.5}
    data["datasets"] = [{"id": "corpus", "size_gb": 1, "readers": [{"workload": "chat", "gb": 1}]}]
    copies = [{"dataset": "corpus", "provider": "north", "region": "north-1", "region_id": "north-1"}]
    one = audit(instance_of(data), plan_of({"placements": ROWS, "copies": copies}))
    assert any("no copy of corpus is left" in v.what for v in one.violations)
    copies.append({"dataset": "corpus", "provider": "south", "region": "south-1", "region_id": "south-1"})
    two = audit(instance_of(data), plan_of({"placements": ROWS, "copies": copies}))
    assert not any(v.kind == "survival" for v in two.violations)


def test_policy_asks_survival_of_whom_it_selects():
    """A survival policy binds services in its scope that do not ask for their own."""
    data, chat = chat_alone()
    chat["runs"]["via"] = ["instance"]
    data["policies"] = [{"kind": "survival", "id": "stand", "of": "region", "share": 1.0, "scope": {"tags": ["eu"]}}]
    rules = {v.rule for v in audit(instance_of(data), plan_of({"placements": ROWS})).violations if v.kind == "survival"}
    assert rules == {"stand"}


@pytest.mark.parametrize(("rates", "left"), [((10, 6), 0.5), ((4, 6), 0.8), ((10, 14), 1 / 3)])
def test_the_share_served_when_the_worst_place_is_lost(rates: tuple[float, float], left: float):
    """Two instances of 8 units/s in the north, one in the south: of 16 units/s 8 are left, of 10 as many; of 24 nothing
    but 8 of them.
    """
    data, chat = chat_alone()
    chat["runs"]["via"] = ["instance"]
    for stream, rate in zip(chat["streams"], rates, strict=True):
        stream.update(rate=rate, mean_rate=rate, max_rtt_ms=100)
    world, plan = resolve(instance_of(data), None), plan_of({"placements": ROWS})
    assert served_if_lost(world, plan, "region") == pytest.approx(left)
    assert served_if_lost(world, plan, "provider") == pytest.approx(left)


def test_endpoints_take_over_what_is_lost_as_far_as_they_may():
    """As in the check of survival: 8 units/s are left, and an endpoint in the north-2 serves the rest, or 7 of it."""
    data, chat = chat_alone()
    chat["runs"] = {"model": "m", "via": ["instance", "endpoint"]}
    for stream in chat["streams"]:
        stream["max_rtt_ms"] = 100
    plan = plan_of({"placements": ROWS})
    assert served_if_lost(resolve(instance_of(data), None), plan, "region") == pytest.approx(1.0)
    data["quotas"] = {"default_devices": 10, "default_endpoint_units_per_s": 7}
    assert served_if_lost(resolve(instance_of(data), None), plan, "region") == pytest.approx(15 / 16)


def test_a_plan_without_services_has_no_such_share():
    data = base()
    data["workloads"] = [one for one in data["workloads"] if one["kind"] == "job"]
    throughput = data["catalogue"]["inline"]["throughput"]
    names = {one["id"] for one in data["workloads"]}
    data["catalogue"]["inline"]["throughput"] = [row for row in throughput if row["workload"] in names]
    data.update(datasets=[], budgets=[], policies=[])
    assert served_if_lost(resolve(instance_of(data), None), plan_of({"placements": []}), "region") is None
