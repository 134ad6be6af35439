r"""Jobs: work within a window, gangs, contiguity and moves between regions (stated in `formulations.moves`).

Sets: jobs g, job slots i (job, offer o, region r, period t) inside the job's window; prev(i), next(i): the slot of the
same job and offer one period earlier or later; moves e = (job, source, target).

Parameters: W[g] work units · K[i] units/s of one instance · k[i] instances of one gang · h[i] usable hours · M[g] most
gangs at once.

Variables:
    gangs       b[i] integer, 0 <= b[i] <= M[g]   gangs running; they hold k[i] b[i] instances of every pool
    work_hours  H[i] >= 0                         instance-hours used
    undone      x[g] in [0, W[g]]                 work units left undone, only where it is allowed
    chosen      c[g,o] in [0, 1]                  the job's one offer (indexed by the first slot of the pair)
    begun       y[i] in [0, 1]                    the run has begun by the period of slot i (not interruptible, several
                                                  periods)
    delayed     d[i] in [0, 1]                    begins that part of a period late, and works more in its last period
    spilled     s[i] in [0, 1]                    begins that part of a period late, and works in one period more
    done_first  e[g] binary                       nothing runs after the job's first period (not deferrable)
    at          l[g,r,t] in [0, 1]                where the checkpoint is (may move; by the triple's first slot)
    move        m[e,t] in [0, 1]                  the checkpoint moves before period t; index e*T + t
Chosen, begun, at and move are continuous: with b integer they take integral values.

Constraints (all local to one job):
    work           sum_i 3600 K[i] H[i] / W[g] + x[g] / W[g] = 1
    hours_held     H[i] <= min(h[i] k[i], W[g] / (3600 K[i])) b[i]    no more than the whole work takes
    gangs_at_once  sum_{i in t} b[i] <= M[g]                             every job and period
    one_offer      b[i] <= c[g,o(i)]                                     one gang, interruptible, may not move
    chosen_once    sum_o c[g,o] <= 1
    start          b[i] - b[prev(i)] <= y[i] - y[prev(i)]                not interruptible
    stays_begun    y[i] >= y[prev(i)]
    start_once     sum_{i last} y[i] <= 1                                hence one offer and contiguous periods
    interior       H[i] >= h[i] k[i] (b[prev(i)] + b[next(i)] - 1)       no idling inside the run
    at_release     sum_{i in first period} H[i] / (h[i] k[i]) + e[g] >= 1   not deferrable: a gang's hours are worked
    none_later     sum_{i in t} b[i] + M[g] e[g] <= M[g]                 not deferrable: every later period
    located        sum_{i in r,t} b[i] <= l[g,r,t]                       may move
    one_place      sum_r l[g,r,t] = 1
    carried        l[g,r,t] = l[g,r,t-] + sum_{e into r} m[e,t] - sum_{e out of r} m[e,t]
    leaving        sum_{e out of r} m[e,t] <= l[g,r,t-]                  t-: the job's previous period with slots
    present_gangs  sum_{i in r,t} b[i] <= M[g] a[w,r]
A checkpoint is only where the job could also run in that period, so that what the law forbids there is not done by
waiting. A run is a chain of slots i, next(i), ... of one job and offer; `last` slots have no next one.

Where the work must be done, the begin of a run says where it lies. These rows follow from the others, and make the
relaxation tell the cost of a run (f, K, rho and what is late: `formulations.runs`):
    goes_on        b[i] >= y[i] - y[prev(f(i))]             a run goes on until its work can be done
    in_time        y[i] <= y[j]                             i last, j the last begin in time (if none: y[i] <= 0)
    lies           H[i] / (h[i] k[i]) = y[i] - y[i-K] + rho (y[i-K] - y[i-K-1]) - d[i] - s[i] + d[i-K] + s[i-K-1]
    begins_late    d[i] <= (1 - rho) (y[i] - y[prev(i)])
    runs_over      s[i] <= rho (y[i] - y[prev(i)])
    full_before    (1 - rho) s[i] <= rho d[i]
the last four on chains of equal hours, where they leave a run no other cost than that of a place it can have (a convex
hull; goes_on are the turn-on inequalities of unit commitment, Rajan and Takriti, IBM Research Report RC23628, 2005).
A job that may not be deferred works through the first period of its window, with one gang at least, or ends
in it; an interruptible one may pause from then on. What is left undone altogether asks for nothing at release.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from formulations import moves
from formulations.algebra import Model
from formulations.domains import Domain
from formulations.indexing import at, every, group, heads, lookup
from formulations.problem import Bools, Floats, Ints, Problem
from formulations.runs import Lasting, find_lasting
from formulations.sets import Sets, sets_of


@dataclass(frozen=True)
class _Runs:
    """What the rows of jobs share; by slot, over the whole table, unless a name says otherwise.

    `hours` h[i] k[i]; `useful_hours` at most what the whole work takes; `sticky` slots of jobs that keep to one offer,
    `offer` the first slot of the (job, offer) of each and `offers` these first slots; `contiguous` slots of jobs that
    are not interruptible and could run in several periods, `before` and `after` prev(i) and next(i), -1 where there is
    none; `lasting` what the begin of a run says of where it lies; `prompt` the jobs that may not be deferred and could
    run after their first period.
    """

    hours: Floats
    useful_hours: Floats
    sticky: Ints
    offer: Ints
    offers: Ints
    contiguous: Ints
    before: Ints
    after: Ints
    lasting: Lasting
    prompt: Ints


def add_variables(model: Model, problem: Problem) -> None:
    """Add gangs, work_hours, undone, chosen, begun, delayed, spilled, done_first, at and move."""
    jobs, own, size = problem.jobs, problem.slots.is_job, problem.slots.workload.size
    runs, M = _runs_of(model, problem), sets_of(model, problem).most_gangs
    model.add_family("gangs", own, Domain.WHOLE, upper=M)
    model.add_family("work_hours", own, Domain.REAL, upper=runs.useful_hours * M)
    model.add_family("undone", jobs.may_be_undone, Domain.REAL, upper=jobs.work_units)
    model.add_family("chosen", runs.offers, Domain.REAL, size=size, upper=1.0)
    model.add_family("begun", runs.contiguous, Domain.REAL, size=size, upper=1.0)
    model.add_family("delayed", runs.lasting.delayed, Domain.REAL, size=size, upper=1.0)
    model.add_family("spilled", runs.lasting.spilled, Domain.REAL, size=size, upper=1.0)
    model.add_family("done_first", runs.prompt, Domain.BINARY, size=jobs.workload.size)
    moves.add_variables(model, problem)


def add_local_constraints(model: Model, problem: Problem) -> None:
    """Add the constraints of each job on its own."""
    sets, runs = sets_of(model, problem), _runs_of(model, problem)
    _add_work(model, problem, sets, runs)
    _add_one_offer(model, sets, runs)
    _add_contiguity(model, sets, runs)
    _add_lasting(model, runs)
    _add_release(model, problem, sets, runs)
    moves.add_local_constraints(model, problem)
    _add_presence(model, problem, sets)


def add_coupling_constraints(model: Model, problem: Problem) -> None:
    """Add nothing: what couples jobs is capacity, budgets, policies and data."""


def _add_work(model: Model, problem: Problem, sets: Sets, runs: _Runs) -> None:
    H, b, x = model.vars("work_hours", "gangs", "undone")
    K, W, g, M = problem.slots.capacity_per_s, problem.jobs.work_units, sets.job_of_slot, sets.most_gangs
    own = problem.slots.is_job
    model.add("work", every(W.size), ((3600 * K * H).sum(by=g) + x) / W == 1)
    model.add("hours_held", own, H <= runs.useful_hours * b)
    gt, rows = heads(own, g, problem.slots.period)
    model.add("gangs_at_once", rows, b.sum(by=gt) <= M)


def _add_one_offer(model: Model, sets: Sets, runs: _Runs) -> None:
    b, c = model.vars("gangs", "chosen")
    g, o = sets.job_of_slot, runs.offer
    model.add("one_offer", runs.sticky, b <= c[o])
    model.add("chosen_once", np.unique(g[runs.sticky]), c.sum(by=g) <= 1)


def _add_contiguity(model: Model, sets: Sets, runs: _Runs) -> None:
    b, y, H = model.vars("gangs", "begun", "work_hours")
    before, after, hk = runs.before, runs.after, runs.hours
    g = np.where(after < 0, sets.job_of_slot, -1)
    model.add("start", runs.contiguous, b - b[before] <= y - y[before])
    model.add("stays_begun", before >= 0, y - y[before] >= 0)
    model.add("start_once", np.unique(sets.job_of_slot[runs.contiguous]), y.sum(by=g) <= 1)
    model.add("interior", (before >= 0) & (after >= 0), H >= hk * (b[before] + b[after] - 1))


def _add_lasting(model: Model, runs: _Runs) -> None:
    b, y, H, d, s = model.vars("gangs", "begun", "work_hours", "delayed", "spilled")
    before, hk, lasting, rho = runs.before, runs.hours, runs.lasting, runs.lasting.rho
    K, longer = lasting.whole, lasting.longer
    model.add("goes_on", lasting.must_be_done, b - y + y[lasting.before_undone] >= 0)
    model.add("in_time", lasting.last, y[lasting.latest] - y >= 0)
    lies = y - (1 - rho) * y[K] - rho * y[longer] - d - s + d[K] + s[longer]
    model.add("lies", lasting.even, H / np.where(hk > 0, hk, 1.0) - lies == 0)
    model.add("begins_late", lasting.delayed, (1 - rho) * y - (1 - rho) * y[before] - d >= 0)
    model.add("runs_over", lasting.spilled, rho * y - rho * y[before] - s >= 0)
    model.add("full_before", np.intersect1d(lasting.delayed, lasting.spilled), rho * d - (1 - rho) * s >= 0)


def _add_release(model: Model, problem: Problem, sets: Sets, runs: _Runs) -> None:
    H, b, e = model.vars("work_hours", "gangs", "done_first")
    t, g, M, hk = problem.slots.period, sets.job_of_slot, sets.most_gangs, runs.hours
    is_first = t == at(problem.jobs.first_period, g)
    is_prompt = np.isin(g, runs.prompt)
    model.add("at_release", runs.prompt, (H / hk).sum(by=np.where(is_first, g, -1)) + e >= 1)
    gt, rows = heads(is_prompt & ~is_first, g, t)
    model.add("none_later", rows, b.sum(by=gt) + M * e[g] <= M)


def _add_presence(model: Model, problem: Problem, sets: Sets) -> None:
    b, a = model.vars("gangs", "present")
    p, M = sets.presence_of_slot, sets.most_gangs
    wrt, rows = heads(problem.slots.is_job & (p >= 0), p, problem.slots.period)
    model.add("present_gangs", rows, b.sum(by=wrt) <= M * a[p])


def _runs_of(model: Model, problem: Problem) -> _Runs:
    return model.once(_derive_runs, problem, sets_of(model, problem))


def _derive_runs(problem: Problem, sets: Sets) -> _Runs:
    slots, jobs, job = problem.slots, problem.jobs, sets.job_of_slot

    def of_jobs(which: Bools) -> Ints:
        """Return the slots of the jobs for which `which` (by job) holds."""
        return np.flatnonzero(np.append(which, False)[job])

    hours, useful, own = slots.usable_hours * slots.gang_instances, np.zeros(job.size), np.flatnonzero(slots.is_job)
    takes = jobs.work_units[job[own]] / (3600.0 * slots.capacity_per_s[own])
    useful[own] = np.minimum(hours[own], takes)
    once = jobs.interruptible & ~jobs.may_move & (jobs.max_gangs == 1)
    sticky = _in_several_periods(problem, job, of_jobs(once))
    offer, offers = heads(sticky, job, slots.offer)
    contiguous = _in_several_periods(problem, job, of_jobs(~jobs.interruptible))
    pair, _ = group(slots.workload, slots.offer)
    before, after = (_neighbours(problem, contiguous, pair, step) for step in (-1, 1))
    part = np.zeros(job.size)
    part[own] = hours[own] / takes
    must_be_done = contiguous[~jobs.may_be_undone[job[contiguous]]]
    lasting = find_lasting(must_be_done, pair, slots.period, part)
    late = of_jobs(~jobs.deferrable)
    prompt = np.unique(job[late][slots.period[late] > jobs.first_period[job[late]]])
    return _Runs(hours, useful, sticky, offer, offers, contiguous, before, after, lasting, prompt)


def _in_several_periods(problem: Problem, job: Ints, own: Ints) -> Ints:
    """Return those of the slots whose job has slots (among them) in more than one period.

    In one period `gangs_at_once` already leaves a job of one gang one slot.
    """
    _, first = group(job[own], problem.slots.period[own])
    periods = np.bincount(job[own[first]], minlength=problem.jobs.workload.size)
    return own[periods[job[own]] > 1]


def _neighbours(problem: Problem, own: Ints, pair: Ints, step: int) -> Ints:
    """Return by slot that of the same workload and offer (`pair`) `step` periods later, among `own`; -1 where there is
    none.
    """
    slots, T = problem.slots, problem.period_hours.size
    first, wanted = pair[own] * T, slots.period[own] + step
    found = lookup(first + slots.period[own], np.where((wanted >= 0) & (wanted < T), first + wanted, -1))
    neighbour = np.full(slots.workload.size, -1, dtype=np.int64)
    neighbour[own[found >= 0]] = own[found[found >= 0]]
    return neighbour
