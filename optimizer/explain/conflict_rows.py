"""What `explain infeasible` says, as rows that print as JSON. Money in USD over the horizon, shares in parts of 1."""

from __future__ import annotations

from typing import Any, Literal

from optimizer.explain.rows import Row
from optimizer.plan.rows import PlanCurrency


class Scope(Row):
    """Whose rule it is, where it is one of some workloads."""

    workloads: tuple[str, ...] = ()


class ConflictRule(Row):
    """A member of a conflict: a rule by its id and kind, or a workload or dataset and what it asks; where it is
    written, and what it says.

    `scope`: of limits on round trips and fields, whose. `immovable`: nobody may move it. `without_usd`: what a plan
    costs that keeps all other members, found and audited (None: none was). `evidence`: what shows it.
    """

    id: str
    kind: str
    source: str = ""
    sentence: str = ""
    scope: Scope | None = None
    immovable: bool = False
    without_usd: float | None = None


class Conflict(Row):
    """Rules that cannot hold together.

    `infeasible`: that is proven. `proven_minimal`: that is proven, and without any one of them (and without what is
    not in the conflict) a plan was found and audited.
    """

    rules: tuple[ConflictRule, ...]
    infeasible: bool
    proven_minimal: bool
    sentence: str


class Repair(Row):
    """Changes after which the instance has a plan.

    Those that serve everything come first. `effort` is what they are ranked by then: the part of itself by which a
    limit moves, 1 for everything that is lifted, confirmed, granted, dropped or bought, added up. `cost_usd` and
    `carbon_kg` are those of the plan found, `bound_usd` is proven of its cost. `verified`: the changed instance was
    solved, and the audit found nothing in its plan. `least`: no smaller change of the limit admits a plan (proven).
    """

    changes: tuple[dict[str, Any], ...]
    sentence: str
    effort: float
    cost_usd: float | None = None
    bound_usd: float | None = None
    carbon_kg: float | None = None
    verified: bool = False
    least: bool = False


class Servable(Row):
    """What can be served when not everything can, in the order of the priorities stated: a workload is deferred where
    it does not fit beside those that come before it.

    `changes` take out what is deferred; cost as in `Repair`.
    """

    served: tuple[str, ...]
    deferred: tuple[str, ...]
    changes: tuple[dict[str, Any], ...] = ()
    cost_usd: float | None = None
    verified: bool = False


class Step(Row):
    """What is left of the demand, each workload counted once, when the rules of this step and of those above it hold.

    `left` was found, at most `at_most` is left. `taken_by` are the rules behind it, those of most demand first.
    """

    step: Literal["demand", "machines", "law", "latency", "capacity", "policies", "carbon", "money"]
    left: float | None
    at_most: float
    taken_by: tuple[str, ...] = ()


class FigureWanted(Row):
    """A figure that nobody has: how many `options` are out for want of it and other such figures alone, and whether an
    estimate for it would admit a plan (`admits_plan`; None: not known in time). An estimate is no fact, and its plan is
    not told: supply the figure (`set_figure`, or in the instance), and ask again.
    """

    figure: str
    options: int
    admits_plan: bool | None


class InfeasibleAnswer(Row):
    """Why an instance has no plan, and what would give it one.

    `status`: `infeasible` (proven), `feasible` (a plan was found and audited), `unknown` (time ran out before either).
    `complete`: nothing was left out for want of time. `undecided`: sets of rules and workloads of which time did not
    suffice to say whether lifting them admits a plan. `figures`: those that nobody has.
    """

    status: Literal["infeasible", "feasible", "unknown"]
    complete: bool
    conflicts: tuple[Conflict, ...] = ()
    repairs: tuple[Repair, ...] = ()
    undecided: tuple[tuple[str, ...], ...] = ()
    servable: Servable | None = None
    waterfall: tuple[Step, ...] = ()
    figures: tuple[FigureWanted, ...] = ()
    currency: PlanCurrency | None = None
    seconds: float = 0.0

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from optimizer.report.as_html import as_html
        from optimizer.report.infeasible_view import render_infeasible

        return as_html(render_infeasible, self)
