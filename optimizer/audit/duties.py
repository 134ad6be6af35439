"""What a plan rests on and nobody has yet, listed once more for the audit: safeguards to get, quotas to ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from optimizer.audit.lines import Ledger
from optimizer.audit.supply import Supply
from optimizer.plan.models import Plan

if TYPE_CHECKING:
    from optimizer.audit.desk import Desk

OF_MECHANISMS = {
    "clause": ("sign_clause", "legal counsel"),
    "assessment": ("make_assessment", "data-protection officer"),
    "licence": ("get_licence", "regulatory affairs officer"),
    "notification": ("file_notification", "regulatory affairs officer"),
    "consent": ("get_consent", "data-protection officer"),
    "certificate": ("get_certificate", "compliance officer"),
    "deletion": ("delete_data", "owner of the workload"),
}


@dataclass
class Due:
    """What an action has to say."""

    kind: str
    owner: str
    subject: str
    due: date
    lead_time_days: int | None = None
    before: str | None = None
    repeats: str | None = None
    on_request: bool = False
    workloads: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)


def duties(ledger: Ledger, plan: Plan, desk: Desk) -> dict[str, Due]:
    """Return by rule what somebody has to do before the plan stands."""
    return _safeguards(ledger, plan, desk) | _quotas(ledger)


def _safeguards(ledger: Ledger, plan: Plan, desk: Desk) -> dict[str, Due]:
    calendar = ledger.world.calendar
    found: dict[str, Due] = {}
    for name in {use.mechanism for use in plan.mechanisms if not use.held}:
        row: Any = desk.pack.mechanisms.get(name)
        if desk.book is None or row is None:
            continue
        rows = [p for p in plan.placements if name in p.mechanisms and p.period in calendar.ids]
        copies = [c for c in plan.copies if name in c.mechanisms]
        days = [calendar.dates[calendar.ids.index(p.period)] for p in rows]
        days += [calendar.dates[0]] if copies or not rows else []
        first, today = min(days), ledger.world.instance.laws.as_of
        lead = row.lead_time_days
        due = first - timedelta(days=lead) if lead is not None else min(first, today or first)
        asked = [(f"mechanism:{name}", row.action)]
        if row.action != "assessment" and "assessment" in row.assumes:
            asked.append((f"assessment:{name}", "assessment"))
        for rule, action in asked:
            one = found[rule] = Due(*OF_MECHANISMS[action], name, due, lead)
            one.workloads, one.datasets = {p.workload for p in rows}, {c.dataset for c in copies}
    return found


def _quotas(ledger: Ledger) -> dict[str, Due]:
    """Return what lines draw of pools that no quota of the instance states."""
    supply = Supply(ledger.world.instance)
    found: dict[str, Due] = {}
    for line in ledger.lines:
        drawn = line.row.instances if line.row.endpoint is None else line.row.served_per_s
        if drawn <= 0:
            continue
        on = ledger.world.calendar.dates[line.period]
        for pool in supply.pools(line.offer)[0]:
            if supply.states(pool.id) or pool.id.startswith("commitment:"):
                continue
            one = found.setdefault(f"quota:{pool.id}", Due("ask_quota", "capacity planner", pool.id, on))
            one.due = min(one.due, on)
            one.workloads.add(line.workload.id)
    return found
