"""The knapsack of every place: which choices at given profits fill it best, and what it costs to want it otherwise.

Dynamic programming over whole capacities (Bellman): V[t, c] is the most that the first t items bring within c,
V[t, c] = max(V[t-1, c], V[t-1, c - size] + profit). Only items of positive profit are looked at. With the same table
from the other end, the best contents with an item in, or without it, is one pass over c (Posta, Ferland, Michelon, "An
exact method with variable fixing for solving the generalized assignment problem", Computational Optimization and
Applications 52, 2012).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.special.assignment.assignment_model import HELD, Assignment, at_most

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST_STEPS = 2_000
"""Steps of a capacity up to which sizes are exact; larger or broken ones are counted in this many, rounded down."""
ZERO = 1e-12
"""What counts as no profit, in parts of the largest."""
MOST_WHOLE = 2.0**52


@dataclass(frozen=True)
class Knapsacks:
    """Sizes [choice, place] and capacities of places in whole steps. Whatever fits a place fits its knapsack."""

    size: Ints
    capacity: Ints

    def best(self, profit: Floats) -> tuple[Floats, Bools]:
        """Return what the best contents of every place are worth, and which choices they are.

        `profit` [choice, place] is at most 0 where the choice may not go.
        """
        chosen = (profit > _zero(profit)) & (self.size <= self.capacity)
        for place in np.flatnonzero((self.size * chosen).sum(axis=0) > self.capacity).tolist():
            items = np.flatnonzero(chosen[:, place])
            kept = _fill(profit[items, place], self.size[items, place], int(self.capacity[place]))
            chosen[items, place] = kept
        return np.where(chosen, profit, 0.0).sum(axis=0), chosen

    def losses(self, profit: Floats) -> tuple[Floats, Floats]:
        """Return by how much less the best contents of a place are worth that hold a choice (inf: it does not fit),
        and those that do not.
        """
        within, without = np.full(profit.shape, np.inf), np.zeros(profit.shape)
        gains = profit > _zero(profit)
        for place in range(self.capacity.size):
            within[:, place], without[:, place] = _losses(
                profit[:, place], self.size[:, place], int(self.capacity[place]), gains[:, place]
            )
        return within, without


def in_steps(assignment: Assignment) -> Knapsacks:
    """Return the knapsacks of the places; one without a limit holds everything."""
    has_option = assignment.column >= 0
    size = np.zeros(assignment.draw.shape, dtype=np.int64)
    capacity = np.zeros(assignment.limit.size, dtype=np.int64)
    limits = np.maximum(at_most(assignment.limit), 0.0)
    for place in np.flatnonzero(np.isfinite(limits)).tolist():
        drawn, limit = np.where(has_option[:, place], assignment.draw[:, place], 0.0), float(limits[place])
        step = _step(drawn, limit)
        capacity[place] = int(limit / step)
        size[:, place] = np.minimum(np.floor(drawn / step * (1 + HELD)), capacity[place] + 1)
    return Knapsacks(size, capacity)


def _step(drawn: Floats, limit: float) -> float:
    """Return the greatest common divisor of whole draws, or a fine part of the limit."""
    whole = np.round(drawn)
    if whole.max() < MOST_WHOLE and np.all(np.abs(drawn - whole) <= HELD * np.maximum(drawn, 1.0)):
        step = float(np.gcd.reduce(whole.astype(np.int64))) or 1.0
        if limit / step <= MOST_STEPS:
            return step
    return limit / MOST_STEPS or 1.0


def _zero(profit: Floats) -> float:
    """Return what profits count as none: next to nothing of the largest."""
    return ZERO * float(np.max(profit, initial=0.0))


def _fill(profit: Floats, size: Ints, capacity: int) -> Bools:
    """Return the best of items that all fit alone."""
    worth = np.zeros(capacity + 1)
    takes = np.zeros((profit.size, capacity + 1), dtype=np.bool_)
    for item, (gain, need) in enumerate(zip(profit.tolist(), size.tolist(), strict=True)):
        with_it, without = worth[: capacity + 1 - need] + gain, worth[need:]
        np.greater(with_it, without, out=takes[item, need:])
        np.maximum(without, with_it, out=without)
    kept, left = np.zeros(profit.size, dtype=np.bool_), capacity
    for item in range(profit.size - 1, -1, -1):
        if takes[item, left]:
            kept[item] = True
            left -= int(size[item])
    return kept


def _tables(profit: Floats, size: Ints, capacity: int) -> Floats:
    """Return V[t, c] of the first t items, all of them with a profit."""
    worth = np.zeros((profit.size + 1, capacity + 1))
    for item, (gain, need) in enumerate(zip(profit.tolist(), size.tolist(), strict=True)):
        worth[item + 1] = worth[item]
        np.maximum(worth[item + 1, need:], worth[item, : capacity + 1 - need] + gain, out=worth[item + 1, need:])
    return worth


def _losses(profit: Floats, size: Ints, capacity: int, gains: Bools) -> tuple[Floats, Floats]:
    within, without = np.full(profit.size, np.inf), np.zeros(profit.size)
    fits = size <= capacity
    items = np.flatnonzero(gains & fits)
    before = _tables(profit[items], size[items], capacity)
    after = _tables(profit[items][::-1], size[items][::-1], capacity)[::-1]
    best = before[-1, capacity]
    others = np.flatnonzero(~gains & fits)
    within[others] = best - before[-1, capacity - size[others]] - profit[others]
    if items.size:  # a part of the capacity for the items before, the rest for those after
        without[items] = best - (before[:-1] + after[1:, ::-1]).max(axis=1)
        rest = (capacity - size[items])[:, None] - np.arange(capacity + 1)
        beside = before[:-1] + np.where(rest >= 0, np.take_along_axis(after[1:], np.maximum(rest, 0), axis=1), -np.inf)
        within[items] = best - profit[items] - beside.max(axis=1)
    return np.maximum(within, 0.0), np.maximum(without, 0.0)
