"""Random instances solve, and every plan passes an audit that knows nothing of the model (`domicile.solve` asks it).

Of the thousand, some and those that a family of constraints is proven to bind in.
"""

from __future__ import annotations

import pytest
from binding import INSTANCES, NO_PLAN, binds, measured, sample
from independent import Independent
from random_instances import random_instance
from relaxations import FAMILIES, without
from sampled import most
from solving import GAP, better, optimum, optimum_of_seed, same

import domicile

CHUNK = 25
LEAST_BINDING = 0.15
LEAST_INFEASIBLE = 0.10
LISTED = measured()
PROVEN_SEEDS, CLOSE_TO_LEAST = most(20), 180
PROVEN = {family: sample(LISTED[family], LISTED[NO_PLAN], PROVEN_SEEDS, CLOSE_TO_LEAST) for family in FAMILIES}
"""Seeds by family in which it is proven again, in every run, that the family binds: half of them with a plan."""
SOLVED = set(range(0, INSTANCES, INSTANCES // most(400))).union(*PROVEN.values())
NEVER_WORSE_SAMPLE = range(0, INSTANCES, INSTANCES // most(10))
INFEASIBLE_RETOLD = 3
"""How many infeasible instances of each chunk the second formulation looks at."""


@pytest.mark.parametrize("first", range(0, INSTANCES, CHUNK))
def test_random_instances_solve_and_pass_their_audit(first: int) -> None:
    """Each instance ends in a proven optimum that its audit confirms, or in a proof that there is none.

    Those without a plan are the ones listed, and a family that is proven to bind in one makes its plan worse.
    """
    infeasible = []
    solved = [seed for seed in range(first, first + CHUNK) if seed in SOLVED]
    for seed in solved:
        plan = domicile.solve(domicile.load(random_instance(seed)), gap=GAP, threads=1)
        for family in FAMILIES:
            if seed in PROVEN[family]:
                assert binds(seed, family, plan.objective_usd), f"seed {seed}: {family} is listed and does not bind"
        if plan.status == "infeasible":
            assert plan.objective_usd is None
            assert plan.diagnosis, f"seed {seed}: infeasible, and nothing says why"
            infeasible.append(seed)
            continue
        assert plan.gap is not None
        assert plan.gap <= 1e-6, f"seed {seed}: {plan.status}, gap {plan.gap}"
    assert infeasible == [seed for seed in LISTED[NO_PLAN] if seed in solved]
    for seed in infeasible[:INFEASIBLE_RETOLD]:
        assert Independent(domicile.load(random_instance(seed))).optimum() is None, f"seed {seed}"


@pytest.mark.parametrize("family", FAMILIES)
def test_every_constraint_family_binds_often(family: str) -> None:
    """In at least 15 % of the instances there is a better plan, or one at all, without the family.

    Of all the instances as measured (`binding_seeds.txt`), of which the chunks above prove some again, and twice as
    many of a family that is close to it.
    """
    assert len(set(LISTED[family])) >= LEAST_BINDING * INSTANCES
    assert set(LISTED[family]) <= set(range(INSTANCES))
    assert len(set(PROVEN[family])) >= PROVEN_SEEDS


@pytest.mark.parametrize("seed", NEVER_WORSE_SAMPLE)
def test_no_plan_is_worse_without_a_family(seed: int) -> None:
    """Without any one family of its constraints an instance has an optimum that is as good or better."""
    for family in FAMILIES:
        relaxed = without(random_instance(seed), family)
        if relaxed is not None:
            before, after = optimum_of_seed(seed), optimum(relaxed)
            assert not better(before, after), f"{before} with {family}, {after} without"


def test_some_instances_have_no_plan() -> None:
    """At least one in ten of all the instances is infeasible; the chunks above prove which."""
    assert len(set(LISTED[NO_PLAN])) >= LEAST_INFEASIBLE * INSTANCES


def test_both_statements_can_differ() -> None:
    """The comparison of optima is not blind: another optimum, or none, is told apart."""
    assert same(None, None)
    assert same(100.0, 100.00001)
    assert not same(100.0, 100.01)
    assert not same(100.0, None)
