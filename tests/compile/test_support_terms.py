"""From where operators support: terms that an instance chooses, what they cost, and what stays unknown until then."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from law_worlds import catalogue

import domicile
from optimizer.laws import DataProfile, Destination, load_laws
from optimizer.laws.types import LegalContext, Level

PACK = load_laws()
DAY = date(2027, 1, 1)
GERMAN = DataProfile(frozenset({"personal"}), frozenset({"DE"}), exporter_country="DE")


def instance(provider: str, **more: Any):
    """A service about German persons that one machine of an operator serves in Germany."""
    offers = catalogue({"de1": "DE"})
    offers["inline"]["providers"] = [{"id": provider, "headquarters": "US", "control": ["US"]}]
    offers["inline"]["regions"][0]["provider"] = provider
    return domicile.load(
        {
            "name": "support", "horizon": {"start": "2027-01-01", "hours": 730.0}, "catalogue": offers,
            "laws": {"use": "world", "as_of": "2026-11-22"},
            "workloads": [
                {"id": "chat", "kind": "service", "runs": {"throughput": {"H100": 10.0}},
                 "data": {"categories": ["personal"], "subjects": ["DE"]}, "streams": [{"origin": "DE", "rate": 5.0}]},
            ],
            "quotas": {"default_devices": "unlimited"}, "tenant": {"headquarters": "DE", "parent": "DE"}, **more,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "choice", "status", "asked"),
    [
        ("aws", None, "optimal", {"access:aws"}),
        ("aws", "no_content", "optimal", {"access:aws"}),
        ("gcp", "eu_control_package", "optimal", set()),
        ("gcp", "support_cases", "infeasible", set()),
        ("ibm", "eu_supported", "optimal", set()),
        ("deepseek", None, "infeasible", set()),
        ("scaleway", "default", "optimal", {"access:scaleway"}),
    ],
)
def test_the_terms_that_hold_decide(provider, choice, status, asked):
    """Unstated terms are not known; support from outside needs clauses; what nobody read has to be confirmed."""
    said = {"support": {provider: choice}} if choice else {}
    made = instance(provider, legal_assertions=said)
    plan = domicile.solve(made)
    assert plan.status == status
    if status == "optimal":
        assert {one.rule for one in plan.open_actions} == asked
        report = domicile.audit(made, plan)
        assert report.ok, report.violations


def test_support_from_outside_costs_its_clauses():
    """Google's support cases are answered in India and the United States: clauses with a price open it, by hand."""
    terms = {"support": {"gcp": "support_cases"}}
    made = instance("gcp", legal_assertions=terms, mechanism_costs=[{"id": "SCC_EU", "yearly_usd": 8760}])
    plan = domicile.solve(made)
    assert plan.cost_breakdown_usd["mechanisms"] == pytest.approx(730.0)
    assert {one.rule for one in plan.actions} >= {"mechanism:SCC_EU", "assessment:SCC_EU", "access:gcp"}
    assert domicile.audit(made, plan).ok


def test_what_is_asked_names_the_choices():
    """The open action on AWS says between which terms the instance may choose."""
    (action,) = domicile.solve(instance("aws")).open_actions
    assert "no_content" in action.sentence
    assert "support_cases" in action.sentence


def test_a_choice_is_one_of_the_law_pack():
    """A provider without terms, or a word that is none of its terms, is an error."""
    for provider, choice in (("aws", "eu_only"), ("s3ns", "default")):
        with pytest.raises(domicile.InputError, match="support"):
            instance(provider, legal_assertions={"support": {provider: choice}})


def test_a_verdict_takes_the_choice():
    """Azure's boundary keeps staff in Europe and neighbours; by default they sit in ninety places."""
    place = Destination("DE", provider="azure")
    for choice, level in (("eu_data_boundary", Level.FREE), ("default", Level.FORBIDDEN)):
        context = LegalContext(support={"azure": choice}, mechanisms=frozenset())
        assert PACK.judge(GERMAN, place, DAY, context).access.level is level
    assert PACK.judge(GERMAN, place, DAY).access.level is Level.UNKNOWN
