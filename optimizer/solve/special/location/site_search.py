"""Good sets of open regions by a local search over sets: close one, open one, swap two.

What a set S costs is told by the prices w of its limits alone: every choice goes where cost + w draw is least,

    cost(S) >= sum of fixed costs + sum_j min_{i in S} (c_ij + w_i p_ij) - sum_i w_i Q_i        for every w >= 0,

a concave function of as many variables as regions are open, whose maximum is the linear program over S. A set next to S
begins with the prices of S and needs a few dozen steps. Which neighbours are worth that is estimated first: without
region i its choices go to their second place, and what region k then gains of all choices is a continuous knapsack at
the prices of the others. The best neighbour not yet seen is taken even where it is worse, so that the search leaves
local optima. It knows limits and costs only; rows besides them, and integers, are for whoever makes a plan of a set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.matrix import Matrix
from optimizer.solve.special.location.facility_prices import Gates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOGETHER = "linked_together"
"""Component of the rows that `lazy_rows` sums linking rows to."""
MOST_CELLS = 4_000_000
"""Openers times choices up to which they are held as arrays."""
TRIES = 20
"""Neighbours of each kind whose prices are looked for in one step, the best by estimate."""
STEPS, FIRST_STEPS = 40, 200
"""Steps of the prices from those of a neighbour, and from none."""
STEP, SHORTER, PATIENCE = 0.01, 0.6, 3
"""First step in parts of the cost, and by what it is shortened after so many that bring nothing."""
SLIGHT = 1e-9
FRUITLESS, SEARCHES = 30, 10
"""Steps without a set that is better than those before after which a search ends, and the most searches."""
DEAR = 10.0
"""What it costs to have no place, in the dearest cost."""


@dataclass(frozen=True)
class Sites:
    """Cost (USD) and draw on the limit of all of a choice (column) at an opener (row), and the openers' own cost and
    limit. Where a choice has no option its cost is prohibitive and its draw 0. `row` is the equality of each choice in
    the model and `side` its right side.
    """

    cost: Floats
    draw: Floats
    fixed_usd: Floats
    limit: Floats
    row: Ints
    side: Floats

    def may_carry(self, chosen: Ints) -> bool:
        """Whether the limits of some openers together are as large as the least that all choices draw there."""
        return bool(self.limit[chosen].sum() >= self.draw[chosen].min(axis=0).sum())


@dataclass(frozen=True)
class OpenSet:
    """Openers that are open, prices of their limits, and what the set costs at least (USD)."""

    chosen: Ints
    price: Floats
    usd: float


def find_sites(matrix: Matrix, gates: Gates) -> Sites | None:
    """Return choices by opener; None where a column is not gated and in one equality, or limits overlap."""
    rest = np.flatnonzero(~np.isin(np.arange(matrix.cost.size), gates.openers))
    if not rest.size or not gates.openers.size or (gates.of_column[rest] < 0).any():
        return None
    place, choice, share, row = _choices(matrix, gates, rest)
    if choice is None or gates.openers.size * (int(choice.max()) + 1) > MOST_CELLS:
        return None
    shape = (gates.openers.size, int(choice.max()) + 1)
    if np.unique(place * shape[1] + choice).size < rest.size:
        return None
    drawn, limit = np.zeros(matrix.cost.size), np.full(shape[0], np.inf)
    is_ignored = matrix.rows.is_of([TOGETHER])
    for rows, inside in gates.layers:
        real = ~is_ignored[rows]
        openers = gates.of_row[rows[real]]
        if np.isfinite(limit[openers]).any():
            return None
        limit[openers] = -np.asarray(matrix.a[rows[real]].minimum(0.0).sum(axis=1)).ravel()
        own = real[inside.row]
        drawn[inside.col[own]] = inside.data[own]
    usd = matrix.cost[rest] * share
    fixed_usd = matrix.cost[gates.openers]
    cost, draw = np.full(shape, DEAR * float(max(np.abs(usd).max(), np.abs(fixed_usd).max()))), np.zeros(shape)
    cost[place, choice], draw[place, choice] = usd, drawn[rest] * share
    return Sites(cost, draw, fixed_usd, limit, row, matrix.row_lower[row])


def _choices(matrix: Matrix, gates: Gates, columns: Ints) -> tuple[Ints, Ints | None, Floats, Ints]:
    """Return by column its opener, its choice (None: some column is not in exactly one) and the value that is all; then
    the row of each choice.
    """
    place, none = gates.of_column[columns], np.zeros(0)
    equal = np.flatnonzero((matrix.row_lower == matrix.row_upper) & (matrix.row_lower > 0) & (gates.of_row < 0))
    part = matrix.by_column[:, columns].tocsr()[equal].tocoo()
    if part.nnz != columns.size or np.unique(part.col).size < columns.size or (part.data <= 0).any():
        return place, None, none, equal
    choice, share = np.zeros(columns.size, dtype=np.int64), np.zeros(columns.size)
    filled, choice[part.col] = np.unique(part.row, return_inverse=True)
    share[part.col] = matrix.row_lower[equal[part.row]] / part.data
    return place, choice, share, equal[filled]


def search_sets(
    sites: Sites, opened: Floats, is_over: Callable[[], bool], *, count: int, searches: int = SEARCHES
) -> list[OpenSet]:
    """Return the `count` best sets found, the best first; `opened` (0..1) is how far each is open to begin with.

    Further searches begin with other sets, at random among what is open to some part.
    """
    rng, best, seen = np.random.default_rng(0), list[OpenSet](), set[bytes]()
    for turn in range(searches):
        begin = _first_set(sites, opened if turn == 0 else opened * rng.random(opened.size))
        best = _walk(sites, begin, best, seen, is_over=is_over, count=count)
        if is_over():
            break
    return best


def _walk(
    sites: Sites, now: OpenSet, best: list[OpenSet], seen: set[bytes], *, is_over: Callable[[], bool], count: int
) -> list[OpenSet]:
    """Go from set to set, to the best neighbour not seen, and return the best of all with those known."""
    least, fruitless = now.usd, 0
    seen.add(_key(now.chosen))
    best = _with(best, now, count)
    while fruitless < FRUITLESS and not is_over():
        near = _neighbours(sites, now, seen, is_over)
        if not near:
            break
        now = min(near, key=lambda one: one.usd)
        now = priced_set(sites, now.chosen, now.price, STEPS)
        fruitless = 0 if now.usd < least else fruitless + 1
        least = min(least, now.usd)
        best = _with(best, now, count)
    return best


def _with(best: list[OpenSet], one: OpenSet, count: int) -> list[OpenSet]:
    """Return the best of some sets and one more."""
    if any(np.array_equal(np.sort(one.chosen), np.sort(other.chosen)) for other in best):
        return best
    return sorted([*best, one], key=lambda other: other.usd)[:count]


def _key(chosen: Ints) -> bytes:
    return np.sort(chosen).tobytes()


def _first_set(sites: Sites, opened: Floats) -> OpenSet:
    """Return the openers that the relaxation opens most, as many as it does and as many as can carry what is drawn."""
    order = np.argsort(-opened, kind="stable")
    size = max(1, int(np.ceil(opened.sum() - 1e-6)))
    while size < order.size and not sites.may_carry(order[:size]):
        size += 1
    return priced_set(sites, order[:size], np.zeros(size), FIRST_STEPS)


def priced_set(sites: Sites, chosen: Ints, price: Floats, steps: int, enough_usd: float = np.inf) -> OpenSet:
    """Return a set with better prices, after at most so many steps or when it costs more than `enough_usd`."""
    cost, draw, limit = sites.cost[chosen], sites.draw[chosen], sites.limit[chosen]
    fixed, every = float(sites.fixed_usd[chosen].sum()), np.arange(cost.shape[1])
    bounded = np.isfinite(limit)
    side = np.where(bounded, limit, 0.0)
    best_usd, best, beyond, length, waited = -np.inf, price, side, STEP, 0
    for _ in range(steps):
        at = cost + price[:, None] * draw
        place = at.argmin(axis=0)
        usd = float(at[place, every].sum() - price @ side) + fixed
        over = _beyond(place, draw[place, every], limit, price)
        waited += 1
        if usd > best_usd:
            best_usd, best, beyond, waited = usd, price, over, 0
        elif waited >= PATIENCE:
            length, waited, price, over = SHORTER * length, 0, best, beyond
        size = float(over @ over)
        if size == 0.0 or best_usd > enough_usd:
            break
        price = np.maximum(0.0, price + length * abs(best_usd) / size * over)
    return OpenSet(chosen, best, best_usd)


def _beyond(place: Ints, drawn: Floats, limit: Floats, price: Floats) -> Floats:
    """Return by how much limits are overdrawn by what is drawn at places: where their prices should go. Prices of 0 do
    not fall, and what is within rounding of its limit stays.
    """
    over: Floats = np.bincount(place, drawn, limit.size) - limit
    idle = ~np.isfinite(limit) | ((price <= 0.0) & (over < 0.0))
    over[idle | (np.abs(over) <= SLIGHT * np.where(np.isfinite(limit), limit, 0.0))] = 0.0
    return over


def price_choices(sites: Sites, opened: Floats, price: Floats, steps: int) -> tuple[Floats, Floats]:
    """Return what a choice is worth (USD) where openers are open to some part (0..1) and carry no more than that of
    each choice and of their limit, with the prices of limits found in so many steps from some.

    Prices of a point between a set and the relaxation make a better cut than those of the set, most of which are
    arbitrary (Fischetti, Ljubic, Sinnl 2016).
    """
    chosen = np.flatnonzero(opened > 0.0)
    cost, draw, part = sites.cost[chosen], sites.draw[chosen], opened[chosen]
    bounded = np.isfinite(sites.limit[chosen])
    limit = np.where(bounded, sites.limit[chosen], 0.0) * part
    limit[~bounded] = np.inf
    at_price, length, waited = price[chosen], STEP, 0
    best_usd, best, worth, beyond = -np.inf, at_price, np.zeros(cost.shape[1]), limit
    for _ in range(steps):
        usd = cost + at_price[:, None] * draw
        order = np.argsort(usd, axis=0)
        usd = np.take_along_axis(usd, order, 0)
        sofar = np.cumsum(part[order], axis=0)
        taken = np.clip(1.0 - (sofar - part[order]), 0.0, part[order])
        total = float((usd * taken).sum() - at_price @ np.where(bounded, limit, 0.0))
        drawn = np.take_along_axis(draw, order, 0) * taken
        over = _beyond(order.ravel(), drawn.ravel(), limit, at_price)
        waited += 1
        if total > best_usd:
            last = np.minimum((sofar < 1.0 - SLIGHT).sum(axis=0), chosen.size - 1)
            best_usd, best, beyond, waited = total, at_price, over, 0
            worth = np.take_along_axis(usd, last[None], 0)[0]
        elif waited >= PATIENCE:
            length, waited, at_price, over = SHORTER * length, 0, best, beyond
        size = float(over @ over)
        if size == 0.0:
            break
        at_price = np.maximum(0.0, at_price + length * abs(best_usd) / size * over)
    found = price.copy()
    found[chosen] = best
    return worth, found


def _neighbours(sites: Sites, now: OpenSet, seen: set[bytes], is_over: Callable[[], bool]) -> list[OpenSet]:
    """Return the neighbours that are worth a look, with prices; they count as seen. Ends early when it is over."""
    found: list[OpenSet] = []
    least = np.inf

    def look(chosen: Ints, price: Floats) -> bool:
        nonlocal least
        key = _key(chosen)
        if not chosen.size or key in seen or is_over() or not sites.may_carry(chosen):
            return False
        seen.add(key)
        one = priced_set(sites, chosen, price, STEPS, least)
        least = min(least, one.usd)
        found.append(one)
        return True

    for leaving in range(now.chosen.size):
        look(np.delete(now.chosen, leaving), np.delete(now.price, leaving))
    outside = np.setdiff1d(np.arange(sites.limit.size), now.chosen)
    usd = _estimates(sites, now, outside, is_over)
    tries = 0
    for cell in np.argsort(usd, axis=None)[: 10 * TRIES]:
        leaving, coming = divmod(int(cell), outside.size)
        kept = np.arange(now.chosen.size) != leaving
        price = now.price[kept]
        usual = price.mean() if price.size else 0.0
        tries += look(np.append(now.chosen[kept], outside[coming]), np.append(price, usual))
        if tries >= TRIES:
            break
    return found


def _estimates(sites: Sites, now: OpenSet, outside: Ints, is_over: Callable[[], bool]) -> Floats:
    """Return what it costs at least, prices of the others as they are, to open each of `outside` (columns) in place of
    each open one, or of none (last row); inf for what is not estimated before it is over.
    """
    chosen, every = now.chosen, np.arange(sites.cost.shape[1])
    at = sites.cost[chosen] + now.price[:, None] * sites.draw[chosen]
    own = sites.fixed_usd[chosen] - now.price * np.where(np.isfinite(sites.limit[chosen]), sites.limit[chosen], 0.0)
    place = at.argmin(axis=0)
    least = at[place, every].copy()
    at[place, every] = np.inf
    second = at.min(axis=0)
    second[~np.isfinite(second)] = sites.cost.max()
    cost, draw, limit = sites.cost[outside], sites.draw[outside], sites.limit[outside]
    usd = np.full((chosen.size + 1, outside.size), np.inf)
    for leaving in range(chosen.size + 1):
        if is_over():
            break
        without = np.where(place == leaving, second, least)
        others = own.sum() - (own[leaving] if leaving < chosen.size else 0.0)
        gain = np.maximum(without - cost, 0.0)
        usd[leaving] = without.sum() + others + sites.fixed_usd[outside] - _filled(gain, draw, limit)
    return usd


def _filled(gain: Floats, draw: Floats, limit: Floats) -> Floats:
    """Return by row the value of a continuous knapsack of items of some gain and draw."""
    weight = np.where(gain > 0.0, np.maximum(draw, 1e-12), 0.0)
    order = np.argsort(-gain / np.maximum(weight, 1e-12), axis=1)
    gain, weight = np.take_along_axis(gain, order, 1), np.take_along_axis(weight, order, 1)
    before = np.cumsum(weight, axis=1) - weight
    part = np.clip((limit[:, None] - before) / np.maximum(weight, 1e-12), 0.0, 1.0)
    filled: Floats = (gain * part).sum(axis=1)
    return filled
