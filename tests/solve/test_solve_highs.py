"""Running HiGHS: statuses, limits, cancellation, warm starts, threads."""

from __future__ import annotations

import _thread
import gc
import itertools
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from small_models import knapsack, make_matrix

from optimizer.errors import InternalError
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import cost_scale, polish, run
from optimizer.solve.highs.fine_scale import run_whole
from optimizer.solve.highs.session import Session
from optimizer.solve.solution import Termination

HARD = knapsack(250, 20)


def test_optimum_has_equal_bound():
    """A solved program has objective = bound and whole values."""
    result = run(knapsack(25, 3), Watch(10))
    assert result.termination is Termination.GAP_REACHED
    assert result.objective_usd == pytest.approx(result.bound_usd)


def test_a_model_is_freed_after_its_run():
    """HiGHS holds its callback where the garbage collector does not see it; thousands of runs must not pile up."""

    def alive():
        gc.collect()
        return {id(one) for one in gc.get_objects() if isinstance(one, Session)}

    before, deadline = alive(), time.monotonic() + 10.0
    for seed in range(3):
        run(knapsack(25, 3, seed), Watch(10))
    while alive() - before and time.monotonic() < deadline:
        time.sleep(0.01)  # the thread of the last run is about to end
    assert not alive() - before


def test_infeasible_is_proven():
    """x >= 2 and x <= 1 has no solution, and no numbers are invented for it."""
    matrix = make_matrix([1.0, 1.0], [[1.0, 1.0], [1.0, 1.0]], [2.0, -np.inf], [np.inf, 1.0], [5, 5])
    result = run(matrix, Watch(10))
    assert result.termination is Termination.INFEASIBLE
    assert result.x is None
    assert result.objective_usd is None
    assert result.bound_usd is None


def test_unbounded_is_an_internal_error():
    """A cost that can fall for ever is our own fault."""
    matrix = make_matrix([-1.0, 1.0], [[1.0, -1.0]], [-np.inf], [1.0], [np.inf, np.inf], integer=False)
    matrix = replace(matrix, cost=np.array([-2.0, 1.0]))
    with pytest.raises(InternalError, match="unbounded"):
        run(matrix, Watch(10))


def test_program_without_columns():
    """Nothing to decide: feasible exactly when 0 obeys the rows."""
    empty = make_matrix([], np.zeros((1, 0)), [-1.0], [1.0], [])
    assert run(empty, Watch(1)).termination is Termination.GAP_REACHED
    assert run(replace(empty, row_lower=np.array([0.5])), Watch(1)).termination is Termination.INFEASIBLE


def test_time_limit_keeps_the_best_plan():
    """Out of time: the incumbent, a valid bound, and no more than the limit, 5 % and some room."""
    begun = time.monotonic()
    result = run(HARD, Watch(1.5))
    assert time.monotonic() - begun < 1.5 * 1.05 + 5.0
    assert result.termination is Termination.TIME_LIMIT
    assert HARD.is_feasible(polish(HARD, result.x, Watch(5)))
    assert result.bound_usd < result.objective_usd


def test_no_time_left_is_a_time_limit_without_values():
    """A limit of zero is honoured at once."""
    result = run(HARD, Watch(0.0))
    assert result.termination is Termination.TIME_LIMIT
    assert result.x is None


def test_cancel_from_another_thread():
    """Setting the event stops the solve long before the limit and keeps what was found."""
    cancel = threading.Event()
    result = run(HARD, Watch(60, cancel), on_incumbent=lambda _x: cancel.set())
    assert result.termination is Termination.INTERRUPTED
    assert result.x is not None


def test_ctrl_c_keeps_the_best_plan():
    """A KeyboardInterrupt in the main thread stops the solve; it is not raised."""
    pressed = []

    def press(_x) -> None:
        if not pressed:
            pressed.append(1)
            _thread.interrupt_main()

    result = run(HARD, Watch(60), on_incumbent=press)
    assert result.termination is Termination.INTERRUPTED
    assert result.x is not None


def test_failing_progress_callback_is_raised_in_the_caller():
    """What the callback raises stops the solve and comes out of `run`."""

    def fail(_progress):
        raise RuntimeError("no more paper")

    with pytest.raises(RuntimeError, match="no more paper"):
        run(HARD, Watch(20, progress=fail), reports=True)


def test_two_solves_in_two_threads_with_different_thread_counts():
    """Concurrent solves do not disturb each other, whatever `threads` each asks for."""
    small = [knapsack(25, 3, seed) for seed in range(6)]
    expected = [run(matrix, Watch(20)).objective_usd for matrix in small]
    got: dict[int, float] = {}

    def work(which, threads):
        for number in which:
            got[number] = run(small[number], Watch(20), threads=threads).objective_usd

    workers = [threading.Thread(target=work, args=((0, 2, 4), 1)), threading.Thread(target=work, args=((1, 3, 5), 2))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [got[number] for number in range(6)] == pytest.approx(expected)


def test_warm_start_is_accepted():
    """With a start given, the answer is never worse, even when there is hardly time for anything."""
    good = run(HARD, Watch(60), gap=0.02)
    again = run(HARD, Watch(20), start=good.x, options={"mip_max_nodes": 1, "mip_heuristic_effort": 0.0})
    assert again.objective_usd <= good.objective_usd + 1e-6


def test_gap_is_relative_to_the_objective_offset_included():
    """The run stops once (objective - bound) / |objective| is within the gap, constant cost counted."""
    matrix = replace(HARD, offset=20000.0)
    result = run(matrix, Watch(20), gap=0.05)
    assert result.termination is Termination.GAP_REACHED
    assert (result.objective_usd - result.bound_usd) / abs(result.objective_usd) <= 0.05


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e9])
def test_optimum_does_not_depend_on_the_size_of_costs(scale):
    """Costs of a ten-millionth or a thousand million USD give the same plan."""
    matrix = knapsack(25, 3, seed=4)
    plain = run(matrix, Watch(10)).objective_usd
    scaled = run(replace(matrix, cost=matrix.cost * scale), Watch(10)).objective_usd
    assert scaled / scale == pytest.approx(plain, rel=1e-9)


def test_cost_scale_is_a_power_of_two_near_the_typical_cost():
    """Scaling by a power of two loses no digit."""
    scale = cost_scale(np.array([0.0, 1000.0, 1050.0]))
    assert scale == 2.0**-10
    assert cost_scale(np.zeros(3)) == 1.0


def test_polish_makes_integers_whole_and_solves_the_rest_again():
    """n = 2.9999996 is rounded and the flow on it fitted again to 1e-9."""
    matrix = make_matrix(
        [1.0, 0.0, 5.0], [[-4.0, 1.0, 0.0], [0.0, 1.0, 1.0]], [-np.inf, 12.5], [0.0, 12.5], [9, 20, 20], [True, False,
        False]
    )
    x = polish(matrix, np.array([3.0000004, 12.0000016, 0.4999984]), Watch(5))
    assert x[0] == 3.0
    assert matrix.worst_violation(x) <= 1e-9


def test_polish_refuses_integers_nothing_goes_with():
    """Rounding 2.5 instances down leaves demand that cannot be met: no plan is made up."""
    matrix = make_matrix([1.0, 0.0], [[-4.0, 1.0], [0.0, 1.0]], [-np.inf, 10.0], [0.0, 10.0], [9, 20], [True, False])
    assert polish(matrix, np.array([2.4, 9.6]), Watch(5)) is None


@pytest.mark.parametrize("cents", [1e-2, 1e-6, 1e-8, 1e-10, 1e-12])
@pytest.mark.parametrize("seed", range(6))
def test_cheap_plans_beside_dear_ones_are_proven_too(cents, seed):
    """Covering with 10 items at a tiny price where dear ones would do as well: the bound is the enumerated optimum."""
    rng = np.random.default_rng(seed)
    price, weight = rng.integers(50, 100, 10) * cents, rng.integers(10, 60, (2, 10)).astype(float)
    need = np.floor(weight.sum(axis=1) * 0.45)
    matrix = make_matrix(
        np.concatenate([price, rng.uniform(50, 200, 10)]), np.hstack([weight, np.full((2, 10), 200.0)]), need,
        np.full(2, np.inf), np.ones(20),
    )  # fmt: skip
    some = np.array(list(itertools.product((0, 1), repeat=10)))
    best = (some @ price)[(some @ weight.T >= need).all(axis=1)].min()
    result = run_whole(matrix, Watch(20), gap=1e-6, threads=1)
    assert result.objective_usd == pytest.approx(best, rel=1e-5, abs=0)
    assert result.bound_usd == pytest.approx(best, rel=1e-5, abs=0)
