"""The sections of a study: levers and uncertainties, price tags, where workloads live, frontier, diffs, scenarios."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from optimizer.errors import InputError
from optimizer.explain.differences import PlanDiff
from optimizer.report import charts
from optimizer.report.pages.context import plural
from optimizer.report.pages.study_data import Outcome, StudyData, told_value
from optimizer.report.pages.study_first import beside, named, share_of, spread, spread_figure, status_cell
from optimizer.report.pages.view import Block, Figure, Fold, Section, Table, cell, folded, notes, table
from optimizer.report.parts import amount, currency_code, in_currency, money, percent, some, usd
from optimizer.study import StudyFolder, compare
from optimizer.study.models import BASE
from optimizer.suggest import unknown_name

MOST_TAGS, MOST_COLUMNS, MOST_HEAT_ROWS, MOST_COMPARED = 20, 24, 220, 3
HOMES = "Main country of each workload in each scenario"
MOST_BESIDE = 6
"""Workloads up to which each has a column of its own."""
WHERE = "scenarios.parquet"
KINDS = {"lever": ("decide", "What we decide"), "uncertainty": ("happen", "What may happen")}


def axes_sections(data: StudyData) -> list[Section]:
    """Return a section on what one decides and one on what may happen, with what each value comes to."""
    found = []
    for kind, (key, title) in KINDS.items() if not data.has_several else ():
        axes = [axis["id"] for axis in data.study["axes"] if axis["kind"] == kind]
        if not axes:
            continue
        swings = [(axis, _swing(data, axis)) for axis in axes]
        widest = max(swings, key=lambda one: one[1])
        lead = f"{'Axis' if len(axes) == 1 else 'Axes'}: {', '.join(axes)}."
        if widest[1] > 0:
            lead += f" The middle cost moves most with {widest[0]}: by {money(widest[1])} between its values."
        found.append(Section(key, title, lead, tuple(spread_figure(data, axis) for axis in axes)))
    return found


def _swing(data: StudyData, axis: str) -> float:
    middles = [row["middle"] for row in spread(data, axis) if row["middle"] is not None]
    return max(middles) - min(middles) if middles else 0.0


def shares_section(data: StudyData) -> Section | None:
    """Return for each scenario of several instances by how much dearer it is than their base, from least to most."""
    groups: dict[str, list[tuple[float, Outcome]]] = {}
    for one in data.outcomes:
        share = share_of(data, one)
        if one.name != BASE and share is not None:
            groups.setdefault(one.name, []).append((100 * share, one))
    if not groups:
        return None
    rows = []
    for name, members in groups.items():
        members.sort(key=lambda pair: pair[0])
        rows.append((name, members[0], members[len(members) // 2], members[-1], len(members)))
    rows.sort(key=lambda row: -abs(row[2][0]))
    title = "Cost beside the base, in per cent: least, middle and most of the instances"
    frame = pd.DataFrame([(name, low[0], mid[0], high[0]) for name, low, mid, high, _ in rows[:MOST_TAGS]],
                         columns=["name", "low", "mid", "high"])  # fmt: skip
    right = ["Instances", "Least", "Middle", "Most"]
    numbers = table(title, ["Scenario", *right], [
        [cell(name, low[1].changes), f"{count:,}",
         *(cell(f"{share:+.1f} %", one.base) for share, one in (low, mid, high))]
        for name, low, mid, high, count in rows
    ], right=right)  # fmt: skip
    chart = charts.ranges(frame, "name", "low", "mid", "high", title=title, unit="% of the base's cost")
    lead = f"Most in the middle: {rows[0][0]}, {rows[0][2][0]:+.1f} %."
    return Section("tags", "What each scenario costs", lead, (Figure(chart, numbers), *_without(data)))


def _without(data: StudyData) -> tuple[Block, ...]:
    none = [one for one in data.outcomes if one.status == "infeasible"]
    return notes(*(f"{one.id} has no plan: {one.reason}" for one in none[:4]),
                 f"… and {len(none) - 4} more have none" if len(none) > 4 else "", tone="warn")  # fmt: skip


def tags_section(data: StudyData) -> Section | None:
    """Return the price tags: what each scenario costs more or less than the base."""
    if data.has_several:
        return shares_section(data)
    base = data.base
    others = [one for one in data.planned if one.name != BASE]
    if not base.has_plan or not others:
        return None
    others.sort(key=lambda one: -(one.usd or 0.0))
    shown = others if len(others) <= MOST_TAGS else [*others[: MOST_TAGS // 2], *others[-(MOST_TAGS // 2) :]]
    title, code = "Price tags: cost beside the base", currency_code()
    frame = pd.DataFrame({
        "name": [one.label for one in shown],
        "usd": [in_currency((one.usd or 0.0) - (base.usd or 0.0)) for one in shown],
        "told": [beside(one.usd, base.usd) for one in shown],
    })  # fmt: skip
    right = [code, "Beside base", "In per cent", "kg CO2e beside base", "Moved"]
    rows = [
        [named(one), usd(one.usd), beside(one.usd, base.usd), _percent(one, base), _carbon(one, base),
         "" if one.moved is None else f"{one.moved:,}"]
        for one in shown
    ]  # fmt: skip
    numbers = table(title, ["Scenario", *right], rows, right=right)
    dear, cheap = shown[0], shown[-1]
    ends = [f"{one.label}, {beside(one.usd, base.usd)} {code}" for one in (dear, cheap)]
    lead = f"Dearest: {ends[0]}. Cheapest: {ends[1]}."
    if len(others) > MOST_TAGS:
        half = MOST_TAGS // 2
        lead += f" Of {len(others):,} scenarios the {half} dearest and the {half} cheapest are shown."
    note = "A difference smaller than the gap to which scenarios are solved may be none."
    chart = charts.bars(frame, "name", "usd", label="told", title=title, unit=f"{code} beside base")
    figure = Figure(chart, numbers, note)
    return Section("tags", "What each scenario costs", lead, (figure, *_without(data)))


def _percent(one: Outcome, base: Outcome) -> str:
    return f"{100 * ((one.usd or 0.0) / base.usd - 1):+.1f} %" if base.usd else ""


def _carbon(one: Outcome, base: Outcome) -> str:
    if one.carbon_kg is None or base.carbon_kg is None or one.carbon_unknown or base.carbon_unknown:
        return "not known"
    return f"{one.carbon_kg - base.carbon_kg:+,.4g}"


def homes_section(data: StudyData) -> Section | None:
    """Return the heat map of scenarios against where workloads live."""
    found = data.planned[:MOST_HEAT_ROWS]
    names = sorted(data.cost_of, key=lambda name: -data.cost_of[name])
    varied = [
        name for name in names
        if len({one.homes.get(name[1], ())[:1] for one in found if one.base == name[0]}) > 1
    ]  # fmt: skip
    columns = (varied + [name for name in names if name not in varied])[:MOST_COLUMNS]
    if len(found) < 2 or not columns:
        return None
    if not varied:
        return _at_home(data, names)
    called = {name: f"{name[0]}: {name[1]}" if data.has_several else name[1] for name in columns}
    cells = [
        (one.name if data.has_several else one.label, called[name], _main(data, one, name[1]))
        for one in found for name in columns if one.base == name[0]
    ]  # fmt: skip
    frame = pd.DataFrame(cells, columns=["scenario", "workload", "country"])
    wide = len(columns) > MOST_BESIDE
    numbers = _one_by_one(data, found, columns) if wide else _across(data, found, columns, called)
    chart = charts.heat_map(frame, "scenario", "workload", "country", title=HOMES)
    have = "has" if len(varied) == 1 else "have"
    lead = f"{plural(len(varied), 'workload')} of {len(names):,} {have} another main country in some scenario."
    more = notes(f"{len(names) - len(columns)} more workloads are in {WHERE}." if len(names) > len(columns) else "")
    return Section("homes", "Where workloads live, scenario by scenario", lead, (Figure(chart, numbers), *more))


def _across(
    data: StudyData, found: list[Outcome], columns: list[tuple[str, str]], called: dict[tuple[str, str], str]
) -> Table:
    """Return a row for each scenario, a column for each workload."""
    rows = [[named(one), *(cell(_all(data, one, name[1]) if one.base == name[0] else "") for name in columns)]
            for one in found]  # fmt: skip
    return table(HOMES, ["Scenario", *(called[name] for name in columns)], rows, where=WHERE)


def _one_by_one(data: StudyData, found: list[Outcome], columns: list[tuple[str, str]]) -> Table:
    """Return a row for each workload in the base, and in each scenario in which its countries are others."""
    bases = _bases(found)
    rows = [
        [named(one), cell(name, base if data.has_several else ""), _all(data, one, name)]
        for one in found for base, name in columns
        if one.base == base and (one is bases[base] or one.homes.get(name) != bases[base].homes.get(name))
    ]  # fmt: skip
    caption = f"{HOMES}: all of the base, of others what differs"
    return table(caption, ["Scenario", "Workload", "Countries"], rows, filters=["Workload"], key="homes", where=WHERE)


def _bases(found: list[Outcome]) -> dict[str, Outcome]:
    """Return what others are held against: of each instance the scenario without changes, or the first with a plan."""
    first: dict[str, Outcome] = {}
    for one in found:
        if one.base not in first or one.name == BASE:
            first[one.base] = one
    return first


def _at_home(data: StudyData, names: list[tuple[str, str]]) -> Section:
    """Return the section of a study in which no workload changes its main country: one row for each."""
    bases = _bases(data.planned)
    rows = [[cell(name, base if data.has_several else ""), _all(data, bases[base], name)]
            for base, name in names if base in bases]  # fmt: skip
    lead = "Every workload has the same main country in every scenario."
    numbers = table("Where workloads live", ["Workload", "Countries in the base"], rows)
    return Section("homes", "Where workloads live, scenario by scenario", lead, (folded(numbers, "workloads"),))


def _main(data: StudyData, one: Outcome, name: str) -> str:
    codes = one.homes.get(name, ())
    return data.places.country(codes[0]) if codes else "not served"


def _all(data: StudyData, one: Outcome, name: str) -> str:
    return ", ".join(data.places.country(code) for code in one.homes.get(name, ())) or "not served"


def tradeoff_section(data: StudyData) -> Section | None:
    """Return cost against carbon of all scenarios, with those that none beats in both joined by a line."""
    found = [one for one in data.planned if one.carbon_kg is not None and not one.carbon_unknown]
    if len(found) < 3 or data.has_several:
        return None
    best: list[Outcome] = []
    for one in sorted(found, key=lambda one: (one.usd or 0.0, one.carbon_kg)):
        if not best or (one.carbon_kg or 0.0) < (best[-1].carbon_kg or 0.0):
            best.append(one)
    ids = {one.id for one in best}
    title, code = "Cost against carbon of the scenarios", currency_code()
    frame = pd.DataFrame({
        "usd": [in_currency(one.usd or 0.0) for one in found], "kg": [one.carbon_kg for one in found],
        "line": [one.id in ids for one in found], "name": ["base" if one.name == BASE else "" for one in found],
    })  # fmt: skip
    chart = charts.frontier(
        frame, "usd", "kg", label="name", on_line="line", title=title, x_unit=code, y_unit="kg CO2e"
    )
    numbers = table(title, ["Scenario that none beats in both", code, "kg CO2e"], [
        [named(one), usd(one.usd), amount(one.carbon_kg)] for one in best], right=[code, "kg CO2e"])  # fmt: skip
    lead = (f"{plural(len(best), 'scenario')} of {len(found):,} {'is' if len(best) == 1 else 'are'} beaten by no other "
            "in both cost and carbon.")  # fmt: skip
    note = "Scenarios ask different things: this is no frontier of one instance (domicile study frontier is)."
    return Section("tradeoff", "Cost against carbon", lead, (Figure(chart, numbers, note),))


def binding_section(data: StudyData) -> Section | None:
    """Return in how many scenarios each rule leaves no room."""
    found = data.planned
    counts = Counter(rule for one in found for rule in one.binds)
    if not counts:
        return None
    top = counts.most_common(MOST_TAGS)
    title = "Scenarios in which a rule leaves no room"
    frame = pd.DataFrame({"rule": [rule for rule, _ in top], "count": [n for _, n in top],
                          "told": [f"{n} of {len(found)}" for _, n in top]})  # fmt: skip
    rows = [[rule, f"{n:,}", percent(n / len(found), 0)] for rule, n in top]
    numbers = table(title, ["Rule", "Scenarios", "Share"], rows, right=["Scenarios", "Share"])
    lead = f"Most often: {top[0][0]}, in {top[0][1]} of {plural(len(found), 'scenario')} with a plan."
    chart = charts.bars(frame, "rule", "count", label="told", title=title, unit="scenarios")
    return Section("binds", "What binds", lead, (Figure(chart, numbers),))


def scenarios_section(data: StudyData) -> Section:
    """Return every scenario as a row."""
    axes, code = [axis["id"] for axis in data.study["axes"]], currency_code()
    right = [code, "Beside base", "Gap", "kg CO2e", "Moved"]
    rows = [
        [cell(one.id, one.changes),
         *(told_value(one.values[axis]) if axis in one.values else "" for axis in axes), status_cell(one),
         "" if one.usd is None else usd(one.usd), beside(one.usd, data.base_of(one).usd),
         "" if one.gap is None else percent(one.gap, 2), "" if one.carbon_kg is None else
         ("at least " if one.carbon_unknown else "") + amount(one.carbon_kg), "" if one.moved is None else one.moved]
        for one in (*data.outcomes, *data.reruns)
    ]  # fmt: skip
    columns = ["Scenario", *axes, "Status", *right]
    filters = [*(axis for axis in axes if len({repr(one.values.get(axis)) for one in data.outcomes}) <= 30), "Status"]
    told = table("All scenarios", columns, rows, right=right, filters=filters, key="scenarios", where=WHERE)
    return Section("scenarios", "All scenarios", f"{plural(len(rows), 'scenario')}.", (folded(told, "rows"),))


def diff_sections(data: StudyData, folder: StudyFolder, compared: tuple[str, ...]) -> Section | None:
    """Return the base and other scenarios side by side; without `compared` those in which most workloads moved.

    Raises InputError where a scenario that was asked for has no plan.
    """
    names = list(compared) or _farthest(data)
    if not data.base.has_plan or not names:
        return None
    bases = {one.id: data.base_of(one).id for one in data.outcomes}
    blocks: list[Block] = []
    for name in names:
        if name not in bases:
            raise InputError(unknown_name(f"no scenario {name!r}", name, bases, where="scenarios"))
        try:
            diff = compare(folder, bases[name], name)
        except InputError:
            if compared:
                raise
            continue
        blocks += _diff(name, diff)
    lead = f"The base beside {', '.join(names)}: cost by term, and which workloads are elsewhere, and why."
    return Section("diffs", "Side by side", lead, tuple(blocks)) if blocks else None


def _farthest(data: StudyData) -> list[str]:
    """Return the scenarios in which most workloads moved, and of those alike the ones whose cost differs most."""
    others = [(one, abs(share_of(data, one) or 0.0)) for one in data.planned if one.name != BASE]
    others.sort(key=lambda pair: (-(pair[0].moved or 0), -pair[1]))
    return [one.id for one, share in others if one.moved or share][:MOST_COMPARED]


def _diff(name: str, diff: PlanDiff) -> list[Block]:
    code = currency_code()
    title = f"From the base to {name}: change in cost by term"
    terms = [(row.term.replace("_", " "), row.usd_before, row.usd_after) for row in diff.costs]
    rows = [[term, usd(old), usd(new), beside(new, old)] for term, old, new in terms]
    rows.append(["total", usd(diff.usd_before), usd(diff.usd_after), beside(diff.usd_after, diff.usd_before)])
    right = ["Base", name[:30], "Change"]
    numbers = table(title, [f"Term, {code}", *right], rows, right=right)
    blocks: list[Block] = []
    if terms:
        changes = [(term, in_currency(new - old), beside(new, old)) for term, old, new in terms]
        frame = pd.DataFrame(changes, columns=["term", "change", "told"])
        chart = charts.bars(frame, "term", "change", label="told", title=title, unit=f"{code} beside base")
        blocks.append(Figure(chart, numbers))
    moved = [
        [cell(row.workload), _places(row.regions_before, row.regions_after, row.offers_before),
         _places(row.regions_after, row.regions_before, row.offers_after), beside(row.usd_after, row.usd_before),
         cell("; ".join(row.why[:3]))]
        for row in diff.moved
    ]  # fmt: skip
    if moved:
        columns = ["Workload", "In the base", f"In {name[:30]}", code, "Because"]
        told = table(f"What moves in {name}", columns, moved, right=[code])
        blocks.append(told if len(moved) <= 12 else Fold(f"{len(moved)} workloads that move in {name}", (told,)))
    elsewhere = sum(row.regions_before != row.regions_after for row in diff.moved)
    blocks += notes(f"{name}: {elsewhere} in other regions, {len(diff.moved) - elsewhere} on other machines in place, "
                    f"{len(diff.added)} added, {len(diff.dropped)} dropped, {diff.stay} stay.")  # fmt: skip
    return blocks


def _places(own: tuple[str, ...], other: tuple[str, ...], offers: tuple[str, ...]) -> str:
    return some(own, 4) if own != other else some(offers, 4)
