"""Who reads how many GB of which dataset in which region, per unit of flow or of work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Flows, Membership, Services, Slots
from optimizer.compile.collected import rates
from optimizer.instance.workloads import Dataset, Job, Service

if TYPE_CHECKING:
    from optimizer.compile.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Reads:
    """Who reads how many GB of what in which region: rows (dataset, region), and per unit of flow or of work.

    Over the horizon a reader reads its `gb` in proportion to the work served, which follows the mean rate: a unit/s of
    peak demand served for a period reads gb x hours x mean/peak / (sum over streams and periods of mean rate x hours);
    an instance-hour of a job gb x units/hour / work.
    """

    def __init__(
        self, world: World, sources: Sequence[Dataset | None], slots: Slots, flows: Flows, services: Services
    ) -> None:
        regions = max(len(world.regions), 1)
        workload = {w.id: k for k, w in enumerate(world.instance.workloads)}
        keys: list[Ints] = []
        parts: list[tuple[bool, Ints, Ints, Floats]] = []
        flow_workload = services.workload[flows.stream]
        for k, source in enumerate(sources):
            for reader in source.readers if source else ():
                if reader.gb == 0:
                    continue
                w = workload[reader.workload]
                item = world.instance.workloads[w]
                if isinstance(item, Job):
                    column = np.flatnonzero((slots.workload == w) & slots.is_job)
                    slot = column
                    weight = reader.gb * slots.capacity_per_s[slot] * 3600.0 / item.work
                else:
                    column = np.flatnonzero(flow_workload == w)
                    slot = flows.slot[column]
                    first = int(np.searchsorted(services.workload, w))
                    weight = reader.gb * _served(world, item, first, flows.stream[column], slots.period[slot])
                key = (k * regions + slots.region[slot]).astype(np.int64)
                keys.append(key)
                parts.append((isinstance(item, Job), key, column.astype(np.int64), weight))
        rows = np.unique(_concat(keys))
        self.dataset, self.region = rows // regions, rows % regions
        self.by_flow = _membership(rows, [p[1:] for p in parts if not p[0]])
        self.by_work = _membership(rows, [p[1:] for p in parts if p[0]])


def _served(world: World, service: Service, first: int, stream: Ints, period: Ints) -> Floats:
    """Return the part of all that a service does over the horizon that a unit/s of peak demand is, by flow.

    `first`: the position of its first stream among all.
    """
    demand = [rates(world, one) for one in service.streams]
    total = sum(float((peak * share * world.period_hours).sum()) for peak, share in demand)
    if total <= 0:
        return np.zeros(len(stream))
    shares = np.array([share for _, share in demand])
    return world.period_hours[period] * shares[stream - first, period] / total


def _membership(rows: Ints, parts: Sequence[tuple[Ints, Ints, Floats]]) -> Membership:
    key = _concat([p[0] for p in parts])
    row = np.searchsorted(rows, key).astype(np.int64)
    return Membership(row, _concat([p[1] for p in parts]), _joined([p[2] for p in parts]))


def _concat(parts: Sequence[Ints]) -> Ints:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _joined(parts: Sequence[Floats]) -> Floats:
    return np.concatenate([np.zeros(0), *parts])
