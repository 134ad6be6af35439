"""Gangs of jobs: how many machines hold one, and how much of them works.

A gang of g devices takes k = ceil(g / devices of a machine) machines of one SKU in one region. It works on g devices,
and pays for and holds k whole machines. Without a size a gang is one machine, all of which works.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from optimizer.compile.world import World
    from optimizer.instance.workloads import Job

Floats = NDArray[np.float64]
WHOLE = 1e-9
"""How near a number of machines must be to a whole one to be it."""


@dataclass(frozen=True, eq=False)
class Gang:
    """Of each machine: `instances` of it that hold one gang (inf: none can), the share of their devices that works."""

    instances: Floats
    working_share: Floats

    @classmethod
    def of(cls, devices: Floats, gang_devices: Floats | float) -> Gang:
        """Return it for machines of so many devices, and gangs of `gang_devices` (0: one machine)."""
        asked = np.broadcast_to(np.asarray(gang_devices, dtype=float), devices.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            instances = np.where(devices > 0, np.maximum(np.ceil(asked / devices - WHOLE), 1.0), np.inf)
            share = np.where((asked > 0) & (devices > 0), asked / (instances * devices), 1.0)
        return cls(instances, np.minimum(share, 1.0))

    @classmethod
    def of_job(cls, world: World, job: Job) -> Gang:
        """Return it for a job on every offer of the world."""
        return cls.of(world.column("counted_devices"), float(job.gang_devices or 0))
