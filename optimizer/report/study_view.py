"""A study for people: how far it is, its answer, and what came of each scenario beside the base."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.text import Text

from optimizer.plan.rows import PlanCurrency
from optimizer.printable import printable
from optimizer.report.parts import amount, amounts_in, grid, in_currency, money, percent, put, some
from optimizer.study.findings import FindingResult, Judged, answer_of, judge_findings, weighted_totals
from optimizer.study.folder import StudyFolder
from optimizer.study.models import BASE, Study
from optimizer.study.solving import UNFINISHED
from optimizer.study.status import scenario_rows

MOST_ROWS, MOST_WARNINGS = 60, 5
ALL = 1.0 - 1e-9
SHOWN = {
    "carbon_kg": "kg CO2e", "energy_kwh": "kWh", "water_l": "l of water",
    "served_if_region_lost": "served if a region is lost", "served_if_metro_lost": "served if a metro is lost",
    "served_if_provider_lost": "served if a provider is lost",
}  # fmt: skip


def render_study(folder: StudyFolder, console: Console) -> None:
    """Print counts, the answer, one row for each scenario, frontiers, totals where weights are given, and which
    findings hold; control characters are written out.
    """
    manifest, rows = folder.manifest(), scenario_rows(folder)
    counts = Counter(row["status"] for row in rows)
    told = ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in counts.items())
    console.print(Text.assemble((printable(manifest["study"]["name"]), "bold"), f": {len(rows):,} scenarios, {told}"))
    if manifest["study"]["question"]:
        console.print(Text(printable(manifest["study"]["question"])))
    results = judge_findings(folder)
    answer = answer_of(Study.model_validate(manifest["study"]), results)
    if answer:
        console.print(Text(printable(answer), style="bold"))
    with amounts_in(_currency(manifest)):
        _scenarios([row for row in rows if row["frontier"] is None], _metrics(manifest["study"]), console)
        _frontiers([row for row in rows if row["frontier"] is not None], console)
        _totals(folder, manifest, console)
    ended = sum(row["status"] in UNFINISHED for row in rows)
    if ended:
        limit = manifest["study"]["solve"]["time_limit_seconds"]
        told = f"{ended:,} ended by their time limit, {limit:g} s: a run with a longer one (solve: time_limit_seconds)"
        console.print(Text(f"{told} takes them up again, one with the same does not", style="dim"))
    _warnings(rows, console)
    for row in rows:
        if row["reason"]:
            console.print(Text(f"{printable(row['scenario'])}: {printable(row['reason'])}"))
    _findings(results, console)


def _currency(manifest: dict[str, Any]) -> PlanCurrency | None:
    """Return the currency of the bases; amounts of bases in different ones are in USD."""
    (first, *others) = (one["currency"] for one in manifest["bases"])
    return None if first is None or any(one != first for one in others) else PlanCurrency.model_validate(first)


def _metrics(study: dict[str, Any]) -> list[str]:
    """Return the figures shown beside cost: the metrics of the study, or carbon."""
    return [one["id"] for one in study["metrics"] if one["id"] != "objective_usd"] or ["carbon_kg"]


def _scenarios(rows: list[dict[str, Any]], metrics: list[str], console: Console) -> None:
    bases = {(row["base"], row["rerun"]): row["objective_usd"] for row in rows if row["name"] == BASE}
    part = any(row["served_share"] is not None and row["served_share"] < ALL for row in rows)
    amounts = ["USD", "beside base", "gap", *(SHOWN[name] for name in metrics), *(["served"] if part else [])]
    table = grid(["scenario", "status", *amounts], right=amounts)
    for row in rows[:MOST_ROWS]:
        cost, base = row["objective_usd"], bases.get((row["base"], row["rerun"]))
        served = [Text("" if row["served_share"] is None else f"{row['served_share']:.1%}")] if part else []
        table.add_row(
            Text(printable(row["scenario"])), Text(row["status"].replace("_", " ")),
            Text("" if cost is None else f"{in_currency(cost):,.0f}"),
            Text("" if cost is None or base is None else f"{in_currency(cost - base):+,.0f}"),
            Text("" if row["gap"] is None else f"{row['gap']:.2%}"), *(Text(_figure(row, name)) for name in metrics),
            *served,
        )  # fmt: skip
    rest = len(rows) - MOST_ROWS
    put(console, table, f"... and {rest:,} more, all of them with --json and in scenarios.parquet" if rest > 0 else "")


def _warnings(rows: list[dict[str, Any]], console: Console) -> None:
    """Print what a scenario's plan warns of and that of its base does not, the first few of them."""
    bases = {(row["base"], row["rerun"]): row["warnings"] or () for row in rows if row["name"] == BASE}
    stated = {one for (_, rerun), warnings in bases.items() if not rerun for one in warnings}
    found: dict[str, list[str]] = {}
    for row in rows:
        of_base = {*bases.get((row["base"], row["rerun"]), ())} if row["name"] != BASE else stated
        for one in row["warnings"] or ():
            if one not in of_base:
                found.setdefault(one, []).append(row["scenario"])
    for one, names in list(found.items())[:MOST_WARNINGS]:
        console.print(Text(f"warning: {printable(one)} (in {printable(some(names))})"))
    if len(found) > MOST_WARNINGS:
        console.print(Text(f"... and {len(found) - MOST_WARNINGS:,} more warnings, with --json", style="dim"))


def _frontiers(rows: list[dict[str, Any]], console: Console) -> None:
    """Print the ends and the knee of each frontier in a line."""
    if not rows:
        return
    console.print(Text("Frontiers, each point in frontiers.parquet", style="bold"))
    for row in rows:
        points = row["points"] or []
        told = [_point(one) for one in points if one in (points[0], points[-1]) or one["is_knee"]]
        ahead = f"- {printable(row['scenario'])}: {row['status'].replace('_', ' ')}"
        if points:
            unit = points[0]["unit"] + (f" {row['frontier']['outside']}" if row["frontier"]["outside"] else "")
            ahead += f", {len(points)} point{'s' * (len(points) != 1)} of cost against {printable(unit)}: "
        console.print(Text(ahead + ", ".join(told)))


def _point(point: dict[str, Any]) -> str:
    of = percent(point["amount"]) if point["over"] == "outside" else amount(point["amount"])
    return f"{of} for {money(point['cost_usd'])}{' (knee)' if point['is_knee'] else ''}"


def _totals(folder: StudyFolder, manifest: dict[str, Any], console: Console) -> None:
    totals = [row for row in weighted_totals(folder) if row["usd"] is not None]
    if not totals:
        return
    weights = ", ".join(f"{weight:g} x {name}" for name, weight in manifest["study"]["weights"].items())
    console.print(Text(f"Total of {printable(weights)} ({printable(manifest['study']['weights_are'])})"))
    for row in totals:
        behind = f"@{row['rerun']}" if row["rerun"] else ""
        console.print(Text(f"- {printable(row['scenario'])}{behind}: {in_currency(row['usd']):,.0f}"))


def _findings(results: tuple[FindingResult, ...], console: Console) -> None:
    if not results:
        return
    console.print(Text("Findings", style="bold"))
    several = len({result.base for result in results}) > 1
    for result in results:
        of = f"{printable(result.base)}: " if several else ""
        console.print(Text(f"- {result.verdict}: {of}{printable(result.says)} ({finding_runs(result)})"))


def finding_runs(result: FindingResult) -> str:
    """Return what a finding's figure came to, as stated and in each rerun."""
    return "; ".join(f"{one.rerun or 'as stated'} {_range(one)}" for one in result.runs)


def _range(one: Judged) -> str:
    if one.low is None:
        return "not solved" if one.holds == "waiting" else f"has no such figure{'' if one.holds == 'yes' else ' (no)'}"
    if one.high is None:
        return f"at least {one.low:,.4g}{'' if one.holds == 'yes' else f' ({one.holds})'}"
    low, high = f"{one.low + 0.0:,.4g}", f"{one.high + 0.0:,.4g}"  # no minus before nothing
    return f"{low if low == high else f'{low} to {high}'}{'' if one.holds == 'yes' else f' ({one.holds})'}"


def _figure(row: dict[str, Any], name: str) -> str:
    """Return a figure of a scenario; carbon that is at least so much, since something in it has no figure, says so."""
    if row[name] is None:
        return ""
    if name.startswith("served_"):
        return percent(row[name])
    at_least = name == "carbon_kg" and row["carbon_unknown_share"]
    return f"{'at least ' if at_least else ''}{amount(row[name])}"
