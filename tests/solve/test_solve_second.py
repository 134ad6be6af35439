"""The second solve: least carbon at no higher cost."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from helper_estate import coupled
from small_models import two_regions

from formulations import carbon_kg, cost_usd
from formulations.problem import Problem
from optimizer.solve import Progress, Solution, SolutionStatus, Termination, least_carbon, solve_problem
from optimizer.solve.deadline import Watch
from optimizer.solve.second_objective import total


def same_price(near_kg: float = 5.0, far_kg: float = 2.0, *, limits=(100.0, 100.0)) -> Problem:
    """Three instances of 4 units/s carry 10 units/s, at 1 USD near or far; they differ in carbon."""
    problem = two_regions(price=(1.0, 1.0), limits=limits)
    running = replace(problem.slots.running, carbon_kg=np.array([near_kg, far_kg]))
    return replace(problem, slots=replace(problem.slots, running=running))


def all_near(problem: Problem) -> Solution:
    """The first plan: everything near, 3 USD."""
    values = {**solve_problem(problem).values, "instances": np.array([3.0, 0.0]), "flow": np.array([10.0, 0.0])}
    return Solution(SolutionStatus.OPTIMAL, Termination.GAP_REACHED, 3.0, 3.0, values, {}, "direct")


def test_of_two_plans_of_the_same_cost_the_cleaner_one_by_hand():
    """3 x 5 kg near become 3 x 2 kg far; one instance fits near only when the far pool holds two."""
    problem = same_price()
    second = least_carbon(problem, all_near(problem), unknown={}, gap=1e-6, time_limit_seconds=20)
    assert second.status is SolutionStatus.OPTIMAL
    assert (second.carbon_before_kg, second.carbon_kg) == pytest.approx((15.0, 6.0))
    assert second.bound_kg == pytest.approx(6.0)
    assert second.values["instances"].tolist() == [0.0, 3.0]
    assert second.cost_cap_usd == 3.0
    tight = same_price(limits=(100.0, 4.0))  # two devices per instance
    assert least_carbon(
        tight, all_near(tight), unknown={}, gap=1e-6, time_limit_seconds=20
    ).carbon_kg == pytest.approx(9.0)


def test_a_cleaner_plan_that_costs_more_is_not_taken():
    """Far emits less and costs a cent more: nothing changes, and that is proven."""
    problem = same_price()
    dearer = replace(problem.slots.running, cost={"compute": np.array([1.0, 1.01])})
    problem = replace(problem, slots=replace(problem.slots, running=dearer))
    second = least_carbon(problem, all_near(problem), unknown={}, gap=1e-6, time_limit_seconds=20)
    assert second.status is SolutionStatus.OPTIMAL
    assert second.carbon_kg == second.carbon_before_kg == 15.0


@pytest.mark.parametrize("endpoints", [False, True])
def test_places_without_a_carbon_figure_do_not_look_clean(endpoints):
    """Far has no figure, so that its coefficient is 0: it takes no more than in the first plan."""
    problem = same_price(far_kg=0.0)
    first = all_near(problem)
    if endpoints:
        serving = replace(problem.flows.serving, cost={"compute": np.ones(2)}, carbon_kg=np.array([5.0, 0.0]))
        slots = replace(problem.slots, is_endpoint=np.array([True, True]))
        problem = replace(problem, slots=slots, flows=replace(problem.flows, serving=serving))
        values = {**first.values, "instances": np.zeros(2)}
        first = replace(first, objective_usd=10.0, bound_usd=10.0, values=values)
    far = np.array([False, True])
    unknown = {"instances": far, "flow": far}
    second = least_carbon(problem, first, unknown=unknown, gap=1e-6, time_limit_seconds=20)
    assert second.carbon_kg == second.carbon_before_kg
    assert second.values["flow"].tolist() == pytest.approx([10.0, 0.0])


@cache
def coupled_first() -> tuple[Problem, Solution]:
    """An estate with budgets, shares, mechanisms and survival, and a plan of it that leaves room."""
    problem = coupled(12)
    return problem, solve_problem(problem, gap=0.05, time_limit_seconds=60, method="direct", threads=1)


@pytest.mark.parametrize("method", ["direct", "kernel", "decompose"])
def test_never_dearer_and_never_dirtier(method, monkeypatch):
    """By HiGHS alone, in the seconds it is given, and by search, stopped when less was found: the bound is below."""
    problem, first = coupled_first()
    first, before, found = replace(first, method=method), total(carbon_kg(problem), first.values), threading.Event()
    note = Watch.note

    def noted(watch: Watch, incumbent_usd: float | None = None, bound_usd: float | None = None) -> None:
        note(watch, incumbent_usd, bound_usd)
        if incumbent_usd is not None and incumbent_usd < 0.998 * before:
            found.set()

    monkeypatch.setattr(Watch, "note", noted)
    limit = 1.0 if method == "direct" else 100.0
    second = least_carbon(
        problem, first, unknown={}, gap=1e-3, time_limit_seconds=limit, threads=1 if method == "direct" else 2,
        cancel=found,
    )  # fmt: skip
    assert second.carbon_before_kg == pytest.approx(before)
    assert total(cost_usd(problem), second.values) <= first.objective_usd * (1 + 1e-9)
    assert second.carbon_kg == pytest.approx(total(carbon_kg(problem), second.values))
    assert second.carbon_kg <= second.carbon_before_kg
    if method != "direct":
        assert found.is_set()
        assert second.carbon_kg < 0.999 * second.carbon_before_kg
    assert second.bound_kg is None or second.bound_kg <= second.carbon_kg


def test_without_time_it_is_not_run():
    """No time, or a cancel: the first plan stays and the reason is told."""
    problem = same_price()
    first = all_near(problem)
    late = least_carbon(problem, first, unknown={}, gap=1e-6, time_limit_seconds=0.0)
    assert (late.status, late.termination) == (SolutionStatus.NO_PLAN, Termination.TIME_LIMIT)
    assert late.values is first.values
    cancel = threading.Event()
    cancel.set()
    stopped = least_carbon(problem, first, unknown={}, gap=1e-6, time_limit_seconds=9, cancel=cancel)
    assert (stopped.status, stopped.termination) == (SolutionStatus.NO_PLAN, Termination.INTERRUPTED)


def test_progress_keeps_telling_the_cost():
    """Reports of the second solve carry the first plan's cost and bound, never kilograms as dollars."""
    seen: list[Progress] = []
    problem = same_price()
    first = all_near(problem)
    least_carbon(problem, first, unknown={}, gap=1e-6, time_limit_seconds=9, progress=seen.append)
    assert seen
    assert {(report.phase, report.incumbent_usd, report.bound_usd) for report in seen} == {("least carbon", 3.0, 3.0)}
