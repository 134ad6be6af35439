"""Jobs: their table, the slots of each window, the check that a job can finish, and moves between regions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Coefficients, Jobs, Moves, Slots
from optimizer.compile.carried import carbon_asked_of_moves, sent_kg_per_gb
from optimizer.compile.effort import spend
from optimizer.compile.gangs import Gang
from optimizer.compile.speed import Speed
from optimizer.compile.world import World
from optimizer.errors import Issue
from optimizer.instance.workloads import Job

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
ENOUGH = 1e-9
LEAST_HOURS = 1e-5
"""Instance-hours a job must take on every offer open to it: less (36 ms) is lost in the tolerance of the solver."""


@dataclass(frozen=True, eq=False)
class Window:
    """Hours of each period inside a job's window [periods], its first and last period."""

    hours: Floats
    first: int
    last: int


def windows_of(world: World, jobs: Iterable[Job]) -> list[Window]:
    """Return the window of every job, one for jobs with the same limits; a deadline beyond the horizon ends with it."""
    end = np.cumsum(world.period_hours)
    begin = end - world.period_hours
    known: dict[tuple[float, float], Window] = {}

    def window(deadline: float, release: float) -> Window:
        hours = np.clip(np.minimum(end, deadline) - np.maximum(begin, release), 0.0, None)
        hours[hours < ENOUGH] = 0.0
        inside = np.flatnonzero(hours)
        return Window(hours, int(inside[0]), int(inside[-1])) if len(inside) else Window(hours, 0, -1)

    found = []
    for job in jobs:
        key = (min(job.deadline_hours or world.total_hours, world.total_hours), job.release_hours)
        if key not in known:
            known[key] = window(*key)
        found.append(known[key])
    return found


def window_of(world: World, job: Job) -> Window:
    """Return the window of one job."""
    return windows_of(world, [job])[0]


@dataclass(frozen=True, eq=False)
class JobSpeed:
    """Of each offer: instances of a gang, and units/s of one instance net of what interruptions cost."""

    gang_instances: Floats
    units_per_s: Floats


def job_speed(world: World, job: Job, speed: Speed) -> JobSpeed:
    """Return gang size and net speed of a job on every offer; spot offers lose 1/(1 + spot_overhead)."""
    spot = world.text("purchase") == "spot"
    gang = Gang.of_job(world, job)
    return JobSpeed(gang.instances, speed.units_per_s / np.where(spot, 1.0 + job.spot_overhead, 1.0))


def too_short(world: World, job: Job, offers: Ints, units_per_s: Floats) -> list[Issue]:
    """Return an issue if the job takes less than `LEAST_HOURS` on one of the `offers` open to it."""
    open_ = offers[(units_per_s[offers] > 0) & np.isfinite(units_per_s[offers])]
    hours = job.work / (3600.0 * units_per_s[open_])
    if not np.any(hours < LEAST_HOURS):
        return []
    at = int(open_[np.argmin(hours)])
    row = world.offers.iloc[at]
    what = f"is {job.work:g} {job.unit}, {hours.min():.3g} instance-hours on {row.sku} in {row.region_id}"
    maybe = f"it is another unit, or the job too small to be planned: the least is {LEAST_HOURS:g} instance-hours"
    return [Issue(what, where=f"workloads[id={job.id}].work", maybe=maybe)]


def usable_hours(job: Job, window: Window, allowed: Bools) -> Floats:
    """Return for how many hours of its window the job can work on each offer, if it had to stay on one; [offers].

    `allowed` [offers, periods]. A job whose gangs may sit on several offers at once, or that may move, is not judged
    here (inf).
    """
    if window.last < window.first:
        return np.zeros(len(allowed))
    if job.max_gangs > 1 or job.may_move:
        return np.full(len(allowed), np.inf)
    hours = np.where(allowed, window.hours, 0.0)
    if not job.interruptible:
        hours = _longest_run(hours, window, deferrable=job.deferrable)
    usable: Floats = hours.sum(axis=1) if job.interruptible else hours.max(axis=1, initial=0.0)
    if job.interruptible and not job.deferrable:
        usable = np.where(allowed[:, window.first], usable, 0.0)
    return usable


def _longest_run(hours: Floats, window: Window, *, deferrable: bool) -> Floats:
    """Return the hours of the unbroken run of allowed periods that ends with each period; [offers, periods]."""
    run = np.zeros_like(hours)
    for t in range(window.first, window.last + 1):
        before = run[:, t - 1] if t > window.first else np.zeros(len(hours))
        open_before = before > 0 if (not deferrable and t > window.first) else True
        run[:, t] = np.where((hours[:, t] > 0) & open_before, before + hours[:, t], 0.0)
    return run


def build_jobs(world: World, jobs: Sequence[int], prices: Sequence[float | None]) -> Jobs:
    """Return the table of jobs: `jobs` are their positions among the workloads, `prices` USD per unit left undone."""
    rows = [world.instance.workloads[w] for w in jobs]
    own = [job for job in rows if isinstance(job, Job)]
    windows = windows_of(world, own)
    return Jobs(
        workload=np.array(jobs, dtype=np.int64),
        work_units=np.array([job.work for job in own], dtype=float),
        max_gangs=np.array([job.max_gangs for job in own], dtype=np.int64),
        interruptible=np.array([job.interruptible for job in own], dtype=bool),
        deferrable=np.array([job.deferrable for job in own], dtype=bool),
        may_move=np.array([job.may_move for job in own], dtype=bool),
        first_period=np.array([window.first for window in windows], dtype=np.int64),
        last_period=np.array([max(window.last, window.first) for window in windows], dtype=np.int64),
        may_be_undone=np.array([price is not None for price in prices], dtype=bool),
        undone_usd=np.array([price or 0.0 for price in prices], dtype=float),
    )


def build_moves(world: World, jobs: Jobs, slots: Slots) -> Moves:
    """Return the moves each job may make: between regions where it has slots, over routes with a known egress price.

    Where a carbon budget or price asks, the carbon of the route must be known as well.
    """
    job_rows: list[Ints] = []
    sources: list[Ints] = []
    targets: list[Ints] = []
    gb: list[Floats] = []
    for g in np.flatnonzero(jobs.may_move).tolist():
        workload = world.instance.workloads[int(jobs.workload[g])]
        assert isinstance(workload, Job)
        begin, end = np.searchsorted(slots.workload, [jobs.workload[g], jobs.workload[g] + 1])  # in order of workloads
        regions = np.unique(slots.region[begin:end])
        spend("routes", 20 * len(regions) ** 2)
        source, target = (a.ravel() for a in np.meshgrid(regions, regions, indexing="ij"))
        differ = source != target
        job_rows.append(np.full(int(differ.sum()), g, dtype=np.int64))
        sources.append(source[differ])
        targets.append(target[differ])
        gb.append(np.full(int(differ.sum()), workload.checkpoint_gb or 0.0))
    if not job_rows:
        return Moves()
    job, source, target = np.concatenate(job_rows), np.concatenate(sources), np.concatenate(targets)
    size = np.concatenate(gb)
    price = np.where(size > 0, world.network.egress_usd_per_gb(source, target), 0.0)
    kg = np.where(size > 0, sent_kg_per_gb(world)[source] * size, 0.0)
    asked = np.array([carbon_asked_of_moves(world, w) for w in jobs.workload.tolist()], dtype=bool)
    known = ~np.isnan(price) & ~(np.isnan(kg) & asked[job, source])
    none = Coefficients.zeros(int(known.sum()))
    return Moves(
        job=job[known],
        source=source[known],
        target=target[known],
        moving=replace(none, cost={"moves": (price * size)[known]}, carbon_kg=np.nan_to_num(kg[known])),
    )
