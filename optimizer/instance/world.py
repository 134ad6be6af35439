"""Which world the instance lives in: bundled or inline catalogue, law pack, horizon, carbon accounting."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from optimizer.changes.laws import LawPatches
from optimizer.instance.base import (
    Arch,
    Countries,
    Country,
    Date,
    Id,
    Model,
    Names,
    NonNegative,
    Objectives,
    Positive,
    PositiveCount,
    Share,
)

Access = Literal["public", "government", "china", "disaster_recovery", "dedicated", "limited"]
Availability = Literal["verified", "price_meter", "unverified", "assumed", "country_level"]


class Period(Model):
    """A stretch of the horizon."""

    id: Id
    hours: Positive


class Horizon(Model):
    """From `start` (00:00 UTC): one period of `hours`, `periods` listed, or `count` equal periods of `hours` in all."""

    start: Date
    hours: Positive | None = None
    count: Annotated[PositiveCount, Field(le=10_000)] = 1
    periods: Annotated[tuple[Period, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Horizon:
        if bool(self.periods) == (self.hours is not None):
            raise ValueError("state either hours (with count) or periods")
        return self

    def resolved(self) -> tuple[Period, ...]:
        """Return the periods in order, each with its id and duration in hours."""
        if self.periods:
            return self.periods
        assert self.hours is not None
        width = len(str(self.count - 1))
        return tuple(Period(id=f"t{k:0{width}d}", hours=self.hours / self.count) for k in range(self.count))


class InlineRegion(Model):
    """A region of the user's own; every figure it lacks stays missing."""

    id: Id
    country: Country
    provider: Id = "inline"
    subdivision: str | None = None
    metro: str | None = None
    fixed_usd_per_hour: NonNegative = 0.0
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180)] | None = None
    pue: Annotated[float, Field(ge=1)] | None = None
    wue_l_per_kwh: NonNegative | None = None
    grid_g_per_kwh: NonNegative | Annotated[tuple[NonNegative, ...], Field(strict=False)] | None = None
    storage_usd_per_gb_month: NonNegative | None = None
    egress_usd_per_gb: NonNegative | None = None


class InlineProvider(Model):
    """An operator of the user's own: who controls it and what it is certified for (every service, every region),
    and the SEAL levels of its services (`seal`, by objective).

    `headquarters` and `parent` (where its ultimate parent sits) own it; `control` lists everybody who can compel it,
    and leaves control unknown when absent. Without headquarters and parent, whoever controls it counts as its owner.
    """

    id: Id
    headquarters: Country | None = None
    parent: Country | None = None
    control: Countries | None = None
    certifications: Names = ()
    seal: Objectives = {}


class InlineOffer(Model):
    """An offer of the user's own: a SKU in a region. Power and embodied figures are per instance.

    `devices` counts accelerators. A SKU without one has accelerator `cpu` and states its `vcpus`.
    `interruption_share`: of instances on spot the part that is taken back within a month.
    """

    sku: Id
    region: str
    accelerator: Id
    devices: Positive = 1.0
    vcpus: Positive | None = None
    device_memory_gb: Positive | None = None
    software: str | None = None
    arch: Arch | None = None
    purchase: Literal["on_demand", "spot"] = "on_demand"
    usd_per_hour: NonNegative
    interruption_share: Share | None = None
    idle_kw: NonNegative | None = None
    load_kw: NonNegative | None = None
    embodied_kg_per_hour: NonNegative | None = None

    @model_validator(mode="after")
    def _counts_what_it_has(self) -> InlineOffer:
        if self.accelerator == "cpu" and (self.vcpus is None or self.devices != 1):
            raise ValueError("an offer of accelerator cpu states vcpus, and no devices")
        if self.accelerator != "cpu" and self.vcpus is not None:
            raise ValueError(f"vcpus are counted where accelerator is cpu; it is {self.accelerator}: state devices")
        if self.interruption_share is not None and self.purchase != "spot":
            raise ValueError(f"interruption_share is of spot offers; purchase is {self.purchase}")
        return self


class InlineEndpoint(Model):
    """A managed endpoint of the user's own: pays per work unit, holds no instances.

    `kg_per_unit` is all carbon of a unit, of which `embodied_kg_per_unit` is embodied (0 unless stated). Without it
    carbon follows from `kwh_per_unit`, the grid where it processes, and `embodied_kg_per_unit`.
    """

    id: Id
    region: str
    model: str
    usd_per_unit: NonNegative = 0.0
    kg_per_unit: NonNegative | None = None
    embodied_kg_per_unit: NonNegative | None = None
    kwh_per_unit: NonNegative | None = None
    countries: Countries = ()


class NetworkLink(Model):
    """Between an origin (a stream's) or a region and a region: round trip, USD per work unit, USD per GB."""

    origin: str
    region: str
    rtt_ms: NonNegative | None = None
    usd_per_unit: NonNegative | None = None
    usd_per_gb: NonNegative | None = None


class Throughput(Model):
    """Explicit speed of one device: work units of `workload` per second on `accelerator`."""

    workload: Id
    accelerator: Id
    units_per_s: Positive


class InlineCatalogue(Model):
    """A catalogue wholly inside the instance."""

    providers: Annotated[tuple[InlineProvider, ...], Field(strict=False)] = ()
    regions: Annotated[tuple[InlineRegion, ...], Field(strict=False)] = ()
    offers: Annotated[tuple[InlineOffer, ...], Field(strict=False)] = ()
    endpoints: Annotated[tuple[InlineEndpoint, ...], Field(strict=False)] = ()
    network: Annotated[tuple[NetworkLink, ...], Field(strict=False)] = ()
    throughput: Annotated[tuple[Throughput, ...], Field(strict=False)] = ()


class EndpointResource(Model):
    """Where resources of a provider's managed endpoints sit, and where those of unknown scope may process.

    Speaks of the endpoints of `provider` among `ids`, `models` and `scopes` (empty: all), and fills in only what the
    catalogue leaves open. `regions`: resource regions; an endpoint opens in each that lies in its scope. `processing`:
    `region` (where the resource is), `global` (every country in which the provider has regions), or countries.
    """

    provider: Id
    regions: Names = ()
    processing: Literal["region", "global"] | Annotated[Countries, Field(min_length=1)] | None = None
    ids: Names = ()
    models: Names = ()
    scopes: Names = ()
    citation: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> EndpointResource:
        if not self.regions and self.processing is None:
            raise ValueError("states neither regions (where resources sit) nor processing (where they may process)")
        return self


CAUTIOUS_FALLBACKS = ("pue_industry", "accelerator_power", "idle_power", "host_power", "endpoint_energy")
"""Fallbacks that are on unless the instance states others: for power and PUE, at their cautious end, and for the energy
of managed endpoints."""


class OverlayRow(Model):
    """A row of the overlay as a table has it: `id` names a row of the catalogue, `where` selects some, `add` is new.

    The instance keeps it as a mapping (`optimizer/catalogue/overlay.py`).
    """

    table: str
    id: str | None = None
    where: dict[str, str] = {}
    set: dict[str, str | float] = {}
    add: dict[str, str | float] = {}
    citation: str = ""


class CatalogueUse(Model):
    """Which part of the world may be used. Empty lists allow everything the defaults allow.

    `use`: `world` (bundled), `inline` (only `inline`), or a folder beside the instance.
    `providers` may name sets: `hyperscalers`, `eu_operated`, `all`. Of the world it is stated, unless `regions` is.
    `access` opts into partitions: government, china, disaster_recovery, dedicated, limited.
    `availability` says how sure offers must be: verified, and known from a price list alone (price_meter), unless
    stated; unverified, assumed, country_level.
    `fallbacks` names the families of fallback figures that count; none: []. `max_price_age_days` warns beyond it.
    `fixed_usd_per_hour` is by region, `*` those that are not named. `latency_margin_ms` is added to estimated round
    trips before they are held against a limit. `endpoint_resources` declares where managed endpoints sit and process
    where the catalogue does not say; `unspecified_endpoint_scope: global` lets all that say nothing else process
    anywhere.
    """

    use: str = "world"
    providers: Names = ()
    exclude_providers: Names = ()
    regions: Names = ()
    exclude_regions: Names = ()
    countries: Countries = ()
    exclude_countries: Countries = ()
    exclude_offers: Names = ()
    access: Annotated[tuple[Access, ...], Field(strict=False, min_length=1)] = ("public",)
    availability: Annotated[tuple[Availability, ...], Field(strict=False, min_length=1)] = (
        "verified", "price_meter",
    )  # fmt: skip
    unspecified_endpoint_scope: Literal["ineligible", "global"] = "ineligible"
    endpoint_resources: Annotated[tuple[EndpointResource, ...], Field(strict=False)] = ()
    fallbacks: Names = CAUTIOUS_FALLBACKS
    max_price_age_days: PositiveCount = 730
    fixed_usd_per_hour: dict[str, NonNegative] = {}
    latency_margin_ms: NonNegative = 0.0
    overlay: Annotated[tuple[dict[str, Any], ...], Field(strict=False)] = ()
    inline: InlineCatalogue | None = None


class Origin(Model):
    """A place where users are, for streams to name: the law asks its country, round trips start at its position."""

    id: Id
    country: Annotated[Country, Field(pattern=r"^[A-Z]{2}$")]
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Origin:
        if (self.lat is None) != (self.lon is None):
            raise ValueError("has one of lat and lon; a position needs both")
        return self


class Unknown(Model):
    """What is made of what is not known: `refuse` (not used), `ask` (used, with an open action) or `admit` (used).

    `law`: a jurisdiction that nobody reviewed, or whose rule no row states. Unstated, an unreviewed destination is
    refused to personal and regulated data and an unknown origin asks; other data are admitted. `access`: an operator
    whose support countries are not known. `certificate`: a certificate that nobody knows to be held; unstated, one that
    a law requires is refused, one that a policy requires asks. `seal`: a level of sovereignty that a policy asks for.
    `tenant`: who uses the capacity, or for what, where that is not stated and a rule on export or sanctions asks.
    """

    law: Literal["refuse", "ask", "admit"] | None = None
    access: Literal["refuse", "ask", "admit"] = "ask"
    certificate: Literal["refuse", "ask", "admit"] | None = None
    seal: Literal["refuse", "ask", "admit"] = "ask"
    tenant: Literal["refuse", "ask", "admit"] = "ask"


class LawsUse(Model):
    """Which laws bind, known as of `as_of`.

    `use`: `world`; `none` (the plan then says that no law was checked); or laws of your own, in a file beside the
    instance or a folder of such files (`docs/laws.md`), which are added to the world's or stand in the place of those
    with the same id. A folder with all files of a pack is used instead of the world's.
    `patches` are scenario operations (`docs/laws.md`), applied in order. `unknown` says what is made of what nobody
    knows.
    """

    use: str = "world"
    as_of: Date | None = None
    unknown: Unknown = Unknown()
    patches: LawPatches = ()


class Carbon(Model):
    """Accounting method; emission bases are never mixed.

    `basis`: `location_lifecycle` (default), `location_direct` or `market_based`. `embodied`: `boavizta`, `vendor` or
    `none`. `resolution`: `annual`, or `typical_day` (hourly shape of the month, scaled to the annual level).
    `price_usd_per_tonne` adds to the objective. `residual_mix_g_per_kwh`, by country, is what electricity emits that no
    claim covers, for the market-based figure beside a location-based one; without it the grid's own figure stands.
    """

    basis: Literal["location_lifecycle", "location_direct", "market_based"] = "location_lifecycle"
    embodied: Literal["boavizta", "vendor", "none"] = "boavizta"
    resolution: Literal["annual", "typical_day"] = "annual"
    price_usd_per_tonne: NonNegative = 0.0
    network_kwh_per_gb: NonNegative = 0.0
    residual_mix_g_per_kwh: dict[Country, NonNegative] = {}


class Currency(Model):
    """The one rate by which fields written with this currency's suffix (`limit_eur`) become USD, and its `date`.

    Amounts of plans are shown in it, at the same rate.
    """

    code: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    usd_per_unit: Positive
    date: Date | None = None
