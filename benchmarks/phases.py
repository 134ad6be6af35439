"""Where the time goes from an instance file to an audited plan, and what the same model costs by hand and in linopy.

    python -m benchmarks.phases instances/quickstart.yaml instances/global-assistant.yaml [--repeats 5] [--relaxed]

Every run is a fresh process; the ways alternate within a repeat, so that other load on the machine hits all of them.
Medians are reported and appended to `results/phases.csv`. `solve` is HiGHS's own run by its own clock; everything else
is ours.
`--relaxed` drops integrality: for estates whose whole model HiGHS does not finish.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT, append, describe
from benchmarks.worker import SEED, SPAWNED

PHASES = ("start", "import", "load", "compile", "build", "hand_over", "solve", "read", "audit")
WAYS = ("domicile", "by_hand", "linopy")
LEAST_ALLOWED_S = 2.0


def main() -> None:
    """Measure, print, append."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("instances", nargs="+", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--gap", type=float, default=1e-3)
    parser.add_argument("--time-limit", type=float, default=300.0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--relaxed", action="store_true")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--dry", action="store_true", help="Print only; append nothing.")
    options = parser.parse_args()
    for instance in options.instances:
        measure(instance, options)


def measure(instance: Path, options: argparse.Namespace) -> None:
    """Run every way `repeats` times in turn, print the medians and append them."""
    machine = describe()
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in options.ways}
    for _ in range(options.repeats):
        for way in list(runs):
            found = _run(way, instance, options)
            if found is None:
                del runs[way]
            else:
                runs[way].append(found)
    _show(instance, runs)
    if options.dry:
        return
    question = {
        "instance": instance.stem, "relaxed": options.relaxed, "gap": options.gap, "time_limit_s": options.time_limit,
        "threads": options.threads, "seed": SEED, "repeats": options.repeats,
    }  # fmt: skip
    rows = []
    for way, found in runs.items():
        last = found[-1]
        size = {
            key: last[key] for key in ("rows", "columns", "integers", "nonzeros", "objective_usd", "bound_usd", "ended")
        }
        for phase in PHASES:
            samples = [one["phases"][phase] for one in found if phase in one["phases"]]
            if samples:
                rows.append({**question, "way": way, "phase": phase, **_medians(samples), **size, **machine})
    append("phases", rows)


def _run(way: str, instance: Path, options: argparse.Namespace) -> dict[str, Any] | None:
    command = [
        sys.executable, "-m", "benchmarks.worker", way, str(instance), "--gap", str(options.gap),
        "--time-limit", str(options.time_limit), "--threads", str(options.threads),
    ]  # fmt: skip
    if options.relaxed:
        command.append("--relaxed")
    environment = {**os.environ, SPAWNED: repr(time.monotonic()), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        print(f"{instance.stem}: {way} left out: {last}", file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _medians(samples: list[dict[str, float]]) -> dict[str, float]:
    wall = [sample["wall_s"] for sample in samples]
    return {
        "wall_s": round(statistics.median(wall), 4),
        "wall_min_s": round(min(wall), 4),
        "wall_max_s": round(max(wall), 4),
        "cpu_s": round(statistics.median(sample["cpu_s"] for sample in samples), 4),
        "peak_mb": round(statistics.median(sample["peak_mb"] for sample in samples), 1),
    }


def _show(instance: Path, runs: dict[str, list[dict[str, Any]]]) -> None:
    if not any(runs.values()):
        return
    median = {
        way: {phase: _medians([one["phases"][phase] for one in found if phase in one["phases"]])
              for phase in PHASES if phase in found[0]["phases"]}
        for way, found in runs.items()
    }  # fmt: skip
    first = next(iter(runs.values()))[-1]
    print(f"\n{instance.stem}: {first['columns']} columns ({first['integers']} integer), {first['rows']} rows, "
          f"{first['nonzeros']} non-zeros; load average {os.getloadavg()[0]:.1f}")  # fmt: skip
    print(f"{'median wall s (cpu s)':<22}" + "".join(f"{way:>20}" for way in runs))
    for phase in PHASES:
        cells = [median[way].get(phase) for way in runs]
        print(f"{phase:<22}" + "".join(f"{c['wall_s']:>12.3f} ({c['cpu_s']:.2f})" if c else f"{'':>20}" for c in cells))
    print(f"{'peak MB':<22}" + "".join(f"{max(p['peak_mb'] for p in median[way].values()):>20.0f}" for way in runs))
    print(
        f"{'objective USD':<22}"
        + "".join(f"{one[-1]['objective_usd'] or float('nan'):>20.4f}" for one in runs.values())
    )
    print(f"{'bound USD':<22}" + "".join(f"{one[-1]['bound_usd'] or float('nan'):>20.4f}" for one in runs.values()))
    _show_agreement({way: found[-1] for way, found in runs.items()})
    if "domicile" in median:
        _show_ratios(median)


def _show_agreement(last: dict[str, dict[str, Any]]) -> None:
    """Say when the ways do not solve the same model, or reach objectives that both cannot be right."""
    sizes = {(one["columns"], one["rows"], one["nonzeros"], one["integers"]) for one in last.values()}
    print("same number of columns, rows, non-zeros and integers" if len(sizes) == 1 else f"MODELS DIFFER: {sizes}")
    best = min((one["objective_usd"] for one in last.values() if one["objective_usd"] is not None), default=None)
    bounds = [one["bound_usd"] for one in last.values() if one["bound_usd"] is not None]
    if best is not None and bounds:
        agree = max(bounds) <= best * (1 + 1e-6) + 1e-6
        print("every bound is below every objective" if agree else "OBJECTIVES DISAGREE: a bound is above an objective")


def _show_ratios(median: dict[str, dict[str, dict[str, float]]]) -> None:
    ours = median["domicile"]
    for kind in ("wall_s", "cpu_s"):
        outside = sum(figures[kind] for phase, figures in ours.items() if phase != "solve")
        allowed = max(ours["solve"]["wall_s"], LEAST_ALLOWED_S)
        verdict = "met" if outside <= allowed else "MISSED"
        print(f"outside HiGHS's own run, {kind}: {outside:.2f} (at most {allowed:.2f}: {verdict})")
    for way in ("by_hand", "linopy"):
        if way in median:
            parts = [
                sum(ours[phase][kind] for phase in ("build", "hand_over"))
                / sum(median[way][phase][kind] for phase in ("build", "hand_over"))
                for kind in ("wall_s", "cpu_s")
            ]
            print(f"build + hand_over, ours / {way}: {parts[0]:.1f} by wall, {parts[1]:.1f} by processor time; "
                  f"solve: {ours['solve']['wall_s'] / max(median[way]['solve']['wall_s'], 1e-9):.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
