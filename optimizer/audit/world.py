"""The world as the audit sees it: calendar, places, offers, prices and distances of one instance.

Built straight from the instance and the catalogue's tables; nothing here knows how a plan is made.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from optimizer.audit.calendar import Calendar
from optimizer.audit.facts import Offer, Region
from optimizer.audit.law_triggers import Operator
from optimizer.audit.operating import SystemFigures
from optimizer.audit.shop import ForSale, shop_of
from optimizer.catalogue.provider_sets import EEA
from optimizer.instance.identity import stream_ids
from optimizer.instance.models import Instance
from optimizer.instance.rules import Commitment
from optimizer.instance.workloads import Dataset, Job, Service, Stream, Workload

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue

HOURS_PER_MONTH = 730.0
HOURS_PER_YEAR = 8760.0


class Source(Protocol):
    """Where facts come from: the bundled catalogue, a folder's, or the instance. None: no such thing or figure."""

    def region(self, region_id: str) -> Region | None:
        """Return the region."""

    def instance_offer(self, region: Region, sku: str, purchase: str) -> Offer | None:
        """Return the offer of a SKU under `on_demand` or `spot`."""

    def sku(self, region: Region, sku: str) -> Offer | None:
        """Return what is known of a SKU wherever it is sold, without price (for commitments)."""

    def endpoint(self, endpoint: str, region: Region) -> Offer | None:
        """Return the endpoint whose resource sits in the region."""

    def estimates(self, origin: str, region: Region) -> bool:
        """Return True where the round trip is an estimate."""

    def rtt_ms(self, origin: str, region: Region) -> float | None:
        """Return the round trip between users at the origin and the region."""

    def usd_per_unit(self, origin: str, region: Region) -> float | None:
        """Return the network's price of a work unit."""

    def response_usd_per_gb(self, origin: str, region: Region) -> float | None:
        """Return the price of a GB sent to the origin's users."""

    def internet_usd_per_gb(self, region: Region) -> float | None:
        """Return the price of a GB sent to the internet."""

    def storage_usd_per_gb_month(self, region: Region) -> float | None:
        """Return the price of a GB stored for a month."""

    def egress_usd_per_gb(self, source: Region, target: Region) -> float | None:
        """Return the price of a GB sent to another region."""

    def units_per_s(self, workload: Workload, offer: Offer, devices: float) -> float | None:
        """Return the throughput of so many of the offer's devices by the source's own figures."""

    def system(self, workload: Workload, offer: Offer, devices: float) -> SystemFigures | None:
        """Return the catalogue's figures behind that throughput; None where the instance states it."""

    def canonical_model(self, name: str) -> str:
        """Return the name a model goes by."""

    sha256: str | None
    version: str

    @property
    def catalogue(self) -> Catalogue | None:
        """The tables that facts come from, if they do."""

    def endpoints(self, names: set[str]) -> list[Offer]:
        """Return every endpoint that serves one of the models named."""

    def operator(self, provider: str) -> Operator | None:
        """Return who controls a provider, None if the source has no such provider."""

    def providers(self) -> Iterable[str]:
        """Return every provider of the source."""

    def chip_figures(self, accelerator: str) -> tuple[float | None, float | None, float | None, str]:
        """Return total processing performance, memory bandwidth in GB/s and the vendor's country ("" unknown)."""


class World:
    """One instance's world, with discounts applied to prices."""

    def __init__(self, instance: Instance, source: Source, horizon: Calendar) -> None:
        self.instance = instance
        self.calendar = horizon
        self._source = source
        self.workloads: dict[str, Workload] = {w.id: w for w in instance.workloads}
        self.datasets: dict[str, Dataset] = {d.id: d for d in instance.datasets}
        self.streams: dict[str, dict[str, Stream]] = {
            w.id: dict(zip(stream_ids(w), w.streams, strict=True)) for w in instance.workloads if isinstance(w, Service)
        }
        self._discounts: dict[tuple[str, str], float] = {}
        for discount in instance.discounts:
            for on in discount.classes:
                factor = self._discounts.get((discount.provider, on), 1.0)
                self._discounts[discount.provider, on] = factor * (1 - discount.percent / 100)
        self._commitments: dict[tuple[str, str], list[Commitment]] = {}
        for commitment in instance.commitments:
            region = self.region(commitment.region)
            key = (region.id if region else commitment.region, commitment.sku)
            self._commitments.setdefault(key, []).append(commitment)
        self.region = lru_cache(maxsize=None)(self.region)  # type: ignore[method-assign]
        self.offer = lru_cache(maxsize=None)(self.offer)  # type: ignore[method-assign]
        self.rtt_ms = lru_cache(maxsize=None)(self.rtt_ms)  # type: ignore[method-assign]
        self.remembered: dict[tuple[object, ...], float | None] = {}
        self._systems: dict[tuple[str, tuple[str, str, str]], SystemFigures | None] = {}
        self.units_per_s = _memo_throughput(self.units_per_s)  # type: ignore[method-assign, assignment]

    # places and offers

    @cached_property
    def providers(self) -> tuple[str, ...]:
        """Providers that the instance's catalogue is narrowed to, with those that its sets stand for; none: all."""
        names = self.instance.catalogue.providers
        if "all" in names:
            return ()
        found = {name for name in names if name not in ("hyperscalers", "eu_operated")}
        if "hyperscalers" in names:
            found |= {"aws", "azure", "gcp"}
        if "eu_operated" in names:
            for name in self._source.providers():
                operator = self._source.operator(name)
                if operator is not None and operator.known and operator.ownership:
                    found |= {name} if operator.ownership <= EEA else set()
        return tuple(sorted(found))

    def region(self, region_id: str) -> Region | None:
        """Return a region by id, None if there is none."""
        return self._source.region(region_id)

    def offer(self, region_id: str, sku: str | None, endpoint: str | None, purchase: str | None) -> Offer | None:
        """Return an offer; an instance offer without a stated purchase is taken as on demand."""
        region = self.region(region_id)
        if region is None:
            return None
        if endpoint is not None:
            return self._source.endpoint(endpoint, region)
        assert sku is not None
        if purchase == "committed":
            return self._committed(region, sku)
        if purchase == "reserved":
            return None  # its price is that of the commitments a placement names: `reserved`
        return self._source.instance_offer(region, sku, purchase or "on_demand")

    def _committed(self, region: Region, sku: str) -> Offer | None:
        found = self._commitments.get((region.id, sku), ())
        facts = self._source.sku(region, sku)
        if not found or facts is None:
            return None
        return dataclasses.replace(
            facts, purchase="committed", usd_per_hour=0.0, commitments=tuple(found), availability="verified"
        )

    @cached_property
    def shop(self) -> dict[str, ForSale]:
        """What may be bought, by id."""
        return shop_of(self)

    def region_ids(self, provider: str) -> list[str]:
        """Return the regions of a provider."""
        inline = self.instance.catalogue.inline
        if inline is not None:
            return [region.id for region in inline.regions if region.provider == provider]
        assert self.catalogue is not None
        table = self.catalogue.regions
        return list(table.index[table.provider == provider])

    def reserved(self, region: Region, sku: str, covered: Mapping[str, float]) -> Offer | None:
        """Return a SKU as run on commitments to buy, so many instances on each, at their part of what these cost."""
        facts = self._source.sku(region, sku)
        key, total = (region.id, sku), sum(covered.values())
        known = [(self.shop[name], n) for name, n in covered.items() if name in self.shop]
        held = [(one, n) for one, n in known if key in one.takes]
        if facts is None or not held or total <= 0:
            return None
        usd = sum(one.charged_usd * one.takes[key] * n for one, n in held) / (self.calendar.total_hours * total)
        dates = [one.date for one, _ in held if one.date]
        listed = self._source.instance_offer(region, sku, "on_demand")
        return dataclasses.replace(
            facts,
            purchase="reserved",
            usd_per_hour=usd,
            price_quality=held[0][0].quality,
            availability="verified" if listed is None else listed.availability,
            price_date=date.fromisoformat(min(dates)) if dates else None,
        )

    # prices and distances, after discounts

    def discount(self, provider: str, on: str) -> float:
        """Return the factor left of list prices."""
        return self._discounts.get((provider, on), 1.0)

    def usd_per_hour(self, offer: Offer) -> float | None:
        """Return the price of one instance-hour."""
        if offer.usd_per_hour is None:
            return None
        return offer.usd_per_hour * self.discount(offer.provider, offer.purchase or "on_demand")

    def endpoint_usd_per_unit(self, offer: Offer, workload: Workload) -> float | None:
        """Return the price of a work unit (output token): output price + input/output tokens x input price."""
        factor = self.discount(offer.provider, "endpoint")
        if offer.usd_per_unit is not None:
            return offer.usd_per_unit * factor
        runs = workload.runs
        prices = offer.usd_per_million_input_tokens, offer.usd_per_million_output_tokens
        if None in prices or runs.input_tokens is None or runs.output_tokens is None:
            return None
        per_input, per_output = prices
        assert per_input is not None
        assert per_output is not None
        return (per_output + runs.input_tokens / runs.output_tokens * per_input) / 1e6 * factor

    def rtt_ms(self, origin: str, region: Region) -> float | None:
        """Return the round trip between users at the origin and the region, None if unknown."""
        return self._source.rtt_ms(origin, region)

    def usd_per_unit(self, origin: str, region: Region) -> float | None:
        """Return the network's price of a work unit, None if unknown."""
        return self._source.usd_per_unit(origin, region)

    def response_usd_per_gb(self, origin: str, region: Region) -> float | None:
        """Return the price of a GB answered to the origin's users."""
        return _times(self._source.response_usd_per_gb(origin, region), self.discount(region.provider, "egress"))

    def internet_usd_per_gb(self, region: Region) -> float | None:
        """Return the price of a GB sent to the internet."""
        return _times(self._source.internet_usd_per_gb(region), self.discount(region.provider, "egress"))

    def storage_usd_per_gb_month(self, region: Region) -> float | None:
        """Return the price of a GB stored for a month of 730 hours."""
        return _times(self._source.storage_usd_per_gb_month(region), self.discount(region.provider, "storage"))

    def egress_usd_per_gb(self, source: Region, target: Region) -> float | None:
        """Return the price of a GB sent from region to region, 0 inside one."""
        if source.id == target.id:
            return 0.0
        return _times(self._source.egress_usd_per_gb(source, target), self.discount(source.provider, "egress"))

    def units_per_s(self, workload: Workload, offer: Offer) -> float | None:
        """Return the work units per second of one instance at full load, without utilisation or spot overhead.

        A gang that does not fill its machines works on its own devices only: each machine does its part of that.
        """
        devices, machines = _measured_on(workload, offer)
        return _times(self._source.units_per_s(workload, offer, devices), 1 / machines)

    def speed_quality(self, workload: Workload, offer: Offer) -> str:
        """Return how that throughput was had, "" where the instance states it."""
        system = self.system(workload, offer)
        return "" if system is None else system.quality

    def system(self, workload: Workload, offer: Offer) -> SystemFigures | None:
        """Return the catalogue's figures behind that throughput, None where the instance states it."""
        key = (workload.id, offer.key)
        if key not in self._systems:
            self._systems[key] = self._source.system(workload, offer, _measured_on(workload, offer)[0])
        return self._systems[key]

    def estimates_rtt(self, origin: str, region: Region) -> bool:
        """Return True where the round trip of users is the catalogue's estimate; else the instance states it."""
        return self._source.estimates(origin, region)

    def rtt_at_most_ms(self, origin: str, region: Region) -> float | None:
        """Return the round trip that is held against a limit: with the margin where it is an estimate."""
        rtt, margin = self.rtt_ms(origin, region), self.instance.catalogue.latency_margin_ms
        return rtt + margin if rtt is not None and margin and self.estimates_rtt(origin, region) else rtt

    def model_names(self, workload: Workload) -> set[str]:
        """Return the names under which an endpoint may serve the workload's model."""
        names = set(workload.runs.endpoint_models) | ({workload.runs.model} if workload.runs.model else set())
        return names | {self._source.canonical_model(name) for name in names}

    @property
    def catalogue(self) -> Catalogue | None:
        """The catalogue's tables with the instance's overrides; None for an inline catalogue."""
        return self._source.catalogue

    @property
    def catalogue_sha256(self) -> str | None:
        """The checksum of the catalogue's tables, None for an inline catalogue (the instance's hash covers it)."""
        return self._source.sha256

    @property
    def catalogue_version(self) -> str:
        """The version of the catalogue as plans tell it, `inline` for an inline one."""
        return self._source.version

    def endpoints(self, workload: Workload) -> list[Offer]:
        """Return every endpoint that serves the workload's model."""
        return self._source.endpoints(self.model_names(workload))

    def operator(self, provider: str) -> Operator | None:
        """Return who controls a provider by the catalogue, None if it does not list the provider."""
        return self._source.operator(provider)

    def chip_figures(self, accelerator: str) -> tuple[float | None, float | None, float | None, str]:
        """Return total processing performance, memory bandwidth in GB/s and the vendor's country of an accelerator."""
        return self._source.chip_figures(accelerator)

    # demand

    def peak(self, stream: Stream, period: int) -> float:
        """Return the peak rate of a stream in work units/s."""
        return _rate(stream.rate, period) / _unit_seconds(stream.unit)

    def mean_share(self, stream: Stream, period: int) -> float:
        """Return mean rate / peak rate of a stream in a period (1 without a mean rate or without demand)."""
        if stream.mean_rate is None:
            return 1.0
        peak = _rate(stream.rate, period)
        return _rate(stream.mean_rate, period) / peak if peak > 0 else 1.0

    def utilisation(self, service: Service) -> float:
        """Return the share of an instance's throughput that peaks may use."""
        own = service.target_utilisation
        return self.instance.target_utilisation if own is None else own

    def relied_on(self, service: Service, offer: Offer) -> float:
        """Return the share of an instance's throughput that peaks may use: of spot only what a month leaves."""
        lasting = 1.0 - (offer.interruption_share or 0.0) if offer.purchase == "spot" else 1.0
        return self.utilisation(service) * lasting

    def unserved_price(self, workload: Workload) -> float | None:
        """Return USD per work unit left unserved or undone, None if nothing may be left."""
        own = workload.unserved_usd_per_unit
        return self.instance.unserved_usd_per_unit if own is None else own

    def readers(self, workload: Workload) -> list[tuple[Dataset, float]]:
        """Return the datasets a workload reads and the GB of each over the horizon."""
        return [(d, r.gb) for d in self.instance.datasets for r in d.readers if r.workload == workload.id]

    def window(self, job: Job) -> tuple[float, float]:
        """Return release and deadline of a job in hours from the start of the horizon."""
        end = self.calendar.total_hours
        return job.release_hours, end if job.deadline_hours is None else min(job.deadline_hours, end)


def resolve(instance: Instance, base_dir: Path | None = None) -> World:
    """Return the world of an instance; `base_dir` is where a catalogue folder named by the instance is looked for."""
    from optimizer.audit.sources import source_of

    calendar = Calendar(instance.horizon.start, instance.horizon.resolved())
    return World(instance, source_of(instance, calendar, base_dir), calendar)


def _rate(rate: float | tuple[float, ...], period: int) -> float:
    return rate[period] if isinstance(rate, tuple) else rate


def _unit_seconds(unit: str) -> float:
    return {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86400.0}[unit.rsplit("/", 1)[1]]


def _measured_on(workload: Workload, offer: Offer) -> tuple[float, int]:
    """Return how many devices work together, and on how many machines they do what that many were measured to do."""
    held = offer.counted or 0.0
    gang = workload.gang_devices if isinstance(workload, Job) else None
    machines = max(1, math.ceil(gang / held - 1e-9)) if gang and held else 1
    if gang is None or gang >= machines * held * (1 - 1e-9):
        return held, 1
    return gang, machines


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _memo_throughput(method: Callable[[Workload, Offer], float | None]) -> Callable[[Workload, Offer], float | None]:
    memo: dict[tuple[str, tuple[str, str, str]], float | None] = {}

    def remembered(workload: Workload, offer: Offer) -> float | None:
        key = (workload.id, offer.key)
        if key not in memo:
            memo[key] = method(workload, offer)
        return memo[key]

    return remembered
