"""How wall time and memory of our method grow with the size of an estate.

    python -m benchmarks.growth [--sizes 1000 2000 5000 10000] [--tightness 0.5] [--seed 1] [--target 0.005]

One run per size, each in a process of its own, stopping at the target gap. For every figure y the exponent b of
y ~ size ** b is fitted by least squares in logarithms, over the sizes that have the figure; sizes that do not reach the
target gap are named and left out of its fit. Rows go to `results/growth.csv`, the fits into every row of their run.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import estates
from benchmarks.machine import append
from benchmarks.scale import add_limits, measure, measured_on, relative_gap, show

FITTED = ("to_target_s", "compile_s", "build_s", "to_first_plan_s", "peak_mb")


def main() -> None:
    """Measure, fit, print, append."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=[1000, 2000, 5000, 10000])
    parser.add_argument("--tightness", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--method", default="auto")
    add_limits(parser)
    parser.set_defaults(gap=5e-3, time_limit=900.0)
    options = parser.parse_args()
    machine = measured_on(options)
    rows = []
    for size in sorted(options.sizes):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / f"estate-{size}-{options.tightness}-{options.seed}"
            instance = estates.generate(place, size=size, tightness=options.tightness, seed=options.seed)
            row, _ = measure("domicile", instance, options)
        show(row)
        gap = relative_gap(row["objective_usd"], row["bound_usd"])
        is_reached = gap is not None and gap <= options.gap * (1 + 1e-6)
        rows.append({"size": size, **row, "to_target_s": row["seconds"] if is_reached else None})
        if not is_reached:
            print(f"size {size} did not reach {options.gap:.2%}")
    fits = {f"exponent_{name}": exponent([(one["size"], one[name]) for one in rows]) for name in FITTED}
    for name, fitted in fits.items():
        print(f"{name}: {'-' if fitted is None else f'{fitted:.2f}'}")
    if not options.dry:
        append("growth", [{**one, **fits, **machine} for one in rows])


def exponent(points: list[tuple[Any, Any]]) -> float | None:
    """Return b of y ~ x ** b by least squares in logarithms; None with fewer than two positive points."""
    known = [(math.log(x), math.log(y)) for x, y in points if y is not None and x > 0 and y > 0]
    if len({x for x, _ in known}) < 2:
        return None
    mean_x, mean_y = (sum(values) / len(known) for values in zip(*known, strict=True))
    slope = sum((x - mean_x) * (y - mean_y) for x, y in known) / sum((x - mean_x) ** 2 for x, _ in known)
    return round(slope, 3)


if __name__ == "__main__":
    main()
