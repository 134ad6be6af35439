"""What refusing the unknown may cost: a bound from below on the instance that asks instead.

What nobody knows of the law, of access, of a certificate, of sovereignty or of a chip may keep options out
(`laws.unknown`). The instance in which all of it is asked about instead opens these options and shuts none: every plan
of the instance is one of that instance, at the same cost. Any bound from below on it, subtracted from the plan's cost,
is the most that refusing can cost (the argument of `optimizer.missing`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.missing import Limits, saving
from optimizer.plan.legal_rows import RefusedUnknown
from optimizer.plan.models import Plan

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.compile.ledger import Ledger
    from optimizer.compile.world import World

REASONS = frozenset({"law_unknown", "access_unknown", "certificate_unknown", "sovereignty_unknown", "chip_unknown"})
"""The ledger's reasons for what is refused because nobody knows."""
SHARE = 0.5
"""Part of the time for a bound on missing figures that the one on refusing is given."""
ASKING = {"law": "ask", "access": "ask", "certificate": "ask", "seal": "ask"}


def told_refused(compiled: Compiled, plan: Plan, base_dir: Path | str | None, limits: Limits) -> dict[str, Any]:
    """Return what a plan says of the options that are refused only because nobody knows: counts, and what that costs.

    Without a bound where there is no plan to compare with, or no time is left.
    """
    rows = refused_rows(compiled.ledger, compiled.datasets.ledger, compiled.world)
    if not rows:
        return {}
    found: dict[str, Any] = {"refused": rows}
    until = time.perf_counter() + limits.left_seconds
    compiling = sum(compiled.timings.values())  # all is judged anew, so that it takes as long; a bound as long again
    if plan.objective_usd is None or limits.cancel.is_set() or limits.left_seconds < 2 * compiling:
        return found
    from optimizer.compile import compile_instance

    instance = compiled.world.instance
    unknown = instance.laws.unknown.model_copy(update=ASKING)
    asking = instance.model_copy(update={"laws": instance.laws.model_copy(update={"unknown": unknown})})
    opened = compile_instance(asking, base_dir, earlier=compiled.stages, checked=True)
    return {**found, "refused_usd": saving(opened.problem, plan, limits, until, share=SHARE)}


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
