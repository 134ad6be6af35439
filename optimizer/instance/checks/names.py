"""Names that one part of an instance uses and another must define."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import replace

from optimizer.instance.base import Scope
from optimizer.instance.models import Instance
from optimizer.instance.place import Finding, Path
from optimizer.instance.workloads import Service
from optimizer.laws.codes import COUNTRIES
from optimizer.suggest import did_you_mean


def unknown(names: Iterable[str], known: Iterable[str], path: Path, what: str, each: bool = True) -> Iterator[Finding]:
    """Yield a finding for every name that is not known; `path` gets the list position if `each`.

    `known` is best a set or a mapping, which is not copied: this is asked for every workload.
    """
    choices = known if isinstance(known, Set | Mapping) else frozenset(known)
    for at, name in enumerate(names):
        if name not in choices:
            where = (*path, at) if each else path
            yield Finding(where, f"unknown {what} {name!r}", did_you_mean(name, choices), (name,), "unknown_name")


def scopes(instance: Instance) -> Iterator[tuple[Path, Scope]]:
    """Yield the path and value of every scope in the instance."""
    for at, budget in enumerate(instance.budgets):
        yield ("budgets", at, "scope"), budget.scope
    for at, policy in enumerate(instance.policies):
        yield ("policies", at, "scope"), policy.scope


def scope_names(instance: Instance) -> Iterator[Finding]:
    """Scopes name workloads, tags and periods that exist."""
    workloads = {workload.id for workload in instance.workloads}
    tags = {tag for workload in instance.workloads for tag in workload.tags}
    periods = {period.id for period in instance.horizon.resolved()}
    for path, scope in scopes(instance):
        yield from unknown(scope.workloads, workloads, (*path, "workloads"), "workload")
        yield from unknown(scope.tags, tags, (*path, "tags"), "tag")
        for finding in unknown(scope.periods, periods, (*path, "periods"), "period"):
            yield replace(finding, names=(*finding.names, "horizon"))


def scope_selects(instance: Instance) -> Iterator[Finding]:
    """A scope that names both workloads and tags selects at least one workload."""
    tags = {workload.id: set(workload.tags) for workload in instance.workloads}
    for path, scope in scopes(instance):
        known = [name for name in scope.workloads if name in tags]
        if known and scope.tags and not any(tags[name] & set(scope.tags) for name in known):
            what = f"selects nothing: none of the workloads named has a tag of {', '.join(scope.tags)}"
            yield Finding(path, what, names=scope.workloads)


def readers(instance: Instance) -> Iterator[Finding]:
    """Datasets are read by workloads that exist."""
    workloads = {workload.id for workload in instance.workloads}
    for at, dataset in enumerate(instance.datasets):
        for row, reader in enumerate(dataset.readers):
            path = ("datasets", at, "readers", row, "workload")
            yield from unknown((reader.workload,), workloads, path, "workload", each=False)


def exporters(instance: Instance) -> Iterator[Finding]:
    """An exporter is one that `legal_assertions` describes, or a country."""
    known = {exporter.id for exporter in instance.legal_assertions.exporters}
    named: list[tuple[Path, str | None]] = []
    named += [(("workloads", at, "data", "exporter"), item.data.exporter) for at, item in enumerate(instance.workloads)]
    named += [(("datasets", at, "exporter"), item.exporter) for at, item in enumerate(instance.datasets)]
    held = enumerate(instance.legal_assertions.mechanisms_held)
    named += [(("legal_assertions", "mechanisms_held", at, "exporter"), item.exporter) for at, item in held]
    for path, exporter in named:
        if exporter is not None and exporter not in known and exporter.split("-")[0] not in COUNTRIES:
            maybe = did_you_mean(exporter, known) or "describe it under legal_assertions.exporters, or name a country"
            yield Finding(path, f"unknown exporter {exporter!r}", maybe, (exporter,))


def origins(instance: Instance) -> Iterator[Finding]:
    """A stream comes from a country, a city (known to the catalogue: `references`), or a place the instance states."""
    own = instance.catalogue.inline
    links = {link.origin for link in own.network} if own is not None else set()
    named = links | {origin.id for origin in instance.origins}
    for at, workload in enumerate(instance.workloads):
        for row, stream in enumerate(workload.streams if isinstance(workload, Service) else ()):
            city = instance.catalogue.use != "inline" and ":" in stream.origin
            if stream.origin not in named and stream.origin not in COUNTRIES and not city:
                maybe = "name a country by its two letters" + (", or an origin of the inline network" if links else "")
                path = ("workloads", at, "streams", row, "origin")
                near = did_you_mean(stream.origin, named) if named else None
                what = f"unknown origin {stream.origin!r}"
                yield Finding(path, what, near or maybe, (stream.origin,), "unknown_name")


def own_origins(instance: Instance) -> Iterator[Finding]:
    """An origin of the instance's own does not take the name of a country or city, and has a position if one asks."""
    named = {origin.id: origin for origin in instance.origins}
    for at, origin in enumerate(instance.origins):
        path: Path = ("origins", at)
        if origin.id.partition(":")[0] in COUNTRIES:
            yield Finding((*path, "id"), f"{origin.id!r} is the name of a country or city", "choose another id")
        if origin.lat is not None and instance.catalogue.use == "inline":
            what = "has no effect on an inline catalogue"
            yield Finding((*path, "lat"), what, "state rtt_ms in catalogue.inline.network")
    if instance.catalogue.use == "inline":
        return
    for at, workload in enumerate(instance.workloads):
        for row, stream in enumerate(workload.streams if isinstance(workload, Service) else ()):
            place = named.get(stream.origin)
            if place is not None and place.lat is None and stream.max_rtt_ms is not None:
                what = f"asks for the round trip from {stream.origin!r}, which has no position"
                yield Finding(("workloads", at, "streams", row, "max_rtt_ms"), what, "state its lat and lon")


def inline_regions(instance: Instance) -> Iterator[Finding]:
    """Offers, endpoints and network links of the instance's own catalogue lie in regions it defines.

    Only where the catalogue is wholly inline; otherwise the regions of the bundled one count too (`references`).
    """
    own = instance.catalogue.inline
    if own is None or instance.catalogue.use != "inline":
        return
    known = {region.id for region in own.regions}
    path: Path = ("catalogue", "inline")
    for at, offer in enumerate(own.offers):
        yield from unknown((offer.region,), known, (*path, "offers", at, "region"), "region", each=False)
    for at, endpoint in enumerate(own.endpoints):
        yield from unknown((endpoint.region,), known, (*path, "endpoints", at, "region"), "region", each=False)
    for at, link in enumerate(own.network):
        if link.region not in known:
            yield from unknown((link.region,), known, (*path, "network", at, "region"), "region", each=False)


def inline_throughput(instance: Instance) -> Iterator[Finding]:
    """Throughput rows speak of workloads that exist."""
    own = instance.catalogue.inline
    workloads = {workload.id for workload in instance.workloads}
    for at, row in enumerate(own.throughput if own is not None else ()):
        path = ("catalogue", "inline", "throughput", at, "workload")
        yield from unknown((row.workload,), workloads, path, "workload", each=False)


def network_origins(instance: Instance) -> Iterator[Finding]:
    """A network link starts where a stream comes from, in a country, or in a region."""
    own = instance.catalogue.inline
    if own is None or instance.catalogue.use != "inline":
        return
    known = {region.id for region in own.regions}
    known |= {s.origin for w in instance.workloads if isinstance(w, Service) for s in w.streams}
    known |= {origin.id for origin in instance.origins}
    for at, link in enumerate(own.network):
        if link.origin not in known and link.origin not in COUNTRIES:
            path = ("catalogue", "inline", "network", at, "origin")
            yield from unknown((link.origin,), known, path, "origin", each=False)


CHECKS: tuple[Callable[[Instance], Iterable[Finding]], ...] = (
    scope_names,
    scope_selects,
    readers,
    exporters,
    origins,
    own_origins,
    inline_regions,
    inline_throughput,
    network_origins,
)
