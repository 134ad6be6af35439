"""What an explanation says, as rows that print as JSON. Money in USD, carbon in kg CO2e, both over the horizon."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from optimizer.plan.rows import Placement, PlanCurrency


class Row(BaseModel):
    """Base of every part of an answer: no unknown fields, immutable, no infinities."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Interval(Row):
    """What is proven of an amount: it lies in [`low`, `high`]; `high` None where nothing bounds it from above."""

    low: float
    high: float | None


class RuleOut(Row):
    """A rule that keeps options of a place out: its id and kind, where it is written, and what shows it.

    `alone`: it is the only rule that keeps one of the options out. `partial`: it does so in some periods only.
    """

    id: str
    kind: str
    source: str = ""
    sentence: str = ""
    evidence: tuple[str, ...] = ()
    alone: bool = False
    partial: bool = False


class Opening(Row):
    """The fewest rules that would have to give way for an option of a place, as `changes` (`docs/changes.md`).

    `rules` are all that keep this one `option` out; `unchangeable` those of them that no change lifts: a figure that
    nobody has, a machine that does not fit. `verified`: the changed instance was compiled, and an option is eligible.
    """

    option: str
    rules: tuple[str, ...]
    changes: tuple[dict[str, Any], ...] = ()
    unchangeable: tuple[str, ...] = ()
    verified: bool = False


class Displaced(Row):
    """A workload that is elsewhere in the plan that was forced: the regions it left and entered, and the limits, full
    in that plan, that both draw on.
    """

    workload: str
    left: tuple[str, ...] = ()
    entered: tuple[str, ...] = ()
    because: tuple[str, ...] = ()


class Instead(Row):
    """What a place asked about would take, for a `share` of every stream (1: for all of it).

    `eligible`: an option there may be chosen. If none may: `rules`, and what would open one (`opened_by`). If one may
    and the plan does not hold everything there: `possible` says whether a plan puts it there (None: not known),
    `extra_cost_usd` what it costs more at least and at most, `rest_held_usd` what it costs more with everything else
    where it is (None where that cannot be, or was not found), `at_prices_usd` what it costs more at the prices that
    proved the plan's bound (an estimate, and no bound), `extra_carbon_kg` how much more the plan found emits,
    `displaces` who moves in it, `hindered_by` what would have to change where no plan does. `complete`: the interval is
    as narrow as the gaps asked for make it; else time ran out.
    """

    place: str
    share: float = 1.0
    eligible: bool
    options: int
    eligible_options: int
    held: bool = False
    rules: tuple[RuleOut, ...] = ()
    opened_by: Opening | None = None
    possible: bool | None = None
    extra_cost_usd: Interval | None = None
    rest_held_usd: float | None = None
    at_prices_usd: float | None = None
    extra_carbon_kg: float | None = None
    displaces: tuple[Displaced, ...] = ()
    hindered_by: tuple[str, ...] = ()
    complete: bool = True


class RunnerUp(Row):
    """The next best for a workload with the regions where it is now closed to it: where it goes, and what that costs
    more; no regions where no plan was found, and `possible` False where there is none.
    """

    regions: tuple[str, ...] = ()
    possible: bool | None = None
    extra_cost_usd: Interval | None = None
    rest_held_usd: float | None = None
    at_prices_usd: float | None = None
    extra_carbon_kg: float | None = None
    hindered_by: tuple[str, ...] = ()
    complete: bool = True


class Place(Row):
    """A placement of the plan with how much of its machines it uses (`utilisation`, None for endpoints and jobs)."""

    placement: Placement
    utilisation: float | None = None


class Binding(Row):
    """A rule that shapes the choice: one with no room left, or one that alone keeps options out."""

    id: str
    kind: str
    sentence: str


class Edge(Row):
    """A step of the graph of reasons: a law to its verdict, a verdict to an option, an option to a demand."""

    source: str
    target: str
    says: Literal["gives", "opens", "shuts", "serves"]


class WhyAnswer(Row):
    """Why a workload, or a stream of it, is where a plan puts it, and what another place would take."""

    workload: str
    stream: str | None = None
    placements: tuple[Place, ...] = ()
    cost_by_term_usd: dict[str, float] = {}
    shared: tuple[str, ...] = ()
    bound_by: tuple[Binding, ...] = ()
    runner_up: RunnerUp | None = None
    instead: Instead | None = None
    graph: tuple[Edge, ...] = ()
    base_gap: float | None = None
    currency: PlanCurrency | None = None
    seconds: float = 0.0

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from optimizer.report.as_html import as_html
        from optimizer.report.why_view import render_why

        return as_html(render_why, self)


class Figures(Row):
    """What a plan comes to in what alternatives vary.

    `carbon_kg` None where a part of it is not known; `moved` the workloads of which anything is where an earlier plan
    (or today) has nothing of it, None where there is none to compare with; `outside_share` of the work, every workload
    counting the same, None where no jurisdiction was asked about; `weak_points` of law that the plan rests on.
    """

    carbon_kg: float | None
    providers: tuple[str, ...]
    regions: tuple[str, ...]
    moved: tuple[str, ...] | None = None
    outside_share: float | None = None
    weak_points: tuple[str, ...] = ()


class Price(Row):
    """What a rule costs: `lifted_usd` what is saved without it (`exact`: to a cent), with the change in carbon of the
    plan found and who is in other regions in it; `tighter_usd` what one `step` more costs, `looser_usd` what one less
    saves.

    None: not asked, no such step, or nothing was found in time; `tighter_possible` False: one step tighter there is no
    plan (proven). `why`: why no solve was needed, or which of them
    the instance does not admit. `complete`: no solve ran out of time.
    """

    rule: str
    kind: str
    sentence: str
    lifted_usd: Interval | None = None
    lifted_kg: float | None = None
    tighter_usd: Interval | None = None
    tighter_possible: bool | None = None
    looser_usd: Interval | None = None
    step: dict[str, float] = {}
    moves: tuple[str, ...] = ()
    exact: bool = False
    why: str | None = None
    complete: bool = True


class Together(Row):
    """What the rules asked about cost when all of them are lifted, beside the sum of what each costs alone.

    `overlap_usd` is the first less the second: more than 0 where an option opens only when several are lifted, less
    than 0 where several keep the same saving out and lifting one of them is enough.
    """

    rules: tuple[str, ...]
    alone_usd: Interval
    together_usd: Interval | None
    overlap_usd: Interval | None
    moves: tuple[str, ...] = ()
    complete: bool = True


class Attribution(Row):
    """The part of the cost of compliance that is a family's: of the plans found (`value_usd`), and what is proven of it
    but for the draw of orders, whose standard error it has where it was sampled.
    """

    family: str
    laws: tuple[str, ...]
    value_usd: float | None
    interval_usd: Interval | None
    standard_error_usd: float | None = None


class Shapley(Row):
    """The whole cost of compliance (`total_usd`) split over families of laws, the dearest first.

    `exact`: over all orders of lifting them; else over so many `orders`, drawn at random with the `seed`. `not_lifted`
    are laws that no change lifts.
    """

    values: tuple[Attribution, ...]
    total_usd: Interval | None
    exact: bool
    orders: int | None = None
    seed: int | None = None
    not_lifted: tuple[str, ...] = ()
    complete: bool = True


class FigurePrice(Row):
    """What a figure that nobody has costs: what would be saved if its options were as the estimates have them.

    `options` lack it and nothing else but figures, `alone` this figure only. Estimates are no facts: no plan of them is
    told.
    """

    figure: str
    options: int
    alone: int
    saves_usd: Interval | None = None
    complete: bool = True


class PricesAnswer(Row):
    """The prices of rules, dearest first, beside the cost and the bound of the plan.

    `together`: all of them lifted at once, where more than one does something; `missing`: what missing figures cost;
    `shapley`: the split of the cost of compliance, where it was asked for.
    """

    prices: tuple[Price, ...] = ()
    together: Together | None = None
    missing: tuple[FigurePrice, ...] = ()
    shapley: Shapley | None = None
    cost_usd: float
    bound_usd: float | None = None
    complete: bool = True
    currency: PlanCurrency | None = None
    seconds: float = 0.0

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from optimizer.report.as_html import as_html
        from optimizer.report.prices_view import render_prices

        return as_html(render_prices, self)
