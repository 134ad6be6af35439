"""`focus`: a FOCUS file of cost and usage (1.2 to 1.4) as one's own unit prices and commitments.

A row of usage that is priced by the hour and names an offer of the catalogue gives that offer's price: what was paid
(`EffectiveCost`) for the hours. Rows that a commitment covers give commitments: so many machines as their hours fill of
the time that the file speaks of. Every other amount is not read, and counted.
"""

from __future__ import annotations

import datetime
import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optimizer.also_called import BILLED_AS
from optimizer.catalogue import load_catalogue
from optimizer.errors import InputError, Issue
from optimizer.export.base import Names
from optimizer.importing.imported import Imported, NotRead, csv_rows

MUST = ("EffectiveCost", "BillingCurrency", "ChargePeriodStart", "ChargePeriodEnd", "PricingQuantity", "PricingUnit")
HOURS = ("hours", "hour", "hrs", "1 hour")
PURCHASE = {"Standard": "on_demand", "Dynamic": "spot", "": "on_demand"}
TOLD = 50
"""Most reasons that are told of rows one by one before they are only counted."""


@dataclass
class _Sum:
    cost: float = 0.0
    hours: float = 0.0
    begin: datetime.datetime | None = None
    end: datetime.datetime | None = None
    lines: list[int] = field(default_factory=list)


def imported(paths: list[Path], *, usd_per_unit: float | None, clusters: Mapping[str, str]) -> Imported:
    """Return `catalogue.overlay` with prices, and `commitments`."""
    (path,) = paths
    columns, rows = csv_rows(path)
    missing = [name for name in MUST if name not in columns]
    if missing:
        what = f"has no column {missing[0]!r}: it is no FOCUS file of cost and usage"
        raise InputError(Issue(what, file=str(path), line=1))
    offers = load_catalogue().offers
    known = set(offers.index) if "offer_id" not in offers.columns else set(offers.offer_id)
    providers = _providers()
    prices: dict[str, _Sum] = defaultdict(_Sum)
    owned: dict[tuple[str, str, str], _Sum] = defaultdict(_Sum)
    silent: list[tuple[str, float]] = []
    read = unread = 0.0
    for line, row in rows:
        cost = _number(row.get("EffectiveCost", ""))
        found = _offer(row, providers, known, usd_per_unit)
        if cost is None or isinstance(found, str):
            why = "EffectiveCost is no number" if cost is None else str(found)
            silent.append((f"line {line}: {why}", cost or 0.0))
            unread += cost or 0.0
            continue
        read += cost
        offer, hours = found
        commitment = row.get("CommitmentDiscountId", "")
        target = owned[commitment, *_place(offer)] if commitment else prices[offer]
        _add(target, row, cost, hours, line)
    rate = 1.0 if usd_per_unit is None else usd_per_unit
    part: dict[str, Any] = {}
    overlay = [_price(path, offer, one, rate) for offer, one in sorted(prices.items()) if one.hours > 0]
    if overlay:
        part["catalogue"] = {"overlay": overlay}
    if owned:
        names = Names()
        part["commitments"] = [
            _commitment(names.of(*key), key, one, rate) for key, one in sorted(owned.items()) if one.hours > 0
        ]
    not_read = tuple(NotRead(what=text, why=f"{cost:,.2f} of the bill") for text, cost in silent[:TOLD])
    if len(silent) > TOLD:
        rest = sum(cost for _, cost in silent[TOLD:])
        not_read += (NotRead(what=f"{len(silent) - TOLD} more lines", why=f"{rest:,.2f} of the bill"),)
    return Imported(
        source="focus", files=(str(path),), part=part, not_read=not_read, read_cost=read, not_read_cost=unread
    )


def _providers() -> dict[str, str]:
    """Return provider ids by the names they go by, in lower case."""
    table = load_catalogue().providers
    names = {str(name).lower(): str(provider) for provider, name in table.name.items()}
    return {**{str(provider).lower(): str(provider) for provider in table.index}, **names, **BILLED_AS}


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _offer(
    row: Mapping[str, str], providers: Mapping[str, str], known: set[str], usd_per_unit: float | None
) -> tuple[str, float] | str:
    """Return the offer that a row was charged for and its hours, or why it is none."""
    if row.get("ChargeCategory", "Usage") != "Usage":
        return f"a charge of the category {row.get('ChargeCategory')}"
    if row.get("CommitmentDiscountCategory") == "Spend":
        return "covered by a commitment to spend, which is no machine"
    if row.get("BillingCurrency") != "USD" and usd_per_unit is None:
        return f"billed in {row.get('BillingCurrency') or 'no stated currency'}: say what it is worth in USD"
    name = row.get("ServiceProviderName") or row.get("ProviderName") or row.get("HostProviderName") or ""
    if name.lower() not in providers:
        return f"the provider {name or 'is not named'} is not in the catalogue"
    hours = _number(row.get("PricingQuantity", ""))
    if row.get("PricingUnit", "").lower() not in HOURS or hours is None or hours <= 0:
        return f"priced by {row.get('PricingUnit') or 'no unit'}, not by the hour of a machine"
    machine = _machine(row)
    category = row.get("PricingCategory", "")
    purchase = "on_demand" if row.get("CommitmentDiscountId") else PURCHASE.get(category)
    if purchase is None:
        return f"priced as {category}, without a commitment"
    offer = f"{providers[name.lower()]}:{row.get('RegionId', '')}:{machine}:{purchase}"
    return (offer, hours) if offer in known else f"the catalogue has no offer {offer}"


def _machine(row: Mapping[str, str]) -> str:
    """Return the type of a machine: of the details of its price, else its SKU."""
    try:
        details = json.loads(row.get("SkuPriceDetails") or "{}")
    except (ValueError, RecursionError):
        details = {}
    named = details.get("InstanceType") if isinstance(details, dict) else None
    return named if isinstance(named, str) and named else row.get("SkuId", "")


def _place(offer: str) -> tuple[str, str]:
    provider, region, sku, _ = offer.split(":", 3)
    return f"{provider}:{region}", sku


def _add(target: _Sum, row: Mapping[str, str], cost: float, hours: float, line: int) -> None:
    begin, end = _at(row.get("ChargePeriodStart", "")), _at(row.get("ChargePeriodEnd", ""))
    target.cost += cost
    target.hours += hours
    target.lines.append(line)
    if begin is not None and end is not None:
        target.begin = begin if target.begin is None else min(target.begin, begin)
        target.end = end if target.end is None else max(target.end, end)


def _at(text: str) -> datetime.datetime | None:
    try:
        at = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=datetime.UTC)


def _price(path: Path, offer: str, one: _Sum, rate: float) -> dict[str, Any]:
    when = f", {one.begin:%Y-%m-%d} to {one.end:%Y-%m-%d}" if one.begin is not None and one.end is not None else ""
    price = float(f"{one.cost / one.hours * rate:.9g}")
    citation = f"FOCUS file {path.name}{when}: {one.hours:,.6g} h"
    return {"table": "offers", "id": offer, "set": {"price_usd_per_hour": price}, "citation": citation}


def _commitment(name: str, key: tuple[str, str, str], one: _Sum, rate: float) -> dict[str, Any]:
    """Return a commitment: as many machines as its hours, used or not, fill of its time; one at least."""
    _, region, sku = key
    hours = (one.end - one.begin).total_seconds() / 3600.0 if one.begin is not None and one.end is not None else 0.0
    instances = max(1, round(one.hours / hours)) if hours > 0 else 1
    found: dict[str, Any] = {"id": name, "region": region, "sku": sku, "instances": float(instances)}
    return found | {"usd_per_hour": float(f"{one.cost / one.hours * rate:.9g}")}
