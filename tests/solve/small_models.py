"""Small matrices and problems for the tests of the solve room."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from formulations.problem import (
    Coefficients,
    Flows,
    Membership,
    Pools,
    Presence,
    Problem,
    Regions,
    Services,
    Slots,
)
from optimizer.solve.matrix import Labels, Matrix


def make_matrix(cost, a, row_lower, row_upper, upper, integer=True, offset=0.0):
    """A `Matrix` over columns x[0..n-1] >= 0 with rows named r."""
    n = len(cost)
    return Matrix(
        cost=np.asarray(cost, dtype=float),
        offset=offset,
        lower=np.zeros(n),
        upper=np.asarray(upper, dtype=float),
        integer=np.broadcast_to(np.asarray(integer, dtype=bool), (n,)).copy(),
        a=sparse.csr_array(np.asarray(a, dtype=float)),
        row_lower=np.asarray(row_lower, dtype=float),
        row_upper=np.asarray(row_upper, dtype=float),
        columns=Labels(("x",), np.zeros(n, dtype=np.int64), np.arange(n)),
        rows=Labels(("r",), np.zeros(len(row_lower), dtype=np.int64), np.arange(len(row_lower))),
    )


def knapsack(items, rows, seed=0):
    """A multi-dimensional 0/1 knapsack, as a minimisation; hard from about 100 items."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(5, 100, (rows, items)).astype(float)
    worth = rng.integers(5, 100, items).astype(float)
    return make_matrix(-worth, weights, np.full(rows, -np.inf), np.floor(weights.sum(axis=1) / 2), np.ones(items))


def two_regions(*, demand=10.0, limits=(3.0, 100.0), price=(1.0, 2.0), may_be_unserved=False, unserved_usd=0.0):
    """One service, one stream, one offer of 4 units/s per instance in each of two regions, one pool each."""
    slots = 2
    zero = np.zeros(slots)
    cost = np.array(price)
    return Problem(
        workload_ids=("chat",),
        period_hours=np.array([1.0]),
        regions=Regions(
            ids=("near", "far"),
            country=np.arange(2),
            metro=np.arange(2),
            provider=np.zeros(2, dtype=np.int64),
            fixed_usd=np.zeros(2),
        ),
        services=Services(
            workload=np.array([0]),
            demand_per_s=np.array([[demand]]),
            may_be_unserved=np.array([may_be_unserved]),
            unserved_usd=np.array([[unserved_usd]]),
        ),
        slots=Slots(
            workload=np.zeros(slots, dtype=np.int64),
            offer=np.arange(slots),
            region=np.arange(slots),
            period=np.zeros(slots, dtype=np.int64),
            is_job=np.zeros(slots, dtype=bool),
            is_endpoint=np.zeros(slots, dtype=bool),
            capacity_per_s=np.full(slots, 4.0),
            max_instances=np.full(slots, np.ceil(demand / 4.0)),
            gang_instances=zero,
            usable_hours=zero,
            running=Coefficients({"compute": cost}, zero, zero, zero, zero),
            working=Coefficients.zeros(slots),
        ),
        flows=Flows(stream=np.zeros(slots, dtype=np.int64), slot=np.arange(slots), serving=Coefficients.zeros(slots)),
        pools=Pools(
            ids=("devices:near", "devices:far"),
            period=np.zeros(2, dtype=np.int64),
            limit=np.array(limits),
            by_instances=Membership(np.arange(2), np.arange(2), np.full(2, 2.0)),
        ),
    )


def location(cost, demand, capacity, fixed, *, single=()):
    """Facility location: one service per demand (units/s), an endpoint in every region, whose rate a pool limits.

    `cost` [services, regions] is USD per unit/s; services in `single` keep to one region.
    """
    cost = np.asarray(cost, dtype=float)
    services, regions = cost.shape
    every = np.arange(cost.size)
    workload, region = np.divmod(every, regions)
    usd, zero = cost.ravel(), np.zeros(cost.size)
    bounded = np.asarray(single, dtype=np.int64)
    return Problem(
        workload_ids=tuple(f"customer{w}" for w in range(services)),
        period_hours=np.array([1.0]),
        regions=Regions(
            ids=tuple(f"place{r}" for r in range(regions)),
            country=np.zeros(regions, dtype=np.int64),
            metro=np.arange(regions),
            provider=np.zeros(regions, dtype=np.int64),
            fixed_usd=np.asarray(fixed, dtype=float),
        ),
        services=Services(
            workload=np.arange(services),
            demand_per_s=np.asarray(demand, dtype=float)[:, None],
            may_be_unserved=np.zeros(services, dtype=bool),
            unserved_usd=np.zeros((services, 1)),
        ),
        slots=Slots(
            workload=workload,
            offer=region,
            region=region,
            period=np.zeros(cost.size, dtype=np.int64),
            is_job=np.zeros(cost.size, dtype=bool),
            is_endpoint=np.ones(cost.size, dtype=bool),
            capacity_per_s=zero,
            max_instances=zero,
            gang_instances=zero,
            usable_hours=zero,
            running=Coefficients.zeros(cost.size),
            working=Coefficients.zeros(cost.size),
        ),
        flows=Flows(stream=workload, slot=every, serving=Coefficients({"compute": usd}, zero, zero, zero, zero)),
        presence=Presence(
            workload=workload,
            region=region,
            bounded_workload=bounded,
            min_regions=np.zeros(bounded.size, dtype=np.int64),
            max_regions=np.ones(bounded.size, dtype=np.int64),
        ),
        pools=Pools(
            ids=tuple(f"units_per_s:place{r}" for r in range(regions)),
            kind=("units_per_s",) * regions,
            period=np.zeros(regions, dtype=np.int64),
            limit=np.asarray(capacity, dtype=float),
            by_flow=Membership(region, every, np.ones(cost.size)),
        ),
    )


def random_location(services, regions, seed, *, single_share=0.0):
    """Facility location with total capacity about three times the demand."""
    rng = np.random.default_rng(seed)
    demand = rng.integers(5, 36, services)
    capacity = np.ceil(rng.uniform(0.5, 1.5, regions) * 3.0 * demand.sum() / regions)
    capacity = np.maximum(capacity, demand.max())
    fixed = np.round(rng.uniform(0.5, 1.5, regions) * 4.0 * np.sqrt(capacity), 2)
    cost = np.round(rng.uniform(0.0, 3.0, (services, regions)), 2)
    single = np.flatnonzero(rng.random(services) < single_share)
    return location(cost, demand, capacity, fixed, single=single)
