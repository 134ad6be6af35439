"""A first plan before there are prices: simple configurations of every workload, placed one after the other.

Closed forms over all options give every workload its cheapest configurations in a dozen different pools. The dearest
workload is placed first, beside what is placed already and at a penalty for what breaks a limit; then workloads change
one by one while that pays (`selection`). Where limits stay broken, those that were so get the price of what a unit of
them is worth, and the configurations cheapest at these prices come in addition: a budget on carbon wants others than
the cheapest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.candidates import Candidates, SingleSlots, joined, of_pool
from optimizer.solve.decomposition.pricing import Pricing
from optimizer.solve.decomposition.selection import Selection

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def find_simple_plan(pricing: Pricing, penalty_usd: Floats, worth_usd: Floats, watch: Watch) -> Ints | None:
    """Return by workload the number of a configuration in the pool, such that no elastic row is broken; None when some
    stay so, or for problems of several periods.

    The pool must hold a configuration of every workload. `penalty_usd` by row of the master, 0 on rows that are not
    elastic; `worth_usd` is what a unit of a row is worth.
    """
    cut, pool = pricing.cut, pricing.pool
    if pricing.services.periods > 1:
        return None
    each, attempts = watch.parameters.decomposition.greedy_each, watch.parameters.decomposition.greedy_attempts
    simple = SingleSlots(pricing)
    no_price = np.zeros(cut.rows.size)
    towards = np.where(np.isfinite(cut.row_upper), -1.0, 1.0)
    price, found = no_price, [simple.cheapest(no_price, each)]
    for _ in range(attempts):
        known = joined([of_pool(cut, pool), *found])
        state = Selection(cut, known, no_price, penalty_usd)
        state.place_all()
        broken = state.repair(watch)
        numbers = state.numbers()
        if numbers is not None:
            return _into_pool(pricing, known, numbers)
        if watch.should_stop():
            return None
        price = price + np.where(broken, towards * worth_usd, 0.0)
        pricing.price_roughly(price)
        found.append(simple.cheapest(price, each))
    return None


def _into_pool(pricing: Pricing, known: Candidates, numbers: Ints) -> Ints:
    """Put the configurations chosen into the pool; return their numbers there."""
    kept, place = np.unique(numbers, return_inverse=True)
    return pricing.pool.add_all(known.workload[kept], known.values[kept])[place]
