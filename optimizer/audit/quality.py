"""How good the figures behind each placement are, and what share of cost and carbon rests on which.

A placement's cost rests on its price and on how fast the workload runs there, which says how many instances it takes;
its carbon on power, embodied carbon, PUE, grid and speed as well. A managed endpoint runs at no speed that anybody
measured; its carbon is a stated figure per unit, so that of its region only the grid bears on it, through the network.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from optimizer.audit.findings import Findings
from optimizer.audit.lines import Figures, Ledger, Line
from optimizer.audit.row_laws import LEGAL_FLAGS
from optimizer.audit.world import World
from optimizer.instance.workloads import Service
from optimizer.plan.models import Plan

DOUBTFUL = frozenset({"fallback", "estimated", "derived", "unverified", "transferred_speed", "estimated_speed"})
STALE, ROUND_TRIPS = "stale_price", "estimated_rtt"
QUALITIES = (*sorted(DOUBTFUL), STALE)
"""Words for figures that nobody verified, or no longer; those of a row are among its flags."""
FLAGS = frozenset({*QUALITIES, *LEGAL_FLAGS})


@dataclass(frozen=True)
class Doubts:
    """The words for the figures behind a placement's cost and carbon that nobody verified."""

    cost: frozenset[str]
    carbon: frozenset[str]


def doubts_of(world: World, line: Line) -> Doubts:
    """Return what the figures behind a placement are said to be, as far as that is doubtful."""
    offer, region = line.offer, line.region
    speed = "" if offer.endpoint else world.speed_quality(line.workload, offer)
    cost = {offer.price_quality, speed, "" if offer.availability == "verified" else "unverified"} & DOUBTFUL
    if _is_stale(world, line):
        cost.add(STALE)
    if offer.endpoint is None:
        carbon = {offer.power_quality, offer.embodied_quality, region.pue_quality, region.grid_quality, speed}
    else:
        answers = line.workload.response_gb_per_unit if isinstance(line.workload, Service) else 0.0
        sends = answers * world.instance.carbon.network_kwh_per_gb > 0
        carbon = {region.grid_quality} if sends and offer.kg_per_unit is not None else set()
        if offer.kg_per_unit is None and offer.energy is not None and offer.energy.output_kwh is not None:
            carbon = {region.grid_quality, offer.power_quality}
        elif offer.kg_per_unit is None and (sends or offer.kwh_per_unit is not None):
            carbon = {region.grid_quality}
    return Doubts(frozenset(cost), frozenset(carbon & DOUBTFUL))


def _is_stale(world: World, line: Line) -> bool:
    """Return True if the price is older than the instance wants it."""
    instance, listed = world.instance, line.offer.price_date
    on = instance.laws.as_of or instance.horizon.start
    return listed is not None and on - listed > timedelta(days=instance.catalogue.max_price_age_days)


def check_quality(ledger: Ledger, plan: Plan, findings: Findings) -> None:
    """Check the flags of every placement and the shares, of a plan that states either."""
    stated = bool(plan.data_quality) or any(line.row.flags for line in ledger.lines)
    doubts = [doubts_of(ledger.world, line) for line in ledger.lines]
    for line, doubt in zip(ledger.lines, doubts, strict=True):
        _check_flags(line, doubt, findings, stated=stated)
    shares = _Shares(ledger, doubts)
    for row in plan.data_quality:
        where = f"data_quality {row.quality}"
        findings.checked["data_quality"] += 1
        if row.quality not in (*QUALITIES, ROUND_TRIPS):
            findings.add("unknown_id", where, "is no quality of figures", found=row.quality)
            continue
        for what, mine, told in (
            ("cost", shares.of_cost(row.quality), row.cost_share),
            ("carbon", shares.of_carbon(row.quality), row.carbon_share),
        ):
            if mine is None or told is None:
                if mine is not told:
                    findings.add("use", where, f"share of {what}", expected=mine, found=told)
            else:
                findings.stated("use", where, f"share of {what}", expected=mine, found=told, scale=1.0)


def _check_flags(line: Line, doubt: Doubts, findings: Findings, *, stated: bool) -> None:
    """Check the words of a row's flags, and of plans that state flags those on its figures."""
    told = line.row.flags
    odd = sorted(set(told) - FLAGS)
    if odd or len(set(told)) < len(told):
        findings.add("statement", line.where, "flags are words of a fixed list, each once",
                     found=", ".join(odd or told))  # fmt: skip
    if not stated:
        return
    findings.checked["flags"] += 1
    mine, said = doubt.cost | doubt.carbon, FLAGS.intersection(told) - LEGAL_FLAGS
    if mine != said:
        findings.add("statement", line.where, "flags on its figures", expected=", ".join(sorted(mine)) or None,
                     found=", ".join(sorted(said)) or None)  # fmt: skip


class _Shares:
    """Cost and known carbon of a plan's placements, by the words for what they rest on."""

    def __init__(self, ledger: Ledger, doubts: list[Doubts]) -> None:
        self._cost: dict[str, float] = defaultdict(float)
        self._carbon: dict[str, float] = defaultdict(float)
        self._usd = self._kg = 0.0
        for (line, figures), doubt in zip(ledger.pairs(), doubts, strict=True):
            self._add(figures, doubt, by_estimate=_rests_on_an_estimate(ledger.world, line))

    def _add(self, figures: Figures, doubt: Doubts, *, by_estimate: bool) -> None:
        usd, kg = figures.spend_usd or 0.0, figures.carbon_kg or 0.0
        self._usd, self._kg = self._usd + usd, self._kg + kg
        both = {ROUND_TRIPS} if by_estimate else set()
        for name in doubt.cost | both:
            self._cost[name] += usd
        for name in doubt.carbon | both:
            self._carbon[name] += kg

    def of_cost(self, quality: str) -> float | None:
        """Return the share of cost, None where nothing costs."""
        return self._cost[quality] / self._usd if self._usd > 0 else None

    def of_carbon(self, quality: str) -> float | None:
        """Return the share of known carbon, None where none is known."""
        return self._carbon[quality] / self._kg if self._kg > 0 else None


def _rests_on_an_estimate(world: World, line: Line) -> bool:
    """Return True if a round-trip limit holds for what the line serves, and the round trip is an estimate."""
    stream = line.stream
    return stream is not None and stream.max_rtt_ms is not None and world.estimates_rtt(stream.origin, line.region)
