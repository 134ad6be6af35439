"""A plan to begin from, made of what an earlier plan uses.

The earlier plan may be one of another demand, of other prices or of other rules, and some of its options may be gone.
Its slots that are still there make a restriction of the problem, and so does every slot of a workload that it leaves
without one that it needs. Solving the restriction repairs the plan: counts follow demand, and what law or limits no
longer admit goes elsewhere. What comes of it is a plan of the whole problem; it says nothing of any bound.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from formulations import Problem, build_arrays
from formulations.families import VARIABLES
from optimizer.solve.deadline import Aside, Watch
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import TriviallyInfeasible, from_arrays, well_scaled
from optimizer.solve.matrix import Matrix, submatrix
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows
from optimizer.solve.presolve.shortlist import FirstPlan, restricted
from optimizer.solve.solution import Solution
from optimizer.solve.solution_tables import Entries, from_entries, from_tables

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Solve = Callable[[Matrix, Problem, Watch], Solution]
"""Solves the model of a problem."""
TIME_SHARE = 0.2
"""Part of the time left that the restriction may take."""
log = logging.getLogger(__name__)


def plan_around(problem: Problem, used: Ints, watch: Watch, solve: Solve) -> FirstPlan | None:
    """Return a plan of the slots that an earlier plan uses, repaired where they do not suffice; None where there is
    none, or none in time.
    """
    short = restricted(problem, slots_around(problem, used))
    try:
        matrix = with_cover_rows(well_scaled(from_arrays(build_arrays(short.problem)), short.problem), short.problem)
    except TriviallyInfeasible as reason:
        log.info("no plan from the start: %s", reason)
        return None
    aside = Aside(watch, TIME_SHARE * watch.left_seconds())
    solution = solve(matrix, short.problem, aside)
    if not solution.values:
        log.info("no plan from the start: %s", solution.termination.value)
        return None
    x = from_tables(matrix, solution.values)
    if not matrix.is_feasible(x):
        return None
    watch.note(incumbent_usd=matrix.objective(x))
    return FirstPlan(short, matrix, x)


def slots_around(problem: Problem, used: Ints) -> Bools:
    """Return which slots are used, or belong to a workload that these leave without one it needs; and the endpoints of
    services that must survive a failure, which nobody pays for until then.
    """
    slots, flows, services = problem.slots, problem.flows, problem.services
    kept = np.zeros(slots.workload.size, dtype=bool)
    kept[used] = True
    served = np.zeros(services.demand_per_s.shape, dtype=bool)
    own = kept[flows.slot]
    served[flows.stream[own], slots.period[flows.slot[own]]] = True
    short = np.zeros(len(problem.workload_ids), dtype=bool)
    short[services.workload[((services.demand_per_s > 0) & ~served).any(axis=1)]] = True
    has_slot = np.zeros(short.size, dtype=bool)
    has_slot[slots.workload[kept]] = True
    short[problem.jobs.workload] |= ~has_slot[problem.jobs.workload]
    kept |= short[slots.workload]
    kept |= slots.is_endpoint & np.isin(slots.workload, problem.survival.workload)
    return kept


def begin_with(matrix: Matrix, start: Entries, watch: Watch) -> Floats | None:
    """Return the values of a plan to begin from, completed by what follows from it: where checkpoints are, who takes
    over in a failure. None where it breaks a row.
    """
    x = from_entries(matrix, start)
    if matrix.is_feasible(x):
        return x
    following = [name for name, family in VARIABLES.items() if family.follows]
    free = np.flatnonzero(matrix.columns.is_of(following))
    if free.size:
        part, _ = submatrix(matrix, free, x)
        rest = run(part, watch, time_limit_seconds=TIME_SHARE * watch.left_seconds())
        x[free] = x[free] if rest.x is None else rest.x
    if matrix.is_feasible(x):
        return x
    log.info("the plan to begin from breaks a row by %.3g", matrix.worst_violation(x))
    return None
