"""Which plan of a study holds up whatever happens, and when a plan fails.

Plans are judged by the audit in every future (`optimizer.study.regrets`), here where that takes a moment, else by the
command `study regret`, whose answer becomes part of the page. When a plan fails is told by the shortest rule on the
axes (`optimizer.study.discovery`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from optimizer.errors import InputError, Issue
from optimizer.explain.rows import Interval
from optimizer.report import charts
from optimizer.report.pages.answers import Answers
from optimizer.report.pages.context import plural
from optimizer.report.pages.study_data import StudyData
from optimizer.report.pages.view import Block, Fact, Figure, Section, cell, folded, notes, table
from optimizer.report.parts import currency_code, in_currency, money, some, usd
from optimizer.report.plain import printable_model
from optimizer.study import StudyFolder, regret
from optimizer.study.futures import Cases, values_text
from optimizer.study.regrets import Cell, PlanJudged, RegretTable

MOST_WORLDS, MOST_PLACED = 24, 600
"""States of instances (decisions x futures), and placements of all plans in all futures, that are judged here: what
takes longer is left to the command. They are of all instances of a study together.
"""
MOST_BARS, MOST_ACROSS = 16, 40
BANDS = (("best possible", 0.005, "s1"), ("up to 5 % dearer", 0.05, "s2"), ("up to 20 % dearer", 0.2, "s3"))
DEARER, FAILS, UNKNOWN = ("dearer still", "s5"), ("fails", "warn"), ("not known", "rest")
TELLS = (
    "A future is what may happen: a value of each uncertainty, or a scenario that is written out. Regret is what a "
    "plan costs there more than the best that was possible there; a plan fails where it breaks a rule, leaves demand "
    "unserved that has to be served, or misses a limit of the study. Every plan is held as it is, and judged by the "
    "audit."
)
NONE = "The study spans no uncertainty: all of its axes are levers, which one decides, and one future is all there is."
COMMAND = "domicile study regret FOLDER --json > regret.json, then domicile report FOLDER --with regret.json"


@dataclass(frozen=True)
class Judgements:
    """The regret tables of the bases of a study, and why there is none of some."""

    tables: dict[str, RegretTable]
    why_not: tuple[str, ...] = ()


def judgements(data: StudyData, folder: StudyFolder, answers: Answers) -> Judgements:
    """Return what was judged before, and judge the other bases where that takes a moment.

    Raises InputError where an answer is of another study.
    """
    base_of = {one.id: one.base for one in data.outcomes}
    found: dict[str, RegretTable] = {}
    for one in map(printable_model, answers.regrets):
        name = base_of.get(one.least.plan)
        if name is None:
            what = f"is of another study: it judges the plan of {one.least.plan}, which is no scenario of this one"
            raise InputError(Issue(what, where="regret", maybe="judge the plans of this folder: domicile study regret"))
        found[name] = one
    why_not = []
    left = [MOST_WORLDS, MOST_PLACED]
    for base in data.bases:
        if base in found:
            continue
        reason = _reason_not_to(data, folder, base, left)
        if reason is None:
            found[base] = printable_model(regret(folder, base=base))
        elif reason:
            why_not.append(f"{base}: {reason}" if data.has_several else reason)
    return Judgements(found, tuple(why_not))


def _reason_not_to(data: StudyData, folder: StudyFolder, base: str, left: list[int]) -> str | None:
    """Return why the plans of a base are not judged here, "" where there is nothing to judge; None if they are, which
    takes its part of what is `left` of states and placements.
    """
    held = [one for one in data.outcomes if one.base == base and one.has_plan]
    cases = Cases(folder, base)
    count = len(cases.futures)
    if not held:
        return ""
    if count < 2:
        return "" if data.has_several else f"{NONE} An axis with kind: uncertainty asks it (docs/studies.md)."
    decisions = {values_text(one.levers) for one in cases.all}
    needs = [len(decisions) * count, sum(one.placed for one in held) * count]
    if all(need <= has for need, has in zip(needs, left, strict=True)):
        left[:] = [has - need for need, has in zip(needs, left, strict=True)]
        return None
    return f"{plural(len(held), 'plan')} in {count} futures take a while to judge: {COMMAND}"


def regret_facts(judged: Judgements) -> list[Fact]:
    """Return the plan of least worst regret as a key figure, of a study of one instance."""
    if len(judged.tables) != 1:
        return []
    (one,) = judged.tables.values()
    least = one.least
    if least.worst_regret_usd is None:
        return []
    fails = f"; it fails in {least.fails} of {len(one.futures)} futures" if least.fails else ""
    note = f"so much above the best possible at worst, with the plan chosen under {least.plan}{fails}"
    return [Fact("Least worst regret", told(least.worst_regret_usd), note, "warn" if least.fails else "")]


def regret_section(data: StudyData, judged: Judgements) -> Section | None:
    """Return which plan holds up, whatever happens: worst regrets, and every plan in every future."""
    title = "Which plan holds up, whatever happens"
    if not judged.tables:
        return Section("regret", title, "This was not asked.", notes(*judged.why_not)) if judged.why_not else None
    blocks: list[Block] = []
    if data.has_several:
        blocks.append(_by_base(judged))
    for base, one in judged.tables.items():
        mark = f"{base}: " if data.has_several else ""
        if not data.has_several:
            blocks += _worst(one)
        blocks += _cells(one, mark, is_drawn=not data.has_several)
        none = f"{mark}no plan is known in {some(one.impossible, 4)}." if one.impossible else ""
        open_ = f"{mark}{plural(len(one.unsolved), 'scenario')} without a proven result: regret there may be more."
        blocks += notes(none, open_ if one.unsolved else "")
    lead = _lead(next(iter(judged.tables.values()))) if not data.has_several else _leads(judged)
    return Section("regret", title, lead, (*blocks, *notes(TELLS, *judged.why_not)))


def told(of: Interval) -> str:
    """Return a regret as money; an interval where it is proven to no closer figure."""
    low, high = usd(of.low), None if of.high is None else usd(of.high)
    if high is None:
        return f"at least {money(of.low)}"
    return money(of.high) if low == high else f"{low} to {high} {currency_code()}"


def _lead(table_: RegretTable) -> str:
    least, count = table_.least, len(table_.futures)
    if least.worst_regret_usd is None:
        return f"Every plan fails in each of {count} futures."
    fails = f"fails in {least.fails} of" if least.fails else "holds in all"
    others = f" Of {len(table_.plans):,} different plans it does best." if len(table_.plans) > 1 else ""
    where = f" (in {least.worst_future})" if least.worst_future else ""
    return (f"The plan chosen under {least.plan} {fails} {count} futures, and costs at most "
            f"{told(least.worst_regret_usd)} more than the best that was possible there{where}.{others}")  # fmt: skip


def _leads(judged: Judgements) -> str:
    holding = sum(not one.least.fails for one in judged.tables.values())
    return f"In {holding} of {plural(len(judged.tables), 'instance')} one plan holds in every future that was tried."


def _by_base(judged: Judgements) -> Block:
    rows = [
        [base, one.least.plan, f"{one.least.fails} of {len(one.futures)}", _regret(one.least), one.least.worst_future]
        for base, one in judged.tables.items()
    ]  # fmt: skip
    right = ["Fails in", "Worst regret"]
    columns = ["Instance", "Plan chosen under", *right, "Where"]
    return table("The plan of least worst regret, by instance", columns, rows, right=right)


def _regret(one: PlanJudged) -> str:
    return "" if one.worst_regret_usd is None else told(one.worst_regret_usd)


def _worst(table_: RegretTable) -> tuple[Block, ...]:
    """Return the worst regret of each plan, those that fail least first."""
    title = "Worst regret of each plan"
    code, count = currency_code(), len(table_.futures)
    shown = [one for one in table_.plans if one.worst_regret_usd is not None][:MOST_BARS]
    rows = [
        [cell(one.plan, f"and {len(one.chosen_under_too)} more that chose alike" if one.chosen_under_too else ""),
         cell(f"{one.fails} of {count}", tone="warn" if one.fails else ""), _regret(one), one.worst_future or ""]
        for one in table_.plans
    ]  # fmt: skip
    right = ["Fails in", "Worst regret"]
    numbers = table(title, ["Plan chosen under", *right, "Where"], rows, right=right)
    if not shown:
        return (numbers,)
    frame = pd.DataFrame({
        "plan": [one.plan for one in shown],
        "usd": [in_currency(_high(one.worst_regret_usd)) for one in shown],
        "told": [_range(one.worst_regret_usd) + (f", fails in {one.fails}" if one.fails else "")
                 for one in shown if one.worst_regret_usd is not None],
    })  # fmt: skip
    chart = charts.bars(frame, "plan", "usd", label="told", title=title, unit=code)
    note = "Plans that fail in the fewest futures come first; where a plan fails it has no regret."
    return (Figure(chart, numbers, note),)


def _high(of: Interval | None) -> float:
    return 0.0 if of is None else of.low if of.high is None else of.high


def _cells(table_: RegretTable, mark: str, *, is_drawn: bool) -> Iterator[Block]:
    """Yield every plan in every future: how much dearer than the best possible, or how it fails."""
    title = f"{mark}Every plan in every future"
    rows = [
        [one.plan, one.future, "" if one.cost_usd is None else usd(one.cost_usd),
         "" if one.best_usd is None else _range(one.best_usd),
         "" if one.regret_usd is None else _range(one.regret_usd), cell(_fails(one), tone="warn")]
        for one in table_.cells
    ]  # fmt: skip
    right = [f"Costs, {currency_code()}", "Best possible", "Regret"]
    numbers = table(title, ["Plan chosen under", "Future", *right, "Fails by"], rows, right=right,
                    filters=["Plan chosen under", "Future"] if len(rows) > 12 else [], key=f"cells{len(mark)}",
                    where="what study regret --json prints")  # fmt: skip
    if not is_drawn or len(table_.futures) > MOST_ACROSS:
        yield folded(numbers, "cells", 12)
        return
    frame = pd.DataFrame([(one.plan, one.future, _band(one)[0]) for one in table_.cells],
                         columns=["plan", "future", "kind"])  # fmt: skip
    seen = set(frame["kind"])
    names = {name: colour for name, colour in (*((a, c) for a, _, c in BANDS), DEARER, FAILS, UNKNOWN) if name in seen}
    yield Figure(charts.heat_map(frame, "plan", "future", "kind", title=title, names=names), numbers)


def _range(of: Interval) -> str:
    low, high = usd(of.low), None if of.high is None else usd(of.high)
    return f"{low} or more" if high is None else low if low == high else f"{low} to {high}"


def _band(one: Cell) -> tuple[str, str]:
    if one.fails:
        return FAILS
    if one.regret_usd is None or one.regret_usd.high is None or one.best_usd is None or not one.best_usd.high:
        return UNKNOWN
    share = one.regret_usd.high / one.best_usd.high
    return next(((name, colour) for name, most, colour in BANDS if share <= most), DEARER)


def _fails(one: Cell) -> str:
    return "; ".join([*one.breaks, *(f"misses the limit on {name}" for name in one.missed)])
