"""Other states of a compiled instance: what they cost at least, and what their least cost is.

All questions that are asked beside a plan (what missing figures may cost, what refusing the unknown costs, what each
rule costs, where a figure changes the plan) have three steps: an instance in another state, compiled with what the
change leaves as it was; a bound on its least cost from below, or a plan of it; the difference to the plan in hand. The
first two are here.

A bound in closed form takes a moment, whatever the size: every workload alone at its cheapest, no limit shared.

    z  >=  sum_j D[j] min_i (g[j,i] + p[i] / K'[i])  +  sum_w W[w] min_i (r[i] + q[i] / F[i]) / (3600 K[i])

with the streams j (demand D) over flows at g and instances at p of useful capacity K', the jobs w (work W) over hours
at r and gangs at q of F useful hours: L(y) for multipliers of the rows of single workloads alone. Solving raises it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.memory import release_memory

if TYPE_CHECKING:
    from formulations.problem import Problem
    from optimizer.compile.assemble import Compiled
    from optimizer.compile.scaled import Scaled
    from optimizer.instance.models import Instance
    from optimizer.plan.models import Plan
    from optimizer.solve.solution import Progress, Solution

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Limits:
    """How closely to solve, with how many threads, and until when (`time.perf_counter`).

    `cancel` ends it, `progress` is called while it lasts.
    """

    gap: float
    threads: int | None
    until: float
    cancel: threading.Event
    progress: Callable[[Progress], None] | None = None

    def left_seconds(self) -> float:
        """Seconds that are left; 0 when it was cancelled."""
        return 0.0 if self.cancel.is_set() else max(0.0, self.until - time.perf_counter())


@dataclass(frozen=True)
class Share:
    """The part of the time that a question may take: a share of what the plan took, or so many seconds if more."""

    share: float
    least_seconds: float

    def seconds(self, plan: Plan) -> float:
        """Return the seconds for a question beside a plan."""
        return max(self.least_seconds, self.share * sum(plan.timings_seconds.values()))


@dataclass(frozen=True)
class Bound:
    """The least that any plan of a problem costs; `is_finished`: within the gap asked of it, or nothing would raise it
    further.
    """

    usd: float | None
    is_finished: bool


@dataclass(frozen=True, eq=False)
class WhatIf:
    """A compiled instance, of which other states are compiled, bounded and solved within limits."""

    compiled: Compiled
    limits: Limits
    base_dir: Path | str | None = None

    def state(
        self, *, changes: Sequence[dict[str, Any]] = (), instance: Instance | None = None,
        estimated: Collection[str] = (), scaled: Scaled | None = None,
    ) -> Compiled:  # fmt: skip
        """Compile another state: after changes, another `instance`, with estimates for missing figures (reasons of the
        ledger), or with a figure scaled. What reads the same is taken over.

        Raises InputError and InfeasibleError as `compile_instance` does.
        """
        from optimizer.changes.apply import changed
        from optimizer.compile import compile_instance

        after = self.compiled.world.instance if instance is None else instance
        if changes:
            after = changed(after, list(changes), base_dir=self.base_dir)
        return compile_instance(
            after, self.base_dir, earlier=self.compiled.stages, checked=True, estimated=estimated, scaled=scaled
        )

    def solved(
        self, problem: Problem, *, seconds: float, gap: float | None = None, around: Ints | None = None
    ) -> Solution:
        """Solve another state, begun with the slots `around` of a plan if there are any; what the solver used is given
        back.
        """
        from optimizer.solve import solve_problem

        solution = solve_problem(
            problem, gap=self.limits.gap if gap is None else gap, time_limit_seconds=max(seconds, 1e-3),
            threads=self.limits.threads, cancel=self.limits.cancel, progress=self.limits.progress,
            around=around if around is not None and around.size else None,
        )  # fmt: skip
        release_memory()
        return solution

    def bounded(self, problem: Problem, *, seconds: float) -> Bound:
        """Bound the least cost of another state: in closed form, and where there are seconds for it by solving."""
        rough = each_alone_usd(problem)
        if seconds <= 0.0:
            return Bound(rough, is_finished=False)
        solution = self.solved(problem, seconds=seconds)
        found = [usd for usd in (rough, solution.bound_usd) if usd is not None]
        return Bound(max(found, default=None), is_finished=solution.status.value == "optimal")


def solving_seconds(compiled: Compiled, plan: Plan) -> float:
    """Return the seconds that the plan took to solve, compiling apart: so long another state may take."""
    return max(0.0, sum(plan.timings_seconds.values()) - sum(compiled.timings.values()))


def may_end(compiled: Compiled, plan: Plan, seconds: float) -> bool:
    """Whether a solve of another state is likely to end within some seconds: it takes about as long as the plan's own.

    Where that ran into its time limit, time for a bound was kept, and is used.
    """
    return plan.termination == "time_limit" or solving_seconds(compiled, plan) <= seconds


def each_alone_usd(problem: Problem) -> float | None:
    """Return what all workloads cost at least, each alone at its cheapest; None where a charge below 0 forbids that, or
    something can be served by nothing.
    """
    from formulations import cost_usd

    cost = cost_usd(problem)
    if any(usd.size and usd.min() < 0 for usd in cost.values()):
        return None
    total = _services_usd(problem, cost) + _jobs_usd(problem, cost)
    return total if np.isfinite(total) else None


def _services_usd(problem: Problem, cost: dict[str, Floats]) -> float:
    slots, flows, services = problem.slots, problem.flows, problem.services
    demand, periods = services.demand_per_s, problem.period_hours.size
    cell = flows.stream * periods + slots.period[flows.slot]
    reach = np.bincount(flows.slot, demand.ravel()[cell], slots.workload.size)
    own = np.where(slots.is_endpoint, reach, np.minimum(slots.capacity_per_s, reach))
    each = np.where(slots.is_endpoint, 0.0, _charged(cost, "instances", slots.workload.size))
    per_unit = np.divide(each, own, out=np.zeros(own.size), where=own > 0)
    least = np.full(demand.size, np.inf)
    np.minimum.at(least, cell, _charged(cost, "flow", flows.slot.size) + per_unit[flows.slot])
    may = np.repeat(services.may_be_unserved, periods)
    least[may] = np.minimum(least[may], _charged(cost, "unserved", demand.size)[may])
    asked = demand.ravel() > 0
    return float((demand.ravel()[asked] * least[asked]).sum())


def _jobs_usd(problem: Problem, cost: dict[str, Floats]) -> float:
    slots, jobs = problem.slots, problem.jobs
    own = np.flatnonzero(slots.is_job)
    job_of = np.full(len(problem.workload_ids), -1, dtype=np.int64)
    job_of[jobs.workload] = np.arange(jobs.workload.size)
    job, speed = job_of[slots.workload[own]], 3600.0 * slots.capacity_per_s[own]
    held = slots.usable_hours[own] * slots.gang_instances[own]
    useful = np.minimum(held, jobs.work_units[job] / speed)
    size = slots.workload.size
    hour, gang = _charged(cost, "work_hours", size)[own], _charged(cost, "gangs", size)[own]
    least = np.full(jobs.workload.size, np.inf)
    np.minimum.at(least, job, (hour + gang / useful) / speed)
    may = jobs.may_be_undone
    least[may] = np.minimum(least[may], _charged(cost, "undone", jobs.workload.size)[may])
    return float((jobs.work_units * least).sum())


def _charged(cost: dict[str, Floats], family: str, size: int) -> Floats:
    """Return what a family is charged, flat; 0 where nothing is."""
    return cost[family].ravel() if family in cost else np.zeros(size)
