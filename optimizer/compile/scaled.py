"""A world in which one figure is another than stated: that figure times a factor, everything else as it is.

    price           what an hour of one offer, or a unit of work of one endpoint, costs
    storage, egress what a region charges for a GB kept, or sent anywhere
    power           what every machine of one SKU draws, idle and under load
    pue             the PUE of one region
    time            how long one job takes on one accelerator: its speed over the factor
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.network import Network

if TYPE_CHECKING:
    from optimizer.compile.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Kind = Literal["price", "storage", "egress", "power", "pue", "time"]
PRICES = ("price_usd_per_hour", "usd_per_unit", "usd_per_million_input_tokens", "usd_per_million_output_tokens")
POWER = ("idle_kw", "load_kw")


@dataclass(frozen=True)
class Scaled:
    """One figure times a `factor`: of an offer (price), an offer's SKU (power) or a region, by its row `at`; `time` of
    a `workload` on the accelerator of an offer.
    """

    kind: Kind
    at: int
    factor: float
    workload: str = ""


def with_scaled(world: World, scaled: Scaled) -> World:
    """Return the world with one figure scaled."""
    if scaled.kind == "time":
        return replace(world, scaled=scaled)
    if scaled.kind in ("storage", "egress"):
        return replace(world, network=_ScaledNetwork(world.network, scaled))
    if scaled.kind == "pue":
        regions = world.regions.copy(deep=False)
        regions["pue"] = _times(regions["pue"].to_numpy(dtype=float), np.arange(len(regions)) == scaled.at, scaled)
        return replace(world, regions=regions)
    offers = world.offers.copy(deep=False)
    is_price = scaled.kind == "price"
    rows = np.arange(len(offers)) == scaled.at if is_price else same_sku(world, scaled.at)
    for column in PRICES if is_price else POWER:
        offers[column] = _times(world.column(column), rows, scaled)
    return replace(world, offers=offers)


def same_sku(world: World, offer: int) -> Bools:
    """Return which offers are of the SKU of an offer, whatever the region and purchase option."""
    sku, provider = world.text("sku"), world.text("provider")
    return np.asarray((sku == sku[offer]) & (provider == provider[offer]), dtype=bool)


def _times(values: Floats, rows: Bools, scaled: Scaled) -> Floats:
    return np.where(rows, values * scaled.factor, values)


@dataclass(frozen=True, eq=False)
class _ScaledNetwork:
    """A network in which one region charges a factor more for what is stored there, or sent from there."""

    _listed: Network
    _scaled: Scaled

    def _by_region(self, known: Floats, kind: Kind) -> Floats:
        if self._scaled.kind != kind:
            return known
        return _times(known, np.arange(known.shape[-1]) == self._scaled.at, self._scaled)

    def user_rtt(self, origins: Sequence[str]) -> tuple[Floats, NDArray[np.object_]]:
        """Return round trips and their quality."""
        return self._listed.user_rtt(origins)

    def usd_per_unit(self, origins: Sequence[str]) -> Floats:
        """Return USD per work unit."""
        return self._listed.usd_per_unit(origins)

    def response_usd_per_gb(self, origins: Sequence[str]) -> Floats:
        """Return USD per GB of responses."""
        return self._by_region(self._listed.response_usd_per_gb(origins), "egress")

    def internet_usd_per_gb(self) -> Floats:
        """Return USD per GB to the internet."""
        return self._by_region(self._listed.internet_usd_per_gb(), "egress")

    def storage_usd_per_gb_month(self) -> Floats:
        """Return USD per GB-month."""
        return self._by_region(self._listed.storage_usd_per_gb_month(), "storage")

    def egress_usd_per_gb(self, source: Ints, target: Ints) -> Floats:
        """Return USD per GB between regions."""
        known = self._listed.egress_usd_per_gb(source, target)
        return _times(known, source == self._scaled.at, self._scaled) if self._scaled.kind == "egress" else known
