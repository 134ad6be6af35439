"""The model as arrays without Pyomo components: the same families and rows, for models too large to hold as objects.

The formulation modules say what a family and a row are; `bulk` writes it either into a Pyomo model or into an
`ArrayModel`. Both give the same matrix (tests/formulations holds them against each other).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from formulations.problem import Bools, Floats, Ints


@dataclass(frozen=True)
class Arrays:
    """min cost'x, row_lower <= A x <= row_upper, 0 <= x <= upper, some x integer.

    Columns and rows are labelled by the position of their component in `column_names` or `row_names` and by their
    index in it.
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


class ArrayModel:
    """Collects families of variables and rows; `finish` puts them together."""

    def __init__(self) -> None:
        self.columns = 0
        self.names: list[str] = []
        self.keys: list[Ints] = []
        self.uppers: list[Floats] = []
        self.integers: list[Bools] = []
        self.column_of: dict[str, Ints] = {}
        self.row_names: list[str] = []
        self.row_keys: list[Ints] = []
        self.sides: list[tuple[Floats, Floats]] = []
        self.parts: list[sparse.csr_array] = []
        self.cost: Floats = np.zeros(0)

    def add_family(self, name: str, index: Ints, *, size: int, integer: bool, upper: Floats) -> None:
        """Add variables for every position of `index` in a table of `size`."""
        column_of = np.full(size, -1, dtype=np.int64)
        column_of[index] = self.columns + np.arange(index.size)
        self.columns += index.size
        self.names.append(name)
        self.keys.append(index)
        self.uppers.append(upper)
        self.integers.append(np.full(index.size, integer))
        self.column_of[name] = column_of

    def add_rows(self, name: str, row: Ints, column: Ints, weight: Floats, *, keys: Ints, lower: Floats,
                 upper: Floats) -> None:  # fmt: skip
        """Add rows; terms in one row and column add up. A row without terms is left out when it holds."""
        part = sparse.csr_array(
            sparse.coo_array((weight, (row, column)), shape=(keys.size, self.columns)), dtype=np.float64
        )
        filled = np.bincount(row, minlength=keys.size) > 0
        kept = filled | (lower > 0) | (upper < 0)
        if not kept.all():
            part, keys, lower, upper = part[np.flatnonzero(kept)], keys[kept], lower[kept], upper[kept]
        self.row_names.append(name)
        self.row_keys.append(keys)
        self.sides.append((lower, upper))
        self.parts.append(part)

    def set_cost(self, column: Ints, weight: Floats) -> None:
        """Set the objective; terms of one column add up."""
        self.cost = np.bincount(column, weights=weight, minlength=self.columns).astype(np.float64)

    def finish(self) -> Arrays:
        """Return the model; variables that are in no row and cost nothing have no column."""
        for part in self.parts:
            part.resize((part.shape[0], self.columns))
        a = sparse.csr_array(sparse.vstack(self.parts, format="csr")) if self.parts else sparse.csr_array(
            (0, self.columns)
        )
        self.parts = []
        used = np.bincount(a.indices, minlength=self.columns) > 0
        used |= np.pad(self.cost, (0, self.columns - self.cost.size)) != 0
        kept = np.flatnonzero(used)
        sizes = [keys.size for keys in self.keys]
        rows = [keys.size for keys in self.row_keys]
        cost = np.pad(self.cost, (0, self.columns - self.cost.size))
        return Arrays(
            cost=cost[kept],
            upper=_join(self.uppers)[kept],
            integer=_join(self.integers).astype(np.bool_)[kept],
            a=a if kept.size == self.columns else sparse.csr_array(a[:, kept]),
            row_lower=_join([lower for lower, _ in self.sides]),
            row_upper=_join([upper for _, upper in self.sides]),
            column_names=tuple(self.names),
            column_component=np.repeat(np.arange(len(sizes)), sizes)[kept],
            column_key=_join(self.keys).astype(np.int64)[kept],
            row_names=tuple(self.row_names),
            row_component=np.repeat(np.arange(len(rows)), rows),
            row_key=_join(self.row_keys).astype(np.int64),
        )


def _join(parts: list[Any]) -> Any:
    return np.concatenate(parts) if parts else np.zeros(0)
