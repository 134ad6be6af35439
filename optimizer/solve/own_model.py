"""Solving a Pyomo model that somebody took in hand: with variables fixed, rows added, rows taken out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formulations import Problem, cost_usd, table_sizes
from formulations.families import CONSTRAINTS
from formulations.labels import Key
from optimizer.errors import InputError, InternalError, Issue
from optimizer.plan.rows import OwnRow
from optimizer.solve.deadline import Watch, ctrl_c_calls
from optimizer.solve.driver import partial_solve
from optimizer.solve.first_plan import find_start
from optimizer.solve.highs.call import Run, UnboundedError, run
from optimizer.solve.highs.hand_over import TriviallyInfeasible, hand_over, well_scaled
from optimizer.solve.matrix import Matrix
from optimizer.solve.postsolve.finish import finished, to_solution
from optimizer.solve.second_objective import total
from optimizer.solve.solution import SAME_USD, Solution, SolutionStatus, Termination
from optimizer.solve.start_plan import begin_with

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Positions = Mapping[str, Mapping[Key, int]]
HOLDS = 1e-6
"""By how much of its side a row may be missed: the tolerance of the solver."""


def solve_own(
    model: Any, problem: Problem, positions: Positions, watch: Watch, *, gap: float, threads: int,
    around: Ints | None = None,
) -> tuple[Solution, tuple[OwnRow, ...]]:  # fmt: skip
    """Minimise the objective of a named Pyomo model of a problem, whatever was added, by HiGHS on the whole model.

    The values found are put into the model's variables. `positions` are those of `formulations.build.table_positions`;
    `around` are the slots that an earlier plan uses, as for `solve_problem`.
    Returns the solution, which tells what the objective adds to the cost of the instance, and the rows that are not
    the formulation's, with what they come to.
    Raises InputError where the model is not linear, has lost a family of variables, has not one objective to minimise
    or can fall without end.
    """
    _check_families(model, positions)
    _check_objective(model)
    try:
        with watch.phase_of("hand_over"):
            matrix, variables = _handed_over(model, positions)
    except TriviallyInfeasible:
        return Solution(SolutionStatus.INFEASIBLE, Termination.INFEASIBLE, timings=watch.timings, method="direct"), ()
    has_own_terms = _has_own_terms(matrix, model, problem, positions)
    matrix = well_scaled(matrix, problem)
    with ctrl_c_calls(watch.interrupt):
        first = None if around is None else find_start(problem, around, watch, partial_solve(gap, threads))
        begin = None if first is None else begin_with(matrix, first.entries(), watch)
        with watch.phase_of("solve"):
            result = _run(matrix, watch, gap, threads, begin)
        made = (None, None) if result.x is None else finished(matrix, result.x, watch)
        solution = to_solution(matrix, problem, result, gap=gap, watch=watch, method="direct", made=made)
        solution = replace(solution, start_usd=None if first is None or begin is None else first.objective_usd)
    watch.raise_if_broken()
    if made[0] is None:
        return solution, ()
    for variable, value in zip(variables, made[0].tolist(), strict=True):
        variable.set_value(value, skip_validation=True)
    for name, key, variable in _fixed(model, positions):
        solution.values[name][key] = variable.value
    if has_own_terms:
        cost = total(cost_usd(problem), solution.values)
        solution = replace(solution, own_cost_usd=matrix.objective(made[0]) - cost)
    return solution, _own_rows(model)


def values_held(model: Any, problem: Problem, positions: Positions) -> tuple[Solution, tuple[OwnRow, ...]]:
    """Return the values that the variables of such a model hold, and the rows that are not the formulation's.

    Raises InputError where a variable has none, where the values break a row, and as `solve_own` does.
    """
    import pyomo.core as pyo

    _check_families(model, positions)
    _check_objective(model)
    values = {name: np.zeros(size) for name, size in table_sizes(problem).items()}
    used = _used(model)
    for name, keys in positions.items():
        for index, variable in model.component(name).items():
            if variable.value is None and id(variable) in used:
                what = f"the variable {variable.name} has no value"
                raise InputError(Issue(what, where="model", maybe="solve the model first, or use model.solve"))
            values.setdefault(name, np.zeros(len(keys)))[keys[index]] = variable.value or 0.0
    for row in model.component_data_objects(pyo.Constraint, active=True):
        if row.slack() < -HOLDS * max(1.0, *(abs(pyo.value(side) or 0.0) for side in (row.lower, row.upper))):
            what = f"the values of the model break its row {row.name} by {-row.slack():.3g}"
            raise InputError(Issue(what, where="model", maybe="solve it to a feasible point, at a tolerance of 1e-6"))
    (objective,) = model.component_data_objects(pyo.Objective, active=True)
    cost, found = total(cost_usd(problem), values), pyo.value(objective)
    own = None if abs(found - cost) <= SAME_USD * max(abs(cost), 1.0) else found - cost
    return Solution(SolutionStatus.FEASIBLE, Termination.LIMIT, values=values, own_cost_usd=own), _own_rows(model)


def _used(model: Any) -> set[int]:
    """Return the ids of the variables that stand in an active row or in the objective: no other needs a value."""
    import pyomo.core as pyo
    from pyomo.core.expr.visitor import identify_variables

    stated = [row.body for row in model.component_data_objects(pyo.Constraint, active=True)]
    stated += [one.expr for one in model.component_data_objects(pyo.Objective, active=True)]
    return {id(variable) for expression in stated for variable in identify_variables(expression, include_fixed=False)}


def _run(matrix: Matrix, watch: Watch, gap: float, threads: int, begin: Floats | None) -> Run:
    try:
        return run(matrix, watch, gap=gap, threads=threads, start=begin)
    except UnboundedError as error:
        maybe = "give each variable that your terms reward a limit"
        raise InputError(Issue("the objective of the model falls without end", where="model", maybe=maybe)) from error


def _check_objective(model: Any) -> None:
    """Refuse a model that has not one objective, to be minimised."""
    import pyomo.core as pyo

    active = list(model.component_data_objects(pyo.Objective, active=True))
    if len(active) != 1:
        names = ", ".join(one.name for one in active) or "none"
        what, maybe = f"the model has not one active objective: {names}", "add terms of your own to model.cost.expr"
    elif active[0].sense != pyo.minimize:
        what, maybe = f"the objective {active[0].name} is to be maximised", "minimise its negative"
    else:
        return
    raise InputError(Issue(what, where="model", maybe=maybe))


def _check_families(model: Any, positions: Positions) -> None:
    """Refuse a model that is none of this instance."""
    for name, keys in positions.items():
        family = model.component(name)
        if family is None or len(family) != len(keys):
            what = f"the model has no variables {name} as this instance has them"
            raise InputError(Issue(what, where="model", maybe="take it from the same Model: model.pyomo()"))


def _handed_over(model: Any, positions: Positions) -> tuple[Matrix, list[Any]]:
    from pyomo.repn.util import InvalidValueError

    try:
        return hand_over(model, positions)
    except (InvalidValueError, ValueError) as error:
        what = f"the model is not linear, or holds what is no number: {error}"
        maybe = "state rules and cost terms of your own as linear expressions"
        raise InputError(Issue(what, where="model", maybe=maybe)) from error


def _fixed(model: Any, positions: Positions) -> Iterator[tuple[str, int, Any]]:
    """Yield (family, position in its table, variable) of the variables that somebody fixed."""
    for name, keys in positions.items():
        for variable in model.component(name).values():
            if variable.fixed:
                yield name, keys[variable.index()], variable


def _has_own_terms(matrix: Matrix, model: Any, problem: Problem, positions: Positions) -> bool:
    """Whether the objective is another than the cost of the instance."""
    costs, sizes = cost_usd(problem), table_sizes(problem)
    expected = np.zeros(matrix.cost.size)
    for name in sizes.keys() & costs.keys() & set(matrix.columns.names):
        columns = matrix.columns.of(name)
        expected[columns] = costs[name][matrix.columns.key[columns]]
    held = ((name, key, variable) for name, key, variable in _fixed(model, positions) if name in costs)
    fixed = sum(float(costs[name][key]) * variable.value for name, key, variable in held)
    size = max(float(np.abs(expected).max(initial=0.0)), 1.0)
    differ = np.abs(matrix.cost - expected) > SAME_USD * np.maximum(np.abs(expected), HOLDS * size)
    return bool(differ.any()) or abs(matrix.offset - fixed) > SAME_USD * max(abs(fixed), 1.0)


def _own_rows(model: Any) -> tuple[OwnRow, ...]:
    """Return the active rows that are not the formulation's, with what their bodies come to, after a check that they
    hold.
    """
    import pyomo.core as pyo

    found = []
    for row in model.component_data_objects(pyo.Constraint, active=True):
        if row.parent_component().local_name in CONSTRAINTS and row.parent_block() is model:
            continue
        one = OwnRow(name=row.name, body=pyo.value(row.body), lower=pyo.value(row.lower), upper=pyo.value(row.upper))
        room = HOLDS * max(1.0, abs(one.lower or 0.0), abs(one.upper or 0.0))
        if not (one.lower is None or one.body >= one.lower - room) or not (
            one.upper is None or one.body <= one.upper + room
        ):
            sides = f"{one.lower} .. {one.upper}"
            raise InternalError(f"the plan breaks the row {one.name}: {one.body:g} is not in {sides}")
        found.append(one)
    return tuple(found)
