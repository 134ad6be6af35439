"""The incumbent: what is taken, what is not, from which thread, and what the history says."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from small_models import make_matrix

from optimizer.solve.deadline import Watch
from optimizer.solve.incumbent import Incumbent, Projected
from optimizer.solve.solution import Termination


def _model():
    """Two columns, at least 3 in all, at 1 and 2 USD: least cost 3."""
    return make_matrix([1.0, 2.0], [[1.0, 1.0]], [3.0], [np.inf], [10.0, 10.0], integer=False)


def test_takes_what_is_a_solution_and_cheaper():
    """Neither what breaks the row nor what costs as much is taken."""
    watch = Watch(60)
    best = Incumbent(_model(), watch)
    assert (best.x, best.gap, best.as_run(Termination.LIMIT).objective_usd) == (None, None, None)
    assert not best.offer(np.array([1.0, 1.0]))
    with watch.phase_of("branch"):
        assert best.offer(np.array([1.0, 2.0]))
    assert not best.offer(np.array([1.0, 2.0]))
    assert not best.offer(np.array([5.0, 0.0]))
    assert best.offer(np.array([4.0, 0.0]), found_by="shifts")
    assert (best.x.tolist(), best.objective_usd, watch.incumbent_usd) == ([4.0, 0.0], 4.0, 4.0)
    assert [(news.found_by, news.objective_usd) for news in best.history] == [("branch", 5.0), ("shifts", 4.0)]


def test_bounds_only_rise_and_close_the_gap():
    """3.9 of 4 is a gap of 2.5 %; the bound that is lower is no news."""
    watch = Watch(60)
    best = Incumbent(_model(), watch, start=np.array([4.0, 0.0]), bound_usd=1.0)
    assert best.offer_bound(3.9)
    assert not best.offer_bound(3.0)
    assert best.gap == pytest.approx(0.025)
    assert best.is_within(0.025)
    assert not best.is_within(0.024)
    assert watch.bound_usd == 3.9
    run = best.as_run(Termination.GAP_REACHED)
    assert (run.objective_usd, run.bound_usd) == (4.0, 3.9)


def test_rounding_is_not_cheaper():
    """A search that knows a plan is handed one only if it is cheaper by more than rounding."""
    best = Incumbent(_model(), Watch(60), start=np.array([4.0, 0.0]))
    assert best.better_than(5.0).tolist() == [4.0, 0.0]
    assert best.better_than(np.inf).tolist() == [4.0, 0.0]
    assert best.better_than(4.0 + 1e-9) is None


def test_what_is_offered_stays_what_it_was():
    """Whoever offers may go on changing his array."""
    best = Incumbent(_model(), Watch(60))
    x = np.array([4.0, 0.0])
    best.offer(x)
    x[0] = 0.0
    assert best.x.tolist() == [4.0, 0.0]


def _sizes(seed):
    return np.random.default_rng(seed).uniform(3.0, 10.0, 500)


def test_threads_leave_the_best():
    """Eight threads with five hundred offers each: the cheapest is held, and the history only falls."""
    seen: list[float] = []
    best = Incumbent(_model(), Watch(60), on_solution=lambda x: seen.append(float(x.sum())))

    def work(seed):
        for size in _sizes(seed):
            best.offer(np.array([size, 0.0]))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert best.objective_usd == best.x[0] == min(_sizes(seed).min() for seed in range(8))
    costs = [news.objective_usd for news in best.history]
    assert costs == sorted(costs, reverse=True)
    assert sorted(seen, reverse=True) == costs


def test_a_search_on_another_form_of_the_model():
    """What it offers is restored, what it asks for is projected."""
    best = Incumbent(_model(), Watch(60), start=np.array([4.0, 0.0]))
    other = Projected(best, lambda x: np.append(x, 7.0), lambda y: y[:2])
    assert other.better_than(5.0).tolist() == [4.0, 0.0, 7.0]
    assert other.offer(np.array([3.0, 0.0, 7.0]))
    assert best.objective_usd == 3.0
    assert other.better_than(3.0) is None
