"""Tables of the world from a catalogue written inside the instance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.compile.commitments import groups
from optimizer.compile.offers import CPU, REGION_COLUMNS, committed_row, complete, region_closed
from optimizer.compile.purchases import purchases_of, reserved_rows
from optimizer.errors import Issue
from optimizer.instance.models import Instance
from optimizer.instance.world import CatalogueUse, InlineCatalogue, InlineOffer

EXPORT_COLUMNS = ("tpp", "performance_density", "memory_bandwidth_gb_per_s", "vendor_country")
ACCELERATOR_COLUMNS = ("software", *EXPORT_COLUMNS)


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def inline_regions(use: CatalogueUse, inline: InlineCatalogue) -> pd.DataFrame:
    """Return the inline regions (RangeIndex, REGION_COLUMNS); `open` are those the instance may use."""
    rows = [
        {
            "region_id": region.id,
            "provider": region.provider,
            "region": region.id.removeprefix(f"{region.provider}:"),
            "name": region.id,
            "country": region.country,
            "subdivision": region.subdivision or "",
            "metro": region.metro or region.id,
            "lat": _number(region.lat),
            "lon": _number(region.lon),
            "access": "public",
            "granularity": "region",
            "pue": _number(region.pue),
            "pue_quality": "stated" if region.pue is not None else "missing",
            "wue_l_per_kwh": _number(region.wue_l_per_kwh),
            "wue_quality": "stated" if region.wue_l_per_kwh is not None else "missing",
            "water_l_per_kwh_grid": np.nan,
            "grid_quality": "stated" if region.grid_g_per_kwh is not None else "missing",
            "grid_zone": "",
            "fixed_usd_per_hour": region.fixed_usd_per_hour,
        }
        for region in inline.regions
    ]
    regions = pd.DataFrame(rows, columns=list(REGION_COLUMNS))
    regions["closed_reason"], regions["closed_rule"] = region_closed(use, regions, use.providers)
    regions["open"] = regions.closed_reason.eq("")
    return regions


def inline_grid(inline: InlineCatalogue, periods: int, issues: list[Issue]) -> NDArray[np.float64]:
    """Return g CO2e/kWh [regions, periods]; a list must have one value per period."""
    grid = np.full((len(inline.regions), periods), np.nan)
    for row, region in enumerate(inline.regions):
        stated = region.grid_g_per_kwh
        if stated is None:
            continue
        if isinstance(stated, tuple) and len(stated) != periods:
            issues.append(Issue(
                f"grid_g_per_kwh has {len(stated)} values for {periods} periods",
                where=f"catalogue.inline.regions[{region.id}]",
            ))  # fmt: skip
            continue
        grid[row] = stated
    return grid


def inline_providers(inline: InlineCatalogue, regions: pd.DataFrame) -> pd.DataFrame:
    """Return who controls each provider (index) and its certifications; what is not stated is not known."""
    stated = {provider.id: provider for provider in inline.providers}
    rows = []
    for name in dict.fromkeys([*stated, *regions.provider]):
        provider = stated.get(name)
        home = frozenset(c for c in [provider.headquarters if provider else None] if c)
        owners = home | frozenset(c for c in [provider.parent if provider else None] if c)
        control = frozenset(provider.control or ()) if provider else frozenset()
        rows.append({
            "provider": name,
            "hq_country": next(iter(home), ""),
            "control_ownership": owners or control,
            "control_strict": control | owners,
            "control_known": provider is not None and provider.control is not None,
            "certifications": frozenset(provider.certifications) if provider else frozenset(),
        })  # fmt: skip
    table = pd.DataFrame(rows, columns=["provider", "hq_country", "control_ownership", "control_strict",
                                        "control_known", "certifications"])  # fmt: skip
    return table.set_index("provider")


def inline_accelerators(inline: InlineCatalogue, *, listed: bool) -> pd.DataFrame:
    """Return the accelerators named by inline offers (index).

    If they are `listed` in the bundled catalogue by the same name, they have its figures that export rules look at.
    """
    software: dict[str, str] = {}
    for offer in inline.offers:
        software.setdefault(offer.accelerator, (offer.software or "").lower())
    table = pd.DataFrame(
        {"software": list(software.values())}, index=pd.Index(list(software), name="accelerator", dtype=object)
    )
    table = table.reindex(columns=list(ACCELERATOR_COLUMNS))
    if not listed or not len(table):
        return table
    from optimizer.catalogue import bundled_accelerators

    known = bundled_accelerators().reindex(table.index)
    return table.assign(**{column: known[column] for column in EXPORT_COLUMNS})


def _offer_row(offer: InlineOffer, region: int, regions: pd.DataFrame, embodied: bool) -> dict[str, object]:
    country = str(regions.country[region])
    known = offer.idle_kw is not None and offer.load_kw is not None
    return {
        "offer_id": f"{offer.region}:{offer.sku}:{offer.purchase}",
        "kind": "instance",
        "region": region,
        "region_id": offer.region,
        "provider": regions.provider[region],
        "country": country,
        "sku": offer.sku,
        "purchase": offer.purchase,
        "price_usd_per_hour": offer.usd_per_hour,
        "price_quality": "stated",
        "spot_interruption": np.nan if offer.interruption_share is None else offer.interruption_share,
        "availability": "verified",
        "scope": "region",
        "scope_countries": frozenset((country,)),
        **_sku_figures(offer, embodied),
        "power_quality": "stated" if known else "missing",
    }


def _sku_figures(offer: InlineOffer, embodied: bool) -> dict[str, object]:
    return {
        "accelerator": offer.accelerator,
        "devices": 0.0 if offer.accelerator == CPU else offer.devices,
        "counted_devices": offer.vcpus if offer.accelerator == CPU else offer.devices,
        "device_memory_gb": _number(offer.device_memory_gb),
        "software": (offer.software or "").lower(),
        "arch": offer.arch or "",
        "idle_kw": _number(offer.idle_kw),
        "load_kw": _number(offer.load_kw),
        "power_quality": "stated" if offer.idle_kw is not None and offer.load_kw is not None else "missing",
        "embodied_kg_per_hour": _number(offer.embodied_kg_per_hour) if embodied else 0.0,
        "embodied_quality": "stated" if not embodied or offer.embodied_kg_per_hour is not None else "missing",
    }


def inline_offers(instance: Instance, regions: pd.DataFrame, issues: list[Issue]) -> pd.DataFrame:
    """Return inline instance offers, endpoints and commitments (OFFER_COLUMNS); unknown references are issues."""
    inline = instance.catalogue.inline
    assert inline is not None
    index = {region: k for k, region in enumerate(regions.region_id)}
    embodied = instance.carbon.embodied != "none"
    rows: list[dict[str, object]] = []
    for k, offer in enumerate(inline.offers):
        if offer.region in index:
            rows.append(_offer_row(offer, index[offer.region], regions, embodied))
        else:
            issues.append(Issue(f"unknown region {offer.region!r}", where=f"catalogue.inline.offers[{k}]"))
    for k, endpoint in enumerate(inline.endpoints):
        if endpoint.region not in index:
            issues.append(Issue(f"unknown region {endpoint.region!r}", where=f"catalogue.inline.endpoints[{k}]"))
            continue
        region = index[endpoint.region]
        country = str(regions.country[region])
        rows.append({
            "offer_id": f"{endpoint.region}:{endpoint.id}",
            "kind": "endpoint", "region": region, "region_id": endpoint.region, "provider": regions.provider[region],
            "country": country, "endpoint": endpoint.id, "model": endpoint.model, "model_raw": endpoint.model,
            "mode": "chat", "devices": 0.0, "counted_devices": 0.0, "price_quality": "stated",
            "availability": "verified", "scope": "region" if not endpoint.countries else "countries",
            "scope_countries": frozenset(endpoint.countries) or frozenset((country,)),
            "usd_per_unit": endpoint.usd_per_unit, "kg_per_unit": _number(endpoint.kg_per_unit),
            "embodied_kg_per_unit": _number(endpoint.embodied_kg_per_unit),
            "kwh_per_unit": _number(endpoint.kwh_per_unit),
        })  # fmt: skip
    rows += _committed(instance, inline.offers, index, regions, issues)
    rows += _reserved(instance, inline.offers, regions)
    twice = pd.Series([row["offer_id"] for row in rows], dtype=object)
    for offer_id in sorted(set(twice[twice.duplicated()])):
        issues.append(Issue(f"offer {offer_id!r} is stated twice", where="catalogue.inline"))
    return complete(pd.DataFrame(rows).assign(own=True))


def _reserved(instance: Instance, offers: Sequence[InlineOffer], regions: pd.DataFrame) -> list[dict[str, object]]:
    """Return the offers that run on commitments to buy, with the facts of their SKU, if need be of another region."""
    if instance.buy is None:
        return []
    hours = sum(period.hours for period in instance.horizon.resolved())
    figures: dict[tuple[object, object], dict[str, object]] = {}
    for offer in reversed(offers):
        figures["", offer.sku] = figures[offer.region, offer.sku] = _sku_figures(
            offer, instance.carbon.embodied != "none"
        )
    rows = reserved_rows(purchases_of(instance, None, regions), regions, hours, instance.buy.expected_use_months)
    facts = (figures.get((row["region_id"], row["sku"])) or figures.get(("", row["sku"])) for row in rows)
    return [{**row, **known} for row, known in zip(rows, facts, strict=True) if known is not None]


def _committed(
    instance: Instance, offers: Sequence[InlineOffer], index: dict[str, int], regions: pd.DataFrame, issues: list[Issue]
) -> list[dict[str, object]]:
    rows = []
    embodied = instance.carbon.embodied != "none"
    for group in groups(instance):
        commitment = group[0]
        same = [offer for offer in offers if offer.sku == commitment.sku]
        here = [offer for offer in same if offer.region == commitment.region]
        if commitment.region not in index or not same:
            what = f"unknown region {commitment.region!r}" if same else f"unknown SKU {commitment.sku!r}"
            issues.append(Issue(what, where=f"commitments[id={commitment.id}]"))
            continue
        row = committed_row(group, index[commitment.region], regions)
        rows.append({**row, **_sku_figures((here or same)[0], embodied)})
    return rows
