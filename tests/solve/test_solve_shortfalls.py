"""Which limits would have to change for a plan to exist: amounts by hand, alone or together, proven or not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from problem_toys import Builder
from synthetic_estate import estate

from formulations.problem import Budgets, Membership
from optimizer.solve import diagnose, solve_problem
from optimizer.solve.auto import Choice
from optimizer.solve.diagnosis import least_use as LEAST_USE
from optimizer.solve.diagnosis.least_use import Change


def told(problem, **arguments):
    """The diagnosis, by family, id, stated limit, change, basis and whether it is proven."""
    return [
        (s.family, s.id, s.side, pytest.approx(s.by), s.basis, s.is_proven) for s in diagnose(problem, **arguments)
    ]


def one_budget(limit):
    """Five machines at 10 USD are needed, under a budget."""
    b = Builder()
    region = b.region()
    _, (stream,) = b.service(5.0)
    slot = b.serve(stream, region, capacity=1.0, usd=10.0)
    b.budget("spend_usd", limit, whole=True, slots=[slot])
    return b.build()


def test_one_budget_by_hand():
    """Short by 5 of 50 USD; at 50 there is a plan and nothing to tell."""
    assert told(one_budget(45.0)) == [("budget", "b0", 45.0, 5.0, "alone", True)]
    assert diagnose(one_budget(50.0)) == []


def two_budgets(kg):
    """Four machines, clean ones at 20 USD and 1 kg, dirty ones at 10 USD and 3 kg, 60 USD and so many kg allowed.

    With x dirty ones: 80 - 10 x USD and 4 + 2 x kg.
    """
    b = Builder()
    region = b.region()
    _, (stream,) = b.service(4.0)
    slots = [b.serve(stream, region, usd=20.0, carbon_kg=1.0), b.serve(stream, region, usd=10.0, carbon_kg=3.0)]
    b.budget("spend_usd", 60.0, slots=slots)
    b.budget("carbon_kg", kg, slots=slots)
    return b.build()


def test_alternatives_by_hand():
    """At most 7 kg allow one dirty machine, which costs 70 USD; 60 USD need two, which emit 8 kg."""
    expected = [("budget", "b1", 7.0, 1.0, "alone", True), ("budget", "b0", 60.0, 10.0, "alone", True)]
    assert told(two_budgets(7.0)) == expected
    assert diagnose(two_budgets(8.0)) == []


def test_whole_machines_make_a_budget_short():
    """Half a dirty machine would do for the relaxation; 7.9 kg lack 0.1 kg, 60 USD lack 10."""
    expected = [("budget", "b1", 7.9, 0.1, "alone", True), ("budget", "b0", 60.0, 10.0, "alone", True)]
    assert told(two_budgets(7.9)) == expected


def test_whole_machines_make_a_pool_short():
    """Two services need 5/s each, of machines of 4/s: 2.5 machines for the relaxation, and 4 whole ones; 3 are left."""
    b = Builder()
    region = b.region()
    slots = []
    for _ in range(2):
        _, (stream,) = b.service(5.0)
        slots.append(b.serve(stream, region, capacity=4.0))
    b.pool(3.0, slots=slots)
    assert told(b.build()) == [("devices", "pool0", 3.0, 1.0, "alone", True)]


def test_what_has_to_change_together_by_hand():
    """Two services of two machines, each in a pool of one that no other can use: no pool makes room alone."""
    b = Builder()
    region = b.region()
    for _ in range(2):
        _, (stream,) = b.service(2.0)
        b.pool(1.0, slots={b.serve(stream, region): 1.0})
    expected = [("devices", f"pool{x}", 1.0, 1.0, "together", True) for x in range(2)]
    assert sorted(told(b.build())) == expected


@pytest.mark.parametrize("is_upper", [True, False])
def test_shares_are_told_in_parts_of_one(is_upper):
    """Four machines, at most one of them of provider 1: three quarters are provider 0's, where half is asked for."""
    b = Builder()
    regions = [b.region(provider=x) for x in range(2)]
    _, (stream,) = b.service(4.0)
    slots = [b.serve(stream, region, device_hours=1.0) for region in regions]
    b.pool(1.0, slots={slots[1]: 1.0})
    b.share("device_hours", [slots[0 if is_upper else 1]], slots, **{"upper" if is_upper else "lower": 0.5})
    expected = [
        ("share_upper" if is_upper else "share_lower", "sigma0", 0.5, 0.25, "alone", True),
        ("devices", "pool0", 1.0, 1.0, "alone", True),
    ]
    problem = b.build()
    problem = replace(problem, shares=replace(problem.shares, ids=("sigma0",)))
    assert told(problem) == expected


def test_a_pool_of_several_periods_is_one_limit():
    """Two and three machines are needed where one is allowed in either period: two more, in every period."""
    b = Builder(hours=(1.0, 1.0))
    region = b.region()
    _, (stream,) = b.service([2.0, 3.0])
    for period in range(2):
        b.pool(1.0, slots={b.serve(stream, region, period=period): 1.0}, period=period)
    problem = b.build()
    problem = replace(problem, pools=replace(problem.pools, ids=("pool", "pool")))
    (short,) = diagnose(problem)
    assert (short.id, short.period, short.side, short.basis, short.is_proven) == ("pool", None, 1.0, "alone", True)
    assert short.by == pytest.approx(2.0)


def test_a_need_is_named_where_no_limit_can_change():
    """An hour of one machine does half of the work."""
    b = Builder()
    workload, _ = b.job(2.0)
    b.slot(workload, b.region(), capacity=1.0)
    (short,) = diagnose(b.build())
    assert (short.family, short.workload, short.basis) == ("work", "w0", "alone")
    assert short.falls


@pytest.mark.parametrize("method", ["direct", "decompose"])
def test_the_change_of_a_budget_is_what_a_plan_without_it_costs_more(method, monkeypatch):
    """An estate under a budget a tenth too small: by what the least cost exceeds it, proven, by either method."""
    problem = estate(5, regions=6, seed=1, devices=(9.0, 60.0))
    solved = solve_problem(problem, gap=1e-6, threads=1)
    every = np.arange(problem.slots.workload.size)
    members = Membership(np.zeros_like(every), every, np.ones(every.size))
    limit = 0.9 * solved.objective_usd
    tight = replace(
        problem,
        budgets=Budgets(
            ids=("money",), metric=("spend_usd",), limit=np.array([limit]), whole=np.array([True]), slots=members
        ),
    )
    monkeypatch.setattr(LEAST_USE, "choose", lambda *_: Choice(method))
    found = diagnose(tight, time_limit_seconds=60.0)
    money = next(short for short in found if short.id == "money")
    needed = solved.objective_usd - limit
    assert money.by == pytest.approx(needed, rel=2e-3)
    assert money.at_least <= needed * (1 + 1e-6)
    assert money.is_proven
    assert diagnose(tight, time_limit_seconds=60.0) == found


def test_proven_is_what_a_bound_comes_near():
    """Within a thousandth of the change."""
    assert Change(True, 10.0, 9.995).is_proven
    assert not Change(True, 10.0, 9.9).is_proven
    assert not Change(True, 10.0).is_proven
