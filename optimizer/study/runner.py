"""Running a study: every scenario once, on processes of this machine or the workers of a Dask cluster.

One code path: `solve_task` is handed to a `concurrent.futures.Executor`, and what comes back is written by this process
alone. What a run finished the next one does not solve again.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from optimizer import __version__
from optimizer.errors import InputError, Issue
from optimizer.instance.identity import instance_sha256
from optimizer.instance.models import Instance
from optimizer.study.folder import Record, StudyFolder
from optimizer.study.loading import Loaded
from optimizer.study.models import Scalar
from optimizer.study.solving import LOST, UNFINISHED, Outcome, Task, data_of, key_of, packed, solve_task
from optimizer.study.spanning import Scenario

LOOK_SECONDS, PARENT_EVERY_SECONDS = 0.2, 1.0
ENDED = "the process that solved it ended: it was killed, or memory ran out"
GUARD = "; a program of one's own calls run_study below if __name__ == '__main__'"
Opened = Callable[[], AbstractContextManager[tuple[Executor, int]]]
"""Opens an executor; with it comes how many tasks it solves at once."""


@dataclass(frozen=True)
class StudyProgress:
    """How far a run is: scenarios by what came of them, in this run and before; those left, and the time they take."""

    total: int
    done: int
    infeasible: int
    failed: int
    solved_now: int
    elapsed_seconds: float

    @property
    def left(self) -> int:
        """Scenarios without a result."""
        return self.total - self.done - self.infeasible - self.failed

    @property
    def left_seconds(self) -> float | None:
        """Time until the end at the rate so far; None before the first result."""
        return self.left * self.elapsed_seconds / self.solved_now if self.solved_now else None


@dataclass(frozen=True)
class _Base:
    """The instance of a base: packed, the folder of a catalogue or laws of its own, the checksums of its data."""

    packed: bytes
    folder: str | None
    data: tuple[str, ...]


def _base_of(instance: Instance) -> _Base:
    folder = None if instance.folder is None else str(instance.folder)
    return _Base(packed(instance), folder, data_of(instance))


class _Run:
    """The scenarios of one run: which are solved, which wait, and from which plan each starts."""

    def __init__(self, loaded: Loaded, folder: StudyFolder, progress: Any) -> None:
        self.folder, self._progress = folder, progress
        self.solve = loaded.study.solve.model_dump()
        self.bases = {name: _base_of(instance) for name, instance in loaded.instances.items()}
        self.recomputed = tuple(str(one.id) for one in loaded.study.metrics if one.id in LOST)
        self.keys = {one.id: self._key(one) for one in loaded.scenarios}
        self.records: dict[str, Record] = {}
        self.waiting: deque[Scenario] = deque()
        self.suspects: deque[Scenario] = deque()
        self._plans: dict[str, dict[str, Mapping[str, Scalar]]] = {name: {} for name in self.bases}
        self._begun, self._now = time.perf_counter(), 0
        for one in loaded.scenarios:
            record = folder.record(self.keys[one.id])
            if record is None or record["status"] == "failed" or self._had_less_time(record):
                self.waiting.append(one)
            else:
                self._know(one, record)

    def _key(self, scenario: Scenario) -> str:
        base = self.bases[scenario.base]
        return key_of(
            base.packed, scenario.changes, self.solve, base.data, frontier=scenario.frontier, recomputed=self.recomputed
        )

    def _had_less_time(self, record: Record) -> bool:
        """Whether a result is outside its gap, or has no plan, and was given less time than there is now."""
        is_open = record["status"] in UNFINISHED
        return is_open and bool(record["time_limit_seconds"] < self.solve["time_limit_seconds"])

    def _know(self, scenario: Scenario, record: Record) -> None:
        self.records[scenario.id] = {**record, **_called(scenario)}
        if record["has_plan"] and scenario.frontier is None:
            self._plans[scenario.base][scenario.id] = scenario.values

    def starts(self, scenario: Scenario) -> bool:
        """Return whether there is a plan of the scenario's base to start from."""
        return bool(self._plans[scenario.base])

    def task(self, scenario: Scenario) -> tuple[Task, str]:
        """Return the task of a scenario and the id of that whose plan it starts from ("" for none)."""
        if scenario.frontier is not None:
            base = self.bases[scenario.base]
            return Task(
                self.keys[scenario.id], base.packed, scenario.changes, self.solve, base.folder, data=base.data,
                frontier=scenario.frontier, recomputed=self.recomputed,
            ), ""  # fmt: skip
        own = self.folder.plan(self.keys[scenario.id])  # of less time
        nearest = scenario.id if own is not None else self._nearest(scenario)
        start = self.folder.plan(self.keys[nearest]) if nearest else None
        base = self.bases[scenario.base]
        columns = self._columns(scenario)
        task = Task(
            self.keys[scenario.id], base.packed, scenario.changes, self.solve, base.folder, start, base.data, columns,
            recomputed=self.recomputed,
        )  # fmt: skip
        return task, nearest

    def _columns(self, scenario: Scenario) -> bytes | None:
        """Return what the solve of the first solved scenario of its base handed on."""
        first = next(iter(self._plans[scenario.base]), None)
        return None if first is None else self.folder.columns(self.keys[first])

    def _nearest(self, scenario: Scenario) -> str:
        """Return the solved scenario of its base that differs in the values of the fewest axes, the last of several."""
        plans = self._plans[scenario.base]

        def distance(other: Mapping[str, Scalar]) -> int:
            return sum(scenario.values.get(axis) != other.get(axis) for axis in {*scenario.values, *other})

        return min(reversed(plans), key=lambda name: distance(plans[name]), default="")

    def keep(self, scenario: Scenario, outcome: Outcome, started_from: str) -> None:
        """Write what came of a scenario."""
        record: Record = {
            "key": outcome.key, **_called(scenario), "changes": list(scenario.changes), "status": outcome.status,
            "frontier": None if scenario.frontier is None else scenario.frontier["over"], "binds": list(outcome.binds),
            "warnings": list(outcome.warnings),
            **(outcome.figures or {}), "seconds": round(outcome.seconds, 3),
            "time_limit_seconds": self.solve["time_limit_seconds"], "reason": outcome.reason,
            "started_from": started_from, "has_plan": outcome.plan is not None,
            "points": [dict(point) for point in outcome.points],
        }  # fmt: skip
        self.folder.keep(record, outcome.plan, outcome.columns, outcome.plans)
        self._know(scenario, record)
        self._now += 1
        self.tell()

    def tell(self) -> None:
        """Report progress."""
        if self._progress is not None:
            self._progress(self.state())

    def state(self) -> StudyProgress:
        """How far the run is."""
        told = [record["status"] for record in self.records.values()]
        infeasible, failed = told.count("infeasible"), told.count("failed")
        return StudyProgress(
            len(self.keys), len(told) - infeasible - failed, infeasible, failed, self._now,
            time.perf_counter() - self._begun,
        )  # fmt: skip


def _called(scenario: Scenario) -> Record:
    """What a record says of its scenario; two scenarios with the same changes share their result."""
    return {
        "scenario": scenario.id, "base": scenario.base, "name": scenario.name, "rerun": scenario.rerun,
        "values": dict(scenario.values),
    }  # fmt: skip


def run_study(
    loaded: Loaded, folder: StudyFolder, *, workers: int | None = None, cluster: str | None = None,
    time_limit_seconds: float | None = None, progress: Callable[[StudyProgress], None] | None = None,
    cancel: threading.Event | None = None,
) -> StudyProgress:  # fmt: skip
    """Solve every scenario of a study that has no result yet, and write tables over all of them into the folder.

    Parameters
    ----------
    workers
        Processes of this machine, one solver thread each; None: one for each core.
    cluster
        Address of a Dask scheduler (`tcp://host:8786`; extra `cluster`) whose workers solve instead, as many at once as
        they have threads. They need the same domicile, and have to be trusted.
    time_limit_seconds
        After that no scenario is begun, and those being solved are given up: the next run solves them.
    progress, cancel
        Called after every result; set to stop as at the time limit.

    The processes are started anew (`spawn`): a program of one's own calls this below `if __name__ == "__main__":`.

    Raises
    ------
    InputError
        The folder cannot be written to, is held by another run or holds another study; the cluster cannot be reached,
        or lacks a catalogue or laws of one's own.
    """
    from optimizer.study.tables import study_tables

    own = next((one.folder for one in loaded.instances.values() if one.folder is not None), None)
    if cluster is not None and own is not None:
        what = f"its workers lack the folder {own}, whose catalogue or laws the instance names"
        raise InputError(Issue(what, where="cluster", maybe="run it on this machine (--workers)"))
    stop = cancel or threading.Event()
    until = math.inf if time_limit_seconds is None else time.perf_counter() + time_limit_seconds
    with folder.held():
        run = _Run(loaded, folder, progress)
        folder.write_manifest({
            "version": __version__, "study": loaded.study.model_dump(mode="json", by_alias=True),
            "bases": [{
                "name": name, "instance_sha256": instance_sha256(one), "folder": run.bases[name].folder,
                "currency": None if one.currency is None else one.currency.model_dump(mode="json"),
            } for name, one in loaded.instances.items()],
            "scenarios": [{**asdict(one), "key": run.keys[one.id]} for one in loaded.scenarios],
        }, {name: base.packed for name, base in run.bases.items()})  # fmt: skip
        run.tell()
        _drive(run, _opened(workers, cluster), lambda: stop.is_set() or time.perf_counter() > until)
        known = [run.records[one.id] for one in loaded.scenarios if one.id in run.records]
        folder.write_tables(study_tables(folder, known))
        return run.state()


def _drive(run: _Run, opened: Opened, over: Callable[[], bool]) -> None:
    """Hand out what waits until nothing does; after processes ended, those that ran there one by one."""
    while (run.waiting or run.suspects) and not over():
        running: dict[Future[Outcome], tuple[Scenario, str]] = {}
        try:
            with opened() as (executor, width):
                _until_none_runs(run, executor, running, width, over)
        except BrokenExecutor:
            _after_a_break(run, [scenario for scenario, _ in running.values()])
        except _GivenUpError:
            return


class _GivenUpError(Exception):
    """The run stops, and something is still being solved."""


def _until_none_runs(
    run: _Run, executor: Executor, running: dict[Future[Outcome], tuple[Scenario, str]], width: int,
    over: Callable[[], bool],
) -> None:  # fmt: skip
    while not over():
        _hand_out(run, executor, running, width)
        if not running:
            return
        done, _ = wait(running, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=lambda one: one.exception() is not None):
            outcome = future.result()
            run.keep(running[future][0], outcome, running.pop(future)[1])
    raise _GivenUpError


def _hand_out(run: _Run, executor: Executor, running: dict[Future[Outcome], tuple[Scenario, str]], width: int) -> None:
    if run.suspects:
        if not running:
            _submit(run, executor, running, run.suspects.popleft())
        return
    while len(running) < width:
        begun = {scenario.base for scenario, _ in running.values()}
        # the first plan of a base is what its other scenarios start from
        ready = next((one for one in run.waiting if run.starts(one) or one.base not in begun), None)
        if ready is None:
            return
        run.waiting.remove(ready)
        _submit(run, executor, running, ready)


def _submit(
    run: _Run, executor: Executor, running: dict[Future[Outcome], tuple[Scenario, str]], scenario: Scenario
) -> None:
    task, nearest = run.task(scenario)
    running[executor.submit(solve_task, task)] = scenario, nearest


def _after_a_break(run: _Run, ran: list[Scenario]) -> None:
    """Note what was running where a process ended: alone, it is what ended it."""
    if len(ran) == 1:
        reason = ENDED if run.records else ENDED + GUARD
        run.keep(ran[0], Outcome(run.keys[ran[0].id], "failed", 0.0, reason), "")
    else:
        run.suspects.extend(ran)


def _opened(workers: int | None, cluster: str | None) -> Opened:
    return (lambda: _processes(workers or os.cpu_count() or 1)) if cluster is None else (lambda: _dask(cluster))


@contextmanager
def _processes(width: int) -> Iterator[tuple[Executor, int]]:
    """Processes of this machine. They are made anew, since a solver's threads do not survive a fork."""
    executor = ProcessPoolExecutor(
        width, mp_context=multiprocessing.get_context("spawn"), initializer=_follow, initargs=(os.getpid(),)
    )
    try:
        yield executor, width
    except BaseException:  # what they still solve is given up
        for process in list((executor._processes or {}).values()):
            process.terminate()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _follow(parent: int) -> None:
    """Leave Ctrl-C, which goes to all processes of a terminal, to the one that hands out; end when that one is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_EVERY_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _dask(address: str) -> Iterator[tuple[Executor, int]]:
    try:
        from distributed import Client
    except ImportError:
        what = "a cluster needs the library distributed"
        raise InputError(Issue(what, where="cluster", maybe="pip install 'domicile[cluster]'")) from None
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(Issue(f"{address}: {error}", where="cluster", maybe="start dask scheduler there")) from None
    try:
        yield client.get_executor(pure=False), max(1, sum(client.nthreads().values()))
    finally:
        client.close()
