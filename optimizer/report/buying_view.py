"""What a plan commits to, and what of the commitments is idle, as text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from optimizer.plan.models import Plan
from optimizer.plan.rows import CommitmentUse
from optimizer.report.parts import add_rows, bullet, grid, heading, money, put, usd

BINDING = 1e-6
SHOWN = 8


def render_idle(plan: Plan, console: Console, *, verbose: bool) -> None:
    """A line for each commitment of which something is idle throughout."""
    idle = [use for use in plan.commitments if use.idle > BINDING]
    shown = idle if verbose else idle[:SHOWN]
    for use in shown:
        what = f"{use.idle:g} of {use.instances:g} {use.sku} in {use.region_id}"
        bullet(console, f"commitment {use.id}: {what} idle in every period, paid already{_idle_cost(use)}")
    if len(shown) < len(idle):
        console.print(Text(f"... and {len(idle) - len(shown)} more commitments with idle instances", style="dim"))


def _idle_cost(use: CommitmentUse) -> str:
    """Say what the hours cost in which a commitment is idle."""
    if use.idle_usd is None:
        return ""
    basis = " at the price on demand" if use.idle_price == "on_demand" else ""
    return f"; idle hours cost {money(use.idle_usd)}{basis}"


def render_purchases(plan: Plan, console: Console, *, verbose: bool) -> None:
    """What the plan buys: how much, for how long, at what price, and from which month on it pays."""
    if not plan.purchases:
        return
    heading(console, "To buy")
    columns = ["commitment", "amount", "term", "term costs", "charged", "idle", "pays from"]
    table = grid(columns, right=["amount", "term costs", "charged", "idle"])
    rows: list[Sequence[str | Text]] = []
    for row in sorted(plan.purchases, key=lambda row: -row.term_usd):
        pays = f"month {row.break_even_month}" if row.break_even_month is not None else "not within the term"
        if row.on_demand_usd is None:
            pays = "no price on demand"
        rows.append([
            row.id, f"{row.amount:,.6g} {row.unit}", f"{row.term_months:g} months", money(row.term_usd),
            usd(row.charged_usd), usd(row.idle_usd), pays,
        ])  # fmt: skip
    put(console, table, add_rows(table, rows, verbose=verbose))
