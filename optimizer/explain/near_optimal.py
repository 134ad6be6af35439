"""Compliant plans within a share of the least cost that really differ: what else could be done, and what it trades.

Let b be the proven bound of the plan at hand. A plan that costs at most (1 + within) b is within that share of the
least cost, whatever that is. Of these plans the best one in each measure is sought, the cheapest of those; then plans
whose streams and jobs are, as far as possible, in other regions than in every plan found before.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formulations import cost_usd
from optimizer.errors import InputError, Issue
from optimizer.explain.alternative_rows import Alternative, AlternativesAnswer
from optimizer.explain.answer import check_plan, extra_carbon_kg, regions_held
from optimizer.explain.distance import apart, decisions_of, distance
from optimizer.explain.measures import MEASURES, Against, Measure, aim_of, check_jurisdiction, figures_of, value_of
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan
from optimizer.solve.aims import Reached, reach
from optimizer.solve.second_objective import total
from optimizer.solve.solution import Solution, SolutionStatus, Termination, is_within, relative_gap
from optimizer.suggest import did_you_mean
from optimizer.what_if import Limits

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.solve.solution import Progress

Values = dict[str, NDArray[np.float64]]
BASE_SHARE = 0.4
"""Part of the time for the plan at hand, where none is given."""
ROUNDING = 1e-9
"""Part of the limit by which a plan may cost more: rounding."""


@dataclass
class _Search:
    """What the search works on, and what it has found."""

    compiled: Compiled
    base: Plan
    values: Values
    bound_usd: float
    limit_usd: float
    against: Against
    limits: Limits
    found: list[Plan] = field(default_factory=list)
    best_in: dict[int, list[str]] = field(default_factory=dict)
    """By number of the plan found, -1 the plan at hand."""
    proven: set[str] = field(default_factory=set)
    complete: bool = True
    exhausted: bool = False


def alternatives(
    instance: Instance, plan: Plan | None = None, *, within: float = 0.02, count: int = 5,
    vary: Sequence[str] = (), moved_from: Plan | None = None, outside: str | None = None, gap: float = 1e-3,
    time_limit_seconds: float = 300.0, threads: int | None = None,
    progress: Callable[[Progress], None] | None = None, cancel: threading.Event | None = None,
    base_dir: Path | str | None = None,
) -> AlternativesAnswer:  # fmt: skip
    """Return up to `count` other compliant plans, audited, that cost at most (1 + `within`) times the proven bound.

    `plan` is the plan at hand (None: the instance is solved first). `vary` are the measures to be best in, in order, of
    carbon, providers, moves, outside, law, different; by default all that can be asked. What is left of `count` are
    plans as different as possible. `moved_from` is the plan that moves are counted from (None: what runs today),
    `outside` the jurisdiction of the measure of that name. Solves stop at `gap` or share `time_limit_seconds`
    (compiling apart); what is not proven until then is marked.

    Raises
    ------
    InputError
        An argument means nothing; a measure asks for what was not given; the plan is one of another instance, holds
        nothing, has no bound, or is itself further from its bound.
    InfeasibleError
        The instance has no plan.
    """
    from optimizer.compile import compile_instance

    begun = time.perf_counter()
    _check(within, count, vary)
    if plan is not None:
        check_plan(instance, plan)
    measures = _measures(instance, vary, moved_from, outside)
    compiled = compile_instance(instance, base_dir, carbon_counts="carbon" in measures)
    if outside is not None:
        check_jurisdiction(compiled, outside)
    limits = Limits(gap, threads, time.perf_counter() + time_limit_seconds, cancel or threading.Event(), progress)
    base, values = _at_hand(compiled, plan, limits)
    assert base.objective_usd is not None
    bound = base.bound_usd
    limit = None if bound is None else bound + within * abs(bound)
    if bound is None or limit is None or base.objective_usd > limit + ROUNDING * abs(limit):
        reached = "it has no bound" if base.gap is None else f"its gap is {base.gap:.3%}"
        maybe = "solve it to a smaller --gap, or ask for plans within a larger share"
        what = f"the plan at hand is not within {within:.3%} of a bound: {reached}"
        raise InputError(Issue(what, "plan", maybe=maybe))
    against = Against(_earlier(instance, moved_from), outside)
    search = _Search(compiled, base, values, bound, limit, against, limits)
    if values:
        _look(search, measures, count)
    return AlternativesAnswer(
        plans=_told(search), within=within, cost_usd=base.objective_usd, bound_usd=bound, limit_usd=limit,
        base=figures_of(compiled, base, against), base_best_in=tuple(search.best_in.get(-1, ())),
        base_proven=tuple(name for name in search.best_in.get(-1, ()) if name in search.proven), outside=outside,
        exhausted=search.exhausted, complete=search.complete and bool(values), currency=base.currency,
        seconds=time.perf_counter() - begun,
    )  # fmt: skip


def _check(within: float, count: int, vary: Sequence[str]) -> None:
    issues = []
    if not 0.0 <= within < float("inf"):
        issues.append(Issue(f"{within} is no share of a cost", "within", maybe="0.02 is 2 %"))
    if count < 1:
        issues.append(Issue(f"{count} plans are none", "count", maybe="ask for 1 or more"))
    issues += [
        Issue(f"unknown measure {name!r}", "vary", maybe=did_you_mean(name, MEASURES) or ", ".join(MEASURES))
        for name in vary if name not in MEASURES
    ]  # fmt: skip
    if issues:
        raise InputError(issues)


def _measures(
    instance: Instance, vary: Sequence[str], moved_from: Plan | None, outside: str | None
) -> tuple[Measure, ...]:
    """Return the measures asked for; by default all that can be, `different` apart, which fills up."""
    missing = {}
    if moved_from is None and instance.current is None:
        missing["moves"] = Issue("no plan is given to count moves from, and nothing is stated to run today", "vary",
                                 maybe="give the plan (--from), or state `current` in the instance")  # fmt: skip
    if outside is None:
        missing["outside"] = Issue("no jurisdiction is given to be outside of", "vary", maybe="name one: --outside US")
    lacking = [missing[name] for name in vary if name in missing]
    if lacking:
        raise InputError(lacking)
    asked = vary or [name for name in MEASURES if name not in missing and name != "different"]
    return tuple(name for name in dict.fromkeys(asked) if name in MEASURES)


def _earlier(instance: Instance, moved_from: Plan | None) -> dict[str, frozenset[str]] | None:
    if moved_from is not None:
        return regions_held(moved_from)
    if instance.current is None:
        return None
    return {
        name: frozenset(region.partition(":")[2] for region in those) | frozenset(those)
        for name, those in instance.current.regions_of().items()
    }


def _at_hand(compiled: Compiled, plan: Plan | None, limits: Limits) -> tuple[Plan, Values]:
    """Return the plan at hand, and the decisions of a plan of its options that is as good (none where time was up)."""
    from optimizer.errors import InfeasibleError
    from optimizer.plan.read import read_plan
    from optimizer.run import audited
    from optimizer.solve import solve_problem

    left = max(1e-3, BASE_SHARE * limits.left_seconds())
    if plan is not None:
        return plan, values_of(compiled, plan, limits, left)
    found = solve_problem(
        compiled.problem, gap=limits.gap, time_limit_seconds=left, threads=limits.threads, cancel=limits.cancel,
        progress=limits.progress,
    )  # fmt: skip
    if found.values:
        return audited(compiled.world.instance, read_plan(compiled, found), None), found.values
    if found.status is SolutionStatus.INFEASIBLE:
        raise InfeasibleError("the instance has no plan (proven)\nMaybe domicile solve says what would have to change")
    maybe = "give more time, or a plan (--plan)"
    raise InputError(Issue("no plan was found in the time given", "time_limit_seconds", maybe=maybe))


def values_of(compiled: Compiled, plan: Plan, limits: Limits, seconds: float) -> Values:
    """Return the decisions of a plan of the options that a plan uses, as good as it is; none where time was up.

    Raises InputError where these options make no plan of the instance.
    """
    from optimizer.plan.start import slots_used
    from optimizer.solve import solve_problem
    from optimizer.solve.presolve.shortlist import restricted

    problem = compiled.problem
    used, _ = slots_used(compiled, plan)
    short = restricted(problem, np.isin(np.arange(problem.slots.workload.size), used))
    found = solve_problem(
        short.problem, gap=limits.gap, time_limit_seconds=seconds, threads=limits.threads, cancel=limits.cancel
    )
    if found.status is SolutionStatus.INFEASIBLE:
        maybe = "domicile audit says what is wrong with it"
        raise InputError(Issue("what the plan uses makes no plan of this instance", "plan", maybe=maybe))
    return short.spread(found.values, problem) if found.values else {}


def _look(search: _Search, measures: Sequence[Measure], count: int) -> None:
    """Look for the best plan of every measure, then for plans that differ, until there are enough."""
    for k, measure in enumerate(measures):
        if len(search.found) < count:
            _add(search, measure, search.limits.left_seconds() / max(1, len(measures) - k, count - len(search.found)))
    while len(search.found) < count and not search.exhausted and search.complete:
        _add(search, "different", search.limits.left_seconds() / (count - len(search.found)))


def _add(search: _Search, measure: Measure, seconds: float) -> None:
    """Add the best plan of a measure, or note that a plan told before is that plan."""
    plans = [search.base, *search.found]
    aim = aim_of(search.compiled, measure, search.against, plans)
    limits = search.limits
    reached = reach(
        search.compiled.problem, search.values, aim, cost_cap_usd=search.limit_usd, gap=limits.gap,
        time_limit_seconds=seconds, threads=limits.threads or os.cpu_count() or 1, progress=limits.progress,
        cancel=limits.cancel,
    )  # fmt: skip
    search.complete &= reached is not None and reached.is_settled
    if reached is None:
        return
    if total(cost_usd(search.compiled.problem), reached.values) > search.limit_usd + ROUNDING * abs(search.limit_usd):
        search.complete = False
        return
    plan = plan_of(search.compiled, reached, search.bound_usd, search.limits.gap)
    if measure == "different" and not min(apart(plan, other) for other in plans):
        search.exhausted = reached.is_settled
        search.complete &= reached.is_settled
        return
    number = _as_good(search, measure, plan, plans)
    if number is None:
        search.found.append(plan)
        number = len(search.found) - 1
    search.best_in.setdefault(number, []).append(measure)
    search.proven |= {measure} if reached.is_settled else set()


def _as_good(search: _Search, measure: Measure, plan: Plan, plans: Sequence[Plan]) -> int | None:
    """Return the number of a plan told before (-1: at hand) that is as good in a measure, or decides the same."""
    own = decisions_of(plan)
    best = value_of(search.compiled, plan, measure, search.against)
    for number, one in enumerate(plans, start=-1):
        value = value_of(search.compiled, one, measure, search.against)
        is_as_good = value is not None and best is not None and value <= best + search.limits.gap * abs(best)
        if decisions_of(one) == own or is_as_good:
            return number
    return None


def plan_of(compiled: Compiled, reached: Reached, bound_usd: float | None, gap: float) -> Plan:
    """Return the audited plan of decisions reached, with a bound that is proven of every plan of the instance."""
    from optimizer.plan.read import read_plan
    from optimizer.run import audited

    cost = total(cost_usd(compiled.problem), reached.values)
    bound = None if bound_usd is None else min(bound_usd, cost)
    is_optimal = is_within(relative_gap(cost, bound), gap)
    solution = Solution(
        SolutionStatus.OPTIMAL if is_optimal else SolutionStatus.FEASIBLE,
        Termination.GAP_REACHED if is_optimal else Termination.LIMIT, cost, bound, reached.values,
    )  # fmt: skip
    return audited(compiled.world.instance, read_plan(compiled, solution), None)


def _told(search: _Search) -> tuple[Alternative, ...]:
    rows = []
    for k, plan in enumerate(search.found):
        assert plan.objective_usd is not None
        assert search.base.objective_usd is not None
        best_in = tuple(search.best_in.get(k, ()))
        rows.append(Alternative(
            plan=plan, cost_usd=plan.objective_usd, gap=relative_gap(plan.objective_usd, search.bound_usd) or 0.0,
            extra_usd=plan.objective_usd - search.base.objective_usd,
            extra_carbon_kg=extra_carbon_kg(search.base, plan), best_in=best_in,
            proven=tuple(name for name in best_in if name in search.proven),
            figures=figures_of(search.compiled, plan, search.against),
            distance=distance(search.base, plan, search.found[:k]),
        ))  # fmt: skip
    return tuple(rows)
