"""What costs nothing and serves nothing does not appear in a plan."""

from dataclasses import replace

import numpy as np
import pytest

import optimizer
from optimizer.compile import compile_instance
from optimizer.solve.tidy import tidy


def estate(periods):
    """One job that fits two offers, one service with a free commitment."""
    return compile_instance(
        optimizer.load(
            {
                "name": "idle",
                "horizon": {"start": "2027-01-01", "hours": 10 * periods, "count": periods},
                "catalogue": {
                    "use": "inline",
                    "inline": {
                        "regions": [{"id": "r1", "country": "DE"}, {"id": "r2", "country": "FR"}],
                        "offers": [
                            {"sku": "s", "region": "r1", "accelerator": "X", "usd_per_hour": 2},
                            {"sku": "s", "region": "r2", "accelerator": "X", "usd_per_hour": 3},
                        ],
                    },
                },
                "laws": {"use": "none"},
                "workloads": [
                    {
                        "id": "job",
                        "kind": "job",
                        "runs": {"throughput": {"X": 1.0}, "purchase": ["on_demand"]},
                        "work": 36000,
                        "interruptible": True,
                        "max_gangs": 3,
                    },
                    {
                        "id": "svc",
                        "kind": "service",
                        "runs": {"throughput": {"X": 1.0}},
                        "target_utilisation": 1.0,
                        "streams": [{"origin": "DE", "rate": 1.5, "unit": "units/s"}],
                    },
                ],
                "commitments": [{"id": "owned", "region": "r1", "sku": "s", "instances": 4}],
                "quotas": {"default_devices": 4},
            }
        )
    )


@pytest.fixture
def compiled():
    """The estate in one period."""
    return estate(1)


def test_idle_gangs_and_idle_free_instances_are_taken_out(compiled):
    """Gangs without hours and committed instances beyond the flow go; what works or is paid for stays."""
    problem = compiled.problem
    slots, flows = problem.slots, problem.flows
    job, free = slots.is_job, ~slots.is_job & (slots.running.spend_usd == 0)
    assert job.sum() >= 2
    assert free.sum() == 1
    first = int(np.flatnonzero(job)[0])
    values = {name: np.zeros(len(slots.offer)) for name in ("instances", "gangs", "work_hours")}
    values["flow"] = np.zeros(len(flows.slot))
    values["gangs"][job] = 3.0
    values["work_hours"][first] = 10.0
    values["instances"][~slots.is_job] = 4.0
    values["flow"][free[flows.slot]] = 1.5
    tidied = tidy(problem, values)
    assert tidied["gangs"][first] == 1.0
    assert tidied["gangs"][job].sum() == 1.0
    assert tidied["instances"][free] == 2.0
    assert (tidied["instances"][~slots.is_job & ~free] == 4.0).all()


def test_a_job_that_may_not_be_deferred_keeps_its_start():
    """The gangs of the first period stay even if all work is done later; those of the second go."""
    problem = estate(2).problem
    first = problem.slots.is_job & (problem.slots.period == 0)
    jobs = replace(problem.jobs, deferrable=np.zeros_like(problem.jobs.deferrable))
    values = {name: np.zeros(len(problem.slots.offer)) for name in ("instances", "gangs", "work_hours")}
    values["flow"] = np.zeros(len(problem.flows.slot))
    values["gangs"][problem.slots.is_job] = 1.0
    tidied = tidy(replace(problem, jobs=jobs), values)
    assert tidied["gangs"][first].min() == 1.0
    assert tidied["gangs"][~first].max() == 0.0


def test_a_solved_plan_holds_no_idle_gang(compiled):
    """Every job row of the plan works at least one hour."""
    plan = optimizer.solve(compiled.world.instance)
    hours = [row.instance_hours for row in plan.placements if row.workload == "job"]
    assert hours
    assert min(hours) > 0
