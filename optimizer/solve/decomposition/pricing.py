"""Pricing: for every workload the cheapest configuration at given prices, with a lower bound on any of them.

Closed forms over all options (`service_bounds`, `job_bounds`) come first: they settle many workloads and tell which
options may matter for the others. Those are small integer programs over exactly these options, cut from the same
matrix as the compact model; an option left out is in no configuration cheaper than one that is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations import Problem
from formulations.families import rows_that
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.branching import Limits
from optimizer.solve.decomposition.cut import Cut
from optimizer.solve.decomposition.job_bounds import JobBounds
from optimizer.solve.decomposition.pool import Pool, cheapest
from optimizer.solve.decomposition.proven import Programs
from optimizer.solve.decomposition.service_bounds import Estimate, ServiceBounds, dominated
from optimizer.solve.decomposition.service_covers import ServiceCovers
from optimizer.solve.decomposition.small import Effort, SmallProgram
from optimizer.solve.decomposition.workers import Workers, in_threads
from optimizer.solve.presolve.requirement_copies import NEED, NEEDED
from optimizer.solve.warm_start import current_handing

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SWITCHED = frozenset(rows_that(lambda family: bool(family.switched_by)))
PLAIN = frozenset({"demand", "throughput", "cover", NEED}) | SWITCHED
PRESENT = PLAIN | {"present_flow", "present_instances", "most_regions"}
JOB = frozenset({"work", "hours_held", "gangs_at_once", NEED}) | SWITCHED
SERVICE_COLUMNS = frozenset({"instances", "flow", "unserved", "present", NEEDED})
JOB_COLUMNS = frozenset({"gangs", "work_hours", NEEDED})
"""What closed forms price. A block with a column of another family may be paid for it by the master's rows."""
OTHER_SHAPE, PLAIN_SERVICE, SERVICE, SHORT_JOB = range(4)
ROUNDING = 1e-9


@dataclass(frozen=True)
class Priced:
    """By workload: a lower bound on every configuration's cost at the prices, and the least cost known (USD).

    Both are multiplied with the number of workloads it stands for.
    """

    lower_usd: Floats
    upper_usd: Floats

    @property
    def open_usd(self) -> Floats:
        """By workload, by how much the bound may still rise."""
        return np.maximum(self.upper_usd - self.lower_usd, 0.0)


class Pricing:
    """Prices the workloads of a cut model; keeps what it finds in the pool.

    The small integer programs are cut in this thread and solved by the workers; without any given, by threads.
    """

    def __init__(
        self, problem: Problem, cut: Cut, pool: Pool, watch: Watch, *, threads: int, workers: Workers | None = None
    ) -> None:
        self.problem, self.cut, self.pool, self.watch = problem, cut, pool, watch
        self.workers = workers or in_threads(threads)
        self.shape = _shapes(problem, cut)
        self.services = ServiceBounds(problem, cut.matrix)
        self.covers = ServiceCovers(self.services)
        self.jobs = JobBounds(problem, cut.matrix) if (self.shape == SHORT_JOB).any() else None
        self.slot_of_column, self.flow_of_column = _places(problem, cut)
        self.needs_of_column = cut.needs.labels()
        self.is_head = cut.classes.count > 0
        self._last: tuple[Floats, Floats, Estimate] | None = None
        handing = current_handing()
        self._proven = None if handing is None else handing.proven
        self._programs = Programs(cut)

    def at(self, cut: Cut, pool: Pool, watch: Watch) -> Pricing:
        """Return the same pricing for the same model with other costs; all that knows rows and options is shared."""
        other = copy(self)
        other.cut, other.pool, other.watch, other._last, other._programs = cut, pool, watch, None, Programs(cut)
        return other

    def price(
        self, price: Floats, effort: Effort, *, settled: float, among: Bools, limits: Limits | None = None
    ) -> Priced | None:
        """Price all workloads, looking closely into those `among`, and put what is found into the pool.

        A workload whose lower bound is within the share `settled` of the least cost known is not looked into, one of
        which nothing is known always. With `limits`, of configurations that keep them; one that has none costs inf.
        Returns None when the solve must stop.
        """
        reduced, estimates = self._at(price, keep=limits is not None)
        lower = estimates.lower_usd.copy()
        upper, known = self._known(price, lower.size, limits)
        with np.errstate(invalid="ignore"):
            open_ = ~np.isfinite(lower) | (upper - lower > settled * np.maximum(np.abs(upper), np.abs(lower)))
        asked = np.flatnonzero(self.is_head & ((open_ & among) | ~np.isfinite(upper)))
        keys = self._keys(asked, reduced, limits)
        asked = self._not_proven(asked, keys, lower, upper, effort)
        columns: list[Ints] = []

        def programs() -> Iterator[tuple[SmallProgram, float]]:
            for workload in asked.tolist():
                best = (float(upper[workload]), int(known[workload]))
                used, program, scale = self._cut_out(workload, reduced, estimates, best, limits)
                columns.append(used)
                yield program, scale

        answers = self.workers.solve(programs(), asked.size, effort, self.watch)
        if answers is None:
            return None
        for workload, used, answer in zip(asked.tolist(), columns, answers, strict=True):
            if answer.x is not None or answer.bound_usd < np.inf or known[workload] < 0:
                lower[workload] = max(lower[workload], min(answer.bound_usd, upper[workload]))
            # else HiGHS calls a program infeasible that holds a configuration known: no bound
            if answer.x is not None:
                self.keep(workload, used, _clean(answer.x, self.cut.matrix.integer[used]))
                upper[workload] = min(upper[workload], answer.cost_usd)
            if self._proven is not None and workload in keys:
                self._proven.note(keys[workload], float(lower[workload]), effort.gap)
        count = self.cut.classes.count.astype(np.float64)
        lower[~self.is_head] = upper[~self.is_head] = 0.0
        return Priced(count * np.minimum(lower, upper), count * upper)

    def _keys(self, workloads: Ints, reduced: Floats, limits: Limits | None) -> dict[int, bytes]:
        """Return the checksums of the programs of some workloads; none where nothing is remembered, or limits hold."""
        if self._proven is None or limits is not None:
            return {}
        return {workload: self._programs.key(workload, reduced) for workload in workloads.tolist()}

    def _not_proven(
        self, asked: Ints, keys: dict[int, bytes], lower: Floats, upper: Floats, effort: Effort
    ) -> Ints:
        """Raise the lower bounds of programs that were solved as closely before; return the other workloads."""
        if self._proven is None or not keys:
            return asked
        bounds = np.array([self._proven.of(keys[workload], effort.gap) for workload in asked.tolist()])
        is_proven = np.isfinite(bounds) & np.isfinite(upper[asked])
        known = asked[is_proven]
        lower[known] = np.maximum(lower[known], np.minimum(bounds[is_proven], upper[known]))
        return asked[~is_proven]

    def _at(self, price: Floats, *, keep: bool) -> tuple[Floats, Estimate]:
        """Return the reduced costs and closed forms at prices; `keep` them for the next time, which costs memory."""
        if self._last is not None and self._last[0] is price:
            return self._last[1:]
        reduced = self.cut.reduced_cost(price)
        estimates = self._estimates(reduced, price)
        self._last = (price, reduced, estimates) if keep else None
        return reduced, estimates

    def price_roughly(self, price: Floats) -> None:
        """Put into the pool what closed forms alone find better than what is in it, at prices of the master's rows."""
        self._estimates(self.cut.reduced_cost(price), price)

    def keep(self, workload: int, columns: Ints, values: Floats) -> int:
        """Put a configuration into the pool, with what it needs and nothing else; return its number."""
        return self.pool.add(workload, *self.cut.needs.complete(columns, values))

    def keep_all(self, workloads: Ints, values: sparse.csr_array) -> Ints:
        """Put a configuration of each of some workloads into the pool, given as rows, with what it needs; return their
        numbers.
        """
        return self.pool.add_all(workloads, self.cut.needs.completed(values))

    def _known(self, price: Floats, workloads: int, limits: Limits | None = None) -> tuple[Floats, Ints]:
        """Return by workload the least cost among its configurations that keep the limits (inf: none) and which has it
        (-1).
        """
        cost = self.pool.reduced_cost(price)
        if limits is not None:
            number = np.flatnonzero(limits.allowed(self.pool))
            best = cheapest(self.pool.workload[number], cost[number], workloads)
            best = np.where(best >= 0, np.append(number, -1)[best], -1)
            return np.where(best >= 0, np.append(cost, np.inf)[best], np.inf), best
        best = cheapest(self.pool.workload, cost, workloads)
        return np.where(best >= 0, np.append(cost, np.inf)[best], np.inf), best

    def _estimates(self, reduced: Floats, price: Floats) -> Estimate:
        """Return the closed forms by workload and slot, at costs over which the charges of needs are spread.

        Without a closed form the lower bound is -inf. A simple solution that is better than what the pool has goes into
        the pool.
        """
        reduced = self.cut.needs.spread(reduced)
        found = self.services.estimate(reduced)
        covers = self.covers.find(found.instance_usd, found.flow_usd, reduced)
        plain, present, short = (self.is_head & (self.shape == shape) for shape in (PLAIN_SERVICE, SERVICE, SHORT_JOB))
        lower = np.where(plain | present, found.lower_usd, -np.inf)
        simple = np.where(plain, covers.cost_usd, np.where(present, covers.one_region_usd, np.inf))
        known, _ = self._known(price, lower.size)
        better = np.flatnonzero(plain & (simple < known))
        self.keep_all(better, self.covers.configurations(better, covers))
        better = np.flatnonzero(present & (simple < known))
        self.keep_all(better, self.covers.in_one_region(better, covers))
        if self.jobs is None:
            return replace(found, lower_usd=lower)
        jobs, least, best = self.jobs.estimate(reduced)
        better = np.flatnonzero(short & (least < known))
        self.keep_all(better, self.jobs.configurations(best[better]))
        return replace(
            found,
            lower_usd=np.where(short, jobs.lower_usd, lower),
            find_regret=lambda: np.where(self.problem.slots.is_job, jobs.regret_usd, found.regret_usd),
        )

    def _cut_out(
        self,
        workload: int,
        reduced: Floats,
        estimates: Estimate,
        best: tuple[float, int],
        limits: Limits | None,
    ) -> tuple[Ints, SmallProgram, float]:
        """Return the columns to look at, their program and its scale; `best` is the cost and number of the
        configuration known.
        """
        block, (upper, known) = self.cut.blocks[workload], best
        kept = self._options(workload, reduced, estimates, upper, limits)
        start = None
        if known >= 0:
            used = np.searchsorted(block.columns, self.pool.columns[known])
            kept = np.union1d(kept, used)
            start = np.zeros(kept.size)
            start[np.searchsorted(kept, used)] = self.pool.values[known]
        program = replace(self._program(workload, kept, reduced), start=start)
        if limits is not None:
            program = limits.put_into(program, workload, block.columns[kept])
        size = abs(estimates.lower_usd[workload])
        scale = 1.0 / size if np.isfinite(size) and size > 0 else _scale(program.cost)
        return block.columns[kept], program, scale

    def _options(
        self, workload: int, reduced: Floats, estimates: Estimate, upper: float, limits: Limits | None
    ) -> Ints:
        """Return the positions of the block's columns that a configuration cheaper than `upper` could use."""
        columns = self.cut.blocks[workload].columns
        every = np.arange(columns.size)
        if self.shape[workload] == OTHER_SHAPE or not np.isfinite(upper):
            return every
        slot = self.slot_of_column[columns]
        lower = float(estimates.lower_usd[workload])
        room = upper - lower + ROUNDING * max(abs(upper), abs(lower))
        stays = (slot < 0) | (estimates.regret_usd[np.maximum(slot, 0)] <= room)
        own = np.unique(slot[stays & (slot >= 0)])
        marks, asked = np.zeros(own.size, dtype=np.int64), 0.0
        if limits is not None:
            marks, asked = limits.marks(workload, columns, slot, own), limits.least_asked(workload)
        if self.shape[workload] in (PLAIN_SERVICE, SERVICE):
            gone = self._dominated_services(workload, own, columns[stays], reduced, marks, asked=asked)
        else:
            gone = self._dominated_jobs(own, reduced, marks)
        stays &= ~np.isin(slot, own[gone])
        return every[stays]

    def _dominated_jobs(self, slots: Ints, reduced: Floats, marks: Ints) -> Bools:
        """Return which of a short job's slots another of the same mark can replace."""
        gone = np.zeros(slots.size, dtype=bool)
        jobs = self.jobs
        if jobs is None:
            return gone
        for mark in np.unique(marks):
            here = np.flatnonzero(marks == mark)
            asked = self.needs_of_column[jobs.column_of_gangs[jobs.place[slots[here]]]]
            gone[here] = jobs.dominated(slots[here], reduced, asked)
        return gone

    def _dominated_services(
        self, workload: int, slots: Ints, columns: Ints, reduced: Floats, marks: Ints, *, asked: float
    ) -> Bools:
        """Return which of a service's slots another of the same mark can replace: one in the same period, and in the
        same region where presence is decided. Where a mark is not 0, instances are counted: one replaces one, and a
        slot must be free to run as many as limits ask for at least (`asked`), should it replace all others.
        """
        bounds = self.services
        instance_usd = reduced[bounds.column_of_slot[slots]] * (bounds.column_of_slot[slots] >= 0)
        gone = np.zeros(slots.size, dtype=bool)
        if (instance_usd < 0).any():
            return gone
        columns = columns[self.flow_of_column[columns] >= 0]
        flow = self.flow_of_column[columns]
        at = np.searchsorted(slots, self.problem.flows.slot[flow])
        stream, row = np.unique(self.problem.flows.stream[flow], return_inverse=True)
        cost = np.full((stream.size, slots.size), np.inf)
        cost[row, at] = reduced[columns]
        needs = np.zeros((stream.size, slots.size), dtype=np.int64)
        needs[row, at] = self.needs_of_column[columns]
        place = self.problem.slots.period[slots]
        if self.shape[workload] == SERVICE:
            place = place * len(self.problem.regions.ids) + self.problem.slots.region[slots]
        most = np.where(self.problem.slots.is_endpoint[slots], np.inf, bounds.most[slots])
        for one, mark in np.unique(np.stack([place, marks]), axis=1).T.tolist():
            here = np.flatnonzero((place == one) & (marks == mark))
            own = slots[here]
            enough = np.maximum(bounds.enough[own], asked if mark != 0 else 0.0)
            gone[here] = dominated(
                instance_usd[here], bounds.useful[own], most[here], enough,
                flow_usd=cost[:, here], needs=needs[:, here], one_for_one=mark != 0,
            )  # fmt: skip
        return gone

    def _program(self, workload: int, kept: Ints, reduced: Floats) -> SmallProgram:
        """Cut the workload's program down to the columns kept; rows without any are dropped when they hold at 0."""
        block, matrix = self.cut.blocks[workload], self.cut.matrix
        start, row, value = block.entries_of(kept)
        lower, upper = matrix.row_lower[block.rows], matrix.row_upper[block.rows]
        used = np.zeros(block.rows.size, dtype=bool)
        used[row] = True
        used |= (lower > 0) | (upper < 0)
        number = np.cumsum(used) - 1
        columns = block.columns[kept]
        return SmallProgram(
            cost=reduced[columns],
            lower=matrix.lower[columns],
            upper=matrix.upper[columns],
            integer=matrix.integer[columns],
            indptr=start,
            indices=number[row],
            data=value,
            row_lower=lower[used],
            row_upper=upper[used],
        )


def _shapes(problem: Problem, cut: Cut) -> Ints:
    """Return by workload which closed forms hold for it, by the families of its local rows and columns."""
    matrix = cut.matrix
    names = matrix.rows.names
    is_job = np.zeros(len(problem.workload_ids), dtype=bool)
    is_job[problem.jobs.workload] = True
    undone = np.zeros(len(problem.workload_ids), dtype=bool)
    undone[problem.jobs.workload] = problem.jobs.may_be_undone
    single = problem.period_hours.size == 1
    shape = np.full(len(problem.workload_ids), OTHER_SHAPE, dtype=np.int64)
    for workload, block in enumerate(cut.blocks):
        families = {names[place] for place in np.unique(matrix.rows.component[block.rows]).tolist()}
        columns = {matrix.columns.names[at] for at in np.unique(matrix.columns.component[block.columns]).tolist()}
        if is_job[workload]:
            if single and families <= JOB and columns <= JOB_COLUMNS and not undone[workload]:
                shape[workload] = SHORT_JOB
        elif families <= PRESENT and columns <= SERVICE_COLUMNS:
            shape[workload] = PLAIN_SERVICE if families <= PLAIN else SERVICE
    return shape


def _places(problem: Problem, cut: Cut) -> tuple[Ints, Ints]:
    """Return by column of the model its slot and its flow, -1 where it has none."""
    labels = cut.matrix.columns
    slot = np.full(labels.key.size, -1, dtype=np.int64)
    flow = np.full(labels.key.size, -1, dtype=np.int64)
    for name in ("instances", "gangs", "work_hours"):
        own = labels.of(name)
        slot[own] = labels.key[own]
    own = labels.of("flow")
    flow[own] = labels.key[own]
    slot[own] = problem.flows.slot[labels.key[own]]
    return slot, flow


def _clean(x: Floats, integer: Bools) -> Floats:
    return np.where(integer, np.round(x), np.where(np.abs(x) < ROUNDING, 0.0, x))


def _scale(cost: Floats) -> float:
    size = np.abs(cost[cost != 0.0])
    return float(1.0 / size.mean()) if size.size else 1.0
