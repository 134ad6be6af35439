"""Commitments for sale: reserved instances, committed use, savings plans and monthly prices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from catalogue_parts.common import read_csv

HOURS_PER_MONTH = 730.0
KINDS = {
    "reserved_instance_standard": "instances",
    "reserved_instance": "instances",
    "reservation": "instances",
    "committed_use_resource_based": "instances",
    "monthly_billing": "instances",
    "savings_plan_compute": "plan",
    "savings_plan_ec2_instance": "plan",
}
"""What is taken over. Convertible instances cost more than standard ones and differ in what may be swapped; capacity
blocks stand for days; rows of the others state no term, no region, or the price of one device."""
PAYMENTS = {
    "no_upfront": "no_upfront", "partial_upfront": "partial_upfront", "all_upfront": "all_upfront",
    "monthly, no upfront": "no_upfront", "monthly or upfront, same total": "no_upfront", "per_month": "no_upfront",
}  # fmt: skip
QUALITY = {"listed": "listed", "derived": "derived", "listed components added up": "derived"}


def build_commitments(source: Path, offers: pd.DataFrame) -> pd.DataFrame:
    """One row for each (region, SKU, term, payment) of instances for sale, and for each SKU that a plan covers."""
    table = read_csv(source / "additions/prices/commitments.csv")
    table = table[table.commitment.isin(list(KINDS)) & table.payment.isin(list(PAYMENTS)) & table.stale.ne("yes")]
    table = table.assign(months=np.maximum(np.rint(table.term_years * 12.0), 1.0))
    table = _in_every_region(table, offers)
    region = table.provider + ":" + table.region
    known = set(zip(offers.region_id, offers.sku, strict=True))
    table = table[[key in known for key in zip(region, table.sku, strict=True)]].reset_index(drop=True)
    kind = table.commitment.map(KINDS)
    term = [f"{m / 12:g}y" if m % 12 == 0 else f"{m:g}m" for m in table.months]
    payment = table.payment.map(PAYMENTS)
    region = table.provider + ":" + table.region
    family = table.sku.str.split(".").str[0]
    local = table.commitment.eq("savings_plan_ec2_instance")  # covers one family in one region
    plan = np.where(local, region + ":" + family + ":savings_plan:" + term + ":" + payment,
                    table.provider + ":savings_plan:" + term + ":" + payment)  # fmt: skip
    plan = np.where(kind.eq("plan"), plan, "")
    dates, quality = table.price_date.astype(str), table.quality.map(QUALITY).fillna("unverified")
    out = pd.DataFrame({
        "commitment_id": region + ":" + table.sku + ":" + term + ":" + payment + np.where(plan != "", ":plan", ""),
        "region_id": region,
        "provider": table.provider,
        "sku": table.sku,
        "kind": kind,
        "plan": plan,
        "term_months": table.months,
        "payment": payment,
        # of a plan the rate counts, whenever it is paid
        "usd_per_hour": np.where(plan != "", table.effective_hourly_usd, table.hourly_usd).round(6),
        "upfront_usd": np.where(plan != "", 0.0, table.upfront_usd.fillna(0.0)).round(2),
        "price_date": dates.where(dates.str.fullmatch(r"\d{4}-\d\d-\d\d"), ""),
        "price_quality": np.where(table.stale.eq("unknown"), "unverified", quality),
        "source": table.source,
    })  # fmt: skip
    return out.drop_duplicates("commitment_id").sort_values("commitment_id", ignore_index=True)


def _in_every_region(table: pd.DataFrame, offers: pd.DataFrame) -> pd.DataFrame:
    """Write out rows of all regions (`all`) for each region in which the SKU is sold on demand."""
    sold = offers[offers.purchase.eq("on_demand")][["provider", "sku", "region_id"]]
    everywhere = table[table.region.eq("all")].drop(columns="region").merge(sold, on=["provider", "sku"])
    everywhere = everywhere.assign(region=everywhere.region_id.str.split(":", n=1).str[1]).drop(columns="region_id")
    return pd.concat([table[table.region.ne("all")], everywhere], ignore_index=True)
