"""Placements tied to the facts they name, and what each costs, burns and emits by the audit's own arithmetic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from optimizer.audit.facts import Offer, Region, TokenEnergy
from optimizer.audit.findings import Findings
from optimizer.audit.names import check_names, region_of
from optimizer.audit.world import World
from optimizer.instance.workloads import Job, Service, Stream, Workload
from optimizer.plan.models import Plan
from optimizer.plan.rows import Placement


@dataclass(frozen=True)
class Line:
    """One placement with its workload, stream, offer and period (by position)."""

    where: str
    row: Placement
    workload: Workload
    stream: Stream | None
    offer: Offer
    period: int

    @property
    def region(self) -> Region:
        """The region of the offer."""
        return self.offer.region

    @property
    def slot(self) -> tuple[str, tuple[str, str, str], int]:
        """(workload, offer, period): what instances are kept for."""
        return self.workload.id, self.offer.key, self.period


@dataclass(frozen=True)
class Figures:
    """What a line comes to. None: cannot be computed, because the figures named in `missing` do not exist."""

    compute_usd: float | None = 0.0
    network_usd: float | None = 0.0
    egress_usd: float | None = 0.0
    energy_kwh: float | None = None
    carbon_kg: float | None = None
    embodied_kg: float | None = None
    alone_kg: float | None = None
    high_kwh: float | None = None
    high_kg: float | None = None
    high_embodied_kg: float | None = None
    water_l: float | None = None
    device_hours: float = 0.0
    hours: float = 0.0
    missing: tuple[str, ...] = ()

    @property
    def operational_kg(self) -> float | None:
        """Carbon without its embodied part, which need not be known."""
        return self.alone_kg if self.carbon_kg is None else self.carbon_kg - (self.embodied_kg or 0.0)

    @property
    def spend_usd(self) -> float | None:
        """All money of the line; None if a price does not exist."""
        parts = self.compute_usd, self.network_usd, self.egress_usd
        return None if None in parts else sum(part for part in parts if part is not None)


def resolve_lines(world: World, plan: Plan, findings: Findings) -> list[Line]:
    """Return the placements that name things that exist; the others become violations."""
    lines = []
    for k, row in enumerate(plan.placements):
        where = f"placements[{k}] {row.workload}" + (f"/{row.stream}" if row.stream else "")
        findings.checked["placements"] += 1
        line = _resolve(world, row, where, findings)
        if line is not None:
            _compare_statement(line, findings)
            lines.append(line)
    return lines


def _resolve(world: World, row: Placement, where: str, findings: Findings) -> Line | None:
    workload = world.workloads.get(row.workload)
    if workload is None:
        findings.add("unknown_id", where, "the instance has no such workload", found=row.workload)
        return None
    named = row.stream is not None
    stream = world.streams[workload.id].get(row.stream or "") if named and isinstance(workload, Service) else None
    if named and stream is None:
        findings.add("unknown_id", where, "the workload has no such stream", found=row.stream)
        return None
    period = world.calendar.index.get(row.period)
    if period is None:
        findings.add("unknown_id", where, "the horizon has no such period", found=row.period)
        return None
    region = region_of(world, row)
    if region is None:
        findings.add("unknown_id", where, "the catalogue has no such region", found=row.region_id)
        return None
    offer = world.offer(region.id, row.sku, row.endpoint, row.purchase)
    if row.purchase == "reserved" and row.sku is not None:
        offer = world.reserved(region, row.sku, row.commitments)
    if offer is None:
        what = row.sku or row.endpoint
        bought = f" ({row.purchase})" if row.purchase else ""
        findings.add("unknown_offer", where, f"no such offer in {region.id}", found=f"{what}{bought}")
        return None
    return Line(where, row, workload, stream, offer, period)


def _compare_statement(line: Line, findings: Findings) -> None:
    """Compare what the row says about its offer besides naming it."""
    row, offer = line.row, line.offer
    check_names(row, line.region, line.where, findings)
    if row.accelerator and row.accelerator != offer.accelerator:
        findings.add("statement", line.where, "the SKU holds another accelerator", expected=offer.accelerator or None,
                     found=row.accelerator)  # fmt: skip
    if row.endpoint is not None:
        for name in ("purchase", "instance_hours"):
            if getattr(row, name) is not None:
                what = f"an endpoint has no {name.replace('_', '-') if name != 'purchase' else 'purchase option'}"
                findings.add("statement", line.where, what, found=getattr(row, name))
    if not (row.instances or row.served_per_s or row.work_units):
        findings.add("statement", line.where, "holds nothing and serves nothing")
    of_services, of_jobs = ("served_per_s",), ("work_units", "gangs")
    for name in of_services if isinstance(line.workload, Job) else of_jobs:
        if getattr(row, name):
            findings.add("statement", line.where, f"a {line.workload.kind} has no {name}", found=getattr(row, name))


class Ledger:
    """All lines of a plan with their figures."""

    def __init__(self, world: World, lines: Iterable[Line]) -> None:
        self.world = world
        self.lines = list(lines)
        self.figures = [figures_of(world, line) for line in self.lines]
        self.by_slot: dict[tuple[str, tuple[str, str, str], int], list[Line]] = {}
        self.by_workload: dict[str, list[Line]] = {}
        for line in self.lines:
            self.by_slot.setdefault(line.slot, []).append(line)
            self.by_workload.setdefault(line.workload.id, []).append(line)

    def pairs(self) -> list[tuple[Line, Figures]]:
        """Return lines with their figures."""
        return list(zip(self.lines, self.figures, strict=True))


def gang_instances(job: Job, offer: Offer) -> int | None:
    """Return the instances that hold one gang; None if no gang can be formed (fractions of a device do not join)."""
    count = offer.counted
    if not count:
        return None
    instances = max(1, ceil((job.gang_devices or 0) / count - 1e-9))
    return instances if count >= 1 or instances == 1 else None


def idle_devices(job: Job, offer: Offer) -> float:
    """Return the devices that a gang's machines hold beyond `gang_devices`: they are paid for and do not work."""
    machines = gang_instances(job, offer)
    if job.gang_devices is None or machines is None:
        return 0.0
    idle = machines * (offer.counted or 0.0) - job.gang_devices
    return idle if idle > 1e-9 * job.gang_devices else 0.0


def job_units_per_s(world: World, job: Job, offer: Offer) -> float | None:
    """Return an instance's part of what a gang does per second, with the overhead that interruptions cost on spot."""
    speed = world.units_per_s(job, offer)
    if speed is None:
        return None
    return speed / (1 + job.spot_overhead) if offer.purchase == "spot" else speed


def worked_hours(world: World, line: Line) -> float:
    """Return the instance-hours a job's line works: as stated, else as its work needs, else all it holds."""
    job = line.workload
    assert isinstance(job, Job)
    if line.row.instance_hours is not None:
        return line.row.instance_hours
    speed = job_units_per_s(world, job, line.offer)
    if line.row.work_units is not None and speed:
        return line.row.work_units / (3600 * speed)
    return line.row.instances * usable_hours(world, job, line.period)


def usable_hours(world: World, job: Job, period: int) -> float:
    """Return the part of a period that lies inside the job's window."""
    release, deadline = world.window(job)
    begin, end = world.calendar.begin[period], world.calendar.end[period]
    return max(0.0, min(end, deadline) - max(begin, release))


def units_served(world: World, line: Line) -> float:
    """Return the work units a service's line serves in its period: mean rate x seconds."""
    if line.stream is None:
        return 0.0
    mean = line.row.served_per_s * world.mean_share(line.stream, line.period)
    return 3600 * world.calendar.hours[line.period] * mean


def figures_of(world: World, line: Line) -> Figures:
    """Return what a line comes to."""
    if isinstance(line.workload, Job):
        return _job_figures(world, line, line.workload)
    return _endpoint_figures(world, line) if line.offer.endpoint else _service_figures(world, line)


def _answers(world: World, line: Line) -> tuple[float | None, float | None, float]:
    """Return (network USD, egress USD, GB) of answering a service's users."""
    units = units_served(world, line)
    if line.stream is None or units == 0:
        return 0.0, 0.0, 0.0
    assert isinstance(line.workload, Service)
    per_unit = world.usd_per_unit(line.stream.origin, line.region)
    gb = units * line.workload.response_gb_per_unit
    per_gb = world.response_usd_per_gb(line.stream.origin, line.region) if gb else 0.0
    return (
        None if per_unit is None else per_unit * units,
        None if per_gb is None else per_gb * gb,
        gb,
    )


def _service_figures(world: World, line: Line) -> Figures:
    offer, row = line.offer, line.row
    hours = row.instances * world.calendar.hours[line.period]
    price = world.usd_per_hour(offer)
    network, egress, gb = _answers(world, line)
    missing = list(_missing(line))
    energy = None
    speed = world.units_per_s(line.workload, offer)
    if offer.idle_kw is not None and offer.load_kw is not None and line.region.pue is not None and speed:
        busy = units_served(world, line) / (3600 * speed)
        energy = line.region.pue * (offer.idle_kw * hours + (offer.load_kw - offer.idle_kw) * busy)
    return _with_environment(
        world, line, energy, hours=hours, gb=gb, missing=missing,
        compute_usd=None if price is None else price * hours, network_usd=network, egress_usd=egress,
    )  # fmt: skip


def _job_figures(world: World, line: Line, job: Job) -> Figures:
    offer = line.offer
    hours = worked_hours(world, line)
    price = world.usd_per_hour(offer)
    speed = job_units_per_s(world, job, offer)
    energy = None
    if offer.idle_kw is not None and offer.load_kw is not None and line.region.pue is not None:
        machines = gang_instances(job, offer) or 1
        idle = idle_devices(job, offer) / (machines * offer.counted) if offer.counted else 0.0
        energy = line.region.pue * (idle * offer.idle_kw + (1 - idle) * offer.load_kw) * hours
    egress: float | None = 0.0
    sent_gb = job.output_gb * 3600 * speed * hours / job.work if speed else 0.0
    if sent_gb:
        per_gb = world.internet_usd_per_gb(line.region)
        egress = None if per_gb is None else per_gb * sent_gb
    missing = list(_missing(line))
    return _with_environment(
        world, line, energy, hours=hours, gb=sent_gb, missing=missing,
        compute_usd=None if price is None else price * hours, network_usd=0.0, egress_usd=egress,
    )  # fmt: skip


def _missing(line: Line) -> Iterable[str]:
    if line.offer.idle_kw is None or line.offer.load_kw is None:
        yield "missing_power"
    if line.region.pue is None:
        yield "missing_pue"
    if line.region.grid_g_per_kwh[line.period] is None:
        yield "missing_grid"
    if line.offer.embodied_kg_per_hour is None:
        yield "missing_embodied"
    if line.region.wue_l_per_kwh is None:
        yield "missing_wue"


def _with_environment(
    world: World, line: Line, energy: float | None, *, hours: float, gb: float, missing: list[str],
    compute_usd: float | None, network_usd: float | None, egress_usd: float | None,
) -> Figures:  # fmt: skip
    """Add carbon (energy x grid + embodied + network) and water (on site + in power generation) to a line's figures."""
    region, grid = line.region, line.region.grid_g_per_kwh[line.period]
    carbon = water = alone = None
    embodied = line.offer.embodied_kg_per_hour
    if energy is not None and grid is not None:
        sent = world.instance.carbon.network_kwh_per_gb * gb
        alone = (energy + sent) * grid / 1000
        carbon = None if embodied is None else alone + embodied * hours
    if energy is not None and region.pue and region.wue_l_per_kwh is not None:
        water = energy / region.pue * region.wue_l_per_kwh + energy * (region.water_l_per_kwh_grid or 0.0)
    return Figures(
        compute_usd=compute_usd,
        network_usd=network_usd,
        egress_usd=egress_usd,
        energy_kwh=energy,
        carbon_kg=carbon,
        alone_kg=alone,
        embodied_kg=None if carbon is None or embodied is None else embodied * hours,
        high_kwh=energy,
        high_kg=carbon,
        high_embodied_kg=None if carbon is None or embodied is None else embodied * hours,
        water_l=water,
        device_hours=line.offer.devices * hours,
        hours=hours,
        missing=tuple(missing),
    )


def _endpoint_figures(world: World, line: Line) -> Figures:
    offer = line.offer
    units = units_served(world, line)
    price = world.endpoint_usd_per_unit(offer, line.workload)
    network, egress, gb = _answers(world, line)
    grid = line.region.grid_g_per_kwh[line.period]
    sent = world.instance.carbon.network_kwh_per_gb * gb
    extra = None if sent and grid is None else sent * (grid or 0.0) / 1000
    energy, carbon, made, missing = _drawn(
        world, line, units=units, extra=extra, energy=offer.energy, serving=offer.serving_g_per_kwh
    )
    drawn_on = offer.serving_g_per_kwh[line.period] if offer.serving_g_per_kwh else None
    high = _drawn(
        world, line, units=units, extra=extra, energy=offer.high_energy, serving=offer.high_serving_g_per_kwh
    )
    return Figures(
        compute_usd=None if price is None else price * units,
        network_usd=network,
        egress_usd=egress,
        energy_kwh=energy,
        carbon_kg=carbon,
        alone_kg=None if energy is None or drawn_on is None or extra is None else energy * drawn_on / 1000 + extra,
        embodied_kg=made,
        high_kwh=high[0],
        high_kg=high[1],
        high_embodied_kg=high[2],
        missing=(*missing, *(("missing_grid",) if extra is None else ()), "missing_wue"),
    )


def _drawn(
    world: World, line: Line, *, units: float, extra: float | None, energy: TokenEnergy | None,
    serving: tuple[float | None, ...],
) -> tuple[float | None, float | None, float | None, tuple[str, ...]]:  # fmt: skip
    """Return kWh, kg and its embodied part of units served by an endpoint at one estimate, and what is missing of them.

    Carbon is the figure stated per unit, else energy on the grid where it processes and what was embodied per kWh.
    """
    offer, runs = line.offer, line.workload.runs
    ratio = runs.input_tokens / runs.output_tokens if runs.input_tokens is not None and runs.output_tokens else None
    each = offer.kwh_per_unit
    if each is None and energy is not None:
        each = energy.kwh_per_output_token(ratio)
    kwh = None if each is None else each * units
    counts = world.instance.carbon.embodied != "none"
    part = offer.embodied_kg_per_unit
    lacking: tuple[str, ...] = () if kwh is not None else ("missing_power",)
    if offer.kg_per_unit is not None:
        stated = (part or 0.0) * units
        total = None if extra is None else offer.kg_per_unit * units - (0.0 if counts else stated) + extra
        return kwh, total, None if total is None else stated if counts else 0.0, lacking
    made: float | None = 0.0
    if counts and part is not None:
        made = part * units
    elif counts:
        per_kwh = None if energy is None else energy.embodied_kg_per_kwh
        made = None if per_kwh is None or kwh is None else per_kwh * kwh
    grid = serving[line.period] if serving else None
    lacking += () if grid is not None else ("missing_grid",)
    lacking += () if made is not None else ("missing_embodied",)
    if kwh is None or grid is None or made is None or extra is None:
        return kwh, None, None, lacking
    return kwh, kwh * grid / 1000 + made + extra, made, lacking
