"""Simple solutions of services: all streams together on two slots at most, or every stream apart on two of its own.

A service whose presence in regions is decided keeps to one region (problems of one period).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.decomposition.pairs import Covers, Items, cover_demands, least_of
from optimizer.solve.decomposition.service_bounds import ServiceBounds, summed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class SimpleServices:
    """By workload the cost of its simple solution, free of presence and in one region (inf: none); by cell the covers,
    and whether streams go apart; by (cell, region) the covers, and by cell the best region's position (-1: none).
    """

    cost_usd: Floats
    together: Covers
    apart: Covers
    goes_apart: Bools
    one_region_usd: Floats
    regional: Covers
    best_region: Ints


class ServiceCovers:
    """Finds simple solutions; a *cell* is a service in a period, an item a slot that can serve one, or a stream."""

    def __init__(self, bounds: ServiceBounds) -> None:
        self.bounds = bounds
        demand, cell_of_stream = bounds.demand, bounds.cell_of_stream
        cells = bounds.workloads * bounds.periods
        order = np.argsort(cell_of_stream, kind="stable")
        ends = np.searchsorted(cell_of_stream[order], np.arange(cells + 1))
        self.streams_of_cell = [order[begin:end] for begin, end in pairwise(ends)]
        self.total = summed(cell_of_stream, demand, cells)
        streams = summed(cell_of_stream, demand > 0, cells)
        served = np.bincount(bounds.slot_of, minlength=bounds.slots)
        self.is_endpoint = np.zeros(bounds.slots, dtype=bool)
        self.is_endpoint[bounds.slot_of[bounds.is_endpoint]] = True
        most = np.where(self.is_endpoint, np.inf, bounds.most)
        alone = np.flatnonzero((served > 0) & (served == streams[bounds.cell_of_slot]))
        self.alone = alone[np.argsort(bounds.cell_of_slot[alone], kind="stable")]
        self.cells = Items(bounds.cell_of_slot[self.alone], self.total, bounds.capacity[self.alone], most[self.alone])
        # Streams that go apart may meet on a slot: each may count on its share of the slot's instances only.
        each = np.ceil(bounds.wanted / bounds.capacity[bounds.slot_of] - 1e-9)
        all_apart = summed(bounds.slot_of, each, bounds.slots)
        kept = np.flatnonzero(most[bounds.slot_of] >= all_apart[bounds.slot_of])
        self.kept = kept[np.argsort(bounds.stream_of[kept], kind="stable")]
        slot = bounds.slot_of[self.kept]
        room = np.where(self.is_endpoint[slot], np.inf, each[self.kept])
        self.streams = Items(bounds.stream_of[self.kept], demand, bounds.capacity[slot], room)
        self._regional(most)
        self.by_slot = np.argsort(bounds.slot_of, kind="stable")
        self.slot_start = np.searchsorted(bounds.slot_of[self.by_slot], np.arange(bounds.slots + 1))

    def _regional(self, most: Floats) -> None:
        """Group the slots that could serve all by (cell, region), for services whose presence is decided."""
        bounds = self.bounds
        own = self.alone[bounds.present_column[self.alone] >= 0] if bounds.periods == 1 else self.alone[:0]
        label = bounds.present_column[own]
        self.regional_slots = own[np.argsort(label, kind="stable")]
        self.present, group = np.unique(bounds.present_column[self.regional_slots], return_inverse=True)
        self.cell_of_present = np.zeros(self.present.size, dtype=np.int64)
        self.cell_of_present[group] = bounds.cell_of_slot[self.regional_slots]
        slots = self.regional_slots
        self.regions = Items(group, self.total[self.cell_of_present], bounds.capacity[slots], most[slots])

    def find(self, instance_usd: Floats, flow_usd: Floats, reduced_cost: Floats) -> SimpleServices:
        """Return the simple solutions at the costs of instances (by slot), flows (USD per unit/s) and all columns."""
        bounds = self.bounds
        serving = flow_usd[bounds.flows] * bounds.wanted
        whole = summed(bounds.slot_of, serving, bounds.slots)
        together = cover_demands(self.cells, instance_usd[self.alone], whole[self.alone])
        apart = cover_demands(self.streams, instance_usd[bounds.slot_of[self.kept]], serving[self.kept])
        each = np.where(bounds.demand > 0, apart.cost_usd, 0.0)
        sum_apart = summed(bounds.cell_of_stream, each, self.total.size)
        best = np.where(self.total > 0, np.minimum(together.cost_usd, sum_apart), 0.0)
        cost = summed(np.repeat(np.arange(bounds.workloads), bounds.periods), best, bounds.workloads)
        regional = cover_demands(self.regions, instance_usd[self.regional_slots], whole[self.regional_slots])
        in_one = regional.cost_usd + reduced_cost[self.present]
        least, best_region = least_of(in_one, self.cell_of_present, self.total.size)
        return SimpleServices(
            cost, together, apart, sum_apart < together.cost_usd, least[: bounds.workloads], regional, best_region
        )

    def in_one_region(self, workload: int, found: SimpleServices) -> tuple[Ints, Floats]:
        """Return (columns, values) of the simple solution in one region of a service that has one."""
        group = int(found.best_region[workload])
        parts = [(self.present[[group]], np.ones(1))]
        for item, count, share in _two(found.regional, group):
            slot = self.regional_slots[item]
            parts.append(self._placed(slot, count, self._flows_of(slot), share))
        return _merged(parts)

    def _flows_of(self, slot: int) -> Ints:
        return self.by_slot[self.slot_start[slot] : self.slot_start[slot + 1]]

    def configuration(self, workload: int, found: SimpleServices) -> tuple[Ints, Floats]:
        """Return (columns, values) of the simple solution of a service that has one."""
        parts: list[tuple[Ints, Floats]] = []
        periods = self.bounds.periods
        for cell in range(workload * periods, (workload + 1) * periods):
            if self.total[cell] <= 0:
                continue
            if found.goes_apart[cell]:
                streams = self.streams_of_cell[cell]
                for stream in streams[self.bounds.demand[streams] > 0].tolist():
                    parts += self._apart(stream, found.apart)
            else:
                parts += self._together(cell, found.together)
        return _merged(parts)

    def _together(self, cell: int, covers: Covers) -> list[tuple[Ints, Floats]]:
        parts = []
        for item, count, share in _two(covers, cell):
            slot = self.alone[item]
            parts.append(self._placed(slot, count, self._flows_of(slot), share))
        return parts

    def _apart(self, stream: int, covers: Covers) -> list[tuple[Ints, Floats]]:
        parts = []
        for item, count, share in _two(covers, stream):
            flow = self.kept[[item]]
            parts.append(self._placed(self.bounds.slot_of[flow[0]], count, flow, share))
        return parts

    def _placed(self, slot: int, count: float, flows: Ints, share: float) -> tuple[Ints, Floats]:
        bounds = self.bounds
        columns = np.concatenate([bounds.column_of_slot[[slot]], bounds.column_of_flow[bounds.flows[flows]]])
        return columns, np.concatenate([[count], share * bounds.wanted[flows]])


def _merged(parts: list[tuple[Ints, Floats]]) -> tuple[Ints, Floats]:
    """Return distinct columns and what their values add up to; columns of -1 do not exist."""
    column = np.concatenate([np.zeros(0, dtype=np.int64), *(part[0] for part in parts)])
    value = np.concatenate([np.zeros(0), *(part[1] for part in parts)])
    held = column >= 0
    distinct, place = np.unique(column[held], return_inverse=True)
    return distinct, summed(place, value[held], distinct.size)


def _two(covers: Covers, group: int) -> list[tuple[int, float, float]]:
    """Return (item, count, share) of the lead and of the rest of a cover, where they carry anything."""
    share = float(covers.lead_share[group])
    both = [
        (int(covers.lead[group]), float(covers.lead_count[group]), share),
        (int(covers.rest[group]), float(covers.rest_count[group]), 1.0 - share),
    ]
    return [part for part in both if part[2] > 0.0]
