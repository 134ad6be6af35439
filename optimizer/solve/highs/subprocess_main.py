"""The other side of `runners.Apart`: a process that runs one task and talks in pickles over stdin and stdout.

In: the `Task`, then ("offer", x) and ("stop", None). Out: ("ready", None), ("improved", x), ("bounds", (bound,
incumbent)), ("failed", error), and last ("outcome", Outcome). Ends at once when stdin ends: then nobody listens any
more.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.highs.session import Ears, Session, Task

Floats = NDArray[np.float64]

BOUNDS_EVERY_SECONDS = 0.1


class Talk:
    """What was said last from either side."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._lock = threading.Lock()
        self._bounds_at = 0.0
        self.stop = threading.Event()
        self.better: Floats | None = None

    def listen(self) -> None:
        """Take what comes in until it ends, and this process with it."""
        try:
            while True:
                kind, content = pickle.load(self._source)
                if kind == "offer":
                    self.better = content
                elif kind == "stop":
                    self.stop.set()
        except BaseException:
            os._exit(1)

    def say(self, kind: str, content: Any) -> None:
        """Send one message."""
        with self._lock:
            pickle.dump((kind, content), self._sink, protocol=5)
            self._sink.flush()

    def say_bounds(self, bound: float, incumbent: float) -> None:
        """Send the bounds, not more than ten times a second."""
        now = time.monotonic()
        if now - self._bounds_at >= BOUNDS_EVERY_SECONDS:
            self._bounds_at = now
            self.say("bounds", (bound, incumbent))

    def take_better(self) -> Floats | None:
        """Return what was offered since the last call."""
        better, self.better = self.better, None
        return better


def main() -> None:
    """Run the task that comes in over stdin."""
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get between the messages
    task: Task = pickle.load(sys.stdin.buffer)
    talk = Talk(sys.stdin.buffer, sink)
    threading.Thread(target=talk.listen, name="listen", daemon=True).start()
    ears = Ears(
        improved=lambda x: talk.say("improved", x),
        bounds=talk.say_bounds,
        offer=talk.take_better,
        should_stop=talk.stop.is_set,
        failed=lambda error: talk.say("failed", error),
    )
    try:
        session = Session(task, ears)
        talk.say("ready", None)
        talk.say("outcome", session.run())
    except BaseException as error:
        talk.say("failed", error)
    os._exit(0)
