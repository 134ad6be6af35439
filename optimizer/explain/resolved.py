"""An instance after changes, solved from the plan at hand, and what that proves of the difference in cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.errors import InfeasibleError, InputError
from optimizer.explain.rows import Interval
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan
from optimizer.what_if import Limits, WhatIf

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled

Change = dict[str, Any]
CENT = 0.01


@dataclass(frozen=True)
class Other:
    """What a changed instance came to: cost, bound, plan; `possible` False: it has no plan (proven); `refused` says
    why there is no such instance.
    """

    cost_usd: float | None
    bound_usd: float | None
    plan: Plan | None
    possible: bool | None
    complete: bool
    refused: str | None = None

    @property
    def is_by_prices(self) -> bool:
        """Whether all that is known is a bound, and nothing was solved for it."""
        return self.complete and self.bound_usd is not None and self.cost_usd is None


NO_TIME = Other(None, None, None, None, complete=False)
NO_PLAN = Other(None, None, None, possible=False, complete=True)


def solved_changed(
    compiled: Compiled, plan: Plan, changes: Sequence[Change], limits: Limits, seconds: float
) -> Other:
    """Return what the changed instance comes to within so many seconds; its plan is audited."""
    if seconds <= 0:
        return NO_TIME
    begun, instance = time.perf_counter(), compiled.world.instance
    try:
        other = WhatIf(compiled, limits, instance.folder).state(changes=changes)
    except InfeasibleError:
        return NO_PLAN
    except InputError as error:
        return Other(None, None, None, None, complete=True, refused=error.issues[0].what)
    return solved_from(other, plan, limits, seconds - (time.perf_counter() - begun), audited_as=other.world.instance)


def solved_from(
    other: Compiled, plan: Plan, limits: Limits, seconds: float, audited_as: Instance | None
) -> Other:
    """Return what a compiled instance comes to, begun with a plan; it is audited as one of an instance, if given."""
    from optimizer.plan.read import read_plan
    from optimizer.plan.start import slots_used
    from optimizer.run import audited

    used, _ = slots_used(other, plan)
    solution = WhatIf(other, limits).solved(other.problem, seconds=seconds, around=used)
    if solution.status.value == "infeasible":
        return NO_PLAN
    found = read_plan(other, solution) if solution.values else None
    if found is not None and audited_as is not None:
        found = audited(audited_as, found, None)
    return Other(
        solution.objective_usd, solution.bound_usd, found, None if found is None else True,
        complete=solution.status.value == "optimal",
    )  # fmt: skip


def saves(plan: Plan, other: Other | None) -> Interval | None:
    """Return what is saved in a looser instance: [b - c', c - b'], cut at 0."""
    if other is None or plan.objective_usd is None or (other.cost_usd is None and other.bound_usd is None):
        return None
    low = 0.0 if other.cost_usd is None or plan.bound_usd is None else max(0.0, plan.bound_usd - other.cost_usd)
    high = None if other.bound_usd is None else max(0.0, plan.objective_usd - other.bound_usd)
    return Interval(low=low if high is None else min(low, high), high=high)


def costs(plan: Plan, other: Other | None) -> Interval | None:
    """Return what a tighter instance costs more: [b' - c, c' - b], cut at 0; None where it has no plan."""
    if other is None or plan.objective_usd is None or (other.cost_usd is None and other.bound_usd is None):
        return None
    low = 0.0 if other.bound_usd is None else max(0.0, other.bound_usd - plan.objective_usd)
    high = None if other.cost_usd is None or plan.bound_usd is None else max(0.0, other.cost_usd - plan.bound_usd)
    return Interval(low=low if high is None else min(low, high), high=high)


def is_exact(found: Interval | None) -> bool:
    """Whether an interval is a figure to a cent."""
    return found is not None and found.high is not None and found.high - found.low < CENT
