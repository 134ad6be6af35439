"""What follows from the statements of a problem's columns: sizes, the way from one table to another, subsets.

Nothing here names a table: a field that a `Problem` (or a subclass of it) gains is known as soon as it is stated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from math import prod
from typing import Any

import numpy as np

from formulations.columns import COLUMN, IN_PROPORTION, Coefficients, Column, Ints, Membership, Strings
from formulations.problem import Problem


@dataclass(frozen=True)
class Stated:
    """A column of a problem: its table (the problem itself: ""), its field, what is stated of it and its value."""

    table: str
    field: str
    column: Column
    value: Any

    @property
    def name(self) -> str:
        """The field as one writes it."""
        return f"{self.table}.{self.field}" if self.table else self.field

    @property
    def length(self) -> int:
        """How many numbers or words it holds."""
        return int(self.value.size) if isinstance(self.value, np.ndarray) else len(self.value)

    @property
    def is_left_out(self) -> bool:
        """Whether it is a column that may be left out, and is."""
        return self.column.may_be_empty and not self.length

    @property
    def numbers(self) -> list[tuple[str, Any]]:
        """The arrays of numbers that it consists of, by name."""
        if isinstance(self.value, np.ndarray):
            return [(self.name, self.value)]
        if isinstance(self.value, Coefficients):
            return [(f"{self.name}.{part}", values) for part, values in self.value.named().items()]
        if is_dataclass(self.value):
            return [(f"{self.name}.{part.name}", getattr(self.value, part.name)) for part in fields(self.value)]
        return [(self.name, np.array([self.value]))] if isinstance(self.value, float) else []


def columns_of(problem: Problem) -> list[Stated]:
    """Return all columns of a problem, in the order stated.

    Raises TypeError for a field of which nothing is stated.
    """
    found = []
    for own in fields(problem):
        value = getattr(problem, own.name)
        if COLUMN in own.metadata or not is_dataclass(value):
            found.append(_stated("", own, value))
        else:
            found += [_stated(own.name, part, getattr(value, part.name)) for part in fields(value)]
    return found


def _stated(table: str, own: Any, value: Any) -> Stated:
    if COLUMN not in own.metadata:
        raise TypeError(
            f"{table or 'the problem'} has the field {own.name}, of which nothing is stated: "
            "use formulations.columns (names, index, numbers, members, …)"
        )
    return Stated(table, own.name, own.metadata[COLUMN], value)


def with_values(problem: Problem, values: list[tuple[Stated, Any]]) -> Problem:
    """Return the problem with new values of some columns."""
    by_table: dict[str, dict[str, Any]] = {}
    for column, value in values:
        by_table.setdefault(column.table, {})[column.field] = value
    own = by_table.pop("", {})
    return replace(problem, **{name: replace(getattr(problem, name), **new) for name, new in by_table.items()}, **own)


class Tables:
    """A problem's columns, the number of rows of every table, and the ways between tables."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.columns = columns_of(problem)
        self.sizes = _sizes(self.columns)
        self._ways: dict[tuple[Strings, str], Ints | None] = {}
        for one in self.columns:
            for name in (*one.column.rows, *one.column.points_to):
                if name not in self.sizes:
                    raise TypeError(f"{one.name} names the table {name}, whose rows no column has")

    def size(self, rows: Strings) -> int:
        """Return the number of rows of a table, or of combinations of the rows of several."""
        return prod(self.sizes[name] for name in rows)

    def indices(self, rows: Strings) -> list[Stated]:
        """Return the columns of a table that point to other tables."""
        return [one for one in self.columns if one.column.kind == "index" and one.column.rows == rows]

    def leads_to(self, rows: Strings, table: str) -> Ints | None:
        """Return by row of a table, or of several, the row of another `table` that it belongs to; None: to none.

        It does so by what it points to, by what that points to, and so on; by its first column that leads there.
        """
        if (rows, table) not in self._ways:
            self._ways[rows, table] = self._way(rows, table)
        return self._ways[rows, table]

    def _way(self, rows: Strings, table: str) -> Ints | None:
        if len(rows) > 1:
            for place, name in enumerate(rows):
                own = self.leads_to((name,), table)
                if own is not None:
                    times = self.size(rows[place + 1 :])
                    return np.tile(np.repeat(own, times), self.size(rows[:place]))
            return None
        if rows == (table,):
            return np.arange(self.sizes.get(table, 0))
        ways = [one for one in self.indices(rows) if one.column.points_to != rows]
        for one in ways:
            if one.column.points_to == (table,):
                return np.asarray(one.value)
        for one in ways:
            via = self.leads_to(one.column.points_to, table)
            if via is not None:
                return via[one.value]
        return None

    def are_in_proportion(self) -> bool:
        """Whether it is stated of all that has rows that it treats the streams of a service in proportion."""
        stated = {own.name for own in fields(self.problem) if own.metadata.get(IN_PROPORTION)}
        return all(
            one.table in stated
            or not sum(values.size for _, values in one.numbers)
            or (not one.table and self.leads_to(one.column.rows, "workload") is None)
            for one in self.columns
        )

    def ids(self, rows: Strings) -> Strings | None:
        """Return the ids of the rows of a table, None where it has none."""
        for one in self.columns:
            if one.column.kind == "names" and one.column.rows == rows and one.length == self.size(rows):
                return tuple(one.value)
        return None

    def rules(self, rows: Strings, stated_by: str, at: Ints) -> list[Strings]:
        """Return the ids of the rules that state some rows of a table, or of several (see `columns.rule_ids`)."""
        if ":" not in stated_by:
            listed: Any = next((one.value for one in self.columns if one.name == stated_by and one.length), None)
            return [() if listed is None else listed[row] for row in at.tolist()]
        found = [stated_by] * at.size
        for name in re.findall(r"{(.+?)}", stated_by):
            own, ids = self.leads_to(rows, name), self.ids((name,))
            assert own is not None, (rows, name)
            assert ids is not None, name
            found = [text.replace(f"{{{name}}}", ids[row]) for text, row in zip(found, own[at].tolist(), strict=True)]
        return [(text,) for text in found]

    def label(self, rows: Strings, key: int) -> str:
        """Return what a row is, by the ids of all that it belongs to: workload chat, period 0."""
        words = []
        for name in dict.fromkeys(name for column in self.columns for name in column.column.rows):
            own = self.leads_to(rows, name) if self.ids((name,)) or name in (*rows, "period") else None
            if own is not None and key < own.size:
                ids = self.ids((name,))
                words.append(f"{name} {ids[own[key]] if ids else int(own[key])}")
        return ", ".join(words)


def _sizes(columns: list[Stated]) -> dict[str, int]:
    """Return the rows of every table, as the first of its columns has them that may not be left out."""
    sizes: dict[str, int] = {}
    for one in columns:
        is_first = len(one.column.rows) == 1 and one.column.rows[0] not in sizes
        if is_first and not one.column.may_be_empty and one.column.kind not in ("added", "members"):
            sizes[one.column.rows[0]] = one.length
    return sizes


# ---- subsets --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Subset:
    """A problem with some rows of some tables of another, and by table which of its rows are `kept`, where not all are;
    `sizes` are those of the other.
    """

    problem: Problem
    kept: Mapping[str, Ints]
    sizes: Mapping[str, int]

    def origin(self, rows: Strings) -> Ints | None:
        """Return by row of a table, or of several, which row of the whole problem it is; None where all are kept."""
        return _origin(rows, self.kept, self.sizes)


def _origin(rows: Strings, kept: Mapping[str, Ints], sizes: Mapping[str, int]) -> Ints | None:
    if not any(name in kept for name in rows):
        return None
    found = np.zeros(1, dtype=np.int64)
    for name in rows:
        own = kept[name] if name in kept else np.arange(sizes[name])
        found = (found[:, None] * sizes[name] + own).ravel()
    return found


def take(problem: Problem, kept: Mapping[str, Ints]) -> Subset:
    """Return the problem with some rows of some tables.

    Rows of other tables that point to one that is gone go with it, and so do the entries of memberships; all that
    points to a row that stays is renumbered.
    """
    tables, kept = Tables(problem), dict(kept)
    waiting = list(kept)
    while waiting:
        name = waiting.pop()
        number = _places(kept[name], tables.sizes[name])
        for one in tables.columns:
            if one.column.kind == "index" and one.column.points_to == (name,):
                (own,) = one.column.rows
                stays = number[one.value] >= 0
                if own in kept:
                    stays &= _places(kept[own], stays.size) >= 0
                if own not in kept or int(stays.sum()) < kept[own].size:
                    kept[own] = np.flatnonzero(stays)
                    waiting.append(own)
    values = []
    for one in tables.columns:
        by_row = _origin(one.column.rows, kept, tables.sizes)
        by_target = _origin(one.column.points_to, kept, tables.sizes)
        if not one.is_left_out and not (by_row is None and by_target is None):
            place = None if by_target is None else _places(by_target, tables.size(one.column.points_to))
            shape = [kept[name].size if name in kept else tables.sizes[name] for name in one.column.rows]
            values.append((one, _taken(one, tables, by_row, place, shape)))
    return Subset(with_values(problem, values), kept, tables.sizes)


def _places(kept: Ints, size: int) -> Ints:
    """Return by row its number among those kept, -1 where it is not."""
    place = np.full(size, -1, dtype=np.int64)
    place[kept] = np.arange(kept.size)
    return place


def _taken(one: Stated, tables: Tables, kept: Ints | None, place: Ints | None, shape: list[int]) -> Any:
    """Return a column's values in the rows kept (None: all), with what it points to renumbered (None: as it is);
    `shape` is that of an array of them.
    """
    value, rows = one.value, one.column.rows
    if isinstance(value, Membership):
        row = value.row if kept is None else _places(kept, tables.size(rows))[value.row]
        column = value.column if place is None else place[value.column]
        stays = np.flatnonzero((row >= 0) & (column >= 0))
        return Membership(row[stays], column[stays], value.weight[stays])
    if kept is not None and isinstance(value, tuple):
        value = tuple(value[row] for row in kept.tolist())
    elif kept is not None and isinstance(value, Coefficients):
        value = value.each(lambda values: values[kept])
    elif kept is not None:
        value = value.ravel()[kept].reshape(shape)
    return value if place is None else place[value]
