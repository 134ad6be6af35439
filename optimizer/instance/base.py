"""Field types shared by every part of an instance: strict, finite, named with their units."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from optimizer.laws.codes import check_place


class Model(BaseModel):
    """Base of every instance model: strict types, no unknown fields, immutable, no infinities."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    seen: set[str] = set()
    twice = {value for value in values if value in seen or seen.add(value)}  # type: ignore[func-returns-value]
    if twice:
        raise ValueError(f"named twice: {', '.join(sorted(twice))}")
    return values


Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,127}$")]
"""An identifier: letters, digits and _ . : / @ + -, at most 128 characters."""


def _known_country(value: str) -> str:
    problem = check_place(value, "")
    if problem is not None:
        raise ValueError(f"{problem.what}; {problem.maybe}" if problem.maybe else problem.what)
    return value


Country = Annotated[str, AfterValidator(_known_country)]
"""ISO 3166-1 alpha-2 code, or a subdivision of one such as `US-CA` or `AE-DIFC`."""

Names = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(_unique)]
Ids = Annotated[tuple[Id, ...], Field(strict=False), AfterValidator(_unique)]
Countries = Annotated[tuple[Country, ...], Field(strict=False), AfterValidator(_unique)]


def _written_date(value: object) -> object:
    if isinstance(value, datetime.datetime):
        is_date = isinstance(value.year, int)  # pandas' NaT is a datetime without a year
        if not is_date or value.time() != datetime.time() or value.utcoffset():
            raise ValueError(f"is {value}; should be a date, or midnight UTC of one")
        return value.date()
    if isinstance(value, datetime.date):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return value
    raise ValueError(f"is {value!r}; should be a date such as 2027-01-31")


Date = Annotated[datetime.date, Field(strict=False), BeforeValidator(_written_date)]
"""A calendar date written YYYY-MM-DD; a bare number is never read as seconds since 1970."""

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
LARGEST_COUNT = 10**15
"""Whole numbers up to here are exact as floats as well."""
Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
PositiveCount = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]

Unlimited = Literal["unlimited"]
Arch = Literal["x86_64", "arm64"]
OfferKind = Literal["instance", "endpoint"]
Purchase = Literal["on_demand", "spot", "committed", "reserved"]


SealLevel = Annotated[int, Field(ge=0, le=4)]
Objectives = dict[Literal["SOV-1", "SOV-2", "SOV-3", "SOV-4", "SOV-5", "SOV-6", "SOV-7", "SOV-8"], SealLevel]
"""A SEAL level for some of the eight objectives of the EU Cloud Sovereignty Framework."""


class Scope(Model):
    """Selects placements: keys are ANDed, the values of one key ORed, an empty key selects everything.

    `country_groups` are the law pack's group ids (`EU27`, `EEA`, ...), `periods` are period ids, `regions` are
    `provider:region`.
    """

    workloads: Ids = ()
    tags: Names = ()
    providers: Names = ()
    regions: Names = ()
    countries: Countries = ()
    country_groups: Names = ()
    periods: Names = ()
