"""Build the whole model, or the part of it that decomposes by workload."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from formulations import (
    accelerator_availability,
    carbon_budgets,
    commitments,
    data,
    data_localization,
    jobs,
    places_in_use,
    policies,
    regional_capacity,
    relocations,
    survival,
    workloads,
)
from formulations import objective as costs
from formulations.algebra import Model
from formulations.arrays import ArrayModel, Arrays
from formulations.check import check_problem
from formulations.families import ADDED, CONSTRAINTS, VARIABLES
from formulations.labels import Key, Labels, Names
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
    relocations,
    places_in_use,
    commitments,
    costs,
)


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


def build_model(
    problem: Problem, labels: Labels | None = None, *, coupling: bool = True, objective: bool = True
) -> ConcreteModel:
    """Build the Pyomo model of a problem.

    With `labels` its components are indexed by names and it has the Sets and Params of the tables; else they are
    indexed by positions in the tables. Without `coupling` the model falls apart into one block per workload and
    dataset: what a decomposition prices. Raises ValueError when the arrays of the problem do not fit together (see
    `check_problem`).
    """
    from formulations.pyomo_model import PyomoModel  # Pyomo is loaded with the first model made of it

    check_problem(problem)
    with paused_gc():
        model = PyomoModel("domicile", None if labels is None else Names(problem, labels))
        if labels is not None:
            from formulations.pyomo_tables import add_tables

            add_tables(model.pyomo, problem, Names(problem, labels))
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
    unknown = sorted(set(model.family_names) - VARIABLES.keys() - CONSTRAINTS.keys())
    if unknown:
        raise ValueError(f"not in the register of families (formulations/components.py): {', '.join(unknown)}")


def column_count(problem: Problem) -> int:
    """Return how many variables the model of a problem has, those that stand in no row included."""
    model = ArrayModel()
    for module in (*MODULES, *ADDED):
        module.add_variables(model, problem)
    return model.columns


def table_positions(problem: Problem, labels: Labels) -> dict[str, dict[Key, int]]:
    """Return by variable family of the named Pyomo model the position in its table that each index stands for."""
    model, names = ArrayModel(), Names(problem, labels)
    for module in (*MODULES, *ADDED):
        module.add_variables(model, problem)
    return {
        name: dict(zip(names.of(name, keys), keys.tolist(), strict=True))
        for name, keys in zip(model.names, model.keys, strict=True)
    }
