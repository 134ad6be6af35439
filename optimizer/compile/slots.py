"""Slots and flows: every eligible (workload, offer, period) and (stream, slot), as index arrays, with what they add."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Flows, Jobs, Services, Slots
from optimizer.compile.coefficients import (
    Figures,
    FlowPrices,
    Known,
    Output,
    gather,
    known_figures,
    running,
    serving,
    working,
)
from optimizer.compile.collected import NoOption, Parts, unserved_price
from optimizer.compile.columns import Filling, columns
from optimizer.compile.effort import FLOW, SLOT, spend
from optimizer.compile.eligibility import Eligibility
from optimizer.compile.endpoint_energy import per_unit_of, tokens_ratio
from optimizer.compile.gangs import Gang
from optimizer.compile.jobs import build_jobs, windows_of
from optimizer.compile.ledger import Ledger
from optimizer.compile.patterns import Kept, Patterns, batches, capacity, ends, spread
from optimizer.compile.policies import build_survival
from optimizer.compile.pools import PoolView
from optimizer.compile.world import World
from optimizer.errors import InputError
from optimizer.instance.workloads import Job, Service

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SLOTS_AT_ONCE = 400_000
"""Options whose figures are looked up and compared together: of all at once they would fill the memory."""


@dataclass(frozen=True, eq=False)
class SlotTables:
    """Slots, flows, services and jobs of a problem with what the plan needs to name them.

    `stream_ids[j]` names stream j of its service; `units_per_s` [slots] is the throughput of one instance;
    `mean_share` [streams, periods] mean over peak rate; `no_option`: who is left without any.
    """

    slots: Slots
    flows: Flows
    services: Services
    jobs: Jobs
    known: Known
    stream_ids: tuple[str, ...]
    units_per_s: Floats
    mean_share: Floats
    no_option: tuple[NoOption, ...]


def collect_options(world: World, eligibility: Eligibility) -> Parts:
    """Return what is open to every workload and stream; the ledger of `eligibility` fills on the way.

    Prices are looked at only for whether they are there. Raises InputError for jobs that are too short to be planned.
    """
    surviving = frozenset(build_survival(world).workload.tolist())
    parts = Parts(world, eligibility, surviving, Patterns(world))
    for w, workload in enumerate(world.instance.workloads):
        if isinstance(workload, Service):
            parts.add_service(w, workload)
        else:
            parts.add_job(w, workload)
    if parts.issues:
        raise InputError(parts.issues)
    return parts


def _services(world: World, owner: list[int], demand: Floats, mean_share: Floats) -> Services:
    prices = [unserved_price(world, w) for w in owner]
    per_unit = np.array([price or 0.0 for price in prices], dtype=float).reshape(-1, 1)
    return Services(
        workload=np.array(owner, dtype=np.int64),
        demand_per_s=demand,
        may_be_unserved=np.array([price is not None for price in prices], dtype=bool),
        unserved_usd=per_unit * 3600.0 * world.period_hours * mean_share,
    )


def build_slots(
    world: World, parts: Parts, *, carbon_counts: bool = False, keep_dominated: bool = False
) -> tuple[SlotTables, Ledger]:
    """Return every slot and flow of what is open, with coefficients, and the ledger with what is dominated.

    `carbon_counts`: an offer is not left out for one that costs no more and emits more; `keep_dominated`: none is.
    """
    owner, jobs = parts.owner, parts.jobs
    demand = np.array(parts.demand).reshape(len(owner), len(world.periods))
    mean_share = np.array(parts.shares).reshape(demand.shape)
    kept = parts.patterns.settle(
        world, at_once=SLOTS_AT_ONCE, carbon_counts=carbon_counts, keep_dominated=keep_dominated
    )
    slots, flows, known, units_per_s = _assemble(world, parts, kept, mean_share)
    tables = SlotTables(
        slots=slots,
        flows=flows,
        services=_services(world, owner, demand, mean_share),
        jobs=build_jobs(world, jobs, [unserved_price(world, w) for w in jobs]),
        known=known,
        stream_ids=tuple(parts.names),
        units_per_s=units_per_s,
        mean_share=mean_share,
        no_option=tuple(parts.no_option),
    )
    return tables, _with_dominated(parts, kept)


def limit_instances(tables: SlotTables, pools: PoolView) -> SlotTables:
    """Return the tables with the most instances of each slot: what its streams could ask for, within the pools."""
    slots, flows = tables.slots, tables.flows
    wanted = tables.services.demand_per_s[flows.stream, slots.period[flows.slot]]
    asked = np.bincount(flows.slot, weights=wanted, minlength=len(slots.offer)).astype(np.float64)
    without = slots.is_endpoint | slots.is_job
    most = _most(asked, slots.capacity_per_s, pools.most[slots.offer], without)
    return replace(tables, slots=replace(slots, max_instances=most))


@dataclass(frozen=True, eq=False)
class _Traits:
    """What slots and flows take from their workload or stream, by position.

    `hours` [jobs, periods] and `work` are of jobs (`job_of`: row of each workload, -1 for services); `way_usd` and
    `response_usd` [ways, regions], `price` [prices, offers]; `gang_devices` 0 for services and gangs of one machine.
    """

    job_of: Ints
    hours: Floats
    work: Floats
    output_gb: Floats
    gang_devices: Floats
    utilisation: Floats
    response_gb: Floats
    way_usd: Floats
    response_usd: Floats
    price: Floats


def _traits(world: World, parts: Parts) -> _Traits:
    workloads = world.instance.workloads
    jobs = [job for job in workloads if isinstance(job, Job)]
    job_of = np.full(len(workloads), -1, dtype=np.int64)
    job_of[parts.jobs] = np.arange(len(jobs))
    default = world.instance.target_utilisation
    way_usd, response_usd = parts.eligibility.ways.prices()
    return _Traits(
        job_of=job_of,
        hours=np.array([window.hours for window in windows_of(world, jobs)]).reshape(len(jobs), len(world.periods)),
        work=np.array([getattr(w, "work", 1.0) for w in workloads], dtype=float),
        output_gb=np.array([getattr(w, "output_gb", 0.0) for w in workloads], dtype=float),
        gang_devices=np.array([getattr(w, "gang_devices", None) or 0 for w in workloads], dtype=float),
        utilisation=np.array([getattr(w, "target_utilisation", None) or default for w in workloads], dtype=float),
        response_gb=np.array([getattr(w, "response_gb_per_unit", 0.0) for w in workloads], dtype=float),
        way_usd=way_usd,
        response_usd=response_usd,
        price=np.vstack([np.zeros((0, len(world.offers))), *(price for _, price in parts.prices.values())]),
    )


def _assemble(world: World, parts: Parts, kept: Kept, mean_share: Floats) -> tuple[Slots, Flows, Known, Floats]:
    """Return slots, flows, what is known and units/s per slot, some workloads at a time.

    Dominated slots go first: coefficients of millions of options are what fills the memory.
    """
    traits = _traits(world, parts)
    pattern, flows_of = np.array(parts.pattern, dtype=np.int64), np.array(parts.flows, dtype=np.int64)
    slots_end = ends(np.diff(kept.slots_end)[pattern])
    streams_end = np.searchsorted(parts.owner, np.arange(len(pattern) + 1))
    slots_left, flows_left = int(slots_end[-1]), int(np.diff(kept.flows_end)[flows_of].sum())
    spend("options", SLOT * slots_left + FLOW * flows_left)
    by_slot, by_flow = Filling(slots_left), Filling(flows_left)
    for at in batches(slots_end, SLOTS_AT_ONCE):
        some = _Some(np.arange(at.start, at.stop), np.arange(streams_end[at.start], streams_end[at.stop]))
        slots, flows, known, mu = _assemble_some(
            world, parts, traits, kept, some, pattern=pattern[at.start : at.stop], mean_share=mean_share
        )
        flows = replace(flows, slot=flows.slot + by_slot.size)
        by_slot.put({**columns("slots", slots), **columns("known", known), "units_per_s": mu})
        by_flow.put(columns("flows", flows))
    tables = by_slot.table(Slots(), "slots"), by_flow.table(Flows(), "flows"), by_slot.table(Known(), "known")
    return *tables, by_slot.column("units_per_s")


@dataclass(frozen=True, eq=False)
class _Some:
    """Some workloads in a row, with the range of their streams."""

    workloads: Ints
    streams: Ints


def _assemble_some(
    world: World, parts: Parts, traits: _Traits, kept: Kept, some: _Some, *, pattern: Ints, mean_share: Floats
) -> tuple[Slots, Flows, Known, Floats]:
    """Return slots, flows (slots numbered from 0), what is known and units/s of some workloads; `pattern` of each."""
    at = spread(kept.slots_end, pattern)
    size = np.diff(kept.slots_end)[pattern]
    workload = np.repeat(some.workloads, size)
    offer, period, mu = kept.offer[at], kept.period[at], kept.units_per_s[at]
    region, job = world.offer_region[offer], traits.job_of[workload]
    is_job = job >= 0
    figures = gather(world, offer, region, period)
    gang = Gang.of(world.column("counted_devices")[offer], traits.gang_devices[workload])
    slots = Slots(
        workload=workload,
        offer=offer,
        region=region,
        period=period,
        is_job=is_job,
        is_endpoint=figures.is_endpoint,
        capacity_per_s=capacity(is_job, mu, traits.utilisation[workload] * world.lasting_share[offer]),
        gang_instances=np.where(is_job, gang.instances, 0.0),
        usable_hours=np.where(is_job, traits.hours[job, period], 0.0) if len(traits.hours) else np.zeros(len(offer)),
        max_instances=np.zeros(len(offer)),
    )
    flows = np.array(parts.flows, dtype=np.int64)[some.streams]
    stream = np.repeat(some.streams, np.diff(kept.flows_end)[flows])
    owner = np.array(parts.owner, dtype=np.int64)[stream] - some.workloads[0]
    slot = kept.flow[spread(kept.flows_end, flows)] + (np.cumsum(size) - size)[owner]
    there, way = region[slot], np.array(parts.way, dtype=np.int64)[stream]
    output_gb = traits.output_gb[workload] * mu * 3600.0 / traits.work[workload]
    chosen = _Chosen(
        stream=stream,
        slot=slot,
        network_usd=traits.way_usd[way, there],
        response_usd=traits.response_usd[way, there],
        endpoint_usd=traits.price[np.array(parts.price, dtype=np.int64)[stream], offer[slot]],
        response_gb=traits.response_gb[workload],
        output_gb=np.where(is_job, output_gb, 0.0),
        working_share=gang.working_share,
    )
    return *_with_coefficients(world, slots, chosen, figures, mu, mean_share=mean_share), mu


@dataclass(frozen=True)
class _Chosen:
    """What is known of the flows that are left (by flow); the GB their slots send, the share of devices that work."""

    stream: Ints
    slot: Ints
    network_usd: Floats
    response_usd: Floats
    endpoint_usd: Floats
    response_gb: Floats
    output_gb: Floats
    working_share: Floats


def _with_coefficients(
    world: World, slots: Slots, chosen: _Chosen, figures: Figures, mu: Floats, *, mean_share: Floats
) -> tuple[Slots, Flows, Known]:
    """Return slots and flows with what every decision costs and emits, and what of it is known."""
    stream, slot = chosen.stream, chosen.slot
    network_kwh_per_gb = world.instance.carbon.network_kwh_per_gb
    internet = np.nan_to_num(world.network.internet_usd_per_gb())[slots.region]
    output_usd = np.where(chosen.output_gb > 0, chosen.output_gb * internet, 0.0)
    output = Output(output_usd, chosen.output_gb * network_kwh_per_gb)
    share = mean_share[stream, slots.period[slot]]
    per_unit = per_unit_of(world, slots.offer, slots.period, tokens_ratio(world)[slots.workload])
    prices = FlowPrices(
        units=3600.0 * figures.hours[slot] * share,
        network_usd_per_unit=chosen.network_usd,
        egress_usd_per_unit=chosen.response_usd * chosen.response_gb[slot],
        endpoint_usd_per_unit=np.nan_to_num(chosen.endpoint_usd),
        response_gb_per_unit=chosen.response_gb[slot],
    )
    sends = ((chosen.response_gb > 0) | (chosen.output_gb > 0)) & (network_kwh_per_gb > 0)
    known = known_figures(figures, per_unit, sends)
    slots = replace(
        slots,
        running=running(figures, known, slots.is_job),
        working=working(figures, known, slots.is_job, chosen.working_share, output),
    )
    served = serving(
        figures.take(slot), known.take(slot), mu[slot], share, prices=prices, per_unit=per_unit.take(slot),
        network_kwh_per_gb=network_kwh_per_gb,
    )  # fmt: skip
    return slots, Flows(stream=stream, slot=slot, serving=served), known


def _with_dominated(parts: Parts, kept: Kept) -> Ledger:
    """Return the ledger with the offers that are left out wherever the workload could have used them."""
    ledger = parts.eligibility.ledger.copy()
    for workload, pattern in zip(parts.world.instance.workloads, parts.pattern, strict=True):
        if kept.told[pattern]:
            ledger.add_packed(workload.id, None, kept.told[pattern])
    return ledger


def _most(asked: Floats, capacity: Floats, fits: Floats, without: Bools) -> Floats:
    """Return an upper bound on instances: what all streams of the slot could ask for, within what the pools hold."""
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.ceil(np.where(capacity > 0, asked / capacity, 0.0))
    return np.where(without, 0.0, np.minimum(np.maximum(wanted, 1.0), fits))
