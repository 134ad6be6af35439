"""What a plan's prices prove of another place: never more than the forced optimum, and that there is no plan."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from compile_toys import offer, region, service, toy
from random_instances import random_instance

import domicile
from optimizer.audit import audit
from optimizer.compile import compile_instance
from optimizer.explain.at_prices import AtPrices
from optimizer.explain.forcing import Demand, Limits, force
from optimizer.solve import solve_problem
from optimizer.solve.solution import SolutionStatus

PLACES = {
    "providers": [{"id": "p", "control": ["DE"]}, {"id": "q", "control": ["US"]}],
    "regions": [region(), region("q:east", "US")],
    "offers": [offer(), offer("y", place="q:east", usd_per_hour=3.0)],
    "network": [{"origin": "DE", "region": name, "rtt_ms": 20.0} for name in ("p:north", "q:east")],
}


def limits(seconds=60.0):
    return Limits(0.0, 1, time.perf_counter() + seconds, threading.Event())


def estate(few=3.0):
    """Return two services that need five devices each, of which the dearer east has a few."""
    quotas = {"default_devices": 64.0, "limits": [{"id": "few", "region": "q:east", "devices": few}]}
    return toy(service("a"), service("b"), inline=PLACES, quotas=quotas)


def decomposed(instance, gap=0.02):
    return domicile.solve(instance, gap=gap, threads=1, method="decompose")


def at(compiled, place):
    return (compiled.world.text("region_id") == place)[compiled.problem.slots.offer]


def test_the_plan_keeps_prices_and_parts_that_add_up_to_a_bound_and_the_audit_holds_it_against_the_cost():
    """Nothing is scarce: each service costs at least its 500 USD-hours' worth, and no row has a price."""
    instance = estate(64.0)
    plan = decomposed(instance)
    assert plan.lagrangian is not None
    assert plan.lagrangian.bound_usd == pytest.approx(2000.0)
    assert {row.workload: row.usd for row in plan.workload_bounds} == pytest.approx({"a": 1000.0, "b": 1000.0})
    assert domicile.Plan.model_validate_json(plan.model_dump_json()) == plan
    assert audit(instance, plan).ok
    high = plan.lagrangian.model_copy(update={"bound_usd": 2100.0})
    bounds = (plan.workload_bounds[0].model_copy(update={"workload": "nobody"}), plan.workload_bounds[1])
    found = audit(instance, plan.model_copy(update={"lagrangian": high, "workload_bounds": bounds})).violations
    assert {(one.kind, one.where) for one in found} == {("bound", "lagrangian"), ("unknown_id", "workload_bounds[0]")}


def test_what_a_limit_is_too_small_for_is_proven_at_once_with_the_limit():
    """Five devices where three are: no plan, whatever the other does, and the quota would have to be 5/3 as large."""
    compiled, plan = compile_instance(estate()), decomposed(estate())
    demand = Demand(0)
    told = force(compiled, plan, demand, demand.slots(compiled.problem) & at(compiled, "q:east"), limits())
    assert told.possible is False
    assert told.hindered_by[0].startswith("even if all others used nothing")
    assert any("quota few" in line and "rise by 2" in line for line in told.hindered_by)


def test_five_devices_are_enough_for_one_of_two():
    """One unit looser: it costs the dollar an hour of five devices over 100 h more, and the prices say so."""
    compiled, plan = compile_instance(estate(5.0)), decomposed(estate(5.0))
    demand = Demand(0)
    told = force(compiled, plan, demand, demand.slots(compiled.problem) & at(compiled, "q:east"), limits())
    assert told.at_prices_usd == pytest.approx(500.0)
    assert told.extra_usd is not None
    assert (told.extra_usd.low, told.extra_usd.high) == pytest.approx((500.0, 500.0))
    assert told.complete


def test_prices_of_another_model_prove_nothing():
    compiled, plan = compile_instance(estate()), decomposed(estate())
    assert plan.lagrangian is not None
    other = plan.lagrangian.model_copy(update={"model_sha256": "0"})
    every = np.ones(compiled.problem.slots.workload.size, dtype=bool)
    flows = np.ones(compiled.problem.flows.slot.size, dtype=bool)
    asked = AtPrices(compiled, plan.model_copy(update={"lagrangian": other}))
    assert asked.proven(0, (every, flows), limits(), is_whole=True) is None
    assert AtPrices(compiled, plan).proven(0, (every, flows), limits(), is_whole=True) is not None


@pytest.mark.parametrize("seed", [1, 2, 6, 11])
def test_no_forced_plan_costs_less_than_the_prices_prove(seed: int):
    """Against HiGHS on the whole model without the other places, of every workload in every region."""
    from formulations.tables import take

    instance = domicile.load(random_instance(seed), references=False)
    compiled, plan = compile_instance(instance), decomposed(instance)
    prices, problem = AtPrices(compiled, plan), compiled.problem
    for workload in range(len(problem.workload_ids)):
        own = problem.slots.workload == workload
        for place in np.unique(problem.slots.region[own]).tolist():
            slots = ~own | (problem.slots.region == place)
            proven = prices.proven(workload, (slots, slots[problem.flows.slot]), limits(), is_whole=False)
            assert proven is not None
            part = take(problem, {"slot": np.flatnonzero(slots)}).problem
            found = solve_problem(part, gap=0.0, threads=1, method="direct")
            if found.status is SolutionStatus.INFEASIBLE:
                continue
            assert found.objective_usd is not None
            assert proven.usd <= found.objective_usd + 1e-6 * abs(found.objective_usd)
