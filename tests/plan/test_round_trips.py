"""Round trips on placements, a margin on estimated ones, and a fixed cost of every region in use, by hand."""

from __future__ import annotations

from typing import Any

import pytest
from today_toys import estate

import domicile
from optimizer.audit import audit
from optimizer.compile import compile_instance

SERVICE = {
    "id": "chat", "kind": "service", "runs": {"throughput": {"L4": 1000.0, "A10G": 900.0, "T4": 300.0}},
    "data": {"categories": ["non_personal"]},
}  # fmt: skip


def _world(limit: float, **catalogue: Any) -> domicile.Instance:
    stream = {"origin": "DE", "rate": 500, "unit": "tokens/s", "max_rtt_ms": limit}
    return domicile.load({
        "name": "near", "horizon": {"start": "2027-01-01", "hours": 100}, "laws": {"use": "none"},
        "catalogue": {"use": "world", "regions": ["aws:eu-central-1", "aws:us-east-1"], **catalogue},
        "workloads": [{**SERVICE, "streams": [stream]}], "quotas": {"default_devices": 8},
    })  # fmt: skip


def test_placements_say_round_trip_limit_and_source():
    """An inline link of 20 ms is stated; without a limit, or a figure, the fields are absent."""
    data = estate()
    data["workloads"][0]["streams"][0]["max_rtt_ms"] = 30.0
    (row,) = domicile.solve(domicile.load(data)).placements
    assert (row.rtt_ms, row.max_rtt_ms, row.rtt_source) == (20.0, 30.0, "stated")
    data["workloads"][0]["streams"][0].pop("max_rtt_ms")
    data["catalogue"]["inline"]["network"] = []
    (row,) = domicile.solve(domicile.load(data)).placements
    assert (row.rtt_ms, row.max_rtt_ms, row.rtt_source) == (None, None, None)


def test_estimates_are_marked_and_the_audit_knows_them():
    """Frankfurt is within 60 ms of Germany by the fitted line; other figures, and rows without, are found out."""
    instance = _world(60.0)
    plan = domicile.solve(instance)
    (row,) = plan.placements
    assert (row.rtt_source, row.max_rtt_ms) == ("estimated", 60.0)
    assert row.rtt_ms is not None
    assert 0 < row.rtt_ms <= 60
    for lie in ({"rtt_ms": row.rtt_ms / 2}, {"max_rtt_ms": 90.0}, {"rtt_source": "measured"}):
        told = audit(instance, plan.model_copy(update={"placements": (row.model_copy(update=lie),)}))
        assert {v.kind for v in told.violations} == {"statement"}


def test_a_margin_is_added_to_estimated_round_trips_alone():
    """A limit 1 ms above the estimate keeps it with a margin of 0.9 ms, and not with one of 1.1 ms."""
    (row,) = domicile.solve(_world(60.0)).placements
    assert row.rtt_ms is not None
    limit = row.rtt_ms + 1.0
    near = _world(limit, latency_margin_ms=0.9)
    plan = domicile.solve(near)
    assert [p.region_id for p in plan.placements] == [row.region_id]
    assert audit(near, plan).ok
    far = _world(limit, latency_margin_ms=1.1)
    assert domicile.solve(far).status == "infeasible"
    told = audit(far, plan.model_copy(update={"instance_sha256": None}))
    assert {v.kind for v in told.violations} == {"rtt"}
    with pytest.raises(domicile.InputError, match="latency_margin_ms"):
        domicile.load(estate(catalogue={**estate()["catalogue"], "latency_margin_ms": 5.0}))


def test_a_change_of_the_margin_is_compiled():
    """The stage of ways is made anew: a margin set afterwards closes Frankfurt as one that was there at first."""
    near, far = _world(60.0), _world(60.0, latency_margin_ms=1000.0)
    stages = compile_instance(near).stages
    with pytest.raises(domicile.InfeasibleError):
        compile_instance(far, earlier=stages)


def test_a_star_is_every_region_that_is_not_named():
    """0.7 USD/h for each region in use, 3 USD/h for Frankfurt: 70 or 300 USD over 100 h; the plan goes to Virginia."""
    named = {"*": 0.7, "aws:eu-central-1": 3.0}
    instance = _world(500.0, fixed_usd_per_hour=named)
    plan = domicile.solve(instance)
    assert [(r.region_id, r.fixed_usd) for r in plan.regions] == [("aws:us-east-1", pytest.approx(70.0))]
    only = _world(60.0, fixed_usd_per_hour=named)
    assert [r.fixed_usd for r in domicile.solve(only).regions] == [pytest.approx(300.0)]
    assert plan.cost_breakdown_usd["regions"] == pytest.approx(70.0)
    assert audit(instance, plan).ok
    model = domicile.compile(instance)
    assert "field:catalogue.fixed_usd_per_hour[id=*]" in set(model.rules().index)
