"""The desk check of forty questions: domicile still says what the file says it does, and each verdict follows."""

from __future__ import annotations

import csv
import difflib

import pytest

from tools import desk_check

ROWS = list(csv.DictReader(desk_check.FILE.open(encoding="utf-8", newline="")))


def test_domicile_answers_as_the_file_says():
    """Every command is run again; `python -m tools.desk_check` writes what it answers now, to be read before commit."""
    committed = desk_check.FILE.read_text(encoding="utf-8").splitlines()
    changed = [line for line in difflib.ndiff(committed, desk_check.checked().splitlines()) if line[:1] in "+-"]
    assert changed == []


def test_forty_questions_of_three_kinds_with_a_source_each():
    """And what is wrong says what would mend it."""
    assert len(ROWS) >= 40
    assert {row["area"] for row in ROWS} == {"privacy", "export control", "public procurement"}
    assert len({row["id"] for row in ROWS}) == len({row["question"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row["source"].startswith(("https://", "http://", "from memory (")), row["id"]
        assert row["source_says"], row["id"]
        assert (row["verdict"] == "wrong") is row["note"].startswith(desk_check.OPEN), row["id"]


@pytest.mark.parametrize(
    ("said", "source", "verdict"),
    [
        ("storage=free processing=free access=unknown", "storage=free processing=free", "right"),
        ("storage=free processing=free access=free", "storage=conditional", "misleading"),
        ("storage=approval processing=free access=free", "storage=forbidden", "misleading"),
        ("storage=conditional processing=free access=free", "storage=approval processing=free", "wrong"),
        ("storage=unknown processing=free access=free", "storage=free", "unknown said"),
        ("storage=free processing=free access=free duties=copy:RU", "storage=free duties=copy:RU", "right"),
        ("storage=free processing=free access=free", "storage=free duties=copy:RU", "misleading"),
        ("chip=conditional", "chip=forbidden", "wrong"),
    ],
)
def test_the_verdict_follows_from_the_levels(said, source, verdict):
    """By hand."""
    assert desk_check.verdict(said, source) == verdict
