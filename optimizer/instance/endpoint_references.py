"""What `catalogue.endpoint_resources` declares must fit the catalogue: names, scopes, and nothing said twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.instance.checks.names import unknown
from optimizer.instance.models import Instance
from optimizer.instance.place import Finding, Path
from optimizer.instance.world import EndpointResource

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.catalogue import Catalogue


def endpoint_resources(instance: Instance, catalogue: Catalogue) -> Iterator[Finding]:
    """Yield a finding for every declaration that names something unknown, fills in nothing, or says it twice."""
    said: dict[str, dict[str, int]] = {"regions": {}, "processing": {}}
    for at, declaration in enumerate(instance.catalogue.endpoint_resources):
        path: Path = ("catalogue", "endpoint_resources", at)
        wrong = list(_names(declaration, catalogue, path))
        yield from wrong
        if not wrong:
            yield from _fit(declaration, catalogue, path, said)


def _names(declaration: EndpointResource, catalogue: Catalogue, path: Path) -> Iterator[Finding]:
    table = catalogue.endpoints
    if declaration.provider not in catalogue.providers.index:
        known = catalogue.providers.index
        yield from unknown((declaration.provider,), known, (*path, "provider"), "provider", each=False)
        return
    own = table[table.provider.eq(declaration.provider)]
    if own.empty:
        sellers = ", ".join(sorted(set(table.provider)))
        yield Finding((*path, "provider"), f"{declaration.provider} has no managed endpoints", f"these have: {sellers}")
        return
    regions = catalogue.regions.index[catalogue.regions.provider.eq(declaration.provider)]
    models = set(own.model) | set(own.model_raw)
    models |= {alias for alias, model in catalogue.model_aliases.items() if model in models}
    where = f"of {declaration.provider}"
    yield from unknown(declaration.regions, regions, (*path, "regions"), f"region {where}")
    yield from unknown(declaration.ids, own.index, (*path, "ids"), f"endpoint {where}")
    yield from unknown(declaration.models, models, (*path, "models"), f"endpoint model {where}")
    yield from unknown(declaration.scopes, set(own.scope), (*path, "scopes"), f"endpoint scope {where}")


def _fit(
    declaration: EndpointResource, catalogue: Catalogue, path: Path, said: dict[str, dict[str, int]]
) -> Iterator[Finding]:
    """`said` is, for each field, which declaration spoke of which endpoint; this one is added."""
    from optimizer.catalogue.residency import lacking, selected_endpoints

    table = catalogue.endpoints
    mask = selected_endpoints(catalogue, declaration.provider, declaration.ids, declaration.models, declaration.scopes)
    if not mask.any():
        yield Finding(path, "no endpoint has all of its ids, models and scopes")
        return
    no_region, no_scope = lacking(table)
    for field, lacks in (("regions", no_region), ("processing", no_scope)):
        if not getattr(declaration, field):
            continue
        rows = table[mask & lacks]
        if rows.empty:
            what = "has no effect: the catalogue states it for every endpoint this speaks of"
            yield Finding((*path, field), what, "the overlay replaces what the catalogue states")
        before = said[field]
        for other in sorted({before[name] for name in rows.index if name in before}):
            example = next(name for name in rows.index if before.get(name) == other)
            what = f"endpoint_resources[{other}] speaks of the same endpoints, such as {example}"
            yield Finding((*path, field), what, "narrow one of them by ids, models or scopes")
        before.update(dict.fromkeys(rows.index, int(path[-1])))
    if declaration.regions:
        yield from _outside(declaration, table[mask & no_region], catalogue, (*path, "regions"))


def _outside(declaration: EndpointResource, rows: pd.DataFrame, catalogue: Catalogue, path: Path) -> Iterator[Finding]:
    """A declared region lies in the scope of at least one of the endpoints; an unknown scope may hold any."""
    own = declaration.processing
    scopes: set[frozenset[str] | None] = set()
    for countries in rows.scope_countries:
        known = countries if isinstance(countries, frozenset) else None
        scopes.add(frozenset(own) if known is None and isinstance(own, tuple) else known)
    if None in scopes or not scopes:
        return
    reach = frozenset().union(*(scope for scope in scopes if scope is not None))
    for k, region in enumerate(declaration.regions):
        country = str(catalogue.regions.country[region])
        if country not in reach:
            what = f"{region} lies in {country}, outside the scope of every endpoint this speaks of"
            yield Finding((*path, k), what, f"their scopes cover {', '.join(sorted(reach))}")
