"""What follows from the statements of columns: checks, subsets, identical workloads, merged streams, units.

For every column of the product's tables, by going through the statements, and for tables of one's own by hand.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from own_tables import OwnProblem, own_families, with_own
from problem_generators import random_problem
from problem_toys import Builder, with_metric
from test_formulation_classes import SEEDS, doubled, single_requirements

from formulations import build_arrays, check_problem
from formulations.classes import identical_workloads
from formulations.columns import Coefficients, Ints, Membership, index, members, table
from formulations.families import CONSTRAINTS, VARIABLES, Rows, registered
from formulations.problem import Problem, Slots
from formulations.streams import merge_streams
from formulations.tables import Stated, Tables, columns_of, take, with_values
from formulations.units import normalise


def estate(*, reserves: Any = ((0, 2.0, [0]), (1, 2.0, [1])), licences: Any = ()) -> OwnProblem:
    """Three alike services with a slot each (its flow has the same number) and the tables of one's own."""
    b = Builder()
    region = b.region()
    for _ in range(3):
        _, (stream,) = b.service(1.0)
        b.serve(stream, region, offer=0, capacity=1.0, usd=1.0)
    return with_own(b.build(), reserves=reserves, licences=licences)


# ---- statements -----------------------------------------------------------------------------------------------------


def test_every_field_is_stated() -> None:
    """Each field of every table has a statement, names a table that exists, and numbers have a unit."""
    for one in columns_of(random_problem(0)):
        assert one.column.kind
        assert one.column.unit or one.column.kind not in ("numbers", "added", "single"), one.name
        assert one.column.meaning or one.column.kind == "names", one.name


def test_the_way_from_a_table_to_another_is_by_what_it_points_to() -> None:
    b = Builder(hours=(1.0, 1.0))
    r = b.region()
    _, streams = b.service(1.0, 2.0)
    w, (other,) = b.service(3.0)
    b.serve(streams[1], r)
    b.flow(other, b.slot(w, r, period=1))
    tables = Tables(b.build())
    assert tables.leads_to(("flow",), "workload").tolist() == [0, 1]
    assert tables.leads_to(("flow",), "period").tolist() == [0, 1]
    assert tables.leads_to(("stream", "period"), "workload").tolist() == [0, 0, 0, 0, 1, 1]
    assert tables.leads_to(("stream", "period"), "period").tolist() == [0, 1, 0, 1, 0, 1]
    assert tables.leads_to(("pool",), "workload") is None
    assert tables.label(("flow",), 1) == "workload w1, period 1, region r0, flow 1"


def test_a_table_that_no_column_has_rows_of_is_refused() -> None:
    @dataclasses.dataclass(frozen=True)
    class Lost:
        of: Membership = members("lost", "slot", "the slots")

    @dataclasses.dataclass(frozen=True)
    class WithLost(Problem):
        lost: Lost = table(Lost)

    problem = WithLost(**{f.name: getattr(random_problem(0), f.name) for f in dataclasses.fields(Problem)})
    with pytest.raises(TypeError, match=r"lost\.of names the table lost, whose rows no column has"):
        check_problem(problem)


def test_families_of_one_name_are_refused() -> None:
    """A name stands for one family, and what a context adds is gone after it."""
    again = {"demand": Rows("local", "job", "", "", "here")}
    with pytest.raises(ValueError, match="demand"), registered(object(), rows=again):
        pass
    before = set(CONSTRAINTS), set(VARIABLES)
    with own_families():
        assert "reserve" in CONSTRAINTS
        assert "kept" in VARIABLES
    assert (set(CONSTRAINTS), set(VARIABLES)) == before


# ---- checks ---------------------------------------------------------------------------------------------------------

OWN_FAULTS = {
    "reserves.workload points to workload 7 of 3": {"workload": np.array([0, 7])},
    "reserves.least has 1 values where 2 are expected": {"least": np.ones(1)},
    "reserves.least must not be below 0, has -1.0": {"least": np.array([-1.0, 1.0])},
    "reserves.least holds 1 figures that are not finite": {"least": np.array([np.nan, 1.0])},
    "reserves.slots.column points to slot 3 of 3": {"slots": Membership(np.array([0]), np.array([3]), np.ones(1))},
    "reserves.slots.row points to reserve 2 of 2": {"slots": Membership(np.array([2]), np.array([0]), np.ones(1))},
    "reserves.slots.weight has 2 values": {"slots": Membership(np.array([0]), np.array([0]), np.ones(2))},
}


KEPT_APART = ("names", "members")
"""Kinds of columns that the tests of workloads go through by themselves."""

@pytest.mark.parametrize("message", sorted(OWN_FAULTS))
def test_tables_of_ones_own_are_checked(message: str) -> None:
    problem = estate()
    check_problem(problem)
    broken = dataclasses.replace(problem.reserves, **OWN_FAULTS[message])
    with pytest.raises(ValueError, match="do not fit together") as caught:
        check_problem(dataclasses.replace(problem, reserves=broken))
    assert message in str(caught.value)


@pytest.mark.parametrize("seed", range(10))
def test_every_index_and_every_length_is_checked(seed: int) -> None:
    """Whatever points outside its table, and whatever has a row too many, is refused."""
    problem = random_problem(seed)
    for one in columns_of(problem):
        for changed in _misfits(one):
            with pytest.raises(ValueError, match="do not fit together"):
                check_problem(with_values(problem, [(one, changed)]))


def _misfits(one: Stated) -> list[Any]:
    value = one.value
    if isinstance(value, Membership):
        far = Membership(value.row, value.column + 10_000, value.weight)
        return [far, Membership(value.row + 10_000, value.column, value.weight)] if value.row.size else []
    if isinstance(value, Coefficients):
        return [dataclasses.replace(value, water_l=np.zeros(value.water_l.size + 1))]
    if one.column.points_to:
        return [value + 10_000, value - 10_000] if value.size else []
    return []


# ---- subsets --------------------------------------------------------------------------------------------------------


def named_entries(problem: Problem, one: Stated) -> set[tuple[Any, ...]]:
    """Return the entries of a membership with its columns by what they are, not by their number."""
    slots, flows = problem.slots, problem.flows
    key = [*zip(slots.workload.tolist(), slots.offer.tolist(), slots.period.tolist(), strict=True)]
    name = key if one.column.points_to == ("slot",) else [
        (int(j), key[i]) for j, i in zip(flows.stream.tolist(), flows.slot.tolist(), strict=True)
    ]  # fmt: skip
    entries = zip(one.value.row.tolist(), one.value.column.tolist(), one.value.weight.tolist(), strict=True)
    return {(row, name[column], weight) for row, column, weight in entries}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_membership_over_slots_or_flows_is_renumbered(seed: int) -> None:
    """With a random half of the slots: what is left of each says of the same slots and streams what it said."""
    problem = random_problem(seed)
    kept = np.flatnonzero(np.random.default_rng(seed).random(problem.slots.workload.size) < 0.5)
    subset = take(problem, {"slot": kept})
    check_problem(subset.problem)
    left = {one.name: one for one in columns_of(subset.problem)}
    slots = {key for key, _ in _rows_of(subset.problem.slots)}
    seen = 0
    for one in columns_of(problem):
        if one.column.points_to in (("slot",), ("flow",)) and isinstance(one.value, Membership):
            of_slot = one.column.points_to == ("slot",)
            said = named_entries(problem, one)
            expected = {entry for entry in said if (entry[1] if of_slot else entry[1][1]) in slots}
            assert named_entries(subset.problem, left[one.name]) == expected, one.name
            seen += 1
    assert seen == 13
    figures = dict(_rows_of(problem.slots))
    assert all(figures[key] == row for key, row in _rows_of(subset.problem.slots))


def _rows_of(slots: Slots) -> list[tuple[tuple[int, int, int], tuple[float, ...]]]:
    """Return every slot by its key with its figures."""
    columns = [slots.region, slots.capacity_per_s, slots.running.spend_usd, slots.working.carbon_kg]
    keys = zip(slots.workload.tolist(), slots.offer.tolist(), slots.period.tolist(), strict=True)
    return list(zip(keys, zip(*(column.tolist() for column in columns), strict=True), strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_second_workload_is_a_problem_of_its_own(seed: int) -> None:
    """All that belongs to the workloads kept is kept, and says the same of them; nothing else is."""
    problem = random_problem(seed)
    kept = np.arange(0, len(problem.workload_ids), 2)
    part = take(problem, {"workload": kept})
    check_problem(part.problem)
    build_arrays(part.problem)
    assert part.problem.workload_ids == tuple(problem.workload_ids[w] for w in kept.tolist())
    whole, left = Tables(problem), Tables(part.problem)
    for name in whole.sizes:
        owner = whole.leads_to((name,), "workload")
        if owner is None or name == "workload":
            continue
        expected = np.flatnonzero(np.isin(owner, kept))
        assert left.sizes[name] == expected.size, name
        assert np.array_equal(kept[left.leads_to((name,), "workload")], owner[expected]), name
    streams = part.kept.get("stream", np.arange(whole.sizes["stream"]))
    assert np.array_equal(part.problem.services.demand_per_s, problem.services.demand_per_s[streams])


def test_a_period_taken_out_takes_its_slots_and_its_column_of_demand() -> None:
    b = Builder(hours=(1.0, 2.0, 3.0))
    r = b.region()
    w, (j,) = b.service([4.0, 5.0, 6.0])
    for period in range(3):
        b.flow(j, b.slot(w, r, period=period))
    budget = b.budget("carbon_kg", 1.0, slots=[0, 2])
    problem = take(b.build(), {"period": np.array([0, 2])}).problem
    check_problem(problem)
    assert problem.period_hours.tolist() == [1.0, 3.0]
    assert problem.services.demand_per_s.tolist() == [[4.0, 6.0]]
    assert problem.slots.period.tolist() == [0, 1]
    assert problem.flows.slot.tolist() == [0, 1]
    assert (budget, problem.budgets.slots.column.tolist()) == (0, [0, 1])


def test_moves_in_a_period_are_renumbered_by_move_and_period() -> None:
    """Column move x periods + period: of two moves the first goes, of three periods the second."""
    b = Builder(hours=(1.0, 1.0, 1.0))
    here, there = b.region(), b.region()
    for _ in range(2):
        _, job = b.job(1.0, may_move=True)
        b.move(job, here, there)
    b.budget("carbon_kg", 1.0, moves={1: 1.0, 4: 0.5, 5: 0.25})
    problem = take(b.build(), {"workload": np.array([1])}).problem
    assert problem.budgets.moves.column.tolist() == [1, 2]
    assert problem.budgets.moves.weight.tolist() == [0.5, 0.25]
    problem = take(problem, {"period": np.array([0, 2])}).problem
    assert problem.budgets.moves.column.tolist() == [1]
    assert problem.budgets.moves.weight.tolist() == [0.25]


def test_rows_of_a_table_of_ones_own_go_with_their_workload() -> None:
    problem = estate(licences=[(5.0, {0: 1.0, 1: 2.0, 2: 3.0}, {2: 4.0})])
    part = take(problem, {"workload": np.array([1, 2])})
    assert isinstance(part.problem, OwnProblem)
    reserves, licences = part.problem.reserves, part.problem.licences
    assert (reserves.ids, reserves.workload.tolist(), reserves.slots.column.tolist()) == (("reserve1",), [0], [0])
    assert licences.limit.tolist() == [5.0]
    assert (licences.by_instances.column.tolist(), licences.by_instances.weight.tolist()) == ([0, 1], [2.0, 3.0])
    assert part.origin(("reserve",)).tolist() == [1]
    assert part.origin(("licence",)) is None


# ---- identical workloads --------------------------------------------------------------------------------------------


def variants(one: Stated, row: int) -> list[Any]:
    """Return a column's values with another one in a row."""
    value = one.value
    if isinstance(value, Coefficients):
        return [
            with_metric(value, metric, _raised(values, row)) for metric, values in value.named().items()
        ]
    if one.column.kind == "flags":
        return [np.where(np.arange(value.size) == row, ~value, value)]
    if isinstance(value, np.ndarray) and "workload" not in one.column.points_to:
        return [_raised(value, row)]
    return []


def _raised(value: np.ndarray, row: int) -> np.ndarray:
    other = value.copy()
    other[row] += 1
    return other


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_changes_of_one_workload_tells_it_from_its_copy(seed: int) -> None:
    """Every column of every table whose rows belong to workloads, but indices into the workload's own rows."""
    problem = doubled(single_requirements(random_problem(seed)))
    tables = Tables(problem)
    for one in tables.columns:
        owner = tables.leads_to(one.column.rows[:1], "workload") if one.column.rows else None
        points_home = one.column.points_to and tables.leads_to(one.column.points_to, "workload") is not None
        if owner is None or not owner.size or one.is_left_out or points_home or one.column.kind in KEPT_APART:
            continue
        for changed in variants(one, owner.size - 1):
            classes = identical_workloads(with_values(problem, [(one, changed)]))
            assert (classes == classes[owner[-1]]).sum() == 1, one.name


@pytest.mark.parametrize("seed", SEEDS)
def test_every_membership_of_one_workload_tells_it_from_its_copy(seed: int) -> None:
    """An entry that weighs more, or is missing, in whatever holds rows of a workload leaves it alone."""
    problem = doubled(single_requirements(random_problem(seed)))
    tables = Tables(problem)
    for one in tables.columns:
        owner = tables.leads_to(one.column.points_to, "workload") if isinstance(one.value, Membership) else None
        if owner is None or not one.value.row.size:
            continue
        row, column, weight = one.value.row, one.value.column, one.value.weight
        for changed in (Membership(row, column, _raised(weight, -1)), Membership(row[:-1], column[:-1], weight[:-1])):
            classes = identical_workloads(with_values(problem, [(one, changed)]))
            assert (classes == classes[owner[column[-1]]]).sum() == 1, one.name


def test_workloads_with_a_reserve_are_like_each_other_and_like_no_other() -> None:
    assert identical_workloads(estate()).tolist() == [0, 0, 1]
    assert identical_workloads(estate(reserves=())).tolist() == [0, 0, 0]
    assert identical_workloads(estate(reserves=[(0, 2.0, [0]), (1, 3.0, [1])])).tolist() == [0, 1, 2]
    assert identical_workloads(estate(reserves=[(0, 2.0, [0]), (1, 2.0, [])])).tolist() == [0, 1, 2]


def test_workloads_in_a_licence_are_alike_where_they_draw_alike() -> None:
    assert identical_workloads(estate(reserves=(), licences=[(1.0, {0: 1.0, 1: 1.0}, {})])).tolist() == [0, 0, 1]
    assert identical_workloads(estate(reserves=(), licences=[(1.0, {0: 1.0, 1: 2.0}, {})])).tolist() == [0, 1, 2]
    assert identical_workloads(estate(reserves=(), licences=[(1.0, {}, {2: 1.0})])).tolist() == [0, 0, 1]
    two = [(1.0, {0: 1.0}, {}), (1.0, {1: 1.0}, {})]
    assert identical_workloads(estate(reserves=(), licences=two)).tolist() == [0, 1, 2]


def test_a_row_on_another_workloads_slot_concerns_both() -> None:
    """A reserve of the first service that counts the second's slot: neither of them is like the third."""
    assert identical_workloads(estate(reserves=[(0, 2.0, [1])])).tolist() == [0, 1, 2]


def test_a_pair_of_workloads_is_like_no_other_workload() -> None:
    """A table of pairs points to workloads twice; the second of a pair is told apart, too."""

    @dataclasses.dataclass(frozen=True)
    class Pairs:
        first: Ints = index("pair", "workload", "one of the two")
        second: Ints = index("pair", "workload", "the other")

    @dataclasses.dataclass(frozen=True)
    class WithPairs(Problem):
        pairs: Pairs = table(Pairs)

    whole = estate(reserves=())
    problem = WithPairs(**{f.name: getattr(whole, f.name) for f in dataclasses.fields(Problem)})
    problem = dataclasses.replace(problem, pairs=Pairs(np.array([0]), np.array([1])))
    check_problem(problem)
    assert identical_workloads(problem).tolist() == [0, 1, 2]


# ---- streams and units ----------------------------------------------------------------------------------------------


def two_streams() -> Problem:
    """A service of two alike streams (1 and 3 units/s) on one endpoint."""
    b = Builder()
    region = b.region()
    w, streams = b.service(1.0, 3.0)
    slot = b.slot(w, region, endpoint=True)
    for stream in streams:
        b.flow(stream, slot, usd=1.0)
    return b.build()


def test_streams_are_merged_where_a_table_is_in_proportion_and_draws_alike() -> None:
    merged = merge_streams(with_own(two_streams(), licences=[(3.0, {}, {0: 1.0, 1: 1.0})]))
    assert merged is not None
    assert merged.problem.services.demand_per_s.tolist() == [[4.0]]
    assert merged.problem.licences.by_flow.column.tolist() == [0]
    assert merged.stream_part.ravel().tolist() == [0.25, 0.75]
    for flows in ({0: 1.0}, {0: 1.0, 1: 2.0}):
        assert merge_streams(with_own(two_streams(), licences=[(3.0, {}, flows)])) is None


def test_streams_stay_apart_where_a_table_does_not_say_that_it_is_in_proportion() -> None:
    assert merge_streams(with_own(two_streams())) is not None
    assert merge_streams(with_own(two_streams(), reserves=[(0, 1.0, [0])])) is None


def test_units_of_a_table_of_ones_own_follow_from_what_it_is_counted_in() -> None:
    """3e6 units/s are counted in a unit of 4096, a licence on them draws 4096 times as much per unit."""
    b = Builder()
    region = b.region()
    _, (stream,) = b.service(3e6)
    b.serve(stream, region, capacity=1.0, endpoint=True)
    problem = with_own(b.build(), licences=[(2.0, {0: 5.0}, {0: 1e-6})])
    restated = normalise(problem).problem
    assert restated.services.demand_per_s.tolist() == [[3e6 / 4096]]
    assert restated.licences.by_flow.weight.tolist() == [1e-6 * 4096]
    assert restated.licences.by_instances.weight.tolist() == [5.0]
