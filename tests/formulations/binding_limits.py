"""Binding cases of pools, budgets and shares."""

from __future__ import annotations

from binding_register import case
from problem_toys import Builder


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
