"""Prices read later than the offers: euro figures as euros, newer machines and list prices, observed spot, quarantine.

`amend_prices` takes the tables of offers and SKUs as they are and may be applied again to its own result.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd

from catalogue_parts.common import read_csv
from optimizer.catalogue.spot import implausible_spot

NEWEST_READING = "2026-09-26"
ADDONS = ("hikube",)
"""Whose `gpu-addon-…` rows price a device that is attached to a machine of its own: nothing runs on it alone."""
METERS_ALONE = ("azure", "azure-us-gov")
"""Whose offers are known from a price list alone, which has meters of regions that do not carry the machine."""
ZONES = {"fr-par": ("fr-par-1", "fr-par-2"), "pl-waw": ("pl-waw-2",)}
NEW_MACHINES = (
    # provider, regions, SKU, accelerator, devices, availability, date of the reading (None: the row is undated)
    ("aws", ("eu-west-3",), "p6-b200.48xlarge", "B200", 8.0, "verified", "2026-09-26"),
    ("aws", ("eu-north-1",), "p5.4xlarge", "H100", 1.0, "verified", "2026-09-26"),
    ("gcp", ("us-central1",), "a3-ultragpu-8g", "H200", 8.0, "verified", "2026-09-19"),
    ("gcp", ("us-east4", "us-west1"), "a3-ultragpu-8g", "H200", 8.0, "verified", None),
    ("ovhcloud", ("GRA11", "EU-WEST-PAR"), "h200-1920", "H200", 8.0, "assumed", "2026-09-26"),
)
LIST_PRICES = (
    # provider, accelerator, part of the SKU's name, date: USD per device of a list that holds for all its regions
    ("nebius", "H100", "h100", "2026-10-01"),
    ("nebius", "H200", "h200", "2026-10-01"),
    ("nebius", "B200", "b200", "2026-10-01"),
    ("nebius", "B300", "b300", "2026-09-19"),
    ("crusoe", "H100", "h100", "2026-09-19"),
    ("crusoe", "H200", "h200", "2026-09-19"),
    ("crusoe", "L40S", "l40s", "2026-09-19"),
    ("crusoe", "MI300X", "mi300x", "2026-09-19"),
    ("coreweave", "H100", "h100", "2026-09-19"),
    ("coreweave", "H200", "h200", "2026-09-19"),
    ("digitalocean", "H100", "h100", "2026-08-01"),
)
LISTED_MACHINES = (
    # provider, pattern of the SKU's name, machine of the list, date: USD per device, in all regions of the provider
    ("runpod", "*_H100-SXM_SECURE", "secure H100 SXM", "2026-11-09"),
    ("runpod", "*_H100_SECURE", "secure H100 PCIe", "2026-09-13"),
    ("runpod", "*_H100-NVL_SECURE", "secure H100 NVL", "2026-09-13"),
    ("runpod", "*_B200_SECURE", "secure B200", "2026-09-13"),
    ("runpod", "*_A100-80GB-SXM_SECURE", "secure A100 SXM", "2026-09-13"),
    ("hyperstack", "n3-H100-SXM5x8", "H100 SXM", "2026-09-19"),
    ("hyperstack", "n3-H100x?", "H100 PCIe", "2026-09-19"),
    ("hyperstack", "n3-H100x8-NVLink", "H100 NVLink", "2026-09-19"),
    ("hyperstack", "n3-A100x?", "A100 PCIe", "2026-09-19"),
    ("lambda", "gpu_1x_b200_sxm6", "1x B200", "2026-09-19"),
    ("lambda", "gpu_1x_h100_sxm5", "1x H100 SXM", "2026-09-19"),
    ("lambda", "gpu_1x_h100_pcie", "1x H100 PCIe", "2026-09-19"),
    ("lambda", "gpu_1x_gh200", "1x GH200", "2026-09-19"),
    ("crusoe", "a100-80gb.1x", "A100 PCIe", "2026-09-19"),
    ("coreweave", "gd-8xa100", "A100", "2026-09-19"),
    ("coreweave", "gb200-4x", "GB200 NVL72 slice", "2026-09-19"),
    ("nebius", "gpu-rtx-pro-6000*", "RTX PRO 6000", "2026-09-19"),
    ("oci", "BM.GPU.H200.8", "BM.GPU.H200.8", "2026-09-19"),
    ("oci", "BM.GPU.H100.8", "BM.GPU.H100.8", "2026-09-19"),
    ("oci", "BM.GPU.L40S.4", "BM.GPU.L40S.4", "2026-09-19"),
    ("oci", "BM.GPU.A100-v2.8", "BM.GPU.A100-v2.8", "2026-09-19"),
    ("oci", "BM.GPU.A10.4", "BM.GPU.A10.4", "2026-09-19"),
)
FROZEN = "2025-05-31"
"""Day before the price cut that a copy does not have: it is older than the day it was read."""
AFTER_B300 = "2025-11-30"
"""An undated file lists a machine that came out then: it is no older."""


def amend_prices(
    source: Path, offers: pd.DataFrame, skus: pd.DataFrame, accelerators: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return offers and SKUs with later prices, and the spot prices that are quarantined."""
    sovereign = read_csv(source / "additions/prices/sovereign_offers.csv")
    newer = read_csv(source / "additions/prices/offers_newer.csv")
    addon = offers.provider.isin(ADDONS) & offers.sku.str.startswith("gpu-addon-")
    skus = skus[~(skus.provider.isin(ADDONS) & skus.sku.str.startswith("gpu-addon-"))]
    added = pd.concat([_scaleway(sovereign), _new_machines(newer)], ignore_index=True)
    gpu_of_scaleway = offers.provider.eq("scaleway") & offers.accelerator.notna()
    old = addon | gpu_of_scaleway | offers.offer_id.isin(added.offer_id)
    offers = pd.concat([offers[~old], added], ignore_index=True)
    skus = pd.concat([skus, _new_skus(added, skus, accelerators)], ignore_index=True)
    offers = _in_euros(_listed_later(offers, newer), sovereign)
    by_meter = offers.provider.isin(METERS_ALONE) & offers.availability.eq("verified")
    offers["availability"] = offers.availability.mask(by_meter, "price_meter")
    offers, quarantined = _spot(source, offers)
    offers["price_usd_per_hour"] = offers.price_usd_per_hour.round(6)
    return offers.sort_values("offer_id", ignore_index=True), skus, quarantined


def _row(region: pd.Series | str, row: pd.DataFrame, **more: object) -> pd.DataFrame:
    table = row.assign(region_id=region, purchase="on_demand", region_specific=True, spot_interruption=np.nan, **more)
    table["offer_id"] = table.region_id + ":" + table.sku + ":on_demand"
    return table[["offer_id", "region_id", "provider", "sku", "accelerator", "devices", "price_date", "availability",
                  "currency", "region_specific", "source", "purchase", "price_usd_per_hour", "price_quality",
                  "spot_interruption"]]  # fmt: skip


def _scaleway(sovereign: pd.DataFrame) -> pd.DataFrame:
    """Return the GPU prices of the provider's own answers, in euros, one row per region."""
    table = sovereign[sovereign.provider.eq("scaleway") & sovereign.price_date.ge(NEWEST_READING)]
    table = table[table.native_currency.eq("EUR")].assign(
        price_usd_per_hour=table.usd_per_hour, currency="EUR", price_quality="listed", availability="verified",
        devices=table.devices.astype(float),
    )  # fmt: skip
    parts = []
    for region, zones in ZONES.items():
        own = table[[bool(set(cell.split(", ")) & set(zones)) for cell in table.region]]
        parts.append(_row(f"scaleway:{region}", own))
    return pd.concat(parts, ignore_index=True).drop_duplicates("offer_id")


def _new_machines(newer: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for provider, regions, sku, accelerator, devices, availability, date in NEW_MACHINES:
        rows = newer[newer.provider.eq(provider) & newer.sku.eq(sku) & newer.kind.eq("on_demand")]
        dated = rows[rows.price_date.astype(str).eq(date or "2026")]
        for region in regions:
            own = dated[dated.region.eq(region)] if dated.region.eq(region).any() else dated
            own = own.head(1).assign(
                accelerator=accelerator, devices=devices, availability=availability, price_date=date or "",
                price_usd_per_hour=own.usd_per_hour.head(1), currency=own.native_currency,
                price_quality="listed" if date else "unverified",
            )  # fmt: skip
            parts.append(_row(f"{provider}:{region}", own))
    return pd.concat(parts, ignore_index=True)


def _new_skus(added: pd.DataFrame, skus: pd.DataFrame, accelerators: pd.DataFrame) -> pd.DataFrame:
    """Return the SKUs that are new, with what their devices say; vCPUs, memory and power of the host are not known."""
    known = set(zip(skus.provider, skus.sku, strict=True))
    new = added[[key not in known for key in zip(added.provider, added.sku, strict=True)]]
    new = new.drop_duplicates(["provider", "sku"])
    memory = new.accelerator.map(accelerators.set_index("accelerator").memory_gb)
    table = pd.DataFrame({
        "provider": new.provider, "sku": new.sku, "accelerator": new.accelerator, "devices": new.devices,
        "device_memory_gb": memory, "arch": "x86_64", "power_quality": "missing", "embodied_quality": "missing",
        "lifetime_hours": 52_560, "source": new.source,
    })  # fmt: skip
    return table.reindex(columns=skus.columns)


def _listed_later(offers: pd.DataFrame, newer: pd.DataFrame) -> pd.DataFrame:
    """Put a provider's later list price, by the device and the same in all regions, in the place of older ones."""
    for provider, accelerator, part, date in LIST_PRICES:
        rows = newer[newer.provider.eq(provider) & newer.accelerator.eq(accelerator) & newer.price_date.eq(date)]
        named = offers.accelerator.eq(accelerator) & offers.sku.str.lower().str.contains(part, regex=False)
        _put(offers, provider, named, rows, date)
    for provider, pattern, machine, date in LISTED_MACHINES:
        rows = newer[newer.provider.eq(provider) & newer.sku.eq(machine) & newer.price_date.eq(date)]
        _put(offers, provider, offers.sku.map(lambda sku, of=pattern: fnmatchcase(sku, of)), rows, date)
    return offers


def _put(offers: pd.DataFrame, provider: str, named: pd.Series, rows: pd.DataFrame, date: str) -> None:
    """Put the price by the device of a list of some day where what is there is older."""
    own = offers.provider.eq(provider) & offers.purchase.eq("on_demand") & named
    own &= offers.price_date.fillna("") < date
    offers.loc[own, "price_usd_per_hour"] = float(rows.usd_per_device_hour.iloc[0]) * offers.devices[own]
    offers.loc[own, ["price_date", "source", "price_quality"]] = [date, str(rows.source.iloc[0]), "listed"]


def _in_euros(offers: pd.DataFrame, sovereign: pd.DataFrame) -> pd.DataFrame:
    """Put OVHcloud's list in euros in the place of other prices: one list for all its regions, and what was read in
    January and again in September had not changed.
    """
    rows = sovereign[sovereign.provider.eq("ovhcloud") & sovereign.native_currency.eq("EUR")]
    rows = rows.sort_values("price_date").drop_duplicates("sku", keep="last").set_index("sku")
    own = offers.provider.eq("ovhcloud") & offers.purchase.eq("on_demand") & offers.sku.isin(rows.index)
    for column, of in (("price_usd_per_hour", "usd_per_hour"), ("price_date", "price_date"), ("source", "source")):
        offers[column] = offers[column].mask(own, offers.sku.map(rows[of]))
    offers["currency"] = offers.currency.mask(own, "EUR")
    offers["price_quality"] = offers.price_quality.mask(own, "listed")
    return offers


def _spot(source: Path, offers: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put prices seen on the spot market, the median over zones, in the place of what a saving's cap says; and take out
    what is implausibly far below list, and what only repeats the price on demand.
    """
    seen = _observed(source)
    is_spot = offers.purchase.eq("spot")
    at = offers.offer_id.map(seen.usd)
    found = is_spot & at.notna() & offers.price_quality.eq("derived")
    for column, values in (
        ("price_usd_per_hour", at), ("price_date", offers.offer_id.map(seen.date)),
        ("source", offers.offer_id.map(seen.source)),
    ):  # fmt: skip
        offers[column] = offers[column].mask(found, values)
    offers["price_quality"] = offers.price_quality.mask(found, "measured")
    on_demand = offers[offers.purchase.eq("on_demand")].set_index(["region_id", "sku"]).price_usd_per_hour
    list_usd = np.array([on_demand.get(key, np.nan) for key in zip(offers.region_id, offers.sku, strict=True)])
    share = offers.price_usd_per_hour / list_usd
    meter = is_spot & offers.provider.isin(METERS_ALONE) & share.ge(0.995)  # the price list repeats the other meter
    reason = [
        implausible_spot(part, quality) if spot else ""
        for part, quality, spot in zip(share, offers.price_quality, is_spot, strict=True)
    ]
    out = pd.Series(reason, index=offers.index).ne("")
    quarantined = offers[out][["offer_id", "price_usd_per_hour", "price_date", "price_quality", "source"]].assign(
        on_demand_usd_per_hour=list_usd[out], reason=[text for text in reason if text]
    )
    return offers[~out & ~meter].reset_index(drop=True), quarantined.sort_values("offer_id", ignore_index=True)


def _observed(source: Path) -> pd.DataFrame:
    """Return market prices by offer: of the latest file that has the machine, the median over the region's zones."""
    table = read_csv(source / "additions/prices/spot_prices.csv")
    table = table[table.kind.eq("market") & table.spot_usd_per_hour.gt(0)].copy()
    day = table.price_date.astype(str)
    table["date"] = day.mask(day.eq("2025-05"), FROZEN).mask(day.eq("2026"), AFTER_B300)
    table["offer_id"] = table.provider + ":" + table.region + ":" + table.sku + ":spot"
    latest = table.groupby("offer_id").date.transform("max")
    return table[table.date.eq(latest)].groupby("offer_id").agg(
        usd=("spot_usd_per_hour", "median"), date=("date", "first"), source=("source", "first")
    )
