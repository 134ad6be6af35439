"""The incumbent: the best solution of a model found so far and the best bound proven for all of them.

Strategies offer solutions and bounds from any thread; what is no solution, or no better, is not taken. The history says
when each was found and in which phase of the solve.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.cost_steps import find_steps
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import Run
from optimizer.solve.matrix import Matrix
from optimizer.solve.solution import GAP_FLOOR, Termination, is_within, relative_gap

Floats = NDArray[np.float64]
ROUNDING = 1e-9
"""Part of a cost that is rounding: a solution no cheaper than that is no news."""


@dataclass(frozen=True)
class Improvement:
    """A better solution or bound (USD; None: unchanged): after how many seconds, and in which phase it was found."""

    elapsed_seconds: float
    found_by: str
    objective_usd: float | None = None
    bound_usd: float | None = None


class Incumbent:
    """The best solution `x` of a matrix (None: none yet), what it costs, and the best bound, for every thread.

    `start` is a solution to begin with, if it is one. `on_solution` sees every better one, in the thread that found it.
    """

    def __init__(
        self, matrix: Matrix, watch: Watch, *, start: Floats | None = None, bound_usd: float = -np.inf,
        on_solution: Callable[[Floats], None] | None = None,
    ) -> None:  # fmt: skip
        self.matrix, self.watch, self.history = matrix, watch, list[Improvement]()
        self._lock = threading.Lock()
        self._x: Floats | None = None
        self._objective_usd, self._bound_usd = np.inf, bound_usd
        self._on_solution = on_solution
        self.steps = find_steps(matrix)
        if start is not None:
            self.offer(start)

    @property
    def x(self) -> Floats | None:
        """The best solution."""
        return self._x

    @property
    def objective_usd(self) -> float:
        """What the best solution costs; inf without one."""
        return self._objective_usd

    @property
    def bound_usd(self) -> float:
        """What every solution costs at least; -inf while nothing is proven."""
        return self._bound_usd

    @property
    def gap(self) -> float | None:
        """(cost - bound) / cost, None when either is unknown."""
        known = self._x is not None and np.isfinite(self._bound_usd)
        return relative_gap(self._objective_usd, self._bound_usd) if known else None

    def is_within(self, gap: float) -> bool:
        """Whether a solution is proven to be within the gap, up to rounding."""
        return is_within(self.gap, gap)

    def offer(self, x: Floats, found_by: str = "") -> bool:
        """Take a solution where it is one and costs less; whether it was taken."""
        objective = self.matrix.objective(x)
        if objective >= self._objective_usd or not self.matrix.is_feasible(x):
            return False
        with self._lock:
            if objective >= self._objective_usd:
                return False
            self._x, self._objective_usd = x.copy(), objective
            self._note(Improvement(self.watch.elapsed_seconds(), found_by or self.watch.phase, objective_usd=objective))
        self.watch.note(incumbent_usd=objective)
        if self._on_solution is not None:
            self._on_solution(x)
        return True

    def offer_bound(self, bound_usd: float, found_by: str = "") -> bool:
        """Take a bound on every solution where it is higher; whether it was taken."""
        if self.steps is not None and np.isfinite(bound_usd):
            bound_usd = self.steps.least_from(bound_usd)
        with self._lock:
            if not bound_usd > self._bound_usd:
                return False
            self._bound_usd = bound_usd
            self._note(Improvement(self.watch.elapsed_seconds(), found_by or self.watch.phase, bound_usd=bound_usd))
        if np.isfinite(bound_usd):
            self.watch.note(bound_usd=bound_usd)
        return True

    def target_usd(self, gap: float) -> float:
        """Return what a solution costs at most that is worth having beside the best one; inf without one.

        A bound of so much proves that the best one is within the gap.
        """
        objective = self._objective_usd
        if not np.isfinite(objective):
            return np.inf
        target = objective - gap * max(abs(objective), GAP_FLOOR)
        return target if self.steps is None else min(target, self.steps.most_below(objective))

    def _note(self, news: Improvement) -> None:
        self.history.append(news)

    def better_than(self, objective_usd: float) -> Floats | None:
        """Return the best solution if it is cheaper by more than rounding, else None."""
        with self._lock:
            margin = ROUNDING * max(1.0, abs(objective_usd)) if np.isfinite(objective_usd) else 0.0
            return self._x if self._x is not None and self._objective_usd < objective_usd - margin else None

    def as_run(self, termination: Termination) -> Run:
        """Return what there is as the result of a strategy that ended for a reason."""
        bound = self._bound_usd if np.isfinite(self._bound_usd) else None
        return Run(termination, self._x, None if self._x is None else self._objective_usd, bound)


class Projected:
    """The incumbent of a whole model, as a search sees it that works on another form of the model.

    `project` turns solutions of the whole model into those of the other form, `restore` turns them back.
    """

    def __init__(
        self, whole: Incumbent, project: Callable[[Floats], Floats], restore: Callable[[Floats], Floats]
    ) -> None:
        self.whole, self.project, self.restore = whole, project, restore

    def offer(self, x: Floats) -> bool:
        """Offer a solution of the other form."""
        return self.whole.offer(self.restore(x))

    def better_than(self, objective_usd: float) -> Floats | None:
        """Return the best solution in the other form if it is cheaper by more than rounding, else None."""
        x = self.whole.better_than(objective_usd)
        return None if x is None else self.project(x)


def with_start(result: Run, matrix: Matrix, start: Floats | None, watch: Watch) -> Run:
    """Return the result, or the plan to begin with where the result has none or a dearer one, with the best bound that
    was proven.

    A start that holds within the tolerance is a plan, whatever HiGHS makes of the last digit of a limit.
    """
    known = [bound for bound in (result.bound_usd, watch.bound_usd) if bound is not None]
    if known and result.termination is not Termination.INFEASIBLE:
        result = replace(result, bound_usd=max(known))
    if start is None or not matrix.is_feasible(start):
        return result
    if result.x is not None and matrix.objective(result.x) <= matrix.objective(start):
        return result
    why = Termination.LIMIT if result.termination is Termination.INFEASIBLE else result.termination
    return Run(why, start, matrix.objective(start), max(known, default=None), lagrangian=result.lagrangian)
