"""Classes of identical workloads: equal in everything a `Problem` says of them but their id.

Workloads of one class may change places in any plan. Compared is, number by number, every column of every table whose
rows belong to a workload, and every membership that holds such rows, with all weights: as the problem states its
columns (`formulations.columns`), so that no table is forgotten. Rows of a workload are compared in the order of their
keys, those of a table without keys as they stand; workloads that differ only in that order count as different, which
loses nothing but a class. What a row points to is compared by its position within the workload where it is the
workload's own, else as it is.

A row of a table whose rows may be private (a requirement) that holds activities of one workload alone is that
workload's own: two such rows are equal when all that they say is. Any other row is equal to itself only, so that
workloads are told apart by the limits they are in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formulations.columns import Bools, Coefficients, Ints, Membership, Strings
from formulations.problem import Problem
from formulations.tables import Stated, Tables

Words = NDArray[np.uint64]

WORKLOAD = "workload"
_FACTOR, _STEP = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True)
class _Table:
    """Rows of some workloads, those of one workload together and in canonical order; every column as 64-bit words."""

    owner: Ints
    columns: tuple[Words, ...]


@dataclass(frozen=True)
class _Said:
    """What is said of workloads: rows of a table, or entries of a membership (`rows` None). `pointers` are the tables
    that each points to, with the rows; `figures` all else that it says; `size` is how many rows are gone through.
    """

    rows: Strings | None
    owner: Ints
    pointers: list[tuple[Strings, Ints]]
    figures: list[NDArray[np.generic]]
    size: int


def identical_workloads(problem: Problem) -> Ints:
    """Return the class of every workload, numbered by its first member; a workload like no other is its own class."""
    workloads = len(problem.workload_ids)
    view = _View(problem)
    label = np.zeros(workloads, dtype=np.int64)
    for owner in view.owners():
        label = _numbered(label, np.bincount(owner, minlength=workloads).astype(np.uint64))
    tables: list[_Table] = []
    for said in sorted(view.all_said(), key=lambda one: one.size):  # what is short tells most apart
        among = np.bincount(label, minlength=workloads)[label] > 1
        if not among.any():
            break
        for table in view.compared(said, among):
            label = _numbered(label, _digest(table, workloads))
            tables.append(table)
    return _verified(label, tables)


class _View:
    """What a problem says of its workloads, as tables of words of some of them.

    Workloads are only ever left out of those that are looked at (`among`), so that what was found once remains right.
    """

    def __init__(self, problem: Problem) -> None:
        self.tables = Tables(problem)
        self._rank: dict[Strings, Ints] = {}
        self._kind: dict[Strings, Ints] = {}

    def owner(self, rows: Strings) -> Ints | None:
        """Return the workload of every row of a table, None where its rows have none."""
        return self.tables.leads_to(rows, WORKLOAD)

    def owners(self) -> list[Ints]:
        """Return the workload of every row, of all tables whose rows have one."""
        found = (self.owner((name,)) for name in self.tables.sizes if name != WORKLOAD)
        return [owner for owner in found if owner is not None]

    def all_said(self) -> list[_Said]:
        """Return all that is said of workloads."""
        found = []
        by_rows: dict[Strings, list[Stated]] = {}
        for one in self.tables.columns:
            if one.column.kind == "members":
                found += self._membership(one)
            elif one.column.kind not in ("names", "rules", "single") and not one.is_left_out:
                by_rows.setdefault(one.column.rows, []).append(one)
        for rows, columns in by_rows.items():
            owner = self.owner(rows)
            if owner is not None:
                pointers = [(one.column.points_to, one.value) for one in columns if one.column.points_to]
                figures = [figure for one in columns if not one.column.points_to for figure in _figures(one)]
                found.append(_Said(rows, owner, pointers, figures, owner.size))
        return found

    def _membership(self, one: Stated) -> list[_Said]:
        pointers = [(one.column.points_to, one.value.column), (one.column.rows, one.value.row)]
        pointers.sort(key=lambda pointer: self.owner(pointer[0]) is None)  # an owner first
        owner = self.owner(pointers[0][0])
        if owner is None:
            return []
        size = max(one.value.row.size, *(self.tables.size(rows) for rows, _ in pointers))
        return [_Said(None, owner[pointers[0][1]], pointers, [one.value.weight], size)]

    def compared(self, said: _Said, among: Bools) -> list[_Table]:
        """Return what is said of some workloads.

        A row that points to another workload's is that one's concern as well, and equal to itself only.
        """
        kept = np.flatnonzero(among[said.owner])
        owner = said.owner[kept]
        seen = [self._seen_from(rows, chosen[kept], owner, among) for rows, chosen in said.pointers]
        order = seen if said.rows is None else [self._ranks(said.rows, among)[kept]]
        tables = [_table(owner, [*seen, *(figure[kept] for figure in said.figures)], order)]
        for rows, chosen in said.pointers:
            whose = self.owner(rows)
            if whose is not None:
                other = whose[chosen]
                apart = np.flatnonzero((other != said.owner) & among[other])
                tables += [_table(other[apart], [apart], [])] if apart.size else []
        return tables

    def _seen_from(self, rows: Strings, chosen: Ints, owner: Ints, among: Bools) -> Ints:
        """Return chosen rows of a table by their place within the workload `owner` where they are its own, else as they
        are; those that may be private by their kind.
        """
        whose = self.owner(rows)
        if whose is not None:
            return np.where(whose[chosen] == owner, self._ranks(rows, among)[chosen], self.tables.size(rows) + chosen)
        if any(one.column.is_private and one.column.rows == rows for one in self.tables.columns):
            return self._kinds(rows, among)[chosen]
        return chosen

    def _ranks(self, rows: Strings, among: Bools) -> Ints:
        """Return the position of every row within its workload, by the keys; of the workloads `among` at least."""
        if rows not in self._rank:
            self._rank[rows] = self._ranked(rows, among)
        return self._rank[rows]

    def _ranked(self, rows: Strings, among: Bools) -> Ints:
        owner = self.owner(rows)
        if owner is None:
            return np.arange(self.tables.size(rows))
        if len(rows) > 1:
            found = np.zeros(1, dtype=np.int64)
            for name in rows:
                found = (found[:, None] * self.tables.sizes[name] + self._ranks((name,), among)).ravel()
            return found
        kept = np.flatnonzero(among[owner])
        order = []
        for one in self.tables.columns:
            if one.column.is_key and one.column.rows == rows:
                key, to = one.value[kept], one.column.points_to
                order.append(self._seen_from(to, key, owner[kept], among) if to else key)
        ranks = np.zeros(owner.size, dtype=np.int64)
        ranks[kept] = _places(owner[kept], order)
        return ranks

    def _kinds(self, rows: Strings, among: Bools) -> Ints:
        """Return by row a number that private rows of different workloads share when they say the same.

        A row of one workload alone to which nothing points: by its figures, by what it holds that is no workload's, and
        by its place among the workload's rows; any other: by itself.
        """
        if rows not in self._kind:
            self._kind[rows] = self._kinds_of(rows, among)
        return self._kind[rows]

    def _kinds_of(self, rows: Strings, among: Bools) -> Ints:
        size = self.tables.size(rows)
        least, most = np.full(size, among.size, dtype=np.int64), np.full(size, -1, dtype=np.int64)
        figures, said = [], []
        pointed_to = np.zeros(size, dtype=np.bool_)
        for one in self.tables.columns:
            if one.column.points_to == rows:
                pointed_to[one.value.column if one.column.kind == "members" else one.value] = True
            if one.column.rows != rows or one.column.kind in ("names", "rules") or one.is_left_out:
                continue
            if one.column.kind != "members":
                figures += _figures(one)
                continue
            owner = self.owner(one.column.points_to)
            if owner is None:
                said.append(one.value)
            else:
                np.minimum.at(least, one.value.row, owner[one.value.column])
                np.maximum.at(most, one.value.row, owner[one.value.column])
        own = (least == most) & ~pointed_to & among[np.minimum(least, among.size - 1)]
        chosen = np.flatnonzero(own)
        words = [_words(figure[chosen]).tolist() for figure in figures]
        words += [_listed(members, chosen) for members in said]
        kind = np.arange(size) + size
        seen: dict[tuple[object, ...], int] = {}
        for row, *key in zip(chosen.tolist(), _places(least[chosen], []).tolist(), *words, strict=True):
            kind[row] = seen.setdefault(tuple(key), len(seen))
        return kind


def _figures(one: Stated) -> list[NDArray[np.generic]]:
    """Return what a column says, as arrays with its rows."""
    if isinstance(one.value, Coefficients):
        return list(one.value.named().values())
    return [np.unique(one.value, return_inverse=True)[1] if isinstance(one.value, tuple) else one.value.ravel()]


def _listed(members: Membership, rows: Ints) -> list[bytes]:
    """Return what each of some rows holds, with which weights."""
    order = np.lexsort((members.column, members.row))
    row, column, weight = members.row[order], members.column[order], members.weight[order]
    begin, end = np.searchsorted(row, rows), np.searchsorted(row, rows, side="right")
    return [column[b:e].tobytes() + weight[b:e].tobytes() for b, e in zip(begin.tolist(), end.tolist(), strict=True)]


def _table(owner: Ints, columns: list[NDArray[np.generic]], order_by: list[Ints]) -> _Table:
    """Return rows sorted by workload, then by `order_by`, then as they stand."""
    order = _sorted_by(owner, order_by)
    return _Table(owner[order], tuple(_words(column[order]) for column in columns))


def _sorted_by(owner: Ints, order_by: list[Ints]) -> Ints:
    return np.lexsort((*reversed(order_by), owner)) if order_by else np.argsort(owner, kind="stable")


def _places(owner: Ints, order_by: list[Ints]) -> Ints:
    """Return the position of every row within its workload."""
    order = _sorted_by(owner, order_by)
    places = np.zeros(owner.size, dtype=np.int64)
    places[order] = np.arange(order.size) - np.searchsorted(owner[order], owner[order])
    return places


def _words(values: NDArray[np.generic]) -> Words:
    """Return numbers as words that are equal when they are; minus zero is zero."""
    if values.dtype.kind == "f":
        return (np.asarray(values, dtype=np.float64) + 0.0).view(np.uint64)
    return np.ascontiguousarray(values, dtype=np.int64).view(np.uint64)


def _digest(table: _Table, workloads: int) -> Words:
    """Return a number per workload that is equal where all its rows are (and hardly ever elsewhere)."""
    out = np.zeros(workloads, dtype=np.uint64)
    if not table.owner.size:
        return out
    begin = np.flatnonzero(np.diff(table.owner, prepend=-1))
    mixed = (np.arange(table.owner.size) - np.repeat(begin, np.diff(begin, append=table.owner.size))).astype(np.uint64)
    for column in table.columns:
        mixed = (mixed ^ column) * _FACTOR
        mixed ^= mixed >> np.uint64(29)
    out[table.owner[begin]] = np.add.reduceat(mixed * _STEP + np.uint64(1), begin)
    return out


def _numbered(label: Ints, words: Words) -> Ints:
    """Return labels that tell apart what `label` or `words` do."""
    second = np.unique(words, return_inverse=True)[1]
    return np.unique(label * (int(second.max(initial=0)) + 1) + second, return_inverse=True)[1].astype(np.int64)


def _verified(label: Ints, tables: list[_Table]) -> Ints:
    """Return the classes: workloads of one label whose rows all equal those of its first; others stand alone."""
    size = label.size
    first = np.full(int(label.max(initial=-1)) + 1, size, dtype=np.int64)
    np.minimum.at(first, label, np.arange(size))
    like = first[label]
    equal = np.ones(size, dtype=np.bool_)
    for table in tables:
        begin = np.searchsorted(table.owner, np.arange(size + 1))
        count = np.diff(begin)
        equal &= count == count[like]
        rows = np.flatnonzero(equal[table.owner] & (like[table.owner] != table.owner))
        owner = table.owner[rows]
        model = begin[like[owner]] + rows - begin[owner]
        for column in table.columns:
            equal[owner[column[rows] != column[model]]] = False
    leader = np.where(equal, like, np.arange(size))
    return np.unique(leader, return_inverse=True)[1].astype(np.int64)
