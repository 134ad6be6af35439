"""One scenario: from a task to an outcome, in whatever process. Both are bytes and plain data, for any executor."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from optimizer import __version__
from optimizer.errors import DomicileError, InfeasibleError
from optimizer.instance.models import Instance

if TYPE_CHECKING:
    from optimizer.model import Model
    from optimizer.plan.models import Plan
    from optimizer.solve.decomposition.proven import Proven

Status = Literal["optimal", "feasible", "infeasible", "no_plan", "failed"]
FIGURES = (
    "objective_usd", "bound_usd", "gap", "carbon_kg", "carbon_unknown_share", "operational_kg", "energy_kwh", "water_l",
)  # fmt: skip
"""Figures that a plan states; `figures_of` adds those that follow from it."""
DERIVED = ("spent_usd", "served_share")
SHORTFALLS_TOLD = 3
LOST: dict[str, Literal["region", "metro", "provider"]] = {
    "served_if_region_lost": "region", "served_if_metro_lost": "metro", "served_if_provider_lost": "provider",
}  # fmt: skip
"""Figures recomputed from a plan, by what fails."""
TOUCHES_NOTHING = "touches nothing"
UNFINISHED = ("feasible", "no_plan")
"""Statuses of what time ended: more of it may lead further."""


@dataclass(frozen=True)
class Task:
    """What a worker needs: the study's instance (compressed JSON) with the checksums of its data, the changes, how to
    solve, a plan to start from, and the columns that its solve handed on; the frontier to walk, if it is one, and the
    figures that are `recomputed` from the plan.
    """

    key: str
    base: bytes
    changes: tuple[dict[str, Any], ...]
    solve: Mapping[str, Any]
    folder: str | None = None
    start: bytes | None = None
    data: tuple[str, ...] = ()
    columns: bytes | None = None
    frontier: Mapping[str, Any] | None = None
    recomputed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of a task: a status with its reason where there is no plan, figures, seconds, the plan (compressed),
    the columns handed on, if there are any, the limits that have no room in it (`binds`), and what its plan warns of in
    what the scenario states.

    Of a frontier its points, and the plan of each; figures and plan are those of the first.
    """

    key: str
    status: Status
    seconds: float
    reason: str = ""
    figures: Mapping[str, float | None] | None = None
    plan: bytes | None = None
    columns: bytes | None = None
    binds: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    points: tuple[Mapping[str, Any], ...] = ()
    plans: tuple[bytes, ...] = ()


def packed(instance: Instance) -> bytes:
    """Return an instance as compressed JSON, the same bytes for the same instance."""
    return gzip.compress(instance.model_dump_json().encode(), mtime=0)


def unpacked(content: bytes, folder: str | None) -> Instance:
    """Return an instance from its compressed JSON; `folder` holds the catalogue or the laws of its own, if any."""
    instance = Instance.model_validate_json(gzip.decompress(content))
    instance._folder = None if folder is None else Path(folder)
    return instance


def data_of(instance: Instance) -> tuple[str, ...]:
    """Return the checksums of the catalogue and the laws that an instance is solved with."""
    from optimizer.catalogue import load_catalogue
    from optimizer.laws.loading import laws_of

    use, laws = instance.catalogue.use, laws_of(instance.laws, instance.folder)
    place = "world" if use == "world" else (instance.folder or Path()) / use
    return ("" if use == "inline" else load_catalogue(place).sha256, "" if laws is None else laws.sha256)


def key_of(
    base: bytes, changes: tuple[dict[str, Any], ...], solve: Mapping[str, Any], data: tuple[str, ...] = (), *,
    frontier: Mapping[str, Any] | None = None, recomputed: tuple[str, ...] = (),
) -> str:  # fmt: skip
    """Return the key of a result: a hash of the instance, the data it rests on, the changes, how it is solved, what is
    asked beside cost and the version of domicile. The time limit is no part of it: a result within its gap is the same
    with more time.
    """
    how = {name: value for name, value in solve.items() if name != "time_limit_seconds"}
    asked = [__version__, list(changes), how, data, frontier, recomputed]
    told = json.dumps(asked, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(gzip.decompress(base) + told.encode()).hexdigest()[:32]


def solve_task(task: Task) -> Outcome:
    """Solve one scenario. Whatever goes wrong is an outcome with its reason, never the end of the study."""
    begun = time.perf_counter()

    def outcome(status: Status, reason: str = "", **more: Any) -> Outcome:
        return Outcome(task.key, status, time.perf_counter() - begun, reason, **more)

    try:
        if task.frontier is not None:
            return _walked(task, begun)
        model = _base_model(task)
        if task.changes:
            model = model.changed(list(task.changes))
        plan, columns = _solved(model, task)
        figures = figures_of(plan) | recomputed(model.instance, plan, task.recomputed)
        binds, warned = binding(model, plan), warnings_of_statements(model, plan)
    except InfeasibleError as none:
        return outcome("infeasible", str(none))
    except MemoryError:
        return outcome("failed", "not enough memory")
    except DomicileError as error:
        return outcome("failed", str(error))
    except Exception as error:
        return outcome("failed", f"{type(error).__name__}: {error}")
    held = gzip.compress(plan.model_dump_json().encode(), mtime=0) if plan.held else None
    reason = "" if plan.held else reason_of(plan)
    return outcome(plan.status or "no_plan", reason, figures=figures, plan=held, columns=columns, binds=binds,
                   warnings=warned)  # fmt: skip


def _walked(task: Task, begun: float) -> Outcome:
    """Return the frontier that a task asks for; it may take as long as each of its points a scenario."""
    from optimizer.changes.apply import changed
    from optimizer.study.frontiers import frontier

    assert task.frontier is not None
    instance = unpacked(task.base, task.folder)
    if task.changes:
        instance = changed(instance, list(task.changes))
    answer, plans = frontier(
        instance, **task.frontier, gap=task.solve["gap"], threads=1,
        time_limit_seconds=task.solve["time_limit_seconds"] * task.frontier["points"],
    )  # fmt: skip
    proven = answer.complete and all(point.proven for point in answer.points)
    shared = {"over": answer.over, "unit": answer.unit, "least_cost_usd": answer.least_cost_usd}
    points = tuple(
        {"point": number, **shared, **point.model_dump(), **figures_of(plan)}
        for number, (point, plan) in enumerate(zip(answer.points, plans, strict=True), start=1)
    )
    held = tuple(gzip.compress(plan.model_dump_json().encode(), mtime=0) for plan in plans)
    figures = figures_of(plans[0]) | recomputed(instance, plans[0], task.recomputed)
    return Outcome(
        task.key, "optimal" if proven else "feasible", time.perf_counter() - begun,
        "" if proven else "time ran out before every point was proven", figures, held[0], points=points, plans=held,
    )  # fmt: skip


def warnings_of_statements(model: Model, plan: Plan) -> tuple[str, ...]:
    """Return what a plan warns of in what its scenario states: it touches nothing, or grants a part of a device."""
    from optimizer.compile.whole import fractional_limits

    parts = fractional_limits(model._compiled.world)
    return tuple(one for one in plan.warnings if TOUCHES_NOTHING in one or one in parts)


def binding(model: Model, plan: Plan) -> tuple[dict[str, Any], ...]:
    """Return the budgets, quotas and shares of a plan that have no room for more, with limit and use."""
    from optimizer.explain.full import full_limits

    if not plan.held:
        return ()
    full = full_limits(model._compiled.problem, plan)
    return tuple({"rule": rule, "limit": one.limit, "used": one.used} for rule, one in full.items())


def recomputed(instance: Instance, plan: Plan, names: tuple[str, ...]) -> dict[str, float | None]:
    """Return the figures of a plan that are recomputed where a study asks for them; None without a plan."""
    if not names or not plan.held:
        return dict.fromkeys(names)
    from optimizer.audit.survival import served_if_lost
    from optimizer.audit.world import resolve

    world = resolve(instance, instance.folder)
    return {name: served_if_lost(world, plan, LOST[name]) for name in names}


def _solved(model: Model, task: Task) -> tuple[Plan, bytes | None]:
    """Return the plan of a model, and the columns that solving it handed on."""
    from optimizer.solve.decomposition.proven import Proven
    from optimizer.solve.warm_start import handing_on

    known = None
    if task.columns is not None:
        from optimizer.solve.decomposition.handed import Handed

        known = Handed.from_bytes(task.columns)
    if not _proven:
        _proven.append(Proven())
    with handing_on(known, _proven[0]) as handing:
        plan = model.solve(
            threads=1, start=unpacked_plan(task.start), opportunity_costs=not task.changes, **task.solve
        )
    return plan, None if handing.made is None else handing.made.to_bytes()


def figures_of(plan: Plan) -> dict[str, float | None]:
    """Return the figures of a plan: those it states, what is spent (the cost without the price of what is not served),
    and the share of the peak demand, or work, that is served; every workload counts the same.
    """
    stated = {name: getattr(plan, name) for name in FIGURES}
    if not plan.held:
        return {**stated, **dict.fromkeys(DERIVED)}
    shares = served_shares(plan).values()
    penalty = sum(row.cost_usd or 0.0 for row in plan.unserved)
    cost = plan.objective_usd
    return {
        **stated, "spent_usd": None if cost is None else cost - penalty,
        "served_share": sum(shares) / len(shares) if shares else None,
    }  # fmt: skip


def served_shares(plan: Plan) -> dict[str, float]:
    """Return for each workload the share of its peak demand, or work, that a plan serves."""
    served: dict[str, float] = {}
    left: dict[str, float] = {}
    for row in plan.placements:
        served[row.workload] = served.get(row.workload, 0.0) + (row.served_per_s or 0.0) + (row.work_units or 0.0)
    for lost in plan.unserved:
        left[lost.workload] = left.get(lost.workload, 0.0) + (lost.per_s or 0.0) + (lost.work_units or 0.0)
    both = {name: (served.get(name, 0.0), left.get(name, 0.0)) for name in {**served, **left}}
    return {name: done / (done + lost) if done + lost else 1.0 for name, (done, lost) in both.items()}


def reason_of(plan: Plan) -> str:
    """Return why there is no plan: the head of its diagnosis."""
    if plan.status == "no_plan":
        return "no plan was found in the time given"
    told = [row.sentence for row in plan.shortfalls[:SHORTFALLS_TOLD]]
    return "; ".join(told or plan.diagnosis)


def unpacked_plan(content: bytes | None) -> Plan | None:
    """Return a plan from its compressed JSON."""
    from optimizer.plan.models import Plan

    return None if content is None else Plan.model_validate_json(gzip.decompress(content), strict=True)


_models: dict[bytes, Model] = {}
MODELS_KEPT = 3
_proven: list[Proven] = []
"""What this process has proven of single workloads, at most one."""
_lock = threading.Lock()


def _base_model(task: Task) -> Model:
    """Return the model of a base, compiled once in each process; the bases used last are kept."""
    from optimizer.model import compile

    digest = hashlib.sha256(task.base + repr((task.folder, task.data)).encode()).digest()
    with _lock:
        model = _models.pop(digest, None) or compile(unpacked(task.base, task.folder))
        _models[digest] = model
        for oldest in list(_models)[:-MODELS_KEPT]:
            del _models[oldest]
        return model
