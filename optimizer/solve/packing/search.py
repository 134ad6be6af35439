r"""Assignments in which a few choices fill a place: bound, plans and tree over packings.

The relaxation of such a model fills every place to the brim with fractions; its bound stays some tenths of a percent
below all plans, and what kernels around it find is as far above. The relaxation over packings is near the optimum, so
that dives into it find plans, and where those are not enough, parts of the plans are bounded apart (`tree`) and an
integer program over the packings worth the while, all that are in plans near the bound, is solved by HiGHS.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.assignment import Assignment
from optimizer.solve.matrix import Matrix
from optimizer.solve.packing.dives import Dives
from optimizer.solve.packing.relaxation import PackingRelaxation
from optimizer.solve.packing.tree import PackingTree
from optimizer.solve.solution import GAP_FLOOR
from optimizer.solve.watch import Watch

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
FIRST_WIDTH, WIDER, LEAST_GAP = 2.0, 2.0, 1e-4
"""How far above the bound a plan may be that dives look for first, in gaps, by what that grows in vain, and what counts
as a gap for it at least.
"""
MOST_DISCREPANCIES = 8
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


class PackingSearch:
    """Bound and best plan of an assignment; `take` is told of plans as values of the model's columns, `tell` of bounds
    (USD).
    """

    def __init__(
        self, matrix: Matrix, assignment: Assignment, watch: Watch, *, gap: float,
        plan_usd: float, take: Callable[[Floats], float], tell: Callable[[float], None],
    ) -> None:  # fmt: skip
        self.matrix, self.assignment, self.watch, self.gap = matrix, assignment, watch, gap
        self.take, self.tell = take, tell
        self.relaxation = PackingRelaxation(assignment, watch)
        self.offset_usd = matrix.offset + self.relaxation.least_usd
        self.plan_usd = plan_usd - self.offset_usd
        self.bound_usd = -np.inf

    def run(self, row_price: Floats) -> None:
        """Search until the gap is proven, nothing more is found or the solve must stop, from prices of the rows.

        Ends early where the relaxation takes too long.
        """
        relaxation, watch = self.relaxation, self.watch
        every = relaxation.is_option
        solved = relaxation.solve(
            every, relaxation.prices_from(row_price), enough_usd=self._enough(), rounds=ROUNDS,
            tolerance=self._tolerance(ROOT_TOLERANCE),
            until_seconds=watch.elapsed_seconds() + ROOT_SHARE * watch.left_seconds(),
        )  # fmt: skip
        self._raise_bound(solved.bound_usd)
        log.info("packings: bound %.7g USD, %d known", self.bound_usd + self.offset_usd, len(relaxation.pool))
        if solved.answer is None:
            return
        tolerance = self._tolerance(TOLERANCE)
        dives = Dives(relaxation, self._on_plan, tolerance=tolerance)
        tree = PackingTree(relaxation, self.bound_usd, solved.prices, self._on_plan, tolerance=tolerance)
        width, discrepancies = FIRST_WIDTH, 0
        while not self._is_done() and discrepancies <= MOST_DISCREPANCIES:
            begun = watch.elapsed_seconds()
            limit = self.bound_usd + width * self._gaps_usd(1.0)
            dives.dive(every, solved.prices, discrepancies, partial(self._better_than, limit), self._is_done)
            log.info(
                "packings: dives with %d discrepancies: %.7g USD, %d packings",
                discrepancies, self.plan_usd + self.offset_usd, len(relaxation.pool),
            )  # fmt: skip
            if self.plan_usd >= limit:
                width *= WIDER
            discrepancies += 1
            if self.plan_usd <= self.bound_usd + self._gaps_usd(FAR):
                now = watch.elapsed_seconds()
                self._branch(tree, now + (now - begun))
        self._branch(tree, np.inf)

    def _branch(self, tree: PackingTree, until_seconds: float) -> None:
        """Raise the bound by dividing, until a time, or longer where there are fewer and fewer parts."""

        def is_over() -> bool:
            is_late = self.watch.elapsed_seconds() >= until_seconds and len(tree.open) > SHRUNK * tree.most_open
            return is_late or self._is_done()

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
        usd = self.take(self.assignment.to_columns(place, self.matrix.cost.size)) - self.offset_usd
        self.plan_usd = min(self.plan_usd, usd)

    def _raise_bound(self, bound_usd: float) -> None:
        if np.isfinite(bound_usd) and bound_usd > self.bound_usd:
            self.bound_usd = min(bound_usd, self.plan_usd)
            self.tell(self.bound_usd + self.offset_usd)

    def _tolerance(self, most: float) -> float:
        return min(most, TOLERANCE_SHARE * self.gap)

    def _gaps_usd(self, times: float) -> float:
        """Return so many gaps in USD."""
        return times * max(self.gap, LEAST_GAP) * abs(self.bound_usd + self.offset_usd)

    def _enough(self) -> float:
        """Return the bound that proves the plan held within the gap, up to rounding; inf where none is held."""
        total = max(abs(self.plan_usd + self.offset_usd), GAP_FLOOR)
        return self.plan_usd - (self.gap + ROUNDING) * total if np.isfinite(self.plan_usd) else np.inf

    def _better_than(self, limit_usd: float) -> float:
        """Return what a plan must cost less than to be better by more than rounding, a limit at most."""
        better = self.plan_usd - ROUNDING * max(abs(self.plan_usd + self.offset_usd), 1.0)
        return min(limit_usd, better) if np.isfinite(self.plan_usd) else limit_usd

    def _is_done(self) -> bool:
        return self.watch.should_stop() or self.bound_usd >= self._enough()
