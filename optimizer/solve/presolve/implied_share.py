"""How much of a problem a choice of region (or of a job's offer) settles: what `implied_variables` takes out, by table.

Where it settles everything, one column of the smaller model is a whole configuration of one workload: its relaxation is
as strong as that of a master over configurations, without generating any.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from formulations import Problem

Bools = NDArray[np.bool_]


def settled_share(problem: Problem) -> float:
    """Return the share of the slots that belong to workloads settled by one choice, 0 where there are no slots."""
    slots = problem.slots
    if not slots.workload.size:
        return 0.0
    workloads = len(problem.workload_ids)
    one_offer = ~_has_choice_inside(problem, workloads)
    settled = np.zeros(workloads, dtype=bool)
    presence, services, jobs = problem.presence, problem.services, problem.jobs
    settled[presence.bounded_workload[presence.max_regions == 1]] = True
    settled[services.workload[services.may_be_unserved]] = False
    settled[problem.survival.workload] = False
    settled &= one_offer
    first = np.full(workloads, problem.period_hours.size)
    last = np.zeros(workloads, dtype=np.int64)
    np.minimum.at(first, slots.workload, slots.period)
    np.maximum.at(last, slots.workload, slots.period)
    settled[jobs.workload] = (jobs.max_gangs == 1) & ~jobs.may_be_undone & (first == last)[jobs.workload]
    return float(settled[slots.workload].mean())


def _has_choice_inside(problem: Problem, workloads: int) -> Bools:
    """Whether a workload has several slots in some region and period; by workload."""
    slots = problem.slots
    place = (slots.workload * len(problem.regions.ids) + slots.region) * problem.period_hours.size + slots.period
    places, count = np.unique(place, return_counts=True)
    several = np.zeros(workloads, dtype=bool)
    several[places[count > 1] // (len(problem.regions.ids) * problem.period_hours.size)] = True
    return several
