"""What a plan says of missing figures, of what it refuses because nobody knows, and of what is not finished."""

from __future__ import annotations

from collections import Counter

from optimizer.audit.findings import RULED_OUT, Findings, exceeds
from optimizer.audit.world import World
from optimizer.plan.models import Plan
from optimizer.plan.rows import MissingFigure

OF_FIGURES = frozenset(name for name in RULED_OUT if name.startswith("missing_")) | {"no_throughput", "rtt_unknown"}
Key = tuple[str, str | None, bool]


OF_UNKNOWN = {f"{what}_unknown" for what in ("law", "access", "certificate", "sovereignty", "chip", "tenant")}
"""Reasons by which an instance refuses what nobody knows."""


def check_refused(world: World, plan: Plan, findings: Findings) -> None:
    """Check that rows of what is refused name what may be unknown, count what can be, and cost what can be."""
    most = _ruled_out(world, plan)
    if plan.refused_usd is not None:
        _check_cost("refused_usd", plan.refused_usd, plan, findings)
    for k, row in enumerate(plan.refused):
        where = f"refused[{k}]"
        findings.checked["refused"] += 1
        if row.reason not in OF_UNKNOWN:
            findings.add("statement", where, "is nothing that may be unknown", found=row.reason)
        limit = most[row.reason, row.rule, row.of == "copies"] if plan.ineligible else None
        if row.options < 1 or (limit is not None and row.options > limit):
            findings.add("statement", where, "options, at most as many as are ruled out", expected=limit,
                         found=row.options)  # fmt: skip
        if not 0 <= row.alone <= row.options:
            findings.add("statement", where, "alone: not from 0 to the options", expected=row.options, found=row.alone)


def check_missing(world: World, plan: Plan, findings: Findings) -> None:
    """Check that rows name figures, count no more options than the plan's rows of reasons, and cost what can be."""
    most = _ruled_out(world, plan)
    total = plan.missing_figures_usd
    if total is not None:
        _check_cost("missing_figures_usd", total, plan, findings)
    for k, row in enumerate(plan.missing_figures):
        where = f"missing_figures[{k}]"
        findings.checked["missing figures"] += 1
        if row.figure not in OF_FIGURES:
            findings.add("statement", where, "is no figure that can be missing", found=row.figure)
        limit = most[_key(row)] if plan.ineligible else None
        if row.options < 1 or (limit is not None and row.options > limit):
            findings.add("statement", where, "options, at most as many as the figure rules out", expected=limit,
                         found=row.options)  # fmt: skip
        for name in ("alone", "unestimated"):
            count = getattr(row, name)
            if count is not None and not 0 <= count <= row.options:
                findings.add("statement", where, f"{name}: not from 0 to the options", expected=row.options,
                             found=count)  # fmt: skip
        if row.may_cost_usd is not None:
            _check_cost(f"{where}.may_cost_usd", row.may_cost_usd, plan, findings)
            if total is not None and exceeds(row.may_cost_usd, total):
                findings.add("statement", where, "costs more than all missing figures together", expected=total,
                             found=row.may_cost_usd)  # fmt: skip


def check_unfinished(plan: Plan, findings: Findings) -> None:
    """Check that what a plan says is not finished can be, and that no bound is left out in silence."""
    told = [row.what for row in plan.unfinished]
    bounds = {
        "missing_figures": (plan.missing_figures, plan.missing_figures_usd), "refused": (plan.refused, plan.refused_usd)
    }
    for k, row in enumerate(plan.unfinished):
        where = f"unfinished[{k}]"
        findings.checked["unfinished"] += 1
        if told.count(row.what) > 1:
            findings.add("duplicate", where, "is told twice", found=row.what)
        if row.what in bounds and not bounds[row.what][0]:
            findings.add("statement", where, "is no question that this plan leaves open", found=row.what)
        if row.seconds < 0 or row.questions < 1:
            findings.add("statement", where, "less time than none, or no question", found=row.seconds)
    if not plan.held or plan.objective_usd is None or plan.asked is None:
        return
    for what, (rows, usd) in bounds.items():
        if rows and usd is None and what not in told:
            findings.add("statement", f"{what}_usd", "has no bound, and the plan does not say that it is not finished",
                         expected=f"unfinished: {what}")  # fmt: skip


def _check_cost(where: str, usd: float, plan: Plan, findings: Findings) -> None:
    """No cost is below 0, so that no more is saved than the plan costs."""
    most = plan.objective_usd
    if usd < 0 or (most is not None and exceeds(usd, max(most, 0.0))):
        findings.add("statement", where, "not from 0 to what the plan costs", expected=most, found=usd)


def _key(row: MissingFigure) -> Key:
    return row.figure, row.rule, row.of == "copies"


def _ruled_out(world: World, plan: Plan) -> Counter[Key]:
    """Return by figure and rule how many options the plan says are ruled out, those of a workload for each stream."""
    found: Counter[Key] = Counter()
    for row in plan.ineligible:
        streams = world.streams.get(row.workload or "", {}) if row.stream is None else {}
        found[row.reason, row.rule, row.dataset is not None] += row.options * max(len(streams), 1)
    return found
