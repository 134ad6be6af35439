"""How much compiling may take: counted in steps, not timed, so that an instance ends the same way on every machine.

A step stands for at most about 0.04 microseconds and 5 bytes. Who loops over what grows with an instance
says so before (`spend`); where the sum passes the limit, compiling ends in a `TooLargeError` that tells what took most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from optimizer.errors import InputError, Issue

MOST_STEPS = 4_000_000_000
"""What `solve` compiles at most: 10 to 20 GB. An estate of 10,000 workloads takes about a fifth, and 2 GB."""

MOST_STEPS_TO_VALIDATE = 150_000_000
"""What `domicile validate` compiles at most: some seconds and 500 MB."""

SLOT, FLOW = 40, 90
RULE, WAY = 20_000, 100_000
VERDICT, VERDICT_BY_LAW, PROFILE, PROFILE_BY_PLACE = 1_500, 1_000, 60_000, 2_000
"""Steps of single things: an option and a flow to it; a scope, a way from an origin; a verdict, with what each law that
binds adds; data to be judged, with what each place of its persons adds.
"""

KINDS = {
    "options": (
        "options (workload, offer, period)",
        "cut the horizon into fewer periods, or narrow what is open (catalogue, runs)",
    ),
    "rules": ("policies, budgets and quotas, each held against all offers", "put rules of one scope together"),
    "verdicts": ("legal verdicts (data, place, day)", "let workloads share exporter, categories and subjects"),
    "copies": ("copies of datasets and ways to their readers", "name their regions, or put small ones together"),
    "routes": ("ways from origins, and moves of jobs, to regions", "name fewer origins, limits and jobs that may move"),
}  # fmt: skip
"""What steps are spent on, and what makes them fewer."""


class TooLargeError(InputError):
    """Compiling takes more steps than the limit; `size` is the sentence that says how much and what of."""

    def __init__(self, limit: float, spent: Counter[str]) -> None:
        kind = max(spent, key=lambda name: spent[name])
        what, advice = KINDS[kind]
        self.size = (
            f"compiling takes more than {limit:,.0f} steps, {spent[kind] / spent.total():.0%} of them for {what}"
        )
        super().__init__(Issue(f"is too large: {self.size}", maybe=advice))


@dataclass
class _Effort:
    limit: float
    spent: Counter[str] = field(default_factory=Counter)


_EFFORT: ContextVar[_Effort | None] = ContextVar("effort", default=None)


@contextmanager
def limited(steps: float) -> Iterator[Counter[str]]:
    """Let `spend` raise TooLargeError inside once more than so many steps are spent; yield what is spent, by kind."""
    effort = _Effort(steps)
    before = _EFFORT.set(effort)
    try:
        yield effort.spent
    finally:
        _EFFORT.reset(before)


@contextmanager
def spent_in() -> Iterator[Counter[str]]:
    """Yield a counter that holds, afterwards, the steps spent inside, by kind."""
    effort, steps = _EFFORT.get(), Counter[str]()
    before = Counter(effort.spent) if effort is not None else steps
    yield steps
    if effort is not None:
        steps.update(effort.spent - before)


def spend(kind: str, steps: float) -> None:
    """Count steps about to be taken.

    Raises:
        TooLargeError: they are more than what is left.
    """
    effort = _EFFORT.get()
    if effort is None:
        return
    effort.spent[kind] += int(steps)
    if effort.spent.total() > effort.limit:
        raise TooLargeError(effort.limit, effort.spent)
