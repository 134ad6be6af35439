"""Build the whole model, or the part of it that decomposes by workload."""

from __future__ import annotations

from typing import Any

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
from formulations.arrays import Arrays
from formulations.bulk import family_names, paused_gc, start_arrays, start_model
from formulations.check import check_problem
from formulations.families import ADDED, CONSTRAINTS, VARIABLES
from formulations.problem import Problem

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


def build_model(problem: Problem, *, coupling: bool = True, objective: bool = True) -> Any:
    """Build the Pyomo model of a problem.

    Without `coupling` the model falls apart into one block per workload and dataset: what a decomposition prices.
    Raises ValueError when the arrays of the problem do not fit together (see `check_problem`).
    """
    check_problem(problem)
    with paused_gc():
        model = start_model("domicile")
        _state(model, problem, coupling=coupling, objective=objective)
    return model


def build_arrays(problem: Problem) -> Arrays:
    """Return the whole model as arrays, without Pyomo components: for models too large to hold as objects.

    Raises ValueError as `build_model` does.
    """
    check_problem(problem)
    model = start_arrays()
    _state(model, problem, coupling=True, objective=True)
    return model.finish()


def _state(model: Any, problem: Problem, *, coupling: bool, objective: bool) -> None:
    modules = (*MODULES, *ADDED)
    for module in modules:
        module.add_variables(model, problem)
    for module in modules:
        module.add_local_constraints(model, problem)
    if coupling:
        for module in modules:
            module.add_coupling_constraints(model, problem)
    if objective:
        costs.add_objective(model, problem)
    unknown = sorted(set(family_names(model)) - VARIABLES.keys() - CONSTRAINTS.keys())
    if unknown:
        raise ValueError(f"not in the register of families (formulations/families.py): {', '.join(unknown)}")
