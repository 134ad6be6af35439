"""Who uses the capacity, in plans: what it keeps out, what is asked, and that the audit reads it on its own."""

from __future__ import annotations

from typing import Any

import pytest

import domicile

US, CH = "us-run", "ch-run"
"""Operators that the United States can compel, and cannot."""


def instance(tenant: dict[str, Any] | None = None, *, own: dict[str, Any] | None = None, **more: Any):
    """Data about nobody on a chip that no export rule is about: 1 USD/h at an operator under US control, else 2."""
    homes = {US: "US", CH: "CH"}
    return domicile.load(
        {
            "name": "tenants", "horizon": {"start": "2027-01-01", "hours": 100.0},
            "laws": {"use": "world", "as_of": "2026-11-22"},
            "catalogue": {"use": "inline", "inline": {
                "providers": [{"id": name, "headquarters": home, "control": [home]} for name, home in homes.items()],
                "regions": [{"id": f"at-{name}", "provider": name, "country": "CH", "egress_usd_per_gb": 0.0,
                             "storage_usd_per_gb_month": 0.01 * (k + 1)} for k, name in enumerate(homes)],
                "offers": [{"region": f"at-{name}", "sku": "m", "accelerator": "M60", "usd_per_hour": 1.0 + k}
                           for k, name in enumerate(homes)],
            }},
            "workloads": [
                {"id": "sim", "kind": "service", "runs": {"throughput": {"M60": 10.0}},
                 "data": {"categories": ["non_personal"], "exporter": "DE"}, "tenant": own or {},
                 "streams": [{"origin": "DE", "rate": 5.0}]},
            ],
            "quotas": {"default_devices": 4},
            **({"tenant": tenant} if tenant else {}),
            **more,
        }
    )  # fmt: skip


def solved(made) -> tuple[str, Any]:
    """Where the workload runs in a plan that the audit finds sound, and the plan."""
    plan = domicile.solve(made)
    report = domicile.audit(made, plan)
    assert report.ok, [str(finding) for finding in report.violations]
    return plan.placements[0].provider, plan


@pytest.mark.parametrize(
    ("tenant", "own", "provider"),
    [
        ({"headquarters": "AE", "parent": "AE"}, None, US),
        ({"headquarters": "AE", "parent": "IR"}, None, CH),
        ({"headquarters": "IR", "parent": "IR"}, {"headquarters": "AE", "parent": "AE"}, US),
        ({"headquarters": "AE", "parent": "AE"}, {"headquarters": "IR"}, CH),
        ({"headquarters": "AE", "parent": "AE"}, {"end_use": ["training"]}, US),
    ],
)
def test_the_dearer_operator_serves_whom_the_cheaper_may_not(tenant, own, provider):
    """By the instance's tenant, unless the workload has one of its own; its seats replace both."""
    found, plan = solved(instance(tenant, own=own))
    assert found == provider
    assert plan.objective_usd == pytest.approx(100.0 if provider == US else 200.0)
    assert not [action for action in plan.actions if action.kind == "confirm_tenant"]
    if provider == CH:
        reasons = {(row.reason, row.rule) for row in plan.ineligible}
        assert ("law_forbids", "US-OFAC-TENANT") in reasons


@pytest.mark.parametrize("tenant", [None, {"headquarters": "AE"}])
def test_a_tenant_that_is_not_stated_is_an_open_action(tenant):
    """Used, and the headline is conditional until somebody says where the tenant and its parent sit."""
    found, plan = solved(instance(tenant))
    assert found == US
    (action,) = [action for action in plan.open_actions if action.kind == "confirm_tenant"]
    assert (action.rule, action.owner, action.workloads) == ("tenant:seat", "export-control officer", ("sim",))
    missing = "its ultimate parent" if tenant else "its headquarters and its ultimate parent"
    assert action.sentence == f"US-OFAC-TENANT: where the tenant has {missing} is not known, which decides"


REFUSING = {"use": "world", "as_of": "2026-11-22", "unknown": {"tenant": "refuse"}}


def test_who_refuses_an_unstated_tenant_pays_for_it():
    """100 USD: what the plan prints that refusing may cost; an acceptance, or a lift, ends the question."""
    made = instance(laws=REFUSING)
    found, plan = solved(made)
    assert found == CH
    assert [(row.reason, row.rule) for row in plan.refused] == [("tenant_unknown", "seat")]
    assert plan.refused_usd == pytest.approx(100.0, abs=1e-3)
    said = {"rule": "tenant:seat", "author": "E. Control", "basis": "register", "expires": "2030-01-01"}
    assert solved(instance(laws=REFUSING, legal_assertions={"accepts": [said]}))[0] == US
    assert solved(domicile.changed(made, [{"op": "lift", "rule": "tenant:seat"}]))[0] == US
    stated = {"op": "set_tenant", "tenant": {"headquarters": "DE", "parent": "DE"}}
    assert solved(domicile.changed(made, [stated]))[0] == US


def test_admitting_it_is_no_action():
    """`unknown.tenant: admit`."""
    laws = {**REFUSING, "unknown": {"tenant": "admit"}}
    found, plan = solved(instance(laws=laws))
    assert found == US
    assert not [action for action in plan.actions if action.kind == "confirm_tenant"]


def test_data_at_rest_are_kept_for_the_instances_tenant():
    """A dataset: one copy, 100 GB, at the operator that may serve the tenant; the audit finds one that may not."""
    dataset = {"id": "d", "size_gb": 100.0, "categories": ["non_personal"], "exporter": "DE"}
    plans = {}
    for parent in ("AE", "IR"):
        made = instance({"headquarters": "AE", "parent": parent}, datasets=[dataset])
        _, plans[parent] = solved(made)
        assert {row.provider for row in plans[parent].copies} == {CH if parent == "IR" else US}
        if parent == "IR":
            there = {"provider": US, "region": f"at-{US}", "region_id": f"at-{US}"}
            moved = tuple(row.model_copy(update=there) for row in plans[parent].copies)
            faulty = plans[parent].model_copy(update={"copies": moved})
            found = {(one.kind, one.rule) for one in domicile.audit(made, faulty).violations}
            assert ("law_forbids", "US-OFAC-TENANT") in found


def test_the_audit_finds_whom_the_operator_may_not_serve_and_a_question_that_is_not_listed():
    """A plan for another tenant, and one without its action."""
    _, plan = solved(instance({"headquarters": "AE", "parent": "AE"}))
    other = instance({"headquarters": "AE", "parent": "IR"})
    assert ("law_forbids", "US-OFAC-TENANT") in {(f.kind, f.rule) for f in domicile.audit(other, plan).violations}
    made = instance()
    bare = domicile.solve(made).model_copy(update={"actions": ()})
    assert ("action", "tenant:seat") in {(f.kind, f.rule) for f in domicile.audit(made, bare).violations}


def test_a_tenant_that_no_law_knows_is_refused_with_its_place():
    """A slip in an end use names the field."""
    with pytest.raises(domicile.InputError, match="trainin"):
        domicile.solve(instance({"headquarters": "AE", "end_use": ["trainin"]}))
