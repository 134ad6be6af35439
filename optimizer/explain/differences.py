"""What differs between two plans: which workloads moved, from where to where, and what that does to cost and carbon."""

from __future__ import annotations

from collections.abc import Callable

from optimizer.explain.rows import Interval, Row
from optimizer.plan.models import Plan
from optimizer.plan.rows import Placement

Rows = tuple[Placement, ...]
Why = Callable[[Rows, Rows, Rows], tuple[str, ...]]
"""From placements of one workload, before in regions that it left, after in regions that it entered, after in those
where it stays, to sentences.
"""


class WorkloadMoved(Row):
    """A workload that runs elsewhere, or on other machines, in the second plan; `usd` is what its placements cost.

    `regions` and `offers` are the same in both for what both keep. `why` says what keeps it out of the regions it left,
    where that was asked.
    """

    workload: str
    regions_before: tuple[str, ...]
    regions_after: tuple[str, ...]
    offers_before: tuple[str, ...]
    offers_after: tuple[str, ...]
    usd_before: float
    usd_after: float
    why: tuple[str, ...] = ()


class CostChange(Row):
    """A cost term of two plans."""

    term: str
    usd_before: float
    usd_after: float


class PlanDiff(Row):
    """Two plans side by side: totals, cost terms, and the workloads that are not where they were.

    `least_cost_usd`: what the least cost of the second is proven to differ by from that of the first, at least and at
    most, where both plans have a bound. `added` and `dropped` are in one plan alone; `stay` counts those in the same
    regions on the same machines. Carbon is at least what it says where a share of it is unknown.
    """

    usd_before: float | None
    usd_after: float | None
    least_cost_usd: Interval | None = None
    carbon_kg_before: float | None
    carbon_kg_after: float | None
    carbon_unknown_share_before: float | None
    carbon_unknown_share_after: float | None
    costs: tuple[CostChange, ...]
    moved: tuple[WorkloadMoved, ...]
    added: tuple[str, ...]
    dropped: tuple[str, ...]
    stay: int

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from optimizer.report.as_html import as_html
        from optimizer.report.diff_view import render_diff

        return as_html(render_diff, self)


def plan_diff(before: Plan, after: Plan, why: Why | None = None) -> PlanDiff:
    """Compare two plans, of one instance or of two states of it."""
    old, new = _placed(before), _placed(after)
    both = [name for name in old if name in new]
    moved = [_moved(name, old[name], new[name], why) for name in both if old[name].where != new[name].where]
    terms = dict.fromkeys((*before.cost_breakdown_usd, *after.cost_breakdown_usd))
    one, two = before.cost_breakdown_usd, after.cost_breakdown_usd
    costs = [CostChange(term=t, usd_before=one.get(t, 0.0), usd_after=two.get(t, 0.0)) for t in terms]
    return PlanDiff(
        usd_before=before.objective_usd, usd_after=after.objective_usd,
        least_cost_usd=_least_costs(before, after), carbon_kg_before=before.carbon_kg,
        carbon_kg_after=after.carbon_kg, carbon_unknown_share_before=before.carbon_unknown_share,
        carbon_unknown_share_after=after.carbon_unknown_share, moved=tuple(moved),
        costs=tuple(row for row in costs if row.usd_before != row.usd_after),
        added=tuple(name for name in new if name not in old),
        dropped=tuple(name for name in old if name not in new), stay=len(both) - len(moved),
    )  # fmt: skip


def _least_costs(before: Plan, after: Plan) -> Interval | None:
    """Return between what the difference of the least costs lies: each is between a plan's bound and its cost."""
    costs, bounds = (before.objective_usd, after.objective_usd), (before.bound_usd, after.bound_usd)
    if costs[0] is None or costs[1] is None or bounds[0] is None or bounds[1] is None:
        return None
    return Interval(low=bounds[1] - costs[0], high=costs[1] - bounds[0])


class _Placed:
    """Where one workload runs: its placements by region, the offers there, and what they cost."""

    def __init__(self, rows: list[Placement]) -> None:
        self.rows = sorted(rows, key=lambda row: (row.region_id, _offer(row)))
        self.where: dict[str, set[str]] = {}
        for row in self.rows:
            self.where.setdefault(row.region_id, set()).add(_offer(row))
        self.offers = tuple(dict.fromkeys(f"{row.region_id} {_offer(row)}" for row in self.rows))
        self.usd = sum(row.cost_usd or 0.0 for row in rows)


def _offer(row: Placement) -> str:
    return f"{row.sku or row.endpoint}{'' if row.purchase in (None, 'on_demand') else f' {row.purchase}'}"


def _placed(plan: Plan) -> dict[str, _Placed]:
    rows: dict[str, list[Placement]] = {}
    for row in plan.placements:
        rows.setdefault(row.workload, []).append(row)
    return {name: _Placed(own) for name, own in rows.items()}


def _moved(name: str, old: _Placed, new: _Placed, why: Why | None) -> WorkloadMoved:
    left = tuple(row for row in old.rows if row.region_id not in new.where)
    entered = tuple(row for row in new.rows if row.region_id not in old.where)
    kept = tuple(row for row in new.rows if row.region_id in old.where)
    return WorkloadMoved(
        workload=name, regions_before=tuple(old.where), regions_after=tuple(new.where), offers_before=old.offers,
        offers_after=new.offers, usd_before=old.usd, usd_after=new.usd,
        why=why(left, entered, kept) if why is not None else (),
    )  # fmt: skip
