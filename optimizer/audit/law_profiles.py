"""What the law needs to know of each stream, job and dataset, drawn from the instance once more for the audit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from optimizer.audit.law_text import by_category
from optimizer.instance.models import Instance
from optimizer.instance.rules import Exporter
from optimizer.instance.workloads import Data, Dataset, Service, Tenant

NOTHING_SAID = "non_personal"


@dataclass(frozen=True)
class Profile:
    """Data in the words of the laws. `retention_hours` None: kept without end (data at rest)."""

    categories: frozenset[str]
    stated_categories: frozenset[str]
    subjects: frozenset[str] = frozenset()
    exporter: str = ""
    exporter_country: str = ""
    exporter_hq: str = ""
    roles: frozenset[str] = frozenset()
    sectors: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    retention_hours: float | None = None
    counts: tuple[tuple[str, str, int, str], ...] = ()
    state: frozenset[str] = frozenset()
    by_basis: tuple[tuple[str, frozenset[str]], ...] = ()
    via: tuple[str, ...] | None = None
    onward: tuple[str, ...] | None = None

    def counted(self, bases: Iterable[str]) -> tuple[frozenset[str], bool]:
        """Return where persons are for a law that counts them on some bases, and whether each of these is stated."""
        known = [places for basis in bases for name, places in self.by_basis if name == basis]
        if len(known) < len(tuple(bases)) or not known:
            return self.subjects, not tuple(bases)
        return frozenset().union(*known), True

    def __hash__(self) -> int:
        """Return the hash of what tells profiles apart, reckoned once: every ruling is looked up by it."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, one.name) for one in fields(self)))


@dataclass(frozen=True)
class Source:
    """One body of data whose persons laws count: a workload's own data, or a dataset (`kind`), by its id."""

    kind: str
    owner: str
    exporter: str
    subjects: frozenset[str]
    personal: bool
    sensitive: bool
    persons: Mapping[str, int]
    sensitive_persons: Mapping[str, int]


@dataclass(frozen=True)
class User:
    """Who uses capacity: the seats it states, whether one of the two is not stated, what it uses it for, where it sits
    itself, its name, and its customers.
    """

    seats: frozenset[str]
    incomplete: bool
    uses: frozenset[str]
    own_seat: str | None = None
    name: str = ""
    customers: tuple[str, ...] = ()

    @classmethod
    def stated(cls, party: Tenant, uses: Iterable[str], customers: tuple[str, ...]) -> User:
        """Return a party as the instance states it."""
        seats = frozenset({party.headquarters, party.parent} - {None})
        open_ = None in (party.headquarters, party.parent)
        return cls(frozenset(map(str, seats)), open_, frozenset(uses), party.headquarters, party.name, customers)


class Profiles:
    """The profiles of one instance. `implied` says which categories a category implies."""

    def __init__(
        self, instance: Instance, stream_ids: Mapping[str, Iterable[str]], implied: Mapping[str, frozenset[str]]
    ) -> None:
        self._implied = implied
        self._origins = {origin.id: origin.country for origin in instance.origins}
        self._exporters = {e.id: e for e in instance.legal_assertions.exporters}
        self.datasets: dict[str, Profile] = {}
        self.own: dict[tuple[str, str | None], Profile] = {}
        self.read: dict[str, list[Profile]] = {w.id: [] for w in instance.workloads}
        self.sources: list[Source] = []
        general = instance.tenant
        self._user = User.stated(general, general.end_use, general.customers)
        self._users = {}
        for each in instance.workloads:
            mine = each.tenant
            who = mine if mine.headquarters or mine.parent or mine.name else general
            uses, customers = mine.end_use or general.end_use, mine.customers or general.customers
            self._users[each.id] = User.stated(who, uses, customers)
        for dataset in instance.datasets:
            told = _said(dataset.subjects, dataset.subjects_by)
            at_rest = frozenset(dataset.persons) if told is None else told
            profile = self._profile(dataset, at_rest, None)
            self.datasets[dataset.id] = profile
            self.sources.append(_source("dataset", dataset.id, dataset, profile))
        for workload in instance.workloads:
            data = workload.data
            named: dict[str | None, frozenset[str]] = {}
            bases: dict[str | None, Any] = {}
            everybody = _said(data.subjects, data.subjects_by)
            states: dict[str | None, frozenset[str]] = {}
            if isinstance(workload, Service):
                for name, stream in zip(stream_ids[workload.id], workload.streams, strict=True):
                    own = _said(stream.subjects, stream.subjects_by)
                    bases[name] = data.subjects_by if own is None else stream.subjects_by
                    asked = everybody if own is None else own
                    named[name] = self._home(stream.origin) if asked is None else asked
                    if stream.state is not None:
                        states[name] = frozenset(stream.state)
            else:
                named[None] = frozenset(data.persons) if everybody is None else everybody
            for which, subjects in named.items():
                profile = self._profile(data, subjects, data.retention_hours)
                profile = replace(profile, by_basis=_by(bases.get(which, data.subjects_by)))
                self.own[workload.id, which] = replace(profile, state=states.get(which, profile.state))
            every = frozenset().union(*named.values())
            whole = replace(self._profile(data, every, data.retention_hours), subjects=every)
            self.sources.append(_source("workload", workload.id, data, whole))
            for dataset in instance.datasets:
                if any(reader.workload == workload.id for reader in dataset.readers):
                    self.read[workload.id].append(
                        replace(self.datasets[dataset.id], retention_hours=data.retention_hours)
                    )

    def of(self, workload: str, stream: str | None) -> tuple[Profile, ...]:
        """Return everything a stream or job must be lawful for: its own data and every dataset it reads."""
        return (self.own[workload, stream], *self.read[workload])

    def user(self, workload: str | None) -> User:
        """Return who uses the capacity of a workload, or keeps the datasets (None); the instance's by default."""
        found = self._users.get(workload or "")
        return self._user if found is None else found

    def _home(self, origin: str) -> frozenset[str]:
        own = self._origins.get(origin)
        return _home(origin) if own is None else frozenset({own})

    def _exporter(self, name: str | None) -> Exporter | None:
        if name is None:
            return None
        return self._exporters.get(name) or Exporter(id=name, country=name)

    def _profile(self, data: Data | Dataset, subjects: frozenset[str], retention_hours: float | None) -> Profile:
        exporter = self._exporter(data.exporter)
        about_persons = bool(data.subjects or data.persons or data.subjects_by)
        stated = frozenset(data.categories) or frozenset({"personal" if about_persons else NOTHING_SAID})
        return Profile(
            categories=self.expand(stated, subjects),
            stated_categories=stated,
            subjects=subjects,
            exporter=exporter.id if exporter else "",
            exporter_country=exporter.country if exporter else "",
            exporter_hq=(exporter.headquarters or "") if exporter else "",
            roles=frozenset(exporter.roles) if exporter else frozenset(),
            sectors=frozenset(data.sectors) | frozenset(exporter.sectors if exporter else ()),
            flags=frozenset(data.flags) | frozenset(exporter.flags if exporter else ()),
            retention_hours=retention_hours,
            counts=tuple((c.what, c.of, c.count, c.window or "") for c in exporter.counts) if exporter else (),
            state=frozenset(data.state),
            by_basis=_by(data.subjects_by),
            via=data.via,
            onward=data.onward,
        )

    def expand(self, stated: frozenset[str], subjects: frozenset[str]) -> frozenset[str]:
        """Return categories with all they imply; data about persons are personal unless called non_personal."""
        found: set[str] = set()
        waiting = set(stated)
        if subjects and NOTHING_SAID not in stated:
            waiting.add("personal")
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting |= self._implied.get(one, frozenset())
        return frozenset(found)


    def rules(self, text: str, spoken: frozenset[str], profile: Profile) -> list[str]:
        """Return those of a law's rules by category that data must meet; `spoken`: the categories the law is about.

        Each stated category is judged by the most specific of what it implies that has a rule, else by `*`.
        """
        by = dict(by_category(text))
        if set(by) == {"*"}:
            return [text]
        stated = [(name, self.expand(frozenset({name}), frozenset())) for name in sorted(profile.stated_categories)]
        if "personal" in profile.categories and not any("personal" in each for _, each in stated):
            stated.append(("personal", frozenset({"personal"})))
        found: set[str] = set()
        for _, each in stated:
            if "any" not in spoken and not each & spoken:
                continue
            named = each & set(by)
            below = {n for n in named for m in named - {n} if n in self.expand(frozenset({m}), frozenset())}
            found |= (named - below) or {"*"}
        return [rule for name, rule in by.items() if name in (found or {"*"})]


def _by(stated: Mapping[Any, Iterable[str]]) -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple((str(basis), frozenset(stated[basis])) for basis in sorted(stated))


def _said(subjects: Iterable[str] | None, by_basis: Mapping[Any, Iterable[str]]) -> frozenset[str] | None:
    """Return all places that somebody states of persons; None if nobody does."""
    if subjects is None and not by_basis:
        return None
    return frozenset(subjects or ()).union(*by_basis.values())


def _source(kind: str, owner: str, data: Data | Dataset, profile: Profile) -> Source:
    return Source(
        kind=kind,
        owner=owner,
        exporter=profile.exporter,
        subjects=profile.subjects,
        personal="personal" in profile.categories,
        sensitive="sensitive" in profile.categories,
        persons=data.persons,
        sensitive_persons=data.sensitive_persons,
    )


def _home(origin: str) -> frozenset[str]:
    """Return the country of a stream's origin (`DE`, `US-CA`, `DE:Berlin`); nothing for a name that is no place."""
    from optimizer.laws.codes import COUNTRIES

    place = origin.partition(":")[0]
    return frozenset({place}) if place.partition("-")[0] in COUNTRIES else frozenset()
