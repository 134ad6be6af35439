r"""Moves away from where workloads run today: plans that start from what there is.

Sets: movers x (workloads w(x) that run today and could run elsewhere), R0(x) the regions in which one runs today;
entries y = (x, r), regions r outside R0(x) into which something has to be carried; limits μ.

Parameters: leave[x] what a move adds wherever it goes (its price, and today's instances kept for a while) · enter[y]
what carrying data into the region adds · L[μ] most workloads that move · D[j,t], N[i], M[g] as elsewhere.

Variables:
    moved    m[x] binary     something of the workload is placed in a region in which nothing of it runs today
    entered  e[y] binary     something of the workload is placed in the region

Constraints (local to one workload; staying asks for nothing):
    moved_flow[j,t]         sum_{i outside R0} f[j,i] <= D[j,t] m[x]
    moved_instances[x,t]    sum_{i outside R0} n[i] <= (sum_{i outside R0} N[i]) m[x]
    moved_gangs[x,t]        sum_{i outside R0} b[i] <= M[g] m[x]
    entered_flow[j,r,t]     sum_{i in r} f[j,i] <= D[j,t] e[y]
    entered_instances[y,t]  sum_{i in r} n[i] <= (sum_{i in r} N[i]) e[y]
    entered_gangs[y,t]      sum_{i in r} b[i] <= M[g] e[y]
Constraint (coupling):
    most_moves[μ]           sum_x m[x] <= L[μ]

A row of flows sums over all regions that a stream may not be served from while its workload stays: no stronger row has
these variables, and a workload has one binary for its move, not one for every region.
"""

from __future__ import annotations

import numpy as np

from formulations.algebra import Model
from formulations.domains import Domain
from formulations.indexing import add_up, every, heads, lookup
from formulations.problem import Ints, Problem
from formulations.sets import Sets, sets_of


def add_variables(model: Model, problem: Problem) -> None:
    """Add moved and entered."""
    relocations = problem.relocations
    model.add_family("moved", every(relocations.workload.size), Domain.BINARY)
    model.add_family("entered", every(relocations.entry_mover.size), Domain.BINARY)


def add_local_constraints(model: Model, problem: Problem) -> None:
    """Add what asks for a move, and for an entry."""
    sets = sets_of(model, problem)
    _add_rows(model, problem, sets, "moved", mover_of_slot(problem))
    _add_rows(model, problem, sets, "entered", entry_of_slot(problem))


def add_coupling_constraints(model: Model, problem: Problem) -> None:
    """Add most_moves."""
    (m,) = model.vars("moved")
    L = problem.relocations.limit
    of = np.repeat(every(L.size), problem.relocations.workload.size)
    which = np.tile(every(problem.relocations.workload.size), L.size)
    model.add("most_moves", every(L.size), m[which].sum(by=of) <= L)


def mover_of_slot(problem: Problem) -> Ints:
    """Return by slot the mover whose move it is to use it, -1 where it stays, or is none."""
    relocations, slots, regions = problem.relocations, problem.slots, max(len(problem.regions.ids), 1)
    mover = np.full(len(problem.workload_ids), -1, dtype=np.int64)
    mover[relocations.workload] = every(relocations.workload.size)
    stays = relocations.stays_in
    home = np.unique(relocations.workload[stays.row] * regions + stays.column)
    return np.where(lookup(home, slots.workload * regions + slots.region) >= 0, -1, mover[slots.workload])


def entry_of_slot(problem: Problem) -> Ints:
    """Return by slot the entry that using it asks for, -1 for none."""
    relocations, slots, regions = problem.relocations, problem.slots, max(len(problem.regions.ids), 1)
    workload = relocations.workload[relocations.entry_mover]
    return lookup(workload * regions + relocations.entry_region, slots.workload * regions + slots.region)


def _add_rows(model: Model, problem: Problem, sets: Sets, family: str, x: Ints) -> None:
    """Add the rows of slots that ask for variable x of a family; a row is known by its first flow or slot."""
    f, n, b, m = model.vars("flow", "instances", "gangs", family)
    D, xq = sets.demand_of_flow, x[problem.flows.slot]
    jt, rows = heads(xq >= 0, problem.flows.stream, xq, sets.flow_period)
    model.add(f"{family}_flow", rows, f.sum(by=jt) <= D * m[xq])
    xt, rows = heads(sets.serving_slots & (x >= 0), x, problem.slots.period)
    N = add_up(sets.most_instances, xt, x.size)
    model.add(f"{family}_instances", rows, n.sum(by=xt) <= N * m[x])
    xt, rows = heads(problem.slots.is_job & (x >= 0), x, problem.slots.period)
    model.add(f"{family}_gangs", rows, b.sum(by=xt) <= sets.most_gangs * m[x])
