"""Identical workloads: priced once, counted in the master, handed out again in the plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_solve_requirements import asking

from formulations import build_model
from formulations.problem import Coefficients, Membership, Presence, Problem
from optimizer.solve import SolutionStatus, solve_problem
from optimizer.solve.blocks import find_blocks
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition.classes import with_classes
from optimizer.solve.decomposition.column_generation import Decomposition
from optimizer.solve.decomposition.cut import cut_model
from optimizer.solve.highs.hand_over import to_matrix
from optimizer.solve.neighbourhoods.working_plan import worth_usd
from optimizer.solve.presolve.aggregated_capacity import with_cover_rows
from optimizer.solve.presolve.requirement_copies import split_requirements


def repeated(problem: Problem, times: int) -> Problem:
    """Return the problem with every workload `times` over, pools as much larger; mechanisms are bought once for all."""
    slots, flows, services, jobs = problem.slots, problem.flows, problem.services, problem.jobs
    workloads, streams, size, flow_size = (
        len(problem.workload_ids), services.workload.size, slots.workload.size, flows.stream.size
    )  # fmt: skip
    jobs_size, rows = jobs.workload.size, problem.mechanisms.bound.size

    def again(values, step=0):
        return np.concatenate([values + step * k if step else values for k in range(times)])

    def tables(part, steps):
        changed = {}
        for name, value in vars(part).items():
            if isinstance(value, np.ndarray):
                changed[name] = again(value, steps.get(name, 0)) if value.size else value
            elif isinstance(value, Coefficients):
                changed[name] = value.each(again)
        return replace(part, **changed)

    def members(part, column, row=0):
        return Membership(again(part.row, row), again(part.column, column), again(part.weight))

    asks = problem.mechanisms
    return replace(
        problem,
        workload_ids=tuple(f"{name}.{k}" for k in range(times) for name in problem.workload_ids),
        services=tables(services, {"workload": workloads}),
        jobs=tables(jobs, {"workload": workloads}) if jobs_size else jobs,
        slots=tables(slots, {"workload": workloads}),
        flows=tables(flows, {"stream": streams, "slot": size}),
        presence=Presence(),
        pools=replace(
            problem.pools, limit=times * problem.pools.limit,
            by_instances=members(problem.pools.by_instances, size), by_flow=members(problem.pools.by_flow, flow_size),
        ),
        mechanisms=replace(
            asks, requirement_ids=tuple(f"{name}.{k}" for k in range(times) for name in asks.requirement_ids),
            bound=again(asks.bound), by_flow=members(asks.by_flow, flow_size, rows),
            satisfied_by=members(asks.satisfied_by, 0, rows),
        ),
    )  # fmt: skip


def state_of(problem: Problem, *, split: bool, classes: bool):
    matrix = with_cover_rows(to_matrix(build_model(problem)), problem)
    needs = None
    if split:
        matrix, needs = split_requirements(matrix, problem)
    blocks = find_blocks(matrix, problem)
    cut = cut_model(matrix, blocks, needs)
    cut = with_classes(cut, blocks, problem) if classes else cut
    worth = worth_usd(matrix, np.zeros(matrix.row_lower.size))[cut.rows]
    return matrix, cut, Decomposition(problem, cut, worth, Watch(60), threads=1)


@pytest.mark.parametrize("split", [False, True])
def test_classes_change_no_bound_and_give_a_plan(split):
    """With classes column generation ends at a bound as good as without, a third of the workloads is priced, and the
    plan handed out obeys every row of the whole model.
    """
    problem = repeated(asking(4, 1), 3)
    proven = []
    for classes in (False, True):
        matrix, cut, state = state_of(problem, split=split, classes=classes)
        assert state.run(gap=1e-5, until_seconds=40.0)
        state.tighten(target_usd=np.inf)
        proven.append(state.proven_usd)
    assert cut.classes.count.tolist() == [3] * 4 + [0] * 8
    assert cut.classes.head.tolist() == [0, 1, 2, 3] * 3
    assert set(state.pool.workload.tolist()) == {0, 1, 2, 3}
    assert proven[1] == pytest.approx(proven[0], rel=5e-3)
    for plan in (state.quick_plan(), state.plan(gap=1e-4, seconds=10.0)):
        assert plan is not None
        x = plan.values(cut, state.pool)
        assert matrix.is_feasible(x)
        assert matrix.objective(x) >= state.proven_usd * (1 - 1e-9)
    learned = state.learn(x)
    assert learned.values(cut, state.pool) == pytest.approx(x, abs=1e-6)


def test_optimum_lies_between_bound_and_plan():
    """HiGHS on the whole model agrees with what the decomposition by classes proves."""
    problem = repeated(asking(4, 2), 2)
    whole = solve_problem(problem, gap=1e-5, method="direct", time_limit_seconds=60)
    assert whole.status is SolutionStatus.OPTIMAL
    found = solve_problem(problem, gap=2e-3, method="decompose", time_limit_seconds=30)
    assert found.bound_usd <= whole.objective_usd * (1 + 1e-6)
    assert found.objective_usd >= whole.bound_usd * (1 - 1e-6)


def test_workloads_that_differ_in_one_figure_are_apart():
    """A dearer slot, another demand, another requirement: each makes a workload one of its own."""
    problem = repeated(asking(4, 0), 2)
    _, cut, _ = state_of(problem, split=False, classes=True)
    assert cut.classes.count.tolist() == [2] * 4 + [0] * 4
    first = int(np.flatnonzero(problem.slots.workload == 4)[0])
    spend = problem.slots.running.spend_usd.copy()
    spend[first] += 1.0
    running = replace(problem.slots.running, cost={"compute": spend})
    dearer = replace(problem, slots=replace(problem.slots, running=running))
    demand = problem.services.demand_per_s.copy()
    demand[problem.services.workload == 4] *= 0.9
    smaller = replace(problem, services=replace(problem.services, demand_per_s=demand))
    for other in (dearer, smaller):
        _, cut, _ = state_of(other, split=False, classes=True)
        assert cut.classes.count.tolist() == [1, 2, 2, 2, 1, 0, 0, 0]
