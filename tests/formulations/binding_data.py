"""Binding cases of datasets, their places and mechanisms."""

from __future__ import annotations

from binding_register import case
from problem_toys import Builder


@case("transfer_limit", tight=5, loose=4)
def _copy_needed(loose: bool) -> Builder:
    """What is read is read from a copy of 5 (4) USD."""
    b = Builder()
    r = b.region()
    _, (j,) = b.service(2)
    b.serve(j, r, endpoint=True)
    k = b.dataset()
    b.transfer(b.copy(k, r, usd=4 if loose else 5), r)
    b.read(k, r, flows=[0])
    return b


@case("read", tight=6, loose=4)
def _reading(loose: bool) -> Builder:
    """2 units/s read 3 (2) GB each at 1 USD per GB."""
    b = Builder()
    r = b.region()
    _, (j,) = b.service(2)
    b.serve(j, r, endpoint=True)
    k = b.dataset()
    b.transfer(b.copy(k, r), r, usd=1)
    b.read(k, r, flows={0: 2.0 if loose else 3.0})
    return b


@case("country_backed", "least_countries", tight=8, loose=1)
def _two_countries(loose: bool) -> Builder:
    """Copies of 1 USD in one country, of 7 USD in another; two countries mean one of each."""
    b = Builder()
    regions = [b.region(country=country) for country in (0, 0, 1)]
    k = b.dataset(min_countries=1 if loose else 2)
    b.duty([b.copy(k, region, usd=usd) for region, usd in zip(regions, (1, 1, 7), strict=True)])
    return b


@case("duty", tight=4, loose=1)
def _duty(loose: bool) -> Builder:
    """Two (one) of the copies of 1 and 3 USD."""
    b = Builder()
    k = b.dataset()
    b.duty([b.copy(k, b.region(), usd=1), b.copy(k, b.region(), usd=3)], least=1 if loose else 2)
    return b


@case("owed", tight=15, loose=14)
def _owed(loose: bool) -> Builder:
    """10 units/s served at 0.9 USD owe a copy of 7 (5) USD; left unserved they cost 15 and owe none."""
    b = Builder()
    _, (j,) = b.service(10, unserved=1.5)
    b.serve(j, b.region(), endpoint=True, per_unit=0.9)
    k = b.dataset()
    b.duty([b.copy(k, b.region(), usd=5 if loose else 7)], bound=10.0, flows=[0])
    return b


@case("requirement", tight=17, loose=16)
def _mechanism(loose: bool) -> Builder:
    """10 units/s at 1 USD with a mechanism of 7 (6) USD, or at 2 USD without."""
    b = Builder()
    _, (j,) = b.service(10)
    b.serve(j, b.region(), endpoint=True, per_unit=1)
    b.serve(j, b.region(), endpoint=True, per_unit=2)
    b.requirement([b.mechanism(6 if loose else 7)], 10.0, flows=[0])
    return b


@case("copy_in_use", tight=7, loose=6)
def _copy_in_charged_region(loose: bool) -> Builder:
    """A copy of 1 USD where being there costs 6 (5), or one of 9 USD elsewhere."""
    b = Builder()
    k = b.dataset()
    b.duty([b.copy(k, b.region(fixed=5 if loose else 6), usd=1), b.copy(k, b.region(), usd=9)])
    return b
