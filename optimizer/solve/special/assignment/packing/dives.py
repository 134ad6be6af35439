"""Plans by diving: packings of the relaxation are settled place by place, with new prices after each.

A dive settles the packing of largest share and solves what is left again, until all shares are whole or the bound says
that nothing cheap enough is left. A plan found that way has lost little; what the last places lose depends on the first
choices, so that dives also take the second or third packing at some steps, a few *discrepancies* each (Harvey,
Ginsberg, "Limited discrepancy search", IJCAI 1995; Sadykov, Vanderbeck, Pessoa, Tahiri, Uchoa, "Primal heuristics for
branch and price: the assets of diving methods", INFORMS Journal on Computing 31, 2019).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.special.assignment.packing.bounds import WHOLE, PackingRelaxation
from optimizer.solve.special.assignment.packing.packings import Answer, Prices

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ROUNDS = 25
"""Rounds of column generation at one step of a dive."""


@dataclass
class Step:
    """A step of a dive as it was solved: its bound (USD), prices, packings that are whole in it and are settled
    together, and those of which one is settled next, best first.
    """

    bound_usd: float
    prices: Prices
    whole: list[int]
    candidates: list[int]


@dataclass
class Ahead:
    """A step still to be made: the packings settled on the way to it, the options before the last ones (bits of
    [choice, place]), what is settled now, prices to begin from, and the discrepancies left.
    """

    path: tuple[int, ...]
    options: NDArray[np.uint8]
    now: list[int]
    prices: Prices
    discrepancies: int


class Dives:
    """Dives into parts of a packing relaxation, told of plans by `on_plan` as the place of every choice."""

    def __init__(
        self, relaxation: PackingRelaxation, on_plan: Callable[[Ints], None], *, tolerance: float
    ) -> None:
        self.relaxation, self.on_plan, self.tolerance = relaxation, on_plan, tolerance
        self._steps: dict[tuple[int, ...], Step] = {}

    def dive(
        self, prices: Prices, discrepancies: int, enough_usd: Callable[[], float], is_over: Callable[[], bool]
    ) -> None:
        """Make all dives with so many discrepancies at most, from prices of the whole, until it is over; parts whose
        bound is `enough_usd` are left alone.
        """
        relaxation, pool = self.relaxation, self.relaxation.pool
        ahead = [Ahead((), np.packbits(relaxation.is_option), [], prices, discrepancies)]
        while ahead and not is_over():
            at = ahead.pop()
            options = unpacked(at.options, relaxation.is_option.shape)
            for number in at.now:
                settle(options, int(pool.place[number]), pool.members(np.array([number]))[0])
            step = self._step(at, options, enough_usd())
            if step is None or not step.candidates or step.bound_usd >= enough_usd():
                continue
            if at.discrepancies:
                options = relaxation.ruled_out(options, step.prices, enough_usd())
            bits = np.packbits(options)
            for passed, number in reversed(list(enumerate(step.candidates[: at.discrepancies + 1]))):
                path = (*at.path, *step.whole, number)
                ahead.append(Ahead(path, bits, [*step.whole, number], step.prices, at.discrepancies - passed))

    def _step(self, at: Ahead, options: Bools, enough_usd: float) -> Step | None:
        """Return a step, solved before or now; None where it ends in a plan."""
        known = self._steps.get(at.path)
        if known is not None and known.candidates:
            return known
        relaxation = self.relaxation
        solved = relaxation.solve(
            options, at.prices, enough_usd=enough_usd, rounds=ROUNDS, tolerance=self.tolerance
        )
        if solved.answer is None or solved.is_empty:
            return Step(solved.bound_usd, solved.prices, [], [])
        used = np.flatnonzero(solved.answer.shares > WHOLE)
        if is_whole(solved.answer):
            self.on_plan(relaxation.to_places(used))
            return None
        used = used[relaxation.is_limited[relaxation.pool.place[used]]]
        used = used[~np.isin(used, at.path)]
        share = solved.answer.shares[used]
        order = np.argsort(-share, kind="stable")
        whole = used[share >= 1.0 - WHOLE].tolist()
        step = Step(solved.bound_usd, solved.prices, whole, [k for k in used[order].tolist() if k not in set(whole)])
        self._steps[at.path] = step
        return step


def unpacked(bits: NDArray[np.uint8], shape: tuple[int, ...]) -> Bools:
    """Return the options [choice, place] that bits say."""
    return np.unpackbits(bits, count=int(np.prod(shape))).astype(np.bool_).reshape(shape)


def is_whole(answer: Answer) -> bool:
    """Whether the optimum of the relaxation is a plan."""
    used = answer.shares[answer.shares > WHOLE]
    return answer.slack <= WHOLE and bool(np.all(np.abs(used - np.round(used)) <= WHOLE))


def settle(options: Bools, place: int, members: Bools) -> None:
    """Leave those of the options [choice, place] where a place holds these choices and no others."""
    options[members] = False
    options[:, place] = members
