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
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.errors import InfeasibleError, InputError, Issue
from optimizer.explain.answer import check_plan, extra_carbon_kg, regions_held, whole_default
from optimizer.explain.at_prices import AtPrices
from optimizer.explain.price_parts import prices_of_figures, shapley_of
from optimizer.explain.resolved import Change, Other, costs, is_exact, saves, solved_changed
from optimizer.explain.rows import Interval, Price, PricesAnswer, Together
from optimizer.explain.without_solve import BY_PRICES, known_without_solve
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan
from optimizer.suggest import did_you_mean
from optimizer.what_if import Limits

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.compile.assemble import Compiled
    from optimizer.solve.solution import Progress

PRICED = ("budget", "quota", "policy", "latency", "law")
BUDGET_STEP, SHARE_STEP, LATENCY_STEP_MS = 0.01, 0.01, 1.0
DEFAULTS = ("quotas.default_devices", "quotas.default_vcpus", "quotas.default_endpoint_units_per_s")
SHARES = ("provider_share", "country_share", "spot_share")
FIRST_SHARE = 0.3
"""Part of the time for the plan, where none is given."""
PART_TOGETHER, PART_SPLIT, PART_MISSING = 1, 16, 4
"""Time for all rules together, for the split over families and for missing figures, in that of one solve."""
DOES = ("excludes_alone", "closes", "limits", "requires", "duties", "charges")
"""What a rule does to the model; where all are 0, nothing."""
NOTHING = Interval(low=0.0, high=0.0)


def prices(
    instance: Instance, plan: Plan | None = None, rules: Sequence[str] = (), *, steps: bool = True,
    missing: bool = False, attribute: bool = False, samples: int = 30, seed: int = 0, gap: float = 1e-3,
    time_limit_seconds: float = 300.0, threads: int | None = None,
    progress: Callable[[Progress], None] | None = None, cancel: threading.Event | None = None,
    base_dir: Path | str | None = None,
) -> PricesAnswer:  # fmt: skip
    """Say what the rules of an instance cost, beside a plan of it: each lifted alone, all of them lifted together, and
    each one step tighter and looser.

    `plan` None: the instance is solved first. `rules`: ids (`budget:carbon`) or kinds (`law`); without any, all
    budgets, quotas, policies, latency limits and laws that do something. `steps` False leaves tighter and looser out. A
    step is one device, vCPU or unit of what a quota counts by the machine that takes least of it, 1 % of a budget, 1
    percentage point of a share, 1 ms of round trip. `missing`: also what missing figures cost. `attribute`: also the
    whole cost of compliance, split over the laws that do something, over their jurisdictions where they are many, and
    where these are many as well over `samples` orders drawn with `seed`. Solves stop at `gap` or share what is left of
    `time_limit_seconds` (compiling the instance itself apart). Plans of lifted rules are audited.

    Raises
    ------
    InputError
        A rule that the instance does not have, or that is none of these kinds; a plan of another instance, or none.
    InfeasibleError
        The instance has no plan, so that nothing has a price.
    """
    from optimizer.compile import compile_instance
    from optimizer.compile.effects import effects

    begun = time.perf_counter()
    if samples < 2:
        raise InputError(Issue(f"{samples} orders have no standard error", "samples", maybe="draw 2 or more"))
    if plan is not None:
        check_plan(instance, plan)
    compiled = compile_instance(instance, base_dir)
    limits = Limits(gap, threads, time.perf_counter() + time_limit_seconds, cancel or threading.Event(), progress)
    table = _defaults_together(effects(compiled))
    asked = _asked(table, rules)
    plan = _solved_first(compiled, limits) if plan is None else plan
    known = {rule: found for rule in asked if (found := _without_solve(table, rule)) is not None}
    each = [
        (rule, kind, change) for rule in asked if rule not in known
        for kind, change in _changes(compiled, rule, steps=steps)
    ]  # fmt: skip
    told: dict[tuple[str, str], Other] = {}
    at_prices = AtPrices(compiled, plan)
    for rule in dict.fromkeys(one for one, _, _ in each):
        proven = known_without_solve(compiled, plan, table, rule, limits, at_prices=at_prices)
        if proven is not None:
            told |= {(rule, "lifted"): proven, (rule, "looser"): proven}
    order = sorted((one for one in each if one[:2] not in told), key=lambda one: one[1] != "lifted")
    further = PART_TOGETHER + PART_SPLIT * attribute + PART_MISSING * missing
    for k, (rule, kind, change) in enumerate(order):
        seconds = limits.left_seconds() / (len(order) - k + further)
        told[rule, kind] = solved_changed(compiled, plan, [change], limits, seconds)
    rows = tuple(known.get(rule) or _price(compiled, plan, table, rule, told) for rule in asked)
    together = _together(compiled, plan, asked, told, limits)
    split = shapley_of(compiled, plan, table, limits, samples=samples, seed=seed) if attribute else None
    figures = prices_of_figures(compiled, plan, limits) if missing else ()
    parts = (*rows, *figures, *((together,) if together else ()), *((split,) if split else ()))
    return PricesAnswer(
        prices=tuple(sorted(rows, key=_dearest)), together=together, missing=figures, shapley=split,
        cost_usd=plan.objective_usd or 0.0, bound_usd=plan.bound_usd, complete=all(row.complete for row in parts),
        currency=plan.currency, seconds=time.perf_counter() - begun,
    )  # fmt: skip


def _solved_first(compiled: Compiled, limits: Limits) -> Plan:
    """Return the plan of an instance that none was given of.

    Raises InfeasibleError where there is none, InputError where none was found in time.
    """
    from optimizer.plan.read import read_plan
    from optimizer.run import audited
    from optimizer.solve import solve_problem

    found = solve_problem(
        compiled.problem, gap=limits.gap, time_limit_seconds=max(1e-3, FIRST_SHARE * limits.left_seconds()),
        threads=limits.threads, cancel=limits.cancel, progress=limits.progress,
    )  # fmt: skip
    if found.status.value == "infeasible":
        maybe = "lift or change what blocks it first (domicile solve names it), and ask again with --change"
        raise InfeasibleError(f"the instance has no plan, so that no rule of it has a price (proven)\nMaybe {maybe}")
    if not found.values:
        maybe = "give more time, or a plan (--plan)"
        raise InputError(Issue("no plan was found in the time given", "time_limit_seconds", maybe=maybe))
    return audited(compiled.world.instance, read_plan(compiled, found), None)


def _together(
    compiled: Compiled, plan: Plan, asked: Sequence[str], told: Mapping[tuple[str, str], Other], limits: Limits
) -> Together | None:
    """Return what all rules asked about cost together, those that change nothing alone among them; None for one."""
    lifted = [rule for rule in asked if (one := told.get((rule, "lifted"))) is None or one.refused is None]
    if len(lifted) < 2:
        return None
    changes = [{"op": "lift", "rule": rule} for rule in lifted]
    other = solved_changed(compiled, plan, changes, limits, limits.left_seconds() / 2.0)
    each = [saves(plan, told[rule, "lifted"]) if (rule, "lifted") in told else NOTHING for rule in lifted]
    known = [one or Interval(low=0.0, high=None) for one in each]
    highs = [one.high for one in known]
    alone = Interval(
        low=sum(one.low for one in known), high=None if None in highs else sum(high or 0.0 for high in highs)
    )
    saved = saves(plan, other)
    overlap = None
    if saved is not None and saved.high is not None and alone.high is not None:
        overlap = Interval(low=saved.low - alone.high, high=saved.high - alone.low)
    return Together(
        rules=tuple(lifted), alone_usd=alone, together_usd=saved, overlap_usd=overlap,
        moves=() if other.plan is None else who_moves(plan, other.plan), complete=other.complete,
    )  # fmt: skip


def who_moves(plan: Plan, other: Plan) -> tuple[str, ...]:
    """Return the workloads that another plan puts in other regions."""
    before, after = regions_held(plan), regions_held(other)
    return tuple(sorted(name for name in before | after if before.get(name) != after.get(name)))


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


def _price(
    compiled: Compiled, plan: Plan, table: pd.DataFrame, rule: str, told: dict[tuple[str, str], Other]
) -> Price:
    """Return the price of a rule from what its solves came to."""
    lifted, tighter, looser = (told.get((rule, kind)) for kind in ("lifted", "tighter", "looser"))
    step = _step(compiled, rule)
    moves: tuple[str, ...] = ()
    kg = None
    if lifted is not None and lifted.plan is not None:
        moves = who_moves(plan, lifted.plan)
        kg = extra_carbon_kg(plan, lifted.plan)
    refused = [
        f"{name}: {one.refused}" for name, one in (("lifted", lifted), ("tighter", tighter), ("looser", looser))
        if one is not None and one.refused is not None
    ]  # fmt: skip
    row, saved = table.loc[rule], saves(plan, lifted)
    return Price(
        rule=rule, kind=str(row.kind), sentence=str(row.text),
        lifted_usd=saved, lifted_kg=kg, exact=is_exact(saved), moves=moves,
        tighter_usd=costs(plan, tighter), tighter_possible=None if tighter is None else tighter.possible,
        looser_usd=saves(plan, looser) if step is not None else None, step=step or {},
        why="; ".join(refused) or (BY_PRICES if lifted is not None and lifted.is_by_prices else None),
        complete=all(one.complete for one in (lifted, tighter, looser) if one is not None),
    )  # fmt: skip
