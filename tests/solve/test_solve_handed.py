"""What a solve by decomposition hands on: configurations that still hold, prices by name, and no proof."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from synthetic_estate import estate

from formulations.problem import Problem
from optimizer.solve import SolutionStatus, solve_problem
from optimizer.solve.decomposition.handed import FIELDS, Handed
from optimizer.solve.decomposition.proven import Proven
from optimizer.solve.decomposition.workers import Workers
from optimizer.solve.warm_start import handing_on, is_handed

GAP = 5e-3


def solved(problem: Problem, known: Handed | None = None):
    """Solve by decomposition, beginning with what is known; return the solution and what it hands on."""
    with handing_on(known) as handing:
        solution = solve_problem(problem, gap=GAP, method="decompose", time_limit_seconds=60.0, threads=1)
    assert solution.status is SolutionStatus.OPTIMAL
    return solution, handing.made


def tighter(problem: Problem, times: float) -> Problem:
    """The same problem with its budgets at a part of their limits."""
    return replace(problem, budgets=replace(problem.budgets, limit=problem.budgets.limit * times))


@pytest.fixture(scope="module")
def problem() -> Problem:
    return estate(16, regions=8, seed=3, pool=(60, 120), devices=(10.0, 60.0), carbon_limit_kg=1.5e5)


@pytest.fixture(scope="module")
def handed(problem: Problem) -> Handed:
    _, made = solved(problem)
    assert made is not None
    return made


def test_it_survives_bytes(handed: Handed):
    again = Handed.from_bytes(handed.to_bytes())
    assert again is not None
    for name in FIELDS:
        assert np.array_equal(getattr(again, name), getattr(handed, name))
    assert Handed.from_bytes(b"no archive") is None
    assert Handed.from_bytes(handed.to_bytes()[:100]) is None
    assert Handed.from_bytes(replace(handed, owner=handed.owner + 10**6).to_bytes()) is None


def test_a_problem_like_it_begins_with_it_and_comes_to_the_same(problem: Problem, handed: Handed, caplog):
    """Within the gaps: neither plan lies below the other's bound; no round of closed forms is needed."""
    other = tighter(problem, 0.97)
    alone, _ = solved(other)
    with caplog.at_level("INFO"):
        found, made = solved(other, handed)
    assert f"{handed.owner.size} configurations of {handed.owner.size} that were handed on hold" in caplog.text
    assert found.objective_usd >= alone.bound_usd * (1 - 1e-9)
    assert alone.objective_usd >= found.bound_usd * (1 - 1e-9)
    assert made is not None
    assert not is_handed()


@pytest.mark.parametrize("seed", range(3))
def test_no_proof_rests_on_what_is_handed_on(problem: Problem, handed: Handed, seed: int):
    """Wrong prices, configurations that serve nothing or too much, of other workloads: the bound stays below the cost
    of the plan that an honest solve finds.
    """
    rng = np.random.default_rng(seed)
    wrong = replace(
        handed, price=handed.price * rng.normal(0.0, 3.0, handed.price.size), owner=rng.permutation(handed.owner),
        value=handed.value * rng.choice([0.0, 0.5, 1.0, 2.0, -1.0], handed.value.size),
    )  # fmt: skip
    alone, _ = solved(problem)
    found, _ = solved(problem, wrong)
    assert found.bound_usd <= alone.objective_usd * (1 + 1e-9)
    assert found.objective_usd >= alone.bound_usd * (1 - 1e-9)


def test_what_no_longer_holds_is_left_out(problem: Problem, handed: Handed, caplog):
    """Half as much again to serve and to do: configurations that were just enough are not."""
    services = replace(problem.services, demand_per_s=1.5 * problem.services.demand_per_s)
    jobs = replace(problem.jobs, work_units=1.5 * problem.jobs.work_units)
    pools = replace(problem.pools, limit=3.0 * problem.pools.limit)
    budgets = replace(problem.budgets, limit=3.0 * problem.budgets.limit)
    other = replace(problem, services=services, jobs=jobs, pools=pools, budgets=budgets)
    with caplog.at_level("INFO"):
        found, _ = solved(other, handed)
    held = re.search(r"(\d+) configurations of (\d+) that were handed on hold", caplog.text)
    assert held is not None
    assert int(held[1]) < int(held[2]) == handed.owner.size
    alone, _ = solved(other)
    assert found.objective_usd >= alone.bound_usd * (1 - 1e-9)
    assert alone.objective_usd >= found.bound_usd * (1 - 1e-9)


def test_what_was_proven_of_the_same_program_is_not_proven_again(problem: Problem, handed: Handed, monkeypatch):
    """Begun at the same prices with another limit no program of a workload is solved but those that tighten the bound,
    or that other prices ask for; with other costs every one is.
    """
    proven, asked = Proven(), []
    solve = Workers.solve

    def counted(self, programs, number, effort, watch):
        asked.append(number)
        return solve(self, programs, number, effort, watch)

    monkeypatch.setattr(Workers, "solve", counted)

    def first_round(other: Problem) -> int:
        asked.clear()
        with handing_on(handed, proven):
            solution = solve_problem(other, gap=GAP, method="decompose", time_limit_seconds=60.0, threads=1)
        alone, _ = solved(other)
        assert solution.bound_usd <= alone.objective_usd * (1 + 1e-9)
        assert alone.bound_usd <= solution.objective_usd * (1 + 1e-9)
        return asked[0]

    assert first_round(problem) > 0
    assert first_round(tighter(problem, 0.98)) == 0
    dearer = problem.slots.running.each(lambda added: added * 1.01)
    assert first_round(replace(problem, slots=replace(problem.slots, running=dearer))) > 0


def test_only_what_was_solved_as_closely_is_proven():
    proven = Proven()
    proven.note(b"one", 5.0, 1e-3)
    assert proven.of(b"one", 1e-2) == 5.0
    assert proven.of(b"one", 1e-4) == -np.inf
    proven.note(b"one", 4.0, 1e-2)  # a looser solve later
    assert proven.of(b"one", 1e-3) == 5.0
    proven.note(b"one", 6.0, 1e-4)
    assert proven.of(b"one", 1e-4) == 6.0
    assert proven.of(b"two", 1.0) == -np.inf
