"""The engine against a second statement of the whole problem, written from the instance by other means."""

from __future__ import annotations

from typing import Any

import pytest
from binding import measured
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from independent import Independent
from random_instances import random_instance
from relaxations import FAMILIES, without
from sampled import most
from solving import better, optimum, optimum_of_seed, same

import domicile

CHUNK = 20
SEEDS = range(5000, 5000 + CHUNK * most(10))
LONG = (0, 9, 10, 13, 14, 16)
"""Seeds whose models take long."""


def _independent(data: dict[str, Any]) -> float | None:
    return Independent(domicile.load(data, references=False)).optimum()


@pytest.mark.parametrize("first", range(SEEDS.start, SEEDS.stop, CHUNK))
def test_optimum_is_that_of_the_second_formulation(first: int) -> None:
    """Random instances have the same optimum in both, to one in a million, or no plan in both."""
    for seed in range(first, first + CHUNK):
        found, expected = optimum_of_seed(seed), _independent(random_instance(seed))
        assert same(found, expected), f"seed {seed}: engine {found}, second formulation {expected}"


@pytest.mark.parametrize("size", [2, 3])
def test_optimum_agrees_where_replicas_take_several_devices(size: int) -> None:
    """The same instances with whole replicas of two or three devices: machines of fewer are out, rests do not work."""
    answers = []
    for seed in range(SEEDS.start, SEEDS.start + CHUNK):
        data = random_instance(seed)
        for workload in data["workloads"]:
            workload["runs"]["devices_per_replica"] = size
        found, expected = optimum(data), _independent(data)
        assert same(found, expected), f"seed {seed}: engine {found}, second formulation {expected}"
        answers.append(found != optimum_of_seed(seed))
    assert any(answers)


@settings(max_examples=most(25), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(10_000, 1_000_000))
def test_optimum_agrees_on_instances_hypothesis_draws(seed: int) -> None:
    """Seeds that nobody tuned for agree as well."""
    assert same(optimum(random_instance(seed)), _independent(random_instance(seed)))


@pytest.mark.parametrize("family", FAMILIES)
def test_second_formulation_knows_every_family(family: str) -> None:
    """Taking a binding family away moves both optima alike, so neither can have left it out."""
    seeds = [seed for seed in measured()[family] if seed not in LONG][:2]
    assert seeds, f"{family} never binds"
    for seed in seeds:
        data = random_instance(seed)
        relaxed = without(data, family)
        assert relaxed is not None
        before, after = _independent(data), _independent(relaxed)
        assert better(after, before), f"{family} does not bind in seed {seed}"
        assert same(optimum_of_seed(seed), before), f"seed {seed}"
        assert same(optimum(relaxed), after), f"seed {seed} without {family}"
