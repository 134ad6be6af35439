"""`solve`: from an instance to an audited plan."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from optimizer.errors import InternalError
from optimizer.how import How, Method, Then, check_objects, require_docstrings
from optimizer.instance.models import Instance
from optimizer.memory import paused_gc, release_memory
from optimizer.missing import missing_rows, reserved_seconds, told_missing
from optimizer.plan.models import Plan, Start
from optimizer.plan.rows import CLASH
from optimizer.printable import printable
from optimizer.progress import Stages
from optimizer.refusing import counted_only, refused_rows, told_refused
from optimizer.switching import told_switching
from optimizer.what_if import Limits, WhatIf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from optimizer.compile.assemble import Compiled, NothingEligibleError
    from optimizer.solve.decomposition.spot_checks import SpotChecks
    from optimizer.solve.decomposition.workers import Workers
    from optimizer.solve.parameters import Parameters
    from optimizer.solve.second_objective import LeastCarbon
    from optimizer.solve.solution import Progress, Solution

VIOLATIONS_TOLD = 20
DIAGNOSIS_SECONDS, SHORTFALLS_TOLD = 60.0, 10
AFTERWARDS, AFTERWARDS_SHARE = 1.5, 0.25
"""Time kept for reading and auditing the plan, in times of what compiling took, at most this share of the limit.

Estates of 1,000 and 10,000 workloads need 1.2 times what compiling takes.
"""
NOTHING_KEPT = "none of the placements of the earlier plan is possible here; maybe it is a plan of another instance"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Order:
    """How to solve, who helps, and when solving has to end so that reading and auditing fit in."""

    how: How
    cancel: threading.Event
    until: float
    workers: Workers

    def left_seconds(self) -> float:
        """Seconds until solving has to end; 0 when it should not begin."""
        if self.cancel.is_set():
            return 0.0
        return max(0.0, self.until - time.perf_counter())


def solve(
    instance: Instance,
    *,
    gap: float = 1e-3,
    time_limit_seconds: float = 300.0,
    threads: int | None = None,
    method: Method = "auto",
    then: Then | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
    base_dir: Path | str | None = None,
    workers: str = "threads",
    check_rate: float = 0.1,
    check_seed: int | None = None,
    start: Plan | None = None,
    switching: int = 0,
    parameters: Parameters | Mapping[str, Any] | Path | str | None = None,
    opportunity_costs: bool = True,
) -> Plan:
    """Find the least-cost plan that obeys every rule of the instance, and audit it.

    Parameters
    ----------
    instance
        What `domicile.load` returned.
    gap
        Stop once (objective − bound) / objective is proven to be at most this; so does a second solve, of its carbon.
    time_limit_seconds
        Return by then with the best plan found, counted from this call, reading and auditing the plan included.
        Compiling is not cut short.
    threads
        Threads for HiGHS; None: all cores.
    method
        `auto` chooses by size and structure, and the plan says why; `direct` is HiGHS on the whole model and nothing
        else; `location` adds rows that tie things to regions in use where they are broken, and chooses regions by
        Benders cuts; `kernel` solves parts that the relaxation points to; `decompose` generates configurations of
        workloads.
    then
        `carbon`: once the cost is settled, a second solve minimises carbon at no higher cost, in what is left of the
        time. `Plan.least_carbon` says what came of it.
    progress
        Called at the start of every stage (compile, solving by its phases, missing figures, switching, audit) and
        while it solves, with the incumbent, bound and gap known so far and the seconds since the call.
    cancel
        Set it from another thread to stop with the best plan found. The first Ctrl-C in the main thread does the same
        (and sets it); the second raises KeyboardInterrupt.
    base_dir
        Where a catalogue folder named by the instance lies (default: `instance.folder`, which `load` notes).
    workers
        Who solves the small integer programs of `decompose`: `threads` of this process, as many as `threads`, or the
        address of a Dask scheduler (`tcp://host:8786`, `tls://host:8786`; extra `cluster`), whose
        workers need the same domicile. The cluster must be trusted: its workers see the numbers of the programs, and
        what they state wrongly of a cost that nothing beats goes into the bound where it is not checked.
    check_rate
        Of the answers of a cluster the share that is solved again here, at random; with 1, no bound rests on a
        worker's word. `Plan.cluster` says how many were.
    check_seed
        Seed of the draw (None: a new one, which the plan states).
    start
        An earlier plan, of this or of another state of the instance: a hint. Where its options still exist, the solve
        begins with the best plan made of them; what they no longer suffice for goes elsewhere. `Plan.start` says what
        came of it. Bounds and proof do not rest on it.
    switching
        How many figures to tell whose error would change the plan (`Plan.switching`), each with the value at which
        another plan is cheaper: a few more solves, in a twentieth of the time that the plan took (5 s at least).
    parameters
        Numbers of the solver that are not to be the default: a TOML file, or a mapping of components
        (`{"auto": {"decompose_from_integers": 500}}`). The plan states them (`Plan.solving`).
    opportunity_costs
        Whether to bound what the options may cost that are out only for want of a figure, or because nobody knows the
        law: a solve of each. Without it they are counted, and `Plan.unfinished` says that nobody asked.

    Returns
    -------
    Plan
        Status `optimal` or `feasible` with placements; `infeasible` with `diagnosis`, `shortfalls` (what would have to
        change) and the counted reasons; `no_plan` when the limit or a cancel came before any plan was found, with the
        bound proven until then if any.
        `Plan.held` tells the first two from the others.

    Raises
    ------
    InputError
        An argument means nothing; the instance names something unknown, or lacks something a law or an endpoint needs;
        the cluster cannot be used.
    InternalError
        The plan found failed its own audit.
    """
    from optimizer.compile import compile_instance

    how = How(
        gap=gap, time_limit_seconds=time_limit_seconds, threads=threads, method=method, then=then, progress=progress,
        cancel=cancel, workers=workers, check_rate=check_rate, check_seed=check_seed, start=start,
        switching=switching, parameters=parameters, opportunity_costs=opportunity_costs,
    )  # fmt: skip
    require_docstrings()
    check_objects(instance, progress, cancel, base_dir)
    how.check()
    return solve_as(
        instance, lambda: compile_instance(instance, base_dir, carbon_counts=then == "carbon"), how, base_dir
    )


def solve_as(
    instance: Instance, compiled: Callable[[], Compiled], how: How, base_dir: Path | str | None
) -> Plan:
    """Solve what `compiled` returns of an instance, and audit the plan.

    Raises InternalError as `solve` does.
    """
    from optimizer.compile import NothingEligibleError
    from optimizer.solve.deadline import ctrl_c_calls
    from optimizer.solve.decomposition.spot_checks import SpotChecks
    from optimizer.solve.decomposition.workers import open_workers

    checks = SpotChecks(how.check_rate) if how.check_seed is None else SpotChecks(how.check_rate, how.check_seed)
    begun, stop = time.perf_counter(), how.cancel or threading.Event()
    stages = Stages(how.progress, begun)
    how = replace(how, progress=stages.told())
    with ctrl_c_calls(stop.set):
        with open_workers(how.workers, how.threads, checks) as crew:
            try:
                stages.begin("compile")
                ready = compiled()
            except NothingEligibleError as nothing:
                return _nothing_eligible(instance, nothing).model_copy(update={"asked": how.asked})
            release_memory()
            compiling = time.perf_counter() - begun
            kept = min(AFTERWARDS * compiling, AFTERWARDS_SHARE * how.time_limit_seconds)
            until = begun + how.time_limit_seconds - kept
            order = _Order(how, stop, until, crew)
            kept = reserved_seconds(ready, how.time_limit_seconds) if how.opportunity_costs else 0.0
            plan, values = _solve_compiled(ready, replace(order, until=until - kept))
            release_memory()
            stages.begin("missing figures", plan)
            ask = WhatIf(ready, Limits(how.gap, how.threads, order.until, stop), base_dir)
            if how.opportunity_costs:
                plan = plan.model_copy(update=told_missing(ask, plan))
                plan = plan.model_copy(update=told_refused(ask, plan))
            else:
                plan = plan.model_copy(update=counted_only(ready, plan))
            stages.begin("switching")
            plan = plan.model_copy(update=told_switching(ask, plan, values, how.switching))
            plan = plan.model_copy(update={"asked": how.asked, **_answered(crew.checks)})
        stages.begin("audit")
        return audited(instance, plan, base_dir) if plan.held else plan


def _answered(checks: SpotChecks | None) -> dict[str, Any]:
    """Return what the plan says of a cluster that answered; nothing where none was asked."""
    if checks is None:
        return {}
    from optimizer.plan.models import Cluster

    return {"cluster": Cluster(**asdict(checks))}


def _solve_compiled(compiled: Compiled, order: _Order) -> tuple[Plan, dict[str, NDArray[np.float64]]]:
    """Return the plan of a compiled instance, and the values it was read from."""
    from optimizer.plan.read import read_plan

    begun = time.perf_counter()
    around, start = started_from(compiled, order.how.start)
    solution = _solution(compiled, order, around)
    second = None
    if order.how.then == "carbon" and solution.values:
        from formulations import cost_usd
        from optimizer.solve.second_objective import total

        second = _least_carbon(compiled, solution, order, time.perf_counter() - begun)
        solution = replace(
            solution,
            values=second.values,
            objective_usd=total(cost_usd(compiled.problem), second.values),
            timings={**solution.timings, "least_carbon": second.seconds},
        )
    plan = with_start(read_plan(compiled, solution), start, solution)
    if plan.status == "infeasible":
        return plan.model_copy(update=_diagnosed(compiled, order)), {}
    return (plan if second is None else plan.model_copy(update=_told(plan, second))), solution.values


def started_from(compiled: Compiled, plan: Plan | None) -> tuple[NDArray[np.int64] | None, Start | None]:
    """Return the slots that an earlier plan uses, and what the plan says of it; where none was given, those that what
    runs today uses.
    """
    from optimizer.plan.start import slots_of_today, slots_used

    if plan is None:
        return slots_of_today(compiled), None
    used, start = slots_used(compiled, plan)
    return (used if used.size else None), start


def with_start(plan: Plan, start: Start | None, solution: Solution) -> Plan:
    """Return the plan with what it says of the earlier plan that its solve began from."""
    if start is None:
        return plan
    told = plan.model_copy(update={"start": start.model_copy(update={"cost_usd": solution.start_usd})})
    return told if start.kept else told.model_copy(update={"warnings": (*told.warnings, NOTHING_KEPT)})


def _solution(compiled: Compiled, order: _Order, around: NDArray[np.int64] | None) -> Solution:
    """Return what minimising cost gave; nothing where the time was up before it began."""
    from optimizer.solve import Solution, SolutionStatus, Termination, solve_problem

    left = order.left_seconds()
    if left <= 0:
        why = Termination.INTERRUPTED if order.cancel.is_set() else Termination.TIME_LIMIT
        return Solution(SolutionStatus.NO_PLAN, why)
    how = order.how
    return solve_problem(
        compiled.problem, gap=how.gap, time_limit_seconds=left, threads=how.threads, method=how.method,
        progress=how.progress, cancel=order.cancel, workers=order.workers, around=around, parameters=how.numbers(),
    )  # fmt: skip


def _least_carbon(compiled: Compiled, first: Solution, order: _Order, elapsed: float) -> LeastCarbon:
    from optimizer.compile.unknown import carbon_unknown
    from optimizer.solve import least_carbon

    how = order.how
    return least_carbon(
        compiled.problem, first, unknown=carbon_unknown(compiled), gap=how.gap, time_limit_seconds=order.left_seconds(),
        threads=how.threads, progress=how.progress, cancel=order.cancel, elapsed_seconds=elapsed,
        parameters=how.numbers(),
    )  # fmt: skip


def _told(plan: Plan, second: LeastCarbon) -> dict[str, Any]:
    """Return what the plan says of the second solve."""
    from optimizer.plan.models import LeastCarbon as Told

    has_figures = plan.carbon_kg is not None
    status: Literal["optimal", "feasible", "not_run"] = "not_run"
    if has_figures and second.status.value != "no_plan":
        status = "optimal" if second.status.value == "optimal" else "feasible"
    told = Told(
        status=status,
        termination=second.termination.value,
        cost_cap_usd=second.cost_cap_usd,
        carbon_before_kg=second.carbon_before_kg if has_figures else None,
        bound_kg=second.bound_kg if has_figures else None,
        gap=second.gap if has_figures else None,
    )
    warnings = plan.warnings
    if told.status == "not_run":
        why = "no time was left for it" if has_figures else "nothing in the plan has a carbon figure"
        warnings = (*warnings, f"the second solve, for least carbon, was not run: {why}")
    return {"least_carbon": told, "warnings": warnings}


def _diagnosed(compiled: Compiled, order: _Order) -> dict[str, Any]:
    """Return what an infeasible plan says: which limits or needs would have to change, each alone or together."""
    from optimizer.plan.shortfall import all_told, introduction
    from optimizer.solve import diagnose

    seconds = min(order.left_seconds(), DIAGNOSIS_SECONDS)
    if seconds <= 0:
        return {"diagnosis": (CLASH,)}
    found = diagnose(compiled.problem, time_limit_seconds=seconds, cancel=order.cancel)
    rows = all_told(found, compiled, SHORTFALLS_TOLD)
    return {"diagnosis": (CLASH, introduction(rows)), "shortfalls": rows}


def audited(instance: Instance, plan: Plan, base_dir: Path | str | None) -> Plan:
    """Return the plan if its own audit finds nothing; a plan that fails it is never output.

    What serves nothing is told in the plan's warnings: it breaks no promise, and taking it out may need more time than
    there was.
    """
    from optimizer.audit import audit

    begun = time.perf_counter()
    with paused_gc():
        report = audit(instance, plan, base_dir=base_dir or instance.folder)
    broken = [v for v in report.violations if v.kind != "serves_nothing"]
    if broken:
        told = [
            printable(f"  {v.kind} at {v.where}: {v.what} (expected {v.expected}, found {v.found})")
            for v in broken[:VIOLATIONS_TOLD]
        ]
        if len(broken) > VIOLATIONS_TOLD:
            told.append(f"  and {len(broken) - VIOLATIONS_TOLD} more")
        raise InternalError("\n".join(["the plan fails its own audit:", *told]))
    seconds = time.perf_counter() - begun
    log.info("audit found %d items that serve nothing in %.2f s", len(report.violations), seconds)
    return plan.model_copy(update={
        "warnings": (*plan.warnings, *(f"serves nothing: {v.where}: {v.what}" for v in report.violations)),
        "timings_seconds": {**plan.timings_seconds, "audit": seconds},
        "today": report.today,
    })  # fmt: skip


def _nothing_eligible(instance: Instance, nothing: NothingEligibleError) -> Plan:
    """Return the plan that says who has no eligible option, with the reasons counted."""
    from optimizer.compile.wanting import wanting_of
    from optimizer.plan.read import header
    from optimizer.plan.register import ineligible_row
    from optimizer.validation import warnings_of_world

    return Plan(
        **header(instance, nothing.world),
        status="infeasible",
        termination="infeasible",
        diagnosis=nothing.lines,
        ineligible=tuple(map(ineligible_row, nothing.rows)),
        missing_figures=missing_rows(wanting_of(*nothing.ledgers, nothing.world)),
        refused=refused_rows(*nothing.ledgers, nothing.world),
        warnings=warnings_of_world(nothing.world),
    )
