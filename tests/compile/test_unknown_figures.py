"""A figure that the plan calls unknown is one that nothing counts: not the first solve, not that for carbon."""

from __future__ import annotations

import numpy as np
import pytest
from compile_toys import job, offer, region, service, toy

import domicile
from optimizer.audit import audit
from optimizer.compile import compile_instance

LACKING = {
    "idle": {"offers": [offer(idle_kw=None)]},
    "load": {"offers": [offer(load_kw=None)]},
    "embodied": {"offers": [offer(embodied_kg_per_hour=None)]},
    "grid": {"regions": [region(grid_g_per_kwh=None)]},
    "pue": {"regions": [region(pue=None)]},
    "wue": {"regions": [region(wue_l_per_kwh=None)]},
}


@pytest.mark.parametrize("name", LACKING)
def test_coefficients_are_zero_where_the_figure_is_unknown(name):
    compiled = compile_instance(toy(service(), job(), inline=LACKING[name]))
    problem, told_of = compiled.problem, compiled.known
    slot = problem.flows.slot
    for metric, known in (("carbon_kg", told_of.carbon), ("energy_kwh", told_of.energy),
                          ("water_l", told_of.water)):  # fmt: skip
        for table, told in ((problem.slots.running, known), (problem.slots.working, known),
                            (problem.flows.serving, known[slot])):  # fmt: skip
            values = getattr(table, metric)
            assert np.all(values[~told] == 0.0), (name, metric)
    assert not (told_of.carbon.all() and told_of.energy.all() and told_of.water.all())


@pytest.mark.parametrize("name", LACKING)
def test_a_second_solve_counts_what_the_plan_counts(name):
    """With a second machine whose figures are complete, beside the one that lacks one."""
    parts = {key: list(value) for key, value in LACKING[name].items()}
    regions = [*parts.get("regions", [region()]), region("p:south", "FR")]
    offers = [*parts.get("offers", [offer()]), offer("g2", "p:south", usd_per_hour=2.0)]
    network = [{"origin": "DE", "region": r["id"], "rtt_ms": 20.0} for r in regions]
    question = toy(service(), job(), inline={"regions": regions, "offers": offers, "network": network})
    plan = domicile.solve(question, then="carbon")
    assert plan.status == "optimal"
    assert plan.least_carbon is not None
    assert plan.least_carbon.status == "optimal"
    assert plan.least_carbon.bound_kg == pytest.approx(plan.carbon_kg or 0.0)
    assert audit(question, plan).violations == ()


def test_an_hour_at_load_without_an_idle_figure_is_unknown():
    """The job's machine states what it draws at load and not when idle: nothing of it is in the carbon minimised."""
    inline = {"offers": [offer(idle_kw=None, usd_per_hour=1.0), offer("b", accelerator="Y", usd_per_hour=0.5)]}
    answering = service(rate=5.0)
    answering["runs"] = {"throughput": {"Y": 10.0}}
    question = toy(job(), answering, inline=inline)
    plan = domicile.solve(question, then="carbon")
    # one Y for 100 h: 1.5 x (0.2 x 100 + 0.8 x 50) = 90 kWh, 18 kg, and 1 kg embodied
    assert plan.carbon_kg == pytest.approx(19.0)
    assert plan.least_carbon.bound_kg == pytest.approx(19.0)
    assert {row.workload: row.carbon_kg for row in plan.placements} == {"job": None, "svc": pytest.approx(19.0)}
    assert audit(question, plan).violations == ()
