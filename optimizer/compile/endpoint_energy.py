"""What a work unit draws and emits at a managed endpoint, at the mid and at the high estimate, and on whose grid.

    kwh      = kWh per unit, else (kWh per million output tokens + input/output tokens · the same of input tokens) / 1e6
    kg       = kg per unit where stated (of it the embodied part), else kwh · grid/1000 + kwh · embodied kg per kWh

Energy of tokens has the facility in it: no PUE comes on top. The grid is that of the serving region, never of the
caller. Where an endpoint may process in several regions nobody says in which: mid is the mean of their grids, high the
dirtiest. What the instance states itself is the same at both estimates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.catalogue.residency import IN_REGION
from optimizer.compile.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OPEN_ACCESS = ("public", "disaster_recovery", "limited")
"""Access of regions in which an endpoint of a wider scope may process."""
STATED = "stated"


@dataclass(frozen=True, eq=False)
class PerUnit:
    """Of every slot or flow: kWh and kg CO2e of a work unit, the embodied part, and all three at the high estimate;
    `alone_kg` what energy and grid alone come to.

    NaN unknown, and for machines.
    """

    kwh: Floats
    kg: Floats
    embodied_kg: Floats
    high_kwh: Floats
    high_kg: Floats
    high_embodied_kg: Floats
    alone_kg: Floats

    def take(self, at: Ints) -> PerUnit:
        """Return the figures of some."""
        return PerUnit(*(getattr(self, name)[at] for name in self.__dataclass_fields__))

    def parts(self) -> dict[str, Floats]:
        """Return the embodied part, and what the high estimate adds."""
        return {
            "embodied_kg": self.embodied_kg,
            "high_kg": self.high_kg - self.kg,
            "high_embodied_kg": self.high_embodied_kg - self.embodied_kg,
            "high_kwh": self.high_kwh - self.kwh,
        }


def tokens_ratio(world: World) -> Floats:
    """Return input tokens per output token of every workload, NaN where its requests have no stated shape."""
    shapes = ((w.runs.input_tokens, w.runs.output_tokens) for w in world.instance.workloads)
    return np.array([i / o if i is not None and o else np.nan for i, o in shapes], dtype=float)


def serving_grids(offers: pd.DataFrame, regions: pd.DataFrame, grid: Floats) -> tuple[Ints, Floats, Floats]:
    """Return for each offer a row of two tables [rows, periods]: g/kWh where it may process, mean and most.

    Of a machine, and of an endpoint that processes where its resource is, both are the region's own.
    """
    row = offers.region.to_numpy(dtype=np.int64)
    wide = np.flatnonzero(offers.kind.eq("endpoint").to_numpy() & ~offers.scope.isin(IN_REGION).to_numpy())
    if not len(wide):
        return row, grid, grid
    usable = regions.access.isin(OPEN_ACCESS).to_numpy() & regions.granularity.eq("region").to_numpy()
    provider, country = (regions[name].to_numpy(dtype=object) for name in ("provider", "country"))
    row = row.copy()
    means, most = [grid], [grid]
    known: dict[tuple[int, frozenset[str]], int] = {}
    scopes = offers.scope_countries.to_numpy(dtype=object)
    for k in wide.tolist():
        home = int(row[k])
        key = (home, scopes[k])
        if key not in known:
            inside = usable & (provider == provider[home]) & np.isin(country, list(scopes[k]))
            inside[home] = True
            mean, top = _mean_and_most(grid[inside])
            known[key] = len(grid) + len(known)
            means.append(mean)
            most.append(top)
        row[k] = known[key]
    return row, np.vstack(means), np.vstack(most)


def _mean_and_most(grid: Floats) -> tuple[Floats, Floats]:
    """Return mean and maximum over the regions whose grid is known, by period."""
    known = ~np.isnan(grid)
    counted = known.sum(axis=0)
    with np.errstate(invalid="ignore"):
        mean = np.where(counted > 0, np.where(known, grid, 0.0).sum(axis=0) / counted, np.nan)
    most = np.where(counted > 0, np.where(known, grid, -np.inf).max(axis=0), np.nan)
    return mean, most


def per_unit_of(world: World, offer: Ints, period: Ints, ratio: Floats) -> PerUnit:
    """Return the figures of slots, by offer, period and input tokens per output token of the workload."""
    if not world.is_endpoint[offer].any():
        none = np.full(len(offer), np.nan)
        return PerUnit(*[none] * len(PerUnit.__dataclass_fields__))
    row, mean, most = world.serving_grids
    own = world.text("power_quality")[offer] == STATED
    mid = _estimate(world, offer, "", mean[row[offer], period], ratio)
    high = _estimate(world, offer, "high_", most[row[offer], period], ratio)
    figures = [np.where(own | np.isnan(h), m, h) for m, h in zip(mid, high, strict=True)]
    kwh, kg, embodied = mid
    alone = kwh * mean[row[offer], period] / 1000.0
    return PerUnit(kwh, kg, embodied, figures[0], _kg_high(world, offer, kg, figures), figures[2], alone)


def _kg_high(world: World, offer: Ints, kg: Floats, high: list[Floats]) -> Floats:
    """Return carbon at the high estimate: of a figure stated per unit there is no other."""
    return np.where(np.isnan(world.column("kg_per_unit")[offer]), high[1], kg)


def _estimate(world: World, offer: Ints, prefix: str, grid: Floats, ratio: Floats) -> tuple[Floats, Floats, Floats]:
    """Return kWh, kg and its embodied part of a unit at one estimate."""
    column = world.column
    tokens = column(f"{prefix}kwh_per_million_output_tokens")[offer]
    tokens = (tokens + ratio * column(f"{prefix}kwh_per_million_input_tokens")[offer]) / 1e6
    stated_kwh, stated_kg = column("kwh_per_unit")[offer], column("kg_per_unit")[offer]
    kwh = np.where(np.isnan(stated_kwh), tokens, stated_kwh)
    stated_part = column("embodied_kg_per_unit")[offer]
    estimated = np.where(np.isnan(stated_part), kwh * column(f"{prefix}embodied_kg_per_kwh")[offer], stated_part)
    none = world.instance.carbon.embodied == "none"
    embodied = np.where(np.isnan(stated_kg), 0.0 if none else estimated, 0.0 if none else np.nan_to_num(stated_part))
    outside = np.nan_to_num(stated_part) if none else 0.0
    kg = np.where(np.isnan(stated_kg), kwh * grid / 1000.0 + embodied, stated_kg - outside)
    return kwh, kg, embodied
