"""Binding cases of services and of where workloads are present."""

from __future__ import annotations

from binding_register import case
from problem_toys import Builder


@case("demand", tight=10, loose=8)
def _demand(loose: bool) -> Builder:
    """5 (4) units/s at 2 USD each."""
    b = Builder()
    r = b.region()
    _, (j,) = b.service(4 if loose else 5)
    b.serve(j, r, endpoint=True, per_unit=2)
    return b


@case("throughput", tight=30, loose=20)
def _throughput(loose: bool) -> Builder:
    """5 units/s need 3 instances of 2, but 2 instances of 3, at 10 USD each."""
    b = Builder()
    r = b.region()
    _, (j,) = b.service(5)
    b.serve(j, r, capacity=3 if loose else 2, usd=10)
    return b


@case("cover", tight=30, loose=20)
def _cover(loose: bool) -> Builder:
    """As for throughput, from which it follows."""
    return _throughput(loose)


@case("present_flow", "in_use", tight=11, loose=10)
def _region_in_use(loose: bool) -> Builder:
    """4 units/s: 1 USD each where being there costs 7 (6), or 3 USD each where it costs nothing."""
    b = Builder()
    charged, free = b.region(fixed=6 if loose else 7), b.region()
    w, (j,) = b.service(4)
    b.serve(j, charged, endpoint=True, per_unit=1)
    b.serve(j, free, endpoint=True, per_unit=3)
    b.presence(w, charged, free)
    return b


@case("present_instances", tight=6, loose=5)
def _idle_instances(loose: bool) -> Builder:
    """Half of the device-hours must be in a region that costs 5 (4): an idle instance there is not free of it."""
    b = Builder()
    free, charged = b.region(), b.region(fixed=4 if loose else 5)
    w, (j,) = b.service(2)
    first = b.serve(j, free, capacity=2, usd=1, device_hours=1)
    second = b.serve(j, charged, capacity=2, usd=1, device_hours=1)
    b.presence(w, free, charged)
    b.share("device_hours", [second], [first, second], lower=0.5)
    return b


@case("most_regions", tight=12, loose=4)
def _most_regions(loose: bool) -> Builder:
    """4 units/s in one region at 3 USD each, or in two regions of 2 instances at 1 USD each."""
    b = Builder()
    regions = [b.region() for _ in range(3)]
    w, (j,) = b.service(4)
    for region in regions[:2]:
        b.serve(j, region, usd=1, most=2)
    b.serve(j, regions[2], usd=3)
    b.presence(w, *regions, most=2 if loose else 1)
    return b


@case("least_regions", tight=5, loose=1)
def _least_regions(loose: bool) -> Builder:
    """Two regions mean an instance of 1 USD and one of 4 USD, where the first alone would do."""
    b = Builder()
    near, far = b.region(), b.region()
    w, (j,) = b.service(5)
    b.serve(j, near, capacity=5, usd=1)
    b.serve(j, far, capacity=5, usd=4)
    b.presence(w, near, far, least=1 if loose else 2)
    return b


@case("present_backed", tight=100, loose=50)
def _counted_regions(loose: bool) -> Builder:
    """A region counts from 1 % of the demand: 2 of 200 (1 of 100) units/s at 50 USD each."""
    b = Builder()
    near, far = b.region(), b.region()
    w, (j,) = b.service(100 if loose else 200)
    b.serve(j, near, endpoint=True)
    b.serve(j, far, endpoint=True, per_unit=50)
    b.presence(w, near, far, least=2)
    return b
