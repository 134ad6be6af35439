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
    values = {name: np.zeros(len(slots.offer)) for name in ("instances", "gangs", "work_hours", "starts")}
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


def _values(problem, hours, gangs):
    """Values of a plan in which the job's first offer works `hours` with `gangs`, by period."""
    slots = problem.slots
    own = np.flatnonzero(slots.is_job & (slots.offer == slots.offer[slots.is_job][0]))
    values = {name: np.zeros(len(slots.offer)) for name in ("instances", "gangs", "work_hours", "starts")}
    values["flow"] = np.zeros(len(problem.flows.slot))
    values["work_hours"][own], values["gangs"][own] = hours, gangs
    values["starts"][own[np.flatnonzero(gangs)[0]]] = 1.0
    return values, own


@pytest.mark.parametrize(
    ("hours", "gangs", "kept"),
    [
        ((10, 0, 0, 0), (1, 1, 0, 0), (1, 0, 0, 0)),
        ((0, 5, 0, 0), (1, 1, 1, 0), (0, 1, 0, 0)),
        ((0, 2, 10, 1), (1, 1, 1, 1), (0, 1, 1, 1)),
        ((0, 0, 0, 0), (1, 1, 0, 0), (0, 0, 0, 0)),
    ],
)
def test_idle_ends_of_an_unbroken_run_go(hours, gangs, kept):
    """A run of a job that is not interruptible loses the periods at its ends in which it does nothing."""
    problem = estate(4).problem
    jobs = replace(problem.jobs, interruptible=np.array([False]), max_gangs=np.array([1]), deferrable=np.array([False]))
    problem = replace(problem, jobs=jobs)
    values, own = _values(problem, hours, gangs)
    tidied = tidy(problem, values)
    assert tuple(tidied["gangs"][own]) == kept
    assert tuple(np.flatnonzero(tidied["starts"][own])) == tuple(np.flatnonzero(kept)[:1])


def test_a_gang_that_keeps_a_job_in_a_second_region_stays():
    """Two regions asked for: the gang that does nothing in the second is what keeps the job there."""
    data = estate(1).world.instance.model_dump(mode="json", exclude_unset=True)
    data["workloads"][0] |= {"min_regions": 2, "work": 3600}
    plan = optimizer.solve(optimizer.load(data), threads=1)
    assert {row.region_id for row in plan.placements if row.workload == "job"} == {"r1", "r2"}


@pytest.mark.parametrize(
    ("job", "grid", "hours", "kg"),
    [
        ({"deferrable": False}, [400, 300, 100, 500], {"p0": 500.0}, 168.0),
        ({"deferrable": False, "interruptible": True}, [400, 300, 100, 500], {"p0": 500.0}, 168.0),
        ({"deferrable": False, "interruptible": True, "work": 2.7e7}, [400, 300, 100, 500], {"p0": 500.0, "p2": 250.0},
         189.0),
        ({"deferrable": False, "work": 2.7e7}, [400, 300, 100, 500], {"p0": 500.0, "p1": 250.0}, 231.0),
        ({"work": 2.7e7}, [400, 300, 100, 500], {"p1": 250.0, "p2": 500.0}, 105.0),
    ],
)  # fmt: skip
def test_plans_hold_the_gangs_that_work_and_no_others(job, grid, hours, kg):
    """20 devices of 0.7 kW, PUE 1.2, in periods of 25 h; 5 t of carbon at a price, so that clean hours are sought."""
    data = {
        "name": "idle", "laws": {"use": "none"},
        "horizon": {"start": "2027-01-01", "periods": [{"id": f"p{k}", "hours": 25.0} for k in range(4)]},
        "catalogue": {"use": "inline", "inline": {
            "regions": [{"id": "r0", "country": "DE", "pue": 1.2, "grid_g_per_kwh": grid}],
            "offers": [{"sku": "a", "region": "r0", "accelerator": "A", "usd_per_hour": 1.0, "idle_kw": 0.1,
                        "load_kw": 0.7, "embodied_kg_per_hour": 0.0}],
        }},
        "quotas": {"default_devices": 40}, "budgets": [{"id": "carbon", "limit_kg": 400}],
        "carbon": {"price_usd_per_tonne": 100.0},
        "workloads": [{"id": "train", "kind": "job", "runs": {"throughput": {"A": 10.0}}, "work": 1.8e7,
                       "gang_devices": 20, **job}],
    }  # fmt: skip
    plan = optimizer.solve(optimizer.load(data), gap=0.0, threads=1)
    assert {row.period: row.instance_hours for row in plan.placements} == pytest.approx(hours)
    assert plan.carbon_kg == pytest.approx(kg)


def test_a_solved_plan_holds_no_idle_gang(compiled):
    """Every job row of the plan works at least one hour."""
    plan = optimizer.solve(compiled.world.instance)
    hours = [row.instance_hours for row in plan.placements if row.workload == "job"]
    assert hours
    assert min(hours) > 0
