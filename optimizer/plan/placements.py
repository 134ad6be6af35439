"""Rows of the plan that say where things run: placements, and what was left unserved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Membership
from optimizer.compile.assemble import Compiled
from optimizer.compile.judgements import Judgement
from optimizer.plan.commitments import drawn_of
from optimizer.plan.round_trips import RoundTrips
from optimizer.plan.rows import Placement, Unserved

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEGLIGIBLE = 1e-9
"""Share of a stream's demand below which a flow is solver noise and no row is written."""
DOUBTFUL = ("fallback", "estimated", "derived", "unverified", "transferred_speed", "estimated_speed")
WEAK = "from general knowledge"


@dataclass(frozen=True, eq=False)
class Values:
    """A solution's arrays, whole numbers made whole; [slots], [flows], ..."""

    instances: Floats
    flow: Floats
    gangs: Floats
    work_hours: Floats

    @classmethod
    def of(cls, compiled: Compiled, values: dict[str, Floats]) -> Values:
        """Clean the solver's values: integers rounded, flows below `NEGLIGIBLE` of their demand dropped."""
        problem = compiled.problem
        flow = np.maximum(values["flow"], 0.0)
        period = problem.slots.period[problem.flows.slot]
        demand = problem.services.demand_per_s[problem.flows.stream, period]
        flow[flow <= NEGLIGIBLE * demand] = 0.0
        gangs = np.rint(values["gangs"])
        hours = np.where(gangs > 0, np.maximum(values["work_hours"], 0.0), 0.0)
        return cls(np.rint(values["instances"]), flow, gangs, hours)


@dataclass(frozen=True, eq=False)
class Lines:
    """Placements as arrays, one entry per row: slot, flow (-1 without), and what each adds.

    `share` is the part of the slot's instances. `carbon_kg` and `energy_kwh` are NaN where a figure is unknown.
    """

    slot: Ints
    flow: Ints
    share: Floats
    instances: Floats
    instance_hours: Floats
    cost_usd: Floats
    carbon_kg: Floats
    embodied_kg: Floats
    energy_kwh: Floats


def lines_of(compiled: Compiled, values: Values) -> Lines:
    """Split every used slot over the streams it serves; what serves nobody, and every job slot, is one row."""
    slots, flows = compiled.problem.slots, compiled.problem.flows
    served = np.bincount(flows.slot, weights=values.flow, minlength=len(slots.offer))
    held = values.instances + values.gangs * slots.gang_instances
    carrying = np.flatnonzero(values.flow > 0)
    alone = np.flatnonzero((held > 0) & (served == 0))
    slot = np.concatenate([flows.slot[carrying], alone]).astype(np.int64)
    flow = np.concatenate([carrying, np.full(len(alone), -1)]).astype(np.int64)
    share = np.ones(len(slot))
    share[: len(carrying)] = values.flow[carrying] / served[flows.slot[carrying]]
    order = np.lexsort((flow, slots.period[slot], slot))
    slot, flow, share = slot[order], flow[order], share[order]
    n = values.instances[slot] * share
    rate = _per_line(values.flow, flow)
    work = values.work_hours[slot]

    def add_up(metric: str) -> Floats:
        running, working = slots.running.of(metric)[slot], slots.working.of(metric)[slot]
        total: Floats = running * n + working * work + _per_line(flows.serving.of(metric), flow) * rate
        return total

    hours = np.where(slots.is_job[slot], work, n * compiled.problem.period_hours[slots.period[slot]])
    return Lines(
        slot=slot,
        flow=flow,
        share=share,
        instances=held[slot] * share,
        instance_hours=hours,
        cost_usd=add_up("spend_usd") - add_up("commitments_usd"),
        carbon_kg=np.where(compiled.known.carbon[slot], add_up("carbon_kg"), np.nan),
        embodied_kg=np.where(compiled.known.carbon[slot], add_up("embodied_kg"), np.nan),
        energy_kwh=np.where(compiled.known.energy[slot], add_up("energy_kwh"), np.nan),
    )


def _per_line(per_flow: Floats, flow: Ints) -> Floats:
    """Return the value of each line's flow, 0 for a line without one."""
    found = np.zeros(len(flow))
    found[flow >= 0] = per_flow[flow[flow >= 0]]
    return found


def signatures_of(compiled: Compiled, lines: Lines) -> Ints:
    """Return for every line the number under which the law knows its stream or job; [lines]."""
    law, problem = compiled.law_view, compiled.problem
    slots = problem.slots
    of_job = {w: law.signature(k) for w, k in law.of_job.items()}
    of_stream = {j: law.signature(k) for j, k in law.of_stream.items()}
    first_stream: dict[int, int] = {}
    for j, w in enumerate(problem.services.workload.tolist()):
        first_stream.setdefault(w, j)
    signature = []
    for s, q in zip(lines.slot.tolist(), lines.flow.tolist(), strict=True):
        w = int(slots.workload[s])
        if q >= 0:
            signature.append(of_stream[int(problem.flows.stream[q])])
        else:
            signature.append(of_job[w] if slots.is_job[s] else of_stream[first_stream[w]])
    return np.array(signature, dtype=np.int64)


def judgements_of(compiled: Compiled, lines: Lines) -> list[Judgement]:
    """Return what the law says of every line."""
    law, slots = compiled.law_view, compiled.problem.slots
    found: list[Judgement] = [Judgement()] * len(lines.slot)
    labels = signatures_of(compiled, lines)
    for one in np.unique(labels).tolist():
        rows = np.flatnonzero(labels == one)
        at, table = law.judgement_at(one, slots.offer[lines.slot[rows]], slots.period[lines.slot[rows]])
        for row, k in zip(rows.tolist(), at.tolist(), strict=True):
            found[row] = table[k]
    return found


def mechanisms_of(compiled: Compiled, lines: Lines, chosen: Ints) -> list[tuple[int, ...]]:
    """Return for every line the mechanisms it relies on, as positions in the mechanism table's `info`."""
    table = compiled.mechanisms
    by_flow, by_slot = _sets_of(table.by_flow, lines.flow), _sets_of(table.by_slot, lines.slot)
    found = []
    for i, q in zip(lines.slot.tolist(), lines.flow.tolist(), strict=True):
        sets = by_flow.get(q, ()) if q >= 0 else by_slot.get(i, ())
        found.append(tuple(dict.fromkeys(int(chosen[s]) for s in sets if chosen[s] >= 0)))
    return found


def _sets_of(members: Membership, rows: Ints) -> dict[int, list[int]]:
    """Return the requirements of some flows or slots; the table has those of all that are eligible."""
    sets: dict[int, list[int]] = {}
    kept = np.flatnonzero(np.isin(members.row, rows))
    for row, column in zip(members.row[kept].tolist(), members.column[kept].tolist(), strict=True):
        sets.setdefault(row, []).append(column)
    return sets


class Doubts:
    """Which slots rest on figures that nobody verified, apart for cost and for carbon.

    How many instances run, or for how long, follows from the throughput: its quality bears on both.
    """

    def __init__(self, compiled: Compiled) -> None:
        world = compiled.world
        self._workloads = world.instance.workloads
        self._speeds = compiled.speeds
        offers, regions = world.offers, world.regions
        region = world.offer_region
        oldest = world.instance.catalogue.max_price_age_days
        self._cost = [world.text("price_quality"), np.where(world.text("availability") != "verified", "unverified", "")]
        pue, self._grid = (
            regions[column].fillna("").to_numpy(dtype=object)[region] for column in ("pue_quality", "grid_quality")
        )
        self._carbon = [world.text("power_quality"), world.text("embodied_quality"), pue, self._grid]
        self._endpoint, self._kg_stated = world.is_endpoint, ~np.isnan(world.column("kg_per_unit"))
        self._energy = world.text("power_quality")
        self._network_kwh_per_gb = world.instance.carbon.network_kwh_per_gb
        self.stale = np.nan_to_num(offers.price_age_days.to_numpy(dtype=float)) > oldest

    def cost(self, workload: int, offer: int) -> set[str]:
        """Return the doubtful qualities behind an offer's price and the workload's speed on it."""
        found = {str(column[offer]) for column in self._cost} & set(DOUBTFUL)
        return found | self._speed(workload, offer) | ({"stale_price"} if self.stale[offer] else set())

    def carbon(self, workload: int, offer: int) -> set[str]:
        """Return the doubtful qualities behind an offer's carbon and the workload's speed on it.

        An endpoint's carbon is a stated figure per unit, or its energy on the grid where it processes; of a stated one
        only the grid of its region bears on it, through what its answers draw from the network.
        """
        if not self._endpoint[offer]:
            return {str(column[offer]) for column in self._carbon} & set(DOUBTFUL) | self._speed(workload, offer)
        sends = getattr(self._workloads[workload], "response_gb_per_unit", 0.0) * self._network_kwh_per_gb > 0
        derived = not self._kg_stated[offer]
        figures = {str(self._grid[offer])} if sends or (derived and self._energy[offer] != "missing") else set()
        return (figures | ({str(self._energy[offer])} if derived else set())) & set(DOUBTFUL)

    def _speed(self, workload: int, offer: int) -> set[str]:
        return {str(self._speeds.of(self._workloads[workload]).quality[offer])} & set(DOUBTFUL)


def law_flags(compiled: Compiled, judgement: Judgement) -> set[str]:
    """Return `weak_law` and `unreviewed_law` where they apply."""
    pack = compiled.world.laws
    flags = {"unreviewed_law"} if judgement.unreviewed else set()
    if pack is not None and any(pack.law(law).confidence.startswith(WEAK) for law in judgement.laws):
        flags.add("weak_law")
    return flags


def placements_of(
    compiled: Compiled, values: Values, lines: Lines, judgements: list[Judgement], relies_on: list[tuple[int, ...]]
) -> tuple[Placement, ...]:
    """Return the plan's placements."""
    world, problem = compiled.world, compiled.problem
    slots, offers = problem.slots, world.offers
    columns = {name: offers[name].to_numpy(dtype=object) for name in ("provider", "region_id", "country", "sku",
               "endpoint", "accelerator", "purchase")}  # fmt: skip
    names = world.regions.region.to_numpy(dtype=object)
    taken_back = np.where(world.text("purchase") == "spot", world.column("spot_interruption"), np.nan)
    drawn = drawn_of(compiled, lines)
    doubts, trips = Doubts(compiled), RoundTrips(compiled)
    flags: dict[tuple[int, int], set[str]] = {}
    by_law: dict[int, set[str]] = {}
    rows = []
    for k, (i, q) in enumerate(zip(lines.slot.tolist(), lines.flow.tolist(), strict=True)):
        w, o, job = int(slots.workload[i]), int(slots.offer[i]), bool(slots.is_job[i])
        judgement = judgements[k]
        if (w, o) not in flags:
            flags[w, o] = doubts.cost(w, o) | doubts.carbon(w, o)
        if id(judgement) not in by_law:
            by_law[id(judgement)] = law_flags(compiled, judgement)
        stream = compiled.stream_ids[int(problem.flows.stream[q])] if q >= 0 else None
        info = compiled.mechanisms.info
        rows.append(
            Placement(
                workload=problem.workload_ids[w],
                stream=stream,
                provider=columns["provider"][o],
                region=names[int(slots.region[i])],
                region_id=columns["region_id"][o],
                country=columns["country"][o],
                sku=columns["sku"][o] or None,
                endpoint=columns["endpoint"][o] or None,
                accelerator=columns["accelerator"][o] or None,
                purchase=columns["purchase"][o] or None,
                period=world.periods[int(slots.period[i])].id,
                instances=float(lines.instances[k]),
                instance_hours=None if slots.is_endpoint[i] else float(lines.instance_hours[k]),
                served_per_s=float(values.flow[q]) if q >= 0 else 0.0,
                interruption_share=_known(taken_back[o]),
                work_units=float(slots.capacity_per_s[i] * 3600.0 * values.work_hours[i]) if job else None,
                gangs=float(values.gangs[i]) if job else None,
                commitments=drawn.get(k, {}),
                cost_usd=float(lines.cost_usd[k]),
                carbon_kg=_known(lines.carbon_kg[k]),
                embodied_kg=_known(lines.embodied_kg[k]),
                energy_kwh=_known(lines.energy_kwh[k]),
                **(trips.of(int(problem.flows.stream[q]), int(slots.region[i])) if q >= 0 else {}),
                laws=judgement.laws,
                mechanisms=tuple(dict.fromkeys(info[m].key.mechanism for m in relies_on[k])),
                flags=tuple(sorted(flags[w, o] | by_law[id(judgement)])),
            )
        )
    return tuple(rows)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def unserved_of(compiled: Compiled, values: dict[str, Floats]) -> tuple[Unserved, ...]:
    """Return demand left unserved and work left undone, at the instance's price."""
    problem, world = compiled.problem, compiled.world
    services, jobs = problem.services, problem.jobs
    rows = []
    left = values["unserved"]
    for j, t in np.argwhere(left > NEGLIGIBLE * np.maximum(services.demand_per_s, NEGLIGIBLE)).tolist():
        rows.append(
            Unserved(
                workload=problem.workload_ids[int(services.workload[j])],
                stream=compiled.stream_ids[j],
                period=world.periods[t].id,
                per_s=float(left[j, t]),
                cost_usd=float(left[j, t] * services.unserved_usd[j, t]),
            )
        )
    undone = values["undone"]
    for g in np.flatnonzero(undone > NEGLIGIBLE * jobs.work_units).tolist():
        rows.append(
            Unserved(
                workload=problem.workload_ids[int(jobs.workload[g])],
                work_units=float(undone[g]),
                cost_usd=float(undone[g] * jobs.undone_usd[g]),
            )
        )
    return tuple(rows)
