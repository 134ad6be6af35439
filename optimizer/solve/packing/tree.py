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

from optimizer.solve.packing.dives import is_whole
from optimizer.solve.packing.pool import Prices
from optimizer.solve.packing.relaxation import WHOLE, PackingRelaxation

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

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
        self.closed_usd = np.inf
        self.made = self.solved = self.most_open = 0

    @property
    def bound_usd(self) -> float:
        """The least bound of all parts (USD)."""
        return float(min([self.closed_usd, *(part.bound_usd for part in self.open[:1])]))

    def search(self, enough_usd: Callable[[], float], is_over: Callable[[], bool], told: Callable[[], None]) -> None:
        """Solve parts until every bound is `enough_usd` or it is over; `told` is called after each."""
        while self.open and not is_over() and self.bound_usd < enough_usd():
            part = heapq.heappop(self.open)
            if not self._divide(part, enough_usd):
                heapq.heappush(self.open, part)
                return
            told()

    def _divide(self, part: Part, enough_usd: Callable[[], float]) -> bool:
        """Solve a part and put what is left of it back in two; False when the solve must stop."""
        relaxation = self.relaxation
        shape = relaxation.is_option.shape
        options = np.unpackbits(part.options, count=shape[0] * shape[1]).astype(np.bool_).reshape(shape)
        solved = relaxation.solve(
            options, part.prices, enough_usd=enough_usd(), rounds=ROUNDS, tolerance=self.tolerance
        )
        bound = max(part.bound_usd, solved.bound_usd)
        if relaxation.watch.should_stop():
            return False
        self.solved += 1
        if bound >= enough_usd() or solved.answer is None:
            self.closed_usd = min(self.closed_usd, bound)
            return True
        if is_whole(solved.answer):
            self.on_plan(relaxation.to_places(np.flatnonzero(solved.answer.shares > WHOLE)))
        options = relaxation.ruled_out(options, solved.prices, enough_usd())
        share = relaxation.shares_of_options(solved.answer)
        undecided = options & (options.sum(axis=1) > 1)[:, None]
        if not undecided.any():
            self.closed_usd = min(self.closed_usd, bound)
            return True
        nearest = np.where(undecided, np.abs(share - 0.5), np.inf)
        choice, place = np.unravel_index(int(nearest.argmin()), nearest.shape)
        there, elsewhere = options.copy(), options.copy()
        there[choice] = False
        there[choice, place], elsewhere[choice, place] = True, False
        for left in (there, elsewhere):
            self.made += 1
            heapq.heappush(self.open, Part(bound, self.made, np.packbits(left), solved.prices))
        self.most_open = max(self.most_open, len(self.open))
        return True
