r"""Data at rest: copies, and the way from a copy to who reads it.

Sets: datasets k, copies c = (k, region), transfers e = (copy, region where it is read), countries.

Parameters: g[x,q] GB that one unit/s of flow q reads of the dataset over its period · g[x,i] GB per instance-hour of a
job · G[k,r] the most that can be read of k in r (GB): the least of the stated bound and what all demand and work there
would read · P[k] least number of countries.

Variables:
    copy        d[c] binary          a copy is stored
    transfer    u[e] >= 0            GB read from the copy over the horizon
    in_country  e[k,C] in [0, 1]     a copy is in country C (indexed by the pair's first copy); only where P[k] >= 2

Constraints:
    read[k,r]          sum_{e into r} u[e] = sum_q g f[q] + sum_i g H[i]      coupling; keyed by (dataset, region)
    transfer_limit[e]  u[e] <= G[k,r(e)] d[c(e)]                              local to one dataset
    country_backed     e[k,C] <= sum_{c in C} d[c]                            local
    least_countries    sum_C e[k,C] >= P[k]                                   local

What has no lawful route has no transfer, so that nothing can be read there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from formulations.bulk import add_family, add_rows, block, group, lookup
from formulations.domains import Domain
from formulations.problem import Floats, Ints, Problem
from formulations.sets import Sets, sets_of


def add_variables(model: Any, problem: Problem) -> None:
    """Add copy, transfer and in_country."""
    datasets = problem.datasets
    copies = np.arange(datasets.copy_dataset.size)
    add_family(model, "copy", copies, Domain.BINARY, size=copies.size)
    transfers = np.arange(datasets.transfer_copy.size)
    add_family(model, "transfer", transfers, Domain.REAL, size=transfers.size)
    _, _, first = _countries(problem)
    add_family(model, "in_country", first, Domain.REAL, size=copies.size, upper=np.ones(first.size))


def add_local_constraints(model: Any, problem: Problem) -> None:
    """Add transfer_limit, country_backed and least_countries."""
    datasets = problem.datasets
    transfers = np.arange(datasets.transfer_copy.size)
    pairs = read_pairs(problem)
    most = pairs.most_gb(problem, sets_of(model, problem))[pairs.of_transfer]
    blocks = [
        block(model, "transfer", transfers, transfers, 1.0),
        block(model, "copy", transfers, datasets.transfer_copy, -most),
    ]
    add_rows(model, "transfer_limit", blocks, keys=transfers, upper=np.zeros(transfers.size))
    copies, of, first = _countries(problem)
    every = np.arange(first.size)
    blocks = [block(model, "in_country", every, first, 1.0), block(model, "copy", of, copies, -1.0)]
    add_rows(model, "country_backed", blocks, keys=first, upper=np.zeros(every.size))
    spread = np.flatnonzero(datasets.min_countries >= 2)
    row = lookup(spread, datasets.copy_dataset[first])
    least = datasets.min_countries[spread].astype(np.float64)
    add_rows(model, "least_countries", [block(model, "in_country", row, first, 1.0)], keys=spread, lower=least)


def add_coupling_constraints(model: Any, problem: Problem) -> None:
    """Add read: what is read in a region follows the flows and the work there."""
    datasets = problem.datasets
    pairs = read_pairs(problem)
    flow, work = datasets.read_by_flow, datasets.read_by_work
    transfers = np.arange(datasets.transfer_copy.size)
    blocks = [
        block(model, "transfer", pairs.of_transfer, transfers, 1.0),
        block(model, "flow", pairs.of_read[flow.row], flow.column, -flow.weight),
        block(model, "work_hours", pairs.of_read[work.row], work.column, -work.weight),
    ]
    add_rows(model, "read", blocks, keys=pairs.label, equal=np.zeros(pairs.label.size))


@dataclass(frozen=True)
class ReadPairs:
    """The (dataset, region) pairs that are read: `label` is dataset * regions + region, `dataset` its dataset;
    `of_transfer` and `of_read` say of which pair each transfer and each row of reads is.
    """

    label: Ints
    dataset: Ints
    of_transfer: Ints
    of_read: Ints

    def most_gb(self, problem: Problem, sets: Sets) -> Floats:
        """Return the most GB that can be read of each pair."""
        datasets, slots = problem.datasets, problem.slots
        most = np.zeros(self.label.size)
        flow = datasets.read_by_flow
        of, first = group(self.of_read[flow.row], problem.flows.stream[flow.column], sets.flow_period[flow.column])
        heaviest = np.zeros(first.size)
        np.maximum.at(heaviest, of, flow.weight)
        np.add.at(most, self.of_read[flow.row[first]], heaviest * sets.demand_of_flow[flow.column[first]])
        work = datasets.read_by_work
        job = sets.job_of_slot[work.column]
        of, first = group(self.of_read[work.row], job)
        heaviest = np.zeros(first.size)
        np.maximum.at(heaviest, of, work.weight / (3600.0 * slots.capacity_per_s[work.column]))
        units = problem.jobs.work_units[job[first]] if first.size else np.zeros(0)
        np.add.at(most, self.of_read[work.row[first]], heaviest * units)
        return np.minimum(most, datasets.max_gb[self.dataset])


def read_pairs(problem: Problem) -> ReadPairs:
    """Return the (dataset, region) pairs that are read or can be reached."""
    datasets, regions = problem.datasets, len(problem.regions.ids)
    moved = datasets.copy_dataset[datasets.transfer_copy] * regions + datasets.transfer_region
    read = datasets.read_dataset * regions + datasets.read_region
    label = np.unique(np.concatenate([moved, read]))
    return ReadPairs(
        label, label // max(regions, 1), np.searchsorted(label, moved), np.searchsorted(label, read)
    )


def _countries(problem: Problem) -> tuple[Ints, Ints, Ints]:
    """Return the copies of datasets that must be in several countries, the number of each one's (dataset, country), and
    the first copy of each such pair.
    """
    datasets = problem.datasets
    spread = datasets.min_countries >= 2
    copies = np.flatnonzero(spread[datasets.copy_dataset]) if spread.size else np.zeros(0, dtype=np.int64)
    of, first = group(datasets.copy_dataset[copies], problem.regions.country[datasets.copy_region[copies]])
    return copies, of, copies[first]
