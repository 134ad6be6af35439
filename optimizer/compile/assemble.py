"""From an instance to a `Problem`: the world, what is eligible, and every table of the formulation."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from formulations.build import paused_gc
from formulations.labels import Labels
from formulations.problem import Mechanisms, Presence, Problem, Regions
from optimizer.compile import inputs
from optimizer.compile.budgets import build_budgets
from optimizer.compile.coefficients import Known
from optimizer.compile.collected import NoOption
from optimizer.compile.columns import distinct
from optimizer.compile.datasets import CopyLack, DatasetTable, build_datasets
from optimizer.compile.effort import MOST_STEPS, limited
from optimizer.compile.eligibility import Eligibility
from optimizer.compile.estimates import with_estimates
from optimizer.compile.jobs import build_moves
from optimizer.compile.labels import labels_of
from optimizer.compile.latency import WayView
from optimizer.compile.law import LawView, build_law_view
from optimizer.compile.ledger import REASONS, Ledger, LedgerRow
from optimizer.compile.mechanisms import MechanismTable, build_mechanisms
from optimizer.compile.objectives import nearest_sentence
from optimizer.compile.places import build_places
from optimizer.compile.policies import build_presence, build_shares, build_survival
from optimizer.compile.pools import PoolView, build_pools, view_pools
from optimizer.compile.purchases import PurchaseTable, build_purchases
from optimizer.compile.relocations import RelocationTable, Today, build_relocations
from optimizer.compile.scaled import Scaled, with_scaled
from optimizer.compile.slots import SlotTables, build_slots, collect_options, limit_instances
from optimizer.compile.speed import SpeedView, endpoints_of
from optimizer.compile.stages import Stages
from optimizer.compile.untouched import untouched, untouched_by, warnings_of
from optimizer.compile.world import World, resolve_world
from optimizer.errors import InfeasibleError
from optimizer.instance.models import Instance
from optimizer.instance.plausible import implausible

if TYPE_CHECKING:
    from optimizer.compile.wanting import Wanting

REASONS_SHOWN = 8
log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A problem with everything needed to read its solution and to say why something is not in it."""

    problem: Problem
    world: World
    ledger: Ledger
    law_view: LawView
    pools: PoolView
    tables: SlotTables
    datasets: DatasetTable
    mechanisms: MechanismTable
    relocations: RelocationTable
    purchases: PurchaseTable
    speeds: SpeedView
    stages: Stages
    warnings: tuple[str, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def known(self) -> Known:
        """For which slots carbon, energy and water are known."""
        return self.tables.known

    @cached_property
    def labels(self) -> Labels:
        """What periods, streams, offers and places are called: `build_model(problem, labels)` names its components."""
        return labels_of(self.world, self.tables)

    @cached_property
    def wanting(self) -> tuple[Wanting, ...]:
        """What is out only for want of a figure, by figure and rule, most options first."""
        from optimizer.compile.wanting import wanting_of

        return wanting_of(self.ledger, self.datasets.ledger, self.world)

    @property
    def stream_ids(self) -> tuple[str, ...]:
        """Name of every stream within its service."""
        return self.tables.stream_ids


class NothingEligibleError(InfeasibleError):
    """A stream or job that must be served has no eligible option, or a copy that must exist has no place.

    `lines` say who and why, `rows` are the ledger's counts for those concerned; `ledgers` of offers and of regions for
    copies; `asked_by` are the ids of the rules that ask for copies that nothing can hold.
    """

    def __init__(
        self, lines: tuple[str, ...], rows: tuple[LedgerRow, ...], world: World, ledgers: tuple[Ledger, Ledger],
        asked_by: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        super().__init__("\n".join(lines))
        self.lines, self.rows, self.world, self.ledgers = lines, rows, world, ledgers
        self.asked_by = asked_by


@paused_gc()
def compile_instance(
    instance: Instance,
    base_dir: Path | str | None = None,
    *,
    carbon_counts: bool = False,
    every_option: bool = False,
    most_steps: float = MOST_STEPS,
    earlier: Stages | None = None,
    checked: bool = False,
    estimated: Collection[str] = (),
    scaled: Scaled | None = None,
) -> Compiled:
    """Compile an instance; a catalogue folder it names lies in `base_dir`, by default `instance.folder`.

    `carbon_counts`: options that differ in carbon alone are all kept, for a second solve that minimises it.
    `every_option`: dominated options are kept, and the presence of every workload in every region is decided, for rules
    of one's own.
    `most_steps`: how large an instance may be (see `effort`).
    `earlier`: the stages of another instance compiled; what reads the same is taken over, what comes out is the same.
    `checked`: the names that only catalogue and law pack know were looked up already.
    `estimated`: figures (reasons of the ledger) in whose place, where they are missing, estimates stand: `estimates`.
    `scaled`: a figure that is another than stated.

    Raises
    ------
    InputError
        The instance asks for something that the catalogue or the law pack does not know, or is too large.
    NothingEligibleError
        Something that must be served has no eligible option at all.
    """
    stages = Stages(earlier)
    with limited(most_steps) as spent, stages.lock:
        compiled = _compiled(
            instance, base_dir, stages, carbon_counts=carbon_counts, every_option=every_option, checked=checked,
            estimated=estimated, scaled=scaled,
        )  # fmt: skip
    log.info("compiled in %d steps: %s", spent.total(), dict(spent))
    return compiled


def _compiled(
    instance: Instance, base_dir: Path | str | None, stages: Stages, *, carbon_counts: bool, every_option: bool,
    checked: bool, estimated: Collection[str] = (), scaled: Scaled | None = None,
) -> Compiled:  # fmt: skip
    timings: dict[str, float] = {}
    clock = _Clock(timings)
    world = resolve_world(instance, base_dir, stages, checked=checked)
    if estimated:
        world = with_estimates(world, estimated)
    if scaled is not None:
        world = with_scaled(world, scaled)
    clock.lap("world")
    law = build_law_view(world, stages)
    pools = stages.get("pools", inputs.of_pools(world), lambda: view_pools(world))
    speeds = stages.get("speeds", inputs.of_speeds(world), lambda: SpeedView(world))
    ways = stages.get("ways", inputs.of_ways(world), lambda: WayView(world))
    clock.lap("views")
    parts = stages.get(
        "options", inputs.of_options(world, law, pools),
        lambda: collect_options(world, Eligibility(world, law, pools, speeds, ways)),
    )  # fmt: skip
    clock.lap("options")
    unlimited, ledger = stages.get(
        "slots", (*inputs.of_slots(world, parts), carbon_counts, every_option),
        lambda: build_slots(world, parts, carbon_counts=carbon_counts, keep_dominated=every_option),
    )  # fmt: skip
    tables = stages.get("instances", (unlimited, pools.most), lambda: limit_instances(unlimited, pools))
    clock.lap("slots")
    slots, flows, services, jobs = tables.slots, tables.flows, tables.services, tables.jobs
    datasets = stages.get(
        "datasets", inputs.of_datasets(world, law, tables),
        lambda: build_datasets(world, law, slots, flows, services),
    )  # fmt: skip
    _raise_if_nothing_eligible(tables, datasets, ledger, world)
    which = stages.get("which", inputs.of_which(tables), lambda: tables)
    copies = datasets.problem.ids, datasets.problem.copy_dataset, datasets.copy_judgement
    mechanisms = stages.get(
        "mechanisms", (law, which, services.demand_per_s, jobs.max_gangs, copies),
        lambda: build_mechanisms(
            world, law, slots=slots, flows=flows, services=services, jobs=jobs, datasets=datasets
        ),
    )  # fmt: skip
    clock.lap("law_and_data")
    moves = build_moves(world, jobs, slots)
    relocations = build_relocations(world, Today(world), slots)
    purchases = build_purchases(world, slots, jobs)
    presence = build_presence(world, slots, of_all=every_option)
    problem = Problem(
        workload_ids=tuple(workload.id for workload in instance.workloads),
        period_hours=world.period_hours,
        regions=_regions(world),
        services=services,
        jobs=jobs,
        slots=slots,
        flows=flows,
        presence=presence if every_option else _with_real_bounds(presence, len(world.regions)),
        pools=stages.get("pool rows", (pools, which), lambda: build_pools(pools, slots, flows, len(world.periods))),
        datasets=datasets.problem,
        mechanisms=mechanisms.problem if len(mechanisms.problem.bound) or mechanisms.info else Mechanisms(),
        budgets=build_budgets(
            world, slots, datasets, jobs=jobs, moves=moves, relocations=relocations.problem, purchases=purchases
        ),
        shares=stages.get("shares", inputs.of_shares(world, which), lambda: build_shares(world, slots)),
        survival=build_survival(world),
        moves=moves,
        relocations=relocations.problem,
        places=build_places(world, presence),
        purchases=purchases.problem,
        carbon_price_usd_per_kg=instance.carbon.price_usd_per_tonne / 1000.0,
    )
    unlikely = implausible(instance, world.catalogue, stages.of_part)
    without_effect = warnings_of([*untouched(world), *untouched_by(problem, world, ledger)], world)
    clock.lap("limits")
    stages.close()
    return Compiled(
        problem, world, ledger, law, pools, tables, datasets, mechanisms, relocations, purchases, speeds,
        stages,
        (*unlikely, *world.warnings, *law.warnings, *relocations.warnings, *without_effect), timings,
    )  # fmt: skip


class _Clock:
    """Writes seconds since the last lap under a name."""

    def __init__(self, timings: dict[str, float]) -> None:
        self._timings, self._last = timings, time.perf_counter()

    def lap(self, name: str) -> None:
        """Record the seconds since the last lap."""
        now = time.perf_counter()
        self._timings[name] = now - self._last
        self._last = now


def _regions(world: World) -> Regions:
    def labels(column: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.unique(world.regions[column].to_numpy(dtype=str), return_inverse=True)[1].astype(np.int64)

    ids = tuple(world.regions.region_id)
    fixed = np.nan_to_num(world.regions.fixed_usd_per_hour.to_numpy(dtype=float)) * world.total_hours
    inline = "field:catalogue.inline.regions[id={}].fixed_usd_per_hour"
    own = world.instance.catalogue.fixed_usd_per_hour
    named = ids if world.catalogue is None else tuple(region if region in own else "*" for region in ids)
    stated = inline if world.catalogue is None else "field:catalogue.fixed_usd_per_hour[id={}]"
    return Regions(
        ids=ids,
        country=labels("country"),
        metro=labels("metro"),
        provider=labels("provider"),
        fixed_usd=fixed,
        charged_by=tuple((stated.format(name),) if usd else () for name, usd in zip(named, fixed, strict=True)),
    )


def _with_real_bounds(presence: Presence, regions: int) -> Presence:
    """Keep the bounds that bind anything: a workload without one has presences only where a fixed cost is charged."""
    real = (presence.min_regions > 0) | (presence.max_regions < regions) | presence.is_backed
    return replace(
        presence,
        bounded_workload=presence.bounded_workload[real],
        min_regions=presence.min_regions[real],
        max_regions=presence.max_regions[real],
        most_by=tuple(presence.most_by[row] for row in np.flatnonzero(real).tolist()),
        is_backed=presence.is_backed[real],
    )


def _raise_if_nothing_eligible(
    tables: SlotTables, datasets: DatasetTable, ledger: Ledger, world: World
) -> None:
    lines: list[str] = []
    rows: list[LedgerRow] = []
    for lack in tables.no_option:
        counts = [row for row in ledger.counts(lack.workload, lack.stream) if row.offers]
        rows.extend(counts)
        lines.extend(explain_lack(lack, counts, ledger, world))
    lines.extend(_too_few_regions(tables, world))
    for copies in datasets.impossible:
        out = [row for row in datasets.ledger.counts(copies.dataset, among=copies.regions) if row.offers]
        rows.extend(row for row in out if row not in rows)
        lines.extend(explain_copies(copies, out))
    if lines:
        asked_by = tuple(dict.fromkeys(copies.rule for copies in datasets.impossible))
        raise NothingEligibleError(tuple(lines), tuple(rows), world, (ledger, datasets.ledger), asked_by)


def _too_few_regions(tables: SlotTables, world: World) -> list[str]:
    """Return a sentence per workload that must be in more regions than it has options in."""
    count = max(len(world.regions), 1)
    workloads = len(world.instance.workloads)
    pairs = distinct(tables.slots.workload * count + tables.slots.region, workloads * count)
    there = np.bincount(pairs // count, minlength=workloads)
    return [
        f"workload {workload.id} needs min_regions {workload.min_regions}, its eligible options lie in {int(there[w])}"
        for w, workload in enumerate(world.instance.workloads)
        if workload.min_regions > 1 and there[w] < workload.min_regions
    ]


def explain_lack(lack: NoOption, counts: list[LedgerRow], ledger: Ledger, world: World) -> list[str]:
    """Return sentences that say who has no eligible option and how many offers each reason rules out.

    Reasons that stand alone between an offer and the workload come first: they are what to reconsider.
    """
    who = f"workload {lack.workload}" + (f", stream {lack.stream}" if lack.stream is not None else "")
    when = "" if len(lack.periods) == len(world.periods) else f" in {', '.join(lack.periods[:5])}"
    shut = sum(ledger.closed.values())
    lines = [f"{who} has no eligible option{when}; all {ledger.size} open offers are ruled out (some more than once)"]
    for row in sorted(counts, key=lambda row: (-row.alone, -row.offers))[:REASONS_SHOWN]:
        rule = f" ({row.rule})" if row.rule else ""
        part = " in some periods" if row.partial else ""
        alone = f", {row.alone} by this alone" if row.alone else ""
        lines.append(f"    {row.offers}: {REASONS[row.reason]}{rule}{part}{alone}")
    if shut:
        most_first = sorted(ledger.closed.items(), key=lambda item: -item[1])
        kinds = ", ".join(f"{count} {reason}" for (reason, _), count in most_first)
        lines.append(f"    besides, {shut} offers are shut for every workload: {kinds}")
        lines.extend(_shut_endpoints(lack.workload, world))
    workload = next(one for one in world.instance.workloads if one.id == lack.workload)
    near = nearest_sentence(workload.runs, SpeedView(world).of(workload).nearest)
    if near is not None:
        lines.append(f"    {near}")
    if ledger.size and not any(row.alone for row in counts):
        lines.append("    no open offer fails for one reason alone: at least two rules keep each of them out")
    return lines


def explain_copies(lack: CopyLack, counts: list[LedgerRow]) -> list[str]:
    """Return sentences that say which copies cannot be made and how many regions each reason rules out."""
    total = int(lack.regions.sum())
    lines = [f"dataset copy: {lack.sentence}; ruled out of the {total} regions that would do (some more than once)"]
    for row in sorted(counts, key=lambda row: (-row.alone, -row.offers))[:REASONS_SHOWN]:
        alone = f", {row.alone} by this alone" if row.alone else ""
        lines.append(f"    {row.offers}: {REASONS[row.reason]}{f' ({row.rule})' if row.rule else ''}{alone}")
    return lines if counts else [f"dataset copy: {lack.sentence}"]


def _shut_endpoints(name: str, world: World) -> list[str]:
    """Return a sentence on shut endpoints that serve the workload's models, if it may use endpoints."""
    workload = next(w for w in world.instance.workloads if w.id == name)
    if world.catalogue is None or "endpoint" not in workload.runs.via:
        return []
    serving = world.catalogue.endpoints[endpoints_of(world.catalogue.endpoints, workload, world.catalogue)]
    shut = world.closed[world.closed.endpoint.isin(serving.index)].reason.value_counts()
    if shut.empty:
        return []
    kinds = ", ".join(f"{count} {reason}" for reason, count in shut.items())
    unknown = {"endpoint_region_unknown", "endpoint_scope_unspecified", "endpoint_outside_scope"} & set(shut.index)
    advice = "; catalogue.endpoint_resources declares where resources sit and process" if unknown else ""
    return [f"    among these are {int(shut.sum())} endpoints of the workload's models: {kinds}{advice}"]
