"""Data profiles: what the law needs to know of every stream, job and dataset, and of the organisation behind them.

A stream's persons live where the stream comes from unless the instance says otherwise; an exporter is one of
`legal_assertions` or, unnamed there, simply somebody established in the country given. A reader of a dataset handles
that dataset's data as well, so it carries a list of profiles and must be lawful for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from optimizer.errors import InputError, Issue
from optimizer.instance.identity import stream_ids
from optimizer.instance.models import Instance
from optimizer.instance.rules import Exporter, StatedParty
from optimizer.instance.workloads import Data, Dataset, Service, Stream, WorkloadBase
from optimizer.laws.codes import COUNTRIES
from optimizer.laws.types import Acceptance, Count, DataProfile, LegalContext, Override, Party, ProviderFacts, Tenant

if TYPE_CHECKING:
    from optimizer.compile.volumes import Persons
    from optimizer.compile.world import World

ByBasis = tuple[tuple[str, frozenset[str]], ...]
"""Places of persons by why they count there."""
UNSTATED = frozenset({"non_personal"})
"""Categories of data about which nothing was said: judged as data about nobody, and said so in the warnings."""


@dataclass(frozen=True)
class Activity:
    """A stream of a service (`stream`: its position among all streams) or a job (`stream` None), as the law sees it.

    `profiles`: its own, then those of every dataset the workload reads. `tenant`: who uses the capacity. `stream_id` as
    in plans.
    """

    workload: int
    stream: int | None
    workload_id: str
    stream_id: str | None
    profiles: tuple[DataProfile, ...]
    tenant: Tenant
    retained_gb: float | None

    @property
    def retains(self) -> bool:
        """True if anything is kept, so that storage must be lawful as well as processing."""
        return bool(self.profiles[0].retention_hours)

    @property
    def where(self) -> str:
        """The place in the instance, for messages."""
        inner = f".streams[{self.stream_id}]" if self.stream_id is not None else ""
        return f"workloads[id={self.workload_id}]{inner}"


def country_of(origin: str, own: Mapping[str, str] | None = None) -> str | None:
    """Return the country of a stream's origin: `DE`, `US-CA`, `DE:Berlin` or one of `own`; None if it is no place."""
    if own and origin in own:
        return own[origin]
    place = origin.partition(":")[0]
    return place if place.partition("-")[0] in COUNTRIES else None


def _exporters(instance: Instance) -> dict[str, Exporter]:
    return {exporter.id: exporter for exporter in instance.legal_assertions.exporters}


def _exporter(known: Mapping[str, Exporter], name: str | None) -> Exporter | None:
    if name is None:
        return None
    if name not in known and country_of(name) != name:
        maybe = "name one of legal_assertions.exporters, or a country"
        raise InputError(Issue(f"exporter {name!r} is not known", where="data.exporter", maybe=maybe))
    return known.get(name) or Exporter(id=name, country=name)


def _profile(
    data: Data | Dataset,
    subjects: frozenset[str],
    exporter: Exporter | None,
    retention_hours: float | None,
    *,
    state: Iterable[str] | None = None,
    by_basis: ByBasis | None = None,
) -> DataProfile:
    stated = bool(data.subjects or data.persons or data.subjects_by)
    categories = frozenset(data.categories) or (frozenset({"personal"}) if stated else UNSTATED)
    return DataProfile(
        categories=categories,
        subjects=subjects,
        counts=tuple(Count(c.what, c.of, c.count, c.window or "") for c in exporter.counts) if exporter else (),
        exporter=exporter.id if exporter else "",
        exporter_country=exporter.country if exporter else "",
        exporter_hq=exporter.headquarters if exporter else None,
        exporter_roles=frozenset(exporter.roles if exporter else ()),
        sectors=frozenset(data.sectors) | frozenset(exporter.sectors if exporter else ()),
        flags=frozenset(data.flags) | frozenset(exporter.flags if exporter else ()),
        retention_hours=retention_hours,
        state=frozenset(data.state if state is None else state),
        by_basis=by_basis if by_basis is not None else _persons(data)[1],
        via=data.via,
        onward=data.onward,
    )


def _persons(stated: Data | Dataset | Stream) -> tuple[frozenset[str] | None, ByBasis]:
    """Return where persons are as somebody states it, None if not at all; and where by why they count there."""
    by_basis = tuple(sorted((basis, frozenset(places)) for basis, places in stated.subjects_by.items()))
    if stated.subjects is None and not by_basis:
        return None, ()
    return frozenset(stated.subjects or ()).union(*(places for _, places in by_basis)), by_basis


def tenant_of(instance: Instance, workload: WorkloadBase | None = None) -> Tenant:
    """Return who uses the capacity of a workload, or keeps the instance's datasets (None).

    Its name and seats belong together, so that those of one party replace those of another; end uses and customers are
    each workload's own.
    """
    stated, own = instance.tenant, workload.tenant if workload is not None else instance.tenant
    party = own if own.headquarters or own.parent or own.name else stated
    uses, customers = frozenset(own.end_use or stated.end_use), own.customers or stated.customers
    return Tenant(party.headquarters, party.parent, uses, party.name, customers)


def dataset_profiles(instance: Instance) -> tuple[DataProfile, ...]:
    """Return the profile of every dataset at rest, in order; kept without end (`retention_hours` None)."""
    profiles, exporters = [], _exporters(instance)
    for dataset in instance.datasets:
        stated, _ = _persons(dataset)
        subjects = frozenset(dataset.persons) if stated is None else stated
        profiles.append(_profile(dataset, subjects, _exporter(exporters, dataset.exporter), None))
    return tuple(profiles)


def activities(instance: Instance) -> tuple[Activity, ...]:
    """Return every stream and every job of the instance in order, each with all the profiles it must be lawful for.

    Raises:
        InputError: the persons behind a stream are not stated and its origin is no country.
    """
    issues: list[Issue] = []
    at_rest = dataset_profiles(instance)
    reads: dict[str, list[DataProfile]] = {}
    for dataset, profile in zip(instance.datasets, at_rest, strict=True):
        for reader in dataset.readers:
            reads.setdefault(reader.workload, []).append(profile)
    places = {origin.id: origin.country for origin in instance.origins}
    exporters = _exporters(instance)
    known: dict[tuple[object, ...], DataProfile] = {}
    found: list[Activity] = []
    count = 0
    for w, workload in enumerate(instance.workloads):
        data = workload.data
        exporter = _exporter(exporters, data.exporter)
        read = tuple(replace(p, retention_hours=data.retention_hours) for p in reads.get(workload.id, ()))
        tenant = tenant_of(instance, workload)
        units: list[tuple[int | None, str | None, frozenset[str], tuple[str, ...], ByBasis]] = []
        persons, by_basis = _persons(data)
        if isinstance(workload, Service):
            for label, stream in zip(stream_ids(workload), workload.streams, strict=True):
                stated, by = _persons(stream)
                stated, by = (persons, by_basis) if stated is None else (stated, by)
                place = country_of(stream.origin, places)
                if stated is None and place is None and data.categories and set(data.categories) != UNSTATED:
                    issues.append(Issue(
                        f"origin {stream.origin!r} is no country, and whose data it is is not stated",
                        where=f"workloads[id={workload.id}].streams[{label}]", maybe="state subjects",
                    ))  # fmt: skip
                subjects = frozenset(stated if stated is not None else (place,) if place else ())
                units.append((count, label, subjects, data.state if stream.state is None else stream.state, by))
                count += 1
        else:
            units.append((None, None, frozenset(data.persons) if persons is None else persons, data.state, by_basis))
        for number, name, subjects, state, by in units:
            told = bool(data.subjects or data.persons or data.subjects_by)
            key = (data.categories, told, data.sectors, data.flags, data.exporter, data.retention_hours, subjects,
                   state, by, data.via, data.onward)  # fmt: skip
            own = known.get(key)
            if own is None:
                own = known[key] = _profile(data, subjects, exporter, data.retention_hours, state=state, by_basis=by)
            profiles = tuple(dict.fromkeys((own, *read)))
            found.append(Activity(w, number, workload.id, name, profiles, tenant, data.retained_gb))
    if issues:
        raise InputError(issues)
    return tuple(found)


def check_profiles(world: World, found: Iterable[Activity], at_rest: Iterable[DataProfile]) -> None:
    """Check every profile against the law pack's vocabulary.

    Raises:
        InputError: unknown categories, roles, sectors, flags or places, all together.
    """
    if world.laws is None:
        return
    seen: set[DataProfile] = set()
    issues: list[Issue] = []
    pairs = [(f"datasets[id={d.id}]", p) for d, p in zip(world.instance.datasets, at_rest, strict=True)]
    pairs += [(activity.where, profile) for activity in found for profile in activity.profiles]
    for where, profile in pairs:
        if profile in seen:
            continue
        seen.add(profile)
        try:
            world.laws.vocabulary.check(profile)
        except InputError as error:
            issues += [replace(issue, where=f"{where}: {issue.where}") for issue in error.issues]
    tenants = {f"workloads[id={a.workload_id}].tenant": a.tenant for a in found}
    for where, tenant in {"tenant": tenant_of(world.instance), **tenants}.items():
        try:
            world.laws.vocabulary.check_tenant(tenant)
        except InputError as error:
            issues += [replace(issue, where=where) for issue in error.issues]
    if issues:
        raise InputError(dict.fromkeys(issues))


def unstated_warnings(found: Iterable[Activity]) -> tuple[str, ...]:
    """Return a warning that names the workloads whose data category nobody stated."""
    names = sorted({a.workload_id for a in found if a.profiles[0].categories == UNSTATED and not a.profiles[0].flags})
    if not names:
        return ()
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return (f"data of {shown} counts as non-personal: no other category is stated",)


def scheme_warnings(world: World) -> tuple[str, ...]:
    """Return a warning per certificate of an inline provider whose name is near one that laws know, and is not it.

    Schemes of one's own are welcome, policies may ask for them; a slip would only leave a law's own scheme unheld.
    """
    inline, pack = world.instance.catalogue.inline, world.laws
    if inline is None or pack is None:
        return ()
    known = sorted(pack.operators.schemes)
    holders: dict[str, list[str]] = {}
    for provider in inline.providers:
        for scheme in provider.certifications:
            if scheme not in pack.operators.schemes:
                holders.setdefault(scheme, []).append(provider.id)
    found = []
    for scheme, providers in holders.items():
        words = set(scheme.lower().split())
        near = get_close_matches(scheme, known, cutoff=0.75) or [k for k in known if words <= set(k.lower().split())]
        if near:
            found.append(f"no law asks for {scheme!r}, declared by {', '.join(providers)}; laws know {', '.join(near)}")
    return tuple(found)


def idle_warnings(instance: Instance) -> tuple[str, ...]:
    """Return a warning that names what the instance states for laws alone, for where no law is checked."""
    stated = instance.legal_assertions
    fields = ("group_members", "mechanisms_held", "importer_status", "approvals", "overrides")
    idle = [f"{name} ({len(getattr(stated, name))})" for name in fields if getattr(stated, name)]
    if stated.advisory:
        idle.append("advisory")
    if idle:
        idle[0] = f"legal_assertions.{idle[0]}"
    if instance.mechanism_costs:
        idle.insert(0, f"mechanism_costs ({len(instance.mechanism_costs)})")
    return (f"laws.use is none, so that these have no effect: {', '.join(idle)}",) if idle else ()


def _headquarters_test(world: World, control: frozenset[str], known: bool) -> str:
    """The headquarters test of US export rules (15 CFR 742.6(a)(6)(iii)(A)): seat or parent in group D:5 or Macau."""
    pack = world.laws
    if pack is None or not known or "BIS_D5" not in pack.groups:
        return "unknown"
    on = world.instance.horizon.start
    return "yes" if any(pack.groups.place_in(place, ("BIS_D5", "MO"), on) for place in control) else "no"


def _party(one: StatedParty) -> Party:
    owners = tuple((owner.name, owner.percent) for owner in one.owners)
    return Party(one.name, frozenset(one.lists), owners, one.citation)


def legal_context(world: World, persons: Persons) -> LegalContext:
    """Return what the instance asserts, in the law pack's words; make it once, verdicts are remembered by it."""
    instance = world.instance
    said = instance.legal_assertions
    inline = instance.catalogue.inline
    facts: dict[str, ProviderFacts] = {}
    certificates: set[tuple[str, str]] = set()
    if inline is not None:
        for name, row in world.providers.iterrows():
            facts[str(name)] = ProviderFacts(
                provider=str(name),
                hq_country=row.hq_country or None,
                control_ownership=row.control_ownership,
                control_strict=row.control_strict,
                control_known=bool(row.control_known),
                bis_hq_test=_headquarters_test(world, row.control_strict, bool(row.control_known)),
                source="stated in the instance",
            )
            certificates |= {(str(name), scheme) for scheme in row.certifications}
    return LegalContext(
        importer_status={provider: frozenset(names) for provider, names in said.importer_status.items()},
        group_members=frozenset(said.group_members),
        mechanisms=frozenset(
            [cost.id for cost in instance.mechanism_costs] + [held.id for held in said.mechanisms_held]
        ),
        approvals=frozenset((approval.law, approval.mechanism) for approval in said.approvals),
        overrides=tuple(
            Override(
                law_id=o.law,
                basis=o.basis,
                author=o.author,
                expires=o.expires,
                countries=frozenset(o.countries),
                providers=frozenset(o.providers),
            )
            for o in said.overrides
        ),
        accepts=tuple(Acceptance(a.rule, a.author, a.basis, a.expires) for a in said.accepts),
        unknown_law=instance.laws.unknown.law,
        unknown_access=instance.laws.unknown.access,
        unknown_certificate=instance.laws.unknown.certificate,
        unknown_tenant=instance.laws.unknown.tenant,
        support=said.support,
        parties={**(world.laws.parties if world.laws else {}), **{one.name: _party(one) for one in said.parties}},
        advisory=said.advisory,
        persons_leaving=persons.leaving,
        persons_held=persons.held,
        providers=facts,
        certificates=frozenset(certificates),
    )
