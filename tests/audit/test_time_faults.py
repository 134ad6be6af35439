"""Seeded faults of plans over several periods: windows, pauses, moves, hourly figures."""

from __future__ import annotations

import pytest
from audit_toys import instance_of, plan_of, timed_base, timed_plan
from fault_tools import Fault, append, change, inline, kinds, table, then

from optimizer.audit import audit


def _idle_at_release(instance, plan):
    """The gang is held in hour 0, and all the work is done in hour 3."""
    first, last = plan["placements"]
    first.update(instance_hours=0.0, work_units=0.0, cost_usd=0.0, energy_kwh=0.0, carbon_kg=0.0)
    last.update(instance_hours=1.0, work_units=36_000, cost_usd=4.0, energy_kwh=2.0, carbon_kg=0.1)
    plan["carbon_kg"] = 0.1


TIME_FAULTS: list[tuple[str, str, Fault]] = [
    ("runs before its release", "job_window", change(lambda i: i["workloads"][0].update(release_hours=1))),
    ("runs after its deadline", "job_window", change(lambda i: i["workloads"][0].update(deadline_hours=1))),
    ("not deferrable, yet late", "job_window", then(
        change(lambda i: i["workloads"][0].update(deferrable=False)),
        lambda i, p: p["placements"].pop(0))),
    ("not deferrable, yet idle at its release", "job_window", then(
        change(lambda i: i["workloads"][0].update(deferrable=False)), _idle_at_release)),
    ("not deferrable, yet half idle in its first period", "job_window",
        change(lambda i: i["workloads"][0].update(deferrable=False))),
    ("pauses though it may not", "job_contiguity", change(lambda i: i["workloads"][0].update(
        interruptible=False, may_move=False))),
    ("moves though it may not", "job_place", change(lambda i: i["workloads"][0].update(may_move=False))),
    ("move not stated", "move", lambda i, p: p.update(moves=[])),
    ("moves to and fro between two runs", "serves_nothing", then(
        append("moves", job="night", source="east", target="west", period="t1"),
        append("moves", job="night", source="west", target="east", period="t2"))),
    ("move though the job could stay", "serves_nothing", change(lambda i: i["budgets"][0].update(limit_kg=1.0))),
    ("move at another price", "cost", table("moves", 0, cost_usd=0.0)),
    ("move beyond the purse of its job and source", "budget", change(lambda i: i["budgets"].append(
        {"id": "purse", "limit_usd": 3.9, "scope": {"workloads": ["night"], "regions": ["east"]}}))),
    ("grid of another hour", "carbon", change(lambda i: inline(i)["regions"][0].update(
        grid_g_per_kwh=[200.0, 300.0, 100.0, 100.0]))),
    ("quota of one hour only", "quota", change(lambda i: i["quotas"].update(default_devices=1))),
]  # fmt: skip


def test_valid_plan_over_hours_passes():
    """A job that pauses and moves, on hourly grid carbon, with its checkpoint paid."""
    assert audit(instance_of(timed_base()), plan_of(timed_plan())).violations == ()


@pytest.mark.parametrize(("kind", "fault"), [f[1:] for f in TIME_FAULTS], ids=[f[0] for f in TIME_FAULTS])
def test_time_fault_is_caught(kind, fault):
    """One damage to a plan over several periods, and its kind is among the violations."""
    instance, plan = timed_base(), timed_plan()
    fault(instance, plan)
    assert kind in kinds(instance, plan)


def test_a_job_that_may_not_be_deferred_may_pause_after_its_first_period():
    """With twice the work it fills hour 0, pauses, and goes on in hour 3; with half of it, it ends in hour 0."""
    instance, plan = timed_base(), timed_plan()
    instance["workloads"][0].update(deferrable=False, work=54_000)
    plan["placements"][0].update(instance_hours=1.0, work_units=36_000, cost_usd=4.0, energy_kwh=2.0, carbon_kg=0.2)
    plan.update(objective_usd=8.0, cost_breakdown_usd={"compute": 6.0, "moves": 2.0}, carbon_kg=0.25)
    assert audit(instance_of(instance), plan_of(plan)).violations == ()
    instance["workloads"][0].update(work=36_000)
    del plan["placements"][1], plan["moves"]
    plan.update(objective_usd=4.0, cost_breakdown_usd={"compute": 4.0}, carbon_kg=0.2)
    assert audit(instance_of(instance), plan_of(plan)).violations == ()
