"""What a plan costs by owner and month: every amount on its rows, and what no row states; the sum is its cost."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from optimizer.export.base import Source
from optimizer.export.tables import Cell, Table
from optimizer.plan.models import Plan

WHOLE = "whole horizon"
"""The column of what is charged once, or over the whole horizon, so that no month can be said."""
SHARED, UNSTATED = "(shared)", "(no tags stated)"
SAME_USD = 0.005


@dataclass(frozen=True)
class CostLine:
    """An amount of the plan: what for, of which workload if of one, in which period if in one; a penalty is no bill."""

    item: str
    workload: str | None
    period: str | None
    usd: float
    is_billed: bool = True


def cost_lines(plan: Plan) -> list[CostLine]:
    """Return every amount that the plan states on a row, and last the part of its cost that no row states."""
    found = [*_of_workloads(plan), *_shared(plan)]
    if plan.objective_usd is not None:
        rest = plan.objective_usd - sum(line.usd for line in found)
        if abs(rest) > SAME_USD:
            found.append(CostLine("cost that no row of the plan states", None, None, rest))
    return found


def _of_workloads(plan: Plan) -> Iterable[CostLine]:
    for p in plan.placements:
        what = f"{p.sku or p.endpoint} in {p.region_id}{f', {p.purchase}' if p.purchase else ''}"
        yield CostLine(what, p.workload, p.period, p.cost_usd or 0.0)
    for u in plan.unserved:
        yield CostLine("penalty for what is not served (no bill)", u.workload, u.period, u.cost_usd or 0.0, False)
    for m in plan.moves:
        yield CostLine(f"checkpoint from {m.source} to {m.target}", m.job, m.period, m.cost_usd or 0.0)
    for r in plan.relocations:
        yield CostLine(f"moving to {', '.join(r.entered)}", r.workload, None, r.cost_usd or 0.0)


def _shared(plan: Plan) -> Iterable[CostLine]:
    for c in plan.copies:
        yield CostLine(f"copy of {c.dataset} in {c.region_id}", None, None, c.cost_usd or 0.0)
    for t in plan.transfers:
        yield CostLine(f"{t.dataset} read in {t.target} from {t.source}", None, None, t.cost_usd or 0.0)
    for s in plan.mechanisms:
        yield CostLine(f"safeguard {s.mechanism} for {', '.join(s.key)}", None, None, s.cost_usd or 0.0)
    for r in plan.regions:
        yield CostLine(f"region {r.region_id} in use", None, None, r.fixed_usd or 0.0)
    for o in plan.places:
        yield CostLine(f"places in use under {o.id}", None, None, o.cost_usd or 0.0)
    for b in plan.purchases:
        yield CostLine(f"commitment {b.id}, unused part", None, None, b.idle_usd)


def months(plan: Plan) -> dict[str, dict[str, float]]:
    """Return by period the share of its hours in each calendar month (`2027-01`)."""
    if plan.horizon is None:
        return {}
    at = datetime.datetime.combine(plan.horizon.start, datetime.time())
    found: dict[str, dict[str, float]] = {}
    for period in plan.horizon.periods:
        end = at + datetime.timedelta(hours=period.hours)
        shares: dict[str, float] = {}
        while at < end:
            turn = (at.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + datetime.timedelta(days=32)).replace(
                day=1
            )
            until = min(turn, end)
            shares[f"{at:%Y-%m}"] = (until - at) / datetime.timedelta(hours=period.hours)
            at = until
        found[period.id] = shares
    return found


def cost_table(source: Source) -> Table:
    """Return the cost by owner, workload and item, in the currency, with a column for each month and the sum."""
    by_period = months(source.plan)
    columns = [*dict.fromkeys(month for shares in by_period.values() for month in shares), WHOLE]
    owners = _owners(source)
    amounts: dict[tuple[str, str, str], dict[str, float]] = {}
    penalties = dict.fromkeys(columns, 0.0)
    for line in cost_lines(source.plan):
        owner = SHARED if line.workload is None else owners.get(line.workload, UNSTATED)
        row = amounts.setdefault((owner, line.workload or "", line.item), dict.fromkeys(columns, 0.0))
        shares = by_period.get(line.period or "", {WHOLE: 1.0})
        for month, share in shares.items():
            row[month] += line.usd * share
            penalties[month] += 0.0 if line.is_billed else line.usd * share
    rows: list[list[Cell]] = []
    total = [0.0] * (len(columns) + 1)
    for (owner, workload, item), row in sorted(amounts.items()):
        converted = [source.money(row[name]) or 0.0 for name in columns]
        if any(converted):
            told = [*converted, sum(converted)]
            rows.append([owner, workload, item, *told])
            total = [a + b for a, b in zip(total, told, strict=True)]
    rows.append(["total", "", "", *total])
    if any(penalties.values()):
        out = [source.money(penalties[name]) or 0.0 for name in columns]
        billed = [a - b for a, b in zip(total, [*out, sum(out)], strict=True)]
        rows.append(["total without penalties", "", "", *billed])
    names = [*(f"{name} {source.currency}" for name in columns), f"total {source.currency}"]
    note = (
        "A forecast at list prices less stated discounts, without tax; no invoice. "
        "A period in two months counts in both, by its hours."
    )
    return Table("Cost by owner and month", ("owner (tags)", "workload", "item", *names), rows, note)


def _owners(source: Source) -> dict[str, str]:
    if source.instance is None:
        return {}
    return {w.id: ", ".join(w.tags) for w in source.instance.workloads if w.tags}
