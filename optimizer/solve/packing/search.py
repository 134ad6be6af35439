r"""Assignments in which a few choices fill a place: bound, plans and tree over packings.

The relaxation of such a model fills every place to the brim with fractions; its bound stays some tenths of a percent
below all plans, and what kernels around it find is as far above. The relaxation over packings is near the optimum, so
that dives into it find plans, and where those are not enough, parts of the plans are bounded apart (`tree`) and an
integer program over the packings worth the while, all that are in plans near the bound, is solved by HiGHS.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.assignment import Assignment
from optimizer.solve.matrix import Matrix
from optimizer.solve.packing.dives import Dives
from optimizer.solve.packing.relaxation import PackingRelaxation
from optimizer.solve.packing.tree import PackingTree, Part
from optimizer.solve.solution import GAP_FLOOR
from optimizer.solve.watch import Watch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
log = logging.getLogger(__name__)

MOST_PER_PLACE = 12.0
"""Choices per place up to which packings are worth it: beyond, the model's own relaxation is as good."""
ROUNDS, TOLERANCE_SHARE = 400, 0.05
"""Rounds of column generation for all plans, and how near bound and relaxation come, in parts of the gap."""
FIRST_WIDTH, WIDER = 2.0, 2.0
"""How far above the bound a plan may be that dives look for first, in gaps, and by what that grows in vain."""
MOST_DISCREPANCIES = 8


def is_packed(assignment: Assignment) -> bool:
    """Whether so few choices fill a place that packings are worth it."""
    places = int(np.isfinite(assignment.limit).sum())
    return places > 1 and assignment.cost.shape[0] <= MOST_PER_PLACE * places


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
        self.until_seconds = np.inf

    def run(self, row_price: Floats) -> None:
        """Search until the gap is proven, nothing more is found or the solve must stop, from prices of the rows."""
        relaxation, watch = self.relaxation, self.watch
        prices = relaxation.prices_from(row_price)
        every = relaxation.is_option
        solved = relaxation.solve(
            every, prices, enough_usd=self._enough(), rounds=ROUNDS, tolerance=TOLERANCE_SHARE * self.gap
        )
        self._raise_bound(solved.bound_usd)
        log.info("packings: bound %.7g USD, %d known", self.bound_usd + self.offset_usd, len(relaxation.pool))
        if self._is_done() or solved.answer is None:
            return
        dives = Dives(relaxation, self._on_plan)
        tree = PackingTree(relaxation, Part(self.bound_usd, 0, every, solved.prices), self._on_plan)
        width, discrepancies = FIRST_WIDTH, 0
        while not self._is_done() and discrepancies <= MOST_DISCREPANCIES:
            begun = watch.elapsed_seconds()
            limit = self.bound_usd + width * self.gap * abs(self.bound_usd + self.offset_usd)
            dives.dive(every, solved.prices, discrepancies, lambda limit=limit: min(limit, self._better()), self._is_done)
            log.info(
                "packings: dives with %d discrepancies: %.7g USD, %d packings",
                discrepancies, self.plan_usd + self.offset_usd, len(relaxation.pool),
            )  # fmt: skip
            if not np.isfinite(self.plan_usd) or self.plan_usd >= limit:
                width *= WIDER
            discrepancies += 1
            now = watch.elapsed_seconds()
            self._branch(tree, now + (now - begun))
        self._branch(tree, np.inf)

    def _branch(self, tree: PackingTree, until_seconds: float) -> None:
        """Raise the bound by dividing, until a time."""
        tree.search(
            self._enough,
            lambda: self._is_done() or self.watch.elapsed_seconds() >= until_seconds,
            lambda: self._raise_bound(tree.bound_usd),
        )
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

    def _enough(self) -> float:
        """Return the bound that proves the plan held within the gap; inf where none is held."""
        total = abs(self.plan_usd + self.offset_usd)
        return self.plan_usd - self.gap * max(total, GAP_FLOOR) if np.isfinite(self.plan_usd) else np.inf

    def _better(self) -> float:
        """Return what a plan must cost less than to be better by more than rounding."""
        return self.plan_usd - 1e-9 * max(abs(self.plan_usd + self.offset_usd), 1.0)

    def _is_done(self) -> bool:
        return self.watch.should_stop() or self.bound_usd >= self._enough()
