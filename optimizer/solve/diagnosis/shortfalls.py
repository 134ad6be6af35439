"""Why no plan exists: which limits would have to change, by how much, each alone or several together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from formulations.families import CONSTRAINTS, LIMIT, POOL, SHARE, ids_of, is_over, rows_that
from formulations.tables import Tables
from formulations.units import normalise
from optimizer.solve.backend import state_model, stated_by
from optimizer.solve.blocks import SHARED, find_blocks
from optimizer.solve.deadline import Aside, Watch
from optimizer.solve.diagnosis.elastic import elastic
from optimizer.solve.diagnosis.least_use import MOST_NODES, Change, ask, is_apart, least_change
from optimizer.solve.diagnosis.limit_rows import Limit, limits_of, sizes, stated_sides, without_pool_bounds
from optimizer.solve.diagnosis.share_limits import share_of
from optimizer.solve.highs.call import Run, run
from optimizer.solve.matrix import Matrix
from optimizer.solve.parameters import DEFAULTS, Parameters
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows
from optimizer.solve.solution import Termination

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NOTICED, ROUNDING = 1e-6, 1e-5
"""Parts of a row's scale from which its change is told, and up to which a row that may not change may be off."""
MOST_RELAXED, MOST_ASKED = 12, 5
"""Limits of which the relaxation is asked whether they alone can make room, and those of which the model is."""
RELAXED_SHARE, FIRST_SHARE = 0.2, 0.6
"""Parts of the time for single limits: of all their relaxations, and of each model but the last in what is left."""
BUDGETS_SHARE, TOGETHER_SHARE = 0.6, 0.6
"""Parts of the time left for budgets and shares where the relaxation points to nothing, and for several together."""
GAP = 1e-3

Basis = Literal["alone", "together"]


@dataclass(frozen=True)
class Shortfall:
    """A limit or need that would have to change for a plan to exist.

    `family` is the constraint family, `id` the pool, budget, share or duty where the row has one, `workload` whose
    need it is where it is one workload's; `period` None: one limit in all periods. `side` is the limit or need as
    stated, `by` the least change found (None: none was found), `at_least` what is proven to be needed, all in the
    row's own unit (devices, kg, units/s …; of a share: in parts of 1; work: see formulations). `basis`: the change
    makes room alone, all else kept, or together with the others told. `is_proven`: less would not do; of several
    together, that their changes relative to what they allow add up to the least.
    """

    family: str
    id: str | None
    workload: str | None
    period: int | None
    side: float
    by: float | None
    at_least: float | None = None
    basis: Basis = "together"
    is_proven: bool = False

    @property
    def falls(self) -> bool:
        """Whether the limit or need would have to fall instead of rise."""
        return not CONSTRAINTS[self.family].rises

    def __str__(self) -> str:
        whose = " ".join(part for part in (self.id, self.workload and f"of {self.workload}") if part)
        when = "" if self.period is None else f" in period {self.period}"
        amount = f"at least {self.at_least:g}" if self.by is None else f"{self.by:g}"
        turn = "fall" if self.falls else "rise"
        return f"{self.family} {whose}{when}: {self.side:g} would have to {turn} by {amount}"


def diagnose(
    problem: Problem, *, time_limit_seconds: float = 30.0, cancel: threading.Event | None = None,
    among: Callable[[Limit], bool] = lambda _: True, parameters: Parameters = DEFAULTS,
) -> list[Shortfall]:  # fmt: skip
    """Return the limits of which each alone would make room if it changed by what is told, the smallest change
    relative to the limit first; where no single one is found, those limits and needs that would have to change
    together.

    Of single limits only those `among` which one is looked for are asked. All runs take one thread, so that their
    number changes nothing. Empty when the problem has a plan, when what blocks it cannot be relaxed here (a rule of a
    job's run, a requirement), or when the limit or `cancel` comes before anything was found. Needs (demand, work,
    duties …) are only named where no pool, budget or share can change instead. Of large problems, needs are not named
    at all, and what is told breaks little, not proven to break least: ask only where there is no plan.
    """
    watch = Watch(time_limit_seconds, cancel, parameters=parameters)
    normalised = normalise(without_pool_bounds(problem))
    free = normalised.problem
    matrix = None if watch.should_stop() else state_model(free, stated_by(free, watch.parameters.model), watch)
    if matrix is None or watch.should_stop():
        return []
    if problem.slots.workload.size >= watch.parameters.diagnosis.configurations_from_slots:
        found = _by_configurations(with_cover_rows(matrix, free), free, watch)
    else:
        found = _Search(matrix, free, watch, among).run()
    return [_in_stated_units(short, problem, normalised.unit["unserved"]) for short in found]


def _in_stated_units(short: Shortfall, problem: Problem, unit: Floats) -> Shortfall:
    """Return a row in the units of the problem as stated; `unit` by stream and period. Demand alone has other ones."""
    if short.family != "demand" or short.workload is None or short.by is None:
        return short
    stream = int(np.argmax(problem.services.workload == problem.workload_ids.index(short.workload)))
    size = float(unit[stream * problem.period_hours.size])
    least = None if short.at_least is None else short.at_least * size
    return replace(short, side=short.side * size, by=short.by * size, at_least=least)


class _Search:
    """Asks for single limits first, guided by the relaxation, and for several together where none is found."""

    def __init__(self, matrix: Matrix, problem: Problem, watch: Watch, among: Callable[[Limit], bool]) -> None:
        self.matrix, self.problem, self.watch, self.among = matrix, problem, watch, among
        self.size = sizes(matrix)
        self.elastic, self.row_of_column = elastic(matrix)
        self.has_plan = False

    def run(self) -> list[Shortfall]:
        """Return what is to be told."""
        relaxed = run(self.elastic, self.watch, relaxed=True, threads=1)
        if relaxed.termination is not Termination.GAP_REACHED or relaxed.row_dual is None:
            return []
        limits = [limit for limit in limits_of(self.matrix, self.problem) if self.among(limit)]
        if relaxed.objective_usd is not None and relaxed.objective_usd > NOTICED:
            # The duals prove that there is no plan, without the limits whose dual is 0: these cannot help.
            weight = np.abs(relaxed.row_dual[: self.size.size]) * self.size
            limits = [limit for limit in limits if weight[limit.rows].max() > NOTICED]
            limits.sort(key=lambda limit: -float(weight[limit.rows].sum()))
            alone = self._alone(limits, seconds=self.watch.left_seconds())
            return alone if self._is_answer(alone) else self._together() or alone
        return self._of_whole_machines(limits)

    def _of_whole_machines(self, limits: list[Limit]) -> list[Shortfall]:
        """Return what is to be told where the relaxation has a solution: only whole machines do not fit.

        It does not say then which of hundreds of pools matter; those do that the elastic relaxation breaks.
        """
        few = [limit for limit in limits if not is_over(limit.family, POOL)]
        alone = self._alone(few, seconds=BUDGETS_SHARE * self.watch.left_seconds())
        if self._is_answer(alone):
            return alone
        together = self._together()
        told = {(short.family, short.id) for short in together if is_over(short.family, POOL)}
        pools = [limit for limit in limits if (limit.family, limit.id) in told]
        of_pools = self._alone(pools, seconds=self.watch.left_seconds())
        return of_pools if self._is_answer(of_pools) else together or alone

    def _is_answer(self, alone: list[Shortfall]) -> bool:
        """Whether some limit makes room alone, or there is a plan with all of them as they are."""
        return self.has_plan or any(short.by is not None for short in alone)

    def _alone(self, limits: list[Limit], *, seconds: float) -> list[Shortfall]:
        """Return the limits that make room alone, the smallest relative change first; where none is known to, those
        that may, with what is proven of them.
        """
        whole = Aside(self.watch, seconds)
        aside, candidates = Aside(whole, RELAXED_SHARE * seconds), []
        for limit in limits[:MOST_RELAXED]:
            question = ask(self.matrix, limit)
            known = question.relaxed(aside)
            if known.is_enough is None:
                size = self.size[limit.rows[0]]
                change = (known.at_least or 0.0) / size
                candidates.append((change, -known.use / size, question, known))
        candidates.sort(key=lambda one: one[:2])
        asked, told = candidates[:MOST_ASKED], []
        for place, (_, _, question, known) in enumerate(asked):
            if whole.should_stop() or self.has_plan:
                break
            is_last = place == len(asked) - 1
            part = Aside(whole, whole.left_seconds() * (1.0 if is_last else FIRST_SHARE))
            change = least_change(question, self.problem, part, known.at_least or 0.0)
            self.has_plan |= change.by is not None and change.by <= NOTICED * max(1.0, abs(question.allowed))
            if change.is_enough is not False and (change.by is not None or (change.at_least or 0.0) > 0):
                told.append(self._told_alone(question.limit, change))
        found = [short for short in told if short.by is not None]
        return [] if self.has_plan else sorted(found or told, key=_relative)

    def _told_alone(self, limit: Limit, change: Change) -> Shortfall:
        side, period = float(stated_sides(self.matrix)[limit.rows[0]]), None
        most, least = change.by, change.at_least
        if is_over(limit.family, SHARE):
            side = share_of(self.problem, limit.family, limit.key).stated
        elif is_over(limit.family, POOL):
            pools, keys = self.problem.pools, self.matrix.rows.key[limit.rows]
            period = int(pools.period[keys[0]]) if keys.size == 1 else None
            side = float(pools.limit[keys].min())
            lost = pools.limit[keys] - stated_sides(self.matrix)[limit.rows]  # rows round to whole nodes
            most = None if most is None else max(0.0, most - float(lost.min()))
            least = None if least is None else max(0.0, least - float(lost.max()))
        return Shortfall(limit.family, limit.id, None, period, side, most, least, "alone", change.is_proven)

    def _together(self) -> list[Shortfall]:
        """Return the limits and needs that change in the plan that breaks them least."""
        part = Aside(self.watch, TOGETHER_SHARE * self.watch.left_seconds())
        found = run(
            self.elastic, part, gap=GAP, threads=1, options={"mip_max_nodes": MOST_NODES}, apart=is_apart(self.elastic)
        )
        if found.x is None:
            return []
        x, change = np.split(found.x, [self.matrix.cost.size])
        return _told(self.matrix, self.problem, self.row_of_column, change, x, is_proven=_is_proven(found))


def _relative(short: Shortfall) -> float:
    """Return by what part of the limit it has to change."""
    change = short.at_least if short.by is None else short.by
    return (change or 0.0) / max(abs(short.side), 1e-9)


def _is_proven(found: Run) -> bool:
    objective, bound = found.objective_usd, found.bound_usd
    return objective is not None and bound is not None and objective - bound <= GAP * abs(objective) + ROUNDING**2


def _by_configurations(matrix: Matrix, problem: Problem, watch: Watch) -> list[Shortfall]:
    """Return the limits that change where HiGHS would find nothing in time on the whole model; nothing is proven.

    Needs stay as they are here: every workload is placed.
    """
    from optimizer.solve.decomposition.infeasibility_proof import least_broken

    if watch.should_stop():
        return []
    x = least_broken(matrix, problem, 1.0 / sizes(matrix), watch, threads=1)
    if x is None:
        return []
    broken = matrix.violation(x)
    may = matrix.rows.is_of((*rows_that(lambda family: family.gives == LIMIT), "failover_rate"))
    if (broken > ROUNDING * matrix.row_scale)[~may].any():
        return []
    rows = np.flatnonzero(may & (broken > 0))
    return _told(matrix, problem, rows, broken[rows], x, is_proven=False)


def _told(
    matrix: Matrix, problem: Problem, rows: Ints, change: Floats, x: Floats, *, is_proven: bool
) -> list[Shortfall]:
    """Return the rows that change by more than rounding, those by most of their scale first; `x` is the plan."""
    owner = workload_of_rows(matrix, problem, rows)
    found = np.flatnonzero(change > NOTICED * matrix.row_scale[rows])
    order = found[np.argsort(-change[found] / matrix.row_scale[rows[found]], kind="stable")]
    told = []
    for place in order.tolist():
        short = _broken_row(matrix, problem, int(rows[place]), float(change[place]), x, owner=int(owner[place]))
        if short.by is not None and short.by > NOTICED * max(1.0, abs(short.side)):
            told.append(replace(short, is_proven=is_proven))
    if len(told) == 1 and told[0].by is not None:
        at_least = told[0].by * (1.0 - GAP) if is_proven else None
        return [replace(told[0], basis="alone", at_least=at_least)]
    return told


def _broken_row(matrix: Matrix, problem: Problem, row: int, change: float, x: Floats, *, owner: int) -> Shortfall:
    """Return a row with the change it needs in a plan."""
    family, key = matrix.row_name(row)
    ids = ids_of(problem, family)
    name = None if ids is None else ids[key]
    side, by, period = float(stated_sides(matrix)[row]), change, None
    if is_over(family, SHARE):
        share = share_of(problem, family, key)
        side, by = share.stated, abs(share.reached(x) - share.stated)
    elif is_over(family, POOL):
        period, stated = int(problem.pools.period[key]), float(problem.pools.limit[key])
        side, by = stated, max(0.0, side + by - stated)  # the row rounds to whole nodes
    elif family == "demand":
        stream, period = divmod(key, problem.period_hours.size)
        stated = float(problem.services.demand_per_s[stream, period])
        side, by = stated, by / side * stated
    workload = problem.workload_ids[owner] if owner >= 0 and name is None else None
    return Shortfall(family, name, workload, period, side, by)


def workload_of_rows(matrix: Matrix, problem: Problem, rows: Ints) -> Ints:
    """Return the one workload each row is about, SHARED when there are several or none that is known."""
    touch = find_blocks(matrix, problem).touch
    owner = []
    for row in rows.tolist():
        touched = touch.indices[touch.indptr[row] : touch.indptr[row + 1]] - 1
        is_own = touched.size == 1 and touched[0] != SHARED
        owner.append(int(touched[0]) if is_own else SHARED if touched.size > 1 else _of_empty(matrix, problem, row))
    return np.array(owner, dtype=np.int64)


def _of_empty(matrix: Matrix, problem: Problem, row: int) -> int:
    """Return the workload of a row that holds nothing any workload decides: a need that nothing can meet."""
    family, key = matrix.row_name(row)
    over = CONSTRAINTS[family].over
    workload_of = Tables(problem).leads_to(over, "workload") if over else None
    if workload_of is not None:
        return int(workload_of[key])
    surviving = np.unique(problem.survival.workload)
    return int(surviving[0]) if family.startswith("failover") and surviving.size == 1 else SHARED
