"""Statements of single rows that passed unseen: each caught, alone, and the same plan without it passes."""

from __future__ import annotations

from typing import Any

import pytest
from audit_toys import (
    base,
    entry_of,
    instance_of,
    law_base,
    law_plan,
    lawful_register,
    plan_of,
    row,
    valid_plan,
)

from optimizer.audit import AuditReport, audit
from optimizer.audit.coverage import NOT_STATED

Fields = dict[str, Any]


def kinds(report: AuditReport) -> set[str]:
    return {violation.kind for violation in report.violations}


def judged(plan: Fields, instance: Fields | None = None) -> AuditReport:
    return audit(instance_of(base() if instance is None else instance), plan_of(plan))


def unstated(report: AuditReport) -> list[str]:
    """Return the fields that the report names as not stated."""
    told = next((text for text in report.not_judged if text.startswith(NOT_STATED)), "")
    return told.partition(": ")[2].split(", ")


def full_plan() -> Fields:
    """Return the valid plan with the purchase option of every placement as well."""
    plan = valid_plan()
    for one in plan["placements"]:
        one["purchase"] = "on_demand"
    return plan


@pytest.mark.parametrize("name", ["accelerator", "purchase"])
def test_a_column_is_stated_in_all_rows_or_in_none(name: str):
    """One row left out is a finding; the column left out as a whole is named as not stated."""
    plan = full_plan()
    assert judged(plan).ok
    assert f"placements.{name}" not in unstated(judged(plan))
    plan["placements"][1][name] = None
    report = judged(plan)
    assert [(v.kind, v.where) for v in report.violations] == [("left_out", f"placements.{name}")]
    for one in plan["placements"]:
        one[name] = None
    report = judged(plan)
    assert report.ok
    assert f"placements.{name}" in unstated(report)


@pytest.mark.parametrize("name", ["cost_usd", "carbon_kg", "energy_kwh", "country", "instance_hours"])
def test_a_figure_of_one_row_is_not_left_out(name: str):
    """The toy states these of all placements; one that is absent could hide anything but a total."""
    plan = valid_plan()
    plan["placements"][0][name] = "" if name == "country" else None
    assert kinds(judged(plan)) == {"left_out"}


def test_laws_and_flags_that_nothing_states_are_named():
    """Without a register, a checksum or any law a plan states no law; its report says so."""
    instance, plan = law_base(), law_plan()
    for part in ("placements", "copies", "mechanisms"):
        for one in plan[part]:
            one["laws"] = []
            one.pop("mechanisms", None)
    report = judged(plan, instance)
    assert report.ok
    assert {"placements.laws", "placements.mechanisms", "placements.flags"} <= set(unstated(report))


def test_a_safeguard_without_the_laws_that_ask_for_it():
    """Where the plan states its law, a safeguard says whose it is."""
    instance, plan = law_base(), law_plan()
    assert judged(plan, instance).ok
    plan["mechanisms"][0]["laws"] = []
    assert "law_named" in kinds(judged(plan, instance))


def test_a_safeguard_named_twice_in_a_row():
    instance, plan = law_base(), law_plan()
    plan["placements"][1]["mechanisms"] = ["SCC_EU", "SCC_EU"]
    assert kinds(judged(plan, instance)) == {"duplicate"}


def test_a_quota_made_up():
    """Neither stated nor by default: the plan boasts of room that there is not."""
    plan = valid_plan()
    plan["quotas"].append({"id": "mine", "period": "t0", "limit": 10.0, "used": 0.0, "slack": 10.0})
    assert kinds(judged(plan)) == {"unknown_id"}


@pytest.mark.parametrize(("limit", "found"), [(10.0, set()), (12.0, {"use"})])
def test_a_quota_of_which_nothing_is_used_gives_what_the_instance_says(limit: float, found: set[str]):
    """By default 10 devices of each accelerator in each region, north-2 included, where nothing runs."""
    plan = valid_plan()
    plan["quotas"].append({"id": "devices:gpu@north-2", "period": "t0", "limit": limit, "used": 0.0, "slack": limit})
    assert kinds(judged(plan)) == found


def test_a_quota_in_no_period():
    plan = valid_plan()
    plan["quotas"].append({"id": "devices:gpu@north-2", "period": "t9", "limit": 10.0, "used": 0.0, "slack": 10.0})
    assert kinds(judged(plan)) == {"unknown_id"}


def test_a_region_without_a_fixed_cost_is_no_row_of_those():
    plan = valid_plan()
    plan["regions"] = [{"region_id": "north-1", "fixed_usd": 50.0}]
    assert judged(plan).ok
    plan["regions"].append({"region_id": "south-1", "fixed_usd": 0.0})
    assert kinds(judged(plan)) == {"statement"}


def test_a_row_that_holds_and_serves_nothing():
    """It adds to the counts of the legal register, and to nothing else."""
    plan = {"placements": [*valid_plan()["placements"], row("chat", "north-2", stream="FR")]}
    assert "statement" in kinds(judged(plan))


def test_an_endpoint_has_no_instance_hours():
    plan = valid_plan()
    plan["placements"][2] = {
        "workload": "chat", "stream": "FR", "provider": "north", "region": "north-2", "region_id": "north-2",
        "endpoint": "ep", "period": "t0", "served_per_s": 4.0, "instance_hours": 5.0,
    }  # fmt: skip
    report = judged({"placements": plan["placements"], "copies": plan["copies"], "transfers": plan["transfers"]})
    assert any(v.what == "an endpoint has no instance-hours" for v in report.violations)


@pytest.mark.parametrize(("name", "version", "found"), [
    ("catalogue", "inline", set()), ("catalogue", "1999-01-01", {"data_version"}),
    ("laws", "none", set()), ("laws", "2026-11-22", {"data_version"}),
])  # fmt: skip
def test_the_versions_of_the_data(name: str, version: str, found: set[str]):
    plan = valid_plan()
    plan["versions"] = {name: version}
    assert kinds(judged(plan)) == found


RULED_OUT: Fields = {"workload": "chat", "stream": "DE", "reason": "rtt", "rule": "max_rtt_ms", "options": 3}


@pytest.mark.parametrize(("change", "found"), [
    ({}, set()), ({"stream": "XX"}, {"unknown_id"}), ({"reason": "bad_weather"}, {"unknown_id"}),
    ({"options": 0}, {"statement"}), ({"options": -5}, {"statement"}), ({"workload": "nobody"}, {"unknown_id"}),
])  # fmt: skip
def test_rows_on_options_that_were_ruled_out(change: Fields, found: set[str]):
    """Their counts are not judged; that they name what exists, and count something, is."""
    plan = valid_plan()
    plan["ineligible"] = [{**RULED_OUT, **change}]
    assert kinds(judged(plan)) == found


@pytest.mark.parametrize(("policy", "providers", "ok"), [
    ("each", [], True), ("each", ["north"], False), ("some-german", [], False), ("nobody", [], False),
])  # fmt: skip
def test_the_share_of_one_provider_is_a_limit_of_its_own(policy: str, providers: list[str], ok: bool):
    """A share without providers holds for each alone, and names the provider whose limit would have to change."""
    instance = base()
    instance["policies"].append({"kind": "provider_share", "id": "each", "max_share": 0.8, "providers": providers})
    short = {"basis": "alone", "rule": "policy", "id": f"{policy}:north", "direction": "rise", "sentence": "more"}
    plan = {"status": "infeasible", "termination": "infeasible", "shortfalls": [short]}
    assert judged(plan, instance).ok == ok


def test_a_law_that_decided_nothing_has_no_entry():
    """An entry of a law that neither bears on a row nor ruled anything out decorates the register."""
    from optimizer.laws import load_laws

    instance, plan = law_base(), law_plan()
    plan.update(lawful_register())
    assert judged(plan, instance).ok
    plan["legal_register"].append(entry_of(load_laws("world").laws["FR-HDS"], "free", 0))
    report = judged(plan, instance)
    assert [(v.kind, v.found) for v in report.violations] == [("register", "FR-HDS")]


@pytest.mark.parametrize(("law", "found"), [
    ("DE-ENEFG-11", None), ("EU-GDPR-CHV", "register"), ("XX-NONE", "unknown_id"),
])  # fmt: skip
def test_a_law_that_has_an_effect_is_not_unmodelled(law: str, found: str | None):
    """The list is for laws that could touch an option and have no effect in the model."""
    instance, plan = law_base(), law_plan()
    plan["unmodelled_laws"] = [law]
    assert kinds(judged(plan, instance)) == ({found} if found else set())
