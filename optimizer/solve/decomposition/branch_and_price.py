"""Branch and price: the search space of the decomposition in parts, each with prices and a bound of its own.

Every node of the tree is a part of the search space (`branching.Limits`). Its relaxation is solved by column
generation from the prices of its parent, over the pool all nodes share; the Lagrangian bound at its prices, over all
options that keep its limits, is its bound. A node whose bound is beyond what an improvement worth the gap would cost is
done with; one that stays open is divided. The least bound of all parts is a bound of the whole.

The tree is walked from the part of least bound, and from there down to the child nearer to the optimum of its parent
until that is done with: a dive with re-pricing. What all nodes find goes into one pool, from which the integer master
chooses a plan.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from optimizer.solve.decomposition.branching import Divider, Division, Limits, mean_configurations, no_limits
from optimizer.solve.decomposition.column_generation import Decomposition
from optimizer.solve.decomposition.restricted_master import Chosen, MasterAnswer, as_plan
from optimizer.solve.decomposition.small import Effort

Floats = NDArray[np.float64]
log = logging.getLogger(__name__)

CLOSE = Effort(gap=2e-5, nodes=2000, seconds=4.0)
TOLERANCE_SHARE = 0.05
"""Part of the gap to which bound and relaxation of a node agree when it is solved."""
MOST_ROUNDS = 12
SMOOTHING = 0.3
NEAR_SHARE = 0.1
"""How near to each other they come where the node stays open anyway, as part of what is left to what would end it."""
TRIALS = 8
"""Divisions compared by the relaxations of both their parts, over the configurations known."""
EVEN_SHARE = 0.4
LEAST_RISE = 1e-6
DIVE_SHARE = 0.25
"""A dive goes on while its bound has come no further than this from the least bound to what ends a node."""


@dataclass(order=True)
class Node:
    """A part of the search space with a bound (USD, without the model's offset), and where to begin: prices, what
    workloads cost at least at these (a lower bound also here), and the workload whose limits are new (None: none).
    """

    bound_usd: float
    number: int
    limits: Limits = field(compare=False)
    price: Floats = field(compare=False)
    lower_usd: Floats | None = field(compare=False, default=None)
    fresh: int | None = field(compare=False, default=None)


@dataclass
class Solved:
    """What became of a node: its bound, prices with what workloads cost at least at them, and the master's optimum
    (None: not needed).
    """

    bound_usd: float
    price: Floats
    lower_usd: Floats | None
    answer: MasterAnswer | None


class Tree:
    """Branch and price on a decomposition that has a master; goes on where it stood when called again.

    Where it has not come to prices that promise anything, the tree begins with those it would have tried next.
    """

    def __init__(self, problem: Problem, parts: Decomposition, *, gap: float) -> None:
        self.parts, self.gap = parts, gap
        self.divider = Divider(problem, parts.cut, parts.pool, parts.pricing.slot_of_column)
        price = parts.price if parts.centre is None else parts.centre.price
        self.open = [Node(parts.proven_usd, 0, no_limits(parts.cut), price)]
        self.next: Node | None = None
        self.closed_usd = np.inf
        self.made = self.solved = 0

    @property
    def bound_usd(self) -> float:
        """The least bound of all parts (USD, without the model's offset)."""
        least = min([self.closed_usd, *(node.bound_usd for node in self.open[:1])])
        return float(least if self.next is None else min(least, self.next.bound_usd))

    @property
    def is_done(self) -> bool:
        """Whether no part is left that could hold anything better by the gap, or that could be divided."""
        return not self.open and self.next is None

    def search(
        self,
        incumbent_usd: Callable[[], float],
        look_for_plan: Callable[[Chosen | None], None],
        until_seconds: float,
        *,
        most_nodes: float = np.inf,
    ) -> None:
        """Solve nodes until none is left open, so many were solved, the time is over (looked at between nodes) or the
        solve must stop.

        `incumbent_usd` tells what the plan held costs (without the model's offset, inf: none). `look_for_plan` is
        called after every node that brought configurations, and with the plan that a node ends in.
        """
        watch, last = self.parts.watch, self.solved + most_nodes
        while not (self.is_done or self.solved >= last or watch.should_stop()):
            if watch.elapsed_seconds() >= until_seconds:
                break
            node = self._take()
            known = len(self.parts.pool)
            solved = self._solve(node, incumbent_usd)
            if solved is None:
                self._put_back(node)
                break
            self.solved += 1
            plan = self._settle(node, solved, incumbent_usd)
            self._tell()
            if plan is not None or len(self.parts.pool) > known:
                look_for_plan(plan)
        self._release()

    def _cutoff(self, incumbent_usd: float) -> float:
        """Return the bound from which nothing in a node is better than the plan held by more than the gap (inf: no
        plan is held).
        """
        if not np.isfinite(incumbent_usd):
            return np.inf
        offset = self.parts.cut.matrix.offset
        return incumbent_usd - self.gap * abs(incumbent_usd + offset)

    def _take(self) -> Node:
        """Return the next node: the one being dived into, or the one of least bound."""
        node, self.next = self.next, None
        return heapq.heappop(self.open) if node is None else node

    def _put_back(self, node: Node) -> None:
        heapq.heappush(self.open, node)

    def _solve(self, node: Node, incumbent_usd: Callable[[], float]) -> Solved | None:
        """Generate configurations within the node's limits until its bound and relaxation agree, or it is done with.

        None when the solve must stop.
        """
        parts, limits = self.parts, node.limits
        assert parts.master is not None
        best, promised, price = node.bound_usd, -np.inf, node.price
        solved = Solved(best, price, node.lower_usd, None)
        for turn in range(MOST_ROUNDS):
            cutoff = self._cutoff(incumbent_usd())
            if best >= cutoff:
                break
            size = max(abs(best), 1e-9)
            lower = self._price(node, price, TOLERANCE_SHARE * self.gap, is_first=turn == 0)
            if lower is None:
                return None
            bound = parts.cut.fixed_usd(price, limits.shared_lower, limits.shared_upper) + float(lower.sum())
            best = max(best, bound)
            if bound > promised:
                promised, solved.price, solved.lower_usd = bound, price, lower
            if best >= cutoff:
                break
            parts.master.restrict(limits.allowed(parts.pool), limits.shared_lower, limits.shared_upper)
            solved.answer = parts.master.solve(parts.watch.left_seconds())
            if solved.answer is None:
                if parts.watch.should_stop():
                    return None
                break
            cost = solved.answer.cost_usd
            near = NEAR_SHARE * (cutoff - cost) if np.isfinite(cutoff) else 0.0
            if cost - best <= max(TOLERANCE_SHARE * self.gap * size, near):
                break
            price = SMOOTHING * solved.price + (1.0 - SMOOTHING) * solved.answer.price
        solved.bound_usd = best
        return solved

    def _price(self, node: Node, price: Floats, settled: float, *, is_first: bool) -> Floats | None:
        """Return what every workload costs at least at the prices, None when the solve must stop.

        At the prices of the parent only the workload whose limits are new may cost anything else.
        """
        known = node.lower_usd if is_first else None
        among = np.ones(len(self.parts.cut.blocks), dtype=bool)
        if known is not None:
            among[:] = False
            if node.fresh is not None:
                among[node.fresh] = True
        priced = self.parts.pricing.price(price, CLOSE, settled=settled, among=among, limits=node.limits)
        if priced is None:
            return None
        return priced.lower_usd if known is None else np.maximum(priced.lower_usd, known)

    def _settle(self, node: Node, solved: Solved, incumbent_usd: Callable[[], float]) -> Chosen | None:
        """Divide a solved node, or close it: nothing better is in it, or the master's optimum cannot be divided.

        What cannot be divided is a plan, which is returned, or one with a mean of configurations, which the integer
        master finds, or holds identical workloads in shares.
        """
        parts, answer = self.parts, solved.answer
        cutoff = self._cutoff(incumbent_usd())
        if solved.bound_usd >= cutoff or answer is None:
            self.closed_usd = min(self.closed_usd, solved.bound_usd)
            return None
        divisions = self.divider.divisions(node.limits, answer)
        if not divisions:
            means = mean_configurations(parts.cut, parts.pool, answer)
            for mean in means:
                parts.pricing.keep(*mean)
            self.closed_usd = min(self.closed_usd, solved.bound_usd)
            return None if means else as_plan(parts.cut, parts.pool, answer)
        division = self._most_telling(divisions, solved, answer, cutoff)
        first, second = (self._child(solved, limits, division.workload) for limits in division.parts)
        self._put_back(second)
        deep = solved.bound_usd > self.bound_usd + DIVE_SHARE * (cutoff - self.bound_usd)
        if deep:
            self._put_back(first)
        else:
            self.next = first
        return None

    def _child(self, solved: Solved, limits: Limits, fresh: int | None) -> Node:
        self.made += 1
        return Node(solved.bound_usd, self.made, limits, solved.price, solved.lower_usd, fresh)

    def _most_telling(
        self, divisions: list[Division], solved: Solved, answer: MasterAnswer, cutoff: float
    ) -> Division:
        """Return the division whose parts raise the relaxation most.

        Every part is judged over the configurations known, and the best one of the workload in it at the node's prices.
        A rise counts no further than to what ends a node; divisions much less even than the most even one are left out.
        Without a plan nothing ends a node, and lopsided divisions would win: the most even one is returned.
        """
        even = [d for d in divisions[:TRIALS] if d.evenness >= EVEN_SHARE * divisions[0].evenness]
        if len(even) == 1 or not np.isfinite(cutoff) or self.parts.watch.should_stop():
            return even[0]
        floor = LEAST_RISE * abs(answer.cost_usd)
        most = max(cutoff - answer.cost_usd, floor)

        def score(division: Division) -> float:
            found = [self._trial(limits, solved.price, division.workload) for limits in division.parts]
            return float(np.prod(np.clip(np.array(found) - answer.cost_usd, floor, most)))

        return max(even, key=score)

    def _trial(self, limits: Limits, price: Floats, workload: int | None) -> float:
        """Return the relaxation's optimum within limits over the configurations known and one more (USD)."""
        parts = self.parts
        assert parts.master is not None
        if workload is not None:
            among = np.zeros(len(parts.cut.blocks), dtype=bool)
            among[workload] = True
            parts.pricing.price(price, CLOSE, settled=0.0, among=among, limits=limits)
        parts.master.restrict(limits.allowed(parts.pool), limits.shared_lower, limits.shared_upper)
        answer = parts.master.solve(parts.watch.left_seconds())
        return np.inf if answer is None else answer.cost_usd

    def _tell(self) -> None:
        if np.isfinite(self.bound_usd):  # where no part holds anything, that is for a proof of its own
            self.parts.tell(self.bound_usd)
        log.info(
            "tree: %d nodes solved, %d open, %d configurations, bound %.7g USD",
            self.solved, len(self.open) + (self.next is not None), len(self.parts.pool), self.bound_usd,
        )  # fmt: skip

    def _release(self) -> None:
        """Leave the master as it was: without limits."""
        whole = no_limits(self.parts.cut)
        if self.parts.master is not None:
            self.parts.master.restrict(whole.allowed(self.parts.pool), whole.shared_lower, whole.shared_upper)
