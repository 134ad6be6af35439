"""Whether answers that came from elsewhere are right: what can be checked at once is, and bounds are solved again.

A solution is held against its program when it arrives: columns, rows, cost. Of a bound only another solve tells whether
it is right, so programs are drawn at random and solved here as well, and what was found here is used in place of what
came. An answer to a program of which no solution is known here is always checked like this: nothing else would limit
how high its bound is. An answer that cannot be confirmed is wrong.
"""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.decomposition.small import Effort, SmallAnswer, SmallProgram, solve_small, violation

Floats = NDArray[np.float64]

DEFAULT_RATE = 0.1
SEED_BITS = 32
HOLDS = 1e-5
"""Violation, in HiGHS' own scale, up to which a solution holds: ten times what HiGHS allows."""
SAME_COST, SAME_BOUND = 1e-8, 1e-5
"""Parts of a cost, or of the size of a program, by which two costs, and a bound and a cost, may differ."""
DECIDE = Effort(gap=0.0, nodes=200_000, seconds=30.0)
"""How hard a bound is looked into that is above what the first run here proves."""


class WrongAnswerError(Exception):
    """A worker's answer is wrong: whatever it answered before may be so as well.

    `plan` is one held when that came out, over the columns of the model; None where there was none.
    """

    plan: Floats | None = None


@dataclass
class SpotChecks:
    """Which answers are solved again, and what came of it.

    `rate` is the share of programs drawn; with the same `seed` the same programs are, by their number in the order in
    which they were asked. `answers` counts those used that came from elsewhere, `checked` those of them that were
    solved here as well. `failed` says why the workers were left, `thrown_out` whose answer was wrong.
    """

    rate: float = DEFAULT_RATE
    seed: int = field(default_factory=lambda: secrets.randbits(SEED_BITS))
    answers: int = 0
    checked: int = 0
    failed: str | None = None
    thrown_out: str | None = None

    def is_drawn(self, number: int) -> bool:
        """Whether the program of this number is drawn; nobody who does not know the seed can tell."""
        return random.Random(f"{self.seed}:{number}").random() < self.rate

    def must_check(self, number: int, program: SmallProgram) -> bool:
        """Whether the answer to a program is solved again here."""
        return program.start is None or self.is_drawn(number)

    def throw_out(self, why: str) -> None:
        """Note that an answer was wrong: none counts any more."""
        self.answers = self.checked = 0
        self.thrown_out = why


def detection_rate(rate: float, wrong: int) -> float:
    """Return how likely it is that at least one of so many wrong answers is drawn."""
    return float(1.0 - (1.0 - rate) ** wrong)


def contradiction(program: SmallProgram, answer: SmallAnswer, scale: float) -> str | None:
    """Return what is wrong with an answer as far as that shows without solving anything; None where nothing is."""
    if answer.x is not None:
        broken = violation(program, answer.x)
        if not broken <= HOLDS:
            return f"its solution breaks the program by {broken:.3g}"
        cost_usd = float(program.cost @ answer.x)
        size = 1.0 / scale + float(np.abs(program.cost) @ np.abs(answer.x))
        if not abs(cost_usd - answer.cost_usd) <= SAME_COST * size:
            return f"its solution costs {cost_usd:.9g}, not {answer.cost_usd:.9g}"
    if answer.x is None and answer.bound_usd == np.inf:
        return None  # called infeasible: no bound where a solution is known here, always checked where none is
    known = [answer.cost_usd] if program.start is None else [answer.cost_usd, float(program.cost @ program.start)]
    least = min(known)
    if np.isfinite(least) and answer.bound_usd > least + _room(least, scale):
        return f"it states that nothing costs less than {answer.bound_usd:.9g}; a solution known costs {least:.9g}"
    return None


@dataclass(frozen=True)
class Finding:
    """What is wrong with an answer: `is_refuted` by a solution, or else not confirmed in the time there was."""

    what: str
    is_refuted: bool


def solve_again(
    program: SmallProgram, answer: SmallAnswer, effort: Effort, scale: float, *, seconds: float = np.inf
) -> tuple[SmallAnswer, Finding | None]:
    """Return what is to be used of an answer after a solve here, and what is wrong with it: its bound is not confirmed.

    What is found here is used. A bound above what the same effort proves here, where a run was cut short by its time,
    is looked into harder, for so many `seconds` at most; the answer stays as far as that confirms it. A bound lower
    than ours is no wrong one.
    """
    ours = solve_small(program, effort, scale=scale)
    if not _is_above(answer.bound_usd, ours.bound_usd, scale):
        return ours, None
    best = min((ours, answer), key=lambda one: one.cost_usd)
    start = program.start if best.x is None else best.x
    effort = replace(DECIDE, seconds=min(DECIDE.seconds, seconds))
    harder = solve_small(replace(program, start=start), effort, scale=scale)
    proven_usd, least_usd = max(ours.bound_usd, harder.bound_usd), min(ours.cost_usd, harder.cost_usd)
    if not _is_above(answer.bound_usd, proven_usd, scale):
        return replace(best, bound_usd=min(answer.bound_usd, proven_usd, best.cost_usd)), None
    stated = f"it states that nothing costs less than {answer.bound_usd:.9g}"
    if _is_above(answer.bound_usd, least_usd, scale):
        return ours, Finding(f"{stated}; a solution costs {least_usd:.9g}", is_refuted=True)
    return ours, Finding(f"{stated}; here {proven_usd:.9g} was proven", is_refuted=False)


def _is_above(bound_usd: float, limit_usd: float, scale: float) -> bool:
    if limit_usd == np.inf or bound_usd == -np.inf:
        return False
    return not np.isfinite(limit_usd) or bound_usd > limit_usd + _room(limit_usd, scale)


def _room(cost_usd: float, scale: float) -> float:
    """Return by how much a right bound may lie above a cost: HiGHS' tolerances, in the units of its objective."""
    return SAME_BOUND * (1.0 / scale + abs(cost_usd))
