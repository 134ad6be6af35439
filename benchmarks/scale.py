"""Time to a proven gap, by our method and by the whole model through highspy, linopy and CP-SAT, at the same limits.

    python -m benchmarks.scale INSTANCE... [--ways domicile highspy linopy cpsat] [--time-limit 300] [--gap 0.001]
    python -m benchmarks.scale --estate 500 0.5 1 --classical gap-d 20 100 1

Each way runs in a process of its own, one after the other, with the same limit (counted from the start of the
process), gap and threads. A row of `results/scale.csv` per way says when its own proven gap reached 1 %, 0.5 % and
0.1 %, what was held in the end, how many violations the audit found in it, and the peak memory of the process and all
its children; `results/scale_gaps.csv` has objective, bound and gap over time. A way that overruns its limit by more
than `GRACE_SECONDS` is ended and has no plan.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks import classical, estates
from benchmarks.machine import ROOT, append, describe
from benchmarks.scale_worker import SEED, SPAWNED, WAYS

TARGETS = (0.01, 0.005, 0.001)
GRACE_SECONDS = 60.0
SAMPLE_SECONDS = 0.2
MOST_LOAD = 1.5
"""Load average above which figures are not written: somebody else is using the machine."""
FIGURES = (
    "ended", "method", "seconds", "objective_usd", "bound_usd", "bound_kind", "gap_reached", "violations",
    "to_first_plan_s", "to_1_percent_s", "to_0.5_percent_s", "to_0.1_percent_s", "load_s", "compile_s", "build_s",
    "peak_mb",
)  # fmt: skip
Row = dict[str, Any]


def main() -> None:
    """Run every way on every instance, print, append."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("instances", nargs="*", type=Path)
    parser.add_argument("--estate", nargs=3, action="append", default=[], metavar=("SIZE", "TIGHTNESS", "SEED"))
    family = ("FAMILY", "AGENTS", "JOBS", "SEED")
    parser.add_argument("--classical", nargs=4, action="append", default=[], metavar=family)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--method", default="auto", help="Method of our own way.")
    add_limits(parser)
    options = parser.parse_args()
    machine = measured_on(options)
    with tempfile.TemporaryDirectory() as folder:
        for instance in [*options.instances, *_generated(options, Path(folder))]:
            for way in options.ways:
                row, gaps = measure(way, instance, options)
                show(row)
                if not options.dry:
                    append("scale", [{**row, **machine}])
                    append("scale_gaps", [{**one, **machine} for one in gaps] or [{**_no_gap(row), **machine}])


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add the options that every run has."""
    parser.add_argument("--time-limit", type=float, default=300.0)
    parser.add_argument("--gap", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--dry", action="store_true", help="Print only; append nothing.")
    parser.add_argument("--loaded", action="store_true", help=f"Append even at a load average above {MOST_LOAD}.")


def measured_on(options: argparse.Namespace) -> Row:
    """Return the machine and versions; ends the program when the machine is busy and rows would be written."""
    machine = describe()
    for package in ("ortools", "psutil"):
        try:
            machine[package] = version(package)
        except PackageNotFoundError:
            machine[package] = ""
    if machine["load_average"] > MOST_LOAD and not (options.dry or options.loaded):
        raise SystemExit(f"load average {machine['load_average']}: wait, or say --dry or --loaded")
    return machine


def _generated(options: argparse.Namespace, folder: Path) -> list[Path]:
    found = []
    for size, tightness, seed in options.estate:
        place = folder / f"estate-{size}-{tightness}-{seed}"
        found.append(estates.generate(place, size=int(size), tightness=float(tightness), seed=int(seed)))
    for family, agents, jobs, seed in options.classical:
        place = folder / f"{family}-{agents}x{jobs}-{seed}"
        found.append(classical.generate(place, family, int(agents), int(jobs), int(seed)))
    return found


def measure(way: str, instance: Path, options: argparse.Namespace) -> tuple[Row, list[Row]]:
    """Run one way in a process of its own; return its row and its gaps over time."""
    question = {
        "instance": _name(instance), "way": way, "time_limit_s": options.time_limit, "gap": options.gap,
        "threads": options.threads, "seed": SEED,
    }  # fmt: skip
    command = [
        sys.executable, "-m", "benchmarks.scale_worker", way, str(instance.resolve()), "--gap", str(options.gap),
        "--time-limit", str(options.time_limit), "--threads", str(options.threads),
        "--method", getattr(options, "method", "auto"),
    ]  # fmt: skip
    told, peak_mb, said = run(command, options.time_limit + GRACE_SECONDS)
    final = told.pop() if told and told[-1].get("final") else {"ended": said}
    trace = [one for one in told if not one.get("final")]
    row = {**question, **dict.fromkeys(FIGURES), **{k: v for k, v in final.items() if k in FIGURES}}
    row |= times_to(trace) | {"peak_mb": round(peak_mb)}
    row["gap_reached"] = relative_gap(row["objective_usd"], row["bound_usd"])
    for key in ("seconds", "load_s", "compile_s", "build_s"):
        row[key] = None if row[key] is None else round(row[key], 2)
    return row, [{**question, **_at(one)} for one in thinned(trace)]


def _at(one: Row) -> Row:
    figures = {key: one[key] for key in ("elapsed_s", "objective_usd", "bound_usd")}
    return {**figures, "gap_reached": relative_gap(one["objective_usd"], one["bound_usd"])}


def _name(instance: Path) -> str:
    return instance.parent.name if instance.name == "instance.yaml" else instance.stem


def _no_gap(row: Row) -> Row:
    keys = ("instance", "way", "time_limit_s", "gap", "threads", "seed")
    empty = dict.fromkeys(("elapsed_s", "objective_usd", "bound_usd", "gap_reached"))
    return {**{key: row[key] for key in keys}, **empty}


def run(command: list[str], most_seconds: float) -> tuple[list[Row], float, str]:
    """Return the lines of JSON a process printed, the peak memory (MB) of it and its children, and how it ended."""
    environment = {**os.environ, SPAWNED: repr(time.monotonic()), "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, tempfile.TemporaryFile("w+", encoding="utf-8") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment)
        peak = [0.0]
        sampler = threading.Thread(target=_sample, args=(process, peak), daemon=True)
        sampler.start()
        said = ""
        try:
            process.wait(most_seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            said = f"overran its limit and was ended after {most_seconds:.0f} s"
        sampler.join()
        out.seek(0)
        err.seek(0)
        lines = [json.loads(line) for line in out if line.startswith("{") and line.endswith("}\n")]
        if process.returncode and not said:
            last = (err.read().strip().splitlines() or ["no message"])[-1]
            said = f"failed with exit code {process.returncode}: {last[:200]}"
    return lines, peak[0], said


def _sample(process: subprocess.Popen[bytes], peak: list[float]) -> None:
    """Keep the largest resident memory (MB) of a process and its children together until it ends."""
    import psutil

    try:
        whole = psutil.Process(process.pid)
        while process.poll() is None:
            used = 0
            for one in [whole, *whole.children(recursive=True)]:
                try:
                    used += one.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            peak[0] = max(peak[0], used / 2**20)
            time.sleep(SAMPLE_SECONDS)
    except psutil.NoSuchProcess:
        return


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process with the children it started."""
    import psutil

    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for one in family:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


def relative_gap(objective: float | None, bound: float | None) -> float | None:
    """Return (objective - bound) / |objective|, never negative; None when either is unknown."""
    if objective is None or bound is None:
        return None
    return max(0.0, objective - bound) / max(abs(objective), 1e-9)


def times_to(trace: list[Row]) -> Row:
    """Return seconds to the first plan and to each proven gap; None where it was not reached."""
    planned = (one["elapsed_s"] for one in trace if one["objective_usd"] is not None)
    found: Row = {"to_first_plan_s": next(planned, None)}
    for target in TARGETS:
        reached = (
            one["elapsed_s"] for one in trace
            if (gap := relative_gap(one["objective_usd"], one["bound_usd"])) is not None and gap <= target * (1 + 1e-6)
        )  # fmt: skip
        found[f"to_{100 * target:g}_percent_s"] = next(reached, None)
    return found


def thinned(trace: list[Row], step: float = 1.05) -> list[Row]:
    """Keep the first report, the last, and between them one whenever the time has grown by a twentieth."""
    kept: list[Row] = []
    for one in trace:
        if not kept or one["elapsed_s"] >= step * kept[-1]["elapsed_s"] or one is trace[-1]:
            kept.append(one)
    return kept


def show(row: Row) -> None:
    """Print one row in short."""

    def figure(value: Any, unit: str = "") -> str:
        return "-" if value is None else f"{value:.4g}{unit}" if isinstance(value, float) else f"{value}{unit}"

    times = ", ".join(f"{100 * t:g} % {figure(row[f'to_{100 * t:g}_percent_s'], ' s')}" for t in TARGETS)
    print(
        f"{row['instance']} {row['way']}: {row['ended']}; objective {figure(row['objective_usd'])}, "
        f"bound {figure(row['bound_usd'])} ({row['bound_kind']}), gap {figure(row['gap_reached'])}; {times}; "
        f"violations {figure(row['violations'])}; {row['peak_mb']} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
