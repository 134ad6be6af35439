"""What a job that may not be deferred owes its release."""

from __future__ import annotations

import pytest
from problem_solve import solve
from problem_toys import Builder


def _two_hours(work: float, prices: tuple[float, float] = (5.0, 1.0), **job: object) -> Builder:
    """A job on one offer, an hour at 5 USD and two hours at 1 USD."""
    b = Builder(hours=(1.0, 2.0))
    r = b.region()
    w, _ = b.job(work, deferrable=False, **job)
    for period, usd in enumerate(prices):
        b.slot(w, r, offer=0, period=period, usd=usd)
    return b


@pytest.mark.parametrize("interruptible", [True, False])
@pytest.mark.parametrize(("work", "cost"), [(0.5, 2.5), (1.0, 5.0), (2.0, 6.0), (3.0, 7.0)])
def test_what_fits_into_the_first_period_is_done_there_and_more_fills_it(
    interruptible: bool, work: float, cost: float
) -> None:
    """Half an hour or a whole one at 5 USD; of two and three hours the first at 5 USD, the others at 1."""
    assert solve(_two_hours(work, interruptible=interruptible).build()).objective == pytest.approx(cost)


def test_an_idle_gang_is_no_start() -> None:
    """Held at release without working, a gang does not let the work wait for the cheap hours."""
    answer = solve(_two_hours(1.0).build())
    assert answer.values["work_hours"].tolist() == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize(("work", "cost"), [(0.5, 2.5), (1.0, 5.0), (2.0, 6.0), (3.0, 7.0), (5.0, 9.0)])
def test_of_several_gangs_one_works_through_the_first_period(work: float, cost: float) -> None:
    """Two gangs: an hour's work of one at 5 USD and the rest later at 1 USD; what is less is done at once."""
    assert solve(_two_hours(work, max_gangs=2).build()).objective == pytest.approx(cost)


@pytest.mark.parametrize(("penalty", "cost"), [(1.0, 2.0), (2.5, 5.0), (4.0, 6.0)])
def test_what_is_left_undone_altogether_owes_nothing(penalty: float, cost: float) -> None:
    """Two hours of work, undone at 1 or 2.5 USD per hour, or from the release on: 5 USD and 1 USD."""
    assert solve(_two_hours(2.0, undone=penalty).build()).objective == pytest.approx(cost)


def test_a_job_without_an_option_at_its_release_has_no_plan() -> None:
    """Only the second period is eligible: it cannot work from its release on."""
    b = Builder(hours=(1.0, 2.0))
    w, _ = b.job(1.0, deferrable=False)
    b.slot(w, b.region(), offer=0, period=1, usd=1)
    assert solve(b.build()).objective is None


def test_a_job_that_moves_fills_its_first_period_where_it_is() -> None:
    """The dear region's first hour (5 USD), a move of 1 USD, and the cheap hour elsewhere, not a wait there."""
    b = Builder(hours=(1.0, 1.0))
    here, there = b.region(), b.region()
    w, job = b.job(2, may_move=True, deferrable=False)
    b.slot(w, here, offer=0, period=0, usd=5)
    b.slot(w, there, offer=1, period=1, usd=1)
    b.slot(w, there, offer=1, period=0, usd=9)
    b.move(job, here, there, usd=1)
    assert solve(b.build()).objective == pytest.approx(7)
