"""What `domicile alternatives` says, as rows that print as JSON."""

from __future__ import annotations

from optimizer.explain.rows import Figures, Row
from optimizer.plan.models import Plan
from optimizer.plan.rows import PlanCurrency


class Moved(Row):
    """A stream of a service, or a job, that is in other regions: those it left and those it entered."""

    workload: str
    stream: str | None = None
    left: tuple[str, ...] = ()
    entered: tuple[str, ...] = ()


class Distance(Row):
    """How a plan differs from the plan at hand, in decisions.

    `moved` of the `decisions` (streams and jobs) there are; `machines` are workloads that stay where they are on other
    machines; `copies` are datasets whose copies lie elsewhere. `least_from_others`: how many streams and jobs are in
    other regions than in the most similar plan told before, that at hand included.
    """

    decisions: int
    moved: tuple[Moved, ...] = ()
    machines: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    providers_left: tuple[str, ...] = ()
    providers_entered: tuple[str, ...] = ()
    regions_left: tuple[str, ...] = ()
    regions_entered: tuple[str, ...] = ()
    least_from_others: int = 0


class Alternative(Row):
    """Another compliant plan, audited.

    `best_in`: the measures for which it was found, `proven` those of them in which no plan within the limit is better
    (within the gap asked). `gap` is (cost - bound) / cost, with the bound of the plan at hand. `extra_usd` and
    `extra_carbon_kg` (None where a carbon is not known) are against that plan.
    """

    plan: Plan
    cost_usd: float
    gap: float
    extra_usd: float
    extra_carbon_kg: float | None
    best_in: tuple[str, ...]
    proven: tuple[str, ...] = ()
    figures: Figures
    distance: Distance


class AlternativesAnswer(Row):
    """Plans within a share of the proven bound beside the plan at hand.

    `limit_usd` = bound x (1 + within). `base_best_in`: measures in which the plan at hand was not beaten, `base_proven`
    those in which it is proven that it cannot be. `exhausted`: it is proven that no further plan within the limit has a
    stream or job wholly in other regions than every plan told. `complete`: no solve ran out of time.
    """

    plans: tuple[Alternative, ...] = ()
    within: float
    cost_usd: float
    bound_usd: float
    limit_usd: float
    base: Figures
    base_best_in: tuple[str, ...] = ()
    base_proven: tuple[str, ...] = ()
    outside: str | None = None
    exhausted: bool = False
    complete: bool = True
    currency: PlanCurrency | None = None
    seconds: float = 0.0

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from optimizer.report.alternatives_view import render_alternatives
        from optimizer.report.as_html import as_html

        return as_html(render_alternatives, self)
