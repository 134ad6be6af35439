"""Shifts and swaps: what counts as an assignment, plans that hold, and the optimum of small ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from helper_assignments import make_assignment
from small_models import knapsack, location, make_matrix

from formulations import build_arrays
from optimizer.solve.deadline import Watch
from optimizer.solve.highs.call import run
from optimizer.solve.highs.hand_over import from_arrays
from optimizer.solve.incumbent import Incumbent
from optimizer.solve.neighbourhoods.working_plan import worth_usd
from optimizer.solve.parameters import Kernels, Parameters
from optimizer.solve.special.assignment.assignment_model import find_assignment
from optimizer.solve.special.assignment.kernels import kernel_search
from optimizer.solve.special.assignment.shifts import ShiftsBeside, shift_and_swap

KERNELS = Parameters(kernels=Kernels(small_columns=0, few_integers=0))


def _moves(count):
    """Whether a search is over, which it is after so many questions."""
    left = itertools.count()
    return lambda: next(left) >= count


def _found(matrix, moves, seed=0, begin=None):
    assignment = find_assignment(matrix, worth_usd(matrix, np.zeros(matrix.shape[0])))
    begin = run(matrix, Watch(60), relaxed=True).x if begin is None else begin
    return shift_and_swap(assignment, _moves(moves), begin=begin, enough_usd=-np.inf, seed=seed)


def test_an_assignment_in_arrays():
    """Two jobs, two agents; the second job may not go to the first agent, and elsewhere at no limit."""
    a = [[1, 1, 0, 0], [0, 0, 1, 1], [3, 0, 0, 0], [0, 4, 5, 0], [1, 2, 1, 3]]
    matrix = make_matrix([7, 8, 9, 6], a, [1, 1, *[-np.inf] * 3], [1, 1, 3, 6, 9], np.ones(4))
    found = find_assignment(matrix, np.arange(5.0))
    assert found.column.tolist() == [[0, 1, -1], [-1, 2, 3]]
    assert found.draw.tolist() == [[3, 4, 0], [0, 5, 0]]
    assert found.limit.tolist() == [3, 6, np.inf]
    assert found.worth_usd.tolist() == [2, 3, 0]
    assert found.common[0].tolist() == [[1, 2, 0], [0, 1, 3]]
    assert (found.common_limit.tolist(), found.common_usd.tolist()) == ([9], [4])


def test_what_is_nomake_assignment():
    """No choices, a lower side, a negative draw, what is not whole, an option on two places, regions in use."""
    price = np.ones(5)
    assert find_assignment(knapsack(6, 2), price) is None
    a, sides = [[1, 1], [2, 1]], ([1, -np.inf], [1, 2])
    assert find_assignment(make_matrix([1, 1], a, [1, 0], [1, 2], np.ones(2)), price) is None
    assert find_assignment(make_matrix([1, 1], [[1, 1], [-2, 1]], *sides, np.ones(2)), price) is None
    assert find_assignment(make_matrix([1, 1], a, *sides, np.ones(2), integer=[True, False]), price) is None
    twice = [[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [1, 0, 0, 1]]
    both = make_matrix(np.ones(4), twice, [1, 1, -np.inf, -np.inf], [1, 1, 1, 1], np.ones(4))
    assert find_assignment(both, price) is None
    place = from_arrays(build_arrays(location([[1, 2]], [2], [3, 3], [1, 1], single=[0])))
    assert find_assignment(place, np.ones(place.shape[0])) is None


@pytest.mark.parametrize("budget", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_small_ones_come_to_their_optimum(seed, budget):
    """Eight jobs on three agents, the best of five searches; every plan holds."""
    matrix = make_assignment(8, 3, seed, budget=budget)
    best = run(matrix, Watch(60))
    found = [x for x in (_found(matrix, 300, draw) for draw in range(5)) if x is not None]
    assert all(matrix.is_feasible(x) for x in found)
    assert min(matrix.objective(x) for x in found) == pytest.approx(best.objective_usd)


@pytest.mark.parametrize("seed", range(3))
def test_more_choices_than_are_swapped_at_once(seed):
    """300 jobs: the plan holds and is near the relaxation; from it, nothing worse is returned."""
    matrix = make_assignment(300, 8, seed)
    bound = run(matrix, Watch(60), relaxed=True).objective_usd
    found = _found(matrix, 800)
    assert matrix.is_feasible(found)
    assert bound <= matrix.objective(found) + 1e-6
    assert matrix.objective(found) <= 1.02 * bound
    again = _found(matrix, 5, begin=found)
    assert matrix.objective(again) <= matrix.objective(found)


def test_nothing_fits():
    """Two jobs that no agent has room for: no plan is made up."""
    matrix = make_matrix(np.ones(2), [[1, 1], [3, 0], [0, 3]], [1, -np.inf, -np.inf], [1, 2, 2], np.ones(2))
    assert find_assignment(matrix, np.ones(3)) is None  # one choice: nothing to swap
    a = [[1, 1, 0, 0], [0, 0, 1, 1], [3, 0, 3, 0], [0, 3, 0, 3]]
    sides = ([1, 1, -np.inf, -np.inf], [1, 1, 2, 2])
    assert _found(make_matrix(np.ones(4), a, *sides, np.ones(4)), 50, begin=np.zeros(4)) is None


def test_beside_another_search():
    """The incumbent gets solutions better than the one it began with; the thread ends when asked to."""
    matrix = make_assignment(60, 5, 3)
    begin = _found(matrix, 100)
    best = Incumbent(matrix, Watch(60), start=begin)
    beside = ShiftsBeside(find_assignment(matrix, np.ones(matrix.shape[0])), begin, best)
    beside.start()
    beside.join(1.0)
    beside.stop()
    beside.join(60.0)
    assert matrix.is_feasible(best.x)
    assert matrix.objective(best.x) == best.objective_usd <= matrix.objective(begin)
    assert not beside.is_alive()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_kernel_search_with_it_is_exact(seed, threads):
    """Ten jobs on four agents: the optimum, proven, with the thread beside as well."""
    matrix = make_assignment(10, 4, seed, budget=seed % 2 == 1)
    whole = run(matrix, Watch(60))
    found = kernel_search(matrix, Watch(60, parameters=KERNELS), gap=0.0, threads=threads)
    assert found.termination is whole.termination
    if whole.x is not None:
        assert found.objective_usd == pytest.approx(whole.objective_usd)
        assert found.bound_usd == pytest.approx(whole.objective_usd)
        assert matrix.is_feasible(np.round(found.x))
