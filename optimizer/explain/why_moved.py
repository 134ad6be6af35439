"""Why workloads are no longer where they were: what shut their offers, what opened others, what is full now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.errors import InputError
from optimizer.plan.models import Plan
from optimizer.plan.rows import Placement

if TYPE_CHECKING:
    from optimizer.compile.why import ExcludedBy, Option
    from optimizer.model import Model

RULES_TOLD, BINDS = 3, 1e-6
DEARER = "still open, and dearer as a whole than where it is now"


class WhyMoved:
    """Asks the model of the second plan about placements of the first, and the other way round where there is one."""

    def __init__(self, after: Model, plans: tuple[Plan, Plan], before: Model | None = None) -> None:
        self._after, self._before = after, before
        full, now = map(full_rules, plans)
        self._newly_full = [rule for rule in now if rule not in full]

    def __call__(self, left: tuple[Placement, ...], entered: tuple[Placement, ...]) -> tuple[str, ...]:
        """Return a sentence for each region that has one: the rules that shut it, or that kept it shut before; where
        none did, what is full now and was not.
        """
        told = _by_region(left, self._after, "shut now by ")
        if self._before is not None:
            told |= _by_region(entered, self._before, "open now; before, it was shut by ")
        if told or not left:
            return tuple(told.values())
        full = ", ".join(self._newly_full[:RULES_TOLD])
        what = f"still open; full now and not before: {full}" if full else DEARER
        return (f"{', '.join(dict.fromkeys(row.region_id for row in left))}: {what}",)


def _by_region(rows: tuple[Placement, ...], model: Model, what: str) -> dict[str, str]:
    told: dict[str, str] = {}
    for row in rows:
        if row.region_id not in told and (against := _against(row, model)):
            told[row.region_id] = f"{row.region_id}: {what}{against}"
    return told


def _against(row: Placement, model: Model) -> str:
    """Return the rules that exclude the offer of a placement in a model; nothing where it is eligible."""
    try:
        options = model.why(row.workload, row.region_id, row.stream).options
    except InputError as nothing:
        return str(nothing).splitlines()[0]
    same = [option for option in options if _is_of(option, row)] or list(options)
    if any(option.is_eligible for option in same):
        return ""
    rules: dict[str, ExcludedBy] = {one.rule.id: one for option in same for one in option.excluded_by}
    return "; ".join(map(str, list(rules.values())[:RULES_TOLD]))


def _is_of(option: Option, row: Placement) -> bool:
    """Whether an option is on the offer of a placement."""
    return option.offer == f"{row.region_id}:{row.sku}:{row.purchase}" if row.sku else option.offer == row.endpoint


def full_rules(plan: Plan) -> dict[str, None]:
    """Return the budgets, quotas and share policies of a plan that have no slack, by rule."""
    full = [f"budget:{row.id}" for row in plan.budgets if row.slack <= BINDS * abs(row.limit)]
    full += [f"quota:{row.id}" for row in plan.quotas if row.slack <= BINDS * abs(row.limit)]
    full += [f"policy:{row.id}" for row in plan.shares if abs(row.bound - row.value) <= BINDS]
    return dict.fromkeys(full)
