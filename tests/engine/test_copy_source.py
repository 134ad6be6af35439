"""Where the first copy of a dataset is brought from, and which budgets its egress and network carbon count in."""

from __future__ import annotations

from typing import Any

import pytest

import domicile
from optimizer.audit import audit
from optimizer.instance.models import Instance


def estate(*, present=("r0",), kept=("r1",), regions: dict[str, dict[str, Any]] | None = None, **more: Any) -> Instance:
    """100 GB held in r0 that must be kept in r1: 100 x 0.05 = 5 USD of storage a month, 100 x 0.1 = 10 USD to leave r0.

    A third region, r2, sends for 0.1 USD as well. Grids of 400, 300 and 200 g/kWh: at 0.05 kWh/GB a hundred GB from r0
    emit 2 kg, from r2 1 kg. The one machine draws nothing.
    """
    places = {
        "r0": {"country": "US", "storage_usd_per_gb_month": 0.01, "grid_g_per_kwh": 400.0},
        "r1": {"country": "DE", "storage_usd_per_gb_month": 0.05, "grid_g_per_kwh": 300.0},
        "r2": {"country": "FR", "storage_usd_per_gb_month": 0.05, "grid_g_per_kwh": 200.0},
    }
    rows = [
        {"id": name, "egress_usd_per_gb": 0.1, "pue": 1.0, **place, **(regions or {}).get(name, {})}
        for name, place in places.items()
    ]
    return domicile.load({
        "name": "source", "horizon": {"start": "2027-01-01", "hours": 730}, "laws": {"use": "none"},
        "carbon": {"network_kwh_per_gb": 0.05, "embodied": "none"}, "quotas": {"default_devices": 8},
        "catalogue": {"use": "inline", "inline": {
            "regions": rows, "network": [{"origin": "u0", "region": "r0", "rtt_ms": 1}],
            "offers": [{"sku": "a", "region": "r0", "accelerator": "A", "usd_per_hour": 0.0, "idle_kw": 0.0,
                        "load_kw": 0.0}],
        }},
        "workloads": [{"id": "w", "kind": "service", "runs": {"throughput": {"A": 10}},
                       "streams": [{"origin": "u0", "rate": 5, "subjects": []}]}],
        "datasets": [{"id": "k", "size_gb": 100, "regions": list(kept), "present_in": list(present)}],
        **more,
    })  # fmt: skip


def solved(question: Instance):
    plan = domicile.solve(question)
    assert plan.status == "optimal"
    assert audit(question, plan).violations == ()
    return plan


def caps(**limit: float) -> list[dict[str, Any]]:
    (name,) = limit
    return [{"id": f"cap-{r}", name: limit[name], "scope": {"regions": [r]}} for r in ("r0", "r1", "r2")]


def test_egress_counts_where_it_leaves_and_storage_where_it_is_kept():
    plan = solved(estate(budgets=caps(limit_usd=1000.0)))
    assert plan.objective_usd == pytest.approx(15.0)
    assert [use.used for use in plan.budgets] == pytest.approx([10.0, 5.0, 0.0])
    (copy,) = plan.copies
    assert (copy.region_id, copy.source, copy.cost_usd) == ("r1", "r0", pytest.approx(15.0))


@pytest.mark.parametrize(("place", "needs"), [("r0", 10.0), ("r1", 5.0)])
def test_either_budget_binds_at_its_own_part(place, needs):
    for limit, status in ((needs + 0.01, "optimal"), (needs - 0.01, "infeasible")):
        cap = {"id": "cap", "limit_usd": limit, "scope": {"regions": [place]}}
        assert domicile.solve(estate(budgets=[cap])).status == status


def test_a_budget_on_both_or_on_everything_counts_both_parts():
    both = {"id": "both", "limit_usd": 15.01, "scope": {"regions": ["r0", "r1"]}}
    whole = {"id": "whole", "limit_usd": 15.01}
    assert [use.used for use in solved(estate(budgets=[both, whole])).budgets] == pytest.approx([15.0, 15.0])


def test_network_carbon_counts_where_it_is_sent_from():
    plan = solved(estate(budgets=caps(limit_kg=1000.0)))
    assert [use.used for use in plan.budgets] == pytest.approx([2.0, 0.0, 0.0])
    for limit, status in ((2.01, "optimal"), (1.99, "infeasible")):
        cap = {"id": "cap", "limit_kg": limit, "scope": {"regions": ["r0"]}}
        assert domicile.solve(estate(budgets=[cap])).status == status


def test_of_several_sources_the_cheapest_then_the_cleanest_then_the_first_named_sends():
    assert solved(estate(present=("r0", "r2"))).copies[0].source == "r2"
    cheap = {"r0": {"egress_usd_per_gb": 0.09}}
    assert solved(estate(present=("r0", "r2"), regions=cheap)).copies[0].source == "r0"
    alike = {"r0": {"grid_g_per_kwh": 200.0}}
    assert solved(estate(present=("r0", "r2"), regions=alike)).copies[0].source == "r0"
    assert solved(estate(present=("r2", "r0"), regions=alike)).copies[0].source == "r2"


def test_data_that_lie_there_or_come_from_outside_have_no_source():
    assert [(row.source, row.cost_usd) for row in solved(estate(present=("r1", "r0"))).copies] == [
        (None, pytest.approx(5.0))
    ]
    assert [(row.source, row.cost_usd) for row in solved(estate(present=())).copies] == [(None, pytest.approx(5.0))]


def test_a_sender_without_a_grid_is_ruled_out_where_its_carbon_counts():
    """A budget in r0 asks for it, one in r1, where nothing is sent from, does not."""
    dark = {"r0": {"grid_g_per_kwh": None}}
    for place, status in (("r0", "infeasible"), ("r1", "optimal")):
        cap = {"id": "cap", "limit_kg": 1e6, "scope": {"regions": [place]}}
        assert domicile.solve(estate(budgets=[cap], regions=dark)).status == status


def test_the_audit_wants_a_source_that_holds_the_data_and_counts_it_there():
    question = estate(budgets=caps(limit_usd=12.0), present=("r0", "r2"))
    plan = solved(question)
    (copy,) = plan.copies

    def kinds(instance: Instance = question, **changes: Any) -> set[str]:
        changed = plan.model_copy(update={"copies": (copy.model_copy(update=changes),)})
        return {v.kind for v in audit(instance, changed).violations}

    assert kinds() == set()
    assert "statement" in kinds(source="r1")
    assert "use" in kinds(source="r0")  # as cheap, but the uses of budgets and the carbon stated are of r2
    tight = estate(budgets=[{"id": "cap-r2", "limit_usd": 9.0, "scope": {"regions": ["r2"]}}], present=("r0", "r2"))
    assert "budget" in kinds(tight)
    at_home = estate(budgets=caps(limit_usd=12.0), present=("r1", "r2"))
    assert "statement" in kinds(at_home)
