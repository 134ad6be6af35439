"""The frontier of cost against something else: what can be had for so much money, and what less of it costs.

Along carbon (as the instance counts it, or by what suppliers claim), water, the share of the work outside a
jurisdiction and the time that the work of jobs waits a point is a limit C on cost (the epsilon-constraint method): the
least amount among plans that cost at most C, then the cheapest plan of that amount. No weight stands in an objective. A
point is a box: the plan's amount, and the bound below which no plan of at most that cost comes. Ends are the least cost
and the least amount whatever it costs. In between the next limit halves the pair of neighbours whose rectangle of cost
and amount is largest, since that is where a plan may still lie below the curve. Along providers, of which there are
few, the least cost with at most k of them is found for every k.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InfeasibleError, InputError, Issue
from optimizer.explain.measures import Against, aim_of, check_jurisdiction, figures_of
from optimizer.explain.rows import Row
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan
from optimizer.plan.rows import PlanCurrency
from optimizer.solve.aims import Aim
from optimizer.study.models import Over
from optimizer.what_if import Limits

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.model import Model
    from optimizer.solve.solution import Progress

Floats = NDArray[np.float64]
UNITS: dict[Over, str] = {
    "carbon": "kg CO2e", "market_based": "kg CO2e by suppliers' claims", "water": "l of water",
    "outside": "share of the work outside", "providers": "providers", "waiting": "h that the work of jobs waits",
}  # fmt: skip
WORDS: dict[Over, str] = {"carbon": "carbon", "market_based": "operational carbon", "water": "water"}
KNOWN = "frontier-knows-the-figure"
NO_LIMIT = 1e15
"""A budget that nothing comes near: what it asks for is that the figure of every option is known."""
LIMITS: dict[Over, dict[str, Any]] = {
    "carbon": {"limit_kg": NO_LIMIT}, "market_based": {"limit_kg": NO_LIMIT, "counts": "operational"},
    "water": {"limit_l": NO_LIMIT},
}  # fmt: skip
"""By measure that may not be known of every option a budget that asks for its figure."""
SETTLED = 1e-3
"""Part of the range of amounts below which two amounts are the same."""


class FrontierPoint(Row):
    """A plan on the frontier. `amount` is what it comes to.

    Along carbon and outside no plan that costs at most `cap_usd` (None: any cost) has an amount below `amount_bound`
    (above, of the share outside); along providers no plan with at most `amount` of them costs less than
    `cost_bound_usd`. `proven`: the plan is within the gap of its bound. `is_knee`: the point farthest below the line
    between both ends.
    """

    cost_usd: float
    amount: float
    amount_bound: float | None = None
    cost_bound_usd: float | None = None
    cap_usd: float | None = None
    proven: bool
    is_knee: bool = False


class Frontier(Row):
    """Points by rising cost. `known_only`: every option without the figure was left out, of all points alike;
    `least_cost_usd` is the least cost of all options. `of`: the scenario of a study that it is.
    """

    over: Over
    unit: str
    outside: str | None = None
    of: str = ""
    points: tuple[FrontierPoint, ...]
    least_cost_usd: float
    known_only: bool = False
    complete: bool
    seconds: float
    currency: PlanCurrency | None = None

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from optimizer.report.as_html import as_html
        from optimizer.report.frontier_view import render_frontier

        return as_html(render_frontier, self)


@dataclass(frozen=True)
class _Found:
    """A point, with its plan and with its amount in the sense in which less is better."""

    point: FrontierPoint
    plan: Plan
    least: float


def frontier(
    instance: Instance, over: Over, *, outside: str | None = None, points: int = 7, gap: float = 5e-3,
    time_limit_seconds: float = 600.0, threads: int | None = None, cancel: threading.Event | None = None,
    progress: Callable[[Progress], None] | None = None, base_dir: Path | str | None = None,
) -> tuple[Frontier, tuple[Plan, ...]]:  # fmt: skip
    """Return the frontier of cost against `over`, and the audited plan of each of its points.

    `outside`: the jurisdiction that the work is to be outside of. At most `points` points; overlapping ones are one.

    Raises
    ------
    InputError
        An argument means nothing, or no jurisdiction was given.
    InfeasibleError
        The instance has no plan.
    """
    from optimizer.compile import compile_instance
    from optimizer.model import Model

    begun = time.perf_counter()
    _check(instance, over, outside, points)
    known_only = over in LIMITS
    whole = over in ("market_based", "water", "waiting")  # an option that is dearer may be better in these
    compiled = compile_instance(instance, base_dir, carbon_counts=over == "carbon", every_option=whole)
    model = Model(instance, compiled, base_dir)
    if outside is not None:
        check_jurisdiction(model._compiled, outside)
    limits = Limits(gap, threads, begun + time_limit_seconds, cancel or threading.Event(), progress)
    walk = _Walk(model, over, outside, limits)
    found = walk.by_count(points) if over == "providers" else walk.by_cost(points)
    told = _with_knee([one.point for one in found])
    answer = Frontier(
        over=over, unit=UNITS[over], outside=outside, points=tuple(told), least_cost_usd=walk.least_cost_usd,
        known_only=known_only, complete=walk.complete, seconds=time.perf_counter() - begun,
        currency=found[0].plan.currency,
    )  # fmt: skip
    return answer, tuple(one.plan for one in found)


def _check(instance: Instance, over: str, outside: str | None, points: int) -> None:
    issues = []
    if over == "market_based" and instance.carbon.basis == "market_based":
        what = "the instance counts carbon by suppliers' claims"
        issues.append(Issue(what, "over", maybe="over carbon is over that"))
    if over not in UNITS:
        issues.append(Issue(f"unknown measure {over!r}", "over", maybe=f"it is one of {', '.join(UNITS)}"))
    if (over == "outside") != (outside is not None):
        what = "names a jurisdiction, which is for the share outside it" if outside else "names no jurisdiction"
        issues.append(Issue(what, "outside", maybe="over outside, give one: US"))
    if points < 2:
        issues.append(Issue(f"{points} points make no frontier", "points", maybe="ask for 2 or more"))
    if issues:
        raise InputError(issues)


def _aim(compiled: Compiled, over: Over, against: Against) -> Aim:
    """Return what to minimise along a measure."""
    if over in ("carbon", "outside", "providers"):
        return aim_of(compiled, over, against, ())
    from formulations.objective import added_to
    from optimizer.compile.unknown import carbon_unknown, water_unknown

    problem = compiled.problem
    held = {
        "unserved": np.ones(problem.services.demand_per_s.size, dtype=bool),
        "undone": np.ones(problem.jobs.workload.size, dtype=bool),
    }
    if over == "waiting":
        return Aim(amounts={"work_hours": waiting_hours(compiled)}, held=held)
    if over == "market_based":
        return Aim(amounts=claimed_kg(compiled), held={**held, **carbon_unknown(compiled)})
    return Aim(amounts=added_to(problem, "water_l"), held={**held, **water_unknown(compiled)})


def claimed_kg(compiled: Compiled) -> dict[str, Floats]:
    """Return by component what one unit of every decision emits by suppliers' claims: `market_based` of a plan."""
    from formulations.objective import added_to
    from optimizer.plan.market import claimed_kg_per_kwh

    problem = compiled.problem
    factor = np.nan_to_num(claimed_kg_per_kwh(compiled, np.arange(problem.slots.offer.size)))
    of_slot = {"instances": factor, "gangs": factor, "work_hours": factor, "flow": factor[problem.flows.slot]}
    energy = added_to(problem, "energy_kwh")
    return {name: energy[name] * of_slot[name] for name in of_slot if name in energy}


def waiting_hours(compiled: Compiled) -> Floats:
    """Return by slot what an instance-hour of a job there adds to the mean time that the work of jobs waits, every job
    counting the same: from the first period of its window to the one in which the work is done (h).
    """
    problem = compiled.problem
    jobs, slots = problem.jobs, problem.slots
    found = np.zeros(slots.workload.size)
    if not jobs.workload.size:
        return found
    begins = np.concatenate([[0.0], np.cumsum(problem.period_hours)])
    job_of = np.full(len(problem.workload_ids), -1, dtype=np.int64)
    job_of[jobs.workload] = np.arange(jobs.workload.size)
    own = np.flatnonzero(slots.is_job)
    job = job_of[slots.workload[own]]
    part = slots.capacity_per_s[own] * 3600.0 / (jobs.work_units[job] * jobs.workload.size)
    found[own] = part * (begins[slots.period[own]] - begins[jobs.first_period[job]])
    return found


class _Walk:
    """Finds the points of one frontier."""

    def __init__(self, model: Model, over: Over, outside: str | None, limits: Limits) -> None:
        self._model, self._over, self._against = model, over, Against(None, outside)
        self._limits = limits
        self._bound_usd: float | None = None
        self.least_cost_usd = 0.0
        self.complete = True

    def _solved(self, model: Model, share: float, start: Plan | None = None) -> Plan:
        return model.solve(
            gap=self._limits.gap, time_limit_seconds=max(1e-3, share * self._limits.left_seconds()), start=start,
            threads=self._limits.threads, cancel=self._limits.cancel, progress=self._limits.progress,
        )  # fmt: skip

    def _least_cost(self, points: int) -> Plan:
        """Return the plan of least cost; where a figure may be unknown that of options that have it, by a budget."""
        plan = self._found(points)
        self.least_cost_usd, self._bound_usd = plan.objective_usd or 0.0, plan.bound_usd
        if self._over not in LIMITS:
            return plan
        asks = {"op": "add_budget", "budget": {"id": KNOWN, **LIMITS[self._over]}}
        try:
            return self._found(points, [asks], plan)
        except InfeasibleError:
            what = f"the instance has plans, and none of options whose {WORDS[self._over]} is known (proven)"
            maybe = "Maybe state the figures that are missing: catalogue.overlay, catalogue.fallbacks"
            raise InfeasibleError(f"{what}\n{maybe}") from None

    def _found(self, points: int, changes: Sequence[dict[str, Any]] = (), start: Plan | None = None) -> Plan:
        model = self._model.changed(list(changes)) if changes else self._model
        plan = self._solved(model, 1.0 / points, start)
        if plan.status == "infeasible":
            raise InfeasibleError("the instance has no plan (proven)\nMaybe domicile explain infeasible says why")
        if not plan.held:
            raise InputError(Issue("no plan was found in the time given", "time_limit_seconds", maybe="give more time"))
        return plan

    def by_count(self, points: int) -> list[_Found]:
        """Return the least cost with at most k providers, from the fewest there can be to those of the least cost."""
        cheapest = self._least_cost(points)
        most = len(figures_of(self._model._compiled, cheapest, self._against).providers)
        found = [_Found(self._counted(cheapest, most), cheapest, most)]
        for count in range(most - 1, 0, -1):
            rule = {"kind": "places_in_use", "id": "frontier", "of": "provider", "max_in_use": count}
            try:
                plan = self._solved(self._model.changed([{"op": "add_policy", "policy": rule}]), 1.0 / count)
            except InfeasibleError:
                break
            self.complete &= plan.status in ("optimal", "infeasible")
            if not plan.held:
                break
            found.append(_Found(self._counted(plan, count), plan, count))
        return _undominated(found)

    def _counted(self, plan: Plan, count: int) -> FrontierPoint:
        assert plan.objective_usd is not None
        return FrontierPoint(
            cost_usd=plan.objective_usd, amount=count, cost_bound_usd=plan.bound_usd, proven=plan.status == "optimal"
        )

    def by_cost(self, points: int) -> list[_Found]:
        """Return the least amount at limits on cost, the ends first, then where most may lie below the curve."""
        cheapest = self._least_cost(points)
        assert cheapest.objective_usd is not None
        values = self._values(cheapest)
        ends = [self._at(cap, values, points) for cap in (cheapest.objective_usd, None)]
        found = [one for one in ends if one is not None]
        self.complete &= len(found) == len(ends)
        empty: list[tuple[float, float]] = []
        while 1 < len(found) < points and self._limits.left_seconds() > 0:
            found.sort(key=lambda one: (one.point.cost_usd, one.least))
            span = self._widest(found, empty)
            if span is None:
                break
            cap = (span[0] + span[1]) / 2
            made = self._at(cap, values, points - len(found))
            if made is None:
                self.complete = False
                break
            same = next((k for k, one in enumerate(found) if self._is_same(made, one, found)), None)
            if same is not None:
                empty.append((span[2], cap))
                found[same] = _holding_up_to(found[same], made)
            else:
                found.append(made)
        self.complete &= self._limits.left_seconds() > 0
        return _undominated(found)

    def _values(self, plan: Plan) -> Any:
        from optimizer.explain.near_optimal import values_of

        return values_of(self._model._compiled, plan, self._limits, self._limits.left_seconds())

    def _at(self, cap_usd: float | None, values: Any, shares: int) -> _Found | None:
        """Return the best plan of at most a cost, None where there was no time."""
        from optimizer.explain.near_optimal import plan_of
        from optimizer.solve.aims import reach

        compiled, limits = self._model._compiled, self._limits
        reached = reach(
            compiled.problem, values, _aim(compiled, self._over, self._against), cost_cap_usd=cap_usd,
            gap=limits.gap, time_limit_seconds=limits.left_seconds() / max(1, shares),
            threads=limits.threads or os.cpu_count() or 1, progress=limits.progress, cancel=limits.cancel,
        )  # fmt: skip
        if reached is None:
            return None
        self.complete &= reached.is_settled
        plan = plan_of(compiled, reached, self._bound_usd, limits.gap)
        assert plan.objective_usd is not None
        sign = -1.0 if self._over == "outside" else 1.0
        bound = None if reached.bound is None else min(reached.bound, reached.amount) * sign
        return _Found(FrontierPoint(
            cost_usd=plan.objective_usd, amount=reached.amount * sign + 0.0, amount_bound=bound, cap_usd=cap_usd,
            proven=reached.is_settled,
        ), plan, reached.amount)  # fmt: skip

    @staticmethod
    def _range(found: list[_Found]) -> float:
        amounts = [one.least for one in found]
        return max(amounts) - min(amounts)

    def _is_same(self, made: _Found, one: _Found, found: list[_Found]) -> bool:
        return abs(made.least - one.least) <= SETTLED * self._range(found)

    def _widest(self, found: list[_Found], empty: list[tuple[float, float]]) -> tuple[float, float, float] | None:
        """Return the range of cost of the largest rectangle between neighbours, and the cost of its first point.

        `empty`: from the cost of a point up to which cost there is no better plan.
        """
        best, widest = 0.0, None
        for one, two in pairwise(found):
            begin, end = one.point.cost_usd, two.point.cost_usd
            first = max([begin, *(upto for cost, upto in empty if cost == begin)])
            height = one.least - two.least
            if height > SETTLED * self._range(found) and end - first > SETTLED * end and (end - first) * height > best:
                best, widest = (end - first) * height, (first, end, begin)
        return widest


def _holding_up_to(one: _Found, made: _Found) -> _Found:
    """Return a point with the limit on cost up to which none was found to be better, and the bound proven there."""
    cap, other = one.point.cap_usd, made.point
    if cap is None or (other.cap_usd is not None and other.cap_usd <= cap) or not other.proven:
        return one
    proven = {"cap_usd": other.cap_usd, "amount_bound": other.amount_bound}
    return replace(one, point=one.point.model_copy(update=proven))


def _undominated(found: list[_Found]) -> list[_Found]:
    """Return the points by rising cost, each better than those that cost less; what is proven beside one that is no
    better is told of the one before it.
    """
    kept: list[_Found] = []
    for one in sorted(found, key=lambda one: (one.point.cost_usd, one.least)):
        if not kept or one.least < kept[-1].least:
            kept.append(one)
        elif one.point.amount_bound is not None:
            kept[-1] = _holding_up_to(kept[-1], one)
    return kept


def _with_knee(points: list[FrontierPoint]) -> list[FrontierPoint]:
    """Mark the point farthest from the line between both ends, both axes scaled to 1; of two points none is."""
    if len(points) < 3:
        return points
    first, last = points[0], points[-1]
    wide, high = last.cost_usd - first.cost_usd, last.amount - first.amount
    if not wide or not high:
        return points
    below = [abs((p.amount - first.amount) / high - (p.cost_usd - first.cost_usd) / wide) for p in points]
    knee = max(range(len(points)), key=below.__getitem__)
    return [p.model_copy(update={"is_knee": k == knee and below[k] > 0}) for k, p in enumerate(points)]
