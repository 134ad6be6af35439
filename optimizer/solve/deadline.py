"""A watch shared by all phases of one solve: time left, cancellation from another thread, Ctrl-C, progress reports."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from optimizer.solve.parameters import DEFAULTS, Parameters
from optimizer.solve.solution import Progress, Termination, relative_gap
from optimizer.solve.work import Work

REPORT_EVERY_SECONDS = 0.2


@contextmanager
def ctrl_c_calls(stop: Callable[[], None]) -> Iterator[None]:
    """Have the first Ctrl-C call `stop` instead of raising KeyboardInterrupt wherever the main thread happens to be.

    Between two phases nobody could catch it and still know what is held. The next Ctrl-C raises again. Changes nothing
    in other threads, which see no signal, and where the program that embeds us handles the signal itself.
    """
    is_ours = threading.current_thread() is threading.main_thread()
    if not is_ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def first(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is first:
            signal.signal(signal.SIGINT, signal.default_int_handler)


class Watch:
    """Counts the time and the work of one solve and says whether it should stop.

    `time_limit_seconds` runs from construction. `cancel` may be set from any thread. `progress` is called at most every
    0.2 s, from whichever thread has news, never from two at once; an exception it raises stops the solve and is raised
    by it. `parameters` ride along, since every part of a solve has its watch.
    """

    def __init__(
        self,
        time_limit_seconds: float,
        cancel: threading.Event | None = None,
        progress: Callable[[Progress], None] | None = None,
        parameters: Parameters = DEFAULTS,
    ) -> None:
        self._begun = time.monotonic()
        self._limit = time_limit_seconds
        self._cancel = cancel
        self._progress = progress
        self._lock = threading.Lock()
        self._last_report = -1.0
        self.interrupted = False
        self.answered = False
        self.broken: BaseException | None = None
        self.phase = ""
        self.incumbent_usd: float | None = None
        self.bound_usd: float | None = None
        self.timings: dict[str, float] = {}
        self.work = Work()
        self.parameters = parameters

    def elapsed_seconds(self) -> float:
        """Seconds since the solve began."""
        return time.monotonic() - self._begun

    def left_seconds(self) -> float:
        """Seconds until the time limit, never negative."""
        return max(0.0, self._limit - self.elapsed_seconds())

    def interrupt(self) -> None:
        """Stop the solve as if the caller had cancelled it."""
        self.interrupted = True

    def fail(self, error: BaseException) -> None:
        """Stop the solve for an error in a place that it must not unwind through; `raise_if_broken` raises it."""
        self.broken = self.broken or error
        self.interrupt()

    def is_cancelled(self) -> bool:
        """Whether the caller, Ctrl-C or a failing progress callback asked to stop."""
        return self.interrupted or (self._cancel is not None and self._cancel.is_set())

    def is_settled(self) -> bool:
        """Whether nothing more is to be done: cancelled, or `answered` set by a phase that runs beside others."""
        return self.answered or self.is_cancelled()

    def should_stop(self) -> bool:
        """Whether the solve is settled or out of time."""
        return self.is_settled() or self.left_seconds() <= 0.0

    def why_stopped(self) -> Termination:
        """Return INTERRUPTED or TIME_LIMIT, whichever stopped the solve."""
        return Termination.INTERRUPTED if self.is_cancelled() else Termination.TIME_LIMIT

    def within(self, seconds: float) -> Watch:
        """Return a watch for a part of the solve that plans in fewer options: it ends with this one, and tells it of
        plans, which are plans of the whole, but not of bounds.
        """
        return _Part(self, min(seconds, self.left_seconds()))

    def note(self, incumbent_usd: float | None = None, bound_usd: float | None = None) -> None:
        """Remember a better incumbent or bound (worse ones are ignored) and report when it is time."""
        with self._lock:
            if incumbent_usd is not None and (self.incumbent_usd is None or incumbent_usd < self.incumbent_usd):
                self.incumbent_usd = incumbent_usd
            if bound_usd is not None and (self.bound_usd is None or bound_usd > self.bound_usd):
                self.bound_usd = bound_usd
        self.report()

    def forget_bound(self) -> None:
        """Withdraw the bound: what it rests on turned out to be wrong."""
        with self._lock:
            self.bound_usd = None

    def report(self, force: bool = False) -> None:
        """Call the progress callback, at most every 0.2 s unless forced."""
        if self._progress is None or self.broken is not None or not self._lock.acquire(blocking=False):
            return
        try:
            elapsed = self.elapsed_seconds()
            if not force and elapsed - self._last_report < REPORT_EVERY_SECONDS:
                return
            self._last_report = elapsed
            gap = relative_gap(self.incumbent_usd, self.bound_usd)
            self._progress(Progress(self.phase, self.incumbent_usd, self.bound_usd, gap, elapsed))
        except BaseException as error:  # it would unwind through the solver's own frames: raised later instead
            self.fail(error)
        finally:
            self._lock.release()

    def raise_if_broken(self) -> None:
        """Raise what the progress callback raised, if it did."""
        if self.broken is not None:
            raise self.broken

    @contextmanager
    def phase_of(self, name: str) -> Iterator[None]:
        """Name the phase that runs and add its seconds to `timings`."""
        begun, before = time.monotonic(), self.phase
        self.phase = name
        self.report(force=True)
        try:
            yield
        finally:
            self.phase = before
            self.timings[name] = self.timings.get(name, 0.0) + time.monotonic() - begun


class Aside(Watch):
    """The watch of a side question: it stops when the whole solve does or after so many seconds, and what is found is
    no news.
    """

    def __init__(self, whole: Watch, seconds: float) -> None:
        super().__init__(min(seconds, whole.left_seconds()))
        self.whole = whole
        self.work = whole.work
        self.parameters = whole.parameters

    def interrupt(self) -> None:
        """Stop the whole solve."""
        self.whole.interrupt()

    def fail(self, error: BaseException) -> None:
        """Stop the whole solve for an error."""
        self.whole.fail(error)

    def is_cancelled(self) -> bool:
        """Whether the whole solve was asked to stop."""
        return self.whole.is_cancelled()

    def is_settled(self) -> bool:
        """Whether nothing more is to be done, here or in the whole solve."""
        return self.answered or self.whole.is_settled()

    def raise_if_broken(self) -> None:
        """Raise what the progress callback raised, if it did."""
        self.whole.raise_if_broken()


class _Part(Aside):
    """The watch of a part of a solve (see `Watch.within`): plans are news, bounds are not."""

    def note(self, incumbent_usd: float | None = None, bound_usd: float | None = None) -> None:
        super().note(incumbent_usd, bound_usd)
        self.whole.note(incumbent_usd=incumbent_usd)
