r"""The whole cost of compliance, split over families of laws: their Shapley values.

Let z(S) be the least cost of the instance with the laws of the families S lifted, and N all families. The cost of
compliance is z({}) - z(N). A family's value is what lifting it saves, on average over the orders in which families are
lifted one after the other:

    phi[i]  =  sum over S without i  |S|! (|N| - |S| - 1)! / |N|!  (z(S) - z(S + i))

Values add up to the whole. They are exact where the families are few (2^|N| solves); else a mean over orders drawn at
random, with its standard error. With costs and bounds b(S) <= z(S) <= c(S) of the solves each value is an interval,
and never negative: lifting a restriction never makes anything dearer. A few laws are a family each; of many, those of
one jurisdiction are one.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations

from optimizer.explain.resolved import Other
from optimizer.explain.rows import Attribution, Interval, Shapley

MOST_EXACT = 5
"""Families up to which every set of them is solved for."""
Coalition = frozenset[str]


def families_of(laws: Iterable[str], jurisdictions: Callable[[str], Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return the laws by family: each on its own where they are few, else the jurisdictions that they are of."""
    laws = sorted(laws)
    if len(laws) <= MOST_EXACT:
        return {law.partition(":")[2]: (law,) for law in laws}
    found: dict[str, list[str]] = {}
    for law in laws:
        found.setdefault("|".join(jurisdictions(law)) or "no jurisdiction", []).append(law)
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


def coalitions(families: Sequence[str], orders: Sequence[Sequence[str]]) -> list[Coalition]:
    """Return the sets of families that have to be solved for, the small ones first; without orders, all of them."""
    if not orders:
        return [frozenset(one) for k in range(1, len(families) + 1) for one in combinations(families, k)]
    found = {frozenset(order[: k + 1]) for order in orders for k in range(len(order))}
    return sorted(found, key=lambda one: (len(one), sorted(one)))


def drawn_orders(families: Sequence[str], samples: int, seed: int) -> list[tuple[str, ...]]:
    """Return orders of the families drawn at random; none where the families are few."""
    if len(families) <= MOST_EXACT:
        return []
    draw = random.Random(seed)
    return [tuple(draw.sample(list(families), len(families))) for _ in range(samples)]


def attribute(
    families: Mapping[str, tuple[str, ...]], solved: Mapping[Coalition, Other],
    orders: Sequence[Sequence[str]], seed: int,
) -> Shapley:  # fmt: skip
    """Return the values of families; `solved` has the empty set (the plan at hand) and every set that is needed."""
    names = tuple(families)
    rows = []
    for name in names:
        steps = _exact(names, name) if not orders else _sampled(orders, name)
        gains = [(weight, _gain(solved[before], solved[before | {name}])) for before, weight in steps]
        value = _sum((weight, found) for weight, (found, _, _) in gains)
        low = _sum((weight, low) for weight, (_, low, _) in gains)
        high = _sum((weight, high) for weight, (_, _, high) in gains)
        found = [one for _, (one, _, _) in gains if one is not None]
        error = statistics.stdev(found) / math.sqrt(len(found)) if orders and len(found) > 1 else None
        interval = None if low is None else Interval(low=low if high is None else min(low, high), high=high)
        rows.append(Attribution(
            family=name, laws=families[name], value_usd=value, interval_usd=interval, standard_error_usd=error
        ))  # fmt: skip
    whole = _gain(solved[frozenset()], solved[frozenset(names)])
    total = None if whole[1] is None else Interval(low=whole[1], high=whole[2])
    return Shapley(
        values=tuple(sorted(rows, key=lambda row: (-(row.value_usd or 0.0), row.family))), total_usd=total,
        exact=not orders, orders=len(orders) or None, seed=seed if orders else None,
        complete=all(one.complete for one in solved.values()),
    )  # fmt: skip


def _exact(names: Sequence[str], name: str) -> list[tuple[Coalition, float]]:
    others = [one for one in names if one != name]
    n = len(names)
    return [
        (frozenset(before), math.factorial(k) * math.factorial(n - k - 1) / math.factorial(n))
        for k in range(n) for before in combinations(others, k)
    ]  # fmt: skip


def _sampled(orders: Sequence[Sequence[str]], name: str) -> list[tuple[Coalition, float]]:
    return [(frozenset(order[: list(order).index(name)]), 1.0 / len(orders)) for order in orders]


def _gain(before: Other, after: Other) -> tuple[float | None, float | None, float | None]:
    """Return what lifting saves: of the plans found, at least, and at most; None where that is not known."""
    found = None if before.cost_usd is None or after.cost_usd is None else max(0.0, before.cost_usd - after.cost_usd)
    low = 0.0 if before.bound_usd is None or after.cost_usd is None else max(0.0, before.bound_usd - after.cost_usd)
    known = before.cost_usd is not None and after.bound_usd is not None
    high = max(0.0, (before.cost_usd or 0.0) - (after.bound_usd or 0.0)) if known else None
    return found, low if high is None else min(low, high), high


def _sum(weighted: Iterable[tuple[float, float | None]]) -> float | None:
    total = 0.0
    for weight, value in weighted:
        if value is None:
            return None
        total += weight * value
    return total
