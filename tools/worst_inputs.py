"""Measure `domicile validate` on the worst inputs of at most 1 MB that we know: seconds, memory, how each ends.

    python -m tools.worst_inputs [--figures tools/worst_inputs.csv] [NAME ...]

Each is as large as 1 MB takes of one thing: workloads, streams, periods, rules, datasets, data to be judged, places.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from optimizer import bundled
from tools.fuzzing.runner import MOST_MEGABYTES, MOST_SECONDS, Ended, run

MOST_BYTES = 1_000_000
MOST_THINGS = 60_000
MODEL = "meta-llama/Llama-3.1-8B-Instruct"
WORLD: dict[str, Any] = {
    "name": "worst",
    "horizon": {"start": "2027-01-01", "hours": 730}, "catalogue": {"providers": ["all"]},
    "legal_assertions": {"exporters": [{"id": "acme", "country": "DE", "headquarters": "DE"}]},
    "quotas": {"default_devices": 64, "default_endpoint_units_per_s": "unlimited", "default_vcpus": 1000},
}


def countries() -> list[str]:
    """Return the countries whose places the catalogue knows."""
    with (bundled.PATH / "catalogue" / "places.csv").open(encoding="utf-8", newline="") as stream:
        return sorted({row["country"] for row in csv.DictReader(stream)})


COUNTRIES = countries()


def service(k: int, streams: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """Return a service of its own rate."""
    own = streams or [{"origin": "DE", "rate": 100.0 + k}]
    return {"id": f"w{k}", "kind": "service", "runs": {"throughput": {"H100": 10}}, "streams": own, **more}


def job(k: int, **more: Any) -> dict[str, Any]:
    """Return a job of its own amount of work."""
    return {"id": f"j{k}", "kind": "job", "runs": {"model": MODEL}, "work": 1e6 + k, **more}


def personal(k: int, **more: Any) -> dict[str, Any]:
    """Return a service with data of its own kind."""
    return service(k, data={"categories": ["personal"], "exporter": "acme", "retention_hours": k, **more})


def inline(n: int) -> dict[str, Any]:
    """Return a catalogue of n regions with an offer each."""
    regions = [{"id": f"r{k}", "country": "DE"} for k in range(n)]
    offers = [{"sku": "s", "region": f"r{k}", "accelerator": "H100", "usd_per_hour": 1 + k} for k in range(n)]
    return {"use": "inline", "inline": {"regions": regions, "offers": offers}}


def year(n: int) -> dict[str, Any]:
    """Return a year in n periods."""
    return {"start": "2027-01-01", "hours": 8760, "count": min(n, 8760)}


CASES: dict[str, Callable[[int], dict[str, Any]]] = {
    "services": lambda n: {"workloads": [service(k) for k in range(n)]},
    "jobs": lambda n: {"workloads": [job(k) for k in range(n)]},
    "gangs": lambda n: {"workloads": [job(k, gang_devices=1 + k) for k in range(n)]},
    "streams of one service": lambda n: {
        "workloads": [service(0, [{"origin": COUNTRIES[k % len(COUNTRIES)], "rate": 1 + k} for k in range(n)])]
    },
    "round-trip limits": lambda n: {
        "workloads": [
            service(k, [{"origin": COUNTRIES[(k + j) % 200], "rate": 1, "max_rtt_ms": 20 + k + j} for j in range(20)])
            for k in range(n)
        ]
    },
    "positions": lambda n: {
        "origins": [{"id": f"o{k}", "country": "DE", "lat": 50 + k / 1e5, "lon": 10} for k in range(n)],
        "workloads": [service(0, [{"origin": f"o{k}", "rate": 1, "max_rtt_ms": 30} for k in range(n)])],
    },
    "periods": lambda n: {"horizon": year(n), "workloads": [service(k) for k in range(20)]},
    "moving jobs by the hour": lambda n: {
        "horizon": year(n), "workloads": [job(k, may_move=True, checkpoint_gb=5, interruptible=True) for k in range(5)],
    },
    "places": lambda n: {
        "workloads": [service(k) for k in range(50)],
        "policies": [{"id": f"p{k}", "kind": "places", "deny": ["US"], "scope": {"workloads": [f"w{k % 50}"]}}
                     for k in range(n)],
    },
    "shares": lambda n: {
        "workloads": [service(k) for k in range(50)],
        "policies": [{"id": f"p{k}", "kind": "provider_share", "max_share": 0.5} for k in range(n)],
    },
    "budgets": lambda n: {
        "workloads": [service(k) for k in range(50)],
        "budgets": [{"id": f"b{k}", "limit_kg": 1e6 + k, "scope": {"countries": ["DE", "FR"]}} for k in range(n)],
    },
    "datasets": lambda n: {
        "workloads": [service(0)],
        "datasets": [{"id": f"d{k}", "size_gb": 10 + k, "readers": [{"workload": "w0", "gb": 5}]} for k in range(n)],
    },
    "data to be judged": lambda n: {
        "workloads": [
            personal(k, subjects=sorted({COUNTRIES[(7 * k + 31 * j) % 240] for j in range(6)})) for k in range(n)
        ]
    },
    "data about many places": lambda n: {
        "workloads": [
            personal(k, subjects=[f"{place}-{k:03d}" for place in COUNTRIES[:90]]) for k in range(min(n, 1000))
        ]
    },
    "survival": lambda n: {
        "workloads": [
            service(k, [{"origin": place, "rate": 10} for place in ("DE", "FR", "US", "IN")],
                    survival={"of": "region", "share": 0.5}) for k in range(n)
        ]
    },
    "an own catalogue": lambda n: {
        "catalogue": inline(n), "laws": {"use": "none"}, "quotas": {"default_devices": 9},
        "workloads": [service(k) for k in range(n)],
    },
    "wrong items": lambda n: {"datasets": [{}] * (5 * n)},
}  # fmt: skip
"""Instances with n of something."""


def largest(make: Callable[[int], dict[str, Any]]) -> str:
    """Return the JSON of the largest instance of a case within 1 MB."""
    low, high = 1, MOST_THINGS
    while low < high:
        middle = (low + high + 1) // 2
        if len(_json(make(middle))) <= MOST_BYTES:
            low = middle
        else:
            high = middle - 1
    return _json(make(low))


def _json(more: dict[str, Any]) -> str:
    return json.dumps({**WORLD, **more}, separators=(",", ":"))


def _ending(ended: Ended) -> str:
    if ended.code == 2:
        return "refused"
    return "valid, not compiled" if b"only compiling finds" in ended.out else "valid"


def main() -> None:
    """Measure and write the figures; exit with 1 where the limits did not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*CASES, []], help="cases; all by default")
    parser.add_argument("--figures", type=Path)
    asked = parser.parse_args()
    rows, held = [], True
    for name in asked.names or CASES:
        text = largest(CASES[name])
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "i.json").write_text(text, encoding="utf-8")
            ended = run(["validate", "i.json"], Path(folder))
        row = [name, len(text), f"{ended.cpu_seconds:.1f}", f"{ended.megabytes:.0f}", _ending(ended)]
        held &= ended.code in (0, 2) and ended.cpu_seconds <= MOST_SECONDS and ended.megabytes <= MOST_MEGABYTES
        rows.append(row)
        print(*row, sep=", ", flush=True)
    if asked.figures:
        with asked.figures.open("w", encoding="utf-8", newline="") as stream:
            header = ["input", "bytes", "cpu_s", "mb", "ends"]
            csv.writer(stream, lineterminator="\n").writerows([header, *rows])
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
