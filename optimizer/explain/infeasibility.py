"""Why an instance has no plan, and what would give it one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from optimizer.explain.conflict_rows import Conflict, ConflictRule, InfeasibleAnswer
from optimizer.explain.conflicts import Conflicts, Found
from optimizer.explain.figures_wanted import wanted_figures
from optimizer.explain.members import told
from optimizer.explain.repairs import Repairs
from optimizer.explain.serving import servable
from optimizer.explain.trying import LEAST_SECONDS, TIMES, Clock, Tried, Tries
from optimizer.explain.waterfall import waterfall
from optimizer.how import check_objects
from optimizer.instance.models import Instance
from optimizer.plan.rows import PlanCurrency

if TYPE_CHECKING:
    from optimizer.explain.members import Member
    from optimizer.solve.solution import Progress

MOST_CONFLICTS = 8


def infeasible(
    instance: Instance, *, gap: float = 0.01, time_limit_seconds: float = 120.0,
    progress: Callable[[Progress], None] | None = None, cancel: threading.Event | None = None,
) -> InfeasibleAnswer:  # fmt: skip
    """Say which rules of an instance cannot hold together, and which changes admit a plan.

    The plans of repairs are solved to `gap`. What `time_limit_seconds` or `cancel` leave undone is said (`complete`):
    the best answer until then comes back.

    Raises
    ------
    InputError
        It is no instance, or one that cannot be compiled.
    """
    begun = time.perf_counter()
    check_objects(instance, progress, cancel, None)
    clock = Clock(begun + time_limit_seconds, cancel or threading.Event(), progress)
    tries = Tries(instance, clock)
    clock.say("compile and solve")
    base = tries.without(())
    if base.possible is not False:
        status: Literal["feasible", "unknown"] = "unknown" if base.possible is None else "feasible"
        base.plan()
        return InfeasibleAnswer(status=status, complete=base.possible is not None, seconds=time.perf_counter() - begun)
    clock.most_seconds = max(LEAST_SECONDS, TIMES * (time.perf_counter() - begun))
    conflicts = Conflicts(instance, tries, clock)
    found = disjoint(conflicts, base, gap)
    repairs = Repairs(conflicts, found, base, gap)
    told_repairs = repairs.find()
    base_ids = [one.id for one in instance.workloads]
    fits = servable(tries, base, clock, gap)
    steps = waterfall(tries, clock, 0.0 if fits is None or not fits.verified else len(fits.served) / len(base_ids))
    figures = wanted_figures(tries, base, clock)
    return InfeasibleAnswer(
        status="infeasible", complete=not clock.late,
        conflicts=tuple(_conflict(one, base) for one in found), repairs=told_repairs,
        undecided=tuple(repairs.undecided), servable=fits, waterfall=steps, figures=figures,
        currency=_currency(instance), seconds=time.perf_counter() - begun,
    )  # fmt: skip


def first_conflict(
    instance: Instance, *, time_limit_seconds: float = 30.0, cancel: threading.Event | None = None
) -> Conflict | None:
    """Return the first conflict of an instance that a solve proved to have no plan, as `infeasible` tells it.

    None where time ran out before one was found.
    """
    clock = Clock(time.perf_counter() + time_limit_seconds, cancel or threading.Event())
    tries = Tries(instance, clock)
    base = tries.proven()
    found = Conflicts(instance, tries, clock).find(frozenset(), base)
    return None if found is None else _conflict(found, base)


def _currency(instance: Instance) -> PlanCurrency | None:
    stated = instance.currency
    return None if stated is None else PlanCurrency(**stated.model_dump())


def disjoint(conflicts: Conflicts, base: Tried, gap: float) -> list[Found]:
    """Return conflicts no two of which share a member that somebody may move."""
    found: list[Found] = []
    lifted: frozenset[Member] = frozenset()
    tried = base
    while len(found) < MOST_CONFLICTS and tried.possible is False:
        one = conflicts.find(lifted, tried)
        if one is None:
            break
        found.append(one)
        own = one.movable or one.members
        if len(found) == 1 and conflicts.tries.without(own[:1], gap=gap).possible:
            break  # a repair, and there is no other conflict beside the first
        lifted |= set(own)
        tried = conflicts.tries.without(lifted)
    return found


def _conflict(found: Found, base: Tried) -> Conflict:
    assert base.world is not None
    rows = []
    for member in found.members:
        source, sentence = told(member, base.world)
        plan = found.without.get(member)
        rows.append(ConflictRule(
            id=member.id, kind=member.kind, source=source, sentence=sentence, scope=member.scope,
            immovable=member.immovable, without_usd=None if plan is None else plan.objective_usd,
        ))  # fmt: skip
    return Conflict(
        rules=tuple(rows), infeasible=found.infeasible, proven_minimal=found.proven_minimal,
        sentence=_sentence(found),
    )  # fmt: skip


def _sentence(found: Found) -> str:
    """Say the conflict in one sentence."""
    own = [one.name for one in found.members if one.kind == "workload"]
    rest = [one.id if one.workload is None else f"{one.id} of {one.workload}" for one in found.members
            if one.kind != "workload"]  # fmt: skip
    who = ", ".join(own) if len(own) <= 4 else f"{len(own)} workloads"
    parts = " + ".join([*([who] if own else []), *rest])
    if not parts:
        return "what the instance states of its machines and places alone admits no plan"
    return f"{parts} cannot hold together" if len(found.members) > 1 else f"{parts} cannot be served"
