"""Data that are deleted within the window of a law's own processing mechanism do not come to rest under that law.

By hand, from the tables: IN-RBI-2018 stores payment data in India only (`only:IN`), and opens processing elsewhere with
RBI_24H (`free:IN;cond:*@RBI_24H`), which bears inputs kept for at most 24 hours.
"""

from __future__ import annotations

from datetime import date

import pytest

from optimizer.laws import DataProfile, Destination, LawPack, LegalContext, Level, Verdicts, load_laws
from optimizer.laws.query import verdict_report

DAY = date(2026, 11, 22)
PACK = load_laws()
SINGAPORE = Destination("SG", provider="aws")
STAY = {"id": "IN-STAY", "jurisdiction": "IN", "in_force_from": "2020-01-01", "data_categories": "payment",
        "kind": "HARD_LOCAL", "storage_rule": "only:IN", "processing_rule": "none"}  # fmt: skip


def payments(hours: float | None) -> DataProfile:
    return DataProfile(frozenset({"payment"}), frozenset({"IN"}), exporter="pay", retention_hours=hours)


def judged(hours: float | None, pack: LawPack = PACK, context: LegalContext | None = None) -> Verdicts:
    return pack.judge(payments(hours), SINGAPORE, DAY, context or LegalContext())


@pytest.mark.parametrize(
    ("hours", "level"),
    [
        (0, Level.CONDITIONAL),
        (24, Level.CONDITIONAL),
        (24.5, Level.FORBIDDEN),
        (25, Level.FORBIDDEN),
        (None, Level.FORBIDDEN),
    ],
)
def test_storage_abroad_is_refused_beyond_the_window_and_for_data_at_rest(hours: float | None, level: Level) -> None:
    assert judged(hours).storage.level is level


def test_storage_within_the_window_asks_for_the_mechanism_that_states_it() -> None:
    """The same purchase as for processing, with window and stated retention among the conditions."""
    verdicts = judged(24)
    (stored,) = (r for r in verdicts.storage.requirements if r.law == "IN-RBI-2018")
    (processed,) = (r for r in verdicts.processing.requirements if r.law == "IN-RBI-2018")
    assert stored.mechanisms == processed.mechanisms
    assert [key.mechanism for key in stored.mechanisms] == ["RBI_24H"]
    told = "IN-RBI-2018: RBI_24H: what is kept there is deleted within 24 h (24 h stated)"
    assert told in verdicts.storage.conditions_assumed


def test_a_window_whose_mechanism_cannot_be_had_opens_nothing() -> None:
    verdict = judged(24, context=LegalContext(mechanisms=frozenset())).storage
    assert verdict.level is Level.FORBIDDEN
    assert dict(verdict.reasons)["IN-RBI-2018"].startswith("no available mechanism")


def test_another_law_that_forbids_storage_still_refuses_it() -> None:
    """IN-STAY stores in India only and says nothing of processing: one hour is too long for it."""
    pack = load_laws(patches=[{"op": "add_law", "law": STAY}])
    verdicts = judged(1, pack)
    assert verdicts.storage.forbidden_by == ("IN-STAY",)
    assert verdicts.processing.level is Level.CONDITIONAL


def test_a_place_that_the_storage_rule_denies_stays_denied() -> None:
    """A window opens what a rule does not leave open; a `deny` is meant."""
    patch = {"op": "set", "law": "IN-RBI-2018", "field": "storage_rule", "value": "only:IN;deny:SG"}
    pack = load_laws(patches=[patch])
    assert judged(1, pack).storage.forbidden_by == ("IN-RBI-2018",)
    elsewhere = pack.judge(payments(1), Destination("AE", provider="aws"), DAY)
    assert elsewhere.storage.level is Level.CONDITIONAL


def test_of_several_mechanisms_only_one_with_a_window_bears_what_is_kept() -> None:
    """Processing may rest on IN_SPDI instead, which says nothing of deletion: storage may not."""
    rule = "free:IN;cond:*@IN_SPDI|RBI_24H"
    pack = load_laws(patches=[{"op": "set", "law": "IN-RBI-2018", "field": "processing_rule", "value": rule}])
    verdicts = judged(24, pack)

    def asked(activity: str) -> set[str]:
        return {key.mechanism for r in verdicts.of(activity).requirements if r.law == "IN-RBI-2018"
                for key in r.mechanisms}  # fmt: skip

    assert asked("processing") == {"IN_SPDI", "RBI_24H"}
    assert asked("storage") == {"RBI_24H"}


def test_the_command_line_report_lists_the_window_among_the_conditions() -> None:
    report = verdict_report(["payment"], "IN", "SG", retention_hours=24, on=DAY)
    assert report["storage"] == "conditional"
    assert any("deleted within 24 h" in text for text in report["conditions_assumed"])
    assert verdict_report(["payment"], "IN", "SG", retention_hours=25, on=DAY)["storage"] == "forbidden"
