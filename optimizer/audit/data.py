"""Data at rest: copies where they are lawful, allowed, priced and owed; reads that come from a copy."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date

from optimizer.audit.carried import sent_kg
from optimizer.audit.desk import Desk
from optimizer.audit.facts import Region
from optimizer.audit.findings import Findings, close
from optimizer.audit.law_check import report
from optimizer.audit.law_profiles import Profile
from optimizer.audit.law_rules import LawBook, Obligation, Ruling
from optimizer.audit.law_triggers import Place
from optimizer.audit.lines import Ledger, job_units_per_s, worked_hours
from optimizer.audit.world import HOURS_PER_MONTH, World
from optimizer.instance.workloads import Dataset, Job, Service
from optimizer.plan.models import Plan

READ_GB = 1e-6


@dataclass(frozen=True)
class Kept:
    """Something that is kept: a dataset, or what a law obliges a workload to keep (`source` None)."""

    id: str
    size_gb: float | None
    profile: Profile
    source: Dataset | None
    duties: tuple[Obligation, ...] = ()


@dataclass(frozen=True)
class Bill:
    """What data at rest costs in USD: storage, carriage, reads; `by_region` also kg CO2e of the network."""

    storage_usd: float = 0.0
    egress_usd: float = 0.0
    by_region: tuple[tuple[Region, float, float | None], ...] = ()


def check_data(ledger: Ledger, plan: Plan, desk: Desk, findings: Findings) -> Bill:
    """Check copies, duties, countries, reads and routes; return what data at rest costs."""
    world = ledger.world
    kept = kept_of(world, desk, findings)
    copies: dict[str, dict[str, Region]] = {name: {} for name in kept}
    spent: list[tuple[Region, float, float | None]] = []
    storage = egress = 0.0
    for k, row in enumerate(plan.copies):
        where = f"copies[{k}] {row.dataset}"
        findings.checked["copies"] += 1
        region = world.region(row.region_id) or world.region(row.region)
        if row.dataset not in kept or region is None:
            findings.add("unknown_id", where, "no such dataset or region", found=f"{row.dataset} in {row.region_id}")
            continue
        one = kept[row.dataset]
        if region.id in copies[one.id]:
            findings.add("copies", where, "the same copy twice", found=region.id)
            continue
        copies[one.id][region.id] = region
        _check_copy(world, desk, one, region, where=where, findings=findings)
        stored, carried, kg = copy_cost(world, one, region, where, findings)
        storage, egress = storage + stored, egress + carried
        spent.append((region, stored + carried, kg))
        if kg is not None:
            findings.stated("carbon", where, "network carbon of carrying it", expected=kg, found=row.carbon_kg)
        findings.stated("cost", where, "storage and carriage", expected=stored + carried, found=row.cost_usd)
        if one.size_gb is not None:
            findings.stated("statement", where, "size in GB", expected=one.size_gb, found=row.size_gb)
    for one in kept.values():
        check_numbers(one, copies[one.id], findings)
    for region, usd, kg in _check_reads(ledger, plan, kept, copies, findings):
        egress += usd
        spent.append((region, usd, kg))
    return Bill(storage, egress, tuple(spent))


def kept_of(world: World, desk: Desk, findings: Findings) -> dict[str, Kept]:
    """Return the datasets, and what copy duties make workloads keep, with all duties of any day of the horizon."""
    kept = {}
    for dataset in world.instance.datasets:
        profile = desk.profiles.datasets[dataset.id]
        kept[dataset.id] = Kept(dataset.id, dataset.size_gb, profile, dataset, _duties(world, desk, profile))
    for (workload, stream), profile in desk.profiles.own.items():
        duties = _duties(world, desk, profile) if profile.retention_hours else ()
        if not duties:
            continue
        name = f"{workload}/{stream}:retained" if stream is not None else f"{workload}:retained"
        size = world.workloads[workload].data.retained_gb
        if size is None:
            findings.add("copy_duty", name, "a law asks for a copy of what is kept, and its size is not stated",
                         rule=duties[0].law)  # fmt: skip
        # The copy owed is there for good, however soon the workload drops its own.
        kept[name] = Kept(name, size, replace(profile, retention_hours=None), None, duties)
    return kept


def _duties(world: World, desk: Desk, profile: Profile) -> tuple[Obligation, ...]:
    if desk.book is None:
        return ()
    book = desk.book
    days = dict.fromkeys(world.calendar.dates)
    return tuple(dict.fromkeys(duty for on in days for duty in book.obligations(profile, on)))


def copy_rulings(book: LawBook, profile: Profile, at: Place, on: date) -> list[tuple[str, Ruling]]:
    """Return the rulings that bear on data at rest: storage, and access from where the provider supports from."""
    seats = book.support_seats(at, on)
    return [("storage", book.ruling(profile, at, "storage", on))] + [
        ("access", book.ruling(profile, seat, "access", on)) for seat in seats
    ]


def _check_copy(
    world: World, desk: Desk, one: Kept, region: Region, *, where: str, findings: Findings
) -> None:
    use = world.instance.catalogue
    allowed = {region.id, f"{region.provider}:{region.id}"}
    if one.source is not None and one.source.regions and not allowed & set(one.source.regions):
        findings.add("not_allowed_region", where, "not among the dataset's regions", found=region.id, rule="regions")
    if (use.providers and region.provider not in use.providers) or region.provider in use.exclude_providers:
        findings.add("not_allowed_provider", where, "the provider is not allowed", found=region.provider,
                     rule="catalogue.providers")  # fmt: skip
    shut = (use.regions and not allowed & set(use.regions)) or allowed & set(use.exclude_regions)
    if shut or (use.countries and region.country not in use.countries) or region.country in use.exclude_countries:
        findings.add("not_allowed_region", where, "the region is not allowed", found=region.id, rule="catalogue")
    if region.access not in use.access:
        findings.add("partition_not_opted_in", where, "the instance does not opt into the partition",
                     found=region.access, rule="catalogue.access")  # fmt: skip
    if desk.book is None:
        return
    at = Place.of(region, "storage")
    for on in dict.fromkeys(world.calendar.dates):
        findings.checked["law"] += 1
        for activity, ruling in copy_rulings(desk.book, one.profile, at, on):
            report(ruling, desk.safeguards, where, f"{activity} in {region.id}", findings)


def copy_cost(
    world: World, one: Kept, region: Region, where: str, findings: Findings
) -> tuple[float, float, float | None]:
    """Return storage and carriage of a copy over the horizon in USD, and kg CO2e of the carriage.

    It comes from the cheapest region that holds it, the cleanest of those. A missing price is a violation, counts 0.
    """
    size = one.size_gb or 0.0
    if size == 0:
        return 0.0, 0.0, 0.0
    price = world.storage_usd_per_gb_month(region)
    if price is None:
        findings.add("missing_storage_price", where, f"no storage price in {region.id}")
    stored = (price or 0.0) * size * world.calendar.total_hours / HOURS_PER_MONTH
    present = [world.region(name) for name in one.source.present_in] if one.source is not None else []
    if not present or any(home is not None and home.id == region.id for home in present):
        return stored, 0.0, 0.0
    ways = [(world.egress_usd_per_gb(home, region), sent_kg(world, home, size)) for home in present if home is not None]
    known = [(usd, math.inf if kg is None else kg) for usd, kg in ways if usd is not None]
    if not known:
        findings.add("missing_egress_price", where, f"no price of carrying the data to {region.id}")
        return stored, 0.0, 0.0
    usd, kg = min(known)
    return stored, usd * size, None if math.isinf(kg) else kg


def check_numbers(one: Kept, copies: dict[str, Region], findings: Findings) -> None:
    """Check that there are copies, countries with one and places with one as many as are asked for."""
    if one.source is not None:
        findings.checked["datasets"] += 1
        if len(copies) < one.source.min_copies:
            findings.add("copies", one.id, "copies, at least", expected=one.source.min_copies, found=len(copies),
                         rule="min_copies")  # fmt: skip
        countries = {region.country for region in copies.values()}
        if len(countries) < one.source.min_countries:
            findings.add("copy_countries", one.id, "countries with a copy, at least",
                         expected=one.source.min_countries, found=len(countries), rule="min_countries")  # fmt: skip
    for duty in one.duties:
        findings.checked["duties"] += 1
        if not any({region.country, region.place} & duty.places for region in copies.values()):
            findings.add("copy_duty", one.id, f"a {duty.kind} copy is owed in", expected=", ".join(sorted(duty.places)),
                         found=", ".join(sorted(copies)) or None, rule=duty.law)  # fmt: skip


def read_gb(ledger: Ledger) -> dict[tuple[str, str], float]:
    """Return the GB of each dataset that is read in each region, in proportion to the work served there."""
    world = ledger.world
    total: dict[tuple[str, str], float] = defaultdict(float)
    hours = world.calendar.hours
    for dataset in world.instance.datasets:
        for reader in dataset.readers:
            workload = world.workloads.get(reader.workload)
            if workload is None:
                continue
            streams = world.streams.get(workload.id, {}).values()
            demand = sum(world.peak(s, t) * hours[t] for s in streams for t in range(len(hours)))
            for line in ledger.by_workload.get(workload.id, []):
                share = 0.0
                if isinstance(workload, Job):
                    speed = job_units_per_s(world, workload, line.offer) or 0.0
                    share = 3600 * speed * worked_hours(world, line) / workload.work
                elif isinstance(workload, Service) and demand > 0:
                    share = line.row.served_per_s * hours[line.period] / demand
                total[dataset.id, line.region.id] += reader.gb * share
    return total


def _check_reads(
    ledger: Ledger,
    plan: Plan,
    kept: dict[str, Kept],
    copies: dict[str, dict[str, Region]],
    findings: Findings,
) -> list[tuple[Region, float, float | None]]:
    """Check that what is read in each region is brought there from copies; return what each source charges."""
    world = ledger.world
    needed = read_gb(ledger)
    brought: dict[tuple[str, str], float] = defaultdict(float)
    stated: set[str] = set()
    spent: list[tuple[Region, float, float | None]] = []
    for k, row in enumerate(plan.transfers):
        where = f"transfers[{k}] {row.dataset}"
        findings.checked["transfers"] += 1
        source, target = world.region(row.source), world.region(row.target)
        if row.dataset not in kept or source is None or target is None:
            findings.add("unknown_id", where, "no such dataset or region",
                         found=f"{row.dataset}: {row.source} to {row.target}")  # fmt: skip
            continue
        if row.gb < -READ_GB:
            findings.add("reads", where, "a negative amount", found=row.gb)
        if source.id not in copies[row.dataset]:
            findings.add("route", where, f"there is no copy in {source.id}", found=row.gb)
        stated.add(row.dataset)
        brought[row.dataset, target.id] += row.gb
        price = world.egress_usd_per_gb(source, target)
        if price is None:
            findings.add("missing_egress_price", where, f"no price from {source.id} to {target.id}")
            continue
        findings.stated("cost", where, "egress", expected=price * row.gb, found=row.cost_usd)
        kg = 0.0 if source.id == target.id else sent_kg(world, source, row.gb)
        if kg is not None:
            findings.stated("carbon", where, "network carbon of the reads", expected=kg, found=row.carbon_kg)
        spent.append((source, price * row.gb, kg))
    for dataset, target_id in sorted({*needed, *brought}):
        amount, got = needed.get((dataset, target_id), 0.0), brought.get((dataset, target_id), 0.0)
        findings.checked["reads"] += 1
        if dataset in stated:
            local = target_id in copies[dataset] and got == 0.0
            if not local and not close(amount, got, kept[dataset].size_gb or 0.0):
                what = "GB brought by transfers"
                findings.add("reads", f"{dataset} in {target_id}", what, expected=amount, found=got)
        elif amount > READ_GB:
            target = world.region(target_id)
            assert target is not None
            ways = [(world.egress_usd_per_gb(s, target), s) for s in copies[dataset].values()]
            known = [(price, s.id, s) for price, s in ways if price is not None]
            if not known:
                findings.add("route", f"{dataset} in {target_id}", "no copy can be read from there", expected=amount)
                continue
            price, _, source = min(known)
            spent.append((source, price * amount, 0.0 if source.id == target_id else sent_kg(world, source, amount)))
    return spent
