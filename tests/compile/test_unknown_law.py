"""Places whose law nobody knows: refused, asked about or admitted, by hand; what plans leave open, and its audit."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from law_worlds import catalogue

import domicile

NOBODY = "FK"
"""The Falkland Islands, whose rules nobody has looked at."""
PLACES = {"fk1": NOBODY, "gb1": "GB", "de1": "DE"}
USD_PER_HOUR = {"fk1": 1.0, "gb1": 2.0, "de1": 3.0}
HOURS = 730.0


def instance(*, unknown: dict[str, str] | None = None, places: dict[str, str] | None = None, **more: Any):
    """A service of German users that keeps nothing; one machine serves it, cheapest where nobody knows the law.

    The default chip has no figures here, so that export rules may speak of it; no rule does of a processor.
    """
    offers, accelerator = catalogue(places or PLACES), more.pop("accelerator", "H100")
    for offer in offers["inline"]["offers"]:
        offer.update(usd_per_hour=USD_PER_HOUR[offer["region"]], accelerator=accelerator)
        if accelerator == "cpu":
            offer["vcpus"] = 8
    data = more.pop("data", {"categories": ["personal"], "subjects": ["DE"]})
    return domicile.load(
        {
            "name": "unknown", "horizon": {"start": "2027-01-01", "hours": HOURS}, "catalogue": offers,
            "laws": {"use": "world", "as_of": "2026-11-22", "unknown": unknown or {}},
            "workloads": [
                {"id": "chat", "kind": "service", "runs": {"throughput": {accelerator: 10.0}}, "data": data,
                 "streams": [{"origin": "DE", "rate": 5.0}]},
            ],
            "quotas": {"default_devices": 4, "default_vcpus": 32}, "tenant": {"headquarters": "DE", "parent": "DE"},
            "mechanism_costs": [{"id": "SCC_EU"}],
            **more,
        }
    )  # fmt: skip


def placed(plan) -> str:
    """Where the one workload runs."""
    (row,) = plan.placements
    return row.region


def rules(plan) -> set[str]:
    """The rules of the open points: what has to be found out."""
    return {action.rule for action in plan.open_actions if action.kind.startswith("confirm")}


ACCEPTED = {"rule": f"coverage:{NOBODY}", "author": "A. Counsel", "basis": "memo 7"}


@pytest.mark.parametrize(
    ("more", "region"),
    [
        ({}, "gb1"),
        ({"unknown": {"law": "refuse"}}, "gb1"),
        ({"unknown": {"law": "ask"}}, "fk1"),
        ({"unknown": {"law": "admit"}}, "fk1"),
        ({"data": {"categories": ["non_personal"]}}, "gb1"),
        ({"data": {"categories": ["non_personal"]}, "accelerator": "cpu"}, "fk1"),
        ({"data": {"categories": ["important"]}}, "gb1"),
        ({"legal_assertions": {"accepts": [{**ACCEPTED, "expires": "2027-01-01"}]}}, "fk1"),
        ({"legal_assertions": {"accepts": [{**ACCEPTED, "expires": "2030-01-01", "rule": "coverage:GB"}]}}, "gb1"),
    ],
)
def test_where_it_runs(more, region):
    """German data leave for Britain by an adequacy decision; nobody looked at the cheapest place."""
    plan = domicile.solve(instance(**more))
    assert placed(plan) == region
    assert plan.objective_usd == pytest.approx(USD_PER_HOUR[region] * HOURS)


def test_of_two_acceptances_the_one_that_lasts_is_named():
    """The first ends within the horizon: whoever accepted for all of it answers for it, in the plan and its audit."""
    said = [
        {**ACCEPTED, "expires": "2027-01-10"},
        {**ACCEPTED, "author": "B. Counsel", "expires": "2028-01-01"},
    ]
    horizon = {"start": "2027-01-01", "periods": [{"id": "a", "hours": 480}, {"id": "b", "hours": 250}]}
    made = instance(legal_assertions={"accepts": said}, horizon=horizon)
    plan = domicile.solve(made)
    assert {one.rule: one.accepted_by for one in plan.actions}[f"coverage:{NOBODY}"] == "B. Counsel"
    assert domicile.audit(made, plan).ok


def test_lifting_the_rule_accepts_it():
    """For good, by its id; a jurisdiction that does not exist is told."""
    changed = domicile.compile(instance()).changed([{"op": "lift", "rule": f"coverage:{NOBODY}"}])
    plan = changed.solve()
    assert placed(plan) == "fk1"
    assert rules(plan) == {"access:p-fk"}
    with pytest.raises(domicile.InputError, match="jurisdiction"):
        domicile.changed(instance(), [{"op": "lift", "rule": "coverage:XX"}])


def test_what_is_refused_is_told_with_its_rule():
    """The reason, the jurisdiction, and what alone keeps the option out."""
    model = domicile.compile(instance())
    told = str(model.why("chat", "fk1"))
    assert f"coverage:{NOBODY}" in told
    assert "nobody has looked at the rules of Falkland Islands" in told
    out = {(row.reason, row.rule): row.alone for row in domicile.solve(instance()).ineligible}
    assert out["law_unknown", NOBODY] == 1


def test_what_is_asked_is_an_open_action_until_somebody_accepts_it():
    """The plan stands on condition; an acceptance for the whole horizon ends it, one for a part does not."""
    plan = domicile.solve(instance(unknown={"law": "ask"}))
    assert rules(plan) == {f"coverage:{NOBODY}", "access:p-fk"}
    (action,) = [one for one in plan.actions if one.kind == "confirm_law"]
    assert (action.subject, action.workloads, action.due) == (NOBODY, ("chat",), dt.date(2027, 1, 1))
    accepted = instance(legal_assertions={"accepts": [{**ACCEPTED, "expires": "2027-01-31"}]})
    plan = domicile.solve(accepted)
    assert rules(plan) == {"access:p-fk"}
    assert {one.rule: one.accepted_by for one in plan.actions}[f"coverage:{NOBODY}"] == "A. Counsel"


def test_other_data_are_there_with_a_warning():
    """Data about nobody: no action for the law, and the plan says what is not known."""
    plan = domicile.solve(instance(data={"categories": ["non_personal"]}, accelerator="cpu"))
    assert rules(plan) == {"access:p-fk"}
    assert any("nobody has looked at the rules of Falkland Islands" in text for text in plan.warnings)


def test_an_operator_that_nobody_knows_is_refused_where_the_user_says_so():
    """Every operator of one's own has support countries that nobody stated: with refuse, no plan exists."""
    assert domicile.solve(instance(unknown={"access": "refuse"})).status == "infeasible"
    said = [{"rule": "access:p-de", "author": "A. Buyer", "basis": "contract", "expires": "2028-01-01"}]
    plan = domicile.solve(instance(unknown={"access": "refuse"}, legal_assertions={"accepts": said}))
    assert placed(plan) == "de1"
    assert rules(plan) == set()
    assert rules(domicile.solve(instance(unknown={"access": "admit"}))) == set()


def test_data_at_rest_are_refused_as_well():
    """A dataset about Germans has a copy anywhere but where nobody looked."""
    dataset = {"id": "files", "size_gb": 10.0, "min_copies": 1, "categories": ["personal"], "subjects": ["DE"]}
    for law, region in ((None, "gb1"), ("ask", "fk1")):
        made = instance(unknown={} if law is None else {"law": law}, datasets=[dataset])
        prices = {"fk1": 0.01, "gb1": 0.02, "de1": 0.03}
        inline = made.catalogue.inline
        regions = tuple(r.model_copy(update={"storage_usd_per_gb_month": prices[r.id]}) for r in inline.regions)
        inline = inline.model_copy(update={"regions": regions})
        made = made.model_copy(update={"catalogue": made.catalogue.model_copy(update={"inline": inline})})
        plan = domicile.solve(made)
        assert [copy.region for copy in plan.copies] == [region]
        asked = {one.rule for one in plan.actions if "files" in one.datasets and one.kind.startswith("confirm")}
        assert asked == ({"access:p-gb"} if law is None else {"access:p-fk", f"coverage:{NOBODY}"})


def test_the_audit_finds_what_is_where_it_may_not_be():
    """A plan made under "admit" breaks the default; one made under "ask" has to list what it leaves open."""
    plan = domicile.solve(instance(unknown={"law": "admit"}))
    found = domicile.audit(instance(), plan.model_copy(update={"instance_sha256": None}))
    assert "law_unknown" in {one.kind for one in found.violations}
    asked = instance(unknown={"law": "ask"})
    plan = domicile.solve(asked)
    assert domicile.audit(asked, plan).open_actions == (
        "access:p-fk", "assessment:SCC_EU", f"coverage:{NOBODY}", "mechanism:SCC_EU", "quota:devices:H100@fk1",
    )  # fmt: skip
    for wrong in (
        plan.actions[1:],
        (*plan.actions, plan.actions[0].model_copy(update={"rule": "coverage:GB", "subject": "GB"})),
        tuple(one.model_copy(update={"accepted_by": "me"}) for one in plan.actions),
        tuple(one.model_copy(update={"workloads": ()}) for one in plan.actions),
    ):
        report = domicile.audit(asked, plan.model_copy(update={"actions": wrong}))
        assert "action" in {one.kind for one in report.violations}


def test_an_acceptance_names_something_there_is():
    """A jurisdiction or a provider that does not exist is an error, and so is one that ended before the horizon."""
    for rule, told in (("coverage:XX", "no ISO 3166"), ("access:nobody", "nobody")):
        with pytest.raises(domicile.InputError, match=told):
            instance(legal_assertions={"accepts": [{**ACCEPTED, "rule": rule, "expires": "2028-01-01"}]})
    with pytest.raises(domicile.InputError, match="before the horizon starts"):
        instance(legal_assertions={"accepts": [{**ACCEPTED, "expires": "2026-12-31"}]})


def test_a_rule_on_transfers_answers_for_its_origin_in_the_plan_and_in_its_audit():
    """Whether Austria has a rule on where data must stay is not known. For personal data EU law answers: they may go
    to Britain even where silence is refused, and somebody confirms the rest. For health data no row answers."""
    personal = {"categories": ["personal"], "subjects": ["AT"]}
    made = instance(unknown={"law": "refuse"}, data=personal)
    plan = domicile.solve(made)
    assert placed(plan) == "gb1"
    assert "coverage:AT" in rules(plan)
    report = domicile.audit(made, plan)
    assert report.ok, report.violations
    patients = instance(unknown={"law": "refuse"}, data={**personal, "categories": ["health"]})
    assert domicile.solve(patients).status == "infeasible"
    moved = plan.model_copy(update={"instance_sha256": domicile.instance_sha256(patients)})
    assert "law_unknown" in {violation.kind for violation in domicile.audit(patients, moved).violations}
