"""Kill, starve and race processes that write plans, at random moments, and count what is lost or torn.

    python -m tools.kill_writers --seed 1 --kills 20 [--figures tools/kill_writers.csv]

Every run solves a toy whose price differs from run to run and writes its plan and its tables over those of the run
before. Afterwards the plan must be one of the two, whole; the tables must be of one run wherever `summary.csv` stands;
what was not written must be on standard output; a next run must leave nothing hidden; no process may be left.

* killed: `kill -9` at a moment drawn from the whole run, or from its last tenth, in which it writes.
* full: the system refuses to let a file grow beyond a random number of bytes.
* read-only: a folder that may not be written to.
* two writers: two runs to one output at once.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import ctypes
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from optimizer.errors import InputError
from optimizer.plan.files import SUFFIX
from optimizer.plan.models import Plan

ROOT = Path(__file__).parents[1]
INSTANCE = """\
name: toy
horizon: {{start: 2027-01-01, hours: 10}}
catalogue:
  use: inline
  inline:
    regions: [{{id: oslo, country: NO}}]
    offers: [{{sku: box, region: oslo, accelerator: gpu, usd_per_hour: {price}}}]
laws: {{use: none}}
quotas: {{default_devices: 1}}
workloads:
  - {{id: chat, kind: service, runs: {{throughput: {{gpu: 10}}}}, streams: [{{origin: NO, rate: 5}}]}}
"""
HOURS = 10
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
PAUSE_SECONDS = 1.5
"""What processes started by one that was killed have to end in."""


class Place:
    """A folder with instances, the plan and its tables."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan, self.tables = folder / "plan.json", folder / "tables"
        self.price = 0

    def next_run(self) -> list[str]:
        """Write the instance of the next run, whose price is one more, and return its command."""
        self.price += 1
        path = self.folder / f"{self.price}.yaml"
        path.write_text(INSTANCE.format(price=self.price))
        command = [sys.executable, "-m", "cli", "solve", str(path), "--quiet", "--threads", "1"]
        return [*command, "--output", str(self.plan), "--tables", str(self.tables)]

    def price_of_plan(self) -> int | None:
        """Return the price of the plan that stands there, None if none does, -1 if it is torn."""
        if not self.plan.exists():
            return None
        try:
            return round((Plan.read(self.plan).objective_usd or 0) / HOURS)
        except InputError:
            return -1

    def price_of_tables(self) -> int | None:
        """Return the price of the tables where their summary stands, None where it does not, -1 if they are torn."""
        if not (self.tables / "summary.csv").exists():
            return None
        found = set()
        for name, column in (("summary", "objective_usd"), ("cost_breakdown", "cost_usd"), ("placements", "cost_usd")):
            with (self.tables / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
                found.add(round(sum(float(row[column]) for row in csv.DictReader(stream)) / HOURS))
        return found.pop() if len(found) == 1 else -1

    def hidden(self) -> int:
        """Return how many hidden files stand beside the plan and the tables."""
        return sum(path.name.endswith(SUFFIX) for path in self.folder.rglob(".*"))


def start(command: list[str], limit: Callable[[], None] | None = None) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own."""
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, start_new_session=True,
        preexec_fn=limit,  # noqa: PLW1509  (this program has one thread)
    )  # fmt: skip


def still_there(session: int) -> int:
    """Return how many processes of a session are left."""
    until = time.monotonic() + PAUSE_SECONDS
    while time.monotonic() < until:
        count = 0
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                count += os.getsid(int(entry.name)) == session and "Z" not in (entry / "stat").read_text().split()[2]
        if not count:
            return 0
        time.sleep(0.05)
    return count


def seconds_of_a_run(place: Place) -> float:
    """Return the median time of three runs."""
    taken = []
    for _ in range(3):
        begun = time.monotonic()
        if start(place.next_run()).wait():
            raise SystemExit("the toy is not solved")
        taken.append(time.monotonic() - begun)
    return sorted(taken)[1]


def check(place: Place, before: int, found: Counter[str], out: bytes = b"") -> None:
    """Count what stands there after a run, and after the next."""
    plan, tables = place.price_of_plan(), place.price_of_tables()
    found["torn"] += (plan == -1) + (tables == -1)
    found["old plan"] += plan == before
    found["new plan"] += plan == place.price
    on_out = bool(out) and round(json.loads(out)["objective_usd"] / HOURS) == place.price
    found["on standard output"] += on_out
    found["lost"] += plan not in (before, place.price)
    found["tables without a summary"] += tables is None
    found["hidden files"] += place.hidden()
    if start(place.next_run()).wait() or place.price_of_plan() != place.price or place.price_of_tables() != place.price:
        found["next run failed"] += 1
    found["hidden after the next run"] += place.hidden()


def killed(place: Place, kills: int, rng: random.Random, last: float) -> Counter[str]:
    """Kill runs at random moments of their last part."""
    found: Counter[str] = Counter()
    whole = seconds_of_a_run(place)
    for _ in range(kills):
        before, process = place.price, start(place.next_run())
        time.sleep(whole * (1 - last * rng.random()))
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        found["runs"] += 1
        found["killed"] += process.wait() == -signal.SIGKILL
        found["processes left"] += still_there(process.pid)
        check(place, before, found)
    return found


def full(place: Place, runs: int, rng: random.Random) -> Counter[str]:
    """Let files grow to a random size only."""
    found: Counter[str] = Counter()
    size = place.plan.stat().st_size
    for _ in range(runs):
        most = rng.randrange(size)
        before = place.price
        process = start(place.next_run(), lambda most=most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))  # type: ignore[misc]
        out, _ = process.communicate()
        found["runs"] += 1
        found["exit 1"] += process.returncode == 1
        found["neither written nor printed"] += not out and place.price_of_plan() != place.price
        check(place, before, found, out)
    return found


def read_only(place: Place, runs: int) -> Counter[str]:
    """Take the right to write from a folder; what is there stays."""
    found: Counter[str] = Counter()
    for _ in range(runs):
        before, command = place.price, place.next_run()
        for folder in (place.folder, place.tables):
            folder.chmod(0o555)
        _, err = start(command, _without_privilege).communicate()
        for folder in (place.folder, place.tables):
            folder.chmod(0o755)
        found["runs"] += 1
        found["refused before the work"] += b"cannot be written: Permission denied" in err
        check(place, before, found)
    return found


def _without_privilege() -> None:
    """Let root obey the permissions of folders in what it is about to run (on Linux)."""
    if os.getuid() == 0:
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def two_writers(place: Place, runs: int) -> Counter[str]:
    """Start two runs to one output at once."""
    found: Counter[str] = Counter()
    for _ in range(runs):
        first, second = start(place.next_run()), start(place.next_run())
        codes = first.wait(), second.wait()
        found["runs"] += 2
        found["exit 0"] += codes.count(0)
        check(place, place.price - 1, found)
    return found


def main() -> None:
    """Run every trial and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--figures", type=Path)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    rows = []
    for name, trial in (
        ("killed at any moment", lambda place: killed(place, asked.kills, rng, 1.0)),
        ("killed near the end", lambda place: killed(place, asked.kills, rng, 0.1)),
        ("full", lambda place: full(place, asked.kills, rng)),
        ("read-only", lambda place: read_only(place, max(1, asked.kills // 4))),
        ("two writers", lambda place: two_writers(place, asked.kills)),
    ):
        with tempfile.TemporaryDirectory() as folder:
            place = Place(Path(folder))
            if start(place.next_run()).wait():
                raise SystemExit("the toy is not solved")
            found = trial(place)
            rows += [[name, what, count] for what, count in found.items()]
            print(name, dict(found), flush=True)
    if asked.figures:
        with asked.figures.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows([["trial", "what", "count"], *rows])
    bad = sum(count for _, what, count in rows if what in BAD)
    sys.exit(1 if bad else 0)


BAD = (
    "torn", "lost", "next run failed", "hidden after the next run", "processes left", "neither written nor printed",
)  # fmt: skip
"""What must not happen."""


if __name__ == "__main__":
    main()
