"""Worker processes on this machine: an executor whose tasks run in interpreters of their own, fed through pipes.

A worker is started when there is a task for it. It imports the module of the task and nothing of the program that
embeds us, sees no signal of the terminal, and ends when its stdin does or its parent is gone, however that died.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from typing import Any

START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from optimizer.solve.decomposition.processes import main; main(int(sys.argv[2]))"
)
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PARENT_EVERY_SECONDS = 1.0


def can_start() -> bool:
    """Whether there is an interpreter to start workers with."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


class Processes(Executor):
    """An executor of so many processes; a thread waits for each.

    A task whose process ends without an answer raises BrokenExecutor.
    """

    def __init__(self, count: int) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="pricing-process")
        self._own = threading.local()
        self._lock = threading.Lock()
        self._started: list[subprocess.Popen[bytes]] = []
        self._is_shut = False

    def submit(self, task: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """Run a function that can be imported, on arguments that can be pickled."""
        return self._threads.submit(self._run, (task, arguments, options))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes: when their tasks are done, or at once where nobody is going to wait for them."""
        if wait:
            self._threads.shutdown(wait=True, cancel_futures=cancel_futures)
        with self._lock:
            self._is_shut = True
            started = self._started
        for process in started:
            process.kill()
        self._threads.shutdown(wait=True, cancel_futures=cancel_futures)
        for process in started:
            process.communicate()

    def _run(self, call: tuple[Any, ...]) -> Any:
        process = getattr(self._own, "process", None) or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            pickle.dump(call, process.stdin, protocol=5)
            process.stdin.flush()
            is_answer, content = pickle.load(process.stdout)
        except (EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
            process.kill()
            raise BrokenExecutor(f"a worker process ended with exit code {process.wait()}") from error
        if not is_answer:
            raise content
        return content

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_shut:
                raise BrokenExecutor("the worker processes have been ended")
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", START, json.dumps([str(place) for place in sys.path]), str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **ONE_THREAD},
                start_new_session=True,
            )
            self._started.append(process)
        self._own.process = process
        return process


def main(parent: int) -> None:
    """Be a worker: run what comes in over stdin, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_without, args=(parent,), name="parent", daemon=True).start()
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get between the messages
    try:
        while True:
            task, arguments, options = pickle.load(source)
            try:
                answer = (True, task(*arguments, **options))
            except Exception as error:
                answer = (False, error)
            pickle.dump(answer, sink, protocol=5)
            sink.flush()
    except BaseException:  # the other end is gone
        os._exit(0)


def end_without(parent: int) -> None:
    """End this process when its parent is no longer the one that started it.

    Stdin alone does not tell: a child that the parent forked may hold its other end, and a task is not disturbed by it.
    """
    while os.name == "posix" and os.getppid() == parent:
        time.sleep(PARENT_EVERY_SECONDS)
    if os.name == "posix":
        os._exit(0)
