"""Figures whose error would change the plan: the value at which it is no longer the cheapest, found by solving again.

With a figure times f, the plan costs a + f s: s is what it pays for that figure today (`optimizer.figures`). The least
cost z(f) of prices is concave and piecewise linear, since it is the least of such lines, one for each plan. Newton's
method finds where the plan's own line leaves it: a plan that is cheaper at the largest error asked about has a line
that meets the plan's at some f1, one that is cheaper at f1 at some f2 < f1, and so on, until none is. Below the last f
the plan is the cheapest, above it the last plan found is: within the gap asked, as all costs are. The same holds of the
time that a job takes, and of power where carbon has a price.

A figure can break the plan as well: with f rising, power and PUE exhaust a budget, a job ends too late. Other plans
that use the figure lose too and none gets cheaper, so that until then the plan stays the cheapest; that f needs no
solve. The smaller of the two counts. Slower machines of a service are paid for by the whole machine, and the cost is no
line: solves at speeds between the figure and a third of it find where the service goes elsewhere, to a seventh.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InfeasibleError
from optimizer.plan.models import Plan
from optimizer.plan.rows import Switching
from optimizer.plan.unfinished import Unfinished
from optimizer.what_if import Share, WhatIf, may_end

if TYPE_CHECKING:
    from optimizer.figures import Figure

TIME = Share(0.05, 5.0)
"""Time for all values; never more than is left of the time limit."""
MOST_FACTOR, ROUNDS, ASKED_FOR_EACH = 10.0, 6, 1
"""An error of more than tenfold is no error; rounds of Newton's method; figures solved for, for each value wanted."""
SLOWEST, HALVINGS = 3.0, 3
"""The largest error of a service's speed that is asked about, and how often the range is halved."""


def told_switching(ask: WhatIf, plan: Plan, values: dict[str, NDArray[np.float64]], wanted: int) -> dict[str, Any]:
    """Return the rows of a plan on the figures nearest to where it changes, at most as many as are wanted; `values` are
    those of the solution that the plan was read from.

    The nearest of each kind comes before the second of any. Solves are made where they are likely to end in time; how
    many figures are left is in `unfinished`.
    """
    if plan.objective_usd is None or wanted == 0:
        return {}
    from optimizer.figures import Held, figures_of

    seconds = min(TIME.seconds(plan), ask.limits.left_seconds())
    asked = _Asked(ask, plan, time.perf_counter() + seconds)
    found: list[Switching] = []
    left = ASKED_FOR_EACH * wanted
    for figure in figures_of(Held.of(ask.compiled, values)):
        if figure.paid_usd > 0 and left == 0:
            continue
        left -= figure.paid_usd > 0
        row = asked.about(figure)
        if row is not None:
            found.append(row)
    told: dict[str, Any] = {"switching": tuple(_nearest(found, wanted))}
    if asked.open:
        more = Unfinished(what="switching", seconds=seconds, questions=asked.open)
        told["unfinished"] = (*plan.unfinished, more)
    return told


def _nearest(found: list[Switching], wanted: int) -> list[Switching]:
    """Return the rows nearest to where the plan changes, the first of each kind before the second of any."""
    found = sorted(found, key=_distance)
    seen: Counter[str] = Counter()
    order = []
    for row in found:
        seen[row.figure] += 1
        order.append((seen[row.figure], row))
    return [row for _, row in sorted(order, key=lambda one: (one[0], _distance(one[1])))][:wanted]


def _distance(row: Switching) -> float:
    return max(row.switches_at / row.value, row.value / row.switches_at)


@dataclass(frozen=True)
class _Line:
    """What a plan costs at a factor f on one figure: `fixed` + f x `slope`; where it places each workload and copy."""

    fixed: float
    slope: float
    placed: dict[str, frozenset[tuple[str, str]]]

    def at(self, factor: float) -> float:
        """Return the cost at a factor."""
        return self.fixed + factor * self.slope


class _Asked:
    """Solves of one instance with one figure changed."""

    def __init__(self, ask: WhatIf, plan: Plan, until: float) -> None:
        self._ask, self._plan, self._until = ask, plan, until
        self._close = ask.limits.gap * abs(plan.objective_usd or 0.0)
        self._placed = _placed(plan)
        self._may_solve = may_end(ask.compiled, plan, until - time.perf_counter())
        self.open = 0
        """Figures that solves were not made for, or not to the end."""

    def about(self, figure: Figure) -> Switching | None:
        """Return where the plan changes as a figure gets worse; None where it does not within tenfold, or where that
        takes more time than there is.

        Solves are made where the plan pays for the figure.
        """
        factor, change = figure.breaks_at, figure.broken
        if figure.paid_usd > 0:
            own = _Line((self._plan.objective_usd or 0.0) - figure.paid_usd, figure.paid_usd, self._placed)
            try:
                crossing = self._goes(figure, own) if figure.in_steps else self._crossing(figure, own)
            except TimeoutError:
                self.open += 1
                return None
            if crossing is not None and crossing[0] < factor:
                factor, other = crossing
                change = _change(figure, own, other)
        factor = max(factor, 1.0)
        if factor > MOST_FACTOR:
            return None
        at = figure.at_factor(factor)
        return Switching(
            figure=figure.name, of=figure.id, workloads=figure.workloads, value=figure.value, unit=figure.unit,
            quality=figure.quality, switches_at=at, sentence=_sentence(figure, at, change),
        )  # fmt: skip

    def _crossing(self, figure: Figure, own: _Line) -> tuple[float, _Line] | None:
        """Return from which factor on another plan is cheaper, and its line; None where none is up to the largest."""
        factor = min(MOST_FACTOR, figure.breaks_at)
        other: _Line | None = None
        for _ in range(ROUNDS):
            better = self._solved(figure, max(factor, 1.0))
            if better.at(factor) >= own.at(factor) - self._close or better.slope >= own.slope:
                break
            other, factor = better, (better.fixed - own.fixed) / (own.slope - better.slope)
        return None if other is None else (factor, other)

    def _goes(self, figure: Figure, own: _Line) -> tuple[float, _Line] | None:
        """Return by which factor slower a service goes elsewhere, or to other machines, and the line of that plan."""
        low, high, service = 1.0, SLOWEST, figure.workloads[0]
        other = self._solved(figure, high)
        if other.placed.get(service) == own.placed[service]:
            return None
        for _ in range(HALVINGS):
            middle = (low * high) ** 0.5
            found = self._solved(figure, middle)
            if found.placed.get(service) == own.placed[service]:
                low = middle
            else:
                high, other = middle, found
        return high, other

    def _solved(self, figure: Figure, factor: float) -> _Line:
        """Return the line of the cheapest plan at a factor; where none is found in time, TimeoutError."""
        from optimizer.compile.scaled import Scaled
        from optimizer.figures import Held, paid
        from optimizer.plan.read import read_plan
        from optimizer.solve.solution import is_within

        limits, left = self._ask.limits, self._until - time.perf_counter()
        if left <= 0 or limits.cancel.is_set() or not self._may_solve:
            raise TimeoutError
        scaled = Scaled(figure.kind, figure.at, factor, figure.workloads[0] if figure.kind == "time" else "")
        try:
            compiled = self._ask.state(scaled=scaled)
        except InfeasibleError:
            return _Line(np.inf, 0.0, {})
        solution = self._ask.solved(compiled.problem, gap=limits.gap / 10, seconds=max(left, 0.1))
        if solution.status == "infeasible":
            return _Line(np.inf, 0.0, {})
        gap = solution.gap
        if solution.objective_usd is None or gap is None or not is_within(gap, limits.gap):
            raise TimeoutError
        spent = paid(figure, Held.of(compiled, solution.values))
        plan = read_plan(compiled, solution)
        return _Line(solution.objective_usd - spent, spent / factor, _placed(plan))


def _placed(plan: Plan) -> dict[str, frozenset[tuple[str, str]]]:
    """Return where each workload is: its regions with what it runs on there; and where copies lie."""
    found: dict[str, set[tuple[str, str]]] = {}
    for row in plan.placements:
        found.setdefault(row.workload, set()).add((row.region_id, row.sku or row.endpoint or ""))
    for copy in plan.copies:
        found.setdefault(f"the copy of {copy.dataset}", set()).add((copy.region_id, ""))
    return {name: frozenset(places) for name, places in found.items()}


def _sentence(figure: Figure, switches_at: float, change: str) -> str:
    """Say what the plan does beyond the value: who leaves the region, or changes machines, or what breaks."""
    where = "" if figure.name == "power" else f" in {figure.place}"
    side = "below" if figure.is_speed else "above"
    unit = f" {figure.unit}" if figure.unit else ""
    told = f"the figure is {figure.value:.4g}, {figure.quality}"
    return f"{change} once {figure.what}{where} is {side} {switches_at:.4g}{unit}; {told}"


def _change(figure: Figure, own: _Line, other: _Line) -> str:
    if not other.placed:
        return "no plan is left"
    return "; ".join(_moves(figure, own, other)) or f"less is placed on {figure.what} in {figure.place}"


def _moves(figure: Figure, own: _Line, other: _Line) -> Iterator[str]:
    """Say who moves: of those that rest on the figure; where none of them does, of all."""
    changed = [name for name in own.placed if own.placed[name] != other.placed.get(name, frozenset())]
    for name in [one for one in changed if one in figure.workloads] or changed:
        before, after = own.placed[name], other.placed.get(name, frozenset())
        goes = sorted(after - before)
        to = f" for {', '.join(f'{what} in {at}' if what else at for at, what in goes[:2])}" if goes else ""
        if figure.place in {at for at, _ in before} and figure.place not in {at for at, _ in after}:
            yield f"{name} leaves {figure.place}{to}"
        else:
            yield f"{name} changes places{to}" if {a for a, _ in before} != {a for a, _ in after} else (
                f"{name} changes machines{to}"
            )
