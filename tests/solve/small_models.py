"""Small matrices and problems for the tests of the solve room."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from formulations.problem import Coefficients, Flows, Membership, Pools, Problem, Regions, Services, Slots
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
            running=Coefficients(cost, cost, zero, zero, zero, zero),
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
