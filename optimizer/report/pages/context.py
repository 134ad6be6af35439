"""What the sections of a plan's page are made from: the plan, what is known of its instance, and words for figures."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from optimizer.plan.models import Plan
from optimizer.plan.rows import Placement
from optimizer.report.pages.places import Places, places_of
from optimizer.report.parts import amount

if TYPE_CHECKING:
    from optimizer.explain.options_left import OptionsStep
    from optimizer.instance.models import Instance

MONTH_HOURS, YEAR_HOURS = (720, 744), (8760, 8784)
DOUBTS = {
    "fallback": "fallback", "estimated": "estimate", "derived": "derived", "unverified": "offer not verified",
    "transferred_speed": "speed measured elsewhere", "estimated_speed": "speed estimated", "stale_price": "old price",
    "weak_law": "weak law", "unreviewed_law": "law not reviewed",
}  # fmt: skip


@dataclass(frozen=True)
class Context:
    """A plan and what its page may tell besides: its instance, the steps of its waterfall, where time was left."""

    plan: Plan
    instance: Instance | None = None
    steps: tuple[OptionsStep, ...] = ()
    borders: bool = False

    @cached_property
    def places(self) -> Places:
        """Names and coordinates."""
        return places_of(self.instance)

    @cached_property
    def by_workload(self) -> dict[str, list[Placement]]:
        """Placements by workload, in the order of the plan."""
        found: dict[str, list[Placement]] = defaultdict(list)
        for row in self.plan.placements:
            found[row.workload].append(row)
        return dict(found)

    @cached_property
    def countries(self) -> list[str]:
        """Countries of placements and copies, the dearest first."""
        cost: dict[str, float] = defaultdict(float)
        for country, usd in [(row.country, row.cost_usd) for row in self.plan.placements] + [
            (copy.country, copy.cost_usd) for copy in self.plan.copies
        ]:
            cost[country] += usd or 0.0
        return sorted(cost, key=lambda code: (-cost[code], code))

    @property
    def regions(self) -> set[str]:
        """Regions in which something runs."""
        return {row.region_id for row in self.plan.placements}

    def span(self) -> str:
        """Return the horizon in words."""
        horizon = self.plan.horizon
        if horizon is None:
            return "over the horizon"
        hours = sum(period.hours for period in horizon.periods)
        if MONTH_HOURS[0] <= hours <= MONTH_HOURS[1]:
            length = "over one month"
        elif YEAR_HOURS[0] <= hours <= YEAR_HOURS[1]:
            length = "over one year"
        else:
            length = f"over {hours:,.6g} hours"
        return f"{length} from {day(horizon.start)}"


def day(date: datetime.date) -> str:
    """Return a date as people write it."""
    return f"{date.day} {date:%B %Y}"


def short_day(date: datetime.date) -> str:
    """Return a date for a table, which is never broken."""
    return f"{date.day}\u00a0{date:%b}\u00a0{date.year}"


def plural(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def total(values: Iterable[float | None]) -> float | None:
    """Return the sum, None if a part is unknown."""
    every = list(values)
    return None if None in every else sum(value for value in every if value is not None)


def doubts(rows: Iterable[Placement]) -> list[str]:
    """Return what placements rest on that is not verified, in words."""
    return list(dict.fromkeys(DOUBTS.get(flag, flag) for row in rows for flag in row.flags))


@dataclass
class Sums:
    """Cost and carbon of one place; carbon is at least so much where a part of it is not known."""

    usd: float = 0.0
    kg: float = 0.0
    known: int = 0
    unknown: int = 0

    def add(self, usd: float | None, kg: float | None) -> None:
        """Count a row."""
        self.usd += usd or 0.0
        self.kg += kg or 0.0
        self.known, self.unknown = self.known + (kg is not None), self.unknown + (kg is None)

    @property
    def carbon(self) -> str:
        """The carbon in words."""
        if not self.known:
            return "unknown"
        return f"{'at least ' if self.unknown else ''}{amount(self.kg)}"


def by_country(context: Context) -> dict[str, Sums]:
    """Return cost and carbon of placements and copies by country, the dearest first."""
    found: dict[str, Sums] = {code: Sums() for code in context.countries}
    for row in context.plan.placements:
        found[row.country].add(row.cost_usd, row.carbon_kg)
    for copy in context.plan.copies:
        found[copy.country].add(copy.cost_usd, copy.carbon_kg)
    return found
