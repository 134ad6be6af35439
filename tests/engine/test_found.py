"""What the random instances and the look behind them brought to light, each as the smallest instance that shows it."""

from __future__ import annotations

from typing import Any

import pytest

import domicile


def _endpoint_only(**region: Any) -> dict[str, Any]:
    """A service on one endpoint that emits 1 g per unit itself and sends 1 MB per unit over the network."""
    return {
        "name": "endpoint",
        "horizon": {"start": "2027-01-01", "hours": 10},
        "laws": {"use": "none"},
        "carbon": {"network_kwh_per_gb": 0.05},
        "catalogue": {
            "use": "inline",
            "inline": {
                "regions": [{"id": "r", "country": "DE", "egress_usd_per_gb": 0.0, **region}],
                "endpoints": [{"id": "e", "region": "r", "model": "m", "usd_per_unit": 1e-5, "kg_per_unit": 1e-3}],
            },
        },
        "quotas": {"default_endpoint_units_per_s": 100.0},
        "workloads": [
            {
                "id": "w",
                "kind": "service",
                "runs": {"via": ["endpoint"], "endpoint_models": ["m"]},
                "response_gb_per_unit": 1e-3,
                "streams": [{"origin": "DE", "rate": 10.0}],
            }
        ],
        "budgets": [{"id": "c", "limit_kg": 400.0}],
    }


def test_network_carbon_of_an_endpoint_needs_the_grid_figure() -> None:
    """Without the grid's figure an endpoint that sends is ineligible under a carbon budget; its carbon is not zero."""
    plan = domicile.solve(domicile.load(_endpoint_only()), threads=1)
    assert plan.status == "infeasible"
    assert {row.reason for row in plan.ineligible} == {"missing_grid"}


def test_network_carbon_of_an_endpoint_is_counted() -> None:
    """360,000 units: 360 kg of their own, and 360 GB x 0.05 kWh x 500 g = 9 kg on the way."""
    plan = domicile.solve(domicile.load(_endpoint_only(grid_g_per_kwh=500.0)), threads=1)
    assert plan.carbon_kg == pytest.approx(369.0)


def test_retained_copies_are_looked_at_when_law_tightens() -> None:
    """A copy that a law makes a workload keep belongs to no stated dataset, and the plan is still read."""
    data = _endpoint_only(grid_g_per_kwh=500.0, country="RU", storage_usd_per_gb_month=0.02)
    data |= {"laws": {"use": "world"}, "horizon": {"start": "2027-01-01", "hours": 8760}, "budgets": []}
    data["workloads"][0]["streams"][0]["origin"] = "RU"
    data["workloads"][0]["data"] = {
        "categories": ["personal"], "exporter": "RU", "retention_hours": 24.0, "retained_gb": 10.0,
    }  # fmt: skip
    data["catalogue"]["inline"]["providers"] = [{"id": "inline", "headquarters": "RU", "control": ["RU"]}]
    plan = domicile.solve(domicile.load(data), threads=1)
    assert [(copy.dataset, copy.region_id) for copy in plan.copies] == [("w/RU:retained", "r")]


def test_a_service_that_must_survive_needs_an_option_even_if_demand_may_stay_unserved() -> None:
    """Survival is asked of the demand stated: a stream that nothing can serve makes the instance infeasible."""
    data = _endpoint_only(grid_g_per_kwh=500.0)
    data["workloads"][0] |= {"survival": {"of": "region"}, "unserved_usd_per_unit": 1.0}
    data["workloads"][0]["streams"][0]["max_rtt_ms"] = 1.0
    plan = domicile.solve(domicile.load(data), threads=1)
    assert plan.status == "infeasible"
    assert any("max_rtt_ms" in (row.rule or "") for row in plan.ineligible)


def test_unserved_demand_is_read_by_period() -> None:
    """Two periods, one unit/s short in the second: 3,600 s x 5 h x 1 USD."""
    data = _endpoint_only(grid_g_per_kwh=500.0)
    data["horizon"] = {"start": "2027-01-01", "hours": 10, "count": 2}
    data["quotas"] = {"default_endpoint_units_per_s": 9.0}
    data["workloads"][0] |= {"unserved_usd_per_unit": 1.0, "streams": [{"origin": "DE", "rate": [9.0, 10.0]}]}
    plan = domicile.solve(domicile.load(data), threads=1)
    assert [(row.period, row.per_s) for row in plan.unserved] == [("t1", pytest.approx(1.0))]
    assert plan.cost_breakdown_usd["unserved"] == pytest.approx(18_000.0)


def test_gangs_side_by_side_do_not_move() -> None:
    """Two gangs of a job that may move, in two regions over two periods, follow nobody and pay no egress."""
    region = {"country": "DE", "egress_usd_per_gb": 1.0}
    offer = {"sku": "a", "accelerator": "A", "usd_per_hour": 1.0}
    data = {
        "name": "gangs",
        "horizon": {"start": "2027-01-01", "hours": 2, "count": 2},
        "laws": {"use": "none"},
        "catalogue": {
            "use": "inline",
            "inline": {
                "regions": [{"id": "r0", **region}, {"id": "r1", **region}],
                "offers": [{**offer, "region": "r0"}, {**offer, "region": "r1"}],
            },
        },
        "quotas": {"default_devices": 1},
        "workloads": [
            {
                "id": "train",
                "kind": "job",
                "runs": {"throughput": {"A": 1.0}},
                "work": 4 * 3600.0,
                "interruptible": True,
                "may_move": True,
                "max_gangs": 2,
                "checkpoint_gb": 1.0,
            }
        ],
    }
    plan = domicile.solve(domicile.load(data), threads=1)
    assert plan.objective_usd == pytest.approx(4.0)
    assert not plan.moves
