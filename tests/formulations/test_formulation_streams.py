"""Streams that are alike: found, merged without another optimum, split again in proportion; every difference counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from problem_generators import FEATURES, random_problem
from problem_solve import solve
from problem_toys import with_metric

from formulations import build_arrays
from formulations.check import check_problem
from formulations.problem import Membership, Problem
from formulations.streams import alike_streams, merge_streams
from optimizer.solve import solve_problem
from optimizer.solve.highs.hand_over import from_arrays
from optimizer.solve.solution_tables import from_tables

SEEDS = range(30)
WITHOUT_SURVIVAL = tuple(name for name in FEATURES if name != "survival")


def _problem(seed: int) -> Problem:
    rng = np.random.default_rng(seed)
    chosen = tuple(name for name in WITHOUT_SURVIVAL if rng.random() < 0.6)
    return random_problem(seed, ("services", *chosen))


def _again(members: Membership, columns: int) -> Membership:
    return Membership(
        np.concatenate([members.row, members.row]),
        np.concatenate([members.column, members.column + columns]),
        np.concatenate([members.weight, members.weight]),
    )


def parted(problem: Problem, share: float = 0.25) -> Problem:
    """Return a problem with every stream in two: a share of its demand is a stream of its own, after all others."""
    services, flows = problem.services, problem.flows
    twice = flows.serving.each(lambda column: np.concatenate([column, column]))
    size = flows.slot.size
    return replace(
        problem,
        services=replace(
            services,
            workload=np.concatenate([services.workload, services.workload]),
            demand_per_s=np.concatenate([(1.0 - share) * services.demand_per_s, share * services.demand_per_s]),
            may_be_unserved=np.concatenate([services.may_be_unserved, services.may_be_unserved]),
            unserved_usd=np.concatenate([services.unserved_usd, services.unserved_usd]),
        ),
        flows=replace(
            flows,
            stream=np.concatenate([flows.stream, flows.stream + services.workload.size]),
            slot=np.concatenate([flows.slot, flows.slot]),
            serving=twice,
        ),
        pools=replace(problem.pools, by_flow=_again(problem.pools.by_flow, size)),
        datasets=replace(
            problem.datasets,
            read_by_flow=_again(problem.datasets.read_by_flow, size),
            owed_by_flow=_again(problem.datasets.owed_by_flow, size),
        ),
        mechanisms=replace(problem.mechanisms, by_flow=_again(problem.mechanisms.by_flow, size)),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_parts_of_a_stream_are_one_again(seed):
    """One optimum of the merged problem, the one in parts and the original; the plan split is a plan of the parts."""
    original = _problem(seed)
    parts = parted(original)
    check_problem(parts)
    leader, streams = alike_streams(parts), original.services.workload.size
    assert np.array_equal(leader[streams:], leader[:streams])
    merged = merge_streams(parts)
    check_problem(merged.problem)
    assert merged.problem.services.workload.size <= streams
    found, expected = solve(merged.problem), solve(original)
    assert (found.objective is None) == (expected.objective is None) == (solve(parts).objective is None)
    if found.objective is None:
        assert merged.split(found.values) == {}
        return
    assert found.objective == pytest.approx(expected.objective, rel=1e-6, abs=1e-6)
    matrix = from_arrays(build_arrays(parts))
    x = from_tables(matrix, merged.split(found.values))
    assert matrix.is_feasible(x)
    assert matrix.objective(x) == pytest.approx(expected.objective, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_the_engine_merges_and_splits(seed):
    """`solve_problem` returns values of the streams it was given."""
    parts = parted(_problem(seed))
    solution, expected = solve_problem(parts, gap=1e-6, threads=1), solve(parts)
    if expected.objective is None:
        assert solution.values == {}
        return
    matrix = from_arrays(build_arrays(parts))
    x = from_tables(matrix, solution.values)
    assert matrix.is_feasible(x)
    assert matrix.objective(x) == pytest.approx(expected.objective, rel=1e-5, abs=1e-5)


def _changes(parts: Problem):
    """Problems in which something else than demand of the last flow's stream differs from that of its other part."""
    services, flows = parts.services, parts.flows
    last, stream = flows.slot.size - 1, int(flows.stream[-1])
    for metric in ("carbon_kg", "cost.compute"):
        serving = with_metric(flows.serving, metric, _raised(flows.serving.named()[metric]))
        yield replace(parts, flows=replace(flows, serving=serving))
    may = services.may_be_unserved.copy()
    may[stream] = ~may[stream]
    yield replace(parts, services=replace(services, may_be_unserved=may))
    if services.may_be_unserved[stream]:
        usd = services.unserved_usd.copy()
        usd[stream] += 1.0
        yield replace(parts, services=replace(services, unserved_usd=usd))
    members_of_flows = (
        ("pools", "by_flow"), ("datasets", "read_by_flow"), ("datasets", "owed_by_flow"), ("mechanisms", "by_flow"),
    )  # fmt: skip
    for name, field in members_of_flows:
        table = getattr(parts, name)
        members = getattr(table, field)
        at = np.flatnonzero(members.column == last)
        if at.size:
            weight = members.weight.copy()
            weight[at[0]] *= 2.0
            yield replace(parts, **{name: replace(table, **{field: Membership(members.row, members.column, weight)})})


def _raised(values: np.ndarray) -> np.ndarray:
    return np.append(values[:-1], values[-1] + 1.0)


@pytest.mark.parametrize("seed", range(12))
def test_every_difference_tells_streams_apart(seed):
    parts = parted(_problem(seed))
    last = int(parts.flows.stream[-1])
    assert alike_streams(parts)[last] != last
    for changed in _changes(parts):
        assert alike_streams(changed)[last] == last


def test_what_survives_failures_keeps_its_streams():
    problems = [parted(random_problem(seed, ("services", "survival"))) for seed in range(12)]
    surviving = [parts for parts in problems if parts.survival.workload.size]
    assert surviving
    assert all(merge_streams(parts) is None for parts in surviving)


def test_streams_of_different_services_stay_apart():
    """Nothing to merge: the same problem goes on."""
    assert merge_streams(random_problem(1, ("services", "pools"), tiny=True)) is None
