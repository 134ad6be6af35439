"""What a plan says of the catalogue's speeds it rests on: level, range, operating point and source of every system, and
what was quarantined instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.workloads import Job
from optimizer.plan.rows import SystemSpeed

if TYPE_CHECKING:
    from optimizer.catalogue import Speeds
    from optimizer.compile.assemble import Compiled

MOST_TOLD = 20
"""Most systems whose speed is told one by one."""


@dataclass(frozen=True)
class System:
    """A row of the catalogue's speeds that placements of a workload rest on."""

    workload: int
    found: Speeds
    row: Any


def systems_used(compiled: Compiled, slot: NDArray[np.int64]) -> list[System]:
    """Return what the placements rest on, each system of a workload once, in the order of placements."""
    world, slots = compiled.world, compiled.problem.slots
    speeds = compiled.speeds
    names, devices = world.text("accelerator"), world.column("counted_devices")
    used = slots.workload[slot], slots.offer[slot], slots.is_endpoint[slot]
    systems: dict[tuple[int, str, float], System] = {}
    rows: dict[tuple[int, str, float, float], tuple[Speeds, Any]] = {}  # by identity: speeds stay alive with it
    for w, offer, endpoint in dict.fromkeys(zip(*(part.tolist() for part in used), strict=True)):
        workload = world.instance.workloads[w]
        speed = speeds.of(workload)
        found = None if endpoint or speed.quality[offer] == "stated" else speed.found
        if found is None:
            continue
        gang = workload.gang_devices if isinstance(workload, Job) else None
        held = float(devices[offer])
        together = min(held, float(gang or math.inf))
        if gang and gang > held and gang % held:
            together = float(gang)
        asked = (id(found), str(names[offer]), held, together)
        if asked not in rows:
            rows[asked] = found, _row_of(found, str(names[offer]), held, together)
        row = rows[asked][1]
        if row is not None:
            systems.setdefault((w, row.accelerator, row.devices), System(w, found, row))
    return list(systems.values())


def _row_of(found: Speeds, accelerator: str, held: float, together: float) -> Any:
    """Return the speed of so many devices of a machine that holds so many; None where there is none."""
    from optimizer.catalogue import sku_row

    fitting = found.rows[found.rows.devices <= held * (1 + 1e-9)].reset_index(drop=True)
    at = sku_row(fitting, accelerator, together)
    return None if at is None else next(fitting.iloc[[at]].itertuples(index=False))


def speeds_of(compiled: Compiled, systems: list[System]) -> tuple[SystemSpeed, ...]:
    """Return the plan's table of speeds."""
    return tuple(
        SystemSpeed(
            workload=compiled.world.instance.workloads[system.workload].id, accelerator=str(row.accelerator),
            devices=row.devices, level=row.level, units_per_s=row.units_per_s, low_per_s=_ends(row)[0],
            high_per_s=_ends(row)[1], requests=_known(row.requests), ttft_ms=_known(row.ttft_ms),
            tpot_ms=_known(row.tpot_ms), source=str(row.source),
        )
        for system in systems for row in (system.row,)
    )  # fmt: skip


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _ends(row: Any) -> tuple[float, float]:
    """Return the range of a figure; an estimate counts at its low end."""
    likely = row.units_per_s * (row.spread if row.level == "estimated" else 1.0)
    return likely / row.spread, likely * row.spread


def speed_warnings(compiled: Compiled, systems: list[System]) -> tuple[str, ...]:
    """Tell every transferred and estimated speed that the placements rest on, once for each model and system."""
    told: dict[str, None] = {}
    unused: dict[str, None] = {}
    for system in systems:
        model, found, row = compiled.world.instance.workloads[system.workload].runs.model, system.found, system.row
        if row.level == "measured":
            continue
        told[f"speed of {model} on {row.devices:g} x {row.accelerator}: {_level_of(row)}"] = None
        if found.quarantined:
            unused[f"{model} has measured speeds that are quarantined and not used: "
                   + "; ".join(found.quarantined.values())] = None  # fmt: skip
    rest = len(told) - MOST_TOLD
    more = (f"the speeds of {rest} more systems are transferred or estimated",) if rest > 0 else ()
    return (*list(told)[:MOST_TOLD], *more, *list(unused)[:MOST_TOLD])


def _level_of(row: Any) -> str:
    """Say how the speed of a system was had and within which factor it may lie."""
    counts = f"{row.units_per_s:,.4g}/s count"
    if row.level == "estimated":
        likely = f"{row.units_per_s * row.spread:,.4g}/s, give or take a factor of {row.spread:.3g}"
        return f"estimated ({row.source}); {counts}, the cautious end of {likely}"
    how = f"transferred from another token shape or concurrency ({row.source})"
    return f"{how}; {counts}, give or take a factor of {row.spread:.3g}"
