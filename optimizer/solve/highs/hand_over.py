"""From a Pyomo model to arrays, and from arrays to what HiGHS takes in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from formulations import Problem
from formulations.arrays import Arrays
from formulations.build import paused_gc
from formulations.families import row_label
from formulations.labels import Key
from optimizer.errors import InputError, Issue
from optimizer.solve.highs.scaling import RangeError, column_units, row_factors
from optimizer.solve.highs.session import Task
from optimizer.solve.matrix import Labels, Matrix

Positions = Mapping[str, Mapping[Key, int]]
"""By component, the position in its table that each index stands for."""


class TriviallyInfeasible(Exception):  # noqa: N818  (an answer, not an error)
    """A constraint without variables is violated: the model is infeasible before any solver is asked."""


def to_matrix(model: Any, positions: Positions | None = None) -> Matrix:
    """Compile a linear Pyomo model to a `Matrix` (see `hand_over`)."""
    return hand_over(model, positions)[0]


def hand_over(model: Any, positions: Positions | None = None) -> tuple[Matrix, list[Any]]:
    """Compile a linear Pyomo model to a `Matrix`; return it with the variable of each column.

    Columns and rows are labelled by their index where it is an integer, by `positions` where the model is indexed by
    names (`formulations.build.table_positions`), and else in their order within the component. Variables that appear
    in no constraint and no objective have no column (their value is their lower bound, or zero).
    Raises TriviallyInfeasible when a constraint without variables does not hold.
    """
    from pyomo.common.errors import InfeasibleConstraintException
    from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

    with paused_gc():
        try:
            form = LinearStandardFormCompiler().write(model, mixed_form=True)
        except InfeasibleConstraintException as error:
            raise TriviallyInfeasible(str(error)) from error
        return _from_standard_form(form, _declared(model), positions or {})


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


def _declared(model: Any) -> dict[int, int]:
    """Return the place of every variable, by its id, in the order in which the model declares them."""
    from pyomo.core import Var

    return {id(variable): place for place, variable in enumerate(model.component_data_objects(Var))}


def _from_standard_form(form: Any, declared: Mapping[int, int], named: Positions) -> tuple[Matrix, list[Any]]:
    """Return the matrix with columns in the order declared, as arrays have them: a solver takes the same way."""
    order = np.argsort([declared[id(variable)] for variable in form.columns])
    variables = [form.columns[place] for place in order.tolist()]
    a = form.A.tocsc()[:, order].tocsr()
    a.sort_indices()
    sense = np.fromiter((row.bound_type for row in form.rows), dtype=np.int64, count=len(form.rows))
    rhs = np.asarray(form.rhs, dtype=np.float64)
    has_objective = form.c.shape[0] > 0
    cost = np.asarray(form.c[[0], :].toarray()).ravel()[order] if has_objective else np.zeros(len(variables))
    matrix = Matrix(
        cost=cost.astype(np.float64),
        offset=float(form.c_offset[0]) if has_objective else 0.0,
        lower=_bounds([variable.lb for variable in variables], -np.inf),
        upper=_bounds([variable.ub for variable in variables], np.inf),
        integer=np.fromiter((not variable.is_continuous() for variable in variables), dtype=bool, count=len(variables)),
        a=a,
        row_lower=np.where(sense <= 0, rhs, -np.inf),
        row_upper=np.where(sense >= 0, rhs, np.inf),
        columns=_labels(variables, named),
        rows=_labels([row.constraint for row in form.rows], {}),
    )
    return matrix, variables


def _bounds(bounds: list[float | None], missing: float) -> NDArray[np.float64]:
    return np.array([missing if bound is None else bound for bound in bounds], dtype=np.float64)


def _labels(parts: list[Any], named: Positions) -> Labels:
    positions: dict[int, int] = {}
    names: list[str] = []
    component = np.zeros(len(parts), dtype=np.int64)
    key = np.zeros(len(parts), dtype=np.int64)
    known: list[dict[Key, int]] = []
    for place, part in enumerate(parts):
        parent = part.parent_component()
        position = positions.get(id(parent))
        if position is None:
            position = positions[id(parent)] = len(names)
            names.append(parent.local_name)
            known.append(dict(named.get(parent.local_name, {})))
        component[place] = position
        index = part.index()
        key[place] = index if isinstance(index, int) else known[position].setdefault(index, len(known[position]))
    return Labels(tuple(names), component, key)


@dataclass(frozen=True)
class Scaling:
    """How a matrix is stated to HiGHS: rows multiplied by `row`, columns in units of `column` (x = column x')."""

    row: NDArray[np.float64] | float = 1.0
    column: NDArray[np.float64] | float = 1.0


def find_scaling(matrix: Matrix) -> Scaling:
    """Return how a matrix is best stated to HiGHS; by powers of two, and as it is where its numbers are near 1.

    Raises InputError where a row spans more than HiGHS handles.
    """
    column = column_units(matrix.upper, matrix.integer)
    row = _factors(matrix, np.ones(matrix.cost.size) if column is None else column)
    return Scaling(1.0 if row is None else row, 1.0 if column is None else column)


def well_scaled(matrix: Matrix, problem: Problem | None = None) -> Matrix:
    """Return the matrix with rows far from 1 multiplied by a power of two; columns keep their units.

    Raises InputError where a row spans more than HiGHS handles; it says what the row is about if the problem is given.
    """
    factor = _factors(matrix, np.ones(matrix.cost.size), problem)
    if factor is None:
        return matrix
    a = sparse.csr_array(matrix.a, copy=True)
    a.data *= np.repeat(factor, np.diff(a.indptr))
    return replace(matrix, a=a, row_lower=matrix.row_lower * factor, row_upper=matrix.row_upper * factor)


def _factors(
    matrix: Matrix, unit: NDArray[np.float64], problem: Problem | None = None
) -> NDArray[np.float64] | None:
    try:
        return row_factors(*matrix.row_range(unit))
    except RangeError as error:
        raise _out_of_range(matrix, error, problem) from error


def _out_of_range(matrix: Matrix, error: RangeError, problem: Problem | None) -> InputError:
    """Return the error that names the row."""
    name, key = matrix.row_name(error.row)
    row = f"{name}[{key}]" if problem is None else row_label(problem, name, key)
    what = (
        f"spans magnitudes that the solver cannot tell apart: constraint {row} has coefficients from "
        f"{error.least:.3g} to {error.largest:.3g}"
    )
    return InputError(Issue(what, maybe="leave out what is negligible beside the rest"))


def scaled_task(matrix: Matrix, scaling: Scaling, cost_scale: float) -> Task:
    """Return the matrix as HiGHS takes it, its cost multiplied by `cost_scale`."""
    task = to_task(matrix, matrix.cost * cost_scale, matrix.offset * cost_scale)
    row, column = scaling.row, scaling.column
    if isinstance(column, np.ndarray):
        by_entry = np.repeat(column, np.diff(task.indptr))
        task = replace(
            task, cost=task.cost * column, lower=task.lower / column, upper=task.upper / column,
            data=task.data * by_entry,
        )  # fmt: skip
    if isinstance(row, np.ndarray):
        task = replace(
            task, row_lower=task.row_lower * row, row_upper=task.row_upper * row, data=task.data * row[task.indices]
        )
    return task


def to_task(matrix: Matrix, cost: NDArray[np.float64], offset: float) -> Task:
    """Return the matrix with the (scaled) cost given as HiGHS takes it, without further scaling."""
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
