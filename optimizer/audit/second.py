"""What a plan says of its second solve, for least carbon, against the plan itself."""

from __future__ import annotations

from optimizer.audit.findings import ABSOLUTE, Findings, exceeds
from optimizer.audit.totals import Totals
from optimizer.plan.models import Plan

WHERE = "least_carbon"


def check_least_carbon(plan: Plan, totals: Totals, findings: Findings) -> None:
    """Check that the plan costs no more than its cap, emits no more than before and no less than its bound."""
    told = plan.least_carbon
    if told is None:
        return
    findings.checked["least_carbon"] += 1
    if exceeds(totals.objective_usd, told.cost_cap_usd):
        findings.add("second_solve", WHERE, "the plan costs more than the one it replaces", expected=told.cost_cap_usd,
                     found=totals.objective_usd)  # fmt: skip
    carbon = totals.carbon_kg
    figures = (told.carbon_before_kg, told.bound_kg, told.gap)
    if carbon is None:
        if any(figure is not None for figure in figures):
            findings.add("second_solve", WHERE, "nothing in the plan has a carbon figure, yet carbon is stated")
        return
    if told.carbon_before_kg is not None and exceeds(carbon, told.carbon_before_kg):
        findings.add("second_solve", WHERE, "the plan emits more than the one it replaces",
                     expected=told.carbon_before_kg, found=carbon)  # fmt: skip
    if told.bound_kg is not None and exceeds(told.bound_kg, carbon):
        findings.add("second_solve", WHERE, "proven bound above the plan's carbon", expected=carbon,
                     found=told.bound_kg)  # fmt: skip
    gap = None if told.bound_kg is None else max(0.0, carbon - told.bound_kg) / max(abs(carbon), 1e-9)
    if (gap is None) != (told.gap is None) or (gap is not None and abs(gap - (told.gap or 0.0)) > ABSOLUTE):
        findings.add("second_solve", WHERE, "gap between carbon and bound", expected=gap, found=told.gap)
    ended = told.termination == "gap_reached"
    if told.termination == "infeasible" or (told.status != "not_run" and (told.status == "optimal") != ended):
        findings.add("second_solve", WHERE, "its status and why it stopped contradict each other", expected=told.status,
                     found=told.termination)  # fmt: skip
    if told.status == "optimal" and told.bound_kg is None:
        findings.add("second_solve", WHERE, "optimal without a bound")
    if told.status == "not_run" and told.bound_kg is not None:
        findings.add("second_solve", WHERE, "not run, yet it has a bound", found=told.bound_kg)
