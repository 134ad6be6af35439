"""Good covers of a demand by one kind of instance and another for the rest, for thousands of demands at once."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEADS = 8
"""Items tried as the bulk of a cover, the cheapest per unit first; the rest may fall to any item."""
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
    lead = order[np.arange(order.size) - start[items.group[order]] < LEADS]
    full = np.minimum(np.floor(demand[lead] / items.capacity[lead] + 1e-9), items.most[lead])
    # One more way to begin: with nothing, all on the other item.
    heads = np.flatnonzero(np.diff(start) > 0)
    lead = np.concatenate([lead, start[heads]])
    full = np.concatenate([full, np.zeros(heads.size)])
    share = np.minimum(full * items.capacity[lead] / np.maximum(demand[lead], 1e-300), 1.0)
    sizes = np.diff(start)[items.group[lead]]
    which = np.repeat(np.arange(lead.size), sizes)
    other = np.arange(which.size) - np.repeat(np.cumsum(sizes) - sizes, sizes) + start[items.group[lead]][which]
    left = (1.0 - share[which]) * demand[other]
    count = np.ceil(left / items.capacity[other] - 1e-9)
    taken = count + np.where(other == lead[which], full[which], 0.0)
    cost = (
        (price_usd[lead] * full + serving_usd[lead] * share)[which]
        + price_usd[other] * count
        + serving_usd[other] * (1.0 - share[which])
    )
    cost[taken > items.most[other]] = np.inf
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


def least_of(cost: Floats, group: Ints, groups: int) -> tuple[Floats, Ints]:
    """Return by group the least cost (inf: no finite one) and the first position that has it (-1: none)."""
    best = np.full(groups, np.inf)
    np.minimum.at(best, group, cost)
    chosen = np.full(groups, -1, dtype=np.int64)
    reached = np.flatnonzero(np.isfinite(cost) & (cost <= best[group]))
    chosen[group[reached[::-1]]] = reached[::-1]
    return best, chosen
