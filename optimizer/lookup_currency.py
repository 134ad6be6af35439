"""Rows of the catalogue with their amounts in the currency of an instance."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def in_currency_of(
    source: Path, rows: list[dict[str, Any]], columns: tuple[str, ...], what: str
) -> tuple[list[dict[str, Any]], tuple[str, ...], str]:
    """Return rows with their amounts in an instance's currency beside those in USD, the columns to show, and what the
    rows are, with the rate; as they are where the instance states no currency.
    """
    import domicile
    from optimizer.plan.currency import renamed, with_amounts
    from optimizer.plan.rows import PlanCurrency

    stated = domicile.load(source).currency
    if stated is None:
        return rows, columns, what
    currency = PlanCurrency(**stated.model_dump())
    on = f" on {currency.date}" if currency.date else ""
    rate = f"1 {currency.code} = {currency.usd_per_unit:g} USD{on}"
    shown = tuple(renamed(name, currency.code) or name for name in columns)
    return with_amounts(rows, currency), shown, f"{what}; {rate}"
