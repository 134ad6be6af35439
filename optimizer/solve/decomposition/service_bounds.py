r"""What services cost at given prices, in closed form over all options at once: bounds and which options may matter.

At prices of the master's rows a service of streams j over slots i is: minimise sum_i p[i] n[i] + sum g[j,i] f[j,i]
subject to sum_i f[j,i] = D[j] and sum_j f[j,i] <= K[i] n[i], n whole (presence aside, which can only cost more).

    lower bound   sum_j D[j] u[j],  u[j] = min_i (g[j,i] + p[i] / K'[i]),  K'[i] = min(K[i], what i can serve)
                  the linear relaxation: an optimal f carries no more instances than it needs
    regret        of one whole instance of i: p[i] - max of sum_j (u[j] - g[j,i]) f[j] over sum_j f[j] <= K[i],
                  f[j] <= D[j]; any solution that keeps an instance of i costs at least the lower bound plus this

A slot whose regret exceeds (best known cost - lower bound) is in no better solution. A negative p[i] (a row pays for
instances) is taken at its most, N[i], apart from the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from formulations.arrays import lean
from formulations.sets import derive_sets
from optimizer.solve.matrix import Matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Estimate:
    """By workload a lower bound (USD); by slot what an instance costs; by flow what a unit/s costs.

    The regret by slot takes longer than all others and is not always asked for: `find_regret` finds it when it is.
    """

    lower_usd: Floats
    instance_usd: Floats
    flow_usd: Floats
    find_regret: Callable[[], Floats]

    @cached_property
    def regret_usd(self) -> Floats:
        """By slot, by how much a solution that keeps an instance there costs more than the lower bound at least."""
        return self.find_regret()


class ServiceBounds:
    """Closed-form estimates for all services of a problem; shapes by slot, flow and (stream, period)."""

    def __init__(self, problem: Problem, matrix: Matrix) -> None:
        slots, flows, services = problem.slots, problem.flows, problem.services
        sets = derive_sets(problem)
        self.workloads, periods = len(problem.workload_ids), problem.period_hours.size
        self.slots, self.columns = slots.workload.size, matrix.cost.size
        self.demand = services.demand_per_s.ravel()
        self.flows = lean(np.flatnonzero(sets.demand_of_flow > 0))
        self.slot_of = lean(flows.slot[self.flows])
        self.stream_of = lean(flows.stream[self.flows] * periods + sets.flow_period[self.flows])
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
        present = columns_by_key(matrix, "present", problem.presence.workload.size)
        presence = sets.presence_of_slot
        self.present_column = lean(np.where(presence >= 0, np.append(present, -1)[presence], -1))
        self.column_of_presence, self.workload_of_presence = present, problem.presence.workload
        self.periods = periods
        self.cell_of_slot = lean(slots.workload * periods + slots.period)
        self.cell_of_stream = self.workload_of_stream * periods + np.tile(
            np.arange(periods), self.demand.size // periods
        )
        self.enough = np.ceil(reach / self.capacity - 1e-9)
        self.most_streams = int(np.bincount(self.slot_of, minlength=1).max(initial=0))

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
        lower += summed(self.cell_of_slot // self.periods, bonus, self.workloads)
        gained = np.minimum(_pick(reduced_cost, self.column_of_presence), 0.0)
        lower += summed(self.workload_of_presence, gained, self.workloads)
        return Estimate(lower, instance, flow, lambda: self._regret(paid, own, worth))

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


def dominated(
    instance_usd: Floats,
    capacity: Floats,
    most: Floats,
    enough: Floats,
    *,
    flow_usd: Floats,
    needs: Ints,
    one_for_one: bool = False,
) -> Bools:
    """Return which slots of one service and period another can replace at no higher cost, instance by instance.

    `flow_usd` has shape [streams, slots], inf where a slot cannot serve a stream; so has `needs`, which labels the
    mechanisms asked for there (0: none): i' may not ask for others than i. m = ceil(K[i] / K[i']) instances of
    i' stand in for one of i; i' must be free to run as many as the whole demand takes (`enough`). Prices of instances
    are not negative. Of equal slots the first is kept. With `one_for_one` the number of instances stays as it is.
    """
    times = np.ceil(capacity[None, :] / capacity[:, None] - 1e-9)
    wins = (times * instance_usd[:, None] <= instance_usd[None, :]) & (most >= enough)[:, None]
    if one_for_one:
        wins &= times <= 1
    for stream, asked in zip(flow_usd, needs, strict=True):
        alike = (asked[:, None] == 0) | (asked[:, None] == asked[None, :]) | ~np.isfinite(stream[None, :])
        wins &= (stream[:, None] <= stream[None, :]) & alike
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
    return lean(columns)


def _pick(reduced_cost: Floats, columns: Ints) -> Floats:
    return np.where(columns >= 0, reduced_cost[np.maximum(columns, 0)], 0.0)
