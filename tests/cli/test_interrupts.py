"""Ctrl-C in every phase of `domicile solve`, the time limit, and what is on the disk when it is killed."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from helper_command import run

import domicile
from optimizer import bundled
from optimizer.errors import InternalError
from optimizer.plan.files import write_all, write_whole
from optimizer.plan.models import Plan
from optimizer.terminal import run_interruptible

ROOT = bundled.PATH.parent
posix = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")

TOY = """\
name: toy
horizon: {start: 2027-01-01, hours: 10}
catalogue:
  use: inline
  inline:
    regions:
      - {id: oslo, country: NO, pue: 1.0, grid_g_per_kwh: 20, wue_l_per_kwh: 0}
      - {id: rome, country: IT, pue: 1.0, grid_g_per_kwh: 300, wue_l_per_kwh: 0}
    offers:
      - {sku: box, region: oslo, accelerator: gpu, usd_per_hour: 1, idle_kw: 1, load_kw: 1, embodied_kg_per_hour: 0}
      - {sku: box, region: rome, accelerator: gpu, usd_per_hour: 1, idle_kw: 1, load_kw: 1, embodied_kg_per_hour: 0}
laws: {use: none}
target_utilisation: 1.0
quotas: {limits: [{accelerator: gpu, region: oslo, devices: 2}, {accelerator: gpu, region: rome, devices: 9}]}
workloads:
  - {id: chat, kind: service, runs: {throughput: {gpu: 10}}, streams: [{origin: NO, rate: 45}]}
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """Five boxes at 1 USD/h; two fit in Oslo at 0.02 kg/h each, the others emit 0.3 kg/h in Rome."""
    path = tmp_path / "toy.yaml"
    path.write_text(TOY)
    return path


# --- interrupts ---------------------------------------------------------------------------------------------------

INTERRUPTED = """\
import importlib, os, signal, sys
def interrupt_at(module, name):
    home = importlib.import_module(module)
    holder, _, name = name.rpartition(".")
    home = getattr(home, holder) if holder else home
    old = getattr(home, name)
    def wrapped(*arguments, **options):
        if {when}:
            setattr(home, name, old)
            os.kill(os.getpid(), signal.SIGINT)
        return old(*arguments, **options)
    setattr(home, name, wrapped)
interrupt_at({module!r}, {name!r})
from domicile import cli
cli.main({arguments!r})
"""


def interrupted(module: str, name: str, *arguments: str | Path, when: str = "True") -> subprocess.CompletedProcess:
    """Run the command line; it gets a SIGINT as soon as a function is called."""
    text = INTERRUPTED.format(module=module, name=name, when=when, arguments=[str(a) for a in arguments])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, env=environment, timeout=300, check=False
    )


@posix
def test_interrupted_while_loading(toy, tmp_path):
    """Nothing is known yet: exit code 4, a word on stderr, nothing written."""
    output = tmp_path / "plan.json"
    done = interrupted("optimizer.instance.load", "load", "solve", toy, "--output", output)
    assert done.returncode == 4
    assert done.stderr == "Interrupted\n"
    assert not output.exists()


@posix
def test_interrupted_while_compiling(toy, tmp_path):
    """No plan yet: exit code 4, and the file says so."""
    output = tmp_path / "plan.json"
    done = interrupted("optimizer.compile", "compile_instance", "solve", toy, "--output", output)
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    plan = Plan.read(output)
    assert (plan.status, plan.termination, plan.placements) == ("no_plan", "interrupted", ())


@posix
def test_interrupted_while_auditing(toy, tmp_path):
    """The audit goes on: the plan, proven by then, is written."""
    output = tmp_path / "plan.json"
    done = interrupted("optimizer.run", "audited", "solve", toy, "--output", output)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert domicile.audit(domicile.load(toy), Plan.read(output)).ok


@posix
@pytest.mark.parametrize(
    ("method", "workers"),
    [
        (method, "threads") for method in ("direct", "kernel", "decompose")
    ],
)
def test_interrupted_while_solving(method, workers, tmp_path):
    """As soon as there is a plan: it is kept, audited and written, with exit code 4 and its gap."""
    output = tmp_path / "plan.json"
    done = interrupted(
        "optimizer.solve.deadline", "Watch.note", "solve", bundled.PATH / "emerging-markets.yaml", "--gap", "0",
        "--method", method, "--workers", workers, "--output", output, "--time-limit", "60", "--quiet",
        when="len(arguments) > 1 and arguments[1] is not None or options.get('incumbent_usd') is not None",
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert done.stderr == ""
    plan = Plan.read(output)
    assert (plan.status, plan.termination) == ("feasible", "interrupted")
    assert plan.placements


@posix
@pytest.mark.parametrize(
    "place", ["optimizer.compile.compile_instance", "optimizer.plan.read.read_plan", "optimizer.audit.audit"]
)
def test_a_library_call_interrupted_outside_the_solver(toy, monkeypatch, place):
    """`domicile.solve` in the main thread: none while compiling; a plan held is read, audited and returned."""
    module, _, name = place.rpartition(".")
    home = importlib.import_module(module)
    old = getattr(home, name)

    def interrupted_at(*arguments, **options):
        signal.raise_signal(signal.SIGINT)
        return old(*arguments, **options)

    monkeypatch.setattr(home, name, interrupted_at)
    cancel = threading.Event()
    plan = domicile.solve(domicile.load(toy), cancel=cancel)
    assert cancel.is_set()
    if name == "compile_instance":
        assert (plan.status, plan.termination) == ("no_plan", "interrupted")
    else:
        assert plan.status == "optimal"
        assert plan.placements


def test_ctrl_c_asks_for_the_best_plan():
    """The first SIGINT sets the cancel event; what the solve then returns is kept."""

    def solve(progress, cancel):
        os.kill(os.getpid(), signal.SIGINT)
        assert cancel.wait(60)
        return "best so far"

    before = signal.getsignal(signal.SIGINT)
    assert run_interruptible(solve, display=False) == "best so far"
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_leaves_with_4(tmp_path):
    """A solve that does not stop is left at once, with exit code 4."""
    script = tmp_path / "stubborn.py"
    script.write_text(
        "import os, signal, threading, time\n"
        "from optimizer.terminal import run_interruptible\n"
        "def solve(progress, cancel):\n"
        "    os.kill(os.getpid(), signal.SIGINT); cancel.wait(60)\n"
        "    os.kill(os.getpid(), signal.SIGINT); time.sleep(600)\n"
        "run_interruptible(solve, display=False)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, script], env=environment, timeout=100, check=False).returncode == 4


def test_errors_of_the_solving_thread_surface():
    """What the solve raises is raised to the caller, also from a thread that cannot set signal handlers."""

    def solve(progress, cancel):
        raise InternalError("none")

    caught: list[Exception] = []

    def call() -> None:
        try:
            run_interruptible(solve, display=False)
        except InternalError as error:
            caught.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join(60)
    assert len(caught) == 1


# --- limits ---------------------------------------------------------------------------------------------------------


def test_no_plan_in_time_is_written_and_is_nothing_to_audit(toy, tmp_path):
    """Stopped before anything was found: a file with the header and no placements, 4; its audit says so, 4."""
    output, tables = tmp_path / "plan.json", tmp_path / "tables"
    result = run("solve", toy, "--time-limit", "0.000001", "--output", output, "--tables", tables, "--quiet")
    assert result.exit_code == 4, result.output
    assert "no plan was found before it was stopped" in result.stderr
    written = json.loads(output.read_text())
    assert (written["status"], written["termination"]) == ("no_plan", "time_limit")
    assert (written["objective_usd"], written["bound_usd"], written["gap"]) == (None, None, None)
    assert written["placements"] == []
    assert written["instance_sha256"] == domicile.instance_sha256(domicile.load(toy))
    assert written["versions"]["catalogue"] == "inline"
    assert (tables / "placements.csv").read_text().startswith("workload,")
    judged = run("audit", toy, "--plan", output)
    assert judged.exit_code == 4
    assert "nothing to audit" in judged.stdout
    assert "nothing to audit" in judged.stderr


def test_an_infeasible_plan_file_is_nothing_to_audit(toy, tmp_path):
    """The file of an infeasible instance holds the reasons; its audit exits as the solve did, with 3."""
    output = tmp_path / "plan.json"
    toy.write_text(TOY.replace("rate: 45", "rate: 450"))
    assert run("solve", toy, "--output", output, "--quiet").exit_code == 3
    assert json.loads(output.read_text())["diagnosis"]
    judged = run("audit", toy, "--plan", output)
    assert judged.exit_code == 3
    assert "nothing to audit" in judged.stderr


def test_then_carbon_by_hand(toy, tmp_path):
    """Five boxes cost 50 USD wherever they are; least carbon is two in Oslo, three in Rome: 0.4 + 9 kg."""
    output = tmp_path / "plan.json"
    assert run("solve", toy, "--then", "carbon", "--output", output, "--quiet").exit_code == 0
    plan = Plan.read(output)
    assert plan.objective_usd == plan.bound_usd == pytest.approx(50)
    assert plan.carbon_kg == pytest.approx(9.4)
    assert plan.least_carbon is not None
    assert plan.least_carbon.status == "optimal"
    assert plan.least_carbon.bound_kg == pytest.approx(9.4)
    assert plan.least_carbon.cost_cap_usd == pytest.approx(50)
    assert {row.region: row.instances for row in plan.placements} == pytest.approx({"oslo": 2, "rome": 3})
    assert run("audit", toy, "--plan", output).exit_code == 0
    assert run("solve", toy, "--json").stdout.count('"least_carbon": null') == 1


# --- files ----------------------------------------------------------------------------------------------------------


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    """A failure half-way leaves the old file, and nothing beside it."""
    target = tmp_path / "plan.json"
    target.write_text("old")
    target.chmod(0o640)

    def fails(stream):
        stream.write("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(target, fails)
    assert target.read_text() == "old"
    write_whole(target, lambda stream: stream.write("new"))
    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]
    assert target.stat().st_mode & 0o777 == 0o640


def test_tables_are_replaced_together(tmp_path):
    """One table that cannot be written leaves all the old ones."""

    def fails(_stream):
        raise OSError("disk full")

    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(OSError, match="disk full"):
        write_all({tmp_path / "a.csv": lambda stream: stream.write("new"), tmp_path / "b.csv": fails})
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.csv", "old")]


@posix
def test_a_pipe_is_written_to(toy):
    """`--output /dev/stdout` prints the plan; the device is not replaced by a file."""
    command = [sys.executable, "-m", "cli", "solve", str(toy), "--quiet", "--output", "/dev/stdout"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "optimal"
    assert Path("/dev/stdout").is_symlink()


KILLED = """\
import os, signal, sys
from optimizer.plan.models import Plan
plan = Plan.read({source!r})
def stop(stream):
    stream.write(plan.to_json()[:100]); stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)
from optimizer.plan.files import write_whole
write_whole({target!r}, stop)
"""


@posix
def test_killed_while_writing_leaves_the_old_file(toy, tmp_path):
    """A process that dies with half a plan written has not touched the plan that was there."""
    output = tmp_path / "plan.json"
    assert run("solve", toy, "--output", output, "--quiet").exit_code == 0
    before = output.read_bytes()
    text = KILLED.format(source=str(output), target=str(output))
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert output.read_bytes() == before


# --- several at once ------------------------------------------------------------------------------------------------


def test_solves_in_several_threads_do_not_disturb_each_other(toy):
    """Six at once, one of them cancelled from the start: the same plan five times, and one without."""
    instance = domicile.load(toy)
    cancel = threading.Event()
    cancel.set()
    found: dict[int, Plan] = {}

    def work(number: int) -> None:
        found[number] = domicile.solve(
            instance, threads=1 + number % 2, then="carbon", cancel=cancel if number == 3 else None
        )

    workers = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found.pop(3).status == "no_plan"
    assert {round(plan.objective_usd or 0.0, 6) for plan in found.values()} == {50.0}
    assert {round(plan.carbon_kg or 0.0, 6) for plan in found.values()} == {9.4}


def test_the_limit_covers_reading_and_audit():
    """A real instance to a gap of 0, which takes about as long: back within the limit and room for a slow machine."""
    instance = domicile.load(bundled.PATH / "quickstart.yaml")
    begun = time.monotonic()
    plan = domicile.solve(instance, gap=0.0, time_limit_seconds=4.0, method="decompose", threads=1)
    assert time.monotonic() - begun < 4.0 + 10.0
    assert plan.termination in {"time_limit", "gap_reached"}
    assert plan.placements
