"""Published tables beside proven optima: EuroSys 2024, capacity and round trips, deferral and interruption.

    domicile study run papers/capacity-latency --out CELLS
    python -m benchmarks.papers capacity CELLS
    python -m benchmarks.papers deferral HOURLY.parquet --hours 1 6 12 24 --pairs 1000

`capacity` sets the cells of the study beside the published ones. `deferral` takes the hourly intensities of 2022 of 123
zones (hours by zones, gCO2/kWh; Electricity Maps by way of umassos/decarbonization-potential, ODbL, 5 MB, not shipped),
draws pairs of zone and first hour, states every pair as a job, a hundred of them in one instance of 8,760 hourly
periods, and holds each against a sliding window that knows nothing of the engine. The windows of all zones and first
hours give the published mean; it counts the first hours from which an hour of slack at least is left in the year, and
cuts windows at its end. Both write a table to `benchmarks/results`.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

import domicile
from benchmarks.machine import RESULTS

PUBLISHED = Path(__file__).parent / "published"
SLACK_HOURS, YEAR_HOURS = 24, 8_760
JOBS_AT_ONCE, GAP = 100, 1e-6
ZONES = 30
"""Zones of the table on capacity, each with 100 units."""
IDLE_OF_LOAD = {1.0: "0", 0.5: "50", 0.01: "99"}
"""Idle capacity as published, in per cent, by the load of the study."""


def main() -> None:
    """Make a table, print it, write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    tables = parser.add_subparsers(dest="table", required=True)
    capacity = tables.add_parser("capacity")
    capacity.add_argument("folder", type=Path)
    deferral = tables.add_parser("deferral")
    deferral.add_argument("hourly", type=Path)
    deferral.add_argument("--hours", type=int, nargs="+", default=[1, 6, 12, 24])
    deferral.add_argument("--pairs", type=int, default=1_000)
    deferral.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.table == "capacity":
        write("papers_capacity", capacity_rows(pd.read_parquet(options.folder / "scenarios.parquet")))
        return
    hourly = pd.read_parquet(options.hourly)
    rows = []
    for hours in options.hours:
        for may_pause in (False, True):
            rows.append(deferral_row(hourly, hours, may_pause, options.pairs, options.seed))
            print(rows[-1], flush=True)
    write("papers_deferral", rows)


def capacity_rows(scenarios: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a row per cell: published, ours and its bound in gCO2/kWh of all load, and how much lower ours is."""
    published = pd.read_csv(PUBLISHED / "eurosys24_capacity_latency.csv").set_index("latency")
    rows = []
    for one in scenarios.dropna(subset=["rtt_ms", "load"]).itertuples():
        greedy = float(published.loc[int(one.rtt_ms), IDLE_OF_LOAD[one.load]])
        to_g_per_kwh = 1e3 / (100.0 * ZONES * one.load)
        ours, bound = one.objective_usd * to_g_per_kwh, one.bound_usd * to_g_per_kwh
        rows.append({
            "rtt_ms": int(one.rtt_ms), "idle_percent": IDLE_OF_LOAD[one.load], "published_g_per_kwh": round(greedy, 4),
            "ours_g_per_kwh": round(ours, 4), "bound_g_per_kwh": round(bound, 4),
            "lower_percent": round(100.0 * (greedy - ours) / greedy, 3) + 0.0,
        })  # fmt: skip
    return rows


def deferral_row(hourly: pd.DataFrame, hours: int, may_pause: bool, pairs: int, seed: int) -> dict[str, Any]:
    """Return what is published of jobs of a length, the mean over all windows, and what the engine makes of a sample.

    `ours` and `windows_of_sample` are the means over the sample; `largest_difference` is of one job, in gCO2/kWh.
    """
    draw = np.random.default_rng([seed, hours])
    zones = draw.choice(hourly.columns.to_numpy(), pairs)
    first = draw.integers(0, YEAR_HOURS - hours, pairs)
    begun = time.process_time()
    emitted = [
        grams
        for k in range(0, pairs, JOBS_AT_ONCE)
        for grams in least_grams(hourly, zones[k : k + JOBS_AT_ONCE], first[k : k + JOBS_AT_ONCE], hours, may_pause)
    ]
    seconds = time.process_time() - begun
    at_once, deferred, paused = (np.array(one) for one in zip(
        *(window_grams(hourly[z].to_numpy(), int(s), hours) for z, s in zip(zones, first, strict=True)), strict=True
    ))  # fmt: skip
    least, before = (paused, deferred) if may_pause else (deferred, at_once)
    name = "interruptibility" if may_pause else "deferrability"
    published = pd.read_csv(PUBLISHED / f"eurosys24_{name}_slack24.csv").set_index("job")["Global"]
    return {
        "job_hours": hours, "may_pause": may_pause, "published_g_per_kwh": round(float(published[hours]), 4),
        "all_windows_g_per_kwh": round(mean_saving(hourly, hours, may_pause), 4), "pairs": pairs,
        "ours_g_per_kwh": round(float(np.mean(before - np.array(emitted))) / hours, 4) + 0.0,
        "windows_of_sample_g_per_kwh": round(float(np.mean(before - least)) / hours, 4),
        "largest_difference": float(f"{np.max(np.abs(least - np.array(emitted))) / hours:.1e}"),
        "cpu_seconds_per_100_jobs": round(seconds * JOBS_AT_ONCE / pairs, 2),
    }  # fmt: skip


def least_grams(hourly: pd.DataFrame, zones: Any, first: Any, hours: int, may_pause: bool) -> list[float]:
    """Return the carbon of every job of a kilowatt, in g, in the plan that emits least; its bound is within 1e-6."""
    instance = domicile.load(stated(hourly, zones, first, hours, may_pause))
    plan = domicile.solve(instance, gap=GAP, switching=0)
    if plan.status != "optimal":
        raise SystemExit(f"a plan of jobs of {hours} h is {plan.status}: nothing to compare")
    kg: dict[str, float] = {}
    for row in plan.placements:
        kg[row.workload] = kg.get(row.workload, 0.0) + (row.carbon_kg or 0.0)
    return [1e3 * kg[f"job-{k}"] for k in range(len(zones))]


def stated(hourly: pd.DataFrame, zones: Any, first: Any, hours: int, may_pause: bool) -> dict[str, Any]:
    """Return jobs of one kilowatt as an instance whose cost is its carbon, 1 USD per kg."""
    used = sorted(set(zones))
    offer = {"sku": "server", "accelerator": "H100", "devices": 1, "usd_per_hour": 0.0, "idle_kw": 0.0, "load_kw": 1.0,
             "embodied_kg_per_hour": 0.0, "software": "cuda"}  # fmt: skip
    regions = [{"id": f"grid:{z}", "provider": "grid", "country": z.partition("-")[0], "pue": 1.0,
                "grid_g_per_kwh": hourly[z].tolist()} for z in used]  # fmt: skip
    jobs = [{"id": f"job-{k}", "kind": "job", "runs": {"throughput": {"H100": 1.0}}, "work": 3600.0 * hours,
             "unit": "units", "gang_devices": 1, "release_hours": int(s),
             "deadline_hours": min(int(s) + hours + SLACK_HOURS, len(hourly)), "interruptible": may_pause,
             "deferrable": True, "regions": [f"grid:{z}"]}
            for k, (z, s) in enumerate(zip(zones, first, strict=True))]  # fmt: skip
    return {
        "name": "deferral", "horizon": {"start": "2022-01-01", "hours": len(hourly), "count": len(hourly)},
        "catalogue": {"use": "inline", "inline": {
            "providers": [{"id": "grid", "headquarters": "US", "parent": "US"}], "regions": regions,
            "offers": [{**offer, "region": region["id"]} for region in regions],
        }},
        "laws": {"use": "none"}, "quotas": {"default_devices": 1_000_000}, "workloads": jobs,
        "carbon": {"basis": "location_lifecycle", "embodied": "none", "price_usd_per_tonne": 1_000.0},
    }  # fmt: skip


def window_grams(g_per_kwh: Any, first: int, hours: int) -> tuple[float, float, float]:
    """Return what a job emits at once, in its best unbroken hours, and in its best hours, by sliding a window."""
    window = g_per_kwh[first : first + hours + SLACK_HOURS]
    runs = sliding_window_view(window, hours).sum(axis=1)
    return float(runs[0]), float(runs.min()), float(np.sort(window)[:hours].sum())


def mean_saving(hourly: pd.DataFrame, hours: int, may_pause: bool) -> float:
    """Return the saving per hour of work, the mean over all zones and first hours, in gCO2/kWh."""
    saved = 0.0
    for zone in hourly.columns:
        year = hourly[zone].to_numpy()
        runs = sliding_window_view(year, hours).sum(axis=1)
        best = sliding_window_view(np.append(runs, np.full(SLACK_HOURS, np.inf)), SLACK_HOURS + 1).min(axis=1)
        if may_pause:
            padded = np.append(year, np.full(SLACK_HOURS, np.inf))
            hours_of = np.partition(sliding_window_view(padded, hours + SLACK_HOURS), hours - 1, axis=1)[:, :hours]
            saved += float((best - hours_of.sum(axis=1)).sum())
        else:
            saved += float((runs - best).sum())
    return saved / (hourly.shape[1] * (len(hourly) - hours)) / hours


def write(name: str, rows: list[dict[str, Any]]) -> None:
    """Write a table anew."""
    with (RESULTS / f"{name}.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
