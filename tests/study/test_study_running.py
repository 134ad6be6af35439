"""Running a study: by hand, stopped and resumed, beside another run, where processes or the disk fail."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from study_toys import COSTS, INSTANCE, STUDY, threads, write

import domicile
from optimizer.errors import InputError
from optimizer.study import StudyFolder, StudyProgress, load_study, run_study, runner, scenario_rows
from optimizer.study.solving import solve_task, unpacked_plan
from optimizer.study.status import beside

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run studies in threads."""
    monkeypatch.setattr(runner, "_processes", threads)


def kept(folder: Path) -> dict[str, float]:
    """When each record was written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "scenarios").iterdir()}


def costs(folder: Path) -> dict[str, float | None]:
    """The cost of every scenario that has a result."""
    rows = scenario_rows(StudyFolder(folder))
    return {row["scenario"]: row["objective_usd"] for row in rows if row["status"] != "waiting"}


def test_every_scenario_comes_to_what_it_costs_by_hand(tmp_path: Path):
    """On processes of their own; the tables say the same, the plans pass an audit of the changed instance."""
    loaded = load_study(write(tmp_path))
    folder = StudyFolder(tmp_path / "out")
    state = run_study(loaded, folder, workers=2)
    assert (state.total, state.done, state.infeasible, state.failed, state.left) == (6, 5, 1, 0, 0)
    found = costs(tmp_path / "out")
    assert {name: cost for name, cost in found.items() if cost is not None} == pytest.approx(
        {name: cost for name, cost in COSTS.items() if cost is not None}
    )
    table = pd.read_parquet(tmp_path / "out" / "scenarios.parquet").set_index("scenario")
    assert list(table.index) == list(COSTS)
    assert {"status", "objective_usd", "bound_usd", "gap", "carbon_kg", "seconds", "reason", "devices"} <= set(table)
    assert table.loc["devices=3", "devices"] == 3
    assert table.loc["devices=0", "moved_from_base"] == 1
    assert table.loc["devices=3", "moved_from_base"] == 1
    assert table.loc["devices=4", "moved_from_base"] == 0
    assert table.loc["closed", "status"] == "infeasible"
    assert "quota north" in table.loc["closed", "reason"]
    between = table.loc["twice", ["beside_base_low_usd", "beside_base_high_usd"]].tolist()
    assert between == pytest.approx([1200.0, 1200.0], abs=0.01)
    terms = pd.read_parquet(tmp_path / "out" / "costs.parquet")
    assert terms[terms.scenario == "twice"].usd.sum() == pytest.approx(2000.0)
    rules = pd.read_parquet(tmp_path / "out" / "rules.parquet")
    assert set(rules[rules.scenario == "devices=3"].rule) == {"quota:north"}
    placed = pd.read_parquet(tmp_path / "out" / "placements.parquet")
    assert placed[placed.scenario == "devices=3"].set_index("region_id").instances.to_dict() == {
        "p:north": 3.0, "q:east": 1.0
    }  # fmt: skip
    for one in folder.manifest()["scenarios"]:
        plan = unpacked_plan(folder.plan(one["key"]))
        if plan is not None:
            assert domicile.audit(domicile.changed(loaded.instances["toy"], one["changes"]), plan).ok


def test_a_difference_lies_between_what_both_bounds_prove():
    """A plan of 100 USD, bound 90, beside one of 80 USD, bound 75: the least costs differ by 10 to 25 USD."""
    base = {"scenario": "base", "objective_usd": 80.0, "bound_usd": 75.0}
    assert beside({"scenario": "a", "objective_usd": 100.0, "bound_usd": 90.0}, base) == (10.0, 25.0)
    assert beside({"scenario": "a", "objective_usd": 100.0, "bound_usd": None}, base) == (None, 25.0)
    assert beside({"scenario": "a", "objective_usd": None, "bound_usd": 90.0}, base) is None
    assert beside(base, base) == (0.0, 0.0)


@pytest.mark.usefixtures("in_threads")
def test_a_second_run_solves_nothing_again_and_a_new_value_alone(tmp_path: Path):
    """Records keep their time; of a study with one value more, that one is new."""
    out = StudyFolder(tmp_path / "out")
    run_study(load_study(write(tmp_path)), out)
    before = kept(out.path)
    assert run_study(load_study(write(tmp_path)), out).solved_now == 0
    assert kept(out.path) == before
    axis = {**STUDY["axes"][0], "values": [4, 3, 2, 0]}
    state = run_study(load_study(write(tmp_path, {**STUDY, "axes": [axis]})), out)
    assert (state.solved_now, state.total) == (1, 7)
    after = kept(out.path)
    assert {name: after[name] for name in before} == before
    assert costs(out.path)["devices=2"] == pytest.approx(1000.0)


@pytest.mark.usefixtures("in_threads")
def test_another_gap_or_another_instance_is_another_result(tmp_path: Path):
    """What a result rests on is in its key."""
    out = StudyFolder(tmp_path / "out")
    run_study(load_study(write(tmp_path)), out)
    again = run_study(load_study(write(tmp_path, {**STUDY, "solve": {"gap": 1e-4}})), out)
    assert again.solved_now == 6


@pytest.mark.usefixtures("in_threads")
def test_stopped_by_cancel_or_the_time_limit_it_resumes(tmp_path: Path):
    """After the first result: the finished one is there and in the tables, the rest waits."""
    out, stop = StudyFolder(tmp_path / "out"), threading.Event()

    def after_one(progress: StudyProgress) -> None:
        if progress.solved_now:
            stop.set()

    loaded = load_study(write(tmp_path))
    state = run_study(loaded, out, workers=1, progress=after_one, cancel=stop)
    assert state.solved_now >= 1
    assert state.left == 6 - state.solved_now
    assert len(pd.read_parquet(out.path / "scenarios.parquet")) == state.solved_now
    assert run_study(loaded, out, time_limit_seconds=1e-9).solved_now == 0
    assert run_study(loaded, out).left == 0


@pytest.mark.usefixtures("in_threads")
def test_columns_go_from_solve_to_solve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where a solve decomposes, the next begins with what it handed on, and comes to what it costs by hand; what stands
    in the file is a hint: one that cannot be read is none.
    """
    known: dict[str, bool] = {}

    def solve(task):
        known[task.key] = task.columns is not None
        return solve_task(task)

    monkeypatch.setattr(runner, "solve_task", solve)
    study = {**STUDY, "solve": {"gap": 1e-6, "method": "decompose"}, "scenarios": []}
    loaded, out = load_study(write(tmp_path, study)), StudyFolder(tmp_path / "out")
    run_study(loaded, out, workers=1)
    ones = out.manifest()["scenarios"]
    assert all(out.columns(one["key"]) for one in ones)
    assert [known[one["key"]] for one in ones] == [False, True, True, True]
    assert costs(out.path) == pytest.approx({name: COSTS[name] for name in costs(out.path)})
    for one in ones[:3]:
        (out.path / "columns" / f"{one['key']}.npz").write_bytes(b"torn")
    (out.path / "scenarios" / f"{ones[3]['key']}.json").unlink()
    assert run_study(loaded, out, workers=1).solved_now == 1
    assert costs(out.path)["devices=0"] == pytest.approx(1200.0)


@pytest.mark.usefixtures("in_threads")
def test_more_time_takes_up_what_time_ended_and_nothing_else(tmp_path: Path):
    """One scenario is noted as without a plan in 5 s: with 5 s it stays, with 50 s it alone is solved again."""
    out = StudyFolder(tmp_path / "out")

    def loaded(seconds: float):
        return load_study(write(tmp_path, {**STUDY, "solve": {"gap": 1e-6, "time_limit_seconds": seconds}}))

    run_study(loaded(5.0), out)
    one = next(one for one in out.manifest()["scenarios"] if one["id"] == "twice")
    path = out.path / "scenarios" / f"{one['key']}.json"
    told = {**json.loads(path.read_text()), "status": "no_plan", "has_plan": False, "objective_usd": None}
    path.write_text(json.dumps(told))
    assert run_study(loaded(5.0), out).solved_now == 0
    assert costs(out.path)["twice"] is None
    assert run_study(loaded(50.0), out).solved_now == 1
    assert costs(out.path)["twice"] == pytest.approx(2000.0)


def is_there(group: int) -> bool:
    """Whether a process of a group runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_killed_in_the_middle_nothing_is_lost_and_nothing_solved_twice(tmp_path: Path):
    """kill -9 after the first record: its workers end with it, and the run that follows keeps what is there."""
    path, out = write(tmp_path), tmp_path / "out"
    command = [sys.executable, "-m", "domicile.cli", "study", "run", str(path), "--out", str(out), "--workers", "1"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    until = time.monotonic() + 120
    while not any((out / "scenarios").glob("[!.]*.json")):
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    while is_there(process.pid):  # its workers end as well
        assert time.monotonic() < until
        time.sleep(0.05)
    before = {name: when for name, when in kept(out).items() if not name.startswith(".")}
    assert 1 <= len(before) <= 6
    state = run_study(load_study(path), StudyFolder(out), workers=1)
    assert (state.left, state.solved_now) == (0, 6 - len(before))
    after = kept(out)
    assert {name: after[name] for name in before} == before
    assert costs(out)["twice"] == pytest.approx(2000.0)


@pytest.mark.usefixtures("in_threads")
def test_two_runs_into_one_folder_at_once_are_refused(tmp_path: Path):
    loaded, out = load_study(write(tmp_path)), StudyFolder(tmp_path / "out")
    with out.held(), pytest.raises(InputError, match="another run of a study writes here\nMaybe wait for it"):
        run_study(loaded, StudyFolder(tmp_path / "out"))


@pytest.mark.usefixtures("in_threads")
def test_a_folder_of_another_study_is_refused(tmp_path: Path):
    out = StudyFolder(tmp_path / "out")
    run_study(load_study(write(tmp_path)), out)
    with pytest.raises(InputError, match="holds the study 'quota', not 'other'"):
        run_study(load_study(write(tmp_path, {**STUDY, "name": "other"})), out)


@pytest.mark.usefixtures("in_threads")
def test_a_full_disk_is_told_and_what_is_finished_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The third record does not fit any more."""
    from optimizer.study import folder as rooms

    loaded, out, left = load_study(write(tmp_path)), StudyFolder(tmp_path / "out"), [2]
    whole = rooms.write_whole

    def until_full(path: Path, fill: Any) -> None:
        if path.parent.name == "scenarios":
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        whole(path, fill)

    monkeypatch.setattr(rooms, "write_whole", until_full)
    with pytest.raises(InputError, match="No space left on device; what was finished is kept") as told:
        run_study(loaded, out, workers=1)
    assert "goes on where the last one ended" in str(told.value)
    monkeypatch.undo()
    monkeypatch.setattr(runner, "_processes", threads)
    assert len(kept(out.path)) == 2
    assert run_study(loaded, out).solved_now == 4


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="cannot be written to"):
        run_study(load_study(write(tmp_path)), StudyFolder(tmp_path / "out"))


class Breaking(Executor):
    """An executor whose process ends whenever a poisoned task runs; whoever runs there from then on ends with it."""

    poison: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._ended = False

    def submit(self, call: Any, /, task: Any) -> Future[Any]:  # type: ignore[override]
        future: Future[Any] = Future()
        self._ended = self._ended or task.key in self.poison
        if self._ended:
            future.set_exception(BrokenProcessPool("a process ended"))
        else:
            future.set_result(call(task))
        return future


def test_a_process_that_is_killed_costs_one_scenario_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The one that ends its process even alone is failed, with the reason; those beside it are solved; a later run
    tries it again.
    """
    loaded, out = load_study(write(tmp_path)), StudyFolder(tmp_path / "out")
    keys = runner._Run(loaded, out, None).keys

    @contextmanager
    def breaking(width: int):
        yield Breaking(), width

    monkeypatch.setattr(Breaking, "poison", (keys["devices=3"],))
    monkeypatch.setattr(runner, "_processes", breaking)
    state = run_study(loaded, out, workers=3)
    assert (state.failed, state.left) == (1, 0)
    (failed,) = [row for row in scenario_rows(out) if row["status"] == "failed"]
    assert failed["scenario"] == "devices=3"
    assert "killed, or memory ran out" in failed["reason"]
    monkeypatch.setattr(runner, "_processes", threads)
    again = run_study(loaded, out)
    assert (again.solved_now, again.failed) == (1, 0)
    assert costs(out.path)["devices=3"] == pytest.approx(900.0)


@pytest.mark.usefixtures("in_threads")
def test_whatever_goes_wrong_in_a_scenario_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two changes that go together badly, and a fault of the engine."""
    later = {"id": "a", "kind": "lever", "options": {"gone": [{"op": "lift", "rule": "quota:north"}]}}
    study = {**STUDY, "axes": [*STUDY["axes"], later], "scenarios": []}
    out = StudyFolder(tmp_path / "out")
    state = run_study(load_study(write(tmp_path, study)), out)
    assert state.left == 0
    told = {row["scenario"]: row["status"] for row in scenario_rows(out)}
    assert told["base"] == "optimal"
    assert set(told.values()) <= {"optimal", "failed"}

    from optimizer.model import Model

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(Model, "solve", broken)
    other = StudyFolder(tmp_path / "other")
    state = run_study(load_study(write(tmp_path)), other)
    assert state.failed == 6
    assert {row["reason"] for row in scenario_rows(other)} == {"ZeroDivisionError: division by zero"}


def test_a_scenario_starts_from_the_solved_one_that_differs_least(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The base first, alone; then each from the one with most values alike."""
    monkeypatch.setattr(runner, "_processes", threads)
    demand = {"id": "demand", "kind": "uncertainty", "values": [0.5, 1.0],
              "changes": [{"op": "scale_demand", "factor": "$value"}]}  # fmt: skip
    loaded = load_study(write(tmp_path, {**STUDY, "axes": [STUDY["axes"][0], demand], "scenarios": []}))
    out = StudyFolder(tmp_path / "out")
    run_study(loaded, out, workers=1)
    came = {row["scenario"]: row["started_from"] for row in scenario_rows(out)}
    assert came["base"] == ""
    assert came["devices=4,demand=0.5"] == "base"
    assert came["devices=3,demand=1"] == "devices=3,demand=0.5"


def test_keys_are_of_the_instance_the_changes_and_the_version(monkeypatch: pytest.MonkeyPatch):
    from optimizer.study import solving

    instance = domicile.load("quickstart")
    base = solving.packed(instance)
    key = solving.key_of(base, (), {"gap": 1e-3})
    assert key == solving.key_of(solving.packed(domicile.load("quickstart")), (), {"gap": 1e-3})
    assert key != solving.key_of(base, ({"op": "lift", "rule": "budget:monthly-carbon"},), {"gap": 1e-3})
    assert key != solving.key_of(base, (), {"gap": 1e-4})
    assert key != solving.key_of(base, (), {"gap": 1e-3}, solving.data_of(instance))
    assert all(len(checksum) == 64 for checksum in solving.data_of(instance))
    monkeypatch.setattr(solving, "__version__", "9")
    assert key != solving.key_of(base, (), {"gap": 1e-3})


def test_the_outcome_of_a_task_survives_a_process_boundary(tmp_path: Path):
    """Bytes and plain data alone, which any executor can carry."""
    import pickle

    loaded = load_study(write(tmp_path))
    task = runner.Task("k", runner.packed(loaded.instances["toy"]), loaded.scenarios[2].changes, {"gap": 1e-6})
    outcome = pickle.loads(pickle.dumps(solve_task(pickle.loads(pickle.dumps(task)))))
    assert (outcome.status, outcome.figures["objective_usd"]) == ("optimal", pytest.approx(900.0))
    assert json.dumps(outcome.figures)


OWN_LAW = {
    "DE-HERE": {
        "jurisdiction": "DE", "instrument": "Works agreement", "citation": "works agreement of 2026-03-01, s 4",
        "in_force_from": "2026-03-01", "data_categories": ["personal"], "kind": "HARD_LOCAL", "rule": "only:FR",
        "trigger": {"scopes": [{"exporter": "DE"}]},
    }
}  # fmt: skip


@pytest.mark.usefixtures("in_threads")
def test_laws_of_ones_own_are_read_beside_the_base_and_are_in_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """From any working folder; once the file says something else, every scenario is solved again. A cluster, which has
    no such file, is refused.
    """
    workload = {**INSTANCE["workloads"][0], "data": {"categories": ["personal"], "subjects": ["DE"], "exporter": "DE"}}
    laws = {"use": "own.yaml", "unknown": {"access": "admit"}}
    path = write(tmp_path, {**STUDY, "axes": []}, {**INSTANCE, "laws": laws, "workloads": [workload]})
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(OWN_LAW), encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    out = StudyFolder(tmp_path / "out")
    assert run_study(load_study(path), out).failed == 0
    assert costs(out.path)["base"] == pytest.approx(1200.0)
    free = {"DE-HERE": {**OWN_LAW["DE-HERE"], "rule": "only:DE"}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(free), encoding="utf-8")
    assert run_study(load_study(path), out).solved_now == 3
    assert costs(out.path)["base"] == pytest.approx(800.0)
    with pytest.raises(InputError, match="its workers lack the folder"):
        run_study(load_study(path), out, cluster="tcp://127.0.0.1:9")
