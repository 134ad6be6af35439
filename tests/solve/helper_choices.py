"""Random small problems whose services must each be in one region: what a choice of region settles, and what not."""

from __future__ import annotations

import numpy as np
from problem_toys import Builder

from formulations.problem import Problem

TWISTS = (
    "two_offers", "two_regions", "unserved", "survival", "share_lower", "share_upper", "endpoints", "missing_stream",
)  # fmt: skip
Held = dict[tuple[int, int], dict[int, float]]
"""By region and period, the slots and how many devices an instance of each takes."""


def assignment(seed: int, *twists: str, jobs: bool = False, periods: int = 1, workloads: int = 4) -> Problem:
    """Return services (and jobs) on three or four regions with device pools, a carbon budget and fixed costs.

    A twist breaks one of the conditions under which a choice settles the rest, for the first service or for all.
    """
    rng = np.random.default_rng(seed)
    b = Builder((1.0,) * periods)
    regions = [b.region(fixed=float(rng.integers(0, 2) * rng.integers(1, 20))) for _ in range(int(rng.integers(3, 5)))]
    held: Held = {(r, t): {} for r in regions for t in range(periods)}
    for number in range(workloads):
        twisted = number == 0
        if jobs and number % 2:
            _job(b, rng, regions, held)
            continue
        demands = [[float(rng.integers(1, 9)) for _ in range(periods)] for _ in range(int(rng.integers(1, 3)))]
        workload, streams = b.service(*demands, unserved=40.0 if "unserved" in twists and twisted else None)
        b.presence(workload, *regions, most=2 if "two_regions" in twists and twisted else 1)
        for region in regions:
            offers = 2 if "two_offers" in twists and twisted and region == regions[0] else 1
            for offer in range(offers):
                endpoint = "endpoints" in twists and bool(rng.random() < 0.5)
                capacity, usd, kg = float(rng.integers(1, 6)), float(rng.integers(0, 9)), float(rng.integers(0, 9))
                for period in range(periods):
                    metrics = {} if endpoint else {
                        "compute_usd": usd, "device_hours": 1.0, "carbon_kg": kg, "usd": usd,
                    }  # fmt: skip
                    slot = b.slot(
                        workload, region, offer=10 * region + offer, period=period, capacity=capacity,
                        most=float(rng.integers(3, 20)), endpoint=endpoint, **metrics,
                    )  # fmt: skip
                    if not endpoint:
                        held[region, period][slot] = float(rng.integers(1, 3))
                    for stream in streams:
                        left_out = "missing_stream" in twists and twisted and region == regions[0]
                        if not (left_out and stream == streams[-1]):
                            b.flow(stream, slot, usd=float(rng.integers(0, 5)), carbon_kg=float(rng.integers(0, 3)))
        if "survival" in twists and twisted:
            b.survive(workload, 0, 0.3)
    for (_, period), slots in held.items():
        if slots:
            b.pool(float(rng.integers(4, 25)), slots=slots, period=period)
    every = list(range(len(b.rows["slot"])))
    if rng.random() < 0.6:
        b.budget("carbon_kg", float(rng.integers(60, 200) * periods), slots=every)
    first = [i for i in every if b.rows["slot"][i]["region"] == regions[0]]
    if "share_lower" in twists:
        b.share("device_hours", first, every, lower=0.4)
    if "share_upper" in twists:
        b.share("device_hours", first, every, upper=0.3)
    return b.build()


def _job(b: Builder, rng: np.random.Generator, regions: list[int], held: Held) -> None:
    workload, _ = b.job(float(rng.integers(1, 5)))
    b.presence(workload, *regions)
    for region in regions:
        usd, period = float(rng.integers(1, 9)), 0
        slot = b.slot(
            workload, region, period=period, capacity=float(rng.integers(1, 5)), gang=float(rng.integers(1, 3)),
            usd=usd, compute_usd=usd, device_hours=1.0, carbon_kg=float(rng.integers(0, 5)),
        )  # fmt: skip
        held[region, period][slot] = 1.0
