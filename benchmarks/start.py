"""How long a user waits: `domicile --help`, and quickstart from process start to printed plan.

    python -m benchmarks.start [--repeats 9]

Medians are printed and appended to `results/start.csv`. Processor seconds (all threads) tell a slow program from a busy
machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.machine import ROOT, append, describe

COMMANDS = {
    "help": (("--help",), 0.3),
    "quickstart": (("solve", str(ROOT / "instances" / "quickstart.yaml")), 3.0),
}
"""Name: arguments, and the wall seconds aimed for."""


def main() -> None:
    """Measure, print, append."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--dry", action="store_true", help="Print only; append nothing.")
    options = parser.parse_args()
    machine, rows = describe(), []
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for _ in range(options.repeats):
        for name, (arguments, _) in COMMANDS.items():
            samples[name].append(_timed(arguments))
    for name, (_, target) in COMMANDS.items():
        wall = [one[0] for one in samples[name]]
        row = {
            "command": name,
            "target_s": target,
            "wall_s": round(statistics.median(wall), 3),
            "wall_min_s": round(min(wall), 3),
            "wall_max_s": round(max(wall), 3),
            "cpu_s": round(statistics.median(one[1] for one in samples[name]), 3),
            "repeats": options.repeats,
        }
        verdict = "met" if row["wall_s"] <= target else "MISSED"
        print(f"{name:<12} median {row['wall_s']} s (least {row['wall_min_s']}, processor {row['cpu_s']}): "
              f"target {target} s {verdict}; load average {machine['load_average']}")  # fmt: skip
        rows.append({**row, **machine})
    if not options.dry:
        append("start", rows)


def _timed(arguments: tuple[str, ...]) -> tuple[float, float]:
    """Return wall and processor seconds of one run of the command line program."""
    program = Path(sys.executable).with_name("domicile")
    begun, before = time.perf_counter(), os.times()
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - begun, os.times()
    if done.returncode:
        raise SystemExit(f"domicile {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


if __name__ == "__main__":
    main()
