"""The Pyomo model with names: what a person types, and the same matrix as without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyomo.core as pyo
import pytest
from binding_cases import CASES
from problem_generators import random_problem

from formulations import build_model
from formulations.build import table_positions
from formulations.components import ROWS, VARIABLES
from formulations.labels import Labels
from optimizer.solve.highs.hand_over import to_matrix


def labels_for(problem):
    """Return labels of a problem: offer x is called skux, bought on_demand."""
    regions = problem.regions
    return Labels(
        periods=tuple(f"t{x}" for x in range(problem.period_hours.size)),
        streams=tuple(f"j{x}" for x in range(problem.services.workload.size)),
        offers=[(f"sku{x}", "on_demand") for x in range(int(problem.slots.offer.max(initial=0)) + 1)],
        countries=tuple(f"C{x}" for x in regions.country),
        metros=tuple(f"metro{x}" for x in regions.metro),
        providers=tuple(f"provider{x}" for x in regions.provider),
    )


def _same(named, plain):
    """Assert that two matrices have the same columns and rows, in whatever order."""
    columns = []
    for labels in (named.columns, plain.columns):
        pairs = zip(labels.component.tolist(), labels.key.tolist(), strict=True)
        columns.append({(labels.names[c], key): x for x, (c, key) in enumerate(pairs)})
    assert columns[0].keys() == columns[1].keys()
    order = [columns[1][name] for name in columns[0]]
    assert named.rows.names == plain.rows.names
    assert (named.a.toarray() == plain.a.toarray()[:, order]).all()
    for name in ("cost", "lower", "upper", "integer"):
        assert (getattr(named, name) == getattr(plain, name)[order]).all()
    assert (named.row_upper == plain.row_upper).all()
    assert (named.row_lower == plain.row_lower).all()


@pytest.mark.parametrize("seed", range(40))
def test_names_change_nothing_of_the_matrix(seed):
    """The named model, read back by the positions of its names, is the model without names."""
    problem = random_problem(seed)
    labels = labels_for(problem)
    _same(to_matrix(build_model(problem, labels), table_positions(problem, labels)), to_matrix(build_model(problem)))


@pytest.mark.parametrize("family", sorted(CASES))
def test_every_row_has_a_name(family):
    """Where each family binds, its rows are indexed by words (the one row of the cost cap by 0)."""
    problem = CASES[family][0](False)
    rows = build_model(problem, labels_for(problem)).component(family)
    assert len(rows)
    for index in rows:
        words = index if isinstance(index, tuple) else (index,)
        assert all(isinstance(word, str) for word in words) or family == "cost_cap"


def test_a_failure_is_named_by_what_fails():
    """Each row of survival says whose demand survives what."""
    problem = CASES["failover_demand"][0](False)
    model = build_model(problem, labels_for(problem))
    assert {index[:2] for index in model.failover_demand} == {("w0", "j0")}
    assert {index[2] for index in model.failover_demand} <= set(problem.regions.ids)
    assert all(len(index) == 7 and index[2] != index[3] for index in model.failover)


@pytest.mark.parametrize("named", [False, True])
def test_every_component_says_what_it_is(named):
    """Each Var, Constraint, Objective, Set and Param has a doc; those of rows begin with the equation."""
    problem = random_problem(0)
    model = build_model(problem, labels_for(problem) if named else None)
    kinds = (pyo.Var, pyo.Constraint, pyo.Objective) + ((pyo.Param,) if named else ())
    for component in model.component_objects(kinds):
        assert component.doc, component.name
    for name, row in ROWS.items():
        assert model.component(name).doc == f"{row.equation}: {row.sentence}"
    assert {v.local_name for v in model.component_objects(pyo.Var)} == set(VARIABLES)
    if named:
        assert model.slots.doc
        assert len(model.slots) == problem.slots.workload.size


def test_entries_of_one_name_are_numbered():
    """Two requirements of one law: the second is called #2."""
    problem = CASES["requirement"][0](False)
    size = problem.mechanisms.bound.size
    problem = _with(problem, "mechanisms", requirement_ids=("a law",) * size)
    found = list(build_model(problem, labels_for(problem)).requirement)
    assert found == ["a law", *(f"a law#{x}" for x in range(2, size + 1))]


def _with(problem, table, **fields):
    return replace(problem, **{table: replace(getattr(problem, table), **fields)})


def test_params_are_the_tables():
    """Demand and capacity by name are those of the arrays."""
    problem = random_problem(3)
    model = build_model(problem, labels_for(problem))
    assert list(model.demand_per_s.extract_values().values()) == problem.services.demand_per_s.ravel().tolist()
    slots = problem.slots
    own = np.flatnonzero(~slots.is_job & ~slots.is_endpoint)
    assert list(model.capacity_per_s.extract_values().values()) == slots.capacity_per_s[own].tolist()
