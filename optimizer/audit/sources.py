"""Facts from an inline catalogue and from the catalogue's tables."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.audit.calendar import Calendar
from optimizer.audit.facts import CPU, Offer, Region, figure, words
from optimizer.audit.law_triggers import Operator
from optimizer.audit.overlay import overlaid
from optimizer.audit.world import Source
from optimizer.instance.models import Instance
from optimizer.instance.workloads import Workload
from optimizer.instance.world import InlineCatalogue, InlineOffer, NetworkLink

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue

GRID_COLUMNS = {
    "location_lifecycle": "grid_lifecycle_g_per_kwh",
    "location_direct": "grid_direct_g_per_kwh",
    "market_based": "market_based_g_per_kwh",
}
SHAPE_BASIS = {"location_lifecycle": "lifecycle", "location_direct": "direct"}


def source_of(instance: Instance, calendar: Calendar, base_dir: Path | None = None) -> Source:
    """Return the source an instance names."""
    use = instance.catalogue
    if use.use == "inline":
        return InlineSource(instance, use.inline or InlineCatalogue(), calendar)
    from optimizer.audit.world_source import CatalogueSource
    from optimizer.catalogue import load_catalogue

    place = use.use if use.use == "world" else (base_dir or Path()) / use.use
    catalogue: Catalogue = load_catalogue(place)
    if use.fallbacks:
        catalogue = catalogue.with_fallbacks(use.fallbacks)
    return CatalogueSource(instance, overlaid(catalogue, use.overlay), calendar)


def stated_throughput(workload: Workload, offer: Offer, devices: float) -> float | None:
    """Return units/s of some devices by the workload's own `runs.throughput`: per device, or per vCPU under `cpu`."""
    each = (workload.runs.throughput or {}).get(offer.accelerator)
    return None if each is None or not devices else each * in_replicas(workload, offer, devices)


def in_replicas(workload: Workload, offer: Offer, devices: float) -> float:
    """Return how many of some devices work: all, or what whole replicas take that sit in one machine each."""
    size, held = workload.runs.devices_per_replica, offer.counted or 0.0
    if size is None or held <= 0:
        return devices
    replicas, left = 0, devices
    while left > 1e-9:
        replicas += math.floor(min(left, held) / size + 1e-9)
        left -= held
    return float(replicas * size)


class InlineSource:
    """The catalogue an instance brings itself."""

    def __init__(self, instance: Instance, inline: InlineCatalogue, calendar: Calendar) -> None:
        self._inline = inline
        self.sha256: str | None = None
        self.version = "inline"
        self.catalogue: Catalogue | None = None
        self._embodied = instance.carbon.embodied != "none"
        self._regions = {region.id: self._region(region, calendar) for region in inline.regions}
        self._offers: dict[tuple[str, str, str], InlineOffer] = {
            (o.region, o.sku, o.purchase): o for o in inline.offers
        }
        self._endpoints = {(e.id, e.region): e for e in inline.endpoints}
        self._speed = {(t.workload, t.accelerator): t.units_per_s for t in inline.throughput}
        self._links: dict[tuple[str, str], NetworkLink] = {(x.region, x.origin): x for x in inline.network}
        self._links.update({(x.origin, x.region): x for x in inline.network})
        self._prices_units = any(x.usd_per_unit is not None for x in inline.network)

    @staticmethod
    def _region(row: Any, calendar: Calendar) -> Region:
        grid = row.grid_g_per_kwh
        levels = grid if isinstance(grid, tuple) else (grid,) * len(calendar.hours)
        return Region(
            id=row.id,
            provider=row.provider,
            name=row.id,
            country=row.country,
            subdivision=row.subdivision,
            metro=row.metro or row.id,
            pue=row.pue,
            wue_l_per_kwh=row.wue_l_per_kwh,
            fixed_usd_per_hour=row.fixed_usd_per_hour,
            grid_g_per_kwh=levels,
        )

    def region(self, region_id: str) -> Region | None:
        """Return the region, by its id or by provider:id."""
        found = self._regions.get(region_id)
        if found is None and ":" in region_id:
            provider, _, name = region_id.partition(":")
            found = self._regions.get(name)
            if found is not None and found.provider != provider:
                return None
        return found

    def instance_offer(self, region: Region, sku: str, purchase: str) -> Offer | None:
        """Return the offer of a SKU under a purchase option."""
        row = self._offers.get((region.id, sku, purchase))
        if row is None:
            return None
        return Offer(
            region=region,
            sku=sku,
            purchase=purchase,
            accelerator=row.accelerator,
            devices=0.0 if row.accelerator == CPU else row.devices,
            vcpu=row.vcpus,
            device_memory_gb=row.device_memory_gb,
            software=(row.software or "").lower(),
            arch=row.arch or "",
            usd_per_hour=row.usd_per_hour,
            interruption_share=row.interruption_share,
            idle_kw=row.idle_kw,
            load_kw=row.load_kw,
            embodied_kg_per_hour=row.embodied_kg_per_hour if self._embodied else 0.0,
            own=True,
        )

    def sku(self, region: Region, sku: str) -> Offer | None:
        """Return the SKU as some offer describes it, one of this region first."""
        same = [row for row in self._inline.offers if row.sku == sku]
        row = next((row for row in same if row.region == region.id), same[0] if same else None)
        home = self._regions.get(row.region) if row is not None else None
        found = self.instance_offer(home, sku, row.purchase) if row is not None and home is not None else None
        return None if found is None else dataclasses.replace(found, region=region)

    def endpoint(self, endpoint: str, region: Region) -> Offer | None:
        """Return the endpoint; without countries it processes in its region's."""
        row = self._endpoints.get((endpoint, region.id))
        if row is None:
            return None
        same = (r for r in self._regions.values() if r.provider == region.provider and r.country in row.countries)
        inside = {r.id: r.grid_g_per_kwh for r in (region, *same)}.values()
        return Offer(
            region=region,
            endpoint=endpoint,
            model=row.model,
            model_names=(row.model,),
            scope="countries" if row.countries else "region",
            scope_countries=row.countries or (region.country,),
            usd_per_unit=row.usd_per_unit,
            kg_per_unit=row.kg_per_unit,
            embodied_kg_per_unit=row.embodied_kg_per_unit,
            kwh_per_unit=row.kwh_per_unit,
            serving_g_per_kwh=serving_grid(inside, mean),
            high_serving_g_per_kwh=serving_grid(inside, max),
        )

    def _link(self, origin: str, region: Region) -> NetworkLink | None:
        return self._links.get((origin, region.id))

    def estimates(self, origin: str, region: Region) -> bool:
        """Return False: round trips are stated."""
        return False

    def rtt_ms(self, origin: str, region: Region) -> float | None:
        """Return the stated round trip."""
        link = self._link(origin, region)
        return link.rtt_ms if link else None

    def usd_per_unit(self, origin: str, region: Region) -> float | None:
        """Return the stated price; 0 if the network states none at all, unknown if it does for others only."""
        link = self._link(origin, region)
        if link is not None and link.usd_per_unit is not None:
            return link.usd_per_unit
        return None if self._prices_units else 0.0

    def response_usd_per_gb(self, origin: str, region: Region) -> float | None:
        """Return the link's price of a GB, else the region's egress price."""
        link = self._link(origin, region)
        return link.usd_per_gb if link is not None and link.usd_per_gb is not None else self.internet_usd_per_gb(region)

    def _row(self, region: Region) -> Any:
        return next(row for row in self._inline.regions if row.id == region.id)

    def internet_usd_per_gb(self, region: Region) -> float | None:
        """Return the region's egress price."""
        value: float | None = self._row(region).egress_usd_per_gb
        return value

    def storage_usd_per_gb_month(self, region: Region) -> float | None:
        """Return the region's storage price."""
        value: float | None = self._row(region).storage_usd_per_gb_month
        return value

    def egress_usd_per_gb(self, source: Region, target: Region) -> float | None:
        """Return the link's price of a GB, else the source's egress price."""
        link = self._link(source.id, target)
        return link.usd_per_gb if link is not None and link.usd_per_gb is not None else self.internet_usd_per_gb(source)

    def endpoints(self, names: set[str]) -> list[Offer]:
        """Return the endpoints of these models."""
        found = []
        for row in self._inline.endpoints:
            region = self._regions.get(row.region)
            offer = self.endpoint(row.id, region) if region is not None and row.model in names else None
            if offer is not None:
                found.append(offer)
        return found

    def operator(self, provider: str) -> Operator | None:
        """Return nothing: the operators of an inline catalogue are the instance's own."""
        return None

    def providers(self) -> tuple[str, ...]:
        """Return nothing: sets of providers are those of a catalogue's table."""
        return ()

    def chip_figures(self, accelerator: str) -> tuple[float | None, float | None, float | None, str]:
        """Return the export figures of the bundled catalogue's accelerator of the same name, where there is one."""
        from optimizer.catalogue import bundled_accelerators

        table = bundled_accelerators()
        return export_figures(table.loc[accelerator]) if accelerator in table.index else (None, None, None, "")

    def system(self, workload: Workload, offer: Offer, devices: float) -> None:
        """Return nothing: the instance states every throughput."""

    def canonical_model(self, name: str) -> str:
        """Return the name itself: an inline catalogue has no aliases."""
        return name

    def units_per_s(self, workload: Workload, offer: Offer, devices: float) -> float | None:
        """Return the devices that work x the stated speed of one."""
        each = self._speed.get((workload.id, offer.accelerator))
        if each is None:
            return stated_throughput(workload, offer, devices)
        return each * in_replicas(workload, offer, devices)


def serving_grid(
    inside: Iterable[tuple[float | None, ...]], of: Callable[[list[float]], float]
) -> tuple[float | None, ...]:
    """Return g/kWh by period of regions in any of which an endpoint may process: their mean, or the most."""
    known = ([value for value in period if value is not None] for period in zip(*inside, strict=True))
    return tuple(of(values) if values else None for values in known)


def mean(values: list[float]) -> float:
    """Return the mean."""
    return sum(values) / len(values)


def cell(row: Any, name: str) -> float | None:
    """Return a figure of a table's row, None if the column or the figure is missing."""
    return figure(row[name]) if name in row.index else None


def export_figures(row: Any) -> tuple[float | None, float | None, float | None, str]:
    """Return TPP, performance density, memory bandwidth and vendor's country of an accelerator's row."""
    figures = (cell(row, name) for name in ("tpp", "performance_density", "memory_bandwidth_gb_per_s"))
    return *figures, text(row, "vendor_country")  # type: ignore[return-value]


def text(row: Any, name: str) -> str:
    """Return a text of a table's row, "" if the column or the text is missing."""
    return words(row[name]) if name in row.index else ""
