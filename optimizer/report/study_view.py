"""A study for people: how far it is, and what came of each scenario beside the base."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.text import Text

from optimizer.plan.rows import PlanCurrency
from optimizer.printable import printable
from optimizer.report.parts import amount, amounts_in, grid, in_currency, put
from optimizer.study.folder import StudyFolder
from optimizer.study.models import BASE
from optimizer.study.status import scenario_rows

MOST_ROWS = 40


def render_study(folder: StudyFolder, console: Console) -> None:
    """Print counts and one row for each scenario; control characters are written out."""
    manifest, rows = folder.manifest(), scenario_rows(folder)
    counts = Counter(row["status"] for row in rows)
    told = ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in counts.items())
    console.print(Text.assemble((printable(manifest["study"]["name"]), "bold"), f": {len(rows):,} scenarios, {told}"))
    if manifest["study"]["question"]:
        console.print(Text(printable(manifest["study"]["question"])))
    currency = manifest["currency"]
    with amounts_in(None if currency is None else PlanCurrency.model_validate(currency)):
        _scenarios(rows, console)
    for row in rows:
        if row["reason"]:
            console.print(Text(f"{printable(row['scenario'])}: {printable(row['reason'])}"))


def _scenarios(rows: list[dict[str, Any]], console: Console) -> None:
    base = next((row["objective_usd"] for row in rows if row["scenario"] == BASE), None)
    table = grid(["scenario", "status", "USD", "beside base", "gap", "kg CO2e"],
                 right=["USD", "beside base", "gap", "kg CO2e"])  # fmt: skip
    for row in rows[:MOST_ROWS]:
        cost = row["objective_usd"]
        table.add_row(
            Text(printable(row["scenario"])), Text(row["status"].replace("_", " ")),
            Text("" if cost is None else f"{in_currency(cost):,.0f}"),
            Text("" if cost is None or base is None else f"{in_currency(cost - base):+,.0f}"),
            Text("" if row["gap"] is None else f"{row['gap']:.2%}"), Text(_carbon(row)),
        )  # fmt: skip
    rest = len(rows) - MOST_ROWS
    put(console, table, f"... and {rest:,} more, all of them with --json and in scenarios.parquet" if rest > 0 else "")


def _carbon(row: dict[str, Any]) -> str:
    """Return the carbon of a scenario; what is at least so much, since something in it has no figure, says so."""
    if row["carbon_kg"] is None:
        return ""
    return f"{'at least ' if row['carbon_unknown_share'] else ''}{amount(row['carbon_kg'])}"
