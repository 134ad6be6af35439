"""Answers of other commands that become part of a page: prices, frontiers, regret, when it fails, why no plan."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from optimizer.errors import InputError, Issue
from optimizer.explain.conflict_rows import InfeasibleAnswer
from optimizer.explain.rows import PricesAnswer
from optimizer.input_files import read_text
from optimizer.report import charts
from optimizer.report.pages.basis import demand_figure
from optimizer.report.pages.context import plural
from optimizer.report.pages.view import Block, Figure, Section, cell, notes, table
from optimizer.report.parts import amount, amounts_in, currency_code, in_currency, money, percent, usd
from optimizer.report.plain import printable_model
from optimizer.study.discovery import Discovery
from optimizer.study.frontiers import Frontier
from optimizer.study.regrets import RegretTable

Answer = PricesAnswer | Frontier | InfeasibleAnswer | RegretTable | Discovery
KINDS: dict[str, type[Answer]] = {
    "prices": PricesAnswer, "points": Frontier, "conflicts": InfeasibleAnswer, "waterfall": InfeasibleAnswer,
    "futures": RegretTable, "left_out": Discovery,
}  # fmt: skip
"""By a field that only answers of one command have: what they are."""
@dataclass(frozen=True)
class Words:
    """What a frontier is over: less of it in a heading, its amount in a title, its unit, what a unit less costs."""

    less: str
    amount: str
    unit: str
    slope: str


WORDS = {
    "carbon": Words("less carbon", "kg CO2e", "kg CO2e", "Each kg less costs"),
    "water": Words("less water", "litres of water", "l of water", "Each l less costs"),
    "outside": Words("more work outside", "share of the work outside", "%", "Each point more costs"),
    "providers": Words("having fewer providers", "number of providers", "providers", "One fewer costs"),
    "market_based": Words("less carbon by suppliers' claims", "kg CO2e by suppliers' claims", "kg CO2e",
                          "Each kg less costs"),
    "waiting": Words("less waiting of jobs", "hours that the work of jobs waits", "h of waiting",
                     "Each hour less costs"),
}  # fmt: skip
"""By what a frontier is over."""
WHY_NONE = "Why there is no plan, and what would give one"
COMMANDS = "explain prices, explain infeasible, study frontier, study regret, study discover"


@dataclass(frozen=True)
class Answers:
    """What was asked of the same instance, or of the same study (`regrets`, `discoveries`), besides."""

    prices: PricesAnswer | None = None
    frontiers: tuple[Frontier, ...] = ()
    infeasible: InfeasibleAnswer | None = None
    regrets: tuple[RegretTable, ...] = ()
    discoveries: tuple[Discovery, ...] = ()

    def with_one(self, answer: Answer) -> Answers:
        """Return these answers and one more; of prices and of why there is no plan there is one, the last."""
        if isinstance(answer, PricesAnswer):
            return replace(self, prices=answer)
        if isinstance(answer, InfeasibleAnswer):
            return replace(self, infeasible=answer)
        if isinstance(answer, Frontier):
            return replace(self, frontiers=(*self.frontiers, answer))
        if isinstance(answer, RegretTable):
            return replace(self, regrets=(*self.regrets, answer))
        return replace(self, discoveries=(*self.discoveries, answer))


def read_answers(paths: Iterable[Path]) -> Answers:
    """Read answers that other commands printed with --json.

    Raises:
        InputError: a file is none of them.
    """
    found = Answers()
    for path in paths:
        name = str(path)
        try:
            data = json.loads(read_text(path, name))
            kind = next(of for key, of in KINDS.items() if isinstance(data, dict) and key in data)
            answer = printable_model(kind.model_validate_json(json.dumps(data)))
        except (ValueError, StopIteration, ValidationError):
            what = "is no answer that a page can show"
            maybe = f"write one with --json: {COMMANDS}"
            raise InputError(Issue(what, file=name, maybe=maybe)) from None
        found = found.with_one(answer)
    return found


def answer_sections(answers: Answers) -> list[Section]:
    """Return the sections on frontiers and on why there is no plan."""
    found = [frontier_section(one, number) for number, one in enumerate(answers.frontiers, start=1)]
    if answers.infeasible is not None:
        with amounts_in(answers.infeasible.currency):
            found.append(_infeasible(answers.infeasible))
    return found


def frontier_section(answer: Frontier, number: int = 1) -> Section:
    """Return the section on a frontier of cost against something else."""
    with amounts_in(answer.currency):
        words, share = WORDS[answer.over], answer.over == "outside"
        over = f"{words.amount} {answer.outside or ''}".strip()
        title, code = f"{f'{answer.of}: cost' if answer.of else 'Cost'} against {over}", currency_code()
        amounts = [100 * one.amount if share else one.amount for one in answer.points]
        frame = pd.DataFrame({
            "cost": [in_currency(one.cost_usd) for one in answer.points], "amount": amounts,
            "label": ["" if 0 < k < len(amounts) - 1 and not one.is_knee else
                      "least cost" if k == 0 else "knee" if one.is_knee else "best, whatever it costs"
                      for k, one in enumerate(answer.points)],
        })  # fmt: skip
        unit = f"% of the work outside {answer.outside}" if share else words.unit
        chart = charts.frontier(frame, "cost", "amount", label="label", title=title, x_unit=code, y_unit=unit)
        best = "At least, in any plan" if answer.over == "providers" else "Best possible"
        rows = []
        for k, one in enumerate(answer.points):
            by_count = answer.over == "providers"
            proven = usd(one.cost_bound_usd) if by_count else _figure(answer, one.amount_bound)
            rows.append([cell(k + 1, "knee" if one.is_knee else "" if one.proven else "not proven"),
                         usd(one.cost_usd), _figure(answer, one.amount), proven, _slope(answer, k)])  # fmt: skip
        columns = ["Point", code, unit, best, words.slope]
        numbers = table(title, columns, rows, right=columns[1:])
        first, last = answer.points[0], answer.points[-1]
        lead = (f"From {money(first.cost_usd)} ({_amount(answer, first.amount)}) to {money(last.cost_usd)} "
                f"({_amount(answer, last.amount)}) in {plural(len(answer.points), 'point')}"
                f"{', each of them proven' if all(one.proven for one in answer.points) else ''}.")  # fmt: skip
        if len(answer.points) == 1:
            at = f"{money(first.cost_usd)} and {_amount(answer, first.amount)}"
            lead = f"One plan is best in both: at {at} no other has less of the one for more of the other."
        left_out = f"Options without a {answer.over} figure are left out of all points alike."
        told = [left_out] if answer.known_only else []
        told += [] if answer.complete else ["Time ran out: plans may lie below the points, or there are more of them."]
        shown: Block = Figure(chart, numbers) if len(answer.points) > 1 else numbers
        blocks: tuple[Block, ...] = (shown, *notes(*told))
        named = f"{answer.of}: what" if answer.of else "What"
        return Section(f"frontier-{number}", f"{named} {_less(answer)} costs", lead, blocks)


def _less(answer: Frontier) -> str:
    return f"{WORDS[answer.over].less} {answer.outside or ''}".strip()


def _figure(answer: Frontier, value: float | None) -> str:
    return percent(value) if answer.over == "outside" else amount(value)


def _amount(answer: Frontier, value: float) -> str:
    return f"{percent(value)} outside" if answer.over == "outside" else amount(value, WORDS[answer.over].unit)


def _slope(answer: Frontier, k: int) -> str:
    if k == 0:
        return ""
    before, point = answer.points[k - 1], answer.points[k]
    units = abs(before.amount - point.amount) * (100.0 if answer.over == "outside" else 1.0)
    return usd((point.cost_usd - before.cost_usd) / units) if units else ""


def _infeasible(answer: InfeasibleAnswer) -> Section:
    blocks: list[Block] = []
    if sum(one.left is not None for one in answer.waterfall) > 1:
        blocks.append(demand_figure(answer.waterfall))
    for number, one in enumerate(answer.conflicts, start=1):
        rows = [[cell(rule.id, "cannot be moved" if rule.immovable else ""), rule.sentence, rule.source,
                 "" if rule.without_usd is None else money(rule.without_usd)] for rule in one.rules]  # fmt: skip
        caption = f"Conflict {number}: {one.sentence}" + ("" if one.infeasible else " (not proven)")
        blocks.append(table(caption, ["Rule", "Says", "Written in", "Without it a plan costs"], rows,
                            right=["Without it a plan costs"]))  # fmt: skip
    if answer.repairs:
        rows = [[cell(one.sentence, "verified" if one.verified else "not verified"), usd(one.cost_usd),
                 amount(one.carbon_kg)] for one in answer.repairs]  # fmt: skip
        blocks.append(table("What would give it a plan", ["Change", currency_code(), "kg CO2e"], rows,
                            right=[currency_code(), "kg CO2e"]))  # fmt: skip
    if answer.servable is not None:
        blocks += notes(f"Without any change: {plural(len(answer.servable.served), 'workload')} can be served, "
                        f"{plural(len(answer.servable.deferred), 'workload')} would have to wait: "
                        f"{', '.join(answer.servable.deferred[:12])}.")  # fmt: skip
    lead = {"infeasible": "That there is none is proven.", "feasible": "There is a plan after all.",
            "unknown": "Time ran out before it was settled."}[answer.status]  # fmt: skip
    return Section("conflict", WHY_NONE, lead, tuple(blocks))
