"""Commitments to buy: what the instance lets the plan buy, at which charge, as offers and as rows of the problem.

The mathematics is in `formulations.commitments`. A purchase is charged whole terms, as many as the horizon takes; with
`expected_use_months` its part of one: the months of the horizon over those of use, or of the term where it is shorter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from formulations.problem import Jobs, Membership, Purchases, Slots
from optimizer.compile.columns import distinct
from optimizer.compile.effort import spend
from optimizer.instance.buying import Buy, ListedToBuy, months_of

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue
    from optimizer.compile.world import World
    from optimizer.instance.models import Instance

HOURS_PER_MONTH = 730.0
RESERVED = "reserved"
"""The way of paying of what runs on a purchase."""
INSTANCES, RATE = "instances", "USD/h"
WHOLE = 1e-9
Key = tuple[str, str]
"""Region and SKU."""


@dataclass(frozen=True)
class Purchase:
    """A commitment that may be bought, in units of an instance or a USD/h.

    `draws`: by region and SKU what an instance takes of it. `usd_per_hour` and `upfront_usd` are of one unit, `rule`
    says where it is offered, `most` how much of it there is.
    """

    id: str
    rule: str
    provider: str
    unit: str
    term_months: float
    draws: dict[Key, float]
    usd_per_hour: float
    upfront_usd: float = 0.0
    payment: str = ""
    most: float = math.inf
    price_quality: str = "stated"
    price_date: str = ""

    @property
    def term_usd(self) -> float:
        """What a unit costs over the whole term."""
        return self.upfront_usd + self.usd_per_hour * HOURS_PER_MONTH * self.term_months

    def charged_usd(self, hours: float, expected_use_months: float | None) -> float:
        """Return what a unit is charged over a horizon of so many hours."""
        months = hours / HOURS_PER_MONTH
        whole = max(1.0, math.ceil(months / self.term_months - WHOLE)) * self.term_usd
        if expected_use_months is None:
            return whole
        return min(whole, self.term_usd * months / min(expected_use_months, self.term_months))


def purchases_of(instance: Instance, catalogue: Catalogue | None, regions: pd.DataFrame) -> tuple[Purchase, ...]:
    """Return what may be bought, first what the instance states, each for the SKUs and open regions that it names.

    Of those without a limit that cover the same instances only the one that is charged least is there, of equal ones
    that of the shortest term.
    """
    buy = instance.buy
    if buy is None:
        return ()
    provider_of = dict(zip(regions.region_id, regions.provider, strict=True))
    found = [*_stated(buy, provider_of)]
    if buy.listed is not None and catalogue is not None:
        open_ = set(regions.region_id[regions.open.to_numpy(dtype=bool)])
        found += _listed(buy.listed, catalogue, open_)
    hours = sum(period.hours for period in instance.horizon.resolved())
    return tuple(_cheapest(found, hours, buy.expected_use_months))


def _stated(buy: Buy, provider_of: dict[str, str]) -> Iterator[Purchase]:
    for one in buy.instances:
        if one.region in provider_of:
            yield Purchase(
                id=one.id, rule=f"field:buy.instances[id={one.id}]", provider=provider_of[one.region], unit=INSTANCES,
                term_months=months_of(one.term), draws={(one.region, one.sku): 1.0}, usd_per_hour=one.usd_per_hour,
                upfront_usd=one.upfront_usd, most=math.inf if one.max_instances is None else one.max_instances,
            )  # fmt: skip
    for plan in buy.plans:
        own = [region for region, provider in provider_of.items() if provider == plan.provider]
        draws = {
            (region, rate.sku): rate.usd_per_hour
            for rate in sorted(plan.rates, key=lambda rate: rate.region is not None)  # one of a region goes before all
            for region in (own if rate.region is None else [rate.region])
        }
        yield Purchase(
            id=plan.id, rule=f"field:buy.plans[id={plan.id}]", provider=plan.provider, unit=RATE,
            term_months=months_of(plan.term), draws=draws, usd_per_hour=1.0, payment=plan.payment,
            most=math.inf if plan.max_usd_per_hour is None else plan.max_usd_per_hour,
        )  # fmt: skip


def _listed(listed: ListedToBuy, catalogue: Catalogue, open_: set[str]) -> Iterator[Purchase]:
    """Yield the commitments of the catalogue that are asked for: instances by row, the rows of a plan together."""
    table = catalogue.commitments
    keep = (table.kind.eq("plan") | table.region_id.isin(open_)).to_numpy(dtype=bool, copy=True)
    for column, wanted in (("provider", listed.providers), ("region_id", listed.regions), ("payment", listed.payments)):
        if wanted:
            keep &= table[column].isin(wanted).to_numpy(dtype=bool)
    if listed.terms:
        keep &= table.term_months.isin([months_of(term) for term in listed.terms]).to_numpy(dtype=bool)
    rows = table[keep]
    spend("options", 100 * len(rows))
    singly: Any = rows[rows.kind == INSTANCES].itertuples()
    for row in singly:
        yield Purchase(
            id=row.commitment_id, rule="field:buy.listed", provider=row.provider, unit=INSTANCES,
            term_months=row.term_months, draws={(row.region_id, row.sku): 1.0}, usd_per_hour=row.usd_per_hour,
            upfront_usd=row.upfront_usd, payment=row.payment, price_quality=row.price_quality,
            price_date=row.price_date,
        )  # fmt: skip
    for plan, own in rows[rows.kind == "plan"].groupby("plan", sort=False):
        yield Purchase(
            id=str(plan), rule="field:buy.listed", provider=own.provider.iloc[0], unit=RATE,
            term_months=own.term_months.iloc[0],
            draws=dict(zip(zip(own.region_id, own.sku, strict=True), own.usd_per_hour, strict=True)),
            usd_per_hour=1.0, payment=own.payment.iloc[0], price_quality=own.price_quality.iloc[0],
            price_date=own.price_date.min(),
        )  # fmt: skip


def _cheapest(found: list[Purchase], hours: float, expected: float | None) -> Iterator[Purchase]:
    best: dict[Key, tuple[float, float, int]] = {}
    for k, one in enumerate(found):
        if one.unit == INSTANCES and math.isinf(one.most):
            (key,) = one.draws
            own = one.charged_usd(hours, expected), one.term_months, k
            best[key] = min(best.get(key, own), own)
    kept = {k for *_, k in best.values()}
    for k, one in enumerate(found):
        if k in kept or one.unit != INSTANCES or not math.isinf(one.most):
            yield one


def reserved_rows(
    purchases: tuple[Purchase, ...], regions: pd.DataFrame, hours: float, expected: float | None
) -> list[dict[str, object]]:
    """Return the offers that run on purchases, without the facts of their SKUs.

    `price_usd_per_hour` is the share that an instance-hour has of what the purchase is charged.
    """
    places = {region: k for k, region in enumerate(regions.region_id)}
    rows: list[dict[str, object]] = []
    for one in purchases:
        each = one.charged_usd(hours, expected) / hours
        for (region, sku), drawn in one.draws.items():
            if region in places:
                country = str(regions.country[places[region]])
                rows.append({
                    "offer_id": f"{region}:{sku}:{RESERVED}:{one.id}", "kind": "instance", "region": places[region],
                    "region_id": region, "provider": regions.provider[places[region]], "country": country, "sku": sku,
                    "purchase": RESERVED, "price_usd_per_hour": each * drawn, "price_quality": one.price_quality,
                    "price_date": one.price_date, "availability": "verified", "scope": "region",
                    "scope_countries": frozenset((country,)), "bought_as": one.id, "drawn": drawn,
                })  # fmt: skip
    return rows


@dataclass(frozen=True, eq=False)
class PurchaseTable:
    """The purchases that something may run on, with what the plan needs to name them."""

    problem: Purchases
    info: tuple[Purchase, ...]


def build_purchases(world: World, slots: Slots, jobs: Jobs) -> PurchaseTable:
    """Return the purchases with what draws on each, in every period; `most` is all that could be drawn at once."""
    if world.instance.buy is None:
        return PurchaseTable(Purchases(), ())
    names = world.text("bought_as")[slots.offer]
    on = np.flatnonzero(names != "").astype(np.int64)
    every = {one.id: one for one in purchases_of(world.instance, world.catalogue, world.regions)}
    used = [name for name in every if name in set(names[on])]
    number = {name: k for k, name in enumerate(used)}
    periods = len(world.periods)
    key = np.array([number[name] for name in names[on]], dtype=np.int64) * periods + slots.period[on]
    spend("rules", 8 * on.size)
    cover = distinct(key, len(used) * periods).astype(np.int64)
    row = np.searchsorted(cover, key).astype(np.int64)
    drawn = world.column("drawn")[slots.offer[on]]
    at_most = np.bincount(row, drawn * _most_instances(slots, jobs, on), minlength=cover.size)
    purchase = cover // max(periods, 1)
    most = np.zeros(len(used))
    np.maximum.at(most, purchase, at_most)
    info = tuple(every[name] for name in used)
    limit = np.array([math.floor(p.most) if p.unit == INSTANCES and p.most < math.inf else p.most for p in info])
    expected = world.instance.buy.expected_use_months
    problem = Purchases(
        ids=tuple(used),
        price_usd=np.array([one.charged_usd(world.total_hours, expected) for one in info], dtype=float),
        charged_by=tuple((one.rule,) for one in info),
        most=np.minimum(most, limit) if used else most,
        cover_purchase=purchase,
        cover_period=cover % max(periods, 1),
        covers=Membership(row, on, drawn),
    )
    return PurchaseTable(problem, info)


def _most_instances(slots: Slots, jobs: Jobs, on: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the most instances of some slots that can run at once."""
    gangs = np.zeros(int(slots.workload.max(initial=-1)) + 1)
    own = jobs.workload < gangs.size
    gangs[jobs.workload[own]] = jobs.max_gangs[own]
    most: NDArray[np.float64] = np.where(
        slots.is_job[on], gangs[slots.workload[on]] * slots.gang_instances[on], slots.max_instances[on]
    )
    return most
