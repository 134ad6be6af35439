"""`compile` and `Model`: one compiled instance in hand, to ask, to take as a Pyomo model, and to solve."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.errors import InputError, InternalError, Issue
from optimizer.how import How, Method, Then, check_objects, require_docstrings
from optimizer.instance.models import Instance
from optimizer.plan.models import OWN, Plan, Start
from optimizer.run import audited, solve_as, started_from, with_start
from optimizer.suggest import unknown_name

NO_PLAN = "the model as it was handed over, with what was added to it and fixed in it, admits no plan"

if TYPE_CHECKING:
    import pandas as pd
    from pyomo.core import ConcreteModel

    from optimizer.changes.base import Change
    from optimizer.compile.assemble import Compiled
    from optimizer.compile.effects import StatedRow
    from optimizer.compile.rules import Rule
    from optimizer.compile.why import Why
    from optimizer.plan.rows import OwnRow
    from optimizer.solve.solution import Progress, Solution


def compile(instance: Instance, *, base_dir: Path | str | None = None) -> Model:
    """Compile an instance to a `Model`.

    `base_dir`: where a catalogue folder named by the instance lies (default: `instance.folder`).

    Raises
    ------
    InputError
        The instance names something unknown, or lacks something that a law or an endpoint needs.
    InfeasibleError
        Something that must be served has no eligible option at all.
    """
    from optimizer.compile import compile_instance

    require_docstrings()
    check_objects(instance, None, None, base_dir)
    return Model(instance, compile_instance(instance, base_dir), base_dir)


class Model:
    """A compiled instance. It never changes, and may be used from several threads at once."""

    def __init__(self, instance: Instance, compiled: Compiled, base_dir: Path | str | None = None) -> None:
        self.instance = instance
        self._compiled, self._base_dir = compiled, base_dir
        self._lock = threading.Lock()
        self._whole: Compiled | None = None

    def changed(self, changes: Iterable[Change | Mapping[str, Any]]) -> Model:
        """Return the model of the instance after changes (`docs/changes.md`), made in order; this one stays as it is.

        It is exactly what compiling `domicile.changed(instance, changes)` gives, and takes over what they do not touch.

        Raises
        ------
        InputError
            A change that matches nothing, or leads to an instance that cannot be compiled.
        InfeasibleError
            After the changes something that must be served has no eligible option at all.
        """
        from optimizer.changes.apply import changed
        from optimizer.compile import compile_instance

        instance = changed(self.instance, changes, base_dir=self._base_dir)
        compiled = compile_instance(instance, self._base_dir, earlier=self._compiled.stages, checked=True)
        return Model(instance, compiled, self._base_dir)

    def regions(self, workload: str) -> tuple[str, ...]:
        """Return the ids of the regions in which a workload has an eligible option, in the catalogue's order.

        Raises InputError where there is no such workload.
        """
        problem = self._compiled.problem
        if workload not in problem.workload_ids:
            raise InputError(
                unknown_name(f"unknown workload {workload!r}", workload, problem.workload_ids)
            )
        own = problem.slots.region[problem.slots.workload == problem.workload_ids.index(workload)]
        return tuple(problem.regions.ids[r] for r in sorted(set(own.tolist())))

    def why(self, workload: str, place: str, stream: str | None = None) -> Why:
        """Return the options of a workload in a region (its id) or on one offer (its `offer_id`), each with every rule
        that excludes it and the evidence.

        Raises InputError where there is no such workload, stream or place.
        """
        from optimizer.compile.why import why

        return why(self._compiled, workload, place, stream)

    def excluded_alone(self) -> dict[str, int]:
        """Return by id of a rule how many options, (workload, stream, offer), it alone excludes."""
        from optimizer.compile.why import excluded_alone

        return {key.id: count for key, count in excluded_alone(self._compiled).items()}

    def rule(self, rule: str) -> Rule:
        """Return a rule by its id (`law:DE-SGBV-393`): kind, source and sentence.

        Raises InputError where the instance and its laws have no such rule.
        """
        from optimizer.compile.rules import RuleBook, RuleKey

        kind, _, name = rule.partition(":")
        return RuleBook(self._compiled.world).rule(RuleKey(kind, name))

    def rules(self) -> pd.DataFrame:
        """Return a table of all rules that do something, by id: kind, source, text, and how many options each excludes
        (`excludes`, `excludes_alone`), offers it closes for everybody, rows of the Pyomo model it states (`limits`,
        `requires`, `duties`) and variables it charges.
        """
        from optimizer.compile.effects import effects

        return effects(self._with_every_option())

    def rows(self, rule: str | None = None) -> tuple[StatedRow, ...]:
        """Return the rows of the Pyomo model, by component and index, that stem from rules, or from one rule."""
        from optimizer.compile.effects import stated_rows

        if rule is not None:
            self.rule(rule)
        found = stated_rows(self._with_every_option())
        return tuple(row for row in found if rule is None or rule in row.rules)

    def pyomo(self) -> ConcreteModel:
        """Return a new Pyomo model of the instance, indexed by names.

        It holds every eligible option, also those that another dominates, and decides where every workload is present
        (`present`), since a rule of your own may need either. Change it as you like: add rows and variables, fix
        variables, deactivate rows; then hand it to `solve`.
        """
        from formulations import build_model

        whole = self._with_every_option()
        return build_model(whole.problem, whole.labels)

    def solve(
        self, model: ConcreteModel | None = None, *, gap: float = 1e-3, time_limit_seconds: float = 300.0,
        threads: int | None = None, method: Method = "auto", then: Then | None = None,
        progress: Callable[[Progress], None] | None = None, cancel: threading.Event | None = None,
        start: Plan | None = None, opportunity_costs: bool = True,
    ) -> Plan:  # fmt: skip
        """Find the least-cost plan and audit it, as `domicile.solve` does; arguments and errors as there.

        With `model`, a Pyomo model that `pyomo` returned, of that model as it is now: HiGHS solves it as a whole, its
        variables get the values found, and the plan lists the rows of your own (`own_rows`), which are checked here:
        the audit knows the instance alone. Cost terms of your own count: bound and gap are of the objective as it is,
        the cost of the instance and what is added to it (`own_cost_usd`). A plan that breaks a rule of the instance,
        because its row was taken out, is an InputError that names the rule.
        """
        how = How(gap=gap, time_limit_seconds=time_limit_seconds, threads=threads, method=method, then=then,
                  progress=progress, cancel=cancel, start=start, opportunity_costs=opportunity_costs)  # fmt: skip
        check_objects(self.instance, progress, cancel, self._base_dir)
        how.check()
        if model is not None:
            return self._solve_own(model, how)
        compiled = self._compiled
        if then == "carbon":  # options that differ in carbon alone are all needed
            compiled = self._with_every_option()
        return solve_as(self.instance, lambda: compiled, how, self._base_dir)

    def plan(self, model: ConcreteModel) -> Plan:
        """Return the audited plan of the values that the variables of a model from `pyomo` hold: another solver left
        them there. It has no bound.

        Raises InputError where a variable has no value, or where the values break a row or a rule.
        """
        from formulations.build import table_positions
        from optimizer.solve.own_model import values_held

        whole = self._with_every_option()
        solution, rows = values_held(model, whole.problem, table_positions(whole.problem, whole.labels))
        return self._read_own(solution, rows, {"termination": None})

    def _with_every_option(self) -> Compiled:
        from optimizer.compile import compile_instance

        with self._lock:
            if self._whole is None:
                self._whole = compile_instance(
                    self.instance, self._base_dir, every_option=True, earlier=self._compiled.stages, checked=True
                )
            return self._whole

    def _solve_own(self, model: ConcreteModel, how: How) -> Plan:
        import os

        from formulations.build import table_positions
        from optimizer.solve.deadline import Watch
        from optimizer.solve.own_model import solve_own

        if how.method not in ("auto", "direct") or how.then is not None:
            what = "a model of your own is solved as a whole, for least cost"
            raise InputError(Issue(what, where="method", maybe="leave method and then out"))
        begun, whole = time.perf_counter(), self._with_every_option()
        watch = Watch(how.time_limit_seconds - (time.perf_counter() - begun), how.cancel, how.progress)
        positions = table_positions(whole.problem, whole.labels)
        threads = how.threads or os.cpu_count() or 1
        around, start = started_from(whole, how.start)
        solution, rows = solve_own(
            model, whole.problem, positions, watch, gap=how.gap, threads=threads, around=around
        )
        return self._read_own(solution, rows, {"asked": how.asked}, start)

    def _read_own(
        self, solution: Solution, rows: tuple[OwnRow, ...], told: dict[str, Any], start: Start | None = None
    ) -> Plan:
        from optimizer.plan.read import read_plan

        plan = with_start(read_plan(self._with_every_option(), solution), start, solution)
        plan = plan.model_copy(update={"own_rows": rows, "stated_by": OWN, **told})
        if plan.status == "infeasible":
            return plan.model_copy(update={"diagnosis": (NO_PLAN,)})
        if not plan.held:
            return plan
        try:
            return audited(self.instance, plan, self._base_dir)
        except InternalError as broken:
            maybe = "activate again what was deactivated in the model, or change the rule in the instance"
            raise InputError(Issue(f"the model allows what the instance does not: {broken}", maybe=maybe)) from broken
