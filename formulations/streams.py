r"""Streams that are one: equal in everything a `Problem` says of them but their demand.

Streams j of one service are *alike* when they may be served by the same slots, at the same coefficients, drawing alike
on the same pools, datasets, duties and requirements, and are left unserved at the same penalty or not at all. Only sums
over them matter then: with F[i] = sum_j f[j,i] and D[t] = sum_j D[j,t],

    F  obeys the rows of one stream of demand D   <=>   f[j,i] = F[i] D[j,t(i)] / D[t(i)]  obeys those of all of them

(demand, throughput, presence and limits are linear in f, and each bound of a stream is in proportion to its demand). So
a model needs one stream of them, with the sum of their demand, and a plan hands out what serves it in proportion.

Services that survive failures keep their streams: their cells are told apart by streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy import sparse

from formulations.problem import Bools, Coefficients, Floats, Ints, Membership, Problem


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
    if problem.survival.workload.size:
        return None
    leader = alike_streams(problem)
    kept = np.flatnonzero(leader == np.arange(leader.size))
    if kept.size == leader.size:
        return None
    services, flows = problem.services, problem.flows
    number = np.full(leader.size, -1, dtype=np.int64)
    number[kept] = np.arange(kept.size)
    stream = number[leader]
    demand = np.zeros((kept.size, services.demand_per_s.shape[1]))
    np.add.at(demand, stream, services.demand_per_s)
    whole = demand[stream]
    part = np.divide(services.demand_per_s, whole, out=np.zeros_like(whole), where=whole > 0)
    kept_flows = np.flatnonzero(leader[flows.stream] == flows.stream)
    flow = _flow_of_leader(problem, leader, kept_flows)
    place = np.full(flow.size, -1, dtype=np.int64)
    place[kept_flows] = np.arange(kept_flows.size)
    merged = replace(
        problem,
        services=replace(
            services,
            workload=services.workload[kept],
            demand_per_s=demand,
            may_be_unserved=services.may_be_unserved[kept],
            unserved_usd=services.unserved_usd[kept],
        ),
        flows=replace(
            flows,
            stream=number[flows.stream[kept_flows]],
            slot=flows.slot[kept_flows],
            serving=flows.serving.take(kept_flows),
        ),
        pools=replace(problem.pools, by_flow=problem.pools.by_flow.renumbered(place)),
        datasets=replace(
            problem.datasets,
            read_by_flow=problem.datasets.read_by_flow.renumbered(place),
            owed_by_flow=problem.datasets.owed_by_flow.renumbered(place),
        ),
        mechanisms=replace(problem.mechanisms, by_flow=problem.mechanisms.by_flow.renumbered(place)),
    )
    return MergedStreams(merged, flow, part[flows.stream, problem.slots.period[flows.slot]], stream, part)


def alike_streams(problem: Problem) -> Ints:
    """Return for every stream the first of those that are alike, which is itself where it is like no other."""
    services, flows = problem.services, problem.flows
    leader = np.arange(services.workload.size)
    among = _candidates(problem)
    if not among.any():
        return leader
    own = np.flatnonzero(among[flows.stream])
    own = own[np.lexsort((flows.slot[own], flows.stream[own]))]
    place = np.full(flows.stream.size, -1, dtype=np.int64)
    place[own] = np.arange(own.size)
    columns = [flows.slot[own], *(getattr(flows.serving, f.name)[own] + 0.0 for f in fields(Coefficients))]
    members = [
        _by_flow(membership, place, own.size)
        for membership in (
            problem.pools.by_flow,
            problem.datasets.read_by_flow,
            problem.datasets.owed_by_flow,
            problem.mechanisms.by_flow,
        )
    ]
    begin = np.searchsorted(flows.stream[own], np.arange(leader.size + 1))
    chosen = np.flatnonzero(among)
    first: dict[tuple[object, ...], int] = {}
    workload = -1
    for j in chosen[np.argsort(services.workload[chosen], kind="stable")].tolist():
        if services.workload[j] != workload:
            workload, first = int(services.workload[j]), {}
        at = slice(int(begin[j]), int(begin[j + 1]))
        may = bool(services.may_be_unserved[j])
        key = (
            may, services.unserved_usd[j].tobytes() if may else b"", (services.demand_per_s[j] > 0).tobytes(),
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
