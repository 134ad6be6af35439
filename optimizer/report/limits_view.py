"""What a plan uses of its limits: budgets, shares, places in use, quotas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from optimizer.plan.models import Plan
from optimizer.plan.rows import QuotaUse
from optimizer.report.carbon_view import at_high, budget_label
from optimizer.report.parts import add_rows, amount, currency_code, grid, heading, in_currency, percent, put
from optimizer.report.today_view import place_limits

BINDING = 1e-6
ROUNDING = 1e-9
ROOMY = 8
"""Quotas told before those with room to spare are only counted."""
UNITS = {"carbon_kg": "kg", "water_l": "l", "energy_kwh": "kWh", "spend_usd": "USD"}


def render_limits(plan: Plan, console: Console, *, verbose: bool) -> None:
    """Budgets and shares all of them; quotas that bind, and the fullest of the others."""
    rows: list[Sequence[str | Text]] = []
    for budget in plan.budgets:
        unit, of_money = UNITS[budget.metric], budget.metric == "spend_usd"
        used, limit, slack = (in_currency(x) if of_money else x for x in (budget.used, budget.limit, budget.slack))
        row = _limit(budget_label(budget), used, limit, slack, currency_code() if of_money else unit)
        high = at_high(budget, unit)
        rows.append([*row[:-1], Text.assemble(row[-1], " " if high and row[-1] else "", high)])
    for share in plan.shares:
        left = share.bound - share.value if share.sense == "at_most" else share.value - share.bound
        side = "at most" if share.sense == "at_most" else "at least"
        mark = _mark("binds") if left <= BINDING else Text("")
        rows.append([f"share {share.id} ({side})", percent(share.value), percent(share.bound), percent(left), mark])
    rows += place_limits(plan)
    pools, hidden = _pools(plan, verbose=verbose)
    rows += pools
    if not rows:
        return
    heading(console, "Limits")
    table = grid(["limit", "used", "of", "left", ""], right=["used", "of", "left"])
    rest = add_rows(table, rows, verbose=verbose)
    put(console, table, rest or (f"... and {hidden} quotas with more room" if hidden else ""))


def _pools(plan: Plan, *, verbose: bool) -> tuple[list[Sequence[str | Text]], int]:
    """One row per pool, at its fullest period; those that bind and the fullest others, and how many are left out."""
    by_id: dict[str, list[QuotaUse]] = defaultdict(list)
    for use in plan.quotas:
        by_id[use.id].append(use)
    fullest = {name: min(uses, key=lambda use: (use.slack, use.period)) for name, uses in by_id.items()}
    several = len({use.period for use in plan.quotas}) > 1
    rows: list[Sequence[str | Text]] = []
    hidden = 0
    for name, use in sorted(fullest.items(), key=lambda item: (item[1].slack / (item[1].limit or 1.0), item[0])):
        binding = sum(_binds(u.slack, u.limit) for u in by_id[name])
        if not verbose and not binding and len(rows) >= ROOMY:
            hidden += 1
            continue
        row = _limit(f"quota {name}", use.used, use.limit, use.slack)
        if several and binding:
            row[-1] = _mark(f"binds in {binding} periods" if binding > 1 else f"binds in {use.period}")
        rows.append(row)
    return rows, hidden


def _limit(label: str, used: float, limit: float, slack: float, unit: str = "") -> list[str | Text]:
    mark = _mark("binds") if _binds(slack, limit) else Text("")
    left = slack if slack > ROUNDING * max(1.0, abs(limit)) else 0.0
    return [label, amount(used, unit), amount(limit, unit), amount(left, unit), mark]


def _binds(slack: float, limit: float) -> bool:
    return slack <= BINDING * max(1.0, abs(limit))


def _mark(text: str) -> Text:
    return Text(text, style="bold yellow")
