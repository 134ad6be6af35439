"""Figures whose error would change the plan: the price at which it is no longer the cheapest, found by solving again.

With the price of one offer times f, the plan costs a + f s: s is what it pays for that offer today. The least cost z(f)
is concave and piecewise linear, since it is the least of such lines, one for each plan. Newton's method finds where the
plan's own line leaves it: without the offer the least cost is z_out, so that the plan changes at f1 = (z_out - a) / s
at the latest; a plan that is cheaper at f1 has a line that meets the plan's at some f2 < f1, and so on, until none is.
Below the last f the plan is the cheapest, above it the last plan found is: within the gap asked, as all costs are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.errors import InfeasibleError
from optimizer.missing import Limits
from optimizer.plan.models import Plan
from optimizer.plan.rows import Placement, Switching

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled

SHARE, LEAST_SECONDS = 0.25, 5.0
"""Time for all values: this share of what solving took, or so many seconds if that is more; never more than is left."""
MOST_FACTOR, ROUNDS, ASKED_FOR_EACH = 10.0, 5, 2
"""An error of more than tenfold is no error; rounds of Newton's method; offers asked about for each value wanted."""
DOUBTFUL = ("fallback", "estimated", "unverified", "derived")


@dataclass(frozen=True)
class _Offer:
    """An offer that the plan pays for: its name, the scope of a change that selects it, price, quality and spend."""

    id: str
    scope: dict[str, list[str]]
    usd: float
    unit: str
    quality: str
    spend_usd: float
    workloads: tuple[str, ...]
    place: str
    what: str


def told_switching(
    compiled: Compiled, plan: Plan, base_dir: Path | str | None, limits: Limits, wanted: int
) -> dict[str, Any]:
    """Return the rows of a plan on the prices nearest to where it changes, at most as many as are wanted."""
    if plan.objective_usd is None or wanted == 0:
        return {}
    took = sum(plan.timings_seconds.values())
    until = time.perf_counter() + min(limits.left_seconds, max(LEAST_SECONDS, SHARE * took))
    found = []
    for offer in _paid_for(compiled, plan)[: ASKED_FOR_EACH * wanted]:
        if limits.cancel.is_set() or time.perf_counter() >= until:
            break
        row = _Asked(compiled, plan, base_dir, limits, until).about(offer)
        if row is not None:
            found.append(row)
    found.sort(key=lambda row: row.switches_at / row.value)
    return {"switching": tuple(found[:wanted])}


def _paid_for(compiled: Compiled, plan: Plan) -> list[_Offer]:
    """Return the offers that the plan pays for by the hour or unit, doubtful figures first, then by what they cost."""
    offers, names = compiled.world.offers, compiled.world.text("offer_id").tolist()
    quality = compiled.world.text("price_quality")
    price = compiled.world.column("price_usd_per_hour")
    groups: dict[int, list[Placement]] = {}
    at = {name: k for k, name in enumerate(names)}
    for row in plan.placements:
        o = at.get(f"{row.region_id}:{row.sku}:{row.purchase}")
        if o is not None and row.sku is not None and row.purchase in ("on_demand", "spot"):
            groups.setdefault(o, []).append(row)
    found = []
    for o, rows in groups.items():
        hours = sum(row.instance_hours or 0.0 for row in rows)
        if not price[o] > 0 or hours <= 0:
            continue
        first = rows[0]
        scope = {"regions": [first.region_id], "skus": [str(first.sku)], "purchase": [str(first.purchase)]}
        spot = " spot" if first.purchase == "spot" else ""
        found.append(_Offer(
            id=names[o], scope=scope, usd=float(price[o]), unit="USD/h", quality=str(quality[o]) or "stated",
            spend_usd=hours * float(price[o]), workloads=tuple(dict.fromkeys(row.workload for row in rows)),
            place=str(offers["region_id"].iloc[o]), what=f"{first.sku}{spot}",
        ))  # fmt: skip
    return sorted(found, key=lambda one: (one.quality not in DOUBTFUL, -one.spend_usd))


@dataclass(frozen=True)
class _Line:
    """What a plan costs at a factor f on one price: `fixed` + f x `slope`; where it places each workload."""

    fixed: float
    slope: float
    placed: dict[str, frozenset[tuple[str, str]]]

    def at(self, factor: float) -> float:
        """Return the cost at a factor."""
        return self.fixed + factor * self.slope


class _Asked:
    """Solves of one instance with the price of an offer changed."""

    def __init__(
        self, compiled: Compiled, plan: Plan, base_dir: Path | str | None, limits: Limits, until: float
    ) -> None:
        self._compiled, self._plan, self._base_dir = compiled, plan, base_dir
        self._limits, self._until = limits, until
        self._close = limits.gap * abs(plan.objective_usd or 0.0)

    def about(self, offer: _Offer) -> Switching | None:
        """Return where the plan changes as the price of an offer rises; None where it does not within tenfold."""
        cost = self._plan.objective_usd or 0.0
        own = _Line(cost - offer.spend_usd, offer.spend_usd, _placed(self._plan))
        other = self._solved([{"op": "close_offers", "scope": offer.scope}], offer, None)
        if other is None:
            return None
        factor = (other.fixed - own.fixed) / own.slope
        for _ in range(ROUNDS):
            if factor > MOST_FACTOR:
                return None
            change = {"op": "scale_prices", "factor": max(factor, 0.0), "scope": offer.scope}
            better = self._solved([change], offer, max(factor, 1e-9))
            if better is None:
                return None
            if better.at(factor) >= own.at(factor) - self._close or better.slope >= own.slope:
                break
            other, factor = better, (better.fixed - own.fixed) / (own.slope - better.slope)
        factor = max(factor, 1.0)
        return Switching(
            figure="price", of=offer.id, workloads=offer.workloads, value=offer.usd, unit=offer.unit,
            quality=offer.quality, switches_at=offer.usd * factor,
            sentence=_sentence(offer, offer.usd * factor, own, other),
        )  # fmt: skip

    def _solved(self, changes: Sequence[dict[str, Any]], offer: _Offer, factor: float | None) -> _Line | None:
        """Return the line of the cheapest plan after changes; None where there is none, or no time."""
        from optimizer.changes.apply import changed
        from optimizer.compile import compile_instance
        from optimizer.plan.read import read_plan
        from optimizer.solve import solve_problem

        left = self._until - time.perf_counter()
        if left <= 0 or self._limits.cancel.is_set():
            return None
        instance = changed(self._compiled.world.instance, changes, base_dir=self._base_dir)
        try:
            compiled = compile_instance(instance, self._base_dir, earlier=self._compiled.stages, checked=True)
        except InfeasibleError:
            return None
        solution = solve_problem(
            compiled.problem, gap=self._limits.gap / 10, time_limit_seconds=max(left, 0.1),
            threads=self._limits.threads, cancel=self._limits.cancel,
        )  # fmt: skip
        if not solution.values or solution.objective_usd is None:
            return None
        plan = read_plan(compiled, solution)
        hours = sum(row.instance_hours or 0.0 for row in plan.placements if _names(row) == offer.id)
        slope = hours * offer.usd
        return _Line(solution.objective_usd - slope * (factor or 0.0), slope, _placed(plan))


def _names(row: Placement) -> str:
    return f"{row.region_id}:{row.sku}:{row.purchase}"


def _placed(plan: Plan) -> dict[str, frozenset[tuple[str, str]]]:
    """Return where each workload is: its regions with what it runs on there."""
    found: dict[str, set[tuple[str, str]]] = {}
    for row in plan.placements:
        found.setdefault(row.workload, set()).add((row.region_id, row.sku or row.endpoint or ""))
    return {workload: frozenset(places) for workload, places in found.items()}


def _sentence(offer: _Offer, switches_at: float, own: _Line, other: _Line) -> str:
    """Say what the plan does above the value: who leaves the region, or changes machines, or uses less."""
    moved = "; ".join(_moves(offer, own, other)) or f"less is placed on {offer.what} in {offer.place}"
    figure = f"the figure is {offer.usd:.4g}, {offer.quality}"
    return f"{moved} once {offer.what} in {offer.place} is above {switches_at:.4g} {offer.unit}; {figure}"


def _moves(offer: _Offer, own: _Line, other: _Line) -> Iterator[str]:
    for workload in offer.workloads:
        before, after = own.placed.get(workload, frozenset()), other.placed.get(workload, frozenset())
        regions = {region for region, _ in after}
        goes = sorted(after - before)
        to = f" for {', '.join(f'{what} in {region}' for region, what in goes[:2])}" if goes else ""
        if offer.place not in regions:
            yield f"{workload} leaves {offer.place}{to}"
        elif before != after:
            yield f"{workload} changes machines{to}"
