"""Every law has one case in which it speaks as its prose says, and one in which it does not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import yaml

from optimizer import bundled
from optimizer.laws import (
    AcceleratorFacts,
    DataProfile,
    Destination,
    LawRow,
    LegalContext,
    Tenant,
    Verdict,
    Verdicts,
    load_laws,
)
from optimizer.laws.scopes import Subject
from optimizer.laws.types import UNSTATED, Party

CASES: dict[str, dict[str, Any]] = yaml.safe_load((bundled.PATH / "laws" / "cases.yaml").read_text())
TODAY = date(2026, 11, 22)
IDS = [(law, kind) for law in CASES for kind in ("yes", "no")]


def words(case: dict[str, Any], key: str) -> frozenset[str]:
    return frozenset(str(case.get(key, "")).split())


def level(verdict: Verdict, law: str) -> str:
    """The level that one law gives in a verdict of many; silent if it says nothing."""
    if law not in verdict.laws:
        return "silent"
    if law in verdict.forbidden_by:
        return "forbidden"
    if law in {missing for missing, _ in verdict.approvals_missing}:
        return "approval"
    if law in {requirement.law for requirement in verdict.requirements}:
        return "conditional"
    assert law in verdict.free_by
    return "free"


@pytest.mark.parametrize(("law", "kind"), IDS, ids=[f"{law}-{kind}" for law, kind in IDS])
def test_law_speaks_in_its_case_and_is_silent_in_the_other(law: str, kind: str) -> None:
    case = CASES[law][kind]
    pack = load_laws(patches=case.get("patch", ()))
    day = case.get("day", TODAY)
    if "group" in case:
        group, place, on, expected = case["group"]
        assert (place in pack.groups.members(group, on)) is expected
        assert pack.law(law).effect == "context"
        return
    country, _, subdivision = case["to"].partition("-")
    destination = Destination(country, subdivision or None, case.get("p"), case.get("g"), case.get("v", "instance"))
    context = LegalContext(advisory=case.get("advisory", False))
    if "chip" in case or "tenant" in case:
        judge_capacity(law, case, destination, context, day)
        return
    profile = DataProfile(
        categories=words(case, "c"),
        subjects=words(case, "s"),
        persons=tuple(case.get("n", {}).items()),
        sensitive_persons=tuple(case.get("ns", {}).items()),
        exporter="acme",
        exporter_country=case.get("e", ""),
        exporter_hq=case.get("q"),
        exporter_roles=words(case, "r"),
        sectors=words(case, "x"),
        flags=words(case, "f"),
        retention_hours=case.get("h"),
        state=frozenset(filter(None, case.get("state", "").split("&"))),
    )
    verdicts = pack.judge(profile, destination, day, context)
    if "st" in case:
        assert level(verdicts.storage, law) == case["st"], verdicts.storage
        assert level(verdicts.processing, law) == case["pr"], verdicts.processing
        return
    duties = {duty.law for duty in pack.duties(profile, day, context)}
    assert said(law, verdicts, duties) == ("absent" if case["says"] == "context" else case["says"])
    row = pack.law(law, day)
    if row.effect == "context" and not row.trigger.risk:
        subject = Subject(profile, pack.vocabulary.expand(profile), day, context, pack.groups, pack.vocabulary)
        assert about(row, subject) is (kind == "yes")


def about(row: LawRow, subject: Subject) -> bool:
    """A law without any effect can only be told apart by whether its category, scope and dates fit."""
    category = "any" in row.data_categories or bool(row.data_categories & subject.categories)
    scope = any(subject.test(scope).met for scope in row.trigger.scopes)
    return category and scope and (row.status == "does_not_exist" or in_dates(row, subject.on, subject.context))


def in_dates(row: LawRow, day: date, context: LegalContext) -> bool:
    if row.status == "guidance" and not context.advisory:
        return False
    waiting = row.in_force_from is None and row.status == "enacted_not_yet_in_force"
    started = row.in_force_from is not None and row.in_force_from <= day
    return waiting or (started and (row.in_force_to is None or day <= row.in_force_to))


def judge_capacity(law: str, case: dict[str, Any], destination: Destination, context: LegalContext, day: date) -> None:
    pack = load_laws(patches=case.get("patch", ()))
    chip = None
    if "chip" in case:
        name, tpp, bandwidth, vendor, *density = case["chip"]
        chip = AcceleratorFacts(name, tpp, bandwidth, vendor, *density)
    seats = str(case.get("tenant", "")).split()
    if "listed" in case:
        context = LegalContext(advisory=context.advisory, parties=listed(*case["listed"], operator=case["p"]))
    verdict = pack.judge_capacity(
        accelerator=chip,
        destination=destination,
        tenant=Tenant(seats[0], seats[-1], words(case, "use"), "user") if seats else UNSTATED,
        on=day,
        context=context,
        hypothetical=case.get("hypo", False),
        site_flags=words(case, "site"),
    )
    assert level(verdict, law) == case.get("pr", "silent"), verdict
    row = pack.law(law)
    if row.effect == "context":
        assert in_dates(row, day, context) is (case["says"] == "context")


def listed(name: str, how: str, operator: str) -> dict[str, Party]:
    """The tenant on a list itself, or owned at a share by who is; the operator and the customers on none."""
    share = how.removeprefix("owner ")
    user = Party("user", frozenset({name})) if how == "itself" else Party("user", owners=(("owner", float(share)),))
    clear = {one: Party(one) for one in (operator, "customers")}
    return {**clear, "user": user, "owner": Party("owner", frozenset({name}))}


def said(law: str, verdicts: Verdicts, duties: set[str]) -> str:
    if any(law in part.laws for part in (verdicts.storage, verdicts.processing, verdicts.access)):
        return "rule"
    if law in duties:
        return "duty"
    if law in verdicts.unmodelled:
        return "unmodelled"
    if any(risk.startswith(f"{law}:") for risk in verdicts.residual_risks):
        return "risk"
    return "absent"


def test_every_law_has_a_positive_and_a_negative_case() -> None:
    laws = set(load_laws().laws)
    assert set(CASES) == laws
    assert all(set(case) == {"yes", "no"} for case in CASES.values())


def test_every_law_has_a_reviewed_trigger() -> None:
    assert [row.id for row in load_laws().laws.values() if not row.reviewed] == []
