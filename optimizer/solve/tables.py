"""From columns back to the tables of `Problem`: arrays of full length, zero where no variable exists."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Problem
from optimizer.solve.matrix import Matrix


def table_shapes(problem: Problem) -> dict[str, tuple[int, ...]]:
    """Return the shape of the table each decision family is indexed by."""
    streams_by_period = problem.services.demand_per_s.shape
    slots = (problem.slots.workload.size,)
    return {
        "instances": slots,
        "flow": (problem.flows.stream.size,),
        "gangs": slots,
        "work_hours": slots,
        "present": (problem.presence.workload.size,),
        "region_used": (len(problem.regions.ids),),
        "copy": (problem.datasets.copy_dataset.size,),
        "transfer": (problem.datasets.transfer_copy.size,),
        "bought": (len(problem.mechanisms.ids),),
        "unserved": streams_by_period,
        "undone": (problem.jobs.workload.size,),
    }


def to_tables(matrix: Matrix, x: NDArray[np.float64], problem: Problem) -> dict[str, NDArray[np.float64]]:
    """Return {component: array over its whole table}; helper components get the smallest shape that holds their keys."""
    shapes = table_shapes(problem)
    tables = {name: np.zeros(shape) for name, shape in shapes.items()}
    for name in matrix.columns.names:
        columns = matrix.columns.of(name)
        keys = matrix.columns.index_of(name)
        if keys.shape[1] == 0:
            tables[name] = np.array(x[columns[0]])
            continue
        shape = shapes.get(name) or tuple(int(top) + 1 for top in keys.max(axis=0))
        table = np.zeros(shape)
        table[tuple(keys.T)] = x[columns]
        tables[name] = table
    return tables
