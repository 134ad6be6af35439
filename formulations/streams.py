r"""Streams that are one: equal in everything a `Problem` says of them but their demand.

Streams j of one service are *alike* when they may be served by the same slots, at the same coefficients, drawing alike
on the same pools, datasets, duties and requirements, and are left unserved at the same penalty or not at all. Only sums
over them matter then: with F[i] = sum_j f[j,i] and D[t] = sum_j D[j,t],

    F  obeys the rows of one stream of demand D   <=>   f[j,i] = F[i] D[j,t(i)] / D[t(i)]  obeys those of all of them

(demand, throughput, presence and limits are linear in f, and each bound of a stream is in proportion to its demand). So
a model needs one stream of them, with the sum of their demand, and a plan hands out what serves it in proportion.

That holds of tables of which it is stated. Services that survive failures keep their streams, since their cells are
told apart by streams, and so do all where any other table has rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from formulations.columns import Bools, Coefficients, Floats, Ints, Membership
from formulations.problem import Problem
from formulations.tables import Tables, take, with_values

STREAM, FLOW = "stream", "flow"


@dataclass(frozen=True)
class MergedStreams:
    """A problem with one stream for all that are alike.

    `flow` and `stream` tell for every flow and stream of the original which one of `problem` it is part of; `flow_part`
    [flows] and `stream_part` [streams, periods] with which part of it.
    """

    problem: Problem
    flow: Ints
    flow_part: Floats
    stream: Ints
    stream_part: Floats

    def split(self, values: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return values of the original's tables; none where there are none."""
        if not values:
            return {}
        unserved = values["unserved"].reshape(-1, self.stream_part.shape[1])
        return {
            **values,
            "flow": values["flow"][self.flow] * self.flow_part,
            "unserved": (unserved[self.stream] * self.stream_part).ravel(),
        }


def merge_streams(problem: Problem) -> MergedStreams | None:
    """Return the problem with streams that are alike merged; None where there are none."""
    tables = Tables(problem)
    if not tables.are_in_proportion():
        return None
    leader = alike_streams(problem)
    kept = np.flatnonzero(leader == np.arange(leader.size))
    if kept.size == leader.size:
        return None
    subset = take(problem, {STREAM: kept})
    stream = np.searchsorted(kept, leader)
    sums = []
    for one in tables.columns:
        if one.column.adds_up:
            total = np.zeros((kept.size, *one.value.shape[1:]))
            np.add.at(total, stream, one.value)
            sums.append((one, total))
    merged = with_values(subset.problem, sums)
    demand, whole = problem.services.demand_per_s, merged.services.demand_per_s[stream]
    part = np.divide(demand, whole, out=np.zeros_like(whole), where=whole > 0)
    flows = problem.flows
    flow = _flow_of_leader(problem, leader, subset.kept[FLOW])
    return MergedStreams(merged, flow, part[flows.stream, problem.slots.period[flows.slot]], stream, part)


def alike_streams(problem: Problem) -> Ints:
    """Return for every stream the first of those that are alike, which is itself where it is like no other."""
    services, flows, stated = problem.services, problem.flows, Tables(problem).columns
    leader = np.arange(services.workload.size)
    among = _candidates(problem)
    if not among.any():
        return leader
    own = np.flatnonzero(among[flows.stream])
    own = own[np.lexsort((flows.slot[own], flows.stream[own]))]
    place = np.full(flows.stream.size, -1, dtype=np.int64)
    place[own] = np.arange(own.size)
    columns: list[Ints | Floats] = []
    for one in stated:
        if one.column.rows == (FLOW,) and one.column.points_to != (STREAM,):
            arrays = one.value.named().values() if isinstance(one.value, Coefficients) else [one.value]
            columns += [array[own] + 0 for array in arrays]  # minus zero is zero
    members = [_by_flow(one.value, place, own.size) for one in stated if one.column.points_to == (FLOW,)]
    alike = [
        one.value > 0 if one.column.adds_up else one.value + 0.0 for one in stated if one.column.rows[:1] == (STREAM,)
    ]  # the workload among them
    begin = np.searchsorted(flows.stream[own], np.arange(leader.size + 1))
    first: dict[tuple[object, ...], int] = {}
    for j in np.flatnonzero(among).tolist():
        at = slice(int(begin[j]), int(begin[j + 1]))
        key = (
            *(value[j].tobytes() for value in alike),
            *(column[at].tobytes() for column in columns), *(_told(member, at) for member in members),
        )  # fmt: skip
        leader[j] = first.setdefault(key, j)
    return leader


def _candidates(problem: Problem) -> Bools:
    """Whether another stream of the service has as many flows, on slots with the same sum: few have."""
    streams = problem.services.workload.size
    count = np.bincount(problem.flows.stream, minlength=streams)
    total = np.bincount(problem.flows.stream, problem.flows.slot, streams)
    same = np.stack([problem.services.workload.astype(np.float64), count.astype(np.float64), total], axis=1)
    _, number, times = np.unique(same, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(times[number.ravel()] > 1, dtype=np.bool_)


def _by_flow(members: Membership, place: Ints, size: int) -> sparse.csr_array:
    """Return the entries of flows that have a place, one row each, rows of the membership in order."""
    kept = np.flatnonzero(place[members.column] >= 0)
    width = int(members.row.max(initial=-1)) + 1
    return sparse.csr_array(
        (members.weight[kept], (place[members.column[kept]], members.row[kept])), shape=(size, width)
    )


def _told(members: sparse.csr_array, at: slice) -> tuple[bytes, bytes, bytes]:
    """Return what flows are members of, with which weights."""
    begin, end = members.indptr[at.start], members.indptr[at.stop]
    ends = members.indptr[at.start : at.stop + 1] - begin
    return ends.tobytes(), members.indices[begin:end].tobytes(), (members.data[begin:end] + 0.0).tobytes()


def _flow_of_leader(problem: Problem, leader: Ints, kept: Ints) -> Ints:
    """Return for every flow the number among the kept ones of its leader's flow on the same slot."""
    flows, slots = problem.flows, problem.slots.workload.size
    key = leader[flows.stream] * slots + flows.slot
    order = np.argsort(key[kept], kind="stable")
    return np.asarray(order[np.searchsorted(key[kept][order], key)], dtype=np.int64)
