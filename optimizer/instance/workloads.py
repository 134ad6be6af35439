"""Workloads: services with demand streams, and jobs with a window and a gang."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from optimizer.instance.base import (
    Arch,
    Count,
    Countries,
    Country,
    Id,
    Model,
    Names,
    NonNegative,
    OfferKind,
    Positive,
    PositiveCount,
    PositiveShare,
    Purchase,
)

RATE_UNIT_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86400.0}
RateUnit = Annotated[str, Field(pattern=r"^[a-z_]+/(s|min|h|day)$")]


class Runs(Model):
    """What a workload can run on.

    Either `model` (a catalogue model class, whose throughput the catalogue measures under one profile) or
    `throughput` (work units per second of one device of the named accelerator, here or in the inline catalogue's
    table, which is enough by itself; `cpu` names CPU-only SKUs per vCPU) states the speed. `input_tokens` and
    `output_tokens` are the request shape: they select the throughput profile and split the price of a managed endpoint;
    work is counted in output tokens.

    A replica works on `devices_per_replica` devices of one machine; unless stated they follow from the memory that
    weights (`precision`) and the cache of `concurrency` requests in flight take. `weakest_speed` is the weakest figure
    that counts: `measured`, `transferred` (of another token shape or of the same chip with less memory, scaled) or
    `estimated`.

    `arch` is that of the machines' processors; burstable machines, which keep no steady load, are open only to what
    asks for them.

    `ttft_ms` and `tpot_ms` are what a service promises at its replicas: time to the first token, and per output token
    after it. The operating point is the fastest one that keeps them; without them replicas are saturated.
    """

    model: str | None = None
    profile: str | None = None
    precision: str | None = None
    input_tokens: PositiveCount | None = None
    output_tokens: PositiveCount | None = None
    throughput: dict[str, Positive] | None = None
    software: Names = ()
    accelerators: Names = ()
    min_device_memory_gb: NonNegative = 0.0
    arch: Arch | None = None
    burstable: bool = False
    devices_per_replica: PositiveCount | None = None
    concurrency: PositiveCount | None = None
    ttft_ms: Positive | None = None
    tpot_ms: Positive | None = None
    weakest_speed: Literal["measured", "transferred", "estimated"] = "estimated"
    via: Annotated[tuple[OfferKind, ...], Field(strict=False, min_length=1)] = ("instance",)
    purchase: Annotated[tuple[Purchase, ...], Field(strict=False, min_length=1)] = (
        "on_demand", "committed", "reserved",
    )  # fmt: skip
    endpoint_models: Names = ()
    endpoint_scopes: Names = ()


SubjectsBy = dict[Literal["citizenship", "residence", "collection"], Countries]
"""Places of persons by why they count there."""


class Data(Model):
    """The data a workload handles, as the law sees it.

    `subjects` are the jurisdictions of the persons the data is about (default: the origin of each stream; for a job
    it must be said); `subjects_by` says why they count there: citizens, residents, or collected there. What is not
    stated of a basis that a law asks for may be any of the places. `exporter` is an exporter id of
    `legal_assertions` or a country. What is kept longer than 0 `retention_hours` (prompts, logs, caches,
    checkpoints, derived weights) also needs a storage verdict; `retained_gb` is its size, needed when a law obliges
    a copy of it somewhere. `state` says how the data are protected wherever they are (encrypted, keys_exporter,
    pseudonymised, …): facts that some laws ask for, and that are never assumed. `via` are the places that the data pass
    on their way without being kept or worked on, `onward` those of recipients to whom they are sent on from wherever
    they are (`[]`: of none); what is not stated is told as not asked.
    """

    categories: Names = ()
    subjects: Countries | None = None
    subjects_by: SubjectsBy = {}
    persons: dict[Country, Count] = {}
    sensitive_persons: dict[Country, Count] = {}
    exporter: Id | None = None
    sectors: Names = ()
    flags: Names = ()
    state: Names = ()
    retention_hours: NonNegative = 0.0
    retained_gb: NonNegative | None = None
    via: Countries | None = None
    onward: Countries | None = None


class Tenant(Model):
    """Who uses the capacity, as rules on export and sanctions ask: not whose the data are, but who runs on it.

    `headquarters` and `parent` are the countries where it and its ultimate parent sit; without a parent, state its own
    headquarters twice. `end_use` is what for: words of the law pack (inference, training, analysis, military, …). What
    is not stated is unknown and goes by `laws.unknown.tenant`. `name` is that of a party of `legal_assertions.parties`,
    and so are `customers`, whom the tenant lets use what runs there: rules that ask for lists ask for them.
    """

    headquarters: Country | None = None
    parent: Country | None = None
    end_use: Names = ()
    name: str = ""
    customers: Names = ()


class Stream(Model):
    """Demand from one origin: `rate` is the peak that sizes capacity, `mean_rate` what is served on average.

    All money and energy follow the mean but that of keeping instances.

    `rate` may be a list, one value per period. `origin` is a country (`DE`), a city of the catalogue (`DE:Munich`), an
    id of the instance's `origins`, or a key of its inline network. `subjects` and `subjects_by` together, and `state`,
    replace those of `data`.
    """

    id: Id | None = None
    origin: str
    rate: NonNegative | Annotated[tuple[NonNegative, ...], Field(strict=False)]
    mean_rate: NonNegative | Annotated[tuple[NonNegative, ...], Field(strict=False)] | None = None
    unit: RateUnit = "tokens/s"
    max_rtt_ms: Positive | None = None
    subjects: Countries | None = None
    subjects_by: SubjectsBy = {}
    state: Names | None = None
    immovable: bool = False


class Survival(Model):
    """When any one `of` fails, what is already provisioned elsewhere still serves `share` of every stream's demand."""

    of: Literal["region", "metro", "provider"]
    share: PositiveShare = 1.0


class WorkloadBase(Model):
    """What services and jobs have in common.

    `move_usd` is what it costs to move it away from where it runs today (default: that of `current`). `tenant` is who
    uses it, where that is another than the instance's: seats stated here replace both of the instance's, end uses its.
    """

    id: Id
    tags: Names = ()
    runs: Runs = Runs()
    data: Data = Data()
    indivisible: bool = False
    min_regions: PositiveCount = 1
    max_regions: PositiveCount | None = None
    providers: Names = ()
    regions: Names = ()
    unserved_usd_per_unit: NonNegative | None = None
    move_usd: NonNegative | None = None
    tenant: Tenant = Tenant()
    priority: Count = 0
    immovable: bool = False

    @model_validator(mode="after")
    def _regions_make_sense(self) -> WorkloadBase:
        if self.max_regions is not None and self.max_regions < self.min_regions:
            raise ValueError(f"max_regions {self.max_regions} is below min_regions {self.min_regions}")
        if self.indivisible and self.min_regions > 1:
            raise ValueError(f"indivisible, yet min_regions is {self.min_regions}")
        return self


class Service(WorkloadBase):
    """A workload that answers demand as it comes, from one or several regions.

    `target_utilisation` is how full its instances run at peak (default: the instance's). A job works at full speed.
    `state_gb` is what moves with it into a region in which it does not run today: weights, indexes, caches.
    """

    kind: Literal["service"]
    streams: Annotated[tuple[Stream, ...], Field(strict=False, min_length=1)]
    target_utilisation: PositiveShare | None = None
    response_gb_per_unit: NonNegative = 0.0
    state_gb: NonNegative = 0.0
    survival: Survival | None = None


class Job(WorkloadBase):
    """An amount of work to be done within a window.

    `gang_devices` devices work together, on as many machines of one SKU in one region as hold them; without it a gang
    is one machine with all its devices. Up to `max_gangs` gangs may run side by side (more than one only for
    interruptible jobs, whose gangs may then sit in different places). `release_hours` and `deadline_hours` count from
    the start of the horizon. An `interruptible` job may pause between periods; a
    `deferrable` one may start later than its release, any other works through the first period of its window (one gang
    at least) unless it ends there; `may_move` lets it continue in another region, paying egress for `checkpoint_gb`.
    `spot_overhead` is the share of extra hours that interruptions cost on spot offers.
    """

    kind: Literal["job"]
    work: Positive
    unit: Annotated[str, Field(pattern=r"^[a-z_]+$")] = "tokens"
    release_hours: NonNegative = 0.0
    deadline_hours: Positive | None = None
    gang_devices: PositiveCount | None = None
    max_gangs: PositiveCount = 1
    interruptible: bool = False
    deferrable: bool = True
    may_move: bool = False
    checkpoint_gb: NonNegative | None = None
    spot_overhead: NonNegative = 0.1
    output_gb: NonNegative = 0.0

    @model_validator(mode="after")
    def _window_makes_sense(self) -> Job:
        if self.deadline_hours is not None and self.deadline_hours <= self.release_hours:
            raise ValueError(f"deadline_hours {self.deadline_hours} is not after release_hours {self.release_hours}")
        if self.may_move and not self.interruptible:
            raise ValueError("may_move needs interruptible: a job that moves pauses")
        if self.max_gangs > 1 and not self.interruptible:
            raise ValueError("max_gangs above 1 needs interruptible: gangs side by side are independent")
        if self.may_move and self.checkpoint_gb is None:
            raise ValueError("may_move needs checkpoint_gb: what a move carries")
        return self


Workload = Annotated[Service | Job, Field(discriminator="kind")]


class Reader(Model):
    """A workload that reads `gb` of a dataset over the horizon when all its demand is served."""

    workload: Id
    gb: NonNegative


class Dataset(Model):
    """Data at rest: where its copies live is decided together with the workloads that read it.

    `present_in` lists regions that hold a copy already; a copy elsewhere is brought from the cheapest of them, whose
    provider bills the egress, or, when there is none, from outside for nothing (first upload). `subjects` defaults to
    the keys of `persons`; `subjects_by`, `state`, `via` and `onward` are as of a workload's data.
    """

    id: Id
    size_gb: NonNegative
    categories: Names = ()
    subjects: Countries | None = None
    subjects_by: SubjectsBy = {}
    persons: dict[Country, Count] = {}
    sensitive_persons: dict[Country, Count] = {}
    exporter: Id | None = None
    sectors: Names = ()
    flags: Names = ()
    state: Names = ()
    via: Countries | None = None
    onward: Countries | None = None
    min_copies: PositiveCount = 1
    min_countries: PositiveCount = 1
    regions: Names = ()
    present_in: Names = ()
    readers: Annotated[tuple[Reader, ...], Field(strict=False)] = ()
    immovable: bool = False
