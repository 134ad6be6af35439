"""Who solves the small programs of pricing: this thread, threads, processes of this machine, or a Dask cluster.

All are executors of `concurrent.futures`, fed in the same way: chunks go out and answers come back in order, however
many workers there are and whichever answers first. Answers do not depend on who gave them; where processes or the
cluster fail, threads of this process take over.
"""

from __future__ import annotations

import logging
import os
import pickle
import re
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from itertools import islice
from typing import Any

from optimizer.solve.decomposition.chunks import Chunk, answers_of, release, solve_chunk, solve_message
from optimizer.solve.decomposition.small import Effort, SmallAnswer, SmallProgram
from optimizer.solve.watch import Watch

log = logging.getLogger(__name__)

ADDRESS = re.compile(r"(tcp|tls)://(\[[0-9A-Fa-f:.%]+\]|[^\s\[\]/:@]+):(\d{1,5})")
MOST_IN_MESSAGE, MESSAGES_PER_WORKER = 16, 4
"""Programs in one message at most; messages each worker should get in a round, so that none is left with a long one."""
AHEAD = 2
"""Chunks on their way per worker: the next one is there when one is done."""
TICK_SECONDS, ASK_SECONDS, PATIENCE_SECONDS = 0.5, 5.0, 30.0
"""How often to look whether to stop; after how long a silence to ask whether anybody is left; how much longer than its
programs may take a chunk is waited for."""


def is_address(choice: object) -> bool:
    """Whether this is the address of a Dask scheduler: tcp://host:port or tls://host:port."""
    found = ADDRESS.fullmatch(choice) if isinstance(choice, str) else None
    return found is not None and 1 <= int(found[3]) <= 65535


class InThisThread(Executor):
    """An executor that runs a task where it is submitted."""

    def submit(self, task: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """Run the task and return its future, which is done."""
        future: Future[Any] = Future()
        future.set_result(task(*arguments, **options))
        return future


Open = dict[Future[Any], tuple[int, Chunk]]
"""Chunks not answered yet, with their place in the order."""


class Workers:
    """Solves small programs on an executor that is made when there is first something to solve.

    `count` programs are solved at once. With `apart` chunks travel as bytes, together with the release that a worker
    must be of. `is_lost` is asked when nothing has come back for a while: whether nobody is left to answer.
    """

    def __init__(
        self,
        count: int,
        make: Callable[[], Executor],
        *,
        apart: bool = False,
        is_lost: Callable[[], bool] = lambda: False,
    ) -> None:
        self.count, self.apart = count, apart
        self._make, self._is_lost = make, is_lost
        self._executor: Executor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def open(self) -> Executor:
        """Return the executor, made now if there is none yet."""
        if self._executor is None:
            self._executor = self._make()
        return self._executor

    def close(self) -> None:
        """Let the workers go, without waiting for what nobody wants to know any more."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None

    def solve(
        self, programs: Iterable[tuple[SmallProgram, float]], number: int, effort: Effort, watch: Watch
    ) -> list[SmallAnswer] | None:
        """Return the answers to a number of programs, each with its scale; None when the solve must stop before.

        The programs are taken from the iterable while others are being solved.
        """
        open_: Open = {}
        found: dict[int, list[SmallAnswer]] = {}
        try:
            for place, chunk in enumerate(self._chunks(iter(programs), number, effort, watch)):
                self._send(place, chunk, open_)
                if not self._collect(open_, found, AHEAD * self.count - 1, watch):
                    return None
            if not self._collect(open_, found, 0, watch):
                return None
        except KeyboardInterrupt:
            watch.interrupt()
            return None
        finally:
            for future in open_:
                future.cancel()
        return [answer for place in sorted(found) for answer in found[place]]

    def _chunks(
        self, programs: Iterator[tuple[SmallProgram, float]], number: int, effort: Effort, watch: Watch
    ) -> Iterator[Chunk]:
        size = min(MOST_IN_MESSAGE, max(1, number // (MESSAGES_PER_WORKER * self.count))) if self.apart else 1
        while some := tuple(islice(programs, size)):
            seconds = min(effort.seconds, max(watch.left_seconds(), TICK_SECONDS))
            cut, scales = zip(*some, strict=True)
            yield Chunk(cut, scales, replace(effort, seconds=seconds))

    def _send(self, place: int, chunk: Chunk, open_: Open) -> None:
        try:
            future = self._submit(chunk)
        except Exception as error:
            if not self.apart:
                raise
            self._fall_back(error, open_)
            future = self._submit(chunk)
        open_[future] = (place, chunk)

    def _submit(self, chunk: Chunk) -> Future[Any]:
        if self.apart:
            return self.open().submit(solve_message, release(), pickle.dumps(chunk, protocol=5))
        return self.open().submit(solve_chunk, chunk)

    def _collect(self, open_: Open, found: dict[int, list[SmallAnswer]], most: int, watch: Watch) -> bool:
        """Wait until at most so many chunks are open; False when the solve must stop."""
        heard = asked = time.monotonic()
        while len(open_) > most:
            if watch.should_stop():
                return False
            done = wait(open_, TICK_SECONDS, FIRST_COMPLETED).done
            for future in done & open_.keys():
                self._take(future, open_, found)
            now = time.monotonic()
            if done:
                heard = asked = now
            elif self.apart and now - asked > ASK_SECONDS:
                asked = now
                if now - heard > _patience_seconds(open_) or self._is_lost():
                    self._fall_back(TimeoutError("nobody answers"), open_)
        return not watch.should_stop()

    def _take(self, future: Future[Any], open_: Open, found: dict[int, list[SmallAnswer]]) -> None:
        """Take over the answers of a future that is done; where it failed apart, its chunk is sent again."""
        if future not in open_:  # sent again after another one failed
            return
        place, chunk = open_.pop(future)
        try:
            found[place] = answers_of(future.result())
        except Exception as error:
            if not self.apart:
                raise
            self._fall_back(error, open_)
            self._send(place, chunk, open_)

    def _fall_back(self, error: Exception, open_: Open) -> None:
        """Go on with threads of this process, and send them what is open."""
        why = f"{type(error).__name__}: {error}".removesuffix(": ")
        log.warning("workers failed (%s): threads of this process take over", why)
        self.close()
        self.apart, self._make = False, pool_of(min(self.count, os.cpu_count() or 1))
        waiting = list(open_.values())
        open_.clear()
        for place, chunk in waiting:
            self._send(place, chunk, open_)


def _patience_seconds(open_: Open) -> float:
    """Return how long nothing may come back while these chunks are open (s)."""
    return PATIENCE_SECONDS + AHEAD * max(len(chunk.programs) * chunk.effort.seconds for _, chunk in open_.values())


def pool_of(count: int) -> Callable[[], Executor]:
    """Return what makes an executor of so many threads."""
    if count == 1:
        return InThisThread
    return lambda: ThreadPoolExecutor(count, thread_name_prefix="pricing")


def in_threads(count: int) -> Workers:
    """Return workers in so many threads of this process; one is this thread."""
    return Workers(count, pool_of(count))


def open_workers(choice: str, threads: int | None = None) -> Workers:
    """Return the workers asked for: "threads" or "processes", as many as `threads` (None: all cores), or the address
    of a Dask scheduler.

    Only a cluster is asked at once. Raises InputError when it cannot be used.
    """
    count = threads or os.cpu_count() or 1
    if choice == "threads":
        return in_threads(count)
    if choice == "processes":
        from optimizer.solve.decomposition.processes import Processes, can_start

        return Workers(count, lambda: Processes(count), apart=True) if can_start() else in_threads(count)
    from optimizer.solve.decomposition.cluster import connect

    return connect(choice)
