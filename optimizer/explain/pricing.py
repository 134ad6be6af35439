"""What each rule costs: the instance solved again without it, and with it one step tighter and looser.

Let c and b be the cost and the bound of the plan in hand, c' and b' those of the instance in which a rule is lifted.
Lifting never makes anything dearer, so that what the rule costs lies in

    max(0, b - c')  <=  z - z'  <=  c - b'

with z and z' the least costs; so it does for a step looser, and with the sides changed for a step tighter. A rule that
alone excludes nothing and states no row of the model changes nothing when it is lifted: it costs nothing, without a
solve. A limit with room left may well cost something where machines are whole, and is solved for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.errors import InfeasibleError, InputError, Issue
from optimizer.explain.answer import check_plan, extra_carbon_kg, regions_held, whole_default
from optimizer.explain.forcing import Limits
from optimizer.explain.rows import Interval, Price, PricesAnswer
from optimizer.instance.models import Instance
from optimizer.instance.suggest import did_you_mean
from optimizer.plan.models import Plan

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.compile.assemble import Compiled
    from optimizer.solve.solution import Progress

Change = dict[str, Any]
PRICED = ("budget", "quota", "policy", "latency", "law")
BUDGET_STEP, SHARE_STEP, LATENCY_STEP_MS = 0.01, 0.01, 1.0
DEFAULTS = ("quotas.default_devices", "quotas.default_vcpus", "quotas.default_endpoint_units_per_s")
SHARES = ("provider_share", "country_share", "spot_share")
DOES = ("excludes_alone", "closes", "limits", "requires", "duties", "charges")
"""What a rule does to the model; where all are 0, nothing."""
CENT = 0.01
NOTHING = Interval(low=0.0, high=0.0)


@dataclass(frozen=True)
class _Other:
    """What a changed instance came to: cost, bound, plan; `possible` False: it has no plan (proven); `refused` says
    why there is no such instance.
    """

    cost_usd: float | None
    bound_usd: float | None
    plan: Plan | None
    possible: bool | None
    complete: bool
    refused: str | None = None


def prices(
    instance: Instance, plan: Plan, rules: Sequence[str] = (), *, steps: bool = True, gap: float = 1e-3,
    time_limit_seconds: float = 300.0, threads: int | None = None,
    progress: Callable[[Progress], None] | None = None, cancel: threading.Event | None = None,
    base_dir: Path | str | None = None,
) -> PricesAnswer:  # fmt: skip
    """Say what the rules of an instance cost, beside a plan of it: each lifted alone, and one step tighter and looser.

    `rules`: ids (`budget:carbon`) or kinds (`law`); without any, all budgets, quotas, policies, latency limits and laws
    that do something. `steps` False leaves tighter and looser out. A step is one device, vCPU or unit of what a quota
    counts by the machine that takes least of it, 1 % of a budget, 1 percentage point of a share, 1 ms of round trip.
    Solves stop at `gap` or share what is left of `time_limit_seconds` (compiling the instance itself apart).

    Raises
    ------
    InputError
        A rule that the instance does not have, or that is none of these kinds; a plan of another instance, or none.
    InfeasibleError
        Something that must be served has no eligible option at all.
    """
    from optimizer.compile import compile_instance
    from optimizer.compile.effects import effects

    begun = time.perf_counter()
    check_plan(instance, plan)
    compiled = compile_instance(instance, base_dir)
    limits = Limits(gap, threads, time.perf_counter() + time_limit_seconds, cancel or threading.Event(), progress)
    table = _defaults_together(effects(compiled))
    asked = _asked(table, rules)
    known = {rule: found for rule in asked if (found := _without_solve(table, rule)) is not None}
    each = [
        (rule, kind, change) for rule in asked if rule not in known
        for kind, change in _changes(compiled, rule, steps=steps)
    ]  # fmt: skip
    order = sorted(each, key=lambda one: one[1] != "lifted")
    told: dict[tuple[str, str], _Other] = {}
    for k, (rule, kind, change) in enumerate(order):
        seconds = limits.left_seconds() / (len(order) - k)
        told[rule, kind] = _solved(compiled, plan, change, limits, seconds)
    rows = tuple(known.get(rule) or _price(compiled, plan, table, rule, told) for rule in asked)
    return PricesAnswer(
        prices=tuple(sorted(rows, key=_dearest)), cost_usd=plan.objective_usd or 0.0, bound_usd=plan.bound_usd,
        complete=all(row.complete for row in rows), currency=plan.currency, seconds=time.perf_counter() - begun,
    )  # fmt: skip


def _dearest(row: Price) -> tuple[float, str]:
    extra = row.lifted_usd
    return (0.0 if extra is None else -(extra.low + (extra.high or extra.low)) / 2.0, row.rule)


def _defaults_together(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of rules with all quotas that stand for one default, one a place and device, as that default."""
    names = [
        whole_default(str(rule), str(kind), str(text))
        for rule, kind, text in zip(table.index, table.kind, table.text, strict=True)
    ]
    counted = dict.fromkeys(DOES, "sum")
    return table.groupby(names).agg({"kind": "first", "source": "first", "text": "first", "excludes": "sum", **counted})


def _asked(table: pd.DataFrame, rules: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of the rules asked about."""
    ids = {str(rule): str(kind) for rule, kind in zip(table.index, table.kind, strict=True) if kind in PRICED}
    found: dict[str, None] = {}
    for name in rules or PRICED:
        own = [rule for rule, kind in ids.items() if name in (rule, kind)]
        if not own and rules and name not in PRICED:
            maybe = did_you_mean(name, [*ids, *PRICED])
            raise InputError(Issue(f"no rule {name!r} does anything here that has a price", "rules", maybe=maybe))
        found.update(dict.fromkeys(own))
    return tuple(found)


def _without_solve(table: pd.DataFrame, rule: str) -> Price | None:
    """Return the price of a rule that changes nothing when it is lifted; None where a solve has to tell."""
    row = table.loc[rule]
    if any(bool(row[name]) for name in DOES):
        return None
    why = "alone it excludes nothing, and no row of the model stems from it"
    return Price(
        rule=rule, kind=str(row.kind), sentence=str(row.text), lifted_usd=NOTHING, lifted_kg=0.0, exact=True, why=why
    )


def _changes(compiled: Compiled, rule: str, *, steps: bool) -> list[tuple[str, Change]]:
    """Return the changes to solve for: lifted, and where the rule has a figure tighter and looser by a step."""
    step = _step(compiled, rule) if steps else None
    ops = {"lifted": "lift"} if step is None else {"lifted": "lift", "tighter": "tighten", "looser": "loosen"}
    return [
        (kind, {"op": op, "rule": rule, **(step or {} if kind != "lifted" else {})}) for kind, op in ops.items()
    ]  # fmt: skip


def _step(compiled: Compiled, rule: str) -> dict[str, float] | None:
    """Return one step of a rule, in the words of a change; None for a rule without a figure."""
    kind, _, name = rule.partition(":")
    if kind == "budget":
        return {"share": BUDGET_STEP}
    if kind == "latency":
        return {"amount": LATENCY_STEP_MS}
    if kind == "policy":
        of = {one.id: one.kind for one in compiled.world.instance.policies}
        return {"amount": SHARE_STEP} if of.get(name) in SHARES else None
    if kind == "quota" and name in DEFAULTS:
        return {"amount": 1.0} if getattr(compiled.world.instance.quotas, name.rpartition(".")[2]) else None
    if kind == "quota":
        pools = compiled.problem.pools
        rows = [k for k, one in enumerate(pools.ids) if one == name]
        drawn = pools.by_instances.weight[[row in rows for row in pools.by_instances.row.tolist()]]
        return {"amount": float(drawn.min())} if drawn.size else None
    return None


def _solved(compiled: Compiled, plan: Plan, change: Change, limits: Limits, seconds: float) -> _Other:
    """Return what the changed instance comes to, begun with the plan in hand."""
    from optimizer.changes.apply import changed
    from optimizer.compile import compile_instance
    from optimizer.plan.read import read_plan
    from optimizer.plan.start import slots_used
    from optimizer.solve import solve_problem

    if seconds <= 0:
        return _Other(None, None, None, None, complete=False)
    begun, instance = time.perf_counter(), compiled.world.instance
    folder = instance.folder
    try:
        after = changed(instance, [change], base_dir=folder)
        other = compile_instance(after, folder, earlier=compiled.stages, checked=True)
    except InfeasibleError:
        return _Other(None, None, None, possible=False, complete=True)
    except InputError as error:
        return _Other(None, None, None, None, complete=True, refused=error.issues[0].what)
    used, _ = slots_used(other, plan)
    solution = solve_problem(
        other.problem, gap=limits.gap, time_limit_seconds=max(1e-3, seconds - (time.perf_counter() - begun)),
        threads=limits.threads, cancel=limits.cancel, progress=limits.progress, around=used if used.size else None,
    )  # fmt: skip
    status = solution.status.value
    if status == "infeasible":
        return _Other(None, None, None, possible=False, complete=True)
    found = read_plan(other, solution) if solution.values else None
    return _Other(
        solution.objective_usd, solution.bound_usd, found, None if found is None else True, complete=status == "optimal"
    )


def _price(
    compiled: Compiled, plan: Plan, table: pd.DataFrame, rule: str, told: dict[tuple[str, str], _Other]
) -> Price:
    """Return the price of a rule from what its solves came to."""
    lifted, tighter, looser = (told.get((rule, kind)) for kind in ("lifted", "tighter", "looser"))
    step = _step(compiled, rule)
    moves: tuple[str, ...] = ()
    kg = None
    if lifted is not None and lifted.plan is not None:
        before, after = regions_held(plan), regions_held(lifted.plan)
        moves = tuple(sorted(name for name in before | after if before.get(name) != after.get(name)))
        kg = extra_carbon_kg(plan, lifted.plan)
    refused = [
        f"{name}: {one.refused}" for name, one in (("lifted", lifted), ("tighter", tighter), ("looser", looser))
        if one is not None and one.refused is not None
    ]  # fmt: skip
    row, saved = table.loc[rule], _saves(plan, lifted)
    exact = saved is not None and saved.high is not None and saved.high - saved.low < CENT
    return Price(
        rule=rule, kind=str(row.kind), sentence=str(row.text),
        lifted_usd=saved, lifted_kg=kg, exact=exact, moves=moves,
        tighter_usd=_costs(plan, tighter), tighter_possible=None if tighter is None else tighter.possible,
        looser_usd=_saves(plan, looser), step=step or {}, why="; ".join(refused) or None,
        complete=all(one.complete for one in (lifted, tighter, looser) if one is not None),
    )  # fmt: skip


def _saves(plan: Plan, other: _Other | None) -> Interval | None:
    """Return what is saved in a looser instance: [b - c', c - b'], cut at 0."""
    if other is None or plan.objective_usd is None or (other.cost_usd is None and other.bound_usd is None):
        return None
    low = 0.0 if other.cost_usd is None or plan.bound_usd is None else max(0.0, plan.bound_usd - other.cost_usd)
    high = None if other.bound_usd is None else max(0.0, plan.objective_usd - other.bound_usd)
    return Interval(low=low if high is None else min(low, high), high=high)


def _costs(plan: Plan, other: _Other | None) -> Interval | None:
    """Return what a tighter instance costs more: [b' - c, c' - b], cut at 0; None where it has no plan."""
    if other is None or plan.objective_usd is None or (other.cost_usd is None and other.bound_usd is None):
        return None
    low = 0.0 if other.bound_usd is None else max(0.0, other.bound_usd - plan.objective_usd)
    high = None if other.cost_usd is None or plan.bound_usd is None else max(0.0, other.cost_usd - plan.bound_usd)
    return Interval(low=low if high is None else min(low, high), high=high)
