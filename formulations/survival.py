r"""Survival: when any one region, metro or provider fails, what is already provisioned elsewhere still serves a share.

Sets: cases x (a service w, what fails, a share) · failing places e of x: every place where w could run or a copy that
it reads could lie · cells κ: slots of w in one region and period that serve the same streams under the same rules.

Parameters: φ[x] share · D[j,t] peak demand (units/s) · K[i] capacity of one instance · ω weights of a work-rate pool.

Variable:
    failover  g[e,j,κ] >= 0, <= φ D[j,t]        units/s of stream j that cell κ outside e serves when e has failed

Constraints local to one service:
    failover_demand     sum_{κ outside e} g[e,j,κ] >= φ D[j,t]                              every x, e, j, t
    failover_capacity   sum_j g[e,j,κ] <= sum_{i in κ} K[i] n[i]                            instances already running
    failover_present    sum_j g[e,j,κ] <= (sum_j φ D[j,t]) a[w,r]                           endpoints with presences
Coupling constraints:
    failover_rate         sum_{q outside e, not failing over} ω f[q] + sum ω g[e,·] <= Q    work-rate pools, for every e
    failover_requirement  sum β g <= (sum β φ D) sum_{m in M(ρ)} z[m]                       mechanisms, as requirement
    failover_copy         sum_{c of k outside e} d[c] >= 1                                  datasets that w reads
    failover_route        sum g into r <= (sum φ D) sum_{c of k outside e with a route to r} d[c]
                          where some copy of k has no route to r

Demand that may be unserved in normal operation still counts: survival is asked of the demand stated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from formulations.algebra import Model
from formulations.domains import Domain
from formulations.failures import METRO, PROVIDER, REGION, Failures, datasets_read, find_failures, place_labels
from formulations.indexing import add_up, every, group, heads, join, lookup
from formulations.problem import Floats, Ints, Membership, Problem
from formulations.sets import sets_of


@dataclass(frozen=True)
class Table:
    """Rows that are known by what they are about, one array per index (event, stream, region …), and who is in them.

    `failing` holds failure flows, `other` what else the rows hold, `amount` is the number of each row.
    """

    index: tuple[Ints, ...]
    failing: Membership
    other: Membership
    amount: Floats

    @property
    def rows(self) -> Ints:
        """Positions of all rows."""
        return every(self.amount.size)


def add_variables(model: Model, problem: Problem) -> None:
    """Add failover."""
    failures = model.once(find_failures, problem)
    model.add_family("failover", every(failures.case.size), Domain.REAL, upper=failures.most)


def add_local_constraints(model: Model, problem: Problem) -> None:
    """Add failover_demand, failover_capacity and failover_present."""
    g, n, a = model.vars("failover", "instances", "present")
    failures, K = model.once(find_failures, problem), problem.slots.capacity_per_s
    φD = demand_asked(problem, failures)
    model.add("failover_demand", φD.rows, φD.failing @ g >= φD.amount)
    in_cell, has_instances = (failures.case, failures.place, failures.cell), failures.cell_has_instances[failures.cell]
    κ, rows = heads(has_instances, *in_cell)
    model.add("failover_capacity", rows, g.sum(by=κ) <= _slots_of(failures, rows) @ (K * n))
    p = sets_of(model, problem).flow_presence[failures.flow]
    κ, rows = heads(~has_instances & (p >= 0), *in_cell)
    model.add("failover_present", rows, g.sum(by=κ) <= add_up(failures.most, κ, κ.size) * a[p])


def add_coupling_constraints(model: Model, problem: Problem) -> None:
    """Add failover_rate, failover_requirement, failover_copy and failover_route."""
    g, f, z, d = model.vars("failover", "flow", "bought", "copy")
    failures = model.once(find_failures, problem)
    rate, copy, route = (table(problem, failures) for table in (rates_drawn, copies_left, routes_left))
    model.add("failover_rate", rate.rows, rate.failing @ g + rate.other @ f <= rate.amount)
    β, B = _asking(problem, failures)
    model.add("failover_requirement", np.unique(β.row), β @ g <= B * (problem.mechanisms.satisfied_by @ z))
    model.add("failover_copy", copy.rows, copy.other @ d >= copy.amount)
    model.add("failover_route", route.rows, route.failing @ g <= route.amount * (route.other @ d))


def demand_asked(problem: Problem, failures: Failures) -> Table:
    """Return a row per (event, stream, period) with demand, whether or not anything outside could take over."""
    services, survival = problem.services, problem.survival
    J, T = services.workload.size, problem.period_hours.size
    event, stream = join(services.workload, survival.workload[failures.event_case])
    row, period = np.nonzero(services.demand_per_s[stream] > 0)
    event, stream = event[row], stream[row]
    of_flow = (event_of(failures) * J + failures.stream) * T + failures.period
    needed = survival.share[failures.event_case[event]] * services.demand_per_s[stream, period]
    failing = _ones(lookup((event * J + stream) * T + period, of_flow), every(of_flow.size))
    return Table((event, stream, period), failing, Membership(), needed)


def rates_drawn(problem: Problem, failures: Failures) -> Table:
    """Return a row per (pool row, first event of a place): what failure flows and flows that stay draw on the pool."""
    drawing, survival, slot = problem.pools.by_flow, problem.survival, problem.flows.slot[problem.pools.by_flow.column]
    failing, entry = join(drawing.column, failures.flow)
    kind, place = survival.of[failures.case[failing]], failures.place[failing]
    row, first = group(drawing.row[entry], kind, place)
    pool, stays = drawing.row[entry[first]], [Membership()]
    for position, (of, where) in enumerate(zip(kind[first].tolist(), place[first].tolist(), strict=True)):
        moved = failures.case[(survival.of[failures.case] == of) & (failures.place == where)]
        gone = np.isin(problem.slots.workload[slot], survival.workload[moved])
        gone |= place_labels(problem, of)[problem.slots.region[slot]] == where
        kept = np.flatnonzero((drawing.row == pool[position]) & ~gone)
        stays.append(Membership(np.full(kept.size, position), drawing.column[kept], drawing.weight[kept]))
    drawn = Membership(row, failing, drawing.weight[entry])
    return Table((pool, event_of(failures)[failing[first]]), drawn, _joined(stays), problem.pools.limit[pool])


def copies_left(problem: Problem, failures: Failures) -> Table:
    """Return a row per (event, dataset read by its service): the copies outside the place that fails."""
    none = np.zeros(0, dtype=np.int64)
    events, datasets = [none], [none]
    for case in np.unique(failures.event_case).tolist():
        own = np.flatnonzero(failures.event_case == case)
        read = datasets_read(problem, int(problem.survival.workload[case]))
        events.append(np.tile(own, read.size))
        datasets.append(np.repeat(read, own.size))
    event, dataset = np.concatenate(events), np.concatenate(datasets)
    row, copy = join(problem.datasets.copy_dataset, dataset)
    left = _ones(*_outside(problem, failures, event[row], row, copy))
    return Table((event, dataset), Membership(), left, np.ones(event.size))


def routes_left(problem: Problem, failures: Failures) -> Table:
    """Return a row per (event, dataset, region) where some copy of the dataset has no route into the region: failure
    flows into it, the copies left that have one, and the most that can flow.
    """
    datasets, reads = problem.datasets, problem.datasets.read_by_flow
    hit, none = event_of(failures), np.zeros(0, dtype=np.int64)
    index, flowing, left = [(none, none, none)], [Membership()], [Membership()]
    most: list[Floats] = [np.zeros(0)]
    rows = 0
    for case in np.unique(failures.event_case).tolist():
        for dataset in datasets_read(problem, int(problem.survival.workload[case])).tolist():
            copies = np.flatnonzero(datasets.copy_dataset == dataset)
            reading = np.unique(reads.column[datasets.read_dataset[reads.row] == dataset])
            mine = np.flatnonzero((failures.case == case) & np.isin(failures.flow, reading))
            for region in np.unique(failures.region[mine]).tolist():
                routed = np.intersect1d(datasets.transfer_copy[datasets.transfer_region == region], copies)
                if routed.size == copies.size:
                    continue
                flows = mine[failures.region[mine] == region]
                events, of = np.unique(hit[flows], return_inverse=True)
                row, copy = np.repeat(every(events.size), routed.size), np.tile(routed, events.size)
                flowing.append(_ones(rows + of, flows))
                left.append(_ones(*_outside(problem, failures, events[row], rows + row, copy)))
                most.append(add_up(failures.most[flows], of, events.size))
                index.append((events, np.full(events.size, dataset), np.full(events.size, region)))
                rows += events.size
    event, about, into = (np.concatenate(part) for part in zip(*index, strict=True))
    return Table((event, about, into), _joined(flowing), _joined(left), np.concatenate(most))


def _asking(problem: Problem, failures: Failures) -> tuple[Membership, Floats]:
    """Return the failure flows that a requirement is asked of, over all failing places, and by requirement the sum of
    what each place could ask for.
    """
    asking = problem.mechanisms.by_flow
    failing, entry = join(asking.column, failures.flow)
    β = Membership(asking.row[entry], failing, asking.weight[entry])
    event = event_of(failures)[failing]
    of, first = group(β.row, event, failures.stream[failing], failures.period[failing])
    heaviest = np.zeros(first.size)
    np.maximum.at(heaviest, of, β.weight)
    return β, add_up(heaviest * failures.most[failing[first]], β.row[first], problem.mechanisms.bound.size)


def _slots_of(failures: Failures, rows: Ints) -> Membership:
    """Return the slots in the cell of each of the failure flows `rows`."""
    position, member = join(failures.member_cell, failures.cell[rows])
    return _ones(rows[position], failures.member_slot[member])


def event_of(failures: Failures) -> Ints:
    """Return the event (case, place) of every failure flow."""
    width = int(failures.event_place.max(initial=0)) + 1
    return lookup(failures.event_case * width + failures.event_place, failures.case * width + failures.place)


def _outside(problem: Problem, failures: Failures, event: Ints, row: Ints, copy: Ints) -> tuple[Ints, Ints]:
    """Return those of the pairs (row, copy) whose copy lies outside the place that fails in their event."""
    label = np.stack([place_labels(problem, kind) for kind in (REGION, METRO, PROVIDER)])
    kind, region = problem.survival.of[failures.event_case[event]], problem.datasets.copy_region[copy]
    kept = label[kind, region] != failures.event_place[event]
    return row[kept], copy[kept]


def _ones(row: Ints, column: Ints) -> Membership:
    return Membership(row, column, np.ones(row.size))


def _joined(parts: list[Membership]) -> Membership:
    names = ("row", "column", "weight")
    return Membership(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
