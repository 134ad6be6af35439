"""What the decisions add up to in one metric, summed over chosen slots: shared by budgets and shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from formulations.bulk import Block, block
from formulations.problem import Coefficients, Floats, Membership, Problem


def slot_matrix(problem: Problem, members: Membership, rows: int) -> sparse.csr_array:
    """Return the membership of slots as a matrix of shape [rows, slots]; repeated entries add up."""
    return sparse.csr_array(
        sparse.coo_array((members.weight, (members.row, members.column)), shape=(rows, problem.slots.workload.size))
    )


def slot_blocks(model: Any, problem: Problem, weights: sparse.csr_array, metric: list[str]) -> list[Block]:
    """Return the terms weights[row, i] x (metric of row) of all that happens in slot i: running, work and serving.

    `metric[row]` names a field of Coefficients.
    """
    slots, flows = problem.slots, problem.flows
    at_slot = weights.tocoo()
    row, slot = at_slot.row.astype(np.int64), at_slot.col.astype(np.int64)
    incidence = sparse.csr_array(
        (np.ones(flows.slot.size), (flows.slot, np.arange(flows.slot.size))),
        shape=(slots.workload.size, flows.slot.size),
    )
    at_flow = (weights @ incidence).tocoo()
    flow_row, flow = at_flow.row.astype(np.int64), at_flow.col.astype(np.int64)
    return [
        block(model, "instances", row, slot, at_slot.data * per_row(slots.running, metric, row, slot)),
        block(model, "work_hours", row, slot, at_slot.data * per_row(slots.working, metric, row, slot)),
        block(model, "flow", flow_row, flow, at_flow.data * per_row(flows.serving, metric, flow_row, flow)),
    ]


def per_row(coefficients: Coefficients, metric: list[str], row: np.ndarray, column: np.ndarray) -> Floats:
    """Return for every entry the coefficient of its column in the metric of its row."""
    values = np.zeros(row.size)
    names = sorted(set(metric))
    number = np.array([names.index(name) for name in metric], dtype=np.int64)
    for place, name in enumerate(names):
        mine = np.flatnonzero(number[row] == place)
        values[mine] = getattr(coefficients, name)[column[mine]]
    return values
