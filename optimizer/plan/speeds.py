"""What a plan says of speeds that nobody measured: their level, range and source, and what was quarantined instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.speed import SpeedView
from optimizer.instance.workloads import Job

if TYPE_CHECKING:
    from optimizer.catalogue import Speeds
    from optimizer.compile.assemble import Compiled

MOST_TOLD = 20
"""Most systems whose speed is told one by one."""


def speed_warnings(compiled: Compiled, slot: NDArray[np.int64]) -> tuple[str, ...]:
    """Tell every transferred and estimated speed that the placements rest on, once for each model and system."""
    world, slots = compiled.world, compiled.problem.slots
    speeds = SpeedView(world)
    names, devices = world.text("accelerator"), world.column("counted_devices")
    told: dict[str, None] = {}
    unused: dict[str, None] = {}
    used = slots.workload[slot], slots.offer[slot], slots.is_endpoint[slot]
    for w, offer, endpoint in dict.fromkeys(zip(*(part.tolist() for part in used), strict=True)):
        workload = world.instance.workloads[w]
        found = None if endpoint else speeds.of(workload).found
        if found is None:
            continue
        gang = workload.gang_devices if isinstance(workload, Job) else None
        system = min(float(devices[offer]), float(gang or np.inf))
        what = _level_of(found, str(names[offer]), system)
        if what is not None:
            told[f"speed of {workload.runs.model} on {system:g} x {names[offer]}: {what}"] = None
            if found.quarantined:
                unused[f"{workload.runs.model} has measured speeds that are quarantined and not used: "
                       + "; ".join(found.quarantined.values())] = None  # fmt: skip
    rest = len(told) - MOST_TOLD
    more = (f"the speeds of {rest} more systems are transferred or estimated",) if rest > 0 else ()
    return (*list(told)[:MOST_TOLD], *more, *list(unused)[:MOST_TOLD])


def _level_of(found: Speeds, accelerator: str, devices: float) -> str | None:
    """Say how the speed of a system was had and within which factor it may lie; None where it was measured."""
    from optimizer.catalogue import sku_quality, sku_throughput

    here = np.array([accelerator], dtype=object), np.array([devices])
    units = float(sku_throughput(found.rows, *here)[0])
    level, spread, source = (sku_quality(found.rows, *here, column)[0] for column in ("level", "spread", "source"))
    if level == "estimated":
        likely = f"{units * spread:,.4g}/s, give or take a factor of {spread:.3g}"
        text = f"estimated ({source}); {units:,.4g}/s count, the cautious end of {likely}"
    elif level == "transferred":
        how = f"transferred from another token shape ({source})"
        text = f"{how}; {units:,.4g}/s count, give or take a factor of {spread:.3g}"
    else:
        return None
    return text
