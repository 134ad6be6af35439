"""What must not change, or change in a known way, when a problem is rewritten."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from problem_generators import random_problem
from problem_solve import solve
from problem_toys import Builder

from formulations.problem import Coefficients, Membership, Problem

SEEDS = range(0, 24)


def _close(found: float | None, expected: float | None) -> None:
    assert (found is None) == (expected is None)
    if expected is not None:
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


def _not_worse(relaxed: float | None, original: float | None) -> None:
    if original is not None:
        assert relaxed is not None
        assert relaxed <= original + 1e-6 * max(1.0, abs(original))


def _taken(of: Coefficients, order: np.ndarray) -> Coefficients:
    return of.each(lambda values: values[order])


def _renumbered(members: Membership, new: np.ndarray) -> Membership:
    return Membership(members.row, new[members.column], members.weight)


def permute_slots(problem: Problem, order: np.ndarray) -> Problem:
    """Return the problem with its slots listed in another order."""
    new = np.argsort(order)
    slots = problem.slots
    fields: dict[str, Any] = {
        name: _taken(value, order) if isinstance(value, Coefficients) else value[order]
        for name, value in vars(slots).items()
    }
    return dataclasses.replace(
        problem,
        slots=type(slots)(**fields),
        flows=dataclasses.replace(problem.flows, slot=new[problem.flows.slot]),
        pools=dataclasses.replace(problem.pools, by_instances=_renumbered(problem.pools.by_instances, new)),
        datasets=dataclasses.replace(
            problem.datasets,
            read_by_work=_renumbered(problem.datasets.read_by_work, new),
            owed_by_gang=_renumbered(problem.datasets.owed_by_gang, new),
        ),
        mechanisms=dataclasses.replace(problem.mechanisms, by_gang=_renumbered(problem.mechanisms.by_gang, new)),
        budgets=dataclasses.replace(
            problem.budgets, slots=_renumbered(problem.budgets.slots, new),
            drawn=_renumbered(problem.budgets.drawn, new),
        ),
        purchases=dataclasses.replace(problem.purchases, covers=_renumbered(problem.purchases.covers, new)),
        shares=dataclasses.replace(
            problem.shares, part=_renumbered(problem.shares.part, new), all=_renumbered(problem.shares.all, new)
        ),
    )


def permute_flows(problem: Problem, order: np.ndarray) -> Problem:
    """Return the problem with its flows listed in another order."""
    new = np.argsort(order)
    flows = problem.flows
    return dataclasses.replace(
        problem,
        flows=type(flows)(flows.stream[order], flows.slot[order], _taken(flows.serving, order)),
        pools=dataclasses.replace(problem.pools, by_flow=_renumbered(problem.pools.by_flow, new)),
        datasets=dataclasses.replace(
            problem.datasets,
            read_by_flow=_renumbered(problem.datasets.read_by_flow, new),
            owed_by_flow=_renumbered(problem.datasets.owed_by_flow, new),
        ),
        mechanisms=dataclasses.replace(problem.mechanisms, by_flow=_renumbered(problem.mechanisms.by_flow, new)),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_slots_and_flows_does_not_matter(seed: int) -> None:
    """Listing slots and flows in another order leaves the optimum."""
    problem = random_problem(seed)
    rng = np.random.default_rng(seed)
    changed = permute_slots(problem, rng.permutation(problem.slots.workload.size))
    changed = permute_flows(changed, rng.permutation(problem.flows.stream.size))
    _close(solve(changed).objective, solve(problem).objective)


@pytest.mark.parametrize("seed", SEEDS)
def test_scaling_all_costs_scales_the_optimum(seed: int) -> None:
    """Three times every price (and money limit) is three times the cost."""
    problem = random_problem(seed)

    def scaled(of: Coefficients) -> Coefficients:
        return dataclasses.replace(of, cost={term: 3 * usd for term, usd in of.cost.items()})

    slots, datasets, budgets, there = problem.slots, problem.datasets, problem.budgets, problem.relocations
    money = np.array([metric == "spend_usd" for metric in budgets.metric], dtype=bool)
    tripled = dataclasses.replace(
        problem,
        slots=dataclasses.replace(slots, running=scaled(slots.running), working=scaled(slots.working)),
        flows=dataclasses.replace(problem.flows, serving=scaled(problem.flows.serving)),
        datasets=dataclasses.replace(datasets, copying=scaled(datasets.copying), moving=scaled(datasets.moving)),
        moves=dataclasses.replace(problem.moves, moving=scaled(problem.moves.moving)),
        relocations=dataclasses.replace(
            there, leaving=scaled(there.leaving), entering=scaled(there.entering)
        ),
        places=dataclasses.replace(problem.places, price_usd=3 * problem.places.price_usd),
        purchases=dataclasses.replace(problem.purchases, price_usd=3 * problem.purchases.price_usd),
        mechanisms=dataclasses.replace(problem.mechanisms, cost_usd=3 * problem.mechanisms.cost_usd),
        regions=dataclasses.replace(problem.regions, fixed_usd=3 * problem.regions.fixed_usd),
        services=dataclasses.replace(problem.services, unserved_usd=3 * problem.services.unserved_usd),
        jobs=dataclasses.replace(problem.jobs, undone_usd=3 * problem.jobs.undone_usd),
        budgets=dataclasses.replace(budgets, limit=np.where(money, 3 * budgets.limit, budgets.limit)),
        carbon_price_usd_per_kg=3 * problem.carbon_price_usd_per_kg,
    )
    base = solve(problem).objective
    _close(solve(tripled).objective, None if base is None else 3 * base)


@pytest.mark.parametrize("seed", SEEDS)
def test_relaxing_a_limit_is_never_worse(seed: int) -> None:
    """Larger pools and budgets, weaker shares, more regions allowed and less survival never cost more."""
    problem = random_problem(seed)
    base = solve(problem).objective
    shares, presence = problem.shares, problem.presence
    relaxed = (
        dataclasses.replace(problem, pools=dataclasses.replace(problem.pools, limit=problem.pools.limit + 1)),
        dataclasses.replace(problem, budgets=dataclasses.replace(problem.budgets, limit=problem.budgets.limit * 1.3)),
        dataclasses.replace(
            problem, shares=dataclasses.replace(shares, upper=(1 + shares.upper) / 2, lower=shares.lower / 2)
        ),
        dataclasses.replace(problem, presence=dataclasses.replace(presence, max_regions=presence.max_regions + 1)),
        dataclasses.replace(problem, survival=dataclasses.replace(problem.survival, share=problem.survival.share / 2)),
        dataclasses.replace(
            problem, relocations=dataclasses.replace(problem.relocations, limit=problem.relocations.limit + 1)
        ),
        dataclasses.replace(
            problem,
            places=dataclasses.replace(
                problem.places, most=problem.places.most + 1, least=np.maximum(problem.places.least - 1, 0)
            ),
        ),
    )
    for other in relaxed:
        _not_worse(solve(other).objective, base)


def _split_service(parts: tuple[float, ...]) -> Problem:
    b = Builder(hours=(1.0, 2.0))
    near, far = b.region(fixed=3.0), b.region(country=1)
    w, streams = b.service(*parts)
    for period in (0, 1):
        slots = [
            b.slot(w, near, period=period, capacity=3, usd=4, carbon_kg=5),
            b.slot(w, far, period=period, capacity=2, usd=3, carbon_kg=1),
        ]
        for slot, price in zip(slots, (0.5, 1.0), strict=True):
            for stream in streams:
                b.flow(stream, slot, usd=price)
        b.pool(4, slots={slots[0]: 2.0}, period=period)
    b.presence(w, near, far)
    b.budget("carbon_kg", 25, slots=list(range(4)))
    b.survive(w, share=0.5)
    return b.build()


def test_splitting_a_stream_in_two_equal_ones_changes_nothing() -> None:
    """A stream of 8 units/s costs what two of 4 cost."""
    whole, halves = solve(_split_service((8.0,))).objective, solve(_split_service((4.0, 4.0))).objective
    assert whole is not None
    _close(halves, whole)


@pytest.mark.parametrize("dearer", [0.0, 5.0])
def test_a_dominated_offer_changes_nothing(dearer: float) -> None:
    """An offer in the same place at the same or a higher price, drawing on the same pool, does not lower the cost."""

    def build(extra: bool) -> Problem:
        b = Builder()
        r = b.region()
        _, (j,) = b.service(7)
        drawn = [b.serve(j, r, capacity=3, usd=10, most=2)]
        b.serve(j, r, capacity=1, usd=6)
        if extra:
            drawn.append(b.serve(j, r, capacity=3, usd=10 + dearer, most=2))
        b.pool(2, slots=drawn)
        return b.build()

    _close(solve(build(True)).objective, solve(build(False)).objective)
