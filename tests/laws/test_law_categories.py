"""A rule for each category of data: the most specific one decides, mixed data take the worst."""

from __future__ import annotations

from datetime import date

import pytest

from optimizer.errors import InputError
from optimizer.laws import DataProfile, Destination, LegalContext, Level, Verdict, load_laws, parse_rule
from optimizer.laws.grammar import Match, parse_rules, worst
from optimizer.laws.rulebook import read_law

ON = date(2027, 1, 1)
CLOSURES = {
    "health": frozenset({"health", "sensitive", "personal"}),
    "sensitive": frozenset({"sensitive", "personal"}),
    "civil_registry": frozenset({"civil_registry", "personal", "public_sector"}),
}


def texts(rules: str, *data: str) -> list[str]:
    def closure(name: str) -> frozenset[str]:
        return CLOSURES.get(name, frozenset({name}))

    return [rule.text for rule in parse_rules(rules).of(map(closure, data), closure)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (["health"], ["only:DE"]),
        (["sensitive"], ["only:FR"]),
        (["personal"], ["only:IN"]),
        (["health", "personal"], ["only:DE", "only:IN"]),
        ([], ["only:IN"]),
    ],
)
def test_the_most_specific_category_decides_on_each_part(data: list[str], expected: list[str]) -> None:
    """Health data are sensitive too: their own rule decides, not that of sensitive data, and not `*`."""
    assert texts("health = only:DE, sensitive = only:FR, * = only:IN", *data) == expected


def test_where_neither_implies_the_other_both_decide() -> None:
    """A civil registry is personal and of the public sector: both rules must be met."""
    rules = "personal = only:DE, public_sector = only:FR, * = only:IN"
    assert texts(rules, "civil_registry") == ["only:DE", "only:FR"]
    assert texts("health = only:DE", "personal") == []


def test_the_worst_of_several_rules_and_a_way_of_each() -> None:
    """Two conditions: A or B, and C before D, are A and C, or B and C; A and D, or B and D where C is not to be had."""
    first = Match(Level.CONDITIONAL, "cond", ((("A",), ("B",)),), ("x",))
    second = Match(Level.CONDITIONAL, "cond", ((("C",),), (("D",),)))
    both = worst([first, second])
    assert both.ways == ((("A", "C"), ("B", "C")), (("A", "D"), ("B", "D")))
    assert both.conditions == ("x",)
    assert worst([first, Match(Level.FREE, None)]) == first
    denied = worst([first, Match(Level.FORBIDDEN, None), Match(Level.FORBIDDEN, "deny")])
    assert (denied.level, denied.verb, denied.ways) == (Level.FORBIDDEN, "deny", ())
    assert worst([]).level is Level.FREE


def test_a_mapping_in_a_file_and_in_a_patch_are_the_same() -> None:
    issues: list[object] = []
    by = {"health": "only:BR", "*": "free:*"}
    row = read_law("A", {"jurisdiction": "BR", "kind": "HARD_LOCAL", "rule": by}, issues)  # type: ignore[arg-type]
    patch = {"op": "set", "law": "BR-LGPD-33", "field": "storage_rule", "value": by}
    assert row is not None
    assert row.storage_rule == row.processing_rule == "health = only:BR, * = free:*"
    assert load_laws(patches=[patch]).laws["BR-LGPD-33"].storage_rule == row.storage_rule
    assert issues == []


@pytest.mark.parametrize("value", [{"helth": "only:BR"}, {"health": 5}, {"health": "only:BR, * = free:*"}])
def test_a_rule_of_an_unknown_category_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(InputError):
        load_laws(patches=[{"op": "set", "law": "BR-LGPD-33", "field": "storage_rule", "value": value}])
    with pytest.raises(InputError):
        parse_rules("health = only:BR, health = free:*")
    assert parse_rules("only:BR").by == (("*", parse_rule("only:BR")),)


def needs(verdict: Verdict) -> list[tuple[str, set[str]]]:
    return [(one.law, {key.mechanism for key in one.mechanisms}) for one in verdict.requirements]


def test_kenya_asks_for_consent_as_well_where_data_are_sensitive() -> None:
    """KE-DPA-48: safeguards or consent; of health data safeguards and consent; of both kinds mixed, both."""
    pack = load_laws()

    def at(*categories: str) -> Verdict:
        profile = DataProfile(frozenset(categories), frozenset({"KE"}), exporter="a", exporter_country="KE")
        context = LegalContext(mechanisms=frozenset({"KE_SAFEGUARD", "GENERIC_CONSENT"}))
        return pack.judge_for(profile, ON, context).bench.at(Destination("DE", provider="hetzner")).processing

    either, both = {"KE_SAFEGUARD", "GENERIC_CONSENT"}, [{"KE_SAFEGUARD"}, {"GENERIC_CONSENT"}]
    assert ("KE-DPA-48", either) in needs(at("personal"))
    for data in (["health"], ["health", "personal"]):
        assert [names for law, names in needs(at(*data)) if law == "KE-DPA-48"] == both


def test_the_united_states_close_countries_of_concern_to_genetic_data_and_only_restrict_health_data() -> None:
    """Health data may rest in China under the security requirements, genetic data may not, mixed neither; nor with an
    operator under Chinese control elsewhere.
    """
    pack = load_laws()

    def at(to: Destination, *categories: str) -> Verdict:
        people = (("US", 200_000),)
        profile = DataProfile(
            frozenset(categories), frozenset({"US"}), people, exporter="a", exporter_country="US",
            exporter_roles=frozenset({"controller"}), state=frozenset({"encrypted", "keys_exporter"}),
        )  # fmt: skip
        context = LegalContext(mechanisms=frozenset({"US_CISA_SECREQ"}))
        return pack.judge_for(profile, ON, context).bench.at(to).storage

    for place in (Destination("CN", provider="aws"), Destination("SG", provider="alibaba")):
        assert ("US-DSP-202", {"US_CISA_SECREQ"}) in needs(at(place, "health"))
        assert "US-DSP-OMIC" in at(place, "genetic").forbidden_by
        assert "US-DSP-OMIC" in at(place, "health", "genetic").forbidden_by
    assert "US-DSP-OMIC" not in at(Destination("SG", provider="aws"), "genetic").forbidden_by
