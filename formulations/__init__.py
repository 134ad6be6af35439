"""The mathematics, and nothing else: a `Problem` (arrays) becomes a Pyomo model.

    from formulations import Problem, build_model
    model = build_model(problem)

or, for models too large to hold as Pyomo components, the same families and rows as arrays (`build_arrays`).

One module per encoding: workloads, jobs, accelerator_availability, regional_capacity, data_localization, data,
carbon_budgets, policies, survival, objective. Each has `add_variables`, `add_local_constraints` (rows that touch one
workload or one dataset) and `add_coupling_constraints` (rows that tie several together).
"""

from formulations import light_pyomo  # noqa: F401  (before anything that imports scipy)
from formulations.build import build_arrays, build_model
from formulations.check import check_problem
from formulations.families import CONSTRAINTS, VARIABLES, table_sizes
from formulations.objective import carbon_kg, cost_usd
from formulations.problem import Problem

__all__ = [
    "CONSTRAINTS",
    "VARIABLES",
    "Problem",
    "build_arrays",
    "build_model",
    "carbon_kg",
    "check_problem",
    "cost_usd",
    "table_sizes",
]
