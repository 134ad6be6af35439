"""When a plan of a study fails, and when there is none: the smallest readable rule on the axes that says so."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from optimizer.errors import InputError
from optimizer.report.pages.answers import Answers
from optimizer.report.pages.context import plural
from optimizer.report.pages.study_data import StudyData
from optimizer.report.pages.study_regret import Judgements
from optimizer.report.pages.view import Cell, Section, cell, notes, table
from optimizer.report.parts import percent
from optimizer.report.plain import printable_model
from optimizer.study import StudyFolder, discover
from optimizer.study.discovery import Discovery

MOST_RULES, MOST_PLANS = 3, 12
INSTALL = "When it fails was not asked: pip install 'domicile[study]' brings the library that finds the rule."
TITLE = "When a plan fails, and when there is none"
TELLS = (
    "Rules are the shortest that a classification tree finds on the axes of the study. Of the cases that a rule covers "
    "so many fail, and so much of all failures it covers. They describe the cases that were solved; a limit between "
    "two values that were tried is known no closer."
)


def fails_section(data: StudyData, folder: StudyFolder, judged: Judgements, answers: Answers) -> Section | None:
    """Return when there is no plan and when a plan fails; None where nothing fails or no axis could say when."""
    found = [printable_model(one) for one in answers.discoveries] or None
    if found is None and _may_fail(data, judged):
        if find_spec("sklearn") is None:
            return Section("fails", TITLE, "", notes(INSTALL))
        found = list(_found(data, folder, judged))
    rows = [row for one in found or () if one.fails for row in _rows(one)]
    if not rows:
        return None
    first = next(one for one in found or () if one.fails)
    right = ["Fails", "Of all its failures"]
    numbers = table("When it fails", ["What", "When", *right], rows, right=right)
    return Section("fails", TITLE, _lead(first), (numbers, *notes(TELLS)))


def _may_fail(data: StudyData, judged: Judgements) -> bool:
    """Return whether something fails that the values of axes could say: a scenario, or a plan in some future."""
    none = any(one.values and (one.status == "infeasible" or one.missed) for one in data.outcomes)
    return none or any(plan.fails and any(one.futures.values()) for one in judged.tables.values() for plan in one.plans)


def _found(data: StudyData, folder: StudyFolder, judged: Judgements) -> Iterator[Discovery]:
    """Yield when there is no plan of each base, then when each of its plans fails."""
    for base in data.bases:
        try:
            yield printable_model(discover(folder, base=base))
        except InputError:  # no axes are spanned over this base
            continue
        one = judged.tables.get(base)
        failing = [plan for plan in one.plans if plan.fails] if one is not None else []
        for plan in failing[:MOST_PLANS]:
            yield printable_model(discover(folder, one, plan.plan))


def _rows(one: Discovery) -> list[list[Cell]]:
    what = "no plan at all" if one.plan is None else f"the plan chosen under {one.plan}"
    of = "scenarios" if one.plan is None else "futures"
    note = f"in {one.fails} of {one.cases} {of}"
    if not one.rules:
        return [[cell(what, note), cell(_without_rule(one)), cell(f"{one.fails} of {one.cases}"), cell("")]]
    return [
        [cell(what, note), cell(" and ".join(map(str, rule.conditions))), cell(f"{rule.failing} of {rule.covered}"),
         cell(percent(rule.coverage, 0))]
        for rule in one.rules[:MOST_RULES]
    ]  # fmt: skip


def _without_rule(one: Discovery) -> str:
    return "always" if one.fails == one.cases else "no rule on the axes says when"


def _lead(one: Discovery) -> str:
    head = (f"There is no plan in {one.fails} of {plural(one.cases, 'scenario')}" if one.plan is None else
            f"The plan chosen under {one.plan} fails in {one.fails} of {plural(one.cases, 'future')}")  # fmt: skip
    if not one.rules:
        return f"{head}: {_without_rule(one)}."
    first = one.rules[0]
    when = f"when {' and '.join(map(str, first.conditions))}"
    exact = first.failing == first.covered
    if exact and first.failing == one.fails:
        return f"{head}: {when}."
    return f"{head}, mostly {when}: there in {first.failing} of {first.covered}."
