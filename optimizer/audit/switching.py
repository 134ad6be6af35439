"""What a plan says of figures whose error would change it: each is the one that counts, of what the plan uses."""

from __future__ import annotations

from collections.abc import Iterable

from optimizer.audit.findings import Findings, exceeds
from optimizer.audit.world import World
from optimizer.instance.workloads import Service
from optimizer.plan.models import Plan
from optimizer.plan.rows import Placement, Switching

Told = tuple[float | None, str, str]
"""Figure, unit and quality."""


def check_switching(world: World, plan: Plan, findings: Findings) -> None:
    """Check every row: the figure is the one that counts, those that rest on it are placed there, and the plan changes
    on its worse side.
    """
    for k, row in enumerate(plan.switching):
        where = f"switching[{k}]"
        findings.checked["switching"] += 1
        resting = [one for one in plan.placements if _rests(row, one)]
        told = _told(world, plan, row, resting)
        if told is None or set(row.workloads) != {one.workload for one in resting}:
            findings.add("statement", where, f"is no {row.figure} that the plan rests on, for these workloads",
                         found=row.of)  # fmt: skip
            continue
        figure, unit, quality = told
        findings.stated("statement", where, f"the {row.figure}", expected=figure or 0.0, found=row.value)
        if (row.unit, row.quality) != (unit, quality):
            findings.add("statement", where, f"unit and quality of the {row.figure}", expected=f"{unit}, {quality}",
                         found=f"{row.unit}, {row.quality}")  # fmt: skip
        low, high = (row.switches_at, row.value) if row.figure == "speed" else (row.value, row.switches_at)
        if exceeds(low, high) or row.switches_at < 0:
            findings.add("statement", where, f"changes on the better side of the {row.figure} that counts",
                         expected=row.value, found=row.switches_at)  # fmt: skip


def _rests(row: Switching, one: Placement) -> bool:
    """Whether a placement rests on a figure."""
    machine = f"{one.region_id}:{one.sku}:{one.purchase}"
    if row.figure == "price":
        return row.of in (machine, one.endpoint, f"{one.region_id}:{one.endpoint}")
    if row.figure == "speed":
        return one.workload in row.workloads and row.of == machine
    if row.figure == "power":
        return row.of == f"{one.provider}:{one.sku}"
    return one.region_id == row.of and (row.figure != "PUE" or one.sku is not None)


def _told(world: World, plan: Plan, row: Switching, resting: list[Placement]) -> Told | None:
    """Return the figure as the audit has it, with unit and quality; None where the plan does not rest on it."""
    if row.figure in ("storage price", "egress price", "PUE"):
        return _of_region(world, plan, row, resting)
    if not resting:
        return None
    first = resting[0]
    offer = world.offer(first.region_id, first.sku, first.endpoint, first.purchase)
    if offer is None:
        return None
    if row.figure == "power":
        return offer.load_kw, "kW", offer.power_quality or "stated"
    if row.figure == "speed":
        workload = world.workloads[first.workload]
        unit = workload.streams[0].unit.partition("/")[0] if isinstance(workload, Service) else workload.unit
        return world.units_per_s(workload, offer), f"{unit}/s", world.speed_quality(workload, offer) or "stated"
    quality = offer.price_quality or "stated"
    if offer.endpoint is None:
        return world.usd_per_hour(offer), "USD/h", quality
    factor = world.discount(offer.provider, "endpoint")
    if offer.usd_per_unit is not None:
        return offer.usd_per_unit * factor, "USD/unit", quality
    per_output = offer.usd_per_million_output_tokens
    return None if per_output is None else per_output * factor, "USD/million output tokens", quality


def _of_region(world: World, plan: Plan, row: Switching, resting: list[Placement]) -> Told | None:
    region = world.region(row.of)
    if region is None:
        return None
    quality = "stated" if world.catalogue is None else "listed"
    if row.figure == "PUE":
        return (region.pue, "", region.pue_quality or "stated") if resting else None
    if row.figure == "storage price":
        kept = any(copy.region_id == row.of for copy in plan.copies)
        return (world.storage_usd_per_gb_month(region), "USD/GB-month", quality) if kept else None
    return (world.internet_usd_per_gb(region), "USD/GB", quality) if _sends(plan, resting, row.of) else None


def _sends(plan: Plan, resting: Iterable[Placement], region: str) -> bool:
    """Whether anything leaves a region: answers, output, reads, copies or moves."""
    sources = {one.source for one in plan.transfers} | {one.source for one in plan.copies}
    sources |= {one.source for one in plan.moves}
    return any(True for _ in resting) or region in sources
