"""Progress from the first second to the last, and stopping from an event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

import domicile
from optimizer.progress import Stages
from optimizer.solve.solution import Progress

TOY: dict[str, Any] = {
    "name": "toy",
    "horizon": {"start": "2027-01-01", "hours": 10},
    "catalogue": {"use": "inline", "inline": {
        "regions": [{"id": "oslo", "country": "NO"}],
        "offers": [{"sku": "box", "region": "oslo", "accelerator": "gpu", "usd_per_hour": 1.0}],
    }},
    "laws": {"use": "none"},
    "quotas": {"default_devices": 10},
    "workloads": [{"id": "chat", "kind": "service", "runs": {"throughput": {"gpu": 10}},
                   "streams": [{"origin": "NO", "rate": 5}]}],
}  # fmt: skip


def test_every_stage_is_told_with_the_figures_known_so_far():
    """Compiling has none; the audit has those of the plan; seconds never go back."""
    seen: list[Progress] = []
    plan = domicile.solve(domicile.load(TOY), progress=seen.append)
    phases = list(dict.fromkeys(report.phase for report in seen))
    assert phases[0] == "compile"
    assert phases[-3:] == ["missing figures", "switching", "audit"]
    assert len(phases) > 4
    assert seen[0].incumbent_usd is None
    assert (seen[-1].incumbent_usd, seen[-1].bound_usd) == (plan.objective_usd, plan.bound_usd)
    assert [one.elapsed_seconds for one in seen] == sorted(one.elapsed_seconds for one in seen)


def test_figures_stay_until_better_ones_come():
    told: list[Progress] = []
    stages = Stages(told.append, 0.0)
    pass_on = stages.told()
    assert pass_on is not None
    pass_on(Progress("search", 12.0, 10.0, 1 / 6, 1.0))
    stages.begin("audit")
    assert (told[1].phase, told[1].incumbent_usd, told[1].bound_usd) == ("audit", 12.0, 10.0)
    assert Stages(None, 0.0).told() is None


def test_a_task_that_is_cancelled_stops_the_solver():
    """As docs/library.md has it: the thread ends by itself, with a plan that says it was interrupted."""
    stop, began, ended = threading.Event(), threading.Event(), threading.Event()
    plans: list[domicile.Plan] = []

    def progress(report: Progress) -> None:
        began.set()
        assert stop.wait(30)  # the solver cannot get past its first stage before it is cancelled

    def work(instance: domicile.Instance) -> None:
        plans.append(domicile.solve(instance, progress=progress, cancel=stop))
        ended.set()

    async def plan_of(instance: domicile.Instance) -> None:
        try:
            await asyncio.to_thread(work, instance)
        except asyncio.CancelledError:
            stop.set()
            raise

    async def cancelled() -> None:
        task = asyncio.create_task(plan_of(domicile.load(TOY)))
        while not began.is_set():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert ended.wait(30)
    assert (plans[0].status, plans[0].termination) == ("no_plan", "interrupted")
