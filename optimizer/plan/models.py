"""The plan: typed rows outside, pandas tables on demand.

A plan may also be written by hand or by another tool: only `placements` are needed then (workload, provider, region,
SKU or endpoint, period, instances or served rate); what is absent is neither assumed nor judged. Money is in USD,
carbon in kg CO2e, energy in kWh, water in litres, all over the horizon or the row's period; `served_per_s` is the peak
rate in work units/s.
"""

from __future__ import annotations

import datetime
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from optimizer.errors import InputError, Issue
from optimizer.plan.files import write_all, write_whole
from optimizer.plan.reading import parse_json, validation_issues

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["optimal", "feasible", "infeasible", "no_plan"]
Termination = Literal["gap_reached", "time_limit", "interrupted", "infeasible", "limit", "contradiction"]
Metric = Literal["carbon_kg", "water_l", "energy_kwh", "spend_usd"]

COST_TERMS = ("compute", "storage", "egress", "network", "mechanisms", "fixed", "carbon_price", "unserved")
"""The keys of `cost_breakdown_usd`, which sum to `objective_usd`."""


class Row(BaseModel):
    """Base of every part of a plan: no unknown fields, immutable, no infinities."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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
    instances paid for. `commitments`: how many of the instances each commitment gives, by its id. For a job
    `work_units` is what is done here and `gangs` how many run. `laws` bear on the row, `mechanisms` are the safeguards
    it relies on, `flags` name figures that are not verified (fallback, estimated, derived, unverified, stale_price,
    weak_law, unreviewed_law).
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
    work_units: float | None = None
    gangs: float | None = None
    commitments: dict[str, float] = {}
    cost_usd: float | None = None
    carbon_kg: float | None = None
    energy_kwh: float | None = None
    laws: tuple[str, ...] = ()
    mechanisms: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_offer(self) -> Placement:
        if (self.sku is None) == (self.endpoint is None):
            raise ValueError(f"needs exactly one of sku and endpoint; has sku {self.sku}, endpoint {self.endpoint}")
        return _with_region_id(self)


class Copy(Row):
    """A copy of a dataset; `duty` names the laws whose copy or primary duty it fulfils.

    `source` (a region id) is where it is brought from, None where it lies already or comes from outside. `cost_usd` is
    storage, billed where it is kept, and egress, billed by the source. `carbon_kg` (here, of transfers and of moves):
    what the network emits for carrying it, None if unknown.
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
    """What a budget allows and what the plan uses of it."""

    id: str
    metric: Metric
    limit: float
    used: float
    slack: float


class QuotaUse(Row):
    """What a pool supplies and what the plan holds of it in one period."""

    id: str
    period: str
    limit: float
    used: float
    slack: float


class CommitmentUse(Row):
    """A commitment and the most instances of it that the plan holds at once; `idle` are held in no period."""

    id: str
    region_id: str
    sku: str
    instances: float
    used: float
    idle: float


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


class LegalEntry(Row):
    """A law that decided something: what, where it is written, how sure its encoding is.

    `obligations`: what must be done for the plan to stay lawful under it (data deleted abroad within so many hours).
    `flags`: weak, unreviewed, overridden, advisory.
    """

    law: str
    jurisdiction: str = ""
    instrument: str = ""
    provision: str = ""
    citation: str = ""
    confidence: str = ""
    status: str = ""
    in_force_from: datetime.date | None = None
    decided: str = ""
    placements: int = 0
    obligations: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


class Ineligible(Row):
    """How many options one reason ruled out; `rule`: the law, policy or limit behind it.

    Options are offers for a workload (and stream), or regions for the copies of a dataset: one of the two is named.
    """

    workload: str | None = None
    stream: str | None = None
    dataset: str | None = None
    reason: str
    rule: str | None = None
    options: int

    @model_validator(mode="after")
    def _one_owner(self) -> Ineligible:
        if (self.workload is None) == (self.dataset is None):
            raise ValueError(f"names a workload or a dataset; has workload {self.workload}, dataset {self.dataset}")
        return self


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
    rule: Literal["budget", "quota", "policy", "workload", "dataset"]
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


class LeastCarbon(Row):
    """What a second solve did, which minimises carbon at no higher cost; absent from plans that did not ask for it.

    `status`: optimal (least carbon within the gap asked), feasible (not proven) or not_run (no time was left, or
    nothing has a carbon figure); `termination` says why it stopped. `cost_cap_usd` is the cost of the first plan,
    `carbon_before_kg` its carbon. `bound_kg` is proven: no plan of at most that cost, with no more placed where carbon
    is unknown, emits less; `gap` is (carbon_kg - bound_kg) / carbon_kg. Numbers are absent when unknown.
    """

    status: Literal["optimal", "feasible", "not_run"]
    termination: Termination
    cost_cap_usd: float
    carbon_before_kg: float | None = None
    bound_kg: float | None = None
    gap: float | None = None


class Asked(Row):
    """What the solve was asked for: the gap to prove, the time (None: no limit), threads (None: all cores), method.

    `then` is what was to follow a settled cost. Status `optimal` means that `gap` was proven.
    """

    gap: float
    time_limit_seconds: float | None = None
    threads: int | None = None
    method: str = "auto"
    then: str | None = None


class PlanPeriod(Row):
    """A period of the plan's horizon."""

    id: str
    hours: float


class PlanHorizon(Row):
    """The horizon the plan was made for."""

    start: datetime.date
    periods: tuple[PlanPeriod, ...]


class Plan(Row):
    """Where everything goes, what it costs and emits, how good that is proven to be, and the law behind it.

    `objective_usd`, `bound_usd` and `gap` are numbers or absent, never sentinels. `bound_excess_usd` is by how much the
    solver's bound lay above the cost: rounding where the bound was then set to the cost; where the termination is
    `contradiction`, one of the two is wrong and the bound was withdrawn. `carbon_kg` is None when nothing in
    the plan has a carbon figure; `asked` is what the solve was asked for, `method` what found the plan,
    `stated_by` who stated the model to the solver (`pyomo`, or `arrays` where it is large);
    `carbon_unknown_share` is the share of device-hours (and endpoint cost) without one.
    """

    status: Status | None = None
    termination: Termination | None = None
    objective_usd: float | None = None
    bound_usd: float | None = None
    gap: float | None = None
    bound_excess_usd: float | None = None
    cost_breakdown_usd: dict[str, float] = {}
    carbon_kg: float | None = None
    carbon_unknown_share: float | None = None
    energy_kwh: float | None = None
    water_l: float | None = None
    placements: tuple[Placement, ...] = ()
    copies: tuple[Copy, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    moves: tuple[Move, ...] = ()
    regions: tuple[RegionUse, ...] = ()
    mechanisms: tuple[MechanismUse, ...] = ()
    budgets: tuple[BudgetUse, ...] = ()
    quotas: tuple[QuotaUse, ...] = ()
    commitments: tuple[CommitmentUse, ...] = ()
    shares: tuple[ShareUse, ...] = ()
    unserved: tuple[Unserved, ...] = ()
    legal_register: tuple[LegalEntry, ...] = ()
    assertions: dict[str, Any] = {}
    data_quality: tuple[DataQuality, ...] = ()
    warnings: tuple[str, ...] = ()
    ineligible: tuple[Ineligible, ...] = ()
    diagnosis: tuple[str, ...] = ()
    shortfalls: tuple[Shortfall, ...] = ()
    unmodelled_laws: tuple[str, ...] = ()
    unreviewed_laws: tuple[str, ...] = ()
    versions: dict[str, str] = {}
    least_carbon: LeastCarbon | None = None
    method: str | None = None
    stated_by: Literal["pyomo", "arrays"] | None = None
    asked: Asked | None = None
    timings_seconds: dict[str, float] = {}
    instance_name: str | None = None
    instance_sha256: str | None = None
    catalogue_sha256: str | None = None
    laws_sha256: str | None = None
    horizon: PlanHorizon | None = None

    @property
    def held(self) -> bool:
        """True if the plan places something: its placements may be acted on (or judged)."""
        return self.status not in ("infeasible", "no_plan")

    def summary(self) -> str:
        """One line: status, objective, bound, gap, carbon."""
        parts: list[str] = [self.status or "unstated"]
        if self.objective_usd is not None:
            parts.append(f"{self.objective_usd:,.2f} USD")
        if self.bound_usd is not None:
            parts.append(f"bound {self.bound_usd:,.2f} USD")
        if self.gap is not None:
            parts.append(f"gap {self.gap:.3%}")
        if self.carbon_kg is not None:
            parts.append(f"{self.carbon_kg:,.1f} kg CO2e")
        return " · ".join(parts)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every list of the plan as a table, empty ones with their columns; tuples are joined by `|`."""
        from optimizer.plan.tables import plan_tables

        return plan_tables(self)

    def to_json(self) -> str:
        """Return the plan as JSON (UTF-8, indented, keys in the order of the model)."""
        return self.model_dump_json(indent=2)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the plan as JSON, whole or not at all (a file beside the target, then rename)."""
        write_whole(path, lambda stream: stream.write(self.to_json() + "\n"))

    def write_tables(self, folder: str | os.PathLike[str]) -> None:
        """Write every table as <name>.csv into a folder, made if need be; none of them unless all could be filled."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        writers = {target / f"{name}.csv": partial(table.to_csv, index=False) for name, table in self.tables().items()}
        write_all(writers)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Plan:
        """Read a plan from JSON.

        Raises:
            InputError: no such file, too large, not UTF-8, not JSON, duplicate keys, NaN, unknown or mistyped fields.
        """
        text = parse_json(path)
        try:
            return cls.model_validate_json(text, strict=True)
        except ValidationError as error:
            raise InputError(validation_issues(error, str(path))) from None
        except ValueError as error:
            raise InputError(Issue(str(error), file=str(path))) from None
