"""What runs today (`current`), and what it costs each workload to leave it: mathematics in `formulations.relocations`.

    leaving  = move_usd + what today's instances cost, burn and emit when they are kept idle for `overlap_hours` more,
               at the prices of today's catalogue and the grid of the first period
    entering = egress and network carbon of what the workload carries (`state_gb`, of a job `checkpoint_gb`), from the
               cheapest of today's regions to the one that it enters
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Coefficients, Membership, Relocations, Slots
from optimizer.compile.budgets import is_placeless, metric_of
from optimizer.compile.carried import Carriage, carriage
from optimizer.compile.coefficients import gather, known_figures, running
from optimizer.compile.columns import distinct
from optimizer.compile.effort import spend
from optimizer.compile.endpoint_energy import per_unit_of
from optimizer.compile.evidence import worded
from optimizer.compile.ledger import Exclusion
from optimizer.compile.scope import named_regions, workload_scope
from optimizer.errors import InputError, Issue
from optimizer.instance.current import Current
from optimizer.instance.workloads import Job, Workload
from optimizer.suggest import did_you_mean

if TYPE_CHECKING:
    from optimizer.compile.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Offer = tuple[str, str, str]
"""Region as stated, SKU, purchase."""

MAX_MOVES, MAX_SHARE = "current.max_moves", "current.max_moved_share"
NAMED = 5
TERM = "moving"
"""The cost term of moves away from today."""


def carried_gb(workload: Workload) -> float:
    """Return what a workload carries into a region in which it does not run today."""
    return (workload.checkpoint_gb or 0.0) if isinstance(workload, Job) else workload.state_gb


class Today:
    """What runs today, as the compile step asks for it."""

    def __init__(self, world: World) -> None:
        self.world, self.current = world, world.instance.current or Current()
        spend("rules", 20 * len(self.current.placements))
        workloads = world.instance.workloads
        position = {workload.id: w for w, workload in enumerate(workloads)}
        stated = self.current.regions_of()
        self.regions = {position[name]: regions for name, regions in stated.items() if name in position}
        self._ways: dict[tuple[str, ...], Carriage] = {}

    def way(self, w: int) -> Carriage:
        """Return from where what a workload carries is brought to each region."""
        regions = self.regions[w]
        if regions not in self._ways:
            spend("routes", 20 * len(regions) * len(self.world.regions))
            self._ways[regions] = carriage(self.world, regions)
        return self._ways[regions]

    def home(self, w: int) -> Bools:
        """Return in which regions a workload runs today; [regions]."""
        return named_regions(self.world, self.regions[w])

    def cut_off(self, w: int) -> Exclusion | None:
        """Return the offers where a workload cannot bring what it carries: no price of egress, or no figure of its
        carbon where one is asked for.
        """
        workload = self.world.instance.workloads[w]
        if w not in self.regions or carried_gb(workload) == 0:
            return None
        way = self.way(w)
        shut = np.isnan(way.usd_per_gb) | (np.isnan(way.kg_per_gb) & self._asks_carbon[w])
        if not shut.any():
            return None
        field_ = "checkpoint_gb" if isinstance(workload, Job) else "state_gb"
        told = worded(lambda _: f"what {workload.id} carries cannot be brought there from where it runs today, "
                                "for want of an egress price or of the carbon that a rule asks for")  # fmt: skip
        return Exclusion("missing_egress_price", field_, shut[self.world.offer_region], kind="field", evidence=told)

    @cached_property
    def _asks_carbon(self) -> Bools:
        """Whether a carbon price, or a budget that counts moves, asks for the carbon of a workload's move."""
        instance = self.world.instance
        asks = np.full(len(instance.workloads), instance.carbon.price_usd_per_tonne > 0)
        for budget in instance.budgets:
            if metric_of(budget)[0] == "carbon_kg" and is_placeless(budget.scope):
                asks |= workload_scope(budget.scope, self.world)
        return asks

    @cached_property
    def kept(self) -> dict[str, dict[Offer, float]]:
        """Return by workload the instances that run today by offer: the most of any period."""
        by_period: dict[tuple[str, Offer], dict[str | None, float]] = defaultdict(lambda: defaultdict(float))
        for row in self.current.placements:
            if row.sku is not None and row.instances:
                offer: Offer = (row.region, row.sku, row.purchase or "on_demand")
                by_period[row.workload, offer][row.period] += row.instances
        found: dict[str, dict[Offer, float]] = defaultdict(dict)
        for (workload, kept), periods in by_period.items():
            always = periods.get(None, 0.0)
            found[workload][kept] = always + max((n for t, n in periods.items() if t is not None), default=0.0)
        return found

    @cached_property
    def listed(self) -> dict[Offer, int]:
        """Return the open offer of each region (by its id and as `provider:id`), SKU and purchase option."""
        world = self.world
        found: dict[Offer, int] = {}
        rows = zip(*(world.text(name).tolist() for name in ("provider", "region_id", "sku", "purchase")), strict=True)
        for o, (provider, region, sku, purchase) in enumerate(rows):
            if sku:
                found.setdefault((region, sku, purchase), o)
                found.setdefault((f"{provider}:{region}", sku, purchase), o)
        return found


@dataclass(frozen=True, eq=False)
class RelocationTable:
    """`problem`, and by entry the region that sends (-1: none) and the GB carried; `warnings` on what is stated."""

    problem: Relocations = field(default_factory=Relocations)
    entry_source: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    entry_gb: Floats = field(default_factory=lambda: np.zeros(0))
    warnings: tuple[str, ...] = ()


def build_relocations(world: World, today: Today, slots: Slots) -> RelocationTable:
    """Return the workloads that run today and could run elsewhere, and what leaving and entering cost.

    Raises:
        InputError: today's instances are to be kept for a while, and what runs, or its price, is not known.
    """
    current, regions = today.current, max(len(world.regions), 1)
    if world.instance.current is None:
        return RelocationTable()
    workloads = len(world.instance.workloads)
    pairs = distinct(slots.workload * regions + slots.region, workloads * regions)
    movers: list[int] = []
    stays: list[Ints] = []
    entries: list[tuple[int, int, int, float, float, float]] = []  # mover, region, source, GB, USD, kg
    for w in sorted(today.regions):
        begin, end = np.searchsorted(pairs, [w * regions, (w + 1) * regions])
        may_be, home = pairs[begin:end] % regions, today.home(w)
        away = may_be[~home[may_be]]
        if not away.size:
            continue
        gb = carried_gb(world.instance.workloads[w])
        spend("routes", 20 * away.size)
        if gb > 0:
            way = today.way(w)
            for r in away.tolist():
                usd, kg = gb * way.usd_per_gb[r], gb * np.nan_to_num(way.kg_per_gb[r])
                if usd > 0 or kg > 0:
                    entries.append((len(movers), r, int(way.source[r]), gb, usd, float(kg)))
        movers.append(w)
        stays.append(np.flatnonzero(home))
    limits = _limits(current, len(today.regions))
    zero = np.zeros(len(entries))
    columns = list(zip(*entries, strict=True)) or [()] * 6
    row = np.repeat(np.arange(len(movers)), [len(own) for own in stays]).astype(np.int64)
    problem = Relocations(
        workload=np.array(movers, dtype=np.int64),
        stays_in=Membership(row, _joined(stays), np.ones(len(row))),
        leaving=_leaving(world, today, movers),
        entry_mover=np.array(columns[0], dtype=np.int64),
        entry_region=np.array(columns[1], dtype=np.int64),
        entering=Coefficients(
            {TERM: np.array(columns[4], dtype=float)}, np.array(columns[5], dtype=float), zero, zero, zero
        ),
        limit_ids=tuple(limits),
        limit=np.array(list(limits.values()), dtype=float),
    )
    return RelocationTable(
        problem, np.array(columns[2], dtype=np.int64), np.array(columns[3], dtype=float), tuple(_warnings(world, today))
    )


def _joined(parts: list[Ints]) -> Ints:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _limits(current: Current, running: int) -> dict[str, float]:
    """Return the most workloads that may move, by the field that says so; a share is of those that run today."""
    found: dict[str, float] = {}
    if current.max_moves is not None:
        found[MAX_MOVES] = float(current.max_moves)
    if current.max_moved_share is not None:
        found[MAX_SHARE] = float(np.floor(current.max_moved_share * running + 1e-9))
    return found


def _leaving(world: World, today: Today, movers: list[int]) -> Coefficients:
    current = today.current
    own = [world.instance.workloads[w].move_usd for w in movers]
    usd = np.array([current.move_usd if price is None else price for price in own], dtype=float)
    kg, kwh, litres, embodied = (np.zeros(len(movers)) for _ in range(4))
    if current.overlap_hours > 0:
        _require_instances(world, today)
        rows, count, prices = _kept_rows(world, today, movers)
        mover, offer = (np.array(part, dtype=np.int64) for part in (list(zip(*rows, strict=True)) or [(), ()]))
        figures = gather(world, offer, world.offer_region[offer], np.zeros(offer.size, dtype=np.int64))
        figures = replace(figures, hours=np.full(offer.size, current.overlap_hours))
        nothing = np.zeros(offer.size, dtype=bool)
        at_endpoints = per_unit_of(world, offer, np.zeros(offer.size, dtype=np.int64), np.zeros(offer.size))
        one = running(figures, known_figures(figures, at_endpoints, nothing), nothing)
        for total, metric in ((usd, "spend_usd"), (kg, "carbon_kg"), (kwh, "energy_kwh"), (litres, "water_l"),
                              (embodied, "embodied_kg")):  # fmt: skip
            np.add.at(total, mover, one.of(metric) * count)
        for x, per_hour in prices:
            usd[x] += per_hour * current.overlap_hours
    # What is kept on the side is in no share policy: no device-hours.
    parts = {"embodied_kg": embodied} if embodied.any() else {}
    return Coefficients({TERM: usd}, kg, kwh, litres, np.zeros(len(movers)), parts)


def _kept_rows(
    world: World, today: Today, movers: list[int]
) -> tuple[list[tuple[int, int]], Floats, list[tuple[int, float]]]:
    """Return (mover, offer) of today's instances that the catalogue lists, how many there are, and (mover, USD per
    hour) of those that it no longer lists, at the price stated.
    """
    rows: list[tuple[int, int]] = []
    count: list[float] = []
    prices: list[tuple[int, float]] = []
    stated: dict[Offer, float] = {}
    for row in today.current.placements:
        if row.sku is not None and row.instances and row.usd_per_hour is not None:
            stated.setdefault((row.region, row.sku, row.purchase or "on_demand"), row.usd_per_hour)
    for x, w in enumerate(movers):
        for offer, instances in today.kept.get(world.instance.workloads[w].id, {}).items():
            if stated.get(offer) is None and offer in today.listed:
                rows.append((x, today.listed[offer]))
                count.append(instances)
            else:
                prices.append((x, instances * stated.get(offer, 0.0)))
    return rows, np.array(count, dtype=float), prices


def _require_instances(world: World, today: Today) -> None:
    """Raise InputError where `overlap_hours` asks for what nobody states: what runs today, and at what price."""
    known = {workload.id for workload in world.instance.workloads}
    issues = []
    for k, row in enumerate(today.current.placements):
        where = f"current.placements[{k}]"
        if row.workload not in known or not row.is_there or row.endpoint is not None:
            continue
        if row.sku is None or row.instances is None:
            what = f"does not say what of {row.workload} runs in {row.region}, and overlap_hours keeps it running"
            issues.append(Issue(what, where=where, maybe="state sku and instances, or leave overlap_hours out"))
        elif row.usd_per_hour is None and (row.region, row.sku, row.purchase or "on_demand") not in today.listed:
            offer = f"{row.sku} in {row.region} ({row.purchase or 'on_demand'})"
            what = f"the catalogue offers no {offer}, which {row.workload} runs on"
            issues.append(Issue(what, where=where, maybe="state its usd_per_hour, for overlap_hours to be priced"))
    if issues:
        raise InputError(dict.fromkeys(issues))


def _warnings(world: World, today: Today) -> Iterator[str]:
    """Yield what is stated of today and is not, or not any more, in the instance or its catalogue."""
    current, instance = today.current, world.instance
    for what, stated, known in (
        ("workloads", [row.workload for row in current.placements], [one.id for one in instance.workloads]),
        ("datasets", [row.dataset for row in current.copies], [one.id for one in instance.datasets]),
        ("periods", [row.period for row in current.placements if row.period], [one.id for one in world.periods]),
    ):
        gone = sorted(set(stated) - set(known))
        if gone:
            near = did_you_mean(gone[0], known)
            tail = f"; maybe {near}" if near else ""
            means = {"workloads": "their end costs nothing", "datasets": "their copies are of no use"}
            why = means.get(what, "their rows count for all periods where workloads run, and cannot be priced")
            yield f"current: {_some(gone)}: no such {what} in the instance: {why}{tail}"
    gone = sorted({
        f"{sku} in {region} ({purchase})"
        for workload in instance.workloads for region, sku, purchase in today.kept.get(workload.id, ())
        if (region, sku, purchase) not in today.listed
    })  # fmt: skip
    if gone:
        yield f"current: {_some(gone)}: not among the open offers any more; what runs there needs another offer"


def _some(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")

