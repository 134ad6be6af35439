r"""What services cost at given prices, in closed form over all options at once: bounds and which options may matter.

At prices of the master's rows a service of streams j over slots i is: minimise sum_i p[i] n[i] + sum g[j,i] f[j,i]
subject to sum_i f[j,i] = D[j] and sum_j f[j,i] <= K[i] n[i], n whole (presence aside, which can only cost more).

    lower bound   sum_j D[j] u[j],  u[j] = min_i (g[j,i] + p[i] / K'[i]),  K'[i] = min(K[i], what i can serve)
                  the linear relaxation: an optimal f carries no more instances than it needs
    upper bound   the best single slot: p[i] ceil(D / K[i]) + sum_j g[j,i] D[j], or every stream on a slot of its own
    regret        of one whole instance of i: p[i] - max of sum_j (u[j] - g[j,i]) f[j] over sum_j f[j] <= K[i],
                  f[j] <= D[j]; any solution that keeps an instance of i costs at least the lower bound plus this

A slot whose regret exceeds (best known cost - lower bound) is in no better solution. A negative p[i] (a row pays for
instances) is taken at its most, N[i], apart from the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from formulations.sets import derive_sets
from optimizer.solve.matrix import Matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Estimate:
    """By workload: a lower bound and the cost of a simple solution (inf: there is none), USD; by slot: the regret and
    what an instance costs; by flow: what a unit/s costs. `simple` says which solution: by (workload, period) a slot for
    services (-1: every stream has a slot of its own, with its flow in `apart`), by workload a position in the job slots
    for jobs.
    """

    lower_usd: Floats
    upper_usd: Floats
    regret_usd: Floats
    instance_usd: Floats
    flow_usd: Floats
    simple: Ints
    apart: Ints


class ServiceBounds:
    """Closed-form estimates for all services of a problem; shapes by slot, flow and (stream, period)."""

    def __init__(self, problem: Problem, matrix: Matrix) -> None:
        slots, flows, services = problem.slots, problem.flows, problem.services
        sets = derive_sets(problem)
        self.workloads, periods = len(problem.workload_ids), problem.period_hours.size
        self.slots = slots.workload.size
        self.demand = services.demand_per_s.ravel()
        self.flows = np.flatnonzero(sets.demand_of_flow > 0)
        self.slot_of = flows.slot[self.flows]
        self.stream_of = flows.stream[self.flows] * periods + sets.flow_period[self.flows]
        self.wanted = sets.demand_of_flow[self.flows]
        self.workload_of_stream = np.repeat(services.workload, periods)
        self.is_endpoint = slots.is_endpoint[self.slot_of]
        reach = summed(self.slot_of, self.wanted, self.slots)
        self.capacity = np.where(slots.is_endpoint, np.maximum(reach, 1e-300), slots.capacity_per_s)
        self.useful = np.maximum(np.minimum(self.capacity, reach), 1e-300)
        self.most = np.floor(slots.max_instances)
        self.most[slots.is_endpoint | slots.is_job] = 0.0
        self.column_of_slot = columns_by_key(matrix, "instances", self.slots)
        self.column_of_flow = columns_by_key(matrix, "flow", flows.stream.size)
        self.column_of_unserved = columns_by_key(matrix, "unserved", self.demand.size)
        self._alone(problem, periods)
        self.most_streams = int(np.bincount(self.slot_of, minlength=1).max(initial=0))
        self.by_slot = np.argsort(self.slot_of, kind="stable")
        self.slot_start = np.searchsorted(self.slot_of[self.by_slot], np.arange(self.slots + 1))

    def _alone(self, problem: Problem, periods: int) -> None:
        """Note the slots that could serve the whole demand of their service in their period, and with how many."""
        slots = problem.slots
        self.cell_of_slot = slots.workload * periods + slots.period
        self.periods = periods
        self.cell_of_stream = self.workload_of_stream * periods + np.tile(
            np.arange(periods), self.demand.size // periods
        )
        order = np.argsort(self.cell_of_stream, kind="stable")
        ends = np.searchsorted(self.cell_of_stream[order], np.arange(self.workloads * periods + 1))
        self.streams_of_cell = [order[begin:end] for begin, end in pairwise(ends)]
        total = summed(self.cell_of_stream, self.demand, self.workloads * periods)
        streams = summed(self.cell_of_stream, self.demand > 0, self.workloads * periods)
        served = np.bincount(self.slot_of, minlength=self.slots)
        self.needed = np.ceil(total[self.cell_of_slot] / np.maximum(self.capacity, 1e-300) - 1e-9)
        self.enough = np.ceil(summed(self.slot_of, self.wanted, self.slots) / self.capacity - 1e-9)
        fits = slots.is_endpoint | (self.needed <= self.most)
        self.alone = np.flatnonzero(~slots.is_job & (served > 0) & (served == streams[self.cell_of_slot]) & fits)
        self.needed[slots.is_endpoint] = 0.0
        self.needed_by_flow = np.ceil(self.wanted / np.maximum(self.capacity[self.slot_of], 1e-300) - 1e-9)
        self.needed_by_flow[self.is_endpoint] = 0.0
        # Streams that meet on a slot add up there: only slots that could take them all are offered to one apart.
        self.fits_flow = self.is_endpoint | (self.most[self.slot_of] >= self._if_all_apart())
        self.cell_workload = np.repeat(np.arange(self.workloads), periods)
        self.busy = total > 0

    def _if_all_apart(self) -> Floats:
        """Return by flow the instances of its slot if every stream it can serve had instances of its own there."""
        return summed(self.slot_of, self.needed_by_flow, self.slots)[self.slot_of]

    def estimate(self, reduced_cost: Floats) -> Estimate:
        """Return the estimate at the reduced costs of all columns."""
        instance = _pick(reduced_cost, self.column_of_slot)
        flow = _pick(reduced_cost, self.column_of_flow)
        own = flow[self.flows]
        paid, gained = np.maximum(instance, 0.0), np.minimum(instance, 0.0)
        worth = np.full(self.demand.size, np.inf)
        np.minimum.at(worth, self.stream_of, own + paid[self.slot_of] / self.useful[self.slot_of])
        may = self.column_of_unserved >= 0
        worth[may] = np.minimum(worth[may], reduced_cost[self.column_of_unserved[may]])
        charged = np.where(self.demand > 0, self.demand * np.where(self.demand > 0, worth, 0.0), 0.0)
        lower = summed(self.workload_of_stream, charged, self.workloads)
        bonus = np.where(gained < 0, gained * self.most, 0.0)
        slot_workload = self.cell_workload[self.cell_of_slot]
        lower += summed(slot_workload, bonus, self.workloads)
        upper, simple, apart = self._upper(instance, own)
        return Estimate(lower, upper, self._regret(paid, own, worth), instance, flow, simple, apart)

    def _upper(self, instance: Floats, own: Floats) -> tuple[Floats, Ints, Ints]:
        """Return by workload the cost of the better simple solution, and which it is (see `Estimate`)."""
        served = own * self.wanted
        cost = instance * self.needed + summed(self.slot_of, served, self.slots)
        best, chosen = least_of(cost[self.alone], self.cell_of_slot[self.alone], self.busy.size)
        simple = np.where(chosen >= 0, self.alone[chosen], -1) if self.alone.size else chosen
        each = np.where(self.fits_flow, instance[self.slot_of] * self.needed_by_flow + served, np.inf)
        least, apart = least_of(each, self.stream_of, self.demand.size)
        least[self.demand == 0] = 0.0
        total = summed(self.cell_of_stream, least, self.busy.size)
        simple[total < best] = -1
        best = np.where(self.busy, np.minimum(best, total), 0.0)
        return summed(self.cell_workload, best, self.workloads), simple, apart

    def configuration(self, workload: int, estimate: Estimate) -> tuple[Ints, Floats]:
        """Return (columns, values) of the simple solution of a service."""
        columns, values = [], []
        for cell in range(workload * self.periods, (workload + 1) * self.periods):
            slot = int(estimate.simple[cell])
            if slot >= 0:
                flows = self.by_slot[self.slot_start[slot] : self.slot_start[slot + 1]]
                columns.append(np.concatenate([self.column_of_slot[[slot]], self.column_of_flow[self.flows[flows]]]))
                values.append(np.concatenate([self.needed[[slot]], self.wanted[flows]]))
                continue
            streams = self.streams_of_cell[cell]
            flows = estimate.apart[streams[self.demand[streams] > 0]]
            columns += [self.column_of_slot[self.slot_of[flows]], self.column_of_flow[self.flows[flows]]]
            values += [self.needed_by_flow[flows], self.wanted[flows]]
        column, value = np.concatenate(columns), np.concatenate(values)
        column, value = column[column >= 0], value[column >= 0]
        distinct, place = np.unique(column, return_inverse=True)
        return distinct, summed(place, value, distinct.size)

    def _regret(self, paid: Floats, own: Floats, worth: Floats) -> Floats:
        saving = np.maximum(worth[self.stream_of] - own, 0.0)
        order = np.lexsort((-saving, self.slot_of))
        slot = self.slot_of[order]
        begin = np.searchsorted(slot, slot, side="left")
        place = np.arange(slot.size) - begin
        regret, left = paid.copy(), self.capacity.copy()
        for rank in range(self.most_streams):
            entry = order[place == rank]
            at = self.slot_of[entry]
            taken = np.minimum(left[at], self.wanted[entry])
            regret[at] -= taken * saving[entry]
            left[at] -= taken
        return regret


def least_of(cost: Floats, group: Ints, groups: int) -> tuple[Floats, Ints]:
    """Return by group the least cost (inf: no finite one) and the first position that has it (-1: none)."""
    best = np.full(groups, np.inf)
    np.minimum.at(best, group, cost)
    chosen = np.full(groups, -1, dtype=np.int64)
    reached = np.flatnonzero(np.isfinite(cost) & (cost <= best[group]))
    chosen[group[reached[::-1]]] = reached[::-1]
    return best, chosen


def dominated(instance_usd: Floats, capacity: Floats, most: Floats, enough: Floats, flow_usd: Floats) -> Bools:
    """Return which slots of one service and period another can replace at no higher cost, instance by instance.

    `flow_usd` has shape [streams, slots], inf where a slot cannot serve a stream. m = ceil(K[i] / K[i']) instances of
    i' stand in for one of i; i' must be free to run as many as the whole demand takes (`enough`). Prices of instances
    are not negative. Of equal slots the first is kept.
    """
    times = np.ceil(capacity[None, :] / capacity[:, None] - 1e-9)
    wins = (times * instance_usd[:, None] <= instance_usd[None, :]) & (most >= enough)[:, None]
    for stream in flow_usd:
        wins &= stream[:, None] <= stream[None, :]
    np.fill_diagonal(wins, False)
    both = wins & wins.T
    wins &= ~(both & np.tri(instance_usd.size, k=-1, dtype=bool))
    return np.asarray(wins.any(axis=0))


def summed(group: Ints, values: NDArray[Any], groups: int) -> Floats:
    """Return the sum of values by group, as floats also where there are none."""
    return np.bincount(group, weights=values, minlength=groups).astype(np.float64)


def columns_by_key(matrix: Matrix, name: str, size: int) -> Ints:
    """Return by table position the column of a family, -1 where it has none."""
    columns = np.full(size, -1, dtype=np.int64)
    own = matrix.columns.of(name)
    columns[matrix.columns.key[own]] = own
    return columns


def _pick(reduced_cost: Floats, columns: Ints) -> Floats:
    return np.where(columns >= 0, reduced_cost[np.maximum(columns, 0)], 0.0)
