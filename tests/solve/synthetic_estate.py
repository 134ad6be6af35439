"""A synthetic estate as a `Problem`: services with 1 to 5 streams, jobs, whole nodes, tight device pools, a carbon
cap.
"""

from __future__ import annotations

import numpy as np

from formulations.problem import (
    Budgets,
    Coefficients,
    Flows,
    Jobs,
    Membership,
    Pools,
    Problem,
    Regions,
    Services,
    Slots,
)

HOURS = 730.0
ACCELERATORS = (  # devices per node sold, USD per device-hour, kW per device, relative speed
    ((1, 4, 8), 0.7, 0.09, 1.0),
    ((1, 4, 8), 1.1, 0.3, 2.1),
    ((1, 8), 2.4, 0.4, 5.0),
    ((8,), 4.2, 0.75, 11.0),
    ((1, 4), 1.6, 0.35, 3.0),
    ((8,), 5.5, 0.8, 14.5),
)


def _offers(rng: np.random.Generator, regions: int) -> dict[str, np.ndarray]:
    rows = []
    for region in range(regions):
        for accelerator, (sizes, price, power, speed) in enumerate(ACCELERATORS):
            if rng.random() < 0.2:
                continue
            place = rng.uniform(0.85, 1.5)
            for size in sizes:
                discount = 1.0 if size == 1 else rng.uniform(0.93, 1.0)
                rows.append((region, accelerator, size, price * place * discount * size, power * size, speed * size))
    table = np.array(rows)
    names = ("region", "accelerator", "devices", "price", "power", "speed")
    return {name: table[:, column] for column, name in enumerate(names)}


def estate(
    workloads: int,
    *,
    seed: int = 0,
    regions: int = 180,
    offer_share: float = 0.35,
    devices: tuple[float, float] = (20.0, 600.0),
    pool: tuple[int, int] = (200, 300),
    jobs_share: float = 0.1,
    carbon_limit_kg: float | None = None,
) -> Problem:
    """Draw an estate; `devices` is the range of a workload's size in devices of middling speed."""
    rng = np.random.default_rng(seed)
    offers = _offers(rng, regions)
    region = offers["region"].astype(np.int64)
    accelerator = offers["accelerator"].astype(np.int64)
    grid_kg_per_kwh = rng.lognormal(np.log(0.3), 0.8, regions)
    kind = rng.random(workloads) < jobs_share
    slot_parts, flow_parts, demand, stream_workload, work_units, job_workload, gang = [], [], [], [], [], [], {}
    n_slots = n_streams = 0
    for w in range(workloads):
        size = np.exp(rng.uniform(*np.log(devices)))
        kinds = rng.random(len(ACCELERATORS)) < 0.75
        kinds[rng.integers(len(ACCELERATORS))] = True
        lawful = rng.random(regions) < offer_share / 0.5
        efficiency = rng.lognormal(0.0, 0.15, len(ACCELERATORS))
        open_to = kinds[accelerator] & lawful[region] & (rng.random(region.size) < 0.9)
        mine = np.flatnonzero(open_to)
        capacity = offers["speed"][mine] * efficiency[accelerator[mine]]
        mean_to_peak = rng.uniform(0.4, 0.8)
        if kind[w]:
            devices_in_gang = int(2 ** rng.integers(3, 8))
            mine = mine[offers["devices"][mine] >= 8] if (offers["devices"][mine] >= 8).any() else mine
            capacity = offers["speed"][mine] * efficiency[accelerator[mine]]
            gang[w] = np.ceil(devices_in_gang / offers["devices"][mine])
            rate = capacity * gang[w]
            work_units.append(float(np.quantile(rate, 0.3)) * 3600 * HOURS * rng.uniform(0.3, 0.9))
            job_workload.append(w)
        else:
            streams = int(rng.integers(1, 6))
            shares = rng.dirichlet(np.full(streams, 2.0))
            near = rng.random((streams, regions)) < rng.uniform(0.3, 0.9)
            near[:, np.unique(region[mine])[:1]] = True
            open_pairs = near[:, region[mine]]
            used = open_pairs.any(axis=0)
            mine, capacity, open_pairs = mine[used], capacity[used] * 0.7, open_pairs[:, used]
            j, i = np.nonzero(open_pairs)
            flow_parts.append((j + n_streams, i + n_slots, np.full(j.size, mean_to_peak), capacity[i] / 0.7))
            demand.extend(size * 3.0 * 0.7 * shares)
            stream_workload.extend([w] * streams)
            n_streams += streams
            gang[w] = np.zeros(mine.size)
        slot_parts.append((np.full(mine.size, w), mine, capacity, gang[w]))
        n_slots += mine.size
    slot_workload, slot_offer, capacity, gang_instances = (np.concatenate(part) for part in zip(*slot_parts,
    strict=True))
    is_job = kind[slot_workload]
    price, power, kg = offers["price"][slot_offer], offers["power"][slot_offer], grid_kg_per_kwh[region[slot_offer]]
    zero = np.zeros(n_slots)
    idle, load, embodied = 0.3 * power * 1.2, power * 1.2, 0.002 * offers["devices"][slot_offer]
    running = Coefficients(
        {"compute": price * HOURS}, (idle * kg + embodied) * HOURS, idle * HOURS, zero,
        offers["devices"][slot_offer] * HOURS
    )
    working = Coefficients({"compute": price}, load * kg + embodied, load, zero, offers["devices"][slot_offer])
    fj, fi, ratio, speed = (np.concatenate(part) for part in zip(*flow_parts, strict=True))
    energy = (load - idle)[fi] / speed * HOURS * ratio
    none = np.zeros(fi.size)
    serving = Coefficients({}, energy * kg[fi], energy, none, none)
    demand_per_s = np.array(demand)[:, None]
    peak = np.bincount(np.array(stream_workload), demand_per_s[:, 0], workloads)
    most = np.where(is_job, 0.0, np.ceil(peak[slot_workload] / capacity))
    pool_key = region[slot_offer] * len(ACCELERATORS) + accelerator[slot_offer]
    pools, row = np.unique(pool_key, return_inverse=True)
    limit = rng.integers(pool[0], pool[1] + 1, pools.size).astype(float)
    every = np.arange(n_slots)
    jobs = len(job_workload)
    budgets = Budgets()
    if carbon_limit_kg is not None:
        budgets = Budgets(
            ids=("carbon",),
            metric=("carbon_kg",),
            limit=np.array([carbon_limit_kg]),
            whole=np.array([True]),
            slots=Membership(np.zeros(n_slots, dtype=np.int64), every, np.ones(n_slots)),
        )
    return Problem(
        workload_ids=tuple(f"w{w}" for w in range(workloads)),
        period_hours=np.array([HOURS]),
        regions=Regions(
            ids=tuple(f"r{r}" for r in range(regions)),
            country=np.arange(regions),
            metro=np.arange(regions),
            provider=np.arange(regions) % 8,
            fixed_usd=np.zeros(regions),
        ),
        services=Services(
            workload=np.array(stream_workload, dtype=np.int64),
            demand_per_s=demand_per_s,
            may_be_unserved=np.zeros(n_streams, dtype=bool),
            unserved_usd=np.zeros((n_streams, 1)),
        ),
        jobs=Jobs(
            workload=np.array(job_workload, dtype=np.int64),
            work_units=np.array(work_units),
            max_gangs=np.ones(jobs, dtype=np.int64),
            interruptible=np.ones(jobs, dtype=bool),
            deferrable=np.ones(jobs, dtype=bool),
            may_move=np.zeros(jobs, dtype=bool),
            first_period=np.zeros(jobs, dtype=np.int64),
            last_period=np.zeros(jobs, dtype=np.int64),
            may_be_undone=np.zeros(jobs, dtype=bool),
            undone_usd=np.zeros(jobs),
        ),
        slots=Slots(
            workload=slot_workload.astype(np.int64),
            offer=slot_offer.astype(np.int64),
            region=region[slot_offer],
            period=np.zeros(n_slots, dtype=np.int64),
            is_job=is_job,
            is_endpoint=np.zeros(n_slots, dtype=bool),
            capacity_per_s=capacity,
            max_instances=most,
            gang_instances=gang_instances,
            usable_hours=np.full(n_slots, HOURS),
            running=running,
            working=working,
        ),
        flows=Flows(stream=fj.astype(np.int64), slot=fi.astype(np.int64), serving=serving),
        pools=Pools(
            ids=tuple(f"devices:{key}" for key in pools),
            period=np.zeros(pools.size, dtype=np.int64),
            limit=limit,
            by_instances=Membership(row.astype(np.int64), every, offers["devices"][slot_offer]),
        ),
        budgets=budgets,
    )
