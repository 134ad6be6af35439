"""What one unit of every slot and flow adds to money by cost term, carbon, energy, water and device-hours.

    service instance, per period    energy = PUE h idle_kw                         compute = price h
    flow, per unit/s of peak rate   energy = PUE h (load_kw − idle_kw) / μ · mean/peak
                                    compute, network, egress = 3600 h · mean/peak · (endpoint price, network, GB·egress)
    job, per instance-hour          energy = PUE (idle_kw + (load_kw − idle_kw) s) compute = price, egress of the output
    carbon_kg = energy · grid/1000 + embodied (+ network kWh/GB · GB · grid/1000), the embodied part apart as well
    water_l   = energy/PUE · WUE + energy · grid water (where known)

    on a commitment to buy   compute = its share of what that is charged, commitments = − the same

with μ the throughput of one instance and s the share of its devices that work (below 1 where a gang does not fill its
machines). What `known` calls unknown contributes 0 here, all of it; where a budget needs it the offer was ruled out
before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from formulations.problem import Coefficients
from optimizer.compile.endpoint_energy import PerUnit
from optimizer.compile.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
SECONDS = 3600.0
COMMITMENTS = "commitments"
"""The cost term of what is bought, less what of it runs."""


def _no_bools() -> Bools:
    return np.zeros(0, dtype=bool)


@dataclass(frozen=True, eq=False)
class Figures:
    """Figures of every slot, gathered from the world; NaN unknown."""

    hours: Floats
    price: Floats
    idle_kw: Floats
    load_kw: Floats
    embodied_kg_per_hour: Floats
    devices: Floats
    pue: Floats
    wue: Floats
    grid_water: Floats
    grid: Floats
    is_endpoint: Bools
    is_reserved: Bools

    def take(self, at: Ints) -> Figures:
        """Return the figures of some slots."""
        return Figures(*(getattr(self, name)[at] for name in self.__dataclass_fields__))

    def busy_kw(self, working_share: Floats) -> Floats:
        """Return what an instance draws of which this share of the devices works at full load."""
        return self.idle_kw + (self.load_kw - self.idle_kw) * working_share

    def carbon(self, energy_kwh: Floats, embodied_hours: Floats) -> Floats:
        """Return kg CO2e of energy drawn in these slots and of instance-hours held there."""
        return energy_kwh * self.grid / 1000.0 + self.embodied_kg_per_hour * embodied_hours

    def water(self, energy_kwh: Floats) -> Floats:
        """Return litres: cooling at the site, and generation where its figure is known."""
        return energy_kwh / self.pue * self.wue + energy_kwh * np.nan_to_num(self.grid_water)


def gather(world: World, offer: Ints, region: Ints, period: Ints) -> Figures:
    """Return the figures of slots given by offer, region and period index."""
    regions = world.regions
    return Figures(
        hours=world.period_hours[period],
        price=world.column("price_usd_per_hour")[offer],
        idle_kw=world.column("idle_kw")[offer],
        load_kw=world.column("load_kw")[offer],
        embodied_kg_per_hour=world.column("embodied_kg_per_hour")[offer],
        devices=world.column("devices")[offer],
        pue=regions.pue.to_numpy(dtype=float)[region],
        wue=regions.wue_l_per_kwh.to_numpy(dtype=float)[region],
        grid_water=regions.water_l_per_kwh_grid.to_numpy(dtype=float)[region],
        grid=world.grid_g_per_kwh[region, period],
        is_endpoint=world.is_endpoint[offer],
        is_reserved=(world.text("bought_as") != "")[offer],
    )


@dataclass(frozen=True, eq=False)
class Known:
    """For which slots carbon, energy and water are known; what is not known adds nothing anywhere.

    `alone`: operational carbon is known, and the embodied part is not.
    """

    carbon: Bools = field(default_factory=_no_bools)
    energy: Bools = field(default_factory=_no_bools)
    water: Bools = field(default_factory=_no_bools)
    alone: Bools = field(default_factory=_no_bools)

    def take(self, at: Ints) -> Known:
        """Return it for some slots."""
        return Known(self.carbon[at], self.energy[at], self.water[at], self.alone[at])


def _coefficients(
    where: Bools, known: Known, cost: dict[str, Floats], parts: dict[str, Floats], **metrics: Floats
) -> Coefficients:
    """Return coefficients that are 0 outside `where` and where they, or the slot's figure as a whole, are unknown."""
    told = {"carbon_kg": known.carbon, "energy_kwh": known.energy, "water_l": known.water, "high_kwh": known.energy}
    told["alone_kg"] = known.alone

    def of(array: Floats, among: Bools) -> Floats:
        return np.where(where & among & ~np.isnan(array), array, 0.0)

    return Coefficients(
        {term: of(usd, where) for term, usd in cost.items()},
        **{name: of(array, told.get(name, where)) for name, array in metrics.items()},
        parts=_not_zero({name: of(array, told.get(name, known.carbon)) for name, array in parts.items()}),
    )


def _paid(figures: Figures, usd: Floats) -> dict[str, Floats]:
    """Return what instances cost: of those on a commitment to buy, which is charged as a whole, their part of it, and
    the same amount less to commitments.
    """
    if not figures.is_reserved.any():
        return {"compute": usd}
    return {"compute": usd, COMMITMENTS: np.where(figures.is_reserved, -usd, 0.0)}


def _not_zero(parts: dict[str, Floats]) -> dict[str, Floats]:
    return {name: values for name, values in parts.items() if values.any()}


def running(figures: Figures, known: Known, is_job: Bools) -> Coefficients:
    """Return what one instance of a service kept running for the whole period adds; 0 for endpoints and jobs."""
    hours = figures.hours
    energy = figures.pue * hours * figures.idle_kw
    return _coefficients(
        ~is_job & ~figures.is_endpoint,
        known,
        _paid(figures, figures.price * hours),
        {"embodied_kg": figures.embodied_kg_per_hour * hours, "alone_kg": energy * figures.grid / 1000.0},
        carbon_kg=figures.carbon(energy, hours),
        energy_kwh=energy,
        water_l=figures.water(energy),
        device_hours=figures.devices * hours,
    )


@dataclass(frozen=True, eq=False)
class Output:
    """What a job's output costs in egress and draws from the network, per instance-hour."""

    usd: Floats
    network_kwh: Floats


def working(
    figures: Figures, known: Known, is_job: Bools, working_share: Floats, output: Output
) -> Coefficients:
    """Return what one instance-hour of a job adds; `working_share` of the instance's devices works."""
    energy = figures.pue * figures.busy_kw(working_share)
    network = np.where(output.network_kwh > 0, output.network_kwh * figures.grid / 1000.0, 0.0)
    carbon = figures.carbon(energy, np.ones_like(energy)) + network
    alone = energy * figures.grid / 1000.0 + network
    return _coefficients(
        is_job,
        known,
        {**_paid(figures, figures.price), "egress": output.usd},
        {"embodied_kg": figures.embodied_kg_per_hour, "alone_kg": alone},
        carbon_kg=carbon,
        energy_kwh=energy,
        water_l=figures.water(energy),
        device_hours=figures.devices,
    )


@dataclass(frozen=True, eq=False)
class FlowPrices:
    """Of every flow: units served in the period per unit/s of peak rate, and USD and GB per unit."""

    units: Floats
    network_usd_per_unit: Floats
    egress_usd_per_unit: Floats
    endpoint_usd_per_unit: Floats
    response_gb_per_unit: Floats


def serving(
    figures: Figures,
    known: Known,
    units_per_s: Floats,
    mean_share: Floats,
    *,
    prices: FlowPrices,
    per_unit: PerUnit,
    network_kwh_per_gb: float,
) -> Coefficients:
    """Return what one unit/s of peak rate served for the period adds.

    `figures` of each flow's slot, `units_per_s` throughput of one instance (not times utilisation), `mean_share`
    mean over peak rate, `per_unit` what a work unit draws and emits at endpoints.
    """
    endpoint = figures.is_endpoint
    with np.errstate(divide="ignore", invalid="ignore"):
        dynamic = figures.pue * figures.hours * (figures.load_kw - figures.idle_kw) / units_per_s * mean_share
    energy = np.where(endpoint, per_unit.kwh * prices.units, dynamic)
    carbon = np.where(endpoint, per_unit.kg * prices.units, dynamic * figures.grid / 1000.0)
    there = np.where(endpoint, prices.units, 0.0)
    sent_kwh = prices.units * prices.response_gb_per_unit * network_kwh_per_gb
    sent = np.where(sent_kwh > 0, sent_kwh * figures.grid / 1000.0, 0.0)
    alone = np.where(endpoint, per_unit.alone_kg * prices.units, carbon) + sent
    carbon = carbon + sent
    water = np.where(endpoint, 0.0, figures.water(dynamic))
    compute = np.where(endpoint, prices.endpoint_usd_per_unit * prices.units, 0.0)
    network, egress = (prices.units * usd for usd in (prices.network_usd_per_unit, prices.egress_usd_per_unit))
    everywhere = np.ones(len(energy), dtype=bool)
    return _coefficients(
        everywhere,
        known,
        {"compute": compute, "network": network, "egress": egress},
        {**{name: values * there for name, values in per_unit.parts().items()}, "alone_kg": alone},
        carbon_kg=carbon,
        energy_kwh=energy,
        water_l=water,
        device_hours=np.zeros(len(energy)),
    )


def known_figures(figures: Figures, per_unit: PerUnit, sends: Bools) -> Known:
    """Return for every slot whether its carbon, energy and water are known; `sends`: network energy counts as well.

    Power is known where both idle and load power are: an hour at full load needs only the latter, but a budget asks for
    both, and a plan does not count more than a budget would.
    """
    power = ~np.isnan(figures.idle_kw + figures.load_kw + figures.pue)
    carbon = power & ~np.isnan(figures.grid + figures.embodied_kg_per_hour)
    endpoint = figures.is_endpoint
    endpoint_carbon = ~np.isnan(per_unit.kg) & (~sends | ~np.isnan(figures.grid))
    water = power & ~np.isnan(figures.wue)
    whole = np.where(endpoint, endpoint_carbon, carbon)
    operational = np.where(
        endpoint, ~np.isnan(per_unit.alone_kg) & (~sends | ~np.isnan(figures.grid)), power & ~np.isnan(figures.grid)
    )
    return Known(
        whole,
        np.where(endpoint, ~np.isnan(per_unit.kwh), power),
        np.where(endpoint, False, water),
        operational & ~whole,
    )
