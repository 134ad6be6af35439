r"""Branching decisions of the decomposition: what a part of the search space asks of workloads and shared decisions.

A decision on a workload bounds the sum of some of its whole columns, such as the machines it runs in one region:

    sum_{i in I} n[i] <= t     in one branch,     sum_{i in I} n[i] >= t + 1     in the other

(Villeneuve, Desrosiers, Lübbecke and Soumis 2005: branching on the original variables). It is one more local row, so
that pricing stays what it is, and it keeps some configurations and excludes the others: the master loses columns and
gains no row. Any t that parts the configurations with a share in the master's optimum divides the plans without losing
one. Where no sum of whole columns does, the configurations of every workload differ in continuous columns alone, and
their mean is a configuration itself. A shared decision is bounded in the same way, as a column of the master.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from optimizer.solve.decomposition.cut import Cut
from optimizer.solve.decomposition.pool import Pool
from optimizer.solve.decomposition.restricted_master import MasterAnswer
from optimizer.solve.decomposition.small import SmallProgram
from optimizer.solve.presolve.requirement_copies import NEEDED

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LEAST_SHARE = 1e-6
MACHINES = ("instances", "gangs")


@dataclass(frozen=True, eq=False)
class Count:
    """The sum of some whole columns of one workload; what configurations have of it is remembered by number."""

    workload: int
    columns: Ints
    of: dict[int, float] = field(default_factory=dict)

    def count(self, pool: Pool, numbers: Ints) -> Floats:
        """Return the sums that some configurations of the workload have."""
        for number in numbers.tolist():
            if number not in self.of:
                inside = np.isin(pool.columns[number], self.columns, assume_unique=True)
                self.of[number] = float(np.round(pool.values[number][inside].sum()))
        return np.array([self.of[number] for number in numbers.tolist()])


@dataclass(frozen=True)
class Limit:
    """A count of a workload that a configuration must have: lower <= count <= upper."""

    count: Count
    lower: float = -np.inf
    upper: float = np.inf


@dataclass(frozen=True)
class Limits:
    """What one part of the search space asks: limits by workload, and the bounds of shared decisions."""

    by_workload: dict[int, tuple[Limit, ...]]
    shared_lower: Floats
    shared_upper: Floats

    def with_limit(self, limit: Limit) -> Limits:
        """Return these limits and one more."""
        workload = limit.count.workload
        own = (*self.by_workload.get(workload, ()), limit)
        return replace(self, by_workload={**self.by_workload, workload: own})

    def with_shared(self, place: int, lower: float, upper: float) -> Limits:
        """Return these limits with other bounds on the shared decision at a place."""
        low, high = self.shared_lower.copy(), self.shared_upper.copy()
        low[place], high[place] = lower, upper
        return replace(self, shared_lower=low, shared_upper=high)

    def allowed(self, pool: Pool) -> Bools:
        """Return which configurations of the pool keep the limits."""
        kept = np.ones(len(pool), dtype=bool)
        owner = pool.workload
        for workload, limits in self.by_workload.items():
            numbers = np.flatnonzero(owner == workload)
            for limit in limits:
                count = limit.count.count(pool, numbers)
                kept[numbers] &= (count >= limit.lower) & (count <= limit.upper)
        return kept

    def marks(self, workload: int, columns: Ints, slot_of_column: Ints, slots: Ints) -> Ints:
        """Return by slot a number that slots counted in the same limits share, 0 for those that are counted in none.

        `slot_of_column` (-1: none) of the workload's columns; `slots` sorted.
        """
        limits = self.by_workload.get(workload, ())
        counted = np.zeros((slots.size, len(limits)), dtype=bool)
        for place, limit in enumerate(limits):
            inside = slot_of_column[np.isin(columns, limit.count.columns)]
            counted[:, place] = np.isin(slots, inside)
        label = np.unique(counted, axis=0, return_inverse=True)[1].ravel() + 1 if limits else np.zeros(slots.size)
        return np.where(counted.any(axis=1), label, 0).astype(np.int64)

    def least_asked(self, workload: int) -> float:
        """Return the highest count that a limit of the workload asks for at least, 0 where none does."""
        return max((limit.lower for limit in self.by_workload.get(workload, ()) if limit.lower > 0), default=0.0)

    def put_into(self, program: SmallProgram, workload: int, columns: Ints) -> SmallProgram:
        """Return the workload's program, whose columns are given, with a row for each of its limits."""
        limits = self.by_workload.get(workload, ())
        if not limits:
            return program
        rows = program.row_lower.size
        at = [np.flatnonzero(np.isin(columns, limit.count.columns)) for limit in limits]
        column = np.concatenate([np.repeat(np.arange(columns.size), np.diff(program.indptr)), *at])
        row = np.concatenate([program.indices, *(np.full(own.size, rows + k) for k, own in enumerate(at))])
        value = np.concatenate([program.data, np.ones(sum(own.size for own in at))])
        order = np.argsort(column, kind="stable")
        return replace(
            program,
            indptr=np.concatenate([[0], np.cumsum(np.bincount(column, minlength=columns.size))]).astype(np.int64),
            indices=row[order].astype(np.int64),
            data=value[order],
            row_lower=np.concatenate([program.row_lower, [limit.lower for limit in limits]]),
            row_upper=np.concatenate([program.row_upper, [limit.upper for limit in limits]]),
        )


def no_limits(cut: Cut) -> Limits:
    """Return the limits of the whole search space."""
    return Limits({}, np.zeros(cut.shared.size), cut.shared_upper)


@dataclass(frozen=True)
class Division:
    """Two parts of a search space, the one nearer to the master's optimum first; how evenly they part it; whose
    configurations they part (None: a shared decision).
    """

    parts: tuple[Limits, Limits]
    evenness: float
    workload: int | None = None


class Divider:
    """Finds divisions of a search space that the master's optimum does not keep whole."""

    def __init__(self, problem: Problem, cut: Cut, pool: Pool, slot_of_column: Ints) -> None:
        self.problem, self.cut, self.pool, self.slot_of_column = problem, cut, pool, slot_of_column
        self._counts: dict[int, list[list[Count]]] = {}

    def divisions(self, limits: Limits, answer: MasterAnswer) -> list[Division]:
        """Return divisions, the most even first; empty where the master's optimum is whole, or as good as."""
        found = [*self._of_shared(limits, answer), *self._of_workloads(limits, answer)]
        return sorted(found, key=lambda division: -division.evenness)

    def _of_shared(self, limits: Limits, answer: MasterAnswer) -> Iterator[Division]:
        whole = self.cut.matrix.integer[self.cut.shared]
        share = answer.shared - np.floor(answer.shared)
        for place in np.flatnonzero(whole & (share > LEAST_SHARE) & (share < 1 - LEAST_SHARE)).tolist():
            below = float(np.floor(answer.shared[place]))
            down = limits.with_shared(place, float(limits.shared_lower[place]), below)
            up = limits.with_shared(place, below + 1, float(limits.shared_upper[place]))
            yield _division(down, up, float(share[place]))

    def _of_workloads(self, limits: Limits, answer: MasterAnswer) -> Iterator[Division]:
        """Divide workloads whose configurations have fractional shares; a class of several has no single one."""
        owner = self.pool.workload[: answer.shares.size]
        fractional = (answer.shares > LEAST_SHARE) & (answer.shares < 1 - LEAST_SHARE)
        for workload in np.unique(owner[fractional]).tolist():
            if self.cut.classes.count[workload] != 1:
                continue
            numbers = np.flatnonzero((owner == workload) & (answer.shares > LEAST_SHARE))
            for counts in self._counts_of(workload):
                own = [self._divided(limits, count, numbers, answer.shares[numbers]) for count in counts]
                kept = [division for division in own if division is not None]
                yield from kept
                if kept:
                    break  # finer counts divide less

    def _divided(self, limits: Limits, count: Count, numbers: Ints, shares: Floats) -> Division | None:
        """Divide by the threshold of a count that parts the shares most evenly."""
        have = count.count(self.pool, numbers)
        order = np.argsort(have, kind="stable")
        have, below = have[order], np.cumsum(shares[order])
        steps = np.flatnonzero(np.diff(have) > 0.5)
        if not steps.size:
            return None
        step = steps[np.argmin(np.abs(below[steps] - 0.5))]
        down = limits.with_limit(Limit(count, upper=float(have[step])))
        up = limits.with_limit(Limit(count, lower=float(have[step]) + 1))
        return _division(down, up, float(1.0 - below[step]), count.workload)

    def _counts_of(self, workload: int) -> list[list[Count]]:
        """Return what can be counted of a workload, coarse to fine: machines by region, by offer, single columns."""
        if workload not in self._counts:
            matrix, columns = self.cut.matrix, self.cut.blocks[workload].columns
            names = matrix.columns.names
            columns = columns[matrix.integer[columns]]
            family = np.array([names[place] for place in matrix.columns.component[columns].tolist()], dtype=object)
            machines = columns[np.isin(family, MACHINES)]
            slots = self.problem.slots
            levels = [
                [Count(workload, machines[key == one]) for one in np.unique(key)]
                for key in (
                    slots.region[self.slot_of_column[machines]],
                    slots.offer[self.slot_of_column[machines]],
                )
            ]
            levels.append([Count(workload, columns[[place]]) for place in np.flatnonzero(family != NEEDED)])
            self._counts[workload] = levels
        return self._counts[workload]


def _division(down: Limits, up: Limits, share_up: float, workload: int | None = None) -> Division:
    parts = (up, down) if share_up >= 0.5 else (down, up)
    return Division(parts, min(share_up, 1.0 - share_up), workload)


def mean_configurations(cut: Cut, pool: Pool, answer: MasterAnswer) -> list[tuple[int, Ints, Floats]]:
    """Return (workload, columns, values) of the means of configurations that differ in continuous columns alone."""
    owner = pool.workload[: answer.shares.size]
    fractional = (answer.shares > LEAST_SHARE) & (answer.shares < 1 - LEAST_SHARE)
    means = []
    for workload in np.unique(owner[fractional]).tolist():
        if cut.classes.count[workload] != 1:
            continue
        numbers = np.flatnonzero((owner == workload) & (answer.shares > LEAST_SHARE))
        columns = np.unique(np.concatenate([pool.columns[number] for number in numbers.tolist()]))
        values = np.zeros(columns.size)
        for number in numbers.tolist():
            values[np.searchsorted(columns, pool.columns[number])] += answer.shares[number] * pool.values[number]
        means.append((workload, columns, values / answer.shares[numbers].sum()))
    return means
