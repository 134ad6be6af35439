"""Why something moved: the rule that is named is about what moved, machines or endpoints, in the limits it draws on."""

from __future__ import annotations

from typing import Any

import pytest

import domicile
from optimizer.explain.differences import plan_diff
from optimizer.explain.why_moved import WhyMoved

INSTANCE: dict[str, Any] = {
    "name": "moves", "horizon": {"start": "2027-01-01", "hours": 100.0}, "laws": {"use": "none"},
    "catalogue": {"use": "inline", "inline": {
        "providers": [{"id": "p", "control": ["DE"]}, {"id": "q", "control": ["FR"]}],
        "regions": [{"id": "p:north", "provider": "p", "country": "DE"},
                    {"id": "q:east", "provider": "q", "country": "FR"}],
        "offers": [{"sku": "g1", "region": "p:north", "accelerator": "X", "usd_per_hour": 9.0},
                   {"sku": "g1", "region": "q:east", "accelerator": "X", "usd_per_hour": 9.0}],
        "endpoints": [{"id": "near", "region": "p:north", "model": "m", "usd_per_unit": 1e-7},
                      {"id": "far", "region": "q:east", "model": "m", "usd_per_unit": 2e-7}]}},
    "quotas": {"default_devices": 8, "default_endpoint_units_per_s": 100.0,
               "limits": [{"id": "near-rate", "endpoint": "near", "units_per_s": 50.0}]},
    "workloads": [
        {"id": "chat", "kind": "service", "runs": {"model": "m", "via": ["endpoint"]},
         "streams": [{"origin": "DE", "rate": 40.0}], "data": {"categories": ["non_personal"]}},
        {"id": "train", "kind": "job", "work": 360000.0, "runs": {"throughput": {"X": 1.0}}, "gang_devices": 8,
         "regions": ["q:east"], "data": {"categories": ["non_personal"]}}],
}  # fmt: skip
"""40 units/s of the cheaper endpoint's 50; a job that takes all devices of the east, which is nothing to the chat."""


def told(*changes: dict[str, Any], before: tuple[dict[str, Any], ...] = ()) -> tuple[str, ...]:
    """Return why the chat moved from the instance with the changes `before` to that with `changes`."""
    instance = domicile.load(INSTANCE)
    models = [domicile.compile(instance).changed(list(each)) for each in (before, changes)]
    plans = [model.solve(gap=1e-6) for model in models]
    diff = plan_diff(plans[0], plans[1], WhyMoved(models[1], (plans[0], plans[1]), models[0]))
    (moved,) = diff.moved
    assert moved.workload == "chat"
    return moved.why


def test_an_endpoint_that_is_closed_is_told_by_what_closes_it_and_not_by_what_shuts_machines():
    (why,) = told({"op": "close_offers", "scope": {"endpoints": ["near"]}})
    assert why.startswith("p:north: shut now by closed:catalogue.exclude_offers")


def test_an_endpoint_whose_rate_is_full_is_told_by_its_quota():
    """Of 40 units/s 30 fit there, 10 go east: the quota of the endpoint is named, not the devices of the east."""
    (why,) = told({"op": "set_limit", "rule": "quota:near-rate", "to": 30.0})
    assert why.startswith("p:north: still open; full now: quota:near-rate")


def test_a_limit_that_had_no_room_before_is_why_something_moved_there():
    tight = {"op": "set_limit", "rule": "quota:near-rate", "to": 30.0}
    (why,) = told(before=(tight,))
    assert why.startswith("p:north: open before, too; full then: quota:near-rate")


def test_what_is_full_and_not_its_own_is_no_reason():
    """A price moves it; that another job fills the devices of both regions says nothing of an endpoint."""
    more = {**INSTANCE["workloads"][1], "id": "other", "regions": ["p:north"]}
    (why,) = told(
        {"op": "add_workload", "workload": more},
        {"op": "set_prices", "usd_per_unit": 3e-7, "scope": {"endpoints": ["near"]}},
    )
    assert why == "p:north: still open, and dearer as a whole than where it is now"


def test_the_difference_of_the_least_costs_lies_between_what_both_bounds_prove():
    """Plans of 10 and 16 USD with bounds of 9 and 15: at least 5, at most 7."""
    plan = domicile.solve(domicile.load(INSTANCE), gap=1e-6)
    one, two = (plan.model_copy(update={"objective_usd": usd, "bound_usd": usd - 1.0}) for usd in (10.0, 16.0))
    found = plan_diff(one, two).least_cost_usd
    assert found is not None
    assert (found.low, found.high) == pytest.approx((5.0, 7.0))
    assert plan_diff(one, two.model_copy(update={"bound_usd": None})).least_cost_usd is None
