"""The estate of 500 workloads: plan and gap over time, our method against the whole model through HiGHS.

    python -m benchmarks.enterprise [--time-limit 300] [--methods auto direct]

Each method runs in a process of its own, one after the other, with the same limit, gap and threads. Every report of
progress, at most one per `--every` seconds, is a row of `results/enterprise.csv`; the row with `final` is the audited
plan.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT, append, describe


def main() -> None:
    """Run the methods one after the other, print and append what they reported."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--instance", type=Path, default=ROOT / "instances" / "enterprise.yaml")
    parser.add_argument("--time-limit", type=float, default=300.0)
    parser.add_argument("--gap", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--methods", nargs="+", choices=["auto", "direct", "construct"], default=["auto", "direct"])
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--worker", choices=["auto", "direct", "construct"], help=argparse.SUPPRESS)
    parser.add_argument("--dry", action="store_true", help="Print only; append nothing.")
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(_solve(options)))
        return
    for method in options.methods:
        machine = describe()
        reports = _in_own_process(method, options)
        question = {
            "instance": options.instance.stem, "method": method, "time_limit_s": options.time_limit, "gap": options.gap,
            "threads": options.threads,
        }  # fmt: skip
        for report in reports:
            print(method, report)
        if not options.dry:
            append("enterprise", [{**question, **report, **machine} for report in reports])


def _in_own_process(method: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    command = [
        sys.executable, "-m", "benchmarks.enterprise", "--worker", method, "--instance", str(options.instance),
        "--time-limit", str(options.time_limit), "--gap", str(options.gap), "--threads", str(options.threads),
        "--every", str(options.every),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{method} failed: {done.stderr.strip()}")
    reports: list[dict[str, Any]] = json.loads(done.stdout.strip().splitlines()[-1])
    return reports


def _solve(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Solve and return the reports; the last is what was held in the end, after loading, compiling and the audit."""
    begun = time.perf_counter()
    import domicile

    reports: list[dict[str, Any]] = []

    def note(phase: str, objective: float | None, bound: float | None, gap: float | None, final: bool = False) -> None:
        whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)  # HiGHS has a process of its own
        peak_mb = round(sum(resource.getrusage(one).ru_maxrss for one in whose) / 2**10)
        reports.append({
            "elapsed_s": round(time.perf_counter() - begun, 1), "phase": phase, "objective_usd": objective,
            "bound_usd": bound, "gap_reached": gap, "peak_mb": peak_mb, "final": final,
        })  # fmt: skip

    def seen(progress: Any) -> None:
        is_due = not reports or time.perf_counter() - begun - reports[-1]["elapsed_s"] >= options.every
        is_first_plan = (
            progress.incumbent_usd is not None and reports[-1]["objective_usd"] is None if reports else False
        )
        if is_due or is_first_plan:
            note(progress.phase, progress.incumbent_usd, progress.bound_usd, progress.gap)

    instance = domicile.load(options.instance)
    plan = domicile.solve(
        instance, gap=options.gap, time_limit_seconds=options.time_limit, threads=options.threads,
        method=options.worker, progress=seen,
    )  # fmt: skip
    note(plan.status.replace("_", " "), plan.objective_usd, plan.bound_usd, plan.gap, final=True)
    return reports


if __name__ == "__main__":
    main()
