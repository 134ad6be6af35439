"""The configurations found so far: what they cost, what they use of the master's rows, and which columns they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations.problem import Membership
from optimizer.solve.decomposition.configuration_rows import ZERO, as_rows, without_dust
from optimizer.solve.decomposition.cut import Cut
from optimizer.solve.highs.scaling import SMALLEST_COEFFICIENT

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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
        own = (np.zeros(columns.size, dtype=np.int64), columns, values)
        return int(self.add_all(np.array([workload]), as_rows([own], 1, self.cut.matrix.cost.size))[0])

    def add_all(self, workload: Ints, values: sparse.csr_array) -> Ints:
        """Return the numbers of configurations given as rows over the columns of the model, which are added where they
        are not known.
        """
        size = self.cut.matrix.column_size
        values = without_dust(values, ZERO * size[values.indices])
        cost = (values @ self.cut.matrix.cost).tolist()
        use = without_dust(self._used(values), SMALLEST_COEFFICIENT)  # prices may be of rows without rounding errors
        numbers = np.empty(workload.size, dtype=np.int64)
        for place, owner in enumerate(workload.tolist()):
            own = slice(values.indptr[place], values.indptr[place + 1])
            column, value = values.indices[own].astype(np.int64), values.data[own].copy()
            key = (owner, column.tobytes(), np.round(value / size[column], 6).tobytes())
            number = self._number.setdefault(key, len(self))
            numbers[place] = number
            if number < len(self):
                continue
            used = slice(use.indptr[place], use.indptr[place + 1])
            self.columns.append(column)
            self.values.append(value)
            self._workload.append(owner)
            self._cost.append(cost[place])
            self._row.append(use.indices[used].astype(np.int64))
            self._weight.append(use.data[used].copy())
            self._matrix = None
        return numbers

    def _used(self, values: sparse.csr_array) -> sparse.csr_array:
        """Return what configurations use of the master's rows; only their own columns are looked at, of millions."""
        own = sparse.csr_array(
            (values.data, np.arange(values.nnz), values.indptr), shape=(values.shape[0], values.nnz)
        )
        return sparse.csr_array(own @ sparse.csr_array(self.cut.use[:, values.indices].T))

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

