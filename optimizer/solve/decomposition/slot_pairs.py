"""Good covers of a demand by one kind of instance and another for the rest, for thousands of demands at once."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.decomposition.configuration_rows import ranges

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEADS = 8
"""Items tried as the bulk of a cover, the cheapest per unit first; the rest may fall to any item."""
ROUNDING = 1e-9
ITEMS_AT_ONCE = 250_000
"""Items whose pairs are held together."""


@dataclass(frozen=True)
class Items:
    """Ways to serve the demand of a group, sorted by group: shape [items], but `demand` [groups].

    `capacity` of one instance and the `most` there may be; endpoints have the whole demand as capacity.
    """

    group: Ints
    demand: Floats
    capacity: Floats
    most: Floats

    @property
    def start(self) -> Ints:
        """Where each group begins; one more at the end."""
        return np.searchsorted(self.group, np.arange(self.demand.size + 1))


@dataclass(frozen=True)
class Covers:
    """By group the cost of a cover (inf: none), its two items (-1: none), their counts and the first one's share."""

    cost_usd: Floats
    lead: Ints
    rest: Ints
    lead_count: Floats
    rest_count: Floats
    lead_share: Floats


def cover_demands(items: Items, price_usd: Floats, serving_usd: Floats) -> Covers:
    """Return for every group the cheapest cover by full instances of a lead and one other item for the rest.

    `price_usd` of an instance, `serving_usd` of serving the whole demand of the group on the item. A lead of 0
    instances leaves everything to the other item, so that single items are among the covers. Groups are looked at some
    at a time: there are several pairs for every item, and an estate has millions of items.
    """
    start, parts = items.start, []
    begin = 0
    while begin < items.demand.size:
        end = int(np.searchsorted(start, start[begin] + ITEMS_AT_ONCE, side="right")) - 1
        end = min(max(end, begin + 1), items.demand.size)
        own = slice(start[begin], start[end])
        some = Items(items.group[own] - begin, items.demand[begin:end], items.capacity[own], items.most[own])
        found = _cover_some(some, price_usd[own], serving_usd[own])
        lead, rest = (np.where(at >= 0, at + own.start, -1) for at in (found.lead, found.rest))
        parts.append(replace(found, lead=lead, rest=rest))
        begin = end
    if not parts:
        return _cover_some(items, price_usd, serving_usd)
    return Covers(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Covers)))


def _cover_some(items: Items, price_usd: Floats, serving_usd: Floats) -> Covers:
    start, groups = items.start, items.demand.size
    demand = items.demand[items.group]
    unit = price_usd / items.capacity * demand + serving_usd
    order = np.lexsort((unit, items.group))
    leads = np.minimum(np.diff(start), LEADS)
    lead = order[ranges(start[:-1], leads)]
    full = np.minimum(np.floor(demand[lead] / items.capacity[lead] + 1e-9), items.most[lead])
    # One more way to begin: with nothing, all on the other item.
    heads = np.flatnonzero(np.diff(start) > 0)
    lead = np.concatenate([lead, start[heads]])
    full = np.concatenate([full, np.zeros(heads.size)])
    share = np.minimum(full * items.capacity[lead] / np.maximum(demand[lead], 1e-300), 1.0)
    spent = price_usd[lead] * full + serving_usd[lead] * share
    group = items.group[lead]

    def fill(others: Ints) -> tuple[Ints, Ints, Floats, Floats]:
        """Pair every lead with so many of the other items of its group, the cheapest per unit first; return (lead by
        its position, other item, its count, cost).
        """
        which = np.repeat(np.arange(lead.size), others)
        other = order[ranges(start[group], others)]
        left = 1.0 - share[which]
        count = np.ceil(left * demand[other] / items.capacity[other] - 1e-9)
        taken = count + np.where(other == lead[which], full[which], 0.0)
        cost = spent[which] + price_usd[other] * count + serving_usd[other] * left
        cost[taken > items.most[other]] = np.inf
        return which, other, count, cost

    sizes = np.diff(start)[group]
    others = sizes
    if lead.size and (price_usd >= 0).all():
        # No rest costs less than its share at the item's cost per unit: items dearer than what is found are left out.
        _, other, _, cost = fill(np.minimum(sizes, LEADS))
        best = least_of(cost, items.group[other], groups)[0][group]
        with np.errstate(invalid="ignore", divide="ignore"):
            most = np.where(share < 1.0, (best - spent + ROUNDING * np.abs(best)) / (1.0 - share), np.inf)
        others = _places_below(unit[order], start[group], sizes, most)
    which, other, count, cost = fill(others)
    best, chosen = least_of(cost, items.group[other], groups)
    found = np.maximum(chosen, 0)
    has = chosen >= 0
    if not cost.size:
        none = np.zeros(groups)
        return Covers(best, chosen, chosen, none, none, none)
    head = which[found]
    return Covers(
        cost_usd=best,
        lead=np.where(has, lead[head], -1),
        rest=np.where(has, other[found], -1),
        lead_count=full[head],
        rest_count=count[found],
        lead_share=share[head],
    )


def _places_below(ordered: Floats, first: Ints, sizes: Ints, most: Floats) -> Ints:
    """Return how many of the (ascending) values from `first` on, so many at most, are no more than `most`: bisection of
    all at once.
    """
    low, high = np.zeros(first.size, dtype=np.int64), sizes.copy()
    while (low < high).any():
        middle = (low + high) // 2
        below = (low < high) & (ordered[np.minimum(first + middle, ordered.size - 1)] <= most)
        low, high = np.where(below, middle + 1, low), np.where(below | (low >= high), high, middle)
    return low


def least_of(cost: Floats, group: Ints, groups: int) -> tuple[Floats, Ints]:
    """Return by group the least cost (inf: no finite one) and the first position that has it (-1: none)."""
    best = np.full(groups, np.inf)
    np.minimum.at(best, group, cost)
    chosen = np.full(groups, -1, dtype=np.int64)
    reached = np.flatnonzero(np.isfinite(cost) & (cost <= best[group]))
    chosen[group[reached[::-1]]] = reached[::-1]
    return best, chosen
