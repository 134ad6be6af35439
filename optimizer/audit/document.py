"""The plan as a document: whose it is, what its status claims, and whether the ids it repeats exist."""

from __future__ import annotations

from typing import Any

from optimizer.audit.desk import Desk
from optimizer.audit.findings import Findings, close
from optimizer.audit.world import World
from optimizer.instance.identity import instance_sha256
from optimizer.plan.models import Plan

TOTAL = "the plan"


def check_document(world: World, plan: Plan, desk: Desk, findings: Findings) -> None:
    """Check hashes, horizon, status and the ids of laws and assertions."""
    _check_identity(world, plan, desk, findings)
    _check_status(plan, findings)
    _check_horizon(world, plan, findings)
    _check_assertions(world, plan, findings)
    for k, row in enumerate(plan.placements):
        unknown = [law for law in row.laws if law not in desk.pack.laws]
        if unknown and desk.book is not None:
            findings.add("unknown_id", f"placements[{k}] {row.workload}", "no such law", found=", ".join(unknown))
    for entry in plan.legal_register:
        if entry.law not in desk.pack.laws:
            findings.add("unknown_id", f"legal_register {entry.law}", "the law pack has no such law")


def _check_identity(world: World, plan: Plan, desk: Desk, findings: Findings) -> None:
    mine = instance_sha256(world.instance)
    if plan.instance_sha256 is not None and plan.instance_sha256 != mine:
        findings.add("instance_hash", TOTAL, "was made for another instance", expected=mine, found=plan.instance_sha256)
    if plan.instance_name is not None and plan.instance_name != world.instance.name:
        findings.add("instance_hash", TOTAL, "names another instance", expected=world.instance.name,
                     found=plan.instance_name)  # fmt: skip
    if plan.laws_sha256 is not None and desk.book is not None and plan.laws_sha256 != desk.pack.sha256:
        findings.add("data_version", TOTAL, "was made with other laws", expected=desk.pack.sha256,
                     found=plan.laws_sha256)  # fmt: skip
    known = world.catalogue_sha256
    if plan.catalogue_sha256 is not None and known is not None and plan.catalogue_sha256 != known:
        findings.add("data_version", TOTAL, "was made with another catalogue", expected=known,
                     found=plan.catalogue_sha256)  # fmt: skip


def _check_status(plan: Plan, findings: Findings) -> None:
    findings.checked["status"] += 1
    if not plan.held:
        if plan.placements:
            findings.add("status", TOTAL, f"status {plan.status}, yet it has placements", found=len(plan.placements))
        if plan.objective_usd is not None:
            findings.add("status", TOTAL, f"status {plan.status}, yet it has an objective", found=plan.objective_usd)
        if plan.status == "infeasible" and plan.termination not in (None, "infeasible"):
            findings.add("status", TOTAL, "infeasible, yet it stopped for another reason", expected="infeasible",
                         found=plan.termination)  # fmt: skip
        return
    if plan.termination == "infeasible":
        findings.add("status", TOTAL, "stopped as infeasible, yet holds a plan", found=plan.status)
    if plan.status == "optimal":
        if plan.termination not in (None, "gap_reached"):
            findings.add("status", TOTAL, "optimal, yet the gap was not reached", expected="gap_reached",
                         found=plan.termination)  # fmt: skip
        if plan.objective_usd is None or plan.bound_usd is None:
            findings.add("status", TOTAL, "optimal without objective and bound")


def _check_horizon(world: World, plan: Plan, findings: Findings) -> None:
    if plan.horizon is None:
        return
    mine, stated = world.calendar, plan.horizon
    findings.checked["horizon"] += 1
    if stated.start != mine.start:
        findings.add("horizon", TOTAL, "start", expected=mine.start.isoformat(), found=stated.start.isoformat())
    same = [p.id for p in stated.periods] == list(mine.ids)
    if not same or not all(close(p.hours, h) for p, h in zip(stated.periods, mine.hours, strict=True)):
        findings.add("horizon", TOTAL, "periods", expected=len(mine.ids), found=len(stated.periods))


def _check_assertions(world: World, plan: Plan, findings: Findings) -> None:
    mine: dict[str, Any] = world.instance.legal_assertions.model_dump(mode="json")
    for name, value in plan.assertions.items():
        findings.checked["assertions"] += 1
        if name in mine and _plain(value) != _plain(mine[name]):
            findings.add("assertions", name, "is not what the instance asserts")


def _plain(value: Any) -> Any:
    """Return a value with tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
