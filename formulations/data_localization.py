r"""Data localization: what the law asks for before data may be served, worked on or kept somewhere.

What the law forbids outright never becomes a variable. What it allows on conditions becomes a row here.

Sets: mechanisms m, each with the key of its charge scope · requirements ρ, with admissible mechanisms M(ρ) · duties y,
with the copies C(y) that fulfil them.

Parameters: B[ρ] the most the activities of ρ can add up to (units/s, gangs, copies: the weights make them
commensurable), B[y] those that owe a duty · β weights · c[y] copies that a duty asks for.

Variable:
    bought  z[m] binary       the mechanism is in force for its key

Constraints:
    requirement[ρ]           sum_q β f[q] + sum_i β b[i] + sum_c β d[c] <= B[ρ] sum_{m in M(ρ)} z[m]        coupling
                             one of the mechanisms suffices; several laws are several rows
    duty[y]                  sum_{c in C(y)} d[c] >= c[y]                              local to one dataset
                             a copy in the country, the primary copy there, the least number of copies
    owed[y]                  sum_q β f[q] + sum_i β b[i] <= B[y] sum_{c in C(y)} d[c]                       coupling
                             a copy of what a workload keeps, owed once any of it is served or worked on
    failover_requirement[ρ]  the same rows for failure flows: see `formulations.survival`
"""

from __future__ import annotations

from typing import Any

import numpy as np

from formulations.bulk import add_family, add_rows, block, lookup
from formulations.domains import Domain
from formulations.problem import Ints, Membership, Problem


def add_variables(model: Any, problem: Problem) -> None:
    """Add bought."""
    every = np.arange(problem.mechanisms.cost_usd.size)
    add_family(model, "bought", every, Domain.BINARY, size=every.size)


def add_local_constraints(model: Any, problem: Problem) -> None:
    """Add the duties, which concern one dataset each."""
    datasets = problem.datasets
    rows = np.flatnonzero(datasets.duty_copies > 0)
    duty = _in_rows(datasets.duty, rows)
    blocks = [block(model, "copy", duty.row, duty.column, duty.weight)]
    add_rows(model, "duty", blocks, keys=rows, lower=datasets.duty_copies[rows].astype(np.float64))


def _in_rows(members: Membership, rows: Ints) -> Membership:
    """Return the entries of some rows, numbered among them."""
    row = lookup(rows, members.row)
    kept = np.flatnonzero(row >= 0)
    return Membership(row[kept], members.column[kept], members.weight[kept])


def add_coupling_constraints(model: Any, problem: Problem) -> None:
    """Add the requirements, whose mechanisms are shared by all that need them, and the copies that activities owe."""
    _add_owed(model, problem)
    mechanisms = problem.mechanisms
    rows = np.arange(mechanisms.bound.size)
    blocks = [
        block(model, family, part.row, part.column, part.weight)
        for family, part in (
            ("flow", mechanisms.by_flow),
            ("gangs", mechanisms.by_gang),
            ("copy", mechanisms.by_copy),
        )
    ]
    by = mechanisms.satisfied_by
    blocks.append(block(model, "bought", by.row, by.column, -mechanisms.bound[by.row]))
    add_rows(model, "requirement", blocks, keys=rows, upper=np.zeros(rows.size))


def _add_owed(model: Any, problem: Problem) -> None:
    datasets = problem.datasets
    rows = np.flatnonzero(datasets.owed_bound > 0)
    flow, gang = _in_rows(datasets.owed_by_flow, rows), _in_rows(datasets.owed_by_gang, rows)
    duty = _in_rows(datasets.duty, rows)
    blocks = [
        block(model, "flow", flow.row, flow.column, flow.weight),
        block(model, "gangs", gang.row, gang.column, gang.weight),
        block(model, "copy", duty.row, duty.column, -datasets.owed_bound[rows][duty.row]),
    ]
    add_rows(model, "owed", blocks, keys=rows, upper=np.zeros(rows.size))
