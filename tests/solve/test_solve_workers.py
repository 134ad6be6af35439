"""Pricing by this thread, threads, processes and a Dask cluster: the same answers, whatever happens to the workers."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, Future

import numpy as np
import pytest
from helper_estate import coupled

import instances
from formulations import build_model
from optimizer.errors import InputError
from optimizer.solve.blocks import find_blocks
from optimizer.solve.covers import with_cover_rows
from optimizer.solve.decomposition import cluster as cluster_module
from optimizer.solve.decomposition import workers as workers_module
from optimizer.solve.decomposition.chunks import OtherReleaseError, release, solve_message
from optimizer.solve.decomposition.cluster import connect
from optimizer.solve.decomposition.cut import cut_model
from optimizer.solve.decomposition.pool import Pool
from optimizer.solve.decomposition.pricing import Pricing
from optimizer.solve.decomposition.processes import Processes
from optimizer.solve.decomposition.small import Effort, SmallProgram
from optimizer.solve.decomposition.workers import Workers, in_threads, is_address, open_workers
from optimizer.solve.hand_over import to_matrix
from optimizer.solve.watch import Watch

ROOT = instances.PATH.parent
EFFORT = Effort(gap=0.0, nodes=10_000, seconds=20.0)
posix = pytest.mark.skipif(os.name != "posix", reason="signals and process ids are POSIX")


@pytest.fixture(scope="module")
def parts():
    """Return a problem of 14 workloads, most of which need an integer program, and its cut."""
    problem = coupled(14, seed=5)
    matrix = with_cover_rows(to_matrix(build_model(problem)), problem)
    return problem, cut_model(matrix, find_blocks(matrix, problem))


@pytest.fixture(scope="module")
def cluster():
    """Start a cluster of two worker processes with a thread each."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=logging.CRITICAL
    ) as started:
        yield started


def priced(parts, workers):
    """Price all workloads twice, at no prices and at some; return bounds, costs and the pool."""
    problem, cut = parts
    pool = Pool(cut)
    pricing = Pricing(problem, cut, pool, Watch(120), threads=1, workers=workers)
    found = []
    for share in (0.0, -0.02):
        price = np.where(np.isfinite(cut.row_upper), share, 0.0)
        answer = pricing.price(price, EFFORT, settled=0.0, among=np.ones(len(cut.blocks), dtype=bool))
        assert answer is not None
        found += [answer.lower_usd, answer.upper_usd]
    return found, pool


def assert_same(one, other):
    """Bounds, costs and configurations agree to the last bit, in the same order."""
    assert all(np.array_equal(a, b) for a, b in zip(one[0], other[0], strict=True))
    assert len(one[1]) == len(other[1])
    assert one[1].workload.tolist() == other[1].workload.tolist()
    for number in range(len(one[1])):
        assert np.array_equal(one[1].columns[number], other[1].columns[number])
        assert np.array_equal(one[1].values[number], other[1].values[number])


def knapsacks(number):
    """Return small programs whose optima are known: min -sum(x) with sum(x) <= k + 0.5, x whole; and their optima."""
    programs = [
        (
            SmallProgram(
                cost=np.full(9, -1.0), lower=np.zeros(9), upper=np.ones(9), integer=np.ones(9, dtype=bool),
                indptr=np.arange(10), indices=np.zeros(9, dtype=np.int64), data=np.ones(9),
                row_lower=np.full(1, -np.inf), row_upper=np.full(1, k % 7 + 0.5),
            ),
            1.0,
        )
        for k in range(number)
    ]  # fmt: skip
    return programs, [-float(k % 7) for k in range(number)]


def costs(workers, number=40, watch=None):
    """Solve the knapsacks and return their costs beside those known."""
    programs, known = knapsacks(number)
    answers = workers.solve(iter(programs), number, EFFORT, watch or Watch(120))
    return None if answers is None else [answer.cost_usd for answer in answers], known


# --- the same answers -----------------------------------------------------------------------------------------------


def test_threads_processes_and_a_cluster_give_the_same(parts, cluster):
    """The same bounds and configurations, whoever solved the programs and in whichever order they were done."""
    alone = priced(parts, in_threads(1))
    assert len(alone[1]) > 14
    for choice in ("threads", "processes", cluster.scheduler_address):
        with open_workers(choice, 2) as workers:
            assert workers.count == 2
            assert_same(priced(parts, workers), alone)


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
def test_a_killed_process_loses_nothing(parts, caplog):
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
            found = priced(parts, workers)
        assert not workers.apart
        assert all(process.poll() is not None for process in executor._started)
    assert_same(found, priced(parts, in_threads(1)))
    assert [record.getMessage() for record in caplog.records if "threads of this process take over" in record.message]


def test_processes_that_cannot_be_started_are_replaced(monkeypatch):
    """No interpreter to be had: threads."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with open_workers("processes", 2) as workers:
        ours, known = costs(workers)
    assert ours == known
    assert not workers.apart


@posix
def test_cluster_workers_that_are_killed_lose_nothing():
    """All workers of a cluster gone for good, or the scheduler with them: threads take over."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as started,
        open_workers(started.scheduler_address) as workers,
    ):
        ours, known = costs(workers)
        assert ours == known
        assert workers.apart
        started.close()
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
    with pytest.raises(OtherReleaseError, match=r"domicile .* HiGHS"):
        solve_message("domicile 0.0.1 (00000000) with HiGHS 1.0.0", b"not even a pickle")


def test_workers_of_another_release_are_not_mixed_in(monkeypatch, caplog):
    """A worker that turns out to be of another release gives no answer; threads take over."""
    monkeypatch.setattr(workers_module, "release", lambda: "domicile 9.9 (00000000) with HiGHS 9.9")
    with open_workers("processes", 2) as workers, caplog.at_level(logging.WARNING, logger="optimizer"):
        ours, known = costs(workers)
    assert ours == known
    assert not workers.apart
    assert "OtherReleaseError" in caplog.text


def test_a_cluster_of_another_release_is_refused(monkeypatch, cluster):
    """At once, with the worker and both releases named."""
    monkeypatch.setattr(cluster_module, "release", _other_release)
    with pytest.raises(InputError) as refused:
        connect(cluster.scheduler_address)
    (issue,) = refused.value.issues
    assert issue.where == "workers"
    assert "another release" in issue.what
    assert "same domicile" in issue.maybe


def _other_release():
    return f"domicile 9.9 in process {os.getpid()}"


def test_the_release_names_domicile_and_highs():
    assert release().startswith("domicile 0.")
    assert "HiGHS 1." in release()


# --- addresses and connections --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["tcp://host:8786", "tls://a.b.example:1", "tcp://[::1]:8786", "tcp://10.0.0.1:65535"]
)
def test_addresses(address):
    assert is_address(address)


@pytest.mark.parametrize(
    "no_address",
    ["host:8786", "http://host:80", "tcp://host", "tcp://host:0", "tcp://host:65536", "tcp://:1", "", None, 3],
)
def test_no_addresses(no_address):
    assert not is_address(no_address)


def test_a_scheduler_that_is_not_there_is_told(monkeypatch):
    """Within the seconds it is given."""
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster_module, "CONNECT_SECONDS", 0.5)
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9(?s:.*)\nMaybe start one"):
        connect("tcp://127.0.0.1:9")


def test_what_never_answers_is_given_up(monkeypatch):
    """Something listens that is no scheduler and keeps whoever connects waiting; a late client is closed."""
    monkeypatch.setattr(cluster_module, "CONNECT_SECONDS", 0.05)
    monkeypatch.setattr(cluster_module, "GRACE_SECONDS", 0.05)
    late, closed = threading.Event(), threading.Event()

    class Client:
        def __init__(self, *arguments, **options):
            late.wait(60)

        def close(self, timeout):
            closed.set()

    with pytest.raises(ConnectionError, match="does not speak"):
        cluster_module._client(Client, "tcp://127.0.0.1:80")
    late.set()
    assert closed.wait(60)


def test_a_cluster_without_workers_is_told():
    """Work sent to it would wait for ever."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=logging.CRITICAL) as empty,
        pytest.raises(InputError, match=r"has no workers\nMaybe start some with dask worker tcp"),
    ):
        connect(empty.scheduler_address)


def test_without_distributed_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"distributed is not installed\nMaybe install domicile\[cluster\]"):
        connect("tcp://127.0.0.1:8786")


# --- processes ------------------------------------------------------------------------------------------------------


def test_a_worker_imports_little():
    """numpy, HiGHS and two modules: neither tables nor models, so that it starts in a moment."""
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
import optimizer
plan = optimizer.solve(optimizer.load({path!r}), gap=0.05, method="decompose", threads=2, workers="processes")
assert before == {number: signal.getsignal(number) for number in before}
print(plan.status)
"""


def test_an_embedding_script_needs_no_main_guard(tmp_path):
    """A script that solves while it is imported runs once, and its signal handlers stay."""
    script = tmp_path / "script.py"
    path = str(instances.PATH / "global-assistant.yaml")
    script.write_text(EMBEDDING.replace("{path!r}", repr(path)))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["begun", "optimal"]
    assert done.stderr == ""


def test_chunks_are_no_larger_than_their_share():
    """Messages of at most 16 programs, four or more for each worker; none is empty."""
    workers = Workers(2, pytest.fail, apart=True)
    for number, largest in ((1, 1), (31, 3), (500, 16)):
        programs, _ = knapsacks(number)
        sizes = [len(chunk.programs) for chunk in workers._chunks(iter(programs), number, EFFORT, Watch(60))]
        assert (sum(sizes), max(sizes)) == (number, largest)
        assert min(sizes) > 0
