"""Why no plan exists: relax limits and demands at a penalty and name the ones that have to give, and by how much."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations import Problem, build_arrays, build_model
from formulations.bulk import paused_gc
from optimizer.solve.blocks import POOLS, SHARED, find_blocks
from optimizer.solve.covers import with_cover_rows
from optimizer.solve.hand_over import TriviallyInfeasible, from_arrays, to_matrix
from optimizer.solve.highs import run
from optimizer.solve.matrix import Labels, Matrix
from optimizer.solve.watch import Watch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LIMITS = (*POOLS, "budget", "share_upper", "share_lower")
NEEDS = (
    "demand",
    "work",
    "at_release",
    "most_regions",
    "least_regions",
    "duty",
    "least_countries",
    "failover_demand",
    "failover_rate",
    "failover_copy",
)
NEED_WEIGHT = 1e4
"""A need is given up only where no limit alone can make room: its share weighs this many times that of a limit."""
NOTICED, ROUNDING = 1e-6, 1e-5
"""Parts of a row's scale from which its give is told, and up to which a row that may not give may be off."""
BY_CONFIGURATIONS_FROM_SLOTS = 20_000
"""Slots from which whole configurations of workloads are chosen instead: HiGHS finds nothing on the whole model."""


@dataclass(frozen=True)
class Shortfall:
    """A row that has to give for a plan to exist.

    `family` is the constraint family, `id` the pool, budget, share or duty where the row has one, `workload` whose
    need it is where it is one workload's. `side` is the limit or need as stated and `by` the least by which it has to
    give, both in the row's own unit (devices, kg, units/s …; work and shares: see formulations).
    """

    family: str
    id: str | None
    workload: str | None
    period: int | None
    side: float
    by: float

    def __str__(self) -> str:
        whose = " ".join(part for part in (self.id, self.workload and f"of {self.workload}") if part)
        when = "" if self.period is None else f" in period {self.period}"
        return f"{self.family} {whose}{when}: {self.side:g} has to give by {self.by:g}"


def diagnose(
    problem: Problem, *, time_limit_seconds: float = 30.0, threads: int = 1, cancel: threading.Event | None = None
) -> list[Shortfall]:
    """Return the limits and needs that give way in the plan that breaks them least, relative to their size.

    Empty when the problem has a plan, when what blocks it cannot be relaxed here (a rule of a job's run, a
    requirement), or when the limit or `cancel` comes before anything was found. Needs (demand, work, duties …) are only
    named where no pool, budget or share can give instead. Of large problems, needs are not named at all, and the plan
    is one that breaks little, not proven to break least: ask only where there is no plan.
    """
    watch = Watch(time_limit_seconds, cancel)
    if problem.slots.workload.size >= BY_CONFIGURATIONS_FROM_SLOTS:
        return _by_configurations(problem, watch, threads)
    with paused_gc():
        model = build_model(problem)
    try:
        matrix = to_matrix(model)
    except TriviallyInfeasible:
        return []
    if watch.should_stop():
        return []
    elastic, rows = _elastic(matrix)
    result = run(elastic, watch, gap=1e-3, threads=threads)
    if result.x is None:
        return []
    return _told(matrix, problem, rows, result.x[matrix.cost.size :])


def _by_configurations(problem: Problem, watch: Watch, threads: int) -> list[Shortfall]:
    """Return the limits that give way where HiGHS would find nothing in time on the whole model.

    Needs do not give way here: every workload is placed.
    """
    from optimizer.solve.decomposition.infeasibility import least_broken

    try:
        matrix = with_cover_rows(from_arrays(build_arrays(problem)), problem)
    except TriviallyInfeasible:
        return []
    if watch.should_stop():
        return []
    x = least_broken(matrix, problem, 1.0 / _size(matrix), watch, threads=threads)
    if x is None:
        return []
    broken = matrix.violation(x)
    may = matrix.rows.is_of((*LIMITS, "failover_rate"))
    if (broken > ROUNDING * matrix.row_scale)[~may].any():
        return []
    rows = np.flatnonzero(may & (broken > 0))
    return _told(matrix, problem, rows, broken[rows])


def _told(matrix: Matrix, problem: Problem, rows: Ints, give: Floats) -> list[Shortfall]:
    """Return the rows that give way by more than rounding, those by most of their scale first."""
    owner, side = _workload_of_rows(matrix, problem, rows), _sides(matrix)[rows]
    found = np.flatnonzero(give > NOTICED * matrix.row_scale[rows])
    order = found[np.argsort(-give[found] / matrix.row_scale[rows[found]], kind="stable")]
    told = (
        _shortfall(matrix, problem, int(rows[x]), side=float(side[x]), by=float(give[x]), owner=int(owner[x]))
        for x in order
    )
    return [one for one in told if one.by > NOTICED * max(1.0, abs(one.side))]


def _elastic(matrix: Matrix) -> tuple[Matrix, Ints]:
    """Return the model with one column of give per side of the rows that may, its cost alone, and the row of each
    column.
    """
    may = matrix.rows.is_of(LIMITS + NEEDS)
    over = np.flatnonzero(may & np.isfinite(matrix.row_upper))
    under = np.flatnonzero(may & np.isfinite(matrix.row_lower))
    row = np.concatenate([over, under])
    extra = row.size
    value = np.concatenate([np.full(over.size, -1.0), np.full(under.size, 1.0)])
    added = sparse.csr_array((value, (row, np.arange(extra))), shape=(matrix.row_lower.size, extra))
    weight = np.where(matrix.rows.is_of(NEEDS)[row], NEED_WEIGHT, 1.0) / _size(matrix)[row]
    columns, n = matrix.columns, matrix.cost.size
    upper = matrix.upper.copy()
    upper[columns.of("impossible")] = 0.0
    upper[columns.of("instances")] = np.inf  # their bounds repeat what pools and demand say
    row_lower = np.where(matrix.rows.is_of(("cover",)), -np.inf, matrix.row_lower)  # repeats demand and throughput
    grown = replace(
        matrix,
        cost=np.concatenate([np.zeros(n), weight]),
        offset=0.0,
        lower=np.concatenate([matrix.lower, np.zeros(extra)]),
        upper=np.concatenate([upper, np.full(extra, np.inf)]),
        integer=np.concatenate([matrix.integer, np.zeros(extra, dtype=bool)]),
        a=sparse.csr_array(sparse.hstack([matrix.a, added], format="csr")),
        row_lower=row_lower,
        columns=Labels(
            (*columns.names, "give"),
            np.concatenate([columns.component, np.full(extra, len(columns.names))]),
            np.concatenate([columns.key, np.arange(extra)]),
        ),
    )
    return grown, row


def _size(matrix: Matrix) -> Floats:
    """Return what a row's give is relative to: its side, or where that is 0 the most one of its columns can add."""
    side = _sides(matrix)
    reach = np.where(np.isfinite(matrix.upper), matrix.upper, 1.0)[matrix.a.indices] * np.abs(matrix.a.data)
    most = np.zeros(side.size)
    filled = np.flatnonzero(np.diff(matrix.a.indptr))
    if filled.size:
        most[filled] = np.maximum.reduceat(reach, matrix.a.indptr[filled])
    size = np.where(np.abs(side) > 0, np.abs(side), most)
    return np.where(size > 0, size, 1.0)


def _sides(matrix: Matrix) -> Floats:
    """Return the limit or need of each row as stated: a pool's Q, also where the row says Q s."""
    side = np.where(np.isfinite(matrix.row_upper), matrix.row_upper, matrix.row_lower)
    opened = np.asarray(matrix.by_column[:, matrix.columns.of("region_used")].sum(axis=1)).ravel()
    return np.where(matrix.rows.is_of(POOLS), side - opened, side)


def _workload_of_rows(matrix: Matrix, problem: Problem, rows: Ints) -> Ints:
    """Return the one workload each row is about, SHARED when there are several or none."""
    touch = find_blocks(matrix, problem).touch
    single = np.diff(touch.indptr)[rows] == 1
    first = np.array([touch.indices[touch.indptr[row]] if touch.indptr[row + 1] > touch.indptr[row] else 0 for row in
    rows])
    return np.where(single, first - 1, SHARED).astype(np.int64)


def _shortfall(matrix: Matrix, problem: Problem, row: int, *, side: float, by: float, owner: int) -> Shortfall:
    family, key = matrix.row_name(row)
    ids: dict[str, tuple[str, ...]] = {
        "devices": problem.pools.ids,
        "power_kw": problem.pools.ids,
        "work_rate": problem.pools.ids,
        "budget": problem.budgets.ids,
        "share_upper": problem.shares.ids,
        "share_lower": problem.shares.ids,
        "duty": problem.datasets.duty_ids,
        "least_countries": problem.datasets.ids,
    }
    period = None
    if family in POOLS:
        period = int(problem.pools.period[key])
        stated = float(problem.pools.limit[key])  # rows of whole nodes round it down
        side, by = stated, side + by - stated
    elif family == "demand":
        period = key % problem.period_hours.size
    return Shortfall(
        family=family,
        id=ids[family][key] if family in ids else None,
        workload=problem.workload_ids[owner] if owner >= 0 and family not in ids else None,
        period=period,
        side=side,
        by=by,
    )
