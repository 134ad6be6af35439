"""The operator layer on small models, written into arrays and into Pyomo: every operation by hand."""

from __future__ import annotations

import numpy as np
import pytest

from formulations.algebra import Expression
from formulations.arrays import ArrayModel
from formulations.domains import Domain
from formulations.indexing import add_up, every, heads, join
from formulations.problem import Membership
from formulations.pyomo_model import PyomoModel


def _models():
    """Return both back ends with x[0..2] and y[0], y[2] of a table of three."""
    models = ArrayModel(), PyomoModel("small")
    for model in models:
        model.add_family("x", every(3), Domain.REAL)
        model.add_family("y", np.array([True, False, True]), Domain.WHOLE, upper=np.array([5.0, 6.0, 7.0]))
    return models


def rows_of(state):
    """Return the rows of family `row` as text, by either back end, after what `state` adds with (model, x, y)."""
    told = []
    for model in _models():
        x, y = model.vars("x", "y")
        over, relation = state(model, x, y)
        model.add("row", over, relation)
        if isinstance(model, PyomoModel):
            rows = model.pyomo.row
            told.append({key: str(rows[key].expr).replace("  ", " ") for key in rows})
            continue
        arrays = model.finish()
        names = [
            f"{arrays.column_names[c]}[{k}]" for c, k in zip(arrays.column_component, arrays.column_key, strict=True)
        ]
        parts = {}
        for row, key in enumerate(arrays.row_key.tolist()):
            part = arrays.a[[row]].tocoo()
            weights = dict(zip((names[c] for c in part.col), part.data.tolist(), strict=True))
            parts[key] = (weights, arrays.row_lower[row], arrays.row_upper[row])
        told.append(parts)
    return told


ALL = every(3)
INF = np.inf
CASES = {
    "equal": (lambda m, x, y: (ALL, x + y == np.array([1.0, 2.0, 3.0])),
              {0: "x[0] + y[0] == 1.0", 1: "x[1] == 2.0", 2: "x[2] + y[2] == 3.0"},
              {0: ({"x[0]": 1, "y[0]": 1}, 1, 1), 1: ({"x[1]": 1}, 2, 2), 2: ({"x[2]": 1, "y[2]": 1}, 3, 3)}),
    "numbers": (lambda m, x, y: (np.array([2]), 2 * x - y / 4 + 1 <= 6),
                {2: "2.0*x[2] - 0.25*y[2] <= 5.0"}, {2: ({"x[2]": 2, "y[2]": -0.25}, -INF, 5)}),
    "numbers by entry": (lambda m, x, y: (ALL < 2, np.array([2.0, 0.0, 1.0]) * x >= y - 3),
                         {0: "-3.0 <= 2.0*x[0] - y[0]"}, {0: ({"x[0]": 2, "y[0]": -1}, -3, INF)}),
    "sums": (lambda m, x, y: (every(2), x.sum(by=np.array([0, -1, 0])) <= 5 * y),
             {0: "x[0] + x[2] - 5.0*y[0] <= 0.0"}, {0: ({"x[0]": 1, "x[2]": 1, "y[0]": -5}, -INF, 0)}),
    "sum of all": (lambda m, x, y: (every(1), (np.array([1.0, 2.0, 3.0]) * x).sum() >= 4),
                   {0: "4.0 <= x[0] + 2.0*x[1] + 3.0*x[2]"}, {0: ({"x[0]": 1, "x[1]": 2, "x[2]": 3}, 4, INF)}),
    "at an index": (lambda m, x, y: (ALL, x <= 7 - 2 * y[np.array([2, -1, 1])]),
                    {0: "x[0] + 2.0*y[2] <= 7.0", 1: "x[1] <= 7.0", 2: "x[2] <= 7.0"},
                    {0: ({"x[0]": 1, "y[2]": 2}, -INF, 7), 1: ({"x[1]": 1}, -INF, 7), 2: ({"x[2]": 1}, -INF, 7)}),
    "membership": (lambda m, x, y: (every(2), Membership(np.array([1, 1]), np.array([0, 2]), np.array([3.0, 4.0]))
                                    @ (np.array([1.0, 9.0, 0.5]) * x) <= 2),
                   {1: "3.0*x[0] + 2.0*x[2] <= 2.0"}, {1: ({"x[0]": 3, "x[2]": 2}, -INF, 2)}),
    "entries in their order": (lambda m, x, y: (np.array([2, 0]), x >= 1), {2: "1.0 <= x[2]", 0: "1.0 <= x[0]"},
                               {2: ({"x[2]": 1}, 1, INF), 0: ({"x[0]": 1}, 1, INF)}),
    "without terms": (lambda m, x, y: (ALL, 0.0 * x + y >= np.array([0.0, -1.0, 0.0])),
                      {0: "0.0 <= y[0]", 2: "0.0 <= y[2]"}, {0: ({"y[0]": 1}, 0, INF), 2: ({"y[2]": 1}, 0, INF)}),
    "what cannot hold": (lambda m, x, y: (np.array([1]), y >= 2), {1: "2.0 <= impossible[0]"},
                         {1: ({"impossible[0]": 1}, 2, INF)}),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(CASES))
def test_rows_are_those_written_by_hand(name):
    """Each operation gives the row that the line says, in Pyomo and in arrays."""
    state, as_text, as_arrays = CASES[name]
    arrays, pyomo = rows_of(state)
    assert arrays == as_arrays
    assert list(arrays) == list(as_arrays)
    assert pyomo == as_text


def test_bounds_and_domains():
    """Upper bounds come from the table; a whole number with a bound above a million is continuous."""
    for model in _models():
        model.add_family("many", every(2), Domain.WHOLE, upper=np.array([1e6, 2e6]))
        model.add_family("some", every(1), Domain.BINARY)
        model.add("used", every(1), model["many"].sum() + model["some"].sum() + model["y"].sum() <= 9)
        if isinstance(model, PyomoModel):
            many, some, y = (list(model.pyomo.component(name).values()) for name in ("many", "some", "y"))
            assert [v.ub for v in (*many, *some, *y)] == [1e6, 2e6, 1, 5, 7]
            assert [v.is_continuous() for v in (*many, *some, *y)] == [False, True, False, False, False]
        else:
            arrays = model.finish()
            assert arrays.upper.tolist() == [5, 7, 1e6, 2e6, 1]
            assert arrays.integer.tolist() == [True, True, True, False, True]


def test_the_objective_is_the_sum():
    """Terms of one variable add up."""
    arrays, pyomo = _models()
    for model in (arrays, pyomo):
        x, y = model.vars("x", "y")
        model.minimise("cost", x.sum() + (2 * x).sum() + (np.array([1.0, 1.0, 4.0]) * y).sum() + Expression(()))
    assert arrays.finish().cost.tolist() == [3, 3, 3, 1, 4]
    assert str(pyomo.pyomo.cost.expr) == "x[0] + x[1] + x[2] + 2.0*x[0] + 2.0*x[1] + 2.0*x[2] + y[0] + 4.0*y[2]"


def test_what_would_be_guessed_is_refused():
    """Picking from a sum or from what was picked, a membership of sums, and constants inside of sums."""
    model = ArrayModel()
    model.add_family("x", every(3), Domain.REAL)
    x = model["x"]
    for some in (x.sum(), x[ALL], x + x, np.ones(3) * x):
        with pytest.raises(ValueError, match="an index picks variables"):
            some[np.array([0])]
    members = Membership(np.array([0]), np.array([0]), np.array([2.0]))
    with pytest.raises(ValueError, match="a membership holds variables"):
        members @ x.sum(by=ALL)
    for wrong in ((x + 1).sum, lambda: members @ (x - 1), lambda: (1 - x) / 2, lambda: (x + 1)[ALL]):
        with pytest.raises(ValueError, match="constants stand outside"):
            wrong()


def test_heads_stand_for_equal_labels():
    """Elements with the same labels share the first of them; others have none."""
    head, rows = heads(np.array([True, True, False, True]), np.array([7, 3, 3, 7]), np.array([0, 0, 0, 0]))
    assert (head.tolist(), rows.tolist()) == ([0, 1, -1, 0], [1, 0])


def test_join_and_add_up():
    """All pairs of equal values, and sums by label."""
    wanted, table = join(np.array([5, 3, 5]), np.array([3, 5, 4]))
    assert (wanted.tolist(), table.tolist()) == ([0, 1, 1], [1, 0, 2])
    assert add_up(np.array([1.0, 2.0, 4.0]), np.array([1, -1, 1]), 3).tolist() == [0, 5, 0]
