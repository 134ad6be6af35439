"""`solve`: from an instance to an audited plan."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from optimizer.errors import InputError, InternalError, Issue, LimitReached
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled, NothingEligibleError
    from optimizer.solve.solution import Progress

Method = Literal["auto", "direct", "beside", "construct"]
VIOLATIONS_TOLD = 20
DIAGNOSIS_SECONDS, SHORTFALLS_TOLD = 30.0, 10
CLASH = (
    "every stream and job has eligible options of its own; quotas, budgets, shares, copies and windows together admit "
    "no plan"
)
log = logging.getLogger(__name__)


def solve(
    instance: Instance,
    *,
    gap: float = 1e-3,
    time_limit_seconds: float = 300.0,
    threads: int | None = None,
    method: Method = "auto",
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
    base_dir: Path | str | None = None,
) -> Plan:
    """Find the least-cost plan that obeys every rule of the instance, and audit it.

    Parameters
    ----------
    instance
        What `optimizer.load` returned.
    gap
        Stop once (objective − bound) / objective is proven to be at most this.
    time_limit_seconds
        Stop then with the best plan found, counted from this call.
    threads
        Threads for HiGHS; None: all cores.
    method
        `auto` chooses by size; `direct` hands the whole model to HiGHS, `construct` builds and improves a plan.
    progress
        Called from time to time with phase, incumbent, bound, gap and elapsed seconds.
    cancel
        Set it from another thread to stop with the best plan found.
    base_dir
        Where a catalogue folder named by the instance lies (default: `instance.folder`, which `load` notes).

    Returns
    -------
    Plan
        Status `optimal` or `feasible` with placements; `infeasible` with `diagnosis` and the counted reasons.

    Raises
    ------
    InputError
        An argument means nothing; the instance names something unknown, or lacks something a law or an endpoint needs.
    LimitReached
        Stopped before any plan was found.
    InternalError
        The plan found failed its own audit.
    """
    from optimizer.compile import NothingEligibleError, compile_instance

    _check_arguments(gap, time_limit_seconds, threads, method)
    begun = time.perf_counter()
    try:
        compiled = compile_instance(instance, base_dir)
    except NothingEligibleError as nothing:
        return _nothing_eligible(instance, nothing)
    left = max(0.0, time_limit_seconds - (time.perf_counter() - begun))
    plan = _solve_compiled(
        compiled, gap=gap, seconds=left, threads=threads, method=method, progress=progress, cancel=cancel
    )
    return _audited(instance, plan, base_dir) if plan.status != "infeasible" else plan


def _check_arguments(gap: object, seconds: object, threads: object, method: object) -> None:
    def number(value: object) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    issues = []
    if not (number(gap) and 0 <= gap < math.inf):  # type: ignore[operator]
        issues.append(Issue(f"is {gap!r}, not a share of at least 0", where="gap"))
    if not (number(seconds) and seconds > 0):  # type: ignore[operator]
        issues.append(Issue(f"is {seconds!r}, not seconds above 0", where="time_limit_seconds"))
    if threads is not None and not (isinstance(threads, int) and threads >= 1):
        issues.append(Issue(f"is {threads!r}, not a whole number of at least 1", where="threads"))
    if method not in get_args(Method):
        issues.append(Issue(f"is {method!r}; should be one of {', '.join(get_args(Method))}", where="method"))
    if issues:
        raise InputError(issues)


def _solve_compiled(
    compiled: Compiled, *, gap: float, seconds: float, threads: int | None, method: Method,
    progress: Callable[[Progress], None] | None, cancel: threading.Event | None,
) -> Plan:  # fmt: skip
    from optimizer.plan.read import read_plan
    from optimizer.solve import solve_problem

    solution = solve_problem(
        compiled.problem, gap=gap, time_limit_seconds=seconds, threads=threads, method=method, progress=progress,
        cancel=cancel,
    )  # fmt: skip
    plan = read_plan(compiled, solution)
    if plan.status == "infeasible":
        left = seconds - sum(solution.timings.values())
        return plan.model_copy(update={"diagnosis": (CLASH, *_what_must_give(compiled, left, threads))})
    if plan.status == "no_plan":
        raise LimitReached(f"stopped by {plan.termination} before any plan was found\nMaybe allow more time")
    return plan


def _what_must_give(compiled: Compiled, seconds: float, threads: int | None) -> tuple[str, ...]:
    """Return a line for each limit or need that gives way in the plan that breaks them least; none without time."""
    from optimizer.plan.shortfall import told
    from optimizer.solve import diagnose

    if seconds <= 0:
        return ()
    found = diagnose(compiled.problem, time_limit_seconds=min(seconds, DIAGNOSIS_SECONDS), threads=threads or 1)
    return tuple(told(shortfall, compiled) for shortfall in found[:SHORTFALLS_TOLD])


def _audited(instance: Instance, plan: Plan, base_dir: Path | str | None) -> Plan:
    """Return the plan if its own audit finds nothing; a plan that fails it is never output."""
    from optimizer.audit import audit

    begun = time.perf_counter()
    report = audit(instance, plan, base_dir=base_dir or instance.folder)
    if report.violations:
        told = [
            f"  {v.kind} at {v.where}: {v.what} (expected {v.expected}, found {v.found})"
            for v in report.violations[:VIOLATIONS_TOLD]
        ]
        if len(report.violations) > VIOLATIONS_TOLD:
            told.append(f"  and {len(report.violations) - VIOLATIONS_TOLD} more")
        raise InternalError("\n".join(["the plan fails its own audit:", *told]))
    log.info("audit found nothing in %.2f s", time.perf_counter() - begun)
    return plan.model_copy(update={"timings_seconds": {**plan.timings_seconds, "audit": time.perf_counter() - begun}})


def _nothing_eligible(instance: Instance, nothing: NothingEligibleError) -> Plan:
    """Return the plan that says who has no eligible option, with the reasons counted."""
    from optimizer.plan.read import header
    from optimizer.plan.register import ineligible_row

    return Plan(
        **header(instance, nothing.world),
        status="infeasible",
        termination="infeasible",
        diagnosis=nothing.lines,
        ineligible=tuple(map(ineligible_row, nothing.rows)),
    )
