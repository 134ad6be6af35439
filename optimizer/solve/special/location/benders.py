"""Which regions to open: cuts over the s alone, each from one linear program with a set of them open.

Where the s are all that is whole, a set S of open regions leaves a linear program over what they gate; its prices, put
through `facility_prices`, give for every s  cost >= K + sum d_j s_j, with equality at S where limits do not overlap
(Benders' cuts, strengthened in the way of Fischetti, Ljubic, Sinnl 2016). An S that carries too little gives a cut 0 >=
K + sum d_j s_j  of the same program with costs of 0 and a price on what is missing. The *master*, the least cost that
all cuts allow over s in {0, 1}, bounds every plan and proposes the next S; it is small, whatever the regions hold.

The first cut is the relaxation's own. Where the model is a choice among sites, the first sets come from a local search
(`site_search`), else the first plan comes from a *kernel* (see `kernels`): the regions that the relaxation uses or that
cost least to open, and of what they gate that which it uses or that is cheapest at its prices. Choices among sites may
be whole too (one source per customer): the linear programs then bound, and what is left of the model with a set open,
an assignment, goes to kernel search for a plan.

When its part of the time is over, or cuts say nothing new, HiGHS gets the rest (`kernel.rest_of`): what a plan that is
worth having may use, without the columns of regions that are ruled out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import Run, run
from optimizer.solve.incumbent import Incumbent
from optimizer.solve.matrix import Labels, Matrix
from optimizer.solve.solution import GAP_FLOOR, Termination
from optimizer.solve.special.assignment.kernels import USED, search_kernels, solve_kernel, solve_rest
from optimizer.solve.special.location.facility_prices import Gates, find_gates, price_openings
from optimizer.solve.special.location.site_search import (
    SEARCHES,
    Sites,
    find_sites,
    price_choices,
    priced_set,
    search_sets,
)
from optimizer.solve.special.reduced_costs import Priced, Rest, rest_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
log = logging.getLogger(__name__)

KERNEL_SIZE, SPARE_OPENERS = 1.5, 1.2
"""Columns and openers of the kernel, in those the relaxation uses."""
KERNEL_TIME, CUTS_TIME = 0.25, 0.25
"""Parts of the time left that the kernel and the cuts may take."""
LONG_CUTS, FEW_LEFT, FEW_CHOICES_LEFT = 0.9, 20_000, 5_000
"""Part of the time left that more cuts take where more columns than this are left, and HiGHS would get nowhere; fewer
are enough for that where they are whole.
"""
SETS, SETS_TIME, AROUND_TIME = 3, 0.1, 0.05
"""Sets that are taken from the local searches, and the parts of the time left that these may take, at first and around
a set that the master proposed.
"""
ASSIGN_TIME, ASSIGN_GAP = 0.05, 0.3
"""Part of the time left that whole plans of one set may take, and how far they are sought in the gap asked for."""
BETWEEN, BETWEEN_STEPS, CORE_STEP = (0.3, 0.7), 40, 0.1
"""Where cuts are sought on the way from the core to a set, steps of prices for each, and how far the core follows."""
SET_STEPS = 80
"""Steps of prices that say whether a proposed set is worth its linear program."""
MASTER_GAP, FINE_GAP = 0.02, 1e-5
"""Gaps of the master, relative to how far the bound has risen above the relaxation's: among sites, and elsewhere or
once nothing new is proposed.
"""
SLACK = 1e-9
"""By how much a cut is lowered, relative to the bound: rounding must not cut off a plan."""


@dataclass
class _Cuts:
    """Cuts  cost >= K + d's  (`is_cost`) or  0 >= K + d's  over the openers."""

    constant: list[float] = field(default_factory=list)
    slope: list[Floats] = field(default_factory=list)
    is_cost: list[bool] = field(default_factory=list)

    def add(self, gates: Gates, prices: Priced, *, is_cost: bool) -> None:
        """Add the cut that prices give."""
        slope = prices.reduced_cost[gates.openers]
        constant = prices.bound_usd - float(np.minimum(slope, 0.0).sum())
        if not is_cost and float(np.abs(slope).max()) <= SLACK * max(1.0, abs(constant)):
            return  # rounding says nothing of any set
        self.constant.append(constant)
        self.slope.append(slope)
        self.is_cost.append(is_cost)

    def master(self, base_usd: float, size_usd: float, most_usd: float) -> Matrix:
        """Return the least cost of all plans as a program over s and the cost above `base_usd` in `size_usd`."""
        openers, cuts = self.slope[0].size, len(self.slope)
        is_cost = np.array(self.is_cost)
        size = np.where(is_cost, size_usd, [max(float(np.abs(d).max()), 1e-300) for d in self.slope])
        a = np.column_stack([np.array(self.slope) / size[:, None], np.where(is_cost, -1.0, 0.0)])
        constant = np.array(self.constant) - np.where(is_cost, base_usd + SLACK * abs(base_usd), 0.0)
        upper = -constant / size + np.where(is_cost, 0.0, SLACK)
        columns = np.arange(openers + 1)
        return Matrix(
            cost=np.append(np.zeros(openers), 1.0), offset=0.0, lower=np.zeros(openers + 1),
            upper=np.append(np.ones(openers), (most_usd - base_usd) / size_usd),
            integer=columns < openers, a=sparse.csr_array(a), row_lower=np.full(cuts, -np.inf), row_upper=upper,
            columns=Labels(("s",), np.zeros(openers + 1, dtype=np.int64), columns),
            rows=Labels(("cut",), np.zeros(cuts, dtype=np.int64), np.arange(cuts)),
        )  # fmt: skip


def solve_openings(
    matrix: Matrix,
    watch: Watch,
    *,
    x: Floats,
    row_price: Floats,
    gap: float,
    threads: int,
    relax_seconds: float = np.inf,
    start: Floats | None = None,
    on_incumbent: Callable[[Floats], None] | None = None,
) -> Run | None:
    """Minimise a model from its relaxation's `x` and `row_price`; None where more than openers is whole and
    not all of it is a choice among sites.

    `relax_seconds` is how long the relaxation took: local searches over sets take no longer. `start` is a plan to begin
    with. The bound is over all options.
    """
    gates = find_gates(matrix)
    sites = find_sites(matrix, gates)
    is_split = int(matrix.integer.sum()) == gates.openers.size
    if not gates.openers.size or not (is_split or sites is not None):
        return None
    relaxed = price_openings(matrix, gates, row_price, x)
    if relaxed is None:
        return None
    watch.note(bound_usd=relaxed.bound_usd)
    best = Incumbent(matrix, watch, bound_usd=relaxed.bound_usd)
    search = _Search(matrix, gates, relaxed, best, watch, gap=gap, threads=threads, sites=sites,
                     relax_seconds=relax_seconds)  # fmt: skip
    try:
        search.run(start)
    except KeyboardInterrupt:
        watch.interrupt()
    if best.x is not None and on_incumbent is not None:
        on_incumbent(best.x)
    if best.is_within(gap):
        return best.as_run(Termination.GAP_REACHED)
    rest = search.rest()
    log.info("openings: %d of %d regions are left", int((rest.upper[gates.openers] > 0).sum()), gates.openers.size)
    return solve_rest(matrix, rest, best, watch, gap=gap, threads=threads)


class _Search:
    """The kernel, then cuts and sets in turn; what is found is in `best`."""

    def __init__(
        self, matrix: Matrix, gates: Gates, relaxed: Priced, best: Incumbent, watch: Watch, *, gap: float, threads: int,
        sites: Sites | None = None, relax_seconds: float = np.inf,
    ) -> None:  # fmt: skip
        self.matrix, self.gates, self.relaxed, self.best, self.watch = matrix, gates, relaxed, best, watch
        self.gap, self.threads = gap, threads
        self.sites, self.relax_seconds = sites, relax_seconds
        self.is_split = int(matrix.integer.sum()) == gates.openers.size
        self.cuts = _Cuts()
        self.seen: set[bytes] = set()
        self.proposed: set[bytes] = set()
        self.core = np.clip(relaxed.x[gates.openers], 0.0, 1.0)
        self.price = np.zeros(gates.openers.size)
        self.least_usd = np.inf
        self.master_gap = FINE_GAP if sites is None else MASTER_GAP

    def run(self, start: Floats | None) -> None:
        """Search."""
        self.cuts.add(self.gates, self.relaxed, is_cost=True)
        if start is not None:
            self.best.offer(start)
        if self.sites is None:
            self._begin_with_kernel()
        else:
            self._begin_with_sets(self.sites)
        few = FEW_LEFT if self.is_split else FEW_CHOICES_LEFT
        if self._turn_for(CUTS_TIME) and self.best.x is not None and self.rest().free.size > few:
            self._turn_for(LONG_CUTS)
        log.info("openings: %d sets: %.6g USD, bound %.6g USD", len(self.seen), self.best.objective_usd,
                 self.best.bound_usd)  # fmt: skip

    def rest(self) -> Rest:
        """Return what is left of the model."""
        return _without_closed(self.gates, rest_of(self.matrix, self.relaxed, self.best, self.gap))

    def _turn_for(self, share: float) -> bool:
        """Take turns for a part of the time left; False where they end before."""
        until = self.watch.elapsed_seconds() + share * self.watch.left_seconds()
        while not self.best.is_within(self.gap) and self.watch.elapsed_seconds() < until:
            if self.watch.should_stop() or not self.turn(until - self.watch.elapsed_seconds()):
                return False
        return not self.best.is_within(self.gap)

    def _begin_with_sets(self, sites: Sites) -> None:
        """Evaluate the best sets that local searches find."""
        self._search_sets(sites, self.core, SETS_TIME, count=SETS, searches=SEARCHES)

    def _search_sets(self, sites: Sites, opened: Floats, share: float, *, count: int, searches: int) -> None:
        seconds = min(share * self.watch.left_seconds(), self.relax_seconds)
        until = self.watch.elapsed_seconds() + seconds
        sets = search_sets(
            sites, opened, lambda: self.watch.should_stop() or self.watch.elapsed_seconds() > until,
            count=count, searches=searches,
        )  # fmt: skip
        log.info("openings: a set of %d regions for %.6g USD", sets[0].chosen.size, sets[0].usd)
        for one in sets:
            is_open = np.zeros(opened.size)
            is_open[one.chosen] = 1.0
            self.evaluate(is_open)

    def _begin_with_kernel(self) -> None:
        used = np.clip(np.ceil(self.relaxed.x[self.gates.openers] - USED), 0.0, 1.0)
        self.evaluate(used)
        kernel = _kernel(self.matrix, self.gates, self.relaxed)
        solve_kernel(
            self.matrix, self.relaxed, self.best, kernel, self.watch, gap=self.gap, threads=self.threads,
            seconds=KERNEL_TIME * self.watch.left_seconds(),
        )  # fmt: skip
        log.info("openings: kernel of %d columns: %.6g USD", kernel.size, self.best.objective_usd)
        if self.best.x is not None:
            self.evaluate(np.round(self.best.x[self.gates.openers]))

    def turn(self, seconds: float) -> bool:
        """Solve the master and evaluate what it proposes; False where that says nothing new."""
        best, base = self.best, self.relaxed.bound_usd
        target = best.target_usd(self.gap)
        size = max(abs(base), GAP_FLOOR) * 1e-3
        found = run(
            self.cuts.master(base, size, target), self.watch, gap=self.master_gap, time_limit_seconds=seconds,
            threads=1, apart=False, scale=1.0,
        )  # fmt: skip
        if found.termination is Termination.INFEASIBLE:
            if best.x is None:  # for HiGHS to say of the model itself
                return False
            best.offer_bound(target)
            return False
        if found.bound_usd is not None:
            best.offer_bound(min(base + size * found.bound_usd - SLACK * abs(base), target))
        if found.x is None:
            return False
        is_open = np.where(found.x[:-1] > 0.5, 1.0, 0.0)
        key = (is_open > 0).tobytes()
        is_new = key not in self.proposed
        self.proposed.add(key)
        if self.sites is None or not is_new or not is_open.any():
            was_coarse, self.master_gap = self.master_gap > FINE_GAP, FINE_GAP
            return self.evaluate(is_open) or was_coarse
        chosen = np.flatnonzero(is_open)
        usd = priced_set(self.sites, chosen, self.price[chosen], SET_STEPS, best.objective_usd).usd
        before = self.least_usd
        learned = usd < best.objective_usd and self.evaluate(is_open)
        if self.least_usd < before:
            self._search_sets(self.sites, is_open, AROUND_TIME, count=1, searches=1)
        return self._cut_between(self.sites, is_open) or learned

    def _cut_between(self, sites: Sites, is_open: Floats) -> bool:
        """Add cuts at prices of points between a set and the core; False where they give none."""
        added = False
        for part in BETWEEN:
            point = part * is_open + (1.0 - part) * self.core
            worth, self.price = price_choices(sites, point, self.price, BETWEEN_STEPS)
            row_price = np.zeros(self.matrix.shape[0])
            row_price[sites.row] = worth / sites.side
            prices = price_openings(self.matrix, self.gates, row_price, self.relaxed.x)
            if prices is not None:
                self.cuts.add(self.gates, prices, is_cost=True)
                added = True
        self.core += CORE_STEP * (is_open - self.core)
        return added

    def evaluate(self, is_open: Floats) -> bool:
        """Take over the plan of a set of open regions and add its cut; False where nothing is learned."""
        key = (is_open > 0).tobytes()
        if key in self.seen:
            return False
        self.seen.add(key)
        part, rows, free, fixed = _open_part(self.matrix, self.gates, is_open)
        found = run(part, self.watch, relaxed=True, options={"solver": "simplex"})
        matrix = self.matrix
        is_cost = found.termination is not Termination.INFEASIBLE  # prices of any origin give a cut
        if found.termination is Termination.GAP_REACHED and found.x is not None:
            fixed[free] = found.x
            self.least_usd = min(self.least_usd, matrix.objective(fixed))
            self.best.offer(fixed)
            if not self.is_split:
                self._assign(part, free, fixed, matrix.objective(fixed))
        elif not is_cost:
            found = run(_missing(part), self.watch, relaxed=True, options={"solver": "simplex"})
            matrix = replace(matrix, cost=np.zeros(matrix.cost.size), offset=0.0)
        if found.row_dual is None or found.row_dual.size != rows.size:
            return False
        price = np.zeros(matrix.shape[0])
        price[rows] = found.row_dual
        prices = price_openings(matrix, self.gates, price, self.relaxed.x)
        if prices is None:
            return False
        self.cuts.add(self.gates, prices, is_cost=is_cost)
        return True

    def _assign(self, part: Matrix, free: Ints, x: Floats, usd: float) -> None:
        """Look for a whole plan of a set whose linear program costs `usd`, where it may be better than the one held."""
        if usd >= self.best.objective_usd * (1.0 - ASSIGN_GAP * self.gap):
            return
        watch = self.watch.within(ASSIGN_TIME * self.watch.left_seconds())
        found = search_kernels(_without_idle(part), watch, gap=ASSIGN_GAP * self.gap, threads=self.threads, start=None)
        if found.x is not None:
            whole = x.copy()
            whole[free] = np.where(part.integer, np.round(found.x), found.x)
            self.best.offer(whole)
        log.info("openings: a set of %.6g USD, whole %.6g USD", usd, self.best.objective_usd)


def _without_idle(part: Matrix) -> Matrix:
    """Return the program without rows that the bounds of its columns keep, up to rounding."""
    a = part.a.tocoo()
    ends = np.array([part.lower[a.col], part.upper[a.col]]) * a.data
    least, most = (np.bincount(a.row, side, part.shape[0]) for side in (ends.min(axis=0), ends.max(axis=0)))
    slack = SLACK * part.row_scale
    rows = np.flatnonzero((least < part.row_lower - slack) | (most > part.row_upper + slack))
    return replace(
        part, a=sparse.csr_array(part.a[rows]), row_lower=part.row_lower[rows], row_upper=part.row_upper[rows],
        rows=part.rows.take(rows),
    )  # fmt: skip


def _kernel(matrix: Matrix, gates: Gates, relaxed: Priced) -> Ints:
    """Return the openers that are used or cost least to open, and the columns that cost least of what they gate."""
    is_used = relaxed.x > matrix.lower + USED
    worth = np.where(is_used[gates.openers], -np.inf, relaxed.reduced_cost[gates.openers])
    count = int(np.ceil(SPARE_OPENERS * is_used[gates.openers].sum()))
    chosen = np.zeros(gates.openers.size + 1, dtype=np.bool_)
    chosen[np.argsort(worth, kind="stable")[:count]] = True
    chosen[-1] = True  # what nobody gates
    dear = relaxed.reduced_cost * np.minimum(matrix.upper - matrix.lower, 1e30)
    dear[is_used | ~np.isfinite(matrix.lower)] = -np.inf
    dear[~chosen[gates.of_column]] = np.inf
    dear[gates.openers] = np.where(chosen[:-1], -np.inf, np.inf)
    order = np.argsort(dear, kind="stable")[: int(KERNEL_SIZE * is_used.sum()) + 1]
    kernel: Ints = order[dear[order] < np.inf]
    return kernel


def _open_part(matrix: Matrix, gates: Gates, is_open: Floats) -> tuple[Matrix, Ints, Ints, Floats]:
    """Return the program with a set of openers open, its rows and columns, and all columns outside it."""
    may = np.append(is_open > 0, True)
    free = may[gates.of_column]
    free[gates.openers] = False
    fixed = np.where(np.isfinite(matrix.lower), matrix.lower, 0.0)
    fixed[gates.openers] = is_open
    columns, rows = np.flatnonzero(free), np.flatnonzero(may[gates.of_row])
    outside = np.where(free, 0.0, fixed)
    a = sparse.csr_array(matrix.by_column[:, columns].tocsr()[rows])
    used = (matrix.a @ outside)[rows]
    part = Matrix(
        cost=matrix.cost[columns], offset=matrix.objective(outside), lower=matrix.lower[columns],
        upper=matrix.upper[columns], integer=matrix.integer[columns], a=a, row_lower=matrix.row_lower[rows] - used,
        row_upper=matrix.row_upper[rows] - used, columns=matrix.columns.take(columns), rows=matrix.rows.take(rows),
    )  # fmt: skip
    return part, rows, columns, outside


def _missing(part: Matrix) -> Matrix:
    """Return the program that minimises what rows lack or exceed, in parts of their size, whatever it costs."""
    scale = 1.0 / part.row_scale
    lacks, exceeds = np.flatnonzero(np.isfinite(part.row_lower)), np.flatnonzero(np.isfinite(part.row_upper))
    rows = np.concatenate([lacks, exceeds])
    sign = np.concatenate([np.ones(lacks.size), -np.ones(exceeds.size)])
    gaps = sparse.csr_array((sign, (rows, np.arange(rows.size))), shape=(part.shape[0], rows.size))
    columns = part.cost.size + rows.size
    return replace(
        part, cost=np.concatenate([np.zeros(part.cost.size), scale[rows]]), offset=0.0,
        lower=np.concatenate([part.lower, np.zeros(rows.size)]),
        upper=np.concatenate([part.upper, np.full(rows.size, np.inf)]), integer=np.zeros(columns, dtype=np.bool_),
        a=sparse.csr_array(sparse.hstack([part.a, gaps], format="csr")),
        columns=Labels(("x",), np.zeros(columns, dtype=np.int64), np.arange(columns)),
    )  # fmt: skip


def _without_closed(gates: Gates, rest: Rest) -> Rest:
    """Return the rest with what closed openers gate held at 0."""
    closed = np.append(rest.upper[gates.openers] < 1.0, False)
    return replace(rest, upper=np.where(closed[gates.of_column], np.maximum(rest.lower, 0.0), rest.upper))
