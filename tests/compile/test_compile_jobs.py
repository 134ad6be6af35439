"""Windows of jobs, whether they can finish, spot overhead, moves."""

from __future__ import annotations

import numpy as np
import pytest
from compile_toys import job, offer, region, toy

import domicile
from optimizer.compile import compile_instance
from optimizer.compile.jobs import LEAST_HOURS, Window, usable_hours
from optimizer.errors import InputError
from optimizer.instance.workloads import Job

FOUR = {"start": "2027-01-01", "hours": 40.0, "count": 4}


def compiled(*jobs, **more):
    return compile_instance(toy(*jobs, horizon=FOUR, **more)).problem


def test_only_the_hours_inside_the_window_are_usable():
    problem = compiled(job(release_hours=5.0, deadline_hours=32.0))
    assert problem.slots.period.tolist() == [0, 1, 2, 3]
    assert problem.slots.usable_hours.tolist() == [5.0, 10.0, 10.0, 2.0]
    assert (problem.jobs.first_period[0], problem.jobs.last_period[0]) == (0, 3)
    later = compiled(job(release_hours=10.0, deadline_hours=30.0))
    assert later.slots.period.tolist() == [1, 2]


def test_spot_is_slower_by_its_overhead():
    runs = {"throughput": {"X": 10.0}, "purchase": ["on_demand", "spot"]}
    offers = {"offers": [offer(), offer(purchase="spot", usd_per_hour=1.0)]}
    problem = compiled(job(runs=runs, interruptible=True, spot_overhead=0.25), inline=offers)
    assert sorted(set(problem.slots.capacity_per_s)) == pytest.approx([8.0, 10.0])


@pytest.mark.parametrize(
    ("interruptible", "deferrable", "allowed", "finishes"),
    [
        (True, True, [1, 0, 1, 0], True),
        (True, True, [1, 0, 0, 0], False),
        (True, False, [0, 1, 1, 0], False),
        (True, False, [1, 0, 1, 0], True),
        (False, True, [1, 0, 1, 0], False),
        (False, True, [0, 1, 1, 0], True),
        (False, False, [0, 1, 1, 0], False),
        (False, False, [1, 1, 0, 0], True),
    ],
)
def test_finishing_needs_enough_hours_where_the_job_may_run(interruptible, deferrable, allowed, finishes):
    """20 hours of work, four periods of 10 hours."""
    window = Window(np.full(4, 10.0), 0, 3)
    one = Job.model_validate(job(work=20.0, interruptible=interruptible, deferrable=deferrable))
    assert (usable_hours(one, window, np.array([allowed], dtype=bool))[0] >= 20.0) is np.bool_(finishes)


def test_moves_pay_egress_of_the_checkpoint_over_known_routes_only():
    inline = {
        "regions": [region(), region("p:south", "FR", egress_usd_per_gb=0.05),
                    region("p:east", "PL", egress_usd_per_gb=None)],
        "offers": [offer(), offer(place="p:south"), offer(place="p:east")],
    }  # fmt: skip
    problem = compiled(job(interruptible=True, may_move=True, checkpoint_gb=100.0), inline=inline)
    moves = {
        (problem.regions.ids[a], problem.regions.ids[b]): usd
        for a, b, usd in zip(problem.moves.source, problem.moves.target, problem.moves.moving.spend_usd, strict=True)
    }
    assert moves == pytest.approx({
        ("p:north", "p:south"): 9.0, ("p:north", "p:east"): 9.0,
        ("p:south", "p:north"): 5.0, ("p:south", "p:east"): 5.0,
    })  # fmt: skip


def test_work_left_undone_is_allowed_only_at_a_price():
    assert not compiled(job()).jobs.may_be_undone[0]
    problem = compiled(job(unserved_usd_per_unit=0.01, deadline_hours=1.0))
    assert problem.jobs.may_be_undone[0]
    assert problem.jobs.undone_usd[0] == 0.01
    assert len(problem.slots.offer) == 1


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("shape", [{}, {"interruptible": True}, {"gang_devices": 3, "max_gangs": 2}])
def test_a_job_of_the_least_time_is_placed(count, shape):
    """36 ms on one device are still seen by the solver, whatever the job's shape."""
    shape = {"interruptible": "max_gangs" in shape, **shape}
    work = 1.01 * LEAST_HOURS * 36_000.0
    horizon = {"start": "2027-01-01", "hours": 40.0, "count": count}
    plan = domicile.solve(toy(job(work=work, **shape), horizon=horizon))
    assert plan.status == "optimal"
    assert sum(row.work_units for row in plan.placements) == pytest.approx(work, rel=1e-5)


def test_jobs_too_short_for_the_solver_are_bad_input_all_at_once():
    """Below 36 ms a job is lost in the solver's tolerance: it would be told as done, or as impossible."""
    short = {"work": 0.99 * LEAST_HOURS * 36_000.0}
    with pytest.raises(InputError) as caught:
        compiled(job("a", **short), job("b"), job("c", **short))
    assert [issue.where for issue in caught.value.issues] == ["workloads[id=a].work", "workloads[id=c].work"]
    assert "9.9e-06 instance-hours on g1 in p:north" in caught.value.issues[0].what
    assert "unit" in (caught.value.issues[0].maybe or "")
