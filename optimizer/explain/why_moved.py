"""Why workloads are no longer where they were: what shut their offers, what opened others, what is full now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.errors import InputError
from optimizer.explain.full import FullLimit, full_limits, limits_of_slots
from optimizer.plan.models import Plan
from optimizer.plan.rows import Placement
from optimizer.plan.start import slots_of_rows

if TYPE_CHECKING:
    from optimizer.compile.why import ExcludedBy
    from optimizer.model import Model

RULES_TOLD = 3
DEARER = "still open, and dearer as a whole than where it is now"


class WhyMoved:
    """Asks the model of the second plan about placements of the first, and the other way round where there is one."""

    def __init__(self, after: Model, plans: tuple[Plan, Plan], before: Model | None = None) -> None:
        self._after, self._before = after, before
        was, now = (full_limits(model._compiled.problem, plan) for model, plan in zip((before or after, after), plans,
                                                                                   strict=True))  # fmt: skip
        self._tighter, self._looser = _tighter(was, now), _tighter(now, was)

    def __call__(
        self, left: tuple[Placement, ...], entered: tuple[Placement, ...], kept: tuple[Placement, ...]
    ) -> tuple[str, ...]:
        """Return a sentence for each region that has one: the rules that shut what ran there, or that kept it shut
        before; where none did, the limits that it draws on, there or where it stays, and that are full now, or were.
        """
        told = _by_region(left, self._after, "shut now by ")
        if self._before is not None:
            told |= _by_region(entered, self._before, "open now; before, it was shut by ")
        if told:
            return tuple(told.values())
        told = _by_limit((*left, *kept), self._after, self._tighter, "still open; full now")
        if self._before is not None:
            told |= _by_limit((*entered, *kept), self._before, self._looser, "open before, too; full then")
        if told or not left:
            return tuple(told.values())
        return (f"{', '.join(dict.fromkeys(row.region_id for row in left))}: {DEARER}",)


def _tighter(was: dict[str, FullLimit], now: dict[str, FullLimit]) -> dict[str, FullLimit]:
    """Return the limits that are full now and were not, or of which there is less now."""
    return {rule: one for rule, one in now.items() if rule not in was or one.limit < was[rule].limit}


def _by_limit(
    rows: tuple[Placement, ...], model: Model, full: dict[str, FullLimit], what: str
) -> dict[str, str]:  # fmt: skip
    """Return by region the limits that what runs there draws on and that are among those given."""
    problem, told = model._compiled.problem, {}
    slots = slots_of_rows(model._compiled, rows)
    for region in dict.fromkeys(row.region_id for row in rows):
        own = np.array([s for s, row in zip(slots.tolist(), rows, strict=True) if row.region_id == region and s >= 0])
        rules = sorted(limits_of_slots(problem, own) & full.keys())
        if rules:
            says = "; ".join(f"{rule}: {full[rule].says}" for rule in rules[:RULES_TOLD])
            told[region] = f"{region}: {what}: {says}"
    return told


def _by_region(rows: tuple[Placement, ...], model: Model, what: str) -> dict[str, str]:
    told: dict[str, str] = {}
    for row in rows:
        if row.region_id not in told and (against := _against(row, model)):
            told[row.region_id] = f"{row.region_id}: {what}{against}"
    return told


def _against(row: Placement, model: Model) -> str:
    """Return the rules that exclude the offer of a placement in a model; nothing where it is eligible."""
    names = _offers_of(row, model)
    if not names:
        return f"nobody's offer: {row.sku or row.endpoint} is not sold there"
    try:
        options = [option for name in names for option in model.why(row.workload, name, row.stream).options]
    except InputError as nothing:
        return str(nothing).splitlines()[0]
    if any(option.is_eligible for option in options):
        return ""
    rules: dict[str, ExcludedBy] = {one.rule.id: one for option in options for one in option.excluded_by}
    return "; ".join(map(str, list(rules.values())[:RULES_TOLD]))


def _offers_of(row: Placement, model: Model) -> list[str]:
    """Return the ids of the offers that a placement is on, open or closed."""
    world = model._compiled.world
    found = []
    for table in (world.offers, world.closed):
        same = (table.region_id == row.region_id) & (table.endpoint.fillna("") == (row.endpoint or ""))
        same &= table.sku.fillna("") == (row.sku or "")
        if row.sku and "purchase" in table:
            same &= table.purchase.fillna("") == (row.purchase or "")
        found += table.offer_id[same].astype(str).tolist()
    return list(dict.fromkeys(found))
