r"""Packings known so far, and the relaxation over them in HiGHS.

The roles of `formulations.configurations` exchanged: what is put together is a place, what couples places are the
choices. A *packing* S is a set of choices that go to one place i together and fit. With costs c >= 0 (what a choice
costs at least is taken out beforehand) it does no harm to place a choice twice, so that the master is

    min  sum_S c(S) λ[S]    s.t.  sum_{S with j} λ[S] >= 1 (every choice j),  sum_{S of i} λ[S] <= 1 (every place i),
                                  sum_S use(S) λ[S] <= limit (every common limit),   λ >= 0, whole in a plan.

Over all packings its relaxation is the minimum over the convex hulls of the knapsacks of all places (Savelsbergh, "A
branch-and-price algorithm for the generalized assignment problem", Operations Research 45, 1997): no less than the
relaxation of the model itself, and much more where a few choices fill a place.

Prices stay in a box around a centre (Marsten, Hogan, Blankenship, "The boxstep method", Operations Research 23, 1975):
a choice may stay out at centre + width, and be placed beyond need at centre - width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import cost_scale
from optimizer.solve.highs.session import OPTIMAL, Ears, Session, Task
from optimizer.solve.special.assignment.assignment_model import Assignment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

OPTIONS = {"threads": 1, "simplex_strategy": 0}
FIRST_ROOM = 1024
LEAST_SECONDS = 0.1


@dataclass(frozen=True)
class Prices:
    """What placing a choice (`choice_usd`) and a unit of each common limit (`common_usd`, at least 0) are worth."""

    choice_usd: Floats
    common_usd: Floats

    def towards(self, other: Prices, share: float) -> Prices:
        """Return the prices a share of the way to others."""
        return Prices(
            (1.0 - share) * self.choice_usd + share * other.choice_usd,
            (1.0 - share) * self.common_usd + share * other.common_usd,
        )


@dataclass(frozen=True)
class Answer:
    """The optimum over the packings known and prices in the box (USD), shares of packings, prices, and how much of all
    choices stays out or is placed beyond need because of the box.
    """

    cost_usd: float
    shares: Floats
    prices: Prices
    slack: float


class Packings:
    """Packings by number; grows only."""

    def __init__(self, assignment: Assignment, cost_usd: Floats, watch: Watch) -> None:
        self.assignment, self.cost_usd, self.watch = assignment, cost_usd, watch
        choices = cost_usd.shape[0]
        self._size = 0
        self._place = np.zeros(FIRST_ROOM, dtype=np.int64)
        self._bits = np.zeros((FIRST_ROOM, -(-choices // 8)), dtype=np.uint8)
        self._of_box = np.ones(2 * choices, dtype=np.bool_)
        self._number: dict[tuple[int, bytes], int] = {}
        self.scale = cost_scale(cost_usd)
        self.session = Session(self._empty(), Ears(watch.is_settled, watch.fail))
        self.highs = self.session.highs

    def __len__(self) -> int:
        return self._size

    @property
    def place(self) -> Ints:
        """The place of each packing."""
        return self._place[: self._size]

    def members(self, numbers: Ints) -> Bools:
        """Return which choices are in some packings [packing, choice]."""
        return np.unpackbits(self._bits[numbers], axis=1, count=self.cost_usd.shape[0]).astype(np.bool_)

    def _empty(self) -> Task:
        """Return the relaxation without packings: a choice stays out (first columns) or is placed beyond need."""
        choices, places = self.cost_usd.shape
        limits = self.assignment.common_limit
        place_upper = np.where(np.isfinite(self.assignment.limit), 1.0, np.inf)
        rows = choices + places + limits.size
        every = np.arange(choices, dtype=np.int32)
        return Task(
            cost=np.zeros(2 * choices), offset=0.0, lower=np.zeros(2 * choices),
            upper=np.repeat([np.inf, float(places)], choices),  # without limits, there is no end to "beyond need"
            row_lower=np.concatenate([np.ones(choices), np.full(rows - choices, -np.inf)]),
            row_upper=np.concatenate([np.full(choices, np.inf), place_upper, limits]),
            indptr=np.arange(2 * choices + 1, dtype=np.int32), indices=np.concatenate([every, every]),
            data=np.repeat([1.0, -1.0], choices), integer=np.zeros(2 * choices, dtype=np.int32), options=OPTIONS,
        )  # fmt: skip

    def add(self, place: Ints, members: Bools) -> Ints:
        """Return the numbers of packings, which are added where they are not known. Empty ones and those that break
        the limit of their place must not be among them.
        """
        numbers, fresh = np.empty(place.size, dtype=np.int64), list[int]()
        packed = np.packbits(members, axis=1)
        for at, own in enumerate(place.tolist()):
            numbers[at] = self._number.setdefault((own, packed[at].tobytes()), len(self) + len(fresh))
            if numbers[at] == len(self) + len(fresh):
                fresh.append(at)
        if fresh:
            self._load(place[fresh], members[fresh])
        return numbers

    def _load(self, place: Ints, members: Bools) -> None:
        choices, places = self.cost_usd.shape
        packing, choice = np.nonzero(members)
        every = np.arange(place.size)
        parts = [(packing, choice, np.ones(packing.size)), (every, choices + place, np.ones(place.size))]
        for number, use in enumerate(self.assignment.common):
            drawn = np.where(members, use[:, place].T, 0.0).sum(axis=1)
            parts.append((every, np.full(place.size, choices + places + number), drawn))
        column, row, value = (np.concatenate([part[axis] for part in parts]) for axis in range(3))
        order = np.lexsort((row, column))
        begin = np.searchsorted(column[order], every).astype(np.int32)
        cost = np.where(members, self.cost_usd[:, place].T, 0.0).sum(axis=1)
        self.session.add_columns(
            cost * self.scale, np.zeros(place.size), np.full(place.size, np.inf),
            begin=begin, row=row[order].astype(np.int32), value=value[order],
        )  # fmt: skip
        end = self._size + place.size
        if end > self._place.size:
            room = max(end, 2 * self._place.size) - self._place.size
            self._place = np.pad(self._place, (0, room))
            self._bits = np.pad(self._bits, ((0, room), (0, 0)))
        self._place[self._size : end], self._bits[self._size : end] = place, np.packbits(members, axis=1)
        self._size = end

    def allowed(self, options: Bools) -> Bools:
        """Whether all that is in a packing is among the options [choice, place] left."""
        forbidden = np.packbits(~options.T, axis=1)
        return np.logical_not((self._bits[: self._size] & forbidden[self.place]).any(axis=1))

    def restrict(self, allowed: Bools) -> None:
        """Let only some packings into the solutions."""
        first = 2 * self.cost_usd.shape[0]
        column = np.arange(first, first + allowed.size, dtype=np.int32)
        self.highs.changeColsBounds(column.size, column, np.zeros(column.size), np.where(allowed, np.inf, 0.0))

    def put_in_box(self, centre: Prices, width_usd: float) -> None:
        """Keep prices of choices within a width of a centre, and at least 0."""
        choices = self.cost_usd.shape[0]
        column = np.arange(2 * choices, dtype=np.int32)
        upper, lower = centre.choice_usd + width_usd, np.maximum(centre.choice_usd - width_usd, 0.0)
        self.highs.changeColsCost(2 * choices, column, np.concatenate([upper, -lower]) * self.scale)
        self._of_box = np.concatenate([np.ones(choices, dtype=np.bool_), lower > 0])

    def solve(self, seconds: float) -> Answer | None:
        """Solve the relaxation in at most so many seconds; None when HiGHS ends without an optimum."""
        self.highs.setOptionValue("time_limit", self.highs.getRunTime() + max(seconds, LEAST_SECONDS))
        outcome = self.session.run()
        self.watch.work.add(runs=1, simplex_iterations=outcome.simplex_iterations)
        if outcome.kind != OPTIMAL or outcome.x is None or outcome.row_dual is None:
            return None
        choices, places = self.cost_usd.shape
        dual = outcome.row_dual / self.scale
        prices = Prices(np.maximum(dual[:choices], 0.0), np.maximum(-dual[choices + places :], 0.0))
        cost = self.highs.getInfo().objective_function_value / self.scale
        slack = outcome.x[: 2 * choices][self._of_box]  # beyond need at a price of 0 is what >= allows
        return Answer(float(cost), outcome.x[2 * choices :], prices, float(slack.sum()))
