"""docs/formulation.md against the model: every component is in a symbol table, every row is a component."""

from __future__ import annotations

import re
from pathlib import Path

import pyomo.core as pyo
from problem_generators import random_problem

import formulations
from formulations import CONSTRAINTS, build_model
from formulations.build import MODULES
from tools.formulation_tables import with_tables

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "formulation.md").read_text(encoding="utf-8")


def _section(title: str) -> list[list[str]]:
    """Return the cells of the table rows below a heading."""
    text = PAGE.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip().strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def _names(kind: type) -> set[str]:
    return {c.local_name for c in build_model(random_problem(0)).component_objects(kind)}


def test_variables_and_the_symbol_table_agree() -> None:
    """Every Var component has a row, once, and every row is a Var component."""
    listed = [row[1].strip("`") for row in _section("Symbol table: variables")]
    assert sorted(listed) == sorted(_names(pyo.Var))


def test_constraints_and_the_symbol_table_agree() -> None:
    """Every Constraint component has a row with its kind, once, and every row is a Constraint component."""
    rows = _section("Symbol table: constraints")
    assert sorted(row[0].strip("`") for row in rows) == sorted(_names(pyo.Constraint))
    assert {row[0].strip("`"): row[1] for row in rows} == {name: rows.kind for name, rows in CONSTRAINTS.items()}


def test_modules_named_by_the_tables_state_the_component() -> None:
    """The module of every row exists, and its docstring (or that of jobs, for moves) names the component."""
    for title, column in (("Symbol table: variables", 1), ("Symbol table: constraints", 0)):
        for row in _section(title):
            name, module = row[column].strip("`"), row[-1]
            source = getattr(formulations, module)
            if name == "impossible":
                continue
            text = formulations.jobs.__doc__ if module == "moves" else source.__doc__
            assert re.search(rf"\b{name}\b", text), (module, name)


def test_the_tables_are_those_of_the_statements() -> None:
    """Parameters, variables and constraints read as the columns and families state them."""
    assert with_tables(PAGE) == PAGE, "run python tools/formulation_tables.py"


def test_every_parameter_field_exists() -> None:
    """Fields written `table.field` are fields of the Problem."""
    problem = random_problem(0)
    for table, field in re.findall(r"`([a-z_]+)\.([a-z_]+)`", PAGE):
        if hasattr(problem, table):
            assert hasattr(getattr(problem, table), field), f"{table}.{field}"


def test_modules_have_the_three_parts() -> None:
    """Every encoding adds variables, local rows and coupling rows by functions of the same names."""
    for module in MODULES:
        for part in ("add_variables", "add_local_constraints", "add_coupling_constraints"):
            assert callable(getattr(module, part)), (module.__name__, part)
