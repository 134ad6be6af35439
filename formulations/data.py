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

import numpy as np

from formulations.algebra import Model
from formulations.domains import Domain
from formulations.indexing import every, group, heads
from formulations.problem import Floats, Ints, Problem
from formulations.sets import Sets, sets_of


def add_variables(model: Model, problem: Problem) -> None:
    """Add copy, transfer and in_country."""
    copies, transfers = problem.datasets.copy_dataset.size, problem.datasets.transfer_copy.size
    _, countries = model.once(_countries, problem)
    model.add_family("copy", every(copies), Domain.BINARY)
    model.add_family("transfer", every(transfers), Domain.REAL)
    model.add_family("in_country", countries, Domain.REAL, size=copies, upper=1.0)


def add_local_constraints(model: Model, problem: Problem) -> None:
    """Add transfer_limit, country_backed and least_countries."""
    u, d, e = model.vars("transfer", "copy", "in_country")
    datasets, pairs = problem.datasets, model.once(read_pairs, problem)
    G, c = pairs.most_gb(problem, sets_of(model, problem))[pairs.of_transfer], datasets.transfer_copy
    model.add("transfer_limit", every(c.size), u <= G * d[c])
    (kC, countries), k, P = model.once(_countries, problem), datasets.copy_dataset, datasets.min_countries
    model.add("country_backed", countries, e <= d.sum(by=kC))
    model.add("least_countries", P >= 2, e.sum(by=k) >= P)


def add_coupling_constraints(model: Model, problem: Problem) -> None:
    """Add read: what is read in a region follows the flows and the work there."""
    u, f, H = model.vars("transfer", "flow", "work_hours")
    datasets, pairs = problem.datasets, model.once(read_pairs, problem)
    of_flow, of_work = datasets.read_by_flow, datasets.read_by_work
    kr, reads = pairs.label[pairs.of_transfer], pairs.label[pairs.of_read]
    model.add("read", pairs.label, u.sum(by=kr) == (of_flow @ f).sum(by=reads) + (of_work @ H).sum(by=reads))


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


def _countries(problem: Problem) -> tuple[Ints, Ints]:
    """Return by copy the first copy in the same (dataset, country) of datasets that must be in several countries, -1 of
    others; and all these first copies.
    """
    datasets = problem.datasets
    spread = np.append(datasets.min_countries >= 2, False)[datasets.copy_dataset]
    return heads(spread, datasets.copy_dataset, problem.regions.country[datasets.copy_region])
