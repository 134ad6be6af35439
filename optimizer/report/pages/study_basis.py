"""What a study rests on, and what it does not say: the sentences that its author wrote for who reads the results."""

from __future__ import annotations

from optimizer.report.pages.context import plural
from optimizer.report.pages.study_data import StudyData, told_change
from optimizer.report.pages.view import Block, Section, table

RESTS, LEFT = "The answer rests on", "It cannot say"


def study_basis_section(data: StudyData) -> Section | None:
    """Return assumptions, changes made to every scenario, and what the study cannot say; None where nothing is."""
    study = data.study
    assumed = [*study["assumptions"], *(f"In every scenario: {told_change(one)}." for one in study["changes"])]
    parts = [(RESTS, assumed), (LEFT, study["cannot_say"])]
    blocks: list[Block] = [
        table(title, ["", "Sentence"], [[f"{k}", text] for k, text in enumerate(texts, start=1)])
        for title, texts in parts if texts
    ]  # fmt: skip
    if not blocks:
        return None
    lead = f"{plural(len(assumed), 'assumption')}; {plural(len(study['cannot_say']), 'thing')} that it leaves open."
    return Section("rests", "What it rests on, and what it cannot say", lead, tuple(blocks))
