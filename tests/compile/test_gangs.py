"""A gang works on its own devices, and pays for and holds whole machines: by hand, through solve and audit."""

from __future__ import annotations

import numpy as np
import pytest
from compile_toys import job, offer, region, toy

import domicile
from optimizer.audit import audit
from optimizer.compile import compile_instance
from optimizer.compile.gangs import Gang
from optimizer.errors import InputError


def node(devices: float = 8.0, **more):
    """A machine of eight X devices at 16 USD/h: 1 kW idle, 9 kW at load, 0.08 kg embodied an hour."""
    figures = {"usd_per_hour": 2.0 * devices, "idle_kw": 1.0, "load_kw": 9.0, "embodied_kg_per_hour": 0.08}
    return offer(f"node{devices:g}", devices=devices, **{**figures, **more})


def placed(workload, *offers, **more):
    """Return the plan of one job on some machines, which its audit confirms."""
    question = toy(workload, inline={"offers": list(offers)}, **more)
    plan = domicile.solve(question)
    assert audit(question, plan).violations == ()
    return plan


def test_one_device_of_a_machine_of_eight_works_at_one_eighth_and_pays_for_all():
    """Ten hours of one device are ten hours of the machine: 160 USD, 10 h x 0.08 kg embodied; its seven others idle.

    Power 1 + (9 - 1)/8 = 2 kW for 10 h at PUE 1.5: 30 kWh, 6 kg at 200 g/kWh.
    """
    plan = placed(job(gang_devices=1), node())
    (row,) = plan.placements
    assert (row.instances, row.gangs) == (1.0, 1.0)
    assert row.instance_hours == pytest.approx(10.0)
    assert row.cost_usd == pytest.approx(160.0)
    assert row.energy_kwh == pytest.approx(30.0)
    assert row.carbon_kg == pytest.approx(30.0 * 0.2 + 0.8)
    assert plan.water_l == pytest.approx(20.0 * 0.5)
    assert [use.used for use in plan.quotas] == [8.0]
    assert any("works on 1 of the 8 devices" in line for line in plan.warnings)


def test_a_job_without_a_gang_size_works_on_all_devices_of_one_machine():
    """The same work on all eight devices: 1.25 h at full power, 20 USD, 1.5 x 9 x 1.25 kWh."""
    plan = placed(job(), node())
    (row,) = plan.placements
    assert row.instance_hours == pytest.approx(1.25)
    assert row.cost_usd == pytest.approx(20.0)
    assert row.energy_kwh == pytest.approx(1.5 * 9.0 * 1.25)
    assert not any("devices" in line for line in plan.warnings)


@pytest.mark.parametrize(("deadline", "status"), [(10.0, "optimal"), (9.99, "infeasible")])
def test_a_gang_of_one_cannot_hurry_on_a_larger_machine(deadline, status):
    question = toy(job(gang_devices=1, deadline_hours=deadline), inline={"offers": [node()]})
    assert domicile.solve(question).status == status


@pytest.mark.parametrize(("devices", "status"), [(8.0, "optimal"), (7.0, "infeasible")])
def test_the_whole_machine_is_held_of_the_pool(devices, status):
    question = toy(job(gang_devices=1), inline={"offers": [node()]}, quotas={"default_devices": devices})
    assert domicile.solve(question).status == status


def test_the_last_machine_of_a_gang_may_be_partly_used():
    """A gang of six on machines of four takes two: 60 units/s together, 30 each, 48 USD/h for 10/6 h, 8 held."""
    machine = node(4.0, usd_per_hour=24.0)
    slots = compile_instance(toy(job(gang_devices=6), inline={"offers": [machine]})).problem.slots
    assert slots.gang_instances.tolist() == [2.0]
    assert slots.capacity_per_s.tolist() == pytest.approx([30.0])
    plan = placed(job(gang_devices=6), machine)
    (row,) = plan.placements
    assert row.instances == 2.0
    assert row.instance_hours == pytest.approx(2 * 10 / 6)
    assert plan.objective_usd == pytest.approx(24.0 * 2 * 10 / 6)
    assert row.energy_kwh == pytest.approx(1.5 * (1.0 + 8.0 * 6 / 8) * 2 * 10 / 6)
    assert [use.used for use in plan.quotas] == [8.0]


def test_one_that_fits_is_cheaper_than_a_larger_one():
    """10 h at 2.5 USD beat 10 h at 16 USD, though a device of the large machine costs less."""
    plan = placed(job(gang_devices=1), node(), offer(usd_per_hour=2.5))
    assert plan.objective_usd == pytest.approx(25.0)
    assert placed(job(), node(), offer(usd_per_hour=2.5)).objective_usd == pytest.approx(20.0)


def test_gangs_side_by_side_hold_a_machine_each():
    """Two gangs of one device on machines of two: 20 units/s together, 5 h, and four devices held."""
    side = job(gang_devices=1, max_gangs=2, interruptible=True, deadline_hours=5.0)
    plan = placed(side, node(2.0))
    assert sum(row.instance_hours for row in plan.placements) == pytest.approx(10.0)
    assert [use.used for use in plan.quotas] == [4.0]
    late = toy(dict(side, deadline_hours=4.9), inline={"offers": [node(2.0)]})
    assert domicile.solve(late).status == "infeasible"


def test_output_and_reads_follow_the_work_of_the_gang():
    """20 GB of output at 0.09 USD are 1.80 USD, and the 50 GB it reads are read once, whatever the machine."""
    reads = [{"id": "d", "size_gb": 100.0, "readers": [{"workload": "job", "gb": 50.0}]}]
    plan = placed(job(gang_devices=1, output_gb=20.0), node(), datasets=reads)
    assert plan.cost_breakdown_usd["egress"] == pytest.approx(1.80)
    assert sum(row.gb for row in plan.transfers) == pytest.approx(50.0)


def test_spot_overhead_comes_on_top():
    runs = {"throughput": {"X": 10.0}, "purchase": ["spot"]}
    plan = placed(job(gang_devices=1, runs=runs, interruptible=True, spot_overhead=0.25), node(purchase="spot"))
    assert plan.objective_usd == pytest.approx(16.0 * 12.5)


def test_a_slice_of_a_device_is_a_machine_of_a_job_without_a_gang_size():
    """Half a device does 5 units/s: 20 h. A gang of one device cannot be put together from halves."""
    half = {"offers": [node(0.5, usd_per_hour=1.0)]}
    assert domicile.solve(toy(job(), inline=half)).objective_usd == pytest.approx(20.0)
    assert domicile.solve(toy(job(gang_devices=1), inline=half)).status == "infeasible"


def test_a_carbon_budget_counts_the_devices_that_idle():
    """6.8 kg on the machine of eight: with the seven idle devices left out it would be 3.8 kg."""
    for limit, status in ((6.81, "optimal"), (6.79, "infeasible")):
        more = {"budgets": [{"id": "co2", "limit_kg": limit}], "inline": {"offers": [node()]}}
        assert domicile.solve(toy(job(gang_devices=1), **more)).status == status


def test_what_was_measured_is_never_divided():
    """A model measured on four and on eight devices: a gang of four does what four do, one of two nothing known."""
    import pandas as pd

    from optimizer.compile.speed import _of_instances

    figures = {"devices": [4.0, 8.0], "units_per_s": [10.0, 30.0], "quality": ["measured", "derived"]}
    rows = pd.DataFrame({"accelerator": "X", **figures})
    machines, names = np.array([8.0, 4.0, 3.0]), np.array(["X", "X", "X"], dtype=object)

    def known(gang: int | None) -> tuple[list[float], list[str]]:
        units, quality = _of_instances(rows, names, machines, gang)
        assert np.isnan(units[2])  # a system of four does not fit into a machine of three
        return units[:2].tolist(), quality.tolist()

    assert known(None) == ([30.0, 10.0], ["derived", "measured", "missing"])
    assert known(4) == ([10.0, 10.0], ["measured", "measured", "missing"])
    assert np.isnan(_of_instances(rows, names, machines, 2)[0]).all()
    # twelve devices on two machines of eight: three systems of four, half of it each; none of eight is divided
    assert known(12) == ([15.0, 10.0], ["measured", "measured", "missing"])


def test_machines_and_working_share():
    gang = Gang.of(np.array([1.0, 2.0, 4.0, 8.0, 0.0]), 6)
    assert gang.instances.tolist() == [6.0, 3.0, 2.0, 1.0, np.inf]
    assert gang.working_share.tolist() == [1.0, 1.0, 0.75, 0.75, 1.0]
    assert Gang.of(np.array([0.5, 8.0]), 0).instances.tolist() == [1.0, 1.0]


def test_the_audit_does_not_let_idle_devices_work():
    """A plan in which the seven other devices work as well: 1.25 h, as before the gang was held to its size."""
    question = toy(job(gang_devices=1), inline={"offers": [node()], "regions": [region()]})
    plan = domicile.solve(question)
    (row,) = plan.placements
    hurried = row.model_copy(update={
        "instance_hours": 1.25, "cost_usd": 20.0, "energy_kwh": 1.5 * 9 * 1.25, "carbon_kg": 0.2 * 1.5 * 9 * 1.25 + 0.1,
    })  # fmt: skip
    kinds = {v.kind for v in audit(question, plan.model_copy(update={"placements": (hurried,)})).violations}
    assert {"job_work", "energy"} <= kinds


def test_a_job_has_no_target_utilisation():
    """Its devices work at full speed: the field had no effect, which a reader of the instance could not see."""
    with pytest.raises(InputError) as caught:
        toy(job(target_utilisation=0.5))
    assert [issue.where for issue in caught.value.issues] == ["workloads[id=job].target_utilisation"]
