"""What a plan costs and emits, part by part; operational and embodied carbon apart."""

from __future__ import annotations

import pandas as pd

from optimizer.plan.models import Plan
from optimizer.report.charts import bars
from optimizer.report.pages.context import Context, plural
from optimizer.report.pages.view import Block, Figure, Section, notes, table
from optimizer.report.parts import amount, currency_code, in_currency, money, percent, usd

MOST_PLACES = 14
Apart = tuple[float | None, float | None]
LEFT_OUT = (
    "The cost is the sum of the terms above at the prices of the catalogue, after the instance's discounts; taxes, "
    "support contracts, staff and what is outside the instance are not in it."
)


def cost_section(context: Context) -> Section:
    """Return the section on cost: by term, and what it leaves out."""
    plan = context.plan
    terms = [(term.replace("_", " "), value) for term, value in plan.cost_breakdown_usd.items() if value]
    terms.sort(key=lambda one: -one[1])
    whole = sum(value for _, value in terms)
    title, code = "Cost by term", currency_code()
    frame = pd.DataFrame({
        "term": [term for term, _ in terms], "cost": [in_currency(value) for _, value in terms],
        "told": [usd(value) for _, value in terms],
    })  # fmt: skip
    numbers = table(title, ["Term", code, "Share"], [
        *([term, usd(value), percent(value / whole if whole else None)] for term, value in terms),
        ["total", usd(whole), ""],
    ], right=[code, "Share"])  # fmt: skip
    figure = Figure(bars(frame, "term", "cost", label="told", title=title, unit=code), numbers)
    lead = f"{money(plan.objective_usd)} {context.span()}."
    return Section("cost", "What it costs", lead, (figure, *notes(LEFT_OUT, *_buying(plan), *_today(plan))))


def _buying(plan: Plan) -> list[str]:
    told = [
        f"Commitment {one.id} of {one.provider}: {amount(one.amount)} {one.unit} for {one.term_months:g} months, "
        f"{money(one.term_usd)} over its term, of which {money(one.charged_usd)} in this plan."
        for one in plan.purchases[:12]
    ]
    idle = sum(one.idle_usd or 0.0 for one in plan.commitments) + sum(one.idle_usd for one in plan.purchases)
    if idle:
        told.append(f"Commitments worth {money(idle)} run idle in this plan.")
    return told


def _today(plan: Plan) -> list[str]:
    today = plan.today
    if today is None:
        return ["The instance states no set-up of today: what would move, and what is saved against it, is not told."]
    told = [f"Today's set-up has no cost to compare with: {reason}" for reason in today.why_not]
    if today.moving_usd:
        told.append(f"Moving costs {money(today.moving_usd)}, once; it is part of the cost.")
    if today.payback_hours is not None:
        told.append(f"The saving has paid for moving after {today.payback_hours / 24:,.3g} days.")
    return told


def carbon_section(context: Context) -> Section:
    """Return the section on carbon: operational and embodied by place, and what is not known."""
    plan = context.plan
    title = "Carbon by place: operational and embodied"
    names, parts = _by_place(context)
    long = pd.DataFrame(
        [(name, part, value) for name, values in zip(names, parts, strict=True)
         for part, value in zip(("operational", "embodied"), values, strict=True) if value is not None],
        columns=["place", "part", "kg"],
    )  # fmt: skip
    numbers = table(title, ["Place", "Operational, kg", "Embodied, kg"], [
        [name, amount(values[0]), amount(values[1])] for name, values in zip(names, parts, strict=True)
    ], right=["Operational, kg", "Embodied, kg"])  # fmt: skip
    blocks: list[Block] = []
    if any(value for values in parts for value in values):
        blocks.append(Figure(bars(long, "place", "kg", part="part", title=title, unit="kg CO2e"), numbers))
    return Section("carbon", "What it emits", _lead(plan), (*blocks, *notes(*_told(plan))))


def _by_place(context: Context) -> tuple[list[str], list[Apart]]:
    """Return the places, those that emit most first, with operational and embodied carbon; None where it is unknown."""
    kg: dict[str, list[float]] = {}
    country = {}
    for row in context.plan.placements:
        country[row.region_id] = row.country
        if row.carbon_kg is not None:
            sums = kg.setdefault(row.region_id, [0.0, 0.0])
            sums[0] += row.carbon_kg - (row.embodied_kg or 0.0)
            sums[1] += row.embodied_kg or 0.0
    order = sorted(country, key=lambda name: -sum(kg.get(name, ())))
    rest = order[MOST_PLACES:]
    names = [f"{name} {country[name]}" for name in order[:MOST_PLACES]]
    parts: list[Apart] = [(kg[name][0], kg[name][1]) if name in kg else (None, None) for name in order[:MOST_PLACES]]
    if rest:
        names.append(plural(len(rest), "more place"))
        parts.append((sum(kg[name][0] for name in rest if name in kg), sum(kg[name][1] for name in rest if name in kg)))
    return names, parts


def _lead(plan: Plan) -> str:
    if plan.carbon_kg is None:
        return "Nothing in the plan has a carbon figure."
    apart = ""
    if plan.operational_kg is not None and plan.embodied_kg is not None:
        running, embodied = amount(plan.operational_kg, "kg"), amount(plan.embodied_kg, "kg")
        apart = f": {running} from running, {embodied} embodied in machines"
    return f"{amount(plan.carbon_kg, 'kg CO2e')}{apart}."


def _told(plan: Plan) -> list[str]:
    told = []
    if plan.carbon_unknown_share:
        share = percent(plan.carbon_unknown_share)
        told.append(f"{share} of machine hours (and of the cost of endpoints) has no carbon figure and counts as 0.")
    if plan.carbon_high_kg is not None and plan.carbon_kg and plan.carbon_high_kg > plan.carbon_kg * 1.000001:
        told.append(f"At the high estimate of what managed endpoints draw it is {amount(plan.carbon_high_kg, 'kg')}.")
    claim = plan.market_based
    if claim is not None and claim.coverage + claim.hourly_coverage > 0:
        told.append(
            f"By suppliers' own claims of clean electricity the operational part is "
            f"{amount(claim.operational_kg, 'kg')} ({percent(claim.matched_yearly_share)} matched over the year); "
            f"no budget counts that."
        )
    if plan.energy_kwh is not None:
        told.append(f"Energy: {amount(plan.energy_kwh, 'kWh')}.")
    if plan.water_l is not None:
        told.append(f"Water: {amount(plan.water_l, 'l')}.")
    second = plan.least_carbon
    if second is not None and second.bound_kg is not None:
        told.append(f"No plan of at most that cost emits less than {amount(second.bound_kg, 'kg')}: that is proven.")
    return told

