"""The plan's lists as such: no row twice, none left out of a list that is stated, and what single rows say at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from optimizer.audit.findings import Findings, close, known
from optimizer.audit.lines import Figures, Ledger, Line
from optimizer.audit.quality import QUALITIES, ROUND_TRIPS, check_quality
from optimizer.audit.totals import Totals, regions_used
from optimizer.instance.rules import CountryShare
from optimizer.instance.workloads import Job
from optimizer.plan.models import Plan

KEYS = {
    "regions": ("region_id",),
    "budgets": ("id",),
    "quotas": ("id", "period"),
    "commitments": ("id",),
    "purchases": ("id",),
    "shares": ("id", "sense"),
    "data_quality": ("quality",),
}
"""What tells the rows of a list apart, for lists whose rows do not add up."""


def check_tables(ledger: Ledger, plan: Plan, totals: Totals, findings: Findings) -> None:
    """Check the lists of a plan that is held."""
    for name, key in KEYS.items():
        counts = Counter(tuple(getattr(row, part) for part in key) for row in getattr(plan, name))
        for values, count in counts.items():
            if count > 1:
                findings.add("duplicate", f"{name} {' '.join(map(str, values))}", "rows for the same", expected=1,
                             found=count)  # fmt: skip
    _check_complete(ledger, plan, findings)
    _check_shares(ledger, plan, findings)
    _check_standby(ledger, plan, findings)
    _check_unserved(ledger, plan, findings)
    check_quality(ledger, plan, findings)
    _check_unknown(ledger, plan, totals, findings)


def _check_complete(ledger: Ledger, plan: Plan, findings: Findings) -> None:
    """A list that is stated is stated in full."""
    instance = ledger.world.instance
    asked: dict[str, set[str]] = {
        "budgets": {one.id for one in instance.budgets},
        "commitments": {one.id for one in instance.commitments},
    }
    for name, mine in asked.items():
        lacking = mine - {row.id for row in getattr(plan, name)}
        if getattr(plan, name) and lacking:
            findings.add("left_out", name, "rows are left out", expected=", ".join(sorted(lacking)))
    terms = plan.cost_breakdown_usd
    if plan.data_quality:
        lacking = {*QUALITIES, ROUND_TRIPS} - {row.quality for row in plan.data_quality}
        if lacking:
            findings.add("left_out", "data_quality", "rows are left out", expected=", ".join(sorted(lacking)))
    if terms and plan.objective_usd is not None and not close(sum(terms.values()), plan.objective_usd):
        findings.add("breakdown", "cost_breakdown_usd", "does not sum to the objective", expected=plan.objective_usd,
                     found=sum(terms.values()))  # fmt: skip


def _check_shares(ledger: Ledger, plan: Plan, findings: Findings) -> None:
    policies = {p.id: p for p in ledger.world.instance.policies}
    for row in plan.shares:
        where = f"share {row.id}"
        policy = policies.get(row.id) or policies.get(row.id.rpartition(":")[0])
        if policy is None:
            findings.add("unknown_id", where, "the instance has no such policy", found=row.id)
            continue
        sense = "at_least" if isinstance(policy, CountryShare) else "at_most"
        if row.sense != sense:
            findings.add("use", where, "the side of the bound", expected=sense, found=row.sense)


def _check_standby(ledger: Ledger, plan: Plan, findings: Findings) -> None:
    used = regions_used(ledger, plan.model_copy(update={"regions": ()}))
    for k, row in enumerate(plan.regions):
        region = ledger.world.region(row.region_id)
        if region is not None and row.standby != (region.id not in used):
            findings.add("statement", f"regions[{k}] {row.region_id}", "stands by, with nothing placed there",
                         expected=str(region.id not in used), found=str(row.standby))  # fmt: skip


def _check_unserved(ledger: Ledger, plan: Plan, findings: Findings) -> None:
    for k, row in enumerate(plan.unserved):
        job = isinstance(ledger.world.workloads.get(row.workload), Job)
        for name in ("stream", "period", "per_s") if job else ("work_units",):
            if getattr(row, name) is not None:
                what = f"{'a job' if job else 'a service'} leaves no {name}"
                findings.add("unserved", f"unserved[{k}] {row.workload}", what, found=getattr(row, name))


def _check_unknown(ledger: Ledger, plan: Plan, totals: Totals, findings: Findings) -> None:
    """Check what is said to be unknown: totals without a figure, and the share of the plan that has no carbon."""
    for name in ("carbon_kg", "energy_kwh", "water_l"):
        told = getattr(plan, name)
        if getattr(totals, name) is None and told is not None:
            findings.add(name.partition("_")[0], name, "is stated, though nothing in the plan has a figure", found=told)
    for name in ("operational_kg", "embodied_kg", "carbon_high_kg"):
        if totals.carbon_kg is None and getattr(plan, name) is not None:
            findings.add("carbon", name, "is stated, though nothing in the plan has a figure",
                         found=getattr(plan, name))  # fmt: skip
    if plan.carbon_unknown_share is None:
        return
    findings.checked["carbon"] += 1
    mine = unknown_share(ledger.pairs())
    if mine is None or not close(mine, plan.carbon_unknown_share, 1.0):
        findings.add("carbon", "carbon_unknown_share", "share without a carbon figure", expected=mine,
                     found=plan.carbon_unknown_share)  # fmt: skip


def unknown_share(pairs: Iterable[tuple[Line, Figures]]) -> float | None:
    """Return the share without carbon: of device-hours for instances, of cost for endpoints, weighted by cost."""
    devices, dark_devices, paid, dark_paid, total, rows = 0.0, 0.0, 0.0, 0.0, 0.0, 0
    for line, figures in pairs:
        usd, dark = figures.spend_usd or 0.0, not known(figures.carbon_kg)
        rows, total = rows + 1, total + usd
        if line.offer.endpoint is not None:
            paid, dark_paid = paid + usd, dark_paid + dark * usd
        else:
            held = figures.hours * (line.offer.counted or 0.0)
            devices, dark_devices = devices + held, dark_devices + dark * held
    if not rows:
        return None
    weight = paid / total if total > 0 else 0.0
    of_devices = dark_devices / devices if devices > 0 else 0.0
    return of_devices * (1 - weight) + (dark_paid / paid if paid > 0 else 0.0) * weight

