"""What the instance declares of managed endpoints, for the rows of the catalogue that leave it open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.audit.facts import figure, words

if TYPE_CHECKING:
    from optimizer.catalogue import Catalogue
    from optimizer.instance.models import Instance
    from optimizer.instance.world import EndpointResource

WHERE_IT_IS = ("region", "in_region")


@dataclass(frozen=True)
class Residency:
    """Where an endpoint's resource is, where it processes (None: nobody says), its scope and its price factor."""

    countries: tuple[str, ...] | None
    scope: str
    price_factor: float
    declared_region: bool


class EndpointResources:
    """Reads `catalogue.endpoint_resources` and `catalogue.unspecified_endpoint_scope` for one row at a time."""

    def __init__(self, instance: Instance, catalogue: Catalogue) -> None:
        self._use = instance.catalogue
        self._catalogue = catalogue

    def regions(self, row: Any) -> tuple[str, ...]:
        """Return the regions in which the resource may sit: the catalogue's, else those declared."""
        own = words(row["region_id"])
        if own:
            return (own,)
        return next((d.regions for d in self._use.endpoint_resources if d.regions and self._about(d, row)), ())

    def residency(self, row: Any, region_id: str) -> Residency | None:
        """Return what holds of the endpoint with its resource in a region; None if it has none there."""
        if region_id not in self.regions(row):
            return None
        country = words(self._catalogue.regions.loc[region_id, "country"])
        scope, factor = words(row["scope"]), 1.0
        declared = not words(row["region_id"])
        must_hold_it = declared
        listed = row["scope_countries"]
        countries = tuple(sorted(listed)) if isinstance(listed, frozenset | set | tuple) else None
        if countries is None and scope in WHERE_IT_IS:
            countries = (country,)
        elif countries is None:
            said = self._processing(row)
            if said == "region":
                countries = (country,)
            elif said == "global":
                countries = self._everywhere(words(row["provider"]))
            elif said is not None:
                countries, must_hold_it = tuple(sorted(said)), True
            if said is not None and said != "global":
                factor = figure(row["regional_uplift"]) or 1.0
            if said is not None and scope == "unspecified":
                scope = said if isinstance(said, str) else "countries"
        if must_hold_it and countries is not None and country not in countries:
            return None
        return Residency(countries, scope, factor, declared)

    def _processing(self, row: Any) -> str | tuple[str, ...] | None:
        for declaration in self._use.endpoint_resources:
            if declaration.processing is not None and self._about(declaration, row):
                return declaration.processing
        return "global" if self._use.unspecified_endpoint_scope == "global" else None

    def _about(self, declaration: EndpointResource, row: Any) -> bool:
        models = {*declaration.models, *(self._catalogue.canonical_model(name) for name in declaration.models)}
        return (
            words(row["provider"]) == declaration.provider
            and (not declaration.ids or row.name in declaration.ids)
            and (not declaration.scopes or words(row["scope"]) in declaration.scopes)
            and (not models or bool(models & {words(row["model"]), words(row["model_raw"])}))
        )

    def _everywhere(self, provider: str) -> tuple[str, ...] | None:
        regions = self._catalogue.regions
        own = regions[regions.provider.eq(provider) & regions.granularity.eq("region")]
        return tuple(sorted(set(own.country))) or None
