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

from optimizer.solve.packing.pool import Answer, Prices
from optimizer.solve.packing.relaxation import WHOLE, PackingRelaxation, Solved

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ROUNDS = 25
"""Rounds of column generation at one step of a dive."""


@dataclass
class Step:
    """A step of a dive as it was solved: its bound (USD), prices, and the packings to settle, best first."""

    bound_usd: float
    prices: Prices
    candidates: list[int]


class Dives:
    """Dives into parts of a packing relaxation, told of plans by `on_plan` as the place of every choice."""

    def __init__(
        self, relaxation: PackingRelaxation, on_plan: Callable[[Ints], None], *, tolerance: float
    ) -> None:
        self.relaxation, self.on_plan, self.tolerance = relaxation, on_plan, tolerance
        self._steps: dict[tuple[int, ...], Step] = {}

    def dive(
        self, options: Bools, prices: Prices, discrepancies: int, enough_usd: Callable[[], float],
        is_over: Callable[[], bool],
    ) -> None:  # fmt: skip
        """Make all dives with so many discrepancies at most; parts whose bound is `enough_usd` are left alone."""
        self.enough_usd, self.is_over = enough_usd, is_over
        self._expand((), options, prices, np.zeros(options.shape[1], dtype=np.bool_), discrepancies)

    def _expand(
        self, path: tuple[int, ...], options: Bools, prices: Prices, settled: Bools, discrepancies: int
    ) -> None:
        if self.is_over():
            return
        step = self._steps.get(path)
        if step is None or not step.candidates:
            step = self._solved(options, prices, settled)
            if step is None:
                return
            self._steps[path] = step
        if discrepancies and step.candidates and step.bound_usd < self.enough_usd():
            options = self.relaxation.ruled_out(options, step.prices, self.enough_usd())
        for passed, number in enumerate(step.candidates[: discrepancies + 1]):
            if step.bound_usd >= self.enough_usd():
                return
            place, members = int(self.relaxation.pool.place[number]), self.relaxation.pool.members[number]
            left, now = settle(options, place, members), settled.copy()
            now[place] = True
            self._expand((*path, number), left, step.prices, now, discrepancies - passed)

    def _solved(self, options: Bools, prices: Prices, settled: Bools) -> Step | None:
        """Return a step; None where it ends in a plan, or there is nothing to settle."""
        solved: Solved = self.relaxation.solve(
            options, prices, enough_usd=self.enough_usd(), rounds=ROUNDS, tolerance=self.tolerance
        )
        if solved.answer is None:
            return Step(solved.bound_usd, solved.prices, [])
        used = np.flatnonzero(solved.answer.shares > WHOLE)
        if is_whole(solved.answer):
            self.on_plan(self.relaxation.to_places(used))
            return None
        free = used[~settled[self.relaxation.pool.place[used]]]
        free = free[self.relaxation.is_limited[self.relaxation.pool.place[free]]]
        order = np.argsort(-solved.answer.shares[free], kind="stable")
        return Step(solved.bound_usd, solved.prices, free[order].tolist())


def is_whole(answer: Answer) -> bool:
    """Whether the optimum of the relaxation is a plan."""
    used = answer.shares[answer.shares > WHOLE]
    return answer.slack <= WHOLE and bool(np.all(np.abs(used - np.round(used)) <= WHOLE))


def settle(options: Bools, place: int, members: Bools) -> Bools:
    """Return the options [choice, place] left when a place holds these choices and no others."""
    left = options.copy()
    left[members] = False
    left[:, place] = members
    return left
