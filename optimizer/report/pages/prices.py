"""What rules cost, where somebody asked: each on its own, all together, laws by fair shares, missing figures."""

from __future__ import annotations

import pandas as pd

from optimizer.explain.rows import Interval, Price, PricesAnswer, Shapley, Together
from optimizer.report.charts import bars
from optimizer.report.missing_view import WORDS
from optimizer.report.pages.context import plural
from optimizer.report.pages.view import Block, Fact, Figure, Notes, cell, notes, table
from optimizer.report.parts import currency_code, in_currency, some, usd

MOST_BARS, ALIKE = 16, 0.001
STEPS = {"latency": "ms of round trip", "policy": "of the share", "quota": "under the quota"}


def price_blocks(prices: PricesAnswer) -> tuple[Block, ...]:
    """Return what each rule costs, the dearest first; together; laws apart; and what missing figures cost."""
    told = [_together(prices.together) if prices.together is not None else ""]
    late = [one.rule for one in prices.prices if not one.complete]
    if late or not prices.complete:
        told.append(f"Time ran out on {some(late, 4)}: what they cost is less certain than it could be."
                    if late else "Time ran out: what rules cost is less certain than it could be.")  # fmt: skip
    return (*_figure(prices), *notes(*told), *_split(prices.shapley), *_missing(prices))


def dearest(prices: PricesAnswer | None) -> list[Fact]:
    """Return the rule without which most would be saved as a key figure; nothing where no rule costs anything."""
    known = [one for one in prices.prices if one.lifted_usd is not None] if prices is not None else []
    if not known:
        return []
    first = max(known, key=lambda one: _middle(one.lifted_usd))
    if _middle(first.lifted_usd) <= 0.0:
        return [Fact("Dearest rule", "none", f"each of {plural(len(known), 'rule')} alone costs nothing", "good")]
    return [Fact("Dearest rule", between(first.lifted_usd), f"saved without {first.rule}")]


def saved_without(prices: PricesAnswer | None) -> dict[str, str]:
    """Return by rule what is saved without it, in words."""
    return {one.rule: between(one.lifted_usd) for one in prices.prices} if prices is not None else {}


def between(of: Interval | None) -> str:
    """Return an amount of money that is proven to lie in an interval, as one figure where both ends are alike."""
    return "not known" if of is None else f"{_amount(of)} {currency_code()}"


def _amount(of: Interval) -> str:
    """Return it without the currency."""
    low, high = in_currency(of.low), None if of.high is None else in_currency(of.high)
    if high is None or of.high is None:
        return f"at least {usd(of.low)}"
    if high - low <= max(1.0, ALIKE * abs(high)):
        return usd(of.high) if low > 0.0 or high > 1.0 else "0"
    return f"{low:,.0f} to {high:,.0f}"


def _figure(prices: PricesAnswer) -> tuple[Block, ...]:
    if not prices.prices:
        return ()
    title = "What each rule costs: saved without it"
    rows = [
        [cell(one.rule, one.sentence), between(one.lifted_usd), _tighter(one), _looser(one),
         "" if one.lifted_kg is None else f"{one.lifted_kg:+,.4g}",
         cell(some(one.moves, 3), one.why or "")]
        for one in prices.prices
    ]  # fmt: skip
    columns = ["Rule", "Without it saves", "One step tighter costs", "One step looser saves", "kg CO2e without it",
               "Who is elsewhere without it"]  # fmt: skip
    numbers = table(title, columns, rows, right=columns[1:5])
    dear = [one for one in prices.prices if one.lifted_usd is not None and _middle(one.lifted_usd) > 0.0][:MOST_BARS]
    if not dear:
        return (numbers,)
    frame = pd.DataFrame({
        "rule": [one.rule for one in dear], "saved": [in_currency(_middle(one.lifted_usd)) for one in dear],
        "told": [_amount(one.lifted_usd) for one in dear if one.lifted_usd is not None],
    })  # fmt: skip
    chart = bars(frame, "rule", "saved", label="told", title=title, unit=currency_code())
    free = len(prices.prices) - len(dear)
    note = "Each rule is lifted alone, and the instance solved again; two that shut the same door each cost nothing."
    return (Figure(chart, numbers, f"{note} {plural(free, 'rule')} without a bar cost nothing." if free else note),)


def _middle(of: Interval | None) -> float:
    if of is None:
        return 0.0
    return of.low if of.high is None else (of.low + of.high) / 2


def _tighter(one: Price) -> str:
    if one.tighter_possible is False:
        return f"no plan ({step})" if (step := _step(one)) else "no plan"
    return _stepped(one.tighter_usd, one)


def _looser(one: Price) -> str:
    return _stepped(one.looser_usd, one)


def _stepped(of: Interval | None, one: Price) -> str:
    step = _step(one)
    return "" if of is None else f"{between(of)} ({step})" if step else between(of)


def _step(one: Price) -> str:
    if "share" in one.step:
        return f"{100 * one.step['share']:g} %"
    return f"{one.step['amount']:g} {STEPS.get(one.kind, '')}".strip() if "amount" in one.step else ""


def _together(of: Together) -> str:
    """Return what all rules cost together beside the sum of what each costs; a sign only where it is proven."""
    head = f"Without all {len(of.rules)} rules at once {between(of.together_usd)} would be saved"
    alone, over = between(of.alone_usd), of.overlap_usd
    if over is None or over.high is None or over.low <= 0.0 <= over.high:
        return f"{head}; what each alone saves adds up to {alone}."
    why = "some options open only with several" if over.low > 0.0 else "several save the same money"
    return f"{head}, not the {alone} that each alone adds up to, since {why}."


def _split(split: Shapley | None) -> tuple[Block, ...]:
    if split is None:
        return ()
    code = currency_code()
    caption = f"What laws add, split fairly between them: {between(split.total_usd)} in all"
    rows = [
        [one.family, f"{len(one.laws):,}", "not known" if one.value_usd is None else usd(one.value_usd),
         between(one.interval_usd)] for one in split.values
    ]  # fmt: skip
    right = ["Laws", code, "Proven"]
    how = "of every order" if split.exact else f"of {split.orders:,} orders drawn at random"
    told = f"The share of a law is what lifting it saves, in the mean {how} in which the laws may be lifted."
    return (table(caption, ["Of", *right], rows, right=right), *notes(told))


def _missing(prices: PricesAnswer) -> tuple[Block | Notes, ...]:
    if not prices.missing:
        return ()
    rows = [
        [WORDS.get(one.figure, one.figure), f"{one.options:,}", f"{one.alone:,}", between(one.saves_usd)]
        for one in prices.missing
    ]  # fmt: skip
    right = ["Options out", "For it alone", "Saves"]
    return (table("What missing figures cost, if they are as estimated", ["Figure", *right], rows, right=right),)
