"""Takes out of a solution what costs nothing and serves nothing.

A free decision may come back at any value: a gang that holds devices and works no hour, a committed instance that
serves no request. Lowering such counts keeps the objective and every constraint (they only hold pools and open
requirements), so the plan says what is needed and no more. Where a rule may count on the spare (survival, a minimum
of regions, a share of device-hours), services are left alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from formulations import Problem

Floats = NDArray[np.float64]
Values = dict[str, Floats]


def tidy(problem: Problem, values: Values) -> Values:
    """Return the values with idle gangs and idle free instances taken out; arrays as in `Solution.values`."""
    tidied = dict(values)
    tidied["gangs"] = _gangs(problem, values)
    tidied["starts"] = _starts(problem, values["starts"], tidied["gangs"])
    tidied["instances"] = _instances(problem, values)
    return tidied


def _gangs(problem: Problem, values: Values) -> Floats:
    """Keep as many gangs as the hours worked need.

    A run that is not interrupted works all its hours but in its first and last period, so that only its ends can go;
    what a job owes its release is work, which keeps its gang. Only a job that must sit in several regions may hold a
    gang somewhere to be there.
    """
    slots, jobs = problem.slots, problem.jobs
    work = np.zeros(len(problem.workload_ids))
    work[jobs.workload] = jobs.work_units
    spread = np.zeros(len(problem.workload_ids), dtype=bool)
    spread[problem.presence.bounded_workload[problem.presence.min_regions > 1]] = True
    own = np.flatnonzero(slots.is_job & ~spread[slots.workload])
    whole_work = work[slots.workload[own]] / (3600.0 * slots.capacity_per_s[own])
    most_hours = np.minimum(slots.usable_hours[own] * slots.gang_instances[own], whole_work)
    kept: Floats = values["gangs"].copy()
    kept[own] = np.minimum(kept[own], np.ceil(values["work_hours"][own] / most_hours - 1e-9))
    return kept


def _starts(problem: Problem, starts: Floats, gangs: Floats) -> Floats:
    """Return where the runs of jobs that are not interruptible start now; [slots]."""
    slots = problem.slots
    runs = np.isin(slots.workload, slots.workload[starts > 0])
    order = np.lexsort((slots.period, slots.offer, slots.workload))
    before = np.zeros(len(gangs))
    follows = np.ones(max(len(order) - 1, 0), dtype=bool)
    for label, step in ((slots.workload, 0), (slots.offer, 0), (slots.period, 1)):
        follows &= np.diff(label[order]) == step
    before[order[1:][follows]] = gangs[order[:-1][follows]]
    moved: Floats = np.where(runs, np.maximum(gangs - before, 0.0), starts)
    return moved


def _instances(problem: Problem, values: Values) -> Floats:
    """Keep as many free instances as the flow needs, for services no rule asks to keep spares of."""
    slots, flows = problem.slots, problem.flows
    guarded = np.zeros(len(problem.workload_ids), dtype=bool)
    guarded[problem.survival.workload] = True
    guarded[problem.presence.bounded_workload] = True
    counted = np.zeros(len(slots.workload), dtype=bool)
    counted[problem.shares.all.column] = True
    counted[problem.shares.part.column] = True
    served = np.bincount(flows.slot, weights=values["flow"], minlength=len(slots.workload))
    capacity = np.where(slots.capacity_per_s > 0, slots.capacity_per_s, 1.0)
    needed = np.ceil(served / capacity - 1e-9)
    free = ~slots.is_job & ~slots.is_endpoint & (slots.running.spend_usd == 0)
    free &= (problem.carbon_price_usd_per_kg == 0) | (slots.running.carbon_kg == 0)
    may_trim = free & ~guarded[slots.workload] & ~counted
    kept: Floats = np.where(may_trim, np.minimum(values["instances"], needed), values["instances"])
    return kept
