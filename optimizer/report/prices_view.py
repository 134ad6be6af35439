"""What rules cost, for people: one line a rule, the dearest first."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from optimizer.explain.rows import FigurePrice, Interval, Price, PricesAnswer, Shapley, Together
from optimizer.report.parts import amount, amounts_in, bullet, grid, heading, money, put, some, usd
from optimizer.report.plain import printable_model

MOST_NAMED = 4


def render_prices(answer: PricesAnswer, console: Console) -> None:
    """Print the prices of rules; control characters are written out."""
    answer = printable_model(answer)
    with amounts_in(answer.currency):
        bound = "no bound" if answer.bound_usd is None else f"bound {money(answer.bound_usd)}"
        console.print(Text(f"the plan costs {money(answer.cost_usd)}, {bound}; each rule on its own:", style="bold"))
        table = grid(["rule", "costs, USD", "kg CO2e", "a step", "tighter costs", "looser saves", "moves without it"],
                     right=["costs, USD", "kg CO2e", "tighter costs", "looser saves"], whole=["rule"])  # fmt: skip
        for row in answer.prices:
            table.add_row(
                Text(row.rule), Text(_between(row.lifted_usd)),
                Text("" if row.lifted_kg is None else amount(row.lifted_kg)), Text(_step(row)),
                Text("no plan" if row.tighter_possible is False else _between(row.tighter_usd)),
                Text(_between(row.looser_usd)), Text(_moves(row)),
            )  # fmt: skip
        put(console, table)
        if answer.together is not None:
            bullet(console, _together(answer.together))
        if answer.shapley is not None:
            _put_split(answer.shapley, console)
        if answer.missing:
            _put_missing(answer.missing, console)
        late = [row.rule for row in answer.prices if not row.complete]
        if late:
            bullet(console, f"time ran out on {', '.join(late[:MOST_NAMED])}: intervals may be wider than they need be")
        elif not answer.complete:
            bullet(console, "time ran out: intervals may be wider than they need be")


def _together(all_rules: Together) -> str:
    """Return what all rules cost together against the sum of their prices; a sign only where it is proven."""
    saved = _between(all_rules.together_usd) or "an unknown amount of"
    head = f"all {len(all_rules.rules)} lifted together save {saved} USD"
    alone, over = _between(all_rules.alone_usd), all_rules.overlap_usd
    if over is None or over.high is None:
        return f"{head}; alone they add up to {alone} USD"
    if over.low > 0:
        return f"{head}: {_between(over)} USD more than alone ({alone}), since some options open only with several"
    if over.high < 0:
        less = _between(Interval(low=-over.high, high=-over.low))
        return f"{head}: {less} USD less than alone ({alone}), since several save the same money"
    return f"{head}; alone they add up to as much within the gaps ({alone})"


def _put_split(split: Shapley, console: Console) -> None:
    how = "exact" if split.exact else f"a mean over {split.orders} orders drawn with seed {split.seed}"
    total = _between(split.total_usd) or "an unknown amount"
    heading(console, f"compliance with law costs {total}, split fairly over laws ({how})")
    names = ["of", "laws", "USD", "proven", *(() if split.exact else ("± standard error",))]
    table = grid(names, right=names[1:], whole=["of"])
    for row in split.values:
        error = () if split.exact else ("" if row.standard_error_usd is None else usd(row.standard_error_usd),)
        table.add_row(
            Text(row.family), str(len(row.laws)), "" if row.value_usd is None else usd(row.value_usd),
            _between(row.interval_usd), *error,
        )  # fmt: skip
    put(console, table)
    if split.not_lifted:
        bullet(console, f"not lifted, since no change does: {some(split.not_lifted)}")


def _put_missing(missing: Sequence[FigurePrice], console: Console) -> None:
    heading(console, "what missing figures cost, if they are as estimated")
    table = grid(["figure", "options out", "for it alone", "saves, USD"],
                 right=["options out", "for it alone", "saves, USD"], whole=["figure"])  # fmt: skip
    for row in missing:
        table.add_row(Text(row.figure), f"{row.options:,}", f"{row.alone:,}", _between(row.saves_usd))
    put(console, table)


def _between(found: Interval | None) -> str:
    if found is None:
        return ""
    if found.high is None:
        return f"{usd(found.low)} or more"
    low, high = usd(found.low), usd(found.high)
    return low if low == high else f"{low} to {high}"


def _step(row: Price) -> str:
    if "share" in row.step:
        return f"{100 * row.step['share']:g} %"
    units = {"latency": " ms", "policy": " of the share", "quota": ""}
    return f"{row.step['amount']:g}{units.get(row.kind, '')}" if "amount" in row.step else ""


def _moves(row: Price) -> str:
    more = len(row.moves) - MOST_NAMED
    moves = ", ".join(row.moves[:MOST_NAMED]) + (f" +{more}" if more > 0 else "")
    return "; ".join(part for part in (moves, row.why) if part)
