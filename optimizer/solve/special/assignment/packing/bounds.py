"""Bounds and shares of packings by column generation, for all plans or those that take only some of the options.

At prices π of choices and μ >= 0 of common limits every plan costs at least

    sum_j π_j - sum_e μ_e limit_e - sum_i max over contents S of place i of sum_{j in S} (π_j - c_ij - μ use_ij),

whatever packings are known: the last term is the knapsack of the place. Rounds solve the relaxation over the packings
known, price the knapsacks part of the way from the best prices so far to its own (Wentges, "Weighted Dantzig-Wolfe
decomposition for linear mixed-integer programming", International Transactions in Operational Research 4, 1997), and
keep the box around the best prices.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.deadline import Watch
from optimizer.solve.special.assignment.assignment_model import Assignment, at_most
from optimizer.solve.special.assignment.packing.knapsacks import in_steps
from optimizer.solve.special.assignment.packing.packings import Answer, Packings, Prices

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
log = logging.getLogger(__name__)

WIDTH, WIDEST = 0.02, 1e6
"""Half the width of the box, in parts of the mean price of a choice, and the most where the master has no solution in
a smaller one.
"""
SMOOTHING, LOOSER, TIGHTER, LEAST = 0.8, 0.7, 0.1, 0.05
"""Weight of the best prices, by what it shrinks when they get better and grows when not, and what counts as none."""
WHOLE, ROUNDING = 1e-6, 1e-9
ROUNDED = 2e-12
"""What rounding and profits that count as none may add to a bound, in parts of the largest price, per choice."""


@dataclass(frozen=True)
class Solved:
    """What became of a part of the plans: a bound (USD), the prices behind it, and the shares of packings (None: not
    needed, the bound was enough; or not found). `is_empty`: choices stay out or places overflow at any price tried.
    """

    bound_usd: float
    prices: Prices
    answer: Answer | None
    is_empty: bool = False


class PackingRelaxation:
    """Column generation over the packings of an assignment; costs and bounds are those above `offset_usd`, which is the
    model's own and the least of every choice. `rounds` counts how often all knapsacks were solved.
    """

    def __init__(self, assignment: Assignment, watch: Watch, *, offset_usd: float = 0.0) -> None:
        self.assignment, self.watch = assignment, watch
        self.is_option = assignment.column >= 0
        least = np.where(self.is_option, assignment.cost, np.inf).min(axis=1)
        self.offset_usd = offset_usd + float(least.sum())
        self.choice_least_usd = least
        self.cost_usd = np.where(self.is_option, assignment.cost - least[:, None], 0.0)
        self.knapsacks = in_steps(assignment)
        self.is_limited = np.isfinite(assignment.limit)
        self.pool = Packings(assignment, self.cost_usd, watch)
        self.typical_usd = 1.0
        self.rounds = 0

    def prices_from(self, row_price: Floats) -> Prices:
        """Return the prices that those of the model's rows say, and size the box by them."""
        prices = Prices(
            np.maximum(row_price[self.assignment.choice_row] - self.choice_least_usd, 0.0),
            np.maximum(-row_price[self.assignment.common_row], 0.0),
        )
        typical = float(np.abs(row_price[self.assignment.choice_row]).mean())
        self.typical_usd = max(typical, float(np.median(self.cost_usd[self.is_option]))) or 1.0
        return prices

    def profit(self, prices: Prices, options: Bools) -> Floats:
        """Return what each choice brings to a place at prices; -inf where it may not go."""
        profit = prices.choice_usd[:, None] - self.cost_usd
        for usd, use in zip(prices.common_usd, self.assignment.common, strict=True):
            profit -= usd * use
        return np.where(options, profit, -np.inf)

    def bound(self, prices: Prices, options: Bools) -> tuple[float, Ints, Bools]:
        """Return the bound at prices, and the packings behind it as (place, members)."""
        self.rounds += 1
        worth, chosen = self.knapsacks.best(self.profit(prices, options))
        bound = prices.choice_usd.sum() - prices.common_usd @ self.assignment.common_limit - worth.sum()
        bound -= ROUNDED * prices.choice_usd.size * prices.choice_usd.max()
        places = np.flatnonzero(chosen.any(axis=0) & self.is_limited)
        choice, free = np.nonzero(chosen & ~self.is_limited)  # without a limit each choice goes there by itself
        alone = np.zeros((choice.size, chosen.shape[0]), dtype=np.bool_)
        alone[np.arange(choice.size), choice] = True
        return float(bound), np.concatenate([places, free]), np.concatenate([chosen[:, places].T, alone])

    def add(self, place: Ints, members: Bools) -> bool:
        """Put packings into the pool that hold their limit; whether any was not known."""
        known = len(self.pool)
        load = np.where(members, self.assignment.draw[:, place].T, 0.0).sum(axis=1)
        holds = np.flatnonzero((load <= at_most(self.assignment.limit[place])) & members.any(axis=1))
        self.pool.add(place[holds], members[holds])
        return len(self.pool) > known

    def add_plan(self, at: Ints) -> None:
        """Put the packings of a plan (the place of every choice) into the pool."""
        place = np.unique(at[self.is_limited[at]])
        free = np.flatnonzero(~self.is_limited[at])
        alone = np.zeros((free.size, at.size), dtype=np.bool_)
        alone[np.arange(free.size), free] = True
        self.add(np.concatenate([place, at[free]]), np.concatenate([at == place[:, None], alone]))

    def solve(
        self, options: Bools, prices: Prices, *, enough_usd: float, rounds: int, tolerance: float,
        until_seconds: float = np.inf,
    ) -> Solved:  # fmt: skip
        """Generate packings within the options [choice, place] left, from prices on, until the relaxation and the bound
        agree within a part of the cost, the bound is at least `enough_usd`, or so many rounds or the time are over.
        """
        pool, best = self.pool, prices
        best_usd, place, members = self.bound(best, options)
        if best_usd >= enough_usd:
            return Solved(best_usd, best, None)
        self.add(place, members)
        pool.restrict(pool.allowed(options))
        width, widest = WIDTH * self.typical_usd, WIDEST * self.typical_usd
        weight, answer = SMOOTHING, None
        pool.put_in_box(best, width)
        for _ in range(rounds):
            answer = pool.solve(min(self.watch.left_seconds(), until_seconds - self.watch.elapsed_seconds()))
            if answer is None or self.watch.should_stop() or self.watch.elapsed_seconds() > until_seconds:
                return Solved(best_usd, best, None)
            near_usd, learned = self._near_usd(answer, tolerance), True
            if answer.cost_usd - best_usd > near_usd:
                before = best_usd
                best_usd, best, learned = self._step(options, answer.prices, (best_usd, best), weight)
                if best_usd >= enough_usd:
                    return Solved(best_usd, best, None)
                weight = weight * LOOSER if best_usd > before else min(SMOOTHING, weight + TIGHTER)
                learned |= best_usd > before
            is_best_in_box = answer.cost_usd - best_usd <= near_usd
            if not learned or (is_best_in_box and (answer.slack <= WHOLE or width >= widest)):
                break
            if is_best_in_box:
                width *= 2.0
            pool.put_in_box(best, width)
        is_empty = answer is not None and answer.slack > WHOLE and width >= widest
        return Solved(best_usd, best, answer, is_empty)

    def _near_usd(self, answer: Answer, tolerance: float) -> float:
        size = abs(answer.cost_usd + self.offset_usd)
        return tolerance * size + ROUNDING * max(size, self.typical_usd)

    def _step(
        self, options: Bools, own: Prices, best: tuple[float, Prices], weight: float
    ) -> tuple[float, Prices, bool]:
        """Price between the best prices and those of the relaxation, nearer to these until something is learned;
        return the best bound with its prices, and whether a packing is new.
        """
        best_usd, centre = best
        prices, learned = centre, False
        while not learned:
            tried = centre.towards(own, 1.0 - weight)
            usd, place, members = self.bound(tried, options)
            learned = self.add(place, members)
            if usd > best_usd:
                best_usd, prices = usd, tried
            if weight == 0.0:
                break
            weight = 0.5 * weight if weight > LEAST else 0.0
        return best_usd, prices, learned

    def to_places(self, numbers: Ints) -> Ints:
        """Return the place of every choice as packings have it, the cheapest where several hold it; -1: none."""
        choices = self.cost_usd.shape[0]
        at, cost = np.full(choices, -1, dtype=np.int64), np.full(choices, np.inf)
        for place, members in zip(self.pool.place[numbers].tolist(), self.pool.members(numbers), strict=True):
            better = members & (self.cost_usd[:, place] < cost)
            at[better], cost[better] = place, self.cost_usd[better, place]
        return at

    def shares_of_options(self, answer: Answer) -> Floats:
        """Return by how much every choice is at every place [choice, place]."""
        share = np.zeros(self.cost_usd.shape)
        used = np.flatnonzero(answer.shares > WHOLE)
        members = self.pool.members(used).astype(np.float64)
        np.add.at(share.T, self.pool.place[used], members * answer.shares[used][:, None])
        return share

    def ruled_out(self, options: Bools, prices: Prices, enough_usd: float) -> Bools:
        """Return the options that plans cheaper than `enough_usd` can take: others may be lost."""
        profit = self.profit(prices, options)
        bound, _, _ = self.bound(prices, options)
        within, without = self.knapsacks.losses(profit)
        left = options & ~(bound + within >= enough_usd)
        needed = left & (bound + without >= enough_usd)
        only = needed.any(axis=1)
        left[only] &= needed[only]
        return left
