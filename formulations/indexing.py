"""Index arrays: groups of equal labels, look-ups, and values by label."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Bools, Floats, Ints

DENSE = 4
"""How many times as long as what is looked up a list of all possible values may be."""


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


def heads(among: Bools | Ints, *labels: Ints) -> tuple[Ints, Ints]:
    """Group those `among` all elements (a mask, or their positions) whose labels are equal, under the first of them.

    Returns (head, rows): `head[x]` is the first element with the labels of x, -1 where x is not among them; `rows` are
    the heads in the order of their labels.
    """
    members = positions(among)
    of, first = group(*(label[members] for label in labels))
    head = np.full(labels[0].size, -1, dtype=np.int64)
    head[members] = members[first][of]
    return head, members[first]


def positions(among: Bools | Ints) -> Ints:
    """Return the positions that a mask marks, or the positions given."""
    return np.flatnonzero(among) if among.dtype == np.bool_ else cast("Ints", among)


def lookup(table: Ints, wanted: Ints) -> Ints:
    """Return the position of each wanted value in `table` (distinct values), -1 where it is absent."""
    if not table.size or not wanted.size:
        return np.full(wanted.shape, -1, dtype=np.int64)
    least = min(int(table.min()), int(wanted.min()) + 1, 0)  # what is wanted one below it is at -1, the last place
    most = max(int(table.max()), int(wanted.max()))
    if most - least < DENSE * (table.size + wanted.size):
        position = np.full(most - least + 2, -1, dtype=np.int64)
        position[table[::-1] - least] = np.arange(table.size)[::-1]
        return position[wanted - least] if least else position[wanted]
    order = np.argsort(table, kind="stable")
    place = np.minimum(np.searchsorted(table, wanted, sorter=order), table.size - 1)
    found = order[place]
    return np.where(table[found] == wanted, found, -1)


def join(table: Ints, wanted: Ints) -> tuple[Ints, Ints]:
    """Return every pair (position in `wanted`, position in `table`) of equal values, in the order of `wanted`."""
    order = np.argsort(table, kind="stable")
    start, end = (np.searchsorted(table[order], wanted, side=side) for side in ("left", "right"))
    size = end - start
    position = np.repeat(every(wanted.size), size)
    within = every(position.size) - np.repeat(np.cumsum(size) - size, size)
    return position, order[np.repeat(start, size) + within]


def add_up(values: Floats, by: Ints, size: int) -> Floats:
    """Return by label the sum of the values that have it; values labelled -1 count nowhere."""
    kept = by >= 0
    return np.bincount(by[kept], weights=values[kept], minlength=size).astype(np.float64)


def at(values: NDArray[np.generic], index: Ints) -> Floats:
    """Return the value at each position, 0 where the position is -1."""
    return np.append(values, 0).astype(np.float64)[index]


def every(size: int) -> Ints:
    """Return the positions of a whole table."""
    return np.arange(size)
