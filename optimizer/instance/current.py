"""What runs today: where each workload is, on what, which copies lie where, and what it costs to move."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from optimizer.instance.base import Count, Id, Model, NonNegative, Purchase, Share


class RunningToday(Model):
    """A row of what runs today: a workload in a region, and on what.

    Without `sku` or `endpoint` only the place is known, which says where it may stay, not what it costs. Without
    `period` it holds in all. `served_per_s` and `work_units` are how demand and work are split, in proportion.
    `usd_per_hour` is the price of an instance that the catalogue no longer lists. `purchase: reserved`, as an earlier
    plan has it, is read as `committed`: what it bought is owned, and stated in `commitments`.
    """

    workload: Id
    region: str
    sku: str | None = None
    endpoint: str | None = None
    purchase: Purchase | None = None
    instances: NonNegative | None = None
    stream: str | None = None
    period: str | None = None
    served_per_s: NonNegative | None = None
    work_units: NonNegative | None = None
    instance_hours: NonNegative | None = None
    usd_per_hour: NonNegative | None = None

    @field_validator("purchase")
    @classmethod
    def _owned_by_now(cls, purchase: Purchase | None) -> Purchase | None:
        """What an earlier plan bought is owned today."""
        return "committed" if purchase == "reserved" else purchase

    @model_validator(mode="after")
    def _one_offer(self) -> RunningToday:
        if self.sku is not None and self.endpoint is not None:
            raise ValueError(f"names both sku {self.sku} and endpoint {self.endpoint}; a row is one of them")
        return self

    @property
    def is_there(self) -> bool:
        """Whether the row places anything: amounts of 0 are nothing, amounts left out are something."""
        amounts = (self.instances, self.served_per_s, self.work_units)
        return any(amounts) or all(amount is None for amount in amounts)


class CopyToday(Model):
    """A copy of a dataset that lies in a region today."""

    dataset: Id
    region: str


class SafeguardToday(Model):
    """A mechanism that is in force today, for a key of its charge scope."""

    mechanism: Id
    key: Annotated[tuple[str, ...], Field(strict=False)] = ()


class Current(Model):
    """What runs today, what moving costs, and how much may move.

    `placements`, `copies` and `mechanisms` are stated here, in tables, or read from `plan`: a plan file of this
    program, as JSON or as a folder of tables. A workload that runs today *moves* when any of it is placed in a region
    where nothing of it runs today. A move costs `move_usd` (or the workload's own), what today's instances cost for
    `overlap_hours`, and the egress of what it carries into each region.
    """

    placements: Annotated[tuple[RunningToday, ...], Field(strict=False)] = ()
    copies: Annotated[tuple[CopyToday, ...], Field(strict=False)] = ()
    mechanisms: Annotated[tuple[SafeguardToday, ...], Field(strict=False)] = ()
    plan: str | None = None
    move_usd: NonNegative = 0.0
    overlap_hours: NonNegative = 0.0
    max_moves: Count | None = None
    max_moved_share: Share | None = None

    def regions_of(self) -> dict[str, tuple[str, ...]]:
        """Return the regions in which each workload runs today, by workload."""
        found: dict[str, dict[str, None]] = {}
        for row in self.placements:
            if row.is_there:
                found.setdefault(row.workload, {})[row.region] = None
        return {workload: tuple(regions) for workload, regions in found.items()}
