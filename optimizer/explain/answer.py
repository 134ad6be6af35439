"""Why a workload is where a plan puts it, and what another place would take."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from optimizer.errors import InputError, Issue
from optimizer.explain.at_prices import AtPrices
from optimizer.explain.forcing import Demand, Forced, force
from optimizer.explain.graph import graph_of
from optimizer.explain.held import Held
from optimizer.explain.opening import effort, opening
from optimizer.explain.rows import Binding, Displaced, Instead, Place, RuleOut, RunnerUp, WhyAnswer
from optimizer.instance.identity import instance_sha256
from optimizer.instance.models import Instance
from optimizer.plan.models import Plan
from optimizer.suggest import unknown_name
from optimizer.what_if import Limits

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled
    from optimizer.compile.why import ExcludedBy, Option
    from optimizer.solve.solution import Progress

INSTEAD_SHARE = 0.6
"""Part of the time for a place that is asked about; the rest is for the runner-up."""
MOST_TOLD = 10
"""Rules told of those that alone keep options out."""
SAME = 1e-9
"""Part of a plan's carbon by which two sums of the same terms may differ."""
DOMINATED = "dominance:dominated"
DEFAULTS = {
    "devices": "default_devices", "vcpus": "default_vcpus", "units_per_s": "default_endpoint_units_per_s"
}  # fmt: skip
DEFAULT = "what quotas grant where none is stated"


def why(
    instance: Instance, plan: Plan, workload: str, *, stream: str | None = None, region: str | None = None,
    offer: str | None = None, share: float = 1.0, gap: float = 1e-3, time_limit_seconds: float = 60.0,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None, cancel: threading.Event | None = None,
    base_dir: Path | str | None = None,
) -> WhyAnswer:  # fmt: skip
    """Say why a workload, or one `stream` of it, is where a plan of the instance puts it; and what a `region` (its id)
    or an `offer` (its offer_id) would take instead, for all of it or for a `share` of every stream.

    Costs of other places are proven by solves, to `gap` where `time_limit_seconds` (compiling apart) suffice; `cancel`
    ends them with what is proven until then. The plan's own cost and bound are taken as it states them (`audit` and
    `prove` judge those).

    Raises
    ------
    InputError
        There is no such workload, stream, region or offer; both a region and an offer are named; the plan is one of
        another instance, or holds nothing.
    InfeasibleError
        Something that must be served has no eligible option at all.
    """
    from optimizer.compile import compile_instance

    begun = time.perf_counter()
    if region is not None and offer is not None:
        raise InputError(Issue("a region and an offer are named", maybe="an offer lies in one region: name it alone"))
    if not 0.0 < share <= 1.0:
        raise InputError(Issue(f"{share} is no share of a demand", "share", maybe="a number above 0, at most 1"))
    check_plan(instance, plan)
    compiled = compile_instance(instance, base_dir, every_option=offer is not None)
    demand, held = _asked(compiled, workload, stream), Held(compiled, plan)
    now, place = time.perf_counter(), region or offer
    limits = Limits(gap, threads, now + time_limit_seconds, cancel or threading.Event(), progress)
    first = replace(limits, until=now + INSTEAD_SHARE * time_limit_seconds)
    if share < 1.0:
        _check_parts(compiled, demand)
    part, at_prices = replace(demand, share=share), AtPrices(compiled, plan)
    instead = None if place is None else _instead(compiled, held, part, place, first, at_prices=at_prices)
    own = held.placements(demand)
    return WhyAnswer(
        workload=workload, stream=stream,
        placements=tuple(Place(placement=one, utilisation=held.utilisation(one)) for one in own),
        cost_by_term_usd=held.cost_by_term(demand), shared=held.shared(demand),
        bound_by=_bound_by(compiled, held, demand),
        runner_up=_runner_up(compiled, plan, demand, {one.region_id for one in own}, limits, at_prices=at_prices),
        instead=instead,
        graph=graph_of(compiled, held, demand, place), base_gap=plan.gap, currency=plan.currency,
        seconds=time.perf_counter() - begun,
    )  # fmt: skip


def check_plan(instance: Instance, plan: Plan) -> None:
    """Raise InputError where a plan holds nothing, or is none of this instance."""
    if not plan.held:
        maybe = "domicile solve says what would have to change for one"
        raise InputError(Issue("the plan holds no placements", where="plan", maybe=maybe))
    if plan.instance_sha256 is not None and plan.instance_sha256 != instance_sha256(instance):
        maybe = "solve the instance as it is now, or give the changes that the plan was solved with (--change)"
        raise InputError(Issue("the plan is one of another instance, or of another state of it", "plan", maybe=maybe))


def _asked(compiled: Compiled, workload: str, stream: str | None) -> Demand:
    ids = compiled.problem.workload_ids
    if workload not in ids:
        raise InputError(unknown_name(f"unknown workload {workload!r}", workload, ids))
    number = ids.index(workload)
    own = np.flatnonzero(compiled.problem.services.workload == number).tolist()
    names = {compiled.stream_ids[j]: j for j in own}
    if stream is None:
        return Demand(number)
    if stream not in names:
        raise InputError(unknown_name(f"unknown stream {stream!r} of {workload}", stream, names))
    return Demand(number, names[stream])


def _check_parts(compiled: Compiled, demand: Demand) -> None:
    """Raise InputError where a part of a demand cannot be asked about."""
    name, why_not = compiled.problem.workload_ids[demand.workload], ""
    if not demand.streams(compiled.problem).size:
        why_not = f"{name} is a job, of which no part has a place of its own"
    elif demand.workload in compiled.problem.survival.workload:
        why_not = f"{name} must survive failures, and who takes over for a part of it is not told apart"
    if why_not:
        raise InputError(Issue(why_not, "share", maybe="leave the share out: ask about all of it"))


def _instead(
    compiled: Compiled, held: Held, demand: Demand, place: str, limits: Limits, *, at_prices: AtPrices
) -> Instead:
    """Say what a place would take: the rules against it, or what it costs more."""
    from optimizer.compile.why import why as options_in

    workload, stream = _names(compiled, demand)
    found = options_in(compiled, workload, place, stream)
    asked = dict.fromkeys(option.stream for option in found.options)
    open_to_all = all(any(o.is_eligible for o in found.options if o.stream == name) for name in asked)
    told = Instead(
        place=place, share=demand.share, eligible=open_to_all, options=len(found.options),
        eligible_options=len(found.eligible),
    )  # fmt: skip
    if not open_to_all:
        shut = tuple(
            option for name in asked for option in found.options
            if option.stream == name and not any(o.is_eligible for o in found.options if o.stream == name)
        )  # fmt: skip
        return told.model_copy(update={
            "rules": _rules_out(shut), "opened_by": opening(compiled, shut, workload, place)
        })  # fmt: skip
    world, slots = compiled.world, compiled.problem.slots
    there = (world.text("offer_id") == place) | (world.text("region_id") == place)
    allowed = demand.slots(compiled.problem) & there[slots.offer]
    if held.is_within(demand, allowed):
        return told.model_copy(update={"held": True, "possible": True})
    forced = force(compiled, held.plan, demand, allowed, limits, at_prices=at_prices)
    return told.model_copy(update={
        **forced.told, "extra_carbon_kg": extra_carbon_kg(held.plan, forced.plan),
        "displaces": _displaced(compiled, held, forced, workload),
    })  # fmt: skip


def _names(compiled: Compiled, demand: Demand) -> tuple[str, str | None]:
    """Return the ids of a demand's workload and stream."""
    stream = None if demand.stream is None else compiled.stream_ids[demand.stream]
    return compiled.problem.workload_ids[demand.workload], stream


def _rules_out(options: Sequence[Option]) -> tuple[RuleOut, ...]:
    """Return every rule that keeps one of the options out, those that do so alone first, then those of most options.

    The evidence is on the option with the fewest rules against it.
    """
    first: dict[str, ExcludedBy] = {}
    alone: set[str] = set()
    times: dict[str, int] = {}
    for option in sorted(options, key=effort):
        whole = {one.rule.id for one in option.excluded_by if not one.partial}
        alone |= whole if len(whole) == 1 else set()
        for one in option.excluded_by if whole != {DOMINATED} else ():
            first.setdefault(one.rule.id, one)
            times[one.rule.id] = times.get(one.rule.id, 0) + 1
    first.pop(DOMINATED, None)
    order = sorted(first, key=lambda rule: (rule not in alone, -times[rule], rule))
    return tuple(_rule_out(first[rule], alone=rule in alone) for rule in order)


def _rule_out(one: ExcludedBy, *, alone: bool) -> RuleOut:
    evidence = tuple(part.sentence for part in one.evidence) or (one.reason,)
    return RuleOut(
        id=one.rule.id, kind=one.rule.kind, source=one.rule.source or "", sentence=one.rule.text, evidence=evidence,
        alone=alone, partial=one.partial,
    )  # fmt: skip


def _runner_up(
    compiled: Compiled, plan: Plan, demand: Demand, regions: set[str], limits: Limits, *, at_prices: AtPrices
) -> RunnerUp | None:
    """Return where the demand goes with its present regions closed to it; None where it is nowhere."""
    if not regions:
        return None
    slots = compiled.problem.slots
    elsewhere = ~np.isin(compiled.world.text("region_id"), list(regions))[slots.offer]
    forced = force(compiled, plan, demand, demand.slots(compiled.problem) & elsewhere, limits, at_prices=at_prices)
    to = () if forced.plan is None else Held(compiled, forced.plan).placements(demand)
    return RunnerUp(
        regions=tuple(dict.fromkeys(one.region_id for one in to)), extra_carbon_kg=extra_carbon_kg(plan, forced.plan),
        **forced.told,
    )  # fmt: skip


def extra_carbon_kg(plan: Plan, other: Plan | None) -> float | None:
    """Return how much more another plan emits; None where either has something whose carbon nobody knows."""
    if other is None or plan.carbon_kg is None or other.carbon_kg is None:
        return None
    if plan.carbon_unknown_share or other.carbon_unknown_share:
        return None
    extra = other.carbon_kg - plan.carbon_kg
    return 0.0 if abs(extra) <= SAME * abs(plan.carbon_kg) else extra


def _displaced(compiled: Compiled, held: Held, forced: Forced, workload: str) -> tuple[Displaced, ...]:
    """Return the other workloads that are in other regions in the plan that was forced."""
    if forced.plan is None:
        return ()
    before, after, now = regions_held(held.plan), regions_held(forced.plan), Held(compiled, forced.plan)
    full = set(now.full_limits()) & now.limits_of(workload)
    rows = []
    for other, regions in after.items():
        was = before.get(other, frozenset())
        if other != workload and regions != was:
            left, entered = tuple(sorted(was - regions)), tuple(sorted(regions - was))
            because = tuple(sorted(full & held.limits_of(other)))
            rows.append(Displaced(workload=other, left=left, entered=entered, because=because))
    return tuple(sorted(rows, key=lambda row: (not row.because, row.workload)))


def regions_held(plan: Plan) -> dict[str, frozenset[str]]:
    """Return the regions that a plan puts each workload in."""
    found: dict[str, set[str]] = {}
    for row in plan.placements:
        found.setdefault(row.workload, set()).add(row.region_id)
    return {workload: frozenset(regions) for workload, regions in found.items()}


def _bound_by(compiled: Compiled, held: Held, demand: Demand) -> tuple[Binding, ...]:
    """Return the limits without room that the demand draws on, and the rules that alone keep most options out."""
    from optimizer.compile.rules import RuleBook

    book, workload = RuleBook(compiled.world), compiled.problem.workload_ids[demand.workload]
    drawn = held.limits_of(workload)
    found = [
        Binding(id=rule, kind=rule.partition(":")[0], sentence=told) for rule, told in held.full_limits().items()
        if rule in drawn
    ]  # fmt: skip
    own = np.flatnonzero(compiled.problem.services.workload == demand.workload).tolist()
    streams = own if demand.stream is None else [demand.stream]
    names: list[str | None] = [compiled.stream_ids[j] for j in streams] or [None]
    alone: Counter[str] = Counter()
    text: dict[str, str] = {}
    for name in names:
        for key, count in compiled.ledger.alone_of(workload, name).items():
            if key.kind != "dominance":
                rule = book.rule(key, demand.workload)
                which = whole_default(rule.id, rule.kind, rule.text)
                alone[which] += count
                text[which] = rule.text if which == rule.id else DEFAULT
    for rule_id, count in sorted(alone.items(), key=lambda item: (-item[1], item[0]))[:MOST_TOLD]:
        kept = f"alone keeps {count:,} of its options out: {text[rule_id]}"
        found.append(Binding(id=rule_id, kind=rule_id.partition(":")[0], sentence=kept))
    return tuple(found)


def whole_default(rule: str, kind: str, text: str) -> str:
    """Return the id of a rule; of a quota that nobody stated, of the default that all such quotas come from."""
    if kind != "quota" or not text.startswith("default of"):
        return rule
    counted = rule.split(":")[1]
    return f"quota:quotas.{DEFAULTS[counted]}" if counted in DEFAULTS else rule
