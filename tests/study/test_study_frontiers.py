"""Frontiers in a study: solved and resumed like scenarios, told as points, and spoken of by findings and the answer."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from rich.console import Console
from study_toys import threads

from optimizer.errors import InputError
from optimizer.report.pages.study_page import study_page
from optimizer.report.study_view import render_study
from optimizer.study import StudyFolder, answer_of, judge_findings, load_study, run_study, runner, scenario_rows
from optimizer.study.frontier_figures import best_amount, cost_to_reach
from optimizer.study.futures import Cases
from optimizer.study.models import Study

INSTANCE: dict[str, Any] = {
    "name": "three", "horizon": {"start": "2027-01-01", "hours": 100.0}, "laws": {"use": "none"},
    "carbon": {"embodied": "none"}, "quotas": {"default_devices": "unlimited"},
    "catalogue": {"use": "inline", "inline": {
        "providers": [{"id": "p", "control": ["US"]}, {"id": "q", "control": ["FR"]}],
        "regions": [{"id": r, "provider": r[0], "country": c, "grid_g_per_kwh": g, "pue": 1.0}
                    for r, c, g in (("p:a", "US", 700.0), ("p:b", "US", 200.0), ("q:c", "FR", 20.0))],
        "offers": [{"sku": "m", "region": r, "accelerator": "X", "usd_per_hour": usd, "idle_kw": 1.0, "load_kw": 1.0}
                   for r, usd in (("p:a", 1.0), ("p:b", 2.0), ("q:c", 5.0))]}},
    "workloads": [{"id": "s", "kind": "service", "runs": {"throughput": {"X": 10.0}}, "max_regions": 1,
                   "target_utilisation": 1.0, "streams": [{"origin": "DE", "rate": 10.0}],
                   "data": {"categories": ["non_personal"]}}],
    "budgets": [{"id": "tight", "limit_kg": 30.0}],
}  # fmt: skip
"""One machine for 100 h: 100 USD and 70 kg, 200 USD and 20 kg, or 500 USD and 2 kg."""
STUDY: dict[str, Any] = {
    "name": "walks", "base": "three.yaml", "solve": {"gap": 1e-6},
    "frontiers": [
        {"id": "carbon", "over": "carbon", "points": 6, "changes": [{"op": "lift", "rule": "budget:tight"}]},
        {"id": "outside", "over": "outside", "outside": "US", "points": 3},
    ],
    "scenarios": [{"id": "dear", "changes": [{"op": "scale_prices", "factor": 2.0}]}],
    "findings": [
        {"id": "half", "says": "Half of the carbon costs twice as much.", "scenario": "carbon",
         "figure": "cost_to_reach", "reach_times": 0.5, "at_most": 2.0},
        {"id": "least", "says": "No plan emits less than 2 kg.", "scenario": "carbon", "figure": "best_amount",
         "at_least": 2.0},
        {"id": "all", "says": "All of it outside costs 2.5 times as much.", "scenario": "outside",
         "figure": "cost_to_reach", "reach": 1.0, "at_most": 2.5},
        {"id": "cheap", "says": "A tenth of the carbon costs at most thrice as much.", "scenario": "carbon",
         "figure": "cost_to_reach", "reach_times": 0.1, "at_most": 3.0},
    ],
    "answer": {"says": "Half of the carbon costs twice as much.", "rests_on": ["half", "least"]},
}  # fmt: skip


def write(folder: Path, **more: Any) -> Path:
    """Write the instance and the study of it; return its path."""
    (folder / "three.yaml").write_text(yaml.safe_dump(INSTANCE), encoding="utf-8")
    path = folder / "walks.yaml"
    path.write_text(yaml.safe_dump({**STUDY, **more}, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """The study, solved in threads; a second run solves nothing."""

    folder = tmp_path_factory.mktemp("walks")
    found = StudyFolder(folder / "out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "_processes", threads)
        assert run_study(load_study(write(folder)), found, workers=2).failed == 0
        assert run_study(load_study(folder / "walks.yaml"), found, workers=2).solved_now == 0
    return found


def test_the_points_are_a_table_and_each_has_its_plan(out: StudyFolder):
    """By hand, above; of the base, which the budget binds, all points along carbon but the first are left."""
    table = pd.read_parquet(out.path / "frontiers.parquet")
    carbon = table[table.scenario == "carbon"]
    assert carbon[["cost_usd", "amount"]].to_numpy().ravel().tolist() == pytest.approx([100, 70, 200, 20, 500, 2])
    assert carbon.proven.all()
    assert carbon.is_knee.tolist() == [False, True, False]
    outside = table[table.scenario == "outside"]
    assert outside[["cost_usd", "amount"]].to_numpy().ravel().tolist() == pytest.approx([200, 0, 500, 1])
    (key,) = (one["key"] for one in out.manifest()["scenarios"] if one["id"] == "carbon")
    assert [out.plan(key, point) is not None for point in (1, 2, 3, 4)] == [True, True, True, False]


def test_the_page_of_the_study_has_its_answer_and_a_section_for_each(out: StudyFolder):
    page = study_page(out)
    assert page.answer.startswith("Half of the carbon costs twice as much. 2 of 2 scenarios have a plan.")
    titles = [one.title for one in page.sections]
    assert "carbon: what less carbon costs" in titles
    assert "outside: what more work outside US costs" in titles


def test_a_frontier_is_no_scenario_and_no_future(out: StudyFolder):
    rows = {row["scenario"]: row for row in scenario_rows(out)}
    assert rows["carbon"]["status"] == "optimal"
    assert rows["carbon"]["started_from"] == ""
    assert [case.scenario for case in Cases(out).all] == ["base", "dear"]


def test_findings_speak_of_frontiers(out: StudyFolder):
    """By hand: 70 kg to 35 or less is 200 instead of 100 USD; 2 kg is the least; 500 instead of 200; 7 kg is five times
    as much.
    """
    results = {one.id: one for one in judge_findings(out)}
    assert {name: one.verdict for name, one in results.items()} == {
        "half": "holds", "least": "holds", "all": "holds", "cheap": "withdrawn"
    }  # fmt: skip
    assert results["half"].runs[0].high == pytest.approx(2.0)
    assert results["least"].runs[0].low == pytest.approx(2.0)
    assert results["cheap"].runs[0].high == pytest.approx(5.0)


def test_the_answer_stands_as_long_as_what_it_rests_on(out: StudyFolder):
    study = Study.model_validate(STUDY)
    assert answer_of(study, judge_findings(out)) == "Half of the carbon costs twice as much."
    other = Study.model_validate({**STUDY, "answer": {"says": "It is cheap.", "rests_on": ["half", "cheap"]}})
    told = answer_of(other, judge_findings(out))
    assert told == "No answer: it rests on findings that do not hold in every run: cheap (withdrawn)."


def test_status_prints_the_answer_and_the_ends_of_each_frontier(out: StudyFolder):
    console = Console(width=200, record=True, file=io.StringIO())
    render_study(out, console)
    lines = console.export_text().splitlines()
    assert lines[1] == "Half of the carbon costs twice as much."
    carbon = "70 for 100.00 USD, 20 for 200.00 USD (knee), 2 for 500.00 USD"
    assert f"- carbon: optimal, 3 points of cost against kg CO2e: {carbon}" in lines
    outside = "0.0 % for 200.00 USD, 100.0 % for 500.00 USD"
    assert f"- outside: optimal, 2 points of cost against share of the work outside US: {outside}" in lines


def test_a_frontier_without_a_plan_is_a_row_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runner, "_processes", threads)
    none = {"op": "add_budget", "budget": {"id": "money", "limit_usd": 1.0}}
    walks = [{"id": "none", "over": "carbon", "changes": [none]}]
    folder = StudyFolder(tmp_path / "out")
    state = run_study(load_study(write(tmp_path, frontiers=walks, findings=[], answer=None)), folder)
    assert (state.infeasible, state.left) == (1, 0)
    (row,) = (row for row in scenario_rows(folder) if row["scenario"] == "none")
    assert row["reason"].startswith("the instance has no plan (proven)")


BOX = [
    {"cost_usd": 100.0, "amount": 70.0, "amount_bound": 70.0, "cost_bound_usd": None, "cap_usd": 100.0},
    {"cost_usd": 200.0, "amount": 20.0, "amount_bound": 18.0, "cost_bound_usd": None, "cap_usd": 210.0},
    {"cost_usd": 500.0, "amount": 2.0, "amount_bound": 1.0, "cost_bound_usd": None, "cap_usd": None},
]  # fmt: skip


@pytest.mark.parametrize(("amount", "low", "high"), [
    (70.0, 0.99, 1.0), (20.0, 1.0, 2.0), (18.0, 1.0, 5.0), (17.0, 2.1, 5.0), (1.0, 2.1, float("inf")),
    (0.5, float("inf"), float("inf")),
])  # fmt: skip
def test_what_an_amount_costs_lies_between_point_and_bound(amount: float, low: float, high: float):
    """Each point is a box: its cost and amount were found; no plan of its limit on cost is better than its bound."""
    assert cost_to_reach(BOX, "carbon", 99.0, amount) == pytest.approx((low, high))


def test_the_best_amount_lies_between_the_last_point_and_its_bound():
    assert best_amount(BOX, "carbon") == (1.0, 2.0)
    counts = [{"cost_usd": 1.0, "amount": 3, "amount_bound": None, "cost_bound_usd": 0.9},
              {"cost_usd": 2.0, "amount": 1, "amount_bound": None, "cost_bound_usd": 1.8}]  # fmt: skip
    assert best_amount(counts, "providers") == (1.0, 1.0)
    assert cost_to_reach(counts, "providers", 0.9, 2.0) == pytest.approx((1.8, 2.0))


@pytest.mark.parametrize(("more", "what"), [
    ({"frontiers": [{"id": "x", "over": "outside"}]}, "outside names the jurisdiction"),
    ({"findings": [{**STUDY["findings"][0], "reach_times": None}]}, "goes with one of reach and reach_times"),
    ({"findings": [{"id": "f", "says": "So.", "scenario": "dear", "figure": "best_amount", "at_least": 1.0}],
      "answer": None}, "is no frontier"),
    ({"findings": [{"id": "f", "says": "So.", "scenario": "carbon", "at_least": 1.0}], "answer": None},
     "which is a frontier"),
    ({"answer": {"says": "So.", "rests_on": ["half", "leest"]}}, "no finding 'leest'"),
    ({"findings": [{"id": "f", "says": "So.", "figure": "served_if_region_lost", "at_least": 1.0}], "answer": None},
     "is no metric of the study"),
])  # fmt: skip
def test_what_means_nothing_is_refused(tmp_path: Path, more: dict[str, Any], what: str):
    with pytest.raises(InputError, match=what):
        load_study(write(tmp_path, **more))
