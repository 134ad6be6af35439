"""Pricing by this thread, threads and workers elsewhere: the same answers, whatever happens to the workers."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import replace

import pytest
from helper_programs import EFFORT, assert_same, costs, knapsacks, posix, priced

from optimizer import bundled
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition import workers as workers_module
from optimizer.solve.decomposition.chunks import release, solve_message
from optimizer.solve.decomposition.replies import RefusedError, decode
from optimizer.solve.decomposition.workers import Workers, in_threads, open_workers
from optimizer.solve.parameters import Parameters
from optimizer.solve.parameters import Workers as Waiting

ROOT = bundled.PATH.parent

# --- the same answers -----------------------------------------------------------------------------------------------


def _remote(count=2, make=None):
    """Workers that get their programs as bytes, as those of a cluster do."""
    return Workers(count, make or (lambda: ThreadPoolExecutor(count)), remote=True)


@pytest.mark.parametrize("workers", [in_threads(2), _remote()], ids=["threads", "remote"])
def test_whoever_solves_the_answers_are_the_same(workers):
    """The same bounds and configurations, in whichever order the programs were done."""
    alone = priced(in_threads(1))
    assert len(alone[1]) > 14
    with workers:
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
    workers = Workers(2, pytest.fail, remote=True)
    assert workers.solve(iter([]), 0, EFFORT, Watch(60)) == []
    workers.close()


def test_a_stopped_solve_gives_no_answer():
    """Cancelled before or amid the round: None, from every kind of worker, and nobody is waited for."""
    cancelled = Watch(60)
    cancelled.interrupt()
    for one in (open_workers("threads", 1), open_workers("threads", 2), _remote()):
        with one as workers:
            assert costs(workers, watch=cancelled)[0] is None
            assert costs(workers)[0] == costs(workers)[1]


# --- workers that fail ----------------------------------------------------------------------------------------------


class Dying(Executor):
    """Answers a few times, then never again."""

    def __init__(self):
        self.asked = 0

    def submit(self, task, /, *arguments, **options):
        self.asked += 1
        future = Future()
        if self.asked > 3:
            future.set_exception(BrokenExecutor("killed"))
        else:
            future.set_result(task(*arguments))
        return future


def test_workers_that_die_lose_nothing(caplog):
    """Killed amid pricing: threads take over, the log says so, the answers are the same."""
    with _remote(make=Dying) as workers:
        with caplog.at_level(logging.WARNING, logger="optimizer"):
            found = priced(workers)
        assert not workers.remote
    assert_same(found, priced(in_threads(1)))
    assert [record.getMessage() for record in caplog.records if "threads of this process take over" in record.message]


def test_workers_that_cannot_be_made_are_replaced():
    """No executor to be had: threads."""

    def refuse():
        raise OSError("no interpreter")

    with _remote(make=refuse) as workers:
        ours, known = costs(workers)
    assert ours == known
    assert not workers.remote


def test_a_silent_cluster_is_left():
    """Nothing comes back and nobody is left: threads take over."""

    class Silent(Executor):
        def submit(self, task, /, *arguments, **options):
            return Future()

    workers = Workers(2, Silent, remote=True, is_lost=lambda: True)
    watch = Watch(60, parameters=Parameters(workers=Waiting(ask_seconds=0.0, tick_seconds=0.01)))
    ours, known = costs(workers, watch=watch)
    assert ours == known


def test_an_error_of_the_program_itself_is_raised():
    """What fails in a thread as well is no matter of the workers."""
    with _remote(1) as workers, pytest.raises(AttributeError):
        workers.solve(iter([("no program", 1.0)]), 1, EFFORT, Watch(60))


# --- other releases -------------------------------------------------------------------------------------------------


def test_a_worker_of_another_release_refuses():
    """Before it reads what it was sent."""
    with pytest.raises(RefusedError, match=r"domicile .* HiGHS"):
        decode(solve_message("domicile 0.0.1 (00000000) with HiGHS 1.0.0", b"not even a pickle"), [])


def test_workers_of_another_release_are_not_mixed_in(monkeypatch, caplog):
    """A worker that turns out to be of another release gives no answer; threads take over."""
    monkeypatch.setattr(workers_module, "release", lambda: "domicile 9.9 (00000000) with HiGHS 9.9")
    with _remote() as workers, caplog.at_level(logging.WARNING, logger="optimizer"):
        ours, known = costs(workers)
    assert ours == known
    assert not workers.remote
    assert "is of release" in caplog.text


def test_the_release_names_domicile_and_highs():
    assert release().startswith("domicile 0.")
    assert "HiGHS 1." in release()


# --- workers elsewhere ----------------------------------------------------------------------------------------------


def test_a_worker_imports_little():
    """numpy, HiGHS and a few modules: neither tables nor models, so that it starts in a moment."""
    imports = "import sys; from optimizer.solve.decomposition import chunks"
    text = f"{imports}; chunks.release(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, cwd=ROOT, check=True)
    loaded = set(done.stdout.split())
    assert {"numpy", "highspy"} <= loaded
    assert not loaded & {"pandas", "pyomo", "pydantic", "scipy", "click", "rich", "yaml", "distributed", "formulations"}


ORPHAN = """\
import os, subprocess, sys, time
code = (
    "import os, sys; from optimizer.solve.decomposition.child_process import end_without; "
    "print(os.getpid(), flush=True); end_without(int(sys.argv[1]))"
)
subprocess.Popen([sys.executable, "-c", code, str(os.getpid())], start_new_session=True)
time.sleep(600)
"""


@posix
def test_no_process_outlives_a_parent_that_is_killed():
    """The process that speaks to a cluster looks once a second whether its parent is still there."""
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 30
    while is_running(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid):
    """Whether there is such a process, other than one that only waits to be reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def test_chunks_are_no_larger_than_their_share():
    """Messages of at most 16 programs and a minute, four or more for each worker; none is empty."""
    workers = Workers(2, pytest.fail, remote=True)
    for number, seconds, largest in ((1, 2.0, 1), (31, 2.0, 3), (500, 2.0, 16), (500, 20.0, 3), (500, 61.0, 1)):
        programs, _ = knapsacks(number)
        effort = replace(EFFORT, seconds=seconds)
        sizes = [len(chunk.programs) for chunk in workers._chunks(iter(programs), number, effort, Watch(60))]
        assert (sum(sizes), max(sizes)) == (number, largest)
        assert min(sizes) > 0
