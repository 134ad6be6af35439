"""What all changes have in common: where one was read, the selectors, and that it can be applied to an instance."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from pydantic import PrivateAttr

from optimizer.instance.base import Countries, Ids, Model, Names
from optimizer.instance.place import Sources

if TYPE_CHECKING:
    from optimizer.changes.edit import Edit


class Change(Model):
    """Base of every change. Where it was read from is no part of what it says."""

    _sources: Sources = PrivateAttr(default_factory=Sources)

    @property
    def source(self) -> str | None:
        """File and line it was read from (`cuts.yaml:3`), None if from no file."""
        return self._sources.get(())

    @abstractmethod
    def apply(self, edit: Edit) -> None:
        """Change the instance in hand; what it names and nothing has is a problem of the edit."""


class DemandScope(Model):
    """Selects streams of services, and jobs: keys are ANDed, the values of one key ORed, an empty key selects all.

    `streams` (ids within their service) and `origins` select no jobs.
    """

    workloads: Ids = ()
    tags: Names = ()
    streams: Names = ()
    origins: Names = ()


class RegionScope(Model):
    """Selects regions, as the scopes of budgets and policies do; an empty one selects all."""

    providers: Names = ()
    regions: Names = ()
    countries: Countries = ()
    country_groups: Names = ()


class OfferScope(RegionScope):
    """Selects offers: by `accelerators`, `skus` and `purchase` machines, by `models` and `endpoints` endpoints."""

    accelerators: Names = ()
    skus: Names = ()
    purchase: Names = ()
    models: Names = ()
    endpoints: Names = ()


def stated(scope: Model) -> dict[str, tuple[Any, ...]]:
    """Return the keys of a scope that name something."""
    return {name: value for name in type(scope).model_fields if (value := getattr(scope, name))}
