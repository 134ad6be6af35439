"""One hand-computed case per constraint family: where it binds, one unit looser, and what each costs.

A case is a function of `loose` that builds a problem; `CASES` maps the family to it and to the two optima (USD).
"""

from __future__ import annotations

from collections.abc import Callable

from problem_toys import Builder

from formulations.problem import Problem

REDUNDANT = {"cover"}
"""Families that follow from others and are only there to tighten or to cut."""

CASES: dict[str, tuple[Callable[[bool], Problem], float, float]] = {}


def case(
    *families: str, tight: float, loose: float
) -> Callable[[Callable[[bool], Builder]], Callable[[bool], Builder]]:
    """Register a case for the families that bind in it."""

    def register(build: Callable[[bool], Builder]) -> Callable[[bool], Builder]:
        for family in families:
            assert family not in CASES
            CASES[family] = (lambda looser: build(looser).build(), tight, loose)
        return build

    return register


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


@case("start", "start_once", tight=6, loose=2)
def _contiguous(loose: bool) -> Builder:
    """Cheap hours at both ends, dear ones between: a run of two takes a dear one, with a pause it does not."""
    b = Builder(hours=(1.0, 1.0, 1.0, 1.0))
    r = b.region()
    w, _ = b.job(2, interruptible=loose)
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


@case("requirement", tight=17, loose=16)
def _mechanism(loose: bool) -> Builder:
    """10 units/s at 1 USD with a mechanism of 7 (6) USD, or at 2 USD without."""
    b = Builder()
    _, (j,) = b.service(10)
    b.serve(j, b.region(), endpoint=True, per_unit=1)
    b.serve(j, b.region(), endpoint=True, per_unit=2)
    b.requirement([b.mechanism(6 if loose else 7)], 10.0, flows=[0])
    return b


@case("devices", tight=6, loose=2)
def _devices(loose: bool) -> Builder:
    """Nodes of 4 devices: a pool of 7 holds one, a pool of 8 holds two."""
    b = Builder()
    r = b.region()
    _, (j,) = b.service(2)
    pooled = b.serve(j, r, usd=1)
    b.serve(j, r, usd=5)
    b.pool(8 if loose else 7, slots={pooled: 4.0})
    return b


@case("power_kw", tight=6, loose=2)
def _power(loose: bool) -> Builder:
    """Instances of 0.5 kW: one fits under 0.9 kW, two under 1 kW."""
    b = Builder()
    r = b.region()
    _, (j,) = b.service(2)
    pooled = b.serve(j, r, usd=1)
    b.serve(j, r, usd=5)
    b.pool(1.0 if loose else 0.9, slots={pooled: 0.5}, kind="kw")
    return b


@case("work_rate", tight=7, loose=6)
def _work_rate(loose: bool) -> Builder:
    """5 units/s, of which 3 (4) at 1 USD and the rest at 2 USD."""
    b = Builder()
    r = b.region()
    _, (j,) = b.service(5)
    b.serve(j, r, endpoint=True, per_unit=1)
    b.serve(j, r, endpoint=True, per_unit=2)
    b.pool(4 if loose else 3, flows=[0], kind="units_per_s")
    return b


@case("copy_in_use", tight=7, loose=6)
def _copy_in_charged_region(loose: bool) -> Builder:
    """A copy of 1 USD where being there costs 6 (5), or one of 9 USD elsewhere."""
    b = Builder()
    k = b.dataset()
    b.duty([b.copy(k, b.region(fixed=5 if loose else 6), usd=1), b.copy(k, b.region(), usd=9)])
    return b


@case("budget", tight=8, loose=7)
def _budget(loose: bool) -> Builder:
    """6 units/s: 1 USD and 2 kg, or 2 USD and 1 kg; 10 kg allow 4 of the first kind, 11 kg allow 5."""
    b = Builder()
    r = b.region()
    _, (j,) = b.service(6)
    slots = [b.slot(0, r, endpoint=True) for _ in range(2)]
    b.flow(j, slots[0], usd=1, carbon_kg=2)
    b.flow(j, slots[1], usd=2, carbon_kg=1)
    b.budget("carbon_kg", 11 if loose else 10, slots=slots)
    return b


def _two_compute_prices() -> tuple[Builder, list[int]]:
    b = Builder()
    r = b.region()
    _, (j,) = b.service(6)
    slots = [b.slot(0, r, endpoint=True) for _ in range(2)]
    for slot, usd in zip(slots, (1, 2), strict=True):
        b.flow(j, slot, usd=usd, compute_usd=usd)
    return b, slots


@case("share_upper", tight=8, loose=20 / 3)
def _share_upper(loose: bool) -> Builder:
    """x at 1 USD, 6 - x at 2 USD, x <= U (12 - x): x = 4 for U = 0.5, 16/3 for U = 0.8."""
    b, slots = _two_compute_prices()
    b.share("compute_usd", slots[:1], slots, upper=0.8 if loose else 0.5)
    return b


@case("share_lower", tight=8, loose=20 / 3)
def _share_lower(loose: bool) -> Builder:
    """y at 2 USD, 6 - y at 1 USD, 2 y >= L (6 + y): y = 2 for L = 0.5, 2/3 for L = 0.2."""
    b, slots = _two_compute_prices()
    b.share("compute_usd", slots[1:], slots, lower=0.2 if loose else 0.5)
    return b


@case("cost_cap", tight=9, loose=8)
def _cost_cap(loose: bool) -> Builder:
    """Least kg at no more than 9 (10) USD: of 6 units, x at 1 USD and 2 kg, the rest at 2 USD and 1 kg; x = 3 (2)."""
    b = Builder()
    r = b.region()
    _, (j,) = b.service(6)
    slots = [b.slot(0, r, endpoint=True) for _ in range(2)]
    b.flow(j, slots[0], usd=1, carbon_kg=2)
    b.flow(j, slots[1], usd=2, carbon_kg=1)
    b.cost_cap = 10 if loose else 9
    return b
