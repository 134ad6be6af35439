"""What missing figures may cost: a bound from below on the instance with estimates in their place.

Let z be the cost of the plan, z* the least cost of the instance and z°(F) that of the instance in which estimates stand
for the missing figures of F (`optimizer.compile.estimates`). Estimates only open options: every plan of the instance is
one of that instance, at the same cost, so that z°(F) <= z* <= z. For any multipliers y of the rows of the second, of
the right signs, weak duality gives

    z°(F)  >=  L(y) = y b + sum_j min { (c_j - y A_j) x_j : l_j <= x_j <= u_j }
    z - z°(F)  <=  z - L(y)

so that no plan with these figures, if they are as estimated, saves more than z - L(y) of the plan. The solver finds y,
the duals of the relaxation, and raises L by branching or by configurations of whole workloads for as long as it is
given; whenever it stops, the bound it holds is one. Where that would take longer than there is, y are the multipliers
of the rows of single workloads alone (`optimizer.what_if`), and the plan says that it is not finished.

The figures of one kind alone open fewer options, so that what they may cost is at most what all together may, and
nothing where every option lacks another figure as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from optimizer.plan.models import Plan
from optimizer.plan.rows import MissingFigure
from optimizer.plan.unfinished import Unfinished
from optimizer.what_if import Bound, Share, WhatIf, may_end

if TYPE_CHECKING:
    from formulations.problem import Problem
    from optimizer.compile.assemble import Compiled
    from optimizer.compile.wanting import Wanting

TIME = Share(0.1, 10.0)
"""Time for each bound; never more than is left of the time limit."""
RESERVED, MOST_RESERVED = 0.1, 30.0
"""Part of the time limit kept for the bound where figures are missing, and seconds that are kept at most."""


def reserved_seconds(compiled: Compiled, time_limit_seconds: float) -> float:
    """Return the seconds to keep for the bound of a plan whose solve runs into its time limit; 0 if nothing is missing.

    In a tenth of the time the configurations of large estates give a bound, if a loose one.
    """
    return min(RESERVED * time_limit_seconds, MOST_RESERVED) if compiled.wanting else 0.0


def told_missing(ask: WhatIf, plan: Plan) -> dict[str, Any]:
    """Return what a plan says of the options that are out only for want of a figure: counts, and a bound on the cost.

    Without a bound where there is no plan to compare with, no time is left, or nothing can be estimated. What could not
    be settled in its part of the time is in `unfinished`.
    """
    found = ask.compiled.wanting
    if not found or plan.objective_usd is None:
        return {"missing_figures": missing_rows(found)}
    seconds = min(TIME.seconds(plan), ask.limits.left_seconds())
    compiling = sum(ask.compiled.timings.values())  # with the stages taken over it takes no longer, though more is open
    if seconds < compiling or ask.limits.cancel.is_set():
        return {"missing_figures": missing_rows(found), "unfinished": _unfinished(plan, seconds)}
    opened = ask.state(estimated=tuple(dict.fromkeys(one.reason for one in found)))
    whole = saving(ask, opened.problem, plan, seconds, solves=may_end(ask.compiled, plan, seconds))
    if whole.usd is None:
        return {"missing_figures": missing_rows(found), "unfinished": _unfinished(plan, seconds)}
    by_figure, is_finished = _by_figure(ask, opened, plan, found, whole=whole, seconds=seconds)
    unestimated = {_key(one): one.options for one in opened.wanting}
    rows = tuple(_row(one, by_figure[one.reason], unestimated.get(_key(one), 0)) for one in found)
    told: dict[str, Any] = {"missing_figures": rows, "missing_figures_usd": whole.usd}
    return told if is_finished else {**told, "unfinished": _unfinished(plan, seconds)}


def missing_rows(found: Iterable[Wanting]) -> tuple[MissingFigure, ...]:
    """Return the rows of a plan without a bound on what is missing."""
    return tuple(_row(one, None) for one in found)


def _unfinished(plan: Plan, seconds: float) -> tuple[Unfinished, ...]:
    return (*plan.unfinished, Unfinished(what="missing_figures", seconds=seconds))


def _by_figure(
    ask: WhatIf, opened: Compiled, plan: Plan, found: Iterable[Wanting], *, whole: Bound, seconds: float
) -> tuple[dict[str, float], bool]:
    """Return what each figure may cost: of what was compiled for all, the options that lack this figure alone; and
    whether all of it was settled in time.

    Nothing where no option lacks this figure alone, or none of these can be estimated; as much as all figures together
    where they are what is open, where that is within the gap of the plan, or where time is up.
    """
    from optimizer.compile.wanting import without_other_figures

    alone: dict[str, bool] = {}
    for row in found:
        alone[row.reason] = alone.get(row.reason, False) or row.alone > 0
    assert whole.usd is not None
    costs, is_finished = dict.fromkeys(alone, 0.0), whole.is_finished
    close = whole.usd <= ask.limits.gap * abs(plan.objective_usd or 0.0)
    for figure in sorted(figure for figure, is_alone in alone.items() if is_alone):
        costs[figure] = whole.usd
        if close or len(alone) == 1 or not whole.is_finished:
            continue
        problem = without_other_figures(ask.compiled, opened, figure)
        nothing = Bound(0.0, is_finished=True)
        one = nothing if problem is None else saving(ask, problem, plan, seconds / len(alone), solves=True)
        costs[figure] = whole.usd if one.usd is None else min(whole.usd, one.usd)
        is_finished = is_finished and one.is_finished
    return costs, is_finished


def saving(ask: WhatIf, problem: Problem, plan: Plan, seconds: float, *, solves: bool) -> Bound:
    """Return what the plans of a problem save of a plan at most: in closed form, and where it `solves` by that."""
    bound = ask.bounded(problem, seconds=min(seconds, ask.limits.left_seconds()) if solves else 0.0)
    if bound.usd is None or plan.objective_usd is None:
        return Bound(None, is_finished=False)
    return Bound(float(max(0.0, plan.objective_usd - bound.usd)), bound.is_finished)


def _key(one: Wanting) -> tuple[str, str | None, bool]:
    return one.reason, one.rule, one.at_rest


def _row(one: Wanting, usd: float | None, unestimated: int | None = None) -> MissingFigure:
    return MissingFigure(
        figure=one.reason, rule=one.rule, of="copies" if one.at_rest else "workloads", options=one.options,
        alone=one.alone, unestimated=unestimated, may_cost_usd=usd,
    )  # fmt: skip
