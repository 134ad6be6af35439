"""The estate generator: deterministic, monotone knobs, and what it writes is an instance that loads and compiles."""

from __future__ import annotations

import csv
import itertools
import math

import pytest

import domicile
from benchmarks.estate_draw import draw
from benchmarks.estates import generate, limits, reference, write

SIZE = 24


@pytest.fixture(scope="module")
def found():
    return reference(SIZE, seed=3)


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def named(given):
    quotas = {tuple(v for k, v in q.items() if k not in {"devices", "kw", "units_per_s"}): q for q in given.quotas}
    return {key: next(q[k] for k in ("devices", "kw", "units_per_s") if k in q) for key, q in quotas.items()}


def caps(given):
    return {one["id"]: next(v for k, v in one.items() if k.startswith("limit_")) for one in given.budgets}


def test_a_workload_depends_on_seed_number_and_attempt_alone():
    """Drawing in another order, or more of them, gives the same workloads; any other label gives another."""
    assert draw(1, 7) == draw(1, 7)
    assert draw(1, 7) != draw(2, 7)
    assert draw(1, 7).row != draw(1, 7, attempt=1).row


def test_the_same_knobs_write_the_same_files(tmp_path, found):
    """A second run from nothing writes the bytes of the first."""
    first = write(tmp_path / "a", found, size=SIZE, tightness=0.4, seed=3)
    second = generate(tmp_path / "b", size=SIZE, tightness=0.4, seed=3)
    for name in ("instance.yaml", "workloads.csv", "streams.csv", "quotas.csv"):
        assert (first.parent / name).read_bytes() == (second.parent / name).read_bytes()


def test_limits_fall_as_tightness_rises(found):
    """Default, every quota that stays, and every budget are weakly lower at a higher tightness; budgets strictly."""
    steps = [limits(found, t) for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
    for loose, tight in itertools.pairwise(steps):
        assert tight.default_devices <= loose.default_devices
        assert tight.default_endpoint_units_per_s <= loose.default_endpoint_units_per_s
        before, after = named(loose), named(tight)
        for key, most in after.items():
            assert most <= before.get(key, loose.default_devices if len(key) == 2 else math.inf)
        assert all(caps(tight)[name] <= limit for name, limit in caps(loose).items())
    assert all(caps(steps[-1])[name] < limit for name, limit in caps(steps[0]).items())


def test_at_every_tightness_the_spread_allocation_fits(found):
    """Every limit is at least what the witness of feasibility uses."""
    for tightness in (0.0, 0.5, 1.0):
        given = limits(found, tightness)
        pairs = {(q["accelerator"], q["region"]): q["devices"] for q in given.quotas if "accelerator" in q}
        totals = {q["provider"]: q["devices"] for q in given.quotas if "provider" in q}
        power = {q["region"]: q["kw"] for q in given.quotas if "kw" in q}
        for pool, used in found.spread.use.items():
            kind, _, place = pool.partition(":")
            if kind == "devices":
                assert used <= pairs.get(tuple(place.split("@")), given.default_devices) + 1e-6
            elif kind == "account":
                assert used <= totals.get(place, math.inf) + 1e-6
            elif kind == "power":
                assert used <= power.get(place, math.inf) + 1e-6
        assert found.spread.carbon_kg["own"] <= caps(given)["group-carbon"] + 1e-6


def test_slack_leaves_the_cheapest_allocation_and_tight_does_not(found):
    """The knob goes from limits that bind nowhere to limits that force workloads away from where they are cheapest."""
    slack, tight = limits(found, 0.0), limits(found, 1.0)
    assert found.cheapest.carbon_kg["own"] <= caps(slack)["group-carbon"]
    assert found.cheapest.carbon_kg["own"] > caps(tight)["group-carbon"]
    at = {q["provider"]: q["devices"] for q in tight.quotas if "provider" in q}
    assert any(found.cheapest.use[f"account:{provider}"] > most for provider, most in at.items())


def test_what_is_written_loads_and_has_every_kind_of_workload(tmp_path, found):
    """The instance is valid; 24 workloads hold services, jobs, gangs, spot, latency limits and persons' data."""
    file = write(tmp_path, found, size=SIZE, tightness=0.5, seed=3)
    instance = domicile.load(file)
    assert len(instance.workloads) == SIZE
    assert instance.quotas.default_devices == limits(found, 0.5).default_devices
    rows, streams = table(tmp_path / "workloads.csv"), table(tmp_path / "streams.csv")
    assert {row["kind"] for row in rows} == {"service", "job"}
    assert any(row["gang_devices"] for row in rows)
    assert any("spot" in row["runs.purchase"] for row in rows)
    assert any("personal" in row["data.categories"] for row in rows)
    assert {row["max_rtt_ms"] for row in streams} >= {"60", "220"}


@pytest.mark.parametrize(("size", "tightness"), [(0, 0.5), (30_000, 0.5), (100, 1.5), (100, -0.1)])
def test_knobs_out_of_range_are_refused(tmp_path, size, tightness):
    """Nothing is written for a size or tightness that means nothing."""
    with pytest.raises(ValueError, match="out of range"):
        generate(tmp_path / "none", size=size, tightness=tightness)
    assert not (tmp_path / "none").exists()
