"""`domicile study` and `domicile diff` as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from study_toys import INSTANCE, STUDY, write

import domicile
from domicile.cli import main

SMALL = {**STUDY, "axes": [], "scenarios": STUDY["scenarios"]}


def run(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory):
    """The study of three scenarios, run by the command; its folder and what the command printed."""
    folder = tmp_path_factory.mktemp("study")
    said = run("study", "run", write(folder, SMALL), "--out", folder / "out", "--workers", "1")
    return folder / "out", said


def test_a_run_prints_what_came_of_every_scenario(solved):
    _, said = solved
    assert said.exit_code == 0, said.output
    lines = said.output.splitlines()
    assert lines[0] == "quota: 3 scenarios, 2 optimal, 1 infeasible"
    assert [line.split()[:3] for line in lines[2:4]] == [["base", "optimal", "800"], ["twice", "optimal", "2,000"]]
    assert lines[4].split() == ["closed", "infeasible"]
    assert lines[5].startswith("closed: ")


def test_status_tells_the_same_from_the_folder(solved):
    out, said = solved
    assert run("study", "status", out).output == said.output
    rows = json.loads(run("study", "status", out, "--json").output)
    assert [(row["scenario"], row["status"], row["objective_usd"]) for row in rows[:2]] == [
        ("base", "optimal", pytest.approx(800.0)), ("twice", "optimal", pytest.approx(2000.0))
    ]  # fmt: skip


def test_compare_ends_with_counts(solved):
    out, _ = solved
    said = run("study", "compare", out, "base", "twice")
    assert said.exit_code == 0, said.output
    counts = "1 in other regions, 0 on other machines in place, 0 added, 0 dropped, 0 stay"
    assert said.output.splitlines()[-1] == counts
    told = json.loads(run("study", "compare", out, "base", "twice", "--json").output)
    assert told["usd_after"] == pytest.approx(2000.0)


def test_a_part_of_a_device_is_told(tmp_path: Path):
    """Three and a half of the north: one machine less than four is there, as with three; and the run says so."""
    half = {"id": "half", "changes": [{"op": "set_limit", "rule": "quota:north", "to": 3.5}]}
    path = write(tmp_path, {**SMALL, "scenarios": [half]})
    said = run("study", "run", path, "--out", tmp_path / "out", "--workers", "1")
    assert [line.split()[:3] for line in said.output.splitlines()[3:4]] == [["half", "optimal", "900"]]
    told = "warning: quota north grants 3.5 devices; devices are whole, and 3 of them can be had (in half)"
    assert told in said.output.splitlines()


def test_a_stopped_run_exits_with_4_and_resumes(tmp_path: Path):
    path = write(tmp_path, SMALL)
    stopped = run("study", "run", path, "--out", tmp_path / "out", "--time-limit", "1e-9")
    assert stopped.exit_code == 4, stopped.output
    assert stopped.output.splitlines()[0] == "quota: 3 scenarios, 3 waiting"


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (("study", "status", "nowhere"), 2, "Error: nowhere: is no folder of a study\nMaybe domicile study run"),
        (("study", "run", "study.yaml", "--out", "o", "--workers", "1", "--cluster", "tcp://h:1"), 2,
         "exclude each other"),
        (("study", "run", "nowhere.yaml", "--out", "o"), 2, "does not exist"),
        (("study", "run", "study.yaml", "--out", "o", "--cluster", "tcp://127.0.0.1:9"), 2, "Error: cluster: tcp"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_in_a_line(
    arguments: tuple[str, ...], code: int, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path, SMALL)
    monkeypatch.chdir(tmp_path)
    said = run(*arguments)
    assert said.exit_code == code
    assert what in said.output
    assert "Traceback" not in said.output


def test_diff_of_two_plans_with_and_without_reasons(tmp_path: Path):
    """The second plan is that of a changed instance; its changes are given to explain it."""
    write(tmp_path)
    instance = domicile.load(INSTANCE)
    change = {"op": "close_regions", "scope": {"regions": ["p:north"]}}
    (tmp_path / "c.yaml").write_text(json.dumps([change]), encoding="utf-8")
    domicile.solve(instance).write(tmp_path / "a.json")
    domicile.solve(domicile.changed(instance, [change])).write(tmp_path / "b.json")
    plain = run("diff", tmp_path / "a.json", tmp_path / "b.json")
    assert plain.exit_code == 0, plain.output
    assert "~ chat: p:north -> q:east  +400 USD" in plain.output
    assert "shut now" not in plain.output
    why = run("diff", tmp_path / "a.json", tmp_path / "b.json", "--instance", tmp_path / "toy.yaml", "--change",
              tmp_path / "c.yaml")  # fmt: skip
    assert "- p:north: shut now by closed:catalogue.exclude_regions" in why.output
    assert run("diff", tmp_path / "a.json", tmp_path / "b.json", "--change", tmp_path / "c.yaml").exit_code == 2
