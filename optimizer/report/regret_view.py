"""Plans judged in every future for people: the plan of least worst regret, what breaks, and when a plan fails."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from optimizer.explain.rows import Interval
from optimizer.report.parts import MANY, amounts_in, bullet, currency_code, grid, heading, put, some, usd
from optimizer.report.plain import printable_model
from optimizer.study.discovery import Discovery
from optimizer.study.regrets import Cell, PlanJudged, RegretTable


def render_regret(table: RegretTable, console: Console, *, verbose: bool = False) -> None:
    """Print plans by how well they do, then every cell; control characters are written out."""
    table = printable_model(table)
    with amounts_in(table.currency):
        console.print(Text(_head(table), style="bold"))
        shown = grid(["plan chosen under", "fails in", "worst regret, USD", "where"],
                     right=["fails in", "worst regret, USD"])  # fmt: skip
        rows: list[list[str | Text]] = [
            [_named(one), f"{one.fails} of {len(table.futures)}", _interval(one.worst_regret_usd),
             one.worst_future or ""] for one in table.plans
        ]
        _put(console, shown, rows, verbose=verbose)
        _cells(table, console, verbose=verbose)
        for name in table.impossible:
            bullet(console, f"{name}: no plan is known there")
        if table.unsolved:
            told = some(table.unsolved)
            bullet(console, f"not solved to a bound: {told}; a regret there is at least what is told")


def render_discovery(found: Discovery, console: Console) -> None:
    """Print when something fails, and every rule with what it covers; control characters are written out."""
    found = printable_model(found)
    console.print(Text(found.sentence, style="bold"))
    if found.rules:
        table = grid(["when", "fails", "of all failures"], right=["fails", "of all failures"])
        for rule in found.rules:
            told = " and ".join(map(str, rule.conditions))
            table.add_row(told, f"{rule.failing} of {rule.covered}", f"{rule.coverage:.0%}")
        put(console, table)
    if found.left_out:
        bullet(console, f"{found.left_out} without values of axes or without a result are left out")


def _head(table: RegretTable) -> str:
    least, futures = table.least, len(table.futures)
    if least.worst_regret_usd is None:
        return f"every plan fails in all of {futures} futures, or has no regret there"
    head = f"least worst regret: the plan chosen under {least.plan}, {_interval(least.worst_regret_usd)}"
    head = f"{head} {currency_code()} at worst in {least.worst_future}"
    return head + (f"; it fails in {least.fails} of {futures} futures" if least.fails else "")


def _named(one: PlanJudged) -> str:
    more = len(one.chosen_under_too)
    return one.plan + (f" (and {more} more)" if more else "")


def _interval(of: Interval | None) -> str:
    """Return an amount that is proven to lie in an interval; one figure where both ends read the same."""
    if of is None:
        return ""
    low, high = usd(of.low), None if of.high is None else usd(of.high)
    if high is None:
        return f"at least {low}"
    return low if low == high else f"{low} to {high}"


def _cells(table: RegretTable, console: Console, *, verbose: bool) -> None:
    heading(console, "In every future")
    shown = grid(["plan", "future", "costs, USD", "best possible, USD", "regret, USD", "fails by"],
                 right=["costs, USD", "best possible, USD", "regret, USD"])  # fmt: skip
    rows: list[list[str | Text]] = [
        [cell.plan, cell.future, "" if cell.cost_usd is None else usd(cell.cost_usd), _interval(cell.best_usd),
         _interval(cell.regret_usd), _fails(cell)] for cell in table.cells
    ]  # fmt: skip
    _put(console, shown, rows, verbose=verbose)


def _put(console: Console, table: Table, rows: Sequence[Sequence[str | Text]], *, verbose: bool) -> None:
    shown = rows if verbose else rows[:MANY]
    for row in shown:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    left = len(rows) - len(shown)
    put(console, table, f"... and {left:,} more rows, all of them with --verbose" if left else "")


def _fails(cell: Cell) -> str:
    return "; ".join([*cell.breaks, *(f"the limit on {name} is missed" for name in cell.missed)])
