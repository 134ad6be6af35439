"""Pyomo model to arrays."""

from __future__ import annotations

import numpy as np
import pyomo.core as pyo
import pytest

from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import TriviallyInfeasible, to_matrix


def toy():
    model = pyo.ConcreteModel()
    model.n = pyo.Var([3, 7], domain=pyo.NonNegativeIntegers, bounds=(0, 9))
    model.f = pyo.Var([0, 1], bounds=(0, 5))
    model.meet = pyo.Constraint([4], rule=lambda m, _: m.f[0] + m.f[1] == 4)
    model.carry = pyo.Constraint([3, 7], rule=lambda m, i: m.f[0 if i == 3 else 1] <= 2 * m.n[i])
    model.between = pyo.Constraint(expr=(1, m_sum(model), 6))
    model.cost = pyo.Objective(expr=3 * model.n[3] + 2 * model.n[7] + 10)
    return model


def m_sum(model):
    return model.n[3] + model.n[7]


def test_columns_name_their_variable_and_rows_their_constraint():
    """Every column and row can be traced to (component, index)."""
    matrix = to_matrix(toy())
    columns = matrix.columns
    assert sorted(columns.key[columns.of("n")].tolist()) == [3, 7]
    assert sorted(columns.key[columns.of("f")].tolist()) == [0, 1]
    assert matrix.integer[columns.of("n")].all()
    assert not matrix.integer[columns.of("f")].any()
    names = {matrix.row_name(row) for row in range(matrix.shape[0])}
    assert names == {("meet", 4), ("carry", 3), ("carry", 7), ("between", 0)}


def test_optimum_of_the_toy_by_hand():
    """4 units need two instances of the cheaper kind: 2 * 2 + 10 = 14."""
    matrix = to_matrix(toy())
    result = run(matrix, Watch(10))
    assert result.objective_usd == pytest.approx(14.0)
    n = dict(zip(matrix.columns.key.tolist(), result.x.tolist(), strict=False))
    assert matrix.is_feasible(result.x)
    assert n is not None


def test_maximisation_is_turned_into_minimisation():
    """A model that maximises keeps its meaning."""
    model = pyo.ConcreteModel()
    model.x = pyo.Var([0], bounds=(0, 4))
    model.some = pyo.Constraint(expr=model.x[0] <= 3)
    model.gain = pyo.Objective(expr=2 * model.x[0], sense=pyo.maximize)
    assert run(to_matrix(model), Watch(5)).objective_usd == pytest.approx(-6.0)


def test_fixed_variables_move_to_the_sides():
    """A fixed variable has no column and its part of the cost stays."""
    model = toy()
    model.n[3].fix(1)
    matrix = to_matrix(model)
    assert matrix.columns.key[matrix.columns.of("n")].tolist() == [7]
    assert run(matrix, Watch(5)).objective_usd == pytest.approx(3 + 2 * 1 + 10)


def test_violated_constant_row_is_told_before_solving():
    """A constraint without free variables that does not hold is an answer of its own."""
    model = toy()
    model.f[0].fix(0)
    model.f[1].fix(0)
    with pytest.raises(TriviallyInfeasible, match="meet"):
        to_matrix(model)


def test_violation_is_measured_per_row():
    """`violation` gives each row's own amount, `worst_violation` relates it to the row's size."""
    matrix = to_matrix(toy())
    x = np.zeros(matrix.cost.size)
    assert matrix.violation(x).max() == pytest.approx(4.0)
    assert not matrix.is_feasible(x)
