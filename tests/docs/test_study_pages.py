"""The pages of the bundled studies are made from study and figures; a scenario solved anew bears the figures out."""

from __future__ import annotations

import re

import pytest

import domicile
from optimizer.bundled import bundled_studies
from optimizer.study import load_study
from optimizer.study.spanning import span
from tools.study_figures import bases_of, read_figures, scenarios_in, written
from tools.study_pages import FOLDER, PAGES, page_text, study_of

NAMES = sorted(PAGES)


def test_every_page_is_of_a_study_that_is_there():
    files = {path.stem for path in FOLDER.glob("*.md")}
    assert files == set(PAGES)
    assert files <= set(bundled_studies())


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_what_study_and_figures_come_to(name: str):
    """`python -m tools.study_pages NAME --write-only` writes it anew; the chart has its title."""
    study, figures = study_of(name), read_figures(FOLDER / f"{name}.csv")
    page = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert page == page_text(name, study, figures)
    assert study.question in page
    assert written(figures) == (FOLDER / f"{name}.csv").read_text(encoding="utf-8")
    assert "<title" in (FOLDER / f"{name}.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_page_opens_with_its_answer_in_one_sentence(name: str):
    """A sentence that a minister reads: the third paragraph, bold, with one full stop; and it stands."""
    study = study_of(name)
    assert study.answer is not None
    third = (FOLDER / f"{name}.md").read_text(encoding="utf-8").split("\n\n")[2]
    assert third == f"**{study.answer.says}**"
    assert re.fullmatch(r"[A-Z][^.!?]*([0-9]\.[0-9][^.!?]*)*\.", study.answer.says)
    assert len(study.answer.says.split()) <= 50


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_are_of_every_scenario_of_the_study(name: str):
    """Base by base, in every rerun; and each has a plan, or is proven to have none."""
    figures = read_figures(FOLDER / f"{name}.csv")
    assert scenarios_in(figures) == [(one.base, one.name, one.rerun) for one in span(study_of(name), bases_of(figures))]
    assert {row["status"] for row in figures} <= {"optimal", "feasible", "infeasible"}


def test_a_scenario_solved_anew_costs_what_its_page_says():
    """The smallest one: within the gaps of both."""
    loaded = load_study("india-localization")
    (scenario,) = (one for one in loaded.scenarios if one.id == "india-hospital/all-personal")
    (row,) = (one for one in read_figures(FOLDER / "india-localization.csv")
              if (one["base"], one["name"], one["rerun"]) == ("india-hospital", "all-personal", ""))  # fmt: skip
    changed = domicile.changed(loaded.instances["india-hospital"], list(scenario.changes))
    plan = domicile.solve(changed, gap=loaded.study.solve.gap, threads=1)
    assert plan.objective_usd == pytest.approx(row["objective_usd"], rel=2 * loaded.study.solve.gap)
    assert plan.bound_usd <= row["objective_usd"] * (1 + 1e-5)
