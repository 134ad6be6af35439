"""Linking rows of regions with a fixed cost, added where the relaxation breaks them.

A region that is not in use holds nothing: s = 0 forces every flow, instance, gang, presence and copy there to 0, by one
row each. There are as many such rows as streams times regions; few of them matter to the relaxation, and a solver that
carries them all spends its time there (facility location of 80 sites and 400 customers: 778 of 32,000).

Two steps on a `Matrix`, neither of which loses a plan:

1. A presence a that nothing but  a <= s  keeps low is at its best at a = s: it is free and everything else only asks
   for more of it. It is replaced by s; what is left of its rows links flows and instances to s directly.
2. Rows  sum p x <= M s  are taken out and summed, each divided by its M: where s = 0 the sum says what every one of
   them says, and where s = 1 each repeats what demand, the bounds of instances or `gangs_at_once` says. So the model is
   complete without them; those that its relaxation breaks go back in, until none is broken or the bound stalls.
"""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import LOOK_EVERY_SECONDS, Run
from optimizer.solve.highs.fine_scale import run_whole
from optimizer.solve.highs.runners import LEAVING_SECONDS
from optimizer.solve.matrix import Labels, Matrix
from optimizer.solve.special.location.benders import solve_openings
from optimizer.solve.special.location.facility_prices import find_gates
from optimizer.solve.special.location.linking_rows import FROM_ROWS, has_many, is_linking
from optimizer.solve.special.location.sifting import Sifting, with_rows
from optimizer.solve.special.location.site_search import TOGETHER, find_sites

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
log = logging.getLogger(__name__)

SHARE_OF_TIME, SHARE_FOR_SITES, GRACE_SECONDS = 0.3, 0.5, 1.0
"""Part of the time left that the relaxation may take, and where sets of sites follow, whose bound is nearly its own."""


@dataclass(frozen=True)
class Linked:
    """A model with few linking rows. `place[c]` is the column that column c of the whole model became, or is told by;
    `replaced` are the presences that became their region's s. `x` and `row_price` (USD per unit of the row) are those
    of the last relaxation; all of it took `seconds`.
    """

    matrix: Matrix
    whole: Matrix
    place: Ints
    replaced: Ints
    bound_usd: float | None = None
    x: Floats | None = None
    row_price: Floats | None = None
    seconds: float = 0.0

    @cached_property
    def _asking(self) -> tuple[sparse.csr_array, sparse.csc_array]:
        """The rows that ask for presences that were replaced, and their entries of those presences."""
        rows = self.whole.a[np.unique(self.whole.by_column[:, self.replaced].indices)]
        return rows, sparse.csc_array(rows[:, self.replaced])

    def restore(self, x: Floats) -> Floats:
        """Return values of the whole model: a workload is present where something of it is placed."""
        full: Floats = x[self.place]
        full[self.replaced] = 0.0
        rows, presences = self._asking
        asked = np.asarray(presences.T @ (rows @ full > 0.0)).ravel() < 0
        full[self.replaced] = np.where(asked, x[self.place[self.replaced]], 0.0)
        return full

    def project(self, full: Floats) -> Floats:
        """Return values of this model that say what values of the whole model say."""
        x = np.zeros(self.matrix.cost.size)
        kept = np.ones(full.size, dtype=np.bool_)
        kept[self.replaced] = False
        x[self.place[kept]] = full[kept]
        return x


def run_linked(
    matrix: Matrix,
    watch: Watch,
    *,
    gap: float,
    threads: int,
    start: Floats | None = None,
    on_incumbent: Callable[[Floats], None] | None = None,
    offer: Callable[[], Floats | None] | None = None,
) -> Run:
    """Minimise a whole model, with linking rows where they are needed; arguments as for `run_whole`."""
    linked = link(matrix, watch)
    if linked is None:
        return run_whole(matrix, watch, gap=gap, threads=threads, start=start, on_incumbent=on_incumbent, offer=offer)
    begin = None if start is None else linked.project(start)
    told = None if on_incumbent is None else lambda x: on_incumbent(linked.restore(x))
    found = None
    if offer is None and linked.x is not None and linked.row_price is not None:
        found = solve_openings(
            linked.matrix, watch, x=linked.x, row_price=linked.row_price, gap=gap, threads=threads, start=begin,
            on_incumbent=told, relax_seconds=linked.seconds,
        )  # fmt: skip
    if found is None:
        found = run_whole(
            linked.matrix,
            watch,
            gap=gap,
            threads=threads,
            start=begin,
            on_incumbent=told,
            offer=None if offer is None else lambda: _restricted(linked, offer()),
        )
    bound = found.bound_usd if found.bound_usd is not None else linked.bound_usd
    return replace(found, bound_usd=bound, x=None if found.x is None else linked.restore(found.x))


def locate(
    matrix: Matrix, watch: Watch, *, gap: float, threads: int, start: Floats | None = None, least_rows: int = FROM_ROWS
) -> Run | None:
    """Minimise a model in which everything is a choice among regions with a fixed cost; None where it is not, or where
    its relaxation took too long. The bound is over all options.
    """
    if not matrix.columns.of("region_used").size or find_sites(matrix, find_gates(matrix)) is None:
        return None
    with watch.phase_of("relax"):
        linked = link(matrix, watch, least_rows=least_rows, share=SHARE_FOR_SITES)
    if linked is None or linked.x is None or linked.row_price is None:
        return None
    with watch.phase_of("open"):
        found = solve_openings(
            linked.matrix, watch, x=linked.x, row_price=linked.row_price, gap=gap, threads=threads,
            start=None if start is None else linked.project(start), relax_seconds=linked.seconds,
        )  # fmt: skip
    if found is None:
        return None
    bounds = [bound for bound in (found.bound_usd, linked.bound_usd) if bound is not None]
    return replace(
        found, bound_usd=max(bounds, default=None), x=None if found.x is None else linked.restore(found.x)
    )


def _restricted(linked: Linked, full: Floats | None) -> Floats | None:
    return None if full is None else linked.project(full)


def link(
    matrix: Matrix, watch: Watch, *, least_rows: int = FROM_ROWS, share: float = SHARE_OF_TIME
) -> Linked | None:
    """Return the model with the linking rows that its relaxation needs; None where it has less than `least_rows`."""
    if not has_many(matrix, least_rows):
        return None
    small = _without_presences(matrix)
    rows, weak = _linking_rows(small.matrix)
    if rows.size < least_rows:
        return None
    base = _only_together(small.matrix, rows, weak)
    begun = watch.elapsed_seconds()
    search = _broken_rows(base, small.matrix.a[rows], small.matrix.rows.take(rows), weak, watch, share=share)
    added = search.added  # a search that was left goes on adding
    log.info("linking: %d of %d rows", added.size, rows.size)
    found = with_rows(base, small.matrix.a[rows[added]], small.matrix.rows.take(rows[added]))
    price = search.row_price
    if price is not None:
        price = np.concatenate([price, np.zeros(found.shape[0])])[: found.shape[0]]
    seconds = watch.elapsed_seconds() - begun
    return replace(
        small, matrix=found, bound_usd=search.bound_usd, x=search.x, row_price=price, seconds=seconds
    )


def _without_presences(matrix: Matrix) -> Linked:
    """Replace by s the presences that nothing but a <= s keeps low."""
    size = matrix.cost.size
    region = _region_of_presences(matrix)
    replaced = np.flatnonzero(region >= 0)
    kept = np.flatnonzero(region < 0)
    place = np.full(size, -1, dtype=np.int64)
    place[kept] = np.arange(kept.size)
    place[replaced] = place[region[replaced]]
    merge = sparse.csr_array((np.ones(size), (np.arange(size), place)), shape=(size, kept.size))
    a = sparse.csr_array(matrix.a @ merge)
    a.eliminate_zeros()  # a <= s has become s <= s
    rows = np.flatnonzero(np.diff(a.indptr) > 0) if replaced.size else np.arange(a.shape[0])
    small = Matrix(
        cost=matrix.cost[kept],
        offset=matrix.offset,
        lower=matrix.lower[kept],
        upper=matrix.upper[kept],
        integer=matrix.integer[kept],
        a=sparse.csr_array(a[rows]),
        row_lower=matrix.row_lower[rows],
        row_upper=matrix.row_upper[rows],
        columns=matrix.columns.take(kept),
        rows=matrix.rows.take(rows),
    )
    return Linked(small, matrix, place, replaced)


def _region_of_presences(matrix: Matrix) -> Ints:
    """Return by column the column of s that it can be replaced with, -1 where it cannot."""
    region = np.full(matrix.cost.size, -1, dtype=np.int64)
    present, in_use = matrix.columns.of("present"), matrix.rows.of("in_use")
    is_used = np.zeros(matrix.cost.size, dtype=np.bool_)
    is_used[matrix.columns.of("region_used")] = True
    used_in = np.full(matrix.shape[0], -1, dtype=np.int64)
    part = matrix.a[in_use].tocoo()
    other = is_used[part.col]
    used_in[in_use[part.row[other]]] = part.col[other]
    block = matrix.by_column[:, present]
    column, row, value = np.repeat(present, np.diff(block.indptr)), block.indices, block.data
    only_upper = np.isfinite(matrix.row_upper[row]) & ~np.isfinite(matrix.row_lower[row])
    only_lower = np.isfinite(matrix.row_lower[row]) & ~np.isfinite(matrix.row_upper[row])
    wants_more = (only_upper & (value < 0)) | (only_lower & (value > 0))
    held = np.flatnonzero(~wants_more)
    by_region = held[used_in[row[held]] >= 0]
    region[column[by_region]] = used_in[row[by_region]]
    free = (np.bincount(column[held], minlength=region.size) == 1) & (matrix.cost == 0)
    unit = (matrix.lower == 0) & (matrix.upper == 1) & (matrix.upper[region] == 1) & matrix.integer[region]
    return np.where(free & unit, region, -1)


def _linking_rows(matrix: Matrix) -> tuple[Ints, Floats]:
    """Return the rows  sum p x <= M s  with M > 0, p > 0 and s a region in use, and the M of each, as (rows, M)."""
    candidates = np.flatnonzero(is_linking(matrix) & (matrix.row_upper == 0) & ~np.isfinite(matrix.row_lower))
    part = matrix.a[candidates].tocoo()
    is_used = np.zeros(matrix.cost.size, dtype=np.bool_)
    is_used[matrix.columns.of("region_used")] = True
    links = is_used[part.col] & (part.data < 0)
    fits = (np.bincount(part.row, part.data < 0, candidates.size) == 1) & (
        np.bincount(part.row, links, candidates.size) == 1
    )
    most = np.bincount(part.row, np.where(links, -part.data, 0.0), candidates.size)
    return candidates[fits], most[fits]


def _only_together(matrix: Matrix, rows: Ints, most: Floats) -> Matrix:
    """Return the model with the linking rows of each region as their sum, each row divided by its M."""
    part = matrix.a[rows]
    used = matrix.columns.of("region_used")
    column = part[:, used].tocsc()
    group = np.zeros(rows.size, dtype=np.int64)
    group[column.indices] = np.repeat(np.arange(used.size), np.diff(column.indptr))
    gather = sparse.csr_array((1.0 / most, (group, np.arange(rows.size))), shape=(used.size, rows.size))
    together = sparse.csr_array(gather @ part)
    filled = np.flatnonzero(np.diff(together.indptr) > 0)
    kept = np.setdiff1d(np.arange(matrix.shape[0]), rows)
    old = matrix.rows.take(kept)
    return replace(
        matrix,
        a=sparse.csr_array(sparse.vstack([matrix.a[kept], together[filled]], format="csr")),
        row_lower=np.concatenate([matrix.row_lower[kept], np.full(filled.size, -np.inf)]),
        row_upper=np.concatenate([matrix.row_upper[kept], np.zeros(filled.size)]),
        rows=Labels(
            (*old.names, TOGETHER),
            np.concatenate([old.component, np.full(filled.size, len(old.names))]),
            np.concatenate([old.key, matrix.columns.key[used[filled]]]),
        ),
    )


def _broken_rows(
    base: Matrix, links: sparse.csr_array, labels: Labels, most: Floats, watch: Watch, *, share: float
) -> Sifting:
    """Search for the rows of `links` (sides -inf and 0) that the relaxation of the model needs.

    HiGHS runs in a thread of its own: it keeps to one number of threads in each, and Ctrl-C is noticed here.
    """
    until = watch.elapsed_seconds() + share * watch.left_seconds()
    search = Sifting(base, links, labels, most, watch, until_seconds=until)
    search.start()
    while search.is_alive():
        try:
            search.join(LOOK_EVERY_SECONDS)
            if watch.is_settled():
                until = min(until, watch.elapsed_seconds())
            if watch.elapsed_seconds() > until + GRACE_SECONDS:
                log.info("linking: the relaxation did not stop in time")
                atexit.register(search.join, LEAVING_SECONDS)
                break
        except KeyboardInterrupt:
            watch.interrupt()
    if search.failure is not None:
        raise search.failure
    return search
