"""Two plans side by side for people: totals, what moved and why, and a last line that counts."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from optimizer.explain.differences import PlanDiff, WorkloadMoved
from optimizer.plan.rows import PlanCurrency
from optimizer.report.parts import amount, amounts_in, bullet, currency_code, grid, in_currency, percent, put, some, usd
from optimizer.report.plain import printable_model

MOST_MOVES = 30


def render_diff(diff: PlanDiff, console: Console, currency: PlanCurrency | None = None) -> None:
    """Print a comparison; control characters are written out."""
    diff = printable_model(diff)
    with amounts_in(currency):
        table = grid(["", "before", "after", "change"], right=["before", "after", "change"])
        table.add_row(Text(currency_code()), *_figures(diff.usd_before, diff.usd_after, money=True))
        for row in diff.costs:
            table.add_row(Text(f"  {row.term.replace('_', ' ')}"), *_figures(row.usd_before, row.usd_after, money=True))
        unknown = diff.carbon_unknown_share_before or diff.carbon_unknown_share_after
        carbon = _figures(diff.carbon_kg_before, diff.carbon_kg_after, money=False)
        table.add_row(Text("kg CO2e"), *carbon[:2], Text("") if unknown else carbon[2])
        put(console, table)
        if unknown:
            shares = (percent(diff.carbon_unknown_share_before), percent(diff.carbon_unknown_share_after))
            console.print(Text(f"carbon is at least that: {shares[0]} before and {shares[1]} after have no figure"))
        if diff.least_cost_usd is not None and diff.least_cost_usd.high is not None:
            low, high = (in_currency(one) for one in (diff.least_cost_usd.low, diff.least_cost_usd.high))
            between = f"{low:+,.0f}" if f"{low:+,.0f}" == f"{high:+,.0f}" else f"{low:+,.0f} to {high:+,.0f}"
            console.print(Text(f"the least costs differ by {between} {currency_code()} (proven)"))
        for moved in diff.moved[:MOST_MOVES]:
            _moved(moved, console)
        if len(diff.moved) > MOST_MOVES:
            console.print(Text(f"... and {len(diff.moved) - MOST_MOVES:,} more, all of them with --json", style="dim"))
        for sign, names in (("+", diff.added), ("-", diff.dropped)):
            for name in names:
                console.print(Text(f"{sign} {name}"))
        console.print(Text(_counted(diff), style="bold"))


def _figures(before: float | None, after: float | None, *, money: bool) -> list[Text]:
    told = [usd(value) if money else amount(value) for value in (before, after)]
    if before is None or after is None:
        return [*map(Text, told), Text("")]
    change = in_currency(after - before) if money else after - before
    return [*map(Text, told), Text(f"{change:+,.0f}" if abs(change) >= 1000 else f"{change:+,.4g}")]


def _moved(row: WorkloadMoved, console: Console) -> None:
    where = row.regions_before != row.regions_after
    old, new = (row.regions_before, row.regions_after) if where else (row.offers_before, row.offers_after)
    change = f"{in_currency(row.usd_after - row.usd_before):+,.0f} {currency_code()}"
    console.print(Text(f"~ {row.workload}: {some(old, 4)} -> {some(new, 4)}  {change}"))
    for told in row.why:
        bullet(console, told)


def _counted(diff: PlanDiff) -> str:
    elsewhere = sum(row.regions_before != row.regions_after for row in diff.moved)
    other = len(diff.moved) - elsewhere
    return (
        f"{elsewhere:,} in other regions, {other:,} on other machines in place, {len(diff.added):,} added, "
        f"{len(diff.dropped):,} dropped, {diff.stay:,} stay"
    )
