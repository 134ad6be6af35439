"""What missing figures may cost: a bound from below on the instance with estimates in their place.

Let z be the cost of the plan, z* the least cost of the instance and z°(F) that of the instance in which estimates stand
for the missing figures of F (`optimizer.compile.estimates`). Estimates only open options: every plan of the instance is
one of that instance, at the same cost, so that z°(F) <= z* <= z. For any multipliers y of the rows of the second, of
the right signs, weak duality gives

    z°(F)  >=  L(y) = y b + sum_j min { (c_j - y A_j) x_j : l_j <= x_j <= u_j }
    z - z°(F)  <=  z - L(y)

so that no plan with these figures, if they are as estimated, saves more than z - L(y) of the plan. The solver finds y,
the duals of the relaxation, and raises L by branching or by configurations of whole workloads for as long as it is
given; whenever it stops, the bound it holds is one. The figures of one kind alone open fewer options, so that what they
may cost is at most what all together may, and nothing where every option lacks another figure as well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.plan.models import Plan
from optimizer.plan.rows import MissingFigure

if TYPE_CHECKING:
    from formulations.problem import Problem
    from optimizer.compile.assemble import Compiled
    from optimizer.compile.wanting import Wanting

SHARE, LEAST_SECONDS = 0.1, 10.0
"""Time for the bound: this share of what solving took, or so many seconds if that is more; never more than is left."""
RESERVED, MOST_RESERVED = 0.1, 30.0
"""Part of the time limit kept for the bound where figures are missing, and seconds that are kept at most."""


def reserved_seconds(compiled: Compiled, time_limit_seconds: float) -> float:
    """Return the seconds to keep for the bound of a plan whose solve runs into its time limit; 0 if nothing is missing.

    In a tenth of the time the configurations of large estates give a bound, if a loose one.
    """
    from optimizer.compile.wanting import wanting

    return min(RESERVED * time_limit_seconds, MOST_RESERVED) if wanting(compiled) else 0.0


@dataclass(frozen=True)
class Limits:
    """How closely to bound: the gap at which to stop, threads, and what is left of the time; `cancel` ends it."""

    gap: float
    threads: int | None
    left_seconds: float
    cancel: threading.Event


def told_missing(compiled: Compiled, plan: Plan, base_dir: Path | str | None, limits: Limits) -> dict[str, Any]:
    """Return what a plan says of the options that are out only for want of a figure: counts, and a bound on the cost.

    Without a bound where there is no plan to compare with, no time is left, or nothing can be estimated.
    """
    from optimizer.compile.wanting import wanting

    found = wanting(compiled)
    if not found or plan.objective_usd is None:
        return {"missing_figures": missing_rows(found)}
    until = time.perf_counter() + limits.left_seconds
    opened = _opened(compiled, found, base_dir, limits)
    whole = None if opened is None else saving(opened.problem, plan, limits, until)
    if opened is None or whole is None:
        return {"missing_figures": missing_rows(found)}
    by_figure = _by_figure(compiled, opened, plan, found, whole=whole, limits=limits, until=until)
    unestimated = {_key(one): one.options for one in wanting(opened)}
    rows = tuple(_row(one, by_figure[one.reason], unestimated.get(_key(one), 0)) for one in found)
    return {"missing_figures": rows, "missing_figures_usd": whole}


def missing_rows(found: Iterable[Wanting]) -> tuple[MissingFigure, ...]:
    """Return the rows of a plan without a bound on what is missing."""
    return tuple(_row(one, None) for one in found)


def _opened(
    compiled: Compiled, found: Iterable[Wanting], base_dir: Path | str | None, limits: Limits
) -> Compiled | None:
    """Return the instance compiled with estimates for all figures missing; None where there is no time for it."""
    from optimizer.compile import compile_instance

    compiling = sum(compiled.timings.values())  # with the stages taken over it takes no longer, though more is open
    if limits.cancel.is_set() or limits.left_seconds < compiling:
        return None
    figures = tuple(dict.fromkeys(one.reason for one in found))
    instance = compiled.world.instance
    return compile_instance(instance, base_dir, earlier=compiled.stages, checked=True, estimated=figures)


def _by_figure(
    compiled: Compiled, opened: Compiled, plan: Plan, found: Iterable[Wanting], *, whole: float, limits: Limits,
    until: float,
) -> dict[str, float]:  # fmt: skip
    """Return what each figure may cost: of what was compiled for all, the options that lack this figure alone.

    Nothing where no option lacks this figure alone, or none of these can be estimated; as much as all figures together
    where they are what is open, where that is within the gap of the plan, or where time is up.
    """
    from optimizer.compile.wanting import without_other_figures

    alone: dict[str, bool] = {}
    for row in found:
        alone[row.reason] = alone.get(row.reason, False) or row.alone > 0
    costs = dict.fromkeys(alone, 0.0)
    lacking = sorted(figure for figure, is_alone in alone.items() if is_alone)
    close = whole <= limits.gap * abs(plan.objective_usd or 0.0)
    for figure in lacking:
        costs[figure] = whole
        if close or len(alone) == 1:
            continue
        problem = without_other_figures(compiled, opened, figure)
        one = 0.0 if problem is None else saving(problem, plan, limits, until, share=1 / len(alone))
        costs[figure] = whole if one is None else min(whole, one)
    return costs


def saving(
    problem: Problem, plan: Plan, limits: Limits, until: float, share: float = 1.0
) -> float | None:
    """Return what the plans of a problem save of a plan at most; None where no bound was found in time."""
    from optimizer.solve import solve_problem

    took = sum(plan.timings_seconds.values())
    left = min(share * max(LEAST_SECONDS, SHARE * took), until - time.perf_counter())
    if left <= 0 or limits.cancel.is_set():
        return None
    bound = solve_problem(
        problem, gap=limits.gap, time_limit_seconds=left, threads=limits.threads, cancel=limits.cancel
    ).bound_usd
    if bound is None or plan.objective_usd is None:
        return None
    return float(max(0.0, plan.objective_usd - bound))


def _key(one: Wanting) -> tuple[str, str | None, bool]:
    return one.reason, one.rule, one.at_rest


def _row(one: Wanting, usd: float | None, unestimated: int | None = None) -> MissingFigure:
    return MissingFigure(
        figure=one.reason, rule=one.rule, of="copies" if one.at_rest else "workloads", options=one.options,
        alone=one.alone, unestimated=unestimated, may_cost_usd=usd,
    )  # fmt: skip
