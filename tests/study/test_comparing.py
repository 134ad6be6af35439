"""Two scenarios, or two plans, side by side: what moved, what it cost, and the rule that caused it."""

from __future__ import annotations

from pathlib import Path

import pytest
from study_toys import INSTANCE, STUDY, write

import domicile
from optimizer.errors import InputError
from optimizer.explain.differences import plan_diff
from optimizer.explain.why_moved import WhyMoved
from optimizer.study import StudyFolder, compare, load_study, run_study


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """The toy's study with three scenarios more, solved."""
    more = [
        {"id": "no-north", "changes": [{"op": "close_regions", "scope": {"regions": ["p:north"]}}]},
        {"id": "dear-north", "changes": [{"op": "scale_prices", "factor": 2.0, "scope": {"regions": ["p:north"]}}]},
        {"id": "dropped", "changes": [
            {"op": "add_workload", "workload": {**INSTANCE["workloads"][0], "id": "other"}},
            {"op": "drop_workload", "workload": "chat"}]},
    ]  # fmt: skip
    folder = tmp_path_factory.mktemp("study")
    study = {**STUDY, "axes": [], "scenarios": [*STUDY["scenarios"], *more]}
    found = StudyFolder(folder / "out")
    run_study(load_study(write(folder, study)), found, workers=1)
    return found


def test_a_region_that_is_closed_is_why_what_ran_there_moved(out: StudyFolder):
    """By hand: four instances at 3 instead of 2 USD/h for 100 h."""
    diff = compare(out, "base", "no-north")
    assert (diff.usd_before, diff.usd_after) == pytest.approx((800.0, 1200.0))
    (moved,) = diff.moved
    assert (moved.regions_before, moved.regions_after) == (("p:north",), ("q:east",))
    assert (moved.usd_before, moved.usd_after) == pytest.approx((800.0, 1200.0))
    (told,) = moved.why
    assert told.startswith("p:north: shut now by closed:catalogue.exclude_regions")
    assert [(row.term, row.usd_after - row.usd_before) for row in diff.costs] == [("compute", pytest.approx(400.0))]


def test_a_region_that_opens_is_why_what_runs_there_moved(out: StudyFolder):
    """The same the other way round."""
    (moved,) = compare(out, "no-north", "base").moved
    (told,) = moved.why
    assert told.startswith("p:north: open now; before, it was shut by closed:catalogue.exclude_regions")


def test_a_price_is_told_as_that(out: StudyFolder):
    (moved,) = compare(out, "base", "dear-north").moved
    assert moved.why == ("p:north: still open, and dearer as a whole than where it is now",)


def test_what_is_in_one_plan_alone_is_added_or_dropped(out: StudyFolder):
    diff = compare(out, "base", "dropped")
    assert (diff.added, diff.dropped, diff.moved, diff.stay) == (("other",), ("chat",), (), 0)


def test_a_plan_beside_itself_differs_in_nothing(out: StudyFolder):
    diff = compare(out, "base", "base")
    assert (diff.moved, diff.costs, diff.stay) == ((), (), 1)


def test_a_scenario_that_nobody_knows_or_without_a_plan_is_an_error(out: StudyFolder):
    with pytest.raises(InputError, match="no scenario 'no-nort'\nMaybe you mean 'no-north'"):
        compare(out, "base", "no-nort")
    with pytest.raises(InputError, match=r"scenario closed has no plan \(infeasible\)"):
        compare(out, "base", "closed")


def test_other_machines_in_the_same_region_are_a_move_of_machines():
    """Two SKUs in one place: dearer by a change, the other one is taken; a quota that is full now is the reason."""
    offers = [*INSTANCE["catalogue"]["inline"]["offers"],
              {"sku": "g2", "region": "p:north", "accelerator": "X", "usd_per_hour": 2.5}]  # fmt: skip
    inline = {**INSTANCE["catalogue"]["inline"], "offers": offers}
    instance = domicile.load({**INSTANCE, "catalogue": {"use": "inline", "inline": inline}})
    before = domicile.solve(instance, gap=1e-6)
    change = {"op": "set_prices", "usd_per_hour": 2.9, "scope": {"skus": ["g1"], "regions": ["p:north"]}}
    model = domicile.compile(domicile.changed(instance, [change]))
    after = model.solve(gap=1e-6)
    diff = plan_diff(before, after, WhyMoved(model, (before, after)))
    (moved,) = diff.moved
    assert moved.regions_before == moved.regions_after == ("p:north",)
    assert (moved.offers_before, moved.offers_after) == (("p:north g1",), ("p:north g2",))
    assert moved.why == ()


def test_a_quota_that_is_full_now_is_told(tmp_path: Path):
    """Half of the devices: what no longer fits goes east; north is open, and full."""
    instance = domicile.load(INSTANCE)
    wide = domicile.changed(instance, [{"op": "set_limit", "rule": "quota:north", "to": 9}])
    before = domicile.solve(wide, gap=1e-6)
    none = [{"op": "set_limit", "rule": "quota:north", "to": 0}]
    model = domicile.compile(domicile.changed(instance, none))
    after = model.solve(gap=1e-6)
    (moved,) = plan_diff(before, after, WhyMoved(model, (before, after))).moved
    (told,) = moved.why
    assert "quota:north" in told
