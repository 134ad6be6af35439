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
    tidied["instances"] = _instances(problem, values)
    return tidied


def _gangs(problem: Problem, values: Values) -> Floats:
    """Keep as many gangs of an interruptible job as its hours need; others keep the run they started.

    A job that may not be deferred keeps what it holds in its first period: starting there is asked of it.
    """
    slots, jobs = problem.slots, problem.jobs
    interruptible = np.zeros(len(problem.workload_ids), dtype=bool)
    interruptible[jobs.workload] = jobs.interruptible
    must_start = np.full(len(problem.workload_ids), -1)
    single = len(problem.period_hours) == 1  # then whatever works, works in the first period
    must_start[jobs.workload] = np.where(jobs.deferrable | single, -1, jobs.first_period)
    per_gang = np.where(slots.is_job, slots.usable_hours * slots.gang_instances, 1.0)
    needed = np.ceil(np.divide(values["work_hours"], per_gang, where=per_gang > 0, out=np.zeros(len(per_gang))) - 1e-9)
    may_trim = slots.is_job & (slots.period != must_start[slots.workload])
    may_trim &= interruptible[slots.workload] | (single & (needed == 0))
    kept: Floats = np.where(may_trim, np.minimum(values["gangs"], needed), values["gangs"])
    return kept


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
