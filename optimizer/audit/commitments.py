"""Which commitments placements say they draw on, against what each of them gives."""

from __future__ import annotations

from collections import defaultdict

from optimizer.audit.findings import Findings, close, exceeds
from optimizer.audit.lines import Ledger, Line
from optimizer.audit.world import World
from optimizer.instance.rules import Commitment
from optimizer.plan.models import Plan


def check_commitments(ledger: Ledger, plan: Plan, findings: Findings) -> None:
    """Check what every placement draws, what every commitment gives in a period, and the uses the plan states.

    A placement that names no commitment draws on the only one there is to its SKU; where there are several, those give
    together (`check_supply`), and the plan's statement of their use is not judged.
    """
    world = ledger.world
    stated = {commitment.id: commitment for commitment in world.instance.commitments}
    given: dict[tuple[str, int], float] = defaultdict(float)
    unknown: set[str] = set()
    for line in ledger.lines:
        if line.offer.purchase == "reserved":
            continue
        offered = line.offer.commitments
        if not line.row.commitments:
            if len(offered) == 1:
                given[offered[0].id, line.period] += line.row.instances
            elif line.row.instances > 0:
                unknown |= {commitment.id for commitment in offered}
            continue
        for name, count in _drawn(line, stated, findings).items():
            given[name, line.period] += count
    for (name, t), count in given.items():
        findings.checked["commitments"] += 1
        if exceeds(count, stated[name].instances):
            findings.add("commitment", f"{name} in {world.calendar.ids[t]}", "instances drawn from it",
                         expected=stated[name].instances, found=count, rule=name)  # fmt: skip
    _compare(plan, stated, given, unknown, findings)
    _check_idle(world, plan, given, unknown, findings=findings)


def _check_idle(
    world: World, plan: Plan, given: dict[tuple[str, int], float], unknown: set[str], *, findings: Findings
) -> None:
    """Compare what the plan says that idle instances cost, hour by hour."""
    stated = {one.id: one for one in world.instance.commitments}
    for k, row in enumerate(plan.commitments):
        one = stated.get(row.id)
        if one is None or row.id in unknown:
            continue
        offer = world.offer(one.region, one.sku, None, "on_demand") if one.usd_per_hour is None else None
        price = one.usd_per_hour if offer is None else world.usd_per_hour(offer)
        cost = None
        if price is not None:
            hours = enumerate(world.calendar.hours)
            cost = price * sum(h * max(0.0, one.instances - given.get((one.id, t), 0.0)) for t, h in hours)
        where, basis = f"commitments[{k}] {row.id}", "on_demand" if one.usd_per_hour is None else "stated"
        if row.idle_price is not None and (price is None or row.idle_price != basis):
            findings.add("statement", where, "price of idle instances", expected=None if price is None else basis,
                         found=row.idle_price)  # fmt: skip
        if cost is None:
            if row.idle_usd is not None:
                findings.add("cost", where, "idle instances have no price", found=row.idle_usd)
        else:
            findings.stated("cost", where, "what idle instances cost", expected=cost, found=row.idle_usd)


def _drawn(line: Line, stated: dict[str, Commitment], findings: Findings) -> dict[str, float]:
    """Return what a line draws on commitments that exist, after checking that these are to what the line runs on."""
    offered = {commitment.id for commitment in line.offer.commitments}
    for name, count in line.row.commitments.items():
        if name not in stated:
            findings.add("unknown_id", line.where, "the instance has no such commitment", found=name)
        elif name not in offered:
            findings.add("commitment", line.where, f"is no commitment to {line.offer.label}", found=name, rule=name)
        if count < 0:
            findings.add("commitment", line.where, "a negative number of instances", found=count, rule=name)
    total = sum(line.row.commitments.values())
    if not close(line.row.instances, total):
        findings.add("commitment", line.where, "instances that its commitments give together",
                     expected=line.row.instances, found=total)  # fmt: skip
    return {name: count for name, count in line.row.commitments.items() if name in stated}


def _compare(
    plan: Plan, stated: dict[str, Commitment], given: dict[tuple[str, int], float], unknown: set[str],
    findings: Findings,
) -> None:  # fmt: skip
    """Compare what the plan says of its commitments' use with what its placements draw."""
    for k, row in enumerate(plan.commitments):
        where, one = f"commitments[{k}] {row.id}", stated.get(row.id)
        if one is None:
            findings.add("unknown_id", where, "the instance has no such commitment", found=row.id)
            continue
        if row.sku != one.sku or row.region_id != one.region:
            findings.add("statement", where, "is to another SKU or region", expected=f"{one.sku} in {one.region}",
                         found=f"{row.sku} in {row.region_id}")  # fmt: skip
        findings.stated("use", where, "instances", expected=one.instances, found=row.instances)
        if row.id in unknown:
            continue
        used = max((count for (name, _), count in given.items() if name == row.id), default=0.0)
        findings.stated("use", where, "most instances in use", expected=used, found=row.used, scale=one.instances)
        findings.stated("use", where, "idle", expected=one.instances - used, found=row.idle, scale=one.instances)
