r"""The Lagrangian bound that prices of the coupling rows prove, kept beside a plan, and what it says of forced plans.

With prices y of the master's rows, the shared decisions s and a small program X[w] for every workload w,

    L(y) = y'b + min over s of its charges  +  sum_w l[w](y),     l[w](y) = min (c - A'y)'x over x in X[w]

bounds the cost of every plan. If w is forced into part of its options, F, only its own term changes:

    L(y) - l[w](y) + min (c - A'y)'x over x in X[w], F and x alone within every limit

bounds every plan that does so: no solve but that of one small program. A limit leaves to w alone what the others cannot
but leave; where that is too little, no plan puts w there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formulations import Problem
from formulations.families import CONSTRAINTS, rules_of
from formulations.streams import MergedStreams, merge_streams
from formulations.units import normalise
from optimizer.solve.backend import ARRAYS
from optimizer.solve.blocks import Blocks, find_blocks
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.classes import with_classes
from optimizer.solve.decomposition.cut import Cut, cut_model
from optimizer.solve.decomposition.pool import Pool
from optimizer.solve.decomposition.pricing import Pricing
from optimizer.solve.decomposition.small import Effort, SmallProgram, solve_small
from optimizer.solve.matrix import Matrix
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows
from optimizer.solve.presolve.requirement_copies import Needs, no_needs, split_requirements, with_switches

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CLOSE, NODES = 1e-4, 4000
"""How closely, and in how many nodes, the small program of a forced workload is solved."""
PRICING, MOST_PRICED = Effort(gap=1e-3, nodes=200, seconds=2.0), 80
"""How closely workloads are priced again without a rule, and how many of them at most."""
LEFT_OUT = ("unserved", "undone")


@dataclass(frozen=True)
class Lagrangian:
    """A bound (`usd`) with the prices that prove it: of rows, by family and key, those that are not 0; and the part of
    each workload.

    `is_split`: workloads have copies of their own of the mechanisms they need. `model` tells the model from others.
    """

    usd: float
    parts_usd: Floats
    family: tuple[str, ...]
    key: Ints
    price: Floats
    is_split: bool
    model: str


@dataclass(frozen=True)
class ForcedTo:
    """A workload that may use only some slots and flows of the problem as stated; `is_whole`: and leaves nothing
    unserved.
    """

    workload: int
    slots: Bools
    flows: Bools
    is_whole: bool


@dataclass(frozen=True)
class _Caps:
    """The coupling rows that a workload is in, and the sides that others leave it."""

    rows: Ints
    lower: Floats
    upper: Floats


@dataclass(frozen=True)
class Whole:
    """A model as it is decomposed: with its cover rows and needs, and whose columns and rows are whose."""

    matrix: Matrix
    needs: Needs
    blocks: Blocks

    def cut(self, problem: Problem) -> Cut:
        """Return it cut into a master and the programs of workloads."""
        return with_classes(cut_model(self.matrix, self.blocks, self.needs), self.blocks, problem)


def whole_model(matrix: Matrix, problem: Problem, *, is_split: bool) -> Whole:
    """Return a model as it is decomposed; `is_split`: with copies of mechanisms by workload."""
    whole = with_cover_rows(matrix, problem)
    needs = no_needs(whole)
    if is_split:
        whole, needs = split_requirements(whole, problem)
    return Whole(whole, with_switches(whole, needs), find_blocks(whole, problem))


def kept(cut: Cut, price: Floats, usd: float, lower_usd: Floats, *, is_split: bool) -> Lagrangian:
    """Return a bound proven at prices of the master's rows, `lower_usd` being that of each class of workloads."""
    used = np.flatnonzero(price)
    rows, labels = cut.rows[used], cut.matrix.rows
    head = cut.classes.head
    return Lagrangian(
        usd=usd, parts_usd=(lower_usd / np.maximum(cut.classes.count, 1))[head],
        family=tuple(labels.names[place] for place in labels.component[rows].tolist()),
        key=labels.key[rows].astype(np.int64), price=price[used], is_split=is_split, model=model_sha256(cut),
    )  # fmt: skip


def model_sha256(cut: Cut) -> str:
    """Return what tells a model that is cut from others: its rows with their names, its columns and its numbers."""
    told = hashlib.sha256()
    matrix, labels = cut.matrix, cut.matrix.rows
    used = sorted(np.unique(labels.component).tolist(), key=lambda place: labels.names[place])
    rank = np.zeros(len(labels.names), dtype=np.int64)
    rank[used] = np.arange(len(used))
    told.update("|".join(labels.names[place] for place in used).encode())
    for whole_numbers in (
        rank[labels.component], labels.key, matrix.a.indptr, matrix.a.indices, matrix.integer, cut.rows
    ):  # fmt: skip
        told.update(whole_numbers.astype(np.int64).tobytes())
    for values in (matrix.a.data, matrix.row_lower, matrix.row_upper, matrix.cost, matrix.lower, matrix.upper):
        told.update(values.astype(np.float64).tobytes())
    return told.hexdigest()


class PricedModel:
    """The model that prices are of, with what they prove: of plans in which one workload is forced into part of its
    options, and of plans without some rules.
    """

    def __init__(self, held: Lagrangian, cut: Cut, problem: Problem, merged: MergedStreams | None) -> None:
        self._held, self._cut, self._problem, self._merged = held, cut, problem, merged
        labels = cut.matrix.rows
        parts, keys = labels.component[cut.rows].tolist(), labels.key[cut.rows].tolist()
        place = {(labels.names[part], key): row for row, (part, key) in enumerate(zip(parts, keys, strict=True))}
        price = np.zeros(cut.rows.size)
        for family, key, usd in zip(held.family, held.key.tolist(), held.price.tolist(), strict=True):
            price[place[family, key]] = usd
        self._price, self._reduced = price, cut.reduced_cost(price)

    @property
    def least_usd(self) -> float:
        """What any plan costs at least."""
        return self._held.usd

    def forced_usd(self, forced: ForcedTo, watch: Watch) -> float | None:
        """Return what a plan costs at least in which a workload is forced: inf where there is none, None where this
        says nothing.
        """
        program = self._program(forced)
        answer = solve_small(program, Effort(CLOSE, NODES, watch.left_seconds()), scale=_scale(program.cost))
        if answer.x is None and answer.bound_usd == np.inf:
            return np.inf
        if not np.isfinite(answer.bound_usd):
            return None
        return float(self._held.usd - self._held.parts_usd[forced.workload] + answer.bound_usd)

    def without_usd(self, rule: str, watch: Watch, *, threads: int) -> float | None:
        """Return what any plan costs at least in a model without the rows that stem from a rule alone; None where a
        workload's own program has such rows, or it takes too many programs to tell.
        """
        gone = self._rows_of(rule)
        if gone is None:
            return None
        priced = np.flatnonzero(gone & (self._price != 0.0))
        if not priced.size:
            return self._held.usd
        cut, price = self._cut, np.where(gone, 0.0, self._price)
        owner = np.full(cut.matrix.cost.size, -1, dtype=np.int64)
        for workload, block in enumerate(cut.blocks):
            owner[block.columns] = workload
        touched = owner[np.unique(cut.use[priced].tocoo().col)]
        heads = np.unique(cut.classes.head[touched[touched >= 0]])
        if heads.size > MOST_PRICED:
            return None
        is_asked = np.zeros(len(cut.blocks), dtype=bool)
        is_asked[heads] = True
        pricing = Pricing(self._problem, cut, Pool(cut), watch, threads=threads)
        pricing.is_head = pricing.is_head & is_asked
        found = pricing.price(price, PRICING, settled=0.0, among=is_asked)
        if found is None or not np.isfinite(found.lower_usd[heads]).all():
            return None
        before = float(self._held.parts_usd[is_asked[cut.classes.head]].sum())
        fixed = cut.fixed_usd(price) - cut.fixed_usd(self._price)
        return self._held.usd + fixed - before + float(found.lower_usd[heads].sum())

    def _rows_of(self, rule: str) -> Bools | None:
        """Return which of the master's rows stem from a rule and from no other; None where other rows do."""
        labels, found = self._cut.matrix.rows, []
        for family in set(labels.names) & {name for name, one in CONSTRAINTS.items() if one.stated_by}:
            rows = labels.of(family)
            told = rules_of(self._problem, family, labels.key[rows].astype(np.int64)) if rows.size else []
            found += [row for row, names in zip(rows.tolist(), told, strict=True) if names == (rule,)]
            if any(rule in names and len(names) > 1 for names in told):
                return None
        gone = np.isin(self._cut.rows, found)
        return gone if int(gone.sum()) == len(found) else None

    def _program(self, forced: ForcedTo) -> SmallProgram:
        """Return the program of a forced workload at the prices: its local rows, then what others leave it."""
        cut, matrix = self._cut, self._cut.matrix
        block, head = cut.blocks[forced.workload], cut.blocks[int(cut.classes.head[forced.workload])]
        stays = self._stays(block.columns, forced)
        own = block.columns[stays]
        start, row, value = block.entries_of(stays)
        caps = self._caps(forced.workload)
        part = matrix.by_column[:, own].tocsr()[caps.rows].tocsc()
        data, indices, indptr = _stacked((start, row, value), (part.indptr, part.indices + block.rows.size, part.data))
        return SmallProgram(
            cost=self._reduced[head.columns[stays]], lower=matrix.lower[own], upper=matrix.upper[own],
            integer=matrix.integer[own], indptr=indptr, indices=indices, data=data,
            row_lower=np.concatenate([matrix.row_lower[block.rows], caps.lower]),
            row_upper=np.concatenate([matrix.row_upper[block.rows], caps.upper]),
        )  # fmt: skip

    def _stays(self, columns: Ints, forced: ForcedTo) -> Ints:
        """Return the positions of the columns that may be used."""
        labels, flows = self._cut.matrix.columns, forced.flows
        if self._merged is not None:  # a stream of several stays where one of them may be
            flows = np.zeros(int(self._merged.flow.max(initial=-1)) + 1, dtype=bool)
            flows[self._merged.flow[forced.flows]] = True
        allowed = {"instances": forced.slots, "gangs": forced.slots, "work_hours": forced.slots, "flow": flows}
        stays = np.ones(columns.size, dtype=bool)
        for name in {*allowed, *LEFT_OUT} & set(labels.names):
            own = np.flatnonzero(labels.component[columns] == labels.names.index(name))
            stays[own] = allowed[name][labels.key[columns[own]]] if name in allowed else not forced.is_whole
        return np.flatnonzero(stays)

    def _caps(self, workload: int) -> _Caps:
        """Return the coupling rows that a workload is in, and the sides that the others leave it in them at most."""
        cut, matrix = self._cut, self._cut.matrix
        is_own = np.zeros(matrix.cost.size, dtype=bool)
        is_own[cut.blocks[workload].columns] = True
        rows = np.intersect1d(matrix.by_column[:, cut.blocks[workload].columns].indices, cut.rows)
        a = matrix.a[rows]
        number = np.repeat(np.arange(rows.size), np.diff(a.indptr))
        other = ~is_own[a.indices]
        number, value, column = number[other], a.data[other], a.indices[other]
        lower, upper = matrix.lower[column], matrix.upper[column]
        least = _sum(number, value * np.where(value > 0, lower, upper), rows.size)
        most = _sum(number, value * np.where(value > 0, upper, lower), rows.size)
        return _Caps(rows, matrix.row_lower[rows] - most, matrix.row_upper[rows] - least)


def priced_model(problem: Problem, held: Lagrangian, watch: Watch) -> PricedModel | None:
    """State the model of a problem for bounds of forced workloads; None where the bound held is of another model, or
    time is up.
    """
    from optimizer.solve.driver import stated_matrix  # which knows this module by way of the decomposition

    normalised = normalise(problem).problem
    merged = merge_streams(normalised)
    solved = normalised if merged is None else merged.problem
    matrix = stated_matrix(solved, watch, "decompose", ARRAYS)
    if matrix is None or watch.should_stop():
        return None
    cut = whole_model(matrix, solved, is_split=held.is_split).cut(solved)
    return PricedModel(held, cut, solved, merged) if model_sha256(cut) == held.model else None


def _scale(cost: Floats) -> float:
    size = np.abs(cost[cost != 0.0])
    return float(1.0 / size.mean()) if size.size else 1.0


def _sum(group: Ints, values: Floats, groups: int) -> Floats:
    """Return the sums by group; infinite where a value is."""
    found: Floats = np.bincount(group, np.where(np.isfinite(values), values, 0.0), groups).astype(np.float64)
    for row in np.unique(group[~np.isfinite(values)]).tolist():
        found[row] = values[(group == row) & ~np.isfinite(values)].sum()
    return found


def _stacked(
    first: tuple[Ints, Ints, Floats], second: tuple[Ints, Ints, Floats]
) -> tuple[Floats, Ints, Ints]:
    """Return two matrices by column, one below the other: data, rows, starts of columns."""
    column = [np.repeat(np.arange(part[0].size - 1), np.diff(part[0])) for part in (first, second)]
    order = np.argsort(np.concatenate(column), kind="stable")
    rows, data = (np.concatenate([first[k], second[k]])[order] for k in (1, 2))
    return data, rows, first[0].astype(np.int64) + second[0].astype(np.int64)
