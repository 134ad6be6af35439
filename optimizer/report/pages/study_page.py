"""The page of a study: its sections in the order in which a reader needs them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from optimizer.report.pages.answers import Answers, answer_sections
from optimizer.report.pages.prices import price_blocks
from optimizer.report.pages.study_basis import study_basis_section
from optimizer.report.pages.study_data import StudyData, study_data, told_change
from optimizer.report.pages.study_fails import fails_section
from optimizer.report.pages.study_findings import findings_section, totals_section
from optimizer.report.pages.study_first import study_answer, study_facts
from optimizer.report.pages.study_regret import judgements, regret_facts, regret_section
from optimizer.report.pages.study_sections import (
    axes_sections,
    binding_section,
    diff_sections,
    homes_section,
    scenarios_section,
    tags_section,
    tradeoff_section,
)
from optimizer.report.pages.view import Page, Section, notes, table, text_of
from optimizer.report.parts import amounts_in
from optimizer.study import StudyFolder, answer_of, frontiers_in, judge_findings
from optimizer.study.models import Study


def study_page(
    folder: StudyFolder, *, answers: Answers | None = None, compared: tuple[str, ...] = (), author: str = "",
    written: str = "", asked: str = "", borders: bool = False,
) -> Page:  # fmt: skip
    """Return the page of a study from its folder, while it runs as well.

    `compared`: the scenarios to set beside the base, by id; else those in which most workloads moved. `borders` is
    accepted beside a plan's and draws nothing here, where no map is.

    Raises
    ------
    InputError
        The folder holds no study, or a scenario to be compared has no plan.
    """
    data, answers = study_data(folder), answers or Answers()
    answers = replace(answers, frontiers=(*frontiers_in(folder), *answers.frontiers))
    with amounts_in(data.currency):
        judged = judgements(data, folder, answers)
        tags, first = tags_section(data), study_facts(data, regret_facts(judged))
        if data.has_several and tags is not None:  # of several instances it is the one chart of the first screen
            first, tags = (*first, *tags.blocks), None
        sections: list[Section | None] = [
            findings_section(data, folder), tags, totals_section(data, folder), *axes_sections(data),
            regret_section(data, judged), fails_section(data, folder, judged, answers), homes_section(data),
            tradeoff_section(data),
        ]  # fmt: skip
        sections += answer_sections(answers)
        if answers.prices is not None:
            sections.append(Section("prices", "What the rules of the base cost", "", price_blocks(answers.prices)))
        sections += [diff_sections(data, folder, compared), binding_section(data), scenarios_section(data)]
        sections += [study_basis_section(data), _annex(data)]
        study = data.study
        question = asked or study["question"] or f"What changes in {', '.join(data.bases)} from scenario to scenario?"
        return Page(
            title=text_of(study["name"]), kind="Study", question=text_of(question),
            answer=text_of(_answer(data, folder)), condition="", about=_about(data, author, written),
            first=first, sections=tuple(one for one in sections if one is not None),
        )  # fmt: skip


def _answer(data: StudyData, folder: StudyFolder) -> str:
    """Return the answer that the study states, as far as its findings bear it out, and what its scenarios come to."""
    stated = answer_of(Study.model_validate(folder.manifest()["study"]), judge_findings(folder))
    return " ".join(filter(None, (stated, study_answer(data))))


def _about(data: StudyData, author: str, written: str) -> tuple[tuple[str, str], ...]:
    rows = [
        ("Study", data.study["name"]), ("Base", ", ".join(data.bases)), ("Written", written), ("Author", author),
        ("Hash of the base", ", ".join(one[:12] for one in data.hashes)), ("domicile", data.manifest["version"]),
    ]  # fmt: skip
    return tuple((name, text_of(value)) for name, value in rows if value)


def _axis(axis: dict[str, Any]) -> str:
    """Return what an axis is and does, in words."""
    if axis["options"] is not None:
        of = "; ".join(f"{name}: {', '.join(map(told_change, changes)) or 'no change'}"
                       for name, changes in axis["options"].items())  # fmt: skip
    else:
        of = "; ".join(map(told_change, axis["changes"]))
    return f"{axis['kind']}: {of}"


def _annex(data: StudyData) -> Section:
    study = data.study
    rows = [[name, str(value)] for name, value in (
        ("base", ", ".join(data.bases)), ("axes are combined by", study["combine"]),
        ("draws", study["samples"] or "none"),
        ("seed", study["seed"]), *study["solve"].items(),
        *((f"axis {axis['id']}", _axis(axis)) for axis in study["axes"]))]  # fmt: skip
    told = notes("Costs are over the horizon of the instance. Every plan passed the audit of its scenario. To go on: "
                 "domicile study run, into the same folder.")  # fmt: skip
    return Section("annex", "Annex", "", (table("How it was solved", ["What", "Value"], rows), *told), is_annex=True)
