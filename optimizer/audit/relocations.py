"""Moves away from where workloads run today, and places in use: what the placements come to, priced and limited."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.audit.carried import sent_kg
from optimizer.audit.facts import Region
from optimizer.audit.findings import Findings, exceeds
from optimizer.audit.lines import Ledger, Line
from optimizer.audit.names import region_named
from optimizer.audit.work import COUNTED_SHARE, WHOLE
from optimizer.audit.world import World
from optimizer.instance.rules import PlacesInUse
from optimizer.instance.workloads import Job, Service, Workload
from optimizer.plan.models import Plan
from optimizer.plan.rows import PlaceUse

if TYPE_CHECKING:
    from optimizer.audit.desk import Desk


@dataclass(frozen=True)
class Moved:
    """A workload that runs where nothing of it runs today: regions entered and left, who sends, and what it adds."""

    workload: Workload
    entered: tuple[str, ...]
    left: tuple[str, ...]
    sources: tuple[str, ...]
    usd: float
    kg: float
    kwh: float
    litres: float
    embodied: float


def homes(world: World) -> dict[str, dict[str, Region]]:
    """Return by workload of the instance the regions in which it runs today."""
    current = world.instance.current
    found: dict[str, dict[str, Region]] = {}
    for name, regions in (current.regions_of() if current is not None else {}).items():
        if name in world.workloads:
            known = (region_named(world, region) for region in regions)
            found[name] = {region.id: region for region in known if region is not None}
    return found


def check_relocations(ledger: Ledger, plan: Plan, findings: Findings) -> list[Moved]:
    """Return the workloads that move, with what that costs; check limits, and the rows that the plan states."""
    world, current = ledger.world, ledger.world.instance.current
    made: dict[str, Moved] = {}
    home = homes(world)
    for name, regions in home.items():
        runs = {line.region.id: line.region for line in ledger.by_workload.get(name, []) if _is_there(line)}
        entered = [region for region in runs.values() if region.id not in regions]
        findings.checked["relocations"] += 1
        if entered:
            left = tuple(region for region in regions if region not in runs)
            made[name] = _moved(world, world.workloads[name], entered, left, regions, findings=findings)
    if current is not None:
        for field, most in (
            ("max_moves", current.max_moves),
            ("max_moved_share", None if current.max_moved_share is None
             else math.floor(current.max_moved_share * len(home) + 1e-9)),
        ):  # fmt: skip
            if most is not None and len(made) > most:
                findings.add("relocation", "current", "workloads that move, at most", expected=most, found=len(made),
                             rule=f"current.{field}")  # fmt: skip
    _check_rows(world, plan, made, findings)
    return list(made.values())


def _is_there(line: Line) -> bool:
    return line.row.instances > 0 or line.row.served_per_s > 0


def _moved(
    world: World, workload: Workload, entered: list[Region], left: tuple[str, ...], home: dict[str, Region], *,
    findings: Findings,
) -> Moved:  # fmt: skip
    current = world.instance.current
    assert current is not None
    usd = current.move_usd if workload.move_usd is None else workload.move_usd
    kept = _overlap(world, workload, findings)
    usd, kg = usd + kept[0], kept[1]
    sources = []
    gb = (workload.checkpoint_gb or 0.0) if isinstance(workload, Job) else workload.state_gb
    for region in entered if gb else ():
        ways = [(world.egress_usd_per_gb(at, region), sent_kg(world, at, gb), at) for at in home.values()]
        priced = [(price, kg_, source) for price, kg_, source in ways if price is not None]
        if not priced:
            findings.add("missing_egress_price", workload.id, f"no price of carrying what it needs to {region.id}")
            continue
        price, sent, source = min(priced, key=lambda way: (way[0], math.inf if way[1] is None else way[1]))
        usd, kg = usd + price * gb, kg + (sent or 0.0)
        if price or sent:
            sources.append(source.id)
    return Moved(workload, tuple(r.id for r in entered), left, tuple(sources), usd, kg, kept[2], kept[3], kept[4])


def _overlap(world: World, workload: Workload, findings: Findings) -> tuple[float, ...]:
    """Return USD, kg CO2e, kWh, litres and kg embodied of today's instances, kept idle for `overlap_hours` in the
    first period.
    """
    current = world.instance.current
    assert current is not None
    hours = current.overlap_hours
    total = [0.0, 0.0, 0.0, 0.0, 0.0]
    if hours == 0:
        return tuple(total)
    counts: dict[tuple[str, str, str], dict[str | None, float]] = defaultdict(lambda: defaultdict(float))
    stated: dict[tuple[str, str, str], float] = {}
    for row in current.placements:
        if row.sku is not None and row.instances:
            offer = (row.region, row.sku, row.purchase or "on_demand")
            if row.workload == workload.id:
                counts[offer][row.period] += row.instances
            if row.usd_per_hour is not None:
                stated.setdefault(offer, row.usd_per_hour)
    for (name, sku, purchase), periods in counts.items():
        number = periods.get(None, 0.0) + max((n for period, n in periods.items() if period is not None), default=0.0)
        if (name, sku, purchase) in stated:
            total[0] += number * hours * stated[name, sku, purchase]
            continue
        region = region_named(world, name)
        offer_ = None if region is None else world.offer(region.id, sku, None, purchase)
        price = None if offer_ is None else world.usd_per_hour(offer_)
        if region is None or offer_ is None or price is None:
            findings.add("missing_price", workload.id, f"no price of {sku} in {name}, which it runs on today")
            continue
        total[0] += number * hours * price
        if offer_.idle_kw is None or offer_.load_kw is None or region.pue is None:
            continue
        kwh = region.pue * offer_.idle_kw * hours * number
        total[2] += kwh
        grid, embodied = region.grid_g_per_kwh[0], offer_.embodied_kg_per_hour
        if grid is not None and embodied is not None:
            total[1] += kwh * grid / 1000 + embodied * hours * number
            total[4] += embodied * hours * number
        if region.wue_l_per_kwh is not None:
            total[3] += kwh / region.pue * region.wue_l_per_kwh + kwh * (region.water_l_per_kwh_grid or 0.0)
    return tuple(total)


def _check_rows(world: World, plan: Plan, made: dict[str, Moved], findings: Findings) -> None:
    stated: set[str] = set()
    for k, row in enumerate(plan.relocations):
        where = f"relocations[{k}] {row.workload}"
        if row.workload in stated:
            findings.add("duplicate", where, "rows for the same", expected=1)
        stated.add(row.workload)
        moved = made.get(row.workload)
        if moved is None:
            findings.add("relocation", where, "does not move: it runs where it runs today, or does not run today")
            continue
        for name in ("entered", "left", "sources"):
            mine, told = getattr(moved, name), getattr(row, name)
            findings.cell(f"relocations.{name}", where, bool(told) or not mine)
            if told and sorted(mine) != sorted(told):
                findings.add("statement", where, name, expected=", ".join(mine) or None, found=", ".join(told))
        workload = moved.workload
        gb = (workload.checkpoint_gb or 0.0) if isinstance(workload, Job) else workload.state_gb
        findings.stated("statement", where, "GB carried", expected=gb, found=row.gb, cell="relocations.gb")
        findings.stated("cost", where, "cost of moving", expected=moved.usd, found=row.cost_usd,
                        cell="relocations.cost_usd")  # fmt: skip
        findings.stated("carbon", where, "carbon of moving", expected=moved.kg, found=row.carbon_kg,
                        cell="relocations.carbon_kg")  # fmt: skip
    lacking = made.keys() - stated
    if plan.relocations and lacking:
        findings.add("left_out", "relocations", "rows are left out", expected=", ".join(sorted(lacking)))


# ---- places in use --------------------------------------------------------------------------------------------------


def check_places(ledger: Ledger, plan: Plan, desk: Desk, findings: Findings) -> float:
    """Check how many places each policy's workloads use; return what the places cost.

    A place is in use where anything of a workload in scope runs, or where the plan says that it is (a standby).
    """
    rows = {row.id: row for row in plan.places}
    policies = [policy for policy in ledger.world.instance.policies if isinstance(policy, PlacesInUse)]
    if len(rows) < len(plan.places):
        findings.add("duplicate", "places", "rows for the same", expected=len(rows), found=len(plan.places))
    total = 0.0
    for policy in policies:
        findings.checked["places"] += 1
        lines = [line for line in ledger.lines if _is_there(line) and _selects(desk, policy, line)]
        used = {place_of(line.region, policy.of) for line in lines}
        row = rows.get(policy.id)
        if row is not None:
            _check_place_row(ledger.world, policy, row, used, findings)
            used |= set(row.used)
        if policy.max_in_use is not None and len(used) > policy.max_in_use:
            findings.add("places_in_use", policy.id, f"{policy.of}s in use ({', '.join(sorted(used))}), at most",
                         expected=policy.max_in_use, found=len(used), rule=policy.id)  # fmt: skip
        backed = _backed(ledger.world, policy, lines)
        if policy.min_in_use is not None and len(backed) < policy.min_in_use:
            findings.add("places_in_use", policy.id, f"{policy.of}s in use ({', '.join(sorted(backed))}), at least",
                         expected=policy.min_in_use, found=len(backed), rule=policy.id)  # fmt: skip
        total += policy.price_usd * len(used)
        if row is not None:
            usd, where = policy.price_usd * len(used), f"places {policy.id}"
            findings.stated("cost", where, "price of the places in use", expected=usd, found=row.cost_usd,
                            cell="places.cost_usd")  # fmt: skip
    known = {policy.id for policy in policies}
    for name in sorted(rows.keys() - known):
        findings.add("unknown_id", f"places {name}", "the instance has no such policy", found=name)
    if rows and known - rows.keys():
        findings.add("left_out", "places", "rows are left out", expected=", ".join(sorted(known - rows.keys())))
    return total


def _selects(desk: Desk, policy: PlacesInUse, line: Line) -> bool:
    """Whether a policy counts where a line is: by its workload, and by its region in any period."""
    periods = range(len(line.region.grid_g_per_kwh))
    of_place = any(desk.scopes.of_place(policy.scope, line.region, t) for t in periods)
    return of_place and desk.scopes.of_workload(policy.scope, line.workload)


def place_of(region: Region, of: str) -> str:
    """Return the region, metro, country or provider of a region."""
    names = {"region": region.id, "metro": region.metro or region.id, "country": region.country}
    return names.get(of, region.provider)


def _check_place_row(
    world: World, policy: PlacesInUse, row: PlaceUse, used: set[str], findings: Findings
) -> None:
    where = f"places {policy.id}"
    for name in ("of", "min_in_use", "max_in_use"):
        if getattr(row, name) != getattr(policy, name):
            findings.add("statement", where, name, expected=getattr(policy, name), found=getattr(row, name))
    lacking = used - set(row.used)
    if lacking:
        findings.add("use", where, "places in use are left out", expected=", ".join(sorted(lacking)))


def _backed(world: World, policy: PlacesInUse, lines: Iterable[Line]) -> set[str]:
    """Return the places that count: an instance or gang of one workload, or 1 % of its demand on endpoints there."""
    held: dict[tuple[str, str], float] = defaultdict(float)
    flow: dict[tuple[str, str], float] = defaultdict(float)
    regions: dict[str, Region] = {}
    for line in lines:
        key = line.workload.id, line.region.id
        regions[line.region.id] = line.region
        held[key] += line.row.instances
        flow[key] += line.row.served_per_s if line.offer.endpoint else 0.0
    found = set()
    for (name, region), count in held.items():
        workload = world.workloads[name]
        streams = world.streams[name].values() if isinstance(workload, Service) else ()
        total = sum(world.peak(stream, t) for stream in streams for t in range(len(world.calendar.hours)))
        enough = total > 0 and not exceeds(COUNTED_SHARE * total * (1 - WHOLE), flow[name, region])
        if count >= 1 - WHOLE or enough:
            found.add(place_of(regions[region], policy.of))
    return found
