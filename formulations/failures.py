"""The table of failure flows: which service loses which place, and what could take over (see `formulations.survival`).

Slots of a service that lie in one region and period, serve the same streams and meet the same requirements and reads
are one *cell*: in a failure only their joint capacity matters. A slot whose flows draw on a work-rate pool is a cell
of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from formulations.indexing import group
from formulations.problem import Bools, Floats, Ints, Membership, Problem
from formulations.sets import derive_sets

REGION, METRO, PROVIDER = 0, 1, 2


@dataclass(frozen=True)
class Failures:
    """Failure flows g, one row each, and the cells they use.

    By failure flow: `case` (row of Survival), `place` (label of what fails, of the case's kind), `stream`, `period`,
    `region`, `cell`, `flow` (the flow of the stream on the cell's first slot) and `most` (share x demand, units/s).
    By cell member: `member_cell`, `member_slot`. By cell: `cell_has_instances`.
    Cases that fail: `event_case`, `event_place`; those where nothing of the service, but a copy it reads is lost,
    included.
    """

    case: Ints
    place: Ints
    stream: Ints
    period: Ints
    region: Ints
    cell: Ints
    flow: Ints
    most: Floats
    member_cell: Ints
    member_slot: Ints
    cell_has_instances: Bools
    event_case: Ints
    event_place: Ints


@dataclass(frozen=True)
class _Cells:
    """Cells of one service: members (slot, cell), and (cell, stream) pairs with their flow."""

    slot: Ints
    cell_of_slot: Ints
    pair_cell: Ints
    pair_flow: Ints
    count: int


def place_labels(problem: Problem, kind: int) -> Ints:
    """Return by region the label of the place of this kind that it lies in."""
    regions = problem.regions
    return (np.arange(len(regions.ids)), regions.metro, regions.provider)[kind]


def datasets_read(problem: Problem, workload: int) -> Ints:
    """Return the datasets that flows of the workload read."""
    reads = problem.datasets.read_by_flow
    mine = problem.slots.workload[problem.flows.slot[reads.column]] == workload
    return np.unique(problem.datasets.read_dataset[reads.row[mine]])


def find_failures(problem: Problem) -> Failures:
    """Return the failure flows of every survival case."""
    slots, flows, survival = problem.slots, problem.flows, problem.survival
    if not survival.workload.size:
        return _no_failures()
    sets = derive_sets(problem)
    parts: list[tuple[np.ndarray, ...]] = []
    members: list[tuple[Ints, Ints]] = []
    events: list[tuple[Ints, Ints]] = []
    cells_so_far = 0
    for case in range(survival.workload.size):
        workload, label = int(survival.workload[case]), place_labels(problem, int(survival.of[case]))
        mine = np.flatnonzero((sets.flow_workload == workload) & (sets.demand_of_flow > 0))
        cells = _cells(problem, mine)
        places = _failing_places(problem, workload, label, mine)
        events.append((np.full(places.size, case), places))
        members.append((cells.slot, cells.cell_of_slot + cells_so_far))
        place_of_pair = label[slots.region[flows.slot[cells.pair_flow]]]
        which, pair = np.nonzero(places[:, None] != place_of_pair[None, :])
        flow = cells.pair_flow[pair]
        most = survival.share[case] * sets.demand_of_flow[flow]
        parts.append((np.full(flow.size, case), places[which], cells.pair_cell[pair] + cells_so_far, flow, most))
        cells_so_far += cells.count
    case_of, place, cell, flow, most = (_stack(parts, column) for column in range(5))
    member_slot, member_cell = _stack(members, 0), _stack(members, 1)
    has_instances = np.zeros(cells_so_far, dtype=np.bool_)
    has_instances[member_cell] = ~slots.is_endpoint[member_slot]
    return Failures(
        case=case_of,
        place=place,
        stream=flows.stream[flow],
        period=slots.period[flows.slot[flow]],
        region=slots.region[flows.slot[flow]],
        cell=cell,
        flow=flow,
        most=most.astype(np.float64),
        member_cell=member_cell,
        member_slot=member_slot,
        cell_has_instances=has_instances,
        event_case=_stack(events, 0),
        event_place=_stack(events, 1),
    )


def _no_failures() -> Failures:
    none, no_amount, no_mark = np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0, dtype=np.bool_)
    return Failures(none, none, none, none, none, none, none, no_amount, none, none, no_mark, none, none)


def _stack(parts: Sequence[tuple[np.ndarray, ...]], column: int) -> np.ndarray:
    if not parts:
        return np.zeros(0, dtype=np.int64)
    return np.concatenate([part[column] for part in parts])


def _failing_places(problem: Problem, workload: int, label: Ints, mine: Ints) -> Ints:
    """Return the places where the workload could run, or a copy that it reads could lie."""
    datasets = problem.datasets
    runs = label[problem.slots.region[problem.flows.slot[mine]]]
    read = np.isin(datasets.copy_dataset, datasets_read(problem, workload))
    return (
        np.unique(np.concatenate([runs, label[datasets.copy_region[read]]]))
        if mine.size
        else np.zeros(0, dtype=np.int64)
    )


def _cells(problem: Problem, mine: Ints) -> _Cells:
    """Group the slots of the flows `mine` (of one service) into cells."""
    slots, flows = problem.slots, problem.flows
    order = mine[np.argsort(flows.slot[mine], kind="stable")]
    signature = _signatures(problem, order)
    pooled = set(problem.pools.by_flow.column.tolist())
    own: dict[int, list[tuple[int, int]]] = defaultdict(list)
    alone: set[int] = set()
    for flow, slot, stream in zip(
        order.tolist(), flows.slot[order].tolist(), flows.stream[order].tolist(), strict=True
    ):
        own[slot].append((stream, signature.get(flow, 0)))
        if flow in pooled or slots.is_endpoint[slot]:
            alone.add(slot)
    number: dict[tuple[object, ...], int] = {}
    slot_ids = np.array(sorted(own), dtype=np.int64)
    cell_of = np.zeros(slot_ids.size, dtype=np.int64)
    for position, slot in enumerate(slot_ids.tolist()):
        key: tuple[object, ...] = (int(slots.region[slot]), int(slots.period[slot]), *sorted(own[slot]))
        key = (*key, "alone", slot) if slot in alone else key
        cell_of[position] = number.setdefault(key, len(number))
    cell_of_flow = cell_of[np.searchsorted(slot_ids, flows.slot[order])]
    _, first = group(cell_of_flow, flows.stream[order])
    return _Cells(slot_ids, cell_of, cell_of_flow[first], order[first], len(number))


def _signatures(problem: Problem, flows: Ints) -> dict[int, int]:
    """Number the distinct sets of requirement rows and datasets read among the flows; one with none has no number."""
    wanted = set(flows.tolist())
    marks: dict[int, list[tuple[str, int, float]]] = defaultdict(list)
    by_requirement = problem.mechanisms.by_flow
    read = problem.datasets.read_by_flow
    dataset = problem.datasets.read_dataset[read.row]
    for name, members in (
        ("requirement", by_requirement),
        ("read", Membership(dataset, read.column, np.ones(read.column.size))),
    ):
        kept = np.isin(members.column, flows)
        for row, flow, weight in zip(
            members.row[kept].tolist(), members.column[kept].tolist(), members.weight[kept].tolist(), strict=True
        ):
            marks[flow].append((name, row, weight))
    number: dict[tuple[tuple[str, int, float], ...], int] = {}
    return {flow: number.setdefault(tuple(sorted(marks[flow])), len(number) + 1) for flow in marks if flow in wanted}
