"""Tables that are filled part by part, without holding anything twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Table = TypeVar("Table")


def columns(name: str, table: Any) -> dict[str, NDArray[Any]]:
    """Return the arrays of a table, and of the tables in it, by name."""
    found: dict[str, NDArray[Any]] = {}
    for part in fields(table):
        value = getattr(table, part.name)
        if is_dataclass(value):
            found.update(columns(f"{name}.{part.name}", value))
        elif isinstance(value, Mapping):
            found.update({f"{name}.{part.name}.{term}": values for term, values in value.items()})
        else:
            found[f"{name}.{part.name}"] = value
    return found


class Filling:
    """Columns of one length, filled from parts; what is not filled, or is all zeros, takes no memory."""

    def __init__(self, capacity: int) -> None:
        self.held: dict[str, NDArray[Any]] = {}
        self.size, self._capacity = 0, capacity

    def put(self, part: Mapping[str, NDArray[Any]]) -> None:
        """Append the columns of a part, which are all of one length."""
        length = 0
        for name, values in part.items():
            length = len(values)
            column = self.held.get(name)
            if column is None:
                column = self.held[name] = np.zeros(self._capacity, dtype=values.dtype)
            if values[:64].any() or values.any():
                column[self.size : self.size + length] = values
        self.size += length

    def column(self, name: str) -> NDArray[Any]:
        """Return a column as far as it is filled."""
        return self.held[name][: self.size] if name in self.held else np.zeros(0)

    def table(self, like: Table, name: str) -> Table:
        """Return a table with the columns that `columns(name, like)` would name; of a mapping, those not all zeros."""
        new: dict[str, Any] = {}
        for part in fields(like):  # type: ignore[arg-type]
            value, own = getattr(like, part.name), f"{name}.{part.name}"
            if is_dataclass(value):
                new[part.name] = self.table(value, own)
            elif isinstance(value, Mapping):
                held = {key.removeprefix(f"{own}."): self.column(key) for key in self.held if key.startswith(f"{own}.")}
                new[part.name] = {term: values for term, values in held.items() if values.any()}
            else:
                new[part.name] = self.column(own) if own in self.held else value
        return replace(like, **new)  # type: ignore[type-var]


def distinct(values: Ints, size: int) -> Ints:
    """Return the distinct ones of integers from 0 to `size` - 1, in order; marks in a list of all take no sort."""
    seen = np.zeros(size, dtype=np.bool_)
    seen[values] = True
    return np.flatnonzero(seen)
