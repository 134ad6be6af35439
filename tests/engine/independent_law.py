"""What the law says of every activity: the second reading's world with the law pack's judge."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import cached_property

from independent_world import NotCoveredError, Option, World

from optimizer.catalogue import bundled_accelerators
from optimizer.instance.workloads import Data, Dataset, Job, Service, Stream
from optimizer.instance.world import InlineRegion
from optimizer.laws.types import (
    AcceleratorFacts,
    Count,
    DataProfile,
    Destination,
    LegalContext,
    MechanismKey,
    Party,
    ProviderFacts,
    Tenant,
    Verdict,
)

Need = frozenset[MechanismKey]
"""Mechanisms of which at least one must be bought."""


@dataclass(frozen=True)
class Activity:
    """A stream of a service, or a job, as the law sees it."""

    profiles: tuple[DataProfile, ...]
    retains: bool
    tenant: Tenant
    of: tuple[Data | Dataset, ...] = ()


def _listed(name: str) -> AcceleratorFacts:
    """The export figures of the bundled accelerator of that name; unknown figures where there is none."""
    table = bundled_accelerators()
    if name not in table.index:
        return AcceleratorFacts(name, None)
    row = table.loc[name]
    columns = ("tpp", "memory_bandwidth_gb_per_s", "performance_density")
    figures = [row[c] if row[c] == row[c] else None for c in columns]
    return AcceleratorFacts(name, figures[0], figures[1], row.vendor_country or None, figures[2])


class LawfulWorld(World):
    """The world of an instance, and what the law makes of it."""

    @cached_property
    def context(self) -> LegalContext:
        """What the instance asserts."""
        said = self.instance.legal_assertions
        facts = {}
        for name in {region.provider for region in self.inline.regions}:
            stated = self.operators.get(name)
            home = {stated.headquarters} - {None} if stated else set()
            control = frozenset({*(stated.control or ()), *home}) if stated else frozenset()
            known = stated is not None and stated.control is not None
            facts[name] = ProviderFacts(
                name, stated.headquarters if stated else None, control, control, known, self._hq_test(control, known)
            )
        names = [cost.id for cost in self.instance.mechanism_costs] + [held.id for held in said.mechanisms_held]
        return LegalContext(
            group_members=frozenset(said.group_members),
            mechanisms=frozenset(names),
            advisory=said.advisory,
            unknown_law=self.instance.laws.unknown.law,
            unknown_access=self.instance.laws.unknown.access,
            support=said.support,
            unknown_certificate=self.instance.laws.unknown.certificate,
            unknown_tenant=self.instance.laws.unknown.tenant,
            persons_leaving=self._persons(leaving=True),
            persons_held=self._persons(leaving=False),
            parties={p.name: Party(p.name, frozenset(p.lists), tuple((o.name, o.percent) for o in p.owners), p.citation)
                     for p in said.parties},
            providers=facts,
            certificates=frozenset((p.id, scheme) for p in self.inline.providers for scheme in p.certifications),
        )

    def _hq_test(self, control: frozenset[str], known: bool) -> str:
        """Return the answer to the headquarters test of export rules (country group D:5 or Macau)."""
        if not known:
            return "unknown"
        return "yes" if any(self.groups.place_in(c, ("BIS_D5", "MO"), self.dates[0]) for c in control) else "no"

    def _persons(self, *, leaving: bool) -> dict[tuple[str, str], tuple[int, int]]:
        """Return persons and sensitive persons by (exporter, place) for laws with thresholds; None: one is unknown.

        `leaving`: only of data that may be anywhere outside the place, by what the instance itself leaves open.
        """
        assert self.pack is not None
        bands = {row.trigger.volumes.of for row in self.pack.laws.values() if row.trigger.volumes is not None}
        scopes = (s for row in self.pack.laws.values() for s in (*row.trigger.scopes, *row.trigger.unless))
        places = bands if leaving else bands | {s.persons.of for s in scopes if s.persons is not None}
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for data, profile, seats in self._sources():
            for place in places:
                key = (profile.exporter, place)
                counted = found.get(key, (0, 0))
                here = {s for s in profile.subjects if self._inside(s, place)}
                if here and not (leaving and all(self._inside(seat, place) for seat in seats)):
                    counted = self._more(counted, data, profile, here)
                found[key] = counted
        return found

    def _inside(self, place: str, of: str) -> bool:
        return self.groups.place_in(place, (of,), self.dates[0])

    def _more(
        self, counted: tuple[int, int], data: Data | Dataset, profile: DataProfile, here: set[str]
    ) -> tuple[int, int]:
        """Return counts with one more body of data; both are None once a number is missing."""
        assert self.pack is not None
        categories = self.pack.vocabulary.expand(profile)
        if "personal" not in categories or counted[0] is None:
            return counted
        some = data.sensitive_persons if here <= set(data.sensitive_persons) else data.persons
        stated = here <= set(data.persons) and ("sensitive" not in categories or here <= set(some))
        if not stated:
            return (None, None)  # type: ignore[return-value]
        sensitive = sum(some[s] for s in here) if "sensitive" in categories else 0
        return counted[0] + sum(data.persons[s] for s in here), counted[1] + sensitive

    def _sources(self) -> list[tuple[Data | Dataset, DataProfile, set[str]]]:
        """Return every workload's own data, of all its persons, and every dataset, with where they may be."""
        found: list[tuple[Data | Dataset, DataProfile, set[str]]] = []
        seats: dict[str, set[str]] = {}
        for workload in self.instance.workloads:
            streams: tuple[Stream | None, ...] = workload.streams if isinstance(workload, Service) else (None,)
            every = [self.own(workload, stream) for stream in streams]
            whole = replace(every[0], subjects=frozenset().union(*(profile.subjects for profile in every)))
            seats[workload.id] = self._seats(workload)
            kept = set().union(*self._owed(whole)) if workload.data.retention_hours else set()
            found.append((workload.data, whole, seats[workload.id] | kept | set(workload.data.onward or ())))
        for dataset, profile in self.rest:
            named = [r for r in self.regions.values() if not dataset.regions or r.id in dataset.regions]
            there = {self._place(region) for region in named}.union(*(seats[r.workload] for r in dataset.readers))
            found.append((dataset, profile, there | set(dataset.onward or ())))
        return found

    def _owed(self, profile: DataProfile) -> list[frozenset[str]]:
        """Return where laws may want copies, whoever asks and whatever is held."""
        assert self.pack is not None
        return [duty.countries for on in self.dates for duty in self.pack.duties(profile, on)]

    @staticmethod
    def _place(region: InlineRegion) -> str:
        return Destination(region.country, region.subdivision).place

    def _seats(self, workload: Service | Job) -> set[str]:
        """Return where a workload may run by its own lists."""
        kinds = workload.runs.via if isinstance(workload, Service) else ("instance",)
        found: set[str] = set()
        for option in self.options:
            region = self.regions[option.region]
            allowed = not workload.regions or region.id in workload.regions
            if option.kind in kinds and allowed and (not workload.providers or region.provider in workload.providers):
                found |= {self._place(region), *(option.spread or ())}
        return found

    def _profile(
        self, data: Data | Dataset, subjects: tuple[str, ...], retention: float | None, stream: Stream | None = None
    ) -> DataProfile:
        own = stream is not None and (stream.subjects is not None or bool(stream.subjects_by))
        basis = stream.subjects_by if own and stream is not None else data.subjects_by
        known = {exporter.id: exporter for exporter in self.instance.legal_assertions.exporters}
        firm = known.get(data.exporter or "")
        about = ("personal",) if data.subjects or data.persons or data.subjects_by else ("non_personal",)
        return DataProfile(
            categories=frozenset(data.categories or about),
            subjects=frozenset(subjects).union(*basis.values()),
            exporter=data.exporter or "",
            exporter_country=firm.country if firm else data.exporter or "",
            exporter_hq=firm.headquarters if firm else None,
            exporter_roles=frozenset(firm.roles if firm else ()),
            sectors=frozenset(data.sectors) | frozenset(firm.sectors if firm else ()),
            flags=frozenset(data.flags) | frozenset(firm.flags if firm else ()),
            retention_hours=retention,
            counts=tuple(Count(c.what, c.of, c.count, c.window or "") for c in firm.counts) if firm else (),
            state=frozenset(data.state if stream is None or stream.state is None else stream.state),
            by_basis=tuple(sorted((str(name), frozenset(places)) for name, places in basis.items())),
        )

    def _passing(self, data: Data | Dataset, profile: DataProfile, on: dt.date) -> list[Verdict]:
        """Return what laws say of the places that data pass, and of those to which they are sent on."""
        assert self.pack is not None
        judge = self.pack.judge_for(profile, on, self.context)
        through = [judge.bench.transit(Destination(place[:2], place[3:] or None)) for place in data.via or ()]
        return through + [judge.onward(place) for place in data.onward or ()]

    @cached_property
    def rest(self) -> list[tuple[Dataset, DataProfile]]:
        """Every dataset with its profile at rest."""
        return [(d, self._profile(d, self._at_rest(d), None)) for d in self.instance.datasets]

    @staticmethod
    def _at_rest(dataset: Dataset) -> tuple[str, ...]:
        stated = dataset.subjects is not None or dataset.subjects_by
        return (dataset.subjects or ()) if stated else tuple(dataset.persons)

    def own(self, workload: Service | Job, stream: Stream | None) -> DataProfile:
        """Return the profile of a stream's or job's own data."""
        data = workload.data
        subjects = data.subjects or ()
        if stream is not None and not (data.subjects or data.subjects_by):
            subjects = (stream.origin,)
        if stream is not None and (stream.subjects or stream.subjects_by):
            subjects = stream.subjects or ()
        return self._profile(data, subjects, data.retention_hours, stream)

    def activity(self, workload: Service | Job, stream: Stream | None) -> Activity:
        """Return a stream or a job with all the profiles it must be lawful for: its own and what it reads."""
        own, data = self.own(workload, stream), workload.data
        reads = [d for d in self.instance.datasets if any(reader.workload == workload.id for reader in d.readers)]
        read = [self._profile(d, self._at_rest(d), data.retention_hours) for d in reads]
        return Activity((own, *read), data.retention_hours > 0, self._tenant(workload), (data, *reads))

    def _tenant(self, workload: Service | Job | None) -> Tenant:
        """Return who uses the capacity of a workload, or (None) keeps the datasets."""
        stated = [self.instance.tenant] if workload is None else [workload.tenant, self.instance.tenant]
        named = [(t.headquarters, t.parent, t.name) for t in stated if t.headquarters or t.parent or t.name]
        seat, parent, name = named[0] if named else (None, None, "")
        uses = frozenset(next((t.end_use for t in stated if t.end_use), ()))
        return Tenant(seat, parent, uses, name, next((t.customers for t in stated if t.customers), ()))

    def lawful(self, activity: Activity, option: Option, t: int) -> frozenset[Need] | None:
        """Return the needs of running an activity on an option, or None if the law forbids it."""
        if self.pack is None:
            return frozenset()
        region, on = self.regions[option.region], self.dates[t]
        home = Destination(region.country, region.subdivision, region.provider, region.id, option.kind)
        spread = [home]
        if option.spread is not None:
            spread = [Destination(c, None, region.provider, None, "endpoint") for c in sorted(option.spread)]
        verdicts = []
        for profile, data in zip(activity.profiles, activity.of, strict=True):
            verdicts += self._passing(data, profile, on)
            judge = self.pack.judge_for(profile, on, self.context)
            verdicts += [judge.at(place).processing for place in spread] + [judge.at(home).access]
            if activity.retains:
                verdicts.append(judge.at(home).storage)
        verdicts.append(self.pack.judge_capacity(
            accelerator=None if option.endpoint else _listed(option.accelerator),
            destination=replace(home, region=None), tenant=activity.tenant, on=on, context=self.context,
            hypothetical=True,
        ))  # fmt: skip
        return self._needs(verdicts, on)

    def storable(
        self, profile: DataProfile, region_id: str, data: Data | Dataset
    ) -> frozenset[Need] | None:
        """Return the needs of keeping a profile's data at rest in a region all the time, or None."""
        if self.pack is None:
            return frozenset()
        region = self.regions[region_id]
        place = Destination(region.country, region.subdivision, region.provider, region.id, "storage")
        needs: set[Need] = set()
        for on in dict.fromkeys(self.dates):
            found = self.pack.judge_for(profile, on, self.context).at(place)
            kept = self.pack.judge_capacity(
                accelerator=None, destination=place, tenant=self._tenant(None), on=on, context=self.context
            )
            day = self._needs([found.storage, found.access, kept, *self._passing(data, profile, on)], on)
            if day is None:
                return None
            needs |= day
        return frozenset(needs)

    def duties(self, profile: DataProfile) -> set[frozenset[str]]:
        """Return for each duty to keep a copy the countries where it may be."""
        if self.pack is None:
            return set()
        return {duty.countries for on in self.dates for duty in self.pack.duties(profile, on, self.context)}

    def _needs(self, verdicts: list[Verdict], on: dt.date) -> frozenset[Need] | None:
        held = self.instance.legal_assertions.mechanisms_held
        if any(h.exporter or h.importer or h.country for h in held):
            raise NotCoveredError("mechanisms held in part")
        needs: set[Need] = set()
        for verdict in verdicts:
            if verdict.forbidden_by or verdict.approvals_missing or verdict.refused:
                return None
            for requirement in verdict.requirements:
                if any(key.mechanism in {h.id for h in held} for key in requirement.mechanisms):
                    continue
                open_ = frozenset(key for key in requirement.mechanisms if self._in_time(key, on))
                if not open_:
                    return None
                needs.add(open_)
        return frozenset(needs)

    def _in_time(self, key: MechanismKey, on: dt.date) -> bool:
        if key.mechanism not in {cost.id for cost in self.instance.mechanism_costs}:
            return False
        assert self.pack is not None
        lead, known = self.pack.mechanisms[key.mechanism].lead_time_days, self.instance.laws.as_of
        return lead is None or known is None or (on - known).days >= lead

    def mechanism_usd(self, key: MechanismKey) -> float:
        """Return what a mechanism costs over the horizon."""
        cost = next(c for c in self.instance.mechanism_costs if c.id == key.mechanism)
        return (cost.one_off_usd / cost.amortisation_years + cost.yearly_usd) * self.total / 8760.0
