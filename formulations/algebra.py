"""Linear expressions over flat arrays: the line of mathematics of a constraint is the line of code that states it.

An *expression* is a vector: one linear expression per entry of an index (slots, flows, stream x period …). With

    f, v = model["flow"], model["unserved"]
    model.add("demand", D > 0, f.sum(by=jt) + v == D)

`demand` has one row per entry jt with D[jt] > 0, and the row says: the sum of f over the flows whose label `jt` it is,
plus v[jt], is D[jt]. What there is:

    x                     variables of a family, by position in its table; a position without a variable is 0
    x[index]              by entry the variable at index[entry]; 0 where the index is -1
    K * x, x / K, -x      times numbers by entry, or one number
    x.sum(by=label)       by label the sum of the entries that have it; entries labelled -1 are in no sum
    x.sum()               one entry: the sum of all
    M @ x                 by row of a Membership the weighted sum of the entries that are in it
    + - == <= >=          entry by entry, with expressions of the same index, numbers by entry, or one number

Two back ends write what is added: `formulations.pyomo_model` and `formulations.arrays`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from formulations.domains import WHOLE_UP_TO, Domain
from formulations.indexing import every, lookup, positions
from formulations.problem import Bools, Floats, Ints, Membership

Handles = NDArray[Any]
"""What a back end knows the variables of a family by, one per position of its table."""
Number = Floats | Ints | Bools | float
Derived = TypeVar("Derived")
Given = ParamSpec("Given")
IMPOSSIBLE = "impossible"
"""The variable that can only be 0: it stands in a row that cannot hold, so that the row is kept."""


@dataclass(frozen=True)
class Family:
    """The variables of a family by position in its table, and which positions have one."""

    handles: Handles
    exists: Bools


@dataclass(frozen=True)
class Terms:
    """`weight[x]` times variable `column[x]` of a family, in entry `entry[x]`.

    Without `entry`, the x-th term stands in entry x; without `column`, it is of variable x.
    """

    family: Family
    entry: Ints | None
    column: Ints | None
    weight: Floats | float

    def times(self, number: Number) -> Terms:
        """Return the terms times a number, or numbers by entry."""
        return replace(self, weight=self.weight * self._by_term(number))

    def over(self, number: Number) -> Terms:
        """Return the terms divided by a number, or numbers by entry (0 only in entries that get no row)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return replace(self, weight=np.true_divide(self.weight, self._by_term(number)))

    def _by_term(self, number: Number) -> Any:
        if self.entry is None or np.ndim(number) == 0:
            return number
        return np.asarray(number)[self.entry] if np.size(number) else 0.0  # of an index without entries

    def labelled(self, by: Ints) -> Terms:
        """Return the terms in the entries `by` of their entries."""
        return replace(self, entry=by if self.entry is None else by[self.entry])

    def members(self, of: Membership) -> Terms:
        """Return the terms by row of a membership; only where there is one term per entry."""
        if self.entry is not None:
            raise ValueError("a membership holds variables, not sums: sum what it gives, by row, instead")
        column = of.column if self.column is None else self.column[of.column]
        weight = of.weight
        if np.ndim(self.weight) or self.weight != 1.0:
            weight = weight * (self.weight if np.ndim(self.weight) == 0 else np.asarray(self.weight)[of.column])
        return Terms(self.family, of.row, column, weight)


@dataclass(frozen=True)
class Block:
    """Terms of constraint rows: `weight[x]` times the variable `handles[column[x]]`, added to row `row[x]`."""

    row: Ints
    handles: Handles
    column: Ints
    weight: Floats


class Expression:
    """One linear expression per entry of an index: terms and a constant."""

    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, terms: tuple[Terms, ...], constant: Number = 0.0) -> None:
        self.terms, self.constant = terms, constant

    def __add__(self, other: Operand) -> Expression:
        if isinstance(other, Expression):
            return Expression(self.terms + other.terms, _plus(self.constant, other.constant))
        return Expression(self.terms, _plus(self.constant, other))

    __radd__ = __add__

    def __sub__(self, other: Operand) -> Expression:
        return self + (-1.0 * other if isinstance(other, Expression) else np.negative(other, dtype=np.float64))

    def __rsub__(self, other: Number) -> Expression:
        return (-1.0 * self) + other

    def __mul__(self, number: Number) -> Expression:
        constant = self.constant if _is_zero(self.constant) else np.asarray(self.constant) * number
        return Expression(tuple(terms.times(number) for terms in self.terms), constant)

    __rmul__ = __mul__

    def __truediv__(self, number: Number) -> Expression:
        self._refuse_constant()
        return Expression(tuple(terms.over(number) for terms in self.terms))

    def __rmatmul__(self, members: Membership) -> Expression:
        self._refuse_constant()
        return Expression(tuple(terms.members(members) for terms in self.terms))

    def __getitem__(self, index: Ints) -> Expression:
        terms = self.terms[0]
        if len(self.terms) > 1 or terms.entry is not None or terms.column is not None or np.ndim(terms.weight):
            raise ValueError("an index picks variables of a family: x[index] first, then times numbers, then sums")
        self._refuse_constant()
        return Expression((replace(terms, column=index),))

    def sum(self, by: Ints | None = None) -> Expression:
        """Return by label the sum of the entries that have it (-1: none); without labels, one sum of all."""
        self._refuse_constant()
        if by is None:
            return Expression(tuple(_in_one_entry(terms) for terms in self.terms))
        return Expression(tuple(terms.labelled(by) for terms in self.terms))

    def _refuse_constant(self) -> None:
        if not _is_zero(self.constant):
            raise ValueError("constants stand outside of sums, memberships and quotients: add them afterwards")

    def __eq__(self, other: Operand) -> Relation:  # type: ignore[override]
        return Relation.of(self, "equal", other)

    def __le__(self, other: Operand) -> Relation:
        return Relation.of(self, "upper", other)

    def __ge__(self, other: Operand) -> Relation:
        return Relation.of(self, "lower", other)


Operand = Expression | Number


def _is_zero(constant: Number) -> bool:
    return np.ndim(constant) == 0 and float(constant) == 0.0


def _plus(some: Number, other: Number) -> Number:
    return other if _is_zero(some) else some if _is_zero(other) else np.asarray(some) + other


def _in_one_entry(terms: Terms) -> Terms:
    """Return the terms in entry 0; a family has a term for each of its variables."""
    column = terms.column
    if column is None and terms.entry is None:
        column = np.arange(terms.family.exists.size)
    size = terms.entry.size if column is None and terms.entry is not None else column.size  # type: ignore[union-attr]
    return replace(terms, entry=np.zeros(size, dtype=np.int64), column=column)


@dataclass(frozen=True)
class Relation:
    """terms <= side (`sense` upper), >= (lower) or == (equal), entry by entry."""

    terms: tuple[Terms, ...]
    sense: str
    side: Number

    @classmethod
    def of(cls, left: Expression, sense: str, right: Operand) -> Relation:
        """Bring the terms to the left and the constants to the right."""
        difference = left - right
        constant = difference.constant
        return cls(difference.terms, sense, 0.0 if _is_zero(constant) else -1.0 * np.asarray(constant))


class Model(ABC):
    """A model under construction: families of variables, families of rows, an objective."""

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}
        self._derived: dict[Callable[..., Any], Any] = {}
        self._stated: list[str] = []

    def once(self, derive: Callable[Given, Derived], *given: Given.args, **named: Given.kwargs) -> Derived:
        """Return `derive(*given)`, computed at the first call for this model."""
        if derive not in self._derived:
            self._derived[derive] = derive(*given, **named)
        found: Derived = self._derived[derive]
        return found

    def add_family(
        self, name: str, over: Bools | Ints, domain: Domain, *, size: int | None = None, upper: Number | None = None
    ) -> None:
        """Add variables `name[i]` >= 0 for every i of `over` (a mask, or positions in their order).

        `size` is the length of the table that i refers to, that of `over` unless given; `upper` one bound for all or
        one per position of the table. Whole numbers with a bound above `WHOLE_UP_TO` are continuous.
        """
        index = positions(over)
        most = None
        if upper is not None:
            bounds = np.asarray(upper, dtype=np.float64)
            most = np.full(index.size, float(bounds)) if bounds.ndim == 0 else bounds[index]
        whole = np.full(index.size, domain is not Domain.REAL)
        if domain is Domain.WHOLE and most is not None:
            whole = most <= WHOLE_UP_TO
        size = over.size if size is None else size
        self._families[name] = self._add_variables(name, index, domain, whole, size=size, upper=most)

    @property
    def family_names(self) -> list[str]:
        """The names of all families of variables and of rows."""
        return [*self._families, *self._stated]

    def __getitem__(self, name: str) -> Expression:
        return Expression((Terms(self._families[name], None, None, 1.0),))

    def vars(self, *names: str) -> tuple[Expression, ...]:
        """Return the variables of several families."""
        return tuple(self[name] for name in names)

    def add(self, name: str, over: Bools | Ints, relation: Relation) -> None:
        """Add the constraint family `name`: one row for every entry of `over` (a mask, or entries in their order).

        A row without terms is dropped when it holds; when it does not hold it keeps a variable that can only be 0, so
        that the model is infeasible and says in which row.
        """
        self._stated.append(name)
        keys = positions(over)
        side = np.asarray(relation.side, dtype=np.float64)
        side = np.full(keys.size, float(side)) if side.ndim == 0 else side[keys]
        blocks = [_in_rows(terms, keys) for terms in relation.terms]
        self._add_rows(name, blocks, keys, side, relation.sense)

    def minimise(self, name: str, total: Expression) -> None:
        """Add the objective `name`: minimise an expression of one entry."""
        only = np.zeros(1, dtype=np.int64)
        self._set_cost(name, [_in_rows(terms, only) for terms in total.terms])

    @abstractmethod
    def _add_variables(
        self, name: str, index: Ints, domain: Domain, whole: Bools, *, size: int, upper: Floats | None
    ) -> Family:
        """Add the variables of a family; `whole` says which of them are, `size` how long their table is."""

    @abstractmethod
    def _add_rows(self, name: str, blocks: Sequence[Block], keys: Ints, side: Floats, sense: str) -> None:
        """Add the rows of a family, one per key; block rows are positions in `keys`."""

    @abstractmethod
    def _set_cost(self, name: str, blocks: Sequence[Block]) -> None:
        """Minimise the sum of all terms."""


def _in_rows(terms: Terms, keys: Ints) -> Block:
    """Return the terms of the entries that have a row, without zero weights and positions without a variable."""
    exists, weight, none = terms.family.exists, terms.weight, np.zeros(0, dtype=np.int64)
    if not keys.size or not exists.size:
        return Block(none, terms.family.handles, none, np.zeros(0))
    if terms.entry is None:
        row, column = every(keys.size), keys if terms.column is None else terms.column[keys]
        weight = weight if np.ndim(weight) == 0 else np.asarray(weight)[keys]
        kept = exists[column]
    else:
        row, column = lookup(keys, terms.entry), every(terms.entry.size) if terms.column is None else terms.column
        kept = exists[column] & (row >= 0)
    if terms.column is not None:
        kept &= column >= 0
    weights = np.broadcast_to(np.asarray(weight, dtype=np.float64), row.shape)
    if np.ndim(weight) or weight == 0.0:
        kept &= weights != 0.0
    if kept.all():
        return Block(row, terms.family.handles, column, weights)
    return Block(row[kept], terms.family.handles, column[kept], weights[kept])
