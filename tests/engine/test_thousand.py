"""One thousand random instances solve, and every plan passes an audit that knows nothing of the model."""

from __future__ import annotations

import pytest
from independent import Independent
from random_instances import random_instance
from relaxations import FAMILIES, without
from solving import GAP, better, optimum, optimum_of_seed, same

import optimizer

INSTANCES = 1000
CHUNK = 25
FAMILY_SAMPLE = range(0, INSTANCES, 8)
LEAST_BINDING = 0.15
LEAST_INFEASIBLE = 0.10
INFEASIBLE_RETOLD = 3
"""How many infeasible instances of each chunk the second formulation looks at."""


@pytest.mark.parametrize("first", range(0, INSTANCES, CHUNK))
def test_random_instances_solve_and_pass_their_audit(first: int) -> None:
    """Each instance ends in a proven optimum that its audit confirms, or in a proof that there is none."""
    infeasible = []
    for seed in range(first, first + CHUNK):
        instance = optimizer.load(random_instance(seed))
        plan = optimizer.solve(instance, gap=GAP, threads=1)
        if plan.status == "infeasible":
            assert plan.objective_usd is None
            assert plan.diagnosis, f"seed {seed}: infeasible, and nothing says why"
            infeasible.append(seed)
            continue
        assert plan.gap is not None
        assert plan.gap <= 1e-6, f"seed {seed}: {plan.status}, gap {plan.gap}"
        report = optimizer.audit(instance, plan)
        assert not report.violations, f"seed {seed}: {report.violations[:3]}"
    for seed in infeasible[:INFEASIBLE_RETOLD]:
        assert Independent(optimizer.load(random_instance(seed))).optimum() is None, f"seed {seed}"


@pytest.mark.parametrize("family", FAMILIES)
def test_every_constraint_family_binds_often(family: str) -> None:
    """Without the family the optimum is better in at least 15 % of the instances, and never worse in any."""
    binding = 0
    for seed in FAMILY_SAMPLE:
        relaxed = without(random_instance(seed), family)
        if relaxed is None:
            continue
        before, after = optimum_of_seed(seed), optimum(relaxed)
        assert not better(before, after), f"seed {seed}: {before} with {family}, {after} without"
        binding += better(after, before)
    assert binding >= LEAST_BINDING * len(FAMILY_SAMPLE)


def test_some_instances_have_no_plan() -> None:
    """At least one in ten of the random instances is infeasible."""
    found = sum(optimum_of_seed(seed) is None for seed in FAMILY_SAMPLE)
    assert found >= LEAST_INFEASIBLE * len(FAMILY_SAMPLE)


def test_both_statements_can_differ() -> None:
    """The comparison of optima is not blind: another optimum, or none, is told apart."""
    assert same(None, None)
    assert same(100.0, 100.00001)
    assert not same(100.0, 100.01)
    assert not same(100.0, None)
