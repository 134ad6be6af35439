"""Operational carbon by what suppliers claim, beside the location-based figure of a plan."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.assemble import Compiled
from optimizer.plan.models import MarketBased
from optimizer.plan.placements import Lines

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def market_based(compiled: Compiled, lines: Lines) -> MarketBased | None:
    """Return the market-based figures of what a plan draws; None where no energy with a known grid is, or the
    instance counts by claims itself.
    """
    world, slots = compiled.world, compiled.problem.slots
    if world.instance.carbon.basis == "market_based":
        return None
    factor, kwh = claimed_kg_per_kwh(compiled, lines.slot), lines.energy_kwh
    known = ~np.isnan(factor + kwh)
    region = slots.region[lines.slot]
    energy = np.where(known, kwh, 0.0)
    total = float(energy.sum())
    if total <= 0:
        return None
    yearly, hourly = (
        world.regions[f"matched_{name}_share"].to_numpy(dtype=float)[region] for name in ("yearly", "hourly")
    )
    left = 1.0 - np.nan_to_num(yearly)
    has_mix = ~np.isnan(_residual(compiled)[region]) & ~np.isnan(yearly)
    unmatched = float((energy * left).sum())
    return MarketBased(
        operational_kg=float((energy * np.nan_to_num(factor)).sum()),
        coverage=float(energy[~np.isnan(yearly)].sum()) / total,
        matched_yearly_share=1.0 - unmatched / total,
        hourly_coverage=float(energy[~np.isnan(hourly)].sum()) / total,
        matched_hourly_share=float((energy * np.nan_to_num(hourly)).sum()) / total,
        residual_share=float((energy * left)[has_mix].sum()) / unmatched if unmatched > 0 else 0.0,
    )


def claimed_kg_per_kwh(compiled: Compiled, slot: Ints) -> Floats:
    """Return by slot asked for what a kWh drawn there emits by suppliers' claims: what they match over the year
    nothing, the rest at the residual mix of the country, else at the grid's own figure; NaN where that is not known.
    """
    world, slots = compiled.world, compiled.problem.slots
    row, mean, _ = world.serving_grids
    grid, region = mean[row[slots.offer[slot]], slots.period[slot]], slots.region[slot]
    yearly = world.regions["matched_yearly_share"].to_numpy(dtype=float)[region]
    residual = _residual(compiled)[region]
    rest = np.where(np.isnan(residual) | np.isnan(yearly), grid, residual)
    return np.where(np.isnan(grid), np.nan, (1.0 - np.nan_to_num(yearly)) * rest / 1000.0)


def _residual(compiled: Compiled) -> Floats:
    """Return the residual mix by region (g/kWh), NaN where none is stated of its country."""
    mix = compiled.world.instance.carbon.residual_mix_g_per_kwh
    return np.array([mix.get(country, np.nan) for country in compiled.world.regions.country], dtype=float)
