r"""Accelerator availability: pools of devices, by accelerator and region, provider account, commitment or export cap.

Sets: pools κ, each a (pool, period); slots i drawing on them.

Parameters: Q[κ] devices (or vCPUs, or committed instances) that can be had at once · δ[κ,i] how many of them one
instance of slot i holds · k[i] instances of one gang.

Constraint (coupling):
    devices[κ]    sum_i δ[κ,i] n[i] + sum_i δ[κ,i] k[i] b[i] <= Q[κ] s[κ]

s[κ] is region_used of the pool's region where all that draws on it is placed there and pays the region's fixed cost,
and 1 elsewhere (see `used_region`). Nothing is placed in a region that is not used, so that no plan changes; the
relaxation can no longer open a hundredth of a region and have all of its capacity.

Instances are whole: when every weight of a row is an integer, Q is rounded down to a multiple of their greatest common
divisor (a pool of 250 devices that come in nodes of 8 supplies 248), which tightens the relaxation and changes no plan.
"""

from __future__ import annotations

import numpy as np

from formulations.algebra import Expression, Model
from formulations.problem import Floats, Ints, Problem
from formulations.sets import Sets, sets_of

DEVICES = "devices"
LARGEST_EXACT = 2.0**53


def add_variables(model: Model, problem: Problem) -> None:
    """Add nothing: instances and gangs draw on the pools."""


def add_local_constraints(model: Model, problem: Problem) -> None:
    """Add nothing: pools are shared."""


def add_coupling_constraints(model: Model, problem: Problem) -> None:
    """Add the rows of the pools of devices."""
    Q, draws, s = _whole_nodes(problem, sets_of(model, problem)), *draws_and_openings(model, problem)
    model.add("devices", rows_of_kind(problem, DEVICES), draws <= Q * s)


def draws_and_openings(model: Model, problem: Problem) -> tuple[Expression, Expression]:
    """Return by pool row what is drawn from it, and s[κ]."""
    return model.once(_drawn, model, problem), model.once(_opened, model, problem)


def _drawn(model: Model, problem: Problem) -> Expression:
    """Return by pool row what is drawn from it: by instances, by gangs and by flows."""
    n, b, f = model.vars("instances", "gangs", "flow")
    δ, ω, k = problem.pools.by_instances, problem.pools.by_flow, problem.slots.gang_instances
    return δ @ n + δ @ (k * b) + ω @ f


def _opened(model: Model, problem: Problem) -> Expression:
    """Return s[κ] by pool row: region_used of the pool's region, 1 where there is none."""
    (s,) = model.vars("region_used")
    r = used_region(problem, sets_of(model, problem))
    return s[r] + (r < 0)


def used_region(problem: Problem, sets: Sets) -> Ints:
    """Return for each pool row the region that must be in use for anything to draw on it, -1 where there is none.

    All its slots (those of its flows too) are in one region with a fixed cost, where every presence is decided (see
    `check_problem`). A pool that all of them together cannot exhaust is left alone: it never binds, and a limit far
    above what can be drawn is a poor coefficient.
    """
    pools, slots = problem.pools, problem.slots
    if not (problem.regions.fixed_usd > 0).any():
        return np.full(pools.limit.size, -1, dtype=np.int64)
    held, flowing = pools.by_instances, pools.by_flow
    row = np.concatenate([held.row, flowing.row])
    slot = np.concatenate([held.column, problem.flows.slot[flowing.column]])
    gangs = sets.most_gangs[held.column] * slots.gang_instances[held.column]
    most = np.where(slots.is_job[held.column], gangs, sets.most_instances[held.column])
    drawn = np.concatenate([held.weight * most, flowing.weight * sets.demand_of_flow[flowing.column]])
    size, regions = pools.limit.size, problem.regions.fixed_usd
    first, last = np.full(size, regions.size), np.full(size, -1)
    np.minimum.at(first, row, slots.region[slot])
    np.maximum.at(last, row, slots.region[slot])
    can_bind = np.bincount(row, drawn, size) > pools.limit
    is_charged = np.append(regions > 0, False)[last]
    return np.where((first == last) & is_charged & can_bind, last, -1)


def rows_of_kind(problem: Problem, kind: str) -> Ints:
    """Return the pool rows of a kind; with no kinds stated, rows with flows are `units_per_s`, all others `devices`."""
    pools = problem.pools
    if pools.kind:
        return np.flatnonzero(np.array([own == kind for own in pools.kind]))
    has_flow = np.zeros(pools.limit.size, dtype=np.bool_)
    has_flow[pools.by_flow.row] = True
    if kind == DEVICES:
        return np.flatnonzero(~has_flow)
    return np.flatnonzero(has_flow) if kind == "units_per_s" else np.zeros(0, dtype=np.int64)


def _whole_nodes(problem: Problem, sets: Sets) -> Floats:
    """Round each limit down to a multiple of the gcd of its row's weights, where all of them are integers."""
    pools, slots, limit = problem.pools, problem.slots, problem.pools.limit
    held = pools.by_instances
    taken = np.where(slots.is_job, slots.gang_instances, sets.serving_slots)  # what stands before n[i] or b[i]
    row, weight = held.row, held.weight * taken[held.column]
    whole = np.ones(limit.size, dtype=np.bool_)
    whole[row[(weight != np.floor(weight)) | (weight > LARGEST_EXACT)]] = False
    whole[pools.by_flow.row[pools.by_flow.weight != 0]] = False
    divisor = np.zeros(limit.size, dtype=np.int64)
    kept = whole[row]
    np.gcd.at(divisor, row[kept], weight[kept].astype(np.int64))
    rounded = limit.copy()
    some = np.flatnonzero(whole & (divisor > 0))
    # A limit that is a multiple up to rounding (0.1 + 0.2 devices) must not lose a node to it.
    rounded[some] = np.floor(limit[some] / divisor[some] + 1e-9) * divisor[some]
    return rounded
