"""Assignments in which a few choices fill a place: bound, plans and tree over packings.

The relaxation of such a model fills every place to the brim with fractions; its bound stays some tenths of a percent
below all plans, and what kernels around it find is as far above. The relaxation over packings is near the optimum:
dives into it find plans, and parts of the plans are bounded apart where that is not enough (`branch_and_bound`).
"""

from __future__ import annotations

import logging
from functools import partial

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.deadline import Watch
from optimizer.solve.incumbent import Incumbent
from optimizer.solve.matrix import Matrix
from optimizer.solve.special.assignment.assignment_model import Assignment
from optimizer.solve.special.assignment.packing.bounds import PackingRelaxation
from optimizer.solve.special.assignment.packing.branch_and_bound import PackingTree
from optimizer.solve.special.assignment.packing.dives import Dives
from optimizer.solve.special.assignment.packing.packings import Prices

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
log = logging.getLogger(__name__)

MOST_PER_PLACE, FEW_CHOICES = 12.0, 400
"""Choices per place, or in all, up to which packings are worth it: beyond, the model's own relaxation is as good and
the one over packings takes long.
"""
LEAST_OPTIONS = 300
"""Options from which they are: HiGHS solves smaller models in no time."""
ROUNDS, ROOT_SHARE = 400, 0.4
"""Rounds of column generation for all plans, and the part of the time left that they may take."""
ROOT_TOLERANCE, TOLERANCE, TOLERANCE_SHARE = 5e-5, 2e-5, 0.05
"""How near bound and relaxation come for all plans and for parts of them, and the most in parts of the gap."""
FIRST_WIDTH, WIDER, LEAST_GAP = 1.5, 2.0, 1e-4
"""How far above the bound a plan may be that dives look for first, in gaps, by what that grows in vain, and what counts
as a gap for it at least.
"""
MOST_DISCREPANCIES, DIVE_SHARE = 8, 0.4
"""Discrepancies up to which there are dives, and the part of the time left that those with so many may take."""
HOPE_SHARE = 0.1
"""Part of the time left after the relaxation in which a plan is found, or the search ends: kernels may find one."""
SHRUNK = 0.7
"""Part of the most parts there were below which dividing goes on: it is about to end."""
FAR = 5.0
"""Gaps between bound and plan beyond which parts are not divided: a better plan is what helps."""
ROUNDING = 1e-9


def is_packed(assignment: Assignment) -> bool:
    """Whether packings are worth it."""
    choices, places = assignment.cost.shape[0], int(np.isfinite(assignment.limit).sum())
    is_small = int((assignment.column >= 0).sum()) < LEAST_OPTIONS
    return places > 1 and not is_small and choices <= max(MOST_PER_PLACE * places, FEW_CHOICES)


def are_few(assignment: Assignment) -> bool:
    """Whether few choices fill a place, so that packings are better than any other relaxation."""
    return assignment.cost.shape[0] <= MOST_PER_PLACE * int(np.isfinite(assignment.limit).sum())


class PackingSearch:
    """Bound and best plan of an assignment; both are offered to `best`, which may hold a plan to begin with."""

    def __init__(
        self, matrix: Matrix, assignment: Assignment, watch: Watch, *, gap: float, best: Incumbent
    ) -> None:
        self.matrix, self.assignment, self.watch, self.gap = matrix, assignment, watch, gap
        self.best = best
        self.relaxation = PackingRelaxation(assignment, watch, offset_usd=matrix.offset)
        self.offset_usd = self.relaxation.offset_usd
        self.bound_usd = -np.inf
        self.hope_until_seconds, self.until_rounds = np.inf, np.inf
        self.prices: Prices | None = None
        self.width, self.discrepancies = FIRST_WIDTH, 0

    @property
    def plan_usd(self) -> float:
        """What the best plan costs above the offset; inf without one."""
        return self.best.objective_usd - self.offset_usd

    def run(self, row_price: Floats, rounds: float = np.inf) -> None:
        """Search until the gap is proven, nothing more is found or the solve must stop, from prices of the rows.

        Ends early where the relaxation takes too long, or after so many rounds of pricing; called again, it goes on
        from there.
        """
        self.until_rounds = self.relaxation.rounds + rounds
        if self.prices is None:
            self._solve_root(row_price)
        if self.prices is not None:
            self._dive_and_divide()

    def _solve_root(self, row_price: Floats) -> None:
        """Bound all plans, and note the prices where there is something to dive into."""
        relaxation, watch = self.relaxation, self.watch
        begun, left = watch.elapsed_seconds(), watch.left_seconds()
        solved = relaxation.solve(
            relaxation.is_option, relaxation.prices_from(row_price), enough_usd=self._enough(), rounds=ROUNDS,
            tolerance=self._tolerance(ROOT_TOLERANCE), until_seconds=begun + ROOT_SHARE * left,
        )  # fmt: skip
        self._raise_bound(solved.bound_usd)
        log.info("packings: bound %.7g USD, %d known", self.bound_usd + self.offset_usd, len(relaxation.pool))
        self.hope_until_seconds = watch.elapsed_seconds() + HOPE_SHARE * watch.left_seconds()
        if solved.answer is not None and not solved.is_empty:
            self.prices, tolerance = solved.prices, self._tolerance(TOLERANCE)
            self.dives = Dives(relaxation, self._on_plan, tolerance=tolerance)
            self.tree = PackingTree(relaxation, self.bound_usd, solved.prices, self._on_plan, tolerance=tolerance)

    def _dive_and_divide(self) -> None:
        """Dive with more and more discrepancies; divide for as many rounds as that takes."""
        assert self.prices is not None
        while not self._is_done() and self.discrepancies <= MOST_DISCREPANCIES:
            begun = self.relaxation.rounds
            until = self.watch.elapsed_seconds() + DIVE_SHARE * self.watch.left_seconds()
            limit = self.bound_usd + self._gaps_usd(self.width)
            self.dives.dive(
                self.prices, self.discrepancies, partial(self._better_than, limit), partial(self._is_done, until)
            )
            log.info(
                "packings: dives with %d discrepancies: %.7g USD, %d packings",
                self.discrepancies, self.plan_usd + self.offset_usd, len(self.relaxation.pool),
            )  # fmt: skip
            if self._is_done():
                return
            if self.plan_usd >= limit:
                self.width *= WIDER
            self.discrepancies += 1
            if np.isposinf(self.plan_usd) or self.plan_usd <= self.bound_usd + self._gaps_usd(FAR):
                self._branch(2 * self.relaxation.rounds - begun)
        self._branch(np.inf)

    def _branch(self, until_rounds: float) -> None:
        """Raise the bound by dividing, for some rounds, or longer where there are fewer and fewer parts."""
        tree = self.tree

        def is_over() -> bool:
            is_about_to_end = len(tree.open) <= SHRUNK * tree.most_open
            return self._is_done() or (self.relaxation.rounds >= until_rounds and not is_about_to_end)

        tree.search(self._enough, is_over, lambda: self._raise_bound(tree.bound_usd))
        log.info(
            "packings: %d parts solved, %d open, bound %.7g USD",
            tree.solved, len(tree.open), self.bound_usd + self.offset_usd,
        )  # fmt: skip

    def _on_plan(self, place: Ints) -> None:
        """Take over a plan, the place of every choice, where it is one."""
        if (place < 0).any() or not self.assignment.holds(place):
            return
        self.relaxation.add_plan(place)
        self.best.offer(self.assignment.to_columns(place, self.matrix.cost.size))

    def _raise_bound(self, bound_usd: float) -> None:
        if np.isfinite(bound_usd) and bound_usd > self.bound_usd:
            self.bound_usd = min(bound_usd, self.plan_usd)
            self.best.offer_bound(self.bound_usd + self.offset_usd)

    def _tolerance(self, most: float) -> float:
        return min(most, TOLERANCE_SHARE * self.gap)

    def _gaps_usd(self, times: float) -> float:
        """Return so many gaps in USD."""
        return times * max(self.gap, LEAST_GAP) * abs(self.bound_usd + self.offset_usd)

    def _enough(self) -> float:
        """Return the bound that proves the plan held within the gap, up to rounding; inf where none is held."""
        if not np.isfinite(self.plan_usd):
            return np.inf
        return self.best.target_usd(self.gap + ROUNDING) - self.offset_usd

    def _better_than(self, limit_usd: float) -> float:
        """Return what a plan must cost less than to be better by more than rounding, a limit at most; any will do as
        long as none is held.
        """
        if not np.isfinite(self.plan_usd):
            return np.inf
        return min(limit_usd, self.best.target_usd(ROUNDING) - self.offset_usd)

    def _is_done(self, until_seconds: float = np.inf) -> bool:
        """Whether the gap is proven, the solve must stop, the rounds are over, or it is too late, for what is done now
        or for hope.
        """
        if self.watch.should_stop() or self.bound_usd >= self._enough():
            return True
        if self.relaxation.rounds >= self.until_rounds:
            return True
        late = until_seconds if np.isfinite(self.plan_usd) else min(until_seconds, self.hope_until_seconds)
        return self.watch.elapsed_seconds() >= late
