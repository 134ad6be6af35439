"""Money budgets on a scope see what moves of jobs in that scope cost."""

from __future__ import annotations

from typing import Any

import pytest
from independent import Independent

import domicile

STAY, MOVE = 2.001 + 1000.0, 2.001 + 10.0
"""Two hours (and 3.6 s) at 1 USD with an hour on a grid of 1 kg/kWh, or a move of 10 GB at 1 USD per GB."""


def _instance(scope: dict[str, list[str]], limit_usd: float = 5.0) -> dict[str, Any]:
    """Two hours of work; each region has one clean hour, so that moving saves 1 kg of carbon at 1,000 USD."""
    regions = [
        {"id": "west", "country": "DE", "provider": "a", "grid_g_per_kwh": [0.0, 1e3]},
        {"id": "east", "country": "US", "provider": "b", "grid_g_per_kwh": [1e3, 0.0]},
    ]
    offer = {"sku": "s", "accelerator": "A", "usd_per_hour": 1.0, "idle_kw": 0.1, "load_kw": 1.0,
             "embodied_kg_per_hour": 0.0}  # fmt: skip
    return {
        "name": "moving",
        "horizon": {"start": "2027-01-01", "hours": 2, "count": 2},
        "laws": {"use": "none"},
        "catalogue": {
            "use": "inline",
            "inline": {
                "providers": [{"id": "a"}, {"id": "b"}],
                "regions": [{"pue": 1.0, "egress_usd_per_gb": 1.0, **region} for region in regions],
                "offers": [{**offer, "region": region["id"]} for region in regions],
            },
        },
        "quotas": {"default_devices": 2},
        "carbon": {"price_usd_per_tonne": 1e6},
        "workloads": [
            {
                "id": "train", "kind": "job", "tags": ["web"], "runs": {"throughput": {"A": 1.0}}, "work": 2 * 3600.0,
                "interruptible": True, "may_move": True, "checkpoint_gb": 10.0,
            },
            {"id": "other", "kind": "job", "runs": {"throughput": {"A": 1.0}}, "work": 3.6},
        ],
        "budgets": [{"id": "purse", "limit_usd": limit_usd, "scope": scope}],
    }  # fmt: skip


COUNTED = ({}, {"workloads": ["train"]}, {"tags": ["web"]}, {"providers": ["a"]}, {"regions": ["west"]},
           {"countries": ["DE"]}, {"country_groups": ["EEA"]}, {"periods": ["t1"]},
           {"workloads": ["train"], "providers": ["a"], "periods": ["t1"]})  # fmt: skip
LEFT_OUT = ({"workloads": ["other"]}, {"providers": ["b"]}, {"regions": ["east"]}, {"countries": ["US"]},
            {"periods": ["t0"]}, {"workloads": ["train"], "providers": ["b"]})  # fmt: skip


def _checked(data: dict[str, Any]) -> Any:
    instance = domicile.load(data)
    plan = domicile.solve(instance, gap=0.0, threads=1)
    assert plan.status == "optimal"
    assert not domicile.audit(instance, plan).violations
    assert Independent(instance).optimum() == pytest.approx(plan.objective_usd)
    return plan


@pytest.mark.parametrize("scope", COUNTED, ids=str)
def test_a_move_is_spent_by_its_job_at_its_source_on_arrival(scope: dict[str, list[str]]) -> None:
    """5 USD do not pay for a move of 10 USD by this job, from this place, in this period: it stays."""
    plan = _checked(_instance(scope))
    assert not plan.moves
    assert plan.objective_usd == pytest.approx(STAY)


@pytest.mark.parametrize("scope", COUNTED, ids=str)
def test_a_move_that_is_paid_for_shows_in_the_budget(scope: dict[str, list[str]]) -> None:
    """13 USD do; the budget states the move with the compute in its scope."""
    plan = _checked(_instance(scope, 13.0))
    (move,) = plan.moves
    assert (move.source, move.target, move.period, move.cost_usd) == ("west", "east", "t1", 10.0)
    assert plan.objective_usd == pytest.approx(MOVE)
    (budget,) = plan.budgets
    assert 10.0 <= budget.used <= 12.001 + 1e-6


@pytest.mark.parametrize("scope", LEFT_OUT, ids=str)
def test_moves_elsewhere_do_not_count(scope: dict[str, list[str]]) -> None:
    """Another job's, the target's, and the earlier period's purse do not pay for it."""
    plan = _checked(_instance(scope))
    assert len(plan.moves) == 1
    assert plan.objective_usd == pytest.approx(MOVE)
    assert plan.budgets[0].used <= 2.001 + 1e-6


def test_the_audit_sees_a_move_that_the_purse_cannot_pay() -> None:
    """A plan made for 13 USD breaks a budget of 5 USD on the job's moves."""
    plan = domicile.solve(domicile.load(_instance({"workloads": ["train"]}, 13.0)), gap=0.0, threads=1)
    report = domicile.audit(domicile.load(_instance({"workloads": ["train"]})), plan)
    assert any(found.kind == "budget" and found.rule == "purse" for found in report.violations)
