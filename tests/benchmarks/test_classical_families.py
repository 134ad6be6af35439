"""The classical generators: published definitions, deterministic, and instances whose optimum is that of the family."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import domicile
from benchmarks import classical


@pytest.mark.parametrize("kind", ["c", "d", "e"])
def test_generalized_assignment_follows_its_definition(kind):
    """Ranges of sizes and costs, and capacities of four fifths of the mean load, are as published."""
    size, cost, capacity = classical.assignment(np.random.default_rng(5), kind, 20, 200)
    if kind == "c":
        assert (size.min(), size.max(), cost.min(), cost.max()) == (5, 25, 10, 50)
    elif kind == "d":
        assert size.min() == 1
        assert size.max() == 100
        assert np.abs(cost - (111 - size)).max() == 10
    else:
        assert size.min() >= 1
        assert np.corrcoef(size.ravel(), cost.ravel())[0, 1] < -0.3
    loads = np.floor(0.8 * size.sum(axis=1) / 20)
    assert np.array_equal(capacity, np.maximum(loads, size.max(axis=1) if kind == "e" else 1))


@pytest.mark.parametrize("family", classical.FAMILIES)
def test_a_family_writes_the_same_valid_instance_twice(tmp_path, family):
    """Same seed, same bytes; another seed, others; the instance loads."""
    file = classical.generate(tmp_path / "a", family, 4, 12, seed=1)
    again = classical.generate(tmp_path / "b", family, 4, 12, seed=1)
    other = classical.generate(tmp_path / "c", family, 4, 12, seed=2)
    names = sorted(path.name for path in file.parent.iterdir())
    assert all((file.parent / name).read_bytes() == (again.parent / name).read_bytes() for name in names)
    assert any((file.parent / name).read_bytes() != (other.parent / name).read_bytes() for name in names)
    assert len(domicile.load(file).workloads) == 12


def test_a_small_assignment_has_the_optimum_of_enumeration(tmp_path):
    """The domicile instance of a GAP is that GAP."""
    size = np.array([[3, 4, 2, 5, 3], [2, 5, 4, 3, 4]])
    cost = np.array([[9.0, 4.0, 7.0, 3.0, 8.0], [5.0, 8.0, 2.0, 9.0, 4.0]])
    capacity = np.array([9, 9])
    best = min(
        sum(cost[i, j] for j, i in enumerate(chosen))
        for chosen in itertools.product(range(2), repeat=5)
        if all(sum(size[i, j] for j, at in enumerate(chosen) if at == i) <= capacity[i] for i in range(2))
    )
    file = classical._write_assignment(tmp_path, "toy", size, cost, capacity)
    plan = domicile.solve(domicile.load(file), gap=0.0, time_limit_seconds=20.0, threads=1)
    assert plan.objective_usd == pytest.approx(best, rel=1e-9)


def test_the_large_carbon_family_has_the_pairs_of_the_study(tmp_path):
    """1,000 x 50 has about 20,634 eligible pairs."""
    file = classical.generate(tmp_path, "carbon", 50, 1000)
    pairs = len((file.parent / "network.csv").read_text(encoding="utf-8").splitlines()) - 1
    assert abs(pairs - 20_634) < 300


def test_a_problem_of_or_library_is_read_as_it_is_written():
    """Number and best known cost; customers, medians and capacity; then number, position and demand by customer."""
    text = " 1 713\n 3 2 120\n 1 2 62 3\n 2 80 25 14\n 3 36 88 1\n"
    points, demand, medians, capacity, best = classical.read_median(text)
    assert points.tolist() == [[2, 62], [80, 25], [36, 88]]
    assert demand.tolist() == [3, 14, 1]
    assert (medians, capacity, best) == (2, 120, 713.0)


def test_a_small_median_problem_has_the_optimum_of_enumeration(tmp_path):
    """The domicile instance of a capacitated p-median is that p-median: every pair of sites, every assignment."""
    points = np.array([[0, 0], [3, 4], [10, 0], [10, 7], [5, 5]])
    demand, capacity = np.array([4, 3, 5, 2, 6]), 11
    distance = np.floor(np.linalg.norm(points[:, None] - points[None], axis=2))
    best = min(
        sum(distance[at, j] for j, at in enumerate(chosen))
        for sites in itertools.combinations(range(5), 2)
        for chosen in itertools.product(sites, repeat=5)
        if all(sum(demand[j] for j, at in enumerate(chosen) if at == i) <= capacity for i in sites)
    )
    file = classical.write_median(tmp_path, "toy", points, demand, medians=2, capacity=capacity)
    plan = domicile.solve(domicile.load(file), gap=0.0, time_limit_seconds=20.0, threads=1)
    assert plan.objective_usd == pytest.approx(best, rel=1e-9)
    assert len(plan.places[0].used) == 2
