"""What can be served when not everything can: workload by workload in the order of their priorities.

Workloads that nobody may move come first, then those of higher `priority`, then those stated earlier; each is served
where it fits beside those served before it, else deferred. Runs of workloads that fit are found by halving.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from formulations.tables import take
from optimizer.explain.conflict_rows import Servable
from optimizer.explain.members import Member
from optimizer.explain.trying import ANY_PLAN, SHARE, Clock, Tried, Tries

if TYPE_CHECKING:
    from formulations.problem import Problem


def servable(tries: Tries, base: Tried, clock: Clock, gap: float) -> Servable | None:
    """Return what to serve and what to defer; None where that is not known, or something immovable cannot be served."""
    workloads = tries.instance.workloads
    deferred = {Member(f"workload:{name}") for name in base.lacking}
    tried = base if not deferred else tries.without(deferred)
    while tried.possible is False and tried.compiled is None and tried.lacking:
        deferred |= {Member(f"workload:{name}") for name in tried.lacking}
        tried = tries.without(deferred)
    if not tried.possible:
        if tried.compiled is None:
            return None
        served = _fitting(tried.compiled.problem, _order(tries, deferred), clock)
        if served is None:
            return None
        deferred |= {Member(f"workload:{one.id}") for one in workloads if one.id not in served} - deferred
    gone = {one.name for one in deferred}
    if not gone or len(gone) == len(workloads) or any(one.id in gone and one.immovable for one in workloads):
        return None
    last = tries.without(deferred, gap=gap)
    plan = last.plan() if last.possible else None
    return Servable(
        served=tuple(one.id for one in workloads if one.id not in gone),
        deferred=tuple(one.id for one in workloads if one.id in gone),
        changes=tuple(one.lift for one in sorted(deferred, key=lambda one: one.id)),
        cost_usd=None if plan is None else plan.objective_usd, verified=plan is not None,
    )  # fmt: skip


def _order(tries: Tries, deferred: set[Member]) -> list[str]:
    gone = {one.name for one in deferred}
    found = [one for one in tries.instance.workloads if one.id not in gone]
    return [one.id for one in sorted(found, key=lambda one: (not one.immovable, -one.priority))]


def _fitting(problem: Problem, order: Sequence[str], clock: Clock) -> set[str] | None:
    """Return the workloads served, taken in order; None where time ran out."""
    number = {name: k for k, name in enumerate(problem.workload_ids)}
    kept: list[int] = []
    begin = 0
    while begin < len(order):
        waiting = [number[name] for name in order[begin:]]
        fits, does_not = 0, len(waiting) + 1
        step = len(waiting)
        while does_not - fits > 1:
            has_plan = _has_plan(problem, [*kept, *waiting[:step]], clock)
            if has_plan is None:
                clock.late = True
                return None
            fits, does_not = (step, does_not) if has_plan else (fits, step)
            step = (fits + does_not) // 2
        kept += waiting[:fits]
        begin += fits + 1
    return {problem.workload_ids[k] for k in kept}


def _has_plan(problem: Problem, workloads: list[int], clock: Clock) -> bool | None:
    from optimizer.solve import solve_problem

    seconds = min(SHARE * clock.left_seconds(), clock.most_seconds)
    if not workloads or seconds <= 0.0:
        return None if workloads else True
    part = take(problem, {"workload": np.array(sorted(workloads), dtype=np.int64)}).problem
    found = solve_problem(part, gap=ANY_PLAN, time_limit_seconds=seconds, threads=1, cancel=clock.cancel)
    return True if found.values else False if found.status.value == "infeasible" else None
