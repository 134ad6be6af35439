"""A rule of its own for access: who looks at data from elsewhere, apart from where they are worked on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from optimizer.laws import DataProfile, Destination, LawPack, LegalContext, Level, load_laws
from optimizer.laws.rows import SupportAccess

ON = date(2027, 1, 1)


def supported_from(pack: LawPack, provider: str, *places: str) -> LawPack:
    """The pack with an operator whose staff sits in these places."""
    known = SupportAccess(provider, "", places, "", "", "verified in page", "a test")
    return replace(pack, operators=replace(pack.operators, support={provider: (known,)}))


def test_french_health_data_are_worked_on_in_the_eea_and_looked_at_from_elsewhere_once_disclosed() -> None:
    """FR-HDS: processing in Singapore forbidden, staff in Singapore behind a German region conditional."""
    pack = load_laws()
    data = DataProfile(frozenset({"health"}), frozenset({"FR"}), exporter="a", exporter_country="FR")
    context = LegalContext(mechanisms=frozenset({"TRANSPARENCY_HDS", "SCC_EU"}))

    def judged(country: str, *seats: str) -> tuple[Level, Level, set[str]]:
        bench = supported_from(pack, "aws", *seats).judge_for(data, ON, context).bench
        found = bench.at(Destination(country, provider="aws"))
        asked = {key.mechanism for one in found.access.requirements if one.law == "FR-HDS" for key in one.mechanisms}
        return found.processing.level, found.access.level, asked

    assert judged("DE", "DE") == (Level.FREE, Level.FREE, set())
    assert judged("DE", "SG") == (Level.FREE, Level.CONDITIONAL, {"TRANSPARENCY_HDS"})
    assert judged("SG", "SG")[0] is Level.FORBIDDEN


def test_indian_telecom_data_are_looked_at_from_abroad_only_with_a_grant() -> None:
    """IN-UL-39: data stay in India; remote access waits for the licensor, and is no more than that."""
    pack = supported_from(load_laws(), "aws", "IE")
    data = DataProfile(frozenset({"telecom"}), frozenset({"IN"}), exporter="a", exporter_country="IN")
    bench = pack.judge_for(data, ON, LegalContext(mechanisms=frozenset({"IN_SPDI"}))).bench
    found = bench.at(Destination("IN", provider="aws"))
    assert (found.storage.level, found.processing.level, found.access.level) == (
        Level.FREE, Level.FREE, Level.APPROVAL,
    )  # fmt: skip
    assert found.access.approvals_missing == (("IN-UL-39", "REG_APPROVAL"),)
    assert "IN-UL-39" in bench.at(Destination("IE", provider="aws")).processing.forbidden_by


def test_without_a_rule_of_its_own_access_is_judged_as_processing() -> None:
    pack = load_laws(patches=[{"op": "set", "law": "FR-HDS", "field": "access_rule", "value": ""}])
    assert pack.law("FR-HDS").rule("access") == pack.law("FR-HDS").rule("processing")
    own = load_laws(patches=[{"op": "set", "law": "EU-GDPR-CHV", "field": "access_rule", "value": "deny:CN"}])
    assert own.law("EU-GDPR-CHV").rule("access").text == "deny:CN"


def test_where_nothing_may_be_kept_or_worked_on_nobody_has_anything_to_see() -> None:
    """A hospital's data at an operator without attestation: access is closed by the same law, unknown staff or not.

    Where only one of storage and processing is closed, access is answered by the staff alone.
    """
    pack, day = load_laws(), date(2026, 11, 29)
    patients = DataProfile(frozenset({"health"}), frozenset({"DE"}), exporter="clinic", exporter_country="DE")
    found = pack.judge(patients, Destination("US", provider="runpod"), day)
    assert (found.storage.level, found.processing.level) == (Level.FORBIDDEN, Level.FORBIDDEN)
    assert (found.access.level, found.access.forbidden_by) == (Level.FORBIDDEN, found.processing.forbidden_by)
    assert [rule for rule, _ in found.access.unknown] == ["access:runpod"], "and who looks is not known all the same"
    genomes = DataProfile(frozenset({"genetic"}), frozenset({"US"}), exporter="lab", exporter_country="US-TX")
    worked = pack.judge(genomes, Destination("IN", provider="aws"), day)
    assert (worked.storage.level, worked.processing.level) == (Level.FORBIDDEN, Level.FREE)
    assert worked.access.level is Level.UNKNOWN
