"""HiGHS in a process of its own: the same answers, and an end to it when it does not end by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from small_models import knapsack, make_matrix

from optimizer import bundled
from optimizer.errors import InternalError
from optimizer.solve.deadline import Watch
from optimizer.solve.highs import runners
from optimizer.solve.highs.call import polish, run
from optimizer.solve.solution import Termination

HARD = knapsack(250, 20)
ROOT = bundled.PATH.parent
posix = pytest.mark.skipif(os.name != "posix", reason="signals stand in for a solver that is silent")


@pytest.fixture
def started(monkeypatch):
    """The processes that runs have started."""
    found: list[subprocess.Popen] = []

    class Noted(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            found.append(self)

    monkeypatch.setattr(runners.subprocess, "Popen", Noted)
    return found


def test_same_answers_apart(started):
    """Optimum, infeasible and unbounded are what they are in a thread, and the process is gone afterwards."""
    easy = knapsack(25, 3)
    here, there = run(easy, Watch(20), apart=False), run(easy, Watch(20), apart=True)
    assert there.termination is Termination.GAP_REACHED
    assert there.objective_usd == pytest.approx(here.objective_usd)
    assert there.bound_usd == pytest.approx(here.bound_usd)
    clash = make_matrix([1.0, 1.0], [[1.0, 1.0], [1.0, 1.0]], [2.0, -np.inf], [np.inf, 1.0], [5, 5])
    assert run(clash, Watch(20), apart=True).termination is Termination.INFEASIBLE
    falling = make_matrix([-2.0, 1.0], [[1.0, -1.0]], [-np.inf], [1.0], [np.inf, np.inf], integer=False)
    with pytest.raises(InternalError, match="unbounded"):
        run(falling, Watch(20), apart=True)
    assert len(started) == 3
    assert all(process.poll() is not None for process in started)


def test_duals_come_back_from_apart():
    """x + y >= 3 at 2 and 5 USD: the row is worth 2 USD per unit."""
    matrix = make_matrix([2.0, 5.0], [[1.0, 1.0]], [3.0], [np.inf], [9, 9], integer=False)
    result = run(matrix, Watch(20), apart=True)
    assert result.row_dual.tolist() == pytest.approx([2.0])
    assert result.column_dual.tolist() == pytest.approx([0.0, 3.0])


def test_incumbents_and_bounds_are_heard():
    """Improving solutions and bounds arrive while the other process is at work."""
    heard, reports = [], []
    result = run(HARD, Watch(3.0, progress=reports.append), apart=True, on_incumbent=heard.append, reports=True)
    assert result.termination is Termination.TIME_LIMIT
    assert min(HARD.objective(x) for x in heard) == pytest.approx(result.objective_usd)
    assert any(report.bound_usd is not None for report in reports)


def test_a_better_plan_offered_is_taken():
    """Without its own heuristics HiGHS still ends with what was handed in."""
    good = run(HARD, Watch(60), gap=0.02, apart=False).x
    enough, cancel = HARD.objective(good) + 1e-6, threading.Event()
    result = run(
        HARD, Watch(60, cancel), apart=True, offer=lambda: good, options={"mip_heuristic_effort": 0.0},
        on_incumbent=lambda x: cancel.set() if HARD.objective(x) <= enough else None,
    )  # fmt: skip
    assert result.objective_usd <= enough


def test_cancel_ends_a_run_apart():
    """The event set from another thread reaches the other process; the plan found is kept."""
    cancel = threading.Event()
    result = run(HARD, Watch(60, cancel), apart=True, on_incumbent=lambda _x: cancel.set())
    assert result.termination is Termination.INTERRUPTED
    assert result.x is not None


@posix
def test_a_silent_solver_is_ended_and_its_plan_kept(started):
    """HiGHS that looks at no clock any more is ended after the limit: incumbent and bound are what it told before."""
    seen = threading.Event()

    def freeze(_x) -> None:
        seen.set()
        started[0].send_signal(signal.SIGSTOP)

    begun = time.monotonic()
    result = run(HARD, Watch(4.0), apart=True, on_incumbent=freeze)
    assert seen.is_set()
    assert time.monotonic() - begun < 20.0
    assert result.termination is Termination.TIME_LIMIT
    assert HARD.is_feasible(polish(HARD, result.x, Watch(5)))
    assert started[0].poll() is not None


@posix
def test_a_full_pipe_does_not_keep_the_limit_from_being_noticed(started):
    """What is offered to a solver that reads nothing any more (160 kB a time) is not waited for."""
    wide = knapsack(20_000, 2)
    nothing = np.zeros(20_000)

    def offer():
        if started:
            started[0].send_signal(signal.SIGSTOP)
        return nothing

    begun = time.monotonic()
    assert run(wide, Watch(2.0), apart=True, offer=offer).termination is Termination.TIME_LIMIT
    assert time.monotonic() - begun < 20.0


@posix
def test_a_broken_solver_is_a_limit_with_its_plan_kept(started):
    """A process that dies (out of memory) leaves what it told, and says so."""
    result = run(HARD, Watch(20.0), apart=True, on_incumbent=lambda _x: started[0].kill())
    assert result.termination is Termination.LIMIT
    assert result.x is not None


@pytest.mark.parametrize("program", ["/no/such/python", "true"])
def test_without_a_process_it_runs_in_a_thread(program, monkeypatch):
    """A python that cannot be started, or that does not do what it is told, is no reason to fail."""
    monkeypatch.setattr(sys, "executable", program)
    assert run(knapsack(25, 3), Watch(20), apart=True).termination is Termination.GAP_REACHED


def test_a_module_in_the_working_folder_is_not_taken_for_a_known_one(tmp_path, monkeypatch):
    """A file json.py where the user happens to be does not end up in the other process."""
    (tmp_path / "json.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    ready = []
    monkeypatch.setattr(runners.Apart, "_hear", _noting(ready, runners.Apart._hear))
    assert run(knapsack(25, 3), Watch(20), apart=True).termination is Termination.GAP_REACHED
    assert ready


def _noting(seen, hear):
    def noting(self, kind, content):
        seen.append(kind)
        hear(self, kind, content)

    return noting


STUBBORN = """\
import sys
sys.path[:0] = {paths!r}
import os, signal
from small_models import knapsack
from optimizer.solve.highs import runners
from optimizer.solve.highs.call import run
from optimizer.solve.deadline import Watch
old = runners.Apart._hear
def hear(self, kind, content):
    old(self, kind, content)
    if kind == "ready":
        os.kill(self._process.pid, signal.SIGSTOP if {stops} else 0)
        print(self._process.pid, flush=True)
runners.Apart._hear = hear
run(knapsack(250, 20), Watch({limit}), apart=True)
"""


def script(**values) -> list[str]:
    """A Python program that runs a hard model apart."""
    paths = [str(ROOT), str(Path(__file__).parent)]
    return [sys.executable, "-c", STUBBORN.format(paths=paths, **values)]


@posix
def test_the_process_of_the_user_ends_after_the_limit():
    """No thread and no process keeps a program alive whose solve has returned."""
    done = subprocess.run(script(stops=True, limit=1.0), capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert not _lives(int(done.stdout))


@posix
def test_the_solver_ends_with_the_program_that_started_it():
    """A program that is killed leaves no solver behind."""
    program = subprocess.Popen(script(stops=False, limit=60.0), stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    solver = int(program.stdout.readline())
    assert _lives(solver)
    program.kill()
    program.wait()
    program.stdout.close()
    for _ in range(100):
        if not _lives(solver):
            return
        time.sleep(0.1)
    os.kill(solver, signal.SIGKILL)
    pytest.fail("the solver went on")


def _lives(process: int) -> bool:
    """Whether a process exists and is not merely waiting to be collected."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        return not Path("/proc").is_dir()
