"""Rivals solve the same problem, their plans pass the audit, and times to a gap are read off correctly."""

from __future__ import annotations

import argparse
import importlib.util
import sys

import numpy as np
import pytest

import domicile
from benchmarks import growth, rivals, scale, with_cpsat
from optimizer import bundled
from optimizer.compile import compile_instance


def nothing(*_):
    return None


def solved(name, run):
    """Return the plan of an instance by a rival with its bound and the violations the audit finds."""
    instance = domicile.load(bundled.PATH / name)
    compiled = compile_instance(instance)
    program = rivals.build(compiled.problem)
    x, bound, _ = run(program, nothing, lambda: 20.0, gap=0.0, threads=1, seed=0)
    plan, is_clean = rivals.to_plan(compiled, program, x, None)
    assert is_clean
    return plan, bound, domicile.audit(instance, plan).violations


def measured(name, way):
    """Return the row and the gaps of a way in a process of its own."""
    pytest.importorskip("psutil")
    options = argparse.Namespace(time_limit=20.0, gap=1e-3, threads=1)
    return scale.measure(way, bundled.PATH / name, options)


@pytest.mark.parametrize("run", [rivals.run_highspy, rivals.run_linopy])
def test_a_rival_reaches_the_published_optimum_with_a_plan_that_passes_the_audit(run):
    """c515-1: 114, as the literature says."""
    if run is rivals.run_linopy:
        pytest.importorskip("linopy")
    plan, bound, violations = solved("classical/c515-1.yaml", run)
    assert plan.objective_usd == pytest.approx(114.0, rel=1e-6)
    assert bound == pytest.approx(114.0, rel=1e-5)
    assert not violations


def test_the_whole_model_agrees_with_our_own_optimum_on_the_real_catalogue():
    """Quickstart through highspy: the same optimum, no violation."""
    ours = domicile.solve(domicile.load(bundled.PATH / "quickstart.yaml"), gap=0.0, threads=1)
    plan, _, violations = solved("quickstart.yaml", rivals.run_highspy)
    assert not violations
    assert plan.objective_usd == pytest.approx(ours.objective_usd, rel=1e-6)


def test_flows_are_whole_only_where_a_stream_stays_in_one_place_with_one_option():
    """Indivisible single-option assignments are exact for CP-SAT; split location is not."""
    for name, expected in (("classical/c515-1.yaml", True), ("classical/cap41.yaml", False)):
        problem = compile_instance(domicile.load(bundled.PATH / name)).problem
        assert with_cpsat.whole_flows(problem).all() == expected


@pytest.mark.parametrize("way", ["domicile", "cpsat"])
def test_a_run_in_its_own_process_gives_a_row_with_audited_plan_and_memory(way):
    """The driver's row on a classical instance. CP-SAT is only ever run so: it brings a HiGHS of its own."""
    if way == "cpsat" and importlib.util.find_spec("ortools") is None:
        pytest.skip("ortools is not installed")
    row, gaps = measured("classical/c515-1.yaml", way)
    assert row["violations"] == 0
    assert row["bound_kind"] == "whole"
    assert row["objective_usd"] == pytest.approx(114.0, rel=1e-3)
    assert row["to_0.1_percent_s"] <= row["seconds"] + 0.01
    assert row["peak_mb"] > 30
    assert gaps[-1]["gap_reached"] <= 1e-3


def test_rounded_rows_are_inside_the_real_ones():
    """Whatever obeys the row in whole numbers obeys the real row, on both sides, over random rows."""
    rng = np.random.default_rng(2)
    for _ in range(200):
        weights = rng.normal(0.0, 10.0 ** rng.uniform(-3, 3), 5)
        upper = rng.integers(1, 50, 5)
        x = rng.integers(0, upper + 1)
        middle = float(weights @ x)
        low, high = middle - abs(rng.normal()), middle + abs(rng.normal())
        rows = with_cpsat._rows(np.arange(5), weights, upper, low, high)
        for _ in range(50):
            y = rng.integers(0, upper + 1)
            kept = all(
                (r.low is None or r.weights @ y >= r.low) and (r.high is None or r.weights @ y <= r.high) for r in rows
            )
            if kept:
                assert low - 1e-6 <= float(weights @ y) <= high + 1e-6


def test_whole_coefficients_stay_exact():
    """A row of eighths is multiplied by eight, not rounded."""
    rows = with_cpsat._rows(np.arange(2), np.array([1.0, -0.125]), np.array([1, 40]), -np.inf, 0.0)
    assert len(rows) == 1
    assert rows[0].weights.tolist() == [8, -1]
    assert (rows[0].low, rows[0].high) == (None, 0)


def test_times_to_a_gap_are_the_first_at_which_it_is_proven():
    """Neither a plan without a bound nor a bound without a plan counts."""
    trace = [
        {"elapsed_s": 1.0, "objective_usd": None, "bound_usd": 99.0},
        {"elapsed_s": 2.0, "objective_usd": 101.0, "bound_usd": 99.0},
        {"elapsed_s": 3.0, "objective_usd": 100.0, "bound_usd": 99.0},
        {"elapsed_s": 9.0, "objective_usd": 100.0, "bound_usd": 99.6},
    ]
    found = scale.times_to(trace)
    assert found["to_first_plan_s"] == 2.0
    assert found["to_1_percent_s"] == 3.0
    assert found["to_0.5_percent_s"] == 9.0
    assert found["to_0.1_percent_s"] is None


def test_the_exponent_of_a_power_is_found():
    """y = 3 x ** 1.2, and None where one point is left."""
    assert growth.exponent([(x, 3.0 * x**1.2) for x in (100, 1000, 10000)]) == pytest.approx(1.2, abs=1e-3)
    assert growth.exponent([(100, 5.0), (1000, None)]) is None


def test_a_run_that_overruns_is_ended_and_says_so():
    """A process that never ends is killed at its limit and keeps what it had told."""
    pytest.importorskip("psutil")
    code = "import time; print('{\"elapsed_s\": 1, \"objective_usd\": 2}', flush=True); time.sleep(60)"
    told, _, said = scale.run([sys.executable, "-c", code], 0.8)
    assert told == [{"elapsed_s": 1, "objective_usd": 2}]
    assert "overran" in said
