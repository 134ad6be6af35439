"""Where a run of HiGHS happens: in a thread of this process, or in a process of its own that can be ended.

HiGHS looks at its clock and its callbacks only now and then: on a model of two million non-zeros a phase of its
presolve was silent for minutes after the limit had passed. A thread inside native code cannot be ended, and keeps the
interpreter from leaving; a process can. Small models stay in a thread: they are silent for fractions of a second, and
thousands of them are solved in a search.
"""

from __future__ import annotations

import atexit
import json
import logging
import pickle
import subprocess
import sys
import threading
import time
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.highs.session import Ears, Outcome, Session, Task

Floats = NDArray[np.float64]
log = logging.getLogger(__name__)

OFFER_EVERY_SECONDS = 0.2
LEAVING_SECONDS = 5.0
"""How long the interpreter waits at its exit for a thread that was left to end by itself."""
START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from optimizer.solve.highs.subprocess_main import main; main()"
)


class Runner(Protocol):
    """A run under way. `done` is set when it ended; `outcome` is then what came out, None when it broke off."""

    done: threading.Event
    outcome: Outcome | None

    def start(self) -> None:
        """Begin."""

    def tick(self) -> None:
        """Do what is due now and then; called about twenty times a second while waiting."""

    def stop(self) -> None:
        """Ask for an early end."""

    def leave(self) -> None:
        """Give up on a run that does not end; afterwards nobody's ears are called."""


class InThread:
    """HiGHS in a thread of this process.

    A run given up on goes on in a daemon thread until HiGHS next looks at its limit.
    """

    def __init__(self, task: Task, ears: Ears) -> None:
        self.done = threading.Event()
        self.outcome: Outcome | None = None
        self._stopped = threading.Event()
        self._left = False
        self._ears = ears
        self._session = Session(task, Ears(
            improved=lambda x: None if self._left else ears.improved(x),
            bounds=lambda bound, incumbent: None if self._left else ears.bounds(bound, incumbent),
            offer=lambda: None if self._left else ears.offer(),
            should_stop=lambda: self._stopped.is_set() or (not self._left and ears.should_stop()),
            failed=self._failed,
        ))  # fmt: skip
        self._thread = threading.Thread(target=self._work, name="highs", daemon=True)

    def _failed(self, error: BaseException) -> None:
        self._stopped.set()
        if not self._left:
            self._ears.failed(error)

    def _work(self) -> None:
        try:
            self.outcome = self._session.run()
        except BaseException as error:
            self._failed(error)
        finally:
            self.done.set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def tick(self) -> None:
        """Do nothing: HiGHS asks by itself."""

    def stop(self) -> None:
        """Ask for an early end through HiGHS' callbacks."""
        self._stopped.set()

    def leave(self) -> None:
        """Let the thread end by itself."""
        self._left = True
        self._stopped.set()
        atexit.register(self._thread.join, LEAVING_SECONDS)


class Apart:
    """HiGHS in a process of its own, fed and heard through pipes; ended when it does not end by itself.

    The process sees no signal of the terminal and ends when this one does. `ready` is set once it holds the task.
    Raises OSError when it cannot be started.
    """

    def __init__(self, task: Task, ears: Ears) -> None:
        self.done = threading.Event()
        self.ready = threading.Event()
        self.outcome: Outcome | None = None
        self._task = task
        self._ears = ears
        self._left = self._told_to_stop = False
        self._offered_at = time.monotonic()
        self._sending = threading.Lock()
        self._listener = threading.Thread(target=self._listen, name="highs-apart", daemon=True)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, json.dumps([str(place) for place in sys.path])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def start(self) -> None:
        """Hand the task over and listen."""
        self._listener.start()
        self._send_soon(self._task)

    def _send_soon(self, message: Any) -> None:
        """Send from another thread: who waits for a run must not wait for a pipe that is full."""
        threading.Thread(target=self._send, args=(message,), name="highs-message", daemon=True).start()

    def _send(self, message: Any) -> None:
        stream = self._process.stdin
        assert stream is not None
        try:
            with self._sending:
                pickle.dump(message, stream, protocol=5)
                stream.flush()
        except (OSError, ValueError):  # it has ended, which `_listen` notices
            return

    def _listen(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        try:
            while self.outcome is None and not self._left:
                self._hear(*pickle.load(stream))
        except (EOFError, OSError, pickle.UnpicklingError):
            if not self._left:
                log.info("the process that ran HiGHS broke off with exit code %s", self._process.wait())
        except BaseException as error:
            self._ears.failed(error)
        finally:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, stream):
                _close(pipe)
            self.done.set()

    def _hear(self, kind: str, content: Any) -> None:
        if self._left:
            return
        if kind == "improved":
            self._ears.improved(content)
        elif kind == "bounds":
            self._ears.bounds(*content)
        elif kind == "failed":
            self._ears.failed(content)
        elif kind == "outcome":
            self.outcome = content
        else:
            self.ready.set()

    def tick(self) -> None:
        """Stop when asked to, and hand in what is better."""
        if self._ears.should_stop():
            self.stop()
        elif self._task.wants_offers and time.monotonic() - self._offered_at > OFFER_EVERY_SECONDS:
            self._offered_at = time.monotonic()
            better = None if self._sending.locked() else self._ears.offer()
            if better is not None:
                self._send_soon(("offer", better))

    def stop(self) -> None:
        """Ask for an early end."""
        if self.ready.is_set() and not self._told_to_stop:
            self._told_to_stop = True
            self._send_soon(("stop", None))

    def leave(self) -> None:
        """End the process."""
        self._left = True
        self._process.kill()
        self._listener.join(LEAVING_SECONDS)


def _close(stream: IO[bytes] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except OSError:  # what was not yet sent has nobody to go to
        return


def make_runner(task: Task, ears: Ears, *, apart: bool) -> Runner:
    """Return a run ready to start, in a process of its own if asked for and possible."""
    if apart and sys.executable and not getattr(sys, "frozen", False):
        try:
            return Apart(task, ears)
        except OSError as error:
            log.info("no process of its own for HiGHS (%s): it runs in a thread", error)
    return InThread(task, ears)

