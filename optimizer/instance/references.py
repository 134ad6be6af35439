"""Names that only the catalogue or the law pack can know: providers, regions, models, laws, groups, categories."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.catalogue.provider_sets import SETS
from optimizer.errors import Issue
from optimizer.instance.checks.names import scopes, unknown
from optimizer.instance.endpoint_references import endpoint_resources
from optimizer.instance.models import Instance
from optimizer.instance.place import Finding, Path, to_issues
from optimizer.instance.rules import AllowedPlaces, CountryShare, ProviderShare, RequireCertification
from optimizer.instance.workloads import Service, Workload
from optimizer.instance.world import CAUTIOUS_FALLBACKS
from optimizer.laws.codes import COUNTRIES, check_place
from optimizer.laws.operators import STATUSES
from optimizer.suggest import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.catalogue import Catalogue
    from optimizer.laws import LawPack

CPU = "cpu"
"""The accelerator name of SKUs that have none."""


def check_references(instance: Instance, catalogue: Catalogue | None, laws: LawPack | None) -> list[Issue]:
    """Return an issue for every name that neither the catalogue nor the law pack knows.

    `catalogue` is None where the instance brings its own inline; `laws` is None where no law is checked: names that
    only laws use are then not judged, except country groups and certification schemes, which policies use too.
    """
    findings = find_unknown(instance, catalogue, laws)
    return to_issues(findings, None, instance.model_dump(mode="json")) if findings else []


def find_unknown(instance: Instance, catalogue: Catalogue | None, laws: LawPack | None) -> list[Finding]:
    """Return the same as findings with their paths."""
    findings: list[Finding] = []
    if catalogue is not None or instance.catalogue.inline is not None:
        findings += _in_catalogue(instance, _known(instance, catalogue))
    if catalogue is not None:
        findings += _bundled_only(instance, catalogue)
    findings += _places(instance, laws)
    findings += _certifications(instance, laws)
    if laws is not None:
        findings += _in_laws(instance, laws)
    return findings


@dataclass(frozen=True)
class _Known:
    """Names the catalogue defines, bundled and inline together."""

    providers: frozenset[str]
    regions: frozenset[str]
    accelerators: frozenset[str]
    software: frozenset[str]
    models: frozenset[str]
    measured: frozenset[str]
    endpoints: frozenset[str]
    scopes: frozenset[str]
    skus: frozenset[tuple[str, str]]
    machines: Callable[[], frozenset[str]]

    def is_offer(self, name: str) -> bool:
        """Return True for the id of an offer, and of an endpoint with a region ahead that may be its own."""
        if name in self.endpoints or name in self.machines():
            return True
        return any(name.startswith(f"{r}:") and name[len(r) + 1 :] in self.endpoints for r in self.regions)


def _known(instance: Instance, catalogue: Catalogue | None) -> _Known:
    if catalogue is None:
        return _known_inline(instance)
    aliases = catalogue.model_aliases
    endpoint_models = _named(catalogue.endpoints["model"]) | _named(catalogue.endpoints["model_raw"])
    measured = _named(catalogue.throughput["model"]) | _named(catalogue.architectures["model"])
    return _Known(
        providers=_named(catalogue.providers.index),
        regions=_named(catalogue.regions.index),
        accelerators=_named(catalogue.accelerators.index),
        software=_named(catalogue.accelerators["software"]),
        models=frozenset(endpoint_models | {name for name, model in aliases.items() if model in endpoint_models}),
        measured=frozenset(measured | {name for name, model in aliases.items() if model in measured}),
        endpoints=_named(catalogue.endpoints.index),
        scopes=_named(catalogue.endpoints["scope"]) | {"global", "region", "countries"},
        skus=frozenset(catalogue.skus.index.tolist()),
        machines=lambda: _named(catalogue.offers.index),
    )


def _named(column: pd.Series | pd.Index) -> frozenset[str]:
    """Return what a column names; each name is made a Python object once, not once per row."""
    return frozenset(column.unique().tolist())


def _known_inline(instance: Instance) -> _Known:
    own = instance.catalogue.inline
    assert own is not None
    provider_of = {region.id: region.provider for region in own.regions}
    return _Known(
        providers=frozenset({item.id for item in own.providers} | set(provider_of.values())),
        regions=frozenset(provider_of),
        accelerators=frozenset(offer.accelerator for offer in own.offers),
        software=frozenset(offer.software.lower() for offer in own.offers if offer.software),
        models=frozenset(item.model for item in own.endpoints),
        measured=frozenset(item.model for item in own.endpoints),
        endpoints=frozenset(item.id for item in own.endpoints),
        scopes=frozenset(("region", "countries")),
        skus=frozenset((provider_of.get(offer.region, ""), offer.sku) for offer in own.offers),
        machines=lambda: frozenset(f"{offer.region}:{offer.sku}:{offer.purchase}" for offer in own.offers),
    )


def _one(name: str | None, known: Iterable[str], path: Path, what: str) -> Iterator[Finding]:
    if name is not None:
        yield from unknown((name,), known, path, what, each=False)


def _in_catalogue(instance: Instance, known: _Known) -> Iterator[Finding]:
    yield from _workloads(instance, known)
    yield from _datasets(instance, known)
    for path, scope in scopes(instance):
        yield from unknown(scope.providers, known.providers, (*path, "providers"), "provider")
        yield from unknown(scope.regions, known.regions, (*path, "regions"), "region")
    for at, policy in enumerate(instance.policies):
        if isinstance(policy, ProviderShare):
            yield from unknown(policy.providers, known.providers, ("policies", at, "providers"), "provider")
    yield from _quotas(instance, known)
    yield from _commitments(instance, known)
    yield from _to_buy(instance, known)
    yield from _today(instance, known)
    for at, discount in enumerate(instance.discounts):
        yield from _one(discount.provider, known.providers, ("discounts", at, "provider"), "provider")
    sets = frozenset(SETS) if instance.catalogue.inline is None else frozenset[str]()
    yield from unknown(instance.catalogue.providers, known.providers | sets, ("catalogue", "providers"), "provider")
    excluded = instance.catalogue.exclude_providers
    yield from unknown(excluded, known.providers, ("catalogue", "exclude_providers"), "provider")
    for field in ("regions", "exclude_regions"):
        yield from unknown(getattr(instance.catalogue, field), known.regions, ("catalogue", field), "region")
    for at, name in enumerate(instance.catalogue.exclude_offers):
        if not known.is_offer(name):
            maybe = did_you_mean(name, known.machines() | known.endpoints)
            path = ("catalogue", "exclude_offers", at)
            yield Finding(path, f"unknown offer {name!r}", maybe, (name,), "unknown_name")
    for name in set(instance.catalogue.fixed_usd_per_hour) - {"*"}:
        yield from _one(name, known.regions, ("catalogue", "fixed_usd_per_hour", name), "region")
    yield from _asserted(instance, known)


def _workloads(instance: Instance, known: _Known) -> Iterator[Finding]:
    """Ask about what workloads name; of thousands that name the same, and nothing unknown, once."""
    devices = known.accelerators | {CPU}
    own = instance.catalogue.inline
    tabled = {row.workload for row in own.throughput} if own is not None else set()
    sound: set[tuple[object, ...]] = set()
    for at, workload in enumerate(instance.workloads):
        runs = workload.runs
        named = (
            workload.providers, workload.regions, runs.model, runs.via,
            None if runs.throughput is None else tuple(runs.throughput), runs.accelerators, runs.software,
            runs.endpoint_models, runs.endpoint_scopes, workload.id in tabled,
        )  # fmt: skip
        if named not in sound:
            found = list(_workload(("workloads", at), workload, known, devices, tabled))
            if not found:
                sound.add(named)
            yield from found


def _workload(
    path: Path, workload: Workload, known: _Known, devices: frozenset[str], tabled: Container[str]
) -> Iterator[Finding]:
    runs = workload.runs
    yield from unknown(workload.providers, known.providers, (*path, "providers"), "provider")
    yield from unknown(workload.regions, known.regions, (*path, "regions"), "region")
    if runs.model is not None:
        # Explicit throughput makes an unmeasured model usable on instances.
        explicit = runs.throughput is not None or workload.id in tabled
        models = known.models | known.measured
        if "instance" in runs.via and "endpoint" not in runs.via:
            models = known.measured
        if not explicit:
            yield from _one(runs.model, models, (*path, "runs", "model"), "model")
    for name in runs.throughput or ():
        yield from _one(name, devices, (*path, "runs", "throughput", name), "accelerator")
    yield from unknown(runs.accelerators, devices, (*path, "runs", "accelerators"), "accelerator")
    if known.software:
        yield from unknown(runs.software, known.software, (*path, "runs", "software"), "software stack")
    yield from unknown(runs.endpoint_models, known.models, (*path, "runs", "endpoint_models"), "endpoint model")
    yield from unknown(runs.endpoint_scopes, known.scopes, (*path, "runs", "endpoint_scopes"), "endpoint scope")


def _datasets(instance: Instance, known: _Known) -> Iterator[Finding]:
    for at, dataset in enumerate(instance.datasets):
        yield from unknown(dataset.regions, known.regions, ("datasets", at, "regions"), "region")
        yield from unknown(dataset.present_in, known.regions, ("datasets", at, "present_in"), "region")


def _quotas(instance: Instance, known: _Known) -> Iterator[Finding]:
    for at, quota in enumerate(instance.quotas.limits):
        path: Path = ("quotas", "limits", at)
        yield from _one(quota.accelerator, known.accelerators | {CPU}, (*path, "accelerator"), "accelerator")
        yield from _one(quota.region, known.regions, (*path, "region"), "region")
        yield from _one(quota.provider, known.providers, (*path, "provider"), "provider")
        yield from _one(quota.model, known.models, (*path, "model"), "endpoint model")
        yield from _one(quota.endpoint, known.endpoints, (*path, "endpoint"), "endpoint")


def _commitments(instance: Instance, known: _Known) -> Iterator[Finding]:
    for at, commitment in enumerate(instance.commitments):
        yield from _sku_in_region(commitment.sku, commitment.region, known, ("commitments", at))


def _sku_in_region(sku: str, region: str, known: _Known, path: Path) -> Iterator[Finding]:
    wrong = list(_one(region, known.regions, (*path, "region"), "region"))
    yield from wrong
    if not wrong:
        yield from _one(sku, _skus_of(region.split(":", maxsplit=1)[0], known), (*path, "sku"), "SKU")


def _skus_of(provider: str, known: _Known) -> set[str]:
    """Return the SKUs of a provider; in a catalogue that has no such owner, all."""
    skus = {sku for owner, sku in known.skus if owner in (provider, "inline", "")}
    return skus or {sku for _, sku in known.skus}


def _to_buy(instance: Instance, known: _Known) -> Iterator[Finding]:
    """What may be bought names SKUs, regions and providers of the catalogue."""
    buy = instance.buy
    if buy is None:
        return
    for at, one in enumerate(buy.instances):
        yield from _sku_in_region(one.sku, one.region, known, ("buy", "instances", at))
    for at, plan in enumerate(buy.plans):
        path: Path = ("buy", "plans", at)
        wrong = list(_one(plan.provider, known.providers, (*path, "provider"), "provider"))
        yield from wrong
        for row, rate in enumerate(() if wrong else plan.rates):
            yield from _one(rate.region, known.regions, (*path, "rates", row, "region"), "region")
            yield from _one(rate.sku, _skus_of(plan.provider, known), (*path, "rates", row, "sku"), "SKU")
    if buy.listed is not None:
        yield from unknown(buy.listed.providers, known.providers, ("buy", "listed", "providers"), "provider")
        yield from unknown(buy.listed.regions, known.regions, ("buy", "listed", "regions"), "region")


def _today(instance: Instance, known: _Known) -> Iterator[Finding]:
    """What runs today, and copies of today, lie in regions of the catalogue, each unknown one told once."""
    current, own = instance.current, instance.catalogue.inline
    if current is None:
        return
    regions = known.regions | {f"{region.provider}:{region.id}" for region in (own.regions if own is not None else ())}
    seen: set[str] = set()
    for field in ("placements", "copies"):
        for at, row in enumerate(getattr(current, field)):
            if row.region not in seen:
                seen.add(row.region)
                yield from _one(row.region, regions, ("current", field, at, "region"), "region")


TENANT_FACTS = frozenset({"seat", "end_use"})
"""What rules on capacity may ask of a tenant, as actions name it."""


def _asserted(instance: Instance, known: _Known) -> Iterator[Finding]:
    stated = instance.legal_assertions
    path: Path = ("legal_assertions",)
    for name, lists in stated.importer_status.items():
        yield from _one(name, known.providers, (*path, "importer_status", name), "provider")
        yield from unknown(lists, STATUSES, (*path, "importer_status", name), "importer status")
    for at, held in enumerate(stated.mechanisms_held):
        yield from _one(held.importer, known.providers, (*path, "mechanisms_held", at, "importer"), "provider")
    for at, override in enumerate(stated.overrides):
        yield from unknown(override.providers, known.providers, (*path, "overrides", at, "providers"), "provider")
    for at, accepted in enumerate(stated.accepts):
        kind, _, subject = accepted.rule.partition(":")
        if kind in ("access", "certificate", "seal"):
            yield from _one(subject.partition("/")[0], known.providers, (*path, "accepts", at, "rule"), "provider")
        elif kind == "chip":
            yield from _one(subject, known.accelerators, (*path, "accepts", at, "rule"), "accelerator")
        elif kind == "tenant":
            yield from _one(subject, TENANT_FACTS, (*path, "accepts", at, "rule"), "fact of a tenant")
        elif kind == "coverage" and subject != "EU" and (issue := check_place(subject, "rule")):
            yield Finding((*path, "accepts", at, "rule"), issue.what, issue.maybe, code=issue.code)


def _bundled_only(instance: Instance, catalogue: Catalogue) -> Iterator[Finding]:
    use = instance.catalogue
    path: Path = ("catalogue",)
    if use.fallbacks:
        families = {*catalogue.fallbacks["kind"], *CAUTIOUS_FALLBACKS}
        yield from unknown(use.fallbacks, families, (*path, "fallbacks"), "fallback family")
    profiles = set(catalogue.throughput["profile_id"])
    for at, workload in enumerate(instance.workloads):
        yield from _one(workload.runs.profile, profiles, ("workloads", at, "runs", "profile"), "throughput profile")
    yield from endpoint_resources(instance, catalogue)
    yield from _cities(instance, catalogue)


def _cities(instance: Instance, catalogue: Catalogue) -> Iterator[Finding]:
    """A stream's origin is a country or city whose position the catalogue has, unless the instance states it.

    Of a country only a limit on the round trip asks.
    """
    stated = {origin.id for origin in instance.origins}
    for at, workload in enumerate(instance.workloads):
        for row, stream in enumerate(workload.streams if isinstance(workload, Service) else ()):
            place = stream.origin
            if place in stated or place in catalogue.user_places:
                continue
            if ":" in place or stream.max_rtt_ms is not None:
                near = did_you_mean(place, catalogue.user_places) if ":" in place else None
                path = ("workloads", at, "streams", row, "origin")
                maybe = near or "describe the place under origins: id, country, lat, lon"
                yield Finding(path, f"unknown origin {stream.origin!r}", maybe, (stream.origin,), "unknown_name")


def _places(instance: Instance, laws: LawPack | None) -> Iterator[Finding]:
    groups = _Groups(laws)
    for path, scope in scopes(instance):
        yield from groups.unknown(scope.country_groups, (*path, "country_groups"), "country group")
    for at, policy in enumerate(instance.policies):
        here: Path = ("policies", at)
        if isinstance(policy, CountryShare):
            yield from groups.unknown(policy.country_groups, (*here, "country_groups"), "country group")
        if isinstance(policy, AllowedPlaces):
            for field in ("allow", "deny"):
                yield from groups.unknown(getattr(policy, field), (*here, field), "country or country group")


class _Groups:
    """Country groups keep their meaning where no law is checked: they are then the bundled pack's, read when needed."""

    def __init__(self, laws: LawPack | None) -> None:
        self._laws = laws

    def unknown(self, names: Iterable[str], path: Path, what: str) -> Iterator[Finding]:
        """Yield a finding for every name that is neither a group nor a country."""
        codes = {name for name in names if name.split("-")[0] in COUNTRIES and what != "country group"}
        if set(names) - codes:
            self._laws = self._laws or _bundled_pack()
            yield from unknown(names, codes | set(self._laws.groups.ids), path, what)


def _bundled_pack() -> LawPack:
    from optimizer.laws import load_laws

    return load_laws()


def _certifications(instance: Instance, laws: LawPack | None) -> Iterator[Finding]:
    """A policy's schemes are those that the law pack knows (held or not) and those that inline providers declare."""
    own = instance.catalogue.inline
    declared = {scheme for item in own.providers for scheme in item.certifications} if own is not None else set()
    for at, policy in enumerate(instance.policies):
        if isinstance(policy, RequireCertification) and set(policy.schemes) - declared:
            laws = laws or _bundled_pack()
            known = declared | laws.operators.schemes
            yield from unknown(policy.schemes, known, ("policies", at, "schemes"), "certification scheme")


def _in_laws(instance: Instance, laws: LawPack) -> Iterator[Finding]:
    for provider, choice in instance.legal_assertions.support.items():
        choices = [one.choice for one in laws.operators.support.get(provider, ()) if one.choice]
        path: Path = ("legal_assertions", "support", provider)
        if not choices:
            yield Finding(path, f"the law pack has no terms of support of {provider} to choose from")
        yield from unknown((choice,) if choices else (), choices, path, "terms of support")
    yield from _words(instance, laws)
    yield from _mechanisms(instance, laws)


def _words(instance: Instance, laws: LawPack) -> Iterator[Finding]:
    """Categories, roles, sectors and flags trigger laws: a typo would switch a law off."""
    words = laws.vocabulary
    for at, workload in enumerate(instance.workloads):
        path: Path = ("workloads", at, "data")
        yield from unknown(workload.data.categories, words.categories, (*path, "categories"), "data category")
        yield from unknown(workload.data.sectors, words.sectors, (*path, "sectors"), "sector")
        yield from unknown(workload.data.flags, words.flags, (*path, "flags"), "flag")
    for at, dataset in enumerate(instance.datasets):
        path = ("datasets", at)
        yield from unknown(dataset.categories, words.categories, (*path, "categories"), "data category")
        yield from unknown(dataset.sectors, words.sectors, (*path, "sectors"), "sector")
        yield from unknown(dataset.flags, words.flags, (*path, "flags"), "flag")
    for at, exporter in enumerate(instance.legal_assertions.exporters):
        path = ("legal_assertions", "exporters", at)
        yield from unknown(exporter.roles, words.roles, (*path, "roles"), "role")
        yield from unknown(exporter.sectors, words.sectors, (*path, "sectors"), "sector")
        yield from unknown(exporter.flags, words.flags, (*path, "flags"), "flag")


def _mechanisms(instance: Instance, laws: LawPack) -> Iterator[Finding]:
    stated = instance.legal_assertions
    path: Path = ("legal_assertions",)
    for at, cost in enumerate(instance.mechanism_costs):
        yield from _one(cost.id, laws.mechanisms, ("mechanism_costs", at, "id"), "mechanism")
    for at, held in enumerate(stated.mechanisms_held):
        yield from _one(held.id, laws.mechanisms, (*path, "mechanisms_held", at, "id"), "mechanism")
    for at, approval in enumerate(stated.approvals):
        yield from _one(approval.law, laws.laws, (*path, "approvals", at, "law"), "law")
        yield from _one(approval.mechanism, laws.mechanisms, (*path, "approvals", at, "mechanism"), "mechanism")
    for at, override in enumerate(stated.overrides):
        yield from _one(override.law, laws.laws, (*path, "overrides", at, "law"), "law")
