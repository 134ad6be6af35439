"""A law as a page, and verdicts on several destinations at once."""

from __future__ import annotations

from datetime import date

import pytest

from optimizer.errors import InputError
from optimizer.laws import load_laws
from optimizer.laws.cases import cases_of, sentence
from optimizer.laws.explain import explain_law
from optimizer.laws.query import verdict_report, verdict_reports, verdict_row
from optimizer.laws.stated import counted
from optimizer.laws.text import law_lines

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
    row = PACK.law(law)
    activities = ["storage", "processing", *(one for one in ("access", "transit") if getattr(row, f"{one}_rule"))]
    clauses = sum(len(PACK.law(law).rule(activity).clauses) for activity in activities)
    said = [text for text in page["what"] if not text.endswith(": forbidden everywhere else")]
    assert len(said) == max(1, clauses)
    assert len(page["encoded"]["binds_if"]) == max(1, len(PACK.law(law).trigger.scopes))


def test_the_page_of_the_german_rule_on_health_data():
    """Attestation, places and dates stand as the row has them."""
    page = explain_law("DE-SGBV-393")
    assert "storage: stays in DE, EU27, EEA, CH, EU_ADEQUATE" in page["what"]
    assert "storage: forbidden everywhere else" in page["what"]
    assert page["encoded"]["requires"][0] == "the operator's service holds BSI C5, at least type 2"
    assert "or no status is stated" in page["encoded"]["binds_if"][0]
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


def test_the_page_has_the_cases_and_what_is_known_of_the_other_rules():
    """Both cases of the table as sentences, the file and line of the entry, and the line of the coverage table."""
    page = explain_law("DE-SGBV-393")
    assert page["cases"] == [
        "data health; persons in DE; exporter in DE; to SG: storage forbidden, processing forbidden",
        "data health; persons in FR; exporter in FR; to SG: it does not bind",
    ]
    assert page["coverage"][0].startswith("Germany: transfer rule yes, localization rule yes (")
    assert page["encoded"]["stands_in"].startswith("rules/DE.yaml:")
    text = "\n".join(law_lines(page))
    assert all(told in text for told in (*page["cases"], *page["coverage"], *page["what"], *page["notes"]))
    assert [len(explain_law(law)["cases"]) for law in PACK.laws] == [2] * len(PACK.laws)


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ({"group": ["EEA", "GB", date(2021, 1, 1), False]}, "on 2021-01-01 GB is no member of EEA"),
        (
            {"c": "personal", "s": "CN", "n": {"CN": 1_000_000}, "h": 24, "to": "SG", "p": "aws", "says": "duty"},
            "data personal; persons in CN; 1,000,000 persons of CN; kept 24 h; to SG at aws: it asks for a copy "
            "or for the first database",
        ),
        (
            {"chip": ["H20", 2368, 4000, "US"], "to": "CN", "tenant": "CN", "hypo": True, "day": DAY, "pr": "approval"},
            "H20 to be delivered; for a tenant of CN; to CN on 2027-01-01: approval",
        ),
        (
            {"c": "health genetic", "e": "FR", "r": "hospital", "to": "FR", "g": "s3ns:x", "v": "endpoint",
             "st": "free", "pr": "silent", "patch": [{}], "advisory": True},
            "data health, genetic; exporter in FR; role hospital; under a scenario; guidance counted; to FR at s3ns:x "
            "(endpoint): storage free, processing silent",
        ),
    ],
)  # fmt: skip
def test_a_case_is_a_sentence(case, told):
    """Every key of the table is said."""
    assert sentence(case) == told


def test_a_pack_without_cases_has_pages_all_the_same(tmp_path):
    """A folder of one's own need not have any; one that is broken is told."""
    assert cases_of("DE-SGBV-393", str(tmp_path)) == []
    other = tmp_path / "other"
    other.mkdir()
    (other / "cases.yaml").write_text("a: [")
    with pytest.raises(InputError, match="is no YAML"):
        cases_of("DE-SGBV-393", str(other))


def test_the_page_names_what_was_before_and_what_comes_after():
    """Russia's old wording ended on 30 June 2025, India's rules of 2011 end with the start of the DPDP chapter."""
    assert explain_law("RU-152FZ-18")["kin"] == ["before it: RU-242FZ-OLD, until 2025-06-30"]
    assert "after it: RU-152FZ-18, from 2025-07-01" in explain_law("RU-242FZ-OLD")["kin"]
    assert explain_law("DE-SGBV-393")["kin"] == []
    assert "before it: RU-242FZ-OLD" in "\n".join(law_lines(explain_law("RU-152FZ-18")))


def test_the_page_says_until_when_the_row_is_to_be_looked_at_again():
    """The date of the row, or of the pack."""
    page = explain_law("DE-SGBV-393")
    assert page["review_by"]
    assert f"to be reviewed by {page['review_by']}" in "\n".join(law_lines(page))
