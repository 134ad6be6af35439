"""The legal register, the shares that rest on doubtful figures, and the versions behind a plan."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.assemble import Compiled
from optimizer.compile.judgements import Judgement
from optimizer.compile.ledger import Ledger, LedgerRow
from optimizer.compile.world import World
from optimizer.instance.models import Instance
from optimizer.instance.workloads import Service
from optimizer.laws.remarks import together
from optimizer.plan.legal_rows import LegalEntry
from optimizer.plan.placements import DOUBTFUL, WEAK, Doubts, Lines
from optimizer.plan.rows import Copy, DataQuality, Ineligible, MechanismUse, Placement

ESTIMATED_RTT = "estimated_rtt"
LAW_REASONS = ("law_forbids", "law_no_mechanism", "law_approval_missing", "accelerator_export")
PACKAGES = ("domicile", "pyomo", "highspy", "numpy", "pandas", "scipy", "pydantic")
EVERY_WORKLOAD = "*"
"""Workload of ineligible rows that hold for all: what the catalogue settings shut."""


def legal_register(
    compiled: Compiled, placements: Sequence[Placement], copies: Sequence[Copy], mechanisms: Sequence[MechanismUse],
    unreviewed: Iterable[str], *, ineligible: Sequence[Ineligible], obligations: Mapping[str, tuple[str, ...]],
) -> tuple[LegalEntry, ...]:  # fmt: skip
    """Return one entry per law that forbids an option, asked for a mechanism, or bears on a placement or copy.

    What a law `decided` is counted in options that it alone keeps out, since most options fail for several reasons.
    """
    pack = compiled.world.laws
    if pack is None:
        return ()
    forbade: dict[str, int] = {}
    closed: dict[str, int] = {}
    for shut in ineligible:
        if shut.reason in LAW_REASONS and shut.rule is not None:
            told = forbade if shut.dataset is None else closed
            told[shut.rule] = told.get(shut.rule, 0) + shut.alone
    bears: dict[str, int] = {}
    for laws in (*(p.laws for p in placements), *((*c.laws, *c.duty) for c in copies)):
        for law in dict.fromkeys(laws):
            bears[law] = bears.get(law, 0) + 1
    asked: dict[str, dict[str, None]] = {}
    for use in mechanisms:
        for law in use.laws:
            asked.setdefault(law, {})[use.mechanism] = None
    doubtful = set(unreviewed)
    overridden = {override.law for override in compiled.world.instance.legal_assertions.overrides}
    entries = []
    for law in sorted({*forbade, *closed, *bears, *asked}):
        if law not in pack.laws:
            continue
        row = pack.law(law)
        parts = [_alone("forbids", forbade[law], "options")] if law in forbade else []
        parts += [_alone("closes", closed[law], "regions to copies")] if law in closed else []
        parts += [f"required mechanism {', '.join(asked[law])}"] if law in asked else []
        flags = {
            "weak": row.confidence.startswith(WEAK),
            "unreviewed": law in doubtful or not row.reviewed,
            "overridden": law in overridden,
            "advisory": row.status.startswith("guidance"),
            "overdue": row.overdue(known_on(compiled.world.instance)),
            "own": row.own,
        }
        entries.append(
            LegalEntry(
                law=law,
                jurisdiction="|".join(row.jurisdictions),
                instrument=row.instrument,
                provision=row.provision,
                citation=row.citation,
                confidence=row.confidence,
                status=row.status,
                in_force_from=row.in_force_from,
                review_by=row.review_by,
                decided="; ".join(parts) or "free",
                placements=bears.get(law, 0),
                obligations=(*obligations.get(law, ()), *(duty.told for duty in pack.laws[law].trigger.duties)),
                flags=tuple(name for name, holds in flags.items() if holds),
            )
        )
    return tuple(entries)


def known_on(instance: Instance) -> date:
    """Return the day as of which a plan knows the law: `laws.as_of`, else the start of the horizon."""
    return instance.laws.as_of or instance.horizon.start


def overdue_warning(register: Sequence[LegalEntry], on: date) -> tuple[str, ...]:
    """Return a warning that names the laws of a register whose rows somebody was to look at again before a day."""
    late = [f"{entry.law} ({entry.review_by})" for entry in register if "overdue" in entry.flags]
    if not late:
        return ()
    return (f"laws whose rows were to be reviewed before {on}, and may be out of date: {', '.join(late)}",)


def _alone(verb: str, alone: int, what: str) -> str:
    """Return what a law excludes that no other rule does."""
    return f"alone {verb} {alone} {what}" if alone else f"{verb} {what} that other rules exclude as well"


def deletion_obligations(
    compiled: Compiled, placements: Sequence[Placement], relies_on: Sequence[tuple[int, ...]]
) -> dict[str, tuple[str, ...]]:
    """Return by law what must be deleted abroad, within how many hours, at which placements.

    `relies_on`: for each placement the mechanisms it relies on, as positions in the mechanism table's `info`. Those
    that state `max_retention_hours` bear the data for that long and no longer.
    """
    pack = compiled.world.laws
    if pack is None:
        return {}
    places: dict[tuple[str, str, str], dict[str, None]] = {}
    for placement, relied in zip(placements, relies_on, strict=True):
        for one in (compiled.mechanisms.info[m] for m in relied):
            hours = pack.mechanisms[one.key.mechanism].max_retention_hours
            if hours is None:
                continue
            duty = f"deleted abroad within {hours:g} h ({one.key.mechanism})"
            for law in (law for law in one.laws if law in placement.laws):
                at = f"{placement.region_id} ({placement.country})"
                places.setdefault((law, placement.workload, duty), {})[at] = None
    found: dict[str, tuple[str, ...]] = {}
    for (law, workload, duty), there in places.items():
        found[law] = (*found.get(law, ()), f"{workload} at {', '.join(there)}: {duty}")
    return found


def deletion_warnings(compiled: Compiled, placements: Sequence[Placement]) -> tuple[str, ...]:
    """Name the jobs that work abroad for longer than a mechanism they rely on bears their data there.

    Retention is what the instance states; a job reads its data for as long as it works.
    """
    pack = compiled.world.laws
    if pack is None:
        return ()
    hours: dict[tuple[str, str, str], float] = {}
    for row in placements:
        if row.work_units is None or not row.instances:
            continue
        for name in row.mechanisms:
            key = row.workload, row.region_id, name
            hours[key] = hours.get(key, 0.0) + (row.instance_hours or 0.0) / row.instances
    found = []
    for (workload, region, name), worked in hours.items():
        limit = pack.mechanisms[name].max_retention_hours
        if limit is not None and worked > limit:
            bears = f"{name}, which bears its data there for {limit:g} h: they must go and come in between"
            found.append(f"{workload} works {worked:g} h in {region} under {bears}")
    return tuple(found)


def data_quality(compiled: Compiled, lines: Lines) -> tuple[DataQuality, ...]:
    """Return, per doubtful quality, the share of cost and of known carbon whose price, speed or environment has it.

    A row that rests on figures of two qualities counts under both. `estimated_rtt` is the share placed within a
    round-trip limit by an estimate.
    """
    doubts, slots = Doubts(compiled), compiled.problem.slots
    pairs = zip(slots.workload[lines.slot].tolist(), slots.offer[lines.slot].tolist(), strict=True)
    carbon = np.nan_to_num(lines.carbon_kg)
    by_estimate = estimated_round_trips(compiled, lines)
    cost_by: dict[str, float] = {}
    carbon_by: dict[str, float] = {}
    for k, (w, o) in enumerate(pairs):
        for quality in doubts.cost(w, o):
            cost_by[quality] = cost_by.get(quality, 0.0) + float(lines.cost_usd[k])
        for quality in doubts.carbon(w, o):
            carbon_by[quality] = carbon_by.get(quality, 0.0) + float(carbon[k])
    cost_by[ESTIMATED_RTT] = float(lines.cost_usd[by_estimate].sum())
    carbon_by[ESTIMATED_RTT] = float(carbon[by_estimate].sum())
    cost, kg = float(lines.cost_usd.sum()), float(carbon.sum())
    return tuple(
        DataQuality(
            quality=quality,
            cost_share=cost_by.get(quality, 0.0) / cost if cost > 0 else None,
            carbon_share=carbon_by.get(quality, 0.0) / kg if kg > 0 else None,
        )
        for quality in (*DOUBTFUL, "stale_price", ESTIMATED_RTT)
    )


def estimated_round_trips(compiled: Compiled, lines: Lines) -> NDArray[np.bool_]:
    """Return which lines serve a stream with a round-trip limit over an estimated round trip; [lines]."""
    world, problem = compiled.world, compiled.problem
    streams = [s for w in world.instance.workloads if isinstance(w, Service) for s in w.streams]
    region = problem.slots.region[lines.slot]
    found = np.zeros(len(lines.slot), dtype=bool)
    for k in np.flatnonzero(lines.flow >= 0).tolist():
        stream = streams[int(problem.flows.stream[lines.flow[k]])]
        if stream.max_rtt_ms is not None:
            found[k] = world.network.user_rtt([stream.origin])[1][0][region[k]] == "estimated"
    return found


def carbon_unknown_share(compiled: Compiled, lines: Lines) -> float | None:
    """Return the share without a carbon figure: of device-hours for instances, of cost for endpoints.

    Where a plan has both, the two shares are weighted by cost; None when nothing runs.
    """
    slots = compiled.problem.slots
    if not len(lines.slot):
        return None
    endpoint = slots.is_endpoint[lines.slot]
    devices = compiled.world.column("counted_devices")[slots.offer[lines.slot]]
    unknown = np.isnan(lines.carbon_kg)
    hours = np.where(endpoint, 0.0, devices * lines.instance_hours)
    cost = np.where(endpoint, lines.cost_usd, 0.0)
    shares = [float(a[unknown].sum() / a.sum()) if a.sum() > 0 else 0.0 for a in (hours, cost)]
    total = float(lines.cost_usd.sum())
    weight = float(cost.sum()) / total if total > 0 else 0.0
    return shares[0] * (1 - weight) + shares[1] * weight


def unmodelled_laws(compiled: Compiled) -> tuple[str, ...]:
    """Return the laws that could touch some eligible option and have no effect on it yet."""
    law, slots, flows = compiled.law_view, compiled.problem.slots, compiled.problem.flows
    found: dict[str, None] = {}
    of_stream = np.full(len(compiled.stream_ids), -1, dtype=np.int64)
    of_job = np.full(len(compiled.problem.workload_ids), -1, dtype=np.int64)
    for table_of, activities in ((of_stream, law.of_stream), (of_job, law.of_job)):
        for position, k in activities.items():
            table_of[position] = law.signature(k)
    working = np.flatnonzero(slots.is_job)
    signature = np.concatenate([of_stream[flows.stream], of_job[slots.workload[working]]])
    slot = np.concatenate([flows.slot, working])
    order = np.argsort(signature, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(signature[order])) + 1) if len(order) else ():
        at = slot[part]
        judged, table = law.judgement_at(int(signature[part[0]]), slots.offer[at], slots.period[at])
        for k in np.unique(judged).tolist():
            found.update(dict.fromkeys(table[k].unmodelled))
    for judgement in compiled.datasets.copy_judgement:
        found.update(dict.fromkeys(judgement.unmodelled))
    return tuple(sorted(found))


def legal_warnings(judgements: Iterable[Judgement]) -> tuple[str, ...]:
    """Return the residual risks of the placements and the conditions taken as met.

    What a law says alike of several operators, regions or chips is one sentence that names them all.
    """
    risks: dict[str, None] = {}
    conditions: dict[str, None] = {}
    for judgement in {id(j): j for j in judgements}.values():
        risks.update(dict.fromkeys(judgement.risks))
        conditions.update(dict.fromkeys(judgement.conditions))
    return (
        *(f"residual risk: {risk}" for risk in together(risks)),
        *(f"condition taken as met: {text}" for text in together(conditions)),
    )


def ineligible_rows(ledger: Ledger, at_rest: Ledger) -> tuple[Ineligible, ...]:
    """Return the counts of both ledgers, of offers and of regions for datasets at rest.

    What the catalogue settings shut for everybody comes first, under workload `*`.
    """
    shut = [
        Ineligible(workload=EVERY_WORKLOAD, reason=reason, rule=rule, options=count)
        for (reason, rule), count in ledger.closed.items()
    ]
    found = (
        Ineligible(
            workload=None if one is at_rest else out.workload,
            stream=out.stream,
            dataset=out.workload if one is at_rest else None,
            reason=out.of.reason,
            rule=out.of.rule,
            options=out.options,
            alone=out.alone,
        )
        for one in (ledger, at_rest)
        for out in one.out()
    )
    return (*shut, *found)


def ineligible_row(row: LedgerRow) -> Ineligible:
    """Return a row of a ledger as the plan tells it."""
    return Ineligible(
        workload=None if row.dataset is not None else row.workload,
        stream=row.stream,
        dataset=row.dataset,
        reason=row.reason,
        rule=row.rule,
        options=row.offers,
        alone=row.alone,
    )


def versions_of(world: World) -> dict[str, str]:
    """Return the versions of everything that can change a result."""
    found = {"python": platform.python_version(), **_package_versions()}
    found["catalogue"] = world.catalogue.version if world.catalogue is not None else "inline"
    found["laws"] = world.laws.version if world.laws is not None else "none"
    return found


@cache
def _package_versions() -> Mapping[str, str]:
    """Return the versions of the packages; each is read from the metadata of its installation, which takes a while."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            import optimizer

            found[name] = optimizer.__version__ if name == "domicile" else "unknown"
    return MappingProxyType(found)
