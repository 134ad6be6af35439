"""The command line: exit codes, what goes to stdout and stderr, and what is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from helper_command import run

import domicile
from domicile import cli
from optimizer import bundled
from optimizer.errors import InfeasibleError, InputError, InternalError, Issue
from optimizer.plan.models import Plan

ROOT = bundled.PATH.parent
INSTANCE = """\
name: small
horizon: {start: 2027-01-01, hours: 10}
catalogue:
  use: inline
  inline:
    regions: [{id: oslo, country: NO}]
    offers: [{sku: box, region: oslo, accelerator: gpu, usd_per_hour: 1}]
laws: {use: none}
workloads:
  - {id: chat, kind: service, runs: {throughput: {gpu: 10}}, streams: [{origin: NO, rate: 5}]}
"""
PLAN = Plan(
    status="optimal",
    termination="gap_reached",
    objective_usd=10.0,
    bound_usd=10.0,
    gap=0.0,
    placements=({"workload": "chat", "provider": "inline", "region": "oslo", "sku": "box", "period": "t0"},),  # type: ignore[arg-type]
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small valid instance."""
    path = tmp_path / "small.yaml"
    path.write_text(INSTANCE)
    return path


def answer_with(monkeypatch: pytest.MonkeyPatch, answer: Plan | Exception) -> list[dict]:
    """Let `domicile.solve` answer so; return the list of the arguments it gets."""
    seen: list[dict] = []

    def solve(instance, **options):
        seen.append(options)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setitem(vars(domicile), "solve", solve)
    return seen


@pytest.mark.parametrize(
    ("status", "gap", "code"),
    [
        ("optimal", 0.0, 0),
        ("feasible", 0.01, 4),
        ("feasible", None, 4),
        ("no_plan", None, 4),
        ("infeasible", None, 3),
    ],
)
def test_solve_exit_codes(status, gap, code, file, monkeypatch, tmp_path):
    """The code follows the plan's status and the asked gap; the plan is written in every case."""
    answer_with(monkeypatch, PLAN.model_copy(update={"status": status, "gap": gap}))
    output = tmp_path / "plan.json"
    result = run("solve", file, "--output", output, "--quiet")
    assert result.exit_code == code
    assert result.stdout == ""
    assert Plan.read(output).status == status


def test_a_bound_that_contradicts_the_plan_exits_1_and_writes_the_plan(file, monkeypatch, tmp_path):
    """The plan is within every rule and may be used; what was proven of it may not."""
    withdrawn = {"status": "feasible", "termination": "contradiction", "bound_usd": None, "bound_excess_usd": 10.0}
    answer_with(monkeypatch, PLAN.model_copy(update=withdrawn))
    result = run("solve", file, "--output", tmp_path / "plan.json")
    assert result.exit_code == 1
    assert "lies 10 USD above the cost of the plan" in result.stderr
    assert "\nMaybe another --method" in result.stderr
    assert Plan.read(tmp_path / "plan.json").bound_usd is None


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (InputError("wrong"), 2, "Error: wrong"),
        (InfeasibleError("no lawful region"), 3, "Error: no lawful region"),
        (InternalError("audit failed"), 1, "Error: audit failed"),
        (ZeroDivisionError("oops"), 1, "Internal error: ZeroDivisionError: oops"),
    ],
)
def test_errors_have_their_codes_and_no_traceback(error, code, text, file, monkeypatch, tmp_path):
    """Every error ends in a sentence on stderr and its code; nothing is written."""
    answer_with(monkeypatch, error)
    result = run("solve", file, "--output", tmp_path / "plan.json", "--tables", tmp_path / "t")
    assert result.exit_code == code
    assert text in result.stderr
    assert "Traceback" not in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.yaml"]


def test_debug_raises(file, monkeypatch):
    """--debug lets the exception through."""
    answer_with(monkeypatch, ZeroDivisionError("oops"))
    assert isinstance(run("--debug", "solve", file).exception, ZeroDivisionError)


def test_solve_passes_its_options_on(file, monkeypatch):
    """Gap, threads, method and what then reach the library, and of the time limit what loading left."""
    seen = answer_with(monkeypatch, PLAN)
    run("solve", file, "--gap", "0.05", "--time-limit", "7", "--threads", "2", "--method", "direct", "--then",
        "carbon", "--quiet")  # fmt: skip
    options = {key: seen[0][key] for key in ("gap", "threads", "method", "then")}
    assert options == {"gap": 0.05, "threads": 2, "method": "direct", "then": "carbon"}
    assert 0 < seen[0]["time_limit_seconds"] < 7.0
    assert isinstance(seen[0]["cancel"], threading.Event)


def test_json_and_tables(file, monkeypatch, tmp_path):
    """--json prints the plan and nothing else; --tables writes one CSV per table."""
    answer_with(monkeypatch, PLAN)
    result = run("solve", file, "--json", "--tables", tmp_path / "out" / "tables")
    assert json.loads(result.stdout)["objective_usd"] == 10
    written = {path.name for path in (tmp_path / "out" / "tables").iterdir()}
    assert {"placements.csv", "budgets.csv"} <= written


@pytest.mark.parametrize(
    "arguments",
    [
        ["--gap", "nan"],
        ["--gap", "-1"],
        ["--time-limit", "0"],
        ["--time-limit", "inf"],
        ["--threads", "0"],
        ["--output", "missing/plan.json"],
        ["--output", "."],
        ["--nonsense"],
    ],
)
def test_usage_errors_exit_2_before_any_work(arguments, file, monkeypatch):
    """Impossible options are refused before the instance is solved."""
    seen = answer_with(monkeypatch, PLAN)
    result = run("solve", file, *arguments)
    assert result.exit_code == 2
    assert seen == []


def test_audit_reports_faults_of_both_files_together(file, tmp_path):
    """A bad instance and a bad plan are told in one go."""
    file.write_text(INSTANCE.replace("rate: 5", "rate: -5"))
    (tmp_path / "plan.json").write_text('{"status": "great"}')
    result = run("audit", file, "--plan", tmp_path / "plan.json")
    assert result.exit_code == 2
    assert "small.yaml:10" in result.stderr
    assert "plan.json" in result.stderr


TWO_REGIONS = """\
name: small
horizon: {start: 2027-01-01, hours: 10}
catalogue:
  use: inline
  inline:
    regions: [{id: oslo, country: NO}, {id: rome, country: IT}]
    offers:
      - {sku: box, region: oslo, accelerator: gpu, usd_per_hour: 1}
      - {sku: box, region: rome, accelerator: gpu, usd_per_hour: 3}
laws: {use: none}
target_utilisation: 1.0
quotas: {limits: [{accelerator: gpu, region: oslo, devices: 2}, {accelerator: gpu, region: rome, devices: 9}]}
workloads:
  - {id: chat, kind: service, runs: {throughput: {gpu: 10}}, streams: [{origin: NO, rate: 45}]}
"""


def test_from_file_to_plan_to_audit(tmp_path):
    """Five boxes: the two cheap ones, then three at 3 USD/h; 10 h cost 110 USD. A wrong cost is found, code 5."""
    file, output = tmp_path / "small.yaml", tmp_path / "plan.json"
    file.write_text(TWO_REGIONS)
    assert run("solve", file, "--output", output, "--quiet").exit_code == 0
    plan = json.loads(output.read_text())
    assert plan["objective_usd"] == pytest.approx(110)
    assert {row["region"]: row["instances"] for row in plan["placements"]} == pytest.approx({"oslo": 2, "rome": 3})
    assert plan["instance_sha256"] == domicile.instance_sha256(domicile.load(file))
    assert run("audit", file, "--plan", output, "--json").exit_code == 0
    plan["placements"][0]["instances"] = 1
    output.write_text(json.dumps(plan))
    result = run("audit", file, "--plan", output, "--json")
    assert result.exit_code == 5
    assert json.loads(result.stdout)["violations"]


def test_a_solve_may_begin_from_an_earlier_plan(tmp_path):
    """Of two placements one is gone with its region: what is left of the plan, and all of the rest, costs 150 USD."""
    file, earlier, output = (tmp_path / name for name in ("small.yaml", "earlier.json", "plan.json"))
    file.write_text(TWO_REGIONS)
    run("solve", file, "--output", earlier, "--quiet")
    file.write_text(TWO_REGIONS.replace("rate: 45}]}", "rate: 45}], regions: [rome]}"))
    assert run("solve", file, "--start", earlier, "--output", output, "--quiet").exit_code == 0
    plan = json.loads(output.read_text())
    assert plan["start"] == {"placements": 2, "kept": 1, "cost_usd": pytest.approx(150)}
    assert plan["objective_usd"] == pytest.approx(150)
    assert run("solve", file, "--start", tmp_path / "none.json").exit_code == 2


def test_an_infeasible_instance_exits_3_and_says_why(tmp_path):
    """More demand than both quotas can serve: proven infeasible, and the plan file says so."""
    file, output = tmp_path / "small.yaml", tmp_path / "plan.json"
    file.write_text(TWO_REGIONS.replace("rate: 45", "rate: 1e5"))
    result = run("solve", file, "--output", output, "--quiet")
    assert result.exit_code == 3, result.stderr
    plan = json.loads(output.read_text())
    assert plan["status"] == "infeasible"
    assert plan["objective_usd"] is None
    assert plan["diagnosis"]


def test_what_only_compiling_finds_is_told_with_file_and_line(file):
    """A job too short to be planned depends on how fast the offers are: found late, placed as anything else."""
    job = "  - {id: tiny, kind: job, runs: {throughput: {gpu: 10}},\n     work: 0.001}\n"
    file.write_text(INSTANCE + job + "quotas: {default_devices: 1}\n")
    result = run("solve", file)
    assert result.exit_code == 2
    assert f"{file}:12: workloads[id=tiny].work: is 0.001" in result.stderr


def test_what_only_the_audit_finds_is_told_with_file_and_line(file, tmp_path, monkeypatch):
    """What is wrong with the instance itself and comes to light while a plan is judged is placed in its file."""

    def finds_a_mistake(*_arguments, **_options):
        raise InputError([Issue("is no country", where="catalogue.inline.regions[id=oslo].country")])

    file.write_text(INSTANCE + "quotas: {default_devices: 1}\n")
    assert run("solve", file, "--output", tmp_path / "p.json", "--quiet").exit_code == 0
    monkeypatch.setattr(domicile, "audit", finds_a_mistake)
    result = run("audit", file, "--plan", tmp_path / "p.json")
    assert result.exit_code == 2
    assert f"{file}:6: catalogue.inline.regions[id=oslo].country: is no country" in result.stderr


@pytest.mark.parametrize("arguments", [("solve",), ("solve", "--json"), ("audit", "--plan", "p.json"), ("validate",)])
def test_a_reader_that_has_gone_leaves_the_exit_code_as_it_is(file, arguments, tmp_path):
    """`domicile solve FILE | head -1`: nobody reads the tables; the code still tells what became of the plan."""
    file.write_text(INSTANCE + "quotas: {default_devices: 1}\n")
    assert run("solve", file, "--output", tmp_path / "p.json", "--quiet").exit_code == 0
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "cli", arguments[0], str(file), *arguments[1:]]
    streams = {"stdout": writer, "stderr": subprocess.PIPE, "env": {**os.environ, "PYTHONPATH": str(ROOT)}}
    result = subprocess.run(command, **streams, text=True, cwd=tmp_path, check=False)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")


def test_exit_code_is_public():
    """The rule that maps a plan to its code is a plain function."""
    assert cli.exit_code(PLAN) == 0
    assert cli.exit_code(PLAN.model_copy(update={"status": "feasible"})) == 4
    assert cli.exit_code(PLAN.model_copy(update={"status": "infeasible"})) == 3
    assert cli.exit_code(PLAN.model_copy(update={"status": "feasible", "termination": "contradiction"})) == 1


def test_validate_refuses_what_solve_would_refuse(file):
    """An amount that only compiling finds too small to be planned: 2.8e-9 instance-hours."""
    job = "  - {id: dust, kind: job, work: 0.001, runs: {throughput: {gpu: 100}}}\n"
    text = INSTANCE.replace("workloads:\n", "workloads:\n" + job)
    assert job in text
    file.write_text(text + "quotas: {default_devices: 1}\n")
    for command in ("validate", "solve"):
        result = run(command, file)
        assert result.exit_code == 2
        assert "instance-hours" in result.stderr
        assert "\nMaybe it is another unit" in result.stderr


def proving(tmp_path: Path, edit=lambda plan: None, *arguments: str, **changes: object):
    """Solve the estate of two regions, edit its plan, and audit it with a proof."""
    file, output = tmp_path / "small.yaml", tmp_path / "plan.json"
    file.write_text(TWO_REGIONS)
    assert run("solve", file, "--output", output, "--quiet", "--threads", "1").exit_code == 0
    plan = json.loads(output.read_text())
    edit(plan)
    output.write_text(json.dumps({**plan, **changes}))
    return run("audit", file, "--plan", output, "--prove", "--threads", "1", *arguments)


def test_a_plan_that_is_proven_by_another_method(tmp_path):
    """The audit tells which, and the gap."""
    result = proving(tmp_path)
    assert result.exit_code == 0, result.output
    assert "proven: method decompose proves that no plan costs less than 110.00 USD" in result.stdout
    assert "method: decompose in" in result.stdout
    told = json.loads(proving(tmp_path, lambda plan: None, "--json").stdout)
    assert told["violations"] == []
    assert (told["proof"]["verdict"], told["proof"]["bound_usd"]) == ("proven", pytest.approx(110))


def test_a_plan_called_infeasible_though_one_exists_exits_1(tmp_path):
    """The plan that contradicts is in the JSON."""
    none = Plan(status="infeasible", termination="infeasible", method="direct").model_dump(mode="json")
    result = proving(tmp_path, lambda plan: plan.update(none), "--json")
    assert result.exit_code == 1
    proof = json.loads(result.stdout)["proof"]
    assert proof["verdict"] == "contradicted"
    assert proof["better"]["objective_usd"] == pytest.approx(110)
    assert "contradicted: method decompose found a plan of 110.00 USD" in result.stderr


def test_violations_count_before_what_is_proven(tmp_path):
    """A plan that breaks a rule is no plan, whatever its bound."""
    result = proving(tmp_path, lambda plan: plan["placements"][0].update(instances=1))
    assert result.exit_code == 5
    assert "Proof" in result.stdout


def test_what_the_time_leaves_undecided_exits_4(tmp_path, monkeypatch):
    """Nothing was found in time: neither proven nor contradicted."""
    none = Plan(status="no_plan", termination="time_limit")
    monkeypatch.setattr(sys.modules[domicile.prove.__module__], "solve", lambda *_, **__: none)
    result = proving(tmp_path)
    assert result.exit_code == 4
    assert "undecided: the time was up before method decompose decided" in result.stdout


def test_an_infeasible_file_that_is_proven_exits_as_the_solve_did(tmp_path):
    """Proven infeasible by another method as well: 3."""
    file, output = tmp_path / "small.yaml", tmp_path / "plan.json"
    file.write_text(TWO_REGIONS.replace("rate: 45", "rate: 1e5"))
    assert run("solve", file, "--output", output, "--quiet").exit_code == 3
    result = run("audit", file, "--plan", output, "--prove")
    assert result.exit_code == 3
    assert "proven:" in result.stdout
    assert "proves that no plan obeys every rule" in result.stdout


@pytest.mark.parametrize(
    "option", [("--gap", "0"), ("--method", "direct"), ("--time-limit", "5"), ("--threads", "1")]
)
def test_how_to_prove_without_proving_is_a_usage_error(file, tmp_path, option):
    """An option that would do nothing is refused by name."""
    result = run("audit", file, "--plan", tmp_path / "plan.json", *option)
    assert result.exit_code == 2
    assert f"{option[0]} is for --prove" in result.stderr
