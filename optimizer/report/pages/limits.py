"""What limits the plan: budgets, shares and quotas with what is left of them; what rules cost; which figures decide."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.explain.rows import PricesAnswer
from optimizer.plan.rows import QuotaUse
from optimizer.report.pages.context import Context, plural
from optimizer.report.pages.prices import price_blocks, saved_without
from optimizer.report.pages.view import Block, Cell, Fold, Section, cell, notes, table
from optimizer.report.parts import amount, currency_code, in_currency, percent, some

BINDS, ROUNDING, MOST_DIGITS, LEAST_TOLD = 1e-6, 1e-9, 12, 0.1
UNITS = {"carbon_kg": "kg", "water_l": "l", "energy_kwh": "kWh", "spend_usd": ""}
OPEN_ROWS = 12
"""Limits told before the roomier ones are folded."""
DEFAULTS = {"devices": "quotas.default_devices", "vcpus": "quotas.default_vcpus",
            "units_per_s": "quotas.default_endpoint_units_per_s"}  # fmt: skip
"""What the ids of quotas that nobody stated begin with, and the default they come from, which is priced as one rule."""
SAVES = "Without it saves"
ASK = (
    "What a rule costs was not asked: domicile report --prices SECONDS asks it of all of them, or domicile explain "
    "prices of some, whose answer becomes part of this page with --with."
)


def limits_section(context: Context, prices: PricesAnswer | None) -> Section:
    """Return the section on limits: used, left, and what one more unit or one rule less would save."""
    every = sorted([*_budgets(context), *_shares(context), *_places(context), *_quotas(context)],
                   key=lambda one: (one[1][1].tone != "warn", -(one[1][1].share or 0.0)))  # fmt: skip
    rows = [row for _, row in every]
    binding = [row[0].text for row in rows if row[1].tone == "warn"]
    lead = f"{plural(len(rows), 'limit')} bear on this plan; " if len(rows) != 1 else "One limit bears on this plan; "
    leave = "leaves" if len(binding) == 1 else "leave"
    lead += f"{len(binding)} {leave} no room: {some(binding, 4)}." if binding else "all of them leave room."
    columns, right = ["Limit", "Share used", "Used", "Of", "Left"], ["Used", "Of", "Left"]
    if prices is not None:
        saved = saved_without(prices)
        rows = [[*row, cell(saved.get(rule, ""))] for rule, row in every]
        columns, right = [*columns, SAVES], [*right, SAVES]
    blocks: list[Block] = []
    if rows:
        blocks.append(table("Budgets, shares and quotas", columns, rows[:OPEN_ROWS], right=right))
    if len(rows) > OPEN_ROWS:
        rest = table("The other limits", columns, rows[OPEN_ROWS:], right=right)
        blocks.append(Fold(f"{len(rows) - OPEN_ROWS:,} limits with more room", (rest,)))
    blocks += price_blocks(prices) if prices is not None else notes(ASK)
    return Section("limits", "What limits the plan", lead, tuple(blocks))


def _row(
    named: tuple[str, str], used: float, limit: float, left: float, texts: Sequence[str], *, note: str = ""
) -> tuple[str, list[Cell]]:
    """Return the rule that a limit is of, and its row; `named` are both."""
    rule, name = named
    share = used / limit if limit else 1.0
    tight = left <= BINDS * max(1.0, abs(limit))
    told = cell(percent(share, 0), "no room left" if tight else "", "warn" if tight else "", share)
    return rule, [cell(name, note), told, *map(cell, texts)]


def _left(slack: float, limit: float) -> float:
    """Return what is left of a limit, nothing where it is what rounding leaves."""
    return slack if abs(slack) > ROUNDING * max(1.0, abs(limit)) else 0.0


def _budgets(context: Context) -> list[tuple[str, list[Cell]]]:
    found = []
    for row in context.plan.budgets:
        money_ = row.metric == "spend_usd"
        used, limit, left = (in_currency(x) if money_ else x for x in (row.used, row.limit, row.slack))
        left = _left(left, limit)
        unit = currency_code() if money_ else UNITS[row.metric]
        told = [
            "operational only" if row.counts == "operational" else "",
            "at the high estimate" if row.estimate == "high" else "",
            f"{amount(row.embodied, 'kg')} of it embodied" if row.embodied else "",
            f"exceeded at the high estimate ({amount(row.used_high, unit)})" if row.holds_high is False else "",
        ]
        texts = [amount(x, unit) for x in (used, limit, left)]
        note = "; ".join(filter(None, told))
        found.append(_row((f"budget:{row.id}", f"budget {row.id}"), used, limit, left, texts, note=note))
    return found


def _shares(context: Context) -> list[tuple[str, list[Cell]]]:
    found = []
    for row in context.plan.shares:
        most = row.sense == "at_most"
        left = _left(row.bound - row.value if most else row.value - row.bound, row.bound)
        name = f"policy {row.id} ({'at most' if most else 'at least'})"
        texts = [percent(row.value), percent(row.bound), percent(left)]
        used, limit = (row.value, row.bound) if most else (row.bound, row.value or 1.0)
        found.append(_row((f"policy:{row.id}", name), used, limit, left, texts))
    return found


def _places(context: Context) -> list[tuple[str, list[Cell]]]:
    found = []
    for row in context.plan.places:
        used = len(row.used)
        for side, bound in (("at least", row.min_in_use), ("at most", row.max_in_use)):
            if bound is not None:
                left = bound - used if side == "at most" else used - bound
                share = (used, bound) if side == "at most" else (bound, used)
                texts = [str(used), str(bound), str(left)]
                name = f"policy {row.id} ({row.of} in use, {side})"
                found.append(_row((f"policy:{row.id}", name), *share, left, texts))
    return found


def _quotas(context: Context) -> list[tuple[str, list[Cell]]]:
    """Return one row for each quota, at its fullest period."""
    fullest: dict[str, QuotaUse] = {}
    for row in context.plan.quotas:
        if row.id not in fullest or row.slack < fullest[row.id].slack:
            fullest[row.id] = row
    return [
        _row((_quota_rule(row.id), quota_name(row.id)), row.used, row.limit, row.slack,
             [amount(x) for x in (row.used, row.limit, _left(row.slack, row.limit))])
        for row in fullest.values()
    ]  # fmt: skip


def quota_name(name: str) -> str:
    """Return what a quota is called; one of the defaults by what it is of."""
    kind, _, of = name.partition(":")
    if kind not in DEFAULTS:
        return f"quota {name}"
    device, _, region = of.partition("@")
    if kind == "devices":
        return f"quota of {device} in {region}"
    return f"quota of vCPUs in {of}" if kind == "vcpus" else f"quota of units/s of {of}"


def _quota_rule(name: str) -> str:
    return f"quota:{DEFAULTS.get(name.partition(':')[0], name)}"


def deciding_section(context: Context) -> Section:
    """Return the section on figures whose error would change the plan."""
    rows = [
        [cell(one.of, f"{one.figure}, {one.quality}"), *_apart(one.value, one.switches_at, one.unit),
         cell(_room(one.value, one.switches_at), tone="warn" if _near(one.value, one.switches_at) else ""),
         one.sentence]
        for one in context.plan.switching
    ]  # fmt: skip
    lead = "Which figure would change the plan was not asked, or no figure would."
    if rows:
        first = context.plan.switching[0]
        lead = f"The figure nearest to where another plan is better: {first.sentence}."
    late = [one for one in context.plan.unfinished if one.what == "switching"]
    if late and not rows:
        count = sum(one.questions for one in late)
        lead = f"Time was too short to find out which of {plural(count, 'figure')} would change the plan."
    columns = ["Figure", "Now", "Changes at", "Room", "Then"]
    blocks = (table("Switching values", columns, rows, right=["Now", "Changes at", "Room"]),) if rows else ()
    told = [f"Time was too short for {plural(one.questions, 'more figure')}." for one in late if rows]
    return Section("changes", "What would change the answer", lead, (*blocks, *notes(*told)))


def _apart(value: float, at: float, unit: str) -> tuple[str, str]:
    """Return two figures with as many digits as tell them apart."""
    told = amount(value, unit), amount(at, unit)
    digits = 5
    while told[0] == told[1] and value != at and digits < MOST_DIGITS:
        told = f"{value:.{digits}g} {unit}", f"{at:.{digits}g} {unit}"
        digits += 1
    return told


def _near(value: float, at: float) -> bool:
    return abs(at - value) <= 0.01 * abs(value)


def _room(value: float, at: float) -> str:
    if not value:
        return ""
    share = 100 * (at - value) / abs(value)
    return f"{share:+.1f} %" if abs(share) >= LEAST_TOLD or at == value else f"less than {LEAST_TOLD:g} %"
