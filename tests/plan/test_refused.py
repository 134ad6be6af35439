"""What refusing the unknown costs: how many options it alone keeps out, and the most that can be saved by asking."""

from __future__ import annotations

from typing import Any

import pytest

import domicile

HOURS = 730.0


def instance(unknown: dict[str, str] | None = None, *, usd: tuple[float, float] = (1.0, 3.0), **more: Any):
    """German patients' prompts, kept for a day: nobody knows of the first operator's C5, the second's is listed."""
    regions, offers = [], []
    for name, price in zip(("scaleway", "ovhcloud"), usd, strict=True):
        regions.append({"id": f"r-{name}", "country": "FR", "provider": name, "pue": 1.2, "grid_g_per_kwh": 100.0})
        offers.append({"sku": "h", "region": f"r-{name}", "accelerator": "H100", "usd_per_hour": price})
    providers = [{"id": name, "headquarters": "FR", "control": ["FR"]} for name in ("scaleway", "ovhcloud")]
    data = {"categories": ["health"], "subjects": ["DE"], "retention_hours": 24}
    return domicile.load(
        {
            "name": "refused", "horizon": {"start": "2027-01-01", "hours": HOURS},
            "catalogue": {"use": "inline", "inline": {"providers": providers, "regions": regions, "offers": offers}},
            "laws": {"use": "world", "as_of": "2026-11-22", "unknown": {"access": "admit", **(unknown or {})}},
            "workloads": [
                {"id": "chat", "kind": "service", "runs": {"throughput": {"H100": 10.0}}, "data": data,
                 "streams": [{"origin": "DE", "rate": 5.0}]},
            ],
            "quotas": {"default_devices": 4}, **more,
        }
    )  # fmt: skip


def test_the_cheaper_operator_costs_what_it_would_save():
    """One option, shut by its certificate alone; 2 USD an hour is the difference, by hand."""
    made = instance()
    plan = domicile.solve(made)
    (row,) = plan.refused
    assert (row.reason, row.rule, row.of, row.options, row.alone) == (
        "certificate_unknown", "scaleway/BSI C5 type 2", "workloads", 1, 1,
    )  # fmt: skip
    assert plan.refused_usd == pytest.approx(2.0 * HOURS, rel=1e-6)
    assert domicile.audit(made, plan).ok


def test_where_nobody_asks_what_refusing_costs_it_is_counted():
    """The option is told, what it would save is not; the plan says so."""
    made = instance()
    plan = domicile.solve(made, opportunity_costs=False)
    assert [row.options for row in plan.refused] == [1]
    assert plan.refused_usd is None
    assert [(row.what, row.asked) for row in plan.unfinished] == [("refused", False)]
    assert domicile.audit(made, plan).ok


def test_a_dearer_operator_costs_nothing():
    """Refused all the same, and told; asking would not have moved anything."""
    plan = domicile.solve(instance(usd=(5.0, 3.0)))
    assert [row.options for row in plan.refused] == [1]
    assert plan.refused_usd == pytest.approx(0.0, abs=1e-6)


def test_what_is_asked_or_shut_anyway_is_not_refused():
    """Under ask nothing is refused; what another rule shuts as well is not counted."""
    assert domicile.solve(instance({"certificate": "ask"})).refused == ()
    policy = {"kind": "places", "id": "no", "deny": ["FR"], "scope": {"providers": ["scaleway"]}}
    plan = domicile.solve(instance(policies=[policy]))
    assert plan.refused == ()
    assert plan.refused_usd is None


def test_an_instance_without_options_tells_what_it_refuses():
    """Both operators under the strictest answers: no plan, and the counts say what keeps them out."""
    plan = domicile.solve(instance({"access": "refuse"}))
    assert plan.status == "infeasible"
    assert {(row.reason, row.rule, row.alone) for row in plan.refused} >= {("access_unknown", "ovhcloud", 1)}


def test_the_audit_judges_what_can_be():
    """A word that is no reason, more options than are ruled out, a saving above the cost."""
    made = instance()
    plan = domicile.solve(made)
    (row,) = plan.refused
    for wrong in (
        {"refused": (row.model_copy(update={"reason": "law_forbids"}),)},
        {"refused": (row.model_copy(update={"options": 7}),)},
        {"refused": (row.model_copy(update={"alone": 2}),)},
        {"refused_usd": 1e9},
    ):
        assert "statement" in {one.kind for one in domicile.audit(made, plan.model_copy(update=wrong)).violations}
