"""How many persons laws with thresholds count: all whose data an exporter has, and those whose data may leave.

Who is bound by a threshold (a handler of a million persons) is asked of all persons. The tiers of a volume law ask how
many leave. Which data leave is decided by the model, later; here counts whatever the instance lets leave: a workload
with an offer abroad among its providers, regions and kinds of offer, a dataset with a region abroad or a reader that
may be there. That is a safe upper bound, and data that the instance keeps at home are not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, cast

import numpy as np

from optimizer.compile.effort import PROFILE, PROFILE_BY_PLACE, spend
from optimizer.compile.profiles import Activity, dataset_profiles
from optimizer.compile.scope import named_regions
from optimizer.compile.sites import Sites, destinations
from optimizer.instance.workloads import Data, Dataset, Job
from optimizer.laws.types import DataProfile, Destination

if TYPE_CHECKING:
    from optimizer.compile.world import World
    from optimizer.laws.pack import LawPack

Counts = Mapping[tuple[str, str], tuple[int, int]]
"""Persons and sensitive persons by (exporter, place); (None, None) where something counted states no number."""


@dataclass(frozen=True)
class Persons:
    """`held`: all whose data an exporter has; `leaving`: those whose data may leave; `warnings` about the bound.

    Places that no tiers ask about have no entry in `leaving`.
    """

    held: Counts
    leaving: Counts
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Source:
    """A workload's own data (its position) or a dataset, with a profile of all its persons."""

    data: Data | Dataset
    profile: DataProfile
    workload: int | None = None


def count_persons(world: World, sites: Sites, dates: Iterable[date], found: Iterable[Activity]) -> Persons:
    """Count the persons of every place that some law counts, by exporter, on the first day of the horizon.

    `found`: all streams and jobs; `dates`: days between which the law does not change, for copies that a law may make
    a workload keep abroad.
    """
    pack = world.laws
    if pack is None:
        return Persons({}, {})
    places, on = _counted_places(pack), world.instance.horizon.start
    tiered = {row.trigger.volumes.of for row in pack.laws.values() if row.trigger.volumes is not None}
    held: dict[tuple[str, str], tuple[int, int]] = {}
    leaving: dict[tuple[str, str], tuple[int, int]] = {}
    warnings: list[str] = []
    seats = _Seats(world, pack, sites, tuple(dates))
    for exporter, sources in _sources(world, found).items():
        for place in places:
            key = exporter, place
            held[key] = _sum(sources, place, pack, on)
            if place not in tiered:
                continue
            theirs = [s for s in sources if any(pack.groups.place_in(p, (place,), on) for p in s.profile.subjects)]
            out = [s for s in theirs if any(not pack.groups.place_in(d, (place,), on) for d in seats.of(s))]
            leaving[key] = _sum(out, place, pack, on)
            if held[key][0]:
                warnings.append(_told(place, exporter, held[key][0], leaving[key][0]))
    return Persons(held, leaving, tuple(warnings))


def _told(place: str, exporter: str, held: int, leaving: int | None) -> str:
    who = f"{held} persons of {exporter or 'the unnamed exporter'}"
    if leaving == held:
        return f"volume laws of {place}: all {who} count as leaving, wherever their data stays (upper bound)"
    counted = "an unknown number" if leaving is None else str(leaving)
    return f"volume laws of {place}: {counted} of the {who} count as leaving, all whose data may (upper bound)"


def _sum(sources: Iterable[_Source], place: str, pack: LawPack, on: date) -> tuple[int, int]:
    persons: int | None = 0
    sensitive: int | None = 0
    for source in sources:
        categories = pack.vocabulary.expand(source.profile)
        if "personal" not in categories:
            continue
        here = {s for s in source.profile.subjects if pack.groups.place_in(s, (place,), on)}
        persons = _add(persons, here, source.data.persons)
        if "sensitive" not in categories:
            continue
        own = source.data.sensitive_persons
        sensitive = _add(sensitive, here, own if here <= set(own) else source.data.persons)
    if persons is None or sensitive is None:
        return cast("tuple[int, int]", (None, None))
    return persons, sensitive


def _add(total: int | None, here: set[str], stated: Mapping[str, int]) -> int | None:
    if total is None or here - set(stated):
        return None
    return total + sum(stated[s] for s in here)


def _sources(world: World, found: Iterable[Activity]) -> dict[str, list[_Source]]:
    """Return every workload's own data and every dataset once, by exporter."""
    instance = world.instance
    own: dict[int, list[DataProfile]] = {}
    for activity in found:
        own.setdefault(activity.workload, []).append(activity.profiles[0])
    sources: dict[str, list[_Source]] = {}
    for w, (first, *others) in own.items():
        profile = first
        if any(other.subjects != first.subjects for other in others):
            every = first.subjects.union(*(other.subjects for other in others))
            profile = replace(first, subjects=every, by_basis=())
        sources.setdefault(profile.exporter, []).append(_Source(instance.workloads[w].data, profile, w))
    for dataset, profile in zip(instance.datasets, dataset_profiles(instance), strict=True):
        sources.setdefault(profile.exporter, []).append(_Source(dataset, profile))
    return sources


class _Seats:
    """Places where data may be processed, kept or seen, as far as the instance's own lists leave them open."""

    def __init__(self, world: World, pack: LawPack, sites: Sites, dates: tuple[date, ...]) -> None:
        self._world, self._pack, self._sites, self._dates = world, pack, sites, dates
        self._number = {workload.id: w for w, workload in enumerate(world.instance.workloads)}
        self._by_lists: dict[tuple[object, ...], frozenset[str]] = {}

    def of(self, source: _Source) -> frozenset[str]:
        """Return the places of a source: those of a workload, or of a dataset with its readers, and of recipients."""
        sent = frozenset(source.profile.onward or ())
        if source.workload is not None:
            return sent | self._workload(source.workload) | self._owed(source.profile)
        assert isinstance(source.data, Dataset)
        readers = (self._workload(self._number[reader.workload]) for reader in source.data.readers)
        return self._dataset(source.data).union(sent, *readers)

    def _workload(self, w: int) -> frozenset[str]:
        """Every place of every offer that the workload's providers, regions and kinds of offer allow."""
        workload = self._world.instance.workloads[w]
        kinds = ("instance",) if isinstance(workload, Job) else tuple(sorted(workload.runs.via))
        key = (kinds, workload.providers, workload.regions)
        if key not in self._by_lists:
            open_ = np.isin(self._world.text("kind"), kinds)
            for column, allowed in (("provider", workload.providers), ("region_id", workload.regions)):
                if allowed:
                    open_ &= np.isin(self._world.text(column), list(allowed))
            used = np.unique(self._sites.service[self._sites.of_offer[open_]]).tolist()
            services = [self._sites.services[at] for at in used]
            self._by_lists[key] = self._seen(place for s in services for place in (s.home, *s.spread))
        return self._by_lists[key]

    def _dataset(self, dataset: Dataset) -> frozenset[str]:
        key = ("dataset", dataset.regions)
        if key not in self._by_lists:
            open_ = self._world.regions["open"].to_numpy(dtype=bool)
            if dataset.regions:
                open_ = open_ & named_regions(self._world, dataset.regions)
            places = destinations(self._world, "storage")
            self._by_lists[key] = self._seen(places[at] for at in np.flatnonzero(open_).tolist())
        return self._by_lists[key]

    def _owed(self, profile: DataProfile) -> frozenset[str]:
        """Where laws may want a copy of what a workload keeps."""
        if not profile.retention_hours:
            return frozenset()
        spend("verdicts", len(self._dates) * (PROFILE + PROFILE_BY_PLACE * len(profile.subjects)))
        return frozenset(c for on in self._dates for duty in self._pack.duties(profile, on) for c in duty.countries)

    def _seen(self, homes: Iterable[Destination]) -> frozenset[str]:
        """Add the countries from which providers are known to support: access from there is leaving as well."""
        instance, operators = self._world.instance, self._pack.operators
        places = dict.fromkeys((home.provider, home.country, home.place) for home in homes)
        found = {place for _, _, place in places}
        for provider, country in dict.fromkeys((provider, country) for provider, country, _ in places):
            found.update(operators.seats(provider, country, instance.horizon.start, instance.legal_assertions.support))
        return frozenset(found)


def _counted_places(pack: LawPack) -> tuple[str, ...]:
    """Places whose persons some law counts."""
    found: dict[str, None] = {}
    for row in pack.laws.values():
        if row.trigger.volumes is not None:
            found[row.trigger.volumes.of] = None
        for scope in (*row.trigger.scopes, *row.trigger.unless):
            if scope.persons is not None:
                found[scope.persons.of] = None
    return tuple(found)
