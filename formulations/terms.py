"""What decisions add up to in the metric of a row, by slots in scope: shared by budgets and shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from formulations.algebra import Expression, Model
from formulations.problem import Coefficients, Membership, Problem


def slot_matrix(problem: Problem, members: Membership, rows: int) -> sparse.csr_array:
    """Return the membership of slots as a matrix of shape [rows, slots]; repeated entries add up."""
    return sparse.csr_array(
        sparse.coo_array((members.weight, (members.row, members.column)), shape=(rows, problem.slots.workload.size))
    )


def measured(model: Model, problem: Problem, of: sparse.csr_array, metric: Sequence[str]) -> Expression:
    """Return by row sum_i of[row, i] (run n[i] + work H[i] + sum_{q on i} serve f[q]), in the metric of the row.

    `metric[row]` names what `Coefficients` add to.
    """
    n, H, f = model.vars("instances", "work_hours", "flow")
    slots, flows = problem.slots, problem.flows
    on_slot = sparse.csr_array(
        (np.ones(flows.slot.size), (flows.slot, np.arange(flows.slot.size))),
        shape=(slots.workload.size, flows.slot.size),
    )
    at_slot, at_flow = _members(of), _members(of @ on_slot)
    run, work = priced(at_slot, slots.running, metric), priced(at_slot, slots.working, metric)
    return run @ n + work @ H + priced(at_flow, flows.serving, metric) @ f


def priced(members: Membership, coefficients: Coefficients, metric: Sequence[str], *, each: int = 1) -> Membership:
    """Return members weighted by what one unit of each adds in the metric of its row; `each` columns share a figure."""
    weight = np.zeros(members.row.size)
    names = sorted(set(metric))
    number = np.array([names.index(name) for name in metric], dtype=np.int64)
    for place, name in enumerate(names):
        mine = np.flatnonzero(number[members.row] == place)
        column = members.column[mine]
        weight[mine] = coefficients.of(name)[column if each == 1 else column // each]
    return Membership(members.row, members.column, members.weight * weight)


def _members(matrix: sparse.csr_array) -> Membership:
    entries = matrix.tocoo()
    return Membership(entries.row.astype(np.int64), entries.col.astype(np.int64), entries.data)
