"""Plans in which a demand is forced to some places, and what that costs more.

A workload w, or one stream of it, may use only the slots A:

    f[q] = 0 for its flows q outside A (a job: n[i] = 0 for its slots i outside A), and nothing of it is left unserved.

Let z be the least cost of the instance, c and b the cost and the bound of the plan in hand (b <= z <= c), and c', b'
those of the problem with A (b' <= z' <= c'). Forcing never makes anything cheaper, so that what it costs more lies in

    max(0, b' - c)  <=  z' - z  <=  c' - b

First the prices that the plan keeps bound c' from below (see `optimizer.solve.decomposition.lagrangian`). Then all
others are held to the slots and the numbers of machines that the plan gives them, which takes a moment; where limits
leave no room for that, more and more of the largest users of what is full are free. The whole problem is solved around
what came of it where that can be expected to end in time, or where there is no plan yet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Problem
from formulations.tables import Subset, take
from optimizer.errors import InternalError
from optimizer.explain.at_prices import AtPrices
from optimizer.explain.base import Base
from optimizer.explain.rows import Interval
from optimizer.explain.sharing import cut
from optimizer.how import Method
from optimizer.plan.models import Plan
from optimizer.solve.solution import is_within, relative_gap
from optimizer.what_if import Limits, may_end

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.solve.solution import Solution

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
ALONE = "even if all others used nothing, what each of these says would have to change, or something beside it:"
NO_OPTION = "it has no eligible option there in every period that it needs one in"
DIAGNOSIS_SECONDS, MOST_HINDRANCES = 10.0, 4
HELD_SHARE = 0.6
"""Part of the time left that each solve with others held may take."""
FREED = (0, 3, 8, 16, 40)
"""How many others are free, one after the other: of 500 workloads, HiGHS needs 0.1 s for none and 0.4 to 3 s for three
or eight, which find plans where it finds none in 10 s with forty.
"""
EACH, CLEANEST = 8, 4
"""Options of those that are free: the cheapest, and where carbon is limited those of least carbon, beside their own."""
FINER = 0.1
"""Part of the gap asked that solves with others held stop at: what one workload costs is little beside the whole."""


@dataclass(frozen=True)
class Demand:
    """Whose place is asked about: a workload, or one stream of it, by number, and how much of each stream."""

    workload: int
    stream: int | None = None
    share: float = 1.0

    def slots(self, problem: Problem) -> Bools:
        """Which slots are the workload's."""
        return problem.slots.workload == self.workload


    def streams(self, problem: Problem) -> Ints:
        """The streams asked about."""
        own = np.flatnonzero(problem.services.workload == self.workload)
        return own if self.stream is None else own[own == self.stream]


@dataclass(frozen=True)
class Forced:
    """What came of forcing: the plan found (None: none), what is proven of the extra cost, and with all else held.

    `possible` is False where it is proven that no plan does it, None where nothing is known; `hindered_by` says then
    what would have to change. `at_prices_usd` is what it costs more in the relaxation alone.
    """

    plan: Plan | None
    possible: bool | None
    extra_usd: Interval | None = None
    rest_held_usd: float | None = None
    at_prices_usd: float | None = None
    complete: bool = True
    hindered_by: tuple[str, ...] = ()

    @property
    def told(self) -> dict[str, Any]:
        """The fields that rows about forced plans have in common, but for carbon."""
        return {"possible": self.possible, "extra_cost_usd": self.extra_usd, "rest_held_usd": self.rest_held_usd,
                "at_prices_usd": self.at_prices_usd, "complete": self.complete,
                "hindered_by": self.hindered_by}  # fmt: skip


def force(
    compiled: Compiled, plan: Plan, demand: Demand, allowed: Bools, limits: Limits, *, at_prices: AtPrices | None = None
) -> Forced:
    """Return what it takes that a demand is served from `allowed` slots alone, [slots]; `plan` is the one in hand,
    `at_prices` what its prices prove.
    """
    if demand.share < 1.0:
        part = cut(compiled.problem, demand.streams(compiled.problem), allowed, demand.share)
        problem, restored = part.problem, part.restored
        slots, flows = np.ones(allowed.size, dtype=bool), np.ones(problem.flows.slot.size, dtype=bool)
        streams = compiled.problem.services.workload.size
        suffices = _are_served(problem, np.arange(streams, problem.services.workload.size))
    else:
        problem, restored = _served(compiled.problem, demand), None
        slots, flows = _kept(problem, demand, allowed)
        suffices = _may_suffice(problem, demand, flows, slots)
    if not suffices:
        return Forced(None, False, hindered_by=(NO_OPTION,))
    proven = None
    if restored is None:
        prices = at_prices or AtPrices(compiled, plan)
        proven = prices.proven(demand.workload, (slots, flows), limits, is_whole=demand.stream is None)
    if proven is not None and np.isinf(proven.usd):
        return Forced(None, False, hindered_by=_hindered_alone(compiled, problem, demand, (slots, flows), limits))
    base = Base.of(compiled, plan)
    in_time = may_end(compiled, plan, limits.left_seconds())
    near = _nearby(problem, base, demand, (slots, flows), limits, is_first=in_time)
    held = near.best
    around = base.used if held is None else _slots_of(held)
    whole = None
    if held is None or in_time:
        whole = _solved(problem, (slots, flows), limits, seconds=limits.left_seconds(), around=around)
    found = [one for one in (held, whole) if one is not None and one.values]
    if whole is not None and whole.status.value == "infeasible" and found:
        raise InternalError("a plan was found of a problem that is called infeasible")
    if whole is not None and whole.status.value == "infeasible":
        told = _hindered_by(compiled, _taken(problem, slots, flows).problem, limits) if restored is None else ()
        return Forced(None, False, hindered_by=told)
    bounds = [whole.bound_usd if whole is not None else None, proven.usd if proven is not None else None]
    bound = max((usd for usd in bounds if usd is not None), default=None)
    low = 0.0 if bound is None else max(0.0, bound - _cost(plan))
    relaxed = None if proven is None else proven.at_prices_usd
    if not found:
        return Forced(None, None, Interval(low=low, high=None), at_prices_usd=relaxed, complete=False)
    best = min(found, key=lambda one: one.objective_usd or 0.0)
    complete = is_within(relative_gap(best.objective_usd, bound), limits.gap)
    high = None if plan.bound_usd is None else max(0.0, (best.objective_usd or 0.0) - plan.bound_usd)
    rest_held = None if near.rest_held_usd is None else near.rest_held_usd - _cost(plan)
    extra = Interval(low=low if high is None else min(low, high), high=high)
    best = best if restored is None else replace(best, values=restored(best.values))
    return Forced(_read(compiled, best), True, extra, rest_held, relaxed, complete)


def _cost(plan: Plan) -> float:
    assert plan.objective_usd is not None
    return plan.objective_usd


def _served(problem: Problem, demand: Demand) -> Problem:
    """Return the problem in which nothing of the demand may be left unserved."""
    services, jobs = problem.services, problem.jobs
    own = services.workload == demand.workload
    if demand.stream is not None:
        own &= np.arange(own.size) == demand.stream
    return replace(
        problem,
        services=replace(services, may_be_unserved=services.may_be_unserved & ~own),
        jobs=replace(jobs, may_be_undone=jobs.may_be_undone & (jobs.workload != demand.workload)),
    )


def _kept(problem: Problem, demand: Demand, allowed: Bools) -> tuple[Bools, Bools]:
    """Return the slots and the flows that forcing leaves: of one stream its flows alone are kept from the rest."""
    flows = problem.flows
    if demand.stream is None:
        slots = allowed | ~demand.slots(problem)
        return slots, slots[flows.slot]
    kept = (flows.stream != demand.stream) | allowed[flows.slot]
    return np.ones(allowed.size, dtype=bool), kept


def _may_suffice(problem: Problem, demand: Demand, flows: Bools, slots: Bools) -> bool:
    """Whether every stream asked about has a flow, and a job a slot, wherever it needs one."""
    services = problem.services
    asked = services.workload == demand.workload
    if demand.stream is not None:
        asked &= np.arange(asked.size) == demand.stream
    if not asked.any():
        return bool((slots & demand.slots(problem)).any())
    served = np.zeros(services.demand_per_s.shape, dtype=bool)
    own = np.flatnonzero(flows)
    served[problem.flows.stream[own], problem.slots.period[problem.flows.slot[own]]] = True
    return not bool(((services.demand_per_s > 0) & ~served)[asked].any())


def _are_served(problem: Problem, streams: Ints) -> bool:
    """Whether streams have a flow in every period that they need one in."""
    served = np.zeros(problem.services.demand_per_s.shape, dtype=bool)
    served[problem.flows.stream, problem.slots.period[problem.flows.slot]] = True
    return bool((served | (problem.services.demand_per_s <= 0))[streams].all())


def _taken(problem: Problem, slots: Bools, flows: Bools) -> Subset:
    return take(problem, {"slot": np.flatnonzero(slots), "flow": np.flatnonzero(flows & slots[problem.flows.slot])})


def _hindered_by(compiled: Compiled, problem: Problem, limits: Limits, begins: str = "") -> tuple[str, ...]:
    """Return what would have to change for a plan that puts the demand there, as `solve` says it of an instance; it
    `begins` with its own introduction if given.
    """
    from optimizer.plan.shortfall import all_told, introduction
    from optimizer.solve import diagnose

    seconds = min(limits.left_seconds(), DIAGNOSIS_SECONDS)
    found = diagnose(problem, time_limit_seconds=seconds, cancel=limits.cancel) if seconds > 0 else []
    rows = all_told(found, compiled, MOST_HINDRANCES)
    return (begins or introduction(rows), *(row.sentence for row in rows)) if rows else ()


def _hindered_alone(
    compiled: Compiled, problem: Problem, demand: Demand, kept: tuple[Bools, Bools], limits: Limits
) -> tuple[str, ...]:
    """Return what would have to change at least: what the demand lacks there if all others ask for nothing."""
    own = kept[0] & demand.slots(problem)
    flows = np.flatnonzero(kept[1] & own[problem.flows.slot])
    alone = take(problem, {
        "workload": np.array([demand.workload]), "slot": np.flatnonzero(own), "flow": flows,
        "share": np.zeros(0, dtype=np.int64),
    })  # fmt: skip
    return _hindered_by(compiled, alone.problem, limits, ALONE)


def _solved(
    problem: Problem, kept: tuple[Bools, Bools], limits: Limits, *, seconds: float, around: Ints | None = None,
    method: Method = "auto",
) -> Solution | None:  # fmt: skip
    """Return the solution of the problem with the slots and flows kept, as values of the whole; None where time is up.

    It begins with a plan of the slots `around`, where there is one.
    """
    from optimizer.solve import solve_problem
    from optimizer.solve.presolve.shortlist import Shortlist

    slots, flows = kept
    if seconds <= 0:
        return None
    subset, gap = _taken(problem, slots, flows), limits.gap if around is not None else FINER * limits.gap
    start = None
    if around is not None:
        place = np.full(slots.size, -1, dtype=np.int64)
        place[np.flatnonzero(slots)] = np.arange(int(slots.sum()))
        start = place[around][place[around] >= 0]
    solution = solve_problem(
        subset.problem, gap=gap, time_limit_seconds=seconds, threads=limits.threads, cancel=limits.cancel,
        progress=limits.progress, method=method, around=start if start is not None and start.size else None,
        by=None if method == "auto" else "arrays",
    )  # fmt: skip
    if not solution.values:
        return solution
    return replace(solution, values=Shortlist(subset).spread(solution.values, problem))


def _slots_of(solution: Solution) -> Ints:
    return np.flatnonzero((solution.values["instances"] > 0) | (solution.values["gangs"] > 0))


@dataclass(frozen=True)
class _Near:
    """The best plan with most others where they are (None: none was found), and what the best one costs in which all
    others are.
    """

    best: Solution | None
    rest_held_usd: float | None


def _nearby(
    problem: Problem, base: Base, demand: Demand, kept: tuple[Bools, Bools], limits: Limits, *, is_first: bool
) -> _Near:
    """Return the best plan with all others where they are and no larger; where limits leave no room for that, with more
    and more of the largest users of what is full free, until time is up, or if `is_first` until there is one.
    """
    slots, flows = kept
    own, best = demand.slots(problem), None
    users = [w for w in base.users_of_what_is_full(problem) if w != demand.workload]
    for before, freed in zip((-1, *FREED), FREED, strict=False):
        if before >= len(users) or limits.left_seconds() <= 0.0:
            break
        free = np.isin(problem.slots.workload, users[:freed])
        near = replace(problem, slots=replace(problem.slots, max_instances=np.where(
            own | free, problem.slots.max_instances, base.instances
        )))  # fmt: skip
        held = (base.instances > 0) | problem.slots.is_endpoint & base.is_used
        room = slots & (own | held | (free & _shortlisted(problem, free) if freed else free))
        found = _solved(near, (room, flows), limits, seconds=HELD_SHARE * limits.left_seconds(), method="direct")
        if found is None or not found.values:
            continue
        if freed == 0:
            return _Near(found, found.objective_usd)
        if best is None or (found.objective_usd or 0.0) < (best.objective_usd or 0.0):
            best = found
        if is_first:
            break
    return _Near(best, None)


def _shortlisted(problem: Problem, free: Bools) -> Bools:
    """Return which of the slots of those that are free are on a shortlist of their streams and jobs."""
    from optimizer.solve.presolve.shortlist import make_shortlist, restricted

    part = restricted(problem, free)
    short = make_shortlist(part.problem, EACH, CLEANEST)
    found = np.zeros(free.size, dtype=bool)
    found[np.flatnonzero(free)[short.subset.origin(("slot",))]] = True
    return found


def _read(compiled: Compiled, solution: Solution) -> Plan:
    """Return the plan of a solution, audited: nobody is told the cost of a plan that breaks a rule."""
    from optimizer.plan.read import read_plan
    from optimizer.run import audited

    return audited(compiled.world.instance, read_plan(compiled, solution), None)
