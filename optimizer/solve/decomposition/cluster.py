"""Pricing on a Dask cluster (extra `cluster`): connecting, and refusing workers of another release.

What travels are chunks of small programs and replies of numbers; nothing else of an instance leaves this process, and
nothing that comes back is run: Dask's client lives in a process of its own (see `gateway`).
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future
from typing import Any

from optimizer.errors import InputError, Issue
from optimizer.printable import printable
from optimizer.solve.decomposition import gateway
from optimizer.solve.decomposition.child_process import can_start
from optimizer.solve.decomposition.chunks import release
from optimizer.solve.decomposition.gateway import RELEASE, read_frame, write_frame
from optimizer.solve.decomposition.replies import Reply
from optimizer.solve.decomposition.spot_checks import SpotChecks
from optimizer.solve.decomposition.workers import Workers

START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from optimizer.solve.decomposition.gateway import main; main(sys.argv[2], int(sys.argv[3]))"
)
START_SECONDS, GRACE_SECONDS = 60.0, 1.0
MOST_THREADS = 65536
MOST_REPLY_BYTES = 2**26
"""A reply that claims to be longer is not read: the longest of real estates have some megabytes."""
log = logging.getLogger(__name__)


def connect(address: str, checks: SpotChecks, threads: int | None = None) -> Workers:
    """Return the workers of the cluster whose scheduler has this address, one for each of their threads.

    So many `threads` here solve again what `checks` draws (None: as many as there are cores).

    Raises InputError when `distributed` is missing, the scheduler or its workers cannot be reached within some seconds,
    there are no workers, or one of them is not of the release that is solving.
    """
    if importlib.util.find_spec("distributed") is None:
        raise _refusal("is the address of a cluster, and distributed is not installed", "install domicile[cluster]")
    if not can_start():
        raise _refusal("is the address of a cluster, and there is no interpreter to start its client with", None)
    client = Gateway(address)
    try:
        count = _checked(client.connect(), address)
    except BaseException:
        client.shutdown()
        raise
    workers = Workers(
        count, lambda: client, remote=True, is_lost=lambda: client.is_lost, checks=checks, threads=threads
    )
    workers.open()
    return workers


def _checked(found: dict[str, Any], address: str) -> int:
    """Return how many threads the workers have, of what the gateway was told about each; InputError where it is not
    good.
    """
    threads, releases = found["threads"], found["releases"]
    if not all(isinstance(count, int) and 1 <= count <= MOST_THREADS for count in threads.values()):
        raise _refusal(f"the scheduler at {address} names workers without a number of threads", None)
    if not threads:
        raise _refusal(f"the cluster at {address} has no workers", f"start some with dask worker {address}")
    for worker in sorted(threads):
        has = str(releases.get(worker, "none: it did not answer"))[: gateway.LONGEST_TEXT]
        if has != release():
            raise _refusal(
                f"worker {printable(worker)} of the cluster has another release: {printable(has)} instead of "
                f"{release()}",
                "install the same domicile and highspy on all workers",
            )
    count = sum(threads.values())
    log.info("cluster at %s: %d workers with %d threads", address, len(threads), count)
    return count


def _refusal(what: str, maybe: str | None) -> InputError:
    return InputError(Issue(what, where="workers", maybe=maybe))


class Gateway(Executor):
    """The process that speaks to a cluster, as an executor of the one task there is.

    A thread writes to it, since who solves must not wait for a pipe that is full, and another one listens.
    """

    def __init__(self, address: str) -> None:
        self.address, self.is_lost = address, False
        self._frames: queue.SimpleQueue[tuple[int, int, bytes] | None] = queue.SimpleQueue()
        self._told: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        self._futures: dict[int, Future[Reply]] = {}
        self._lock = threading.Lock()
        self._number = 0
        self._process = subprocess.Popen(
            [
                sys.executable, "-P", "-c", START,
                json.dumps([str(place) for place in sys.path]), address, str(os.getpid()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        for work in (self._write, self._listen):
            threading.Thread(target=work, name="cluster", daemon=True).start()

    def connect(self) -> dict[str, Any]:
        """Return threads and release of each worker, by address; raises InputError where nobody answers in time."""
        address = self.address
        deadline = time.monotonic() + START_SECONDS
        patience = gateway.CONNECT_SECONDS + GRACE_SECONDS
        kind, content = self._next(deadline)
        if kind == gateway.STARTED:
            kind, content = self._next(time.monotonic() + patience)
            if kind == gateway.CONTACT:
                kind, content = self._next(time.monotonic() + 2.0 * gateway.ANSWER_SECONDS + GRACE_SECONDS)
                kind = gateway.UNANSWERED if kind == gateway.LOST else kind
        text = printable(content.decode(errors="replace")) or gateway.NO_DASK
        if kind == gateway.UNANSWERED:
            raise _refusal(
                f"the workers of the cluster at {address} do not answer ({text})",
                "look at the cluster's dashboard, or leave the cluster out",
            )
        if kind != gateway.CONNECTED:
            raise _refusal(
                f"no Dask scheduler answers at {address} within {gateway.CONNECT_SECONDS:.0f} s ({text})",
                f"start one with dask scheduler, and workers with dask worker {address}",
            )
        found: dict[str, Any] = json.loads(content)
        return found

    def _next(self, deadline: float) -> tuple[int, bytes]:
        """Return kind and content of the next frame that belongs to no task; LOST where none comes in time."""
        try:
            return self._told.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return gateway.LOST, b""

    def submit(self, task: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        """Have a worker solve a message; the task is known to both sides, and its arguments alone are sent.

        The future's result is a `Reply`. Raises ConnectionError where the gateway has ended.
        """
        asked_by, message = arguments
        future: Future[Reply] = Future()
        with self._lock:
            if self.is_lost:
                raise ConnectionError("the scheduler is gone")
            self._number += 1
            number = self._number
            self._futures[number] = future
        name = asked_by.encode()
        self._frames.put((gateway.TASK, number, RELEASE.pack(len(name)) + name + message))
        future.add_done_callback(lambda done: self._forget(number) if done.cancelled() else None)
        return future

    def _forget(self, number: int) -> None:
        with self._lock:
            self._futures.pop(number, None)
        self._frames.put((gateway.CANCEL, number, b""))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the gateway, and with it what is under way at the cluster."""
        self._frames.put(None)
        self._process.kill()
        self._process.wait()

    def _write(self) -> None:
        assert self._process.stdin is not None
        try:
            while (frame := self._frames.get()) is not None:
                write_frame(self._process.stdin, *frame)
        except OSError:  # it has ended, which `_listen` notices
            return
        finally:
            _close(self._process.stdin)

    def _listen(self) -> None:
        source = self._process.stdout
        assert source is not None
        why: Exception = ConnectionError("the gateway to the cluster ended")
        try:
            while True:
                kind, number, content = read_frame(source, MOST_REPLY_BYTES)
                if kind == gateway.LOST:
                    why = ConnectionError(content.decode(errors="replace"))
                elif kind in (gateway.REPLY, gateway.FAILED):
                    self._answer(kind, number, content)
                else:
                    self._told.put((kind, content))
        except EOFError:
            pass
        except Exception as error:  # too long a frame, or none at all
            why = error
        self._process.kill()
        _close(source)
        self._told.put((gateway.LOST, b""))
        with self._lock:
            self.is_lost = True
            waiting = list(self._futures.values())
            self._futures.clear()
        for future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(why)

    def _answer(self, kind: int, number: int, content: bytes) -> None:
        with self._lock:
            future = self._futures.pop(number, None)
        if future is None or not future.set_running_or_notify_cancel():
            return
        if kind == gateway.FAILED:
            future.set_exception(ConnectionError(content.decode(errors="replace")))
            return
        (length,) = RELEASE.unpack_from(content)
        by = content[RELEASE.size :][:length].decode(errors="replace")
        future.set_result(Reply(content[RELEASE.size + length :], by))


def _close(stream: Any) -> None:
    try:
        stream.close()
    except OSError:  # what was not yet sent has nobody to go to
        return
