"""What a plan says of the figures it rests on: doubtful throughput, totals with parts unknown, law that changes."""

from __future__ import annotations

import pytest

import optimizer


def estate(**more):
    return {
        "name": "doubts",
        "horizon": {"start": "2027-01-01", "hours": 730.0},
        "laws": {"use": "none"},
        "catalogue": {"use": "world", "providers": ["aws"]},
        "quotas": {"default_devices": 64},
        "workloads": [{
            "id": "chat", "kind": "service", "streams": [{"origin": "DE", "rate": 500.0}],
            "runs": {"model": "meta-llama/Llama-3.1-8B-Instruct", "input_tokens": 1024, "output_tokens": 256},
        }],
        **more,
    }  # fmt: skip


def shares(plan):
    return {row.quality: row for row in plan.data_quality}


def test_cost_and_carbon_that_follow_from_a_fallback_throughput_rest_on_it():
    """How many instances run follows from the throughput, so all of a placement's cost does."""
    data = estate(catalogue={"use": "world", "providers": ["aws"], "fallbacks": ["throughput_neuron"]})
    data["workloads"][0]["runs"]["software"] = ["neuron"]
    plan = optimizer.solve(optimizer.load(data))
    assert {"fallback"} <= set(plan.placements[0].flags)
    assert shares(plan)["fallback"].cost_share == pytest.approx(1.0)


def test_measured_throughput_is_no_doubt_about_the_cost():
    plan = optimizer.solve(optimizer.load(estate()))
    assert shares(plan)["fallback"].cost_share == 0.0
