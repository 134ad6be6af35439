"""Break inputs at random and run `domicile` on them: seeded, aware of what the files mean, in processes of their own.

    python -m tools.fuzz --seed 1 --seconds 900 --keep FOLDER [--figures tools/fuzz.csv]

Each input is at most 1 MB: instances (broken in their values or bytes, or made of their JSON Schema alone), tables
(CSV, Parquet, what a spreadsheet saves), catalogue folders, law patches and plans. What must hold of every run: an
exit code of the documentation, no traceback and no internal error, no control characters, JSON where it was asked for;
`validate` within 10 processor seconds and 1 GB; a broken plan is refused, caught, or its field named as not judged.
What did not hold is kept in FOLDER, one folder for each seed, and told. The figures are one row for each kind and
outcome.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import domicile
from optimizer import bundled
from optimizer.catalogue import load_catalogue
from optimizer.instance.yaml_reader import read_yaml
from tools.fuzzing.cases import TOY, Material, case_of
from tools.fuzzing.runner import Ended, faults, outcome_of_plan, run

KEPT_PROVIDERS = ("scaleway", "nebius")
MOST_ROWS = 400


def material() -> Material:
    """Return what cases are made of; imports and loads everything that the commands need."""
    instance = domicile.load(read_yaml(TOY, "toy")[0])
    plan = domicile.solve(instance, gap=0, threads=1)
    load_catalogue()
    for module in ("optimizer.report", "optimizer.lookup", "pyarrow.parquet", "rich.table", "rich.live"):
        try:
            __import__(module)
        except ImportError:
            continue
    return Material(json.loads(plan.to_json()), small_catalogue())


def small_catalogue() -> dict[str, bytes]:
    """Return the tables of the bundled catalogue, cut to two providers and unpacked."""
    found = {}
    for path in sorted((bundled.PATH / "catalogue").glob("*.csv*")):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        rows = list(csv.DictReader(io.StringIO(content.decode())))
        kept = [row for row in rows if _is_kept(row)]
        stream = io.StringIO()
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept if path.name == "places.csv" else kept[:MOST_ROWS])
        found[path.name.removesuffix(".gz")] = stream.getvalue().encode()
    return found


def _is_kept(row: dict[str, str]) -> bool:
    named = [value for key, value in row.items() if key.endswith(("provider", "region_id", "source", "target"))]
    places = [value.partition(":")[0] for value in named if value]
    known = set(load_catalogue().providers.index)
    return all(place in KEPT_PROVIDERS or place not in known for place in places)


@dataclass
class Figures:
    """Of one kind and outcome: how many, the slowest and the largest with their seeds."""

    count: int = 0
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[float, str] = (0.0, "")

    def add(self, ended: Ended, seed: str) -> None:
        """Count one run."""
        self.count += 1
        self.slowest = max(self.slowest, (ended.cpu_seconds, seed))
        self.largest = max(self.largest, (ended.megabytes, seed))


def fuzz(seed: int, seconds: float, most: int, keep: Path) -> tuple[dict[tuple[str, str, str], Figures], int]:
    """Run cases until the time is over; return the figures by kind, command and outcome, and how many did not hold."""
    stuff = material()
    figures: dict[tuple[str, str, str], Figures] = defaultdict(Figures)
    bad, number, until = 0, 0, time.monotonic() + seconds
    while time.monotonic() < until and number < most:
        name = f"{seed}-{number}"
        number += 1
        case = case_of(name, stuff)
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        case.write(folder)
        told = []
        for arguments, allowed in case.commands:
            ended = run(arguments, folder)
            found = faults(arguments, allowed, ended)
            outcome = f"exit {ended.code}"
            if case.kind == "plan" and not found:
                outcome = outcome_of_plan(case, ended, stuff.plan)
                found += ["passes the audit"] * (outcome == "passed")
            figures[case.kind, arguments[0], "did not hold" if found else outcome].add(ended, name)
            told += [f"{' '.join(arguments)}: {what}" for what in found]
        if told:
            bad += 1
            print(f"{name} ({case.kind}, {case.touched}): {'; '.join(told)}", flush=True)
            shutil.copytree(folder, keep / name, dirs_exist_ok=True)
        shutil.rmtree(folder)
    return figures, bad


def main() -> None:
    """Fuzz for a while and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--most", type=int, default=10**9, help="cases at most")
    parser.add_argument("--keep", type=Path, required=True, help="folder for inputs that did not hold")
    parser.add_argument("--figures", type=Path, help="CSV to write")
    asked = parser.parse_args()
    figures, bad = fuzz(asked.seed, asked.seconds, asked.most, asked.keep)
    rows = [
        [*key, one.count, f"{one.slowest[0]:.2f}", one.slowest[1], f"{one.largest[0]:.0f}", one.largest[1]]
        for key, one in sorted(figures.items())
    ]
    header = ["kind", "command", "outcome", "runs", "slowest_cpu_s", "slowest_seed", "largest_mb", "largest_seed"]
    for stream in [sys.stdout, *([asked.figures.open("w", encoding="utf-8", newline="")] if asked.figures else [])]:
        csv.writer(stream, lineterminator="\n").writerows([header, *rows])
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
