"""Simple configurations by the dozen: every workload whole on one slot, in each of the pools where that costs least.

Generated for all workloads at once, as rows of one sparse matrix over the columns of the model. They hold for the
shapes that the closed forms hold for, in problems of one period. What makes them useful is that they differ: a plan put
together workload by workload needs a second and a tenth choice when a pool is full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations import Problem
from optimizer.solve.decomposition.configuration_rows import as_rows, ranges
from optimizer.solve.decomposition.cut import Cut
from optimizer.solve.decomposition.pool import Pool
from optimizer.solve.decomposition.pricing import PLAIN_SERVICE, SERVICE, SHORT_JOB, Pricing
from optimizer.solve.decomposition.service_bounds import summed
from optimizer.solve.decomposition.slot_pairs import least_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Candidates:
    """Configurations that need not be in the pool: whose, their cost (USD), their `values` [configurations, columns]
    and their `use` [configurations, rows of the master].
    """

    workload: Ints
    cost_usd: Floats
    values: sparse.csr_array
    use: sparse.csr_array

    def entries(self) -> tuple[Ints, Ints, Floats]:
        """Return (start of each configuration, row, weight) of what they use of the master's rows."""
        return self.use.indptr.astype(np.int64), self.use.indices.astype(np.int64), self.use.data


def candidates(cut: Cut, workload: Ints, values: sparse.csr_array) -> Candidates:
    """Return configurations given by their values, with all that follows from these."""
    return Candidates(workload, np.asarray(values @ cut.matrix.cost), values, sparse.csr_array(values @ cut.priced))


def of_pool(cut: Cut, pool: Pool) -> Candidates:
    """Return all that is in the pool."""
    start = np.concatenate([[0], np.cumsum([columns.size for columns in pool.columns])])
    column = np.concatenate([np.zeros(0, dtype=np.int64), *pool.columns])
    value = np.concatenate([np.zeros(0), *pool.values])
    shape = (len(pool), cut.matrix.cost.size)
    return candidates(cut, pool.workload, sparse.csr_array((value, column, start), shape=shape))


def joined(parts: Sequence[Candidates]) -> Candidates:
    """Return the configurations of all parts, one part after the other."""
    return Candidates(
        np.concatenate([part.workload for part in parts]),
        np.concatenate([part.cost_usd for part in parts]),
        sparse.csr_array(sparse.vstack([part.values for part in parts], format="csr")),
        sparse.csr_array(sparse.vstack([part.use for part in parts], format="csr")),
    )


class SingleSlots:
    """Configurations that put a workload on one slot; `label` tells slots apart that draw on different pools."""

    def __init__(self, pricing: Pricing) -> None:
        self.pricing, self.cut, services = pricing, pricing.cut, pricing.services
        slots = pricing.problem.slots
        shape = np.where(pricing.is_head, pricing.shape, -1)[slots.workload]
        alone = pricing.covers.alone
        alone = alone[(shape[alone] == PLAIN_SERVICE) | (shape[alone] == SERVICE)]
        items = pricing.covers.total[services.cell_of_slot[alone]]
        count = np.where(slots.is_endpoint[alone], 0.0, np.ceil(items / services.capacity[alone] - 1e-9))
        fits = count <= services.most[alone]
        self.slot, self.count = alone[fits], count[fits]
        self.on_job = np.zeros(0, dtype=np.int64)
        if pricing.jobs is not None:
            self.on_job = np.flatnonzero(pricing.jobs.fits & (shape[pricing.jobs.own] == SHORT_JOB))
        self.label = pool_labels(pricing.problem)
        self.is_service_present = pricing.shape == SERVICE
        self.workload = slots.workload

    def cheapest(self, price: Floats, each: int) -> Candidates:
        """Return of every workload the configurations cheapest at prices of the master's rows, `each` at most and no
        two of them with the same label.
        """
        services, jobs = self.pricing.services, self.pricing.jobs
        reduced = self.cut.needs.spread(self.cut.reduced_cost(price))
        column = services.column_of_slot[self.slot]
        cost = np.where(column >= 0, reduced[column], 0.0) * self.count + self._serving(reduced)[self.slot]
        present = services.present_column[self.slot]
        cost += np.where(self.is_service_present[self.workload[self.slot]] & (present >= 0), reduced[present], 0.0)
        slot = self.slot
        if jobs is not None:
            on = self.on_job
            gangs_usd = reduced[jobs.column_of_gangs[on]] * jobs.gangs[on]
            hours_usd = reduced[jobs.column_of_hours[on]] * jobs.hours[on]
            slot, cost = np.concatenate([slot, jobs.own[on]]), np.concatenate([cost, gangs_usd + hours_usd])
        at = each_by_label(cost, self.workload[slot], self.label[slot], services.workloads, each)
        of_service = at[at < self.slot.size]
        of_job = self.on_job[at[at >= self.slot.size] - self.slot.size]
        return candidates(self.cut, *self._values(of_service, of_job))

    def _serving(self, reduced: Floats) -> Floats:
        """Return by slot what serving all that it can costs."""
        services = self.pricing.services
        column = services.column_of_flow[services.flows]
        paid = np.where(column >= 0, reduced[column], 0.0) * services.wanted
        return summed(services.slot_of, paid, services.slots)

    def _values(self, of_service: Ints, of_job: Ints) -> tuple[Ints, sparse.csr_array]:
        """Return whose configurations these are and their values."""
        services, jobs, covers = self.pricing.services, self.pricing.jobs, self.pricing.covers
        slot, count = self.slot[of_service], self.count[of_service]
        every = np.arange(slot.size)
        first, sizes = covers.slot_start[slot], covers.slot_start[slot + 1] - covers.slot_start[slot]
        flow = covers.by_slot[ranges(first, sizes)]
        present = np.where(self.is_service_present[self.workload[slot]], services.present_column[slot], -1)
        parts = [
            (every, services.column_of_slot[slot], count),
            (np.repeat(every, sizes), services.column_of_flow[services.flows[flow]], services.wanted[flow]),
            (every, present, np.ones(slot.size)),
        ]
        values, workload = as_rows(parts, slot.size, self.cut.matrix.cost.size), self.workload[slot]
        if jobs is not None:
            values = sparse.csr_array(sparse.vstack([values, jobs.configurations(of_job)], format="csr"))
            workload = np.concatenate([workload, jobs.workload[of_job]])
        return workload, self.cut.needs.completed(values)


def pool_labels(problem: Problem) -> Ints:
    """Return by slot the first of the pools it draws on, or else its region, as a number from 0 on."""
    slots, pools = problem.slots, problem.pools
    none = pools.limit.size
    label = np.full(slots.workload.size, none, dtype=np.int64)
    np.minimum.at(label, pools.by_instances.column, pools.by_instances.row)
    np.minimum.at(label, problem.flows.slot[pools.by_flow.column], pools.by_flow.row)
    label = np.where(label < none, label, none + slots.region)
    used = np.zeros(int(label.max(initial=-1)) + 1, dtype=bool)
    used[label] = True
    return (np.cumsum(used) - 1)[label]


def each_by_label(cost: Floats, owner: Ints, label: Ints, owners: int, each: int) -> Ints:
    """Return the positions of the cheapest by owner (a workload, a stream), so many at most and of different labels."""
    labels = int(label.max(initial=-1)) + 1
    best, at = least_of(cost, owner * labels + label, owners * labels)
    if each < labels:
        table = best.reshape(owners, labels)
        chosen = np.argpartition(table, each, axis=1)[:, :each]
        at = np.take_along_axis(at.reshape(owners, labels), chosen, axis=1).ravel()
    return at[at >= 0]
