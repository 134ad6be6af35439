"""Simple solutions of services: all streams together on two slots at most, or every stream apart on two of its own.

A service whose presence in regions is decided keeps to one region (problems of one period).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.solve.decomposition.configuration_rows import Part, as_rows, ranges
from optimizer.solve.decomposition.service_bounds import ServiceBounds, summed
from optimizer.solve.decomposition.slot_pairs import Covers, Items, cover_demands, least_of

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
        self.streams_by_cell = np.argsort(cell_of_stream, kind="stable")
        self.stream_start = np.searchsorted(cell_of_stream[self.streams_by_cell], np.arange(cells + 1))
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

    def configurations(self, workloads: Ints, found: SimpleServices) -> sparse.csr_array:
        """Return the simple solutions of some services that have one: shape [workloads, columns of the model]."""
        bounds = self.bounds
        periods = bounds.periods
        cell = (workloads[:, None] * periods + np.arange(periods)).ravel()
        owner = np.repeat(np.arange(workloads.size), periods)
        filled, apart = self.total[cell] > 0, found.goes_apart[cell]
        parts = []
        alone = np.flatnonzero(filled & ~apart)
        for which, item, count, share in _two(found.together, cell[alone]):
            parts.append(self._placed(owner[alone[which]], self.alone[item], count, share))
        own = np.flatnonzero(filled & apart)
        sizes = self.stream_start[cell[own] + 1] - self.stream_start[cell[own]]
        stream = self.streams_by_cell[ranges(self.stream_start[cell[own]], sizes)]
        owner = np.repeat(owner[own], sizes)
        wanted = np.flatnonzero(bounds.demand[stream] > 0)
        for which, item, count, share in _two(found.apart, stream[wanted]):
            flow, whose = self.kept[item], owner[wanted[which]]
            parts.append((whose, bounds.column_of_slot[bounds.slot_of[flow]], count))
            parts.append((whose, bounds.column_of_flow[bounds.flows[flow]], share * bounds.wanted[flow]))
        return as_rows(parts, workloads.size, bounds.columns)

    def in_one_region(self, workloads: Ints, found: SimpleServices) -> sparse.csr_array:
        """Return the simple solutions in one region of some services that have one: shape as above."""
        group = found.best_region[workloads]
        every = np.arange(workloads.size)
        parts = [(every, self.present[group], np.ones(workloads.size))]
        for which, item, count, share in _two(found.regional, group):
            parts.append(self._placed(every[which], self.regional_slots[item], count, share))
        return as_rows(parts, workloads.size, self.bounds.columns)

    def _placed(self, row: Ints, slot: Ints, count: Floats, share: Floats) -> Part:
        """Return the entries of so many instances of slots and a share of all that they can serve."""
        bounds = self.bounds
        first, sizes = self.slot_start[slot], self.slot_start[slot + 1] - self.slot_start[slot]
        flow = self.by_slot[ranges(first, sizes)]
        return (
            np.concatenate([row, np.repeat(row, sizes)]),
            np.concatenate([bounds.column_of_slot[slot], bounds.column_of_flow[bounds.flows[flow]]]),
            np.concatenate([count, np.repeat(share, sizes) * bounds.wanted[flow]]),
        )


def _two(covers: Covers, group: Ints) -> list[tuple[Ints, Ints, Floats, Floats]]:
    """Return (position in `group`, item, count, share) of the leads and of the rests of covers, of those that carry
    anything.
    """
    share = covers.lead_share[group]
    both = []
    for item, count, carried in (
        (covers.lead[group], covers.lead_count[group], share),
        (covers.rest[group], covers.rest_count[group], 1.0 - share),
    ):
        which = np.flatnonzero(carried > 0.0)
        both.append((which, item[which], count[which], carried[which]))
    return both
