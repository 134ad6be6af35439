"""Models that are assignments: every choice takes one of its options, places and a few common limits hold.

An *assignment* is a model in which every column is one of the options of one choice (a row  sum x = 1  over binaries)
and all other rows are limits  sum p x <= L. A limit on which no choice has two options is a *place* (an agent, a
region's pool); an option draws on at most one of them. The few others (a budget) are *common*. Columns that can only be
0 are no options.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.solve.matrix import Matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_COMMON = 4
"""Common limits up to which a model counts as an assignment: searches look at each of them in every step."""
MOST_CELLS = 4_000_000
"""Choices times places up to which they are held as arrays."""
NEVER, HELD = 1e30, 1e-9


@dataclass(frozen=True)
class Assignment:
    """Cost (USD, `NEVER` where there is no option) and `draw` on the place of every choice and place; `column` tells
    which column an option is, -1 for none. `common[e]` is the draw on a common limit. `limit` (inf: none) and
    `worth_usd` (USD per unit) are of the places, `common_limit` and `common_usd` of the common limits; `choice_row` and
    `common_row` are their rows in the model.
    """

    cost: Floats
    draw: Floats
    column: Ints
    limit: Floats
    worth_usd: Floats
    common: list[Floats]
    common_limit: Floats
    common_usd: Floats
    choice_row: Ints
    common_row: Ints

    def to_columns(self, place: Ints, columns: int) -> Floats:
        """Return the values of the model's columns with every choice at a place."""
        x = np.zeros(columns)
        x[self.column[np.arange(place.size), place]] = 1.0
        return x

    def to_places(self, x: Floats) -> Ints:
        """Return the place of every choice, by the largest of its columns' values."""
        return np.where(self.column >= 0, x[self.column], -1.0).argmax(axis=1)

    def holds(self, place: Ints) -> bool:
        """Whether every limit holds with every choice at a place."""
        every = np.arange(place.size)
        load = np.bincount(place, self.draw[every, place], self.limit.size)
        common = [use[every, place].sum() for use in self.common]
        return bool(np.all(load <= at_most(self.limit)) and np.all(common <= at_most(self.common_limit)))


def at_most(limit: Floats) -> Floats:
    """Return limits up to rounding."""
    return np.where(np.isfinite(limit), limit + HELD * np.maximum(np.abs(limit), 1.0), limit)


def find_assignment(matrix: Matrix, row_usd: Floats) -> Assignment | None:
    """Return the model as an assignment; None where it is none. `row_usd` is what a unit of each row is worth."""
    if not np.all(matrix.integer & (matrix.lower == 0) & ((matrix.upper == 1) | (matrix.upper == 0))):
        return None
    options = np.flatnonzero(matrix.upper)
    a = sparse.csr_array(matrix.by_column[:, options])
    count = np.diff(a.indptr)
    row = np.repeat(np.arange(count.size), count)
    ones = np.bincount(row, a.data == 1.0, count.size) == count
    is_choice = ones & (matrix.row_lower == 1.0) & (matrix.row_upper == 1.0) & (count > 0)
    choices, limits = np.flatnonzero(is_choice), np.flatnonzero(~is_choice & (count > 0))
    empty = np.flatnonzero(count == 0)  # a choice without an option, or a limit that holds anyway
    if not options.size or (matrix.row_lower[empty] > 0).any() or (matrix.row_upper[empty] < 0).any():
        return None
    by_choice = a[choices].tocsc()
    draws = a[limits]
    fits = np.isneginf(matrix.row_lower[limits]) & np.isfinite(matrix.row_upper[limits])
    if not np.all(np.diff(by_choice.indptr) == 1) or not fits.all() or (draws.data < 0).any():
        return None
    choice = by_choice.indices.astype(np.int64)
    on = draws.tocoo()
    pair = np.unique(on.row.astype(np.int64) * choices.size + choice[on.col], return_counts=True)
    is_common = np.zeros(limits.size, dtype=np.bool_)
    is_common[pair[0][pair[1] > 1] // max(choices.size, 1)] = True
    if is_common.sum() > MOST_COMMON:
        return None
    own = sparse.csc_array(draws[np.flatnonzero(~is_common)])
    if np.diff(own.indptr).max(initial=0) > 1:
        return None
    rows = (choices, limits[~is_common], limits[is_common])
    return _as_arrays(matrix, (options, choice), own, rows, row_usd)


def _as_arrays(
    matrix: Matrix, columns: tuple[Ints, Ints], own: sparse.csc_array, rows: tuple[Ints, Ints, Ints], row_usd: Floats
) -> Assignment | None:
    """`columns` are those of options and whose they are; `rows` those of choices, of places and of common limits; `own`
    the rows of places.
    """
    options, choice = columns
    n, places = options.size, own.shape[0]
    place = np.full(n, -1, dtype=np.int64)
    drawn = np.zeros(n)
    has = np.diff(own.indptr) > 0
    place[has], drawn[has] = own.indices, own.data
    apart = np.flatnonzero(~has)  # options without a limit of their own have a place each
    order = apart[np.argsort(choice[apart], kind="stable")]
    place[order] = places + np.arange(order.size) - np.searchsorted(choice[order], choice[order])
    shape = (int(choice.max()) + 1, int(place.max()) + 1)
    if shape[0] * shape[1] > MOST_CELLS or shape[0] < 2:
        return None
    free = np.full(shape[1] - places, np.inf)
    cost, column = np.full(shape, NEVER), np.full(shape, -1, dtype=np.int64)
    draw: Floats = np.zeros(shape)
    cost[choice, place], draw[choice, place], column[choice, place] = matrix.cost[options], drawn, options
    common = []
    for row in rows[2]:
        use = np.zeros(shape)
        use[choice, place] = matrix.a[[row]].toarray().ravel()[options]
        common.append(use)
    return Assignment(
        cost, draw, column, np.append(matrix.row_upper[rows[1]], free),
        np.append(row_usd[rows[1]], np.zeros(free.size)), common, matrix.row_upper[rows[2]], row_usd[rows[2]],
        rows[0], rows[2],
    )  # fmt: skip


