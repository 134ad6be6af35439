"""What notebooks show of plans, audits, verdicts, studies and explanations: the words of the command line, as HTML."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from page_toys import HOSTILE, hostile_plan, toy_plan

from optimizer.audit import AuditReport, Violation
from optimizer.explain import PricesAnswer, WhyAnswer
from optimizer.explain.alternative_rows import AlternativesAnswer
from optimizer.explain.conflict_rows import InfeasibleAnswer
from optimizer.explain.differences import plan_diff
from optimizer.explain.rows import Figures, Interval, Price
from optimizer.laws.types import Level, Verdict, Verdicts
from optimizer.proof import Proof
from optimizer.study import Discovery, Frontier, FrontierPoint, RegretTable, StudyFolder
from optimizer.study.discovery import Condition, FailureRule
from optimizer.study.regrets import Cell, PlanJudged

FREE = Verdict(level=Level.FREE, laws=("EU-GDPR-CHV",), conditions_assumed=("consent",))
NONE = Verdict(level=Level.FORBIDDEN, laws=("RU-LOCAL",), reasons=(("RU-LOCAL", HOSTILE),))
FIGURES = Figures(carbon_kg=1.0, providers=("p",), regions=("p:r",))
POINT = FrontierPoint(cost_usd=100.0, amount=50.0, proven=True)
SHOWN = {
    "plan": (toy_plan(), "CONDITIONAL on 9 open actions"),
    "hostile plan": (hostile_plan(), "window.hurt"),
    "audit": (AuditReport(violations=(Violation(kind="cost", where=HOSTILE, what="differs"),)), "1 violation"),
    "proof": (Proof(verdict="contradicted", claim=HOSTILE, finding="a cheaper plan was found", method="direct"),
              "a cheaper plan was found"),
    "verdict": (FREE, "free</span> by EU-GDPR-CHV"),
    "verdicts": (Verdicts(storage=NONE, processing=FREE, access=FREE), "RU-LOCAL"),
    "why": (WhyAnswer(workload=HOSTILE), "of its own"),
    "prices": (PricesAnswer(prices=(Price(rule="budget:c", kind="budget", sentence=HOSTILE,
                                          lifted_usd=Interval(low=1.0, high=1.0)),), cost_usd=9.0), "budget:c"),
    "infeasible": (InfeasibleAnswer(status="infeasible", complete=True), "no plan"),
    "alternatives": (
        AlternativesAnswer(within=0.05, cost_usd=9.0, bound_usd=9.0, limit_usd=9.5, base=FIGURES), "at hand",
    ),
    "difference": (plan_diff(toy_plan(), toy_plan(objective_usd=9000.0)), "9,000"),
    "frontier": (Frontier(over="carbon", unit="kg", points=(POINT,), least_cost_usd=100.0, complete=True, seconds=1.0),
                 "1 point of cost"),
    "regret": (RegretTable(plans=(PlanJudged(plan=HOSTILE, fails=0, worst_regret_usd=Interval(low=1.0, high=2.0),
                                             worst_future="dear"),),
                           cells=(Cell(plan=HOSTILE, future="dear", cost_usd=7.0),), futures={"dear": {"price": 2.0}},
                           seconds=1.0), "1.00 to 2.00 USD at worst in dear"),
    "discovery": (Discovery(plan=HOSTILE, cases=4, fails=2, rules=(FailureRule(
        conditions=(Condition(axis="price", relation="at least", value=HOSTILE),), covered=2, failing=2, coverage=1.0,
        density=1.0),)), "price is at least"),
}  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
def test_a_result_shows_itself_and_texts_stay_text(name: str) -> None:
    """One well-formed element with what a reader must find; no text of an instance is an element of it."""
    shown, expected = SHOWN[name]
    html = shown._repr_html_()  # type: ignore[attr-defined]
    assert expected in html
    root = ET.fromstring(html)
    assert root.tag == "div"
    tags = {"div", "p", "span", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
    assert {one.tag for one in root.iter()} <= tags
    assert not re.search("[\x00-\x08\u202e]", html)


def test_figures_of_a_plan_stand_in_a_table_to_the_right() -> None:
    """Columns keep their names and their side."""
    html = toy_plan()._repr_html_()
    assert re.search(r'<th scope="col" style="[^"]*text-align:right[^"]*">(?:<span[^>]*>)?USD', html)
    assert re.search(r'<td style="[^"]*text-align:right[^"]*">2,500</td>', html)


def test_a_study_shows_its_scenarios(study_results: Path) -> None:
    """The folder of a study, with what it costs in the instance's currency."""
    html = StudyFolder(study_results)._repr_html_()
    assert "How many devices should we ask for?" in html
    assert ">EUR<" in html
