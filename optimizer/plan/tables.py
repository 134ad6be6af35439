"""A plan's lists as pandas tables, for analysis and for CSV."""

from __future__ import annotations

from typing import Any

import pandas as pd

from optimizer.plan.currency import MONEY_FIGURES, renamed
from optimizer.plan.lagrangian import RowPrice, WorkloadBound
from optimizer.plan.legal_rows import Action, LegalEntry, RefusedUnknown, SovereigntyUse
from optimizer.plan.models import LeastCarbon, MarketBased, Plan, Today
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

ROWS: dict[str, type[Row]] = {
    "placements": Placement,
    "speeds": SystemSpeed,
    "copies": Copy,
    "transfers": Transfer,
    "moves": Move,
    "relocations": Relocation,
    "regions": RegionUse,
    "mechanisms": MechanismUse,
    "budgets": BudgetUse,
    "quotas": QuotaUse,
    "commitments": CommitmentUse,
    "purchases": PurchaseUse,
    "shares": ShareUse,
    "places": PlaceUse,
    "unserved": Unserved,
    "legal_register": LegalEntry,
    "actions": Action,
    "sovereignty": SovereigntyUse,
    "refused": RefusedUnknown,
    "data_quality": DataQuality,
    "ineligible": Ineligible,
    "missing_figures": MissingFigure,
    "switching": Switching,
    "unfinished": Unfinished,
    "shortfalls": Shortfall,
    "row_prices": RowPrice,
    "workload_bounds": WorkloadBound,
    "own_rows": OwnRow,
}
"""Table name (a field of `Plan`) and the model of its rows, whose fields are the columns."""


def plan_tables(plan: Plan) -> dict[str, pd.DataFrame]:
    """Return one table per list of the plan, plus `summary`, `today` and `cost_breakdown` (one row per
    term)."""
    tables = {name: _table(getattr(plan, name), list(row.model_fields)) for name, row in ROWS.items()}
    tables["cost_breakdown"] = pd.DataFrame(
        {"term": list(plan.cost_breakdown_usd), "cost_usd": list(plan.cost_breakdown_usd.values())},
        columns=["term", "cost_usd"],
    )
    headline = ("instance_name", "instance_sha256", "status", "termination", "objective_usd", "bound_usd", "gap",
                "carbon_kg", "operational_kg", "embodied_kg", "carbon_high_kg", "carbon_unknown_share", "energy_kwh",
                "water_l", "method", "stated_by", "own_cost_usd", "missing_figures_usd")  # fmt: skip
    tables["least_carbon"] = _table((plan.least_carbon,) if plan.least_carbon else (), list(LeastCarbon.model_fields))
    tables["today"] = _table((plan.today,) if plan.today else (), list(Today.model_fields))
    tables["market_based"] = _table((plan.market_based,) if plan.market_based else (), list(MarketBased.model_fields))
    tables["summary"] = pd.DataFrame([{name: getattr(plan, name) for name in headline}], columns=list(headline))
    return tables if plan.currency is None else {name: _with_amounts(t, plan.currency) for name, t in tables.items()}


def _with_amounts(table: pd.DataFrame, currency: PlanCurrency) -> pd.DataFrame:
    """Return a table with the amounts in the instance's currency beside those in USD."""
    names = {column: name for column in table.columns if (name := renamed(str(column), currency.code)) is not None}
    of_money = table["metric"].eq("spend_usd") if "metric" in table.columns else None
    columns: dict[str, Any] = {}
    for column in table.columns:
        columns[column] = table[column]
        if column in names:
            columns[names[column]] = pd.to_numeric(table[column], errors="coerce") / currency.usd_per_unit
        elif of_money is not None and column in MONEY_FIGURES:
            columns[f"{column}_{currency.code.lower()}"] = (table[column] / currency.usd_per_unit).where(of_money)
    return pd.DataFrame(columns)


def _table(rows: tuple[Row, ...], columns: list[str]) -> pd.DataFrame:
    data = {column: [_cell(getattr(row, column)) for row in rows] for column in columns}
    return pd.DataFrame(data, columns=columns)


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return "|".join(f"{name}={number:.12g}" for name, number in value.items())
    return "|".join(value) if isinstance(value, tuple) else value
