"""The instance: everything one planning question states, validated, immutable, free of pandas and of Pyomo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, PrivateAttr

from optimizer.instance.base import Id, Model, NonNegative, PositiveShare
from optimizer.instance.buying import Buy
from optimizer.instance.current import Current
from optimizer.instance.place import Path as Steps
from optimizer.instance.place import Sources
from optimizer.instance.rules import (
    Budget,
    Commitment,
    Discount,
    LegalAssertions,
    MechanismCost,
    Policy,
    Quotas,
)
from optimizer.instance.workloads import Dataset, Tenant, Workload
from optimizer.instance.world import Carbon, CatalogueUse, Currency, Horizon, LawsUse, Origin


class Instance(Model):
    """One planning question.

    Money is in USD over the horizon; other units are in the field names. Bulk lists (`workloads`, `datasets`,
    `budgets`, `quotas.limits`, ...) may live in CSV or Parquet tables beside the file (`tables:` in the file, resolved
    by `domicile.load`). `tenant` is who uses the capacity, for all workloads that name no other.
    """

    name: Id
    description: str = ""
    horizon: Horizon
    currency: Currency | None = None
    catalogue: CatalogueUse = CatalogueUse()
    laws: LawsUse = LawsUse()
    carbon: Carbon = Carbon()
    target_utilisation: PositiveShare = 0.7
    unserved_usd_per_unit: NonNegative | None = None
    origins: Annotated[tuple[Origin, ...], Field(strict=False)] = ()
    workloads: Annotated[tuple[Workload, ...], Field(strict=False, min_length=1)]
    datasets: Annotated[tuple[Dataset, ...], Field(strict=False)] = ()
    budgets: Annotated[tuple[Budget, ...], Field(strict=False)] = ()
    policies: Annotated[tuple[Policy, ...], Field(strict=False)] = ()
    quotas: Quotas = Quotas()
    commitments: Annotated[tuple[Commitment, ...], Field(strict=False)] = ()
    buy: Buy | None = None
    discounts: Annotated[tuple[Discount, ...], Field(strict=False)] = ()
    mechanism_costs: Annotated[tuple[MechanismCost, ...], Field(strict=False)] = ()
    tenant: Tenant = Tenant()
    legal_assertions: LegalAssertions = LegalAssertions()
    current: Current | None = None
    _folder: Path | None = PrivateAttr(default=None)
    _sources: Sources = PrivateAttr(default_factory=Sources)

    @property
    def folder(self) -> Path | None:
        """Where what `catalogue.use` and `laws.use` name lies; None unless the instance names a path there."""
        return self._folder

    def source_of(self, path: Steps) -> str | None:
        """Return file and line (`plan.yaml:12`) of the innermost known place on the way to a value, by keys and
        positions; None where the instance was not read from a file.
        """
        ways = (path[:depth] for depth in range(len(path), 0, -1))
        return next((self._sources[way] for way in ways if way in self._sources), None)
