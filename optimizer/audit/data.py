"""Data at rest: copies where they are lawful, allowed, priced and owed; reads that come from a copy."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date

from optimizer.audit.carried import sent_kg
from optimizer.audit.chip_law import ruling_at_rest
from optimizer.audit.desk import Desk
from optimizer.audit.facts import Region
from optimizer.audit.findings import Findings, close
from optimizer.audit.law_check import PlacePolicy, broken_at_rest, report
from optimizer.audit.law_profiles import Profile
from optimizer.audit.law_rules import LawBook, Obligation, Ruling
from optimizer.audit.law_triggers import Place
from optimizer.audit.lines import Ledger, job_units_per_s, units_served, worked_hours
from optimizer.audit.names import check_names, region_named, region_of
from optimizer.audit.world import HOURS_PER_MONTH, World
from optimizer.instance.base import Scope
from optimizer.instance.workloads import Dataset, Job, Stream, Workload
from optimizer.plan.models import Plan

READ_GB = 1e-6


@dataclass(frozen=True)
class Kept:
    """Something that is kept: a dataset, or what a law obliges a workload (`owner`) to keep (`source` None).

    `due`: its duties bind. What a workload keeps is due once any of it is served or worked on.
    """

    id: str
    size_gb: float | None
    profile: Profile
    source: Dataset | None
    duties: tuple[Obligation, ...] = ()
    owner: Workload | None = None
    due: bool = True


@dataclass(frozen=True)
class Bill:
    """What data at rest costs in USD: storing and bringing copies, reads; `by_region`, by who bills it, with network
    carbon.
    """

    storage_usd: float = 0.0
    copies_usd: float = 0.0
    reads_usd: float = 0.0
    by_region: tuple[tuple[Region, float, float | None], ...] = ()


def check_data(ledger: Ledger, plan: Plan, desk: Desk, findings: Findings) -> Bill:
    """Check copies, duties, countries, reads and routes; return what data at rest costs."""
    world = ledger.world
    kept = kept_of(ledger, desk, findings)
    copies: dict[str, dict[str, Region]] = {name: {} for name in kept}
    spent: list[tuple[Region, float, float | None]] = []
    storage = brought = reads = 0.0
    for k, row in enumerate(plan.copies):
        where = f"copies[{k}] {row.dataset}"
        findings.checked["copies"] += 1
        region = region_of(world, row)
        if row.dataset not in kept or region is None:
            findings.add("unknown_id", where, "no such dataset or region", found=f"{row.dataset} in {row.region_id}")
            continue
        check_names(row, region, where, findings)
        one = kept[row.dataset]
        if region.id in copies[one.id]:
            findings.add("copies", where, "the same copy twice", found=region.id)
            continue
        copies[one.id][region.id] = region
        _check_copy(world, desk, one, region, where=where, findings=findings)
        stored = storage_cost(world, one, region, where, findings)
        way = carriage(world, one, region, row.source, where=where, findings=findings)
        storage, brought = storage + stored, brought + way.usd
        spent += [(region, stored, 0.0), (way.source or region, way.usd, way.kg)]
        if way.kg is not None:
            findings.stated("carbon", where, "network carbon of carrying it", expected=way.kg, found=row.carbon_kg,
                            cell="copies.carbon_kg")  # fmt: skip
        if stays_unpriced(world, one, region):
            findings.note(f"{where}: nobody has the price of storage in {region.id}; it counts 0")
            if row.cost_usd is not None:
                findings.add("statement", where, "a cost, though nobody has the price of storage", found=row.cost_usd)
        else:
            findings.stated("cost", where, "storage and carriage", expected=stored + way.usd, found=row.cost_usd,
                            cell="copies.cost_usd")  # fmt: skip
        if one.size_gb is not None:
            findings.stated("statement", where, "size in GB", expected=one.size_gb, found=row.size_gb,
                            cell="copies.size_gb")  # fmt: skip
    for one in kept.values():
        check_numbers(one, copies[one.id], findings)
    for region, usd, kg in _check_reads(ledger, plan, kept, copies, findings):
        reads += usd
        spent.append((region, usd, kg))
    return Bill(storage, brought, reads, tuple(spent))


def kept_of(ledger: Ledger, desk: Desk, findings: Findings) -> dict[str, Kept]:
    """Return the datasets, and what copy duties make workloads keep, with all duties of any day of the horizon.

    Streams of a service about the same persons are one: its share of `retained_gb` is that of its mean demand.
    """
    world, kept = ledger.world, {}
    for dataset in world.instance.datasets:
        profile = desk.profiles.datasets[dataset.id]
        kept[dataset.id] = Kept(dataset.id, dataset.size_gb, profile, dataset, _duties(world, desk, profile))
    bodies: dict[tuple[str, Profile], list[str | None]] = defaultdict(list)
    for (workload, stream), profile in desk.profiles.own.items():
        bodies[workload, profile].append(stream)
    for (workload, _), streams in bodies.items():
        profile = desk.profiles.own[workload, streams[0]]
        duties = _duties(world, desk, profile) if profile.retention_hours else ()
        share = _share_of_demand(world, workload, streams)
        if not duties or share == 0.0:
            continue
        name = f"{workload}/{streams[0]}:retained" if streams[0] is not None else f"{workload}:retained"
        stated = world.workloads[workload].data.retained_gb
        size = None if stated is None else share * stated
        if size is None:
            findings.add("copy_duty", name, "a law asks for a copy of what is kept, and its size is not stated",
                         rule=duties[0].law)  # fmt: skip
        # The copy owed is there for good, however soon the workload drops its own.
        owner = world.workloads[workload]
        due = any(
            line.row.instances > 0 if stream is None else line.row.stream == stream and line.row.served_per_s > 0
            for line in ledger.by_workload.get(workload, [])
            for stream in streams
        )
        kept[name] = Kept(name, size, replace(profile, retention_hours=None), None, duties, owner, due)
    return kept


def _mean_demand(world: World, stream: Stream) -> float:
    """Return units/s x hours of a stream over the horizon, at its mean rate."""
    hours = enumerate(world.calendar.hours)
    return sum(world.peak(stream, t) * world.mean_share(stream, t) * length for t, length in hours)


def _share_of_demand(world: World, workload: str, streams: list[str | None]) -> float:
    """Return the part of a service's mean demand that comes from some of its streams; 1 for a job."""
    every = world.streams.get(workload)
    if not every:
        return 1.0
    mean = {name: _mean_demand(world, stream) for name, stream in every.items()}
    total = sum(mean.values())
    return sum(mean[name] for name in streams if name is not None) / total if total > 0 else 0.0


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
    ] + book.passing(profile, on)


def _check_copy(
    world: World, desk: Desk, one: Kept, region: Region, *, where: str, findings: Findings
) -> None:
    use = world.instance.catalogue
    allowed = {region.id, f"{region.provider}:{region.id}"}
    if one.source is not None and one.source.regions and not allowed & set(one.source.regions):
        findings.add("not_allowed_region", where, "not among the dataset's regions", found=region.id, rule="regions")
    if (world.providers and region.provider not in world.providers) or region.provider in use.exclude_providers:
        findings.add("not_allowed_provider", where, "the provider is not allowed", found=region.provider,
                     rule="catalogue.providers")  # fmt: skip
    shut = (use.regions and not allowed & set(use.regions)) or allowed & set(use.exclude_regions)
    if shut or (use.countries and region.country not in use.countries) or region.country in use.exclude_countries:
        findings.add("not_allowed_region", where, "the region is not allowed", found=region.id, rule="catalogue")
    if region.access not in use.access:
        findings.add("partition_not_opted_in", where, "the instance does not opt into the partition",
                     found=region.access, rule="catalogue.access")  # fmt: skip
    _check_copy_policies(world, desk, one, region, where=where, findings=findings)
    if desk.book is None:
        return
    at = Place.of(region, "storage")
    for on in dict.fromkeys(world.calendar.dates):
        findings.checked["law"] += 1
        for activity, ruling in copy_rulings(desk.book, one.profile, at, on):
            report(ruling, desk.safeguards, where, f"{activity} in {region.id}", findings)
        report(ruling_at_rest(desk, region, on).ruling, desk.safeguards, where, f"storage in {region.id}", findings)


def _check_copy_policies(
    world: World, desk: Desk, one: Kept, region: Region, *, where: str, findings: Findings
) -> None:
    """Check the policies that select a copy: it lies there in every period, and may break none of them in any."""
    for policy in world.instance.policies:
        if not isinstance(policy, PlacePolicy):
            continue
        if not selects_copy(desk, policy.scope, one):
            continue
        findings.checked["policies"] += 1
        broken = {
            found: None
            for t in range(len(world.calendar.ids))
            if desk.scopes.of_place(policy.scope, region, t)
            for found in broken_at_rest(desk, policy, region, t)
        }
        for kind, reason in broken:
            findings.add(kind, where, reason, rule=policy.id)


def selects_copy(desk: Desk, scope: Scope, one: Kept) -> bool:
    """Return True if a policy's scope may select a copy: of a dataset by its place alone, else by its workload."""
    if one.owner is None:
        return not (scope.workloads or scope.tags or scope.periods)
    return desk.scopes.of_workload(scope, one.owner)


def storage_cost(world: World, one: Kept, region: Region, where: str, findings: Findings) -> float:
    """Return what storing a copy over the horizon costs in USD. A missing price counts 0, and is a violation of all
    copies but those that lie there already.
    """
    size = one.size_gb or 0.0
    price = world.storage_usd_per_gb_month(region) if size else 0.0
    if price is None and not stays_unpriced(world, one, region):
        findings.add("missing_storage_price", where, f"no storage price in {region.id}")
    return (price or 0.0) * size * world.calendar.total_hours / HOURS_PER_MONTH


def stays_unpriced(world: World, one: Kept, region: Region) -> bool:
    """Return True for data that lie in a region already, where nobody has the price of storing them."""
    if not one.size_gb or one.source is None or world.storage_usd_per_gb_month(region) is not None:
        return False
    held = (region_named(world, name) for name in lying_in(world, one.source))
    return any(home is not None and home.id == region.id for home in held)


@dataclass(frozen=True)
class Way:
    """How a copy comes to where it is kept: USD and kg CO2e, both billed to its source (None: nothing is sent)."""

    source: Region | None = None
    usd: float = 0.0
    kg: float | None = 0.0


def carriage(
    world: World, one: Kept, region: Region, stated: str | None, *, where: str, findings: Findings
) -> Way:
    """Return how a copy is brought: from the region the plan states, else from the cheapest that holds the data.

    Of those of one price the cleanest sends, then the first named. A missing price is a violation, and counts 0.
    """
    size, names = one.size_gb or 0.0, lying_in(world, one.source) if one.source is not None else ()
    held = [home for home in (region_named(world, name) for name in names) if home is not None]
    there = any(home.id == region.id for home in held)
    named = world.region(stated) if stated is not None else None
    if stated is not None and (there or named is None or all(home.id != named.id for home in held)):
        what = "brought from a region, though it lies there already" if there else "brought from where the data are not"
        findings.add("statement", where, what, expected=", ".join(home.id for home in held) or None, found=stated)
    if size == 0 or not names or there:
        return Way()
    among = [home for home in held if named is None or home.id == named.id]
    ways = [(world.egress_usd_per_gb(home, region), sent_kg(world, home, size), home) for home in among]
    priced = [(usd, kg, home) for usd, kg, home in ways if usd is not None]
    if not priced:
        findings.add("missing_egress_price", where, f"no price of carrying the data to {region.id}")
        return Way()
    usd, kg, home = min(priced, key=lambda way: (way[0], math.inf if way[1] is None else way[1]))
    return Way(home, usd * size, kg)


def lying_in(world: World, dataset: Dataset) -> tuple[str, ...]:
    """Return where copies lie already, by the dataset's own statement and by that of what runs today."""
    current = world.instance.current
    today = [row.region for row in current.copies if row.dataset == dataset.id] if current is not None else []
    return tuple(dict.fromkeys((*dataset.present_in, *today)))


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
    for duty in one.duties if one.due else ():
        findings.checked["duties"] += 1
        if not any({region.country, region.place} & duty.places for region in copies.values()):
            findings.add("copy_duty", one.id, f"a {duty.kind} copy is owed in", expected=", ".join(sorted(duty.places)),
                         found=", ".join(sorted(copies)) or None, rule=duty.law)  # fmt: skip


def read_gb(ledger: Ledger) -> dict[tuple[str, str], float]:
    """Return the GB of each dataset that is read in each region, in proportion to the work served there."""
    world = ledger.world
    total: dict[tuple[str, str], float] = defaultdict(float)
    for dataset in world.instance.datasets:
        for reader in dataset.readers:
            workload = world.workloads.get(reader.workload)
            if workload is None:
                continue
            streams = world.streams.get(workload.id, {}).values()
            demand = sum(_mean_demand(world, stream) for stream in streams)
            for line in ledger.by_workload.get(workload.id, []):
                share = 0.0
                if isinstance(workload, Job):
                    speed = job_units_per_s(world, workload, line.offer) or 0.0
                    share = 3600 * speed * worked_hours(world, line) / workload.work
                elif line.stream is not None and demand > 0:
                    share = units_served(world, line) / (3600 * demand)
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
        findings.stated("cost", where, "egress", expected=price * row.gb, found=row.cost_usd,
                        cell="transfers.cost_usd")  # fmt: skip
        kg = 0.0 if source.id == target.id else sent_kg(world, source, row.gb)
        if kg is not None:
            findings.stated("carbon", where, "network carbon of the reads", expected=kg, found=row.carbon_kg,
                            cell="transfers.carbon_kg")  # fmt: skip
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
