"""A mixed-integer program as variable families and rows in coordinate form: what both rivals are built from.

A *family* is a table of variables, of which only some positions exist. A *part* adds `weight[x]` times the variable at
`position[x]` of a family to row `row[x]`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Family:
    """Variables 0 <= x <= upper; `local[p]` numbers the variable at table position p, -1 where there is none."""

    offset: int
    local: Ints
    upper: Floats
    cost: Floats
    integer: bool


@dataclass(frozen=True)
class Part:
    """Terms of rows; `column` is the number of a variable within its family."""

    family: str
    row: Ints
    column: Ints
    weight: Floats


@dataclass(frozen=True)
class Rows:
    """lower <= sum of parts <= upper; one side may be infinite, both are equal in an equation."""

    parts: list[Part]
    lower: Floats
    upper: Floats


@dataclass(frozen=True)
class Arrays:
    """The whole program by column, as HiGHS takes it."""

    cost: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    a: sparse.csc_array
    row_lower: Floats
    row_upper: Floats


@dataclass
class Program:
    """Families and rows by name, in the order they were added."""

    families: dict[str, Family] = field(default_factory=dict)
    rows: dict[str, Rows] = field(default_factory=dict)

    def add_family(
        self, name: str, size: int, exists: Ints, cost: Floats, upper: Floats | float = np.inf, integer: bool = False
    ) -> None:
        """Add the variables at positions `exists` of a table of `size` rows; `cost` is by table position."""
        local = np.full(size, -1, dtype=np.int64)
        local[exists] = np.arange(exists.size)
        ends = [family.offset + family.upper.size for family in self.families.values()]
        bound = np.broadcast_to(np.asarray(upper, dtype=np.float64), exists.shape)
        self.families[name] = Family(max(ends, default=0), local, bound, cost[exists], integer)

    def part(self, name: str, row: Ints, position: Ints, weight: Floats | float) -> Part:
        """Return terms on the variables at table positions, without zeros and without what does not exist."""
        local = self.families[name].local[position]
        weights = np.broadcast_to(np.asarray(weight, dtype=np.float64), row.shape)
        kept = (local >= 0) & (weights != 0.0)
        return Part(name, row[kept], local[kept], weights[kept])

    def add_rows(
        self, name: str, parts: list[Part], size: int, lower: Floats | float = -np.inf, upper: Floats | float = np.inf
    ) -> None:
        """Add rows; those without terms are dropped, and must hold."""
        low, high = (np.broadcast_to(np.asarray(side, dtype=np.float64), (size,)) for side in (lower, upper))
        filled = np.zeros(size, dtype=np.bool_)
        for part in parts:
            filled[part.row] = True
        if np.any(~filled & ((low > 0) | (high < 0))):
            raise ValueError(f"a row of {name} has no terms and does not hold: the program is infeasible")
        kept = np.flatnonzero(filled)
        if not kept.size:
            return
        number = np.cumsum(filled) - 1
        parts = [Part(p.family, number[p.row], p.column, p.weight) for p in parts if p.row.size]
        self.rows[name] = Rows(parts, low[kept], high[kept])

    def arrays(self) -> Arrays:
        """Stack everything into one matrix by column."""
        row, column, weight = [], [], []
        start = 0
        for rows in self.rows.values():
            for part in rows.parts:
                row.append(part.row + start)
                column.append(part.column + self.families[part.family].offset)
                weight.append(part.weight)
            start += rows.lower.size
        families = self.families.values()
        cost = np.concatenate([family.cost for family in families])
        coordinates = (np.concatenate(row), np.concatenate(column))
        a = sparse.coo_array((np.concatenate(weight), coordinates), shape=(start, cost.size)).tocsc()
        return Arrays(
            cost=cost,
            upper=np.concatenate([family.upper for family in families]),
            integer=np.concatenate([np.full(family.upper.size, family.integer) for family in families]),
            a=a,
            row_lower=np.concatenate([rows.lower for rows in self.rows.values()]),
            row_upper=np.concatenate([rows.upper for rows in self.rows.values()]),
        )
