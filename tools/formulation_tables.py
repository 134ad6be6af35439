"""Write the tables of docs/formulation.md from what the formulations state: `python tools/formulation_tables.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from formulations import CONSTRAINTS, VARIABLES, Problem
from formulations.problem import Regions
from formulations.tables import columns_of

PAGE = Path(__file__).parents[1] / "docs" / "formulation.md"


def parameters() -> list[tuple[str, ...]]:
    """Return (symbol, meaning, unit, field) of every column that has a symbol."""
    columns = columns_of(Problem((), np.zeros(0), Regions()))
    stated = [(one.column, f"`{one.name}`") for one in columns if one.column.symbol]
    return [(column.symbol, column.meaning, column.unit, name) for column, name in stated]


def variables() -> list[tuple[str, ...]]:
    """Return (symbol, component, index, domain, meaning, module) of every family of variables."""
    return [(v.symbol, f"`{name}`", v.which, v.values, v.sentence, v.module) for name, v in VARIABLES.items()]


def constraints() -> list[tuple[str, ...]]:
    """Return (component, kind, equation, module) of every family of rows."""
    return [(f"`{name}`", rows.kind, rows.equation, rows.module) for name, rows in CONSTRAINTS.items()]


TABLES = {
    "Parameters": parameters,
    "Symbol table: variables": variables,
    "Symbol table: constraints": constraints,
}


def with_tables(page: str) -> str:
    """Return the page with the rows of its tables as stated; what stands around them stays."""
    for title, rows in TABLES.items():
        before, section = page.split(f"## {title}\n", 1)
        lines = section.split("\n")
        first = next(place for place, line in enumerate(lines) if line.startswith("|---")) + 1
        last = next(place for place in range(first, len(lines)) if not lines[place].startswith("|"))
        lines[first:last] = ["|" + "|".join(f" {cell} " if cell else " " for cell in row) + "|" for row in rows()]
        page = f"{before}## {title}\n" + "\n".join(lines)
    return page


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
