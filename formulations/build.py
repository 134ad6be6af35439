"""Build the whole model, or the part of it that decomposes by workload."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from formulations import (
    accelerator_availability,
    carbon_budgets,
    data,
    data_localization,
    jobs,
    policies,
    regional_capacity,
    survival,
    workloads,
)
from formulations import objective as costs
from formulations.algebra import Model
from formulations.arrays import ArrayModel, Arrays
from formulations.check import check_problem
from formulations.failures import find_failures
from formulations.problem import Problem

if TYPE_CHECKING:
    from pyomo.core import ConcreteModel

MODULES = (
    workloads,
    jobs,
    data,
    data_localization,
    survival,
    accelerator_availability,
    regional_capacity,
    carbon_budgets,
    policies,
    costs,
)

LOCAL, COUPLING = "local", "coupling"

CONSTRAINTS: dict[str, str] = {
    "demand": LOCAL,
    "throughput": LOCAL,
    "cover": LOCAL,
    "present_flow": LOCAL,
    "present_instances": LOCAL,
    "most_regions": LOCAL,
    "least_regions": LOCAL,
    "present_backed": LOCAL,
    "work": LOCAL,
    "hours_held": LOCAL,
    "gangs_at_once": LOCAL,
    "one_offer": LOCAL,
    "chosen_once": LOCAL,
    "start": LOCAL,
    "start_once": LOCAL,
    "interior": LOCAL,
    "at_release": LOCAL,
    "none_later": LOCAL,
    "located": LOCAL,
    "one_place": LOCAL,
    "carried": LOCAL,
    "leaving": LOCAL,
    "present_gangs": LOCAL,
    "transfer_limit": LOCAL,
    "country_backed": LOCAL,
    "least_countries": LOCAL,
    "duty": LOCAL,
    "failover_demand": LOCAL,
    "failover_capacity": LOCAL,
    "failover_present": LOCAL,
    "read": COUPLING,
    "requirement": COUPLING,
    "owed": COUPLING,
    "failover_rate": COUPLING,
    "failover_requirement": COUPLING,
    "failover_copy": COUPLING,
    "failover_route": COUPLING,
    "devices": COUPLING,
    "in_use": COUPLING,
    "copy_in_use": COUPLING,
    "power_kw": COUPLING,
    "work_rate": COUPLING,
    "budget": COUPLING,
    "share_upper": COUPLING,
    "share_lower": COUPLING,
    "cost_cap": COUPLING,
}
"""Every constraint family of the model, and whether its rows are local (one workload or dataset) or coupling."""


@contextmanager
def paused_gc() -> Iterator[None]:
    """Pause the garbage collector: building a model allocates many long-lived objects and frees none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def build_model(problem: Problem, *, coupling: bool = True, objective: bool = True) -> ConcreteModel:
    """Build the Pyomo model of a problem.

    Without `coupling` the model falls apart into one block per workload and dataset: what a decomposition prices.
    Raises ValueError when the arrays of the problem do not fit together (see `check_problem`).
    """
    from formulations.pyomo_model import PyomoModel  # Pyomo is loaded with the first model made of it

    check_problem(problem)
    with paused_gc():
        model = PyomoModel("domicile")
        _state(model, problem, coupling=coupling, objective=objective)
    return model.pyomo


def build_arrays(problem: Problem) -> Arrays:
    """Return the whole model as arrays, without Pyomo components: for models too large to hold as objects.

    Raises ValueError as `build_model` does.
    """
    check_problem(problem)
    model = ArrayModel()
    _state(model, problem, coupling=True, objective=True)
    return model.finish()


def _state(model: Model, problem: Problem, *, coupling: bool, objective: bool) -> None:
    for module in MODULES:
        module.add_variables(model, problem)
    for module in MODULES:
        module.add_local_constraints(model, problem)
    if coupling:
        for module in MODULES:
            module.add_coupling_constraints(model, problem)
    if objective:
        costs.add_objective(model, problem)


def table_sizes(problem: Problem) -> dict[str, int]:
    """Return the length of the table that each variable family is indexed by.

    `unserved` and `move` have one entry per period within each stream and each row of Moves.
    """
    periods, slots = problem.period_hours.size, problem.slots.workload.size
    copies = problem.datasets.copy_dataset.size
    return {
        "instances": slots,
        "flow": problem.flows.stream.size,
        "unserved": problem.services.workload.size * periods,
        "present": problem.presence.workload.size,
        "gangs": slots,
        "work_hours": slots,
        "undone": problem.jobs.workload.size,
        "chosen": slots,
        "starts": slots,
        "done_first": problem.jobs.workload.size,
        "at": slots,
        "move": problem.moves.job.size * periods,
        "copy": copies,
        "transfer": problem.datasets.transfer_copy.size,
        "in_country": copies,
        "region_used": len(problem.regions.ids),
        "bought": problem.mechanisms.cost_usd.size,
        "failover": find_failures(problem).case.size,
        "impossible": 1,
    }
