"""From columns to the tables of `Problem` and back: arrays of full length, zero where no variable exists."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from formulations import Problem, table_sizes
from optimizer.solve.matrix import Matrix

Entries = Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]
"""By component, positions in its table and the values there; zero elsewhere."""


def to_tables(matrix: Matrix, x: NDArray[np.float64], problem: Problem) -> dict[str, NDArray[np.float64]]:
    """Return {component: array over its whole table}, as `formulations.table_sizes` gives them; variables of no table,
    one's own, are in none.
    """
    tables = {name: np.zeros(size) for name, size in table_sizes(problem).items()}
    for name in tables.keys() & set(matrix.columns.names):
        columns = matrix.columns.of(name)
        tables[name][matrix.columns.key[columns]] = x[columns]
    return tables


def from_tables(matrix: Matrix, tables: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the value of every column as the tables have it."""
    x = np.zeros(matrix.cost.size)
    for name in matrix.columns.names:
        columns = matrix.columns.of(name)
        x[columns] = tables[name][matrix.columns.key[columns]]
    return x


def from_entries(matrix: Matrix, entries: Entries) -> NDArray[np.float64]:
    """Return the value of every column as the entries have it, 0 for families that they do not name."""
    x = np.zeros(matrix.cost.size)
    for name in entries.keys() & set(matrix.columns.names):
        columns = matrix.columns.of(name)
        key = matrix.columns.key[columns]
        place, values = entries[name]
        table = np.zeros(max(int(key.max(initial=-1)), int(place.max(initial=-1))) + 1)
        table[place] = values
        x[columns] = table[key]
    return x
