r"""Units near 1: the same problem with work, data volumes and requirements measured so that solvers see shares.

An instance states demand and work in whatever unit its author counts (tokens, requests, steps): 1e9 tokens or 2e-6
requests per second. A solver works with absolute tolerances near 1e-6 and drops coefficients of at most 1e-9. A
`Problem` may be stated in any units, so it is restated in units of the size of what is asked for:

    u[w]   unit of work of workload w:   2^(e-10), 2^e just above max_t sum_j D[j,t], or above W[g] of a job
    g[k]   unit of volume of dataset k:  2^(e-10), 2^e just above the most GB that any region can read of it
    b[ρ]   unit of requirement ρ:        2^e just above B[ρ]; of a duty y that is owed for what is done, just above B[y]

Demand and work are thus counted in thousandths, roughly (D'[j,t] = D[j,t] / u[w], at most 1024), and coefficients per
unit are multiplied by u[w]. A solver's 1e-6 of such a unit is 1e-9 of what is asked for, the precision to which rows
are to hold. Every unit is a power of two: nothing is rounded, the restated problem has exactly the plans of the stated
one at the same cost, and a row that is violated by a part of its size is violated by the same part in either units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from formulations.columns import Coefficients, Floats, Membership, Strings
from formulations.data import read_pairs
from formulations.families import VARIABLES
from formulations.problem import Problem
from formulations.sets import derive_sets
from formulations.tables import Stated, Tables, with_values

PARTS = 1024.0
"""Units of work that make up the power of two above all demand or work of a workload; likewise for volumes."""


@dataclass(frozen=True)
class Normalised:
    """A problem in units near 1, and by component the stated units that one unit of it is (over its full table)."""

    problem: Problem
    unit: dict[str, Floats]

    def restore(self, values: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return values of `problem` in the units of the problem as stated."""
        return {name: value * self.unit[name] if name in self.unit else value for name, value in values.items()}

    def apply(self, values: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return values in stated units in the units of `problem`."""
        return {name: value / self.unit[name] if name in self.unit else value for name, value in values.items()}


def normalise(problem: Problem) -> Normalised:
    """Return the problem in units near 1.

    What is counted in which unit, to which power, every column and every family of variables states.
    """
    tables = Tables(problem)
    units = {
        "workload": _units_of_work(problem),
        "dataset": _units_of_volume(problem),
        "requirement": _power_above(problem.mechanisms.bound),
        "duty": _power_above(problem.datasets.owed_bound),
    }
    counted = [one for one in tables.columns if one.column.counted_in]
    restated = with_values(problem, [(one, _restated(one, tables, units)) for one in counted])
    unit = {}
    for name, family in VARIABLES.items():
        if family.counted_in:
            of_row = _unit_of(family.counted_in, tables, units, family.over)
            unit[name] = of_row if family.rows is None else of_row[family.rows(problem)]
    return Normalised(restated, unit)


def _restated(one: Stated, tables: Tables, units: Mapping[str, Floats]) -> Any:
    """Return a column's values in the units given."""
    value, rows, counted_in = one.value, one.column.rows, one.column.counted_in
    if isinstance(value, Membership):
        weight = value.weight
        for table, power in counted_in.items():
            is_row = tables.leads_to(rows, table) is not None
            unit = _unit_of({table: power}, tables, units, rows if is_row else one.column.points_to)
            weight = weight / unit[value.row if is_row else value.column]
        return Membership(value.row, value.column, weight)
    if one.is_left_out:
        return value
    unit = _unit_of(counted_in, tables, units, rows)
    if isinstance(value, Coefficients):
        return value.each(lambda added: added * (1.0 / unit))
    return value / unit.reshape(value.shape)


def _unit_of(counted_in: Mapping[str, int], tables: Tables, units: Mapping[str, Floats], rows: Strings) -> Floats:
    """Return by row of a table the unit in which its numbers are counted."""
    found: Floats | None = None
    for table, power in counted_in.items():
        own = tables.leads_to(rows, table)
        assert own is not None, (rows, table)
        unit = (units[table] ** power)[own]
        found = unit if found is None else found * unit
    assert found is not None
    return found


def _units_of_work(problem: Problem) -> Floats:
    """Return by workload the unit in which its greatest demand, or its work, is between 512 and 1024."""
    services, jobs = problem.services, problem.jobs
    demand = np.zeros((len(problem.workload_ids), problem.period_hours.size))
    np.add.at(demand, services.workload, services.demand_per_s)
    size = demand.max(axis=1, initial=0.0)
    size[jobs.workload] = jobs.work_units
    return _power_above(size) / PARTS


def _units_of_volume(problem: Problem) -> Floats:
    """Return by dataset the unit in which the most GB that a region can read of it is between 512 and 1024."""
    datasets = problem.datasets
    size = np.zeros(len(datasets.ids))
    pairs = read_pairs(problem)
    np.maximum.at(size, pairs.dataset, pairs.most_gb(problem, derive_sets(problem)))
    return _power_above(size) / PARTS


def _power_above(size: Floats) -> Floats:
    """Return by element the power of two at or above it, 1 where it is 0."""
    mantissa, exponent = np.frexp(size)
    exponent = exponent - (mantissa == 0.5)
    return np.where(size > 0, np.exp2(np.clip(exponent, -1000, 1000).astype(np.float64)), 1.0)
