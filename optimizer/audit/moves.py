"""Moves of jobs between regions: stated, missing, and what carrying the checkpoint costs whom, where and when."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from optimizer.audit.carried import sent_kg
from optimizer.audit.facts import Region
from optimizer.audit.findings import Findings
from optimizer.audit.lines import Ledger, usable_hours
from optimizer.audit.world import World
from optimizer.instance.workloads import Job
from optimizer.plan.models import Plan
from optimizer.plan.rows import Move


@dataclass(frozen=True)
class Carried:
    """A checkpoint carried to another region at the start of a period: egress, billed by its source, and carbon."""

    job: Job
    source: Region
    period: int
    usd: float
    kg: float | None = 0.0


def check_moves(ledger: Ledger, plan: Plan, findings: Findings) -> list[Carried]:
    """Check the moves that the plan states and return all that it makes, those it leaves out included."""
    world = ledger.world
    made: list[Carried] = []
    stated: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for k, row in enumerate(plan.moves):
        where = f"moves[{k}] {row.job}"
        findings.checked["moves"] += 1
        job = world.workloads.get(row.job)
        source, target = world.region(row.source), world.region(row.target)
        period = world.calendar.index.get(row.period)
        if not isinstance(job, Job) or source is None or target is None or period is None:
            findings.add("unknown_id", where, "no such job, region or period", found=f"{row.source} to {row.target}")
            continue
        if not job.may_move:
            findings.add("move", where, "the job may not move", found=f"{source.id} to {target.id}")
        usd = egress_usd(world, job, source, target)
        if usd is None:
            findings.add("missing_egress_price", where, f"no price from {source.id} to {target.id}")
            continue
        if job.checkpoint_gb is not None:
            findings.stated("statement", where, "checkpoint in GB", expected=job.checkpoint_gb, found=row.gb,
                            cell="moves.gb")  # fmt: skip
        findings.stated("cost", where, "egress of the checkpoint", expected=usd, found=row.cost_usd,
                        cell="moves.cost_usd")  # fmt: skip
        kg = sent_kg(world, source, job.checkpoint_gb or 0.0)
        if kg is not None:
            findings.stated("carbon", where, "network carbon of the checkpoint", expected=kg, found=row.carbon_kg,
                            cell="moves.carbon_kg")  # fmt: skip
        stated[job.id].append((period, source.id, target.id))
        made.append(Carried(job, source, period, usd, kg))
    for workload in world.instance.workloads:
        # gangs side by side are independent of each other: none of them follows the others
        if isinstance(workload, Job) and workload.may_move and workload.max_gangs == 1:
            made += _unstated(ledger, workload, sorted(stated.get(workload.id, [])), findings)
    return made


def egress_usd(world: World, job: Job, source: Region, target: Region) -> float | None:
    """Return what carrying the job's checkpoint costs; None without a price."""
    gb = job.checkpoint_gb or 0.0
    price = world.egress_usd_per_gb(source, target) if gb else 0.0
    return None if price is None else price * gb


def missing_moves(ledger: Ledger, job: Job, moves: list[Move], findings: Findings) -> list[Carried]:
    """Return the moves that a job of one gang makes besides those given."""
    world = ledger.world
    stated = []
    for row in moves:
        period = world.calendar.index.get(row.period)
        source, target = world.region(row.source), world.region(row.target)
        if period is not None and source is not None and target is not None:
            stated.append((period, source.id, target.id))
    return _unstated(ledger, job, sorted(stated), findings)


def _unstated(ledger: Ledger, job: Job, stated: list[tuple[int, str, str]], findings: Findings) -> list[Carried]:
    """Follow a job from region to region; each change must be a chain of stated moves, else it is missing."""
    world, missing = ledger.world, []
    runs = {line.period: line.region for line in ledger.by_workload.get(job.id, []) if line.row.instances > 0}
    at: Region | None = None
    before: int | None = None
    for t in sorted(runs):
        paused = range(t if before is None else before + 1, t)
        if any(usable_hours(world, job, k) > 0 for k in paused):
            findings.note(f"where the checkpoint of {job.id} lies while it pauses was not judged, only its way")
        before = t
        if at is not None and runs[t].id != at.id:
            here = at.id
            for period, source, target in stated:
                if period <= t and source == here:
                    here = target
            if here != runs[t].id:
                findings.add("move", f"{job.id} in {world.calendar.ids[t]}", "changes region without a move",
                             expected=f"{at.id} to {runs[t].id}")  # fmt: skip
                kg = sent_kg(world, at, job.checkpoint_gb or 0.0)
                missing.append(Carried(job, at, t, egress_usd(world, job, at, runs[t]) or 0.0, kg))
            stated = [move for move in stated if move[0] > t]
        at = runs[t]
    return missing
