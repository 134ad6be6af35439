"""The limits and needs that stand in each other's way, in the words of the instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.compile.assemble import Compiled

if TYPE_CHECKING:
    from optimizer.solve.shortfalls import Shortfall

UNITS = {"carbon_kg": "kg", "water_l": "l", "energy_kwh": "kWh", "spend_usd": "USD"}
POOLS = ("devices", "power_kw", "work_rate")
NEEDS = {
    "work": "its work cannot be done within its window",
    "at_release": "it cannot work from its release on",
    "most_regions": "its max_regions is too small",
    "least_regions": "its min_regions cannot be met",
    "failover_demand": "what it asks to survive cannot be carried by the rest",
    "failover_rate": "what it asks to survive exceeds the work rate of the endpoints left",
    "failover_copy": "what it asks to survive lacks a copy of its data elsewhere",
}


def told(shortfall: Shortfall, compiled: Compiled) -> str:
    """Return one line: which limit or need has to give, and by how much, in its own unit."""
    family, by, side = shortfall.family, f"{shortfall.by:,.6g}", f"{shortfall.side:,.6g}"
    when = "" if shortfall.period is None else f" in period {compiled.world.periods[shortfall.period].id}"
    if family in POOLS:
        counts = next(pool.counts for pool in compiled.pools.pools if pool.id == shortfall.id)
        return f"quota {shortfall.id}: {side} {counts} fall short by {by}{when}"
    if family == "budget":
        budgets = compiled.problem.budgets
        unit = UNITS[budgets.metric[budgets.ids.index(str(shortfall.id))]]
        return f"budget {shortfall.id}: {side} {unit} fall short by {by} {unit}"
    if family in ("share_upper", "share_lower"):
        return f"policy {shortfall.id}: its share cannot be kept"
    if family == "demand":
        return f"workload {shortfall.workload}: {by} of {side} work units/s cannot be served{when}"
    if family in NEEDS:
        return f"workload {shortfall.workload or 'several'}: {NEEDS[family]}"
    return f"{shortfall.id or shortfall.workload}: {family.replace('_', ' ')} cannot be met ({by} short of {side})"
