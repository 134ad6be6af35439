"""A middle figure in the place of every one that is missing: the world in which nothing is out for want of a figure.

    price             median price of a device-hour of the accelerator and purchase option x devices; of an endpoint
                      the median of its model
    interruption      median of the accelerator's spot offers
    power, embodied   median of a device of the accelerator x devices
    PUE, WUE          median of all regions
    grid              median of the country's regions
    storage, egress   median of the provider's regions
    round trip        0 ms: whatever it is, the option is counted
    speed             the roofline's, on Neuron devices too

Where a group has no figure, all offers (regions) together are the group. Carbon and energy of endpoints that nobody has
count 0. Known figures stay as they are, so that every plan of the instance is one in this world, at the same cost.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.compile.network import Network

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue
    from optimizer.compile.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NEURON = "throughput_neuron"
TOKEN_PRICES = ("usd_per_million_input_tokens", "usd_per_million_output_tokens")

FIGURES = {
    "missing_price": "price",
    "missing_interruption": "interruption share",
    "missing_storage_price": "price of storage",
    "missing_egress_price": "price of egress",
    "missing_power": "power",
    "missing_pue": "PUE",
    "missing_grid": "grid intensity",
    "missing_wue": "WUE",
    "missing_embodied": "embodied carbon",
    "no_throughput": "speed",
    "rtt_unknown": "round trip",
}
"""Reasons of the ledger for which an option is out for want of a figure, and the figure."""
OF_OFFERS = {
    "missing_price": ("price_usd_per_hour",),
    "missing_interruption": ("spot_interruption",),
    "missing_power": ("idle_kw", "load_kw"),
    "missing_embodied": ("embodied_kg_per_hour",),
}
"""Figures of offers, in which those of one region, accelerator and purchase option may differ; and the columns."""


def with_estimates(world: World, figures: Collection[str]) -> World:
    """Return the world with estimates for what is missing of some figures (reasons in `FIGURES`)."""
    offers = world.offers.copy(deep=False)
    regions, grid = world.regions.copy(deep=False), world.grid_g_per_kwh
    wanted = frozenset(figures)
    estimated = _estimated(world, wanted)
    if "missing_price" in wanted:
        _fill_prices(offers)
    if "missing_interruption" in wanted:
        share = offers["spot_interruption"].to_numpy(dtype=float)
        spot = offers["purchase"].to_numpy(dtype=object) == "spot"
        guess = filled(np.where(spot, share, np.nan), offers["accelerator"].to_numpy(dtype=object))
        offers["spot_interruption"] = np.where(spot & np.isnan(share), guess, share)
    if "missing_power" in wanted:
        _per_device(offers, ("idle_kw", "load_kw"))
        _nothing(offers, ("kg_per_unit", "kwh_per_unit"))
    if "missing_embodied" in wanted:
        _per_device(offers, ("embodied_kg_per_hour",))
        _nothing(offers, ("embodied_kg_per_unit",))
    for reason, column in (("missing_pue", "pue"), ("missing_wue", "wue_l_per_kwh")):
        if reason in wanted:
            values = regions[column].to_numpy(dtype=float)
            regions[column] = filled(values, np.zeros(len(values)))
    if "missing_grid" in wanted:
        country = regions["country"].to_numpy(dtype=object)
        grid = np.stack([filled(grid[:, t], country) for t in range(grid.shape[1])], axis=1)
    network = _EstimatedNetwork(world.network, regions["provider"].to_numpy(dtype=object), wanted)
    catalogue = _with_neuron(world.catalogue) if "no_throughput" in wanted else world.catalogue
    return replace(
        world, offers=offers, regions=regions, grid_g_per_kwh=grid, network=network, catalogue=catalogue, listed=world,
        estimated=estimated,
    )  # fmt: skip


def _estimated(world: World, wanted: frozenset[str]) -> Ints:
    """Return of every offer which of its own figures an estimate stands for, as a number; of one whose speed may be an
    estimate, a number of its own.
    """
    kinds = np.zeros(len(world.offers), dtype=np.int64)
    for bit, (reason, columns) in enumerate(OF_OFFERS.items()):
        if reason in wanted:
            lacks = np.logical_or.reduce([np.isnan(world.column(column)) for column in columns])
            kinds += lacks.astype(np.int64) << bit
    if "no_throughput" in wanted:
        neuron = world.text("software") == "neuron"
        kinds[neuron] = (1 << len(OF_OFFERS)) + np.flatnonzero(neuron)
    return kinds


def filled(values: Floats, group: NDArray[np.generic]) -> Floats:
    """Return figures with the median of their group where they are missing, of all where the group has none."""
    figures = pd.Series(np.asarray(values, dtype=float))
    within = figures.groupby(pd.Series(group)).transform("median")
    return figures.fillna(within).fillna(figures.median()).to_numpy(dtype=float)


def _fill_prices(offers: pd.DataFrame) -> None:
    machine = offers["kind"].to_numpy(dtype=object) == "instance"
    devices = offers["counted_devices"].to_numpy(dtype=float)
    kind = (offers["accelerator"] + "\n" + offers["purchase"]).to_numpy(dtype=object)
    price = offers["price_usd_per_hour"].to_numpy(dtype=float)
    each = np.where(machine & (devices > 0), price / np.where(devices > 0, devices, 1.0), np.nan)
    guess = filled(filled(each, kind), offers["accelerator"].to_numpy(dtype=object)) * devices
    offers["price_usd_per_hour"] = np.where(machine & np.isnan(price), guess, price)
    by_token = ~machine & np.isnan(offers["usd_per_unit"].to_numpy(dtype=float))
    model = offers["model"].to_numpy(dtype=object)
    for column in TOKEN_PRICES:
        listed = offers[column].to_numpy(dtype=float)
        offers[column] = np.where(by_token & np.isnan(listed), filled(listed, model), listed)


def _per_device(offers: pd.DataFrame, columns: Sequence[str]) -> None:
    """Fill figures of machines by those of one device of their accelerator."""
    machine = offers["kind"].to_numpy(dtype=object) == "instance"
    devices = offers["counted_devices"].to_numpy(dtype=float)
    for column in columns:
        values = offers[column].to_numpy(dtype=float)
        each = np.where(machine & (devices > 0), values / np.where(devices > 0, devices, 1.0), np.nan)
        guess = filled(each, offers["accelerator"].to_numpy(dtype=object)) * devices
        offers[column] = np.where(machine & np.isnan(values), guess, values)


def _nothing(offers: pd.DataFrame, columns: Sequence[str]) -> None:
    """Let endpoints emit and draw nothing where nobody knows what they do."""
    endpoint = offers["kind"].to_numpy(dtype=object) == "endpoint"
    for column in columns:
        values = offers[column].to_numpy(dtype=float)
        offers[column] = np.where(endpoint & np.isnan(values), 0.0, values)


def _with_neuron(catalogue: Catalogue | None) -> Catalogue | None:
    if catalogue is None or NEURON not in set(catalogue.fallbacks.kind):
        return catalogue
    return catalogue.with_fallbacks([NEURON])


@dataclass(frozen=True, eq=False)
class _EstimatedNetwork:
    """A network with estimates in the place of the figures that it lacks; `provider` of each region."""

    _listed: Network
    provider: NDArray[np.object_]
    figures: frozenset[str]

    def user_rtt(self, origins: Sequence[str]) -> tuple[Floats, NDArray[np.object_]]:
        """Return round trips, 0 ms for those that nobody knows."""
        rtt, quality = self._listed.user_rtt(origins)
        return (np.nan_to_num(rtt) if "rtt_unknown" in self.figures else rtt), quality

    def usd_per_unit(self, origins: Sequence[str]) -> Floats:
        """Return USD per work unit, the median over regions where nobody has it."""
        known = self._listed.usd_per_unit(origins)
        if "missing_price" not in self.figures:
            return known
        return np.nan_to_num(np.stack([filled(row, np.zeros(row.size)) for row in known])) if len(known) else known

    def response_usd_per_gb(self, origins: Sequence[str]) -> Floats:
        """Return USD per GB of responses."""
        known = self._listed.response_usd_per_gb(origins)
        return np.where(np.isnan(known), self.internet_usd_per_gb(), known)

    def internet_usd_per_gb(self) -> Floats:
        """Return USD per GB to the internet."""
        known = self._listed.internet_usd_per_gb()
        return filled(known, self.provider) if "missing_egress_price" in self.figures else known

    def storage_usd_per_gb_month(self) -> Floats:
        """Return USD per GB-month."""
        known = self._listed.storage_usd_per_gb_month()
        return filled(known, self.provider) if "missing_storage_price" in self.figures else known

    def egress_usd_per_gb(self, source: Ints, target: Ints) -> Floats:
        """Return USD per GB between regions, that to the internet where nobody has it."""
        known = self._listed.egress_usd_per_gb(source, target)
        if not len(known):
            return known
        return np.where(np.isnan(known), self.internet_usd_per_gb()[source], known)
