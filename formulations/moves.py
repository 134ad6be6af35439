"""Where the checkpoint of a job that may move is, and its moves between regions; mathematics in `formulations.jobs`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from formulations.algebra import Model
from formulations.domains import Domain
from formulations.indexing import group, heads
from formulations.problem import Ints, Problem
from formulations.sets import Sets, sets_of


@dataclass(frozen=True)
class _Places:
    """Where checkpoints can be: (job, region, period) with slots of a job that may move, known by its first slot.

    By slot: `place` its first slot, -1 for other jobs. `first` the places in the order of their labels. By label
    (job, region, period): `labels` those that something arrives in or leaves, and by slot, -1 where there is none,
    `here` the label of the place and `left` that of its region in the job's next period. By move and period: `into`
    and `out` the labels that the move arrives in and leaves; `possible` moves have both places.
    """

    place: Ints
    first: Ints
    labels: Ints
    here: Ints
    left: Ints
    into: Ints
    out: Ints
    possible: Ints


def add_variables(model: Model, problem: Problem) -> None:
    """Add at and move."""
    places = model.once(_derive_places, problem, sets_of(model, problem))
    model.add_family("at", np.sort(places.first), Domain.REAL, size=problem.slots.workload.size, upper=1.0)
    model.add_family("move", places.possible, Domain.REAL, size=places.into.size, upper=1.0)


def add_local_constraints(model: Model, problem: Problem) -> None:
    """Add located, one_place, carried and leaving."""
    b, l, m = model.vars("gangs", "at", "move")
    places = model.once(_derive_places, problem, sets_of(model, problem))
    here, left, into, out = places.here, places.left, places.into, places.out
    model.add("located", places.first, b.sum(by=places.place) <= l)
    gt, rows = heads(places.first, problem.slots.workload, problem.slots.period)
    model.add("one_place", rows, l.sum(by=gt) == 1)
    model.add("carried", places.labels, l.sum(by=here) == l.sum(by=left) + m.sum(by=into) - m.sum(by=out))
    model.add("leaving", places.labels, m.sum(by=out) <= l.sum(by=left))


def _derive_places(problem: Problem, sets: Sets) -> _Places:
    slots, jobs, table = problem.slots, problem.jobs, problem.moves
    T, R, job = problem.period_hours.size, len(problem.regions.ids), sets.job_of_slot
    mobile = np.append(jobs.may_move & (jobs.max_gangs == 1) & jobs.interruptible, False)[job]
    place, first = heads(mobile, job, slots.region, slots.period)
    g, r, t = job[first], slots.region[first], slots.period[first]
    before, after = (_neighbour_period(g, t, step) for step in (-1, 1))
    here, left = (np.full(job.size, -1, dtype=np.int64) for _ in range(2))
    here[first] = np.where(before >= 0, (g * R + r) * T + t, -1)
    left[first] = np.where(after >= 0, (g * R + r) * T + after, -1)
    into, out = (
        ((table.job * R + region)[:, None] * T + np.arange(T)).ravel() for region in (table.target, table.source)
    )
    period_before = np.full((jobs.workload.size, T), -1, dtype=np.int64)
    period_before[g, t] = before
    earlier = period_before[table.job].ravel()
    leaves = out - np.tile(np.arange(T), table.job.size) + earlier
    known = (g * R + r) * T + t
    possible = np.flatnonzero((earlier >= 0) & np.isin(into, known) & np.isin(leaves, known))
    labels = np.unique(np.concatenate([here[first], left[first]]))
    return _Places(place, first, labels[labels >= 0], here, left, into, out, possible)


def _neighbour_period(job: Ints, period: Ints, step: int) -> Ints:
    """Return, for every place, the job's next (`step` 1) or previous (-1) period with places; -1: there is none."""
    moment, head = group(job, period)
    order = np.lexsort((period[head], job[head]))[::step]
    jobs, periods = job[head][order], period[head][order]
    neighbour = np.full(head.size, -1, dtype=np.int64)
    same = np.flatnonzero(jobs[1:] == jobs[:-1])
    neighbour[order[same]] = periods[same + 1]
    return neighbour[moment]
