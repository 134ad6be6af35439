"""Solve a small model exactly: the matrix of the Pyomo model goes to scipy's HiGHS, not through the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pyomo.common.errors import InfeasibleConstraintException
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler
from scipy.optimize import Bounds, LinearConstraint, milp

from formulations import build_model, table_sizes
from formulations.problem import Problem


@dataclass(frozen=True)
class Answer:
    """Objective (None: infeasible) and the values by component over the full table."""

    objective: float | None
    values: dict[str, np.ndarray] = field(default_factory=dict)


def solve(problem: Problem) -> Answer:
    model = build_model(problem)
    objective, pairs = solve_model(model)
    if objective is None:
        return Answer(None)
    values = {name: np.zeros(size) for name, size in table_sizes(problem).items()}
    for variable, value in pairs:
        values[variable.parent_component().local_name][variable.index()] = value
    return Answer(objective, values)


def solve_model(model: Any, *, relaxed: bool = False) -> tuple[float | None, list[tuple[Any, float]]]:
    try:
        form = LinearStandardFormCompiler().write(model, mixed_form=True)
    except InfeasibleConstraintException:
        return None, []
    kind = np.array([row.bound_type for row in form.rows])
    rhs = np.asarray(form.rhs, dtype=float)
    low = np.array([-np.inf if x.lb is None else x.lb for x in form.columns])
    high = np.array([np.inf if x.ub is None else x.ub for x in form.columns])
    cost = form.c.toarray()[0] if form.c.shape[0] else np.zeros(len(form.columns))
    if not len(form.columns):
        return 0.0, []
    rows = LinearConstraint(form.A, np.where(kind <= 0, rhs, -np.inf), np.where(kind >= 0, rhs, np.inf))
    result = milp(
        cost,
        integrality=np.array([not relaxed and not x.is_continuous() for x in form.columns]).astype(int),
        bounds=Bounds(low, high),
        constraints=rows if len(form.rows) else (),
        options={"mip_rel_gap": 0.0},
    )
    if result.status == 2:
        return None, []
    assert result.status == 0, result.message
    return float(result.fun), list(zip(form.columns, result.x.tolist(), strict=True))
