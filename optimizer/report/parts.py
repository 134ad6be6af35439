"""The few shapes every report is made of: money and amounts as text, quiet tables, headings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from optimizer.plan.rows import PlanCurrency

UNKNOWN = "unknown"
MANY = 40
"""Rows of one table shown before the rest is only counted (all with verbose)."""


_SHOWN_IN: ContextVar[PlanCurrency | None] = ContextVar("currency", default=None)


@contextmanager
def amounts_in(currency: PlanCurrency | None) -> Iterator[None]:
    """Show amounts in a currency while the context lasts; without one in USD."""
    token = _SHOWN_IN.set(currency)
    try:
        yield
    finally:
        _SHOWN_IN.reset(token)


def currency_code() -> str:
    """Return the code of the currency that amounts are shown in."""
    shown = _SHOWN_IN.get()
    return "USD" if shown is None else shown.code


def in_currency(value_usd: float) -> float:
    """Return an amount in USD in the currency shown."""
    shown = _SHOWN_IN.get()
    return value_usd if shown is None else value_usd / shown.usd_per_unit


def usd(value: float | None) -> str:
    """Return an amount in USD as people write it, in the currency shown; small ones keep their cents."""
    if value is None:
        return UNKNOWN
    value = in_currency(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}"


def money(value: float | None) -> str:
    """Return an amount in USD in the currency shown, with its code."""
    return f"{usd(value)} {currency_code()}"


def amount(value: float | None, unit: str = "") -> str:
    """Return a figure with three significant digits or more, and its unit."""
    if value is None:
        return UNKNOWN
    size = abs(value)
    text = f"{value:,.0f}" if size >= 1000 else f"{value:.4g}" if size >= 1e-3 or size == 0 else f"{value:.2e}"
    return f"{text} {unit}" if unit else text


def percent(value: float | None, digits: int = 1) -> str:
    """Return a share in per cent."""
    return UNKNOWN if value is None else f"{100 * value:.{digits}f} %"


def some(names: Iterable[str], most: int = 3) -> str:
    """Return names joined, the first few and how many more there are."""
    every = list(dict.fromkeys(names))
    more = len(every) - most
    return ", ".join(every[:most]) + (f" +{more}" if more > 0 else "")


def heading(console: Console, text: str) -> None:
    """Print a section's heading with a blank line before it."""
    console.print()
    console.print(Text(text, style="bold"))


def grid(columns: Sequence[str], *, right: Iterable[str] = (), whole: Iterable[str] = ()) -> Table:
    """Return an empty table without lines: `right` columns hold figures; they and `whole` ones never wrap.

    USD in the name of a column stands for the currency shown.
    """
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    figures = set(right)
    firm = figures | set(whole)
    for name in columns:
        table.add_column(
            name.replace("USD", currency_code()),
            justify="right" if name in figures else "left",
            no_wrap=name in firm,
            overflow="fold",
        )
    return table


def add_rows(table: Table, rows: Sequence[Sequence[str | Text]], *, verbose: bool) -> str:
    """Add rows, the first ones only unless `verbose`; return the sentence that counts the others."""
    shown = rows if verbose else rows[:MANY]
    for row in shown:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    left = len(rows) - len(shown)
    return f"... and {left:,} more rows, all of them in the plan file" if left else ""


def put(console: Console, table: Table, rest: str = "") -> None:
    """Print a table and, below it, what was left out."""
    console.print(table)
    if rest:
        console.print(Text(rest, style="dim"))


def bullet(console: Console, text: str, style: str = "") -> None:
    """Print one line of a list; long ones are wrapped under their own text."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_row(Text("-"), Text(text, style=style, overflow="fold"))
    console.print(table)
