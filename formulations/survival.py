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

from typing import Any

import numpy as np

from formulations.bulk import Block, add_family, add_rows, block, group, lookup
from formulations.domains import Domain
from formulations.failures import Failures, datasets_read, find_failures, place_labels
from formulations.problem import Ints, Problem
from formulations.sets import sets_of


def add_variables(model: Any, problem: Problem) -> None:
    """Add failover."""
    failures = _failures(model, problem)
    every = np.arange(failures.case.size)
    add_family(model, "failover", every, Domain.REAL, size=every.size, upper=failures.most)


def add_local_constraints(model: Any, problem: Problem) -> None:
    """Add failover_demand, failover_capacity and failover_present."""
    failures = _failures(model, problem)
    _add_demand(model, problem, failures)
    _add_capacity(model, problem, failures)
    _add_presence(model, problem, failures)


def add_coupling_constraints(model: Any, problem: Problem) -> None:
    """Add failover_rate, failover_requirement, failover_copy and failover_route."""
    failures = _failures(model, problem)
    _add_rates(model, problem, failures)
    _add_requirements(model, problem, failures)
    _add_copies(model, problem, failures)
    _add_routes(model, problem, failures)


def _failures(model: Any, problem: Problem) -> Failures:
    if not hasattr(model, "_failures"):
        model._failures = find_failures(problem)
    failures: Failures = model._failures
    return failures


def _add_demand(model: Any, problem: Problem, failures: Failures) -> None:
    """One row per (case, place, stream, period) with demand, whether or not anything outside could take over."""
    services, survival = problem.services, problem.survival
    periods, streams = problem.period_hours.size, services.workload.size
    rows = []
    for position, case in enumerate(failures.event_case.tolist()):
        own = np.flatnonzero(services.workload == survival.workload[case])
        of_own, at = np.nonzero(services.demand_per_s[own] > 0)
        rows.append((np.full(at.size, position), own[of_own], at))
    event, stream, period = (
        np.concatenate([part[x] for part in rows]) if rows else np.zeros(0, dtype=np.int64) for x in range(3)
    )
    wanted = (event * streams + stream) * periods + period
    of_flow = (_event_of(failures) * streams + failures.stream) * periods + failures.period
    needed = survival.share[failures.event_case[event]] * services.demand_per_s[stream, period]
    every = np.arange(failures.case.size)
    blocks = [block(model, "failover", lookup(wanted, of_flow), every, 1.0)]
    add_rows(model, "failover_demand", blocks, keys=np.arange(wanted.size), lower=needed)


def _event_of(failures: Failures) -> Ints:
    """Return the event (case, place) of every failure flow."""
    width = int(failures.event_place.max(initial=0)) + 1
    return lookup(failures.event_case * width + failures.event_place, failures.case * width + failures.place)


def _add_capacity(model: Any, problem: Problem, failures: Failures) -> None:
    kept = np.flatnonzero(failures.cell_has_instances[failures.cell])
    row, first = group(failures.case[kept], failures.place[kept], failures.cell[kept])
    head = kept[first]
    position, slot = _members(failures, failures.cell[head])
    blocks = [
        block(model, "failover", row, kept, 1.0),
        block(model, "instances", position, slot, -problem.slots.capacity_per_s[slot]),
    ]
    add_rows(model, "failover_capacity", blocks, keys=head, upper=np.zeros(head.size))


def _members(failures: Failures, cells: Ints) -> tuple[Ints, Ints]:
    """Return (position in `cells`, slot) for every member slot of every cell asked for."""
    order = np.argsort(failures.member_cell, kind="stable")
    count = np.bincount(failures.member_cell, minlength=failures.cell_has_instances.size)
    start = np.concatenate([[0], np.cumsum(count)])[:-1]
    sizes = count[cells] if cells.size else np.zeros(0, dtype=np.int64)
    position = np.repeat(np.arange(cells.size), sizes)
    within = np.arange(position.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return position, failures.member_slot[order[start[cells[position]] + within]] if position.size else position


def _add_presence(model: Any, problem: Problem, failures: Failures) -> None:
    presence = sets_of(model, problem).presence_of_slot[problem.flows.slot[failures.flow]]
    kept = np.flatnonzero(~failures.cell_has_instances[failures.cell] & (presence >= 0))
    row, first = group(failures.case[kept], failures.place[kept], failures.cell[kept])
    head = kept[first]
    most = np.bincount(row, weights=failures.most[kept], minlength=head.size)
    blocks = [
        block(model, "failover", row, kept, 1.0),
        block(model, "present", np.arange(head.size), presence[head], -most),
    ]
    add_rows(model, "failover_present", blocks, keys=head, upper=np.zeros(head.size))


def _add_rates(model: Any, problem: Problem, failures: Failures) -> None:
    """One row per (pool, kind of place, place) that failure flows draw on."""
    pools, slots, flows = problem.pools, problem.slots, problem.flows
    drawing = pools.by_flow
    order = np.argsort(drawing.column, kind="stable")
    flow_start = np.searchsorted(drawing.column[order], failures.flow)
    flow_end = np.searchsorted(drawing.column[order], failures.flow, side="right")
    sizes = flow_end - flow_start
    failing = np.repeat(np.arange(failures.case.size), sizes)
    within = np.arange(failing.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    entry = order[np.repeat(flow_start, sizes) + within]
    kind = problem.survival.of[failures.case[failing]]
    row, first = group(drawing.row[entry], kind, failures.place[failing])
    blocks = [block(model, "failover", row, failing, drawing.weight[entry])]
    for position, head in enumerate(first.tolist()):
        pool, place, of = int(drawing.row[entry[head]]), int(failures.place[failing[head]]), int(kind[head])
        moved = (problem.survival.of[failures.case] == of) & (failures.place == place)
        workloads = np.unique(problem.survival.workload[failures.case[moved]])
        mine = np.flatnonzero(drawing.row == pool)
        flow = drawing.column[mine]
        label = place_labels(problem, of)
        stays = (label[slots.region[flows.slot[flow]]] != place) & ~np.isin(slots.workload[flows.slot[flow]], workloads)
        blocks.append(
            block(model, "flow", np.full(int(stays.sum()), position), flow[stays], drawing.weight[mine[stays]])
        )
    limit = pools.limit[drawing.row[entry[first]]]
    add_rows(model, "failover_rate", blocks, keys=np.arange(first.size), upper=limit)


def _add_requirements(model: Any, problem: Problem, failures: Failures) -> None:
    """One row per requirement over all failing places: the bound is the sum of what each could ask for."""
    mechanisms = problem.mechanisms
    asking = mechanisms.by_flow
    order = np.argsort(asking.column, kind="stable")
    start = np.searchsorted(asking.column[order], failures.flow)
    sizes = np.searchsorted(asking.column[order], failures.flow, side="right") - start
    failing = np.repeat(np.arange(failures.case.size), sizes)
    within = np.arange(failing.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    entry = order[np.repeat(start, sizes) + within]
    requirement, weight = asking.row[entry], asking.weight[entry]
    keys = np.unique(requirement)
    row = np.searchsorted(keys, requirement)
    event = _event_of(failures)[failing]
    of, first = group(row, event, failures.stream[failing], failures.period[failing])
    heaviest = np.zeros(first.size)
    np.maximum.at(heaviest, of, weight)
    bound = np.bincount(row[first], weights=heaviest * failures.most[failing[first]], minlength=keys.size)
    by = mechanisms.satisfied_by
    by_row = lookup(keys, by.row)
    kept = np.flatnonzero(by_row >= 0)
    blocks = [
        block(model, "failover", row, failing, weight),
        block(model, "bought", by_row[kept], by.column[kept], -bound[by_row[kept]]),
    ]
    add_rows(model, "failover_requirement", blocks, keys=keys, upper=np.zeros(keys.size))


def _add_copies(model: Any, problem: Problem, failures: Failures) -> None:
    """One row per (event, dataset read by its service)."""
    datasets, survival = problem.datasets, problem.survival
    blocks: list[Block] = []
    rows = 0
    for case in np.unique(failures.event_case).tolist():
        label = place_labels(problem, int(survival.of[case]))[datasets.copy_region]
        places = failures.event_place[failures.event_case == case]
        for dataset in datasets_read(problem, int(survival.workload[case])).tolist():
            copies = np.flatnonzero(datasets.copy_dataset == dataset)
            event, copy = np.nonzero(places[:, None] != label[copies][None, :])
            blocks.append(block(model, "copy", rows + event, copies[copy], 1.0))
            rows += places.size
    add_rows(model, "failover_copy", blocks, keys=np.arange(rows), lower=np.ones(rows))


def _add_routes(model: Any, problem: Problem, failures: Failures) -> None:
    """One row per (event, dataset, region) where some copy of the dataset has no route into the region."""
    datasets, survival = problem.datasets, problem.survival
    blocks: list[Block] = []
    rows = 0
    for case in np.unique(failures.event_case).tolist():
        label = place_labels(problem, int(survival.of[case]))
        for dataset in datasets_read(problem, int(survival.workload[case])).tolist():
            own_copies = np.flatnonzero(datasets.copy_dataset == dataset)
            reads = datasets.read_by_flow
            reading = np.unique(reads.column[datasets.read_dataset[reads.row] == dataset])
            mine = np.flatnonzero((failures.case == case) & np.isin(failures.flow, reading))
            for region in np.unique(failures.region[mine]).tolist():
                routed = np.intersect1d(
                    datasets.transfer_copy[datasets.transfer_region == region], own_copies, assume_unique=False
                )
                if routed.size == own_copies.size:
                    continue
                flows = mine[failures.region[mine] == region]
                places, event = np.unique(failures.place[flows], return_inverse=True)
                most = np.bincount(event, weights=failures.most[flows], minlength=places.size)
                outside, copy = np.nonzero(places[:, None] != label[datasets.copy_region[routed]][None, :])
                blocks.append(block(model, "failover", rows + event, flows, 1.0))
                blocks.append(block(model, "copy", rows + outside, routed[copy], -most[outside]))
                rows += places.size
    add_rows(model, "failover_route", blocks, keys=np.arange(rows), upper=np.zeros(rows))
