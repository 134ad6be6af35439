"""A first plan of a large problem from a shortlist of its options, before the whole model is stated.

Stating and cutting up a model of four million slots takes longer than everything that a first plan needs of it. Every
stream and every job gets a shortlist: its cheapest slots of different pools, and where carbon is limited its cleanest
ones as well. The problem of these slots alone is a restriction, so that its plans are plans of the whole; it says
nothing of any bound.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formulations import Problem, build_arrays, table_sizes
from formulations.families import VARIABLES
from formulations.problem import Coefficients
from formulations.tables import Subset, take
from optimizer.solve.blocks import find_blocks
from optimizer.solve.deadline import Aside, Watch
from optimizer.solve.decomposition.acceptance import take_over, with_shared
from optimizer.solve.decomposition.candidates import each_by_label, pool_labels
from optimizer.solve.decomposition.column_generation import Decomposition
from optimizer.solve.decomposition.cut import cut_model
from optimizer.solve.highs.hand_over import TriviallyInfeasible, from_arrays, well_scaled
from optimizer.solve.matrix import Matrix
from optimizer.solve.neighbourhoods.prepared import Prepared
from optimizer.solve.neighbourhoods.relaxation import Relaxation
from optimizer.solve.neighbourhoods.working_plan import WorkingPlan, worth_usd
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows
from optimizer.solve.solution import Termination
from optimizer.solve.solution_tables import to_tables

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Tables = Mapping[str, Floats]
log = logging.getLogger(__name__)

EACH, CLEANEST = 16, 6
"""Slots of every stream and job on the shortlist: the cheapest, and where carbon is limited those of least carbon."""
TOO_LONG = 1e3
"""Factor on the cost of a job on a slot where it does not end in time with one gang at work."""


@dataclass(frozen=True)
class Shortlist:
    """A problem with some slots of another one, and which."""

    subset: Subset

    @property
    def problem(self) -> Problem:
        """The problem with these slots."""
        return self.subset.problem

    def entries(self, tables: Tables) -> dict[str, tuple[Ints, Floats]]:
        """Return values of the shortlist's tables as entries of the tables of the whole problem; none of families whose
        numbers are no rows of a table: who takes over in a failure.
        """
        entries = {}
        for name, values in tables.items():
            place = np.flatnonzero(values if VARIABLES[name].rows is None else np.zeros(0))
            own = self.subset.origin(VARIABLES[name].over)
            entries[name] = (place if own is None or not place.size else own[place], values[place])
        return entries

    def spread(self, tables: Tables, whole: Problem) -> dict[str, Floats]:
        """Return values of the shortlist's tables as tables of the whole problem."""
        spread, sizes = {}, table_sizes(whole)
        for name, (place, values) in self.entries(tables).items():
            spread[name] = np.zeros(sizes[name])
            spread[name][place] = values
        return spread


@dataclass(frozen=True)
class FirstPlan:
    """A plan `x` of the model of a shortlist."""

    shortlist: Shortlist
    matrix: Matrix
    x: Floats

    @property
    def objective_usd(self) -> float:
        """What it costs."""
        return self.matrix.objective(self.x)

    def entries(self) -> dict[str, tuple[Ints, Floats]]:
        """Return the plan as entries of the tables of the whole problem."""
        return self.shortlist.entries(to_tables(self.matrix, self.x, self.shortlist.problem))


def find_first_plan(problem: Problem, watch: Watch, *, threads: int) -> FirstPlan | None:
    """Return a plan from the shortlist; None where none is easy to find, and for problems of several periods, or with
    services that must survive failures.
    """
    if problem.period_hours.size > 1 or problem.survival.workload.size:
        return None
    short = make_shortlist(problem)
    try:
        matrix = with_cover_rows(well_scaled(from_arrays(build_arrays(short.problem)), short.problem), short.problem)
    except TriviallyInfeasible as reason:
        log.info("no plan from the shortlist: %s", reason)
        return None
    blocks = find_blocks(matrix, short.problem)
    cut, worth = cut_model(matrix, blocks), worth_usd(matrix, np.zeros(matrix.row_lower.size))
    seconds = watch.parameters.shortlist.time_share * watch.left_seconds()  # some workloads are priced one by one
    aside = Aside(watch, seconds)  # a plan is news once it is known to be one
    parts = Decomposition(short.problem, cut, worth[cut.rows], aside, threads=threads)
    nothing = Relaxation(Termination.LIMIT, None, None, np.zeros(matrix.row_lower.size), matrix.cost)
    ground = Prepared(matrix, nothing, blocks, np.zeros(0, dtype=np.int64), WorkingPlan(matrix, blocks, worth))
    numbers = parts.simple_plan() if parts.price_roughly() and not aside.should_stop() else None
    if numbers is None:
        return None
    take_over(ground, parts, with_shared(ground, parts, numbers, aside), aside)
    x = ground.state.x
    if not (ground.state.is_whole() and matrix.is_feasible(x)):
        return None
    watch.note(incumbent_usd=matrix.objective(x))
    return FirstPlan(short, matrix, x)


def make_shortlist(problem: Problem, each: int = EACH, cleanest: int = CLEANEST) -> Shortlist:
    """Return the problem with so many slots, of different pools, of every stream and job, and `cleanest` more where a
    budget limits carbon.
    """
    label = pool_labels(problem)
    kept = np.zeros(problem.slots.workload.size, dtype=bool)
    metrics = [("usd", each)] + [("carbon_kg", cleanest)] * any(m.endswith("_kg") for m in problem.budgets.metric)
    for metric, most in metrics:
        _keep_least(kept, problem, label, metric, most)
    return restricted(problem, kept)


def _keep_least(kept: Bools, problem: Problem, label: Ints, metric: str, most: int) -> None:
    """Mark for every stream and every job the slots where it takes least of a metric."""
    slots, flows, jobs, services = problem.slots, problem.flows, problem.jobs, problem.services
    running, working = _of(problem, slots.running, metric), _of(problem, slots.working, metric)
    wanted = services.demand_per_s[flows.stream, 0]
    total = np.bincount(flows.slot, wanted, slots.workload.size)
    per_unit = np.zeros(total.size)
    runs = np.flatnonzero(~slots.is_endpoint & ~slots.is_job & (total > 0))
    per_unit[runs] = running[runs] * np.ceil(total[runs] / slots.capacity_per_s[runs] - 1e-9) / total[runs]
    taken = _of(problem, flows.serving, metric) + per_unit[flows.slot]
    kept[flows.slot[each_by_label(taken, flows.stream, label[flows.slot], services.workload.size, most)]] = True
    own = np.flatnonzero(slots.is_job)
    job_of = np.full(len(problem.workload_ids), -1, dtype=np.int64)
    job_of[jobs.workload] = np.arange(jobs.workload.size)
    job = job_of[slots.workload[own]]
    hours = jobs.work_units[job] / (slots.capacity_per_s[own] * 3600.0)
    taken = hours * working[own] + slots.gang_instances[own] * running[own]
    taken = np.where(hours <= slots.usable_hours[own] * slots.gang_instances[own], taken, TOO_LONG * taken)
    kept[own[each_by_label(taken, job, label[own], jobs.workload.size, most)]] = True


def _of(problem: Problem, coefficients: Coefficients, metric: str) -> Floats:
    """Return what a unit adds to a metric; usd is money and the price of carbon."""
    if metric != "usd":
        return coefficients.of(metric)
    return coefficients.spend_usd + problem.carbon_price_usd_per_kg * coefficients.carbon_kg


def restricted(problem: Problem, kept: Bools) -> Shortlist:
    """Return the problem with some of its slots, and with all that points to them alone."""
    return Shortlist(take(problem, {"slot": np.flatnonzero(kept)}))
