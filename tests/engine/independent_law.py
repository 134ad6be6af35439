"""What the law says of every activity: the second reading's world with the law pack's judge."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import cached_property

from independent_world import NotCoveredError, Option, World

from optimizer.catalogue import bundled_accelerators
from optimizer.instance.workloads import Data, Dataset, Job, Service, Stream
from optimizer.laws.types import (
    AcceleratorFacts,
    DataProfile,
    Destination,
    LegalContext,
    MechanismKey,
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
            persons_leaving=self._persons(),
            providers=facts,
            certificates=frozenset((p.id, scheme) for p in self.inline.providers for scheme in p.certifications),
        )

    def _hq_test(self, control: frozenset[str], known: bool) -> str:
        """Return the answer to the headquarters test of export rules (country group D:5 or Macau)."""
        if not known:
            return "unknown"
        return "yes" if any(self.groups.place_in(c, ("BIS_D5", "MO"), self.dates[0]) for c in control) else "no"

    def _persons(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return counts by (exporter, place) for volume laws: 0 where nobody is concerned, else unknown."""
        assert self.pack is not None
        every: list[DataProfile] = [profile for d, profile in self.rest]
        for workload in self.instance.workloads:
            streams: tuple[Stream | None, ...] = workload.streams if isinstance(workload, Service) else (None,)
            every += [self.own(workload, stream) for stream in streams]
        if any(item.persons for item in (*(w.data for w in self.instance.workloads), *self.instance.datasets)):
            raise NotCoveredError("counted persons")
        places = {row.trigger.volumes.of for row in self.pack.laws.values() if row.trigger.volumes is not None}
        for row in self.pack.laws.values():
            places |= {s.persons.of for s in (*row.trigger.scopes, *row.trigger.unless) if s.persons is not None}
        counts: dict[tuple[str, str], tuple[int, int]] = {}
        for profile in every:
            for place in places:
                there = any(self.groups.place_in(s, (place,), self.dates[0]) for s in profile.subjects)
                personal = "personal" in self.pack.vocabulary.expand(profile)
                if there and personal:
                    counts[profile.exporter, place] = (None, None)  # type: ignore[assignment]
                else:
                    counts.setdefault((profile.exporter, place), (0, 0))
        return counts

    def _profile(
        self, data: Data | Dataset, subjects: tuple[str, ...], retention: float | None, stream: Stream | None = None
    ) -> DataProfile:
        if data.subjects_by or (stream is not None and stream.subjects_by):
            raise NotCoveredError("persons by basis")
        stated = {exporter.id: exporter for exporter in self.instance.legal_assertions.exporters}
        if stated:
            raise NotCoveredError("described exporters")
        about = ("personal",) if data.subjects or data.persons else ("non_personal",)
        return DataProfile(
            categories=frozenset(data.categories or about),
            subjects=frozenset(subjects),
            exporter=data.exporter or "",
            exporter_country=data.exporter or "",
            sectors=frozenset(data.sectors),
            flags=frozenset(data.flags),
            retention_hours=retention,
            state=frozenset(data.state if stream is None or stream.state is None else stream.state),
        )

    @cached_property
    def rest(self) -> list[tuple[Dataset, DataProfile]]:
        """Every dataset with its profile at rest."""
        return [(d, self._profile(d, d.subjects or tuple(d.persons), None)) for d in self.instance.datasets]

    def own(self, workload: Service | Job, stream: Stream | None) -> DataProfile:
        """Return the profile of a stream's or job's own data."""
        data = workload.data
        subjects = data.subjects or ()
        if stream is not None:
            subjects = stream.subjects or data.subjects or (stream.origin,)
        return self._profile(data, subjects, data.retention_hours, stream)

    def activity(self, workload: Service | Job, stream: Stream | None) -> Activity:
        """Return a stream or a job with all the profiles it must be lawful for: its own and what it reads."""
        own, data = self.own(workload, stream), workload.data
        read = [
            self._profile(d, d.subjects or tuple(d.persons), data.retention_hours)
            for d in self.instance.datasets
            if any(reader.workload == workload.id for reader in d.readers)
        ]
        return Activity((own, *read), data.retention_hours > 0, self._tenant(workload))

    def _tenant(self, workload: Service | Job | None) -> Tenant:
        """Return who uses the capacity of a workload, or (None) keeps the datasets."""
        stated = [self.instance.tenant] if workload is None else [workload.tenant, self.instance.tenant]
        seats = next(((t.headquarters, t.parent) for t in stated if t.headquarters or t.parent), (None, None))
        return Tenant(*seats, frozenset(next((t.end_use for t in stated if t.end_use), ())))

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
        for profile in activity.profiles:
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

    def storable(self, profile: DataProfile, region_id: str) -> frozenset[Need] | None:
        """Return the needs of keeping data at rest in a region all the time, or None."""
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
            day = self._needs([found.storage, found.access, kept], on)
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
