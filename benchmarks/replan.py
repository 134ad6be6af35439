"""The estate of 500 workloads planned anew from what runs: after a change, with few moves, beside its usual time.

    python -m benchmarks.replan [--gap 0.005] [--share 0.05] [--changes none prices demand] [--threads 2]

First the estate as it stands is solved, from nothing: its usual time. Its plan is then what runs (`current`), something
changes by 10 %, at most `--share` of the workloads may move, and it is solved again, each solve in a process of its own
and timed from loading to the audited plan. Rows are appended to `results/replan.csv`.

none    nothing changes
prices  all compute prices of the largest operator fall by 10 %
demand  the demand of every tenth workload rises by 10 %
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT, append, describe

MORE, LESS = 1.1, 0.9
EVERY = 10
LARGEST, PERCENT = "aws", 12.0
"""The operator whose prices fall, and what the estate's discount with it is, in per cent."""
CHANGES = ("none", "prices", "demand")


def main() -> None:
    """Solve the estate, then what follows from it; print and append the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gap", type=float, default=0.005)
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--time-limit", type=float, default=300.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--changes", nargs="+", choices=CHANGES, default=list(CHANGES))
    parser.add_argument("--worker", nargs=2, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--dry", action="store_true", help="Print only; append nothing.")
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(_solve(*options.worker, options)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder, usual = Path(name), 0.0
        for change in ("usual", *options.changes):
            machine = describe()
            instance = _written(folder / change, change, options.share)
            if change != "usual":
                shutil.copy(folder / "usual" / "plan.json", folder / change / "today.json")
            row = _in_own_process(instance, folder / change / "plan.json", options)
            usual = row["seconds"] if change == "usual" else usual
            told = {"change": change, "share": options.share if change != "usual" else None, "gap": options.gap,
                    "threads": options.threads, **row, "times_usual": round(row["seconds"] / usual, 2)}  # fmt: skip
            print(told)
            if not options.dry:
                append("replan", [{**told, **machine}])


def _written(folder: Path, change: str, share: float) -> Path:
    """Write the estate with its change, and with what runs today but for the usual one; return its file."""
    shutil.copytree(ROOT / "instances" / "enterprise", folder / "enterprise")
    text = (ROOT / "instances" / "enterprise.yaml").read_text(encoding="utf-8")
    if change != "usual":
        text += f"\ncurrent:\n  plan: today.json\n  max_moved_share: {share}\n"
    if change == "prices":
        was, percent = f"provider: {LARGEST}, percent: {PERCENT:g}", 100.0 - (100.0 - PERCENT) * LESS
        if was not in text:
            raise SystemExit(f"the estate has no line with {was}")
        text = text.replace(was, f"provider: {LARGEST}, percent: {percent:.6g}")
    if change == "demand":
        _raise_demand(folder / "enterprise" / "streams.csv")
    path = folder / "enterprise.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _raise_demand(path: Path) -> None:
    """Raise peak and mean rates of every tenth workload of a table of streams."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    order = {name: at for at, name in enumerate(dict.fromkeys(row["workload"] for row in rows))}
    for row in rows:
        for field in ("rate", "mean_rate"):
            if order[row["workload"]] % EVERY == 0 and row.get(field):
                row[field] = f"{float(row[field]) * MORE:.12g}"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _in_own_process(instance: Path, plan: Path, options: argparse.Namespace) -> dict[str, Any]:
    command = [
        sys.executable, "-m", "benchmarks.replan", "--worker", str(instance), str(plan), "--gap", str(options.gap),
        "--time-limit", str(options.time_limit), "--threads", str(options.threads),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{instance} failed: {done.stderr.strip()[-2000:]}")
    row: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return row


def _solve(path: Path, target: Path, options: argparse.Namespace) -> dict[str, Any]:
    begun = time.perf_counter()
    import domicile

    instance = domicile.load(path)
    plan = domicile.solve(
        instance, gap=options.gap, time_limit_seconds=options.time_limit, threads=options.threads
    )
    seconds = time.perf_counter() - begun
    plan.write(target)
    today = plan.today
    return {
        "status": plan.status, "objective_usd": plan.objective_usd, "bound_usd": plan.bound_usd,
        "gap_reached": plan.gap, "seconds": round(seconds, 1),
        "running": None if today is None else today.running, "moved": None if today is None else today.moved,
        "today_usd": None if today is None else today.today_usd,
        "saving_usd": None if today is None else today.saving_usd,
    }  # fmt: skip


if __name__ == "__main__":
    main()
