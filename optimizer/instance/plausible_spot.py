"""Spot prices of the user's own that are too far below the price on demand, by the rule of the catalogue's own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from optimizer.catalogue.spot import implausible_spot
from optimizer.instance.models import Instance

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue

TOLD = 20
SPOT = ":spot"


def low_spot(instance: Instance, catalogue: Catalogue | None) -> Iterator[str]:
    """Yield a warning for every spot price below 9 % of the price on demand of the same machine in the same region,
    below the largest discount that any provider states: of the inline catalogue, and of the overlay.
    """
    found = [*_inline(instance), *(_overlaid(instance, catalogue) if catalogue is not None else ())]
    for name, spot_usd, list_usd in found[:TOLD]:
        why = implausible_spot(spot_usd / list_usd, "stated") if list_usd > 0 else ""
        if why:
            yield f"{name} is {spot_usd:,.4g} USD/h on spot, {why} ({list_usd:,.4g} USD/h); plausible is 9 % and more"


def _inline(instance: Instance) -> Iterator[tuple[str, float, float]]:
    inline = instance.catalogue.inline
    offers = inline.offers if inline is not None else ()
    on_demand = {(one.region, one.sku): one.usd_per_hour for one in offers if one.purchase == "on_demand"}
    for k, one in enumerate(offers):
        if one.purchase == "spot" and (one.region, one.sku) in on_demand:
            name = f"catalogue.inline.offers[{k}] ({one.sku} in {one.region})"
            yield name, one.usd_per_hour, on_demand[one.region, one.sku]


def _overlaid(instance: Instance, catalogue: Catalogue) -> Iterator[tuple[str, float, float]]:
    from optimizer.catalogue.overlay_rows import keys_of

    prices: dict[Any, float] = {}
    for k, row in enumerate(instance.catalogue.overlay):
        figures: dict[str, Any] = row.get("set") or row.get("add") or {}
        usd = figures.get("price_usd_per_hour")
        if row.get("table") != "offers" or not isinstance(usd, int | float) or isinstance(usd, bool):
            continue
        if not prices:
            prices = catalogue.offers["price_usd_per_hour"].to_dict()
        for key in keys_of(catalogue, row) or ():
            listed = prices.get(f"{key.removesuffix(SPOT)}:on_demand") if str(key).endswith(SPOT) else None
            if listed is not None and not math.isnan(listed):
                yield f"catalogue.overlay[{k}] ({key.removesuffix(SPOT)})", float(usd), float(listed)
