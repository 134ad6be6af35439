"""The rows of a plan's tables.

Money is in USD, carbon in kg CO2e, energy in kWh, water in litres, all over the horizon or the row's period;
`served_per_s` is the peak rate in work units/s.
"""

from __future__ import annotations

import datetime
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator

Metric = Literal["carbon_kg", "water_l", "energy_kwh", "spend_usd"]


class Row(BaseModel):
    """Base of every part of a plan: no unknown fields, immutable, no infinities."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PlanCurrency(Row):
    """The instance's currency: what 1 of it is worth in USD, and on which day that was so, where it is stated."""

    code: str
    usd_per_unit: float
    date: datetime.date | None = None


RowT = TypeVar("RowT", bound="Row")


def _with_region_id(row: RowT) -> RowT:
    """Fill an absent `region_id` with provider:region while the row is still being made."""
    if not row.region_id:  # type: ignore[attr-defined]
        object.__setattr__(row, "region_id", f"{row.provider}:{row.region}")  # type: ignore[attr-defined]
    return row


class Placement(Row):
    """What one offer does for one workload (and stream) in one period.

    Instances of one (workload, offer, period) are split over its streams in proportion to the flow served; spare
    instances have `stream` None and serve 0; the sum over streams is a whole number. `instance_hours`: hours of
    instances paid for. `commitments`: how many of the instances each commitment gives, by its id, owned or
    bought; `cost_usd` of what runs on one that is bought is its part of what that is charged. `interruption_share`: of
    instances on spot the part that is taken back within a month, as far as somebody has it. For a job
    `work_units` is what is done here and `gangs` how many run. `embodied_kg` is the embodied part of `carbon_kg`.
    `rtt_ms`: the round trip between the stream's users and the region, as far as somebody has it, `rtt_source` how it
    was had (measured, estimated, stated), `max_rtt_ms` its limit. `laws` bear on the row, `mechanisms` are the
    safeguards it relies on, `flags` name figures that are not verified (fallback, estimated, derived, unverified,
    transferred_speed, estimated_speed, stale_price, weak_law, unreviewed_law).
    """

    workload: str
    stream: str | None = None
    provider: str
    region: str
    region_id: str = ""
    country: str = ""
    sku: str | None = None
    endpoint: str | None = None
    accelerator: str | None = None
    purchase: str | None = None
    period: str
    instances: float = 0.0
    instance_hours: float | None = None
    served_per_s: float = 0.0
    interruption_share: float | None = None
    work_units: float | None = None
    gangs: float | None = None
    commitments: dict[str, float] = {}
    cost_usd: float | None = None
    carbon_kg: float | None = None
    embodied_kg: float | None = None
    energy_kwh: float | None = None
    rtt_ms: float | None = None
    max_rtt_ms: float | None = None
    rtt_source: str | None = None
    laws: tuple[str, ...] = ()
    mechanisms: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_offer(self) -> Placement:
        if (self.sku is None) == (self.endpoint is None):
            raise ValueError(f"needs exactly one of sku and endpoint; has sku {self.sku}, endpoint {self.endpoint}")
        return _with_region_id(self)


class SystemSpeed(Row):
    """How fast a workload's model runs on `devices` of one accelerator, by the catalogue; machines hold whole copies.

    `level` (measured, transferred, estimated) is how that is known, `units_per_s` what counts; of ten figures nine lie
    between `low_per_s` and `high_per_s`. `requests` in flight on one replica and its times to the first token and per
    output token at that point, at the end that counts; absent where they are not known. `source` says where it is from.
    """

    workload: str
    accelerator: str
    devices: float
    level: Literal["measured", "transferred", "estimated"]
    units_per_s: float
    low_per_s: float
    high_per_s: float
    requests: float | None = None
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    source: str = ""


class Copy(Row):
    """A copy of a dataset; `duty` names the laws whose copy or primary duty it fulfils.

    `source` (a region id) is where it is brought from, None where it lies already or comes from outside. `cost_usd` is
    storage, billed where it is kept, and egress, billed by the source; None where the copy lies already and nobody has
    the price of storing it, which counts 0. `carbon_kg` (here, of transfers and of moves): what the network emits for
    carrying it, None if unknown.
    """

    dataset: str
    provider: str
    region: str
    region_id: str = ""
    country: str = ""
    source: str | None = None
    size_gb: float | None = None
    cost_usd: float | None = None
    carbon_kg: float | None = None
    laws: tuple[str, ...] = ()
    mechanisms: tuple[str, ...] = ()
    duty: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _full_region_id(self) -> Copy:
        return _with_region_id(self)


class Transfer(Row):
    """GB of a dataset read in region `target` from the copy in region `source` (region ids), over the horizon."""

    dataset: str
    source: str
    target: str
    gb: float
    cost_usd: float | None = None
    carbon_kg: float | None = None


class Move(Row):
    """A job's checkpoint carried from region `source` to `target` (region ids) at the start of `period`."""

    job: str
    source: str
    target: str
    period: str
    gb: float | None = None
    cost_usd: float | None = None
    carbon_kg: float | None = None


class Relocation(Row):
    """A workload that moves: it runs in `entered` (region ids), where nothing of it runs today.

    `left`: regions of today in which nothing of it runs any more. `gb` is carried into each region entered that asks
    for it, from the region in `sources` at its position. `cost_usd`: its price, today's instances kept for a while, and
    egress; `carbon_kg` what these emit, where it is known.
    """

    workload: str
    entered: tuple[str, ...]
    left: tuple[str, ...] = ()
    gb: float | None = None
    sources: tuple[str, ...] = ()
    cost_usd: float | None = None
    carbon_kg: float | None = None


class PlaceUse(Row):
    """The places that a policy counts and the plan uses, with the least and most that it allows, and their price."""

    id: str
    of: Literal["region", "metro", "country", "provider"]
    used: tuple[str, ...] = ()
    min_in_use: int | None = None
    max_in_use: int | None = None
    cost_usd: float | None = None


class RegionUse(Row):
    """A region with a fixed cost that is in use; `standby`: only to take over when another place fails."""

    region_id: str
    fixed_usd: float | None = None
    standby: bool = False


class MechanismUse(Row):
    """A safeguard bought or held, once per `key` of its charge scope."""

    mechanism: str
    key: tuple[str, ...] = ()
    cost_usd: float | None = None
    held: bool = False
    laws: tuple[str, ...] = ()


class BudgetUse(Row):
    """What a budget allows and what the plan uses of it.

    `basis`: the basis of emissions of a budget on carbon. `counts`: all carbon, or the operational part alone;
    `embodied` is the embodied part of what is used. `estimate`: the estimate that `used` is of. Of budgets on carbon
    and energy `used_high` is what the plan uses at the high estimate of managed endpoints, and `holds_high` whether the
    budget holds there too.
    """

    id: str
    metric: Metric
    limit: float
    used: float
    slack: float
    basis: str | None = None
    counts: Literal["all", "operational"] | None = None
    estimate: Literal["mid", "high"] | None = None
    embodied: float | None = None
    used_high: float | None = None
    holds_high: bool | None = None


class QuotaUse(Row):
    """What a pool supplies and what the plan holds of it in one period."""

    id: str
    period: str
    limit: float
    used: float
    slack: float


class CommitmentUse(Row):
    """A commitment and the most instances of it that the plan holds at once; `idle` are held in no period.

    `idle_usd`: what its instances cost over the horizon in the hours in which they are not held, at the price that the
    commitment states (`idle_price` stated), else at that on demand; absent where neither is known.
    """

    id: str
    region_id: str
    sku: str
    instances: float
    used: float
    idle: float
    idle_usd: float | None = None
    idle_price: Literal["stated", "on_demand"] | None = None


class PurchaseUse(Row):
    """A commitment that the plan buys: `amount` instances of a SKU, or USD/h of a plan, for `term_months`.

    `term_usd` is what it costs over its term, of which `upfront_usd` at once; `charged_usd` what this plan is charged.
    `used` is the most that runs on it in a period, `idle_usd` the part of the charge in which nothing runs on it.
    `on_demand_usd`: what runs on it would cost that on demand over the horizon, unknown where one of the SKUs has no
    such price; `break_even_month`: by the end of that month of such use the whole term costs no more than on demand,
    absent where the term ends before.
    """

    id: str
    provider: str
    region_id: str | None = None
    sku: str | None = None
    unit: Literal["instances", "USD/h"]
    amount: float
    term_months: float
    term_usd: float
    upfront_usd: float = 0.0
    charged_usd: float
    used: float
    idle_usd: float
    on_demand_usd: float | None = None
    break_even_month: int | None = None


class ShareUse(Row):
    """A share policy: the share reached and the bound it keeps; `sense` says on which side."""

    id: str
    bound: float
    value: float
    sense: Literal["at_most", "at_least"] = "at_most"


class Unserved(Row):
    """Demand left unserved (`per_s`, peak rate) or work left undone (`work_units`), at the instance's price."""

    workload: str
    stream: str | None = None
    period: str | None = None
    per_s: float | None = None
    work_units: float | None = None
    cost_usd: float | None = None


class OwnRow(Row):
    """A row that somebody added to the model: what its body comes to in the plan, and the sides that it keeps."""

    name: str
    body: float
    lower: float | None = None
    upper: float | None = None


class Ineligible(Row):
    """How many options one reason ruled out; `rule`: the law, policy or limit behind it.

    Options are offers for a workload (and stream), or regions for the copies of a dataset: one of the two is named.
    `alone`: those that no other rule excludes, so that they would be open without this one; where no stream is named,
    summed over the streams of the workload.
    """

    workload: str | None = None
    stream: str | None = None
    dataset: str | None = None
    reason: str
    rule: str | None = None
    options: int
    alone: int = 0

    @model_validator(mode="after")
    def _one_owner(self) -> Ineligible:
        if (self.workload is None) == (self.dataset is None):
            raise ValueError(f"names a workload or a dataset; has workload {self.workload}, dataset {self.dataset}")
        return self


class MissingFigure(Row):
    """Options that are out only for want of a figure which a `rule` asks for, or which every option needs.

    `figure`: the reason, as in the rows of `ineligible`. `options` are offers `of` workloads and streams, or regions
    for the `copies` of datasets; whatever else shuts them asks for a missing figure, too, and `alone` lack this one
    only. `may_cost_usd`: with estimates for all figures of this kind no plan saves more than this of the plan's cost;
    of `unestimated` options nothing could be estimated, so that they stay out. Both are absent where no bound was
    found.
    """

    figure: str
    rule: str | None = None
    of: Literal["workloads", "copies"] = "workloads"
    options: int
    alone: int = 0
    unestimated: int | None = None
    may_cost_usd: float | None = None


FigureName = Literal["price", "storage price", "egress price", "power", "PUE", "speed"]


class Switching(Row):
    """A figure whose error would change the plan: above `switches_at` (of a speed: below) another plan is cheaper,
    within the gap asked, or the plan no longer holds; `sentence` says which.

    `figure`: a price `of` an offer or endpoint (its id); the price of storage or egress, or the PUE, of a region; the
    power of a SKU (provider:sku) under load; the speed of a workload on one machine of an offer. `value` is what counts
    in the plan, in `unit`, after discounts, and `quality` how it was had. `workloads` are those that rest on it.
    """

    figure: FigureName
    of: str
    workloads: tuple[str, ...] = ()
    value: float
    unit: str
    quality: str
    switches_at: float
    sentence: str


CLASH = (
    "every stream and job has eligible options of its own; quotas, budgets, shares, copies and windows together admit "
    "no plan"
)
"""What is said of an infeasible instance where nothing more is known of the conflict."""


class Shortfall(Row):
    """A limit or need of an infeasible instance that would have to change for a plan to exist.

    `basis`: `alone`, this change admits a plan with all else kept, and every other row of this basis is an alternative
    to it; `together`, the changes of all rows of this basis are needed at once. `rule` says what `id` names; `need` is
    the need of a workload or dataset. `limit` is what the instance states, in `unit`, and has to rise or fall by `by`,
    the least change found (absent: no plan was found with this change alone); `by_at_least` is proven to be needed.
    `proven`: less than `by` would not do, but for a thousandth of it; of changes together, that their sum relative to
    what they allow is least. Numbers are absent where the need has none that the instance states.
    """

    basis: Literal["alone", "together"]
    rule: Literal["budget", "quota", "policy", "field", "workload", "dataset"]
    id: str | None = None
    need: str | None = None
    period: str | None = None
    limit: float | None = None
    unit: str | None = None
    direction: Literal["rise", "fall"]
    by: float | None = None
    by_at_least: float | None = None
    proven: bool = False
    sentence: str


class DataQuality(Row):
    """Share of the plan's cost and carbon that rests on figures of one quality (`fallback`, `estimated`, ...)."""

    quality: str
    cost_share: float | None = None
    carbon_share: float | None = None
    note: str = ""
