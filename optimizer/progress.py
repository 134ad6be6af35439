"""Reports of a solve from its first second to its last: every stage is told, with the figures known so far."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.plan.models import Plan
    from optimizer.solve.solution import Progress


class Stages:
    """Passes reports on to who asked for them, if anybody did: seconds count from `begun`, figures stay until better
    ones come.
    """

    def __init__(self, progress: Callable[[Progress], None] | None, begun: float) -> None:
        self._progress, self._begun = progress, begun
        self._incumbent: float | None = None
        self._bound: float | None = None
        self._gap: float | None = None

    def told(self) -> Callable[[Progress], None] | None:
        """Return what a solver is to call; None where nobody asked."""
        return None if self._progress is None else self._pass_on

    def begin(self, phase: str, plan: Plan | None = None) -> None:
        """Tell that a stage begins, from a plan on with its figures."""
        from optimizer.solve.solution import Progress

        figures = (None, None, None) if plan is None else (plan.objective_usd, plan.bound_usd, plan.gap)
        self._pass_on(Progress(phase, *figures, elapsed_seconds=0.0))

    def _pass_on(self, report: Progress) -> None:
        if self._progress is None:
            return
        if report.incumbent_usd is not None or report.bound_usd is not None:
            self._incumbent, self._bound, self._gap = report.incumbent_usd, report.bound_usd, report.gap
        told = replace(report, incumbent_usd=self._incumbent, bound_usd=self._bound, gap=self._gap)
        self._progress(replace(told, elapsed_seconds=time.perf_counter() - self._begun))
