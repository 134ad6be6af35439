"""A table of one's own with families of variables and rows: right by every method, named in diagnoses, never lost."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from own_tables import own_families, with_own
from problem_toys import Builder
from test_formulation_names import labels_for

from formulations import build_arrays, build_model
from formulations.families import row_label
from optimizer.solve import SolutionStatus, solve_problem
from optimizer.solve.blocks import find_blocks
from optimizer.solve.diagnosis.shortfalls import diagnose
from optimizer.solve.highs.hand_over import from_arrays
from optimizer.solve.presolve.shortlist import restricted
from optimizer.solve.solution_tables import from_tables

PROVING = ("auto", "direct", "kernel", "decompose")
METHODS = PROVING


@pytest.fixture(autouse=True)
def families():
    """The model has the families of `own_tables`."""
    with own_families():
        yield


def free_instances(least, most=4.0):
    """A service of 1 unit/s on instances of 1 unit/s that are paid already, of which it keeps `least`, and another."""
    b = Builder()
    region = b.region()
    w, (j,) = b.service(1.0)
    slot = b.serve(j, region, capacity=1.0, most=most)
    _, (k,) = b.service(1.0)
    b.serve(k, region, capacity=1.0, usd=2.0)
    return with_own(b.build(), reserves=[(w, least, [slot])])


def alike_services(limit, scale=1.0):
    """Four services on one instance for 1 or 2 USD each; a licence lets two of them have `limit` cheap ones."""
    b = Builder()
    region = b.region()
    cheap = []
    for _ in range(4):
        _, (stream,) = b.service(scale)
        cheap.append(b.serve(stream, region, offer=0, capacity=scale, most=1, usd=1.0))
        b.serve(stream, region, offer=1, capacity=scale, most=1, usd=2.0)
    return with_own(b.build(), licences=[(limit, dict.fromkeys(cheap[:2], 1.0), {})])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("least", "held"), [(3.0, 3.0), (2.0, 2.0), (0.0, 1.0)])
def test_a_reserve_is_kept_and_no_more(method, least, held):
    """Demand needs one instance; what the reserve asks for stays, free as it is, and what it does not ask for goes."""
    solution = solve_problem(free_instances(least), gap=0.0, threads=1, method=method, time_limit_seconds=6)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.values["instances"].tolist() == [held, 1.0]
    assert solution.values["kept"].tolist() == [least]
    assert solution.objective_usd == pytest.approx(2.0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("limit", "usd"), [(0.0, 6.0), (1.0, 5.0), (2.0, 4.0)])
def test_a_licence_tells_alike_services_apart(method, limit, usd):
    """Each service that may not have the cheap instance costs 1 USD more, whoever is like whom."""
    solution = solve_problem(alike_services(limit), gap=0.0, threads=1, method=method, time_limit_seconds=6)
    assert solution.objective_usd == pytest.approx(usd)
    assert solution.bound_usd is not None
    assert solution.bound_usd <= usd + 1e-9
    assert solution.status is SolutionStatus.OPTIMAL


@pytest.mark.parametrize("method", PROVING)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
@pytest.mark.parametrize(("limit", "usd"), [(3.0, 3.0), (2.5, 3.5), (2.0, 4.0)])
def test_a_licence_on_what_is_served_in_any_unit(method, scale, limit, usd):
    """Three endpoints of 1 USD a demand draw 1 on a licence, a dear one none: half a demand more costs half a USD."""
    b = Builder()
    region = b.region()
    flows = {}
    for number in range(3):
        w, (stream,) = b.service(scale)
        cheap = b.flow(stream, b.slot(w, region, endpoint=True), usd=1.0 / scale)
        flows[cheap] = 1.0 / scale
        if number < 2:
            b.flow(stream, b.slot(w, region, endpoint=True), usd=2.0 / scale)
    problem = with_own(b.build(), licences=[(limit, {}, flows)])
    solution = solve_problem(problem, gap=0.0, threads=1, method=method, time_limit_seconds=6)
    assert solution.objective_usd == pytest.approx(usd)
    assert solution.status is SolutionStatus.OPTIMAL


def test_streams_that_a_licence_treats_alike_are_merged_and_split_again():
    """Two streams on one endpoint that a licence lets serve 3 of 4 units/s; the dear one serves the rest."""
    b = Builder()
    region = b.region()
    w, streams = b.service(1.0, 3.0)
    cheap, dear = b.slot(w, region, endpoint=True), b.slot(w, region, endpoint=True)
    flows = [b.flow(j, cheap, usd=1.0) for j in streams]
    for j in streams:
        b.flow(j, dear, usd=2.0)
    problem = with_own(b.build(), licences=[(3.0, {}, dict.fromkeys(flows, 1.0))])
    solution = solve_problem(problem, gap=0.0, threads=1)
    assert solution.objective_usd == pytest.approx(3 * 1 + 1 * 2)
    assert solution.values["flow"][flows] == pytest.approx([0.75, 2.25])
    assert solution.values["kept"].size == 0


def test_columns_of_a_table_of_ones_own_belong_to_the_workload_that_it_points_to():
    problem = free_instances(3.0)
    matrix = from_arrays(build_arrays(problem))
    blocks = find_blocks(matrix, problem)
    assert blocks.owner[matrix.columns.of("kept")].tolist() == [0]
    assert not blocks.coupling[matrix.rows.of("reserve")].any()
    licensed = alike_services(1.0)
    matrix = from_arrays(build_arrays(licensed))
    assert find_blocks(matrix, licensed).coupling[matrix.rows.of("licence")].all()


def test_a_shortlist_renumbers_it_and_its_values_come_back():
    """Of three slots the second goes; the reserve of two on the third holds for what is now the second, for 4 USD."""
    b = Builder()
    region = b.region()
    w, (j,) = b.service(1.0)
    slots = [b.serve(j, region, capacity=1.0, usd=usd) for usd in (1.0, 5.0, 2.0)]
    problem = with_own(b.build(), reserves=[(w, 2.0, slots[1:])])
    short = restricted(problem, np.array([True, False, True]))
    assert short.problem.reserves.slots.column.tolist() == [1]
    assert short.problem.reserves.slots.row.tolist() == [0]
    solution = solve_problem(short.problem, gap=0.0, threads=1)
    assert solution.objective_usd == pytest.approx(4.0)
    values = short.spread(solution.values, problem)
    assert values["instances"].tolist() == [0.0, 0.0, 2.0]
    assert values["kept"].tolist() == [2.0]
    matrix = from_arrays(build_arrays(problem))
    assert matrix.is_feasible(from_tables(matrix, values))


def test_a_reserve_that_cannot_be_kept_is_named_with_its_workload():
    """Four instances at most, and five in reserve: it would have to fall by one."""
    (short,) = diagnose(free_instances(5.0), time_limit_seconds=6)
    assert (short.family, short.id, short.side) == ("reserve_least", "reserve0", 5.0)
    assert short.by == pytest.approx(1.0)
    assert short.falls


def test_a_licence_that_is_too_small_is_named_as_a_limit():
    """Without the dear offers each of two services needs its licence: it would have to rise from 1 to 2."""
    b = Builder()
    region = b.region()
    slots = [b.serve(b.service(1.0)[1][0], region, capacity=1.0, most=1, usd=1.0) for _ in range(2)]
    problem = with_own(b.build(), licences=[(1.0, dict.fromkeys(slots, 1.0), {})])
    (short,) = diagnose(problem, time_limit_seconds=6)
    assert (short.family, short.id, short.side, short.basis) == ("licence", "licence0", 1.0, "alone")
    assert short.by == pytest.approx(1.0)
    assert not short.falls
    assert short.is_proven


def test_rows_are_called_by_what_they_are_about():
    problem = free_instances(3.0)
    assert row_label(problem, "reserve", 0) == "reserve of workload w0, reserve reserve0"
    assert row_label(problem, "demand", 1) == "demand of workload w1, period 0, stream 1"
    assert row_label(problem, "cost_cap", 0) == "cost_cap[0]"


def test_the_pyomo_model_knows_them_by_their_ids():
    problem = free_instances(3.0)
    model = build_model(problem, labels_for(problem))
    assert "kept[reserve0]" in str(model.reserve["reserve0"].expr)
    assert model.kept["reserve0"].ub == 100.0
    assert model.reserve.doc == "Σ n[i] ≥ k[x]: what is kept runs"


def test_a_family_that_nobody_registered_is_refused(monkeypatch):
    """A model with rows that the register does not know is not solved."""
    from formulations import families

    monkeypatch.delitem(families.CONSTRAINTS, "licence")
    with pytest.raises(ValueError, match=r"not in the register .*licence"):
        solve_problem(alike_services(1.0), method="kernel")
    with pytest.raises(ValueError, match=r"not in the register .*licence"):
        solve_problem(alike_services(1.0), method="direct")


def test_a_field_of_which_nothing_is_stated_is_refused():
    @dataclasses.dataclass(frozen=True)
    class Unstated:
        least: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))

    problem = dataclasses.replace(free_instances(1.0), reserves=Unstated())
    with pytest.raises(TypeError, match="reserves has the field least, of which nothing is stated"):
        solve_problem(problem)
