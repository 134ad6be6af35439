"""From the solver's arrays to a `Plan`: what runs where, what it costs and emits, and the law behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from formulations.build import paused_gc
from formulations.objective import cost_by_term
from optimizer.compile.assemble import Compiled
from optimizer.compile.gangs import WHOLE, Gang
from optimizer.compile.world import World
from optimizer.errors import InternalError
from optimizer.instance.identity import instance_sha256
from optimizer.instance.models import Instance
from optimizer.instance.workloads import Job
from optimizer.plan.actions import actions_of
from optimizer.plan.commitments import commitments_used
from optimizer.plan.deeds import deeds_of
from optimizer.plan.duties import duties_of
from optimizer.plan.lagrangian import told_lagrangian
from optimizer.plan.market import market_based
from optimizer.plan.models import Plan, PlanHorizon, PlanPeriod, Solving
from optimizer.plan.own_figures import own_figures
from optimizer.plan.placements import (
    Values,
    judgements_of,
    lines_of,
    mechanisms_of,
    placements_of,
    unserved_of,
)
from optimizer.plan.purchases import purchases_used, whole_amounts
from optimizer.plan.register import (
    carbon_unknown_share,
    data_quality,
    deletion_obligations,
    deletion_warnings,
    ineligible_rows,
    known_on,
    legal_register,
    legal_warnings,
    overdue_warning,
    unmodelled_laws,
    versions_of,
)
from optimizer.plan.relocations import moving, places_of, relocations_of
from optimizer.plan.rows import Copy, Ineligible, Move, PlanCurrency, Transfer
from optimizer.plan.sovereignty import sovereignty_of
from optimizer.plan.speeds import speed_warnings, speeds_of, systems_used
from optimizer.plan.turns import change_warnings
from optimizer.plan.usage import (
    budgets_of,
    by_slot,
    carried_kg,
    copies_of,
    high_warnings,
    mechanisms_used,
    moves_of,
    quotas_of,
    regions_of,
    shares_of,
    transfers_of,
)

if TYPE_CHECKING:
    from optimizer.solve.solution import Solution

Floats = NDArray[np.float64]
WORKLOADS_NAMED = 5
COUNTED = ("copy", "move", "bought", "region_used", "moved", "entered", "place_used")
"""Families that a plan knows as whole numbers, besides those of `Values`."""


def header(instance: Instance, world: World | None) -> dict[str, Any]:
    """Return what every plan says of its question, whatever the answer: hashes, versions, horizon, assertions."""
    horizon = PlanHorizon(
        start=instance.horizon.start,
        periods=tuple(PlanPeriod(id=p.id, hours=p.hours) for p in instance.horizon.resolved()),
    )
    found: dict[str, Any] = {
        "instance_name": instance.name,
        "instance_sha256": instance_sha256(instance),
        "horizon": horizon,
        "assertions": instance.legal_assertions.model_dump(mode="json"),
    }
    if instance.currency is not None:
        found["currency"] = PlanCurrency(**instance.currency.model_dump())
    if world is not None:
        found["versions"] = versions_of(world)
        found["catalogue_sha256"] = world.catalogue.sha256 if world.catalogue is not None else None
        found["laws_sha256"] = world.laws.sha256 if world.laws is not None else None
    return found


@paused_gc()
def read_plan(compiled: Compiled, solution: Solution) -> Plan:
    """Return the plan of a solution.

    Without values (infeasible, or stopped before any plan) the plan has no placements and objective None; status,
    termination and bound say what is known.
    """
    ineligible = ineligible_rows(compiled.ledger, compiled.datasets.ledger)
    common = {
        **header(compiled.world.instance, compiled.world),
        "status": solution.status.value,
        "termination": solution.termination.value,
        "method": solution.method or None,
        "stated_by": solution.stated_by or None,
        "solving": _solving(solution),
        "timings_seconds": {**compiled.timings, **solution.timings},
        "ineligible": ineligible,
        "unmodelled_laws": unmodelled_laws(compiled),
    }
    if not solution.values:
        return Plan(**common, bound_usd=solution.bound_usd, warnings=compiled.warnings)
    held = _held(compiled, solution.values, ineligible)
    held["warnings"] += _rounding_warnings(compiled, solution)
    held |= told_lagrangian(compiled.problem, solution.lagrangian)
    return Plan(**common, **held, **_proof(solution, sum(held["cost_breakdown_usd"].values())))


def _solving(solution: Solution) -> Solving | None:
    """Return what the plan says of how it was found; None where nothing was run."""
    work = solution.work
    if work is None or solution.threads is None:
        return None
    return Solving(
        why=solution.why or None,
        strategies=tuple(one.strategy for one in solution.strategies),
        threads=solution.threads, parallel=solution.threads > 1, runs=work.runs,
        simplex_iterations=work.simplex_iterations, nodes=work.nodes, programs=work.programs,
        parameters=solution.parameters,
    )  # fmt: skip


def _proof(solution: Solution, total_usd: float) -> dict[str, Any]:
    """Return the cost that was minimised and what is proven of it, for a plan whose terms add up to `total_usd`.

    Raises InternalError when that is not what was minimised: a bound on one of the two says nothing of the other.
    Where somebody added cost terms of their own, the bound and the gap are of the sum.
    """
    from optimizer.solve.solution import SAME_USD, relative_gap

    own = solution.own_cost_usd or 0.0
    minimised = total_usd + own if solution.objective_usd is None else solution.objective_usd
    objective = minimised - own
    if abs(total_usd - objective) > SAME_USD * max(abs(objective), 1.0):
        raise InternalError(
            f"the plan adds up to {total_usd:.12g} USD, where {objective:.12g} USD were minimised: the two differ"
        )
    bound, excess = solution.bound_usd, solution.bound_excess_usd
    if bound is not None:
        excess, bound = max(excess, bound - minimised), min(bound, minimised)
    return {
        "objective_usd": objective, "bound_usd": bound, "gap": relative_gap(minimised, bound),
        "bound_excess_usd": excess or None, "own_cost_usd": solution.own_cost_usd,
    }  # fmt: skip


def _rounding_warnings(compiled: Compiled, solution: Solution) -> tuple[str, ...]:
    """Say where counts are too large to be decided one by one, and what rounding them up costs."""
    if solution.rounding_usd is None:
        return ()
    from formulations.domains import WHOLE_UP_TO

    return (
        f"counts that may exceed {WHOLE_UP_TO:,.0f} were decided as continuous quantities and rounded up, which adds "
        f"{solution.rounding_usd:,.6g} USD; the gap includes it",
    )


def _held(compiled: Compiled, raw: dict[str, Floats], ineligible: tuple[Ineligible, ...]) -> dict[str, Any]:
    """Return every field of the plan that follows from the values."""
    demand = compiled.problem.services.demand_per_s
    made = {name: np.rint(raw[name]) for name in COUNTED}
    made["committed"] = whole_amounts(compiled, raw["committed"])
    raw = {**raw, **made, "unserved": raw["unserved"].reshape(demand.shape)}  # its index is stream x periods + period
    values = Values.of(compiled, raw)
    lines = lines_of(compiled, values)
    judgements = judgements_of(compiled, lines)
    chosen = compiled.mechanisms.chosen(raw["bought"])
    relies_on = mechanisms_of(compiled, lines, chosen)
    placements = placements_of(compiled, values, lines, judgements, relies_on)
    systems = systems_used(compiled, lines.slot)
    copies = copies_of(compiled, raw, chosen)
    transfers, moves = transfers_of(compiled, raw), moves_of(compiled, raw)
    relied = {m for row in relies_on for m in row} | _relied_by_copies(compiled, raw, chosen)
    mechanisms = mechanisms_used(compiled, raw, relied)
    unreviewed = sorted({law for judgement in judgements for law in judgement.unreviewed})
    known = compiled.known.carbon
    carried = carried_kg(compiled, raw)
    carbon_kg = float(by_slot(compiled, values, "carbon_kg")[known].sum()) + carried
    actions, admitted = actions_of(compiled, lines, judgements, raw["copy"])
    quotas = quotas_of(compiled, values)
    actions += (*duties_of(compiled.world, placements, copies, mechanisms, quotas),
                *deeds_of(compiled, lines, raw["copy"]))  # fmt: skip
    held_budgets = budgets_of(compiled, values, raw)
    copy_judgements = [j for j, c in zip(compiled.datasets.copy_judgement, raw["copy"], strict=True) if c > 0]
    register = legal_register(
        compiled, placements, copies, mechanisms, unreviewed, ineligible=ineligible,
        obligations=deletion_obligations(compiled, placements, relies_on),
    )  # fmt: skip
    return {
        "cost_breakdown_usd": cost_by_term(compiled.problem, {**raw, **vars(values)}),
        "carbon_kg": carbon_kg if carried > 0 or _any_known(known, lines.slot) else None,
        **(_carbon_apart(compiled, (values, raw), carbon_kg) if carried > 0 or _any_known(known, lines.slot) else {}),
        "carbon_unknown_share": carbon_unknown_share(compiled, lines),
        "energy_kwh": _total(compiled, (values, raw), "energy_kwh", compiled.known.energy, lines.slot),
        "water_l": _total(compiled, (values, raw), "water_l", compiled.known.water, lines.slot),
        "market_based": market_based(compiled, lines),
        "placements": placements,
        "speeds": speeds_of(compiled, systems),
        "copies": copies,
        "transfers": transfers,
        "moves": moves,
        "relocations": relocations_of(compiled, raw, placements),
        "regions": regions_of(compiled, values, raw),
        "mechanisms": mechanisms,
        "budgets": held_budgets,
        "quotas": quotas,
        "commitments": commitments_used(compiled.world, placements),
        "purchases": purchases_used(compiled, values, raw["committed"]),
        "shares": shares_of(compiled, values),
        "places": places_of(compiled, raw),
        "unserved": unserved_of(compiled, raw),
        "legal_register": register,
        "data_quality": data_quality(compiled, lines),
        "unreviewed_laws": tuple(unreviewed),
        "actions": tuple(sorted(actions, key=lambda action: action.rule)),
        "sovereignty": sovereignty_of(compiled, lines, raw["copy"]),
        "warnings": (
            *compiled.warnings,
            *_price_warnings(compiled, lines.slot),
            *_partial_warnings(compiled, lines.slot),
            *high_warnings(held_budgets),
            *_profile_warnings(compiled, lines.slot),
            *speed_warnings(compiled, systems),
            *_idle_warnings(compiled, lines.slot),
            *_declared_warnings(compiled, lines.slot),
            *own_figures(compiled, placements, copies, transfers),
            *_carried_warnings((*copies, *transfers, *moves)),
            *_staying_warnings(copies),
            *change_warnings(compiled, lines, judgements, raw["copy"]),
            *deletion_warnings(compiled, placements),
            *legal_warnings((*judgements, *copy_judgements)),
            *overdue_warning(register, known_on(compiled.world.instance)),
            *admitted,
        ),
    }


def _carbon_apart(
    compiled: Compiled, found: tuple[Values, dict[str, Floats]], carbon_kg: float
) -> dict[str, float]:
    """Return the operational and the embodied part of a plan's carbon, and all of it at the high estimate."""
    values, raw = found

    def part(metric: str) -> float:
        slots = by_slot(compiled, values, metric)[compiled.known.carbon]
        return float(slots.sum()) + moving(compiled, raw, metric)

    embodied = part("embodied_kg")
    return {
        "operational_kg": carbon_kg - embodied, "embodied_kg": embodied,
        "carbon_high_kg": carbon_kg + part("high_kg"),
    }  # fmt: skip


def _relied_by_copies(compiled: Compiled, raw: Mapping[str, Floats], chosen: NDArray[np.int64]) -> set[int]:
    members = compiled.mechanisms.by_copy
    made = raw["copy"]
    pairs = zip(members.row.tolist(), members.column.tolist(), strict=True)
    return {int(chosen[s]) for c, s in pairs if made[c] > 0 and chosen[s] >= 0}


def _any_known(known: NDArray[np.bool_], slot: NDArray[np.int64]) -> bool:
    return bool(known[slot].any())


def _total(
    compiled: Compiled, found: tuple[Values, dict[str, Floats]], metric: str, known: NDArray[np.bool_],
    slot: NDArray[np.int64],
) -> float | None:  # fmt: skip
    """Return the sum over slots whose figure is known, and moves away from today; None if none of those used is."""
    if not _any_known(known, slot):
        return None
    values, raw = found
    return float(by_slot(compiled, values, metric)[known].sum()) + moving(compiled, raw, metric)


def _partial_warnings(compiled: Compiled, slot: NDArray[np.int64]) -> tuple[str, ...]:
    """Say which totals leave placements out; that of carbon is told by `carbon_unknown_share`."""
    told = []
    for name, known in (("energy_kwh", compiled.known.energy), ("water_l", compiled.known.water)):
        out = int((~known[slot]).sum())
        if 0 < out < len(slot):
            told.append(f"{name} leaves out {out} of {len(slot)} placements, which have no figure")
    return tuple(told)


def _profile_warnings(compiled: Compiled, slot: NDArray[np.int64]) -> tuple[str, ...]:
    """Name the throughput profile behind every placed workload that leaves open which of its model's it means."""
    speeds, slots = compiled.speeds, compiled.problem.slots
    by_profile: dict[str, list[str]] = {}
    for w in np.unique(slots.workload[slot][~slots.is_endpoint[slot]]).tolist():
        workload = compiled.world.instance.workloads[w]
        runs = workload.runs
        profile = speeds.of(workload).profile
        if profile is not None and runs.profile is None and (runs.input_tokens is None or runs.output_tokens is None):
            by_profile.setdefault(profile, []).append(workload.id)
    return tuple(
        f"throughput profile {profile}, the default of its model, is taken for {', '.join(names[:WORKLOADS_NAMED])}"
        + (f" and {len(names) - WORKLOADS_NAMED} more" if len(names) > WORKLOADS_NAMED else "")
        for profile, names in by_profile.items()
    )


def _idle_warnings(compiled: Compiled, slot: NDArray[np.int64]) -> tuple[str, ...]:
    """Name the jobs whose gangs leave devices of their machines idle, with how many of how many work."""
    world, slots = compiled.world, compiled.problem.slots
    told: dict[str, None] = {}
    for w, offer in dict.fromkeys(zip(slots.workload[slot].tolist(), slots.offer[slot].tolist(), strict=True)):
        job = world.instance.workloads[w]
        if not isinstance(job, Job) or job.gang_devices is None:
            continue
        held = float(Gang.of_job(world, job).instances[offer] * world.column("counted_devices")[offer])
        if held > job.gang_devices * (1 + WHOLE):
            where = f"{world.text('sku')[offer]} in {world.text('region_id')[offer]}"
            told[f"a gang of {job.id} works on {job.gang_devices} of the {held:g} devices it pays for ({where})"] = None
    return tuple(told)


def _carried_warnings(rows: Iterable[Copy | Transfer | Move]) -> tuple[str, ...]:
    """Say how many copies, reads and moves are sent from regions whose grid is unknown."""
    unknown = sum(row.carbon_kg is None for row in rows)
    if not unknown:
        return ()
    return (f"network carbon of {unknown} copies, reads and moves is not known and counts 0",)


def _staying_warnings(copies: Iterable[Copy]) -> tuple[str, ...]:
    """Name the copies that stay where they lie at a price that nobody has."""
    return tuple(
        f"{row.size_gb:,.10g} GB of {row.dataset} stay in {row.region_id}: the price of storing them there is not "
        "known and counts 0"
        for row in copies
        if row.cost_usd is None and row.size_gb
    )


def _declared_warnings(compiled: Compiled, slot: NDArray[np.int64]) -> tuple[str, ...]:
    """Name the instance's own statements that the residency of placed endpoints rests on, with their citation."""
    by = compiled.world.text("declared_by")[compiled.problem.slots.offer[slot]]
    stated = compiled.world.instance.catalogue.endpoint_resources
    told = []
    for name in sorted(set(by) - {""}):
        sources = [d.citation for k, d in enumerate(stated) if f"endpoint_resources[{k}]" in name and d.citation]
        source = f" ({'; '.join(sources)})" if sources else ""
        count = int((by == name).sum())
        told.append(f"where the endpoints of {count} placements sit or process is stated by {name}{source}")
    return tuple(told)


def _price_warnings(compiled: Compiled, slot: NDArray[np.int64]) -> tuple[str, ...]:
    world = compiled.world
    age = world.column("price_age_days")[compiled.problem.slots.offer[slot]]
    oldest = world.instance.catalogue.max_price_age_days
    stale = np.nan_to_num(age) > oldest
    if not stale.any():
        return ()
    on = world.instance.laws.as_of or world.instance.horizon.start
    worst = int(age[stale].max())
    return (f"{int(stale.sum())} placements use prices older than {oldest} days on {on}, the oldest {worst}",)
