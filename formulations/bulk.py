"""Families of variables and constraint rows from arrays, in bulk: as Pyomo components or into an `ArrayModel`.

A *family* is what Pyomo calls an indexed component. Pyomo itself is loaded with the first model made of it
(`components`): a model stated as arrays does without.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formulations.arrays import ArrayModel
from formulations.domains import WHOLE_UP_TO, Domain
from formulations.problem import Floats, Ints

Handles = NDArray[np.object_]
IMPOSSIBLE = "impossible"
DENSE = 4
"""How many times as long as what is looked up a list of all possible values may be."""


@dataclass(frozen=True)
class Block:
    """Terms of constraint rows: `weight[x]` times the variable `column[x]` of a family, added to row `row[x]`.

    `variables` are the family's: Pyomo's by table position, or in an `ArrayModel` their columns.
    """

    row: Ints
    variables: Handles | Ints
    column: Ints
    weight: Floats


@dataclass(frozen=True)
class _Family:
    """A family's variables (or columns) by table position, and which positions have one."""

    variables: Handles | Ints
    exists: NDArray[np.bool_]


@contextmanager
def paused_gc() -> Iterator[None]:
    """Pause the garbage collector: building a model allocates many long-lived objects and frees none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def add_family(model: Any, name: str, index: Ints, domain: Domain, *, size: int, upper: Floats | None = None) -> None:
    """Add variables `name[i]` >= 0 for every i of `index`, with upper bounds if given (shape of `index`).

    `size` is the length of the table that the index refers to. Whole numbers with a bound above `WHOLE_UP_TO`
    are continuous.
    """
    if isinstance(model, ArrayModel):
        most = np.full(index.size, np.inf) if upper is None else upper
        most = np.minimum(most, 1.0) if domain is Domain.BINARY else most
        integer = np.full(index.size, domain is not Domain.REAL)
        if upper is not None and domain is Domain.WHOLE:
            integer = upper <= WHOLE_UP_TO
        model.add_family(name, index, size=size, integer=integer, upper=most)
        return
    from formulations import components

    _families(model)[name] = _Family(*components.add_variables(model, name, index, domain, size=size, upper=upper))


def block(model: Any, name: str, row: Ints, column: Ints, weight: NDArray[Any] | float) -> Block:
    """Return the terms weight[x] * name[column[x]] in row[x].

    Zero weights and positions without a variable (whose value is 0) are left out.
    """
    if isinstance(model, ArrayModel):
        columns = model.column_of[name]
        family = _Family(columns, columns >= 0)
    else:
        family = _families(model)[name]
    weights = np.broadcast_to(np.asarray(weight, dtype=np.float64), row.shape)
    kept = (weights != 0.0) & family.exists[column]
    return Block(row[kept], family.variables, column[kept], weights[kept])


def add_rows(
    model: Any,
    name: str,
    blocks: Sequence[Block],
    *,
    keys: Ints,
    lower: Floats | None = None,
    upper: Floats | None = None,
    equal: Floats | None = None,
) -> None:
    """Add the constraint family `name`, one row per key, with exactly one of `lower`, `upper` and `equal`.

    Block rows are positions in `keys`. A row without terms is dropped when it holds; when it does not hold it keeps a
    variable that can only be 0, so that the model is infeasible and says in which row.
    """
    side = next(values for values in (lower, upper, equal) if values is not None)
    if isinstance(model, ArrayModel):
        _add_row_arrays(
            model, name, blocks, keys,
            lower=side if upper is None else np.full(side.size, -np.inf),
            upper=side if lower is None else np.full(side.size, np.inf),
        )  # fmt: skip
        return
    from formulations import components

    sense = "equal" if equal is not None else "upper" if upper is not None else "lower"
    components.add_constraints(model, name, blocks, keys, side, sense=sense, impossible=IMPOSSIBLE)


def _add_row_arrays(
    model: ArrayModel, name: str, blocks: Sequence[Block], keys: Ints, *, lower: Floats, upper: Floats
) -> None:
    """Add the rows to an array model; what does not hold without terms keeps the variable that can only be 0."""
    row, column, weight = _flat(blocks)
    empty = np.flatnonzero((np.bincount(row, minlength=keys.size) == 0) & ((lower > 0) | (upper < 0)))
    row = np.concatenate([row, empty])
    column = np.concatenate([column, np.full(empty.size, model.column_of[IMPOSSIBLE][0])])
    weight = np.concatenate([weight, np.ones(empty.size)])
    model.add_rows(name, row, column, weight, keys=keys, lower=lower, upper=upper)


def _flat(blocks: Sequence[Block]) -> tuple[Ints, Ints, Floats]:
    """Return (row, column of the model, weight) of all terms of blocks of an array model."""
    none = np.zeros(0, dtype=np.int64)
    row = np.concatenate([none, *(part.row for part in blocks)])
    column = np.concatenate([none, *(part.variables[part.column] for part in blocks)]).astype(np.int64)
    return row, column, np.concatenate([np.zeros(0), *(part.weight for part in blocks)])


def add_cost(model: Any, name: str, blocks: Sequence[Block]) -> None:
    """Add the objective `name`: minimise the sum of all terms."""
    if isinstance(model, ArrayModel):
        _, column, weight = _flat(blocks)
        model.set_cost(column, weight)
        return
    from formulations import components

    components.add_objective(model, name, blocks)


def start_arrays() -> ArrayModel:
    """Return an empty array model with the one variable that can only be 0."""
    model = ArrayModel()
    none, whole = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.bool_)
    model.add_family(IMPOSSIBLE, none, size=1, integer=whole, upper=np.zeros(1))
    return model


def start_model(name: str) -> Any:
    """Return an empty Pyomo model with the one variable that can only be 0."""
    from formulations import components

    model = components.empty_model(name, IMPOSSIBLE)
    model._families = {}
    return model


def family_names(model: Any) -> list[str]:
    """Return the names of all families of variables and rows of a model."""
    if isinstance(model, ArrayModel):
        return [*model.names, *model.row_names]
    from formulations import components

    return components.family_names(model)


def group(*labels: Ints) -> tuple[Ints, Ints]:
    """Number the distinct tuples of labels.

    Returns (of, first): `of[x]` is the number of element x's tuple, `first[g]` the first element with tuple g.
    """
    combined, wide = np.zeros(labels[0].shape, dtype=np.int64), 1
    for label in labels:
        least = min(int(label.min(initial=0)), 0)
        width = int(label.max(initial=0)) - least + 1
        if wide * width >= 2**62:
            combined, wide = np.unique(combined, return_inverse=True)[1], combined.size
        combined, wide = combined * width + (label - least), wide * width
    _, first, of = np.unique(combined, return_index=True, return_inverse=True)
    return of.astype(np.int64), first.astype(np.int64)


def lookup(table: Ints, wanted: Ints) -> Ints:
    """Return the position of each wanted value in `table` (distinct values), -1 where it is absent."""
    if not table.size:
        return np.full(wanted.shape, -1, dtype=np.int64)
    least, most = int(table.min()), int(table.max())
    if most - least < DENSE * (table.size + wanted.size):
        position = np.full(most - least + 2, -1, dtype=np.int64)
        position[table[::-1] - least] = np.arange(table.size)[::-1]
        return position[np.where((wanted >= least) & (wanted <= most), wanted - least, -1)]
    order = np.argsort(table, kind="stable")
    place = np.minimum(np.searchsorted(table, wanted, sorter=order), table.size - 1)
    found = order[place]
    return np.where(table[found] == wanted, found, -1)


def _families(model: Any) -> dict[str, _Family]:
    families: dict[str, _Family] = model._families
    return families
