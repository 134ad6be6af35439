"""Ways to meet a condition: both of two, either of two, one only where the other is not to be had."""

from __future__ import annotations

from datetime import date

import pytest

from optimizer.errors import InputError
from optimizer.laws import DataProfile, Destination, LawPack, LegalContext, Level, Verdict, load_laws, parse_rule
from optimizer.laws.mechanisms import needed

ON = date(2027, 1, 1)


def pack_of(ways: str, **trigger: object) -> LawPack:
    law = {
        "id": "XX", "jurisdiction": "ET", "kind": "CONDITIONAL", "in_force_from": "2020-01-01",
        "data_categories": ["personal"], "rule": f"free:ET;cond:*@{ways}",
        "trigger": {"scopes": [{"exporter": "ET"}], **trigger},
    }  # fmt: skip
    return load_laws(patches=[{"op": "deactivate", "law": "ET-1321"}, {"op": "add_law", "law": law}])


def verdict(ways: str, *available: str) -> Verdict:
    """The law alone: what is known of the jurisdictions is left out."""
    profile = DataProfile(frozenset({"personal"}), frozenset({"ET"}), exporter="a", exporter_country="ET")
    context = LegalContext(mechanisms=frozenset(available))
    return pack_of(ways).judge_for(profile, ON, context).bench.at(Destination("US", provider="aws")).storage


def asked(found: Verdict) -> list[set[str]]:
    return [{key.mechanism for key in one.mechanisms} for one in found.requirements]


def test_both_of_two_are_two_requirements() -> None:
    """A and B: each is asked for; without one of them the law forbids."""
    both = verdict("SCC_EU&IN_SPDI", "SCC_EU", "IN_SPDI")
    assert (both.level, asked(both)) == (Level.CONDITIONAL, [{"SCC_EU"}, {"IN_SPDI"}])
    assert dict(both.reasons)["XX"] == "needs (SCC_EU and IN_SPDI)"
    one = verdict("SCC_EU&IN_SPDI", "SCC_EU")
    assert (one.level, one.forbidden_by, one.without_mechanism) == (Level.FORBIDDEN, ("XX",), ("XX",))


def test_both_of_two_or_a_third_one() -> None:
    """(A and B) or C comes to A or C, and B or C; a way that lacks a part drops out."""
    ways = "(SCC_EU&IN_SPDI)|SG_CONTRACT"
    every = verdict(ways, "SCC_EU", "IN_SPDI", "SG_CONTRACT")
    assert asked(every) == [{"SCC_EU", "SG_CONTRACT"}, {"IN_SPDI", "SG_CONTRACT"}]
    assert asked(verdict(ways, "SCC_EU", "SG_CONTRACT")) == [{"SG_CONTRACT"}]
    assert asked(verdict(ways, "SCC_EU", "IN_SPDI")) == [{"SCC_EU"}, {"IN_SPDI"}]
    assert asked(verdict("SCC_EU&IN_SPDI|SCC_EU", "SCC_EU", "IN_SPDI")) == [{"SCC_EU"}]


def test_the_second_tier_only_where_nothing_of_the_first_is_to_be_had() -> None:
    """A before B: with both at hand only A will do, and the reason names B; with B alone B will, and it says so."""
    both = verdict("SCC_EU>IN_SPDI", "SCC_EU", "IN_SPDI")
    assert asked(both) == [{"SCC_EU"}]
    assert dict(both.reasons)["XX"] == "needs SCC_EU (only where it is not to be had: IN_SPDI)"
    second = verdict("SCC_EU>IN_SPDI", "IN_SPDI")
    assert asked(second) == [{"IN_SPDI"}]
    assert "XX: SCC_EU is not to be had" in second.conditions_assumed
    assert verdict("SCC_EU>IN_SPDI").level is Level.FORBIDDEN


def test_a_way_that_waits_for_a_grant_is_no_way_yet() -> None:
    """A gate beside a mechanism at hand is missing; beside one that is not there at all it opens nothing."""
    gate = verdict("EG_LICENCE&SCC_EU", "SCC_EU")
    assert (gate.level, gate.approvals_missing) == (Level.APPROVAL, (("XX", "EG_LICENCE"),))
    assert verdict("EG_LICENCE&SCC_EU").level is Level.FORBIDDEN
    assert asked(verdict("EG_LICENCE>SCC_EU", "SCC_EU")) == [{"SCC_EU"}]


TOO_MANY = "&".join("ABCDEFGHI") + "|" + "&".join("KLMNOPQRS")


@pytest.mark.parametrize("text", ["A&", "(A&B", "A&&B", "A>", ">A", "((A))", "A|(B&C", TOO_MANY])
def test_malformed_ways_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_rule(f"cond:*@{text}")


def test_what_ways_come_to() -> None:
    assert needed([("A", "B"), ("C", "D")]) == (("A", "C"), ("A", "D"), ("B", "C"), ("B", "D"))
    assert needed([("A",), ("B",)]) == (("A", "B"),)


def test_quebec_asks_for_assessment_and_agreement() -> None:
    """CA-QC-17: both, so that the assessment alone opens nothing outside Quebec; inside nothing is asked."""
    pack = load_laws()
    profile = DataProfile(frozenset({"personal"}), frozenset({"CA-QC"}), exporter="a", exporter_country="CA-QC")

    def at(place: str, *held: str) -> Verdict:
        country, _, subdivision = place.partition("-")
        where = Destination(country, subdivision or None, "aws")
        return pack.judge(profile, where, ON, LegalContext(mechanisms=frozenset(held))).storage

    assert at("CA-QC").level is Level.FREE
    assert at("CA-ON", "QC_PIA").forbidden_by == ("CA-QC-17",)
    found = at("CA-ON", "QC_PIA", "GENERIC_CONTRACT")
    assert [(one.law, {key.mechanism for key in one.mechanisms}) for one in found.requirements] == [
        ("CA-QC-17", {"QC_PIA"}),
        ("CA-QC-17", {"GENERIC_CONTRACT"}),
    ]


def test_indonesia_takes_consent_only_without_safeguards() -> None:
    """ID-PDP-56: an order, no choice."""
    pack = load_laws()
    profile = DataProfile(frozenset({"personal"}), frozenset({"ID"}), exporter="a", exporter_country="ID")

    def needs(*held: str) -> list[set[str]]:
        where = Destination("SG", provider="aws")
        context = LegalContext(mechanisms=frozenset(held))
        found = pack.judge(profile, where, ON, context).storage
        return [{key.mechanism for key in one.mechanisms} for one in found.requirements]

    assert needs("ID_SAFEGUARD", "GENERIC_CONSENT") == [{"ID_SAFEGUARD"}]
    assert needs("GENERIC_CONSENT") == [{"GENERIC_CONSENT"}]


@pytest.mark.parametrize(
    ("review", "available", "granted", "level"),
    [
        ("approval_presumed", "BIS_LICENCE", "", Level.CONDITIONAL),
        ("approval_presumed", "", "", Level.FORBIDDEN),
        ("silent_consent", "BIS_LICENCE", "", Level.CONDITIONAL),
        ("case_by_case", "BIS_LICENCE", "", Level.APPROVAL),
        ("case_by_case", "BIS_LICENCE", "*", Level.CONDITIONAL),
        ("denial_presumed", "BIS_LICENCE", "", Level.FORBIDDEN),
        ("denial_presumed", "BIS_LICENCE", "*", Level.FORBIDDEN),
        ("denial_presumed", "BIS_LICENCE", "BIS_LICENCE", Level.CONDITIONAL),
        ("denial", "BIS_LICENCE", "BIS_LICENCE", Level.FORBIDDEN),
    ],
)
def test_how_a_regulator_decides(review: str, available: str, granted: str, level: Level) -> None:
    """Presumed approval is a price and a time, a case a question, presumed denial opens by its own grant alone."""
    pack = pack_of("BIS_LICENCE", review={"BIS_LICENCE": review})
    profile = DataProfile(frozenset({"personal"}), frozenset({"ET"}), exporter="a", exporter_country="ET")
    context = LegalContext(
        mechanisms=frozenset({available} - {""}), approvals=frozenset({("XX", granted)} if granted else ())
    )
    found = pack.judge_for(profile, ON, context).bench.at(Destination("US", provider="aws")).storage
    assert found.level is level
    if "denial" in review and level is Level.FORBIDDEN:
        assert (found.forbidden_by, found.without_mechanism) == (("XX",), ()), "no mechanism would help"


def test_a_gate_that_opens_by_silence_needs_no_grant() -> None:
    """EG_LICENCE is a regulator's decision; where silence is consent it is a filing like any other."""
    pack = pack_of("EG_LICENCE", review={"EG_LICENCE": "silent_consent"})
    profile = DataProfile(frozenset({"personal"}), frozenset({"ET"}), exporter="a", exporter_country="ET")
    context = LegalContext(mechanisms=frozenset({"EG_LICENCE"}))
    found = pack.judge_for(profile, ON, context).bench.at(Destination("US", provider="aws")).storage
    assert (found.level, asked(found)) == (Level.CONDITIONAL, [{"EG_LICENCE"}])
    assert any("not refused within the time" in text for text in found.conditions_assumed)


def test_a_review_of_nobody_and_of_an_unknown_mechanism_is_refused() -> None:
    for review in ({"BIS_LICENCE": "maybe"}, {"MAGIC": "denial"}, "denial"):
        with pytest.raises(InputError):
            pack_of("BIS_LICENCE", review=review)
