"""The configurations found so far: what they cost, what they use of the master's rows, and which columns they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations.problem import Membership
from optimizer.solve.decomposition.cut import Cut

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ZERO = 1e-9


class Pool:
    """Configurations by number; grows only."""

    def __init__(self, cut: Cut) -> None:
        self.cut = cut
        self.columns: list[Ints] = []
        self.values: list[Floats] = []
        self._workload: list[int] = []
        self._cost: list[float] = []
        self._row: list[Ints] = []
        self._weight: list[Floats] = []
        self._number: dict[tuple[int, bytes, bytes], int] = {}
        self._matrix: sparse.csr_array | None = None

    def __len__(self) -> int:
        return len(self._cost)

    def add(self, workload: int, columns: Ints, values: Floats) -> int:
        """Return the number of a configuration, which is added where it is not known."""
        kept = np.flatnonzero(np.abs(values) > ZERO)
        kept = kept[np.argsort(columns[kept], kind="stable")]
        columns, values = columns[kept].astype(np.int64), values[kept]
        key = (workload, columns.tobytes(), np.round(values, 6).tobytes())
        if key in self._number:
            return self._number[key]
        self._number[key] = len(self)
        entries = self.cut.use[:, columns].tocsc()
        row, weight = _added_up(entries, values)
        self.columns.append(columns)
        self.values.append(values)
        self._workload.append(workload)
        self._cost.append(float(self.cut.matrix.cost[columns] @ values))
        self._row.append(row)
        self._weight.append(weight)
        self._matrix = None
        return self._number[key]

    @property
    def workload(self) -> Ints:
        """The workload of each configuration."""
        return np.array(self._workload, dtype=np.int64)

    @property
    def cost_usd(self) -> Floats:
        """The cost of each configuration (USD)."""
        return np.array(self._cost, dtype=np.float64)

    def entries(self, since: int = 0) -> tuple[Ints, Ints, Floats]:
        """Return (start of each configuration, row, weight) of those from number `since` on."""
        sizes = [part.size for part in self._row[since:]]
        start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        if not sizes:
            return start, np.zeros(0, dtype=np.int64), np.zeros(0)
        return start, np.concatenate(self._row[since:]), np.concatenate(self._weight[since:])

    def use(self) -> Membership:
        """Return what every configuration uses: (row, configuration, weight)."""
        start, row, weight = self.entries()
        return Membership(row, np.repeat(np.arange(len(self)), np.diff(start)), weight)

    def reduced_cost(self, price: Floats) -> Floats:
        """Return what every configuration costs at the prices of the master's rows."""
        if self._matrix is None:
            start, row, weight = self.entries()
            self._matrix = sparse.csr_array((weight, row, start), shape=(len(self), self.cut.rows.size))
        return np.asarray(self.cost_usd - self._matrix @ price)


def cheapest(workload: Ints, cost_usd: Floats, workloads: int) -> Ints:
    """Return by workload the number of its configuration of least cost, -1 where it has none."""
    best = np.full(workloads, -1, dtype=np.int64)
    order = np.lexsort((cost_usd, workload))
    owner, first = np.unique(workload[order], return_index=True)
    best[owner] = order[first]
    return best


def _added_up(entries: sparse.csc_array, values: Floats) -> tuple[Ints, Floats]:
    """Return the rows that columns at some values add to, and how much."""
    use = np.bincount(entries.indices, entries.data * np.repeat(values, np.diff(entries.indptr))).astype(np.float64)
    row = np.flatnonzero(use)
    return row, use[row]
