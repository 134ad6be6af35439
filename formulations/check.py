"""Checks that the arrays of a `Problem` fit together, so that no misplaced index becomes a silent wrong answer."""

from __future__ import annotations

import numpy as np

from formulations.columns import Coefficients, Ints, Membership, Strings
from formulations.indexing import group
from formulations.problem import Problem
from formulations.tables import Stated, Tables

TABLE_SHARE = 16
"""How many times as long as a table a list of all its possible keys may be."""


def check_problem(problem: Problem) -> None:
    """Raise ValueError with all the ways in which the tables of a problem do not fit together."""
    tables = Tables(problem)
    faults = [*_index_faults(tables), *_length_faults(tables)]
    if not faults:
        faults = [*_number_faults(tables), *_key_faults(tables), *_sense_faults(problem)]
    if faults:
        raise ValueError("the tables of the problem do not fit together:\n" + "\n".join(f"- {text}" for text in faults))


def _index_faults(tables: Tables) -> list[str]:
    """Return the index arrays that point outside the table they refer to."""
    indices: list[tuple[str, Ints, Strings]] = []
    for one in tables.columns:
        if isinstance(one.value, Membership):
            indices += [(f"{one.name}.row", one.value.row, one.column.rows)]
            indices += [(f"{one.name}.column", one.value.column, one.column.points_to)]
        elif one.column.points_to:
            indices += [(one.name, one.value, one.column.points_to)]
    return [
        f"{name} points to {' x '.join(table)} {int(values.max())} of {tables.size(table)}, "
        f"or below 0 ({int(values.min())})"
        for name, values, table in indices
        if values.size and (values.max() >= tables.size(table) or values.min() < 0)
    ]


def _length_faults(tables: Tables) -> list[str]:
    """Return the arrays whose length is not that of their table."""
    expected: list[tuple[str, int, int]] = []
    for one in tables.columns:
        rows = tables.size(one.column.rows)
        if isinstance(one.value, Membership):
            expected += [(name, values.size, one.value.row.size) for name, values in one.numbers]
        elif isinstance(one.value, Coefficients):
            expected += [(name, values.size, rows) for name, values in one.numbers]
        elif one.column.rows and not one.is_left_out:
            expected += [(one.name, one.length, rows)]
    return [f"{name} has {found} values where {rows} are expected" for name, found, rows in expected if found != rows]


def _number_faults(tables: Tables) -> list[str]:
    """Return the arrays with a NaN, an infinite figure, or one below what has a meaning; and words that have none."""
    faults = []
    for one in tables.columns:
        faults += [
            f"{name} holds {int((~np.isfinite(values)).sum())} figures that are not finite"
            for name, values in one.numbers
            if values.dtype.kind == "f" and not np.isfinite(values).all()
        ]
        if one.column.allowed:
            allowed = ", ".join(one.column.allowed)
            strange = sorted(set(one.value) - set(one.column.allowed))
            faults += [f"{one.name} is {word!r}, not one of {allowed}" for word in strange]
        elif one.column.above is not None and one.length and one.value.min() <= one.column.above:
            faults.append(f"{one.name} must be above {one.column.above:g}, has {one.value.min()}")
        elif one.column.least is not None and one.length and one.value.min() < one.column.least:
            faults.append(f"{one.name} must not be below {one.column.least:g}, has {one.value.min()}")
    return faults


def _key_faults(tables: Tables) -> list[str]:
    """Return the tables with two rows of one key."""
    keys: dict[Strings, list[Stated]] = {}
    for one in tables.columns:
        if one.column.is_key:
            keys.setdefault(one.column.rows, []).append(one)
    return [
        f"two {table[0]}s have the same {' and '.join(one.field for one in own)}"
        for table, own in keys.items()
        if _has_twins(*(one.value for one in own))
    ]


def _sense_faults(problem: Problem) -> list[str]:
    """Return tables that fit in shape and contradict each other in meaning."""
    slots, flows, presence = problem.slots, problem.flows, problem.presence
    faults = []
    capacity = slots.capacity_per_s[~slots.is_endpoint]
    if capacity.size and capacity.min() <= 0:
        faults.append(f"slots.capacity_per_s must be above 0, has {capacity.min()}")
    if (slots.workload[flows.slot] != problem.services.workload[flows.stream]).any():
        faults.append("a flow joins a stream with a slot of another workload")
    has_job = np.isin(slots.workload, problem.jobs.workload)
    if (has_job != slots.is_job).any():
        faults.append("slots.is_job disagrees with the workloads of the jobs")
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
