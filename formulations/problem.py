"""`Problem`: the sets and parameters of the optimization, as arrays, and nothing else.

Index sets and the letter used for them in every formulation module:

    t periods · w workloads (services and jobs) · j streams of services · r regions · i slots · q flows
    k datasets · c copies (dataset, region) · e transfers (dataset, source, destination) · m mechanisms
    p presences (workload, region) · κ pools · β budgets · σ shares

A *slot* is an eligible (workload, offer, period): what is decided about it is how many instances run. A *flow* is an
eligible (stream, slot). Only eligible combinations exist: whatever law, latency, memory or a missing figure rules out
was removed before, by the compile step, which keeps the reasons. No array holds NaN. All quantities are over the
horizon unless a name says otherwise, one unit each, named in the field.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def _ints() -> Ints:
    return np.zeros(0, dtype=np.int64)


def _floats() -> Floats:
    return np.zeros(0, dtype=np.float64)


def _bools() -> Bools:
    return np.zeros(0, dtype=np.bool_)


@dataclass(frozen=True)
class Coefficients:
    """What one unit of each variable of a family adds to each metric; all arrays have the family's length.

    `spend_usd` is money (the objective adds the carbon price to it); `compute_usd` the part of it that pays for
    compute.
    """

    spend_usd: Floats = field(default_factory=_floats)
    compute_usd: Floats = field(default_factory=_floats)
    carbon_kg: Floats = field(default_factory=_floats)
    energy_kwh: Floats = field(default_factory=_floats)
    water_l: Floats = field(default_factory=_floats)
    device_hours: Floats = field(default_factory=_floats)

    @classmethod
    def zeros(cls, size: int) -> Coefficients:
        """Return coefficients of `size` variables that add nothing."""
        return cls(*(np.zeros(size) for _ in range(6)))

    def take(self, kept: Ints) -> Coefficients:
        """Return those of some variables only."""
        return Coefficients(*(getattr(self, f.name)[kept] for f in fields(self)))


@dataclass(frozen=True)
class Membership:
    """A sparse 0/1 (or weighted) matrix in coordinate form: row `row[x]` holds `column[x]` with `weight[x]`."""

    row: Ints = field(default_factory=_ints)
    column: Ints = field(default_factory=_ints)
    weight: Floats = field(default_factory=_floats)

    def renumbered(self, place: Ints) -> Membership:
        """Return the entries of the columns that have a place (-1: none), by it."""
        kept = np.flatnonzero(place[self.column] >= 0)
        return Membership(self.row[kept], place[self.column[kept]], self.weight[kept])


@dataclass(frozen=True)
class Services:
    """Streams and the services they belong to. Shapes: [streams] and [streams, periods].

    `demand_per_s[j, t]` is the peak rate (work units/s) that must be served; `unserved_usd[j, t]` is the penalty of
    leaving one unit/s of it unserved during the whole period, NaN-free: `may_be_unserved[j]` says whether it is
    allowed.
    """

    workload: Ints = field(default_factory=_ints)
    demand_per_s: Floats = field(default_factory=lambda: np.zeros((0, 1)))
    may_be_unserved: Bools = field(default_factory=_bools)
    unserved_usd: Floats = field(default_factory=lambda: np.zeros((0, 1)))


@dataclass(frozen=True)
class Jobs:
    """Jobs, one row each. Windows are by period: a slot outside its job's window does not exist.

    `work_units` to be done; `max_gangs` gangs may run at once (1: all on one SKU in one region);
    `first_period`/`last_period` of the window; `may_be_undone` with `undone_usd` per work unit left undone.
    """

    workload: Ints = field(default_factory=_ints)
    work_units: Floats = field(default_factory=_floats)
    max_gangs: Ints = field(default_factory=_ints)
    interruptible: Bools = field(default_factory=_bools)
    deferrable: Bools = field(default_factory=_bools)
    may_move: Bools = field(default_factory=_bools)
    first_period: Ints = field(default_factory=_ints)
    last_period: Ints = field(default_factory=_ints)
    may_be_undone: Bools = field(default_factory=_bools)
    undone_usd: Floats = field(default_factory=_floats)


@dataclass(frozen=True)
class Slots:
    """Eligible (workload, offer, period) triples; shape [slots].

    `offer` indexes the compile step's offer table; `is_endpoint`: no instances, flow only. For instances of a service
    `capacity_per_s` = target utilisation x throughput of one instance (units/s), `max_instances` an upper bound on n,
    and `running` what one instance kept running for the whole period adds. For a job `capacity_per_s` is the
    throughput of one instance, `gang_instances` the instances of one gang, `usable_hours` the part of the period
    inside the job's window, and `working` what one instance-hour adds.
    """

    workload: Ints = field(default_factory=_ints)
    offer: Ints = field(default_factory=_ints)
    region: Ints = field(default_factory=_ints)
    period: Ints = field(default_factory=_ints)
    is_job: Bools = field(default_factory=_bools)
    is_endpoint: Bools = field(default_factory=_bools)
    capacity_per_s: Floats = field(default_factory=_floats)
    max_instances: Floats = field(default_factory=_floats)
    gang_instances: Floats = field(default_factory=_floats)
    usable_hours: Floats = field(default_factory=_floats)
    running: Coefficients = field(default_factory=Coefficients)
    working: Coefficients = field(default_factory=Coefficients)


@dataclass(frozen=True)
class Flows:
    """Eligible (stream, slot) pairs; `serving` is what one unit/s (of peak rate) served for the period adds."""

    stream: Ints = field(default_factory=_ints)
    slot: Ints = field(default_factory=_ints)
    serving: Coefficients = field(default_factory=Coefficients)


@dataclass(frozen=True)
class Regions:
    """Regions by index; `fixed_usd` is charged once while a region is in use (0: no variable is made for it).

    `country`, `metro` and `provider` are integer labels used by survival and by dataset rules.
    """

    ids: tuple[str, ...] = ()
    country: Ints = field(default_factory=_ints)
    metro: Ints = field(default_factory=_ints)
    provider: Ints = field(default_factory=_ints)
    fixed_usd: Floats = field(default_factory=_floats)


@dataclass(frozen=True)
class Presence:
    """(workload, region) pairs whose presence is decided, for the workloads that need it; bounds per workload listed.

    `workload[p]`, `region[p]`; `bounded_workload`, `min_regions`, `max_regions` have one row per workload with
    presences (`max_regions` is the number of regions when unbounded).
    """

    workload: Ints = field(default_factory=_ints)
    region: Ints = field(default_factory=_ints)
    bounded_workload: Ints = field(default_factory=_ints)
    min_regions: Ints = field(default_factory=_ints)
    max_regions: Ints = field(default_factory=_ints)


@dataclass(frozen=True)
class Pools:
    """Shared capacity, one row per (pool, period): `by_instances` counts per instance of a slot, `by_flow` per unit/s.

    `kind` by row is devices, kw or units_per_s, the unit of `limit`. Left empty, rows with `by_flow` are units_per_s
    and all others devices.
    """

    ids: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    period: Ints = field(default_factory=_ints)
    limit: Floats = field(default_factory=_floats)
    by_instances: Membership = field(default_factory=Membership)
    by_flow: Membership = field(default_factory=Membership)


@dataclass(frozen=True)
class Datasets:
    """Datasets, their possible copies, transfers to readers and covering duties.

    Copies: `copy_dataset`, `copy_region`, `copying` (storage over the horizon and making the copy, per copy).
    Transfers: `transfer_copy` (source copy), `transfer_region` (where it is read), `moving` per GB.
    Reads: `read_*`: dataset x region x flow or slot with the GB read per unit/s of flow, or per instance-hour of a job.
    Duties: membership of copies in duty rows, each needing `duty_copies` copies; minimum copies are duty rows as well.
    One that is owed only if something is done has `duty_copies` 0: what owes it are flows (`owed_by_flow`) and gangs
    (`owed_by_gang`), which add up to `owed_bound[duty]` at most (big-M, tight).
    `max_gb[k]` bounds what is read of a dataset.
    """

    ids: tuple[str, ...] = ()
    min_countries: Ints = field(default_factory=_ints)
    max_gb: Floats = field(default_factory=_floats)
    copy_dataset: Ints = field(default_factory=_ints)
    copy_region: Ints = field(default_factory=_ints)
    copying: Coefficients = field(default_factory=Coefficients)
    transfer_copy: Ints = field(default_factory=_ints)
    transfer_region: Ints = field(default_factory=_ints)
    moving: Coefficients = field(default_factory=Coefficients)
    read_dataset: Ints = field(default_factory=_ints)
    read_region: Ints = field(default_factory=_ints)
    read_by_flow: Membership = field(default_factory=Membership)
    read_by_work: Membership = field(default_factory=Membership)
    duty_ids: tuple[str, ...] = ()
    duty_copies: Ints = field(default_factory=_ints)
    duty: Membership = field(default_factory=Membership)
    owed_bound: Floats = field(default_factory=_floats)
    owed_by_flow: Membership = field(default_factory=Membership)
    owed_by_gang: Membership = field(default_factory=Membership)


@dataclass(frozen=True)
class Mechanisms:
    """Transfer mechanisms by charge key, and the requirement rows that need at least one of them.

    A row says: the activities in it happen only if one of its mechanisms is bought. Activities are flows (`by_flow`),
    gangs on a slot (`by_gang`) and copies (`by_copy`); `bound[row]` is the most the row's activities can add up to
    (big-M, tight).
    """

    ids: tuple[str, ...] = ()
    cost_usd: Floats = field(default_factory=_floats)
    requirement_ids: tuple[str, ...] = ()
    bound: Floats = field(default_factory=_floats)
    by_flow: Membership = field(default_factory=Membership)
    by_gang: Membership = field(default_factory=Membership)
    by_copy: Membership = field(default_factory=Membership)
    satisfied_by: Membership = field(default_factory=Membership)


@dataclass(frozen=True)
class Budgets:
    """Caps on a metric over a scope: `metric` is one of carbon_kg, water_l, energy_kwh, spend_usd.

    `slots`, `copies`, `transfers` and `moves` say what is in scope; a column of `moves` is (row of Moves) x periods +
    the period before which it is made. `whole[β]`: the scope is everything, so that mechanisms and region fixed costs
    count in a money budget as well.
    """

    ids: tuple[str, ...] = ()
    metric: tuple[str, ...] = ()
    limit: Floats = field(default_factory=_floats)
    whole: Bools = field(default_factory=_bools)
    slots: Membership = field(default_factory=Membership)
    copies: Membership = field(default_factory=Membership)
    transfers: Membership = field(default_factory=Membership)
    moves: Membership = field(default_factory=Membership)


@dataclass(frozen=True)
class Shares:
    """Share policies: measure(part) <= upper x measure(all), or >= lower x measure(all).

    `measure` is one of compute_usd, device_hours, energy_kwh; `upper` 1 and `lower` 0 mean no bound. `part` and `all`
    hold slots.
    """

    ids: tuple[str, ...] = ()
    measure: tuple[str, ...] = ()
    lower: Floats = field(default_factory=_floats)
    upper: Floats = field(default_factory=_floats)
    part: Membership = field(default_factory=Membership)
    all: Membership = field(default_factory=Membership)


@dataclass(frozen=True)
class Survival:
    """Services that must survive the failure of any one region, metro or provider: one row per such service.

    `of`: 0 region, 1 metro, 2 provider; `share` of every stream's demand that the rest must carry.
    """

    workload: Ints = field(default_factory=_ints)
    of: Ints = field(default_factory=_ints)
    share: Floats = field(default_factory=_floats)


@dataclass(frozen=True)
class Moves:
    """Jobs that may move between regions: cost of carrying the checkpoint from region `source` to region `target`."""

    job: Ints = field(default_factory=_ints)
    source: Ints = field(default_factory=_ints)
    target: Ints = field(default_factory=_ints)
    moving: Coefficients = field(default_factory=Coefficients)


@dataclass(frozen=True)
class Problem:
    """Everything the formulations need. Index arrays refer to positions in the sibling tables.

    `cost_cap_usd` makes it a second solve: least carbon at no higher cost than this.
    """

    workload_ids: tuple[str, ...]
    period_hours: Floats
    regions: Regions
    services: Services = Services()
    jobs: Jobs = Jobs()
    slots: Slots = Slots()
    flows: Flows = Flows()
    presence: Presence = Presence()
    pools: Pools = Pools()
    datasets: Datasets = Datasets()
    mechanisms: Mechanisms = Mechanisms()
    budgets: Budgets = Budgets()
    shares: Shares = Shares()
    survival: Survival = Survival()
    moves: Moves = Moves()
    carbon_price_usd_per_kg: float = 0.0
    cost_cap_usd: float | None = None
