"""What a figure was measured on, and where it is written."""

from __future__ import annotations

import csv
import datetime
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).parent.parent
PACKAGES = ("domicile", "pyomo", "highspy", "linopy", "numpy", "scipy", "pandas", "pydantic")


def describe() -> dict[str, Any]:
    """Return date, commit, versions, CPU, cores, memory (GB) and the load average of the last minute."""
    found: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "commit": _commit(),
        "python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = ""
    found["cpu"] = _cpu()
    found["cores"] = os.cpu_count()
    found["memory_gb"] = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    found["load_average"] = round(os.getloadavg()[0], 2)
    return found


def append(name: str, rows: list[dict[str, Any]]) -> Path:
    """Append rows to `results/<name>.csv`, so that earlier figures stay to be compared with."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.csv"
    fields = list(rows[0])
    is_new = not path.exists()
    if not is_new:
        with path.open(newline="", encoding="utf-8") as old:
            header = next(csv.reader(old))
        if header != fields:
            raise SystemExit(f"{path} has other columns than this run writes: move it away first")
    with path.open("a", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, fields, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(rows)
    return path


def _commit() -> str:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    code = ("domicile", "optimizer", "formulations", "instances", "cli.py")
    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--", *code) else "")


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
