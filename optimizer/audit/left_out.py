"""Fields that some rows of a table state and others leave out, and fields that none states although it has a value.

What a plan does not state is not held against it; but a column that is there is there in full, so that no single
figure can be left out that does not suit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from optimizer.audit.findings import Findings
from optimizer.audit.lines import Ledger
from optimizer.audit.row_laws import states_law
from optimizer.instance.workloads import Job
from optimizer.plan.models import Plan

TOLD = 3
"""Rows named in a finding, before the rest is counted."""


@dataclass
class Column:
    """Which rows state a field that has a value there, and which do not."""

    stated: int = 0
    lacking: list[str] = field(default_factory=list)


def check_left_out(ledger: Ledger, plan: Plan, findings: Findings, *, has_law: bool) -> tuple[str, ...]:
    """Check that columns are stated in all rows that have a value, or in none; return those stated in none.

    Laws, safeguards and flags, of which a row may have none, are judged as soon as the plan states any, or sums of
    them. `has_law`: the instance binds laws.
    """
    _descriptions(ledger, plan, findings)
    columns: Mapping[str, Column] = _columns(findings)
    for name, column in columns.items():
        if column.stated and column.lacking:
            more = len(column.lacking) - TOLD
            rows = "; ".join(column.lacking[:TOLD]) + (f" and {more} more" if more > 0 else "")
            findings.add("left_out", name, "is stated in other rows and left out in some", found=rows)
    absent = [name for name, column in columns.items() if not column.stated]
    if has_law and not states_law(plan):
        absent += ["placements.laws", "placements.mechanisms"]
    if not plan.data_quality and not any(row.flags for row in plan.placements):
        absent.append("placements.flags")
    return tuple(absent)


def _columns(findings: Findings) -> dict[str, Column]:
    columns: dict[str, Column] = defaultdict(Column)
    for name, where, is_stated in findings.cells:
        if is_stated:
            columns[name].stated += 1
        else:
            columns[name].lacking.append(where)
    return dict(columns)


def _descriptions(ledger: Ledger, plan: Plan, findings: Findings) -> None:
    """Note what rows say besides figures: what and where their offer is, how much of a job they do."""
    for line in ledger.lines:
        row, where = line.row, line.where
        findings.cell("placements.country", where, bool(row.country))
        if line.offer.endpoint is None:
            findings.cell("placements.accelerator", where, bool(row.accelerator))
            findings.cell("placements.purchase", where, bool(row.purchase))
        if isinstance(line.workload, Job):
            findings.cell("placements.work_units", where, row.work_units is not None)
            findings.cell("placements.gangs", where, row.gangs is not None)
            findings.cell("placements.instance_hours", where, row.instance_hours is not None)
    for k, copy in enumerate(plan.copies):
        findings.cell("copies.country", f"copies[{k}] {copy.dataset}", bool(copy.country))
