"""Prices of the bundled catalogue: spot against list, availability by meter, euros, storage; some checked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optimizer.catalogue import load_catalogue
from optimizer.catalogue.spot import implausible_spot


@pytest.fixture(scope="module")
def world() -> Any:
    return load_catalogue()


@pytest.mark.parametrize(
    ("part", "quality", "stands"),
    [
        (0.0901, "listed", True), (0.0899, "listed", False), (0.0899, "measured", False), (0.1, "measured", True),
        (0.12, "derived", False), (0.1201, "derived", True), (0.05, "derived", False), (float("nan"), "derived", True),
        (1.0, "measured", True),
    ],
)  # fmt: skip
def test_the_rule_binds_at_its_limits(part: float, quality: str, stands: bool) -> None:
    """9 % of the price on demand, 12 % for what is made of a saving; without a price on demand nothing is judged."""
    assert (implausible_spot(part, quality) == "") is stands


def test_no_shipped_spot_price_breaks_the_rule(world: Any) -> None:
    """And every quarantined one does, says why, and is not among the offers."""
    spot = world.offers[world.offers.purchase == "spot"]
    listed = (spot.region_id + ":" + spot.sku + ":on_demand").map(world.offers.price_usd_per_hour)
    parts = zip(spot.price_usd_per_hour / listed, spot.price_quality, strict=True)
    assert not any(implausible_spot(part, quality) for part, quality in parts)
    out = world.quarantined_prices
    assert len(out) == 35
    assert not out.index.isin(world.offers.index).any()
    for row in out.itertuples():
        assert implausible_spot(row.price_usd_per_hour / row.on_demand_usd_per_hour, row.price_quality)


def test_observed_prices_carry_their_day(world: Any) -> None:
    """What was seen on a market is `measured` and dated; P4de in Frankfurt is no longer a tenth of the list."""
    seen = world.offers[world.offers.price_quality == "measured"]
    assert len(seen) > 500
    assert seen.price_date.str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    row = world.offers.loc["aws:eu-central-1:p4de.24xlarge:spot"]
    assert row.price_usd_per_hour == pytest.approx(17.9686)
    assert row.price_date == "2025-11-30"


def test_a_meter_of_the_price_list_is_no_verified_offer(world: Any) -> None:
    """Azure is known from its price list alone; where that repeats the price on demand as spot, there is no offer."""
    azure = world.offers[world.offers.provider.isin(["azure", "azure-us-gov"])]
    assert set(azure.availability) == {"price_meter"}
    spot = azure[azure.purchase == "spot"]
    listed = (spot.region_id + ":" + spot.sku + ":on_demand").map(world.offers.price_usd_per_hour)
    assert (spot.price_usd_per_hour < 0.995 * listed).all()
    assert "azure:uksouth:Standard_ND96isr_H200_v5:spot" not in world.offers.index


@pytest.mark.parametrize(
    ("offer", "usd", "date"),
    [
        ("scaleway:fr-par:H100-1-80G:on_demand", 2.8665 / 0.8645, "2026-10-01"),
        ("scaleway:fr-par:H100-SXM-8-80G:on_demand", 25.3308 / 0.8645, "2026-10-01"),
        ("scaleway:pl-waw:L4-1-24G:on_demand", 0.7875 / 0.8645, "2026-10-01"),
        ("scaleway:fr-par:RENDER-S:on_demand", 1.221 / 0.8645, "2026-10-01"),
        ("scaleway:fr-par:B300-SXM-8-288G:on_demand", 60 / 0.8645, "2026-10-01"),
        ("ovhcloud:GRA11:h200-1920:on_demand", 42 / 0.8645, "2026-09-26"),
        ("aws:eu-west-3:p6-b200.48xlarge:on_demand", 174.3172, "2026-09-26"),
        ("gcp:us-central1:a3-ultragpu-8g:on_demand", 84.806908, "2026-09-19"),
        ("nebius:eu-north1:gpu-h100-sxm_8gpu-128vcpu-1600gb:on_demand", 8 * 4.5, "2026-10-01"),
    ],
)
def test_later_prices_are_those_of_their_source(world: Any, offer: str, usd: float, date: str) -> None:
    """Euros at 0.8645 EUR a dollar, dollars as they are, each with its day."""
    row = world.offers.loc[offer]
    assert row.price_usd_per_hour == pytest.approx(usd, rel=1e-5)
    assert row.price_date == date


def test_what_is_attached_to_a_machine_is_no_machine(world: Any) -> None:
    """No add-on is sold alone."""
    assert not world.offers.sku.str.contains("addon").any()


def test_storage_has_a_price_in_the_regions_of_the_large_providers(world: Any) -> None:
    """All of Google's and Oracle's public regions, 27 of 36 of AWS, 34 of 44 of Azure; two read by hand."""
    public = world.regions[world.regions.access.eq("public")]
    known = {
        name: int(np.isfinite(world.storage_usd_per_gb_month(list(own.region_id))).sum())
        for name, own in public.groupby("provider") if name in ("aws", "azure", "gcp", "oci")
    }  # fmt: skip
    total = {name: int((public.provider == name).sum()) for name in known}
    assert known["gcp"] == total["gcp"]
    assert known["oci"] == total["oci"]
    assert (known["aws"], known["azure"]) == (27, 34)
    found = world.storage_usd_per_gb_month(["azure:westeurope", "outscale:cloudgouv-eu-west-1"])
    assert found.tolist() == pytest.approx([float(found.iloc[0]), 0.02794 / 0.8645], rel=1e-3)
