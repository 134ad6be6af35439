"""`solve`: from an instance to an audited plan."""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from optimizer.errors import InputError, InternalError, Issue
from optimizer.instance.models import Instance
from optimizer.memory import paused_gc
from optimizer.plan.models import Asked, Plan
from optimizer.printable import printable

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled, NothingEligibleError
    from optimizer.solve.decomposition.spot_checks import SpotChecks
    from optimizer.solve.decomposition.workers import Workers
    from optimizer.solve.second import LeastCarbon
    from optimizer.solve.solution import Progress, Solution

Method = Literal["auto", "direct", "beside", "construct", "kernel", "decompose"]
Then = Literal["carbon"]
MOST_THREADS = 1024
"""The solver ends the whole process when the system gives it no more threads."""
NO_DOCSTRINGS = 2
"""Level of `sys.flags.optimize`."""
VIOLATIONS_TOLD = 20
DIAGNOSIS_SECONDS, SHORTFALLS_TOLD = 60.0, 10
AFTERWARDS, AFTERWARDS_SHARE = 1.5, 0.25
"""Time kept for reading and auditing the plan, in times of what compiling took, at most this share of the limit.

Estates of 1,000 and 10,000 workloads need 1.2 times what compiling takes.
"""
CLASH = (
    "every stream and job has eligible options of its own; quotas, budgets, shares, copies and windows together admit "
    "no plan"
)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Order:
    """How to solve: the caller's arguments, and when solving has to end so that reading and auditing fit in."""

    gap: float
    threads: int | None
    method: Method
    then: Then | None
    progress: Callable[[Progress], None] | None
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
        `auto` chooses by size and structure; `direct` hands the whole model to HiGHS, `beside` searches for plans
        beside it, `construct` builds and improves a plan, `kernel` solves parts that the relaxation points to,
        `decompose` puts a plan together from configurations of workloads.
    then
        `carbon`: once the cost is settled, a second solve minimises carbon at no higher cost, in what is left of the
        time. `Plan.least_carbon` says what came of it.
    progress
        Called from time to time with phase, incumbent, bound, gap and elapsed seconds.
    cancel
        Set it from another thread to stop with the best plan found. The first Ctrl-C in the main thread does the same
        (and sets it); the second raises KeyboardInterrupt.
    base_dir
        Where a catalogue folder named by the instance lies (default: `instance.folder`, which `load` notes).
    workers
        Who solves the small integer programs of `decompose`: `threads` or `processes` of this machine, as many as
        `threads`, or the address of a Dask scheduler (`tcp://host:8786`, `tls://host:8786`; extra `cluster`), whose
        workers need the same domicile. The cluster must be trusted: its workers see the numbers of the programs, and
        what they state wrongly of a cost that nothing beats goes into the bound where it is not checked.
    check_rate
        Of the answers of a cluster the share that is solved again here, at random; with 1, no bound rests on a
        worker's word. `Plan.cluster` says how many were.
    check_seed
        Seed of the draw (None: a new one, which the plan states).

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
        cancel=cancel, workers=workers, check_rate=check_rate, check_seed=check_seed,
    )  # fmt: skip
    require_docstrings()
    check_objects(instance, progress, cancel, base_dir)
    how.check()
    return solve_as(
        instance, lambda: compile_instance(instance, base_dir, carbon_counts=then == "carbon"), how, base_dir
    )


@dataclass(frozen=True)
class How:
    """How to solve: the arguments of `solve`."""

    gap: float = 1e-3
    time_limit_seconds: float = 300.0
    threads: int | None = None
    method: Method = "auto"
    then: Then | None = None
    progress: Callable[[Progress], None] | None = None
    cancel: threading.Event | None = None
    workers: str = "threads"
    check_rate: float = 0.1
    check_seed: int | None = None

    def check(self) -> None:
        """Raise InputError where an argument means nothing."""
        check_arguments(self.gap, self.time_limit_seconds, self.threads, self.method, self.then)
        _check_workers(self.workers, self.check_rate, self.check_seed)

    @property
    def asked(self) -> Asked:
        """What a plan says of it."""
        limit = self.time_limit_seconds if math.isfinite(self.time_limit_seconds) else None
        return Asked(
            gap=self.gap, time_limit_seconds=limit, threads=self.threads, method=self.method, then=self.then
        )


def solve_as(
    instance: Instance, compiled: Callable[[], Compiled], how: How, base_dir: Path | str | None
) -> Plan:
    """Solve what `compiled` returns of an instance, and audit the plan.

    Raises InternalError as `solve` does.
    """
    from optimizer.compile import NothingEligibleError
    from optimizer.solve.decomposition.spot_checks import SpotChecks
    from optimizer.solve.decomposition.workers import open_workers
    from optimizer.solve.watch import ctrl_c_calls

    checks = SpotChecks(how.check_rate) if how.check_seed is None else SpotChecks(how.check_rate, how.check_seed)
    begun, stop = time.perf_counter(), how.cancel or threading.Event()
    with ctrl_c_calls(stop.set):
        with open_workers(how.workers, how.threads, checks) as crew:
            try:
                ready = compiled()
            except NothingEligibleError as nothing:
                return _nothing_eligible(instance, nothing).model_copy(update={"asked": how.asked})
            compiling = time.perf_counter() - begun
            kept = min(AFTERWARDS * compiling, AFTERWARDS_SHARE * how.time_limit_seconds)
            until = begun + how.time_limit_seconds - kept
            plan = _solve_compiled(
                ready, _Order(how.gap, how.threads, how.method, how.then, how.progress, stop, until, crew)
            )
            plan = plan.model_copy(update={"asked": how.asked, **_answered(crew.checks)})
        return audited(instance, plan, base_dir) if plan.held else plan


def require_docstrings() -> None:
    """Raise InputError under `python -OO`: Pyomo builds on docstrings and cannot be imported without them."""
    if sys.flags.optimize >= NO_DOCSTRINGS:
        raise InputError(Issue("python -OO removes the docstrings that Pyomo needs", maybe="run python -O, or neither"))


def check_objects(instance: object, progress: object, cancel: object, base_dir: object) -> None:
    """Refuse what is no instance, function, event or path: all of it at once."""
    issues = []
    if not isinstance(instance, Instance):
        what = f"is {type(instance).__name__}, not an Instance"
        issues.append(Issue(what, where="instance", maybe="load it first: domicile.load(path or mapping)"))
    if progress is not None and not callable(progress):
        issues.append(Issue(f"is {type(progress).__name__}, not a function", where="progress"))
    if cancel is not None and not isinstance(cancel, threading.Event):
        issues.append(Issue(f"is {type(cancel).__name__}, not a threading.Event", where="cancel"))
    if base_dir is not None and not isinstance(base_dir, str | Path):
        issues.append(Issue(f"is {type(base_dir).__name__}, not a path", where="base_dir"))
    if issues:
        raise InputError(issues)


def check_arguments(gap: object, seconds: object, threads: object, method: object, then: object) -> None:
    """Refuse how to solve where an argument means nothing: all of it at once.

    Raises InputError.
    """
    issues = []
    if not (_is_number(gap) and 0 <= gap < math.inf):  # type: ignore[operator]
        issues.append(Issue(f"is {gap!r}, not a share of at least 0", where="gap"))
    if not (_is_number(seconds) and seconds > 0):  # type: ignore[operator]
        issues.append(Issue(f"is {seconds!r}, not seconds above 0", where="time_limit_seconds"))
    if threads is not None and (
        isinstance(threads, bool) or not (isinstance(threads, int) and 1 <= threads <= MOST_THREADS)
    ):
        issues.append(Issue(f"is {threads!r}, not a whole number from 1 to {MOST_THREADS}", where="threads"))
    if not isinstance(method, str) or method not in get_args(Method):
        issues.append(Issue(f"is {method!r}; should be one of {', '.join(get_args(Method))}", where="method"))
    if then is not None and not (isinstance(then, str) and then in get_args(Then)):
        issues.append(Issue(f"is {then!r}; should be None or one of {', '.join(get_args(Then))}", where="then"))
    if issues:
        raise InputError(issues)


def _is_number(value: object) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return abs(value) <= sys.float_info.max or value == math.inf


def _check_workers(workers: object, rate: object, seed: object) -> None:
    """Refuse workers, and ways of checking what they answer, that mean nothing."""
    from optimizer.solve.decomposition.spot_checks import SEED_BITS
    from optimizer.solve.decomposition.workers import is_address

    issues = []
    if not isinstance(workers, str) or (workers not in ("threads", "processes") and not is_address(workers)):
        what = f"is {workers!r}; should be threads, processes or the address of a Dask scheduler"
        issues.append(Issue(what, where="workers", maybe="write the address as tcp://host:8786"))
    if not (_is_number(rate) and 0 <= rate <= 1):  # type: ignore[operator]
        issues.append(Issue(f"is {rate!r}, not a share from 0 to 1", where="check_rate"))
    if seed is not None and (isinstance(seed, bool) or not (isinstance(seed, int) and 0 <= seed < 2**SEED_BITS)):
        issues.append(Issue(f"is {seed!r}, not a whole number from 0 to {2**SEED_BITS - 1}", where="check_seed"))
    if issues:
        raise InputError(issues)


def _answered(checks: SpotChecks | None) -> dict[str, Any]:
    """Return what the plan says of a cluster that answered; nothing where none was asked."""
    if checks is None:
        return {}
    from optimizer.plan.models import Cluster

    return {"cluster": Cluster(**asdict(checks))}


def _solve_compiled(compiled: Compiled, order: _Order) -> Plan:
    from optimizer.plan.read import read_plan

    begun = time.perf_counter()
    solution = _solution(compiled, order)
    second = None
    if order.then == "carbon" and solution.values:
        from formulations import cost_usd
        from optimizer.solve.second import total

        second = _least_carbon(compiled, solution, order, time.perf_counter() - begun)
        solution = replace(
            solution,
            values=second.values,
            objective_usd=total(cost_usd(compiled.problem), second.values),
            timings={**solution.timings, "least_carbon": second.seconds},
        )
    plan = read_plan(compiled, solution)
    if plan.status == "infeasible":
        return plan.model_copy(update=_diagnosed(compiled, order))
    return plan if second is None else plan.model_copy(update=_told(plan, second))


def _solution(compiled: Compiled, order: _Order) -> Solution:
    """Return what minimising cost gave; nothing where the time was up before it began."""
    from optimizer.solve import Solution, SolutionStatus, Termination, solve_problem

    left = order.left_seconds()
    if left <= 0:
        why = Termination.INTERRUPTED if order.cancel.is_set() else Termination.TIME_LIMIT
        return Solution(SolutionStatus.NO_PLAN, why)
    return solve_problem(
        compiled.problem, gap=order.gap, time_limit_seconds=left, threads=order.threads, method=order.method,
        progress=order.progress, cancel=order.cancel, workers=order.workers,
    )  # fmt: skip


def _least_carbon(compiled: Compiled, first: Solution, order: _Order, elapsed: float) -> LeastCarbon:
    from optimizer.compile.unknown import carbon_unknown
    from optimizer.solve import least_carbon

    return least_carbon(
        compiled.problem, first, unknown=carbon_unknown(compiled), gap=order.gap,
        time_limit_seconds=order.left_seconds(), threads=order.threads, progress=order.progress, cancel=order.cancel,
        elapsed_seconds=elapsed,
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
    })  # fmt: skip


def _nothing_eligible(instance: Instance, nothing: NothingEligibleError) -> Plan:
    """Return the plan that says who has no eligible option, with the reasons counted."""
    from optimizer.plan.read import header
    from optimizer.plan.register import ineligible_row
    from optimizer.validation import warnings_of_world

    return Plan(
        **header(instance, nothing.world),
        status="infeasible",
        termination="infeasible",
        diagnosis=nothing.lines,
        ineligible=tuple(map(ineligible_row, nothing.rows)),
        warnings=warnings_of_world(nothing.world),
    )
