"""How good the figures behind a plan are: every flag and every share is recomputed from the catalogue's own words."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import domicile
from optimizer.audit import AuditReport, audit
from optimizer.plan.models import Plan

Fields = dict[str, Any]


def estate(
    *, catalogue: Fields | None = None, runs: Fields | None = None, regions: tuple[str, ...] = ("aws:eu-west-1",),
    **more: Any,
) -> domicile.Instance:  # fmt: skip
    """Return one chat service, on AWS in Ireland unless told otherwise, without laws."""
    return domicile.load({
        "name": "doubts",
        "horizon": {"start": "2027-01-01", "hours": 730.0},
        "laws": {"use": "none"},
        "catalogue": {"use": "world", "providers": ["aws"], **(catalogue or {})},
        "quotas": {"default_devices": 64},
        "workloads": [{
            "id": "chat", "kind": "service", "regions": list(regions),
            "streams": [{"origin": "DE", "rate": 500.0, "max_rtt_ms": 100}],
            "runs": {"model": "meta-llama/Llama-3.1-8B-Instruct", "input_tokens": 1024, "output_tokens": 256,
                     **(runs or {})},
        }],
        **more,
    })  # fmt: skip


NEURON: Fields = {"catalogue": {"fallbacks": ["throughput_neuron"]}, "runs": {"software": ["neuron"]}}


@cache
def solved(neuron: bool = False) -> tuple[domicile.Instance, Plan]:
    instance = estate(**(NEURON if neuron else {}))
    return instance, domicile.solve(instance, threads=1)


def judged(instance: domicile.Instance, plan: Plan, **rows: Any) -> AuditReport:
    return audit(instance, Plan.model_validate({**plan.model_dump(mode="json"), **rows}))


def flagged(plan: Plan, flags: list[str]) -> list[Fields]:
    """Return the placements with other flags on the first."""
    rows = [row.model_dump(mode="json") for row in plan.placements]
    rows[0]["flags"] = flags
    return rows


def shared(plan: Plan, quality: str, **shares: float | None) -> list[Fields]:
    """Return the data quality rows with other shares in one."""
    rows = [row.model_dump(mode="json") for row in plan.data_quality]
    return [{**row, **shares} if row["quality"] == quality else row for row in rows]


def kinds(report: AuditReport) -> set[str]:
    return {violation.kind for violation in report.violations}


@pytest.mark.parametrize("neuron", [False, True])
def test_the_words_of_a_plan_of_our_own_are_right(neuron: bool):
    instance, plan = solved(neuron)
    assert audit(instance, plan).violations == ()
    assert ("estimated_speed" in plan.placements[0].flags) == neuron


@pytest.mark.parametrize("change", [lambda flags: flags[1:], lambda flags: [], lambda flags: [*flags, "fallback"],
                                    lambda flags: [*flags, "stale_price"]])  # fmt: skip
def test_a_flag_less_or_more_is_found(change: Any):
    instance, plan = solved()
    report = judged(instance, plan, placements=flagged(plan, change(list(plan.placements[0].flags))))
    assert kinds(report) == {"statement"}
    assert report.violations[0].what == "flags on its figures"


@pytest.mark.parametrize(("quality", "shares"), [
    ("estimated_speed", {"cost_share": 0.0}), ("estimated_speed", {"cost_share": 0.9}),
    ("estimated_speed", {"carbon_share": 0.5}),
    ("estimated_rtt", {"cost_share": 0.0}), ("estimated_rtt", {"cost_share": None}),
    ("unverified", {"cost_share": 0.1}), ("derived", {"cost_share": 0.1}),
])  # fmt: skip
def test_a_share_is_what_the_rows_come_to(quality: str, shares: Fields):
    """Neither less nor more: an estimated Neuron speed bears on all of the cost."""
    instance, plan = solved(neuron=True)
    assert {row.quality: row.cost_share for row in plan.data_quality}["estimated_speed"] == pytest.approx(1.0)
    assert kinds(judged(instance, plan, data_quality=shared(plan, quality, **shares))) == {"use"}


def test_flags_that_are_left_out_everywhere_beside_shares_are_found():
    """Shares are of rows that have a flag; a plan that states neither states nothing on its figures."""
    instance, plan = solved()
    rows = [{**row.model_dump(mode="json"), "flags": []} for row in plan.placements]
    assert "statement" in kinds(judged(instance, plan, placements=rows))
    assert judged(instance, plan, placements=rows, data_quality=[]).ok


def test_the_instance_s_own_figures_are_no_doubt():
    """A PUE, power and embodied carbon that the instance states are nobody's estimate any more."""
    plain, plan = solved()
    row = plan.placements[0]
    region = {"pue": 1.2, "grid_lifecycle_g_per_kwh": 300.0}
    device = {"idle_kw": 0.5, "load_kw": 1.0, "embodied_kg": 100.0}
    overrides = [{"table": "regions", "id": row.region_id, "set": region},
                 {"table": "skus", "id": f"aws/{row.sku}", "set": device}]  # fmt: skip
    instance = estate(catalogue={"overlay": overrides})
    own = domicile.solve(instance, threads=1)
    assert own.placements[0].sku == row.sku
    assert set(row.flags) - set(own.placements[0].flags)
    assert audit(instance, own).violations == ()
    assert "statement" in kinds(judged(instance, own, placements=flagged(own, list(row.flags))))
    assert audit(plain, plan).ok


@pytest.mark.parametrize(("days", "stale"), [(183, True), (184, False)])
def test_an_endpoint_s_price_grows_old_too(days: int, stale: bool):
    """A price of 2026-07-01 is 184 days old on 2027-01-01."""
    instance = estate(
        catalogue={"providers": ["azure"], "max_price_age_days": days},
        runs={"model": "meta-llama/Llama-3.3-70B-Instruct", "via": ["endpoint"]},
        regions=("azure:francecentral",), quotas={"default_endpoint_units_per_s": 1000},
    )  # fmt: skip
    plan = domicile.solve(instance, threads=1)
    assert plan.placements[0].endpoint is not None
    assert plan.placements[0].flags == (("estimated", "stale_price") if stale else ("estimated",))
    assert audit(instance, plan).violations == ()
    other = flagged(plan, ["estimated"] if stale else ["estimated", "stale_price"])
    assert kinds(judged(instance, plan, placements=other)) == {"statement"}
