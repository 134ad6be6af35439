r"""What it costs to open regions with a fixed cost, by the prices of the relaxation.

A region's s *gates* the columns that stand with it, and with no other s, in rows  sum p x <= M s  (p, M > 0, x >= 0):
with s = 0 they are 0. So  x <= u s  holds as well, u the upper bound of x, stated or not. The relaxation leaves open
what these rows are worth where s = 0, and mostly puts it where it tells nothing about s. With the prices y of all other
rows as they are and d = c - A'y without the gated rows, opening s costs at least

    d_s + min { sum d_x x : its rows at s = 1, 0 <= x <= u }.

Where one limit is all there is besides the bounds, this is a continuous knapsack; several limits are priced in turn,
which is valid and may be less. The prices of the knapsack give s that value as its reduced cost and leave none below 0
among the columns it gates. On location problems half of the regions and more cost more to open than a good plan leaves
room for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.solve.matrix import Matrix
from optimizer.solve.special.reduced_costs import Priced, priced

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EXACT = 1e-12


@dataclass(frozen=True)
class Gates:
    """`openers` are the columns s, `of_row` and `of_column` the place among them of who gates a row or column (-1).

    `layers` are the gated rows with several columns, at most one of each opener in a layer: the rows, and their entries
    of gated columns, `row` counted within the layer.
    """

    openers: Ints
    of_row: Ints
    of_column: Ints
    layers: list[tuple[Ints, sparse.coo_array]]


def find_gates(matrix: Matrix) -> Gates:
    """Return the binary `region_used` columns with the rows and columns that they gate."""
    used = matrix.columns.of("region_used")
    openers = used[matrix.integer[used] & (matrix.lower[used] == 0) & (matrix.upper[used] == 1)]
    place = np.full(matrix.cost.size, -1, dtype=np.int64)
    place[openers] = np.arange(openers.size)
    rows = np.flatnonzero((matrix.row_upper == 0) & np.isneginf(matrix.row_lower))
    part = matrix.a[rows].tocoo()
    opens = (place[part.col] >= 0) & (part.data < 0)
    fits = (opens | ((part.data > 0) & (matrix.lower[part.col] == 0))) & (part.data != 0)
    good = (np.bincount(part.row, opens, rows.size) == 1) & (np.bincount(part.row, ~fits, rows.size) == 0)
    of_row = np.full(matrix.shape[0], -1, dtype=np.int64)
    mine = opens & good[part.row]
    of_row[rows[part.row[mine]]] = place[part.col[mine]]
    of_column, torn = _gated(matrix, of_row, place)
    if torn.any():  # columns of two openers stay outside, and so do their rows
        of_row[np.unique(matrix.by_column[:, np.flatnonzero(torn)].indices)] = -1
        of_column, _ = _gated(matrix, of_row, place)
    return Gates(openers, of_row, of_column, _layers(matrix, of_row, of_column))


def decide_all(matrix: Matrix, gates: Gates) -> bool:
    """Whether nothing is whole but openers, or everything else is gated by one."""
    if not gates.openers.size:
        return False
    return int(matrix.integer.sum()) == gates.openers.size or int((gates.of_column < 0).sum()) == gates.openers.size


def _layers(matrix: Matrix, of_row: Ints, of_column: Ints) -> list[tuple[Ints, sparse.coo_array]]:
    rows = np.flatnonzero((of_row >= 0) & (np.diff(matrix.a.indptr) > 2))
    rows = rows[np.argsort(of_row[rows], kind="stable")]
    first = np.searchsorted(of_row[rows], of_row[rows])
    turn = np.arange(rows.size) - first
    layers = []
    for layer in range(int(turn.max(initial=-1)) + 1):
        chosen = rows[turn == layer]
        part = matrix.a[chosen].tocoo()
        inner = of_column[part.col] >= 0
        part = sparse.coo_array((part.data[inner], (part.row[inner], part.col[inner])), shape=part.shape)
        layers.append((chosen, part))
    return layers


def _gated(matrix: Matrix, of_row: Ints, place: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Return by column the opener of its rows, -1 where there is none, and which columns have several."""
    rows = np.flatnonzero(of_row >= 0)
    part = matrix.a[rows].tocoo()
    inner = place[part.col] < 0
    column, opener = part.col[inner], of_row[rows[part.row[inner]]]
    least = np.full(matrix.cost.size, place.size, dtype=np.int64)
    most = np.full(matrix.cost.size, -1, dtype=np.int64)
    np.minimum.at(least, column, opener)
    np.maximum.at(most, column, opener)
    torn = (most >= 0) & (least != most)
    return np.where(torn, -1, most), torn


def price_openings(matrix: Matrix, gates: Gates, row_price: Floats, x: Floats) -> Priced | None:
    """Return bound and reduced costs with the gated rows priced anew; None where the prices give no bound."""
    y = row_price.copy()
    y[gates.of_row >= 0] = 0.0
    d = matrix.cost - matrix.by_column.T @ y
    for rows, inside in gates.layers:
        price = _knapsack_prices(matrix, d, rows, inside)
        y[rows] = price
        d -= matrix.a[rows].T @ price
    return priced(matrix, y, x, lambda d: _charged(matrix, gates, d))


def _knapsack_prices(matrix: Matrix, d: Floats, rows: Ints, inside: sparse.coo_array) -> Floats:
    """Return the price of each limit  sum p x <= M  (at most 0) of a continuous knapsack over the columns `inside`."""
    gains = d[inside.col] < 0
    row, column, weight = inside.row[gains], inside.col[gains], inside.data[gains]
    rate = d[column] / weight
    order = np.lexsort((rate, row))
    row, column, weight, rate = row[order], column[order], weight[order], rate[order]
    filled = np.cumsum(np.minimum(weight * matrix.upper[column], 1e30))
    begin = np.searchsorted(row, np.arange(rows.size))
    before = np.where(begin > 0, filled[np.maximum(begin - 1, 0)], 0.0) if filled.size else np.zeros(rows.size)
    most = -np.asarray(matrix.a[rows].minimum(0.0).sum(axis=1)).ravel()
    full = np.flatnonzero(filled - before[row] > most[row] * (1 + EXACT))
    price = np.zeros(rows.size)
    place, first = np.unique(row[full], return_index=True)
    price[place] = rate[full[first]]
    return price


def _charged(matrix: Matrix, gates: Gates, reduced_cost: Floats) -> Floats:
    """Return the reduced costs with rows  x <= u s  that take what columns gated by s would gain at their bound u."""
    gains = np.flatnonzero((gates.of_column >= 0) & (reduced_cost < 0) & np.isfinite(matrix.upper))
    charged = reduced_cost.copy()
    charged[gains] = 0.0
    gain = reduced_cost[gains] * matrix.upper[gains]
    charged[gates.openers] += np.bincount(gates.of_column[gains], gain, gates.openers.size)
    return charged
