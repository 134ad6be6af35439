"""The glossary has one row per term, and no old word that is a term of another row."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if re.match(r"\| (?!term \||-)", line)
]
TERMS = [name.strip() for row in ROWS for name in re.split(r",", re.sub(r" \(.*?\)", "", row[0]))]


def test_every_row_has_term_meaning_and_words_of_today():
    """No cell is empty."""
    assert len(ROWS) > 50
    assert [row for row in ROWS if len(row) != 3 or not all(row)] == []


def test_one_row_per_term():
    """A term stands for one concept."""
    assert sorted({term for term in TERMS if TERMS.count(term) > 1}) == []


def test_new_code_is_sent_to_the_glossary():
    """README and the page for contributors name it."""
    for page in (PAGE.parents[1] / "README.md", PAGE.parent / "contributing.md"):
        assert "glossary.md)" in page.read_text(encoding="utf-8")
