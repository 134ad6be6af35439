"""Network carbon of data carried between regions: by hand, in budgets, in the carbon price, audited, and unknown."""

from __future__ import annotations

import pytest

import domicile
from optimizer.audit import audit

# 0.05 kWh/GB; A sends at 400 and 200 g/kWh in two equal periods: 0.05 x 300 / 1000 = 0.015 kg per GB
KG_PER_GB_A = 0.015


def estate(*, grid_a=(400.0, 200.0), network=0.05, carbon=None, **more):
    """Data of 1,000 GB held in A; the only machine is in B, where a service reads 200 GB of it."""
    place = {"pue": 1.0, "storage_usd_per_gb_month": 0.0, "egress_usd_per_gb": 0.01}
    return domicile.load({
        "name": "carried", "horizon": {"start": "2027-01-01", "hours": 20.0, "count": 2}, "laws": {"use": "none"},
        "carbon": {"network_kwh_per_gb": network, "embodied": "none", **(carbon or {})},
        "catalogue": {"use": "inline", "inline": {
            "regions": [
                {"id": "a", "country": "DE", "provider": "p", "grid_g_per_kwh": grid_a, **place},
                {"id": "b", "country": "FR", "provider": "p", "grid_g_per_kwh": 50.0, **place},
            ],
            "offers": [{"sku": "s", "region": "b", "accelerator": "G", "usd_per_hour": 1.0, "idle_kw": 0.0,
                        "load_kw": 0.0}],
        }},
        "quotas": {"default_devices": 9},
        "workloads": [{"id": "w", "kind": "service", "runs": {"throughput": {"G": 10.0}},
                       "streams": [{"origin": "DE", "rate": 1.0}]}],
        "datasets": [{"id": "d", "size_gb": 1000.0, "present_in": ["a"], "readers": [{"workload": "w", "gb": 200.0}]}],
        **more,
    })  # fmt: skip


def test_reads_emit_what_the_sender_s_grid_makes_of_them():
    """200 GB from A at 0.015 kg: 3 kg, apart from the placements, which draw no power here."""
    question = estate()
    plan = domicile.solve(question)
    assert plan.carbon_kg == pytest.approx(200.0 * KG_PER_GB_A)
    assert sum(row.carbon_kg or 0.0 for row in plan.placements) == pytest.approx(0.0)
    assert [row.carbon_kg for row in plan.transfers] == [pytest.approx(3.0)]
    assert [row.carbon_kg for row in plan.copies] == [0.0]
    assert audit(question, plan).violations == ()
    assert domicile.solve(estate(network=0.0)).carbon_kg == pytest.approx(0.0)


def test_a_copy_emits_what_bringing_it_does():
    """If the copy must be in B, 1,000 GB travel from A: 15 kg; reads are then at home."""
    dataset = {"id": "d", "size_gb": 1000.0, "present_in": ["a"], "regions": ["b"],
               "readers": [{"workload": "w", "gb": 200.0}]}  # fmt: skip
    plan = domicile.solve(estate(datasets=[dataset]))
    assert plan.carbon_kg == pytest.approx(15.0)
    assert [row.carbon_kg for row in plan.copies] == [pytest.approx(15.0)]


@pytest.mark.parametrize(("limit", "status"), [(3.1, "optimal"), (2.9, "infeasible")])
def test_a_carbon_budget_counts_reads_where_they_are_sent(limit, status):
    budgets = [{"id": "cap", "limit_kg": limit, "scope": {"regions": ["a"]}}]
    stays = {"id": "d", "size_gb": 1000.0, "present_in": ["a"], "regions": ["a"],
             "readers": [{"workload": "w", "gb": 200.0}]}  # fmt: skip
    plan = domicile.solve(estate(budgets=budgets, datasets=[stays]))
    assert plan.status == status
    if plan.placements:
        assert plan.budgets[0].used == pytest.approx(3.0)
    elsewhere = [{"id": "cap", "limit_kg": 1.0, "scope": {"regions": ["b"]}}]
    assert domicile.solve(estate(budgets=elsewhere, datasets=[stays])).status == "optimal"


def test_the_carbon_price_pays_for_them():
    """3 kg at 1,000 USD a tonne are 3 USD."""
    question = estate(carbon={"price_usd_per_tonne": 1000.0})
    plan = domicile.solve(question)
    assert plan.cost_breakdown_usd["carbon_price"] == pytest.approx(3.0)
    assert audit(question, plan).violations == ()


def test_an_unknown_grid_is_told_and_where_carbon_counts_nothing_is_sent():
    plan = domicile.solve(estate(grid_a=None))
    assert [row.carbon_kg for row in plan.transfers] == [None]
    assert any("network carbon" in line for line in plan.warnings)
    capped = domicile.solve(estate(grid_a=None, budgets=[{"id": "cap", "limit_kg": 1e6}]))
    assert capped.status == "infeasible"
    elsewhere = [{"id": "cap", "limit_kg": 1e6, "scope": {"regions": ["b"]}}]
    assert domicile.solve(estate(grid_a=None, budgets=elsewhere)).status == "optimal"


def test_the_audit_recomputes_it():
    question = estate(budgets=[{"id": "cap", "limit_kg": 3.1}])
    plan = domicile.solve(question)
    rows = tuple(row.model_copy(update={"carbon_kg": 0.5}) for row in plan.transfers)
    found = {v.kind for v in audit(question, plan.model_copy(update={"transfers": rows})).violations}
    assert "carbon" in found
    found = {v.kind for v in audit(question, plan.model_copy(update={"carbon_kg": 0.0})).violations}
    assert "carbon" in found
    tight = estate(budgets=[{"id": "cap", "limit_kg": 2.9}])
    assert "budget" in {v.kind for v in audit(tight, plan).violations}


def test_a_moving_job_s_checkpoint_emits_on_its_way():
    """A machine in A in the first half, in B in the second, by commitment-free quotas: 100 GB move once, 1.5 kg."""
    place = {"pue": 1.0, "egress_usd_per_gb": 0.01}
    offer = {"sku": "s", "accelerator": "G", "idle_kw": 0.0, "load_kw": 1.0}
    budgets = [{"id": "a-late", "limit_kwh": 0.0, "scope": {"regions": ["a"], "periods": ["t1"]}},
               {"id": "b-early", "limit_kwh": 0.0, "scope": {"regions": ["b"], "periods": ["t0"]}}]  # fmt: skip
    question = domicile.load({
        "name": "moving", "horizon": {"start": "2027-01-01", "hours": 20.0, "count": 2}, "laws": {"use": "none"},
        "carbon": {"network_kwh_per_gb": 0.05, "embodied": "none"}, "budgets": budgets,
        "catalogue": {"use": "inline", "inline": {
            "regions": [{"id": "a", "country": "DE", "grid_g_per_kwh": [400.0, 200.0], **place},
                        {"id": "b", "country": "FR", "grid_g_per_kwh": 0.0, **place}],
            "offers": [{**offer, "region": "a", "usd_per_hour": 1.0}, {**offer, "region": "b", "usd_per_hour": 1.0}],
        }},
        "quotas": {"default_devices": 1},
        "workloads": [{"id": "j", "kind": "job", "runs": {"throughput": {"G": 1.0}}, "work": 15 * 3600.0,
                       "interruptible": True, "deferrable": True, "may_move": True, "checkpoint_gb": 100.0}],
    })  # fmt: skip
    plan = domicile.solve(question)
    assert [row.carbon_kg for row in plan.moves] == [pytest.approx(1.5)]
    own = sum(row.carbon_kg or 0.0 for row in plan.placements)
    assert plan.carbon_kg == pytest.approx(own + 1.5)
    assert audit(question, plan).violations == ()
