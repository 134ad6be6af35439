"""Column generation: price workloads, solve the restricted master, move the prices, until bound and master agree."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.configuration_rows import as_rows
from optimizer.solve.decomposition.cut import Cut
from optimizer.solve.decomposition.greedy import find_simple_plan
from optimizer.solve.decomposition.pool import Pool
from optimizer.solve.decomposition.pricing import Priced, Pricing
from optimizer.solve.decomposition.restricted_master import (
    Chosen,
    MasterAnswer,
    RestrictedMaster,
    legal_price,
    put_together,
)
from optimizer.solve.decomposition.selection import select
from optimizer.solve.decomposition.small import Effort
from optimizer.solve.decomposition.workers import Workers

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
log = logging.getLogger(__name__)

QUICK = Effort(gap=2e-3, nodes=60, seconds=2.0)
SETTLED_SHARE = 0.2
"""Part of the gap asked for below which a workload's bound and its best configuration count as the same."""
SMOOTHING, LEAST_SMOOTHING, MOST_SMOOTHING = 0.7, 0.1, 0.9
"""Weight of the best prices so far in the next ones (Wentges 1997): the restricted master's own prices jump about. It
falls while the prices it leads to promise more than those before, and rises when they do not."""
UNPLACED_FACTOR = 5.0
"""Penalty over what a workload is worth: high enough to be avoided, low enough for numerics."""
STALLED_SHARE, PROMISING = 0.4, 2.0
"""Column generation ends when a round lowers the master by less than this share of the gap asked for; by far less while
its prices promise no bound within so many times the gap: to tighten one would be in vain."""
MOST_ROUNDS = 60
STUCK, RAISE, MOST_RAISES = 1e-4, 10.0, 4
"""A round that lowers a master that breaks rows by less than this share raises their penalties by this factor."""
ROUGH_STALLED, ROUGH_CLEANER = 2e-4, 0.1
"""They help while they lower the master by such a share of its cost, or of its penalties."""
LONGEST_REST = 4
QUICK_SECONDS = 10.0
"""Most time for the shared decisions of a plan whose configurations are chosen."""
TIGHTER = (
    Effort(gap=3e-4, nodes=300, seconds=4.0),
    Effort(gap=1e-4, nodes=4000, seconds=20.0),
)
LOOKED_INTO = 0.9
AT_ONCE, PASSES = 16, 12
"""Share of what is open that one pass of tightening looks into, the workloads with most first, so many per worker
or in so many passes."""


@dataclass
class Bound:
    """A Lagrangian bound: the prices it holds at, its constant part, and the part of every workload (USD)."""

    price: Floats
    fixed_usd: float
    priced: Priced

    @property
    def usd(self) -> float:
        """The bound as far as it is proven."""
        return self.fixed_usd + float(self.priced.lower_usd.sum())

    @property
    def promise_usd(self) -> float:
        """What the bound becomes at most when every workload is looked into to the end."""
        return self.fixed_usd + float(self.priced.upper_usd.sum())


class Decomposition:
    """The state of column generation on a cut model.

    `worth_usd` is what a unit of each of the master's rows is worth (USD), the scale of its penalty.
    """

    def __init__(
        self, problem: Problem, cut: Cut, worth_usd: Floats, watch: Watch, *, threads: int,
        workers: Workers | None = None, pricing: Pricing | None = None, most_raises: int = MOST_RAISES,
    ) -> None:  # fmt: skip
        self.cut, self.watch, self.threads = cut, watch, threads
        self.parameters = watch.parameters.decomposition
        self.pricing = pricing or Pricing(problem, cut, Pool(cut), watch, threads=threads, workers=workers)
        self.pool = self.pricing.pool
        self.worth_usd = worth_usd
        self.penalty_usd = np.where(cut.elastic, self.parameters.penalty_factor * worth_usd, 0.0)
        self.unplaced_usd = np.zeros(len(cut.blocks))
        self.most_raises = most_raises
        self.centre: Bound | None = None
        self.latest: Bound | None = None
        self.answer: MasterAnswer | None = None
        self.master: RestrictedMaster | None = None
        self.price: Floats = np.zeros(cut.rows.size)
        self.rough, self.smoothing, self.rounds, self.raised = True, SMOOTHING, 0, 0
        self.proven_usd = -np.inf
        self.has_plan = False  # set by who holds the plans: a quick one may then wait for better prices
        self.resting = np.zeros(len(cut.blocks), dtype=np.int64)
        self.rest = np.zeros(len(cut.blocks), dtype=np.int64)

    def run(
        self,
        *,
        gap: float,
        until_seconds: float,
        when_priced: Callable[[], None] | None = None,
        when_clean: Callable[[bool], None] | None = None,
        is_hopeless: Callable[[], bool] | None = None,
        is_enough: Callable[[], bool] | None = None,
    ) -> bool:
        """Generate configurations until bound and master are within `gap`, or a round helps too little.

        Begins with rounds of closed forms alone, which find prices of the master's rows.
        Called again, it goes on from where it stood.
        `when_priced` is called once every workload has a configuration, before there is a master.
        `when_clean` is called when the master's optimum first breaks no row, since plans are in sight then: once with
        True while closed forms alone are used (in their last round if there is a simple plan already), and once with
        False afterwards. `is_hopeless` is asked when closed forms alone found no such optimum: whether none can be.
        `is_enough` is asked after every pricing: whether the bound found settles what was to be known.
        False when nothing came of it: the solve must stop, a workload has no configuration at all, there is no hope,
        the bound is enough, or HiGHS failed.
        """
        last, told = np.inf, set[bool]()
        for _ in range(MOST_ROUNDS):
            if self.watch.elapsed_seconds() >= until_seconds and self.answer is not None:
                break
            priced = self._price(settled=SETTLED_SHARE * gap)
            if priced is None:
                break
            if not np.isfinite(priced.upper_usd).all():
                return False
            moved = self._note(self.price, priced)
            if is_enough is not None and is_enough():
                return False
            if self.master is None and when_priced is not None:
                when_priced()
            self.smoothing = SMOOTHING if self.rough else _adapted(self.smoothing, moved)
            answer = self._solve_master()
            if answer is None or self.centre is None:
                return False
            self.answer = answer
            least = ROUGH_STALLED * abs(answer.cost_usd)
            if not self.is_clean:
                least = min(least, ROUGH_CLEANER * answer.penalties_usd)
            helped = last - answer.cost_usd > least
            ends = self.rough and not (helped and self.rounds + 1 < self.parameters.most_rough_rounds)
            due = ends or not (self.rough and self.has_plan)
            if self.is_clean and due and self.rough not in told and when_clean is not None:
                told.add(self.rough)
                when_clean(self.rough)
            done = self.is_clean and not self.rough and self._has_converged(answer.cost_usd, last, gap)
            self.price = self.smoothing * self.centre.price + (1.0 - self.smoothing) * answer.price
            if done:
                break
            stuck = last - answer.cost_usd <= STUCK * abs(answer.cost_usd)
            last = answer.cost_usd
            if stuck and not self.is_clean and not self.rough:
                if self.raised == self.most_raises or self.master is None:
                    break
                self.master.raise_penalties(RAISE)
                self.raised, last = self.raised + 1, np.inf
            self.rounds += 1
            if ends:
                if not self.is_clean and is_hopeless is not None and is_hopeless():
                    return False
                self.rough, self.centre, last = False, None, np.inf  # closed forms promise too much to steer by
        return self.answer is not None and self.centre is not None

    def begin_at(self, price: Floats) -> None:
        """Begin at prices that were good for a problem like this one, with what the pool holds: the rounds of closed
        forms, which look for prices, are left out.
        """
        self.price, self.rough = legal_price(self.cut, price), False
        self.pricing.price_roughly(self.price)
        if np.isin(np.flatnonzero(self.pricing.is_head), self.pool.workload).all():
            self.answer = self._solve_master()

    def price_roughly(self) -> bool:
        """Give every workload a configuration by closed forms at the prices held; False where one has none."""
        priced = self._price(settled=0.0)
        return priced is not None and bool(np.isfinite(priced.upper_usd).all())

    @property
    def is_clean(self) -> bool:
        """Whether the master's optimum breaks no row and places every workload."""
        return self.answer is not None and self.answer.penalties_usd <= 1e-6 * abs(self.answer.cost_usd)

    @property
    def open_usd(self) -> float:
        """By how much further rounds and tightening could raise the bound at most."""
        if self.answer is None:
            return np.inf
        return self.answer.cost_usd - self.proven_usd

    def _solve_master(self) -> MasterAnswer | None:
        if self.master is None:
            self.unplaced_usd = self._dearest()
            self.master = RestrictedMaster(self.cut, self.pool, self.penalty_usd, self.unplaced_usd, self.watch)
        answer = self.master.solve(self.watch.left_seconds())
        if answer is not None and self.centre is not None:
            log.info(
                "round %d: %d configurations, master %.6g USD (penalties %.3g), bound %.6g USD, at most %.6g USD",
                self.rounds, len(self.pool), answer.cost_usd, answer.penalties_usd, self.proven_usd,
                self.centre.promise_usd,
            )  # fmt: skip
        return answer

    def _has_converged(self, now_usd: float, last_usd: float, gap: float) -> bool:
        assert self.centre is not None
        size = max(abs(now_usd), 1e-9)
        apart = now_usd - self.centre.promise_usd
        stalled = STALLED_SHARE if apart <= PROMISING * gap * size else STALLED_SHARE / PROMISING**2
        return apart <= gap * size or last_usd - now_usd <= stalled * gap * size

    def _price(self, *, settled: float) -> Priced | None:
        """Price the workloads that do not rest: one that gives nothing new is left out for more and more rounds."""
        if self.rough:
            return self.pricing.price(self.price, QUICK, settled=settled, among=np.zeros(self.rest.size, dtype=bool))
        awake = self.rest == 0
        self.rest = np.maximum(self.rest - 1, 0)
        before = np.bincount(self.pool.workload, minlength=awake.size)
        priced = self.pricing.price(self.price, QUICK, settled=settled, among=awake)
        fresh = np.bincount(self.pool.workload, minlength=awake.size) > before
        self.resting = np.where(fresh, 0, np.where(awake, np.minimum(2 * self.resting + 1, LONGEST_REST), self.resting))
        self.rest = np.where(awake, self.resting, self.rest)
        return priced

    def _dearest(self) -> Floats:
        """Return by workload more than its dearest configuration costs even where it breaks every row it uses (USD)."""
        start, row, weight = self.pool.entries()
        number = np.repeat(np.arange(len(self.pool)), np.diff(start))
        broken = np.bincount(number, self.penalty_usd[row] * np.abs(weight), len(self.pool))
        worst = np.zeros(self.unplaced_usd.size)
        np.maximum.at(worst, self.pool.workload, np.abs(self.pool.cost_usd) + broken)
        return UNPLACED_FACTOR * np.maximum(worst, 1e-3 * float(worst.max(initial=1.0)))

    def _note(self, price: Floats, priced: Priced) -> bool:
        """Keep the prices that promise most as the centre of the next ones, and the best bound; whether it moved."""
        fixed_usd = self.cut.fixed_usd(price)
        self.latest = bound = Bound(price, fixed_usd, priced)
        moves = self.centre is None or bound.promise_usd > self.centre.promise_usd
        if moves:
            self.centre = bound
        self.tell(bound.usd)
        return moves

    def tell(self, bound_usd: float) -> None:
        """Take over a bound over all plans (USD, without the model's offset) and report it."""
        self.proven_usd = max(self.proven_usd, bound_usd)
        usd = self.proven_usd + self.cut.matrix.offset
        if np.isfinite(usd) and (self.watch.bound_usd is None or usd > self.watch.bound_usd):
            self.watch.note(bound_usd=usd)

    def tighten(self, *, target_usd: float) -> None:
        """Look harder into the workloads whose part of the bound is still open, until the bound reaches `target_usd`.

        The prices stay those of the centre.
        """
        if self.centre is None:
            return
        for effort in TIGHTER:
            open_usd = self.centre.priced.open_usd
            order = np.argsort(-open_usd)
            unknown = int((~np.isfinite(open_usd)).sum())  # no bound yet: they come first
            finite = open_usd[order[unknown:]]
            enough = unknown + int(np.searchsorted(np.cumsum(finite), LOOKED_INTO * finite.sum())) + 1
            at_once = max(AT_ONCE * self.pricing.workers.count, enough // PASSES)
            for begin in range(0, enough, at_once):
                if self.watch.should_stop() or self.proven_usd >= target_usd:
                    return
                self._look_into(order[begin : min(begin + at_once, enough)], effort)

    def _look_into(self, chosen: Ints, effort: Effort) -> None:
        assert self.centre is not None
        among = np.zeros(self.rest.size, dtype=bool)
        among[chosen] = True
        priced = self.pricing.price(self.centre.price, effort, settled=0.0, among=among)
        if priced is None:
            return
        now = self.centre.priced
        lower, upper = np.maximum(now.lower_usd, priced.lower_usd), np.minimum(now.upper_usd, priced.upper_usd)
        self.centre.priced = Priced(np.minimum(lower, upper), upper)
        self.tell(self.centre.usd)

    def simple_plan(self) -> Ints | None:
        """Return by workload the number of a configuration, such that no elastic row is broken, before there is a
        master; None where that is not easy.
        """
        worth_usd = self.penalty_usd / self.parameters.penalty_factor  # nothing where a row cannot be broken
        return find_simple_plan(self.pricing, self.penalty_usd, worth_usd, self.watch)

    def quick_plan(self) -> Chosen | None:
        """Return a plan from the configurations known by changing one workload at a time, or None."""
        if self.answer is None:
            return None
        # What came into the pool after the master was last solved has no share in it.
        shares = np.pad(self.answer.shares, (0, len(self.pool) - self.answer.shares.size))
        numbers = select(self.cut, self.pool, self.answer.price, self.penalty_usd, self.watch, shares=shares)
        if numbers is None or self.watch.should_stop():
            return None
        no_penalty = np.zeros(self.penalty_usd.size)
        return self._put_together(no_penalty, gap=0.0, seconds=QUICK_SECONDS, among=np.unique(numbers))

    def plan(self, *, gap: float, seconds: float, start: Chosen | None = None) -> Chosen | None:
        """Return a plan with one configuration for every workload, or None; `start` is one to begin from.

        No row is broken where the configurations known allow it; else rows are, at their penalties.
        """
        start = self.quick_plan() if start is None else start
        for penalty_usd, share in ((np.zeros(self.penalty_usd.size), 0.6), (self.penalty_usd, 0.4)):
            if self.watch.should_stop():
                return start
            found = self._put_together(penalty_usd, gap=gap, seconds=share * seconds, start=start)
            if found is not None or start is not None:
                return found or start
        return None

    def plan_at_penalties(self, *, gap: float, seconds: float) -> Chosen | None:
        """Return a plan with one configuration for every workload that may break elastic rows at their penalties."""
        return self._put_together(self.penalty_usd, gap=gap, seconds=seconds)

    def learn(self, x: Floats) -> Chosen:
        """Put the configurations of a plan found elsewhere into the pool; return the plan in terms of the master."""
        cut, parts = self.cut, []
        for workload, head in enumerate(cut.classes.head.tolist()):
            held = np.flatnonzero(x[cut.blocks[workload].columns])
            column = cut.blocks[head].columns[held]
            own = np.flatnonzero(~cut.needs.tells(column))
            parts.append((np.full(own.size, workload), column[own], x[cut.blocks[workload].columns[held[own]]]))
        values = as_rows(parts, len(cut.blocks), cut.matrix.cost.size)
        return Chosen(self.pricing.keep_all(cut.classes.head, values), x[cut.shared])

    def _put_together(
        self, penalty_usd: Floats, *, gap: float, seconds: float, among: Ints | None = None, start: Chosen | None = None
    ) -> Chosen | None:
        return put_together(
            self.cut, self.pool, penalty_usd, self._dearest(), self.watch,
            gap=gap, seconds=seconds, threads=self.threads, among=among, start=start,
        )  # fmt: skip


def _adapted(smoothing: float, moved: bool) -> float:
    """Return the next weight of the centre, after its prices moved or stayed."""
    return max(0.6 * smoothing, LEAST_SMOOTHING) if moved else min(0.5 * (smoothing + 1.0), MOST_SMOOTHING)
