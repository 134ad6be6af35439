"""What a plan says of its carbon, in text: operational and embodied apart, and both estimates of what is estimated."""

from __future__ import annotations

from optimizer.plan.models import Plan
from optimizer.plan.rows import BudgetUse
from optimizer.report.parts import amount, percent

ALIKE = 1e-6
"""Two figures that differ by less of their size are not told apart."""


def carbon_lines(plan: Plan) -> list[tuple[str, str, str]]:
    """Return the lines on carbon: what it consists of and what has no figure; the high estimate where it differs."""
    notes = []
    if plan.operational_kg is not None and plan.embodied_kg is not None:
        notes.append(f"{amount(plan.operational_kg, 'kg')} operational, {amount(plan.embodied_kg, 'kg')} embodied")
    if plan.carbon_unknown_share:
        notes.append(f"{percent(plan.carbon_unknown_share)} of device-hours and endpoint cost has no carbon figure")
    lines = [("carbon", amount(plan.carbon_kg, "kg CO2e"), "; ".join(notes))]
    high, mid = plan.carbon_high_kg, plan.carbon_kg or 0.0
    if high is not None and high - mid > ALIKE * max(1.0, mid):
        note = "of what managed endpoints draw, and on whose grid"
        lines.append(("at the high estimate", amount(high, "kg CO2e"), note))
    if plan.market_based is not None and plan.market_based.coverage + plan.market_based.hourly_coverage > 0:
        claim = plan.market_based
        hourly = f"; hour by hour {percent(claim.matched_hourly_share)}" if claim.hourly_coverage > 0 else ""
        note = f"operational, by suppliers' claims: {percent(claim.matched_yearly_share)} matched over the year{hourly}"
        lines.append(("market-based", amount(claim.operational_kg, "kg CO2e"), note))
    return lines


def budget_label(budget: BudgetUse) -> str:
    """Return what a budget is called, with what it counts where that is not all at the mid estimate."""
    told = [word for word, said in (("operational", budget.counts == "operational"),
                                    ("high estimate", budget.estimate == "high")) if said]  # fmt: skip
    return f"budget {budget.id}" + (f" ({', '.join(told)})" if told else "")


def at_high(budget: BudgetUse, unit: str) -> str:
    """Return whether a budget at the mid estimate holds at the high one, where the two differ; else ""."""
    high = budget.used_high
    if high is None or budget.estimate == "high" or high - budget.used <= ALIKE * max(1.0, budget.used):
        return ""
    return f"{'holds' if budget.holds_high else 'exceeded'} at the high estimate: {amount(high, unit)}"
