"""Other states of a compiled instance: their bound in closed form, by hand and below every optimum; their time."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from today_toys import estate

import domicile
from optimizer.compile import compile_instance
from optimizer.plan.models import Plan
from optimizer.solve import solve_problem
from optimizer.what_if import Limits, Share, WhatIf, each_alone_usd, may_end


def _compiled(data: dict[str, Any]) -> Any:
    return compile_instance(domicile.load(data))


def test_a_service_alone_costs_its_part_of_the_cheapest_machine():
    """35 units/s at 7 of a machine's 10 usable, 2 USD/h away for 100 h: 5 machines, 1,000 USD; without room to spare
    the closed form is the cost. At 36 units/s six machines cost 1,200, and the closed form 36 / 7 x 200.
    """
    problem = _compiled(estate()).problem
    assert each_alone_usd(problem) == pytest.approx(1000.0)
    data = estate()
    data["workloads"][0]["streams"][0]["rate"] = 36.0
    problem = _compiled(data).problem
    assert each_alone_usd(problem) == pytest.approx(36 / 7 * 200.0)
    assert solve_problem(problem, gap=1e-6).objective_usd == pytest.approx(1200.0)


def test_a_demand_smaller_than_a_machine_pays_for_a_whole_one():
    """1 unit/s takes one machine of 7: 200 USD, not a seventh of it."""
    data = estate()
    data["workloads"][0]["streams"][0]["rate"] = 1.0
    assert each_alone_usd(_compiled(data).problem) == pytest.approx(200.0)


def test_a_job_alone_costs_its_hours():
    """360,000 units at 10 units/s are 10 h at 2 USD/h."""
    data = estate()
    job = {"id": "job", "kind": "job", "runs": {"throughput": {"X": 10.0}}, "work": 360_000, "unit": "units"}
    assert each_alone_usd(_compiled({**data, "workloads": [job]}).problem) == pytest.approx(20.0)


@pytest.mark.parametrize("name", ["quickstart", "health-assistant", "india-payments"])
def test_the_closed_form_is_below_every_bundled_optimum(name):
    """It is a relaxation: never above the bound that a solve proves."""
    problem = compile_instance(domicile.load(name)).problem
    solution = solve_problem(problem, gap=0.01, threads=2)
    rough = each_alone_usd(problem)
    assert rough is not None
    assert solution.objective_usd is not None
    assert 0.0 < rough <= solution.objective_usd * (1 + 1e-9)


def test_a_charge_below_nothing_has_no_closed_form():
    """What pays for being done could be done without end: no bound is told."""
    from dataclasses import replace

    problem = _compiled(estate()).problem
    services = replace(problem.services, unserved_usd=problem.services.unserved_usd - 1e9)
    assert each_alone_usd(replace(problem, services=services)) is None


def test_a_question_gets_a_share_of_the_time_and_is_begun_if_it_is_likely_to_end():
    """A tenth of 200 s is 20 s, of 20 s the least of 10; another state takes as long as the plan's own solve did, and
    what ran into its time limit is bounded in the time kept for that.
    """
    compiled = _compiled(estate())
    took = sum(compiled.timings.values())
    for seconds, given, begun in ((200.0, 20.0, False), (20.0, 10.0, False), (9.0, 10.0, True)):
        plan = Plan(timings_seconds={"solve": seconds})
        assert Share(0.1, 10.0).seconds(plan) == given
        assert may_end(compiled, Plan(timings_seconds={"solve": seconds + took}), given) is begun
    assert may_end(compiled, Plan(timings_seconds={"solve": 200.0 + took}, termination="time_limit"), 20.0)


def test_one_mechanism_states_bounds_and_solves():
    """Away at 6 USD/h the service goes home: 5 machines at 5 USD/h for 100 h; bounded without a second for solving the
    closed form stands.
    """
    data = estate()
    data["workloads"][0]["streams"][0]["rate"] = 36.0
    compiled = _compiled(data)
    ask = WhatIf(compiled, Limits(1e-6, 1, time.perf_counter() + 60, threading.Event()))
    dear = ask.state(changes=[{"op": "scale_prices", "factor": 3.0, "scope": {"regions": ["p:away"]}}])
    assert ask.solved(dear.problem, seconds=10.0).objective_usd == pytest.approx(6 * 500.0)
    finished, rough = (ask.bounded(dear.problem, seconds=seconds) for seconds in (10.0, 0.0))
    assert (finished.is_finished, rough.is_finished) == (True, False)
    assert finished.usd == pytest.approx(3000.0, rel=1e-5)
    assert rough.usd == pytest.approx(36 / 7 * 500.0)
