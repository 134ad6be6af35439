"""Every proposed correction and law of November 2026 has an outcome, and what is in is in the pack."""

from __future__ import annotations

import csv
from pathlib import Path

from optimizer.laws import load_laws

FILE = Path(__file__).parents[2] / "docs" / "law-additions.csv"
ROWS = list(csv.DictReader(FILE.open(encoding="utf-8", newline="")))
OUTCOMES = ("in", "refused", "waiting for grammar ")


def test_every_line_has_an_outcome_a_reason_and_a_source():
    """126 laws and 67 corrections, none in silence."""
    assert [sum(row["table"] == name for row in ROWS) for name in ("laws_new.csv", "corrections.csv")] == [126, 67]
    for row in ROWS:
        assert row["outcome"].startswith(OUTCOMES), row
        assert row["reason"], row
        assert row["source_checked"], row


def test_what_is_in_is_in_the_pack_with_its_dates_of_review():
    """Each new law stands in the pack, says when it was looked at, and by when somebody is to look again."""
    laws = load_laws().laws
    for row in ROWS:
        if row["table"] == "laws_new.csv" and row["outcome"] == "in":
            law = laws[row["id"]]
            assert law.reviewed_on is not None, row["id"]
            assert law.review_by is not None, row["id"]
            assert law.review_by > law.reviewed_on, row["id"]
