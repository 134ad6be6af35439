"""A bound of all plans by dividing them: a choice at a place, or not there.

The part of least bound is solved and divided at the choice and place whose share is nearest to a half. What cannot be
in a plan that costs less than what is wanted is ruled out first, by what it would cost the knapsack of the place to
hold a choice, or to do without it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.special.assignment.packing.bounds import WHOLE, PackingRelaxation
from optimizer.solve.special.assignment.packing.dives import is_whole, unpacked
from optimizer.solve.special.assignment.packing.packings import Prices

Ints = NDArray[np.int64]

ROUNDS = 40
"""Rounds of column generation in one part."""


@dataclass(order=True)
class Part:
    """Plans that keep to some options (bits of [choice, place]): a bound (USD), and prices to begin from."""

    bound_usd: float
    number: int
    options: NDArray[np.uint8] = field(compare=False)
    prices: Prices = field(compare=False)


class PackingTree:
    """The parts not done with; goes on where it stood when called again."""

    def __init__(
        self, relaxation: PackingRelaxation, bound_usd: float, prices: Prices, on_plan: Callable[[Ints], None], *,
        tolerance: float,
    ) -> None:  # fmt: skip
        self.relaxation, self.on_plan, self.tolerance = relaxation, on_plan, tolerance
        self.open = [Part(bound_usd, 0, np.packbits(relaxation.is_option), prices)]
        self.lost_usd = self.stuck_usd = np.inf
        self.made = self.solved = self.most_open = 0

    @property
    def bound_usd(self) -> float:
        """What every plan costs at least (USD): the least of the bounds of all parts open or given up (HiGHS had no
        answer, or nothing seems to be left), and of what plans were to cost less than where others were ruled out.
        """
        return float(min([self.lost_usd, self.stuck_usd, *(part.bound_usd for part in self.open[:1])]))

    def search(self, enough_usd: Callable[[], float], is_over: Callable[[], bool], told: Callable[[], None]) -> None:
        """Solve parts until every bound is `enough_usd`, it is over, or a plan is held and that cannot be reached;
        `told` is called after each.
        """
        while self.open and not is_over() and self.bound_usd < enough_usd():
            if self.stuck_usd < enough_usd() < np.inf:
                return
            parts = self._divided(self.open[0], enough_usd)
            if parts is None:
                return
            heapq.heappop(self.open)
            for part in parts:
                heapq.heappush(self.open, part)
            self.most_open = max(self.most_open, len(self.open))
            told()

    def _divided(self, part: Part, enough_usd: Callable[[], float]) -> list[Part] | None:
        """Solve a part and return what is left of it in two parts, or none; None when the solve must stop."""
        relaxation, shape = self.relaxation, self.relaxation.is_option.shape
        options = unpacked(part.options, shape)
        solved = relaxation.solve(
            options, part.prices, enough_usd=enough_usd(), rounds=ROUNDS, tolerance=self.tolerance
        )
        if relaxation.watch.should_stop():
            return None
        self.solved += 1
        bound = max(part.bound_usd, solved.bound_usd)
        if bound >= enough_usd():
            return self._lost(enough_usd())
        if solved.answer is None or solved.is_empty:
            self.stuck_usd = min(self.stuck_usd, bound)
            return []
        if is_whole(solved.answer):
            self.on_plan(relaxation.to_places(np.flatnonzero(solved.answer.shares > WHOLE)))
        self._lost(enough_usd())
        options = relaxation.ruled_out(options, solved.prices, enough_usd())
        left = options.sum(axis=1)
        if not left.all():
            return []
        undecided = options & (left > 1)[:, None]
        if not undecided.any():  # one plan is left, if it is one
            self.on_plan(options.argmax(axis=1))
            return []
        share = relaxation.shares_of_options(solved.answer)
        nearest = np.where(undecided, np.abs(share - 0.5), np.inf)
        choice, place = np.unravel_index(int(nearest.argmin()), nearest.shape)
        there, elsewhere = options.copy(), options.copy()
        there[choice] = False
        there[choice, place], elsewhere[choice, place] = True, False
        self.made += 2
        parts = enumerate((there, elsewhere))
        return [Part(bound, self.made - nth, np.packbits(left), solved.prices) for nth, left in parts]

    def _lost(self, enough_usd: float) -> list[Part]:
        """Note that plans of a part that cost so much are not looked for any more."""
        self.lost_usd = min(self.lost_usd, enough_usd)
        return []
