"""What the rules leave over of all options: an option is an offer for a stream or a job; rules are asked in one order.

Read off the ledger of a compiled instance, without a solve. An option that several rules shut is counted at the first.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

import numpy as np

from optimizer.explain.members import LEGAL
from optimizer.explain.rows import Row

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.compile.ledger import Exclusion

MOST_NAMED = 5
StepName = Literal["all", "machine", "law", "latency", "policy", "figures", "quota", "other"]
FIGURES = ("missing_",)
"""Reasons that begin like this are for want of a figure, whoever asks for it."""
BETTER = "dominance"
"""An offer that another of its region beats is no less possible: it is not counted as taken."""


class OptionsStep(Row):
    """What is left when the rules of this step and of those above it are asked: `options`, of which the step took
    `taken`, mostly by the rules `taken_by`; `without_option` streams and jobs have none left by then, of which `lost`
    lost their last one here, each with the rule that took it.
    """

    step: StepName
    options: int
    taken: int = 0
    taken_by: tuple[str, ...] = ()
    without_option: int = 0
    lost: tuple[tuple[str, str], ...] = ()


def options_left(compiled: Compiled) -> tuple[OptionsStep, ...]:
    """Return the steps, with every offer for every stream and job in the first."""
    ledger = compiled.ledger
    order: tuple[StepName, ...] = ("machine", "law", "latency", "policy", "figures", "quota", "other")
    taken: dict[StepName, Counter[str]] = {name: Counter() for name in order}
    count: Counter[str] = Counter()
    lost: dict[StepName, list[tuple[str, str]]] = {name: [] for name in order}
    keys = list(ledger.keys())
    with_streams = {workload for workload, stream in keys if stream is not None}
    known: dict[tuple[int, ...], list[tuple[StepName, str, int, bool]]] = {}
    whole = 0
    for workload, stream in keys:
        if stream is None and workload in with_streams:
            continue
        whole += ledger.size
        shared = ledger.shared(workload, stream)
        if shared not in known:
            known[shared] = _walk(ledger.exclusions(workload, stream), order, ledger.size)
        for step, rule, number, is_last in known[shared]:
            taken[step][rule] += number
            count[step] += number
            if is_last:
                lost[step].append((workload if stream is None else f"{workload}, stream {stream}", rule))
    steps = [OptionsStep(step="all", options=whole)]
    for name in order:
        named = tuple(rule for rule, _ in taken[name].most_common(MOST_NAMED))
        left = steps[-1].options - count[name]
        stuck = steps[-1].without_option + len(lost[name])
        steps.append(OptionsStep(step=name, options=left, taken=count[name], taken_by=named, without_option=stuck,
                                 lost=tuple(lost[name][:MOST_NAMED])))  # fmt: skip
    return tuple(one for one in steps if one.step == "all" or one.taken)


def _walk(
    exclusions: list[Exclusion], order: tuple[StepName, ...], size: int
) -> list[tuple[StepName, str, int, bool]]:
    """Return what each rule takes, in order, and whether nothing is left then."""
    left = np.ones(size, dtype=bool)
    found = []
    for step in order:
        for one in exclusions:
            if _step(one) == step and not one.partial:
                number = int((left & one.offers).sum())
                if number:
                    left &= ~one.offers
                    found.append((step, one.key.id, number, not left.any()))
    return found


def _step(one: Exclusion) -> StepName | None:
    kind = one.key.kind
    if kind == BETTER:
        return None
    if one.reason.startswith(FIGURES):
        return "figures"
    if kind in (*LEGAL, "tenant"):
        return "law"
    if kind in ("field", "closed", "catalogue"):
        return "machine"
    if kind in ("latency", "policy", "quota"):
        return kind  # type: ignore[return-value]
    return "other"
