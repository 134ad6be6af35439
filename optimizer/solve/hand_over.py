"""From a Pyomo model to arrays, and from arrays to what HiGHS takes in one call."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from formulations.arrays import Arrays
from formulations.bulk import paused_gc
from optimizer.solve.matrix import Labels, Matrix
from optimizer.solve.session import Task


class TriviallyInfeasible(Exception):  # noqa: N818  (an answer, not an error)
    """A constraint without variables is violated: the model is infeasible before any solver is asked."""


def to_matrix(model: Any) -> Matrix:
    """Compile a linear Pyomo model, whose components are indexed by integers or not at all, to a `Matrix`.

    Variables that appear in no constraint and no objective have no column (their value is their lower bound, or zero).
    Raises TriviallyInfeasible when a constraint without variables does not hold.
    """
    from pyomo.common.errors import InfeasibleConstraintException
    from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

    with paused_gc():
        try:
            form = LinearStandardFormCompiler().write(model, mixed_form=True)
        except InfeasibleConstraintException as error:
            raise TriviallyInfeasible(str(error)) from error
        return _from_standard_form(form)


def from_arrays(arrays: Arrays) -> Matrix:
    """Return the model that the formulations gave as arrays."""
    return Matrix(
        cost=arrays.cost,
        offset=0.0,
        lower=np.zeros(arrays.cost.size),
        upper=arrays.upper,
        integer=arrays.integer,
        a=arrays.a,
        row_lower=arrays.row_lower,
        row_upper=arrays.row_upper,
        columns=Labels(arrays.column_names, arrays.column_component, arrays.column_key),
        rows=Labels(arrays.row_names, arrays.row_component, arrays.row_key),
    )


def _from_standard_form(form: Any) -> Matrix:
    variables = form.columns
    a = form.A.tocsr()
    a.sort_indices()
    sense = np.fromiter((row.bound_type for row in form.rows), dtype=np.int64, count=len(form.rows))
    rhs = np.asarray(form.rhs, dtype=np.float64)
    has_objective = form.c.shape[0] > 0
    cost = np.asarray(form.c[[0], :].toarray()).ravel() if has_objective else np.zeros(len(variables))
    return Matrix(
        cost=cost.astype(np.float64),
        offset=float(form.c_offset[0]) if has_objective else 0.0,
        lower=_bounds([variable.lb for variable in variables], -np.inf),
        upper=_bounds([variable.ub for variable in variables], np.inf),
        integer=np.fromiter((not variable.is_continuous() for variable in variables), dtype=bool, count=len(variables)),
        a=a,
        row_lower=np.where(sense <= 0, rhs, -np.inf),
        row_upper=np.where(sense >= 0, rhs, np.inf),
        columns=_labels(variables),
        rows=_labels([row.constraint for row in form.rows]),
    )


def _bounds(bounds: list[float | None], missing: float) -> NDArray[np.float64]:
    return np.array([missing if bound is None else bound for bound in bounds], dtype=np.float64)


def _key(index: Any) -> int:
    return 0 if index is None else int(index)


def _labels(parts: list[Any]) -> Labels:
    positions: dict[int, int] = {}
    names: list[str] = []
    component = np.zeros(len(parts), dtype=np.int64)
    key = np.zeros(len(parts), dtype=np.int64)
    for place, part in enumerate(parts):
        parent = part.parent_component()
        position = positions.get(id(parent))
        if position is None:
            position = positions[id(parent)] = len(names)
            names.append(parent.local_name)
        component[place] = position
        key[place] = _key(part.index())
    return Labels(tuple(names), component, key)


def to_task(matrix: Matrix, cost: NDArray[np.float64], offset: float) -> Task:
    """Return the matrix with the (scaled) cost given as HiGHS takes it."""
    a = matrix.by_column
    return Task(
        cost=cost,
        offset=offset,
        lower=matrix.lower,
        upper=matrix.upper,
        row_lower=matrix.row_lower,
        row_upper=matrix.row_upper,
        indptr=a.indptr.astype(np.int32, copy=False),
        indices=a.indices.astype(np.int32, copy=False),
        data=a.data,
        integer=matrix.integer.astype(np.int32),
    )
