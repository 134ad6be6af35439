"""Who solves the small programs of pricing: this thread, threads of this process, or a Dask cluster.

All are executors of `concurrent.futures`, fed in the same way: chunks go out and answers come back in order, however
many workers there are and whichever answers first. Answers do not depend on who gave them; where the
cluster fails, threads of this process take over. Answers from elsewhere are checked (`spot_checks`).
"""

from __future__ import annotations

import logging
import os
import pickle
import re
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, NoReturn

from optimizer.printable import printable
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.chunks import Chunk, release, solve_chunk, solve_message
from optimizer.solve.decomposition.replies import Reply, decode
from optimizer.solve.decomposition.small import Effort, SmallAnswer, SmallProgram
from optimizer.solve.decomposition.spot_checks import (
    Finding,
    SpotChecks,
    WrongAnswerError,
    contradiction,
    solve_again,
)

log = logging.getLogger(__name__)

ADDRESS = re.compile(r"(tcp|tls)://(\[[0-9A-Fa-f:.%]+\]|[^\s\[\]/:@]+):(\d{1,5})")
MOST_IN_MESSAGE, MESSAGES_PER_WORKER, SECONDS_IN_MESSAGE = 16, 4, 60.0
"""Programs in one message at most; messages each worker should get in a round, so that none is left with a long one;
and how long the programs of one may take, since a worker that is silent is waited for as long."""
AHEAD = 2
"""Chunks on their way per worker: the next one is there when one is done."""
SILENT_SHARE = 0.5
"""For what part of the time left a silent worker is waited for at most."""


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


@dataclass(frozen=True)
class Sent:
    """A chunk on its way: its place in the order, and the number of its first program."""

    place: int
    first: int
    chunk: Chunk


@dataclass(frozen=True)
class Again:
    """A chunk whose answers are known: `by` whom they are, and how many are `checked`, by solving them again here."""

    sent: Sent
    by: str
    checked: int


@dataclass
class Round:
    """What one call of `Workers.solve` waits for, and what it has: answers by the place of their chunk."""

    sent: dict[Future[Any], Sent] = field(default_factory=dict)
    again: dict[Future[Verdict], Again] = field(default_factory=dict)
    found: dict[int, list[SmallAnswer]] = field(default_factory=dict)


class Workers:
    """Solves small programs on an executor that is made when there is first something to solve.

    `count` programs are solved at once. With `remote` chunks travel as bytes, together with the release that a worker
    must be of, and what comes back is checked. `is_lost` is asked when nothing has come back for a while: whether
    nobody is left to answer. `checks` says whose answers are solved again, and counts them; None: nobody's are.
    `threads` of this process do that, and take over where the others fail (None: as many as there are cores).
    """

    def __init__(
        self,
        count: int,
        make: Callable[[], Executor],
        *,
        remote: bool = False,
        is_lost: Callable[[], bool] = lambda: False,
        checks: SpotChecks | None = None,
        threads: int | None = None,
    ) -> None:
        self.count, self.remote, self.checks = count, remote, checks
        self._threads = threads or os.cpu_count() or 1
        self._make, self._is_lost = make, is_lost
        self._executor: Executor | None = None
        self._here: ThreadPoolExecutor | None = None
        self._numbered = 0

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
        for executor in (self._executor, self._here):
            if executor is not None:
                executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._here = None

    def solve(
        self, programs: Iterable[tuple[SmallProgram, float]], number: int, effort: Effort, watch: Watch
    ) -> list[SmallAnswer] | None:
        """Return the answers to a number of programs, each with its scale; None when the solve must stop before.

        The programs are taken from the iterable while others are being solved. Raises WrongAnswerError when an answer
        that came from elsewhere is wrong; the next call is then answered by threads.
        """
        round_ = Round()
        try:
            for place, chunk in enumerate(self._chunks(iter(programs), number, effort, watch)):
                self._send(Sent(place, self._numbered, chunk), round_)
                self._numbered += len(chunk.programs)
                if not self._collect(round_, AHEAD * self.count - 1, watch):
                    self._judge_done(round_, watch)
                    return None
            if not self._collect(round_, 0, watch):
                self._judge_done(round_, watch)
                return None
        except KeyboardInterrupt:
            watch.interrupt()
            return None
        finally:
            for future in (*round_.sent, *round_.again):
                future.cancel()
        watch.work.add(programs=number)
        return [answer for place in sorted(round_.found) for answer in round_.found[place]]

    def _chunks(
        self, programs: Iterator[tuple[SmallProgram, float]], number: int, effort: Effort, watch: Watch
    ) -> Iterator[Chunk]:
        most = max(1, min(MOST_IN_MESSAGE, int(SECONDS_IN_MESSAGE / effort.seconds)))
        size = min(most, max(1, number // (MESSAGES_PER_WORKER * self.count))) if self.remote else 1
        while some := tuple(islice(programs, size)):
            seconds = min(effort.seconds, max(watch.left_seconds(), watch.parameters.workers.tick_seconds))
            cut, scales = zip(*some, strict=True)
            yield Chunk(cut, scales, replace(effort, seconds=seconds))

    def _send(self, sent: Sent, round_: Round) -> None:
        try:
            future = self._submit(sent.chunk)
        except Exception as error:
            if not self.remote:
                raise
            self._fall_back(error, round_)
            future = self._submit(sent.chunk)
        round_.sent[future] = sent

    def _submit(self, chunk: Chunk) -> Future[Any]:
        if self.remote:
            return self.open().submit(solve_message, release(), pickle.dumps(chunk, protocol=5))
        return self.open().submit(solve_chunk, chunk)

    def _collect(self, round_: Round, most: int, watch: Watch) -> bool:
        """Wait until at most so many chunks are on their way, and with none, until all is checked; False when the solve
        must stop.
        """
        heard = asked = time.monotonic()
        given = watch.parameters.workers
        patience = min(given.patience_seconds, SILENT_SHARE * watch.left_seconds())
        while len(round_.sent) > most or (most == 0 and round_.again):
            if watch.should_stop():
                return False
            done = wait((*round_.sent, *round_.again), given.tick_seconds, FIRST_COMPLETED).done
            for future in done & round_.sent.keys():
                self._take(future, round_, watch)
            for future in done & round_.again.keys():
                if not self._judge(future, round_, watch):
                    return False
            now = time.monotonic()
            if done or not round_.sent:
                heard = asked = now
                patience = min(given.patience_seconds, SILENT_SHARE * watch.left_seconds())
            elif self.remote and now - asked > given.ask_seconds:
                asked = now
                if now - heard > patience + _longest_seconds(round_) or self._is_lost():
                    self._fall_back(TimeoutError("nobody answers"), round_)
        return not watch.should_stop()

    def _take(self, future: Future[Any], round_: Round, watch: Watch) -> None:
        """Take over the answers of a future that is done; where it failed elsewhere, its chunk is sent again."""
        if future not in round_.sent:  # sent again after another one failed
            return
        sent = round_.sent.pop(future)
        if not self.remote:
            round_.found[sent.place] = future.result()
            return
        try:
            reply, by = named(future.result())
            answers = decode(reply, sent.chunk.programs)
        except Exception as error:
            self._fall_back(error, round_)
            self._send(sent, round_)
            return
        for program, scale, answer in zip(sent.chunk.programs, sent.chunk.scales, answers, strict=True):
            wrong = contradiction(program, answer, scale)
            if wrong is not None:
                self._throw_out(by, wrong)
        drawn = self._drawn(sent)
        if not drawn:
            self._keep(sent, answers, 0, round_)
            return
        self._here = self._here or ThreadPoolExecutor(self._threads, thread_name_prefix="check")
        again = self._here.submit(check_answers, sent.chunk, answers, drawn, watch.left_seconds())
        round_.again[again] = Again(sent, by, len(drawn))

    def _keep(self, sent: Sent, answers: list[SmallAnswer], checked: int, round_: Round) -> None:
        """Use the answers to a chunk, so many of which were checked."""
        round_.found[sent.place] = answers
        if self.checks is not None:
            self.checks.answers += len(answers)
            self.checks.checked += checked

    def _drawn(self, sent: Sent) -> list[int]:
        """Return the places in a chunk of the programs that are solved again here."""
        checks = self.checks
        if checks is None:
            return []
        return [k for k, one in enumerate(sent.chunk.programs) if checks.must_check(sent.first + k, one)]

    def _judge(self, future: Future[Verdict], round_: Round, watch: Watch) -> bool:
        """Use the answers to a chunk that were solved again, or leave the workers for a wrong one.

        False where one could not be confirmed because the time is up: then nothing of the round is used.
        """
        again = round_.again.pop(future)
        answers, wrong = future.result()
        if wrong is not None and (wrong.is_refuted or not watch.should_stop()):
            self._throw_out(again.by, wrong.what)
        if wrong is None:
            self._keep(again.sent, answers, again.checked, round_)
        return wrong is None

    def _judge_done(self, round_: Round, watch: Watch) -> None:
        """Look at what was found before the solve had to stop: a lie also makes false what rests on earlier rounds."""
        for future in [future for future in round_.again if future.done()]:
            self._judge(future, round_, watch)

    def _throw_out(self, by: str, wrong: str) -> NoReturn:
        """Leave the workers for a wrong answer of one of them; raises WrongAnswerError."""
        why = printable(f"{by}: {wrong}")
        if self.checks is not None:
            self.checks.throw_out(why)
        self._leave(WrongAnswerError(why))
        raise WrongAnswerError(why)

    def _fall_back(self, error: Exception, round_: Round) -> None:
        """Go on with threads of this process, and send them what is on its way."""
        self._leave(error)
        waiting = list(round_.sent.values())
        round_.sent.clear()
        for sent in waiting:
            self._send(sent, round_)

    def _leave(self, error: Exception) -> None:
        """Let the workers go and be threads of this process."""
        why = printable(f"{type(error).__name__}: {error}".removesuffix(": "))
        log.warning("workers failed (%s): threads of this process take over", why)
        if self.checks is not None and not isinstance(error, WrongAnswerError):
            self.checks.failed = why
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None
        self.remote, self._make = False, pool_of(self._threads)


Verdict = tuple[list[SmallAnswer], Finding | None]
"""The answers to a chunk, and what is wrong with one of those that came."""


def check_answers(chunk: Chunk, answers: list[SmallAnswer], drawn: list[int], seconds: float) -> Verdict:
    """Solve some of the programs of a chunk again; return the answers with what was found here in place of theirs, and
    what is wrong with the first wrong one.
    """
    checked = list(answers)
    for place in drawn:
        checked[place], wrong = solve_again(
            chunk.programs[place], answers[place], chunk.effort, chunk.scales[place], seconds=seconds
        )
        if wrong is not None:
            return checked, wrong
    return checked, None


def named(reply: object) -> tuple[object, str]:
    """Return the content of a reply and who it is from."""
    return (reply.content, reply.by or "a worker") if isinstance(reply, Reply) else (reply, "a worker")


def _longest_seconds(round_: Round) -> float:
    """Return how long nothing may come back because the chunks on their way take as long as they may (s)."""
    return AHEAD * max(len(sent.chunk.programs) * sent.chunk.effort.seconds for sent in round_.sent.values())


def pool_of(count: int) -> Callable[[], Executor]:
    """Return what makes an executor of so many threads."""
    if count == 1:
        return InThisThread
    return lambda: ThreadPoolExecutor(count, thread_name_prefix="pricing")


def in_threads(count: int) -> Workers:
    """Return workers in so many threads of this process; one is this thread."""
    return Workers(count, pool_of(count))


def open_workers(choice: str, threads: int | None = None, checks: SpotChecks | None = None) -> Workers:
    """Return the workers asked for: "threads", as many as `threads` (None: all cores), or the address of a Dask
    scheduler, whose answers are checked as `checks` says.

    Only a cluster is asked at once. Raises InputError when it cannot be used.
    """
    count = threads or os.cpu_count() or 1
    if choice == "threads":
        return in_threads(count)
    from optimizer.solve.decomposition.cluster import connect

    return connect(choice, checks or SpotChecks(), count)
