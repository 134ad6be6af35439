"""What the page of a study says of plans that hold up whatever happens, of when they fail, and of what it rests on.

The toy study, in EUR: four devices are needed for 100 h, at 1 EUR/h in the north (times `price`, of `devices`), 1.5 in
the east.

    plan chosen under           price=1,devices=4  price=1,devices=2  price=3,devices=4  price=3,devices=2  worst regret
    base                4 north               400       breaks quota               1200       breaks quota           600
    price=1,devices=2   2 and 2               500                500                900                900           300
    price=3,devices=4    4 east               600                600                600                600           200
    best                                      400                500                600                600
"""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from page_reading import section, tables, texts
from page_toys import toy_plan, write_hostile

import domicile
from optimizer.report.pages import study_regret
from optimizer.report.pages.answers import Answers, read_answers
from optimizer.report.pages.study_page import study_page
from optimizer.report.pages.view import Figure, Page
from optimizer.study import Discovery, RegretTable, StudyFolder
from optimizer.study.discovery import Condition, FailureRule
from optimizer.study.futures import Cases

BOTH, EAST = "price=1,devices=2", "price=3,devices=4"
EASY = "price=1,devices=4"


@pytest.fixture(scope="module")
def page(risks_results: Path) -> Page:
    """The page of the toy study."""
    return study_page(StudyFolder(risks_results))


def run(*arguments: object) -> Result:
    """Run a command."""
    from domicile.cli import main

    return CliRunner().invoke(main, list(map(str, arguments)))


def test_the_plan_of_least_worst_regret_is_named_with_what_it_costs_at_worst(page: Page) -> None:
    """By hand: that of the east alone holds everywhere, and costs 200 EUR too much where the north is cheap."""
    found = section(page, "regret")
    assert found.lead == (
        f"The plan chosen under {EAST} holds in all 4 futures, and costs at most 200.00 EUR more than the best that "
        f"was possible there (in {EASY}). Of 3 different plans it does best."
    )
    worst = tables(found)["Worst regret of each plan"]
    assert [row[:3] for row in worst] == [[EAST, "0 of 4", "200.00 EUR"], [BOTH, "0 of 4", "300.00 EUR"],
                                          ["base", "2 of 4", "600.00 EUR"]]  # fmt: skip
    facts = {one.name: one for block in page.first if block.kind == "facts" for one in block.facts}
    assert facts["Least worst regret"].value == "200.00 EUR"
    assert facts["Least worst regret"].note == (
        f"so much above the best possible at worst, with the plan chosen under {EAST}")


def test_every_plan_is_shown_in_every_future(page: Page) -> None:
    """Cost, the best possible and the regret of each cell, and how a plan fails; the figure has the same cells."""
    found = section(page, "regret")
    cells = {(row[0], row[1]): row[2:] for row in tables(found)["Every plan in every future"]}
    assert len(cells) == 12
    assert cells["base", EASY] == ["400.00", "400.00", "0.00", ""]
    assert cells[BOTH, EAST] == ["900.00", "600.00", "300.00", ""]
    assert cells["base", BOTH][2] == ""
    assert cells["base", BOTH][3] == "a pool gives more than it has [north]"
    (figure,) = (one for one in found.blocks if isinstance(one, Figure) and one.title == "Every plan in every future")
    kinds = figure.chart.spec()["encoding"]["color"]["scale"]["domain"]
    assert kinds == ["best possible", "up to 20 % dearer", "dearer still", "fails"]


def test_when_a_plan_fails_is_told_by_the_shortest_rule(page: Page) -> None:
    """Fewer than four devices: that is when the plan of the base fails, whatever the price."""
    found = section(page, "fails")
    assert found.lead == "The plan chosen under base fails in 2 of 4 futures: when devices is at most 2."
    assert tables(found)["When it fails"] == [["the plan chosen under base", "devices is at most 2", "2 of 2", "100 %"]]


def test_several_instances_have_a_plan_of_least_regret_each(two_results: Path) -> None:
    """In both the plan without devices holds in either future: it costs 200 and 400 EUR more where there are some."""
    found = section(study_page(StudyFolder(two_results)), "regret")
    rows = tables(found)["The plan of least worst regret, by instance"]
    assert [row[:4] for row in rows] == [["toy", "toy/none", "0 of 2", "200.00 EUR"],
                                         ["dear", "dear/none", "0 of 2", "400.00 EUR"]]  # fmt: skip
    assert found.lead == "In 2 of 2 instances one plan holds in every future that was tried."


def test_what_takes_long_to_judge_is_left_to_the_command_and_its_answer_is_shown(
    risks_results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: Page
) -> None:
    """The page says how to get it; what the command prints gives the same section; that of another study is refused."""
    monkeypatch.setattr(study_regret, "MOST_PLACED", 1)
    without = section(study_page(StudyFolder(risks_results)), "regret")
    assert without.lead == "This was not asked."
    assert "domicile study regret FOLDER --json > regret.json" in texts(without)[0]
    answers = tmp_path / "regret.json"
    answers.write_text(run("study", "regret", risks_results, "--json").output, encoding="utf-8")
    read = read_answers([answers])
    assert tables(section(study_page(StudyFolder(risks_results), answers=read), "regret")) == tables(
        section(page, "regret"))  # fmt: skip
    other = read.regrets[0].model_copy(update={"plans": tuple(
        one.model_copy(update={"plan": "devices=9"}) for one in read.regrets[0].plans)})  # fmt: skip
    with pytest.raises(domicile.InputError, match="is of another study"):
        study_page(StudyFolder(risks_results), answers=Answers(regrets=(other,)))


def test_answers_on_a_study_are_no_answers_on_a_plan(risks_results: Path, tmp_path: Path) -> None:
    """Regret of a study beside a plan is an error, and so are prices asked of a study."""
    toy_plan().write(tmp_path / "plan.json")
    found = Discovery(cases=2, fails=1)
    (tmp_path / "found.json").write_text(found.model_dump_json(), encoding="utf-8")
    out = ("--html", tmp_path / "out.html")
    assert "name its folder" in run("report", tmp_path / "plan.json", *out, "--with", tmp_path / "found.json").output
    assert "is for a plan" in run("report", risks_results, *out, "--prices", 5).output


def test_a_study_of_levers_alone_says_that_nothing_is_uncertain(
    risks_results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one future there is nothing to regret, and the page says how to ask."""
    monkeypatch.setattr(Cases, "futures", property(lambda self: ()))
    found = section(study_page(StudyFolder(risks_results)), "regret")
    assert "An axis with kind: uncertainty asks it" in texts(found)[0]


def test_rules_that_were_found_elsewhere_are_shown(risks_results: Path) -> None:
    """Several rules, one that covers others than failures too, and a plan that no rule tells apart."""
    rule = FailureRule(conditions=(Condition(axis="price", relation="at least", value=1.5),), covered=4, failing=3,
                       coverage=0.75, density=0.75)  # fmt: skip
    answers = Answers(discoveries=(Discovery(cases=8, fails=4, rules=(rule,)), Discovery(plan="base", cases=2, fails=1),
                                   Discovery(plan=BOTH, cases=2, fails=2)))  # fmt: skip
    found = section(study_page(StudyFolder(risks_results), answers=answers), "fails")
    assert found.lead == "There is no plan in 4 of 8 scenarios, mostly when price is at least 1.5: there in 3 of 4."
    assert tables(found)["When it fails"] == [
        ["no plan at all", "price is at least 1.5", "3 of 4", "75 %"],
        ["the plan chosen under base", "no rule on the axes says when", "1 of 2", ""],
        [f"the plan chosen under {BOTH}", "always", "2 of 2", ""],
    ]


def test_without_the_library_of_rules_the_page_says_what_to_install(
    risks_results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other sections are there all the same."""
    monkeypatch.setattr("optimizer.report.pages.study_fails.find_spec", lambda name: None)
    page = study_page(StudyFolder(risks_results))
    assert "pip install 'domicile[study]'" in texts(section(page, "fails"))[0]
    assert section(page, "regret")


def test_a_regret_that_nothing_bounds_is_at_least_so_much(risks_results: Path, page: Page) -> None:
    """Where a scenario is not proven the page claims no upper end."""
    from optimizer.explain.rows import Interval
    from optimizer.study import regret

    table = regret(StudyFolder(risks_results))
    open_ = Interval(low=600.0, high=None)
    plans = tuple(one.model_copy(update={"worst_regret_usd": open_}) for one in table.plans)
    cells = tuple(one.model_copy(update={"regret_usd": open_}) for one in table.cells if not one.fails)
    changed: RegretTable = table.model_copy(update={"plans": plans, "cells": cells, "unsolved": (EAST,)})
    found = section(study_page(StudyFolder(risks_results), answers=Answers(regrets=(changed,))), "regret")
    assert "at least 300.00 EUR more than the best" in found.lead
    assert {row[4] for row in tables(found)["Every plan in every future"]} == {"300.00 or more"}
    assert any("regret there may be more" in text for text in texts(found))


def test_assumptions_and_what_a_study_cannot_say_are_on_its_page(study_results: Path, tmp_path: Path) -> None:
    """Sentences that the study's author wrote for who reads it, here hostile ones: they are text."""
    page = study_page(StudyFolder(write_hostile(study_results, tmp_path)))
    found = section(page, "rests")
    assert found.lead == "2 assumptions; 1 thing that it leaves open."
    told = tables(found)
    assert len(told["The answer rests on"]) == 2
    assert "window.hurt" in told["It cannot say"][0][1]
