"""Commitments that may be bought: instances reserved for a term, and plans of so many USD/h that cover several SKUs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from optimizer.instance.base import Id, Model, Names, NonNegative, Positive

Payment = Literal["no_upfront", "partial_upfront", "all_upfront"]
Term = Annotated[str, Field(pattern=r"^[1-9][0-9]?[my]$")]
"""A number of months or years: `6m`, `1y`, `3y`."""


def months_of(term: str) -> float:
    """Return the months of a term; a month has 730 hours, a year 12 months."""
    return float(term[:-1]) * (12.0 if term[-1] == "y" else 1.0)


class InstancesToBuy(Model):
    """Instances of a SKU in a region for a term, each at `upfront_usd` once and `usd_per_hour` for all its hours.

    The hours are those of the whole term, used or not.
    """

    id: Id
    region: str
    sku: str
    term: Term
    usd_per_hour: NonNegative = 0.0
    upfront_usd: NonNegative = 0.0
    max_instances: NonNegative | None = None

    @model_validator(mode="after")
    def _priced(self) -> InstancesToBuy:
        if not self.model_fields_set & {"usd_per_hour", "upfront_usd"}:
            raise ValueError("has no price: state usd_per_hour, upfront_usd or both")
        return self


class PlanRate(Model):
    """What an instance-hour of a SKU draws of a plan, in `region` or, without one, in every region of the provider."""

    sku: str
    region: str | None = None
    usd_per_hour: Positive


class PlanToBuy(Model):
    """So many USD/h of spending at a provider for a term, which covers the SKUs in `rates` at their rate.

    `max_usd_per_hour` is the most that may be committed to; `payment` says when it is paid, not how much.
    """

    id: Id
    provider: str
    term: Term
    rates: Annotated[tuple[PlanRate, ...], Field(strict=False, min_length=1)]
    payment: Payment = "no_upfront"
    max_usd_per_hour: NonNegative | None = None


class ListedToBuy(Model):
    """Which commitments of the catalogue may be bought: of these providers, regions, terms and ways to pay; any if
    empty.
    """

    providers: Names = ()
    regions: Names = ()
    terms: Annotated[tuple[Term, ...], Field(strict=False)] = ()
    payments: Annotated[tuple[Payment, ...], Field(strict=False)] = ()


class Buy(Model):
    """What may be committed to beside what is owned; without it nothing is bought.

    A commitment is charged for its whole term, and for as many terms as the horizon takes. With `expected_use_months`,
    months for which what is bought is going to be used, the horizon is charged its part of the term's price: its months
    over these, or over the term where that is shorter.
    """

    expected_use_months: Positive | None = None
    listed: ListedToBuy | None = None
    instances: Annotated[tuple[InstancesToBuy, ...], Field(strict=False)] = ()
    plans: Annotated[tuple[PlanToBuy, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _something(self) -> Buy:
        if self.listed is None and not self.instances and not self.plans:
            raise ValueError("offers nothing to buy: state listed (of the catalogue), instances or plans")
        return self
