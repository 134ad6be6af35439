"""What follows from the register of families (`formulations.components`), and how a family is added to it.

Values, diagnoses and the cut into workloads know families by the register alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from formulations.columns import Ints, Strings
from formulations.components import ROWS, VARIABLES
from formulations.family_types import COUPLING, LIMIT, LOCAL, NEED, Rows, Variable
from formulations.problem import Problem
from formulations.tables import Tables, columns_of

__all__ = [
    "ADDED", "CONSTRAINTS", "COUPLING", "LIMIT", "LOCAL", "NEED", "POOL", "SHARE", "VARIABLES", "Rows", "Variable",
    "ids_of", "is_over", "registered", "row_label", "rows_that", "rule_of", "rules_of", "table_sizes",
]  # fmt: skip

CONSTRAINTS = ROWS
POOL, SHARE = ("pool",), ("share",)
NOTHING: Mapping[str, Any] = MappingProxyType({})

ADDED: list[Any] = []
"""Modules that `registered` adds to those of the model."""


def is_over(family: str, table: Strings) -> bool:
    """Whether a family of rows is over a table."""
    return family in CONSTRAINTS and CONSTRAINTS[family].over == table


def rows_that(holds: Callable[[Rows], bool]) -> tuple[str, ...]:
    """Return the names of the row families of which something holds."""
    return tuple(name for name, family in CONSTRAINTS.items() if holds(family))


@contextmanager
def registered(
    module: Any, *, variables: Mapping[str, Variable] = NOTHING, rows: Mapping[str, Rows] = NOTHING
) -> Iterator[None]:
    """Add a module with its families to the model while the context lasts.

    The module has the three functions of every encoding: `add_variables`, `add_local_constraints` and
    `add_coupling_constraints`.
    """
    registers: tuple[tuple[dict[str, Any], Mapping[str, Any]], ...] = ((VARIABLES, variables), (CONSTRAINTS, rows))
    for known, new in registers:
        twice = sorted(name for name in new if name in known)
        if twice:
            raise ValueError(f"families of these names exist: {', '.join(twice)}")
    for known, new in registers:
        known.update(new)
    ADDED.append(module)
    try:
        yield
    finally:
        ADDED.remove(module)
        for known, new in registers:
            for name in new:
                del known[name]


def table_sizes(problem: Problem) -> dict[str, int]:
    """Return the length of the table that each variable family is indexed by.

    `unserved` and `move` have one entry per period within each stream and each row of Moves.
    """
    tables = Tables(problem)
    return {
        name: tables.size(family.over) if family.rows is None else int(family.rows(problem).size)
        for name, family in VARIABLES.items()
    }


def row_label(problem: Problem, family: str, key: int) -> str:
    """Return what a row is about, by the ids of what it is over: demand of workload chat, period 0, stream 1."""
    over = CONSTRAINTS[family].over if family in CONSTRAINTS else ()
    return f"{family} of {Tables(problem).label(over, key)}" if over else f"{family}[{key}]"


def ids_of(problem: Problem, family: str) -> Strings | None:
    """Return the ids by which the rows of a family are known, None where their table has none."""
    return Tables(problem).ids(CONSTRAINTS[family].over)


def rule_of(problem: Problem, family: str) -> str:
    """Return what kind of rule the rows of a family state, as the ids of their table name it; "" where none do."""
    over = CONSTRAINTS[family].over
    return next((one.column.rule for one in columns_of(problem) if one.column.rule and one.column.rows == over), "")


def rules_of(problem: Problem, family: str, keys: Ints) -> list[Strings]:
    """Return by row of a family the ids of the rules that it stems from; none where it says what things are."""
    rows = CONSTRAINTS[family]
    over, at = (rows.over, keys) if rows.case is None else (("survival case",), rows.case(problem)[keys])
    return Tables(problem).rules(over, rows.stated_by, at)
