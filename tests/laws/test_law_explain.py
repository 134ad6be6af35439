"""A law as a page, and verdicts on several destinations at once."""

from __future__ import annotations

from datetime import date

import pytest

from optimizer.errors import InputError
from optimizer.laws import load_laws
from optimizer.laws.explain import explain_law
from optimizer.laws.query import counted, verdict_report, verdict_reports, verdict_row

PACK = load_laws()
DAY = date(2027, 1, 1)


@pytest.mark.parametrize("law", sorted(PACK.laws))
def test_every_law_has_a_page(law):
    """What, whom and when are said, with a source, and every clause of its rules is a sentence."""
    page = explain_law(law)
    assert page["what"]
    assert page["whom"]
    assert page["when"]
    assert page["citation"] or page["source_url"]
    clauses = sum(len(PACK.law(law).rule(activity).clauses) for activity in ("storage", "processing"))
    said = [text for text in page["what"] if not text.endswith(": forbidden everywhere else")]
    assert len(said) == max(1, clauses)
    assert len(page["encoded"]["binds_if"]) == max(1, len(PACK.law(law).trigger.scopes))


def test_the_page_of_the_german_rule_on_health_data():
    """Attestation, places and dates stand as the row has them."""
    page = explain_law("DE-SGBV-393")
    assert "storage: stays in DE, EU27, EEA, CH, EU_ADEQUATE" in page["what"]
    assert "storage: forbidden everywhere else" in page["what"]
    assert page["encoded"]["requires"][0] == "the operator's service holds BSI C5 type 2"
    assert "or no role is stated" in page["encoded"]["binds_if"][0]
    assert page["when"][0] == "in force, from 2024-07-01"


def test_a_law_that_does_not_exist_has_no_page():
    """The nearest names are told."""
    with pytest.raises(InputError, match="DE-SGBV-393"):
        explain_law("DE-SGBV-39")


def test_several_destinations_are_judged_one_by_one():
    """A group is its members on that day; each answer is that of a question of its own."""
    reports = verdict_reports(["EU", "IN"], categories=["personal"], subject=["DE"], provider="aws", on=DAY)
    assert [r["query"]["to"] for r in reports] == [*sorted(PACK.groups.members("EU27", DAY)), "IN"]
    alone = verdict_report(["personal"], ["DE"], "IN", provider="aws", on=DAY)
    assert reports[-1] == alone
    row = verdict_row(alone)
    assert (row["to"], row["storage"], row["needs"]) == ("IN", "conditional", "SCC_EU")
    assert row["not known"] == "access:aws"


def test_a_destination_is_named():
    """An empty list is an error, and so is a place that does not exist."""
    with pytest.raises(InputError, match="names no destination"):
        verdict_reports([""], categories=["personal"], subject=["DE"])
    with pytest.raises(InputError, match="'XX'"):
        verdict_reports(["XX"], categories=["personal"], subject=["DE"])


def test_counts_of_persons():
    """Whole numbers by place; what is no count is told, all together."""
    assert counted(["DE=120000", "FR=0"]) == {"DE": 120_000, "FR": 0}
    with pytest.raises(InputError) as caught:
        counted(["DE", "FR=-1", "IN=2"])
    assert len(caught.value.issues) == 2
