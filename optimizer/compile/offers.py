"""Tables of the world from the bundled catalogue: regions, open offers, and what was shut for everybody and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.catalogue.machines import is_burstable
from optimizer.catalogue.overlay_rows import key_of_added
from optimizer.catalogue.provider_sets import providers_named
from optimizer.compile.commitments import groups, name_of
from optimizer.compile.endpoints import endpoint_offers
from optimizer.compile.purchases import purchases_of, reserved_rows
from optimizer.errors import Issue

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue
    from optimizer.instance.models import Instance
    from optimizer.instance.rules import Commitment

OFFER_COLUMNS = (
    "offer_id", "kind", "region", "region_id", "provider", "country", "sku", "endpoint", "model", "model_raw", "mode",
    "accelerator", "devices", "counted_devices", "device_memory_gb", "software", "arch", "burstable", "purchase",
    "price_usd_per_hour", "price_quality", "price_date", "price_age_days", "spot_interruption", "availability",
    "idle_kw", "load_kw", "power_quality", "embodied_kg_per_hour", "embodied_quality", "scope", "scope_countries",
    "usd_per_million_input_tokens", "usd_per_million_output_tokens", "usd_per_unit", "kg_per_unit",
    "embodied_kg_per_unit", "kwh_per_unit", "kwh_per_million_output_tokens", "kwh_per_million_input_tokens",
    "high_kwh_per_million_output_tokens", "high_kwh_per_million_input_tokens", "embodied_kg_per_kwh",
    "high_embodied_kg_per_kwh", "commitment", "declared_by", "bought_as", "drawn", "own",
)  # fmt: skip
TEXT = (
    "offer_id", "kind", "region_id", "provider", "country", "sku", "endpoint", "model", "model_raw", "mode",
    "accelerator", "software", "arch", "burstable", "purchase", "price_quality", "price_date", "availability",
    "power_quality", "embodied_quality", "scope", "commitment", "declared_by", "bought_as",
)  # fmt: skip
REGION_COLUMNS = (
    "region_id", "provider", "region", "name", "country", "subdivision", "metro", "lat", "lon", "access", "granularity",
    "pue", "pue_quality", "wue_l_per_kwh", "wue_quality", "water_l_per_kwh_grid", "grid_g_per_kwh_annual",
    "grid_quality", "grid_zone", "matched_yearly_share", "matched_hourly_share",
    "fixed_usd_per_hour", "open", "closed_reason", "closed_rule",
)  # fmt: skip
CLOSED_COLUMNS = ("offer_id", "provider", "region_id", "sku", "endpoint", "retired_on", "reason", "rule")
GRID_COLUMN = {
    "location_lifecycle": "grid_lifecycle_g_per_kwh",
    "location_direct": "grid_direct_g_per_kwh",
    "market_based": "market_based_g_per_kwh",
}
OBSERVED = ("verified", "price_meter")
"""Availability of offers that somebody saw on sale; others, and those that an instance adds, are its own statement."""
CPU = "cpu"
"""Accelerator name under which CPU-only SKUs state throughput and draw on quotas; their devices are vCPUs."""


def complete(offers: pd.DataFrame) -> pd.DataFrame:
    """Return the offer table with every column of OFFER_COLUMNS: text `""`, numbers NaN where absent."""
    out = {}
    for column in OFFER_COLUMNS:
        if column in offers.columns:
            values = offers[column]
            out[column] = values.fillna("").astype(object) if column in TEXT else values
            out[column] = out[column].eq(True) if column == "own" else out[column]
        elif column in TEXT:
            out[column] = pd.Series([""] * len(offers), index=offers.index, dtype=object)
        elif column == "own":
            out[column] = pd.Series([False] * len(offers), index=offers.index)
        elif column == "scope_countries":
            out[column] = pd.Series([None] * len(offers), index=offers.index, dtype=object)
        else:
            out[column] = pd.Series(np.nan, index=offers.index)
    return pd.DataFrame(out).reset_index(drop=True)


def bundled_regions(instance: Instance, catalogue: Catalogue) -> pd.DataFrame:
    """Return all regions of the catalogue (RangeIndex, REGION_COLUMNS); `open` are those the instance may use."""
    use = instance.catalogue
    table = catalogue.regions.reset_index(drop=True)
    regions = table.reindex(columns=list(REGION_COLUMNS))
    regions["metro"] = table.metro.where(table.metro.ne(""), table.region_id)
    regions["grid_g_per_kwh_annual"] = table[GRID_COLUMN[instance.carbon.basis]].to_numpy(dtype=float)
    regions["fixed_usd_per_hour"] = fixed_usd_per_hour(use.fixed_usd_per_hour, table.region_id)
    reason, rule = region_closed(use, table, providers_named(use.providers, catalogue.providers))
    regions["closed_reason"], regions["closed_rule"] = reason, rule
    regions["open"] = regions.closed_reason.eq("")
    return regions


def fixed_usd_per_hour(stated: Mapping[str, float], region_ids: pd.Series) -> NDArray[np.float64]:
    """Return USD per hour of each region that is in use: its own, else that of `*`, else none."""
    general = stated.get("*", 0.0)
    return np.array([stated.get(region, general) for region in region_ids], dtype=np.float64)


def region_closed(
    use: Any, table: pd.DataFrame, providers: tuple[str, ...]
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Return (reason, rule) per region, `""` where it is open; the first that holds is told.

    `providers` are those that the instance allows, none: all.
    """
    country, region, provider = table.country, table.region_id, table.provider
    country_level = "country_level" not in use.availability
    no = pd.Series(False, index=table.index)
    checks = [
        ("not_allowed_provider", "catalogue.providers", ~provider.isin(providers) if providers else no),
        ("not_allowed_provider", "catalogue.exclude_providers", provider.isin(use.exclude_providers)),
        ("not_allowed_region", "catalogue.regions", ~region.isin(use.regions) if use.regions else no),
        ("not_allowed_region", "catalogue.exclude_regions", region.isin(use.exclude_regions)),
        ("not_allowed_region", "catalogue.countries", ~country.isin(use.countries) if use.countries else no),
        ("not_allowed_region", "catalogue.exclude_countries", country.isin(use.exclude_countries)),
        ("partition_not_opted_in", "catalogue.access", ~table.access.isin(use.access)),
        ("availability_not_opted_in", "catalogue.availability", table.granularity.eq("country") & country_level),
    ]
    reason = np.full(len(table), "", dtype=object)
    rule = np.full(len(table), "", dtype=object)
    for code, name, mask in checks:
        hit = mask.to_numpy(dtype=bool) & (reason == "")
        reason[hit], rule[hit] = code, name
    return reason, rule


def bundled_offers(
    instance: Instance, catalogue: Catalogue, regions: pd.DataFrame, on: date
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (open offers with OFFER_COLUMNS, closed offers with offer_id, provider, region_id, reason, rule)."""
    instances = _instance_offers(instance, catalogue)
    endpoints = endpoint_offers(instance, catalogue, regions)
    offers = pd.concat([instances, endpoints], ignore_index=True)
    index = pd.Series(regions.index, index=regions.region_id)
    offers["region"] = offers.region_id.map(index)
    known = offers.region.notna()
    reason = np.where(known, regions.closed_reason.reindex(offers.region.fillna(0)).to_numpy(), "")
    rule = np.where(known, regions.closed_rule.reindex(offers.region.fillna(0)).to_numpy(), "")
    allowed = providers_named(instance.catalogue.providers, catalogue.providers)
    for code, name, mask in _offer_checks(instance, offers, allowed):
        hit = mask & (reason == "")
        reason[hit], rule[hit] = code, name
    closed = offers[list(CLOSED_COLUMNS[:-2])].assign(reason=reason, rule=rule)
    opened = offers[reason == ""].copy()
    opened["region"] = opened.region.astype(np.int64)
    opened["country"] = regions.country.reindex(opened.region).to_numpy()
    own = {country: frozenset((country,)) for country in set(opened.country)}
    opened["scope_countries"] = [
        scope or own[place] for scope, place in zip(opened.scope_countries, opened.country, strict=True)
    ]
    opened["price_age_days"] = _age_days(opened.price_date, on)
    return complete(opened), closed[reason != ""].reset_index(drop=True)


def without_closed(
    offers: pd.DataFrame, closed: pd.DataFrame, regions: pd.DataFrame, excluded: tuple[str, ...]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Move offers in closed regions, which every bundled one there already is, and excluded ones from open to closed.

    `excluded` names offers by id, or endpoints by id, with their region ahead or without.
    """
    reason, rule = (regions[name].to_numpy(dtype=object)[offers.region] for name in ("closed_reason", "closed_rule"))
    if excluded:
        named = offers.offer_id.isin(excluded) | offers.endpoint.isin(excluded)
        named |= (offers.region_id + ":" + offers.endpoint).isin(excluded)
        hit = named.to_numpy(dtype=bool) & (reason == "")
        reason, rule = np.where(hit, "not_allowed_offer", reason), np.where(hit, "catalogue.exclude_offers", rule)
    shut = reason != ""
    if not shut.any():
        return offers, closed
    columns = [name for name in CLOSED_COLUMNS if name in offers]
    moved = offers.loc[shut, columns].assign(retired_on="", reason=reason[shut], rule=rule[shut])
    return offers[~shut].reset_index(drop=True), pd.concat([closed, moved], ignore_index=True)


def _offer_checks(
    instance: Instance, offers: pd.DataFrame, providers: tuple[str, ...]
) -> list[tuple[str, str, NDArray[np.bool_]]]:
    use = instance.catalogue
    endpoint = offers.kind.eq("endpoint").to_numpy()
    horizon_end = pd.Timestamp(instance.horizon.start) + pd.Timedelta(
        hours=sum(period.hours for period in instance.horizon.resolved())
    )
    retired = pd.to_datetime(offers.retired_on.where(offers.retired_on.ne("")), format="%Y-%m-%d", errors="coerce")
    provider_shut = np.zeros(len(offers), dtype=bool)
    if providers:
        provider_shut = ~offers.provider.isin(providers).to_numpy()
    provider_shut |= offers.provider.isin(use.exclude_providers).to_numpy()
    return [
        ("not_allowed_provider", "catalogue.providers", provider_shut),
        ("availability_not_opted_in", "catalogue.availability",
         ~endpoint & ~offers.availability.isin(use.availability).to_numpy()),
        ("endpoint_scope_unspecified", "catalogue.unspecified_endpoint_scope",
         offers.scope_unknown.eq(True).to_numpy()),
        ("endpoint_outside_scope", "catalogue.endpoint_resources", offers.outside_scope.eq(True).to_numpy()),
        ("endpoint_region_unknown", "catalogue.endpoint_resources", endpoint & offers.region.isna().to_numpy()),
        ("endpoint_retired", "", endpoint & (retired < horizon_end).to_numpy()),
    ]  # fmt: skip


def _age_days(dates: pd.Series, on: date) -> NDArray[np.float64]:
    """Return the age of each price in days on the day given; NaN where the price has no date."""
    parsed = pd.to_datetime(dates.where(dates.ne("")), format="%Y-%m-%d", errors="coerce")
    days = (pd.Timestamp(on) - parsed).dt.days
    return np.asarray(days, dtype=np.float64)


def sku_facts(instance: Instance, catalogue: Catalogue, provider: pd.Series, sku: pd.Series) -> pd.DataFrame:
    """Return memory, software, power and embodied carbon of (provider, sku) pairs, aligned to them."""
    rows = catalogue.skus.reindex(pd.MultiIndex.from_arrays([provider, sku]))
    accelerators = catalogue.accelerators
    accelerator = rows.accelerator.fillna("").to_numpy(dtype=object)
    software = accelerators.software.reindex(accelerator).fillna("").to_numpy(dtype=object)
    cpu = accelerator == ""
    devices = rows.devices.to_numpy(dtype=float)
    embodied = {"boavizta": "embodied_kg", "vendor": "embodied_vendor_kg", "none": None}[instance.carbon.embodied]
    kg = np.zeros(len(rows)) if embodied is None else (rows[embodied] / rows.lifetime_hours).to_numpy(dtype=float)
    return pd.DataFrame({
        "accelerator": np.where(cpu, CPU, accelerator),
        "devices": np.where(cpu, 0.0, devices),
        "counted_devices": np.where(cpu, rows.vcpu.to_numpy(dtype=float), devices),
        "device_memory_gb": rows.device_memory_gb.to_numpy(dtype=float),
        "software": np.where(cpu, CPU, software),
        "arch": rows.arch.fillna("").to_numpy(dtype=object),
        "burstable": np.array(["burstable" if is_burstable(name) else "" for name in sku.tolist()], dtype=object),
        "idle_kw": rows.idle_kw.to_numpy(dtype=float),
        "load_kw": rows.load_kw.to_numpy(dtype=float),
        "power_quality": rows.power_quality.fillna("missing").to_numpy(dtype=object),
        "embodied_kg_per_hour": kg,
        "embodied_quality": rows.embodied_quality.fillna("missing").to_numpy(dtype=object),
    })  # fmt: skip


def _instance_offers(instance: Instance, catalogue: Catalogue) -> pd.DataFrame:
    table = catalogue.offers.reset_index(drop=True)
    facts = sku_facts(instance, catalogue, table.provider, table.sku)
    columns = ["offer_id", "region_id", "provider", "sku", "purchase", "price_usd_per_hour", "price_quality",
               "price_date", "spot_interruption", "availability"]  # fmt: skip
    offers = pd.concat([table[columns], facts], axis=1)
    stated = (row["add"] for row in instance.catalogue.overlay if row["table"] == "offers" and "add" in row)
    added = {key_of_added("offers", row) for row in stated}
    return offers.assign(
        kind="instance", endpoint="", retired_on="", scope="region", scope_countries=_stands(offers),
        own=table.offer_id.isin(added) | ~table.availability.isin(OBSERVED),
    )  # fmt: skip


def _stands(offers: pd.DataFrame) -> pd.Series:
    """Placeholder of an instance offer's countries: where it stands, filled in when the region is known."""
    return pd.Series([frozenset()] * len(offers), index=offers.index, dtype=object)


def committed_offers(
    instance: Instance, catalogue: Catalogue, regions: pd.DataFrame, issues: list[Issue]
) -> pd.DataFrame:
    """Return one offer per SKU and region with commitments: price 0, its own pool, facts of the SKU.

    An unknown region or SKU is an issue.
    """
    index = pd.Series(regions.index, index=regions.region_id)
    rows: list[Mapping[str, object]] = []
    known = catalogue.skus.index
    for group in groups(instance):
        commitment = group[0]
        where = f"commitments[id={commitment.id}]"
        if commitment.region not in index.index:
            issues.append(Issue(f"unknown region {commitment.region!r}", where=where))
            continue
        region = int(index[commitment.region])
        provider = str(regions.provider[region])
        if (provider, commitment.sku) not in known:
            issues.append(Issue(f"unknown SKU {commitment.sku!r} of {provider}", where=where))
            continue
        rows.append(committed_row(group, region, regions))
    table = pd.DataFrame(rows)
    if table.empty:
        return complete(table)
    return complete(pd.concat([table, sku_facts(instance, catalogue, table.provider, table.sku)], axis=1))


def reserved_offers(instance: Instance, catalogue: Catalogue, regions: pd.DataFrame) -> pd.DataFrame:
    """Return one offer for each SKU in each region that a commitment to buy covers; unknown SKUs of plans are left out.
    """
    if instance.buy is None:
        return complete(pd.DataFrame())
    purchases = purchases_of(instance, catalogue, regions)
    hours = sum(period.hours for period in instance.horizon.resolved())
    known = set(catalogue.skus.index)
    rows = reserved_rows(purchases, regions, hours, instance.buy.expected_use_months)
    table = pd.DataFrame([row for row in rows if (row["provider"], row["sku"]) in known])
    if table.empty:
        return complete(table)
    known_as = (table.region_id + ":" + table.sku + ":on_demand").map(catalogue.offers.availability)
    table["availability"] = known_as.fillna("verified")  # what is sold on demand as well is as sure as that
    table = table[table.availability.isin(instance.catalogue.availability)].reset_index(drop=True)
    table["price_age_days"] = _age_days(table.price_date, instance.laws.as_of or instance.horizon.start)
    return complete(pd.concat([table, sku_facts(instance, catalogue, table.provider, table.sku)], axis=1))


def committed_row(group: tuple[Commitment, ...], region: int, regions: pd.DataFrame) -> dict[str, object]:
    """Return what the offer of commitments to one SKU in one region is, apart from the facts of the SKU."""
    country = str(regions.country[region])
    return {
        "offer_id": f"commitment:{name_of(group)}",
        "kind": "instance",
        "region": region,
        "region_id": group[0].region,
        "provider": regions.provider[region],
        "country": country,
        "sku": group[0].sku,
        "purchase": "committed",
        "price_usd_per_hour": 0.0,
        "price_quality": "stated",
        "availability": "verified",
        "scope": "region",
        "scope_countries": frozenset((country,)),
        "commitment": name_of(group),
    }
