"""What plans within a share of the least cost may be best in, as aims of a solve and as figures of a plan.

    carbon     least kg CO2e; no more than the plan at hand has where nobody knows the carbon
    providers  fewest providers that run something or keep a copy
    moves      fewest workloads of which anything is where an earlier plan (or today) has nothing of it
    outside    most of the work, every workload counting the same, neither in a jurisdiction nor with an operator that
               it controls (an operator of whom that is not known is not outside)
    law        fewest weak points of law: laws encoded from general knowledge or not reviewed, conditions taken as met,
               and what somebody would have to find out of a jurisdiction, of access or of a chip, and nobody accepted
    different  as many streams and jobs as possible wholly in other regions than in each of the plans before
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from formulations import carbon_kg
from optimizer.compile.judgements import Judgement
from optimizer.errors import InputError, Issue
from optimizer.explain.rows import Figures
from optimizer.plan.actions import open_by_copy, open_by_line
from optimizer.plan.models import Plan
from optimizer.plan.placements import Lines, judgements_of, law_flags
from optimizer.plan.start import slots_of_rows
from optimizer.solve.aims import Aim, Uses
from optimizer.suggest import did_you_mean

if TYPE_CHECKING:
    from optimizer.compile.assemble import Compiled

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Measure = Literal["carbon", "providers", "moves", "outside", "law", "different"]
MEASURES: tuple[Measure, ...] = get_args(Measure)


@dataclass(frozen=True)
class Against:
    """What plans are measured against: the regions of each workload in an earlier plan, and a jurisdiction."""

    regions: Mapping[str, frozenset[str]] | None = None
    outside: str | None = None


def check_jurisdiction(compiled: Compiled, name: str) -> None:
    """Raise InputError where no region lies in a jurisdiction and none controls an operator."""
    world = compiled.world
    known = {*world.regions.country, *world.regions.subdivision.fillna("")}
    known |= {place for controlled in world.providers.control_strict for place in controlled}
    if name not in known:
        maybe = did_you_mean(name, sorted(known - {""})) or "an ISO 3166 code: US, DE, US-CA"
        raise InputError(Issue(f"no region lies in {name!r}, and it controls no operator", "outside", maybe=maybe))


def aim_of(compiled: Compiled, measure: Measure, against: Against, plans: Sequence[Plan]) -> Aim:
    """Return what to minimise for a measure; `plans` are those to be different from."""
    problem = compiled.problem
    services, jobs = problem.services, problem.jobs
    held = {"unserved": np.ones(services.demand_per_s.size, dtype=bool), "undone": np.ones(jobs.workload.size, bool)}
    if measure == "carbon":
        from optimizer.compile.unknown import carbon_unknown

        return Aim(amounts=carbon_kg(problem), held={**held, **carbon_unknown(compiled)})
    if measure == "outside":
        assert against.outside is not None
        flow, hours = shares_of_work(compiled)
        out = outside_of(compiled, against.outside)[problem.slots.offer]
        return Aim(amounts={"flow": -flow * out[problem.flows.slot], "work_hours": -hours * out}, held=held)
    if measure == "providers":
        provider = problem.regions.provider
        return Aim(uses=_by_slot(compiled, provider[problem.slots.region], provider), held=held)
    if measure == "moves":
        assert against.regions is not None
        return Aim(uses=_by_slot(compiled, _moving(compiled, against.regions), None), held=held)
    if measure == "law":
        return Aim(uses=_weak_points(compiled), held=held)
    uses, of_plan = _decisions_of(compiled, plans)
    return Aim(uses=uses, of_plan=of_plan, held=held)


def _by_slot(compiled: Compiled, group: Ints, provider: Ints | None) -> Uses:
    """Return the groups that slots are in (-1: none); copies are in that of their provider, where one is given."""
    problem = compiled.problem
    number = np.arange(group.size)
    slots, flows = np.flatnonzero(group >= 0), np.flatnonzero(group[problem.flows.slot] >= 0)
    copies = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    if provider is not None:
        region = problem.datasets.copy_region
        copies = (provider[region].astype(np.int64), np.arange(region.size))
    count = max(int(group.max(initial=-1)), int(copies[0].max(initial=-1))) + 1
    return Uses(
        count, flows=(group[problem.flows.slot[flows]].astype(np.int64), flows),
        slots=(group[slots].astype(np.int64), number[slots]), copies=copies,
    )  # fmt: skip


def _moving(compiled: Compiled, regions: Mapping[str, frozenset[str]]) -> Ints:
    """Return by slot its workload where the slot is in a region that the workload was not in; else -1."""
    slots, ids = compiled.problem.slots, compiled.world.regions.region_id.tolist()
    was = [regions.get(name) for name in compiled.problem.workload_ids]
    stays = {(w, r) for w, those in enumerate(was) if those is not None for r, name in enumerate(ids) if name in those}
    return np.array([
        -1 if was[w] is None or (w, r) in stays else w
        for w, r in zip(slots.workload.tolist(), slots.region.tolist(), strict=True)
    ], dtype=np.int64)  # fmt: skip


def shares_of_work(compiled: Compiled) -> tuple[Floats, Floats]:
    """Return what part of all work a unit/s of a flow, and an instance-hour of a job, is: every workload is as much."""
    problem = compiled.problem
    services, slots, flows = problem.services, problem.slots, problem.flows
    count, work = len(problem.workload_ids), _work(compiled)
    scale = np.divide(1.0 / count, work, out=np.zeros(count), where=work > 0)
    flow = scale[services.workload[flows.stream]] * problem.period_hours[slots.period[flows.slot]]
    return flow, np.where(slots.is_job, scale[slots.workload] * slots.capacity_per_s * 3600.0, 0.0)


def _work(compiled: Compiled) -> Floats:
    """Return by workload all its work over the horizon: units/s times hours of a service, work units of a job."""
    services, jobs = compiled.problem.services, compiled.problem.jobs
    of_service = services.demand_per_s @ compiled.problem.period_hours
    work = np.bincount(services.workload, of_service, len(compiled.problem.workload_ids)).astype(np.float64)
    work[jobs.workload] += jobs.work_units
    return work


def outside_of(compiled: Compiled, jurisdiction: str) -> Bools:
    """Return which offers are outside a jurisdiction, by place (of an endpoint, every place) and by operator."""
    world = compiled.world
    inside = [jurisdiction in (place, part) for place, part in
              zip(world.regions.country, world.regions.subdivision.fillna(""), strict=True)]  # fmt: skip
    facts = world.providers
    reached = {
        name: not known or jurisdiction in control
        for name, control, known in zip(facts.index, facts.control_strict, facts.control_known, strict=True)
    }
    spread = [jurisdiction in (places or ()) for places in world.offers.scope_countries]
    by_operator = [reached.get(name, True) for name in world.offers.provider.astype(str)]
    return ~(np.array(inside, dtype=bool)[world.offer_region] | np.array(spread) | np.array(by_operator))


def _weak_points(compiled: Compiled) -> Uses:
    """Return a group for every weak point of law, and the flows, slots of jobs and copies that rest on it."""
    problem = compiled.problem
    alone = np.flatnonzero(problem.slots.is_job)
    flows = np.arange(problem.flows.slot.size)
    slot, flow = np.concatenate([problem.flows.slot, alone]), np.concatenate([flows, np.full(alone.size, -1)])
    number: dict[str, int] = {}
    pairs: dict[str, list[tuple[int, int]]] = {"flow": [], "slot": [], "copy": []}

    def add(family: str, entry: int, points: frozenset[str]) -> None:
        pairs[family] += [(number.setdefault(point, len(number)), entry) for point in sorted(points)]

    for i, q, points in zip(slot.tolist(), flow.tolist(), points_of_lines(compiled, slot, flow), strict=True):
        add(*(("flow", q) if q >= 0 else ("slot", i)), points)
    for c, points in enumerate(points_of_copies(compiled)):
        add("copy", c, points)
    made = {
        name: (np.array([g for g, _ in found], dtype=np.int64), np.array([e for _, e in found], dtype=np.int64))
        for name, found in pairs.items()
    }
    return Uses(len(number), flows=made["flow"], slots=made["slot"], copies=made["copy"])


def points_of_lines(compiled: Compiled, slot: Ints, flow: Ints) -> list[frozenset[str]]:
    """Return the weak points of law that flows (-1: none, a job or what stands by) and their slots rest on."""
    none = np.zeros(slot.size)
    lines = Lines(slot, flow, none, none, none, none, none, none, none)
    judged = judgements_of(compiled, lines)
    own = {id(one): _weak(compiled, one) for one in judged}
    return [
        rules | own[id(one)] for one, rules in zip(judged, open_by_line(compiled, lines, judged), strict=True)
    ]  # fmt: skip


def points_of_copies(compiled: Compiled) -> list[frozenset[str]]:
    """Return the weak points of law that the copies there may be rest on."""
    judged = compiled.datasets.copy_judgement
    return [rules | _weak(compiled, judged[c]) for c, rules in enumerate(open_by_copy(compiled))]


def _weak(compiled: Compiled, judgement: Judgement) -> frozenset[str]:
    """Return the laws of a judgement that are weak or not reviewed, and the conditions that it takes as met."""
    pack = compiled.world.laws
    laws = {
        f"law:{law}" for law in judgement.laws
        if pack is not None and (not pack.law(law).reviewed or law_flags(compiled, Judgement(laws=(law,))))
    }  # fmt: skip
    return frozenset(laws | {f"condition:{condition}" for condition in judgement.conditions})


def _decisions_of(compiled: Compiled, plans: Sequence[Plan]) -> tuple[Uses, Ints]:
    """Return a group for every stream and job of every plan: what it may use in the regions where that plan has it."""
    problem = compiled.problem
    region = {name: r for r, name in enumerate(compiled.world.regions.region_id)}
    owner: dict[tuple[str, str | None], int] = {
        (problem.workload_ids[problem.services.workload[j]], name): j for j, name in enumerate(compiled.stream_ids)
    }
    streams, jobs = problem.services.workload.size, problem.jobs.workload
    owner |= {(problem.workload_ids[w], None): streams + g for g, w in enumerate(jobs.tolist())}
    units = streams + jobs.size
    was = np.zeros((len(plans), units, len(region)), dtype=bool)
    for k, plan in enumerate(plans):
        for row in plan.placements:
            unit = owner.get((row.workload, row.stream))
            if unit is not None:
                was[k, unit, region[row.region_id]] = True
    job_of = np.full(len(problem.workload_ids), 0, dtype=np.int64)
    job_of[jobs] = streams + np.arange(jobs.size)
    number, flow = np.nonzero(was[:, problem.flows.stream, problem.slots.region[problem.flows.slot]])
    own = np.flatnonzero(problem.slots.is_job)
    of_job = job_of[problem.slots.workload[own]]
    plan_of_job, at = np.nonzero(was[:, of_job, problem.slots.region[own]])
    return Uses(
        len(plans) * units, flows=(number * units + problem.flows.stream[flow], flow),
        slots=(plan_of_job * units + of_job[at], own[at]),
    ), np.repeat(np.arange(len(plans)), units)  # fmt: skip


def figures_of(compiled: Compiled, plan: Plan, against: Against) -> Figures:
    """Return what a plan comes to in every measure."""
    places = {(row.provider, row.region_id) for row in plan.placements}
    places |= {(row.provider, row.region_id) for row in plan.copies}
    slot, flow, copies = _held(compiled, plan)
    weak = {point for points in points_of_lines(compiled, slot, flow) for point in points}
    weak |= {point for c, points in enumerate(points_of_copies(compiled)) if c in copies for point in points}
    moved = None
    if against.regions is not None:
        moved = tuple(sorted({
            row.workload for row in plan.placements
            if row.workload in against.regions and row.region_id not in against.regions[row.workload]
        }))  # fmt: skip
    return Figures(
        carbon_kg=None if plan.carbon_unknown_share else plan.carbon_kg,
        providers=tuple(sorted({provider for provider, _ in places})),
        regions=tuple(sorted({region for _, region in places})), moved=moved,
        outside_share=None if against.outside is None else _outside_share(compiled, plan, against.outside),
        weak_points=tuple(sorted(weak)),
    )  # fmt: skip


def value_of(compiled: Compiled, plan: Plan, measure: Measure, against: Against) -> float | None:
    """Return what a plan comes to in a measure, less being better; None where that is not known, or none of its own."""
    if measure == "carbon":
        return None if plan.carbon_unknown_share else plan.carbon_kg
    figures = figures_of(compiled, plan, against)
    if measure == "outside":
        return None if figures.outside_share is None else -figures.outside_share
    counted = {"providers": figures.providers, "moves": figures.moved, "law": figures.weak_points}.get(measure)
    return None if counted is None else float(len(counted))


def _held(compiled: Compiled, plan: Plan) -> tuple[Ints, Ints, set[int]]:
    """Return the slot and the flow (-1: none) of each placement of a plan, and its copies."""
    problem, regions = compiled.problem, compiled.world.region_index
    slot = slots_of_rows(compiled, plan.placements)
    streams = {(problem.workload_ids[problem.services.workload[j]], name): j
               for j, name in enumerate(compiled.stream_ids)}  # fmt: skip
    flows = {pair: q for q, pair in
             enumerate(zip(problem.flows.stream.tolist(), problem.flows.slot.tolist(), strict=True))}  # fmt: skip
    flow = np.array([
        flows.get((streams.get((row.workload, row.stream or ""), -1), i), -1)
        for row, i in zip(plan.placements, slot.tolist(), strict=True)
    ], dtype=np.int64)  # fmt: skip
    data = problem.datasets
    kept = {(row.dataset, regions[row.region_id]) for row in plan.copies}
    copies = {
        c for c, (k, r) in enumerate(zip(data.copy_dataset.tolist(), data.copy_region.tolist(), strict=True))
        if (data.ids[k], r) in kept
    }  # fmt: skip
    return slot, flow, copies


def _outside_share(compiled: Compiled, plan: Plan, jurisdiction: str) -> float:
    """Return what part of all work a plan does outside a jurisdiction, every workload counting the same."""
    problem = compiled.problem
    work = _work(compiled)
    number = {name: w for w, name in enumerate(problem.workload_ids)}
    out = outside_of(compiled, jurisdiction)
    total = 0.0
    for row, slot in zip(plan.placements, slots_of_rows(compiled, plan.placements).tolist(), strict=True):
        if out[problem.slots.offer[slot]]:
            hours = problem.period_hours[problem.slots.period[slot]]
            done = row.served_per_s * hours if row.work_units is None else row.work_units
            total += done / work[number[row.workload]]
    return total / len(problem.workload_ids)
