"""What limits the plan: budgets, shares and quotas with what is left of them; what rules cost; which figures decide."""

from __future__ import annotations

import re
from collections.abc import Sequence

from optimizer.explain.rows import Interval, PricesAnswer
from optimizer.plan.rows import QuotaUse
from optimizer.report.pages.context import Context, plural
from optimizer.report.pages.view import Block, Cell, Fold, Section, cell, notes, table
from optimizer.report.parts import amount, currency_code, in_currency, money, percent, some

BINDS = 1e-6
UNITS = {"carbon_kg": "kg", "water_l": "l", "energy_kwh": "kWh", "spend_usd": ""}
OPEN_ROWS = 12
"""Limits told before the roomier ones are folded."""


def limits_section(context: Context, prices: PricesAnswer | None) -> Section:
    """Return the section on limits: used, left, and what one more unit or one rule less would save."""
    rows = sorted([*_budgets(context), *_shares(context), *_places(context), *_quotas(context)],
                  key=lambda row: (row[1].tone != "warn", -(row[1].share or 0.0)))  # fmt: skip
    binding = [row[0].text for row in rows if row[1].tone == "warn"]
    lead = f"{plural(len(rows), 'limit')} bear on this plan; " if len(rows) != 1 else "One limit bears on this plan; "
    leave = "leaves" if len(binding) == 1 else "leave"
    lead += f"{len(binding)} {leave} no room: {some(binding, 4)}." if binding else "all of them leave room."
    columns = ["Limit", "Share used", "Used", "Of", "Left"]
    right = ["Used", "Of", "Left"]
    blocks: list[Block] = []
    if rows:
        blocks.append(table("Budgets, shares and quotas", columns, rows[:OPEN_ROWS], right=right))
    if len(rows) > OPEN_ROWS:
        rest = table("The other limits", columns, rows[OPEN_ROWS:], right=right)
        blocks.append(Fold(f"{len(rows) - OPEN_ROWS:,} limits with more room", (rest,)))
    if prices is not None:
        blocks.append(price_tags(prices))
    elif binding:
        blocks += notes("What one more unit of a limit, or one rule less, would save: domicile explain prices; its "
                        "answer becomes part of this page with --with prices.json.")  # fmt: skip
    return Section("limits", "What limits the plan", lead, tuple(blocks))


def _row(
    name: str, used: float, limit: float, left: float, texts: Sequence[str], *, note: str = ""
) -> list[Cell]:
    share = used / limit if limit else 1.0
    tight = left <= BINDS * max(1.0, abs(limit))
    return [
        cell(name, note), cell(percent(share, 0), "no room left" if tight else "", "warn" if tight else "", share),
        *(cell(text) for text in texts),
    ]  # fmt: skip


def _budgets(context: Context) -> list[list[Cell]]:
    found = []
    for row in context.plan.budgets:
        money_ = row.metric == "spend_usd"
        used, limit, left = (in_currency(x) if money_ else x for x in (row.used, row.limit, row.slack))
        unit = currency_code() if money_ else UNITS[row.metric]
        told = [
            "operational only" if row.counts == "operational" else "",
            "at the high estimate" if row.estimate == "high" else "",
            f"{amount(row.embodied, 'kg')} of it embodied" if row.embodied else "",
            f"exceeded at the high estimate ({amount(row.used_high, unit)})" if row.holds_high is False else "",
        ]
        texts = [amount(x, unit) for x in (used, limit, left)]
        found.append(_row(f"budget {row.id}", used, limit, left, texts, note="; ".join(filter(None, told))))
    return found


def _shares(context: Context) -> list[list[Cell]]:
    found = []
    for row in context.plan.shares:
        most = row.sense == "at_most"
        left = row.bound - row.value if most else row.value - row.bound
        name = f"policy {row.id} ({'at most' if most else 'at least'})"
        texts = [percent(row.value), percent(row.bound), percent(left)]
        used, limit = (row.value, row.bound) if most else (row.bound, row.value or 1.0)
        found.append(_row(name, used, limit, left, texts))
    return found


def _places(context: Context) -> list[list[Cell]]:
    found = []
    for row in context.plan.places:
        used = len(row.used)
        for side, bound in (("at least", row.min_in_use), ("at most", row.max_in_use)):
            if bound is not None:
                left = bound - used if side == "at most" else used - bound
                share = (used, bound) if side == "at most" else (bound, used)
                texts = [str(used), str(bound), str(left)]
                found.append(_row(f"policy {row.id} ({row.of} in use, {side})", *share, left, texts))
    return found


def _quotas(context: Context) -> list[list[Cell]]:
    """Return one row for each quota, at its fullest period."""
    fullest: dict[str, QuotaUse] = {}
    for row in context.plan.quotas:
        if row.id not in fullest or row.slack < fullest[row.id].slack:
            fullest[row.id] = row
    return [
        _row(quota_name(row.id), row.used, row.limit, row.slack, [amount(x) for x in (row.used, row.limit, row.slack)])
        for row in fullest.values()
    ]  # fmt: skip


def quota_name(name: str) -> str:
    """Return what a quota is called; one of the defaults by what it is of."""
    found = re.fullmatch(r"devices:(.+)@(.+)", name)
    return f"quota {name}" if found is None else f"quota of {found[1]} in {found[2]}"


def price_tags(prices: PricesAnswer) -> Block:
    """Return what each rule costs, the dearest first."""
    rows = [
        [cell(one.rule, one.sentence), _between(one.lifted_usd), _between(one.tighter_usd, one.tighter_possible),
         _between(one.looser_usd), "" if one.lifted_kg is None else f"{one.lifted_kg:+,.4g}", some(one.moves, 3)]
        for one in prices.prices
    ]  # fmt: skip
    columns = ["Rule", "Without it saves", "One step tighter costs", "One step looser saves", "kg CO2e without it",
               "Moves without it"]  # fmt: skip
    return table("Price tags of rules", columns, rows, right=columns[1:5])


def _between(of: Interval | None, possible: bool | None = None) -> str:
    if possible is False:
        return "no plan then"
    if of is None:
        return ""
    low, high = in_currency(of.low), None if of.high is None else in_currency(of.high)
    if high is None:
        return f"{money(of.low)} at least"
    if high - low <= max(1.0, 0.001 * abs(high)):
        return money(of.high)
    return f"{low:,.0f} to {high:,.0f} {currency_code()}"


def deciding_section(context: Context) -> Section:
    """Return the section on figures whose error would change the plan."""
    rows = [
        [cell(one.of, f"{one.figure}, {one.quality}"), amount(one.value, one.unit), amount(one.switches_at, one.unit),
         cell(_room(one.value, one.switches_at), tone="warn" if _near(one.value, one.switches_at) else ""),
         one.sentence]
        for one in context.plan.switching
    ]  # fmt: skip
    lead = "Which figure would change the plan was not asked, or no figure would."
    if rows:
        first = context.plan.switching[0]
        lead = f"The figure nearest to where another plan is better: {first.sentence}."
    columns = ["Figure", "Now", "Changes at", "Room", "Then"]
    blocks = (table("Switching values", columns, rows, right=["Now", "Changes at", "Room"]),) if rows else ()
    late = [one for one in context.plan.unfinished if one.what == "switching"]
    told = [f"Time was too short for {plural(one.questions, 'more figure')} ({one.seconds:.0f} s)." for one in late]
    return Section("changes", "What would change the answer", lead, (*blocks, *notes(*told)))


def _near(value: float, at: float) -> bool:
    return abs(at - value) <= 0.01 * abs(value)


def _room(value: float, at: float) -> str:
    return "" if not value else f"{100 * (at - value) / abs(value):+.1f} %"
