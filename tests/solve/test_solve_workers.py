"""Pricing by this thread, threads and processes: the same answers, whatever happens to the workers."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import replace

import pytest
from helper_programs import EFFORT, assert_same, costs, knapsacks, posix, priced

from optimizer import bundled
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition import workers as workers_module
from optimizer.solve.decomposition.chunks import release, solve_message
from optimizer.solve.decomposition.processes import Processes
from optimizer.solve.decomposition.replies import RefusedError, decode
from optimizer.solve.decomposition.workers import Workers, in_threads, open_workers

ROOT = bundled.PATH.parent

# --- the same answers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", ["threads", "processes"])
def test_whoever_solves_the_answers_are_the_same(choice):
    """The same bounds and configurations, in whichever order the programs were done."""
    alone = priced(in_threads(1))
    assert len(alone[1]) > 14
    with open_workers(choice, 2) as workers:
        assert workers.count == 2
        assert_same(priced(workers), alone)


def test_answers_come_in_the_order_of_the_programs():
    """Whichever answers come first; no program is cut before there is room for it."""
    cut = []
    programs, known = knapsacks(30)

    class Late(Executor):
        """Answers when three are waiting, the last one first."""

        held: list = []

        def submit(self, task, /, *arguments, **options):
            future = Future()
            self.held.append((future, task, arguments))
            if len(self.held) == 3:
                for waiting, todo, given in reversed(self.held):
                    waiting.set_result(todo(*given))
                self.held.clear()
            return future

        def shutdown(self, wait=True, *, cancel_futures=False):
            return None

    workers = Workers(2, Late)
    answers = workers.solve((cut.append(k) or one for k, one in enumerate(programs)), 30, EFFORT, Watch(60))
    assert [answer.cost_usd for answer in answers] == known
    assert cut == list(range(30))


def test_nothing_to_solve_starts_nothing():
    """An empty round makes no executor."""
    workers = Workers(2, pytest.fail, apart=True)
    assert workers.solve(iter([]), 0, EFFORT, Watch(60)) == []
    workers.close()


def test_several_threads_solve_at_once_with_processes_of_their_own():
    """Four solves, two processes each, at the same time."""
    found = {}

    def work(number):
        with open_workers("processes", 2) as workers:
            found[number] = costs(workers, 20 + number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 1, 2, 3]
    assert all(ours == known for ours, known in found.values())


def test_a_stopped_solve_gives_no_answer():
    """Cancelled before or amid the round: None, from every kind of worker, and nobody is waited for."""
    cancelled = Watch(60)
    cancelled.interrupt()
    for choice, threads in (("threads", 1), ("threads", 2), ("processes", 2)):
        with open_workers(choice, threads) as workers:
            assert costs(workers, watch=cancelled)[0] is None
            assert costs(workers)[0] == costs(workers)[1]


# --- workers that fail ----------------------------------------------------------------------------------------------


@posix
def test_a_killed_process_loses_nothing(caplog):
    """Killed amid pricing: threads take over, the log says so, the answers are the same, the other process ends."""
    with open_workers("processes", 2) as workers:
        executor = workers.open()
        submit = executor.submit

        def deadly(task, /, *arguments, **options):
            future = submit(task, *arguments, **options)
            if executor._started:
                os.kill(executor._started[0].pid, signal.SIGKILL)
            return future

        executor.submit = deadly
        with caplog.at_level(logging.WARNING, logger="optimizer"):
            found = priced(workers)
        assert not workers.apart
        assert all(process.poll() is not None for process in executor._started)
    assert_same(found, priced(in_threads(1)))
    assert [record.getMessage() for record in caplog.records if "threads of this process take over" in record.message]


def test_processes_that_cannot_be_started_are_replaced(monkeypatch):
    """No interpreter to be had: threads."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with open_workers("processes", 2) as workers:
        ours, known = costs(workers)
    assert ours == known
    assert not workers.apart


def test_a_silent_cluster_is_left(monkeypatch):
    """Nothing comes back and nobody is left: threads take over."""
    monkeypatch.setattr(workers_module, "ASK_SECONDS", 0.0)
    monkeypatch.setattr(workers_module, "TICK_SECONDS", 0.01)

    class Silent(Executor):
        def submit(self, task, /, *arguments, **options):
            return Future()

    workers = Workers(2, Silent, apart=True, is_lost=lambda: True)
    ours, known = costs(workers)
    assert ours == known


def test_an_error_of_the_program_itself_is_raised():
    """What fails in a thread as well is no matter of the workers."""
    with open_workers("processes", 1) as workers, pytest.raises(AttributeError):
        workers.solve(iter([("no program", 1.0)]), 1, EFFORT, Watch(60))


# --- other releases -------------------------------------------------------------------------------------------------


def test_a_worker_of_another_release_refuses():
    """Before it reads what it was sent."""
    with pytest.raises(RefusedError, match=r"domicile .* HiGHS"):
        decode(solve_message("domicile 0.0.1 (00000000) with HiGHS 1.0.0", b"not even a pickle"), [])


def test_workers_of_another_release_are_not_mixed_in(monkeypatch, caplog):
    """A worker that turns out to be of another release gives no answer; threads take over."""
    monkeypatch.setattr(workers_module, "release", lambda: "domicile 9.9 (00000000) with HiGHS 9.9")
    with open_workers("processes", 2) as workers, caplog.at_level(logging.WARNING, logger="optimizer"):
        ours, known = costs(workers)
    assert ours == known
    assert not workers.apart
    assert "is of release" in caplog.text


def test_the_release_names_domicile_and_highs():
    assert release().startswith("domicile 0.")
    assert "HiGHS 1." in release()


# --- processes ------------------------------------------------------------------------------------------------------


def test_a_worker_imports_little():
    """numpy, HiGHS and three modules: neither tables nor models, so that it starts in a moment."""
    imports = "import sys; from optimizer.solve.decomposition import chunks, processes"
    text = f"{imports}; chunks.release(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, cwd=ROOT, check=True)
    loaded = set(done.stdout.split())
    assert {"numpy", "highspy"} <= loaded
    assert not loaded & {"pandas", "pyomo", "pydantic", "scipy", "click", "rich", "yaml", "distributed", "formulations"}


def test_a_task_may_fail_and_the_process_goes_on():
    with Processes(1) as executor:
        with pytest.raises(ZeroDivisionError):
            executor.submit(divmod, 1, 0).result(60)
        assert executor.submit(divmod, 7, 2).result(60) == (3, 1)
        assert len(executor._started) == 1
    assert executor._started[0].returncode is not None


def test_ended_processes_leave_no_future_open():
    """Shut down amid a task, without waiting: its future fails at once, and later tasks are refused."""
    executor = Processes(1)
    running = executor.submit(time.sleep, 600)
    while not executor._started:
        time.sleep(0.01)
    executor.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(BrokenExecutor):
        running.result(60)
    with pytest.raises(RuntimeError):
        executor.submit(time.sleep, 0)


ORPHANS = """\
import os, sys, time
from optimizer.solve.decomposition.processes import Processes
from optimizer.solve.decomposition.replies import RefusedError, decode
executor = Processes(2)
busy = executor.submit(time.sleep, 600)
while len(executor._started) < 2:
    executor.submit(os.getpid).result()
if {forks}:
    if os.fork() == 0:  # holds the ends of the pipes open
        time.sleep(600)
print(*(process.pid for process in executor._started), flush=True)
time.sleep(600)
"""


@posix
@pytest.mark.parametrize("forks", [False, True])
def test_no_process_outlives_a_parent_that_is_killed(forks):
    """Whether idle or amid a task, and even where a child of the parent holds the pipes."""
    parent = subprocess.Popen(
        [sys.executable, "-c", ORPHANS.format(forks=forks)], stdout=subprocess.PIPE, text=True, cwd=ROOT,
        start_new_session=True,
    )  # fmt: skip
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    try:
        deadline = time.monotonic() + 30
        while any(is_running(pid) for pid in pids):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        if forks:
            os.killpg(parent.pid, signal.SIGKILL)


def is_running(pid):
    """Whether there is such a process, other than one that only waits to be reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


EMBEDDING = """\
import os, signal
print("begun")
before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
import domicile
plan = domicile.solve(domicile.load({path!r}), gap=0.05, method="decompose", threads=2, workers="processes")
assert before == {number: signal.getsignal(number) for number in before}
print(plan.status)
"""


def test_an_embedding_script_needs_no_main_guard(tmp_path):
    """A script that solves while it is imported runs once, and its signal handlers stay."""
    script = tmp_path / "script.py"
    path = str(bundled.PATH / "emerging-markets.yaml")
    script.write_text(EMBEDDING.replace("{path!r}", repr(path)))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["begun", "optimal"]
    assert done.stderr == ""


def test_chunks_are_no_larger_than_their_share():
    """Messages of at most 16 programs and a minute, four or more for each worker; none is empty."""
    workers = Workers(2, pytest.fail, apart=True)
    for number, seconds, largest in ((1, 2.0, 1), (31, 2.0, 3), (500, 2.0, 16), (500, 20.0, 3), (500, 61.0, 1)):
        programs, _ = knapsacks(number)
        effort = replace(EFFORT, seconds=seconds)
        sizes = [len(chunk.programs) for chunk in workers._chunks(iter(programs), number, effort, Watch(60))]
        assert (sum(sizes), max(sizes)) == (number, largest)
        assert min(sizes) > 0
