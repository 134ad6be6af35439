"""What a plan runs on machines: one row per workload, region, SKU and purchase, with the most it holds at once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from optimizer.export.base import LeftOut, Names
from optimizer.plan.models import Plan
from optimizer.plan.rows import Placement

WHOLE = 1e-6
"""Rows of streams add up to whole machines, but for rounding."""


@dataclass(frozen=True)
class Machines:
    """Machines of one SKU for one workload in one region.

    `instances` is the most in any period, `fewest` the least; `gangs` of a job run side by side (0: a service, or a
    plan that does not say). `streams` are those served, empty where no row names one.
    """

    workload: str
    provider: str
    region: str
    region_id: str
    country: str
    sku: str
    accelerator: str
    purchase: str
    instances: int
    fewest: int
    gangs: int
    streams: tuple[str, ...]
    laws: tuple[str, ...]

    @property
    def is_job(self) -> bool:
        """Whether it is work to be done, not demand to be answered."""
        return self.gangs > 0

    def __str__(self) -> str:
        return f"{self.workload} on {self.sku} in {self.region_id}"


def machines_of(plan: Plan) -> tuple[tuple[Machines, ...], tuple[LeftOut, ...]]:
    """Return the machines of a plan in its order, and the managed endpoints, which are none."""
    rows: dict[tuple[str, str, str, str], list[Placement]] = {}
    left_out: dict[str, LeftOut] = {}
    for row in plan.placements:
        if row.sku is None:
            what = f"{row.workload} on {row.endpoint} in {row.region_id}"
            left_out[what] = LeftOut(what, "a managed endpoint is called, not deployed")
        else:
            rows.setdefault((row.workload, row.region_id, row.sku, row.purchase or ""), []).append(row)
    periods = [period.id for period in plan.horizon.periods] if plan.horizon is not None else []
    every = (_machines(found, periods) for found in rows.values())
    return tuple(one for one in every if one.instances > 0), tuple(left_out.values())


def machine_names(found: Iterable[Machines]) -> dict[Machines, str]:
    """Return a name for each: workload and region, with SKU and purchase where there is more than one of these."""
    every = tuple(found)
    times = Counter((one.workload, one.region_id) for one in every)
    names = Names()
    return {
        one: names.of(
            one.workload, one.region_id, *((one.sku, one.purchase) if times[one.workload, one.region_id] > 1 else ())
        )
        for one in every
    }


def _machines(rows: list[Placement], periods: list[str]) -> Machines:
    first = rows[0]
    held: dict[str, float] = dict.fromkeys(periods, 0.0)
    gangs: dict[str, float] = {}
    for row in rows:
        held[row.period] = held.get(row.period, 0.0) + row.instances
        gangs[row.period] = gangs.get(row.period, 0.0) + (row.gangs or 0.0)
    counts = [_whole(value) for value in held.values()]
    return Machines(
        workload=first.workload, provider=first.provider, region=first.region, region_id=first.region_id,
        country=first.country, sku=first.sku or "", accelerator=first.accelerator or "", purchase=first.purchase or "",
        instances=max(counts), fewest=min(counts), gangs=max(map(_whole, gangs.values())),
        streams=tuple(dict.fromkeys(row.stream for row in rows if row.stream is not None)),
        laws=tuple(dict.fromkeys(law for row in rows for law in row.laws)),
    )  # fmt: skip


def _whole(value: float) -> int:
    return math.ceil(value - WHOLE)


def varying(found: Iterable[Machines], says: str) -> list[LeftOut]:
    """Return which counts change between periods, of a format that `says` one count only."""
    return [
        LeftOut(f"{one}, {one.fewest} to {one.instances} machines by period", f"{says} states the most")
        for one in found
        if one.fewest != one.instances and not one.is_job
    ]
