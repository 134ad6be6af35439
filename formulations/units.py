r"""Units near 1: the same problem with work, data volumes and requirements measured so that solvers see shares.

An instance states demand and work in whatever unit its author counts (tokens, requests, steps): 1e9 tokens or 2e-6
requests per second. A solver works with absolute tolerances near 1e-6 and drops coefficients of at most 1e-9. A
`Problem` may be stated in any units, so it is restated in units of the size of what is asked for:

    u[w]   unit of work of workload w:   2^(e-10), 2^e just above max_t sum_j D[j,t], or above W[g] of a job
    g[k]   unit of volume of dataset k:  2^(e-10), 2^e just above the most GB that any region can read of it
    b[ρ]   unit of requirement ρ:        2^e just above B[ρ]; of a duty y that is owed for what is done, just above B[y]

Demand and work are thus counted in thousandths, roughly (D'[j,t] = D[j,t] / u[w], at most 1024), and coefficients per
unit are multiplied by u[w]. A solver's 1e-6 of such a unit is 1e-9 of what is asked for, the precision to which rows
are to hold. Every unit is a power of two: nothing is rounded, the restated problem has exactly the plans of the stated
one at the same cost, and a row that is violated by a part of its size is violated by the same part in either units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from formulations.data import read_pairs
from formulations.failures import find_failures
from formulations.problem import Coefficients, Floats, Membership, Problem
from formulations.sets import derive_sets

PARTS = 1024.0
"""Units of work that make up the power of two above all demand or work of a workload; likewise for volumes."""


@dataclass(frozen=True)
class Normalised:
    """A problem in units near 1, and by component the stated units that one unit of it is (over its full table)."""

    problem: Problem
    unit: dict[str, Floats]

    def restore(self, values: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return values of `problem` in the units of the problem as stated."""
        return {name: value * self.unit[name] if name in self.unit else value for name, value in values.items()}

    def apply(self, values: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return values in stated units in the units of `problem`."""
        return {name: value / self.unit[name] if name in self.unit else value for name, value in values.items()}


def normalise(problem: Problem) -> Normalised:
    """Return the problem in units near 1."""
    services, jobs, slots, flows = problem.services, problem.jobs, problem.slots, problem.flows
    datasets, mechanisms = problem.datasets, problem.mechanisms
    work = _units_of_work(problem)
    of_slot, of_stream, of_job = work[slots.workload], work[services.workload], work[jobs.workload]
    of_flow = of_stream[flows.stream]
    volume = _units_of_volume(problem)
    of_transfer = volume[datasets.copy_dataset[datasets.transfer_copy]]
    of_read = volume[datasets.read_dataset]
    of_requirement, of_duty = _power_above(mechanisms.bound), _power_above(datasets.owed_bound)
    restated = replace(
        problem,
        services=replace(
            services,
            demand_per_s=services.demand_per_s / of_stream[:, None],
            unserved_usd=services.unserved_usd * of_stream[:, None],
        ),
        jobs=replace(jobs, work_units=jobs.work_units / of_job, undone_usd=jobs.undone_usd * of_job),
        slots=replace(slots, capacity_per_s=slots.capacity_per_s / of_slot),
        flows=replace(flows, serving=_times(flows.serving, of_flow)),
        pools=replace(problem.pools, by_flow=_weighted(problem.pools.by_flow, column=of_flow)),
        datasets=replace(
            datasets,
            max_gb=datasets.max_gb / volume,
            moving=_times(datasets.moving, of_transfer),
            read_by_flow=_weighted(datasets.read_by_flow, column=of_flow, row=1.0 / of_read),
            read_by_work=_weighted(datasets.read_by_work, row=1.0 / of_read),
            owed_bound=datasets.owed_bound / of_duty,
            owed_by_flow=_weighted(datasets.owed_by_flow, column=of_flow, row=1.0 / of_duty),
            owed_by_gang=_weighted(datasets.owed_by_gang, row=1.0 / of_duty),
        ),
        mechanisms=replace(
            mechanisms,
            bound=mechanisms.bound / of_requirement,
            by_flow=_weighted(mechanisms.by_flow, column=of_flow, row=1.0 / of_requirement),
            by_gang=_weighted(mechanisms.by_gang, row=1.0 / of_requirement),
            by_copy=_weighted(mechanisms.by_copy, row=1.0 / of_requirement),
        ),
    )
    unit = {
        "flow": of_flow,
        "unserved": np.repeat(of_stream, problem.period_hours.size),
        "undone": of_job,
        "transfer": of_transfer,
        "failover": of_flow[find_failures(problem).flow],
    }
    return Normalised(restated, unit)


def _units_of_work(problem: Problem) -> Floats:
    """Return by workload the unit in which its greatest demand, or its work, is between 512 and 1024."""
    services, jobs = problem.services, problem.jobs
    demand = np.zeros((len(problem.workload_ids), problem.period_hours.size))
    np.add.at(demand, services.workload, services.demand_per_s)
    size = demand.max(axis=1, initial=0.0)
    size[jobs.workload] = jobs.work_units
    return _power_above(size) / PARTS


def _units_of_volume(problem: Problem) -> Floats:
    """Return by dataset the unit in which the most GB that a region can read of it is between 512 and 1024."""
    datasets = problem.datasets
    size = np.zeros(len(datasets.ids))
    pairs = read_pairs(problem)
    np.maximum.at(size, pairs.dataset, pairs.most_gb(problem, derive_sets(problem)))
    return _power_above(size) / PARTS


def _power_above(size: Floats) -> Floats:
    """Return by element the power of two at or above it, 1 where it is 0."""
    mantissa, exponent = np.frexp(size)
    exponent = exponent - (mantissa == 0.5)
    return np.where(size > 0, np.exp2(np.clip(exponent, -1000, 1000).astype(np.float64)), 1.0)


def _times(coefficients: Coefficients, factor: Floats) -> Coefficients:
    """Return coefficients of variables whose unit is `factor` times as large."""
    return Coefficients(*(getattr(coefficients, f.name) * factor for f in fields(coefficients)))


def _weighted(members: Membership, *, column: Floats | None = None, row: Floats | None = None) -> Membership:
    """Return a membership whose weights are multiplied by a factor of their column and of their row."""
    weight = members.weight
    if column is not None:
        weight = weight * column[members.column]
    if row is not None:
        weight = weight * row[members.row]
    return Membership(members.row, members.column, weight)
