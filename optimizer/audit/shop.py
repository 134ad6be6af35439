"""What the instance lets a plan buy, read once more: what each commitment costs and what runs on it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from optimizer.instance.buying import Buy, InstancesToBuy, PlanToBuy

if TYPE_CHECKING:
    from optimizer.audit.world import World

MONTH_HOURS = 730


@dataclass(frozen=True)
class ForSale:
    """One commitment for sale, by the instance or USD/h: `whole_usd` of a term, `charged_usd` of this horizon.

    `takes`: by region and SKU what an instance takes of it. `limit`: the most there is, None: any.
    """

    id: str
    provider: str
    of_instances: bool
    months: float
    whole_usd: float
    upfront_usd: float
    charged_usd: float
    takes: dict[tuple[str, str], float]
    limit: float | None = None
    quality: str = ""
    date: str = ""


def shop_of(world: World) -> dict[str, ForSale]:
    """Return all that is for sale by id; empty where nothing may be bought."""
    buy = world.instance.buy
    if buy is None:
        return {}
    found = {one.id: _instances(one, buy, world) for one in buy.instances}
    found.update({plan.id: _plan(plan, buy, world) for plan in buy.plans})
    if buy.listed is not None and world.catalogue is not None:
        found.update({one.id: one for one in _listed(buy, world) if one.id not in found})
    return found


def _months(term: str) -> int:
    number = int(term.rstrip("my"))
    return number * 12 if term.endswith("y") else number


def _charge(buy: Buy, months: float, whole_usd: float, world: World) -> float:
    """Return what the horizon is charged of a term: all of each term begun, or its part where use is foreseen."""
    covered = world.calendar.total_hours / MONTH_HOURS
    begun = max(1, ceil(covered / months - 1e-9))
    if buy.expected_use_months is None:
        return begun * whole_usd
    return min(begun * whole_usd, whole_usd * covered / min(months, buy.expected_use_months))


def _instances(one: InstancesToBuy, buy: Buy, world: World) -> ForSale:
    months = _months(one.term)
    whole = one.upfront_usd + one.usd_per_hour * months * MONTH_HOURS
    region = world.region(one.region)
    provider = region.provider if region is not None else ""
    return ForSale(
        one.id, provider, True, months, whole, one.upfront_usd, _charge(buy, months, whole, world),
        {(one.region, one.sku): 1.0}, one.max_instances,
    )  # fmt: skip


def _plan(plan: PlanToBuy, buy: Buy, world: World) -> ForSale:
    """A rate that names a region goes before one that holds for all of them."""
    months = _months(plan.term)
    whole = float(months * MONTH_HOURS)
    takes: dict[tuple[str, str], float] = {}
    for rate in plan.rates:
        if rate.region is None:
            for region_id in world.region_ids(plan.provider):
                takes.setdefault((region_id, rate.sku), rate.usd_per_hour)
    takes.update({(rate.region, rate.sku): rate.usd_per_hour for rate in plan.rates if rate.region is not None})
    now = {"all_upfront": 1.0, "partial_upfront": 0.5, "no_upfront": 0.0}[plan.payment]
    return ForSale(
        plan.id, plan.provider, False, months, whole, now * whole, _charge(buy, months, whole, world), takes,
        plan.max_usd_per_hour,
    )  # fmt: skip


def _listed(buy: Buy, world: World) -> list[ForSale]:
    """Return the catalogue's rows that the instance asks for, those of one plan together."""
    assert world.catalogue is not None
    assert buy.listed is not None
    asked, found = buy.listed, []
    plans: dict[str, list[Any]] = {}
    terms = {_months(term) for term in asked.terms}
    rows: Any = world.catalogue.commitments.itertuples()
    for row in rows:
        wanted = (
            (not asked.providers or row.provider in asked.providers)
            and (not asked.regions or row.region_id in asked.regions)
            and (not asked.payments or row.payment in asked.payments)
            and (not terms or row.term_months in terms)
        )
        if not wanted:
            continue
        if row.kind == "plan":
            plans.setdefault(row.plan, []).append(row)
            continue
        whole = row.upfront_usd + row.usd_per_hour * row.term_months * MONTH_HOURS
        found.append(ForSale(
            row.commitment_id, row.provider, True, row.term_months, whole, row.upfront_usd,
            _charge(buy, row.term_months, whole, world), {(row.region_id, row.sku): 1.0}, None, row.price_quality,
            row.price_date,
        ))  # fmt: skip
    for name, own in plans.items():
        months, first = own[0].term_months, own[0]
        whole = months * MONTH_HOURS
        now = {"all_upfront": 1.0, "partial_upfront": 0.5}.get(first.payment, 0.0)
        found.append(ForSale(
            name, first.provider, False, months, whole, now * whole, _charge(buy, months, whole, world),
            {(row.region_id, row.sku): row.usd_per_hour for row in own}, None, first.price_quality,
            min(row.price_date for row in own),
        ))  # fmt: skip
    return found
