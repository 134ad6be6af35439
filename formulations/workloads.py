r"""Services: demand, throughput and presence.

Sets: streams j of service w(j), periods t, slots i (service w, offer, region r(i), period t(i)), flows q = (j, i),
presences p = (w, r).

Parameters: D[j,t] peak demand (units/s) · K[i] capacity of one instance (units/s, target utilisation included) ·
N[i] most instances of slot i · L[w], U[w] least and most regions.

Variables:
    instances  n[i] integer, 0 <= n[i] <= N[i]        instances kept running through the period
    flow       f[q] >= 0, <= D[j,t]                   units/s of peak demand served
    unserved   v[j,t] >= 0, <= D[j,t]                 units/s left unserved, only where it is allowed; index j*T + t
    present    a[p] binary                            the workload is present in the region

Constraints (all local to one workload):
    demand             sum_i f[j,i] + v[j,t] = D[j,t]                              every j, t with D[j,t] > 0
    throughput         sum_j f[j,i] <= K'[i] n[i]                                  every slot of instances
    cover              sum_i K'[i] n[i] + sum_{q on endpoints} f[q] + sum_j v[j,t] >= sum_j D[j,t]    every w, t
    present_flow       sum_{i in r,t} f[j,i] <= D[j,t] a[w,r]                      every j, t, r
    present_instances  sum_{i in r,t} n[i] <= (sum_{i in r,t} N[i]) a[w,r]         every w, t, r
    most_regions       sum_r a[w,r] <= U[w]                                        where U[w] binds at all
    least_regions      sum_r a[w,r] >= L[w]                                        where L[w] >= 2
    present_backed     a[w,r] <= sum_i n[i] + sum_q f[q] / (0.01 sum_{j,t} D[j,t]) + sum_i b[i]
                       where L[w] >= 2: a region counts when an instance or a gang is kept there, or endpoints there
                       serve at least 1 % of the demand (over all periods)

K'[i] = min(K[i], sum of D[j,t] over the streams that slot i can serve): an instance that could serve more than there is
counts for what there is. That changes no plan (n is whole) and tightens the relaxation, where half an instance would
do. `cover` follows from demand and throughput; it is there for branch and bound alone, which derives cuts from a row
that holds the instances of a period together, and only in models of at most `COVER_SLOTS` slots (larger ones are not
solved whole). With L[w] = 1 no row on regions is needed: demand that is served already has a region.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from formulations.bulk import Block, add_family, add_rows, block, group
from formulations.domains import Domain
from formulations.problem import Floats, Problem
from formulations.sets import Sets, sets_of

COVER_SLOTS = 20_000
"""Models with more slots than this get no `cover` rows."""

COUNTED_SHARE = 0.01
"""Share of a workload's demand that endpoints in a region must serve for the region to count as one of its regions."""


def add_variables(model: Any, problem: Problem) -> None:
    """Add instances, flow, unserved and present."""
    sets = sets_of(model, problem)
    slots, services = problem.slots, problem.services
    serving = np.flatnonzero(sets.serving_slots)
    size = slots.workload.size
    add_family(
        model, "instances", serving, Domain.WHOLE, size=size, upper=np.floor(slots.max_instances[serving])
    )
    flows = np.arange(problem.flows.stream.size)
    add_family(model, "flow", flows, Domain.REAL, size=flows.size, upper=sets.demand_of_flow)
    demand = services.demand_per_s.ravel()
    allowed = np.flatnonzero(np.repeat(services.may_be_unserved, sets.periods) & (demand > 0))
    add_family(model, "unserved", allowed, Domain.REAL, size=demand.size, upper=demand[allowed])
    presences = np.arange(problem.presence.workload.size)
    add_family(model, "present", presences, Domain.BINARY, size=presences.size)


def add_local_constraints(model: Any, problem: Problem) -> None:
    """Add the constraints of each service on its own."""
    _add_demand(model, problem)
    _add_throughput(model, problem)
    _add_cover(model, problem)
    _add_presence_of_flows(model, problem)
    _add_presence_of_instances(model, problem)
    _add_region_counts(model, problem)
    _add_backing(model, problem)


def add_coupling_constraints(model: Any, problem: Problem) -> None:
    """Add nothing: what couples services is capacity, budgets, policies and data."""


def _add_demand(model: Any, problem: Problem) -> None:
    sets = sets_of(model, problem)
    demand = problem.services.demand_per_s.ravel()
    wanted = np.flatnonzero(demand > 0)
    row_of = np.full(demand.size, -1, dtype=np.int64)
    row_of[wanted] = np.arange(wanted.size)
    row = row_of[problem.flows.stream * sets.periods + sets.flow_period]
    served = np.flatnonzero(row >= 0)
    blocks = [
        block(model, "flow", row[served], served, 1.0),
        block(model, "unserved", np.arange(wanted.size), wanted, 1.0),
    ]
    add_rows(model, "demand", blocks, keys=wanted, equal=demand[wanted])


def _add_throughput(model: Any, problem: Problem) -> None:
    sets = sets_of(model, problem)
    slots, flows = problem.slots, problem.flows
    has_flow = np.zeros(slots.workload.size, dtype=np.bool_)
    has_flow[flows.slot] = True
    served = np.flatnonzero(has_flow & sets.serving_slots)
    row_of = np.full(slots.workload.size, -1, dtype=np.int64)
    row_of[served] = np.arange(served.size)
    used = np.flatnonzero(row_of[flows.slot] >= 0)
    blocks = [
        block(model, "flow", row_of[flows.slot[used]], used, 1.0),
        block(model, "instances", np.arange(served.size), served, -_useful_capacity(model, problem)[served]),
    ]
    add_rows(model, "throughput", blocks, keys=served, upper=np.zeros(served.size))


def _useful_capacity(model: Any, problem: Problem) -> Floats:
    """Return K' by slot (units/s): the capacity of one instance, at most what its slot could ever serve."""
    slots, flows = problem.slots, problem.flows
    wanted = np.bincount(flows.slot, weights=sets_of(model, problem).demand_of_flow, minlength=slots.workload.size)
    return np.minimum(slots.capacity_per_s, wanted)


def _add_cover(model: Any, problem: Problem) -> None:
    """One row per service and period with demand, divided by that demand."""
    sets, slots, services = sets_of(model, problem), problem.slots, problem.services
    periods = sets.periods
    demand = np.zeros((len(problem.workload_ids), periods))
    np.add.at(demand, services.workload, services.demand_per_s)
    total = demand.ravel()
    keys = np.flatnonzero(total > 0) if slots.workload.size <= COVER_SLOTS else np.zeros(0, dtype=np.int64)
    row_of = np.full(total.size, -1, dtype=np.int64)
    row_of[keys] = np.arange(keys.size)
    kept = np.flatnonzero(sets.serving_slots & (row_of[slots.workload * periods + slots.period] >= 0))
    label = slots.workload[kept] * periods + slots.period[kept]
    flow_label = sets.flow_workload * periods + sets.flow_period
    flows = np.flatnonzero(sets.flow_is_endpoint & (row_of[flow_label] >= 0))
    left_label = (services.workload[:, None] * periods + np.arange(periods)).ravel()
    left = np.flatnonzero(row_of[left_label] >= 0)
    useful = _useful_capacity(model, problem)[kept]
    blocks = [
        block(model, "instances", row_of[label], kept, useful / total[label]),
        block(model, "flow", row_of[flow_label[flows]], flows, 1.0 / total[flow_label[flows]]),
        block(model, "unserved", row_of[left_label[left]], left, 1.0 / total[left_label[left]]),
    ]
    add_rows(model, "cover", blocks, keys=keys, lower=np.ones(keys.size))


def _add_presence_of_flows(model: Any, problem: Problem) -> None:
    sets = sets_of(model, problem)
    presence = sets.presence_of_slot[problem.flows.slot]
    flows = np.flatnonzero(presence >= 0)
    row, first = group(problem.flows.stream[flows], sets.flow_region[flows], sets.flow_period[flows])
    head = flows[first]
    blocks = [
        block(model, "flow", row, flows, 1.0),
        block(model, "present", np.arange(head.size), presence[head], -sets.demand_of_flow[head]),
    ]
    add_rows(model, "present_flow", blocks, keys=head, upper=np.zeros(head.size))


def _add_presence_of_instances(model: Any, problem: Problem) -> None:
    sets = sets_of(model, problem)
    slots = problem.slots
    found = np.flatnonzero(sets.serving_slots & (sets.presence_of_slot >= 0))
    row, first = group(sets.presence_of_slot[found], slots.period[found])
    head = found[first]
    most = np.bincount(row, weights=np.floor(slots.max_instances[found]), minlength=head.size)
    blocks = [
        block(model, "instances", row, found, 1.0),
        block(model, "present", np.arange(head.size), sets.presence_of_slot[head], -most),
    ]
    add_rows(model, "present_instances", blocks, keys=head, upper=np.zeros(head.size))


def _presence_rows(model: Any, problem: Problem) -> Block:
    presence = problem.presence
    row_of = np.full(len(problem.workload_ids), -1, dtype=np.int64)
    row_of[presence.bounded_workload] = np.arange(presence.bounded_workload.size)
    row = row_of[presence.workload]
    bounded = np.flatnonzero(row >= 0)
    return block(model, "present", row[bounded], bounded, 1.0)


def _add_region_counts(model: Any, problem: Problem) -> None:
    presence = problem.presence
    all_rows = _presence_rows(model, problem)
    possible = np.bincount(all_rows.row, minlength=presence.bounded_workload.size)
    for name, kept, side in (
        ("most_regions", np.flatnonzero(presence.max_regions < possible), "upper"),
        ("least_regions", np.flatnonzero(presence.min_regions >= 2), "lower"),
    ):
        row_of = np.full(possible.size, -1, dtype=np.int64)
        row_of[kept] = np.arange(kept.size)
        row = row_of[all_rows.row]
        terms = Block(row[row >= 0], all_rows.variables, all_rows.column[row >= 0], all_rows.weight[row >= 0])
        if side == "upper":
            add_rows(model, name, [terms], keys=kept, upper=presence.max_regions[kept].astype(np.float64))
        else:
            add_rows(model, name, [terms], keys=kept, lower=presence.min_regions[kept].astype(np.float64))


def _add_backing(model: Any, problem: Problem) -> None:
    sets = sets_of(model, problem)
    presence = problem.presence
    asks = np.zeros(len(problem.workload_ids), dtype=np.bool_)
    asks[presence.bounded_workload[presence.min_regions >= 2]] = True
    backed = np.flatnonzero(asks[presence.workload])
    row_of = np.full(presence.workload.size + 1, -1, dtype=np.int64)
    row_of[backed] = np.arange(backed.size)
    kept = np.flatnonzero(row_of[sets.presence_of_slot] >= 0)
    kept_row = row_of[sets.presence_of_slot[kept]]
    flows, flow_row, flow_weight = _counted_flows(problem, sets, row_of)
    blocks = [
        block(model, "present", np.arange(backed.size), backed, 1.0),
        block(model, "instances", kept_row, kept, -1.0),
        block(model, "gangs", kept_row, kept, -1.0),
        block(model, "flow", flow_row, flows, flow_weight),
    ]
    add_rows(model, "present_backed", blocks, keys=backed, upper=np.zeros(backed.size))


def _counted_flows(problem: Problem, sets: Sets, row_of: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the endpoint flows that back a presence, their rows, and what one unit/s of them counts (negative)."""
    row = row_of[sets.presence_of_slot[problem.flows.slot]]
    flows = np.flatnonzero((row >= 0) & sets.flow_is_endpoint & (sets.demand_of_flow > 0))
    total = np.zeros(len(problem.workload_ids))
    np.add.at(total, problem.services.workload, problem.services.demand_per_s.sum(axis=1))
    return flows, row[flows], -1.0 / (COUNTED_SHARE * total[sets.flow_workload[flows]])
