"""What a plan rests on: weak figures, assumed conditions, options out for want of a figure; and how to repeat it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from optimizer.explain.conflict_rows import Step
from optimizer.plan.models import Plan
from optimizer.report.charts import waterfall
from optimizer.report.missing_view import REFUSED, WORDS
from optimizer.report.pages.context import Context, plural
from optimizer.report.pages.settle import RISK
from optimizer.report.pages.view import Block, Figure, Fold, Section, cell, notes, table
from optimizer.report.parts import amount, money, percent, some, usd

ASSUMED = "condition taken as met: "
LEAST_SHARE = 1e-4
QUALITIES = {
    "fallback": "fallback figures of power, PUE, … for want of better ones", "estimated": "estimated figures",
    "derived": "figures derived from others", "unverified": "offers known from a price list alone",
    "estimated_rtt": "round trips estimated, not measured", "stale_price": "old prices",
    "transferred_speed": "speeds measured on another machine", "estimated_speed": "estimated speeds",
}  # fmt: skip
STEPS = {
    "all": "all options", "machine": "the machine suits the work",
    "law": "the law allows it", "latency": "it is near enough", "policy": "the policies allow it",
    "figures": "its figures are known", "quota": "there is a quota for it", "other": "nothing else closes it",
}  # fmt: skip
DEMAND = {
    "demand": "all demand", "machines": "machines suit", "law": "law allows", "latency": "near enough",
    "capacity": "capacity suffices", "policies": "policies hold", "carbon": "carbon budgets hold",
    "money": "money budgets hold",
}  # fmt: skip


def feasible_section(context: Context) -> Section | None:
    """Return the section on what the rules leave over of all options; None where the instance was not at hand."""
    if not context.steps:
        return None
    frame_rows = [(STEPS[one.step], one.options, f"{one.options:,}") for one in context.steps]
    title = "Options left after each rule"
    numbers = table(title, ["Asked", "Options left", "Taken", "Mostly by"], [
        [STEPS[one.step], f"{one.options:,}", f"{one.taken:,}" if one.taken else "", some(one.taken_by, 3)]
        for one in context.steps
    ], right=["Options left", "Taken"])  # fmt: skip
    chart = waterfall(_frame(frame_rows), "step", "left", label="told", title=title, unit="options")
    first, last = context.steps[0], context.steps[-1]
    lead = (f"Of {first.options:,} options (an offer for a stream or a job), {last.options:,} are left to choose from: "
            f"{percent(last.options / first.options if first.options else None)}.")  # fmt: skip
    told = [f"{name} has no option left once “{STEPS[one.step]}” is asked; the last was taken by {rule}."
            for one in context.steps for name, rule in one.lost]  # fmt: skip
    return Section("feasible", "What the rules leave to choose from", lead, (Figure(chart, numbers), *notes(*told)))


def demand_figure(steps: tuple[Step, ...]) -> Block:
    """Return the waterfall of the demand that can be served, of an instance without a plan."""
    title = "Demand that can be served after each rule"
    known = [one for one in steps if one.left is not None]
    rows = [(DEMAND[one.step], 100 * (one.left or 0.0), percent(one.left, 0)) for one in known]
    numbers = table(title, ["Asked", "Left", "At most", "Taken by"], [
        [DEMAND[one.step], percent(one.left), percent(one.at_most), some(one.taken_by, 4)] for one in known
    ], right=["Left", "At most"])  # fmt: skip
    return Figure(waterfall(_frame(rows), "step", "left", label="told", title=title, unit="% of all demand"), numbers)


def _frame(rows: Sequence[tuple[str, float, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["step", "left", "told"])


def basis_section(context: Context) -> Section:
    """Return the section on what the plan rests on and does not know."""
    plan = context.plan
    blocks: list[Block] = []
    shown = [one for one in plan.data_quality if max(one.cost_share or 0.0, one.carbon_share or 0.0) >= LEAST_SHARE]
    if shown:
        rows = [
            [cell(QUALITIES.get(one.quality, one.quality.replace("_", " ")), one.note), percent(one.cost_share),
             percent(one.carbon_share)]
            for one in shown
        ]  # fmt: skip
        right = ["Of the cost", "Of the carbon"]
        blocks.append(table("How much rests on figures that nobody verified", ["Figures", *right], rows, right=right))
    blocks += _missing(plan)
    assumed = [text.removeprefix(ASSUMED) for text in plan.warnings if text.startswith(ASSUMED)]
    if assumed:
        blocks.append(table("Conditions taken as met", ["Condition"], [[text] for text in assumed]))
    for title, names in (
        ("Laws that touch this estate and have no effect on the plan yet", plan.unmodelled_laws),
        ("Laws that nobody reviewed", plan.unreviewed_laws),
    ):
        if names:
            blocks += notes(f"{title}: {', '.join(names)}.")
    others = [text for text in plan.warnings if not text.startswith((ASSUMED, RISK))]
    if others:
        blocks.append(Fold(f"{plural(len(others), 'warning')} of the plan", notes(*others)))
    if not plan.held:
        return Section("basis", "What is not known", "", tuple(blocks))
    return Section("basis", "What the plan rests on, and what is not known", _lead(plan, len(assumed)), tuple(blocks))


def _lead(plan: Plan, assumed: int) -> str:
    told = [f"{plural(assumed, 'condition')} {'is' if assumed == 1 else 'are'} taken as met." if assumed else ""]
    if plan.missing_figures and plan.missing_figures_usd is not None:
        told.append(f"Options out for want of a figure cost at most {_at_most(plan, plan.missing_figures_usd)}.")
    if plan.refused and plan.refused_usd is not None:
        told.append(f"Refusing what nobody knows costs at most {_at_most(plan, plan.refused_usd)}.")
    return " ".join(filter(None, told)) or "Nothing in the plan rests on a figure that is known to be weak."


def _at_most(plan: Plan, value: float) -> str:
    return money(value) + (f" ({percent(value / plan.objective_usd)} of the cost)" if plan.objective_usd else "")


def _missing(plan: Plan) -> list[Block]:
    blocks: list[Block] = []
    if plan.missing_figures:
        rows = [
            [cell(WORDS.get(one.figure, one.figure), "copies of data" if one.of == "copies" else ""),
             cell(one.rule or "every option"), f"{one.options:,}", f"{one.alone:,}",
             "not bounded" if one.may_cost_usd is None else usd(one.may_cost_usd)]
            for one in plan.missing_figures
        ]  # fmt: skip
        right = ["Options", "Lack only this", "May cost at most"]
        blocks.append(table("Options out for want of a figure", ["Figure", "Asked by", *right], rows, right=right))
    if plan.refused:
        rows = [
            [cell(REFUSED.get(one.reason, one.reason)), cell(one.rule or ""), f"{one.options:,}", f"{one.alone:,}"]
            for one in plan.refused
        ]  # fmt: skip
        right = ["Options", "By this alone"]
        caption = "Options refused only because nobody knows"
        blocks.append(table(caption, ["What is not known", "Rule", *right], rows, right=right))
    return blocks


def annex_section(context: Context) -> Section:
    """Return the annex: how the plan was made, and how to repeat and check it."""
    plan = context.plan
    name = plan.instance_name or "FILE"
    made = [["status", (plan.status or "").replace("_", " ")], ["ended", (plan.termination or "").replace("_", " ")],
            ["method", plan.method or ""], ["stated by", plan.stated_by or ""],
            ["gap", percent(plan.gap, 3) if plan.gap is not None else ""],
            ["hash of the instance", plan.instance_sha256 or ""],
            ["hash of the catalogue", plan.catalogue_sha256 or ""],
            ["hash of the laws", plan.laws_sha256 or ""],
            *([key, value] for key, value in plan.versions.items()),
            *([f"seconds: {k.replace('_', ' ')}", amount(of)] for k, of in plan.timings_seconds.items())]  # fmt: skip
    held = [["mechanisms held", ", ".join(map(str, plan.assertions.get("mechanisms_held", ()) or ())) or "none"]]
    blocks: list[Block] = [
        Fold("How the plan was made", (table("Versions, hashes and times", ["What", "Value"], [*made, *held]),)),
    ]
    reasons: dict[str, list[int]] = {}
    for row in plan.ineligible:
        sums = reasons.setdefault(row.reason, [0, 0])
        sums[0] += row.options
        sums[1] += row.alone
    if reasons:
        rows = [[reason.replace("_", " "), f"{options:,}", f"{alone:,}"]
                for reason, (options, alone) in sorted(reasons.items(), key=lambda one: -one[1][0])]  # fmt: skip
        right = ["Options", "By it alone"]
        caption = "Options ruled out, by reason (an option may be out for several)"
        counted = table(caption, ["Reason", *right], rows, right=right)
        blocks.append(Fold("Why options are out, counted", (counted,)))
    blocks += notes(
        f"To check this plan: domicile audit {name} --plan plan.json --prove. It recomputes cost, carbon, capacity and "
        "legality on a path of its own, and solves again by another method.")  # fmt: skip
    return Section("annex", "Annex", "", tuple(blocks), is_annex=True)
