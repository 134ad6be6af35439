"""Index sets and look-ups that several formulation modules share, derived once from a `Problem`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from formulations.algebra import Model
from formulations.indexing import at, lookup
from formulations.problem import Bools, Floats, Ints, Problem


@dataclass(frozen=True)
class Sets:
    """Derived arrays; every one is by slot, by flow or by workload as its name says.

    `job_of_slot` is a row of Jobs (-1 for services); `presence_of_slot` a row of Presence (-1: presence is not decided
    there). `most_instances` is N[i], whole; `most_gangs` M[g] of the slot's job (0 for services). `demand_of_flow` is
    the peak demand (units/s) of the flow's stream in the flow's period.
    """

    periods: int
    serving_slots: Bools
    job_of_slot: Ints
    presence_of_slot: Ints
    most_instances: Floats
    most_gangs: Floats
    flow_workload: Ints
    flow_region: Ints
    flow_period: Ints
    flow_presence: Ints
    flow_is_endpoint: Bools
    demand_of_flow: Floats


def derive_sets(problem: Problem) -> Sets:
    """Derive the sets of a problem."""
    slots, flows = problem.slots, problem.flows
    job_of_workload = np.full(len(problem.workload_ids), -1, dtype=np.int64)
    job_of_workload[problem.jobs.workload] = np.arange(problem.jobs.workload.size)
    job_of_slot = np.where(slots.is_job, job_of_workload[slots.workload], -1)
    regions = len(problem.regions.ids)
    presence = lookup(
        problem.presence.workload * regions + problem.presence.region, slots.workload * regions + slots.region
    )
    period = slots.period[flows.slot]
    demand = problem.services.demand_per_s
    return Sets(
        periods=problem.period_hours.size,
        serving_slots=~slots.is_job & ~slots.is_endpoint,
        job_of_slot=job_of_slot,
        presence_of_slot=presence,
        most_instances=np.floor(slots.max_instances),
        most_gangs=at(problem.jobs.max_gangs, job_of_slot),
        flow_workload=slots.workload[flows.slot],
        flow_region=slots.region[flows.slot],
        flow_period=period,
        flow_presence=presence[flows.slot],
        flow_is_endpoint=slots.is_endpoint[flows.slot],
        demand_of_flow=demand[flows.stream, period] if flows.stream.size else np.zeros(0),
    )


def sets_of(model: Model, problem: Problem) -> Sets:
    """Return the sets of the problem, derived at the first call for this model."""
    return model.once(derive_sets, problem)
