"""Where the checkpoint of a job that may move is, and its moves between regions; mathematics in `formulations.jobs`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from formulations.bulk import add_family, add_rows, block, group, lookup
from formulations.domains import Domain
from formulations.problem import Ints, Problem
from formulations.sets import sets_of


@dataclass(frozen=True)
class _Places:
    """Slots of jobs that may move (`slot`), the place of each (`of`); by place its job, region, period and first slot.

    `before` and `after` are the job's neighbouring periods with slots, -1 at either end.
    """

    slot: Ints
    of: Ints
    job: Ints
    region: Ints
    period: Ints
    first: Ints
    before: Ints
    after: Ints


def add_variables(model: Any, problem: Problem) -> None:
    """Add at and move."""
    places = _places(model, problem)
    first = np.sort(places.first)
    add_family(model, "at", first, Domain.REAL, size=problem.slots.workload.size, upper=np.ones(first.size))
    row, period = _possible_moves(problem, places)
    periods = problem.period_hours.size
    index = row * periods + period
    size = problem.moves.job.size * periods
    add_family(model, "move", index, Domain.REAL, size=size, upper=np.ones(index.size))


def add_local_constraints(model: Any, problem: Problem) -> None:
    """Add located, one_place, carried and leaving."""
    places = _places(model, problem)
    every = np.arange(places.first.size)
    blocks = [block(model, "gangs", places.of, places.slot, 1.0), block(model, "at", every, places.first, -1.0)]
    add_rows(model, "located", blocks, keys=places.first, upper=np.zeros(every.size))
    moment, head = group(places.job, places.period)
    keys = places.first[head]
    add_rows(model, "one_place", [block(model, "at", moment, places.first, 1.0)], keys=keys, equal=np.ones(keys.size))
    _add_journeys(model, problem, places)


def _add_journeys(model: Any, problem: Problem, places: _Places) -> None:
    """By (job, region, period) after the job's first: what is there was there or moved in, and did not leave."""
    periods, regions = problem.period_hours.size, len(problem.regions.ids)
    row, period = _possible_moves(problem, places)
    column = row * periods + period
    table = problem.moves

    def label(job: Ints, region: Ints, at: Ints) -> Ints:
        return (job * regions + region) * periods + at

    here = np.flatnonzero(places.before >= 0)
    left = np.flatnonzero(places.after >= 0)
    arrived = label(places.job[here], places.region[here], places.period[here])
    departed = label(places.job[left], places.region[left], places.after[left])
    keys = np.unique(np.concatenate([arrived, departed]))
    out_row = lookup(keys, label(table.job[row], table.source[row], period))
    blocks = [
        block(model, "at", lookup(keys, arrived), places.first[here], 1.0),
        block(model, "at", lookup(keys, departed), places.first[left], -1.0),
        block(model, "move", lookup(keys, label(table.job[row], table.target[row], period)), column, -1.0),
        block(model, "move", out_row, column, 1.0),
    ]
    add_rows(model, "carried", blocks, keys=keys, equal=np.zeros(keys.size))
    blocks = [
        block(model, "move", out_row, column, 1.0),
        block(model, "at", lookup(keys, departed), places.first[left], -1.0),
    ]
    add_rows(model, "leaving", blocks, keys=keys, upper=np.zeros(keys.size))


def _possible_moves(problem: Problem, places: _Places) -> tuple[Ints, Ints]:
    """Return (move row, period of arrival) for every move whose source exists before and whose target exists then."""
    periods, regions = problem.period_hours.size, len(problem.regions.ids)
    table = problem.moves
    here = np.flatnonzero(places.before >= 0)
    by_place = (places.job * regions + places.region) * periods + places.period
    found_row, found_period = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for period in np.unique(places.period[here]):
        now = here[places.period[here] == period]
        before = np.full(problem.jobs.workload.size + 1, -1, dtype=np.int64)
        before[places.job[now]] = places.before[now]
        earlier = before[table.job]
        source = lookup(by_place, (table.job * regions + table.source) * periods + np.maximum(earlier, 0))
        target = lookup(by_place, (table.job * regions + table.target) * periods + period)
        row = np.flatnonzero((earlier >= 0) & (source >= 0) & (target >= 0))
        found_row.append(row)
        found_period.append(np.full(row.size, period, dtype=np.int64))
    row, at = np.concatenate(found_row), np.concatenate(found_period)
    order = np.lexsort((at, row))
    return row[order], at[order]


def _places(model: Any, problem: Problem) -> _Places:
    if hasattr(model, "_places"):
        cached: _Places = model._places
        return cached
    slots, jobs = problem.slots, problem.jobs
    job = sets_of(model, problem).job_of_slot
    mobile = jobs.may_move & (jobs.max_gangs == 1) & jobs.interruptible
    slot = np.flatnonzero((job >= 0) & mobile[job]) if mobile.size else np.zeros(0, dtype=np.int64)
    of, head = group(job[slot], slots.region[slot], slots.period[slot])
    first = slot[head]
    place_job, region, period = job[first], slots.region[first], slots.period[first]
    before, after = (_neighbour_period(place_job, period, step) for step in (-1, 1))
    model._places = _Places(slot, of, place_job, region, period, first, before, after)
    places: _Places = model._places
    return places


def _neighbour_period(job: Ints, period: Ints, step: int) -> Ints:
    """Return, for every place, the job's next (`step` 1) or previous (-1) period with places; -1: there is none."""
    moment, head = group(job, period)
    order = np.lexsort((period[head], job[head]))[::step]
    jobs, periods = job[head][order], period[head][order]
    neighbour = np.full(head.size, -1, dtype=np.int64)
    same = np.flatnonzero(jobs[1:] == jobs[:-1])
    neighbour[order[same]] = periods[same + 1]
    return neighbour[moment]
