"""Operational carbon by what suppliers claim, beside the location-based figure of a plan."""

from __future__ import annotations

import numpy as np

from optimizer.compile.assemble import Compiled
from optimizer.plan.models import MarketBased
from optimizer.plan.placements import Lines


def market_based(compiled: Compiled, lines: Lines) -> MarketBased | None:
    """Return the market-based figures of what a plan draws; None where no energy with a known grid is, or the
    instance counts by claims itself.
    """
    world, slots = compiled.world, compiled.problem.slots
    if world.instance.carbon.basis == "market_based":
        return None
    offer, period = slots.offer[lines.slot], slots.period[lines.slot]
    row, mean, _ = world.serving_grids
    grid, kwh = mean[row[offer], period], lines.energy_kwh
    known = ~np.isnan(grid + kwh)
    region = slots.region[lines.slot]
    energy = np.where(known, kwh, 0.0)
    total = float(energy.sum())
    if total <= 0:
        return None
    yearly, hourly = (
        world.regions[f"matched_{name}_share"].to_numpy(dtype=float)[region] for name in ("yearly", "hourly")
    )
    mix = world.instance.carbon.residual_mix_g_per_kwh
    residual = np.array([mix.get(country, np.nan) for country in world.regions.country], dtype=float)[region]
    left = 1.0 - np.nan_to_num(yearly)
    has_mix = ~np.isnan(residual) & ~np.isnan(yearly)
    kg = energy * left * np.where(has_mix, residual, np.nan_to_num(grid)) / 1000.0
    unmatched = float((energy * left).sum())
    return MarketBased(
        operational_kg=float(kg.sum()),
        coverage=float(energy[~np.isnan(yearly)].sum()) / total,
        matched_yearly_share=1.0 - unmatched / total,
        hourly_coverage=float(energy[~np.isnan(hourly)].sum()) / total,
        matched_hourly_share=float((energy * np.nan_to_num(hourly)).sum()) / total,
        residual_share=float((energy * left)[has_mix].sum()) / unmatched if unmatched > 0 else 0.0,
    )
