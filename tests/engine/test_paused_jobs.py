"""Where the checkpoint of a job that may move lies in periods in which it does not, or may not, run."""

from __future__ import annotations

from typing import Any

import pytest
from independent import Independent

import domicile

WORK_USD = 2.0
"""Two hours at 1 USD in the west; an hour in the east costs 50."""


def _instance(**closed: list[str]) -> dict[str, Any]:
    """Three hours, two of them to work; each `closed` country is denied in the periods given. A move costs 10 USD."""
    regions = [{"id": "west", "country": "DE", "provider": "a"}, {"id": "east", "country": "US", "provider": "b"}]
    offer = {"sku": "s", "accelerator": "A"}
    return {
        "name": "paused", "horizon": {"start": "2027-01-01", "hours": 3, "count": 3}, "laws": {"use": "none"},
        "catalogue": {"use": "inline", "inline": {
            "providers": [{"id": "a"}, {"id": "b"}],
            "regions": [{"egress_usd_per_gb": 1.0, **region} for region in regions],
            "offers": [{**offer, "region": "west", "usd_per_hour": 1.0},
                       {**offer, "region": "east", "usd_per_hour": 50.0}],
        }},
        "quotas": {"default_devices": 2},
        "workloads": [{"id": "train", "kind": "job", "runs": {"throughput": {"A": 1.0}}, "work": 2 * 3600.0,
                       "interruptible": True, "may_move": True, "checkpoint_gb": 10.0}],
        "policies": [{"id": f"not-{country}", "kind": "places", "deny": [country], "scope": {"periods": periods}}
                     for country, periods in closed.items()],
    }  # fmt: skip


def _checked(data: dict[str, Any]) -> Any:
    instance = domicile.load(data)
    plan = domicile.solve(instance, gap=0.0, threads=1)
    assert plan.status == "optimal"
    report = domicile.audit(instance, plan)
    assert not report.violations
    assert Independent(instance).optimum() == pytest.approx(plan.objective_usd)
    return plan, report


def test_where_it_may_run_nowhere_the_checkpoint_stays() -> None:
    """All is closed in t1: it works in t0 and t2 in the west, for 2 USD, and does not move."""
    plan, report = _checked(_instance(DE=["t1"], US=["t1"]))
    assert [row.period for row in plan.placements] == ["t0", "t2"]
    assert plan.moves == ()
    assert plan.objective_usd == pytest.approx(WORK_USD)
    assert [note for note in report.notes if "the checkpoint of train" in note]


def test_a_place_that_closes_for_a_while_is_left() -> None:
    """The west alone is closed in t1: the checkpoint lies in the east meanwhile, two moves of 10 USD."""
    plan, _ = _checked(_instance(DE=["t1"]))
    moves = [(row.source, row.target, row.period) for row in plan.moves]
    assert moves == [("west", "east", "t1"), ("east", "west", "t2")]
    assert plan.objective_usd == pytest.approx(WORK_USD + 20.0)


def test_where_it_may_run_it_may_pause() -> None:
    """Open throughout, it works two of the three hours in the west without a move."""
    plan, _ = _checked(_instance())
    assert plan.moves == ()
    assert plan.objective_usd == pytest.approx(WORK_USD)
