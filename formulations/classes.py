"""Classes of identical workloads: equal in everything a `Problem` says of them but their id.

Workloads of one class may change places in any plan. Compared are, number by number, their slots, flows, streams,
jobs, presences and their bounds, survival and moves with all coefficients, and their membership in pools, budgets,
shares, reads and requirements with all weights. Slots are compared by period and offer, streams and everything else in
the order of the tables; workloads that differ only in that order count as different, which loses nothing but a class.

A requirement row that holds activities of one workload alone is that workload's own: two such rows are equal when
bound and mechanisms are. A row that holds several workloads, or a copy, is equal to itself only.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Bools, Coefficients, Ints, Membership, Problem

Words = NDArray[np.uint64]

_FACTOR, _STEP = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True)
class _Table:
    """Rows of some workloads, those of one workload together and in canonical order; every column as 64-bit words."""

    owner: Ints
    columns: tuple[Words, ...]


def identical_workloads(problem: Problem) -> Ints:
    """Return the class of every workload, numbered by its first member; a workload like no other is its own class."""
    workloads = len(problem.workload_ids)
    every = np.ones(workloads, dtype=np.bool_)
    label = np.zeros(workloads, dtype=np.int64)
    counts = [np.bincount(owner, minlength=workloads) for owner in _owners(problem)]
    for count in counts:
        label = _numbered(label, count.view(np.uint64))
    tables = _small_tables(problem, every)
    for table in tables:
        label = _numbered(label, _digest(table, workloads))
    among = np.bincount(label, minlength=workloads)[label] > 1
    if among.any():
        large = _large_tables(problem, among)
        for table in large:
            label = _numbered(label, _digest(table, workloads))
        tables += large
    return _verified(label, tables)


def _owners(problem: Problem) -> list[Ints]:
    """Return the workload of every row of the tables whose lengths alone tell most workloads apart."""
    return [problem.slots.workload, problem.slots.workload[problem.flows.slot], problem.presence.workload]


def _small_tables(problem: Problem, among: Bools) -> list[_Table]:
    """Return the tables with a few rows per workload."""
    services, jobs, presence, survival = problem.services, problem.jobs, problem.presence, problem.survival
    return [
        _table(
            among, services.workload, [*services.demand_per_s.T, services.may_be_unserved, *services.unserved_usd.T]
        ),
        _table(among, jobs.workload, [getattr(jobs, f.name) for f in fields(jobs) if f.name != "workload"]),
        _table(among, presence.workload, [presence.region], (presence.region,)),
        _table(among, presence.bounded_workload, [presence.min_regions, presence.max_regions]),
        _table(among, survival.workload, [survival.of, survival.share]),
    ]


def _large_tables(problem: Problem, among: Bools) -> list[_Table]:
    """Return the tables of slots, flows and moves of some workloads, and of what these are members of."""
    slots, flows, moves, periods = problem.slots, problem.flows, problem.moves, problem.period_hours.size
    of_slot, of_flow = slots.workload, slots.workload[flows.slot]
    by_offer = (slots.period, slots.offer)
    slot_rank = _ranks(among, of_slot, by_offer)
    stream_rank = _ranks(among, problem.services.workload, ())
    flow_order = (stream_rank[flows.stream], slot_rank[flows.slot])
    flow_rank = _ranks(among, of_flow, flow_order)
    of_move = problem.jobs.workload[moves.job]
    every_move = np.repeat(of_move, periods)
    move_rank = _ranks(among, every_move, ())
    own = [getattr(slots, f.name) for f in fields(slots) if f.name not in ("workload", "running", "working")]
    mechanisms, datasets = problem.mechanisms, problem.datasets
    kind = _requirement_kinds(problem, among)
    by_flow = Membership(kind[mechanisms.by_flow.row], mechanisms.by_flow.column, mechanisms.by_flow.weight)
    by_gang = Membership(kind[mechanisms.by_gang.row], mechanisms.by_gang.column, mechanisms.by_gang.weight)
    tables = [
        _table(among, of_slot, [*own, *_all(slots.running), *_all(slots.working)], by_offer),
        _table(among, of_flow, [*flow_order, *_all(flows.serving)], flow_order),
        _table(among, of_move, [moves.source, moves.target, *_all(moves.moving)]),
        _members(among, every_move, move_rank, problem.budgets.moves),
    ]
    in_slots = (
        problem.pools.by_instances, problem.budgets.slots, problem.shares.part, problem.shares.all,
        datasets.read_by_work, datasets.owed_by_gang, by_gang,
    )  # fmt: skip
    tables += [_members(among, of_slot, slot_rank, members) for members in in_slots]
    in_flows = (problem.pools.by_flow, datasets.read_by_flow, datasets.owed_by_flow, by_flow)
    return tables + [_members(among, of_flow, flow_rank, members) for members in in_flows]


def _all(coefficients: Coefficients) -> list[NDArray[np.float64]]:
    return [getattr(coefficients, f.name) for f in fields(coefficients)]


def _members(among: Bools, owner: Ints, rank: Ints, members: Membership) -> _Table:
    """Return the entries of a membership, by the rank of their column within its workload and by row."""
    kept = np.flatnonzero(among[owner[members.column]])
    column, row = members.column[kept], members.row[kept]
    order = (rank[column], row)
    return _table(among, owner[column], [*order, members.weight[kept]], order)


def _table(
    among: Bools, owner: Ints, columns: list[NDArray[np.generic]], order_by: tuple[Ints, ...] = ()
) -> _Table:
    """Return the rows of some workloads, sorted by workload, then by `order_by`, then as they stand."""
    kept = np.flatnonzero(among[owner])
    order = kept[_sorted_by(owner[kept], tuple(key[kept] for key in order_by))]
    return _Table(owner[order], tuple(_words(column[order]) for column in columns))


def _sorted_by(owner: Ints, order_by: tuple[Ints, ...]) -> Ints:
    return np.lexsort((*reversed(order_by), owner)) if order_by else np.argsort(owner, kind="stable")


def _ranks(among: Bools, owner: Ints, order_by: tuple[Ints, ...]) -> Ints:
    """Return the position of every row within its workload, 0 for those of other workloads than `among`."""
    kept = np.flatnonzero(among[owner])
    order = kept[_sorted_by(owner[kept], tuple(key[kept] for key in order_by))]
    ranks = np.zeros(owner.size, dtype=np.int64)
    ranks[order] = np.arange(order.size) - np.searchsorted(owner[order], owner[order])
    return ranks


def _words(values: NDArray[np.generic]) -> Words:
    """Return numbers as words that are equal when they are; minus zero is zero."""
    if values.dtype.kind == "f":
        return (np.asarray(values, dtype=np.float64) + 0.0).view(np.uint64)
    return np.ascontiguousarray(values, dtype=np.int64).view(np.uint64)


def _digest(table: _Table, workloads: int) -> Words:
    """Return a number per workload that is equal where all its rows are (and hardly ever elsewhere)."""
    out = np.zeros(workloads, dtype=np.uint64)
    if not table.owner.size:
        return out
    begin = np.flatnonzero(np.diff(table.owner, prepend=-1))
    mixed = (np.arange(table.owner.size) - np.repeat(begin, np.diff(begin, append=table.owner.size))).astype(np.uint64)
    for column in table.columns:
        mixed = (mixed ^ column) * _FACTOR
        mixed ^= mixed >> np.uint64(29)
    out[table.owner[begin]] = np.add.reduceat(mixed * _STEP + np.uint64(1), begin)
    return out


def _numbered(label: Ints, words: Words) -> Ints:
    """Return labels that tell apart what `label` or `words` do."""
    second = np.unique(words, return_inverse=True)[1]
    return np.unique(label * (int(second.max(initial=0)) + 1) + second, return_inverse=True)[1].astype(np.int64)


def _verified(label: Ints, tables: list[_Table]) -> Ints:
    """Return the classes: workloads of one label whose rows all equal those of its first; others stand alone."""
    size = label.size
    first = np.full(int(label.max(initial=-1)) + 1, size, dtype=np.int64)
    np.minimum.at(first, label, np.arange(size))
    like = first[label]
    equal = np.ones(size, dtype=np.bool_)
    for table in tables:
        begin = np.searchsorted(table.owner, np.arange(size + 1))
        count = np.diff(begin)
        equal &= count == count[like]
        rows = np.flatnonzero(equal[table.owner] & (like[table.owner] != table.owner))
        owner = table.owner[rows]
        model = begin[like[owner]] + rows - begin[owner]
        for column in table.columns:
            equal[owner[column[rows] != column[model]]] = False
    leader = np.where(equal, like, np.arange(size))
    return np.unique(leader, return_inverse=True)[1].astype(np.int64)


def _requirement_kinds(problem: Problem, among: Bools) -> Ints:
    """Return by requirement row a number that rows of different workloads share when they ask the same of each.

    A row of one workload alone: by bound, mechanisms and its place among the workload's rows; any other: by itself.
    """
    mechanisms, slots = problem.mechanisms, problem.slots
    rows = mechanisms.bound.size
    least, most = np.full(rows, among.size, dtype=np.int64), np.full(rows, -1, dtype=np.int64)
    for members, owner in (
        (mechanisms.by_flow, slots.workload[problem.flows.slot[mechanisms.by_flow.column]]),
        (mechanisms.by_gang, slots.workload[mechanisms.by_gang.column]),
    ):
        np.minimum.at(least, members.row, owner)
        np.maximum.at(most, members.row, owner)
    own = (least == most) & (most >= 0)
    own[mechanisms.by_copy.row] = False
    own &= among[np.minimum(least, among.size - 1)]
    kind = np.arange(rows) + rows
    chosen = np.flatnonzero(own)
    rank = _ranks(among, least[chosen], ())
    order = np.lexsort((mechanisms.satisfied_by.column, mechanisms.satisfied_by.row))
    row, column = mechanisms.satisfied_by.row[order], mechanisms.satisfied_by.column[order]
    begin, end = np.searchsorted(row, chosen), np.searchsorted(row, chosen, side="right")
    seen: dict[tuple[float, int, bytes], int] = {}
    bounds, weights = mechanisms.bound, mechanisms.satisfied_by.weight[order]
    for r, place, b, e in zip(chosen.tolist(), rank.tolist(), begin.tolist(), end.tolist(), strict=True):
        key = (float(bounds[r]), place, column[b:e].tobytes() + weights[b:e].tobytes())
        kind[r] = seen.setdefault(key, len(seen))
    return kind
