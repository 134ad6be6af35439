"""What laws oblige workloads to keep somewhere: prompts, logs, caches, checkpoints (`retained_gb`).

The persons decide what is owed where: streams of a service about the same persons are one body of data, however they
are cut, with the share of `retained_gb` that their mean demand is of the service's. It is kept whole once any of it is
served (an upper bound), and not at all where nothing is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Flows, Membership, Services, Slots
from optimizer.compile.collected import rates, unserved_price
from optimizer.errors import InputError, Issue
from optimizer.instance.workloads import Job, Service
from optimizer.laws.types import DataProfile, Duty

if TYPE_CHECKING:
    from optimizer.compile.law import LawView
    from optimizer.compile.profiles import Activity
    from optimizer.compile.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Retained:
    """A body of data that a workload keeps, of which a law wants a copy: whose it is, and what adds to it.

    `streams` are positions among all streams, none for a job. `most`: units/s of peak demand over all periods, or gangs
    over all periods, that can add to it. `may_be_left`: nothing of it has to be done, so that it is owed only if it is.
    """

    id: str
    workload: int
    streams: tuple[int, ...]
    size_gb: float
    profile: DataProfile
    duties: tuple[Duty, ...]
    most: float
    may_be_left: bool


def retained_by_duty(world: World, law: LawView) -> tuple[Retained, ...]:
    """Return what laws oblige workloads to keep, in order of workloads.

    Raises
    ------
    InputError
        A law obliges a workload to keep a copy, and how much it retains is not stated.
    """
    alike: dict[tuple[int, DataProfile], list[Activity]] = {}
    first_stream: dict[int, int] = {}
    for activity in law.activities:
        first_stream.setdefault(activity.workload, activity.stream or 0)
        if activity.retains:
            alike.setdefault((activity.workload, activity.profiles[0]), []).append(activity)
    found: list[Retained] = []
    issues: list[Issue] = []
    for (w, profile), group in alike.items():
        duties = law.duties(profile)
        if not duties:
            continue
        share, most = _part(world, w, first_stream[w], group)
        if share == 0.0:
            continue
        first = group[0]
        name = first.workload_id + (f"/{first.stream_id}" if first.stream_id is not None else "")
        if first.retained_gb is None:
            laws = ", ".join(dict.fromkeys(duty.law for duty in duties))
            issues.append(Issue(
                f"{laws} asks for a copy of what {name} keeps, and its size is not stated",
                where=f"workloads[id={first.workload_id}].data", maybe="state retained_gb",
            ))  # fmt: skip
            continue
        found.append(Retained(
            id=f"{name}:retained", workload=w, streams=tuple(a.stream for a in group if a.stream is not None),
            size_gb=share * first.retained_gb,
            # The copy owed is there for good, however soon the workload drops its own.
            profile=replace(profile, retention_hours=None),
            duties=duties, most=most, may_be_left=unserved_price(world, w) is not None,
        ))  # fmt: skip
    if issues:
        raise InputError(dict.fromkeys(issues))
    return tuple(found)


def _part(world: World, w: int, first_stream: int, group: Sequence[Activity]) -> tuple[float, float]:
    """Return the share of a workload's mean demand that some of its streams are, and their peak rates added up.

    `first_stream`: the position of its first among all streams.
    """
    workload = world.instance.workloads[w]
    if isinstance(workload, Job):
        return 1.0, float(workload.max_gangs * len(world.periods))
    assert isinstance(workload, Service)
    demand = [rates(world, stream) for stream in workload.streams]
    mean = np.array([float((peak * share * world.period_hours).sum()) for peak, share in demand])
    own = [a.stream - first_stream for a in group if a.stream is not None]
    total = float(mean.sum())
    most = float(sum(demand[j][0].sum() for j in own))
    return (float(mean[own].sum()) / total if total > 0 else 0.0), most


@dataclass(frozen=True, eq=False)
class Owed:
    """What owes the copies of duty rows: see `formulations.problem.Datasets`."""

    bound: Floats
    by_flow: Membership
    by_gang: Membership


def owed_by(rows: Sequence[Retained | None], slots: Slots, flows: Flows, services: Services) -> Owed:
    """Return the flows and gangs that owe a copy, by duty row; rows that are due in any case have bound 0."""
    bound = np.zeros(len(rows))
    by_flow: list[tuple[int, Ints]] = []
    by_gang: list[tuple[int, Ints]] = []
    for row, one in enumerate(rows):
        if one is None or not one.may_be_left:
            continue
        bound[row] = one.most
        if one.streams:
            by_flow.append((row, np.flatnonzero(np.isin(flows.stream, one.streams))))
        else:
            by_gang.append((row, np.flatnonzero((slots.workload == one.workload) & slots.is_job)))
    return Owed(bound, _members(by_flow), _members(by_gang))


def _members(parts: Sequence[tuple[int, Ints]]) -> Membership:
    row = np.repeat([row for row, _ in parts], [len(columns) for _, columns in parts]).astype(np.int64)
    column = np.concatenate([np.zeros(0, dtype=np.int64), *(columns for _, columns in parts)]).astype(np.int64)
    return Membership(row, column, np.ones(len(row)))
