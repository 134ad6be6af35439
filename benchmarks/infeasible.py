"""What `explain infeasible` takes, and what others answer on integer conflicts.

    python -m benchmarks.infeasible [--sizes 60x12 1000x50] [--seed 1] [--dry]

The estates are inline, drawn by `draw` from a seed: services of one stream each, bound by their round trips to the
three nearest of the regions, two SKUs in every region; three services may be in the last region alone, whose quota is
too small for them, even for parts of machines (`relaxed`), or for whole machines alone (`integer`). Processor seconds:
of compiling the instance, of its answer until a proven minimal conflict and three verified repairs, and of the whole
answer. Then three integer conflicts of some machines go to Pyomo's conflict finder and to HiGHS's own.
"""

from __future__ import annotations

import argparse
import threading
import time
from typing import Any

import numpy as np

import domicile
from benchmarks.machine import append, describe
from optimizer.explain.conflicts import Conflicts
from optimizer.explain.infeasibility import disjoint
from optimizer.explain.repairs import Repairs
from optimizer.explain.trying import Clock, Tries

COUNTRIES = ("DE", "FR", "US", "IN")
DEVICES = {"relaxed": 16.0, "integer": 19.0}
"""Devices in the last region: three services of 70 requests/s need 16.7 of the better kind, 21 in whole machines."""
TOO_BIG, ENOUGH = 70.0, 3
GAP = 0.01


def draw(workloads: int, regions: int, seed: int, kind: str) -> dict[str, Any]:
    """Return an estate without a plan, as `domicile.load` takes it."""
    rng = np.random.default_rng([seed, workloads, regions])
    places = [f"p{k % 4}:r{k:02d}" for k in range(regions)]
    trips = {(origin, name): float(rng.integers(5, 120)) for origin in COUNTRIES for name in places}
    near = {origin: sorted(trips[origin, name] for name in places)[2] for origin in COUNTRIES}
    services = []
    for k in range(workloads):
        origin = str(rng.choice(COUNTRIES))
        stream = {"origin": origin, "rate": float(rng.integers(10, 60)), "unit": "requests/s"}
        service = {"id": f"w{k:04d}", "kind": "service", "runs": {"throughput": {"A": 10.0, "B": 18.0}}}
        if k in (0, 5, 10):
            services.append({**service, "regions": [places[-1]], "streams": [{**stream, "rate": TOO_BIG}]})
        else:
            services.append({**service, "streams": [{**stream, "max_rtt_ms": near[origin] + 1.0}]})
    inline = {
        "providers": [{"id": f"p{k}", "control": [country]} for k, country in enumerate(COUNTRIES)],
        "regions": [_region(name, COUNTRIES[k % 4], rng) for k, name in enumerate(places)],
        "offers": [_offer(name, sku, rng) for name in places for sku in (("a1", "A", 1.0, 2.0), ("b4", "B", 4.0, 3.0))],
        "network": [{"origin": o, "region": name, "rtt_ms": trip} for (o, name), trip in trips.items()],
    }
    return {
        "name": f"clash-{workloads}x{regions}", "horizon": {"start": "2027-01-01", "hours": 730},
        "laws": {"use": "none"}, "catalogue": {"use": "inline", "inline": inline}, "workloads": services,
        "quotas": {"default_devices": float(8 * workloads // 3),
                   "limits": [{"id": "small", "region": places[-1], "devices": DEVICES[kind]}]},
        "budgets": [{"id": "carbon", "limit_kg": 1e6}, {"id": "money", "limit_usd": 1e8}],
    }  # fmt: skip


def _region(name: str, country: str, rng: np.random.Generator) -> dict[str, Any]:
    figures = {"pue": 1.2, "wue_l_per_kwh": 0.5, "storage_usd_per_gb_month": 0.02, "egress_usd_per_gb": 0.05}
    grid = float(rng.integers(50, 600))
    return {"id": name, "provider": name.partition(":")[0], "country": country, "grid_g_per_kwh": grid, **figures}


def _offer(place: str, sku: tuple[str, str, float, float], rng: np.random.Generator) -> dict[str, Any]:
    name, accelerator, devices, price = sku
    return {
        "sku": name, "region": place, "accelerator": accelerator, "devices": devices, "device_memory_gb": 80.0,
        "software": "cuda", "usd_per_hour": round(price * devices * float(rng.uniform(0.9, 1.3)), 2),
        "idle_kw": 0.2 * devices, "load_kw": 0.7 * devices, "embodied_kg_per_hour": 0.01 * devices,
    }  # fmt: skip


def measure(document: dict[str, Any]) -> dict[str, Any]:
    """Return what the answer on one estate took, and what it is."""
    instance = domicile.load(document)
    begun = time.process_time()
    domicile.compile(instance)
    compiling = time.process_time() - begun
    begun = time.process_time()
    first = _first(instance)
    until_three = time.process_time() - begun
    begun, wall = time.process_time(), time.perf_counter()
    told = domicile.explain.infeasible(instance)
    return {
        "compile_cpu_s": round(compiling, 3), "conflict_and_three_cpu_s": round(until_three, 3), **first,
        "whole_answer_cpu_s": round(time.process_time() - begun, 3),
        "whole_answer_wall_s": round(time.perf_counter() - wall, 3), "complete": told.complete,
        "repairs": sum(one.verified for one in told.repairs),
    }  # fmt: skip


def _first(instance: Any) -> dict[str, Any]:
    """Ask for the conflicts and three repairs alone, as `infeasible` does."""
    clock = Clock(time.perf_counter() + 120.0, threading.Event())
    tries = Tries(instance, clock)
    base = tries.without(())
    conflicts = Conflicts(instance, tries, clock)
    found = disjoint(conflicts, base, GAP)
    repairs = Repairs(conflicts, found, base, GAP).find(most=ENOUGH)
    return {
        "members": len(found[0].members), "proven_minimal": found[0].proven_minimal,
        "three_verified": sum(one.verified for one in repairs) == ENOUGH,
    }  # fmt: skip


def _small(**more: Any) -> dict[str, Any]:
    """Return an estate of one region whose machines are whole."""
    rng = np.random.default_rng(0)
    names = more.pop("rates")
    return {
        "name": "small", "horizon": {"start": "2027-01-01", "hours": 100}, "laws": {"use": "none"},
        "catalogue": {"use": "inline", "inline": {
            "providers": [{"id": "p", "control": ["DE"]}], "regions": [_region("p:r", "DE", rng)],
            "offers": [_offer("p:r", ("a1", "A", 1.0, 2.0), rng)],
            "network": [{"origin": "DE", "region": "p:r", "rtt_ms": 10.0}],
        }},
        "workloads": [
            {"id": name, "kind": "service", "runs": {"throughput": {"A": 10.0}},
             "streams": [{"origin": "DE", "rate": rate, "unit": "requests/s"}]} for name, rate in names.items()
        ], **more,
    }  # fmt: skip


CLASHES = {
    "two services of 1.5 machines in 3": _small(
        rates={"a": 10.5, "b": 10.5}, quotas={"default_devices": 64.0, "limits": [
            {"id": "few", "region": "p:r", "devices": 3.0}]}),
    "4.5 machines in a quota of 4.6": _small(
        rates={"a": 31.5}, quotas={"default_devices": 64.0, "limits": [
            {"id": "few", "region": "p:r", "devices": 4.6}]}),
    "money for 4.6 machines": _small(
        rates={"a": 31.5, "b": 0.1}, quotas={"default_devices": 64.0}, budgets=[{"id": "money", "limit_usd": 1100.0}]),
}  # fmt: skip
"""Estates that parts of machines would do for: the relaxation has a solution."""


def others(document: dict[str, Any]) -> dict[str, str]:
    """Return what ours, Pyomo's conflict finder and HiGHS's answer on a small estate."""
    instance = domicile.load(document)
    told = domicile.explain.infeasible(instance)
    ours = "; ".join(f"{one.sentence} (proven minimal: {one.proven_minimal})" for one in told.conflicts)
    return {"domicile": ours, "pyomo": _pyomo(instance), "highs": _highs(instance)}


def _pyomo(instance: Any) -> str:
    import io
    import logging

    from pyomo.contrib.iis.mis import compute_infeasibility_explanation
    from pyomo.environ import SolverFactory

    heard = io.StringIO()
    log = logging.getLogger("benchmarks.infeasible.pyomo")
    log.addHandler(logging.StreamHandler(heard))
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        compute_infeasibility_explanation(domicile.compile(instance).pyomo(), SolverFactory("appsi_highs"), logger=log)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"
    return " ".join(heard.getvalue().split())[:300]


def _highs(instance: Any) -> str:
    from optimizer.compile import compile_instance
    from optimizer.solve.backend import state_model
    from optimizer.solve.deadline import Watch
    from optimizer.solve.highs.hand_over import to_task
    from optimizer.solve.highs.session import load

    matrix = state_model(compile_instance(instance).problem, "arrays", Watch(60.0))
    assert matrix is not None
    highs = load(to_task(matrix, matrix.cost, 0.0))
    highs.run()
    _, found = highs.getIis()
    rows = [matrix.row_name(row)[0] for row in list(found.row_index_)]
    return f"valid: {found.valid_}; rows: {', '.join(rows) or 'none'}"


def main() -> None:
    """Measure, print, append."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", nargs="*", default=["60x12", "1000x50"])
    parser.add_argument("--kinds", nargs="*", choices=list(DEVICES), default=list(DEVICES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dry", action="store_true", help="Print only; append nothing.")
    options = parser.parse_args()
    machine, rows = describe(), []
    for size in options.sizes:
        workloads, regions = map(int, size.split("x"))
        for kind in options.kinds:
            row = {"estate": size, "kind": kind, "seed": options.seed}
            row |= measure(draw(workloads, regions, options.seed, kind))
            print(row)
            rows.append({**row, **machine})
    for name, document in CLASHES.items():
        for who, answer in others(document).items():
            print(f"{name}: {who}: {answer}")
    if not options.dry:
        append("infeasible", rows)


if __name__ == "__main__":
    main()
