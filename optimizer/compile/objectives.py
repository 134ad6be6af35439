"""Service objectives: which machines hold no replica that keeps them, and how near their replicas come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.evidence import Evidence, Evidences, worded
from optimizer.compile.gangs import WHOLE
from optimizer.compile.ledger import Exclusion

if TYPE_CHECKING:
    from optimizer.catalogue import Objectives, Operating
    from optimizer.compile.world import World
    from optimizer.instance.workloads import Runs

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Nearest = dict[tuple[str, float], "Operating"]
UNITS = {"ttft_ms": "ms to the first token", "tpot_ms": "ms per output token"}


def nearest_of(
    missed: Mapping[tuple[str, float], Operating], objectives: Objectives, accelerator: NDArray[np.object_],
    devices: Floats, units_per_s: Floats,
) -> Nearest:  # fmt: skip
    """Return by accelerator and devices of a machine the point of its replicas that misses the objectives by least; of
    machines that no replica serves.
    """
    if not missed:
        return {}
    without = np.flatnonzero(np.isnan(units_per_s))
    found: Nearest = {}
    for machine in dict.fromkeys(zip(accelerator[without].tolist(), devices[without].tolist(), strict=True)):
        name, held = machine
        fitting = [
            point for (chip, size), point in missed.items()
            if chip == name and size <= held * (1 + WHOLE) and abs(held / size - round(held / size)) <= WHOLE * held
        ]  # fmt: skip
        if fitting:
            found[machine] = min(fitting, key=lambda point: objectives.missed_by(point.ttft_ms, point.tpot_ms))
    return found


def by_objectives(world: World, runs: Runs, nearest: Nearest) -> list[Exclusion]:
    """Return the machines whose replicas miss an objective, by the one that is missed most, and the endpoints: nobody
    publishes their times.
    """
    asked = {name: value for name in UNITS if (value := getattr(runs, name)) is not None}
    if not asked:
        return []
    chip, devices = world.text("accelerator").tolist(), world.column("counted_devices").tolist()
    points = [nearest.get(machine) for machine in zip(chip, devices, strict=True)]
    worst = np.array([
        "" if point is None else max(asked, key=lambda name: getattr(point, name) / asked[name])
        for point in points
    ])  # fmt: skip
    told = _nearest(points, asked)
    machine = ~world.is_endpoint
    found = [
        Exclusion("service_objective", f"runs.{name}", (worst == name) & machine, evidence=told) for name in asked
    ]
    if "endpoint" in runs.via:
        unknown = worded(lambda _: "nobody has its time to the first token or per output token")
        found.append(Exclusion("missing_latency", f"runs.{next(iter(asked))}", world.is_endpoint, evidence=unknown))
    return found


def _nearest(points: list[Operating | None], asked: dict[str, float]) -> Evidences:
    """Say how near the replicas of a machine come to what is asked."""

    def of(option: int) -> tuple[Evidence, ...]:
        point = points[option]
        assert point is not None
        return tuple(
            Evidence(
                f"with {point.requests:g} in flight it takes {getattr(point, name):,.4g} {UNITS[name]}, "
                f"{limit:,.4g} are asked",
                getattr(point, name), limit, "ms",
            )
            for name, limit in asked.items() if getattr(point, name) > limit
        )  # fmt: skip

    return of


def nearest_sentence(runs: Runs, nearest: Nearest) -> str | None:
    """Say which machine comes nearest to the objectives of a workload, and how near; None where none misses them."""
    asked = {name: value for name in UNITS if (value := getattr(runs, name)) is not None}
    if not nearest or not asked:
        return None
    (chip, devices), point = min(
        nearest.items(), key=lambda pair: max(getattr(pair[1], name) / limit for name, limit in asked.items())
    )
    told = " and ".join(f"{getattr(point, name):,.4g} {UNITS[name]} ({limit:,.4g} asked)"
                        for name, limit in asked.items())  # fmt: skip
    return f"of machines that miss the objectives {devices:g} x {chip} comes nearest: {told}"
