"""What a budget counts of a line or a move: all carbon or the operational part, at the mid or the high estimate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from optimizer.audit.findings import Findings, exceeds
from optimizer.audit.lines import Figures
from optimizer.audit.relocations import Moved
from optimizer.instance.rules import Budget
from optimizer.plan.rows import BudgetUse

RANGED = ("carbon_kg", "energy_kwh")
"""Metrics of which the energy of managed endpoints is estimated as a range."""


@dataclass(frozen=True)
class Counted:
    """What counts: the metric, whether its embodied part counts, and at which estimate."""

    metric: str
    with_embodied: bool = True
    at_high: bool = False

    def of(self, figures: Figures) -> float:
        """Return what a line adds; what is unknown adds nothing."""
        if self.metric == "carbon_kg":
            whole = figures.high_kg if self.at_high else figures.carbon_kg
            made = figures.high_embodied_kg if self.at_high else figures.embodied_kg
            if whole is None and not self.with_embodied:
                return figures.operational_kg or 0.0
            return (whole or 0.0) - (0.0 if self.with_embodied else made or 0.0)
        if self.metric == "energy_kwh" and self.at_high:
            return figures.high_kwh or 0.0
        value: float | None = getattr(figures, self.metric)
        return value or 0.0

    def of_move(self, moved: Moved) -> float:
        """Return what a workload that moves away from today adds; machines have one estimate."""
        own = {"spend_usd": moved.usd, "carbon_kg": moved.kg, "energy_kwh": moved.kwh, "water_l": moved.litres}
        return own[self.metric] - (moved.embodied if self.metric == "carbon_kg" and not self.with_embodied else 0.0)


def counted(budget: Budget, metric: str, *, high: bool | None = None) -> Counted:
    """Return what a budget counts, at its own estimate or at the one asked for."""
    at_high = budget.estimate == "high" if high is None else high
    return Counted(metric, budget.counts == "all", at_high and metric in RANGED)


def check_ranged(
    row: BudgetUse, budget: Budget, metric: str, *, used_high: float, limit: float, basis: str | None,
    lines: Iterable[Figures], moves: Iterable[Moved], findings: Findings,
) -> None:  # fmt: skip
    """Check what a plan's row says of a budget on carbon or energy: what counts, and whether it holds at high."""
    where = f"budget {budget.id}"
    if metric not in RANGED:
        for name in ("basis", "counts", "estimate", "embodied", "used_high", "holds_high"):
            if getattr(row, name) is not None:
                findings.add("use", where, f"{name} is stated of a budget on {metric}", found=getattr(row, name))
        return
    if row.basis is not None and row.basis != basis:
        findings.add("use", where, "basis of emissions", expected=basis, found=row.basis)
    for name in ("counts", "estimate") if metric == "carbon_kg" else ("estimate",):
        told = getattr(row, name)
        if told is not None and told != getattr(budget, name):
            findings.add("use", where, name, expected=getattr(budget, name), found=told)
    findings.stated("use", where, "used at the high estimate", expected=used_high, found=row.used_high, scale=limit)
    if row.holds_high is not None and row.holds_high == exceeds(used_high, limit):
        findings.add("use", where, "holds at the high estimate", expected=str(not row.holds_high),
                     found=str(row.holds_high))  # fmt: skip
    if metric == "carbon_kg" and row.embodied is not None:
        name = "high_embodied_kg" if budget.estimate == "high" else "embodied_kg"
        made = sum(getattr(figures, name) or 0.0 for figures in lines) + sum(moved.embodied for moved in moves)
        expected = made if budget.counts == "all" else 0.0
        findings.stated("use", where, "embodied part", expected=expected, found=row.embodied, scale=limit)
