"""Why-not and prices on the estate of 500 workloads: seconds of processor after compiling, and how wide answers are.

    python -m benchmarks.explain [--ask why prices] [--limit 5] [--rules 30] [--times 10] [--plan PLAN] [--threads 2]

The estate (`instances/enterprise.yaml`) is solved to 0.5 % first, unless a plan of it is given; that is the base solve.

why     is asked why-not of `PLACES` with `--limit` seconds for the solves, the runner-up left out
prices  of the first `--rules` rules, each lifted alone, with `--times` the seconds of the base solve

Seconds of the processor count this process and those that it ended (HiGHS runs in some of its own). On a machine that
others use as well the limit is one of the clock, so that less of the processor is had within it: the load average
stands beside every row. Rows are appended to `results/explain.csv`.
"""

from __future__ import annotations

import argparse
import resource
import threading
import time
from pathlib import Path
from typing import Any

import domicile
from benchmarks.machine import append, describe
from optimizer.compile import compile_instance
from optimizer.explain.forcing import Demand, Limits, force

PLACES = (
    ("svc-000-retail-de", "aws:eu-west-3"), ("svc-000-retail-de", "aws:eu-central-1"),
    ("svc-004-retail-fr", "aws:eu-west-3"), ("svc-001-telco-za", "aws:eu-central-1"),
    ("job-001-retail-de", "azure:swedencentral"),
)  # fmt: skip
GAP = 0.005
GIVEN_SECONDS = 100.0
"""What the base solve is taken to last where its plan is given and does not say."""


def main() -> None:
    """Solve the estate, ask, print and append the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ask", nargs="+", choices=("why", "prices"), default=["why", "prices"])
    parser.add_argument("--limit", type=float, default=5.0)
    parser.add_argument("--rules", type=int, default=30)
    parser.add_argument("--times", type=float, default=10.0)
    parser.add_argument("--plan", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dry", action="store_true", help="Print only; append nothing.")
    options = parser.parse_args()
    instance = domicile.load("enterprise")
    if options.plan is None:
        plan = domicile.solve(instance, gap=GAP, time_limit_seconds=600.0, threads=options.threads)
    else:
        plan = domicile.Plan.read(options.plan)
    rows = _why(instance, plan, options) if "why" in options.ask else []
    rows += [_prices(instance, plan, options)] if "prices" in options.ask else []
    for row in rows:
        print(row)
    if not options.dry:
        append("explain", rows)


def _cpu() -> float:
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def _row(what: str, clock: tuple[float, float], base: Any, **told: Any) -> dict[str, Any]:
    begun, cpu = clock
    found: dict[str, Any] = {
        "what": what, "seconds": round(time.perf_counter() - begun, 1), "cpu_seconds": round(_cpu() - cpu, 1),
        "base_usd": round(base.objective_usd, 0), "base_gap": base.gap,
        "base_seconds": round(sum(base.timings_seconds.values()), 1), "limit_seconds": None, "low_usd": None,
        "high_usd": None, "possible": None, "complete": None, "rules": None, "widest_share_of_cost": None,
    }  # fmt: skip
    return {**found, **told, **describe()}


def _why(instance: Any, plan: Any, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Ask for places, compiled once."""
    compiled = compile_instance(instance)
    rows = []
    for name, region in PLACES:
        clock = time.perf_counter(), _cpu()
        demand = Demand(compiled.problem.workload_ids.index(name))
        there = (compiled.world.text("region_id") == region)[compiled.problem.slots.offer]
        limits = Limits(1e-3, options.threads, clock[0] + options.limit, threading.Event())
        found = force(compiled, plan, demand, demand.slots(compiled.problem) & there, limits)
        extra = found.extra_usd
        rows.append(_row(
            f"why not {name} in {region}", clock, plan, limit_seconds=options.limit, possible=found.possible,
            complete=found.complete, low_usd=None if extra is None else round(extra.low),
            high_usd=None if extra is None or extra.high is None else round(extra.high),
        ))  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def _prices(instance: Any, plan: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Price the first rules that do something."""
    table = domicile.compile(instance).rules()
    kinds = ("budget", "quota", "policy", "latency", "law")
    names = [str(rule) for rule, kind in zip(table.index, table.kind, strict=True) if kind in kinds]
    asked = [name for name in names if not name.startswith("quota:devices:")][: options.rules]
    limit = options.times * (sum(plan.timings_seconds.values()) or GIVEN_SECONDS)
    clock = time.perf_counter(), _cpu()
    found = domicile.explain.prices(
        instance, plan, asked, steps=False, gap=GAP, time_limit_seconds=limit, threads=options.threads
    )
    widths = [
        (row.lifted_usd.high - row.lifted_usd.low) / found.cost_usd for row in found.prices
        if row.lifted_usd is not None and row.lifted_usd.high is not None
    ]  # fmt: skip
    return _row(
        "prices", clock, plan, limit_seconds=round(limit, 1), complete=found.complete, rules=len(found.prices),
        widest_share_of_cost=max(widths, default=None),
    )  # fmt: skip


if __name__ == "__main__":
    main()
