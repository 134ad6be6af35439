"""Alternatives for people: a table of the plans, and what each decides otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from optimizer.explain.alternative_rows import Alternative, AlternativesAnswer, Distance, Moved
from optimizer.explain.rows import Figures
from optimizer.report.parts import amount, amounts_in, bullet, grid, money, percent, put, some, usd
from optimizer.report.plain import printable_model

MOST_MOVES, MOST_POINTS = 6, 3
NAMES = {
    "carbon": "least carbon", "providers": "fewest providers", "moves": "fewest moves",
    "law": "fewest weak points of law", "different": "most different",
}  # fmt: skip


def render_alternatives(answer: AlternativesAnswer, console: Console) -> None:
    """Print the plans; control characters are written out."""
    answer = printable_model(answer)
    with amounts_in(answer.currency):
        console.print(Text(_head(answer), style="bold"))
        names = ["plan", "costs, USD", "more", "kg CO2e", "providers", "regions", "weak points"]
        names += ["moves"] * (answer.base.moved is not None) + [f"outside {answer.outside}"] * bool(answer.outside)
        table = grid([*names, "best in"], right=[name for name in names if name not in ("plan", "providers")])
        table.add_row("at hand", usd(answer.cost_usd), "", *_cells(answer.base),
                      _best(answer.base_best_in, answer.base_proven, answer.outside))  # fmt: skip
        for k, row in enumerate(answer.plans, start=1):
            table.add_row(
                str(k), usd(row.cost_usd), f"+{percent(max(0.0, row.extra_usd) / abs(answer.cost_usd), 2)}"
                if answer.cost_usd else "", *_cells(row.figures), _best(row.best_in, row.proven, answer.outside),
            )  # fmt: skip
        put(console, table)
        for k, row in enumerate(answer.plans, start=1):
            bullet(console, f"{k}: {'; '.join(_differs(row, answer.base))}")
        if answer.exhausted:
            bullet(console, "no further plan within the limit has a stream or job wholly elsewhere than all of these "
                            "(proven)")  # fmt: skip
        if not answer.complete:
            bullet(console, "time ran out: what is not marked proven may be beaten within the limit")


def _head(answer: AlternativesAnswer) -> str:
    plans = f"{len(answer.plans)} other plan{'s' * (len(answer.plans) != 1)}" if answer.plans else "no other plan"
    return f"{plans} at {money(answer.limit_usd)} or less, within {percent(answer.within)} of the proven bound"


def _cells(figures: Figures) -> Iterator[str]:
    yield "" if figures.carbon_kg is None else amount(figures.carbon_kg)
    yield ", ".join(figures.providers)
    yield str(len(figures.regions))
    yield str(len(figures.weak_points))
    if figures.moved is not None:
        yield str(len(figures.moved))
    if figures.outside_share is not None:
        yield percent(figures.outside_share)


def _best(best_in: tuple[str, ...], proven: tuple[str, ...], outside: str | None) -> str:
    names = {**NAMES, "outside": f"most outside {outside}"}
    return ", ".join(names[one] + ("" if one in proven else " (not proven)") for one in best_in)


def _differs(row: Alternative, base: Figures) -> Iterator[str]:
    """Yield what a plan decides otherwise, the largest decisions first."""
    far: Distance = row.distance
    if far.providers_left:
        yield f"without {', '.join(far.providers_left)}"
    if far.providers_entered:
        yield f"with {', '.join(far.providers_entered)}"
    for one in far.moved[:MOST_MOVES]:
        yield _moved(one)
    if len(far.moved) > MOST_MOVES:
        yield f"{len(far.moved) - MOST_MOVES} more of {far.decisions} streams and jobs move"
    if far.copies:
        yield f"other copies of {some(far.copies)}"
    if far.machines:
        yield f"other machines, where it is: {some(far.machines)}"
    if not (far.moved or far.copies or far.machines):
        yield "the same machines in the same places, split otherwise"
    before, after = base.weak_points, row.figures.weak_points
    gone, new = [one for one in before if one not in after], [one for one in after if one not in before]
    if gone:
        yield f"no longer rests on {some(gone, MOST_POINTS)}"
    if new:
        yield f"newly rests on {some(new, MOST_POINTS)}"


def _moved(one: Moved) -> str:
    name = one.workload if one.stream is None else f"{one.workload} {one.stream}"
    if not one.left:
        return f"{name} also in {', '.join(one.entered)}"
    if not one.entered:
        return f"{name} no more in {', '.join(one.left)}"
    return f"{name} from {', '.join(one.left)} to {', '.join(one.entered)}"
