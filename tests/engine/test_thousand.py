"""One thousand random instances solve, and every plan passes an audit that knows nothing of the model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from binding import INSTANCES, Optima, binds, likely, measured
from independent import Independent
from random_instances import random_instance
from relaxations import FAMILIES, without
from solving import GAP, better, optimum, same

import optimizer

CHUNK = 25
LEAST_BINDING = 0.15
LEAST_INFEASIBLE = 0.10
PROVEN = 500
"""Instances over which the shares are proven again in every run; over all of them they are as measured."""
NEVER_WORSE_SAMPLE = range(0, INSTANCES, 100)
INFEASIBLE_RETOLD = 3
"""How many infeasible instances of each chunk the second formulation looks at."""


@pytest.fixture(scope="session")
def optima(tmp_path_factory: pytest.TempPathFactory) -> Optima:
    """Optima by seed, shared by the workers of one test run."""
    base = Path(tmp_path_factory.getbasetemp())
    return Optima((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "optima")


@pytest.mark.parametrize("first", range(0, INSTANCES, CHUNK))
def test_random_instances_solve_and_pass_their_audit(first: int, optima: Optima) -> None:
    """Each instance ends in a proven optimum that its audit confirms, or in a proof that there is none."""
    infeasible = []
    for seed in range(first, first + CHUNK):
        instance = optimizer.load(random_instance(seed))
        plan = optimizer.solve(instance, gap=GAP, threads=1)
        optima.put(seed, plan.objective_usd)
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
def test_every_constraint_family_binds_often(family: str, optima: Optima) -> None:
    """In at least 15 % of the instances there is a better plan, or one at all, without the family.

    Of all the instances as measured (`binding_seeds.txt`), and of the first half as solved again here.
    """
    assert len(measured(family)) >= LEAST_BINDING * INSTANCES
    least = round(LEAST_BINDING * PROVEN)
    binding = 0
    for seed in likely(family, PROVEN):
        binding += binds(seed, family, optima.of(seed))
        if binding == least:
            return
    pytest.fail(f"{family} binds in {binding} of {PROVEN} instances, {least} are asked")


@pytest.mark.parametrize("seed", NEVER_WORSE_SAMPLE)
def test_no_plan_is_worse_without_a_family(seed: int, optima: Optima) -> None:
    """Without any one family of its constraints an instance has an optimum that is as good or better."""
    for family in FAMILIES:
        relaxed = without(random_instance(seed), family)
        if relaxed is not None:
            before, after = optima.of(seed), optimum(relaxed)
            assert not better(before, after), f"{before} with {family}, {after} without"


def test_some_instances_have_no_plan(optima: Optima) -> None:
    """At least one in ten of all the instances is infeasible."""
    found = sum(optima.of(seed) is None for seed in range(INSTANCES))
    assert found >= LEAST_INFEASIBLE * INSTANCES


def test_both_statements_can_differ() -> None:
    """The comparison of optima is not blind: another optimum, or none, is told apart."""
    assert same(None, None)
    assert same(100.0, 100.00001)
    assert not same(100.0, 100.01)
    assert not same(100.0, None)
