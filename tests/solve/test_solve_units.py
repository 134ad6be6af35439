"""Answers do not depend on the units in which work, demand and volumes are counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from problem_generators import random_problem
from problem_toys import Builder
from problem_units import restated
from sampled import sampled

from formulations import build_arrays
from formulations.units import normalise
from optimizer.solve import SolutionStatus, solve_problem
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import TriviallyInfeasible, from_arrays

PROVING = ("direct", "kernel", "decompose")


def undone_job(*, units: float, hours: float = 730.0):
    """700 h on 8 devices at 2 USD an hour cost 11,200 USD; leaving all undone costs 2,000 USD."""
    b = Builder((hours,))
    region = b.region()
    job, _ = b.job(units, undone=2000.0 / units, interruptible=False)
    b.slot(job, region, capacity=units / (700.0 * 8.0), gang=8, usd=2.0)
    return b.build()


@pytest.mark.parametrize("method", PROVING)
@pytest.mark.parametrize("hours", [730.0, 365.0], ids=["may be done", "cannot be done"])
@pytest.mark.parametrize("units", [1e-6, 1.0, 2e6, 2e9, 1e12, 1e15])
def test_what_is_left_undone_costs_the_same_in_any_unit(units, hours, method):
    """HiGHS dropped the coefficient of `undone` from 1e9 units on: optimal at 11,200 USD, or infeasible."""
    solution = solve_problem(undone_job(units=units, hours=hours), method=method, gap=0.0)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.objective_usd == pytest.approx(2000.0)
    assert solution.bound_usd == pytest.approx(2000.0)
    assert solution.values["undone"] == pytest.approx([units])


@pytest.mark.parametrize("method", PROVING)
@pytest.mark.parametrize("rate", [7e-6, 7.0, 7e6, 7e9, 7e12])
def test_demand_served_in_full_whatever_its_unit(rate, method):
    """Ten instances carry the demand and an eleventh is needed from a ten-millionth more on."""
    for more, instances in ((0.0, 10.0), (1e-7, 11.0)):
        b = Builder()
        region = b.region()
        service, (stream,) = b.service(rate * (1.0 + more))
        slot = b.slot(service, region, capacity=rate / 10.0, most=20, usd=3.0)
        b.flow(stream, slot)
        solution = solve_problem(b.build(), method=method, gap=0.0)
        assert solution.values["instances"].tolist() == [instances], more
        assert solution.bound_usd == pytest.approx(3.0 * instances)
        assert solution.values["flow"] == pytest.approx([rate * (1.0 + more)], rel=1e-12)


@pytest.mark.parametrize("method", PROVING)
@pytest.mark.parametrize("small", [1.0, 1e-3, 1e-6, 1e-9])
def test_a_small_stream_beside_a_large_one_is_served(small, method):
    """The small stream may only use a place of its own, which is not left out for being beneath a tolerance."""
    b = Builder()
    near, far = b.region(), b.region()
    service, (large, little) = b.service(1.0e9, 1.0e9 * small)
    at_near, at_far = b.slot(service, near, capacity=1.0e9, usd=1.0), b.slot(service, far, capacity=1.0e9, usd=5.0)
    b.flow(large, at_near)
    b.flow(little, at_far)
    solution = solve_problem(b.build(), method=method, gap=0.0)
    assert solution.objective_usd == pytest.approx(6.0)
    assert solution.bound_usd == pytest.approx(6.0)
    assert solution.values["flow"] == pytest.approx([1.0e9, 1.0e9 * small])


@pytest.mark.parametrize("method", PROVING)
def test_counts_beyond_a_million_are_rounded_up(method):
    """1e10 units/s at 7 per instance take 1,428,571,428.57 instances: 1,428,571,429."""
    b = Builder()
    region = b.region()
    service, (stream,) = b.service(1.0e10)
    slot = b.slot(service, region, capacity=7.0, most=2_000_000_000, usd=1460.0)
    b.flow(stream, slot)
    solution = solve_problem(b.build(), method=method)
    assert solution.status is SolutionStatus.OPTIMAL
    assert solution.values["instances"].tolist() == [1_428_571_429.0]
    assert solution.objective_usd == pytest.approx(1_428_571_429 * 1460.0, rel=1e-12)
    assert solution.objective_usd - 1461.0 <= solution.bound_usd <= solution.objective_usd


def test_rounding_up_a_large_count_keeps_limits():
    """3,000,000.4 units/s at 1.5 take 2,000,000.27 of 2,000,001 devices: both offers rounded up are one too many."""
    b = Builder()
    region = b.region()
    service, streams = b.service(2_000_000.0, 1_000_000.4)
    cheap = b.slot(service, region, offer=0, capacity=1.5, most=3_000_000, usd=1.0)
    dear = b.slot(service, region, offer=1, capacity=1.5, most=3_000_000, usd=2.0)
    for stream in streams:
        for slot in (cheap, dear):
            b.flow(stream, slot)
    b.pool(2_000_001.0, slots=[cheap, dear])
    b.share("device_hours", [dear], [cheap, dear], lower=0.4)
    solution = solve_problem(b.build())
    counts = solution.values["instances"]
    assert counts.tolist() == np.round(counts).tolist()
    assert counts.sum() == 2_000_001.0
    assert solution.objective_usd == pytest.approx(2_000_001.0)


@pytest.mark.parametrize("gb", [1e-6, 1.0, 1e9, 1e15])
def test_volumes_read_cost_the_same_in_any_unit(gb):
    """A dataset is read where the only offer is, from a copy elsewhere, for 12 USD altogether."""
    b = Builder()
    here, there = b.region(), b.region()
    service, (stream,) = b.service(4.0)
    slot = b.slot(service, here, capacity=4.0, usd=1.0)
    flow = b.flow(stream, slot)
    dataset = b.dataset(max_gb=gb)
    copy = b.copy(dataset, there, usd=2.0)
    b.transfer(copy, here, usd=12.0 / gb)
    b.read(dataset, here, flows={flow: gb / 4.0})
    solution = solve_problem(b.build(), gap=0.0)
    assert solution.objective_usd == pytest.approx(15.0)
    assert solution.values["transfer"] == pytest.approx([gb])


def test_units_are_powers_of_two_and_give_back_what_was_stated():
    """Restoring the values of a normalised problem is exact; its demand and work count in thousandths of the whole."""
    for seed in range(60):
        problem = random_problem(seed)
        rng = np.random.default_rng(seed)
        odd = restated(problem, 10.0 ** rng.uniform(-9, 9, len(problem.workload_ids)))
        normalised = normalise(odd)
        values = {name: rng.random(unit.size) for name, unit in normalised.unit.items()}
        for name, unit in normalised.unit.items():
            assert (np.frexp(unit)[0] == 0.5).all()
            assert (normalised.restore(normalised.apply(values))[name] == values[name]).all()
        services = normalised.problem.services
        demand = np.zeros(len(problem.workload_ids))
        np.maximum.at(demand, services.workload, services.demand_per_s.max(axis=1))
        assert demand.max(initial=0.0) <= 1024.0
        assert ((normalised.problem.jobs.work_units > 512.0) & (normalised.problem.jobs.work_units <= 1024.0)).all()


def answer(problem, presolve):
    """Return the optimum of a problem by HiGHS on its arrays, handed over as they are; None where there is no plan."""
    try:
        matrix = from_arrays(build_arrays(problem))
    except TriviallyInfeasible:
        return None
    found = run(matrix, Watch(60.0), options={"presolve": presolve})
    return None if found.x is None else found.objective_usd


@pytest.mark.parametrize("chunk", sampled(range(30)))
def test_three_hundred_problems_in_other_units(chunk):
    """Units of work scaled by 1e-6 to 1e6 leave feasibility, objective and bound as they are, by every method that
    proves and with HiGHS' presolve on and off.
    """
    for seed in range(10 * chunk, 10 * chunk + 10):
        problem = random_problem(seed)
        expected = answer(problem, "on")
        rng = np.random.default_rng(seed)
        other = restated(problem, 10.0 ** rng.uniform(-6, 6, len(problem.workload_ids)))
        for presolve in ("on", "off"):
            found = answer(normalise(other).problem, presolve)
            assert (found is None) == (expected is None), (seed, presolve)
            assert found is None or found == pytest.approx(expected, rel=1e-6, abs=1e-6), (seed, presolve)
        method = PROVING[seed % 3]
        seconds = 2.0 if method == "decompose" else 60.0  # it may search on where a gap stays
        solution = solve_problem(other, gap=0.0, method=method, time_limit_seconds=seconds, threads=1)
        if expected is None:
            assert solution.status is SolutionStatus.INFEASIBLE or method == "decompose", seed
            assert solution.objective_usd is None, seed
            continue
        slack = 1e-6 * max(1.0, abs(expected))
        assert (solution.bound_usd or -np.inf) - slack <= expected, seed
        assert expected <= (solution.objective_usd or np.inf) + slack, seed
        if method != "decompose" or solution.status is SolutionStatus.OPTIMAL:  # it may leave a gap, unproven
            assert solution.status is SolutionStatus.OPTIMAL, seed
            assert solution.objective_usd == pytest.approx(expected, rel=1e-6, abs=1e-6), seed
            assert solution.bound_usd == pytest.approx(expected, rel=1e-6, abs=1e-6), seed


def test_prices_in_other_units_scale_the_cost():
    """Money counted in millionths costs a million times as much."""
    for seed in range(20):
        problem = random_problem(seed, ("services", "pools"))
        expected = solve_problem(problem, gap=0.0).objective_usd
        slots = problem.slots
        spend = slots.running.spend_usd
        dear = replace(problem, slots=replace(slots, running=replace(slots.running, cost={"compute": 1e6 * spend})))
        serving = replace(dear.flows.serving, cost={"compute": 1e6 * dear.flows.serving.spend_usd})
        dear = replace(dear, flows=replace(dear.flows, serving=serving), carbon_price_usd_per_kg=0.0)
        free = replace(problem, carbon_price_usd_per_kg=0.0)
        expected = solve_problem(free, gap=0.0).objective_usd
        found = solve_problem(dear, gap=0.0).objective_usd
        assert (found is None) == (expected is None)
        assert found is None or found == pytest.approx(1e6 * expected, rel=1e-6)
