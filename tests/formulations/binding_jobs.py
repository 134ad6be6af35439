"""Binding cases of jobs and their moves."""

from __future__ import annotations

from binding_register import TIGHTENING, case
from problem_toys import Builder


@case("work", tight=15, loose=12)
def _work(loose: bool) -> Builder:
    """5 (4) units of work at 1 unit per hour and 3 USD per hour."""
    b = Builder(hours=(10.0,))
    w, _ = b.job(4 if loose else 5)
    b.slot(w, b.region(), usd=3)
    return b


@case("hours_held", tight=6.75, loose=3)
def _hours_held(loose: bool) -> Builder:
    """3 units do not fit into 2 hours of 1 unit at 1 USD: 3/4 h of 4 units at 9 USD; into 3 hours they fit."""
    b = Builder(hours=(3.0 if loose else 2.0,))
    r = b.region()
    w, _ = b.job(3)
    b.slot(w, r, usd=1)
    b.slot(w, r, capacity=4, usd=9)
    return b


@case("gangs_at_once", tight=12, loose=3)
def _gangs_at_once(loose: bool) -> Builder:
    """3 units in 2 hours: one gang must be the fast one (1 h at 12 USD); two share the slow one (3 h at 1 USD)."""
    b = Builder(hours=(2.0,))
    r = b.region()
    w, _ = b.job(3, max_gangs=2 if loose else 1)
    b.slot(w, r, usd=1)
    b.slot(w, r, usd=2)
    b.slot(w, r, capacity=3, usd=12)
    return b


@case("one_offer", "chosen_once", tight=10, loose=2)
def _one_offer(loose: bool) -> Builder:
    """Two hours on one offer cost 5 USD each; changing offers (a job that may move, in one region) 1 USD each."""
    b = Builder(hours=(1.0, 1.0))
    r = b.region()
    w, _ = b.job(2, may_move=loose)
    b.slot(w, r, period=0, usd=1)
    b.slot(w, r, period=1, usd=1)
    for period in (0, 1):
        b.slot(w, r, offer=9, period=period, usd=5)
    return b


@case("start", "stays_begun", tight=6, loose=2)
def _contiguous(loose: bool) -> Builder:
    """Cheap hours at both ends, dear ones between: a run of two takes a dear one, with a pause it does not."""
    b = Builder(hours=(1.0, 1.0, 1.0, 1.0))
    r = b.region()
    w, _ = b.job(2, interruptible=loose)
    for period, usd in enumerate((1, 5, 5, 1)):
        b.slot(w, r, offer=0, period=period, usd=usd)
    return b


@case("start_once", tight=6, loose=2)
def _starts_once(loose: bool) -> Builder:
    """One offer is cheap in the first hour, the other in the last: a run has but one of them."""
    b = Builder(hours=(1.0, 1.0, 1.0))
    r = b.region()
    w, _ = b.job(2, interruptible=loose, may_move=loose)
    for period in range(3):
        b.slot(w, r, offer=0, period=period, usd=1 if period == 0 else 5)
        b.slot(w, r, offer=9, period=period, usd=1 if period == 2 else 5)
    return b


@case(*sorted(TIGHTENING), tight=3.5, loose=1.5)
def _lies(loose: bool) -> Builder:
    """An hour and a half begin or end in a dear hour, unless they may pause."""
    b = Builder(hours=(1.0, 1.0, 1.0, 1.0))
    r = b.region()
    w, _ = b.job(1.5, interruptible=loose)
    for period, usd in enumerate((1, 5, 5, 1)):
        b.slot(w, r, offer=0, period=period, usd=usd)
    return b


@case("interior", tight=6, loose=4)
def _interior(loose: bool) -> Builder:
    """Running through the dear period means working in it: 1 h at 5 USD, or half an hour when it is that short."""
    b = Builder(hours=(1.0, 0.5 if loose else 1.0, 1.0))
    r = b.region()
    w, _ = b.job(2, interruptible=False)
    for period, usd in enumerate((1, 5, 1)):
        b.slot(w, r, offer=0, period=period, usd=usd)
    return b


@case("at_release", "none_later", tight=5.5, loose=3.5)
def _at_release(loose: bool) -> Builder:
    """1.5 h of work that may pause but not wait: all of the dear first hour (half hour), the rest at 1 USD."""
    b = Builder(hours=(0.5 if loose else 1.0, 2.0))
    r = b.region()
    w, _ = b.job(1.5, deferrable=False)
    b.slot(w, r, offer=0, period=0, usd=5)
    b.slot(w, r, offer=0, period=1, usd=1)
    return b


@case("located", "one_place", "carried", tight=5, loose=4)
def _moves(loose: bool) -> Builder:
    """One cheap hour in each of two regions and a move of 3 (2) USD between them."""
    b = Builder(hours=(1.0, 1.0))
    here, there = b.region(), b.region()
    w, job = b.job(2, may_move=True)
    for region, prices in ((here, (1, 9)), (there, (9, 1))):
        for period, usd in enumerate(prices):
            b.slot(w, region, offer=region, period=period, usd=usd)
    b.move(job, here, there, usd=2 if loose else 3)
    return b


@case("leaving", tight=7, loose=6)
def _no_relay(loose: bool) -> Builder:
    """The direct move costs 5 (4) USD; two moves of 1 USD by way of a third region in the same instant do not exist."""
    b = Builder(hours=(1.0, 1.0))
    here, there, between = b.region(), b.region(), b.region()
    w, job = b.job(2, may_move=True)
    for region, prices in ((here, (1, 9)), (there, (9, 1)), (between, (9, 9))):
        for period, usd in enumerate(prices):
            b.slot(w, region, offer=region, period=period, usd=usd)
    b.move(job, here, there, usd=4 if loose else 5)
    b.move(job, here, between, usd=1)
    b.move(job, between, there, usd=1)
    return b


@case("present_gangs", tight=6, loose=5)
def _job_in_charged_region(loose: bool) -> Builder:
    """An hour at 1 USD where being there costs 5 (4), or at 9 USD elsewhere."""
    b = Builder()
    charged, free = b.region(fixed=4 if loose else 5), b.region()
    w, _ = b.job(1)
    b.slot(w, charged, usd=1)
    b.slot(w, free, usd=9)
    b.presence(w, charged, free)
    return b
