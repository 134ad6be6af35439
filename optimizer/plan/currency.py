"""Amounts of a plan in the instance's currency, beside those in USD, in what is written of it.

A field whose name has `usd` gains one beside it with the code of the currency in that place (`cost_usd`, `cost_eur`),
at the one rate of the instance; so do figures of budgets on money. What is read must agree: the amounts in USD stand.
"""

from __future__ import annotations

import json
from typing import Any

from optimizer.errors import InputError, Issue
from optimizer.plan.rows import PlanCurrency

MONEY_FIGURES = ("limit", "used", "slack")
"""Fields of a budget's use that are money where its metric is."""
CLOSE = 1e-9


def renamed(key: str, code: str) -> str | None:
    """Return the name of the field with the amount in a currency, None for a field that is no amount in USD."""
    words = key.split("_")
    return "_".join(code.lower() if word == "usd" else word for word in words) if "usd" in words else None


def _amounts(row: dict[str, Any], currency: PlanCurrency) -> dict[str, tuple[str, Any]]:
    """Return by field of a mapping that is an amount in USD its name in the currency, and the amount."""
    found = {}
    for key, value in row.items():
        name = renamed(key, currency.code)
        if name is None and row.get("metric") == "spend_usd" and key in MONEY_FIGURES:
            name = f"{key}_{currency.code.lower()}"
        if name is not None and key != "usd_per_unit":
            found[key] = (name, _converted(value, currency.usd_per_unit))
    return found


def _converted(value: Any, rate: float) -> Any:
    if isinstance(value, dict):
        return {key: _converted(amount, rate) for key, amount in value.items()}
    return value / rate if isinstance(value, int | float) and not isinstance(value, bool) else value


def with_amounts(data: Any, currency: PlanCurrency) -> Any:
    """Return what is written of a plan with the amounts in the currency beside those in USD."""
    if isinstance(data, list):
        return [with_amounts(item, currency) for item in data]
    if not isinstance(data, dict):
        return data
    beside = _amounts(data, currency)
    found: dict[str, Any] = {}
    for key, value in data.items():
        found[key] = with_amounts(value, currency)
        if key in beside:
            name, amount = beside[key]
            found[name] = amount
    return found


def without_amounts(text: str, file: str) -> str:
    """Return the JSON of a plan without the amounts in the currency that it names.

    Raises:
        InputError: such an amount is not that in USD at the plan's rate.
    """
    data = json.loads(text)
    stated = data.get("currency") if isinstance(data, dict) else None
    if not isinstance(stated, dict):
        return text
    try:
        currency = PlanCurrency.model_validate(stated)
    except ValueError:
        return text  # the model says what is wrong with it
    issues: list[Issue] = []
    _take_out(data, currency, (), issues, file=file)
    if issues:
        raise InputError(issues)
    return json.dumps(data, ensure_ascii=False)


def _take_out(data: Any, currency: PlanCurrency, path: tuple[str, ...], issues: list[Issue], *, file: str) -> None:
    if isinstance(data, list):
        for at, item in enumerate(data):
            _take_out(item, currency, (*path, str(at)), issues, file=file)
        return
    if not isinstance(data, dict):
        return
    for key, (name, amount) in _amounts(data, currency).items():
        if name in data and not _same(data[name], amount):
            what = f"is {data[name]!r}, which is not {key} at {currency.usd_per_unit:g} USD for 1 {currency.code}"
            maybe = f"leave it out, or state {amount!r}"
            issues.append(Issue(what, file=file, where=".".join((*path, name)), maybe=maybe))
        data.pop(name, None)
    for key, value in data.items():
        _take_out(value, currency, (*path, key), issues, file=file)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, int | float) and isinstance(b, int | float):
        return abs(a - b) <= CLOSE * max(1.0, abs(a), abs(b))
    return bool(a == b)
