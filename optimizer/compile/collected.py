"""What is open to every workload and stream, collected as index arrays: the raw material of slots and flows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.eligibility import Eligibility, Options
from optimizer.compile.evidence import measured
from optimizer.compile.jobs import ENOUGH, JobSpeed, Window, job_speed, too_short, usable_hours, window_of
from optimizer.compile.latency import Way
from optimizer.compile.ledger import Exclusion
from optimizer.compile.patterns import Kind, Patterns
from optimizer.compile.world import World
from optimizer.errors import Issue
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


def rates(world: World, stream: Stream) -> tuple[Floats, Floats]:
    """Return peak rate in units/s and mean over peak, each [periods]."""
    per_second = 1.0 / RATE_UNIT_SECONDS[stream.unit.partition("/")[2]]
    periods = len(world.periods)
    if isinstance(stream.rate, int | float) and isinstance(stream.mean_rate, int | float | None):
        steady = float(stream.rate) * per_second
        share = 1.0
        if stream.mean_rate is not None and steady > 0:
            share = float(stream.mean_rate) * per_second / steady
        return np.full(periods, steady), np.full(periods, share)
    peak = np.array(np.broadcast_to(np.asarray(stream.rate, dtype=float), periods)) * per_second
    if stream.mean_rate is None:
        return peak, np.ones(periods)
    mean = np.array(np.broadcast_to(np.asarray(stream.mean_rate, dtype=float), periods)) * per_second
    with np.errstate(divide="ignore", invalid="ignore"):
        return peak, np.where(peak > 0, mean / peak, 1.0)


def unserved_price(world: World, w: int) -> float | None:
    """Return USD per work unit left unserved, or None where all must be served."""
    own = world.instance.workloads[w].unserved_usd_per_unit
    return own if own is not None else world.instance.unserved_usd_per_unit


@dataclass(frozen=True, eq=False)
class _Shared:
    """What services alike in options, laws and ways share: pattern, flows of each stream, and where it has options."""

    pattern: int
    flows: tuple[int, ...]
    open: tuple[Bools, ...]


@dataclass
class Parts:
    """What is open, collected workload by workload; services that must survive a failure are `surviving`.

    `pattern` of each workload, `flows` (a set of flows over the pattern) of each stream.
    """

    world: World
    eligibility: Eligibility
    surviving: frozenset[int]
    patterns: Patterns
    pattern: list[int] = field(default_factory=list)
    flows: list[int] = field(default_factory=list)
    way: list[int] = field(default_factory=list)
    price: list[int] = field(default_factory=list)
    demand: list[Floats] = field(default_factory=list)
    shares: list[Floats] = field(default_factory=list)
    owner: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    jobs: list[int] = field(default_factory=list)
    no_option: list[NoOption] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    prices: dict[int, tuple[int, Floats]] = field(default_factory=dict)
    windows: dict[tuple[float | None, float], Window] = field(default_factory=dict)
    job_speeds: dict[tuple[int, float, int | None], JobSpeed] = field(default_factory=dict)
    shared: dict[tuple[object, ...], _Shared] = field(default_factory=dict)

    def add_service(self, w: int, service: Service) -> None:
        """Add the streams of a service, its slots and flows."""
        options = self.eligibility.workload(w)
        price, _ = self.prices.setdefault(id(options.usd_per_unit), (len(self.prices), options.usd_per_unit))
        utilisation = service.target_utilisation or self.world.instance.target_utilisation
        first, asked = len(self.owner), []
        for name, stream in zip(stream_ids(service), service.streams, strict=True):
            peak, share = rates(self.world, stream)
            by_law, way = self.eligibility.stream(w, len(self.owner), name, stream)
            asked.append((by_law, way, peak > 0))
            self.demand.append(peak)
            self.shares.append(share)
            self.owner.append(w)
            self.names.append(name)
            self.way.append(way.number)
            self.price.append(price)
        # options, laws and ways are kept by the eligibility for good
        told = tuple((id(by_law), way.number, busy.tobytes()) for by_law, way, busy in asked)
        key = (id(options), utilisation, told)
        if key not in self.shared:
            self.shared[key] = self._shared(options, utilisation, asked)
        found = self.shared[key]
        for k, ((_, _, busy), is_open) in enumerate(zip(asked, found.open, strict=True)):
            self._note_lack(w, self.names[first + k], busy & ~is_open)
        self.pattern.append(found.pattern)
        self.flows += found.flows

    def _shared(self, options: Options, utilisation: float, asked: list[tuple[Bools, Way, Bools]]) -> _Shared:
        masks = []
        for by_law, way, busy in asked:
            mask: Bools = by_law[options.offers] & way.open[options.region][:, None]
            mask &= options.allowed
            mask &= busy
            masks.append(mask)
        used = np.logical_or.reduce(masks)
        kind = Kind(options.speed.units_per_s, is_job=False, utilisation=utilisation)
        pattern = self.patterns.add(options, used, kind)
        flows = self.patterns.add_flows(pattern, used, masks)
        open_in = [np.logical_or.reduce(mask, axis=0) for mask in masks]
        return _Shared(pattern, flows, tuple(open_in))

    def _note_lack(self, w: int, stream: str | None, lacking: Bools) -> None:
        # survival is asked of the demand stated, even where it may be unserved as long as nothing fails
        if lacking.any() and (unserved_price(self.world, w) is None or w in self.surviving):
            periods = tuple(self.world.periods[t].id for t in np.flatnonzero(lacking).tolist())
            self.no_option.append(NoOption(self.world.instance.workloads[w].id, stream, periods))

    def add_job(self, w: int, job: Job) -> None:
        """Add the slots of a job inside its window."""
        options = self.eligibility.workload(w)
        window = self._window_of(job)
        allowed = self.eligibility.job(w, options) & (window.hours > 0)
        speed = self._speed_of(job, options)
        near = options.offers
        if unserved_price(self.world, w) is None:
            gang = speed.units_per_s[near] * speed.gang_instances[near]
            rate = np.nan_to_num(gang * job.max_gangs, posinf=0.0) * 3600.0
            with np.errstate(divide="ignore"):
                taken, usable = job.work / rate, usable_hours(job, window, allowed)
            late = allowed.any(axis=1) & (usable < taken * (1 - ENOUGH))
            if late.any():
                out = np.zeros(len(self.world.offers), dtype=bool)
                out[near[late]] = True
                told = measured("the work takes", taken, usable, "h", np.searchsorted(near, np.arange(len(out))))
                self.eligibility.ledger.add(job.id, None, [Exclusion("deadline", "deadline_hours", out, evidence=told)])
                allowed &= ~late[:, None]
            if not allowed.any():
                self._note_lack(w, None, window.hours > 0)
        self.issues += too_short(self.world, job, near[allowed.any(axis=1)], speed.units_per_s)
        self.jobs.append(w)
        kind = Kind(speed.units_per_s, is_job=True, gang_devices=job.gang_devices or 0)
        self.pattern.append(self.patterns.add(options, allowed, kind))

    def _window_of(self, job: Job) -> Window:
        key = (job.deadline_hours, job.release_hours)
        if key not in self.windows:
            self.windows[key] = window_of(self.world, job)
        return self.windows[key]

    def _speed_of(self, job: Job, options: Options) -> JobSpeed:
        key = (id(options.speed), job.spot_overhead, job.gang_devices)  # speeds are kept by the options
        if key not in self.job_speeds:
            self.job_speeds[key] = job_speed(self.world, job, options.speed)
        return self.job_speeds[key]
