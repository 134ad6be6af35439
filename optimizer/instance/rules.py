"""The user's own limits: budgets, policies, quotas, commitments, discounts, mechanism costs and legal assertions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from optimizer.instance.base import (
    Count,
    Countries,
    Country,
    Date,
    Id,
    Model,
    Names,
    NonNegative,
    Objectives,
    Positive,
    PositiveShare,
    Scope,
    Share,
    Unlimited,
)
from optimizer.instance.workloads import Survival

Measure = Literal["compute_usd", "device_hours", "energy_kwh"]


class Budget(Model):
    """A cap over the horizon on exactly one of carbon (kg CO2e), water (l), energy (kWh) or money (USD).

    `estimate`: which estimate of figures that are estimated as a range counts (energy of managed endpoints): mid or
    high. `counts`: of carbon all, or the operational part alone. `basis`
    names the one basis of emissions that the instance counts in, so that no budget is read as another.
    """

    id: Id
    immovable: bool = False
    limit_kg: NonNegative | None = None
    limit_l: NonNegative | None = None
    limit_kwh: NonNegative | None = None
    limit_usd: NonNegative | None = None
    estimate: Literal["mid", "high"] = "mid"
    counts: Literal["all", "operational"] = "all"
    basis: Literal["location_lifecycle", "location_direct", "market_based"] | None = None
    scope: Scope = Scope()

    @model_validator(mode="after")
    def _says_what_counts(self) -> Budget:
        if self.counts != "all" and self.limit_kg is None:
            raise ValueError("counts tells parts of carbon apart; it goes with limit_kg")
        if self.estimate != "mid" and self.limit_kg is None and self.limit_kwh is None:
            raise ValueError("estimate goes with limit_kg and limit_kwh: nothing else is estimated as a range")
        return self

    @model_validator(mode="after")
    def _one_limit(self) -> Budget:
        stated = [name for name in ("limit_kg", "limit_l", "limit_kwh", "limit_usd") if getattr(self, name) is not None]
        if len(stated) != 1:
            raise ValueError(f"needs exactly one of limit_kg, limit_l, limit_kwh, limit_usd; has {stated or 'none'}")
        return self


class ProviderShare(Model):
    """No more than `max_share` of the measure in scope may fall on `providers` together (each alone if empty)."""

    kind: Literal["provider_share"]
    id: Id
    immovable: bool = False
    providers: Names = ()
    max_share: Share
    measure: Measure = "compute_usd"
    scope: Scope = Scope()


class ExcludeControl(Model):
    """No operator that one of `jurisdictions` can compel; unknown control fails.

    `basis`: `strict` counts any exposure, `ownership` only the home and the ultimate parent.
    """

    kind: Literal["exclude_control"]
    id: Id
    immovable: bool = False
    jurisdictions: Annotated[Countries, Field(min_length=1)]
    basis: Literal["strict", "ownership"] = "strict"
    scope: Scope = Scope()


class RequireCertification(Model):
    """The service in that region holds every one (`all`) or at least one (`any`) of the schemes."""

    kind: Literal["require_certification"]
    id: Id
    immovable: bool = False
    schemes: Annotated[Names, Field(min_length=1)]
    need: Literal["all", "any"] = "all"
    scope: Scope = Scope()


class Sovereignty(Model):
    """The provider's services have these SEAL levels at least, and this sovereignty score in per cent.

    `min_seal` by objective; a score exists only where all eight levels are known. `trust` says whose word binds a level
    from below: an official `award`, a `third_party`'s assessment, the provider's own (`self`). No law asks for it.
    """

    kind: Literal["sovereignty"]
    id: Id
    immovable: bool = False
    min_seal: Objectives = {}
    min_sovereignty_score: Annotated[float, Field(ge=0, le=100)] | None = None
    trust: Annotated[tuple[Literal["award", "third_party", "self"], ...], Field(strict=False)] = ("award",)
    scope: Scope = Scope()

    @model_validator(mode="after")
    def _asks(self) -> Sovereignty:
        if not self.min_seal and self.min_sovereignty_score is None:
            raise ValueError("states neither min_seal nor min_sovereignty_score")
        return self


class CountryShare(Model):
    """At least `min_share` of the measure in scope falls in the countries or groups named."""

    kind: Literal["country_share"]
    id: Id
    immovable: bool = False
    country_groups: Names = ()
    countries: Countries = ()
    min_share: PositiveShare
    measure: Measure = "device_hours"
    scope: Scope = Scope()

    @model_validator(mode="after")
    def _somewhere(self) -> CountryShare:
        if not self.country_groups and not self.countries:
            raise ValueError("names neither country_groups nor countries")
        return self


class SpotShare(Model):
    """At most `max_share` of the device-hours in scope run on spot offers."""

    kind: Literal["spot_share"]
    id: Id
    immovable: bool = False
    max_share: Share
    scope: Scope = Scope()


class SurvivalPolicy(Survival):
    """Survival asked of every service in scope that does not ask for its own."""

    kind: Literal["survival"]
    id: Id
    immovable: bool = False
    scope: Scope = Scope()


class AllowedPlaces(Model):
    """Placements in scope stay in `allow` (if given) and out of `deny`: ISO2 codes or country groups."""

    kind: Literal["places"]
    id: Id
    immovable: bool = False
    allow: Names = ()
    deny: Names = ()
    scope: Scope = Scope()


class PlacesInUse(Model):
    """How many regions, metros, countries or providers the workloads in scope use together, and what each costs.

    At most `max_in_use`, at least `min_in_use`, `price_usd` over the horizon for each. A place is in use where anything
    of a workload in scope runs; towards `min_in_use` it counts as towards the workload's own `min_regions`.
    """

    kind: Literal["places_in_use"]
    id: Id
    immovable: bool = False
    of: Literal["region", "metro", "country", "provider"]
    max_in_use: Count | None = None
    min_in_use: Count | None = None
    price_usd: NonNegative = 0.0
    scope: Scope = Scope()

    @model_validator(mode="after")
    def _limits_make_sense(self) -> PlacesInUse:
        if not self.model_fields_set - {"kind", "id", "of", "scope", "immovable"}:
            raise ValueError("states neither a limit nor a price: max_in_use, min_in_use, price_usd")
        if self.max_in_use is not None and self.min_in_use is not None and self.max_in_use < self.min_in_use:
            raise ValueError(f"max_in_use {self.max_in_use} is below min_in_use {self.min_in_use}")
        return self


Policy = Annotated[
    ProviderShare
    | ExcludeControl
    | RequireCertification
    | Sovereignty
    | CountryShare
    | SpotShare
    | SurvivalPolicy
    | AllowedPlaces
    | PlacesInUse,
    Field(discriminator="kind"),
]


QUOTA_KINDS = ("devices", "vcpus", "kw", "units_per_s")
"""What a quota may limit, by field."""


class Quota(Model):
    """What can be had at once of the devices, vCPUs, kW or work rate that match every key given.

    `devices`: devices of `accelerator` (any if absent) in `region`, `country` or at `provider`: one shared pool.
    `vcpus`: vCPUs of SKUs without an accelerator in `region`, `country` or at `provider`: one shared pool.
    `kw`: IT power of all instances in `region` or at `provider`. `units_per_s`: work rate of the endpoints that match
    `endpoint` (id), `model`, `provider`, `region`. Where several quotas cover a placement, all hold; one of devices
    that names both accelerator and region, one of vCPUs that names a region, and one of an endpoint replaces the
    default there.
    """

    id: Id | None = None
    accelerator: str | None = None
    region: str | None = None
    provider: str | None = None
    country: Country | None = None
    model: str | None = None
    endpoint: str | None = None
    devices: NonNegative | Unlimited | None = None
    vcpus: NonNegative | Unlimited | None = None
    kw: NonNegative | None = None
    units_per_s: NonNegative | Unlimited | None = None
    immovable: bool = False

    @model_validator(mode="after")
    def _one_limit(self) -> Quota:
        stated = [name for name in QUOTA_KINDS if getattr(self, name) is not None]
        if len(stated) != 1:
            raise ValueError(f"needs exactly one of {', '.join(QUOTA_KINDS)}; has {stated or 'none'}")
        return self


class Quotas(Model):
    """Catalogues state prices, not stock: the defaults say what to assume.

    `default_devices` holds for every (accelerator, region) pair, `default_vcpus` for the SKUs without an accelerator of
    every region, the third for every endpoint. Without a default, an offer that no quota covers is ineligible;
    `unlimited` must be said.
    """

    default_devices: NonNegative | Unlimited | None = None
    default_vcpus: NonNegative | Unlimited | None = None
    default_endpoint_units_per_s: NonNegative | Unlimited | None = None
    immovable: bool = False
    limits: Annotated[tuple[Quota, ...], Field(strict=False)] = ()


class Commitment(Model):
    """`instances` of a SKU already paid for in a region: sunk, hence free to use, from their own pool.

    Several commitments to one SKU in one region give their instances together. `usd_per_hour` is what one of them costs
    whether it is used or not; it decides nothing, and says what idle ones cost.
    """

    id: Id
    region: str
    sku: str
    instances: Positive
    usd_per_hour: NonNegative | None = None


DiscountOn = Literal["compute", "on_demand", "spot", "endpoint", "storage", "egress"]


class Discount(Model):
    """Negotiated reduction of list prices at a provider, in per cent, on the classes that it `applies_to`.

    `compute` are machines, whether `on_demand` or `spot`; one of these alone may be named. What is committed to has a
    price of its own. A negative discount is a surcharge.
    """

    provider: str
    percent: Annotated[float, Field(ge=-1000, le=100)]
    applies_to: Annotated[tuple[DiscountOn, ...], Field(strict=False)] = ("compute",)

    @property
    def classes(self) -> tuple[str, ...]:
        """What it reduces, class by class: `compute` as on_demand and spot."""
        each = (("on_demand", "spot") if on == "compute" else (on,) for on in self.applies_to)
        return tuple(name for names in each for name in names)


class MechanismCost(Model):
    """What a transfer mechanism costs per key of its charge scope.

    A mechanism without a stated cost is unavailable, never free.
    The horizon is charged (one_off_usd / amortisation_years + yearly_usd) x hours / 8760.
    """

    id: Id
    one_off_usd: NonNegative = 0.0
    yearly_usd: NonNegative = 0.0
    amortisation_years: Positive = 3.0


class HeldMechanism(Model):
    """A mechanism the organisation holds already: nothing to pay. Empty `exporter`/`importer` cover all of them."""

    id: Id
    exporter: str | None = None
    importer: str | None = None
    country: Country | None = None


class StatedCount(Model):
    """How many an exporter counted: `what` (persons, daily_users, devices, …) `of` a place, over a `window`.

    Persons that are stated here stand for the sums of the instance's data, wherever a law counts them.
    """

    what: Id
    of: Country
    count: Count
    window: Literal["day", "month", "since_january_1", "12_months"] | None = None


class Exporter(Model):
    """Who answers for the data: establishment, headquarters, roles, sectors and flags that laws ask about.

    `roles` hold two kinds of words: who decides on the data (controller, processor) and what status the exporter has
    (bank, public_body, …, or no_special_status). The one says nothing of the other. `counts` are numbers that laws with
    thresholds ask for.
    """

    id: Id
    country: Country
    headquarters: Country | None = None
    roles: Names = ()
    sectors: Names = ()
    flags: Names = ()
    counts: Annotated[tuple[StatedCount, ...], Field(strict=False)] = ()


class Approval(Model):
    """A regulator's decision that was granted."""

    law: Id
    mechanism: Id
    reference: str


class Override(Model):
    """A signed statement that a law does not bind here; repeated in every plan it touches.

    `providers`, `countries` narrow it; it ends with `expires`.
    """

    law: Id
    basis: str
    author: str
    expires: Date
    countries: Countries = ()
    providers: Names = ()


ACCEPTED = (
    r"^((coverage|access|chip|tenant|mechanism|assessment|duty|quota|route):.+|(certificate|seal|party):[^/]+/.+)$"
)
"""Rules of actions that somebody may accept."""


class Acceptance(Model):
    """A named person's decision to go on with an open action of a plan, to the end of `expires`.

    `rule` is what the action stands under: `coverage:` and a jurisdiction, `access:` and a provider, `chip:` and an
    accelerator, `tenant:seat` or `tenant:end_use`, `certificate:` or `seal:` and a provider, `/` and what it is said to
    hold or to reach, `party:` and a party, `/` and the lists it may be on, `mechanism:` or `assessment:` and a
    mechanism, `duty:` and a law, `/` and a kind of duty, `route:` and a law, or `quota:` and a pool.
    """

    rule: Annotated[str, Field(pattern=ACCEPTED)]
    basis: str
    author: str
    expires: Date


class Owner(Model):
    """A share of a party that another holds, in per cent."""

    name: str
    percent: Annotated[float, Field(gt=0, le=100)]


class StatedParty(Model):
    """A party that you looked up: `lists` it is on (none: on none), its `owners`, and where you read it.

    `name` is that of an operator (its provider id), of an exporter (its id), of a tenant or a customer of one, or of an
    owner of another party.
    """

    name: str
    lists: Names = ()
    owners: Annotated[tuple[Owner, ...], Field(strict=False)] = ()
    citation: str = ""


class LegalAssertions(Model):
    """What the user states about themselves and their partners; every plan repeats it."""

    exporters: Annotated[tuple[Exporter, ...], Field(strict=False)] = ()
    group_members: Names = ()
    mechanisms_held: Annotated[tuple[HeldMechanism, ...], Field(strict=False)] = ()
    importer_status: dict[str, Names] = {}
    approvals: Annotated[tuple[Approval, ...], Field(strict=False)] = ()
    overrides: Annotated[tuple[Override, ...], Field(strict=False)] = ()
    support: dict[str, str] = {}
    parties: Annotated[tuple[StatedParty, ...], Field(strict=False)] = ()
    accepts: Annotated[tuple[Acceptance, ...], Field(strict=False)] = ()
    advisory: bool = False
