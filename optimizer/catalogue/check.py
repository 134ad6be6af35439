"""Turn raw tables into typed ones and name everything that is wrong with them.

Each function appends `Issue`s to a list and goes on, so that one load reports every problem at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pandas as pd

from optimizer.catalogue.schema import Column, Table
from optimizer.errors import Issue

MAX_PER_PROBLEM = 20


class _Report(Protocol):
    def __call__(self, mask: np.ndarray, what: str, maybe: str | None = None) -> None:
        """Report every True row of `mask`."""


_TRUE, _FALSE = {"true", "1", "yes"}, {"false", "0", "no", ""}


def typed(table: Table, raw: pd.DataFrame, file: str | None, issues: list[Issue]) -> pd.DataFrame:
    """Return the table with every known column present and typed; problems go to `issues`.

    Columns the schema does not know are kept as they came. The index is not set here.
    """
    out: dict[str, object] = {}
    for column in table.columns:
        if column.name in raw.columns:
            out[column.name] = _convert(table, column, raw[column.name], file, issues)
        elif column.required and column.default is None:
            issues.append(Issue(f"table {table.name!r} has no column {column.name!r}", file, table.name))
            out[column.name] = _absent(column, len(raw))
        else:
            out[column.name] = _absent(column, len(raw))
    for name in raw.columns:
        if name not in out:
            out[name] = raw[name].to_numpy()
    return pd.DataFrame(out).reset_index(drop=True)


def _absent(column: Column, rows: int) -> object:
    """Values of a column the file does not have."""
    if column.kind in ("number", "integer"):
        return np.full(rows, np.nan if column.default is None else column.default, dtype=float)
    if column.kind == "flag":
        return np.full(rows, bool(column.default))
    if column.kind == "countries":
        return [frozenset()] * rows
    if column.kind in ("countries_or_none", "tristate"):
        return np.full(rows, None, dtype=object)
    return np.full(rows, column.default if column.default is not None else "", dtype=object)


def _convert(table: Table, column: Column, cells: pd.Series, file: str | None, issues: list[Issue]) -> object:
    """Type one column; each bad cell becomes an Issue that names row, column and value."""

    def report(mask: np.ndarray, what: str, maybe: str | None = None) -> None:
        bad = np.flatnonzero(mask)
        for row in bad[:MAX_PER_PROBLEM]:
            value = cells.iloc[row]
            value = value.item() if isinstance(value, np.generic) else value
            issues.append(Issue(f"{what}: {value!r}", file, f"{table.name}: row {row + 1}, column {column.name}",
                                int(row) + 2 if file else None, maybe))  # fmt: skip
        if len(bad) > MAX_PER_PROBLEM:
            rest = f"{what}: {len(bad) - MAX_PER_PROBLEM} more cells"
            issues.append(Issue(rest, file, f"{table.name}: {column.name}"))

    empty = cells.isna().to_numpy()
    if column.required and empty.any():
        report(empty, "empty cell")
    if column.kind == "number":
        return _numbers(column, cells, empty, report)
    if column.kind in ("countries", "countries_or_none"):
        return _countries(column, cells, report)
    if column.kind in ("flag", "tristate"):
        return _flags(column, cells, report)
    text = _text(cells, empty, str(column.default) if column.words and column.default is not None else "")
    if column.required:
        report((text.str.strip().eq("") & ~empty).to_numpy(), "blank text")
    if column.words:
        report((~text.isin(column.words)).to_numpy(), "unknown word", f"use one of {', '.join(column.words)}")
    if column.kind == "date":
        parsed = pd.to_datetime(text.where(text.ne("")), format="%Y-%m-%d", errors="coerce")
        report((parsed.isna() & text.ne("")).to_numpy(), "not a date YYYY-MM-DD")
    return text


def _text(cells: pd.Series, empty: np.ndarray, missing: str) -> pd.Series:
    """Return cells as text; what was read as text already is not converted again."""
    if isinstance(cells.dtype, pd.StringDtype):
        return cells.fillna(missing) if empty.any() else cells
    return cells.astype(object).where(~empty, missing).astype(str)


def _numbers(column: Column, cells: pd.Series, empty: np.ndarray, report: _Report) -> np.ndarray:
    values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    report(np.isnan(values) & ~empty, "not a number")
    report(np.isinf(values), "not finite")
    finite = np.isfinite(values)
    if column.low is not None:
        below = values <= column.low if column.above_low else values < column.low
        report(finite & below, f"must be {'above' if column.above_low else 'at least'} {column.low:g}")
    if column.high is not None:
        report(finite & (values > column.high), f"must be at most {column.high:g}")
    return values


def _countries(column: Column, cells: pd.Series, report: _Report) -> np.ndarray:
    """Cells `A|B` or ready-made sets become frozensets of ISO codes; empty is the empty set, or None where allowed."""
    cache: dict[frozenset[str] | str, tuple[frozenset[str] | None, bool]] = {}
    bad = np.zeros(len(cells), dtype=bool)
    out = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells.to_numpy(dtype=object)):
        key: frozenset[str] | str = cell if isinstance(cell, str) else ""
        if isinstance(cell, (set, frozenset, list, tuple)):
            key = frozenset(cell)
        known = cache.get(key)
        if known is None:
            found = frozenset(t for t in key.split("|") if t) if isinstance(key, str) else key
            wrong = any(not (isinstance(t, str) and len(t) == 2 and t.isupper()) for t in found)
            known = cache[key] = (None if column.kind == "countries_or_none" and not found else found, wrong)
        out[row], bad[row] = known
    report(bad, "not ISO 3166-1 alpha-2 codes")
    return out


def _flags(column: Column, cells: pd.Series, report: _Report) -> np.ndarray:
    words = cells.astype(object).where(cells.notna(), "").astype(str).str.lower()
    true, false = words.isin(_TRUE).to_numpy(), words.isin(_FALSE).to_numpy()
    report(~true & ~false, "neither true nor false")
    if column.kind == "flag":
        return true
    out = np.full(len(cells), None, dtype=object)
    out[true] = True
    out[false & words.ne("").to_numpy()] = False
    return out


def check_keys(table: Table, data: pd.DataFrame, file: str | None, issues: list[Issue]) -> None:
    """Report rows whose key appeared before."""
    keys = list(table.key)
    repeated = data[data.duplicated(keys)]
    for row in list(repeated.index)[:MAX_PER_PROBLEM]:
        value = ", ".join(str(data.at[row, k]) for k in keys)
        where = f"{table.name}: row {row + 1}"
        issues.append(Issue(f"duplicate key ({value})", file, where, row + 2 if file else None))


def check_references(table: Table, data: Mapping[str, pd.DataFrame], file: str | None, issues: list[Issue]) -> None:
    """Report cells that name a row which the referenced table does not have; empty cells refer to nothing."""
    rows = data[table.name]
    for columns, target in table.references:
        if target not in data:
            continue
        known = data[target]
        if len(columns) == 1:
            cells = rows[columns[0]]
            bad = ~cells.isin(set(known[columns[0]])) & cells.ne("")
        else:
            wanted = pd.MultiIndex.from_frame(rows[list(columns)])
            bad = pd.Series(~wanted.isin(pd.MultiIndex.from_frame(known[list(columns)])), index=rows.index)
        for row in list(rows.index[bad])[:MAX_PER_PROBLEM]:
            value = ", ".join(str(rows.at[row, c]) for c in columns)
            issues.append(Issue(f"unknown {' and '.join(columns)} {value!r}", file, f"{table.name}: row {row + 1}",
                                row + 2 if file else None, f"add it to the table {target!r}"))  # fmt: skip
