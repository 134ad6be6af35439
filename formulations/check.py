"""Checks that the arrays of a `Problem` fit together, so that no misplaced index becomes a silent wrong answer."""

from __future__ import annotations

import numpy as np

from formulations.indexing import group
from formulations.problem import Coefficients, Ints, Membership, Problem

POOL_KINDS = ("devices", "kw", "units_per_s")
METRICS = ("carbon_kg", "water_l", "energy_kwh", "spend_usd")
TABLE_SHARE = 16
"""How many times as long as a table a list of all its possible keys may be."""
MEASURES = ("compute_usd", "device_hours", "energy_kwh")


def check_problem(problem: Problem) -> None:
    """Raise ValueError with all the ways in which the tables of a problem do not fit together."""
    faults = [*_index_faults(problem), *_length_faults(problem)]
    if not faults:
        faults = [*_number_faults(problem), *_sense_faults(problem)]
    if faults:
        raise ValueError("the tables of the problem do not fit together:\n" + "\n".join(f"- {text}" for text in faults))


def _sizes(problem: Problem) -> dict[str, int]:
    return {
        "workload": len(problem.workload_ids),
        "period": problem.period_hours.size,
        "region": len(problem.regions.ids),
        "stream": problem.services.workload.size,
        "slot": problem.slots.workload.size,
        "flow": problem.flows.stream.size,
        "dataset": len(problem.datasets.ids),
        "copy": problem.datasets.copy_dataset.size,
        "transfer": problem.datasets.transfer_copy.size,
        "read": problem.datasets.read_dataset.size,
        "duty": problem.datasets.duty_copies.size,
        "job": problem.jobs.workload.size,
        "move": problem.moves.job.size,
        "move in a period": problem.moves.job.size * problem.period_hours.size,
        "mechanism": problem.mechanisms.cost_usd.size,
        "requirement": problem.mechanisms.bound.size,
        "pool": problem.pools.limit.size,
        "budget": problem.budgets.limit.size,
        "share": problem.shares.upper.size,
    }


def _memberships(problem: Problem) -> list[tuple[str, Membership, str, str]]:
    """Return every membership with its name and what its rows and columns index."""
    datasets, mechanisms, budgets, shares = problem.datasets, problem.mechanisms, problem.budgets, problem.shares
    return [
        ("pools.by_instances", problem.pools.by_instances, "pool", "slot"),
        ("pools.by_flow", problem.pools.by_flow, "pool", "flow"),
        ("datasets.read_by_flow", datasets.read_by_flow, "read", "flow"),
        ("datasets.read_by_work", datasets.read_by_work, "read", "slot"),
        ("datasets.duty", datasets.duty, "duty", "copy"),
        ("datasets.owed_by_flow", datasets.owed_by_flow, "duty", "flow"),
        ("datasets.owed_by_gang", datasets.owed_by_gang, "duty", "slot"),
        ("mechanisms.by_flow", mechanisms.by_flow, "requirement", "flow"),
        ("mechanisms.by_gang", mechanisms.by_gang, "requirement", "slot"),
        ("mechanisms.by_copy", mechanisms.by_copy, "requirement", "copy"),
        ("mechanisms.satisfied_by", mechanisms.satisfied_by, "requirement", "mechanism"),
        ("budgets.slots", budgets.slots, "budget", "slot"),
        ("budgets.copies", budgets.copies, "budget", "copy"),
        ("budgets.transfers", budgets.transfers, "budget", "transfer"),
        ("budgets.moves", budgets.moves, "budget", "move in a period"),
        ("shares.part", shares.part, "share", "slot"),
        ("shares.all", shares.all, "share", "slot"),
    ]


def _index_faults(problem: Problem) -> list[str]:
    """Return the index arrays that point outside the table they refer to."""
    sizes = _sizes(problem)
    slots, jobs, datasets = problem.slots, problem.jobs, problem.datasets
    indices: list[tuple[str, Ints, str]] = [
        ("services.workload", problem.services.workload, "workload"),
        ("jobs.workload", jobs.workload, "workload"),
        ("jobs.first_period", jobs.first_period, "period"),
        ("jobs.last_period", jobs.last_period, "period"),
        ("slots.workload", slots.workload, "workload"),
        ("slots.region", slots.region, "region"),
        ("slots.period", slots.period, "period"),
        ("flows.stream", problem.flows.stream, "stream"),
        ("flows.slot", problem.flows.slot, "slot"),
        ("presence.workload", problem.presence.workload, "workload"),
        ("presence.region", problem.presence.region, "region"),
        ("presence.bounded_workload", problem.presence.bounded_workload, "workload"),
        ("pools.period", problem.pools.period, "period"),
        ("datasets.copy_dataset", datasets.copy_dataset, "dataset"),
        ("datasets.copy_region", datasets.copy_region, "region"),
        ("datasets.transfer_copy", datasets.transfer_copy, "copy"),
        ("datasets.transfer_region", datasets.transfer_region, "region"),
        ("datasets.read_dataset", datasets.read_dataset, "dataset"),
        ("datasets.read_region", datasets.read_region, "region"),
        ("survival.workload", problem.survival.workload, "workload"),
        ("moves.job", problem.moves.job, "job"),
        ("moves.source", problem.moves.source, "region"),
        ("moves.target", problem.moves.target, "region"),
    ]
    for name, members, rows, columns in _memberships(problem):
        indices += [(f"{name}.row", members.row, rows), (f"{name}.column", members.column, columns)]
    return [
        f"{name} points to {what} {int(values.max())} of {sizes[what]}, or below 0 ({int(values.min())})"
        for name, values, what in indices
        if values.size and (values.max() >= sizes[what] or values.min() < 0)
    ]


def _length_faults(problem: Problem) -> list[str]:
    """Return the arrays of a table whose lengths differ."""
    sizes = _sizes(problem)
    services, slots, regions, datasets = problem.services, problem.slots, problem.regions, problem.datasets
    expected: list[tuple[str, int, int]] = []
    tables: list[tuple[str, object, int, tuple[str, ...]]] = [
        ("services", services, sizes["stream"], ("may_be_unserved",)),
        ("jobs", problem.jobs, sizes["job"], tuple(vars(problem.jobs))),
        ("slots", slots, sizes["slot"], tuple(name for name in vars(slots) if name not in ("running", "working"))),
        ("flows", problem.flows, sizes["flow"], ("slot",)),
        ("regions", regions, sizes["region"], ("country", "metro", "provider", "fixed_usd")),
        ("presence", problem.presence, problem.presence.workload.size, ("region",)),
        ("presence", problem.presence, problem.presence.bounded_workload.size, ("min_regions", "max_regions")),
        ("pools", problem.pools, sizes["pool"], ("period",)),
        ("datasets", datasets, sizes["dataset"], ("min_countries", "max_gb")),
        ("datasets", datasets, sizes["copy"], ("copy_region",)),
        ("datasets", datasets, sizes["transfer"], ("transfer_region",)),
        ("datasets", datasets, sizes["read"], ("read_region",)),
        ("datasets", datasets, datasets.owed_bound.size and sizes["duty"], ("owed_bound",)),
        ("budgets", problem.budgets, sizes["budget"], ("whole",)),
        ("shares", problem.shares, sizes["share"], ("lower",)),
        ("survival", problem.survival, problem.survival.workload.size, ("of", "share")),
        ("moves", problem.moves, sizes["move"], ("source", "target")),
    ]
    expected += [
        (f"{name}.{field}", getattr(table, field).size, size)
        for name, table, size, fields in tables
        for field in fields
    ]
    expected += [
        ("budgets.metric", len(problem.budgets.metric), sizes["budget"]),
        ("shares.measure", len(problem.shares.measure), sizes["share"]),
        ("shares.ids", len(problem.shares.ids), sizes["share"]),
        ("pools.kind", len(problem.pools.kind) or sizes["pool"], sizes["pool"]),
        ("services.demand_per_s", services.demand_per_s.size, sizes["stream"] * sizes["period"]),
        ("services.unserved_usd", services.unserved_usd.size, sizes["stream"] * sizes["period"]),
    ]
    for name, members, _, _ in _memberships(problem):
        expected += [(f"{name}.column", members.column.size, members.row.size)]
        expected += [(f"{name}.weight", members.weight.size, members.row.size)]
    coefficients: list[tuple[str, Coefficients, int]] = [
        ("slots.running", slots.running, sizes["slot"]),
        ("slots.working", slots.working, sizes["slot"]),
        ("flows.serving", problem.flows.serving, sizes["flow"]),
        ("datasets.copying", datasets.copying, sizes["copy"]),
        ("datasets.moving", datasets.moving, sizes["transfer"]),
        ("moves.moving", problem.moves.moving, sizes["move"]),
    ]
    expected += [
        (f"{name}.{field}", values.size, size) for name, of, size in coefficients for field, values in vars(of).items()
    ]
    return [f"{name} has {found} values where {size} are expected" for name, found, size in expected if found != size]


def _number_faults(problem: Problem) -> list[str]:
    """Return the arrays with a NaN, an infinite figure, or a negative one where that has no meaning."""
    faults = []
    tables = {name: table for name, table in vars(problem).items() if hasattr(table, "__dataclass_fields__")}
    arrays = [(f"{name}.{field}", value) for name, table in tables.items() for field, value in vars(table).items()]
    nested = [
        (f"{name}.{field}", value)
        for name, table in arrays
        if isinstance(table, (Coefficients, Membership))
        for field, value in vars(table).items()
    ]
    for name, value in (*arrays, *nested, ("period_hours", problem.period_hours)):
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and not np.isfinite(value).all():
            faults.append(f"{name} holds {int((~np.isfinite(value)).sum())} figures that are not finite")
    if problem.cost_cap_usd is not None and not np.isfinite(problem.cost_cap_usd):
        faults.append(f"cost_cap_usd is {problem.cost_cap_usd}, not a finite figure")
    positive = [
        ("jobs.work_units", problem.jobs.work_units),
        ("slots.capacity_per_s", problem.slots.capacity_per_s[~problem.slots.is_endpoint]),
        ("period_hours", problem.period_hours),
    ]
    faults += [
        f"{name} must be above 0, has {values.min()}" for name, values in positive if values.size and values.min() <= 0
    ]
    natural = [
        ("services.demand_per_s", problem.services.demand_per_s.ravel()),
        ("slots.max_instances", problem.slots.max_instances),
        ("mechanisms.bound", problem.mechanisms.bound),
        ("datasets.owed_bound", problem.datasets.owed_bound),
        ("regions.fixed_usd", problem.regions.fixed_usd),
        ("regions.metro", problem.regions.metro),
        ("regions.provider", problem.regions.provider),
        ("regions.country", problem.regions.country),
    ]
    faults += [
        f"{name} must not be below 0, has {values.min()}"
        for name, values in natural
        if values.size and values.min() < 0
    ]
    return faults


def _sense_faults(problem: Problem) -> list[str]:
    """Return tables that fit in shape and contradict each other in meaning."""
    slots, flows, presence = problem.slots, problem.flows, problem.presence
    faults = []
    if (slots.workload[flows.slot] != problem.services.workload[flows.stream]).any():
        faults.append("a flow joins a stream with a slot of another workload")
    has_job = np.isin(slots.workload, problem.jobs.workload)
    if (has_job != slots.is_job).any():
        faults.append("slots.is_job disagrees with the workloads of the jobs")
    if _has_twins(flows.stream, flows.slot):
        faults.append("two flows join the same stream and slot")
    if _has_twins(slots.workload, slots.offer, slots.period):
        faults.append("two slots have the same workload, offer and period")
    if _has_twins(presence.workload, presence.region):
        faults.append("two presences have the same workload and region")
    wide = len(problem.regions.ids)
    charged = problem.regions.fixed_usd[slots.region] > 0
    known = np.isin(slots.workload * wide + slots.region, presence.workload * wide + presence.region)
    if (charged & ~known).any():
        faults.append("a slot in a region with a fixed cost has no presence that would pay for it")
    bounded = np.isin(presence.workload, presence.bounded_workload)
    touched = np.isin(slots.workload, presence.bounded_workload)
    if (touched & ~known).any() and bounded.any():
        faults.append("a workload with bounds on its regions has a slot in a region without presence")
    several = (problem.jobs.max_gangs != 1) & ~problem.jobs.interruptible
    if several.any():
        faults.append("a job that is not interruptible runs more than one gang")
    names = [("pools.kind", problem.pools.kind, POOL_KINDS), ("budgets.metric", problem.budgets.metric, METRICS)]
    names += [("shares.measure", problem.shares.measure, MEASURES)]
    for name, values, allowed in names:
        faults += [
            f"{name} is {value!r}, not one of {', '.join(allowed)}" for value in sorted(set(values) - set(allowed))
        ]
    if problem.survival.of.size and not np.isin(problem.survival.of, (0, 1, 2)).all():
        faults.append("survival.of is not 0 (region), 1 (metro) or 2 (provider)")
    return faults


def _has_twins(*labels: Ints) -> bool:
    """Whether two rows of a table agree in all labels (0 and up), the key of the table."""
    if not labels[0].size or min(int(label.min()) for label in labels) < 0:
        of, first = group(*labels)
        return first.size < of.size
    wide = 1
    for label in labels:
        wide *= int(label.max()) + 1
    if wide > TABLE_SHARE * labels[0].size:
        of, first = group(*labels)
        return first.size < of.size
    key = np.zeros(labels[0].size, dtype=np.int64)
    for label in labels:
        key = key * (int(label.max()) + 1) + label
    seen = np.zeros(wide, dtype=np.bool_)
    seen[key] = True
    return int(np.count_nonzero(seen)) < key.size
