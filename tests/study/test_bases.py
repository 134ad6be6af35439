"""A study of several bases: which scenarios each has, reruns, findings that are withdrawn, totals by weight."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from rich.console import Console
from study_toys import INSTANCE, QUOTA, threads

from optimizer.errors import InputError
from optimizer.report.study_view import render_study
from optimizer.study import (
    StudyFolder,
    compare,
    judge_findings,
    load_study,
    run_study,
    runner,
    scenario_rows,
    weighted_totals,
)
from optimizer.study.findings import judged
from optimizer.study.models import Study

SMALL = {**INSTANCE, "name": "small"}
LARGE = {**INSTANCE, "name": "large", "policies": [{"kind": "places", "id": "home", "allow": ["FR"]}]}
"""Four instances: 800 USD in the north, where the quota of four is just enough; 1,200 in the east for who has to."""
TWO: dict[str, Any] = {
    "name": "two", "bases": ["small.yaml", "large.yaml"], "solve": {"gap": 1e-6},
    "axes": [{"id": "devices", "kind": "lever", "bases": ["small"], "values": [2], "changes": [QUOTA]}],
    "scenarios": [{"id": "free", "bases": ["large"], "changes": [{"op": "lift_all", "kinds": ["policy"]}]},
                  {"id": "twice", "changes": [{"op": "scale_demand", "factor": 2.0}]}],
    "reruns": [{"id": "half", "changes": [{"op": "scale_quotas", "factor": 0.5}]}],
    "findings": [
        {"id": "home", "says": "Staying at home costs half as much again.", "bases": ["large"], "scenario": "base",
         "beside": "free", "at_least": 1.5},
        {"id": "dearer", "says": "Twice the demand costs more than twice.", "scenario": "twice", "beside": "base",
         "at_least": 2.1},
        {"id": "most", "says": "It costs at most 1,200 USD more.", "scenario": "twice", "beside": "base",
         "by": "difference", "at_most": 1200.0},
        {"id": "few", "says": "Two devices fewer are never cheaper.", "bases": ["small"], "scenario": "devices=2",
         "beside": "base", "at_least": 1.0}],
    "weights": {"small": 10, "large": 0.5}, "weights_are": "ten small ones for half a large one",
}  # fmt: skip
COSTS = {
    "small/base": 800.0, "small/devices=2": 1000.0, "small/twice": 2000.0,
    "small/base@half": 1000.0, "small/devices=2@half": 1000.0, "small/twice@half": 2200.0,
    "large/base": 1200.0, "large/free": 800.0, "large/twice": 2400.0,
    "large/base@half": 1200.0, "large/free@half": 1000.0, "large/twice@half": 2400.0,
}  # fmt: skip
"""By hand: so many instances at 2 USD/h for 100 h as the quota of the north lets, the others at 3."""


def shown(folder: StudyFolder) -> str:
    """What `study status` prints."""
    console = Console(width=300, record=True, file=io.StringIO())
    render_study(folder, console)
    return console.export_text()


def write(folder: Path, **more: Any) -> Path:
    """Write both bases and the study of them; return its path."""
    for one in (SMALL, LARGE):
        (folder / f"{one['name']}.yaml").write_text(yaml.safe_dump(one), encoding="utf-8")
    path = folder / "two-study.yaml"
    path.write_text(yaml.safe_dump({**TWO, **more}, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """The study of two bases, solved in threads."""

    folder = tmp_path_factory.mktemp("bases")
    found = StudyFolder(folder / "out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "_processes", threads)
        run_study(load_study(write(folder)), found, workers=2)
    return found


def test_every_base_has_its_scenarios_and_reruns(out: StudyFolder):
    rows = scenario_rows(out)
    assert {row["scenario"]: row["objective_usd"] for row in rows} == pytest.approx(COSTS)
    assert {row["base"] for row in rows} == {"small", "large"}
    started = {row["scenario"]: row["started_from"].partition("/")[0] for row in rows if row["started_from"]}
    assert all(name.startswith(f"{base}/") for name, base in started.items())


def test_the_tables_have_base_and_rerun(out: StudyFolder):
    """Moved workloads are counted beside the base of the same rerun."""
    table = pd.read_parquet(out.path / "scenarios.parquet").set_index("scenario")
    assert list(table.loc["small/devices=2@half", ["base", "name", "rerun"]]) == ["small", "devices=2", "half"]
    assert table.loc["small/devices=2", "moved_from_base"] == 1
    assert table.loc["small/devices=2@half", "moved_from_base"] == 0
    for name in ("placements", "costs", "rules"):
        assert {"base", "name", "rerun"} <= set(pd.read_parquet(out.path / f"{name}.parquet"))


def test_a_finding_that_does_not_hold_in_every_rerun_is_withdrawn(out: StudyFolder):
    """By hand: 1,200 / 800 = 1.5 and 1,200 / 1,000 = 1.2; 2,000 / 800 = 2.5 and 2,200 / 1,000 = 2.2, of the large one
    2 both times; 1,200 more in each run; 1,000 / 800 and, with half the quota in the base too, 1.
    """
    results = {(one.id, one.base): one for one in judge_findings(out)}
    assert {name: one.verdict for name, one in results.items()} == {
        ("home", "large"): "withdrawn", ("dearer", "small"): "holds", ("dearer", "large"): "withdrawn",
        ("most", "small"): "holds", ("most", "large"): "holds", ("few", "small"): "holds",
    }  # fmt: skip
    assert [run.low for run in results["home", "large"].runs] == pytest.approx([1.5, 1.2])
    assert [run.rerun for run in results["home", "large"].runs] == ["", "half"]
    told = shown(out)
    assert "- withdrawn: large: Staying at home costs half as much again. (as stated 1.5; half 1.2 (no))" in told


def test_totals_are_by_weight_and_only_where_every_base_has_the_scenario(out: StudyFolder):
    """By hand: 10 x 800 + 0.5 x 1,200."""
    totals = {(row["scenario"], row["rerun"]): row["usd"] for row in weighted_totals(out)}
    assert totals["base", ""] == pytest.approx(8600.0)
    assert totals["twice", "half"] == pytest.approx(23200.0)
    assert totals["free", ""] is None
    told = shown(out)
    assert "Total of 10 x small, 0.5 x large (ten small ones for half a large one)" in told
    assert "- base: 8,600" in told


def test_no_total_without_weights(out: StudyFolder, tmp_path: Path):
    manifest = {**out.manifest(), "study": {**out.manifest()["study"], "weights": {}}}
    other = StudyFolder(tmp_path)
    with other.held():
        other.write_manifest(manifest, {})
    assert weighted_totals(other) == ()


def test_scenarios_of_different_bases_are_not_compared(out: StudyFolder):
    assert compare(out, "large/base", "large/free").usd_after == pytest.approx(800.0)
    with pytest.raises(InputError, match="small/base is a scenario of small, large/base one of large"):
        compare(out, "small/base", "large/base")


@pytest.mark.parametrize(("more", "where", "what"), [
    ({"scenarios": [{"id": "free", "changes": [{"op": "lift_all", "kinds": ["policy"]}]}]},
     "scenarios[0].changes[0].kinds in small", "has no policies"),
    ({"scenarios": [{"id": "x", "bases": ["lerge"]}]}, "scenarios[id=x].bases", "no base 'lerge' in this study"),
    ({"weights": {"small": 1}}, "weights", "says nothing of the base large"),
    ({"reruns": [{"id": "r", "changes": [{"op": "lift", "rule": "policy:home"}]}]},
     "reruns[0].changes[0].rule in small", "no policy 'home'"),
    ({"findings": [{"id": "f", "says": "It is so.", "scenario": "free", "at_least": 1}]}, "findings[id=f]",
     "no scenario 'free' of small"),
    ({"bases": ["small.yaml", "small.yaml"]}, "bases[1]", "two bases are called 'small'"),
])  # fmt: skip
def test_what_fits_no_base_is_an_error(tmp_path: Path, more: dict[str, Any], where: str, what: str):
    """The base is named: a change that matches nothing in one is wrong unless the study says which it is for."""
    with pytest.raises(InputError) as caught:
        load_study(write(tmp_path, **{"findings": [], **more}))
    assert any(issue.where == where and what in issue.what for issue in caught.value.issues), caught.value.issues


def test_scenarios_of_one_id_may_be_for_different_bases(tmp_path: Path):
    """Each base has the changes that are meant for it."""
    fewer, more = ({"op": "scale_demand", "factor": factor} for factor in (0.5, 2.0))
    both = [("small", fewer), ("large", more)]
    scenarios = [{"id": "other", "bases": [base], "changes": [change]} for base, change in both]
    loaded = load_study(write(tmp_path, scenarios=scenarios, findings=[], reruns=[]))
    assert {one.id: one.changes[0]["factor"] for one in loaded.scenarios if one.name == "other"} == {
        "small/other": 0.5, "large/other": 2.0,
    }  # fmt: skip


@pytest.mark.parametrize(("more", "what"), [
    ({"bases": []}, "states one of base and bases"), ({"base": "toy.yaml"}, "states one of base and bases"),
    ({"weights_are": ""}, "weights and weights_are go together"),
    ({"scenarios": [{"id": "x", "bases": ["small"]}, {"id": "x", "bases": ["small", "large"]}]}, "'x' is there twice"),
    ({"scenarios": [{"id": "x"}, {"id": "x", "bases": ["large"]}]}, "'x' is there twice: for every base, and for some"),
    ({"findings": [{"id": "f", "says": "It is so."}]}, "states one of at_least and at_most"),
])  # fmt: skip
def test_a_study_that_says_too_little_or_too_much_is_refused(tmp_path: Path, more: dict[str, Any], what: str):
    with pytest.raises(InputError, match=what):
        load_study(write(tmp_path, **more))


@pytest.mark.parametrize(("record", "finding", "holds"), [
    ({"objective_usd": 100.0, "bound_usd": 90.0}, {"at_most": 95.0}, "open"),
    ({"objective_usd": 100.0, "bound_usd": 90.0}, {"at_most": 100.0}, "yes"),
    ({"objective_usd": 100.0, "bound_usd": 90.0}, {"at_most": 89.0}, "no"),
    ({"objective_usd": 100.0, "bound_usd": 90.0}, {"at_least": 95.0}, "open"),
    ({"objective_usd": 100.0, "bound_usd": 90.0}, {"at_least": 90.0}, "yes"),
    ({"objective_usd": 100.0, "bound_usd": 90.0}, {"at_least": 101.0}, "no"),
    ({"objective_usd": None, "bound_usd": None}, {"at_most": 100.0}, "no"),
    ({"objective_usd": 100.0, "bound_usd": None}, {"at_most": 100.0}, "yes"),
    ({"objective_usd": 100.0, "bound_usd": None}, {"at_least": 1.0}, "open"),
    ({"carbon_kg": 5.0}, {"figure": "carbon_kg", "at_least": 5.0}, "yes"),
    (None, {"at_most": 100.0}, "waiting"),
])  # fmt: skip
def test_what_is_not_proven_far_enough_stays_open(record: Any, finding: dict[str, Any], holds: str):
    """The least cost lies between the bound and what was found."""
    study = Study.model_validate({
        "name": "s", "base": "b", "scenarios": [{"id": "x"}], "findings": [{"id": "f", "says": "So.", **finding}]})
    told = None if record is None else {"status": "optimal", **record}
    (result,) = judged(study, ["b"], {("b", "", "base"): told})
    assert result.runs[0].holds == holds
    assert result.verdict == {"yes": "holds", "no": "withdrawn"}.get(holds, "open")
