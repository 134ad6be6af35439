"""The market-based figures that a plan states beside its location-based ones, added up line by line."""

from __future__ import annotations

from optimizer.audit.findings import Findings
from optimizer.audit.lines import Ledger
from optimizer.plan.models import Plan

WHERE = "market_based"


def check_market_based(ledger: Ledger, plan: Plan, findings: Findings) -> None:
    """Check carbon by suppliers' claims, and how much of the energy they cover, of a plan that states it."""
    told, carbon = plan.market_based, ledger.world.instance.carbon
    if told is None:
        return
    if carbon.basis == "market_based":
        findings.add("carbon", WHERE, "is stated beside a basis that is market-based itself")
        return
    total = covered = matched = hourly_covered = hourly = kg = with_mix = 0.0
    for line, figures in ledger.pairs():
        grids = line.offer.serving_g_per_kwh if line.offer.endpoint else line.region.grid_g_per_kwh
        grid, kwh, region = grids[line.period], figures.energy_kwh, line.region
        if grid is None or kwh is None:
            continue
        total += kwh
        share, mix = region.matched_yearly_share, carbon.residual_mix_g_per_kwh.get(region.country)
        hourly_covered += kwh if region.matched_hourly_share is not None else 0.0
        hourly += kwh * (region.matched_hourly_share or 0.0)
        if share is None:
            kg += kwh * grid / 1000
            continue
        covered, matched = covered + kwh, matched + kwh * share
        kg += kwh * (1 - share) * (grid if mix is None else mix) / 1000
        with_mix += 0.0 if mix is None else kwh * (1 - share)
    if total <= 0:
        findings.add("carbon", WHERE, "is stated, though no energy on a known grid is")
        return
    findings.stated("carbon", WHERE, "operational carbon in kg", expected=kg, found=told.operational_kg)
    left = total - matched
    for name, mine in (
        ("coverage", covered / total), ("matched_yearly_share", matched / total),
        ("hourly_coverage", hourly_covered / total), ("matched_hourly_share", hourly / total),
        ("residual_share", with_mix / left if left > 1e-12 * total else 0.0),
    ):  # fmt: skip
        findings.stated("carbon", WHERE, name, expected=mine, found=getattr(told, name), scale=1.0)
