"""What rules cost, for people: one line a rule, the dearest first."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from optimizer.explain.rows import Interval, Price, PricesAnswer
from optimizer.report.parts import amount, amounts_in, bullet, grid, money, put, usd
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
        late = [row.rule for row in answer.prices if not row.complete]
        if late:
            bullet(console, f"time ran out on {', '.join(late[:MOST_NAMED])}: intervals may be wider than they need be")


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
