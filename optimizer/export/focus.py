"""`focus`: the plan's forecast in the columns of FOCUS 1.4 (FinOps Open Cost and Usage Specification), as CSV.

A forecast is no invoice: every row says so (`x_Forecast`), and what no provider bills (penalties, safeguards, the price
put on carbon) is in none. A row is a charge in one calendar month; a period in two months is divided by its hours.
Who is billed is not known, so that the account is named after the plan.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from optimizer.export.base import LeftOut, Made, Source
from optimizer.export.costs import cost_lines
from optimizer.export.tables import Cell, Table, csv_text
from optimizer.plan.rows import Placement
from optimizer.printable import printable

COLUMNS = (
    "AvailabilityZone", "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd",
    "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "EffectiveCost", "HostProviderName",
    "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit", "RegionId",
    "RegionName", "ServiceCategory", "ServiceName", "ServiceProviderName", "ServiceSubcategory", "SkuId", "SkuMeter",
    "SkuPriceDetails", "SkuPriceId", "Tags", "x_CarbonEmbodiedKg", "x_CarbonLocationKg", "x_CarbonMarketKg",
    "x_Forecast", "x_LawIds", "x_PlanHash",
)  # fmt: skip
ACCOUNT, UNSTATED = "domicile-forecast", "(not stated)"
PRICING = {"spot": "Dynamic", "committed": "Committed", "reserved": "Committed", "on_demand": "Standard"}
HOUR = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class Charge:
    """What is charged for, before it is divided over months: amounts in the currency of the plan, carbon in kg."""

    description: str
    cost: float
    provider: str
    region: str
    category: str
    subcategory: str
    service: str
    sku: str
    purchase: str = ""
    hours: float | None = None
    begin: datetime.datetime | None = None
    end: datetime.datetime | None = None
    operational_kg: float | None = None
    embodied_kg: float | None = None
    laws: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)


def made(source: Source) -> Made:
    """Return the rows, and which amounts of the plan are no charge of a provider."""
    if source.plan.horizon is None:
        return Made({}, (LeftOut("every charge", "the plan states no horizon, and a charge has a period"),))
    charges = [*_placements(source), *_data(source)]
    rows = [row for charge in charges for row in _rows(source, charge)]
    silent = [LeftOut("who is billed, and by whom", f"the account stands as {ACCOUNT}, the issuer as the provider")]
    silent.append(LeftOut("list prices", "a plan has prices after discounts, which ListCost and ContractedCost repeat"))
    silent.append(LeftOut("market-based carbon of each row", "a plan states it for the whole only"))
    told = sum(charge.cost for charge in charges)
    whole = source.money(sum(line.usd for line in cost_lines(source.plan))) or 0.0
    if abs(whole - told) > 0.005:
        why = "safeguards, penalties and what no row of the plan states are no charges of a provider"
        silent.append(LeftOut(f"{whole - told:,.2f} {source.currency} of the cost", why))
    return Made({"focus.csv": csv_text(Table("focus", COLUMNS, rows))}, tuple(silent))


def _placements(source: Source) -> Iterator[Charge]:
    spans = _spans(source)
    for row in source.plan.placements:
        begin, end = spans.get(row.period, (None, None))
        managed = row.endpoint is not None
        known = row.carbon_kg is not None and row.embodied_kg is not None
        yield Charge(
            description=f"{row.endpoint or row.sku} for {row.workload}, forecast",
            cost=source.money(row.cost_usd) or 0.0,
            provider=row.provider,
            region=row.region,
            category="AI and Machine Learning" if managed else "Compute",
            subcategory="Generative AI" if managed else "Virtual Machines",
            service="Managed models" if managed else "Virtual machines",
            sku=row.endpoint or row.sku or "",
            purchase=row.purchase or "",
            hours=None if managed else row.instance_hours,
            begin=begin,
            end=end,
            operational_kg=(row.carbon_kg or 0.0) - (row.embodied_kg or 0.0) if known else None,
            embodied_kg=row.embodied_kg,
            laws=row.laws,
            tags=_tags(row),
        )


def _tags(row: Placement) -> dict[str, str]:
    return {"workload": row.workload} | ({"stream": row.stream} if row.stream is not None else {})


def _data(source: Source) -> Iterator[Charge]:
    """Yield what copies of datasets, reading them and moving checkpoints cost; billed by the source region."""
    provider_of = {row.region_id: (row.provider, row.region) for row in source.plan.placements}
    provider_of |= {row.region_id: (row.provider, row.region) for row in source.plan.copies}
    for copy in source.plan.copies:
        yield Charge(
            f"copy of {copy.dataset}, forecast", source.money(copy.cost_usd) or 0.0, copy.provider, copy.region,
            "Storage", "Object Storage", "Storage", "storage", laws=copy.laws, tags={"dataset": copy.dataset},
            operational_kg=copy.carbon_kg,
        )  # fmt: skip
    moved = [
        (f"{t.dataset} read in {t.target}", t.source, t.cost_usd, t.carbon_kg, {"dataset": t.dataset})
        for t in source.plan.transfers
    ]
    moved += [
        (f"checkpoint of {m.job} to {m.target}", m.source, m.cost_usd, m.carbon_kg, {"workload": m.job})
        for m in source.plan.moves
    ]
    for what, of, cost_usd, carbon, tags in moved:
        provider, region = provider_of.get(of, tuple(of.partition(":")[::2]))
        yield Charge(
            f"{what}, forecast", source.money(cost_usd) or 0.0, provider, region, "Networking",
            "Network Infrastructure", "Egress", "egress", operational_kg=carbon, tags=tags,
        )  # fmt: skip


def _spans(source: Source) -> dict[str, tuple[datetime.datetime, datetime.datetime]]:
    assert source.plan.horizon is not None
    at = datetime.datetime.combine(source.plan.horizon.start, datetime.time())
    found = {}
    for period in source.plan.horizon.periods:
        found[period.id] = (at, at + period.hours * HOUR)
        at += period.hours * HOUR
    return found


def _rows(source: Source, charge: Charge) -> Iterable[list[Cell]]:
    """Yield the charge month by month; what was free is no charge."""
    spans = _spans(source)
    begin = charge.begin or min(span[0] for span in spans.values())
    end = charge.end or max(span[1] for span in spans.values())
    if not charge.cost or end <= begin:
        return
    provider = charge.provider or UNSTATED
    for start, until, month_start, month_end in _months(begin, end):
        share = (until - start) / (end - begin)
        values: dict[str, Cell] = {
            **_money(source, charge, share),
            "BillingAccountId": ACCOUNT, "BillingAccountName": f"Forecast of {source.title}",
            "BillingCurrency": source.currency,
            "BillingPeriodStart": _utc(month_start), "BillingPeriodEnd": _utc(month_end),
            "ChargeCategory": "Usage", "ChargeDescription": charge.description, "ChargeFrequency": "Usage-Based",
            "ChargePeriodStart": _utc(start), "ChargePeriodEnd": _utc(until), "HostProviderName": provider,
            "InvoiceIssuerName": provider, "PricingCategory": PRICING.get(charge.purchase, "Standard"),
            "RegionId": charge.region, "RegionName": charge.region, "ServiceCategory": charge.category,
            "ServiceName": charge.service, "ServiceProviderName": provider,
            "ServiceSubcategory": charge.subcategory, "SkuId": charge.sku, "SkuMeter": charge.service,
            "SkuPriceId": f"{charge.sku}:{charge.purchase}" if charge.purchase else charge.sku,
            "SkuPriceDetails": json.dumps({"InstanceType": charge.sku}) if charge.category == "Compute" else None,
            "Tags": json.dumps({key: printable(value) for key, value in charge.tags.items()}, ensure_ascii=False),
            "x_CarbonEmbodiedKg": None if charge.embodied_kg is None else charge.embodied_kg * share,
            "x_CarbonLocationKg": None if charge.operational_kg is None else charge.operational_kg * share,
            "x_Forecast": "true", "x_LawIds": "|".join(charge.laws), "x_PlanHash": source.short_hash,
        }  # fmt: skip
        yield [values.get(column) for column in COLUMNS]


def _money(source: Source, charge: Charge, share: float) -> dict[str, Cell]:
    """Return the costs, and the quantity they are priced by: hours of machines, else money itself."""
    cost = charge.cost * share
    told: dict[str, Cell] = dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), cost)
    if charge.hours:
        quantity, unit, price = charge.hours * share, "Hours", charge.cost / charge.hours
    else:
        quantity, unit, price = cost, source.currency, 1.0
    told |= {"PricingQuantity": quantity, "PricingUnit": unit, "ListUnitPrice": price}
    return told | {"ConsumedQuantity": quantity, "ConsumedUnit": unit}


def _months(
    begin: datetime.datetime, end: datetime.datetime
) -> Iterator[tuple[datetime.datetime, datetime.datetime, datetime.datetime, datetime.datetime]]:
    at = begin
    while at < end:
        first = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = (first + datetime.timedelta(days=32)).replace(day=1)
        until = min(end, following)
        yield at, until, first, following
        at = until


def _utc(at: datetime.datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
