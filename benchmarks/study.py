"""A study of an estate beside separate solves: seeded scenarios of budgets, quotas, prices and laws.

    python -m benchmarks.study [INSTANCE] [--scenarios 200] [--baseline 20] [--workers 2]

As many scenarios of each kind; `domicile study run` solves all of them, and `domicile solve` those of the baseline,
drawn at random, each in a process of its own with as many threads as the study has processes. What the baseline would
have taken for all of them is its mean times their number. Objectives have to agree within the gaps: neither plan may
lie below the other's bound. Times are from process start to its end; `cpu_s` are processor seconds of all processes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import domicile
from benchmarks.machine import ROOT, append, describe

Scenario = dict[str, Any]
KINDS = ("budget", "quota", "price", "law")
FACTORS = {
    "budget:group-carbon": (0.93, 1.2), "budget:training-money": (0.99, 1.2), "quota:aws-account": (0.85, 1.2),
    "quota:gcp-account": (0.85, 1.2), "quota:azure-account": (0.85, 1.2), "quota:ohio-power": (0.8, 1.2),
    "quota:quotas.default_devices": (0.75, 1.5),
}  # fmt: skip
"""By rule of the enterprise instance the part of its limit that is drawn."""
SCOPES = (
    ("aws", ""), ("aws", "H100"), ("aws", "L40S"), ("aws", "A100-80"), ("azure", ""), ("azure", "H100"),
    ("azure", "A100-80"), ("azure", "MI300X"), ("gcp", ""), ("gcp", "H100"), ("gcp", "A100-80"),
)  # fmt: skip
"""Providers and accelerators of which the instance may use an offer: a price is scaled for one of these pairs."""
SAME = 1e-9


def main() -> None:
    """Draw, run both, compare, print, append."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("instance", nargs="?", default="enterprise")
    parser.add_argument("--scenarios", type=int, default=200)
    parser.add_argument("--baseline", type=int, default=20, help="So many are solved one by one as well.")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--gap", type=float, default=5e-3)
    parser.add_argument("--time-limit", type=float, default=300.0, help="Seconds for each scenario.")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--dry", action="store_true", help="Print only; append nothing.")
    options = parser.parse_args()
    machine, rng = describe(), np.random.default_rng(options.seed)
    scenarios = draw(options.instance, options.scenarios, rng)
    chosen = sorted(rng.choice(len(scenarios), min(options.baseline, len(scenarios)), replace=False).tolist())
    with tempfile.TemporaryDirectory() as folder:
        study, records = _run_study(Path(folder), scenarios, options)
        alone = [_solved(Path(folder), scenarios[k], options) for k in chosen]
    apart = [one["id"] for one in alone if not _agree(one, records[one["id"]])]
    each = {name: statistics.mean(one[name] for one in alone) for name in ("wall_s", "cpu_s")}
    row = {
        "instance": options.instance, "scenarios": len(scenarios), "baseline": len(alone), "gap": options.gap,
        "workers": options.workers, "seed": options.seed,
        "solved": sum(one["has_plan"] for one in records.values()),
        "within_gap": sum(one["status"] == "optimal" for one in records.values()),
        "study_wall_s": round(study["wall_s"], 1), "study_cpu_s": round(study["cpu_s"], 1),
        "solve_wall_s_each": round(each["wall_s"], 1), "solve_cpu_s_each": round(each["cpu_s"], 1),
        "ratio_wall": round(study["wall_s"] / (each["wall_s"] * len(scenarios)), 3),
        "ratio_cpu": round(study["cpu_s"] / (each["cpu_s"] * len(scenarios)), 3),
        "disagree": " ".join(apart),
    }  # fmt: skip
    for kind in KINDS:
        seconds = [one["seconds"] for name, one in records.items() if name.startswith(kind)]
        row[f"{kind}_s_each"] = round(statistics.mean(seconds), 1) if seconds else ""
    print("\n".join(f"{name:<20} {value}" for name, value in row.items()))
    if not options.dry:
        append("study", [{**row, **machine}])


def draw(instance: str, count: int, rng: np.random.Generator) -> list[Scenario]:
    """Return as many scenarios of each kind, in turn."""
    table = domicile.compile(domicile.load(instance)).rules()
    laws = sorted(str(rule) for rule in table.index[table.kind == "law"])
    found = []
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        found.append({"id": f"{kind}-{number // len(KINDS) + 1:03d}", "changes": [_change(kind, laws, rng)]})
    return found


def _change(kind: str, laws: list[str], rng: np.random.Generator) -> dict[str, Any]:
    if kind == "law":
        return {"op": "lift", "rule": str(rng.choice(laws))}
    if kind == "price":
        provider, accelerator = SCOPES[int(rng.integers(len(SCOPES)))]
        scope = {"providers": [provider]}
        if accelerator:
            scope["accelerators"] = [accelerator]
        return {"op": "scale_prices", "factor": round(float(rng.uniform(0.85, 1.2)), 3), "scope": scope}
    rule = str(rng.choice([name for name in FACTORS if name.startswith(kind)]))
    return {"op": "set_limit", "rule": rule, "times": round(float(rng.uniform(*FACTORS[rule])), 3)}


def _run_study(folder: Path, scenarios: list[Scenario], options: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    """Return the times of the study, and the record of each scenario by its id."""
    path, out = folder / "study.json", folder / "out"
    path.write_text(json.dumps({
        "name": "benchmark", "base": options.instance, "scenarios": scenarios,
        "solve": {"gap": options.gap, "time_limit_seconds": options.time_limit},
    }))  # fmt: skip
    times = _timed(["study", "run", str(path), "--out", str(out), "--workers", str(options.workers), "--quiet"])
    stated = json.loads((out / "study.json").read_text())["scenarios"]
    paths = {one["id"]: out / "scenarios" / f"{one['key']}.json" for one in stated}  # scenarios alike share a record
    missing = [name for name, path in paths.items() if not path.exists()]
    if missing:
        raise SystemExit(f"the study ended without {len(missing)} of its scenarios: {', '.join(missing[:5])} …")
    return times, {name: json.loads(path.read_text()) for name, path in paths.items()}


def _solved(folder: Path, scenario: Scenario, options: argparse.Namespace) -> dict[str, Any]:
    """Return what `domicile solve` made of a scenario, and its times."""
    changes, output = folder / "changes.json", folder / "plan.json"
    changes.write_text(json.dumps(scenario["changes"]))
    output.unlink(missing_ok=True)
    times = _timed([
        "solve", options.instance, "--change", str(changes), "--gap", str(options.gap), "--threads",
        str(options.workers), "--time-limit", str(options.time_limit), "--output", str(output),
    ])  # fmt: skip
    content = output.read_bytes()
    plan = json.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    told = {"id": scenario["id"], "status": plan["status"], **times,
            **{name: plan.get(name) for name in ("objective_usd", "bound_usd")}}  # fmt: skip
    print(told, flush=True)
    return told


def _timed(arguments: list[str]) -> dict[str, float]:
    """Return wall and processor seconds of a command; codes 3 and 4 (infeasible, no plan) are answers."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "domicile.cli", *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    if done.returncode not in (0, 3, 4):
        raise SystemExit(f"{' '.join(arguments)} failed: {done.stderr.strip()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": time.perf_counter() - begun, "cpu_s": cpu}


def _agree(alone: dict[str, Any], record: dict[str, Any]) -> bool:
    """Whether neither plan lies below what the other proved."""
    if alone["objective_usd"] is None or record["objective_usd"] is None:
        return alone["objective_usd"] is record["objective_usd"]
    pairs = ((alone, record), (record, alone))
    return all(one["objective_usd"] >= (other["bound_usd"] or 0.0) * (1 - SAME) for one, other in pairs)


if __name__ == "__main__":
    main()
