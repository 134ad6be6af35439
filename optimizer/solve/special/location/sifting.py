"""The relaxation of a model with few linking rows: rows where it breaks them, columns where they would gain.

Of a location problem of 80 sites and 1,600 customers the relaxation uses 3,500 of 128,000 columns. Where only openers
are whole, or all else is gated (see `facility_prices`), it begins with those that are cheapest for each row that nobody
gates, an opener's cost spread over its limit. Its prices, over all columns, bound the whole model and say which other
columns would gain. Rows and columns are added from one basis to the next.
"""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import cost_scale
from optimizer.solve.highs.hand_over import to_task
from optimizer.solve.highs.session import INFEASIBLE, OPTIMAL, Ears, Session
from optimizer.solve.matrix import Labels, Matrix
from optimizer.solve.parameters import Location
from optimizer.solve.special.location.facility_prices import Gates, decide_all, find_gates, price_openings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BROKEN = 1e-6
GAINS = 1e-7
"""Reduced cost, scaled, from which a column gains nothing."""


def with_rows(base: Matrix, links: sparse.csr_array, added: Labels) -> Matrix:
    """Return the model with rows that are at most 0 added; their labels are of the same names."""
    count = links.shape[0]
    return replace(
        base,
        a=sparse.csr_array(sparse.vstack([base.a, links], format="csr")),
        row_lower=np.concatenate([base.row_lower, np.full(count, -np.inf)]),
        row_upper=np.concatenate([base.row_upper, np.zeros(count)]),
        rows=Labels(
            base.rows.names,
            np.concatenate([base.rows.component, added.component]),
            np.concatenate([base.rows.key, added.key]),
        ),
    )


class Sifting(threading.Thread):
    """Solves the relaxation until no row is broken and no column gains, the bound stalls, or `until_seconds`.

    `added` are the rows of `links` (sides -inf and 0, each at most `most` where s = 1) in the order they came in.
    `bound_usd` bounds the model; `x` and `row_price` (of the rows in it) are of the last relaxation that was solved to
    its end, None when none was.
    """

    def __init__(
        self, base: Matrix, links: sparse.csr_array, labels: Labels, most: Floats, watch: Watch, *,
        until_seconds: float,
    ) -> None:  # fmt: skip
        super().__init__(name="linking", daemon=True)
        self.base, self.links, self.labels, self.most, self.watch = base, links, labels, most, watch
        self.until_seconds, self.parameters = until_seconds, watch.parameters.location
        self.added = np.zeros(0, dtype=np.int64)
        self.bound_usd: float | None = None
        self.x: Floats | None = None
        self.row_price: Floats | None = None
        self.failure: BaseException | None = None
        self._scale = cost_scale(base.cost)

    def run(self) -> None:
        """Search."""
        try:
            self._search()
        except BaseException as error:  # raised where the search was asked for
            self.failure = error

    def _search(self) -> None:
        columns = _first_columns(self.base, self.parameters)
        session = self._load(columns)
        before = -np.inf
        while True:
            outcome = session.run()
            self.watch.work.add(runs=1, simplex_iterations=outcome.simplex_iterations)
            if outcome.kind == INFEASIBLE and columns.size < self.base.cost.size:
                columns = self._add_columns(session, columns, self._outside(columns))
                continue
            if outcome.kind != OPTIMAL or outcome.x is None or outcome.row_dual is None:
                return
            x = np.zeros(self.base.cost.size)
            x[columns] = outcome.x
            self.x, self.row_price = x, outcome.row_dual / self._scale
            objective = self.base.objective(x)
            gaining = self._gaining(columns, x, self.row_price)
            is_broken = self.links @ x > BROKEN * self.most
            is_broken[self.added] = False
            broken = np.flatnonzero(is_broken)
            stalls = objective - before <= self.parameters.stall * abs(objective) and not gaining.size
            if stalls or not (broken.size or gaining.size):
                return
            before = -np.inf if gaining.size else objective  # new columns may bring it down
            self._add_rows(session, broken, columns)
            columns = self._add_columns(session, columns, gaining)

    def _outside(self, columns: Ints) -> Ints:
        return np.setdiff1d(np.arange(self.base.cost.size), columns)

    def _gaining(self, columns: Ints, x: Floats, row_price: Floats) -> Ints:
        """Note the bound of the prices and return the columns outside that would gain at them."""
        outside, objective = self._outside(columns), self.base.objective(x)
        if not outside.size:
            self._note(objective)
            return outside
        now = self._now()
        reduced = now.cost[outside] - now.by_column[:, outside].T @ row_price
        gaining: Ints = outside[reduced * self._scale < -GAINS]
        if not gaining.size:
            self._note(objective)
            return gaining
        gates = find_gates(now)
        prices = price_openings(now, gates, row_price, x)
        if prices is None:
            return gaining
        self._note(prices.bound_usd)
        if prices.bound_usd >= objective - self.parameters.stall * abs(objective):
            return gaining[:0]
        may_open = (x[gates.openers] > 0) | (prices.reduced_cost[gates.openers] < 0)
        sensible = gaining[np.append(may_open, True)[gates.of_column[gaining]]]
        return sensible if sensible.size else gaining

    def _note(self, bound_usd: float) -> None:
        self.bound_usd = bound_usd if self.bound_usd is None else max(bound_usd, self.bound_usd)
        self.watch.note(bound_usd=self.bound_usd)

    def _now(self) -> Matrix:
        """Return the model with the rows added."""
        return with_rows(self.base, self.links[self.added], self.labels.take(self.added))

    def _add_rows(self, session: Session, rows: Ints, columns: Ints) -> None:
        if not rows.size:
            return
        self.added = np.concatenate([self.added, rows])
        part = sparse.csr_array(self.links[rows][:, columns])
        session.add_rows(
            np.full(rows.size, -np.inf), np.zeros(rows.size),
            begin=part.indptr[:-1].astype(np.int32), column=part.indices.astype(np.int32), value=part.data,
        )  # fmt: skip

    def _add_columns(self, session: Session, columns: Ints, new: Ints) -> Ints:
        """Return the columns in the session with those added."""
        if not new.size:
            return columns
        part = self._now().by_column[:, new]
        session.add_columns(
            self.base.cost[new] * self._scale, self.base.lower[new], self.base.upper[new],
            begin=part.indptr[:-1].astype(np.int32), row=part.indices.astype(np.int32), value=part.data,
        )  # fmt: skip
        return np.concatenate([columns, new])

    def _load(self, columns: Ints) -> Session:
        base = self.base
        part = replace(
            base, cost=base.cost[columns], lower=base.lower[columns], upper=base.upper[columns],
            integer=np.zeros(columns.size, dtype=np.bool_), a=sparse.csr_array(base.by_column[:, columns].tocsr()),
            columns=base.columns.take(columns),
        )  # fmt: skip
        task = to_task(part, part.cost * self._scale, base.offset * self._scale)
        return Session(replace(task, options={"solver": "simplex", "threads": 1}), Ears(
            should_stop=lambda: self.watch.is_settled() or self.watch.elapsed_seconds() > self.until_seconds,
            failed=self._failed,
        ))  # fmt: skip

    def _failed(self, error: BaseException) -> None:
        self.failure = error
        self.until_seconds = 0.0


def _first_columns(matrix: Matrix, limits: Location) -> Ints:
    """Return the columns to begin with: all where there are few, or where openers do not decide all."""
    gates = find_gates(matrix)
    everything = np.arange(matrix.cost.size)
    if matrix.cost.size < limits.sift_from_columns or not decide_all(matrix, gates):
        return everything
    chosen = (gates.of_column < 0) | (matrix.lower != 0.0)
    a = matrix.a[np.flatnonzero(gates.of_row < 0)]
    row = np.repeat(np.arange(a.shape[0]), np.diff(a.indptr))
    usd = (matrix.cost + _share_of_opening(matrix, gates))[a.indices] / np.abs(a.data)
    order = np.lexsort((usd, row))
    place = np.arange(order.size) - a.indptr[row[order]]
    chosen[a.indices[order[place < limits.cheapest]]] = True
    return np.flatnonzero(chosen)


def _share_of_opening(matrix: Matrix, gates: Gates) -> Floats:
    """Return what a unit of each column costs of what gates it, spread over a limit: the most where it has several."""
    share = np.zeros(matrix.cost.size)
    for rows, inside in gates.layers:
        most = -np.asarray(matrix.a[rows].minimum(0.0).sum(axis=1)).ravel()
        usd = matrix.cost[gates.openers[gates.of_row[rows]]] / most
        np.maximum.at(share, inside.col, inside.data * usd[inside.row])
    return share
