"""Facts from the tables of a catalogue (the bundled world, or a folder of the same form)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from optimizer.audit.calendar import Calendar
from optimizer.audit.endpoint_resources import WHERE_IT_IS, EndpointResources
from optimizer.audit.facts import CPU, Offer, Region, TokenEnergy, figure, words
from optimizer.audit.law_triggers import Operator
from optimizer.audit.operating import SystemFigures, own_systems
from optimizer.audit.overlay import own_round_trip, own_speed
from optimizer.audit.sources import (
    GRID_COLUMNS,
    SHAPE_BASIS,
    cell,
    export_figures,
    in_replicas,
    mean,
    serving_grid,
    stated_throughput,
    text,
)
from optimizer.catalogue.machines import is_burstable
from optimizer.catalogue.network import UserPlace
from optimizer.instance.models import Instance
from optimizer.instance.workloads import Service, Workload

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue

WHOLE = 1e-3
SEEN = ("verified", "price_meter")
"""Availability of offers that somebody saw on sale."""


class CatalogueSource:
    """Reads one fact at a time from the catalogue's tables; figures the tables lack stay None."""

    def __init__(self, instance: Instance, catalogue: Catalogue, calendar: Calendar) -> None:
        self._instance = instance
        self.catalogue = catalogue
        self.sha256: str | None = catalogue.sha256 or None
        self.version = catalogue.version
        self._fixed = instance.catalogue.fixed_usd_per_hour
        self._calendar = calendar
        stated = (row["add"] for row in instance.catalogue.overlay if row["table"] == "offers" and "add" in row)
        self._added = {f"{row['region_id']}:{row['sku']}:{row.get('purchase', 'on_demand')}" for row in stated}
        self._clocks = [calendar.clock(t) for t in range(len(calendar.hours))]
        self._speeds: dict[tuple[Any, ...], list[SystemFigures]] = {}
        self._endpoint_rows = catalogue.endpoints
        self._origins = {stated.id: stated for stated in instance.origins}
        self._rtt: dict[str, dict[str, float]] = {}
        self._inside: dict[tuple[str, tuple[str, ...] | None], list[tuple[float | None, ...]]] = {}
        self._resources = EndpointResources(instance, catalogue)
        self._found: dict[tuple[object, ...], SystemFigures | None] = {}
        self.region = lru_cache(maxsize=None)(self.region)  # type: ignore[method-assign]
        self._prices = lru_cache(maxsize=None)(self._price)
        self._links = lru_cache(maxsize=None)(self._egress)

    def region(self, region_id: str) -> Region | None:
        """Return the region with its grid intensity in every period, on the instance's basis."""
        table = self.catalogue.regions
        if region_id not in table.index:
            return None
        row = table.loc[region_id]
        carbon = self._instance.carbon
        annual = cell(row, GRID_COLUMNS[carbon.basis])
        grid: tuple[float | None, ...] = (annual,) * len(self._clocks)
        if annual is not None and carbon.resolution == "typical_day":
            grid = tuple(annual * ratio for ratio in self._shape(text(row, "grid_zone"), carbon.basis))
        return Region(
            id=region_id,
            provider=text(row, "provider"),
            name=text(row, "region"),
            country=text(row, "country"),
            subdivision=text(row, "subdivision") or None,
            metro=text(row, "metro") or region_id,
            access=text(row, "access") or "public",
            country_level=text(row, "granularity") == "country",
            pue=cell(row, "pue"),
            wue_l_per_kwh=cell(row, "wue_l_per_kwh"),
            water_l_per_kwh_grid=cell(row, "water_l_per_kwh_grid"),
            fixed_usd_per_hour=self._fixed.get(region_id, self._fixed.get("*", 0.0)),
            grid_g_per_kwh=grid,
            grid_is_shaped=any(level != annual for level in grid),
            matched_yearly_share=cell(row, "matched_yearly_share"),
            matched_hourly_share=cell(row, "matched_hourly_share"),
            pue_quality=text(row, "pue_quality"),
            grid_quality=text(row, "grid_quality"),
        )

    def _shape(self, zone: str, basis: str) -> list[float]:
        """Return the mean ratio to the annual level over each period; 1 where the zone has no hourly data."""
        if basis not in SHAPE_BASIS or not zone:
            return [1.0] * len(self._clocks)
        months = {month for clock in self._clocks for month, _ in clock}
        days = {m: self.catalogue.grid_shape([zone], m, SHAPE_BASIS[basis]).iloc[0] for m in months}
        ratios = []
        for clock in self._clocks:
            values = [(figure(days[month].iloc[hour]), hours) for (month, hour), hours in clock.items()]
            if any(value is None for value, _ in values):
                ratios.append(1.0)
                continue
            ratios.append(sum((value or 0.0) * hours for value, hours in values) / sum(h for _, h in values))
        return ratios

    def _offer_row(self, region: Region, sku: str, purchase: str) -> Any:
        offers = self.catalogue.offers
        key = f"{region.id}:{sku}:{purchase}"
        return offers.loc[key] if key in offers.index else None

    def instance_offer(self, region: Region, sku: str, purchase: str) -> Offer | None:
        """Return the priced offer, with the power and embodied carbon of its SKU."""
        row, key = self._offer_row(region, sku, purchase), f"{region.id}:{sku}:{purchase}"
        base = self.sku(region, sku)
        if row is None or base is None:
            return None
        listed = text(row, "price_date")
        return dataclasses.replace(
            base,
            purchase=purchase,
            availability=text(row, "availability"),
            own=key in self._added or text(row, "availability") not in SEEN,
            usd_per_hour=cell(row, "price_usd_per_hour"),
            price_quality=text(row, "price_quality"),
            interruption_share=cell(row, "spot_interruption") if purchase == "spot" else None,
            price_date=date.fromisoformat(listed) if listed else None,
        )

    def sku(self, region: Region, sku: str) -> Offer | None:
        """Return the SKU's devices, memory, power and embodied carbon per hour of its life."""
        table = self.catalogue.skus
        if (region.provider, sku) not in table.index:
            return None
        row: Any = table.loc[(region.provider, sku)]
        accelerator = text(row, "accelerator") or CPU
        devices = 0.0 if accelerator == CPU else cell(row, "devices") or 0.0
        software = CPU if accelerator == CPU else ""
        if accelerator in self.catalogue.accelerators.index:
            software = text(self.catalogue.accelerators.loc[accelerator], "software")
        return Offer(
            region=region,
            sku=sku,
            accelerator=accelerator,
            devices=devices,
            vcpu=cell(row, "vcpu"),
            device_memory_gb=cell(row, "device_memory_gb"),
            software=software,
            arch=text(row, "arch"),
            burstable=is_burstable(sku),
            idle_kw=cell(row, "idle_kw"),
            load_kw=cell(row, "load_kw"),
            power_quality=text(row, "power_quality"),
            embodied_quality=text(row, "embodied_quality"),
            embodied_kg_per_hour=self._embodied(row),
        )

    def _embodied(self, row: Any) -> float | None:
        basis = self._instance.carbon.embodied
        if basis == "none":
            return 0.0
        whole = cell(row, "embodied_kg" if basis == "boavizta" else "embodied_vendor_kg")
        life = cell(row, "lifetime_hours")
        return None if whole is None or not life else whole / life

    def endpoint(self, endpoint: str, region: Region) -> Offer | None:
        """Return the managed endpoint whose resource sits in the region, by the catalogue or by declaration."""
        if endpoint not in self._endpoint_rows.index:
            return None
        row: Any = self._endpoint_rows.loc[endpoint]
        residency = self._resources.residency(row, region.id)
        if residency is None:
            return None
        retired, listed = text(row, "retired_on"), text(row, "price_date")
        return Offer(
            region=region,
            endpoint=endpoint,
            own_id=not residency.declared_region,
            model=text(row, "model"),
            model_names=(text(row, "model"), text(row, "model_raw")),
            retired_on=date.fromisoformat(retired) if retired else None,
            scope=residency.scope,
            scope_countries=residency.countries,
            price_quality=text(row, "price_quality"),
            power_quality=text(row, "energy_quality"),
            energy=self._energy(row, ""),
            high_energy=self._energy(row, "high_"),
            serving_g_per_kwh=self._serving(region, residency.scope, residency.countries, mean),
            high_serving_g_per_kwh=self._serving(region, residency.scope, residency.countries, max),
            price_date=date.fromisoformat(listed) if listed else None,
            usd_per_million_input_tokens=_times(
                cell(row, "price_usd_per_million_input_tokens"), residency.price_factor
            ),
            usd_per_million_output_tokens=_times(
                cell(row, "price_usd_per_million_output_tokens"), residency.price_factor
            ),
        )

    def _energy(self, row: Any, prefix: str) -> TokenEnergy:
        """Return one estimate of an endpoint's energy; what the instance states is the same at both."""
        basis = "embodied_vendor_kg_per_kwh" if self._instance.carbon.embodied == "vendor" else "embodied_kg_per_kwh"
        here = prefix if text(row, "energy_quality") else ""
        names = ("kwh_per_million_output_tokens", "kwh_per_million_input_tokens", basis)
        return TokenEnergy(*(cell(row, here + name) for name in names))

    def _serving(
        self, region: Region, scope: str, countries: tuple[str, ...] | None, of: Callable[[list[float]], float]
    ) -> tuple[float | None, ...]:
        """Return g/kWh by period where an endpoint of a scope may process."""
        if scope in WHERE_IT_IS:
            return region.grid_g_per_kwh
        key = region.id, countries
        if key not in self._inside:
            table = self.catalogue.regions
            mask = table.provider.eq(region.provider) & table.country.isin(list(countries or ()))
            mask &= table.granularity.eq("region") & table.access.isin(["public", "disaster_recovery", "limited"])
            found = (self.region(name) for name in {region.id, *table.index[mask]})
            self._inside[key] = [place.grid_g_per_kwh for place in found if place is not None]
        return serving_grid(self._inside[key], of)

    def rtt_ms(self, origin: str, region: Region) -> float | None:
        """Return the catalogue's estimate of the round trip, from the position of an origin the instance states."""
        own = own_round_trip(self._instance.catalogue.overlay, origin, region.id)
        if own is not None:
            return own
        stated = self._origins.get(origin)
        if stated is not None and (stated.lat is None or stated.lon is None):
            return None
        if origin not in self._rtt:
            place = origin if stated is None else UserPlace(stated.country, stated.lat or 0.0, stated.lon or 0.0)
            regions = self.catalogue.regions.index.tolist()
            rtt, _ = self.catalogue.user_rtt([place], regions)
            self._rtt[origin] = dict(zip(regions, rtt[0].tolist(), strict=True))
        return figure(self._rtt[origin][region.id])

    def usd_per_unit(self, origin: str, region: Region) -> float | None:
        """Return 0: the catalogue prices GB, not work units."""
        return 0.0

    def _price(self, region_id: str, what: str) -> float | None:
        return figure(getattr(self.catalogue, what)([region_id]).iloc[0])

    def _egress(self, source: str, target: str) -> float | None:
        return figure(self.catalogue.egress_usd_per_gb([source], [target]).ravel()[0])

    def response_usd_per_gb(self, origin: str, region: Region) -> float | None:
        """Return the internet egress of the region, whoever asks."""
        return self.internet_usd_per_gb(region)

    def internet_usd_per_gb(self, region: Region) -> float | None:
        """Return the first-tier price of a GB to the internet."""
        return self._prices(region.id, "internet_egress_usd_per_gb")

    def storage_usd_per_gb_month(self, region: Region) -> float | None:
        """Return the first-tier price of a GB-month of object storage."""
        return self._prices(region.id, "storage_usd_per_gb_month")

    def egress_usd_per_gb(self, source: Region, target: Region) -> float | None:
        """Return the catalogue's price of a GB between two regions."""
        return self._links(source.id, target.id)

    def endpoints(self, names: set[str]) -> list[Offer]:
        """Return every endpoint of these models whose resource region is known."""
        table = self._endpoint_rows
        rows = table[table.model.isin(names) | table.model_raw.isin(names)]
        found = []
        for endpoint, row in rows.iterrows():
            for region_id in self._resources.regions(row):
                region = self.region(region_id)
                offer = self.endpoint(str(endpoint), region) if region is not None else None
                if offer is not None:
                    found.append(offer)
        return found

    def operator(self, provider: str) -> Operator | None:
        """Return who controls a provider by the catalogue's table."""
        table = self.catalogue.providers
        if provider not in table.index:
            return None
        row: Any = table.loc[provider]
        return Operator(
            frozenset(row["control_ownership"]), frozenset(row["control_strict"]), bool(row["control_known"])
        )

    def providers(self) -> Iterable[str]:
        """Return every provider of the catalogue's table."""
        return self.catalogue.providers.index.tolist()

    def chip_figures(self, accelerator: str) -> tuple[float | None, float | None, float | None, str]:
        """Return the export figures of an accelerator's row."""
        table = self.catalogue.accelerators
        if accelerator not in table.index:
            return None, None, None, ""
        return export_figures(table.loc[accelerator])

    def canonical_model(self, name: str) -> str:
        """Return the catalogue's name of a model."""
        return self.catalogue.canonical_model(name)

    def units_per_s(self, workload: Workload, offer: Offer, devices: float) -> float | None:
        """Return the workload's own figure, else the best whole number of measured systems that fit the SKU."""
        if workload.runs.throughput is not None:
            return stated_throughput(workload, offer, devices)
        own = self._own_speed(workload, offer)
        if own is not None and devices:
            return own * in_replicas(workload, offer, devices)
        best = self.system(workload, offer, devices)
        return None if best is None else round(devices / best.devices) * best.units_per_s

    def estimates(self, origin: str, region: Region) -> bool:
        """Return True where the round trip is the catalogue's estimate."""
        return own_round_trip(self._instance.catalogue.overlay, origin, region.id) is None

    def _own_speed(self, workload: Workload, offer: Offer) -> float | None:
        return own_speed(self._instance.catalogue.overlay, workload.id, workload.runs.model, offer.accelerator)

    def system(self, workload: Workload, offer: Offer, devices: float) -> SystemFigures | None:
        """Return the best of whole systems by the best level of figures that has one; None where the instance states
        the speed.
        """
        runs = workload.runs
        if runs.model is None or runs.throughput is not None or self._own_speed(workload, offer) is not None:
            return None
        key = id(self._speed(workload)), offer.accelerator, offer.counted, devices  # the lists are kept for good
        if key not in self._found:
            self._found[key] = self._best(workload, offer, devices)
        return self._found[key]

    def _best(self, workload: Workload, offer: Offer, devices: float) -> SystemFigures | None:
        for level in ("measured", "transferred", "estimated"):
            best: SystemFigures | None = None
            most = 0.0
            for system in self._speed(workload):
                copies = devices / system.devices
                whole = round(copies)
                fits = system.accelerator == offer.accelerator and system.devices <= (offer.counted or 0) * (1 + WHOLE)
                units = whole * system.units_per_s
                if system.level == level and fits and abs(copies - whole) <= WHOLE * whole and units > most:
                    best, most = system, units
            if best is not None:
                return best
        return None

    def _speed(self, workload: Workload) -> list[SystemFigures]:
        runs = workload.runs
        if runs.model is None:
            return []
        metric = None
        if isinstance(workload, Service) and runs.profile is None:
            unit = workload.streams[0].unit.partition("/")[0]
            metric = "output_tokens_per_s" if unit in ("tokens", "output_tokens") else None
        asked = (runs.model, runs.profile, runs.precision, runs.input_tokens, runs.output_tokens, metric,
                 runs.concurrency, runs.devices_per_replica, runs.weakest_speed)  # fmt: skip
        key = (*asked, runs.ttft_ms, runs.tpot_ms)
        if key not in self._speeds:
            own = own_systems(self.catalogue, runs, tokens_served=metric is not None)
            self._speeds[key] = own if own is not None else self._at_saturation(asked)
        return self._speeds[key]

    def _at_saturation(self, asked: tuple[Any, ...]) -> list[SystemFigures]:
        from optimizer.catalogue import SpeedRequest, find_speeds

        rows: Any = find_speeds(self.catalogue, SpeedRequest(*asked)).rows.itertuples(index=False)
        return [
            SystemFigures(
                str(row.accelerator), float(row.devices), float(row.units_per_s), str(row.level), float(row.spread),
                words(row.quality), figure(row.requests), figure(row.ttft_ms), figure(row.tpot_ms),
            )
            for row in rows
        ]  # fmt: skip


def _times(price: float | None, factor: float) -> float | None:
    return None if price is None else price * factor
