"""What is priced beside single rules: the split of the cost of compliance over laws, and missing figures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from optimizer.errors import InputError, Issue
from optimizer.explain.resolved import NO_TIME, Other, saves, solved_changed, solved_from
from optimizer.explain.rows import FigurePrice, Interval, Shapley
from optimizer.explain.shapley import Coalition, attribute, coalitions, drawn_orders, families_of
from optimizer.plan.models import Plan
from optimizer.what_if import Limits, WhatIf

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.compile.assemble import Compiled

DOES = ("excludes", "closes", "limits", "requires", "duties", "charges")
SPLIT_SHARE = 0.8
"""Part of the time left for the split over families; the rest is for missing figures."""


def shapley_of(
    compiled: Compiled, plan: Plan, table: pd.DataFrame, limits: Limits, *, samples: int, seed: int
) -> Shapley:
    """Return the cost of compliance split over the families of laws that exclude, ask or charge anything.

    Raises InputError where no law does.
    """
    pack = compiled.world.laws
    kept = table[(table.kind == "law") & (table[list(DOES)].sum(axis=1) > 0)]
    laws = [str(rule) for rule in kept.index]
    if pack is None or not laws:
        raise InputError(Issue("no law does anything here, so that there is no cost to split", "attribute",
                               maybe="leave --attribute out"))  # fmt: skip
    laws, stay = _liftable(compiled, laws)
    of = {law: tuple(pack.law(law.partition(":")[2]).jurisdictions) for law in laws}
    families = families_of(laws, of.__getitem__)
    orders = drawn_orders(tuple(families), samples, seed)
    wanted = coalitions(tuple(families), orders)
    solved: dict[Coalition, Other] = {
        frozenset(): Other(plan.objective_usd, plan.bound_usd, plan, possible=True, complete=True)
    }
    until = time.perf_counter() + SPLIT_SHARE * limits.left_seconds()
    for k, one in enumerate(wanted):
        changes = [{"op": "lift", "rule": law} for name in sorted(one) for law in families[name]]
        seconds = min(limits.left_seconds(), until - time.perf_counter()) / (len(wanted) - k)
        solved[one] = solved_changed(compiled, plan, changes, limits, seconds)
    return attribute(families, solved, orders, seed).model_copy(update={"not_lifted": tuple(stay)})


def _liftable(compiled: Compiled, laws: list[str]) -> tuple[list[str], list[str]]:
    """Return the laws that a change lifts, and those that none does."""
    from optimizer.changes.apply import changed

    instance = compiled.world.instance
    stay = []
    for law in laws:
        try:
            changed(instance, [{"op": "lift", "rule": law}], base_dir=instance.folder)
        except InputError:
            stay.append(law)
    return [law for law in laws if law not in stay], stay


def prices_of_figures(compiled: Compiled, plan: Plan, limits: Limits) -> tuple[FigurePrice, ...]:
    """Return by figure that nobody has what its options would save if they were as estimated."""
    found: dict[str, tuple[int, int]] = {}
    for row in compiled.wanting:
        options, alone = found.get(row.reason, (0, 0))
        found[row.reason] = options + row.options, alone + row.alone
    rows, ask = [], WhatIf(compiled, limits, compiled.world.instance.folder)
    asked = [figure for figure, (_, alone) in found.items() if alone]
    for figure, (options, alone) in found.items():
        if figure not in asked:  # every option of it lacks another figure as well
            rows.append(FigurePrice(figure=figure, options=options, alone=0, saves_usd=Interval(low=0.0, high=0.0)))
            continue
        begun, seconds = time.perf_counter(), limits.left_seconds() / (len(asked) - asked.index(figure))
        other = NO_TIME
        if seconds > 0:
            opened = ask.state(estimated=(figure,))
            other = solved_from(opened, plan, limits, seconds - (time.perf_counter() - begun), audited_as=None)
        rows.append(FigurePrice(
            figure=figure, options=options, alone=alone, saves_usd=saves(plan, other), complete=other.complete
        ))  # fmt: skip
    return tuple(rows)
