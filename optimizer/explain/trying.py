"""Whether an instance has a plan with some of its rules lifted: changed, compiled and solved, once for every question.

One thread solves, so that their number changes no answer; what a question found is kept. Arrays state the models: there
are many of them, and of some columns alone.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from optimizer.errors import InputError
from optimizer.explain.members import Member, lifts
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.compile.ledger import Ledger
    from optimizer.compile.stages import Stages
    from optimizer.compile.world import World
    from optimizer.solve.solution import Progress, Solution

Change = dict[str, Any]
ANY_PLAN = 1.0
"""A gap that every plan keeps: the first one found is enough to say that there is one."""
SHARE = 0.25
"""Part of the time left that one question may take."""
MANY = 4
"""Workloads from which what goes goes in one step."""
LEAST_SECONDS, TIMES = 2.0, 3.0
"""Seconds that a set of members to be lifted may take, and how many times as long as it took to prove that there is no
plan: most such sets are decided at once or not at all.
"""


@dataclass
class Clock:
    """Until when to work (`time.perf_counter`); `cancel` ends it. `late`: some question ran out of time.

    `most_seconds`: what one question may take.
    """

    until: float
    cancel: threading.Event
    progress: Callable[[Progress], None] | None = None
    late: bool = False
    most_seconds: float = math.inf

    def left_seconds(self) -> float:
        """Seconds that are left; 0 when it was cancelled."""
        return 0.0 if self.cancel.is_set() else max(0.0, self.until - time.perf_counter())

    def say(self, phase: str) -> None:
        """Tell what is being done."""
        if self.progress is not None:
            from optimizer.solve.solution import Progress

            self.progress(Progress(phase=phase, incumbent_usd=None, bound_usd=None, gap=None, elapsed_seconds=0.0))


@dataclass(frozen=True, eq=False)
class Tried:
    """What came of a question. `possible`: there is a plan (True), there is none (False, proven), or not known (None).

    `compiled` is None where something had no option at all (the workloads `lacking` one), or nothing was asked for:
    then there is a plan of nothing. `asked_by` are rules that ask for copies and mechanisms.
    """

    instance: Instance
    possible: bool | None
    world: World | None = None
    ledgers: tuple[Ledger, ...] = ()
    compiled: Compiled | None = None
    solution: Solution | None = None
    lacking: tuple[str, ...] = ()
    asked_by: tuple[str, ...] = ()

    def plan(self) -> Plan | None:
        """Return the plan found, audited; None where nothing was found, or nothing was asked for.

        Raises InternalError where the plan breaks a rule.
        """
        from optimizer.plan.read import read_plan
        from optimizer.run import audited

        if self.compiled is None or self.solution is None or not self.solution.values:
            return None
        return audited(self.instance, read_plan(self.compiled, self.solution), None)


class Tries:
    """Questions to one instance."""

    def __init__(self, instance: Instance, clock: Clock) -> None:
        self.instance, self.clock = instance, clock
        self._stages: Stages | None = None
        self._known: dict[str, tuple[float, Tried]] = {}

    def without(self, members: Iterable[Member], *, gap: float = ANY_PLAN) -> Tried:
        """Return whether there is a plan with these members lifted; not known where that leaves no instance: an option
        that opens may need what nobody stated.
        """
        lifted = frozenset(members)
        gone = {one.name for one in lifted if one.kind == "workload"}
        names = [one.id for one in self.instance.workloads]
        changes = lifts(lifted)
        if gone.issuperset(names):
            kept = {f"dataset:{one.id}" for one in self.instance.datasets} - {one.id for one in lifted}
            if not kept:
                return Tried(self.instance, possible=True)
            last = Member(f"workload:{names[-1]}")  # it cannot be taken out: it may be left unserved for nothing
            unserved: Change = {"op": "set_unserved_price", "usd_per_unit": 0.0, "scope": {"workloads": [last.name]}}
            changes = [*lifts(lifted - {last}), unserved]
        try:
            return self.after(changes, gap=gap)
        except InputError:
            return Tried(self.instance, possible=None)

    def after(self, changes: list[Change], *, gap: float = ANY_PLAN) -> Tried:
        """Return whether there is a plan after changes, of a cost within `gap` of the least.

        Raises InputError where the changes lead to no instance.
        """
        key = json.dumps(changes, sort_keys=True, default=str)
        known_gap, known = self._known.get(key, (math.inf, None))
        if known is not None and (known_gap <= gap or not known.possible):
            return known
        found = self._solved(changes, gap)
        if found.possible is not None:
            self._known[key] = gap, found
        return found

    def _changed(self, changes: list[Change]) -> Instance:
        """Return the instance after changes; where many workloads go, they go first and together, and what spoke of
        them alone with them.
        """
        from optimizer.changes.apply import changed
        from optimizer.changes.demand import drop_workloads
        from optimizer.changes.edit import Edit

        folder = self.instance.folder
        first = len(changes)
        while first and changes[first - 1]["op"] == "drop_workload":
            first -= 1
        gone = {str(one["workload"]) for one in changes[first:]}
        if len(gone) < MANY or len(gone) >= len(self.instance.workloads):
            return changed(self.instance, changes, base_dir=folder) if changes else self.instance
        edit = Edit(self.instance, folder)
        drop_workloads(edit, gone)
        left = edit.instance
        stated = {f"budget:{one.id}" for one in left.budgets} | {f"policy:{one.id}" for one in left.policies}
        rest = [
            one for one in changes[:first]
            if one["op"] != "lift" or one["rule"] in stated or not one["rule"].startswith(("budget:", "policy:"))
        ]  # fmt: skip
        return changed(left, rest, base_dir=folder) if rest else left

    def compiled(self, changes: list[Change]) -> Compiled | None:
        """Return the instance compiled after changes; None where something has no option at all.

        Raises InputError where the changes lead to no instance.
        """
        return self._compiled(self._changed(changes)).compiled

    def proven(self) -> Tried:
        """Return the instance as it stands, which is known to have no plan."""
        return replace(self._compiled(self.instance), possible=False)

    def estimated(self, figure: str) -> Tried:
        """Return whether there is a plan where an estimate stands for a figure (a reason of the ledger) nobody has."""
        return self._answered(self.instance, ANY_PLAN, figure)

    def _compiled(self, instance: Instance, *estimated: str) -> Tried:
        """Return an instance compiled, with estimates for some figures; `possible` is False where something has no
        option, else not known.
        """
        from optimizer.compile import NothingEligibleError, compile_instance

        try:
            compiled = compile_instance(
                instance, self.instance.folder, earlier=self._stages, checked=True, estimated=estimated
            )
        except NothingEligibleError as nothing:
            lacking = tuple(dict.fromkeys(row.workload for row in nothing.rows if row.workload))
            return Tried(instance, possible=False, world=nothing.world, ledgers=nothing.ledgers, lacking=lacking,
                         asked_by=nothing.asked_by)  # fmt: skip
        self._stages = self._stages if estimated else compiled.stages
        ledgers = (compiled.ledger, compiled.datasets.ledger)
        asked_by = [rule for row in compiled.problem.datasets.duty_rules for rule in row]
        asked_by += [f"law:{law}" for one in compiled.mechanisms.info for law in one.laws]
        return Tried(instance, None, compiled.world, ledgers, compiled, asked_by=tuple(asked_by))

    def _solved(self, changes: list[Change], gap: float) -> Tried:
        return self._answered(self._changed(changes), gap)

    def _answered(self, instance: Instance, gap: float, *estimated: str) -> Tried:
        from optimizer.solve import solve_problem
        from optimizer.solve.backend import ARRAYS

        seconds = min(SHARE * self.clock.left_seconds(), self.clock.most_seconds)
        if seconds <= 0.0:
            self.clock.late = True
            return Tried(self.instance, possible=None)
        begun = time.perf_counter()
        ready = self._compiled(instance, *estimated)
        if ready.compiled is None:
            return ready
        left = max(1e-3, seconds - (time.perf_counter() - begun))
        solution = solve_problem(
            ready.compiled.problem, gap=gap, time_limit_seconds=left, threads=1, cancel=self.clock.cancel, by=ARRAYS
        )
        possible = True if solution.values else False if solution.status.value == "infeasible" else None
        if possible is None:
            self.clock.late = True
        return replace(ready, possible=possible, solution=solution)
