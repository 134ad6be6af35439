"""Pyomo components from arrays: what `bulk` writes where a model is a Pyomo model.

Bodies are `LinearExpression`s over flat lists, grouped by row with one sort; no rule is called per term. Numbers handed
to Pyomo are plain Python floats, since numpy scalars are slow in its walkers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyomo.core as pyo
from numpy.typing import NDArray
from pyomo.core.expr.numeric_expr import LinearExpression, MonomialTermExpression
from pyomo.core.expr.relational_expr import EqualityExpression, InequalityExpression

from formulations.domains import WHOLE_UP_TO, Domain
from formulations.problem import Bools, Floats, Ints

if TYPE_CHECKING:
    from formulations.bulk import Block, Handles


def empty_model(name: str, impossible: str) -> Any:
    """Return a model with one variable, named `impossible`, that can only be 0."""
    model = pyo.ConcreteModel(name=name)
    setattr(model, impossible, pyo.Var([0], domain=pyo.NonNegativeReals, bounds=(0, 0)))
    return model


def add_variables(
    model: Any, name: str, index: Ints, domain: Domain, *, size: int, upper: Floats | None
) -> tuple[Handles, Bools]:
    """Add the variable `name`; return its parts by position in a table of `size`, and which positions have one."""
    family = pyo.Var(index.tolist(), domain=getattr(pyo, domain.value))
    setattr(model, name, family)
    handles = np.full(size, None, dtype=np.object_)
    exists = np.zeros(size, dtype=np.bool_)
    if index.size:
        handles[index] = list(family.values())
        exists[index] = True
    if upper is not None:
        for variable, bound in zip(family.values(), upper.tolist(), strict=True):
            variable.setub(bound)
            if domain is Domain.WHOLE and bound > WHOLE_UP_TO:
                variable.domain = pyo.NonNegativeReals
    return handles, exists


def add_constraints(
    model: Any, name: str, blocks: Sequence[Block], keys: Ints, side: Floats, *, sense: str, impossible: str
) -> None:
    """Add the constraint `name`, one row per key; `sense` says what `side` is: lower, upper or equal.

    A row without terms is dropped when it holds, else it gets the variable `impossible`.
    """
    row = np.concatenate([part.row for part in blocks]) if blocks else np.zeros(0, dtype=np.int64)
    terms = _terms(blocks, np.argsort(row, kind="stable"))
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=keys.size))]).tolist()
    bodies: dict[int, Any] = {}
    for position, (key, value) in enumerate(zip(keys.tolist(), side.tolist(), strict=True)):
        own = terms[start[position] : start[position + 1]]
        if not own:
            if _holds_at_zero(value, sense):
                continue
            own = [model.component(impossible)[0]]
        body = LinearExpression(own)
        if sense == "equal":
            bodies[key] = EqualityExpression((body, value))
        elif sense == "upper":
            bodies[key] = InequalityExpression((body, value), False)
        else:
            bodies[key] = InequalityExpression((value, body), False)
    setattr(model, name, pyo.Constraint(list(bodies), rule=lambda _, key: bodies[key]))


def add_objective(model: Any, name: str, blocks: Sequence[Block]) -> None:
    """Add the objective `name`: minimise the sum of all terms."""
    setattr(model, name, pyo.Objective(expr=LinearExpression(_terms(blocks, None)), sense=pyo.minimize))


def family_names(model: Any) -> list[str]:
    """Return the names of all variables and constraints of a model."""
    return [one.local_name for one in model.component_objects((pyo.Var, pyo.Constraint))]


def _holds_at_zero(side: float, sense: str) -> bool:
    return side == 0.0 or (sense == "upper" and side > 0.0) or (sense == "lower" and side < 0.0)


def _terms(blocks: Sequence[Block], order: NDArray[np.intp] | None) -> list[Any]:
    """Return the terms of the blocks, in the order given: the bare variable where the weight is 1."""
    if not blocks:
        return []
    variables = np.concatenate([part.variables[part.column] for part in blocks])
    weights = np.concatenate([part.weight for part in blocks])
    if order is not None:
        variables, weights = variables[order], weights[order]
    return [
        variable if weight == 1.0 else MonomialTermExpression((weight, variable))
        for weight, variable in zip(weights.tolist(), variables.tolist(), strict=True)
    ]
