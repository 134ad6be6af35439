"""Does a plan state what is known of the sovereignty of all that its policies select, and nothing else?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.audit.data import Kept, kept_of, selects_copy
from optimizer.audit.facts import Region
from optimizer.audit.findings import Findings
from optimizer.audit.lines import Ledger
from optimizer.audit.names import region_of
from optimizer.audit.seals import NAMES, span
from optimizer.instance.rules import Sovereignty
from optimizer.plan.models import Plan

if TYPE_CHECKING:
    from optimizer.audit.desk import Desk

def selected(
    ledger: Ledger, plan: Plan, desk: Desk, policy: Sovereignty
) -> Iterator[tuple[Region, int, str, str]]:
    """Yield (region, period, workload, dataset) of all that a policy selects in a plan."""
    for line in ledger.lines:
        used = line.row.instances > 0 or line.row.served_per_s > 0 or line.row.instance_hours
        if used and desk.scopes.selects(policy.scope, line.workload, line.region, line.period):
            yield line.region, line.period, line.workload.id, ""
    kept: dict[str, Kept] = kept_of(ledger, desk, Findings()) if plan.copies else {}
    for row in plan.copies:
        one, region = kept.get(row.dataset), region_of(ledger.world, row)
        if one is None or region is None or not selects_copy(desk, policy.scope, one):
            continue
        for t in range(len(ledger.world.calendar.ids)):
            if desk.scopes.of_place(policy.scope, region, t):
                yield region, t, "", one.id


def check_sovereignty(ledger: Ledger, plan: Plan, desk: Desk, findings: Findings) -> None:
    """Check that a plan states what is known of the sovereignty of all that its policies select, and nothing else."""
    book, days = desk.seals, ledger.world.calendar.dates
    due: dict[tuple[str, str], tuple[str, str, tuple[str, ...], float | None]] = {}
    for policy in ledger.world.instance.policies:
        if not isinstance(policy, Sovereignty):
            continue
        first: dict[str, tuple[int, Region]] = {}
        for region, period, _, _ in selected(ledger, plan, desk, policy):
            if region.id not in first or period < first[region.id][0]:
                first[region.id] = period, region
        for name, (period, region) in first.items():
            bounds = book.bounds(policy, region, days[period])
            lowest = min(low for low, _ in bounds.values()), min(high for _, high in bounds.values())
            levels = tuple(f"{objective} {span(*bounds[objective])}" for objective in NAMES)
            due[policy.id, name] = region.provider, span(*lowest), levels, book.score(bounds)
    if not plan.sovereignty and not plan.instance_sha256:
        return
    stated = defaultdict(list)
    for row in plan.sovereignty:
        stated[row.policy, row.region_id].append((row.provider, row.seal, row.levels, row.score))
    findings.checked["sovereignty"] += len(due)
    for key in sorted(due.keys() | stated.keys()):
        found, expected = stated.get(key, []), due.get(key)
        same = [one[:3] for one in found] == [expected[:3]] if expected is not None else False
        if not same or expected is None or not _equal(found[0][3], expected[3]):
            findings.add("sovereignty_stated", f"sovereignty {key[0]} {key[1]}", "is not what is known",
                         expected=str(expected), found=str(found or None), rule=key[0])  # fmt: skip


def _equal(a: float | None, b: float | None) -> bool:
    return a is b if a is None or b is None else abs(a - b) <= 1e-6
