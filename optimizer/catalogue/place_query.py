"""What a planner looks up of places: prices by region, round trips to regions, and what is known of one region.

Pure functions from a catalogue and filters to a small table, as in `optimizer.catalogue.query`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optimizer.catalogue.query import require_known
from optimizer.catalogue.select import unknown_ids
from optimizer.errors import InputError

if TYPE_CHECKING:
    from optimizer.catalogue.catalogue import Catalogue

WAYS = ("on_demand", "spot")
NOT_KNOWN = "not known"


def list_prices(
    catalogue: Catalogue,
    *,
    accelerator: Sequence[str],
    provider: Sequence[str] | None = None,
    region: Sequence[str] | None = None,
    country: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The cheapest hour of one device of an accelerator by region: on demand and on spot, the machine it is of.

    Prices are the machine's divided by its devices; date, availability and source are of the offer on demand, of that
    on spot where there is no other.
    """
    require_known("accelerator", accelerator, catalogue.accelerators.index)
    require_known("provider", provider, catalogue.providers.index)
    require_known("region", region, catalogue.regions.index)
    require_known("country of a region", country, set(catalogue.regions.country))
    rows = catalogue.offers
    rows = rows[rows.accelerator.isin(list(accelerator)) & (rows.devices > 0)]
    rows = rows.assign(country=rows.region_id.map(catalogue.regions.country))
    for column, asked in (("provider", provider), ("region_id", region), ("country", country)):
        rows = rows if asked is None else rows[rows[column].isin(list(asked))]
    rows = rows.assign(usd_per_device_hour=rows.price_usd_per_hour / rows.devices)
    rows = rows.dropna(subset=["usd_per_device_hour"]).sort_values(["usd_per_device_hour", "offer_id"])
    key = ["region_id", "country", "accelerator"]
    cheapest = rows.drop_duplicates([*key, "purchase"])
    best = cheapest.sort_values("purchase", kind="stable").drop_duplicates(key).set_index(key)
    out = best[["sku", "devices", "price_date", "price_quality", "availability", "source"]].copy()
    for way in reversed(WAYS):
        price = cheapest[cheapest.purchase.eq(way)].set_index(key).usd_per_device_hour
        out.insert(0, f"{way}_usd_per_device_hour", price.reindex(out.index))
    out = out.reset_index()
    return out.sort_values([f"{way}_usd_per_device_hour" for way in WAYS], ignore_index=True)


def list_roundtrips(
    catalogue: Catalogue,
    *,
    origin: Sequence[str],
    region: Sequence[str] | None = None,
    provider: Sequence[str] | None = None,
    country: Sequence[str] | None = None,
    max_ms: float | None = None,
) -> pd.DataFrame:
    """Round trips from users in a country or city (`DE`, `DE:Munich`), or from a region, to regions; nearest first.

    `within_ms`: nine of ten measured round trips of the pair of continents differ by no more from the estimate; empty
    for a figure that was measured itself, and between regions.
    """
    require_known("region", region, catalogue.regions.index)
    require_known("provider", provider, catalogue.providers.index)
    require_known("country of a region", country, set(catalogue.regions.country))
    places = [place for place in origin if place in catalogue.user_places]
    sources = [place for place in origin if place in catalogue.regions.index]
    unknown = [place for place in origin if place not in catalogue.user_places and place not in sources]
    if unknown:
        raise InputError(unknown_ids("origin", unknown, [*catalogue.user_places, *catalogue.regions.index]))
    rows = catalogue.regions
    for column, asked in (("region_id", region), ("provider", provider), ("country", country)):
        rows = rows if asked is None else rows[rows[column].isin(list(asked))]
    ids = list(rows.index)
    parts = []
    if places:
        rtt, quality = catalogue.user_rtt(places, ids)
        parts.append(_pairs(places, rows, rtt, quality, catalogue.user_rtt_error(places, ids)))
    if sources:
        rtt, quality = catalogue.region_rtt(sources, ids)
        parts.append(_pairs(sources, rows, rtt, quality, np.full(rtt.shape, np.nan)))
    out = pd.concat(parts, ignore_index=True)
    if max_ms is not None:
        out = out[out.rtt_ms <= max_ms]
    return out.sort_values(["origin", "rtt_ms", "region_id"], ignore_index=True)


def _pairs(
    origins: Sequence[str], rows: pd.DataFrame, rtt: np.ndarray, quality: np.ndarray, within: np.ndarray
) -> pd.DataFrame:
    """Return one row for each origin and region."""
    return pd.concat([
        pd.DataFrame({
            "origin": origin, "region_id": rows.index, "name": rows["name"].to_numpy(),
            "country": rows.country.to_numpy(), "rtt_ms": np.round(rtt[k], 2), "within_ms": within[k],
            "quality": quality[k],
        })
        for k, origin in enumerate(origins)
    ], ignore_index=True)  # fmt: skip


def list_region(catalogue: Catalogue, *, region: str) -> pd.DataFrame:
    """What is known of a region, and what is not: a row for each fact with its unit, how it was had and its source."""
    require_known("region", [region], catalogue.regions.index)
    row: pd.Series = catalogue.regions.loc[[region]].iloc[0]
    operator: pd.Series = catalogue.providers.loc[[row.provider]].iloc[0]
    facts = [*_place(row), *_operator(operator), *_footprint(row), *_money(catalogue, region), *_offered(
        catalogue, region)]  # fmt: skip
    table = pd.DataFrame(facts, columns=["of", "fact", "value", "unit", "quality", "source"])
    missing = [value is None or value == "" or pd.isna(value) for value in table.value]
    table["value"] = [NOT_KNOWN if gone else value for value, gone in zip(table.value, missing, strict=True)]
    table.loc[missing, ["unit", "quality", "source"]] = ""
    return table


Fact = tuple[str, str, Any, str, str, str]


def _place(row: pd.Series) -> Iterator[Fact]:
    source = str(row.source)
    for fact, column in (("provider", "provider"), ("name", "name"), ("country", "country"),
                         ("subdivision", "subdivision"), ("city", "city"), ("metro", "metro"),
                         ("access", "access")):  # fmt: skip
        yield "place", fact, row[column], "", "", source
    position = None if np.isnan(row.lat) else f"{row.lat:.4f}, {row.lon:.4f}"
    yield "place", "position", position, "degrees", str(row.position_quality), source
    yield "place", "zones", row.zones, "", "", source


def _operator(row: pd.Series) -> Iterator[Fact]:
    def named(countries: Any) -> str | None:
        return ", ".join(sorted(countries)) if countries else None

    yield "operator", "headquarters", row.hq_country, "", "", ""
    yield "operator", "owned from", named(row.control_ownership) if row.control_known else None, "", "", ""
    yield "operator", "can be compelled by", named(row.control_strict) if row.control_known else None, "", "", ""


def _footprint(row: pd.Series) -> Iterator[Fact]:
    yield ("carbon", "grid, life cycle", row.grid_lifecycle_g_per_kwh, "g/kWh", _quality(row.grid_quality,
           row.grid_year), f"zone {row.grid_zone}")  # fmt: skip
    yield ("carbon", "grid, direct", row.grid_direct_g_per_kwh, "g/kWh", _quality("", row.grid_direct_year),
           row.grid_direct_source)  # fmt: skip
    yield ("carbon", "matched by yearly claims", row.matched_yearly_share, "share",
           _quality(row.matched_yearly_scope, row.matched_yearly_year), row.matched_source)  # fmt: skip
    yield "carbon", "PUE", row.pue, "", _quality(row.pue_quality, row.pue_year), row.pue_source
    yield "water", "WUE", row.wue_l_per_kwh, "l/kWh", _quality(row.wue_quality, row.wue_year), row.pue_source
    yield "water", "of the grid", row.water_l_per_kwh_grid, "l/kWh", str(row.water_quality), ""


def _quality(quality: Any, year: Any) -> str:
    known = [str(quality)] if quality and not pd.isna(quality) else []
    return ", ".join([*known, *([f"{int(year)}"] if not pd.isna(year) and year else [])])


def _money(catalogue: Catalogue, region: str) -> Iterator[Fact]:
    provider, _, name = region.partition(":")
    rows = catalogue.storage
    rows = rows[rows.provider.eq(provider) & rows.region.isin([name, "*"])]
    source = str(rows.source.iloc[0]) if len(rows) else ""
    stored = float(catalogue.storage_usd_per_gb_month([region]).iloc[0])
    sent = float(catalogue.internet_egress_usd_per_gb([region]).iloc[0])
    yield "prices", "storage", stored, "USD per GB-month", "listed", source
    yield "prices", "egress to users", sent, "USD per GB", "listed", source


def _offered(catalogue: Catalogue, region: str) -> Iterator[Fact]:
    rows = catalogue.offers[catalogue.offers.region_id.eq(region)]
    for chip in sorted(set(rows.accelerator[rows.devices > 0])):
        prices = list_prices(catalogue, accelerator=[chip], region=[region]).iloc[:1]
        for price in prices.to_dict("records"):
            both = [f"{price[f'{way}_usd_per_device_hour']:.4g} {way}" for way in WAYS
                    if not pd.isna(price[f"{way}_usd_per_device_hour"])]  # fmt: skip
            told = ", ".join(filter(None, (price["availability"], price["price_quality"], price["price_date"])))
            yield "offers", chip, ", ".join(both), "USD per device-hour", told, price["source"]
    plain = rows[~(rows.devices > 0)]
    yield "offers", "machines without accelerator", len(plain), "offers", "", ""
    yield "offers", "managed endpoints", int(catalogue.endpoints.region_id.eq(region).sum()), "endpoints", "", ""
