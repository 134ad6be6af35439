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
                       where L[w] >= 2, and everywhere in a model taken in hand: a region counts when an instance or
                       a gang is kept there, or endpoints there serve at least 1 % of the demand (over all periods)

K'[i] = min(K[i], sum of D[j,t] over the streams that slot i can serve): an instance that could serve more than there is
counts for what there is. That changes no plan (n is whole) and tightens the relaxation, where half an instance would
do. `cover` follows from demand and throughput; it is there for branch and bound alone, which derives cuts from a row
that holds the instances of a period together, and only in models of at most `COVER_SLOTS` slots (larger ones are not
solved whole). With L[w] = 1 no row on regions is needed: demand that is served already has a region.
"""

from __future__ import annotations

import numpy as np

from formulations.algebra import Model
from formulations.domains import Domain
from formulations.indexing import add_up, every, heads
from formulations.problem import Floats, Problem
from formulations.sets import Sets, sets_of

COVER_SLOTS = 20_000
"""Models with more slots than this get no `cover` rows."""

COUNTED_SHARE = 0.01
"""Share of a workload's demand that endpoints in a region must serve for the region to count as one of its regions."""


def add_variables(model: Model, problem: Problem) -> None:
    """Add instances, flow, unserved and present."""
    sets, services = sets_of(model, problem), problem.services
    demand = services.demand_per_s.ravel()
    allowed = np.repeat(services.may_be_unserved, sets.periods) & (demand > 0)
    model.add_family("instances", sets.serving_slots, Domain.WHOLE, upper=sets.most_instances)
    model.add_family("flow", every(problem.flows.slot.size), Domain.REAL, upper=sets.demand_of_flow)
    model.add_family("unserved", allowed, Domain.REAL, upper=demand)
    model.add_family("present", every(problem.presence.workload.size), Domain.BINARY)


def add_local_constraints(model: Model, problem: Problem) -> None:
    """Add the constraints of each service on its own."""
    sets = sets_of(model, problem)
    K = useful_capacity(problem, sets)
    _add_demand(model, problem, sets)
    _add_throughput(model, problem, sets, K)
    _add_cover(model, problem, sets, K)
    _add_presence(model, problem, sets)
    _add_region_counts(model, problem)
    _add_backing(model, problem, sets)


def add_coupling_constraints(model: Model, problem: Problem) -> None:
    """Add nothing: what couples services is capacity, budgets, policies and data."""


def useful_capacity(problem: Problem, sets: Sets) -> Floats:
    """Return K' by slot (units/s): the capacity of one instance, at most what its slot could ever serve."""
    slots, flows = problem.slots, problem.flows
    wanted = np.bincount(flows.slot, weights=sets.demand_of_flow, minlength=slots.workload.size)
    return np.minimum(slots.capacity_per_s, wanted)


def _add_demand(model: Model, problem: Problem, sets: Sets) -> None:
    f, v = model.vars("flow", "unserved")
    D, jt = problem.services.demand_per_s.ravel(), problem.flows.stream * sets.periods + sets.flow_period
    model.add("demand", D > 0, f.sum(by=jt) + v == D)


def _add_throughput(model: Model, problem: Problem, sets: Sets, K: Floats) -> None:
    f, n = model.vars("flow", "instances")
    i, can_serve = problem.flows.slot, np.zeros(K.size, dtype=np.bool_)
    can_serve[i] = True
    model.add("throughput", can_serve & sets.serving_slots, f.sum(by=i) <= K * n)


def _add_cover(model: Model, problem: Problem, sets: Sets, K: Floats) -> None:
    """One row per service and period with demand, divided by that demand."""
    n, f, v = model.vars("instances", "flow", "unserved")
    T, slots, services = sets.periods, problem.slots, problem.services
    by_workload = np.zeros((len(problem.workload_ids), T))
    np.add.at(by_workload, services.workload, services.demand_per_s)
    D = by_workload.ravel()
    i, j = slots.workload * T + slots.period, (services.workload[:, None] * T + np.arange(T)).ravel()
    q = np.where(sets.flow_is_endpoint, sets.flow_workload * T + sets.flow_period, -1)
    rows = (D > 0) & (slots.workload.size <= COVER_SLOTS)
    model.add("cover", rows, ((K * n).sum(by=i) + f.sum(by=q) + v.sum(by=j)) / D >= 1)


def _add_presence(model: Model, problem: Problem, sets: Sets) -> None:
    """Rows are known by their first flow or slot."""
    n, f, a = model.vars("instances", "flow", "present")
    D, p = sets.demand_of_flow, sets.flow_presence
    jrt, rows = heads(p >= 0, problem.flows.stream, sets.flow_region, sets.flow_period)
    model.add("present_flow", rows, f.sum(by=jrt) <= D * a[p])
    p = sets.presence_of_slot
    wrt, rows = heads(sets.serving_slots & (p >= 0), p, problem.slots.period)
    N = add_up(sets.most_instances, wrt, p.size)
    model.add("present_instances", rows, n.sum(by=wrt) <= N * a[p])


def _add_region_counts(model: Model, problem: Problem) -> None:
    (a,) = model.vars("present")
    presence = problem.presence
    row_of = np.full(len(problem.workload_ids), -1, dtype=np.int64)
    row_of[presence.bounded_workload] = every(presence.bounded_workload.size)
    w, U, L = row_of[presence.workload], presence.max_regions, presence.min_regions
    model.add("most_regions", np.bincount(w[w >= 0], minlength=U.size) > U, a.sum(by=w) <= U)
    model.add("least_regions", L >= 2, a.sum(by=w) >= L)


def _add_backing(model: Model, problem: Problem, sets: Sets) -> None:
    a, n, b, f = model.vars("present", "instances", "gangs", "flow")
    presence, services = problem.presence, problem.services
    asks = np.zeros(len(problem.workload_ids), dtype=np.bool_)
    is_backed = presence.is_backed if presence.is_backed.size else presence.min_regions >= 2
    asks[presence.bounded_workload[is_backed]] = True
    D = np.zeros(asks.size)
    np.add.at(D, services.workload, services.demand_per_s.sum(axis=1))
    D = D[presence.workload]
    p, q = sets.presence_of_slot, np.where(sets.flow_is_endpoint & (sets.demand_of_flow > 0), sets.flow_presence, -1)
    rows = asks[presence.workload]
    model.add("present_backed", rows, a <= n.sum(by=p) + b.sum(by=p) + f.sum(by=q) / (COUNTED_SHARE * D))
