"""Takes out of a plan whatever it can do without at no higher cost.

Among plans of one cost a solver returns any: copies that nobody reads, safeguards that nothing needs, spare instances
of what is paid already, a region left open, a checkpoint that travels to and fro. What is counted in a plan, its
*items*, are the columns that must be whole (instances, gangs, presences, copies, safeguards, regions in use) and the
moves. A plan is *minimal* if no plan with fewer items obeys every row and costs no more in which none of these columns
is above its present value. Nothing here knows a family by what it means: rows say what an item is needed for, those of
a family added later included.

    staying  workloads that run today move only where no plan of the same cost has fewer that do (see `_staying`)
    moves    the columns of each job that moves are solved again, all else fixed: fewest moves at no higher cost
    single   a column goes down as far as its own rows let it, all other columns as they are
    jointly  min items  s.t. rows, cost <= that of the plan, whole columns and moves <= their present values

The last is cut down first: bounds that the rows imply (`propagation`) show most items to be needed, and rows that
cannot be broken by less tie nothing together, so that a few small programs are left. Each step is checked against the
whole matrix, and its plan is dropped if a row, a bound or an integrality fails or if it costs more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy import sparse

from formulations.families import LOCAL, VARIABLES, rows_that
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import CLEAN_TOLERANCE, run
from optimizer.solve.matrix import Bools, Floats, Ints, Labels, Matrix, submatrix
from optimizer.solve.presolve.propagation import loose_rows, settled_columns, tighten

log = logging.getLogger(__name__)

NO_DEARER = 1e-9
"""Relative difference in cost that is rounding."""
GRACE_SECONDS = 1.0
"""What the programs get where the time limit has passed: a plan found at the last moment is made minimal, too."""
MOST_SECONDS, LONGEST_SECONDS = 20.0, 5.0
"""What the programs get at most, together and each."""
EXACT = {
    "primal_feasibility_tolerance": 1e-9,
    "mip_feasibility_tolerance": 1e-9,
    "mip_abs_gap": 0.5,  # items are counted, so that a plan within a half of the bound has the fewest
}
MOVE = "move"
WHOLE_UP_TO_NONZEROS = 200_000
"""Size of models that are solved once more as a whole for the fewest moves."""
STEP = 1e-7
"""Relative decrease of a column below which it is left alone."""


def make_minimal(matrix: Matrix, x: Floats, watch: Watch) -> Floats:
    """Return the plan x without what it can do without; x itself where nothing can go.

    Takes what is left of the watch's time, `MOST_SECONDS` at most: what is not decided by then stays.
    """
    patient = Watch(min(MOST_SECONDS, max(GRACE_SECONDS, 0.0 if watch.is_cancelled() else watch.left_seconds())))
    stays = (_lowered, _staying) if (x[_first(matrix)] > 0.5).any() else ()
    for step in (*stays, _with_fewer_moves, _lowered, _with_fewest_items):
        x = _if_it_holds(matrix, x, step(matrix, x, patient))
    return x


def _if_it_holds(matrix: Matrix, before: Floats, after: Floats) -> Floats:
    """Return the plan after a step if it keeps every row and costs no more, else the plan before it."""
    if after is before:
        return before
    worst = matrix.worst_violation(after)
    dearer = matrix.objective(after) - matrix.objective(before)
    if worst > max(CLEAN_TOLERANCE, matrix.worst_violation(before)):
        log.warning("what the plan can do without stays in it: without it a row is violated by %.3g", worst)
        return before
    if dearer > NO_DEARER * max(abs(matrix.objective(before)), float(np.abs(matrix.cost) @ np.abs(before))):
        log.warning("what the plan can do without stays in it: without it the plan costs %.3g more", dearer)
        return before
    return after


def _items(matrix: Matrix) -> Bools:
    """Return the columns that are counted: those that must be whole, and items whose wholeness follows (moves)."""
    return matrix.integer | matrix.columns.is_of([name for name, family in VARIABLES.items() if family.is_item])


# ---- staying --------------------------------------------------------------------------------------------------------


def _staying(matrix: Matrix, x: Floats, watch: Watch) -> Floats:
    """Return a plan of no higher cost in which the fewest workloads move, as far as size and time allow.

    What is held is not the optimum's cost but the plan's: of plans that cost no more the one with the fewest moves. A
    price of next to nothing on a move would do it inside the model; it would also change what is minimised, be lost in
    the tolerances of a solver or, above them, buy a dearer plan. In turn: each workload that moved, all else fixed; all
    that moved, together; and, in models of up to `WHOLE_UP_TO_NONZEROS`, everything.
    """
    first = _first(matrix)
    for column in first[x[first] > 0.5].tolist():
        if watch.should_stop():
            return x
        if x[column] > 0.5:
            x = _with_fewest_first(matrix, x, _local_block(matrix, np.array([column])), watch)
    left = first[x[first] > 0.5]
    if left.size > 1 and not watch.should_stop():
        x = _with_fewest_first(matrix, x, _local_block(matrix, left), watch)
    if matrix.a.nnz <= WHOLE_UP_TO_NONZEROS and (x[first] > 0.5).any() and not watch.should_stop():
        x = _with_fewest_first(matrix, x, np.arange(matrix.cost.size), watch)
    return x


def _first(matrix: Matrix) -> Ints:
    """Return the columns of which there are to be as few as possible, before all other items."""
    return np.flatnonzero(matrix.columns.is_of([name for name, family in VARIABLES.items() if family.comes_first]))


def _with_fewest_first(matrix: Matrix, x: Floats, own: Ints, watch: Watch) -> Floats:
    """Solve some columns again, with what equalities tie to them, for the fewest of those that come first."""
    free = np.union1d(own, _carried_along(matrix, own)) if own.size < matrix.cost.size else own
    counted = np.isin(free, _first(matrix))
    part, _ = submatrix(matrix, free, x)
    return _put(x, free, _fewest(part, x[free], counted, watch))


# ---- moves ----------------------------------------------------------------------------------------------------------


def _with_fewer_moves(matrix: Matrix, x: Floats, watch: Watch) -> Floats:
    """Solve the columns of every job that moves again."""
    left = matrix.columns.of(MOVE)
    left = left[x[left] > 0.5]
    while left.size and not watch.should_stop():
        own = _local_block(matrix, left[:1])
        free = np.union1d(own, _carried_along(matrix, own))
        is_move = np.zeros(matrix.cost.size, dtype=bool)
        is_move[np.intersect1d(own, matrix.columns.of(MOVE))] = True
        part, _ = submatrix(matrix, free, x)
        settled = np.isin(free, _first(matrix))
        part = replace(
            part, integer=part.integer | is_move[free], upper=np.where(settled, np.round(x[free]), part.upper)
        )
        x = _put(x, free, _fewest(part, x[free], is_move[free], watch))
        left = np.setdiff1d(left, own)
    return x


def _local_block(matrix: Matrix, columns: Ints) -> Ints:
    """Return the columns that local rows tie to the ones given: those of their workload."""
    local = matrix.rows.is_of(rows_that(lambda family: family.kind == LOCAL))
    found, seen = columns, np.zeros(local.size, dtype=bool)
    while True:
        touched = np.unique(matrix.by_column[:, found].indices)
        rows = touched[local[touched] & ~seen[touched]]
        if not rows.size:
            return found
        seen[rows] = True
        found = np.union1d(found, matrix.a[rows].indices)


def _carried_along(matrix: Matrix, own: Ints) -> Ints:
    """Return the continuous columns that equalities tie to the ones given, such as what is read of a dataset."""
    rows = np.unique(matrix.by_column[:, own].indices)
    rows = rows[matrix.row_lower[rows] == matrix.row_upper[rows]]
    columns = np.unique(matrix.a[rows].indices)
    return columns[~matrix.integer[columns]]


# ---- one by one -----------------------------------------------------------------------------------------------------


def _lowered(matrix: Matrix, x: Floats, _watch: Watch) -> Floats:
    """Lower every column as far as its rows let it, dearest first, until none can go further.

    Those that need not be whole go along: what holds a safeguard may be a failure flow above what is asked.
    """
    lowered = x
    activity = matrix.a @ x
    room = 0.5 * CLEAN_TOLERANCE * matrix.row_scale  # for what falls by whole units; the rest may not live on it
    while True:
        columns = np.flatnonzero((lowered > matrix.lower + STEP) & (matrix.cost >= 0))
        columns = columns[_may_fall(matrix, columns, activity, room)]
        moved = False
        for column in columns[np.argsort(-matrix.cost[columns], kind="stable")].tolist():
            begin, end = matrix.by_column.indptr[column : column + 2]
            rows, weight = matrix.by_column.indices[begin:end], matrix.by_column.data[begin:end]
            spare = room[rows] if matrix.integer[column] else 0.0
            low, high = matrix.row_lower[rows] - spare, matrix.row_upper[rows] + spare
            fall = min(_fall(weight, activity[rows], low, high), float(lowered[column] - matrix.lower[column]))
            fall = float(np.floor(fall)) if matrix.integer[column] else fall
            if fall <= STEP * max(1.0, lowered[column]):
                continue
            lowered = lowered.copy() if lowered is x else lowered
            lowered[column] -= fall
            activity[rows] -= weight * fall
            moved = True
        if not moved:
            return lowered


def _fall(weight: Floats, activity: Floats, low: Floats, high: Floats) -> float:
    """Return by how much a column may go down, given its entries and what their rows add up to."""
    up, down = weight > 0, weight < 0
    falls = np.concatenate([(activity[up] - low[up]) / weight[up], (high[down] - activity[down]) / -weight[down]])
    return float(falls.min(initial=np.inf))


def _may_fall(matrix: Matrix, columns: Ints, activity: Floats, room: Floats) -> Bools:
    """Return which columns may go down at all: by a whole unit those that must be whole."""
    part = matrix.by_column[:, columns]
    place, rows = np.repeat(np.arange(columns.size), np.diff(part.indptr)), part.indices
    step = np.where(matrix.integer[columns], 1.0, STEP)[place]
    spare = np.where(matrix.integer[columns][place], room[rows], 0.0)
    after = activity[rows] - part.data * step
    breaks = (part.data > 0) & (after < matrix.row_lower[rows] - spare)
    breaks |= (part.data < 0) & (after > matrix.row_upper[rows] + spare)
    may: Bools = np.bincount(place, breaks, columns.size) == 0
    return may


# ---- jointly --------------------------------------------------------------------------------------------------------


def _with_fewest_items(matrix: Matrix, x: Floats, watch: Watch) -> Floats:
    """Take out what only goes together, or when what is continuous is shared out anew."""
    items = _items(matrix)
    upper = np.where(items, np.minimum(matrix.upper, np.round(x)), matrix.upper)
    if not (items & (x > matrix.lower + 0.5)).any():
        return x
    alive = np.flatnonzero(~settled_columns(matrix, matrix.lower, upper))
    part, _ = submatrix(matrix, alive, x)
    lower, upper = tighten(part, part.lower, upper[alive], x[alive])
    part = replace(part, lower=lower, upper=upper, integer=part.integer | items[alive])
    found = x
    for columns in _loose_ends(part, x[alive], items[alive]):
        if watch.should_stop():
            log.info("no time is left to see what else the plan can do without")
            break
        free = alive[columns]
        program, _ = submatrix(part, columns, x[alive])
        found = _put(found, free, _fewest(program, x[free], items[free], watch))
    return found


def _loose_ends(part: Matrix, x: Floats, items: Bools) -> Iterator[Ints]:
    """Yield sets of columns that rows tie together and that hold an item which may yet go, the small ones first."""
    open_ = part.upper - part.lower > NO_DEARER * np.maximum(1.0, np.abs(part.lower))
    tied = part.a[np.flatnonzero(~loose_rows(part, part.lower, part.upper))][:, np.flatnonzero(open_)]
    columns = np.flatnonzero(open_)
    may_go = items[columns] & (x[columns] > part.lower[columns] + 0.5)
    if not may_go.any():
        return
    from scipy.sparse.csgraph import connected_components  # it loads scipy.linalg, which nothing else needs

    graph = sparse.block_array([[None, tied], [tied.T, None]], format="csr")
    _, label = connected_components(graph, directed=False)
    label = label[tied.shape[0] :]
    wanted = np.unique(label[may_go])
    size = np.bincount(label)
    order = np.argsort(label, kind="stable")
    begin = np.searchsorted(label[order], wanted)
    for place in np.argsort(size[wanted], kind="stable").tolist():
        yield columns[np.sort(order[begin[place] : begin[place] + size[wanted[place]]])]


# ---- a program ------------------------------------------------------------------------------------------------------


def _fewest(part: Matrix, x: Floats, counted: Bools, watch: Watch) -> Floats:
    """Return values of a part with the fewest of what is counted, at no higher cost than x; x where it has them.

    What is whole is then held, and the rest minimises cost.
    """
    count = replace(_capped(part, float(part.cost @ x)), cost=counted.astype(np.float64), offset=0.0)
    fewest = run(count, watch, gap=0.0, start=x, options=EXACT, time_limit_seconds=LONGEST_SECONDS)
    if fewest.x is None or float(np.round(fewest.x[counted]).sum()) > float(np.round(x[counted]).sum()) - 0.5:
        return x
    whole = np.round(fewest.x[part.integer])
    fixed = replace(part, lower=part.lower.copy(), upper=part.upper.copy(), integer=np.zeros(x.size, dtype=bool))
    fixed.lower[part.integer] = fixed.upper[part.integer] = whole
    cheapest = run(fixed, watch, options=EXACT)
    if cheapest.x is None:
        return x
    found = np.clip(cheapest.x, fixed.lower, fixed.upper)
    dearer = float(part.cost @ found) - float(part.cost @ x)
    return x if dearer > NO_DEARER * float(np.abs(part.cost) @ np.abs(x)) else found


def _capped(part: Matrix, cost: float) -> Matrix:
    """Return the program with one more row: its cost is at most the one given."""
    if not part.cost.any():
        return part
    scale = 1.0 / float(np.abs(part.cost).max())
    row = sparse.csr_array((part.cost * scale)[None, :])
    rows, names = part.rows, (*part.rows.names, "no_dearer")
    return replace(
        part,
        a=sparse.csr_array(sparse.vstack([part.a, row], format="csr")),
        row_lower=np.append(part.row_lower, -np.inf),
        row_upper=np.append(part.row_upper, cost * scale),
        rows=Labels(names, np.append(rows.component, len(names) - 1), np.append(rows.key, 0)),
    )


def _put(x: Floats, columns: Ints, values: Floats) -> Floats:
    """Return x with other values in some columns; x itself where they are the same."""
    if np.array_equal(x[columns], values):
        return x
    changed = x.copy()
    changed[columns] = values
    return changed
