"""Classes of identical workloads: every copy is found, every difference in a number tells apart."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from problem_generators import random_problem
from problem_toys import with_metric

from formulations.check import check_problem
from formulations.classes import identical_workloads
from formulations.problem import Coefficients, Membership, Problem

SEEDS = range(40)


def _twice(table: Any, shifts: dict[str, int], skip: tuple[str, ...] = ()) -> Any:
    """Return a table with all rows twice, the second time with the indices in `shifts` raised."""
    new: dict[str, Any] = {}
    for f in fields(table):
        value = getattr(table, f.name)
        if f.name in skip:
            continue
        if isinstance(value, Coefficients):
            new[f.name] = value.each(lambda values: np.concatenate([values, values]))
        elif isinstance(value, np.ndarray):
            new[f.name] = np.concatenate([value, value + shifts.get(f.name, 0)]).astype(value.dtype)
    return replace(table, **new)


def _again(members: Membership, columns: int, rows: int = 0) -> Membership:
    return _twice(members, {"column": columns, "row": rows})


def doubled(problem: Problem) -> Problem:
    """Return a problem with every workload twice, under the same limits; its own requirement rows double with it."""
    n, streams, jobs = len(problem.workload_ids), problem.services.workload.size, problem.jobs.workload.size
    slots, flows = problem.slots.workload.size, problem.flows.slot.size
    moves = problem.moves.job.size * problem.period_hours.size
    of, data, rows = problem.mechanisms, problem.datasets, problem.mechanisms.bound.size
    there, movers = problem.relocations, problem.relocations.workload.size
    return replace(
        problem,
        workload_ids=(*problem.workload_ids, *(f"{name}-again" for name in problem.workload_ids)),
        services=_twice(problem.services, {"workload": n}),
        jobs=_twice(problem.jobs, {"workload": n}),
        slots=_twice(problem.slots, {"workload": n}),
        flows=_twice(problem.flows, {"stream": streams, "slot": slots}),
        presence=_twice(problem.presence, {"workload": n, "bounded_workload": n}),
        survival=_twice(problem.survival, {"workload": n}),
        moves=_twice(problem.moves, {"job": jobs}),
        pools=replace(
            problem.pools,
            by_instances=_again(problem.pools.by_instances, slots),
            by_flow=_again(problem.pools.by_flow, flows),
        ),
        relocations=replace(
            _twice(there, {"workload": n, "entry_mover": movers}, skip=("limit",)),
            stays_in=_again(there.stays_in, 0, movers),
        ),
        places=_twice(
            problem.places, {"use_presence": problem.presence.workload.size},
            skip=("least", "most", "price_usd", "place_rule"),
        ),
        budgets=replace(
            problem.budgets,
            slots=_again(problem.budgets.slots, slots),
            moves=_again(problem.budgets.moves, moves),
            movers=_again(problem.budgets.movers, movers),
            entries=_again(problem.budgets.entries, there.entry_mover.size),
            drawn=_again(problem.budgets.drawn, slots),
        ),
        purchases=replace(problem.purchases, covers=_again(problem.purchases.covers, slots)),
        shares=replace(
            problem.shares, part=_again(problem.shares.part, slots), all=_again(problem.shares.all, slots)
        ),
        datasets=replace(
            data,
            read_by_flow=_again(data.read_by_flow, flows),
            read_by_work=_again(data.read_by_work, slots),
            owed_bound=2.0 * data.owed_bound,
            owed_by_flow=_again(data.owed_by_flow, flows),
            owed_by_gang=_again(data.owed_by_gang, slots),
        ),
        mechanisms=replace(
            of,
            requirement_ids=(*of.requirement_ids, *(f"{name}-again" for name in of.requirement_ids)),
            bound=np.concatenate([of.bound, of.bound]),
            by_flow=_again(of.by_flow, flows, rows),
            by_gang=_again(of.by_gang, slots, rows),
            satisfied_by=_again(of.satisfied_by, 0, rows),
        ),
    )


def single_requirements(problem: Problem) -> Problem:
    """Leave out what ties requirement rows of two workloads together: the toy's rows may hold several."""
    of, slots = problem.mechanisms, problem.slots
    row = np.concatenate([of.by_flow.row, of.by_gang.row])
    owner = np.concatenate([slots.workload[problem.flows.slot[of.by_flow.column]], slots.workload[of.by_gang.column]])
    several = [r for r in range(of.bound.size) if np.unique(owner[row == r]).size > 1 or (of.by_copy.row == r).any()]

    def without(members: Membership) -> Membership:
        kept = ~np.isin(members.row, several)
        return Membership(members.row[kept], members.column[kept], members.weight[kept])

    return replace(
        problem, mechanisms=replace(
            of, by_flow=without(of.by_flow), by_gang=without(of.by_gang), by_copy=without(of.by_copy)
        ),
    )  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_every_workload_is_like_its_copy(seed: int) -> None:
    """A problem with all workloads twice has at most half as many classes as workloads."""
    problem = doubled(single_requirements(random_problem(seed)))
    check_problem(problem)
    classes = identical_workloads(problem)
    half = classes.size // 2
    assert (classes[:half] == classes[half:]).all()


def _numbers(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the paths of all arrays of a table that are not indices of its rows' owners."""
    found: list[tuple[str, ...]] = []
    for f in fields(value):
        inner = getattr(value, f.name)
        if isinstance(inner, Coefficients):
            found += [(*path, f.name, name) for name, values in inner.named().items() if values.size]
        elif is_dataclass(inner):
            found += _numbers(inner, (*path, f.name))
        elif isinstance(inner, np.ndarray) and inner.size and inner.dtype.kind == "f":
            found.append((*path, f.name))
    return found


def _changed(value: Any, path: tuple[str, ...], at: int) -> Any:
    if isinstance(value, Coefficients):
        other = value.named()[path[0]].copy()
        other[at] += 1.0
        return with_metric(value, path[0], other)
    inner = getattr(value, path[0])
    if len(path) > 1:
        return replace(value, **{path[0]: _changed(inner, path[1:], at)})
    other = inner.copy()
    other[at] += 1.0
    return replace(value, **{path[0]: other})


@pytest.mark.parametrize("seed", SEEDS)
def test_a_number_of_one_copy_tells_it_from_the_other(seed: int) -> None:
    """Whatever figure of the last row of slots, flows, streams, jobs, survival or moves changes, its owner is alone."""
    problem = doubled(single_requirements(random_problem(seed)))
    owners = {
        "slots": problem.slots.workload,
        "flows": problem.slots.workload[problem.flows.slot],
        "services": problem.services.workload,
        "jobs": problem.jobs.workload,
        "survival": problem.survival.workload,
        "moves": problem.jobs.workload[problem.moves.job],
        "relocations": problem.relocations.workload,
    }
    for name, owner in owners.items():
        for path in _numbers(getattr(problem, name)) if owner.size else ():
            if path[0] in ("limit", "entering", "stays_in"):
                continue  # of rows that are others than the owner's
            classes = identical_workloads(_changed(problem, (name, *path), owner.size - 1))
            assert (classes == classes[owner[-1]]).sum() == 1, (name, path)


@pytest.mark.parametrize("seed", SEEDS)
def test_where_one_copy_runs_today_tells_it_from_the_other(seed: int) -> None:
    """Workloads that differ only in a region where one of them runs today are not alike."""
    problem = doubled(single_requirements(random_problem(seed, ("services", "jobs", "current"))))
    there = problem.relocations
    if not there.stays_in.row.size:
        return
    last = there.workload[there.stays_in.row[-1]]
    fewer = Membership(*(column[:-1] for column in (there.stays_in.row, there.stays_in.column, there.stays_in.weight)))
    classes = identical_workloads(replace(problem, relocations=replace(there, stays_in=fewer)))
    assert (classes == classes[last]).sum() == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_membership_of_one_copy_tells_it_from_the_other(seed: int) -> None:
    """A weight that changes, or an entry that is missing, in whatever limit a workload is in leaves it alone."""
    problem = doubled(single_requirements(random_problem(seed)))
    of_slot, of_flow = problem.slots.workload, problem.slots.workload[problem.flows.slot]
    kinds = {
        ("pools", "by_instances"): of_slot, ("pools", "by_flow"): of_flow, ("budgets", "slots"): of_slot,
        ("shares", "part"): of_slot, ("shares", "all"): of_slot, ("datasets", "read_by_flow"): of_flow,
        ("datasets", "read_by_work"): of_slot, ("datasets", "owed_by_flow"): of_flow,
        ("datasets", "owed_by_gang"): of_slot, ("mechanisms", "by_flow"): of_flow, ("mechanisms", "by_gang"): of_slot,
    }  # fmt: skip
    for (table, name), owner_of in kinds.items():
        members: Membership = getattr(getattr(problem, table), name)
        if not members.column.size:
            continue
        last = owner_of[members.column[-1]]
        heavier = members.weight.copy()
        heavier[-1] += 1.0
        for other in (
            Membership(members.row, members.column, heavier),
            Membership(members.row[:-1], members.column[:-1], members.weight[:-1]),
        ):
            changed = replace(problem, **{table: replace(getattr(problem, table), **{name: other})})
            classes = identical_workloads(changed)
            assert (classes == classes[last]).sum() == 1, (table, name)


def test_classes_are_numbered_by_their_first_member() -> None:
    """Three workloads, the first and the last alike."""
    problem = doubled(single_requirements(random_problem(3, ("services",), tiny=True)))
    assert identical_workloads(problem).tolist() == [0, 0]
