"""What a plan commits to: how much of each purchase, what it costs, and from which month on it pays."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.assemble import Compiled
from optimizer.compile.purchases import HOURS_PER_MONTH, INSTANCES, Purchase
from optimizer.plan.commitments import on_demand_prices
from optimizer.plan.placements import Values
from optimizer.plan.rows import PurchaseUse

Floats = NDArray[np.float64]
NEGLIGIBLE = 1e-9
ROUNDING = 1e-6


def whole_amounts(compiled: Compiled, amount: Floats) -> Floats:
    """Return what is committed to; instances, which come out whole but for the rounding of the solver, as such."""
    is_whole = np.array([one.unit == INSTANCES for one in compiled.purchases.info], dtype=bool)
    near = np.rint(amount)
    return np.where(is_whole & (np.abs(amount - near) <= ROUNDING * np.maximum(near, 1.0)), near, amount)


def purchases_used(compiled: Compiled, values: Values, amount: Floats) -> tuple[PurchaseUse, ...]:
    """Return the purchases that the plan makes."""
    problem, world = compiled.problem, compiled.world
    slots, purchases = problem.slots, problem.purchases
    held = values.instances + values.gangs * slots.gang_instances
    hours = np.where(slots.is_job, values.work_hours, values.instances * problem.period_hours[slots.period])
    covers = purchases.covers
    drawn = np.bincount(
        covers.row, covers.weight * held[covers.column], minlength=purchases.cover_purchase.size
    )
    purchase = purchases.cover_purchase[covers.row]
    offer = slots.offer[covers.column]
    value = hours[covers.column] * world.column("price_usd_per_hour")[offer]
    on_demand = hours[covers.column] * _on_demand(compiled)[offer]
    rows = []
    for o in np.flatnonzero(amount > NEGLIGIBLE).tolist():
        own, one = purchase == o, compiled.purchases.info[o]
        charged = float(purchases.price_usd[o] * amount[o])
        instead = float(on_demand[own][hours[covers.column[own]] > 0].sum())
        region, sku = next(iter(one.draws)) if one.unit == INSTANCES else (None, None)
        rows.append(
            PurchaseUse(
                id=one.id,
                provider=one.provider,
                region_id=region,
                sku=sku,
                unit="instances" if one.unit == INSTANCES else "USD/h",
                amount=float(amount[o]),
                term_months=one.term_months,
                term_usd=float(one.term_usd * amount[o]),
                upfront_usd=_upfront(one, float(amount[o])),
                charged_usd=charged,
                used=float(drawn[purchases.cover_purchase == o].max(initial=0.0)),
                idle_usd=max(0.0, charged - float(value[own].sum())),
                on_demand_usd=None if math.isnan(instead) else instead,
                break_even_month=break_even(one, float(amount[o]), instead, world.total_hours),
            )
        )
    return tuple(rows)


UPFRONT_SHARE = {"all_upfront": 1.0, "partial_upfront": 0.5}
"""The part of a plan's price that is paid at once."""


def _upfront(one: Purchase, amount: float) -> float:
    if one.unit == INSTANCES:
        return one.upfront_usd * amount
    return UPFRONT_SHARE.get(one.payment, 0.0) * one.term_usd * amount


def _on_demand(compiled: Compiled) -> Floats:
    """Return by offer what an instance-hour of its SKU costs on demand in its region; NaN where nobody knows."""
    world, listed = compiled.world, on_demand_prices(compiled.world)
    keys = zip(world.text("region_id"), world.text("sku"), strict=True)
    return np.array([listed.get(key, np.nan) for key in keys], dtype=float)


def break_even(one: Purchase, amount: float, on_demand_usd: float, hours: float) -> int | None:
    """Return the first month by whose end the whole term costs no more than the same use on demand, if it has one."""
    if math.isnan(on_demand_usd) or on_demand_usd <= 0:
        return None
    month = math.ceil(one.term_usd * amount / (on_demand_usd * HOURS_PER_MONTH / hours) - ROUNDING)
    return month if month <= one.term_months else None
