"""What refusing the unknown may cost: a bound from below on the instance that asks instead.

What nobody knows of the law, of access, of a certificate, of sovereignty, of a chip or of the tenant may keep options
out (`laws.unknown`). The instance in which all of it is asked about instead opens these options and shuts none: every
plan of the instance is one of that instance, at the same cost. Any bound from below on it, subtracted from the plan's
cost, is the most that refusing can cost (the argument of `optimizer.missing`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from optimizer.missing import missing_rows, saving
from optimizer.plan.legal_rows import RefusedUnknown
from optimizer.plan.models import Plan
from optimizer.plan.unfinished import Question, Unfinished
from optimizer.what_if import Share, WhatIf, may_end

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.compile.ledger import Ledger
    from optimizer.compile.world import World

REASONS = frozenset({"law_unknown", "access_unknown", "certificate_unknown", "sovereignty_unknown", "chip_unknown",
                     "tenant_unknown"})  # fmt: skip
"""The ledger's reasons for what is refused because nobody knows."""
TIME, COMPILED_IN = Share(0.05, 10.0), 3.0
"""Time for the bound, never more than is left of the time limit; how many times as long as compiling it has to be."""
ASKING = {"law": "ask", "access": "ask", "certificate": "ask", "seal": "ask", "tenant": "ask"}


def told_refused(ask: WhatIf, plan: Plan) -> dict[str, Any]:
    """Return what a plan says of the options that are refused only because nobody knows: counts, and what that costs.

    Without a bound where there is no plan to compare with, or no time is left; then it is in `unfinished`.
    """
    compiled = ask.compiled
    rows = refused_rows(compiled.ledger, compiled.datasets.ledger, compiled.world)
    if not rows or plan.objective_usd is None:
        return {"refused": rows} if rows else {}
    seconds = min(TIME.seconds(plan), ask.limits.left_seconds())
    found: dict[str, Any] = {"refused": rows}
    unfinished = (*plan.unfinished, Unfinished(what="refused", seconds=seconds))
    compiling = sum(compiled.timings.values())  # all is judged anew, so that it takes as long
    if ask.limits.cancel.is_set() or seconds < COMPILED_IN * compiling:
        return {**found, "unfinished": unfinished}
    instance = compiled.world.instance
    unknown = instance.laws.unknown.model_copy(update=ASKING)
    asking = instance.model_copy(update={"laws": instance.laws.model_copy(update={"unknown": unknown})})
    opened = ask.state(instance=asking).problem
    most = saving(ask, opened, plan, seconds, solves=may_end(compiled, plan, seconds))
    told = {**found, "refused_usd": most.usd}
    return told if most.is_finished else {**told, "unfinished": unfinished}


def counted_only(compiled: Compiled, plan: Plan) -> dict[str, Any]:
    """Return what a plan says of missing figures and of what is refused where nobody asks what they cost: counts."""
    missing = missing_rows(compiled.wanting)
    refused = refused_rows(compiled.ledger, compiled.datasets.ledger, compiled.world)
    found: dict[str, Any] = {"missing_figures": missing, **({"refused": refused} if refused else {})}
    if plan.objective_usd is None:
        return found
    open_: tuple[tuple[Question, bool], ...] = (("missing_figures", bool(missing)), ("refused", bool(refused)))
    unasked = (Unfinished(what=what, seconds=0.0, asked=False) for what, is_open in open_ if is_open)
    return {**found, "unfinished": (*plan.unfinished, *unasked)}


def refused_rows(ledger: Ledger, at_rest: Ledger, world: World) -> tuple[RefusedUnknown, ...]:
    """Return the options that are refused only because nobody knows, by reason and rule."""
    from optimizer.compile.wanting import wanting_of

    found: Iterable[Any] = wanting_of(ledger, at_rest, world, REASONS)
    return tuple(
        RefusedUnknown(
            reason=one.reason, rule=one.rule, of="copies" if one.at_rest else "workloads", options=one.options,
            alone=one.alone,
        )
        for one in found
    )  # fmt: skip
