"""A cost is one thing: declared once, minimised, broken down by term and counted by budgets on money."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pytest
from problem_generators import random_problem
from problem_toys import Builder

from formulations import VARIABLES, Problem, build_arrays, table_sizes
from formulations.columns import Coefficients, Column, Floats, numbers, table
from formulations.objective import charges, cost_by_term, cost_usd, spent_in_no_place
from formulations.tables import columns_of


@dataclass(frozen=True)
class Entry:
    """What a service pays once for every region it is present in."""

    usd: Floats = numbers("presence", "entry[p]", "paid once", "USD", charged_on="present", term="entry")


@dataclass(frozen=True)
class Charged(Problem):
    """A problem with a cost term of its own."""

    entry: Entry = table(Entry)


def charged(problem: Problem, usd: Floats) -> Charged:
    return Charged(**{own.name: getattr(problem, own.name) for own in fields(problem)}, entry=Entry(usd))


def toy() -> tuple[Builder, int]:
    """One service (10 units/s) that may be in two regions, at 3 USD of compute and 5 USD of else per instance."""
    b = Builder()
    workload, (stream,) = b.service(10.0)
    slots = []
    for region in (b.region(fixed=7.0), b.region()):
        slots.append(b.slot(workload, region, capacity=10.0, usd=8.0, compute_usd=3.0, carbon_kg=1.0))
        b.flow(stream, slots[-1])
        b.presence(workload, region)
    b.budget("spend_usd", 100.0, whole=True, slots=slots)
    return b, workload


@pytest.mark.parametrize("seed", range(40))
def test_terms_sum_to_what_is_minimised(seed: int) -> None:
    """At any values of the decisions, whatever tables a problem has."""
    problem, rng = random_problem(seed), np.random.default_rng(seed)
    values = {name: rng.random(size) for name, size in table_sizes(problem).items()}
    arrays = build_arrays(problem)
    names = [arrays.column_names[c] for c in arrays.column_component]
    x = np.array([values[name][key] for name, key in zip(names, arrays.column_key, strict=True)])
    there = {name: np.zeros(size) for name, size in table_sizes(problem).items()}
    for name, key, value in zip(names, arrays.column_key, x, strict=True):
        there[name][key] = value
    assert sum(cost_by_term(problem, there).values()) == pytest.approx(float(arrays.cost @ x), rel=1e-12)


def test_a_term_is_what_was_stated() -> None:
    b, _ = toy()
    b.carbon_price = 2.0
    problem = b.build()
    values = {name: np.zeros(size) for name, size in table_sizes(problem).items()}
    values |= {"instances": np.array([2.0, 1.0]), "region_used": np.array([1.0, 1.0])}
    assert cost_by_term(problem, values) == {"compute": 9.0, "rest": 15.0, "carbon_price": 6.0, "regions": 7.0}


def test_a_term_of_ones_own_is_minimised_broken_down_and_spent() -> None:
    """Its statement alone puts it into the objective, the breakdown and a budget on all money."""
    plain = toy()[0].build()
    problem = charged(plain, np.array([4.0, 6.0]))
    assert cost_usd(problem)["present"].tolist() == [4.0, 6.0]
    assert set(spent_in_no_place(problem)) == {"region_used", "present"}
    assert cost_by_term(problem, {name: np.ones(size) for name, size in table_sizes(problem).items()})["entry"] == 10.0
    arrays = build_arrays(problem)
    present = np.flatnonzero(arrays.column_component == arrays.column_names.index("present"))
    budget = np.flatnonzero(arrays.row_component == arrays.row_names.index("budget"))
    assert arrays.cost[present].tolist() == [4.0, 6.0]
    assert arrays.a.toarray()[np.ix_(budget, present)].tolist() == [[4.0, 6.0]]


def test_all_that_is_charged_is_charged_on_a_family() -> None:
    problem = random_problem(0)
    for one in columns_of(problem):
        assert not one.column.charged_on or one.column.charged_on in VARIABLES, one.name
        assert not isinstance(one.value, Coefficients) or one.column.charged_on, one.name
    sizes = table_sizes(problem)
    assert all(one.usd.size == sizes[one.family] for one in charges(problem))


def test_a_number_with_a_term_says_what_is_charged() -> None:
    with pytest.raises(TypeError, match="charged_on"):
        Column("numbers", ("region",), term="regions")


def test_coefficients_hold_the_terms_that_there_are() -> None:
    none = Coefficients.zeros(2)
    assert (none.spend_usd.tolist(), none.of("compute_usd").tolist()) == ([0.0, 0.0], [0.0, 0.0])
    some = Coefficients({"egress": np.array([1.0, 2.0]), "compute": np.array([4.0, 8.0])}, *[np.zeros(2)] * 4)
    assert some.spend_usd.tolist() == [5.0, 10.0]
    assert some.of("compute_usd").tolist() == [4.0, 8.0]
    assert some.of("spend_usd").tolist() == [5.0, 10.0]
    assert some.each(lambda values: values[1:]).cost["egress"].tolist() == [2.0]
    assert list(some.named())[:3] == ["cost.compute", "cost.egress", "carbon_kg"]
    with pytest.raises(AttributeError):
        some.of("carbon")
