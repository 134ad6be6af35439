"""The first screen of a study: its question, the answer in a sentence, key figures and one chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from optimizer.report.charts import bars, ranges
from optimizer.report.pages.context import plural
from optimizer.report.pages.study_data import Outcome, StudyData, told_value
from optimizer.report.pages.view import Block, Cell, Fact, Facts, Figure, cell, table
from optimizer.report.parts import amount, currency_code, in_currency, money, usd

MOST_BARS, ALIKE = 16, 1e-6
FIGURES = {"objective_usd": "cost", "carbon_kg": "carbon", "energy_kwh": "energy", "water_l": "water"}
LEAST = 0.005
"""Differences below this are none as far as people pay."""


def study_answer(data: StudyData) -> str:
    """Return what the scenarios come to in a sentence or two."""
    found = data.planned
    if not found:
        return "No scenario has a plan so far."
    if data.has_several:
        told = f"{_counted(data)} {len(data.bases)} instances are each held against their own base."
        return " ".join(filter(None, (told, _widest(data))))
    low, high = (min(found, key=_usd), max(found, key=_usd))
    between = f"Cost lies between {money(low.usd)} ({low.label}) and {money(high.usd)} ({high.label})"
    base = f"; as things stand (base) it is {money(data.base.usd)}."
    base = base if data.base.has_plan else "; the base has no plan."
    return " ".join(filter(None, (_counted(data), between + base, _best_lever(data))))


def share_of(data: StudyData, one: Outcome) -> float | None:
    """Return by which part of the cost of its base a scenario is dearer; None where one has no plan."""
    base = data.base_of(one)
    return None if one.usd is None or not base.usd else one.usd / base.usd - 1.0


def _widest(data: StudyData) -> str:
    shares = [(share, one) for one in data.outcomes if (share := share_of(data, one)) is not None]
    if not shares:
        return ""
    share, one = max(shares, key=lambda pair: abs(pair[0]))
    return f"The widest difference: {one.name} in {one.base}, {100 * share:+.1f} % of its cost."


def _usd(one: Outcome) -> float:
    return one.usd or 0.0


def _counted(data: StudyData) -> str:
    counts = Counter(one.status for one in data.outcomes)
    none, waiting, failed = counts["infeasible"], counts["waiting"], counts["failed"]
    told = [f"{plural(none, 'scenario')} {'has' if none == 1 else 'have'} no plan"] if none else []
    told += [f"{waiting:,} {'is' if waiting == 1 else 'are'} not solved yet"] if waiting else []
    told += [f"{failed:,} failed"] if failed else []
    more = f"; {', '.join(told)}" if told else ""
    have = "has" if len(data.planned) == 1 else "have"
    return f"{len(data.planned):,} of {plural(len(data.outcomes), 'scenario')} {have} a plan{more}."


def _best_lever(data: StudyData) -> str:
    """Say which value of the first lever costs least in the middle, where a study has levers."""
    levers = [axis["id"] for axis in data.study["axes"] if axis["kind"] == "lever"]
    if not levers:
        return ""
    rows = spread(data, levers[0])
    known = [row for row in rows if row["middle"] is not None]
    if len(known) < 2:
        return ""
    most = max(row["planned"] / row["all"] for row in known)
    often = [row for row in known if row["planned"] / row["all"] >= most]
    least = min(row["middle"] for row in often)
    best = [row for row in often if row["middle"] <= least * (1 + ALIKE)]
    values = " or ".join(row["value"] for row in best)
    first = best[0]
    told = "" if most == 1.0 else f"has a plan most often ({first['planned']} of {first['all']}), and then "
    return f"Of what can be decided, {levers[0]} = {values} {told}costs least: {money(least)} in the middle."


def spread(data: StudyData, axis: str) -> list[dict[str, Any]]:
    """Return by value of an axis the least, middle and most cost of its scenarios, and how many have a plan."""
    groups: dict[str, list[Outcome]] = {}
    for one in data.outcomes:
        if axis in one.values:
            groups.setdefault(told_value(one.values[axis]), []).append(one)
    rows = []
    for value, members in groups.items():
        costs = sorted(_usd(one) for one in members if one.has_plan)
        kg = sorted(one.carbon_kg for one in members if one.carbon_kg is not None)
        rows.append({
            "value": value, "all": len(members), "planned": len(costs), "low": costs[0] if costs else None,
            "middle": _middle(costs), "high": costs[-1] if costs else None, "kg": _middle(kg),
        })  # fmt: skip
    return rows


def _middle(values: list[float]) -> float | None:
    if not values:
        return None
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def study_facts(data: StudyData, more: Sequence[Fact] = ()) -> tuple[Block, ...]:
    """Return the key figures, with some `more`, and the cost of scenarios as one chart."""
    found = data.planned
    none = sum(one.status == "infeasible" for one in data.outcomes)
    told = f"{none:,} without a plan" if none else f"{len(found):,} with a plan"
    facts = [Fact("Scenarios", f"{len(data.outcomes):,}", told)]
    if data.has_several:
        facts.append(Fact("Instances", f"{len(data.bases):,}", ", ".join(data.bases[:4])))
    elif data.base.has_plan:
        facts.append(Fact("As things stand", money(data.base.usd), _kg(data.base)))
    if found and not data.has_several:
        low, high = min(found, key=_usd), max(found, key=_usd)
        facts.append(Fact("Cost from to", f"{usd(low.usd)} – {usd(high.usd)}", f"{low.label} – {high.label}"))
    if found:
        moved = [one.moved for one in found if one.moved is not None]
        if moved:
            facts.append(Fact("Most workloads moved", f"{max(moved):,}", "in other regions than in the base"))
    return (Facts((*facts, *more)), *_chart(data))


def _kg(one: Outcome) -> str:
    return "" if one.carbon_kg is None else f"{'at least ' * one.carbon_unknown}{amount(one.carbon_kg, 'kg CO2e')}"


def _chart(data: StudyData) -> tuple[Block, ...]:
    found = data.planned
    if not found or data.has_several:
        return ()
    code = currency_code()
    if len(found) <= MOST_BARS:
        title = "Cost of each scenario"
        frame = pd.DataFrame({"name": [one.label for one in found], "usd": [in_currency(_usd(one)) for one in found],
                              "told": [usd(one.usd) for one in found]})  # fmt: skip
        rows = [[named(one), usd(one.usd), beside(one.usd, data.base.usd)] for one in found]
        numbers = table(title, ["Scenario", code, "Beside base"], rows, right=[code, "Beside base"])
        return (Figure(bars(frame, "name", "usd", label="told", title=title, unit=code), numbers),)
    axes = [axis["id"] for axis in data.study["axes"]]
    return tuple(spread_figure(data, axis) for axis in axes[:1])


def spread_figure(data: StudyData, axis: str, most: int = 24) -> Figure:
    """Return the cost of the scenarios of each value of an axis: from the least over the middle to the most."""
    rows = [row for row in spread(data, axis) if row["middle"] is not None]
    rows.sort(key=lambda row: float(row["value"]) if _is_figure(row["value"]) else 0.0)
    shown = rows if len(rows) <= most else [rows[round(k * (len(rows) - 1) / (most - 1))] for k in range(most)]
    code, title = currency_code(), f"Cost by {axis}: least, middle and most of its scenarios"
    frame = pd.DataFrame({
        "value": [f"{axis} = {row['value']}" for row in shown],
        **{name: [in_currency(row[name]) for row in shown] for name in ("low", "middle", "high")},
    })  # fmt: skip
    right = ["With a plan", "Least", "Middle", "Most", "kg CO2e, middle"]
    numbers = table(title, [axis, *right], [
        [row["value"], f"{row['planned']} of {row['all']}", usd(row["low"]), usd(row["middle"]), usd(row["high"]),
         "" if row["kg"] is None else amount(row["kg"])] for row in rows
    ], right=right, where="scenarios.parquet")  # fmt: skip
    uneven = len({row["planned"] / row["all"] for row in spread(data, axis)}) > 1
    note = "Costs are of the scenarios that have a plan: values with fewer of them leave out the harder ones."
    chart = ranges(frame, "value", "low", "middle", "high", title=title, unit=code)
    return Figure(chart, numbers, note if uneven else "")


def _is_figure(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def named(one: Outcome) -> Cell:
    """Return what a scenario is called as a cell: below its values the id where that has more digits, and changes."""
    return cell(one.label, "; ".join(filter(None, (one.id if one.id != one.label else "", one.changes))))


def beside(value: float | None, base: float | None) -> str:
    """Return how much more or less a cost is than the base's."""
    if value is None or base is None:
        return ""
    difference = in_currency(value - base)
    if abs(difference) < LEAST:
        return "0"
    return f"{difference:+,.0f}" if abs(difference) >= 100 else f"{difference:+,.2f}"


def status_cell(one: Outcome) -> object:
    """Return the status of a scenario as a cell."""
    told = one.status.replace("_", " ")
    missed = f"misses the limit on {', '.join(FIGURES.get(name, name) for name in one.missed)}" if one.missed else ""
    return cell(told, one.reason or missed, "warn" if missed or not one.has_plan else "")
