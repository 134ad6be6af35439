r"""Jobs: work within a window, gangs, contiguity and moves between regions.

Sets: jobs g, job slots i (job, offer o, region r, period t) inside the job's window; prev(i), next(i): the slot of the
same job and offer one period earlier or later; moves e = (job, source, target).

Parameters: W[g] work units · K[i] units/s of one instance · k[i] instances of one gang · h[i] usable hours · M[g] most
gangs at once.

Variables:
    gangs       b[i] integer, 0 <= b[i] <= M[g]   gangs running; they hold k[i] b[i] instances of every pool
    work_hours  H[i] >= 0                         instance-hours used
    undone      x[g] in [0, W[g]]                 work units left undone, only where it is allowed
    chosen      c[g,o] in [0, 1]                  the job's one offer (indexed by the first slot of the pair)
    starts      y[i] in [0, 1]                    the run starts in slot i (not interruptible, several periods)
    done_first  e[g] binary                       nothing runs after the job's first period (not deferrable)
    at          l[g,r,t] in [0, 1]                where the checkpoint is (may move; by the triple's first slot)
    move        m[e,t] in [0, 1]                  the checkpoint moves before period t; index e*T + t
Chosen, starts, at and move are continuous: with b integer they take integral values.

Constraints (all local to one job):
    work           sum_i 3600 K[i] H[i] / W[g] + x[g] / W[g] = 1
    hours_held     H[i] <= min(h[i] k[i], W[g] / (3600 K[i])) b[i]    no more than the whole work takes
    gangs_at_once  sum_{i in t} b[i] <= M[g]                             every job and period
    one_offer      b[i] <= c[g,o(i)]                                     one gang, interruptible, may not move
    chosen_once    sum_o c[g,o] <= 1
    start          b[i] - b[prev(i)] <= y[i]                             not interruptible
    start_once     sum_i y[i] <= 1                                       hence one offer and contiguous periods
    interior       H[i] >= h[i] k[i] (b[prev(i)] + b[next(i)] - 1)       no idling inside the run
    at_release     sum_{i in first period} H[i] / (h[i] k[i]) + e[g] >= 1   not deferrable: a gang's hours are worked
    none_later     sum_{i in t} b[i] + M[g] e[g] <= M[g]                 not deferrable: every later period
    located        sum_{i in r,t} b[i] <= l[g,r,t]                       may move
    one_place      sum_r l[g,r,t] = 1
    carried        l[g,r,t] = l[g,r,t-] + sum_{e into r} m[e,t] - sum_{e out of r} m[e,t]
    leaving        sum_{e out of r} m[e,t] <= l[g,r,t-]                  t-: the job's previous period with slots
    present_gangs  sum_{i in r,t} b[i] <= M[g] a[w,r]
A checkpoint is only where the job could also run in that period, so that what the law forbids there is not done by
waiting. A job that may not be deferred works through the first period of its window, with one gang at least, or ends
in it; an interruptible one may pause from then on. What is left undone altogether asks for nothing at release.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from formulations import moves
from formulations.bulk import add_family, add_rows, block, group, lookup
from formulations.domains import Domain
from formulations.problem import Floats, Ints, Problem
from formulations.sets import sets_of


def add_variables(model: Any, problem: Problem) -> None:
    """Add gangs, work_hours, undone, chosen, starts, at and move."""
    slots, jobs = problem.slots, problem.jobs
    sets = sets_of(model, problem)
    own = np.flatnonzero(slots.is_job)
    size = slots.workload.size
    most = jobs.max_gangs[sets.job_of_slot[own]].astype(np.float64)
    add_family(model, "gangs", own, Domain.WHOLE, size=size, upper=most)
    hours = _useful_hours(model, problem, own) * most
    add_family(model, "work_hours", own, Domain.REAL, size=size, upper=hours)
    allowed = np.flatnonzero(jobs.may_be_undone)
    add_family(model, "undone", allowed, Domain.REAL, size=jobs.workload.size, upper=jobs.work_units[allowed])
    _, first = _choices(model, problem)
    add_family(model, "chosen", first, Domain.REAL, size=size, upper=np.ones(first.size))
    runs = _contiguous(model, problem)
    add_family(model, "starts", runs, Domain.REAL, size=size, upper=np.ones(runs.size))
    add_family(model, "done_first", _prompt(model, problem), Domain.BINARY, size=jobs.workload.size)
    moves.add_variables(model, problem)


def add_local_constraints(model: Any, problem: Problem) -> None:
    """Add the constraints of each job on its own."""
    _add_work(model, problem)
    _add_hours_held(model, problem)
    _add_gangs_at_once(model, problem)
    _add_one_offer(model, problem)
    _add_contiguity(model, problem)
    _add_release(model, problem)
    moves.add_local_constraints(model, problem)
    _add_presence_of_gangs(model, problem)


def add_coupling_constraints(model: Any, problem: Problem) -> None:
    """Add nothing: what couples jobs is capacity, budgets, policies and data."""


def _job_slots(model: Any, problem: Problem, which: np.ndarray) -> Ints:
    """Return the slots of the jobs for which `which` (by job) holds."""
    if not problem.jobs.workload.size:
        return np.zeros(0, dtype=np.int64)
    job = sets_of(model, problem).job_of_slot
    return np.flatnonzero((job >= 0) & which[job])


def _contiguous(model: Any, problem: Problem) -> Ints:
    """Return the slots of jobs that are not interruptible and could run in several periods."""
    return _in_several_periods(model, problem, _job_slots(model, problem, ~problem.jobs.interruptible))


def _prompt(model: Any, problem: Problem) -> Ints:
    """Return the jobs that may not be deferred and could run after their first period."""
    own = _job_slots(model, problem, ~problem.jobs.deferrable)
    job = sets_of(model, problem).job_of_slot[own]
    return np.unique(job[problem.slots.period[own] > problem.jobs.first_period[job]])


def _in_several_periods(model: Any, problem: Problem, own: Ints) -> Ints:
    """Return those of the slots whose job has slots (among them) in more than one period.

    In one period `gangs_at_once` already leaves a job of one gang one slot.
    """
    job = sets_of(model, problem).job_of_slot
    _, first = group(job[own], problem.slots.period[own])
    periods = np.bincount(job[own[first]], minlength=problem.jobs.workload.size)
    return own[periods[job[own]] > 1] if own.size else own


def _choices(model: Any, problem: Problem) -> tuple[Ints, Ints]:
    """Return the slots of jobs that keep to one offer, and the first slot of each of their (job, offer) pairs."""
    jobs = problem.jobs
    sticky = jobs.interruptible & ~jobs.may_move & (jobs.max_gangs == 1)
    own = _in_several_periods(model, problem, _job_slots(model, problem, sticky))
    _, first = group(sets_of(model, problem).job_of_slot[own], problem.slots.offer[own])
    return own, own[first]


def _neighbours(problem: Problem, own: Ints, step: int) -> Ints:
    """Return the slot of the same workload and offer `step` periods later, -1 where there is none."""
    slots = problem.slots
    periods = problem.period_hours.size
    pair, _ = group(slots.workload[own], slots.offer[own])
    wanted = slots.period[own] + step
    found = lookup(
        pair * periods + slots.period[own], np.where((wanted >= 0) & (wanted < periods), pair * periods + wanted, -1)
    )
    return np.where(found >= 0, own[found], -1)


def _full_hours(problem: Problem, own: Ints) -> Floats:
    return problem.slots.usable_hours[own] * problem.slots.gang_instances[own]


def _useful_hours(model: Any, problem: Problem, own: Ints) -> Floats:
    """Return the instance-hours one gang on the slot can use: those it holds, at most what the whole work takes."""
    work = problem.jobs.work_units[sets_of(model, problem).job_of_slot[own]]
    return np.minimum(_full_hours(problem, own), work / (3600.0 * problem.slots.capacity_per_s[own]))


def _add_work(model: Any, problem: Problem) -> None:
    slots, jobs = problem.slots, problem.jobs
    own = np.flatnonzero(slots.is_job)
    job = sets_of(model, problem).job_of_slot[own]
    every = np.arange(jobs.workload.size)
    blocks = [
        block(model, "work_hours", job, own, 3600.0 * slots.capacity_per_s[own] / jobs.work_units[job]),
        block(model, "undone", every, every, 1.0 / jobs.work_units),
    ]
    add_rows(model, "work", blocks, keys=every, equal=np.ones(every.size))


def _add_hours_held(model: Any, problem: Problem) -> None:
    own = np.flatnonzero(problem.slots.is_job)
    row = np.arange(own.size)
    blocks = [
        block(model, "work_hours", row, own, 1.0),
        block(model, "gangs", row, own, -_useful_hours(model, problem, own)),
    ]
    add_rows(model, "hours_held", blocks, keys=own, upper=np.zeros(own.size))


def _add_gangs_at_once(model: Any, problem: Problem) -> None:
    own = np.flatnonzero(problem.slots.is_job)
    job = sets_of(model, problem).job_of_slot[own]
    row, first = group(job, problem.slots.period[own])
    most = problem.jobs.max_gangs[job[first]].astype(np.float64)
    add_rows(model, "gangs_at_once", [block(model, "gangs", row, own, 1.0)], keys=own[first], upper=most)


def _add_one_offer(model: Any, problem: Problem) -> None:
    own, first = _choices(model, problem)
    job = sets_of(model, problem).job_of_slot
    pair, _ = group(job[own], problem.slots.offer[own])
    row = np.arange(own.size)
    blocks = [block(model, "gangs", row, own, 1.0), block(model, "chosen", row, first[pair], -1.0)]
    add_rows(model, "one_offer", blocks, keys=own, upper=np.zeros(own.size))
    of_job, head = group(job[first])
    keys = job[first[head]]
    add_rows(model, "chosen_once", [block(model, "chosen", of_job, first, 1.0)], keys=keys, upper=np.ones(keys.size))


def _add_contiguity(model: Any, problem: Problem) -> None:
    own = _contiguous(model, problem)
    job = sets_of(model, problem).job_of_slot
    before, after = _neighbours(problem, own, -1), _neighbours(problem, own, 1)
    row = np.arange(own.size)
    preceded = np.flatnonzero(before >= 0)
    blocks = [
        block(model, "gangs", row, own, 1.0),
        block(model, "gangs", preceded, before[preceded], -1.0),
        block(model, "starts", row, own, -1.0),
    ]
    add_rows(model, "start", blocks, keys=own, upper=np.zeros(own.size))
    of_job, head = group(job[own])
    keys = job[own[head]]
    add_rows(model, "start_once", [block(model, "starts", of_job, own, 1.0)], keys=keys, upper=np.ones(keys.size))
    inner = np.flatnonzero((before >= 0) & (after >= 0))
    middle, full, row = own[inner], _full_hours(problem, own[inner]), np.arange(inner.size)
    blocks = [
        block(model, "work_hours", row, middle, 1.0),
        block(model, "gangs", row, before[inner], -full),
        block(model, "gangs", row, after[inner], -full),
    ]
    add_rows(model, "interior", blocks, keys=middle, lower=-full)


def _add_release(model: Any, problem: Problem) -> None:
    jobs, slots = problem.jobs, problem.slots
    job = sets_of(model, problem).job_of_slot
    prompt = _prompt(model, problem)
    own = _job_slots(model, problem, np.isin(np.arange(jobs.workload.size), prompt))
    is_first = slots.period[own] == jobs.first_period[job[own]]
    first, later = own[is_first], own[~is_first]
    every = np.arange(prompt.size)
    blocks = [
        block(model, "work_hours", lookup(prompt, job[first]), first, 1.0 / _full_hours(problem, first)),
        block(model, "done_first", every, prompt, 1.0),
    ]
    add_rows(model, "at_release", blocks, keys=prompt, lower=np.ones(prompt.size))
    row, head = group(job[later], slots.period[later])
    keys = later[head]
    most = jobs.max_gangs[job[keys]].astype(np.float64)
    blocks = [
        block(model, "gangs", row, later, 1.0),
        block(model, "done_first", np.arange(keys.size), job[keys], most),
    ]
    add_rows(model, "none_later", blocks, keys=keys, upper=most)


def _add_presence_of_gangs(model: Any, problem: Problem) -> None:
    sets, slots = sets_of(model, problem), problem.slots
    own = np.flatnonzero(slots.is_job & (sets.presence_of_slot >= 0))
    row, first = group(sets.presence_of_slot[own], slots.period[own])
    head = own[first]
    most = problem.jobs.max_gangs[sets.job_of_slot[head]] if head.size else np.zeros(0)
    blocks = [
        block(model, "gangs", row, own, 1.0),
        block(model, "present", np.arange(head.size), sets.presence_of_slot[head], -1.0 * most),
    ]
    add_rows(model, "present_gangs", blocks, keys=head, upper=np.zeros(head.size))
