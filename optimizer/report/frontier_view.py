"""A frontier for people: a table of its points, each with what is proven of it."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from optimizer.report.parts import amount, amounts_in, bullet, grid, money, percent, put, usd
from optimizer.report.plain import printable_model
from optimizer.study.frontiers import Frontier, FrontierPoint


def render_frontier(answer: Frontier, console: Console) -> None:
    """Print the points by rising cost; control characters are written out."""
    answer = printable_model(answer)
    with amounts_in(answer.currency):
        console.print(Text(_head(answer), style="bold"))
        proven = "at least, USD" if answer.over == "providers" else "best possible"
        table = grid(["point", "USD", answer.unit, proven, "each unit less costs, USD", ""],
                     right=["USD", answer.unit, proven, "each unit less costs, USD"])  # fmt: skip
        for k, point in enumerate(answer.points):
            before = answer.points[k - 1] if k else None
            table.add_row(
                str(k + 1), usd(point.cost_usd), _amount(point.amount, answer), _proven(point, answer),
                _slope(before, point, answer), "knee" if point.is_knee else "" if point.proven else "not proven",
            )  # fmt: skip
        put(console, table)
        if answer.known_only:
            least = f"with them the least cost is {money(answer.least_cost_usd)}"
            bullet(console, f"options without a {answer.over} figure are left out of all points alike; {least}")
        if len(answer.points) == 1 and answer.complete:
            bullet(console, "no plan is better in it, whatever it costs: there is nothing to trade")
        if not answer.complete:
            bullet(console, "time ran out: plans may lie below the points, or there are more of them")


def _head(answer: Frontier) -> str:
    over = f"the {answer.unit} {answer.outside}" if answer.outside else answer.unit
    points = f"{len(answer.points)} point{'s' * (len(answer.points) != 1)}"
    return f"{points} of cost against {over}{', all proven' if all(p.proven for p in answer.points) else ''}"


def _amount(value: float | None, answer: Frontier) -> str:
    if value is None:
        return ""
    return percent(value) if answer.over == "outside" else amount(value)


def _proven(point: FrontierPoint, answer: Frontier) -> str:
    if answer.over == "providers":
        return "" if point.cost_bound_usd is None else usd(point.cost_bound_usd)
    return _amount(point.amount_bound, answer)


def _slope(before: FrontierPoint | None, point: FrontierPoint, answer: Frontier) -> str:
    """Return what one unit less (one point of the share more) costs on the way from the point before."""
    if before is None:
        return ""
    units = abs(before.amount - point.amount) * (100.0 if answer.over == "outside" else 1.0)
    return usd((point.cost_usd - before.cost_usd) / units) if units else ""
