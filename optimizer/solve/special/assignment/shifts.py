"""Plans of assignments by shifts and swaps: a tabu search that may overdraw limits at a price.

Moves shift one choice of an `Assignment` to another place, or swap the places of two; the best one is made even where
it makes things worse, and is not undone for a while. What exceeds a limit is charged with what the limit is worth times
a factor that rises while the plan breaks one and falls while it does not, so that the search goes back and forth across
the limits (Yagiura, Ibaraki, Glover 2004).
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.incumbent import Incumbent
from optimizer.solve.special.assignment.assignment_model import NEVER, Assignment, at_most

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SWAPS_OF = 160
"""Choices whose swaps with all others are looked at in one move."""
TENURE = (5, 15)
PATIENCE, DEARER, CHEAPER = 4, 1.12, 0.9
"""Moves on one side of the limits after which their charge changes, and by what factor."""
STALE, THROWN = 4_000, 0.05
"""Moves without a better plan after which a search ends, and the part of the choices thrown elsewhere for the next."""
FRUITLESS = 4
"""Searches one after the other that find nothing, after which the thread ends."""


def shift_and_swap(
    assignment: Assignment,
    is_over: Callable[[], bool],
    *,
    begin: Floats,
    enough_usd: float,
    seed: int = 0,
    patience: int = STALE,
    on_better: Callable[[Floats], object] | None = None,
) -> Floats | None:
    """Return the best plan found until `is_over` or one costs at most `enough_usd`, or until `patience`
    moves found no better one; None where there is none.

    `begin` are values of the columns, whole or not: every choice begins with its largest. `on_better` sees better
    plans.
    """
    search, told = _Shifts(assignment, begin, np.random.default_rng(seed)), np.inf
    while not is_over() and search.best_usd > enough_usd and search.stale <= patience and search.move():
        if on_better is not None and search.best_usd < told:
            told = search.best_usd
            on_better(search.plan(begin.size))
    return None if search.best is None else search.plan(begin.size)


class ShiftsBeside(threading.Thread):
    """Shifts and swaps beside another search, until `stop` or until they find nothing a few times: again and again from
    the best plan with some choices thrown elsewhere.

    Plans are offered to `incumbent`.
    """

    def __init__(self, assignment: Assignment, begin: Floats, incumbent: Incumbent) -> None:
        super().__init__(name="shifts", daemon=True)
        self.assignment, self.incumbent, self.objective = assignment, incumbent, incumbent.matrix.objective
        self.best, self.ended = begin, threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Search."""
        rng, fruitless = np.random.default_rng(1), 0
        try:
            while not self.ended.is_set() and fruitless < FRUITLESS:
                before, begin = self.best, _thrown(self.assignment, self.best, rng)
                shift_and_swap(
                    self.assignment, self.ended.is_set, begin=begin, enough_usd=-np.inf,
                    seed=int(rng.integers(2**31)), on_better=self._better,
                )  # fmt: skip
                fruitless = fruitless + 1 if self.best is before else 0
        except BaseException as error:  # raised by `stop`
            self.failure = error

    def _better(self, x: Floats) -> None:
        if self.objective(x) < self.objective(self.best):
            self.best = x
            self.incumbent.offer(x, found_by=self.name)

    def stop(self) -> None:
        """End the search and wait for it. Raises what it failed with."""
        self.ended.set()
        self.join()
        if self.failure is not None:
            raise self.failure


def _thrown(assignment: Assignment, x: Floats, rng: np.random.Generator) -> Floats:
    """Return the plan with some choices at random options."""
    column, begin = assignment.column, x.copy()
    for choice in rng.choice(column.shape[0], max(2, int(THROWN * column.shape[0])), replace=False):
        options = column[choice][column[choice] >= 0]
        begin[options] = 0.0
        begin[rng.choice(options)] = 1.0
    return begin


class _Shifts:
    """Places of all choices, what limits hold at them, and the best places seen."""

    def __init__(self, assignment: Assignment, begin: Floats, rng: np.random.Generator) -> None:
        self.a, self.rng = assignment, rng
        self.every = np.arange(assignment.cost.shape[0])
        self.at = assignment.to_places(begin)
        drawn = assignment.draw[self.every, self.at]
        self.load = np.bincount(self.at, drawn, assignment.limit.size).astype(np.float64)
        self.common_load = np.array([use[self.every, self.at].sum() for use in assignment.common])
        self.most, self.common_most = at_most(assignment.limit), at_most(assignment.common_limit)
        self.tabu = np.zeros(assignment.cost.shape, dtype=np.int64)
        self.factor, self.side, self.moves, self.stale = 1.0, 0, 0, 0
        self.best: Ints | None = None
        self.best_usd = np.inf
        self._remember()

    def plan(self, columns: int) -> Floats:
        """Return the best plan as values of the columns."""
        assert self.best is not None
        return self.a.to_columns(self.best, columns)

    def _over(self, load: Floats, limit: Floats) -> Floats:
        over: Floats = np.maximum(load - limit, 0.0)
        return over

    def _remember(self) -> None:
        """Keep what is no longer over a limit and cheaper; change the charge for limits."""
        a = self.a
        is_whole = bool(np.all(self.load <= self.most) and np.all(self.common_load <= self.common_most))
        usd = float(a.cost[self.every, self.at].sum())
        self.stale += 1
        if is_whole and usd < self.best_usd:
            self.best, self.best_usd, self.stale = self.at.copy(), usd, 0
        self.side = max(self.side, 0) + 1 if is_whole else min(self.side, 0) - 1
        if abs(self.side) >= PATIENCE:
            self.factor *= CHEAPER if self.side > 0 else DEARER
            self.side = 0

    def move(self) -> bool:
        """Make the best shift or swap that is not tabu, or forget what is; False where there is none at all."""
        self.moves += 1
        shifts = self._shifts()
        rows, swaps = self._swaps()
        best_shift, best_swap = int(shifts.argmin()), int(swaps.argmin())
        if min(shifts.flat[best_shift], swaps.flat[best_swap]) >= NEVER / 2:
            was_tabu = bool((self.tabu > self.moves).any())
            self.tabu[:] = 0
            return was_tabu
        if shifts.flat[best_shift] <= swaps.flat[best_swap]:
            choice, place = divmod(best_shift, shifts.shape[1])
            self._put(choice, place)
        else:
            row, other = divmod(best_swap, swaps.shape[1])
            choice = int(rows[row])
            first, second = int(self.at[choice]), int(self.at[other])
            self._put(choice, second)
            self._put(other, first)
        self._remember()
        return True

    def _shifts(self) -> Floats:
        """Return what it costs to shift each choice to each place."""
        a, at, every = self.a, self.at, self.every
        over, charge = self._over(self.load, a.limit), self.factor * a.worth_usd
        left = self._over(self.load[at] - a.draw[every, at], a.limit[at]) - over[at]
        usd = a.cost + (charge[at] * left - a.cost[every, at])[:, None]
        usd += charge * (self._over(self.load + a.draw, a.limit) - over)
        for e, use in enumerate(a.common):
            load, limit = self.common_load[e], a.common_limit[e]
            after = self._over(load + use - use[every, at][:, None], limit)
            usd += self.factor * a.common_usd[e] * (after - max(load - limit, 0.0))
        usd[every, at] = NEVER
        usd[self.tabu > self.moves] = NEVER
        return usd

    def _swaps(self) -> tuple[Ints, Floats]:
        """Return some choices, and what it costs to swap each with every other."""
        a, at, every = self.a, self.at, self.every
        rows = every if every.size <= SWAPS_OF else self.rng.choice(every, SWAPS_OF, replace=False)
        here = at[rows]
        there = np.ix_(rows, at)
        over, charge = self._over(self.load, a.limit), self.factor * a.worth_usd
        cost, draw = a.cost[every, at], a.draw[every, at]
        usd = a.cost[there] + a.cost[:, here].T - cost[rows][:, None] - cost
        left = (self.load[here] - draw[rows])[:, None] + a.draw[:, here].T
        usd += charge[here][:, None] * (self._over(left, a.limit[here][:, None]) - over[here][:, None])
        left = self.load[at] - draw + a.draw[there]
        usd += charge[at] * (self._over(left, a.limit[at]) - over[at])
        for e, use in enumerate(a.common):
            load, limit, own = self.common_load[e], a.common_limit[e], use[every, at]
            after = self._over(load + use[there] + use[:, here].T - own[rows][:, None] - own, limit)
            usd += self.factor * a.common_usd[e] * (after - max(load - limit, 0.0))
        usd[here[:, None] == at] = NEVER
        usd[np.maximum(self.tabu[there], self.tabu[:, here].T) > self.moves] = NEVER
        return rows, usd

    def _put(self, choice: int, place: int) -> None:
        old, a = int(self.at[choice]), self.a
        self.tabu[choice, old] = self.moves + self.rng.integers(*TENURE)
        self.load[old] -= a.draw[choice, old]
        self.load[place] += a.draw[choice, place]
        for e, use in enumerate(a.common):
            self.common_load[e] += use[choice, place] - use[choice, old]
        self.at[choice] = place
