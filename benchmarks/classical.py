"""Classical assignment and location families as plain domicile instances, seeded.

    python -m benchmarks.classical FOLDER --family gap-d --agents 20 --jobs 100 [--seed 1]

Families (m agents or facilities, n jobs, customers or workloads; U[a, b] whole and uniform):

gap-c   a_ij ~ U[5, 25], c_ij ~ U[10, 50], capacity b_i = floor(0.8 sum_j a_ij / m)
gap-d   a_ij ~ U[1, 100], c_ij = 111 - a_ij + e, e ~ U[-10, 10], b_i as in C
gap-e   a_ij = 1 - 10 ln(u), u ~ U(0, 1], c_ij = 1000 / a_ij - 10 v, v ~ U[0, 1], b_i as in C; a_ij rounded up,
        costs whole and at least 1, b_i at least the largest a_ij
        C, D: P. C. Chu, J. E. Beasley, "A genetic algorithm for the generalised assignment problem", Computers &
        Operations Research 24 (1997) 17-23, there as maximisation of type D and minimisation here as usual;
        E: M. Yagiura, T. Ibaraki, F. Glover, "An ejection chain approach for the generalized assignment problem",
        INFORMS Journal on Computing 16 (2004) 133-151 (the family goes back to Laguna et al. 1995)
cfl, sscfl
        Capacitated facility location with split sources and with one source per customer: points uniform in the unit
        square, demand U[5, 35], capacity U[10, 160] scaled to total capacity 5 x total demand, fixed cost
        U[0, 90] + U[100, 110] sqrt(capacity), cost of serving 10 x distance x demand. G. Cornuejols, R. Sridharan,
        J. M. Thizy, "A comparison of heuristics and relaxations for the capacitated plant location problem", European
        Journal of Operational Research 50 (1991) 280-297.
carbon  n indivisible workloads on m regions: each eligible in about two fifths of the regions, lognormal size, capacity
        in total 1.3 x demand, price and carbon of the regions against each other, carbon capped half-way between the
        cheapest assignment and the cleanest. 1,000 x 50 gives about 20,600 eligible pairs. `large` makes 200 x 100 with
        large workloads and capacity 1.1 x demand.
median  Capacitated p-median: points whole and uniform in [1, 100]^2, demand U[1, 20], p of the points are medians of
        one capacity, 1.2 x total demand / p; the cost of serving a point is its distance, rounded down. I. H. Osman,
        N. Christofides, "Capacitated clustering problems by hybrid simulated annealing and tabu search", International
        Transactions in Operational Research 1 (1994) 317-336, whose problems are file pmedcap1 of OR-Library;
        `read_median` reads one of them.

An agent is a region with one kind of device and a device quota; job j takes a_ij whole devices because one device does
1/a_ij of its work. A facility is a region with a fixed cost and an endpoint whose rate quota is its capacity. Exactly
p medians are a policy on places in use.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Row = dict[str, Any]

VERSION = 1
FAMILIES = ("gap-c", "gap-d", "gap-e", "cfl", "sscfl", "carbon", "carbon-large", "median", "gap-b")
SIZES = [(20, 100), (20, 200), (20, 400), (40, 400), (40, 900), (80, 400), (80, 1600)]
"""Agents x jobs of the published sets from 20 x 100 to 80 x 1,600."""
SECONDS = 3600.0
CAPACITY_TO_DEMAND = 5.0
ELIGIBLE = 0.413
"""Part of the regions in which a workload of the carbon family may be: 20,634 of 50,000 pairs."""


def generate(folder: Path, family: str, agents: int, jobs: int, seed: int = 1) -> Path:
    """Write the instance into `folder` and return its file. Raises ValueError for an unknown family."""
    rng = np.random.default_rng([seed, FAMILIES.index(family), agents, jobs])
    if family.startswith("gap-"):
        size, cost, capacity = assignment(rng, family[-1], agents, jobs)
        return _write_assignment(folder, _name(family, agents, jobs, seed), size, cost, capacity)
    if family in {"cfl", "sscfl"}:
        return _write_location(folder, _name(family, agents, jobs, seed), rng, agents, jobs, single=family == "sscfl")
    if family == "median":
        points, demand = rng.integers(1, 101, (jobs, 2)), rng.integers(1, 21, jobs)
        capacity = int(np.ceil(1.2 * demand.sum() / agents))
        name = _name(family, agents, jobs, seed)
        return write_median(folder, name, points, demand, medians=agents, capacity=capacity)
    return _write_carbon(folder, _name(family, agents, jobs, seed), rng, agents, jobs, large=family == "carbon-large")


def read_median(text: str) -> tuple[Ints, Ints, int, int, float]:
    """Return points [customers, 2], demand, number of medians, their capacity and the best known cost of a problem as
    OR-Library writes it: `number best`, `customers medians capacity`, then `number x y demand` by customer.
    """
    numbers = np.array(text.split(), dtype=np.float64)
    best, customers, medians, capacity = numbers[1], int(numbers[2]), int(numbers[3]), int(numbers[4])
    rows = numbers[5 : 5 + 4 * customers].reshape(customers, 4).astype(np.int64)
    return rows[:, 1:3], rows[:, 3], medians, capacity, float(best)


def write_median(folder: Path, name: str, points: Ints, demand: Ints, *, medians: int, capacity: int) -> Path:
    """Write a capacitated p-median problem: every point is a customer, and a site that may be opened."""
    distance = np.floor(np.linalg.norm(points[:, None] - points[None], axis=2))
    sites = [f"s{i + 1:03d}" for i in range(len(points))]
    names = [f"c{j + 1:03d}" for j in range(len(points))]
    tables: dict[str, list[Row]] = {
        "regions": [{"id": i, "country": "US"} for i in sites],
        "endpoints": [{"id": f"{i}-median", "region": i, "model": "median", "countries": "US"} for i in sites],
        "workloads": [
            {"id": c, "kind": "service", "runs.endpoint_models": "median", "runs.via": "endpoint",
             "indivisible": "true"} for c in names
        ],
        "streams": [
            {"workload": c, "origin": c, "rate": int(d), "unit": "units/s"} for c, d in zip(names, demand, strict=True)
        ],
        "network": [
            {"origin": c, "region": i, "usd_per_unit": _figure(distance[k, j] / (demand[j] * SECONDS))}
            for j, c in enumerate(names) for k, i in enumerate(sites)
        ],
        "quotas": [{"id": f"capacity-{i}", "endpoint": f"{i}-median", "units_per_s": capacity} for i in sites],
    }  # fmt: skip
    policy = f"  - {{kind: places_in_use, id: medians, of: region, min_in_use: {medians}, max_in_use: {medians}}}"
    return _write(folder, name, tables, ["policies:", policy])


def assignment(rng: np.random.Generator, kind: str, agents: int, jobs: int) -> tuple[Ints, Floats, Ints]:
    """Return sizes a and costs c [agents, jobs] and capacities [agents] of a generalized assignment problem."""
    shape = (agents, jobs)
    if kind in "bc":
        size = rng.integers(5, 26, shape)
        cost = rng.integers(10, 51, shape).astype(np.float64)
    elif kind == "d":
        size = rng.integers(1, 101, shape)
        cost = (111 - size + rng.integers(-10, 11, shape)).astype(np.float64)
    elif kind == "e":
        drawn = 1.0 - 10.0 * np.log(1.0 - rng.random(shape))
        size = np.ceil(drawn).astype(np.int64)
        cost = np.maximum(1.0, np.round(1000.0 / drawn - 10.0 * rng.random(shape)))
    else:
        raise ValueError(f"no generalized assignment of type {kind}")
    capacity = np.floor(0.8 * size.sum(axis=1) / agents).astype(np.int64)
    if kind == "b":
        drawn = np.bincount(cost.argmin(axis=0), size[cost.argmin(axis=0), np.arange(jobs)], agents)
        capacity = np.full(agents, int(0.7 * (9.0 * jobs / agents + 0.4 * drawn.max())))
    return size, cost, np.maximum(capacity, size.max(axis=1) if kind == "e" else 1)


def _write_assignment(folder: Path, name: str, size: Ints, cost: Floats, capacity: Ints) -> Path:
    agents, jobs = size.shape
    agent = [f"agent{i + 1:02d}" for i in range(agents)]
    job = [f"job{j + 1:04d}" for j in range(jobs)]
    pairs = [(i, j) for j in range(jobs) for i in range(agents)]
    tables: dict[str, list[Row]] = {
        "regions": [{"id": a, "country": "US"} for a in agent],
        "offers": [{"sku": "device", "region": a, "accelerator": a, "usd_per_hour": 0} for a in agent],
        "workloads": [
            {"id": j, "kind": "service", "runs.accelerators": "|".join(agent), "indivisible": "true"} for j in job
        ],
        "streams": [{"workload": j, "origin": j, "rate": 1, "unit": "units/s"} for j in job],
        "throughput": [
            {"workload": job[j], "accelerator": agent[i], "units_per_s": _figure(1.0 / size[i, j])} for i, j in pairs
        ],
        "network": [
            {"origin": job[j], "region": agent[i], "usd_per_unit": _figure(cost[i, j] / SECONDS)} for i, j in pairs
        ],
        "quotas": [
            {"id": f"capacity-{a}", "accelerator": a, "region": a, "devices": int(b)}
            for a, b in zip(agent, capacity, strict=True)
        ],
    }
    return _write(folder, name, tables, [])


def _write_location(
    folder: Path, name: str, rng: np.random.Generator, places: int, customers: int, *, single: bool
) -> Path:
    place_at, customer_at = rng.random((places, 2)), rng.random((customers, 2))
    demand = rng.integers(5, 36, customers)
    drawn = rng.uniform(10.0, 160.0, places)
    capacity = np.ceil(drawn * CAPACITY_TO_DEMAND * demand.sum() / drawn.sum()).astype(np.int64)
    fixed = np.round(rng.uniform(0.0, 90.0, places) + rng.uniform(100.0, 110.0, places) * np.sqrt(capacity))
    distance = np.linalg.norm(place_at[:, None] - customer_at[None], axis=2)
    ids = [f"f{i + 1:02d}" for i in range(places)]
    names = [f"c{j + 1:04d}" for j in range(customers)]
    tables: dict[str, list[Row]] = {
        "regions": [{"id": i, "country": "US", "fixed_usd_per_hour": fixed[k]} for k, i in enumerate(ids)],
        "endpoints": [{"id": f"{i}-facility", "region": i, "model": "facility", "countries": "US"} for i in ids],
        "workloads": [
            {"id": c, "kind": "service", "runs.endpoint_models": "facility", "runs.via": "endpoint",
             "indivisible": "true" if single else "false"} for c in names
        ],
        "streams": [
            {"workload": c, "origin": c, "rate": int(d), "unit": "units/s"} for c, d in zip(names, demand, strict=True)
        ],
        "network": [
            {"origin": c, "region": i, "usd_per_unit": _figure(10.0 * distance[k, j] / SECONDS)}
            for j, c in enumerate(names) for k, i in enumerate(ids)
        ],
        "quotas": [
            {"id": f"capacity-{i}", "endpoint": f"{i}-facility", "units_per_s": int(b)}
            for i, b in zip(ids, capacity, strict=True)
        ],
    }  # fmt: skip
    return _write(folder, name, tables, [])


def _write_carbon(
    folder: Path, name: str, rng: np.random.Generator, regions: int, workloads: int, *, large: bool
) -> Path:
    size = np.ceil((20.0 if large else 8.0) * rng.lognormal(0.0, 0.4 if large else 0.8, workloads)).astype(np.int64)
    eligible = rng.random((workloads, regions)) < ELIGIBLE
    eligible[~eligible.any(axis=1), 0] = True
    green = rng.random(regions)
    price = np.round(1.0 + 1.5 * green + rng.uniform(0.0, 0.5, regions), 4)
    kg_per_hour = np.round(0.5 * (1.0 - green) + rng.uniform(0.02, 0.08, regions), 5)
    travel = np.round(rng.uniform(0.0, 0.3, (workloads, regions)), 4)
    capacity = np.ceil((1.1 if large else 1.3) * size.sum() * rng.dirichlet(np.full(regions, 8.0))).astype(np.int64)
    per_unit = np.where(eligible, price[None] + travel, np.inf)
    cheap = kg_per_hour[np.argmin(per_unit, axis=1)] @ size
    clean = np.where(eligible, kg_per_hour[None], np.inf).min(axis=1) @ size
    ids = [f"r{i + 1:03d}" for i in range(regions)]
    names = [f"w{j + 1:04d}" for j in range(workloads)]
    tables: dict[str, list[Row]] = {
        "regions": [
            {"id": r, "country": "US", "pue": 1, "grid_g_per_kwh": _figure(1000.0 * k)}
            for r, k in zip(ids, kg_per_hour, strict=True)
        ],
        "offers": [
            {"sku": "device", "region": r, "accelerator": "device", "usd_per_hour": p, "idle_kw": 1, "load_kw": 1,
             "embodied_kg_per_hour": 0} for r, p in zip(ids, price, strict=True)
        ],
        "workloads": [
            {"id": w, "kind": "service", "tags": "all", "indivisible": "true", "runs.accelerators": "device",
             "regions": "|".join(ids[i] for i in np.flatnonzero(eligible[j]))} for j, w in enumerate(names)
        ],
        "streams": [{"workload": w, "origin": w, "rate": int(size[j]), "unit": "units/s"} for j, w in enumerate(names)],
        "throughput": [{"workload": w, "accelerator": "device", "units_per_s": 1} for w in names],
        "network": [
            {"origin": w, "region": ids[i], "usd_per_unit": _figure(travel[j, i] / SECONDS)}
            for j, w in enumerate(names) for i in np.flatnonzero(eligible[j])
        ],
        "quotas": [
            {"id": f"capacity-{r}", "accelerator": "device", "region": r, "devices": int(b)}
            for r, b in zip(ids, capacity, strict=True)
        ],
    }  # fmt: skip
    cap = f"  - {{id: carbon, limit_kg: {_figure(0.5 * (cheap + clean))}, scope: {{tags: [all]}}}}"
    return _write(folder, name, tables, ["budgets:", cap])


def _name(family: str, agents: int, jobs: int, seed: int) -> str:
    return f"{family}-{agents}x{jobs}-{seed}"


def _figure(value: float) -> str:
    return f"{float(value):.15g}"


def _write(folder: Path, name: str, tables: dict[str, list[Row]], more: list[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in tables.items():
        with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    lines = [
        f"# Written by benchmarks/classical.py, generator version {VERSION}: {name}.",
        f"name: {name}",
        "horizon: {start: 2027-01-01, hours: 1}",
        "catalogue: {use: inline}",
        "laws: {use: none}",
        "target_utilisation: 1.0",
        "tables:",
        *(f"  {table}: {table}.csv" for table in tables),
        *more,
    ]
    path = folder / "instance.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def main() -> None:
    """Write one instance."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--family", choices=FAMILIES, required=True)
    parser.add_argument("--agents", type=int, default=20, help="Agents, facilities or regions.")
    parser.add_argument("--jobs", type=int, default=100, help="Jobs, customers or workloads.")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(generate(options.folder, options.family, options.agents, options.jobs, options.seed))


if __name__ == "__main__":
    main()
