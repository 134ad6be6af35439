"""The plan: typed rows outside, pandas tables on demand.

A plan may also be written by hand or by another tool: only `placements` are needed then (workload, provider, region,
SKU or endpoint, period, instances or served rate); what is absent is neither assumed nor judged, but a field that some
rows state is stated in all rows that have a value there.
"""

from __future__ import annotations

import datetime
import json
import os
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from optimizer.errors import InputError, Issue
from optimizer.input_files import as_path
from optimizer.plan.currency import with_amounts, without_amounts
from optimizer.plan.files import write_all, write_whole
from optimizer.plan.lagrangian import Lagrangian, RowPrice, WorkloadBound
from optimizer.plan.legal_rows import Action, LegalEntry, RefusedUnknown, SovereigntyUse
from optimizer.plan.reading import parse_json, validation_issues
from optimizer.plan.rows import (
    BudgetUse,
    CommitmentUse,
    Copy,
    DataQuality,
    Ineligible,
    MechanismUse,
    MissingFigure,
    Move,
    OwnRow,
    Placement,
    PlaceUse,
    PlanCurrency,
    PurchaseUse,
    QuotaUse,
    RegionUse,
    Relocation,
    Row,
    ShareUse,
    Shortfall,
    Switching,
    SystemSpeed,
    Transfer,
    Unserved,
)
from optimizer.plan.unfinished import Unfinished

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.explain.differences import PlanDiff

Status = Literal["optimal", "feasible", "infeasible", "no_plan"]
Termination = Literal["gap_reached", "time_limit", "interrupted", "infeasible", "limit", "contradiction"]


OWN = "own"
"""Who stated a model that somebody took in hand: its bound, and that it has no plan, hold for it alone."""


class MarketBased(Row):
    """Operational carbon by what suppliers claim of their electricity, beside the location-based figure; no budget
    counts it.

    `operational_kg`: what is matched over the year counts 0, the rest at the residual mix that the instance states
    (`residual_share` of it), else at the grid's own figure. Shares are of the energy whose grid is known: `coverage`
    by yearly claims, `matched_yearly_share` matched by them, `hourly_coverage` and `matched_hourly_share` the same of
    hourly ones, which are another account.
    """

    operational_kg: float
    coverage: float
    matched_yearly_share: float
    hourly_coverage: float
    matched_hourly_share: float
    residual_share: float


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


class Today(Row):
    """The plan beside what runs today.

    `running`: workloads that run today, `moved` those of them that move; `moving_usd` is what moving costs (the price
    of its carbon included), once. `today_usd`: what today's set-up costs over the horizon at today's prices, with the
    instance's demand and work split as today; `saving_usd`: that less what the plan costs without moving, over the
    horizon. Both are absent where today's set-up cannot go on or be priced; `why_not` then says why. `payback_hours`:
    the time after which the saving has paid for moving, absent where nothing is saved.
    """

    running: int
    moved: int
    moving_usd: float
    today_usd: float | None = None
    saving_usd: float | None = None
    payback_hours: float | None = None
    why_not: tuple[str, ...] = ()


class Asked(Row):
    """What the solve was asked for: the gap to prove, the time (None: no limit), threads (None: all cores), method.

    `then` is what was to follow a settled cost. Status `optimal` means that `gap` was proven.
    """

    gap: float
    time_limit_seconds: float | None = None
    threads: int | None = None
    method: str = "auto"
    then: str | None = None


class Start(Row):
    """The earlier plan that the solve began from; absent where none was given.

    Of its `placements`, `kept` name an option that still exists. `cost_usd` is what the first plan made of those
    options costs, None where none was found in time.
    """

    placements: int
    kept: int
    cost_usd: float | None = None


class Cluster(Row):
    """What workers of a cluster answered; absent where none was asked.

    The bound rests on `answers` of theirs, of which `checked` were solved again here, with the same result; they were
    drawn at random, the share `rate`, with `seed`. `failed` says why threads took over from the cluster. `thrown_out`
    names a worker whose answer was wrong: then all answers were thrown out, and none is in this plan.
    """

    answers: int
    checked: int
    rate: float
    seed: int
    failed: str | None = None
    thrown_out: str | None = None


class Solving(Row):
    """How the plan was found: why `auto` chose the method (absent where one was asked for), and the strategies run.

    `threads` are those that HiGHS might use; it searches in parallel with more than one (`parallel`). The work is
    counted, not timed: `runs` of HiGHS with their `simplex_iterations` and `nodes`, and small `programs` of pricing.
    `parameters` are those of the solver that are not the default.
    """

    why: str | None = None
    strategies: tuple[str, ...] = ()
    threads: int = 1
    parallel: bool = False
    runs: int = 0
    simplex_iterations: int = 0
    nodes: int = 0
    programs: int = 0
    parameters: dict[str, float] = {}


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
    the plan has a carbon figure; `asked` is what the solve was asked for, `start` the earlier plan it began from,
    `method` what found the plan, `solving` why it was chosen and what it did,
    `cluster` what workers elsewhere answered;
    `stated_by` who stated the model to the solver: `pyomo`, `arrays` where it is large, or `own` where somebody took
    it in hand, so that the bound is that model's, with `own_rows` that neither the instance nor the audit knows.
    `own_cost_usd` is what cost terms of their own come to: what was minimised, and what `bound_usd` and `gap` are of,
    is `objective_usd`, the cost of the instance, plus that;
    `missing_figures` counts what is out only for want of a figure, and with estimates for all of these figures no plan
    saves more than `missing_figures_usd` of this one (None: nothing is missing, or no bound was found in time);
    `switching` are the figures nearest to where another plan is cheaper, where that was asked for;
    `lagrangian`, `row_prices` and `workload_bounds` are the bound that a decomposition's prices prove;
    `unfinished` names what of these three could not be settled in its part of the time;
    `today` sets the plan beside what runs today, where the instance says so (`current`);
    `carbon_unknown_share` is the share of device-hours (and endpoint cost) without one. `carbon_kg` is the sum of
    `operational_kg` and `embodied_kg`; `carbon_high_kg` is it at the high estimate of managed endpoints' energy;
    `currency` is the instance's, if it states one: what is written has amounts in it beside those in USD.
    """

    status: Status | None = None
    termination: Termination | None = None
    objective_usd: float | None = None
    bound_usd: float | None = None
    gap: float | None = None
    bound_excess_usd: float | None = None
    cost_breakdown_usd: dict[str, float] = {}
    carbon_kg: float | None = None
    operational_kg: float | None = None
    embodied_kg: float | None = None
    carbon_high_kg: float | None = None
    market_based: MarketBased | None = None
    carbon_unknown_share: float | None = None
    energy_kwh: float | None = None
    water_l: float | None = None
    placements: tuple[Placement, ...] = ()
    speeds: tuple[SystemSpeed, ...] = ()
    copies: tuple[Copy, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    moves: tuple[Move, ...] = ()
    relocations: tuple[Relocation, ...] = ()
    regions: tuple[RegionUse, ...] = ()
    mechanisms: tuple[MechanismUse, ...] = ()
    budgets: tuple[BudgetUse, ...] = ()
    quotas: tuple[QuotaUse, ...] = ()
    commitments: tuple[CommitmentUse, ...] = ()
    purchases: tuple[PurchaseUse, ...] = ()
    shares: tuple[ShareUse, ...] = ()
    places: tuple[PlaceUse, ...] = ()
    unserved: tuple[Unserved, ...] = ()
    legal_register: tuple[LegalEntry, ...] = ()
    assertions: dict[str, Any] = {}
    data_quality: tuple[DataQuality, ...] = ()
    warnings: tuple[str, ...] = ()
    ineligible: tuple[Ineligible, ...] = ()
    missing_figures: tuple[MissingFigure, ...] = ()
    missing_figures_usd: float | None = None
    switching: tuple[Switching, ...] = ()
    unfinished: tuple[Unfinished, ...] = ()
    diagnosis: tuple[str, ...] = ()
    shortfalls: tuple[Shortfall, ...] = ()
    lagrangian: Lagrangian | None = None
    row_prices: tuple[RowPrice, ...] = ()
    workload_bounds: tuple[WorkloadBound, ...] = ()
    unmodelled_laws: tuple[str, ...] = ()
    unreviewed_laws: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    sovereignty: tuple[SovereigntyUse, ...] = ()
    refused: tuple[RefusedUnknown, ...] = ()
    refused_usd: float | None = None
    versions: dict[str, str] = {}
    least_carbon: LeastCarbon | None = None
    today: Today | None = None
    method: str | None = None
    stated_by: str | None = None
    own_rows: tuple[OwnRow, ...] = ()
    own_cost_usd: float | None = None
    asked: Asked | None = None
    start: Start | None = None
    cluster: Cluster | None = None
    solving: Solving | None = None
    timings_seconds: dict[str, float] = {}
    currency: PlanCurrency | None = None
    instance_name: str | None = None
    instance_sha256: str | None = None
    catalogue_sha256: str | None = None
    laws_sha256: str | None = None
    horizon: PlanHorizon | None = None

    @property
    def held(self) -> bool:
        """True if the plan places something: its placements may be acted on (or judged)."""
        return self.status not in ("infeasible", "no_plan")

    @property
    def open_actions(self) -> tuple[Action, ...]:
        """The actions that nobody accepted: the plan stands on condition that they come out well."""
        return tuple(action for action in self.actions if action.accepted_by is None)

    def summary(self) -> str:
        """One line: status, objective, bound, gap, carbon, open actions."""
        parts: list[str] = [self.status or "unstated"]
        code, rate = (self.currency.code, self.currency.usd_per_unit) if self.currency is not None else ("USD", 1.0)
        if self.objective_usd is not None:
            parts.append(f"{self.objective_usd / rate:,.2f} {code}")
        if self.own_cost_usd is not None:
            parts.append(f"cost terms of one's own {self.own_cost_usd / rate:,.2f} {code}")
        if self.bound_usd is not None:
            parts.append(f"bound {self.bound_usd / rate:,.2f} {code}")
        if self.gap is not None:
            parts.append(f"gap {self.gap:.3%}")
        if self.carbon_kg is not None:
            parts.append(f"{self.carbon_kg:,.1f} kg CO2e")
        if self.open_actions:
            parts.append(f"conditional on {len(self.open_actions)} open actions")
        return " · ".join(parts)

    def diff(self, after: Plan) -> PlanDiff:
        """Return what differs between this plan and another one, of the same instance or of another state of it."""
        from optimizer.explain.differences import plan_diff

        return plan_diff(self, after)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every list of the plan as a table, empty ones with their columns; tuples are joined by `|`."""
        from optimizer.plan.tables import plan_tables

        return plan_tables(self)

    def to_json(self) -> str:
        """Return the plan as JSON (UTF-8, indented, keys in the order of the model).

        Where the instance states a currency, amounts in it stand beside those in USD.
        """
        if self.currency is None:
            return self.model_dump_json(indent=2)
        written = with_amounts(self.model_dump(mode="json"), self.currency)
        return json.dumps(written, indent=2, ensure_ascii=False)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the plan as JSON, whole or not at all (a file beside the target, then rename).

        Raises:
            InputError: the path is none.
            OSError: it cannot be written.
        """
        write_whole(as_path(path, "path"), lambda stream: stream.write(self.to_json() + "\n"))

    def write_tables(self, folder: str | os.PathLike[str]) -> None:
        """Write every table as <name>.csv into a folder, made if need be; none of them unless all could be filled.

        Raises:
            InputError: the path is none.
            OSError: it cannot be written.
        """
        target = as_path(folder, "folder")
        target.mkdir(parents=True, exist_ok=True)
        writers = {target / f"{name}.csv": partial(table.to_csv, index=False) for name, table in self.tables().items()}
        write_all(writers)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Plan:
        """Read a plan from JSON.

        Raises:
            InputError: no such file, too large, not UTF-8, not JSON, duplicate keys, NaN, unknown or mistyped fields.
        """
        text = without_amounts(parse_json(path), str(path))
        try:
            return cls.model_validate_json(text, strict=True)
        except ValidationError as error:
            raise InputError(validation_issues(error, str(path))) from None
        except ValueError as error:
            raise InputError(Issue(str(error), file=str(path))) from None

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from optimizer.report.as_html import as_html
        from optimizer.report.plan_view import render_plan

        return as_html(render_plan, self)
