"""Variations of the synthetic estate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from synthetic_estate import estate

from formulations.problem import Budgets, Mechanisms, Membership, Presence, Problem, Shares, Survival


def surviving() -> Problem:
    """Three services, two of which must survive the failure of any one region."""
    problem = estate(3, regions=6, jobs_share=0.0, seed=3, offer_share=0.5)
    return replace(
        problem, survival=Survival(workload=np.array([0, 2]), of=np.zeros(2, dtype=np.int64), share=np.array([0.5,
        0.3]))
    )


def coupled(workloads: int = 14, seed: int = 0) -> Problem:
    """Services and jobs tied by pools, a carbon cap, mechanisms, a provider share, presences and survival."""
    problem = estate(workloads, regions=10, seed=seed, jobs_share=0.2, offer_share=0.5, pool=(60, 120),
    carbon_limit_kg=1.1e5)
    slots, flows = problem.slots, problem.flows
    provider = problem.regions.provider[slots.region]
    every = np.arange(slots.workload.size)
    needs = np.flatnonzero(slots.region[flows.slot] % 3 == 0)
    row = slots.region[flows.slot[needs]] // 3
    rows = int(row.max()) + 1
    bound = np.bincount(row, problem.services.demand_per_s[flows.stream[needs], 0], rows)
    services = np.unique(problem.services.workload)
    bounded = services[:2]
    pairs = np.array(
        sorted({(int(w), int(r)) for w, r in zip(slots.workload, slots.region, strict=True) if w in bounded})
    )
    first = np.flatnonzero(provider == 0)
    return replace(
        problem,
        mechanisms=Mechanisms(
            ids=tuple(f"m{x}" for x in range(rows)),
            cost_usd=np.full(rows, 4000.0),
            requirement_ids=tuple(f"law{x}" for x in range(rows)),
            bound=bound,
            by_flow=Membership(row, needs, np.ones(needs.size)),
            satisfied_by=Membership(np.arange(rows), np.arange(rows), np.ones(rows)),
        ),
        shares=Shares(
            ids=("provider-0",),
            measure=("compute_usd",),
            lower=np.zeros(1),
            upper=np.array([0.4]),
            part=Membership(np.zeros(first.size, dtype=np.int64), first, np.ones(first.size)),
            all=Membership(np.zeros(every.size, dtype=np.int64), every, np.ones(every.size)),
        ),
        presence=Presence(
            workload=pairs[:, 0],
            region=pairs[:, 1],
            bounded_workload=bounded,
            min_regions=np.array([2, 1]),
            max_regions=np.array([3, 1]),
        ),
        survival=Survival(workload=services[2:3], of=np.zeros(1, dtype=np.int64), share=np.array([0.5])),
    )


def asking(workloads: int, seed: int) -> Problem:
    """Every service asks for mechanisms in a third of the regions, one stream at a time; some rows accept either of
    two. All services share the mechanisms.
    """
    problem = replace(coupled(workloads, seed=seed), survival=Survival(), shares=Shares())
    problem = replace(problem, pools=replace(problem.pools, limit=3.0 * problem.pools.limit), budgets=Budgets())
    slots, flows = problem.slots, problem.flows
    asks = np.flatnonzero((slots.region[flows.slot] % 3 == 0) & (problem.services.demand_per_s[flows.stream, 0] > 0))
    group = flows.stream[asks] * 10 + slots.region[flows.slot[asks]] // 3
    keys, row = np.unique(group, return_inverse=True)
    mechanism = keys % 10
    either = np.flatnonzero(keys % 2 == 0)
    count = int(mechanism.max()) + 1
    return replace(
        problem,
        mechanisms=Mechanisms(
            ids=tuple(f"m{x}" for x in range(count)),
            cost_usd=np.linspace(3000.0, 9000.0, count),
            requirement_ids=tuple(f"law{x}" for x in keys),
            bound=problem.services.demand_per_s[keys // 10, 0],
            by_flow=Membership(row, asks, np.ones(asks.size)),
            satisfied_by=Membership(
                np.concatenate([np.arange(keys.size), either]),
                np.concatenate([mechanism, (mechanism[either] + 1) % count]),
                np.ones(keys.size + either.size),
            ),
        ),
    )
