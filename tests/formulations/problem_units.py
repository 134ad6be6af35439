"""A problem restated with work counted in other units: what must not change any answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from formulations.problem import Coefficients, Membership, Problem


def restated(problem: Problem, factor: np.ndarray) -> Problem:
    """Return the problem with the work of every workload counted in units `factor` times as small."""
    of_slot, of_stream = factor[problem.slots.workload], factor[problem.services.workload][:, None]
    of_job, of_flow = factor[problem.jobs.workload], factor[problem.slots.workload[problem.flows.slot]]
    return replace(
        problem,
        services=replace(
            problem.services,
            demand_per_s=problem.services.demand_per_s * of_stream,
            unserved_usd=problem.services.unserved_usd / of_stream,
        ),
        jobs=replace(
            problem.jobs, work_units=problem.jobs.work_units * of_job, undone_usd=problem.jobs.undone_usd / of_job
        ),
        slots=replace(problem.slots, capacity_per_s=problem.slots.capacity_per_s * of_slot),
        flows=replace(problem.flows, serving=divided(problem.flows.serving, of_flow)),
        pools=replace(problem.pools, by_flow=by_flow(problem.pools.by_flow, of_flow)),
        datasets=replace(
            problem.datasets,
            read_by_flow=by_flow(problem.datasets.read_by_flow, of_flow),
            owed_by_flow=by_flow(problem.datasets.owed_by_flow, of_flow),
        ),
        mechanisms=replace(problem.mechanisms, by_flow=by_flow(problem.mechanisms.by_flow, of_flow)),
    )


def divided(coefficients: Coefficients, factor: np.ndarray) -> Coefficients:
    return coefficients.each(lambda values: values / factor)


def by_flow(members: Membership, factor: np.ndarray) -> Membership:
    return Membership(members.row, members.column, members.weight / factor[members.column])
