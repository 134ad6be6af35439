"""The model as arrays without Pyomo components: the same families and rows, for models too large to hold as objects.

The formulation modules say what a family and a row are, in the terms of `formulations.algebra`; this back end and the
one of Pyomo write it. Both give the same matrix (tests/formulations holds them against each other).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from scipy import sparse

from formulations.algebra import IMPOSSIBLE, Block, Family, Model
from formulations.domains import Domain
from formulations.indexing import every
from formulations.problem import Bools, Floats, Ints


@dataclass(frozen=True)
class Arrays:
    """min cost'x, row_lower <= A x <= row_upper, 0 <= x <= upper, some x integer.

    Columns and rows are labelled by the position of their component in `column_names` or `row_names` and by their
    index in it. Labels and the indices of `a` are held as 32-bit integers where the numbers allow: at ten thousand
    workloads the matrix has 40 million entries.
    """

    cost: Floats
    upper: Floats
    integer: Bools
    a: sparse.csr_array
    row_lower: Floats
    row_upper: Floats
    column_names: tuple[str, ...]
    column_component: Ints
    column_key: Ints
    row_names: tuple[str, ...]
    row_component: Ints
    row_key: Ints


def lean(values: Ints) -> Ints:
    """Return the same integers in 32 bits where all of them fit; an index wherever `Ints` are, not for arithmetic."""
    if values.dtype == np.int32 or not values.size:
        return values
    fits = int(values.min()) >= -(2**31) and int(values.max()) < 2**31
    return cast("Ints", values.astype(np.int32)) if fits else values


def lean_matrix(a: Any) -> Any:
    """Return a compressed sparse matrix with 32-bit indices where they suffice; its entries are not copied."""
    if max(a.nnz, *a.shape) >= 2**31 - 1 or (a.indices.dtype == np.int32 and a.indptr.dtype == np.int32):
        return a
    return type(a)((a.data, a.indices.astype(np.int32), a.indptr.astype(np.int32)), shape=a.shape)


class ArrayModel(Model):
    """Collects families of variables and rows; `finish` puts them together."""

    def __init__(self) -> None:
        super().__init__()
        self.columns = 0
        self.names: list[str] = []
        self.keys: list[Ints] = []
        self.uppers: list[Floats] = []
        self.integers: list[Bools] = []
        self.row_names: list[str] = []
        self.row_keys: list[Ints] = []
        self.sides: list[tuple[Floats, Floats]] = []
        self.parts: list[sparse.csr_array] = []
        self.cost: Floats = np.zeros(0)
        self.add_family(IMPOSSIBLE, every(1), Domain.REAL, upper=0.0)

    def _add_variables(
        self, name: str, index: Ints, domain: Domain, whole: Bools, *, size: int, upper: Floats | None
    ) -> Family:
        column_of = np.full(size, -1, dtype=np.int32 if self.columns + index.size < 2**31 else np.int64)
        column_of[index] = self.columns + np.arange(index.size)
        most = np.full(index.size, np.inf) if upper is None else upper
        self.columns += index.size
        self.names.append(name)
        self.keys.append(lean(index))
        self.uppers.append(np.minimum(most, 1.0) if domain is Domain.BINARY else most)
        self.integers.append(whole)
        return Family(column_of, np.greater_equal(column_of, 0))

    def _add_rows(self, name: str, blocks: Sequence[Block], keys: Ints, side: Floats, sense: str) -> None:
        """Add the rows; what does not hold without terms keeps the variable that can only be 0."""
        row, column, weight = _flat(blocks)
        unlimited = np.full(side.size, np.inf)
        lower, upper = -unlimited if sense == "upper" else side, unlimited if sense == "lower" else side
        kept = np.bincount(row, minlength=keys.size) > 0
        broken = np.flatnonzero(~kept & ((lower > 0) | (upper < 0)))
        if broken.size:
            kept[broken] = True
            row = np.concatenate([row, broken])
            column = np.concatenate([column, np.full(broken.size, self._families[IMPOSSIBLE].handles[0])])
            weight = np.concatenate([weight, np.ones(broken.size)])
        part = sparse.csr_array(
            sparse.coo_array((weight, (lean(row), lean(column))), shape=(keys.size, self.columns)), dtype=np.float64
        )
        if not kept.all():
            part, keys, lower, upper = part[np.flatnonzero(kept)], keys[kept], lower[kept], upper[kept]
        self.row_names.append(name)
        self.row_keys.append(lean(keys))
        self.sides.append((lower, upper))
        self.parts.append(lean_matrix(part))

    def _set_cost(self, name: str, blocks: Sequence[Block]) -> None:
        _, column, weight = _flat(blocks)
        self.cost = np.bincount(column, weights=weight, minlength=self.columns).astype(np.float64)

    def finish(self) -> Arrays:
        """Return the model; variables that are in no row and cost nothing have no column."""
        for part in self.parts:
            part.resize((part.shape[0], self.columns))
        a = lean_matrix(stacked(self.parts, self.columns))
        used = np.bincount(a.indices, minlength=self.columns) > 0
        used |= np.pad(self.cost, (0, self.columns - self.cost.size)) != 0
        kept = np.flatnonzero(used)
        whole = kept.size == self.columns
        sizes = [keys.size for keys in self.keys]
        rows = [keys.size for keys in self.row_keys]
        cost = np.pad(self.cost, (0, self.columns - self.cost.size))
        return Arrays(
            cost=cost[kept],
            upper=_join(self.uppers)[kept],
            integer=_join(self.integers).astype(np.bool_)[kept],
            a=a if whole else _without_columns(a, used, kept.size),
            row_lower=_join([lower for lower, _ in self.sides]),
            row_upper=_join([upper for _, upper in self.sides]),
            column_names=tuple(self.names),
            column_component=lean(np.repeat(lean(np.arange(len(sizes))), sizes))[kept],
            column_key=_joined_keys(self.keys)[kept],
            row_names=tuple(self.row_names),
            row_component=lean(np.repeat(lean(np.arange(len(rows))), rows)),
            row_key=_joined_keys(self.row_keys),
        )


def _flat(blocks: Sequence[Block]) -> tuple[Ints, Ints, Floats]:
    """Return (row, column of the model, weight) of all terms."""
    none = np.zeros(0, dtype=np.int64)
    row = np.concatenate([none, *(part.row for part in blocks)])
    column = np.concatenate([none, *(part.handles[part.column] for part in blocks)]).astype(np.int64)
    return row, column, np.concatenate([np.zeros(0), *(part.weight for part in blocks)])


def stacked(parts: list[sparse.csr_array], columns: int) -> sparse.csr_array:
    """Return the parts one below the other. They are taken out of the list one by one, so that each is held once."""
    rows, entries = sum(part.shape[0] for part in parts), sum(part.nnz for part in parts)
    index = np.int32 if max(rows, columns, entries) < 2**31 - 1 else np.int64
    data, indices = np.empty(entries), np.empty(entries, dtype=index)
    indptr = np.zeros(rows + 1, dtype=index)
    row = entry = 0
    parts.reverse()
    while parts:
        part = parts.pop()
        data[entry : entry + part.nnz], indices[entry : entry + part.nnz] = part.data, part.indices
        indptr[row + 1 : row + part.shape[0] + 1] = part.indptr[1:].astype(index) + entry
        row, entry = row + part.shape[0], entry + part.nnz
    return sparse.csr_array((data, indices, indptr), shape=(rows, columns))


def _without_columns(a: sparse.csr_array, used: Bools, size: int) -> sparse.csr_array:
    """Return the matrix without its empty columns; its entries stay where they are."""
    number = (np.cumsum(used) - 1).astype(a.indices.dtype)
    return sparse.csr_array((a.data, number[a.indices], a.indptr), shape=(a.shape[0], size))


def _joined_keys(parts: list[Ints]) -> Ints:
    return cast("Ints", np.concatenate([np.zeros(0, dtype=np.int32), *parts]))


def _join(parts: list[Any]) -> Any:
    return np.concatenate(parts) if parts else np.zeros(0)
