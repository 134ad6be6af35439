"""What a report says of moving away from today: saving, cost of moving, payback, and who moves; and places in use."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from optimizer.plan.models import Plan, Today
from optimizer.report.parts import add_rows, amount, bullet, grid, heading, money, percent, put, some, usd

HOURS_PER_DAY = 24


def today_lines(today: Today) -> Iterator[tuple[str, str, str]]:
    """Yield the lines of the headline: (what, figure, note)."""
    share = percent(today.moved / today.running if today.running else None)
    yield "moves", f"{today.moved:,}", f"{share} of the {today.running:,} workloads that run today"
    if today.moved or today.moving_usd:
        yield "cost of moving", money(today.moving_usd), "once, part of the cost"
    if today.today_usd is None or today.saving_usd is None:
        yield "saving", "none to state", "today's set-up cannot go on, or cannot be priced"
        return
    part = percent(today.saving_usd / today.today_usd if today.today_usd else None)
    of = f"{part} of the {money(today.today_usd)} that today's set-up costs"
    yield "saving", money(today.saving_usd), of
    if today.payback_hours is not None:
        is_long = today.payback_hours >= HOURS_PER_DAY
        days = f" ({amount(today.payback_hours / HOURS_PER_DAY, 'days')})" if is_long else ""
        yield "payback", amount(today.payback_hours, "h"), f"until the saving has paid for moving{days}"


def render_today(plan: Plan, console: Console, *, verbose: bool) -> None:
    """Print who moves, from where to where, at what cost; and why today's set-up has no cost."""
    for reason in plan.today.why_not if plan.today is not None else ():
        bullet(console, f"today's set-up: {reason}")
    if not plan.relocations:
        return
    heading(console, "Moves away from today")
    table = grid(["workload", "enters", "leaves", "GB", "USD"], right=["GB", "USD"], whole=["workload"])
    rows = [
        [row.workload, some(row.entered), some(row.left), amount(row.gb) if row.gb else "", usd(row.cost_usd)]
        for row in sorted(plan.relocations, key=lambda row: (-(row.cost_usd or 0.0), row.workload))
    ]
    put(console, table, add_rows(table, rows, verbose=verbose))


def place_limits(plan: Plan) -> Iterator[list[str | Text]]:
    """Yield a row of the table of limits for each bound of a policy on places in use."""
    for row in plan.places:
        used = len(row.used)
        for side, bound in (("at least", row.min_in_use), ("at most", row.max_in_use)):
            if bound is not None:
                left = bound - used if side == "at most" else used - bound
                mark = Text("binds", style="bold yellow") if left == 0 else Text("")
                yield [f"{row.id} ({row.of} in use, {side})", f"{used}", f"{bound}", f"{left}", mark]
