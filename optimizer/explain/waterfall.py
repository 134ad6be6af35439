"""The feasible region in one picture: of the demand, how much machines, law, latency, capacity, policies, carbon and
money leave over, one after the other, and which rules take each step.

Every workload counts once, whatever it counts its work in. Up to latency a stream is left where one option passes all
rules until then (the ledger says so); from capacity on, what is left is the most that a plan serves under the rules
until then, with nothing that must be served: found by a solve, and bounded by it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.explain.conflict_rows import Step
from optimizer.explain.members import LEGAL
from optimizer.explain.moving import as_stated
from optimizer.explain.trying import SHARE, Clock, Tries
from optimizer.instance.models import Instance
from optimizer.instance.workloads import Service

if TYPE_CHECKING:
    from formulations.problem import Problem
    from optimizer.compile.assemble import Compiled
    from optimizer.compile.ledger import Exclusion
    from optimizer.solve.matrix import Matrix

Floats = NDArray[np.float64]
Change = dict[str, Any]
FACTS = ("field", "closed", "catalogue")
BY_LEDGER = (("machines", FACTS), ("law", LEGAL), ("latency", ("latency",)))
GAP, NOTICED, MOST_NAMED = 1e-3, 1e-6, 4
PENALTY_USD = 1e9
"""Price of leaving all demand unserved, beside which costs are little."""


@dataclass(frozen=True)
class _Stream:
    """A stream of a service, or a job: whose, its name in the ledger, and its part of all demand."""

    workload: str
    stream: str | None
    part: float


def waterfall(tries: Tries, clock: Clock, served: float) -> tuple[Step, ...]:
    """Return the steps, as many as there was time for; none where datasets or copies leave no instance to ask.

    `served` is the part of the demand that a plan is known to serve under all rules.
    """
    instance = tries.instance
    steps = [Step(step="demand", left=1.0, at_most=1.0)]
    free: list[Change] = [{"op": "set_unserved_price", "usd_per_unit": 1.0}]
    free += [{"op": "set_unserved_price", "usd_per_unit": 1.0, "scope": {"workloads": [one.id]}}
             for one in instance.workloads if one.unserved_usd_per_unit is not None]  # fmt: skip
    money = [f"budget:{one.id}" for one in instance.budgets if one.limit_usd is not None]
    carbon = [f"budget:{one.id}" for one in instance.budgets if one.limit_usd is None]
    policies = [f"policy:{one.id}" for one in instance.policies]
    turns: tuple[tuple[str, list[str]], ...] = (
        ("capacity", [*policies, *carbon, *money]), ("policies", [*carbon, *money]), ("carbon", money), ("money", []),
    )  # fmt: skip
    for name, lifted in turns:
        if clock.left_seconds() <= 0.0:
            clock.late = True
            return tuple(steps)
        clock.say(f"what {name} leaves")
        compiled = tries.compiled([*free, *({"op": "lift", "rule": rule} for rule in lifted)])
        if compiled is None:
            return ()
        if len(steps) == 1:
            steps += _by_ledger(compiled, instance)
        is_new = name == "capacity" or lifted != turns[[one for one, _ in turns].index(name) - 1][1]
        steps.append(_served(compiled, name, clock, steps[-1]) if is_new else Step(
            step=name, left=steps[-1].left, at_most=steps[-1].at_most  # type: ignore[arg-type]
        ))  # fmt: skip
    return tuple(_at_least(steps, served))


def _at_least(steps: list[Step], served: float) -> list[Step]:
    """Return the steps with what is left after those below them: each of them leaves no less."""
    found: list[Step] = []
    for step in reversed(steps):
        served = max(served, step.left or 0.0)
        found.append(step.model_copy(update={"left": min(served, step.at_most)}))
    return found[::-1]


def _streams(instance: Instance) -> list[_Stream]:
    from optimizer.instance.identity import stream_ids

    found = []
    each = 1.0 / len(instance.workloads)
    for workload in instance.workloads:
        if not isinstance(workload, Service):
            found.append(_Stream(workload.id, None, each))
            continue
        rates = [float(np.mean(one.rate)) for one in workload.streams]
        total = sum(rates) or 1.0
        found += [
            _Stream(workload.id, name, each * rate / total)
            for name, rate in zip(stream_ids(workload), rates, strict=True)
        ]  # fmt: skip
    return found


def _by_ledger(compiled: Compiled, instance: Instance) -> list[Step]:
    """Return the steps of what excludes whole options."""
    ledger, streams = compiled.ledger, _streams(instance)
    open_to = {one: np.ones(ledger.size, dtype=bool) for one in streams}
    exclusions = {one: ledger.exclusions(one.workload, one.stream) for one in streams}
    steps = []
    for name, kinds in BY_LEDGER:
        taken: Counter[str] = Counter()
        for one in streams:
            own = [out for out in exclusions[one] if out.key.kind in kinds and not out.partial]
            before = open_to[one]
            open_to[one] = before & ~np.logical_or.reduce([np.zeros_like(before), *(out.offers for out in own)])
            if before.any() and not open_to[one].any():
                taken.update(dict.fromkeys(_behind(own, before), one.part))
        left = sum(one.part for one in streams if open_to[one].any())
        named = tuple(rule for rule, _ in taken.most_common(MOST_NAMED))
        steps.append(Step(step=name, left=left, at_most=left, taken_by=named))  # type: ignore[arg-type]
    return steps


def _behind(out: list[Exclusion], before: NDArray[np.bool_]) -> list[str]:
    """Return the rules that shut most of the options that were open, until all are shut."""
    found: list[str] = []
    left = before.copy()
    while left.any():
        best = max(out, key=lambda one: int((one.offers & left).sum()))
        found.append(best.key.id)
        left &= ~best.offers
    return list(dict.fromkeys(found))


def _served(compiled: Compiled, name: str, clock: Clock, before: Step) -> Step:
    """Return the most that a plan serves, and the limits behind what it does not."""
    from formulations.units import normalise
    from optimizer.solve import solve_problem
    from optimizer.solve.backend import state_model, stated_by
    from optimizer.solve.deadline import Watch
    from optimizer.solve.diagnosis.limit_rows import without_pool_bounds
    from optimizer.solve.highs.call import run

    seconds = SHARE * clock.left_seconds()
    watch = Watch(seconds, clock.cancel)
    problem = normalise(without_pool_bounds(compiled.problem)).problem
    matrix = state_model(problem, stated_by(problem), watch)
    if matrix is None:
        clock.late = True
        return Step(step=name, left=None, at_most=before.at_most)  # type: ignore[arg-type]
    relaxed = run(replace(matrix, cost=_lost(matrix, problem), offset=0.0), watch, relaxed=True, threads=1)
    at_most = before.at_most if relaxed.bound_usd is None else min(before.at_most, 1.0 - relaxed.bound_usd)
    priced = _priced(compiled.problem)
    found = solve_problem(priced, gap=GAP, time_limit_seconds=seconds, threads=1, cancel=clock.cancel)
    left = None
    if found.values:
        per_second, per_job = _parts(priced)
        lost = per_second.ravel() @ found.values["unserved"] + per_job @ found.values["undone"]
        left = min(at_most, max(0.0, 1.0 - float(lost)))
    taken = _binding(matrix, compiled, relaxed.row_dual)
    return Step(step=name, left=left, at_most=at_most, taken_by=taken)  # type: ignore[arg-type]


def _parts(problem: Problem) -> tuple[Floats, Floats]:
    """Return what part of all demand one unit/s of a stream in a period is, and one unit of a job's work."""
    hours, services, jobs = problem.period_hours, problem.services, problem.jobs
    each = 1.0 / len(problem.workload_ids)
    total = np.bincount(services.workload, services.demand_per_s @ hours, len(problem.workload_ids))
    whole = np.where(total > 0, total, 1.0)[services.workload]
    return each * hours / whole[:, None], each / jobs.work_units


def _priced(problem: Problem) -> Problem:
    """Return the problem in which what is left unserved costs so much that as much as possible is served."""
    per_second, per_job = _parts(problem)
    return replace(
        problem, services=replace(problem.services, unserved_usd=PENALTY_USD * per_second),
        jobs=replace(problem.jobs, undone_usd=PENALTY_USD * per_job),
    )  # fmt: skip


def _lost(matrix: Matrix, problem: Problem) -> Floats:
    """Return by column what part of all demand one unit of it leaves unserved."""
    per_second, per_job = _parts(problem)
    cost = np.zeros(matrix.cost.size)
    for name, part in (("unserved", per_second.ravel()), ("undone", per_job)):
        columns = matrix.columns.of(name)
        cost[columns] = part[matrix.columns.key[columns].astype(np.int64)]
    return cost


def _binding(matrix: Matrix, compiled: Compiled, dual: Floats | None) -> tuple[str, ...]:
    """Return the limits with a price in the relaxation, the dearest first, as the instance states them."""
    from formulations.families import LIMIT, rows_that, rules_of
    from optimizer.solve.diagnosis.limit_rows import sizes

    if dual is None:
        return ()
    weight = np.abs(dual) * sizes(matrix)
    found: dict[str, float] = {}
    for family in rows_that(lambda one: one.gives == LIMIT):
        rows = matrix.rows.of(family)
        rows = rows[weight[rows] > NOTICED]
        stated = rules_of(compiled.problem, family, matrix.rows.key[rows].astype(np.int64)) if rows.size else []
        for row, rules in zip(rows.tolist(), stated, strict=True):
            for rule in rules:
                name = as_stated(rule, compiled.world.instance)
                found[name] = found.get(name, 0.0) + float(weight[row])
    return tuple(sorted(found, key=lambda one: (-found[one], one))[:MOST_NAMED])
