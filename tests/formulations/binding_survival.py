"""Binding cases of what must survive a failure."""

from __future__ import annotations

from binding_register import case
from problem_toys import Builder


@case("failover_demand", "failover_capacity", tight=8, loose=6)
def _survival(loose: bool) -> Builder:
    """4 units/s: each region alone carries all (three quarters) of it, at 1 USD per unit/s."""
    b = Builder()
    w, (j,) = b.service(4)
    for _ in range(2):
        b.serve(j, b.region(), usd=1)
    b.survive(w, share=0.75 if loose else 1.0)
    return b


@case("failover_present", tight=10, loose=9)
def _survival_presence(loose: bool) -> Builder:
    """The region that would take over costs 6 (5) USD while nothing has failed."""
    b = Builder()
    free, charged = b.region(), b.region(fixed=5 if loose else 6)
    w, (j,) = b.service(4)
    b.serve(j, free, endpoint=True, per_unit=1)
    b.serve(j, charged, endpoint=True, per_unit=2)
    b.presence(w, free, charged)
    b.survive(w)
    return b


@case("failover_rate", tight=5, loose=0)
def _survival_rate(loose: bool) -> Builder:
    """An endpoint of 3 (4) units/s leaves room for 2 that fail over to it: 1 of its own 2 goes elsewhere for 5 USD."""
    b = Builder()
    first, second = b.region(), b.region()
    w, (j,) = b.service(2)
    _, (other,) = b.service(2)
    b.serve(j, first, endpoint=True)
    b.serve(j, second, endpoint=True)
    b.serve(other, second, endpoint=True)
    b.serve(other, first, endpoint=True, per_unit=5)
    b.pool(4 if loose else 3, flows=[1, 2], kind="units_per_s")
    b.survive(w)
    return b


@case("failover_requirement", tight=7, loose=6)
def _survival_mechanism(loose: bool) -> Builder:
    """Failing over needs a mechanism of 7 (6) USD that normal operation does not."""
    b = Builder()
    w, (j,) = b.service(2)
    b.serve(j, b.region(), endpoint=True)
    b.serve(j, b.region(), endpoint=True)
    b.requirement([b.mechanism(6 if loose else 7)], 2.0, flows=[1])
    b.survive(w)
    return b


@case("failover_copy", tight=4, loose=3)
def _survival_copies(loose: bool) -> Builder:
    """A copy of 1 USD and one of 3 (2) USD, so that one is outside whatever fails."""
    b = Builder()
    regions = [b.region(), b.region()]
    w, (j,) = b.service(2)
    k = b.dataset()
    for region, usd in zip(regions, (1, 2 if loose else 3), strict=True):
        b.serve(j, region, endpoint=True)
        copy = b.copy(k, region, usd=usd)
        for target in regions:
            b.transfer(copy, target)
    for flow, region in enumerate(regions):
        b.read(k, region, flows=[flow])
    b.survive(w)
    return b


@case("failover_route", tight=4, loose=3)
def _survival_routes(loose: bool) -> Builder:
    """The copy of 2 USD has no lawful way into the second region: the one there, 3 (2) USD, is needed."""
    b = Builder()
    first, second, third = b.region(), b.region(), b.region()
    w, (j,) = b.service(2)
    b.serve(j, first, endpoint=True)
    b.serve(j, second, endpoint=True)
    k = b.dataset()
    copies = [b.copy(k, region, usd=usd) for region, usd in ((first, 1), (second, 2 if loose else 3), (third, 2))]
    for copy in copies[:2]:
        b.transfer(copy, first)
        b.transfer(copy, second)
    b.transfer(copies[2], first)
    b.read(k, first, flows=[0])
    b.read(k, second, flows=[1])
    b.survive(w)
    return b
