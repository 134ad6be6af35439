"""A small mixed-integer program of rows as dicts, solved by `scipy.optimize.milp`."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

INF = np.inf


class Program:
    """min cost'x, rows of dicts."""

    def __init__(self) -> None:
        self.cost: list[float] = []
        self.high: list[float] = []
        self.integer: list[int] = []
        self.rows: list[tuple[dict[int, float], float, float]] = []

    def variable(self, cost: float = 0.0, high: float = INF, integer: bool = False) -> int:
        self.cost.append(cost)
        self.high.append(high)
        self.integer.append(int(integer))
        return len(self.cost) - 1

    def row(self, terms: dict[int, float], low: float = -INF, high: float = INF) -> None:
        self.rows.append((terms, low, high))

    def least(self) -> float | None:
        for terms, low, high in self.rows:
            if not any(terms.values()) and (low > 0 or high < 0):
                return None
        data, row, column = [], [], []
        for position, (terms, _, _) in enumerate(self.rows):
            for variable, weight in terms.items():
                data.append(weight)
                row.append(position)
                column.append(variable)
        matrix = sparse.csr_array((data, (row, column)), shape=(len(self.rows), len(self.cost)))
        result = milp(
            np.array(self.cost),
            integrality=np.array(self.integer),
            bounds=Bounds(np.zeros(len(self.cost)), np.array(self.high)),
            constraints=LinearConstraint(matrix, [r[1] for r in self.rows], [r[2] for r in self.rows]),
            options={"mip_rel_gap": 0.0},
        )
        if result.status == 2:
            return None
        assert result.status == 0, result.message
        return float(result.fun)
