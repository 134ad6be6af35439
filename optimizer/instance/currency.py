"""Money in the user's currency becomes USD at the one rate the instance states, before anything is validated.

A field written `limit_eur` or `price_eur_per_tonne` stands for the field with `usd` in that place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from optimizer.instance.models import Instance
from optimizer.instance.place import Finding, Path, Place
from optimizer.instance.shape import all_fields

_CODES = """
    aed ars aud bdt bgn bhd brl cad chf clp cny cop czk dkk egp etb eur gbp ghs hkd huf idr ils inr isk jod jpy kes
    krw kwd kzt lkr mad mxn myr ngn nok nzd omr pen php pkr pln qar ron rsd rub rwf sar sek sgd thb tnd try twd tzs uah
    ugx uyu uzs vnd xaf xof zar zmw
"""
CURRENCIES = frozenset(_CODES.split())
"""ISO 4217 codes, lower case, that are read as a currency when they stand where a field name has `usd`."""


def convert(data: dict[str, Any], places: Place) -> list[Finding]:
    """Replace every field in the stated currency by its USD field, in place; return the problems found."""
    stated = data.get("currency")
    code = stated.get("code") if isinstance(stated, dict) else None
    rate = stated.get("usd_per_unit") if isinstance(stated, dict) else None
    usable = isinstance(rate, int | float) and not isinstance(rate, bool) and math.isfinite(_float(rate)) and rate > 0
    findings: list[Finding] = []
    if code == "USD" and usable and rate != 1:
        findings.append(Finding(("currency", "usd_per_unit"), f"is {rate!r}, but a USD is worth 1 USD"))
    foreign = list(_foreign(data, (), places)) if any(map(_usd_field, _keys(data))) else ()
    for owner, path, place, key, meant in foreign:
        written = _currency_of(key)
        if not isinstance(code, str) or code.lower() != written:
            has = f"the instance's currency is {code}" if code else "the instance states no currency"
            maybe = f"state currency: {{code: {written.upper()}, usd_per_unit: ...}}, or write {meant}"
            findings.append(Finding((*path, key), f"is in {written.upper()}, yet {has}", maybe))
        elif meant in owner:
            findings.append(Finding((*path, key), f"is stated in {code} and again as {meant}", "keep one of the two"))
        if meant not in owner:
            # Without a rate the amount stands as it is: it is refused anyway, and its field must not seem absent.
            owner[meant] = _times(owner[key], float(rate)) if usable and rate is not None else owner[key]
            place.children[meant] = place.children.get(key, Place())
        del owner[key]
    return findings


def _keys(data: dict[str, Any]) -> set[str]:
    """Return every key of every mapping: a few hundred names, however many rows have them."""
    keys: set[str] = set()
    todo: list[Any] = [data]
    while todo:
        here = todo.pop()
        if isinstance(here, dict):
            keys.update(here)
            here = here.values()
        todo += [value for value in here if isinstance(value, (dict, list))]
    return keys


def _foreign(data: Any, path: Path, place: Place) -> Iterator[tuple[dict[str, Any], Path, Place, str, str]]:
    """Yield every mapping, its path and place, with a key written in a currency and the USD field it stands for."""
    if isinstance(data, dict):
        for key, value in data.items():
            meant = _usd_field(key)
            if meant is not None:
                yield data, path, place, key, meant
            if isinstance(value, dict | list):
                yield from _foreign(value, (*path, key), place.children.get(key) or Place())
    elif isinstance(data, list):
        for at, value in enumerate(data):
            if isinstance(value, dict | list):
                yield from _foreign(value, (*path, at), place.children.get(at) or Place())


def _currency_of(key: str) -> str:
    return next(part for part in key.split("_") if part in CURRENCIES)


@lru_cache(maxsize=4096)
def _usd_field(key: str) -> str | None:
    parts = key.split("_")
    if not any(part in CURRENCIES for part in parts):
        return None
    meant = "_".join("usd" if part in CURRENCIES else part for part in parts)
    return meant if meant in all_fields(Instance) and key not in all_fields(Instance) else None


def _float(value: float) -> float:
    """Return a number as a float; a whole number beyond all of them is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _times(value: Any, rate: float) -> Any:
    """Return the amount in USD; what is not an amount is left for its model to refuse."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _float(value) * rate
    if isinstance(value, dict):
        return {key: _times(below, rate) for key, below in value.items()}
    if isinstance(value, list):
        return [_times(below, rate) for below in value]
    return value
