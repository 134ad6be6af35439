"""Slots and flows: every eligible (workload, offer, period) and (stream, slot), as index arrays, with what they add."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Flows, Jobs, Services, Slots
from optimizer.compile.coefficients import Figures, FlowPrices, Terms, gather, known, running, serving, working
from optimizer.compile.dominance import dominated
from optimizer.compile.eligibility import Eligibility
from optimizer.compile.jobs import build_jobs, can_finish, job_speed, too_short, window_of
from optimizer.compile.ledger import Exclusion
from optimizer.compile.policies import build_survival
from optimizer.compile.world import World
from optimizer.errors import InputError, Issue
from optimizer.instance.identity import stream_ids
from optimizer.instance.workloads import RATE_UNIT_SECONDS, Job, Service, Stream

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class NoOption:
    """A stream, or a job, that nothing can serve in these periods (ids)."""

    workload: str
    stream: str | None
    periods: tuple[str, ...]


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
    terms: Terms
    stream_ids: tuple[str, ...]
    units_per_s: Floats
    mean_share: Floats
    no_option: tuple[NoOption, ...]


def rates(world: World, stream: Stream) -> tuple[Floats, Floats]:
    """Return peak rate in units/s and mean over peak, each [periods]."""
    per_second = 1.0 / RATE_UNIT_SECONDS[stream.unit.partition("/")[2]]
    periods = len(world.periods)
    peak = np.array(np.broadcast_to(np.asarray(stream.rate, dtype=float), periods)) * per_second
    if stream.mean_rate is None:
        return peak, np.ones(periods)
    mean = np.array(np.broadcast_to(np.asarray(stream.mean_rate, dtype=float), periods)) * per_second
    with np.errstate(divide="ignore", invalid="ignore"):
        return peak, np.where(peak > 0, mean / peak, 1.0)


def build_slots(world: World, eligibility: Eligibility, *, carbon_counts: bool = False) -> SlotTables:
    """Return every slot and flow of the instance; the ledger of `eligibility` fills on the way.

    `carbon_counts`: an offer is not left out for one that costs no more and emits more. Raises InputError for jobs that
    are too short to be planned.
    """
    surviving = frozenset(build_survival(world).workload.tolist())
    parts = _Parts(world, eligibility, surviving, carbon_counts)
    for w, workload in enumerate(world.instance.workloads):
        if isinstance(workload, Service):
            parts.add_service(w, workload)
        else:
            parts.add_job(w, workload)
    if parts.issues:
        raise InputError(parts.issues)
    return parts.tables()


def unserved_price(world: World, w: int) -> float | None:
    """Return USD per work unit left unserved, or None where all must be served."""
    own = world.instance.workloads[w].unserved_usd_per_unit
    return own if own is not None else world.instance.unserved_usd_per_unit


def _services(world: World, owner: list[int], demand: Floats, mean_share: Floats) -> Services:
    prices = [unserved_price(world, w) for w in owner]
    per_unit = np.array([price or 0.0 for price in prices], dtype=float).reshape(-1, 1)
    return Services(
        workload=np.array(owner, dtype=np.int64),
        demand_per_s=demand,
        may_be_unserved=np.array([price is not None for price in prices], dtype=bool),
        unserved_usd=per_unit * 3600.0 * world.period_hours * mean_share,
    )


BARE = (
    "workload", "offer", "region", "period", "is_job", "is_endpoint", "capacity_per_s", "gang_instances",
    "usable_hours",
)  # fmt: skip
"""Columns of a slot that are known before any coefficient."""
SLOT_COLUMNS = {
    "workload": np.int64, "offer": np.int64, "period": np.int64, "is_job": np.bool_, "capacity": np.float64,
    "units_per_s": np.float64, "gang": np.float64, "usable": np.float64, "output_gb": np.float64,
    "response_gb": np.float64,
}  # fmt: skip
FLOW_COLUMNS = {
    "stream": np.int64, "slot": np.int64, "endpoint_usd": np.float64, "network_usd": np.float64,
    "response_usd": np.float64,
}  # fmt: skip


class _Columns:
    """Typed columns that grow by chunks; a scalar fills its chunk."""

    def __init__(self, types: Mapping[str, type[np.generic]]) -> None:
        self._types = types
        self._chunks: dict[str, list[NDArray[Any]]] = {name: [] for name in types}
        self.size = 0

    def add(self, rows: int, **values: object) -> None:
        """Append `rows` rows; every column must be given."""
        for name, kind in self._types.items():
            self._chunks[name].append(np.array(np.broadcast_to(np.asarray(values[name]), rows), dtype=kind))
        self.size += rows

    def floats(self, name: str) -> Floats:
        """Return a column of floats."""
        return np.concatenate([np.zeros(0), *self._chunks[name]])

    def ints(self, name: str) -> Ints:
        """Return a column of indices."""
        return np.concatenate([np.zeros(0, dtype=np.int64), *self._chunks[name]])

    def bools(self, name: str) -> Bools:
        """Return a column of flags."""
        return np.concatenate([np.zeros(0, dtype=bool), *self._chunks[name]])


@dataclass
class _Parts:
    """Arrays collected workload by workload; services that must survive a failure are `surviving`."""

    world: World
    eligibility: Eligibility
    surviving: frozenset[int]
    carbon_counts: bool
    slot: _Columns = field(default_factory=lambda: _Columns(SLOT_COLUMNS))
    flow: _Columns = field(default_factory=lambda: _Columns(FLOW_COLUMNS))
    demand: list[Floats] = field(default_factory=list)
    shares: list[Floats] = field(default_factory=list)
    owner: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    jobs: list[int] = field(default_factory=list)
    no_option: list[NoOption] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    def add_service(self, w: int, service: Service) -> None:
        """Add the streams of a service, its slots and flows."""
        world, options = self.world, self.eligibility.workload(w)
        near = np.flatnonzero(options.allowed.any(axis=1))
        first = len(self.owner)
        masks, ways = [], []
        for k, (name, stream) in enumerate(zip(stream_ids(service), service.streams, strict=True)):
            peak, share = rates(world, stream)
            self._add_stream(w, name, peak, share)
            allowed, way = self.eligibility.stream(w, first + k, k)
            mask = options.allowed[near] & allowed[near] & (peak > 0)
            self._note_lack(w, name, (peak > 0) & ~mask.any(axis=0))
            masks.append(mask)
            ways.append(way)
        used = np.logical_or.reduce(masks)
        period, at = np.nonzero(used.T)
        number = np.full(used.shape, -1, dtype=np.int64)
        number[at, period] = self.slot.size + np.arange(len(at))
        mu = options.speed.units_per_s[near[at]]
        utilisation = service.target_utilisation or world.instance.target_utilisation
        self.slot.add(
            len(at), workload=w, offer=near[at], period=period, is_job=False, capacity=np.nan_to_num(utilisation * mu),
            units_per_s=mu, gang=0.0, usable=0.0, output_gb=0.0, response_gb=service.response_gb_per_unit,
        )  # fmt: skip
        for k, (mask, way) in enumerate(zip(masks, ways, strict=True)):
            row, t = np.nonzero(mask)
            region = world.offer_region[near[row]]
            self.flow.add(
                len(row), stream=first + k, slot=number[row, t], endpoint_usd=options.usd_per_unit[near[row]],
                network_usd=way.usd_per_unit[region], response_usd=way.response_usd_per_gb[region],
            )  # fmt: skip

    def _add_stream(self, w: int, name: str, peak: Floats, share: Floats) -> None:
        self.demand.append(peak)
        self.shares.append(share)
        self.owner.append(w)
        self.names.append(name)

    def _note_lack(self, w: int, stream: str | None, lacking: Bools) -> None:
        # survival is asked of the demand stated, even where it may be unserved as long as nothing fails
        if lacking.any() and (unserved_price(self.world, w) is None or w in self.surviving):
            periods = tuple(self.world.periods[t].id for t in np.flatnonzero(lacking).tolist())
            self.no_option.append(NoOption(self.world.instance.workloads[w].id, stream, periods))

    def add_job(self, w: int, job: Job) -> None:
        """Add the slots of a job inside its window."""
        options = self.eligibility.workload(w)
        window = window_of(self.world, job)
        allowed = options.allowed & self.eligibility.job(w) & (window.hours > 0)
        speed = job_speed(self.world, job, options.speed)
        if unserved_price(self.world, w) is None:
            rate = np.nan_to_num(speed.units_per_s * speed.gang_instances * job.max_gangs, posinf=0.0) * 3600.0
            late = allowed.any(axis=1) & ~can_finish(job, window, allowed, rate)
            self.eligibility.ledger.add(job.id, None, [Exclusion("deadline", "deadline_hours", late)])
            allowed &= ~late[:, None]
            if not allowed.any():
                self._note_lack(w, None, window.hours > 0)
        self.issues += too_short(self.world, job, allowed, speed.units_per_s)
        self.jobs.append(w)
        period, offer = np.nonzero(allowed.T)
        mu = speed.units_per_s[offer]
        self.slot.add(
            len(offer), workload=w, offer=offer, period=period, is_job=True, capacity=mu, units_per_s=mu,
            gang=speed.gang_instances[offer], usable=window.hours[period], response_gb=0.0,
            output_gb=job.output_gb * mu * 3600.0 / job.work,
        )  # fmt: skip

    def tables(self) -> SlotTables:
        """Return everything collected, with coefficients."""
        world = self.world
        demand = np.array(self.demand).reshape(len(self.owner), len(world.periods))
        mean_share = np.array(self.shares).reshape(demand.shape)
        slots, flows, terms, units_per_s = _assemble(self, demand, mean_share)
        return SlotTables(
            slots=slots,
            flows=flows,
            services=_services(world, self.owner, demand, mean_share),
            jobs=build_jobs(world, self.jobs, [unserved_price(world, w) for w in self.jobs]),
            terms=terms,
            stream_ids=tuple(self.names),
            units_per_s=units_per_s,
            mean_share=mean_share,
            no_option=tuple(self.no_option),
        )


def _assemble(parts: _Parts, demand: Floats, mean_share: Floats) -> tuple[Slots, Flows, Terms, Floats]:
    """Return slots, flows, terms and units/s per slot, without the slots that others dominate.

    Dominated slots go first: coefficients of millions of options are what fills the memory.
    """
    world, columns, rows = parts.world, parts.slot, parts.flow
    offer, period, is_job = columns.ints("offer"), columns.ints("period"), columns.bools("is_job")
    mu = columns.floats("units_per_s")
    figures = gather(world, offer, world.offer_region[offer], period)
    bare = Slots(
        workload=columns.ints("workload"),
        offer=offer,
        region=world.offer_region[offer],
        period=period,
        is_job=is_job,
        is_endpoint=figures.is_endpoint,
        capacity_per_s=columns.floats("capacity"),
        gang_instances=columns.floats("gang"),
        usable_hours=columns.floats("usable"),
    )
    out = dominated(world, bare, figures, mu, carbon_counts=parts.carbon_counts)
    _note_dominated(parts, bare, out)
    kept = np.flatnonzero(~out)
    number = np.cumsum(~out) - 1
    flow = np.flatnonzero(~out[rows.ints("slot")])
    slots = replace(bare, **{name: getattr(bare, name)[kept] for name in BARE})
    chosen = _Chosen(
        stream=rows.ints("stream")[flow],
        slot=number[rows.ints("slot")[flow]].astype(np.int64),
        network_usd=rows.floats("network_usd")[flow],
        response_usd=rows.floats("response_usd")[flow],
        endpoint_usd=rows.floats("endpoint_usd")[flow],
        response_gb=columns.floats("response_gb")[kept],
        output_gb=columns.floats("output_gb")[kept],
    )
    left = figures.take(kept)
    del figures
    return *_with_coefficients(parts, slots, chosen, left, mu[kept], demand=demand, mean_share=mean_share), mu[kept]


@dataclass(frozen=True)
class _Chosen:
    """What is known of the flows that are left (by flow), and the GB their slots send (by slot)."""

    stream: Ints
    slot: Ints
    network_usd: Floats
    response_usd: Floats
    endpoint_usd: Floats
    response_gb: Floats
    output_gb: Floats


def _with_coefficients(
    parts: _Parts, slots: Slots, chosen: _Chosen, figures: Figures, mu: Floats, *, demand: Floats, mean_share: Floats
) -> tuple[Slots, Flows, Terms]:
    """Return slots, flows and terms with what every decision costs and emits."""
    world, stream, slot = parts.world, chosen.stream, chosen.slot
    network_kwh_per_gb = world.instance.carbon.network_kwh_per_gb
    internet = np.nan_to_num(world.network.internet_usd_per_gb())[slots.region]
    output_usd = np.where(chosen.output_gb > 0, chosen.output_gb * internet, 0.0)
    share = mean_share[stream, slots.period[slot]]
    prices = FlowPrices(
        units=3600.0 * figures.hours[slot] * share,
        network_usd_per_unit=chosen.network_usd,
        egress_usd_per_unit=chosen.response_usd * chosen.response_gb[slot],
        endpoint_usd_per_unit=np.nan_to_num(chosen.endpoint_usd),
        response_gb_per_unit=chosen.response_gb[slot],
    )
    asked = np.bincount(slot, weights=demand[stream, slots.period[slot]], minlength=len(slots.offer))
    most = parts.eligibility.pools.most[slots.offer]
    slots = replace(
        slots,
        max_instances=_most(
            asked.astype(np.float64), slots.capacity_per_s, most, figures.is_endpoint | slots.is_job
        ),
        running=running(figures, slots.is_job),
        working=working(figures, slots.is_job, output_usd, chosen.output_gb * network_kwh_per_gb),
    )
    served = serving(figures.take(slot), mu[slot], share, prices, network_kwh_per_gb)
    sends = ((chosen.response_gb > 0) | (chosen.output_gb > 0)) & (network_kwh_per_gb > 0)
    carbon_known, energy_known, water_known = known(figures, sends)
    terms = Terms(
        carbon_known=carbon_known,
        energy_known=energy_known,
        water_known=water_known,
        working_egress_usd=output_usd,
        network_usd=prices.units * prices.network_usd_per_unit,
        egress_usd=prices.units * prices.egress_usd_per_unit,
    )
    return slots, Flows(stream=stream, slot=slot, serving=served), terms


def _note_dominated(parts: _Parts, slots: Slots, out: Bools) -> None:
    """Tell the ledger which offers are left out wherever the workload could have used them."""
    gone, stays = _by_workload(slots, out), _by_workload(slots, ~out)
    for w in np.unique(slots.workload[out]).tolist():
        offers = np.zeros(len(parts.world.offers), dtype=bool)
        offers[gone(w)] = True
        offers[stays(w)] = False
        parts.eligibility.ledger.add(parts.world.instance.workloads[w].id, None, [Exclusion("dominated", None, offers)])


def _by_workload(slots: Slots, kept: Bools) -> Callable[[int], Ints]:
    """Return a look-up of the offers of a workload's slots among those kept."""
    rows = np.flatnonzero(kept)
    rows = rows[np.argsort(slots.workload[rows], kind="stable")]
    workload, offer = slots.workload[rows], slots.offer[rows]
    return lambda w: offer[np.searchsorted(workload, w) : np.searchsorted(workload, w, side="right")]


def _most(asked: Floats, capacity: Floats, fits: Floats, without: Bools) -> Floats:
    """Return an upper bound on instances: what all streams of the slot could ask for, within what the pools hold."""
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.ceil(np.where(capacity > 0, asked / capacity, 0.0))
    return np.where(without, 0.0, np.minimum(np.maximum(wanted, 1.0), fits))
