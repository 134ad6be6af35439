"""The speeds a plan says it rests on, against those that its placements take."""

from __future__ import annotations

from typing import Any

from optimizer.audit.findings import Findings
from optimizer.audit.lines import Ledger
from optimizer.plan.models import Plan

FIGURES = ("units_per_s", "low_per_s", "high_per_s", "requests", "ttft_ms", "tpot_ms")


def check_speeds(ledger: Ledger, plan: Plan, findings: Findings) -> None:
    """Check every row of the plan's speeds, and that none is left out of a plan that states them."""
    world = ledger.world
    taken: dict[tuple[str, str, float], Any] = {}
    for line in ledger.lines:
        system = None if line.offer.endpoint else world.system(line.workload, line.offer)
        if system is not None:
            taken[line.workload.id, line.offer.accelerator, system.devices] = system
    if not plan.speeds:
        return
    said = set()
    for k, row in enumerate(plan.speeds):
        where, key = f"speeds[{k}] {row.workload}", (row.workload, row.accelerator, row.devices)
        findings.checked["speeds"] += 1
        mine = taken.get(key)
        if mine is None or key in said:
            what = "is stated twice" if key in said else "no placement rests on such a system"
            findings.add("statement", where, what, found=f"{row.devices:g} x {row.accelerator}")
            continue
        said.add(key)
        if row.level != mine.level:
            findings.add("statement", where, "how the speed is known", expected=mine.level, found=row.level)
        for name in FIGURES:
            expected, found = getattr(mine, name), getattr(row, name)
            if expected is None or found is None:
                if expected is not found:
                    findings.add("use", where, name, expected=expected, found=found)
            else:
                findings.stated("use", where, name, expected=expected, found=found)
    for workload, accelerator, devices in taken.keys() - said:
        findings.add("statement", "speeds", "a placement's speed is left out",
                     expected=f"{workload} on {devices:g} x {accelerator}")  # fmt: skip
