"""Does a law bind a profile at a destination? Triggers of the law tables, tested once more for the audit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from math import inf
from typing import Any

from optimizer.audit.facts import Region
from optimizer.audit.law_profiles import Profile, Source
from optimizer.audit.law_text import IMPORTER_LISTS, GroupBook, covers_region, importer_list, sectors_of


@dataclass(frozen=True)
class Place:
    """A destination: where, by whom, as what service; `region` is provider:region. `recipient`: data are sent on there.
    """

    country: str
    place: str
    provider: str
    region: str | None
    service: str
    recipient: bool = False

    @classmethod
    def of(cls, region: Region, service: str) -> Place:
        """Return a region as a destination."""
        return cls(region.country, region.place, region.provider, region.id, service)

    def in_country(self, country: str) -> Place:
        """Return the same service working somewhere in a country."""
        return Place(country, country, self.provider, None, self.service)


@dataclass(frozen=True)
class Operator:
    """Who can compel a provider; unknown control fails every control rule."""

    ownership: frozenset[str] = frozenset()
    strict: frozenset[str] = frozenset()
    known: bool = False
    bis_hq_test: str = "unknown"


class Departures:
    """Where data are in a plan: (kind, owner) of a source, with the places it is kept, worked on or seen from."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], set[str]] = {}

    def add(self, kind: str, owner: str, places: Iterable[str]) -> None:
        """Record that a source is in some places."""
        self._places.setdefault((kind, owner), set()).update(places)

    def leaves(self, source: Source, of: str, groups: GroupBook, on: date) -> bool:
        """Return True if the source is anywhere outside `of`."""
        places = self._places.get((source.kind, source.owner), set())
        return any(not groups.within(place, (of,), on) for place in places)


HOW_HELD = ("yes", "listed", "unknown", "no")
"""What the table of holders may say of a certificate, best first."""


@dataclass(frozen=True)
class Held:
    """How a certificate stands; `rule`: under which it is confirmed, unless it is plainly held or not held."""

    how: str
    rule: str = ""

    def usable(self, answer: str, accepted: bool) -> bool:
        """Return True if it counts as held, by what the instance makes of certificates that nobody knows to be held."""
        return self.how in ("yes", "listed") or (self.how == "unknown" and (answer != "refuse" or accepted))


class Tests:
    """Tests of triggers, group conditions and certificates, on given tables and assertions."""

    def __init__(
        self,
        *,
        groups: GroupBook,
        operators: Mapping[str, Operator],
        holders: Iterable[Any],
        levels: Mapping[str, Mapping[str, int]],
        importer_status: Mapping[str, Iterable[str]],
        certificates: frozenset[tuple[str, str]],
        sources: Iterable[Source],
        gdpr_roles: frozenset[str],
    ) -> None:
        self.groups = groups
        self._gdpr_roles = gdpr_roles
        self._operators = operators
        self._holders = tuple(holders)
        self._levels = levels
        self._importer_status = {provider: frozenset(names) for provider, names in importer_status.items()}
        self._certificates = certificates
        self._sources = tuple(sources)
        self._counts: dict[tuple[str, str, date, bool], tuple[int | None, int | None]] = {}
        self.departures: Departures | None = None

    def operator(self, provider: str) -> Operator:
        """Return who controls a provider; nobody knows if no table says."""
        return self._operators.get(provider, Operator())

    def certified(self, asked: Iterable[tuple[str, str]], at: Place, on: date) -> Held:
        """Return how the best of some certificates (scheme, least level) of a service stands in a region on a day.

        A line from memory is listed; so is one for a part of the provider's regions where no region is asked about. A
        line that does not say of which level it is tells nothing of a level that is asked for.
        """
        found = [Held("no")]
        for scheme, least in asked:
            if (at.provider, scheme) in self._certificates:
                return Held("yes")
            found += [self._line(row, least, at, on) for row in self._holders
                      if row.scheme == scheme and row.provider == at.provider]  # fmt: skip
        return min(found, key=lambda one: HOW_HELD.index(one.how))

    def _line(self, row: Any, least: str, at: Place, on: date) -> Held:
        """Return what one line of the table of holders says."""
        early = row.held_from is not None and on < row.held_from
        late = row.valid_to is not None and row.valid_to < on
        if early or late or (row.service != "*" and at.service not in row.service.split("|")):
            return Held("no")
        inside = covers_region(row.region, place=at.place, region=at.region, on=on, groups=self.groups)
        apart = [part for part in row.region.split("|") if ":" in part]
        if not inside and (at.region is not None or not apart):
            return Held("no")
        ladder = self._levels.get(row.scheme, {})
        if row.status == "not_held" or (least and row.level and ladder.get(row.level, -1) < ladder.get(least, 0)):
            return Held("no")
        name = " ".join(filter(None, (f"{row.provider}/{row.scheme}", row.level)))
        rule = f"certificate:{name}{' endpoint' if at.service == 'endpoint' else ''}"
        if row.status == "unknown" or (least and not row.level):
            return Held("unknown", rule)
        sure = row.confidence == "verified in page" and (inside or f"{row.provider}:*" in apart)
        return Held("yes") if sure else Held("listed", rule)

    def member(self, term: str, profile: Profile, at: Place, on: date) -> bool:
        """Return True if a destination is in a term of a rule, with the conditions of partial members met."""
        if term not in self.groups:
            return term in (at.place, at.country)
        conditions = self.groups.conditions(term, {at.place, at.country}, on)
        return any(not c or self._condition(c, profile, at, on) for c in conditions)

    def _condition(self, condition: str, profile: Profile, at: Place, on: date) -> bool:
        listed = importer_list(condition)
        if listed is None:
            return bool(sectors_of(condition) & (profile.sectors | profile.categories))
        stated = self._importer_status.get(at.provider)
        if listed == "PRIVATE":
            return stated is None or "NOT_PRIVATE" not in stated
        if stated is not None:
            return listed in stated
        return self.certified([(IMPORTER_LISTS[listed], "")], at, on).how in ("yes", "listed")

    def reaching(self, trigger: Any, profile: Profile, on: date) -> tuple[Any, ...] | None:
        """Return the scopes of a trigger that reach the data, as far as a place need not be known; None if none does.

        A trigger without scopes reaches all data (an empty tuple); one with an `unless` scope that holds reaches none.
        """
        if any(self._firm(scope, profile, on) for scope in trigger.unless):
            return None
        scopes = tuple(scope for scope in trigger.scopes if self._data(scope, profile, on))
        return scopes if scopes or not trigger.scopes else None

    def binds(self, scopes: tuple[Any, ...], at: Place, on: date) -> bool:
        """Return True if one of the scopes that reach the data holds at a place, or none is asked for."""
        return not scopes or any(self._destination(scope, at, on) for scope in scopes)

    def _firm(self, scope: Any, profile: Profile, on: date) -> bool:
        """Return True if a scope holds on stated facts alone: an exemption is not taken on an assumption."""
        stated_exporter = not scope.exporter or bool(profile.exporter_country)
        stated_role = not scope.who or bool((profile.roles | profile.sectors) & set(scope.who))
        _, stated_basis = profile.counted(scope.basis)
        reached = not scope.where or any(
            self.groups.within(place, scope.where, on) for place in {profile.exporter_country} - {""}
        )
        if not stated_basis and (scope.subjects or not reached):
            return False
        sure = (low >= limit for low, _, limit in self._asked(scope.persons, profile, on)) if scope.persons else (True,)
        lows = (within(profile, one.what, one.of, one.window, None)[0] >= one.at_least for one in scope.counts)
        stated_count = any(sure) and all(lows)
        return stated_exporter and stated_role and stated_count and self._data(scope, profile, on)

    def holds(self, scope: Any, profile: Profile, on: date) -> bool:
        """Return True if what a scope asks of the data and its exporter holds."""
        return self._data(scope, profile, on)

    def _data(self, scope: Any, profile: Profile, on: date) -> bool:
        def inside(places: Iterable[str], terms: tuple[str, ...]) -> bool:
            return any(self.groups.within(place, terms, on) for place in places)

        exporter = {profile.exporter_country} - {""}
        persons, _ = profile.counted(scope.basis)
        if scope.where and not inside(persons | exporter, scope.where):
            return False
        if scope.subjects and not inside(persons, scope.subjects):
            return False
        if scope.exporter and not inside(exporter or profile.subjects, scope.exporter):
            return False
        if scope.exporter_hq and not inside({profile.exporter_hq} - {""}, scope.exporter_hq):
            return False
        if scope.categories and not profile.categories & set(scope.categories):
            return False
        if not set(scope.all_categories) <= profile.categories:
            return False
        if scope.flags and not profile.flags & set(scope.flags):
            return False
        if scope.state and not any(profile.state.issuperset(way.split("&")) for way in scope.state):
            return False
        if scope.who and not (profile.roles | profile.sectors) & set(scope.who):
            about_the_data = set(scope.who) <= self._gdpr_roles
            answered = profile.roles & self._gdpr_roles if about_the_data else profile.roles - self._gdpr_roles
            if answered or scope.unstated != "applies":
                return False
        many = scope.persons is None or self._many(scope.persons, profile, on)
        return many and all(self._counted_enough(one, profile, on) for one in scope.counts)

    def _destination(self, scope: Any, at: Place, on: date) -> bool:
        if scope.services and at.service not in scope.services:
            return False
        if scope.destinations and not self.groups.within(at.place, scope.destinations, on):
            return False
        if not scope.provider_control or not at.provider:
            return not scope.provider_control
        operator = self.operator(at.provider)
        if not operator.known:
            return True
        return any(self.groups.within(j, scope.provider_control, on) for j in operator.strict - {"EU"})

    def _asked(self, volume: Any, profile: Profile, on: date) -> list[tuple[float, float, int]]:
        """Return the least and the most of each number that a threshold asks for, with the limit."""
        persons, sensitive = self.counts(volume.of, profile, on)
        low, high = within(profile, "persons", volume.of, volume.window, persons)
        some_low, some_high = within(profile, "sensitive_persons", volume.of, volume.window, sensitive)
        asked = [(low, high, volume.at_least), (some_low, min(some_high, high), volume.sensitive_at_least)]
        return [(least, most, limit) for least, most, limit in asked if limit is not None]

    def _many(self, volume: Any, profile: Profile, on: date) -> bool:
        asked = self._asked(volume, profile, on)
        if any(least >= limit for least, _, limit in asked):
            return True
        return any(most >= limit for _, most, limit in asked) and volume.unknown != "skips"

    def _counted_enough(self, one: Any, profile: Profile, on: date) -> bool:
        """Return True if a number of another unit reaches its threshold, or may and counts as if it did."""
        low, high = within(profile, one.what, one.of, one.window, None)
        if one.stands_in == "persons" and (low, high) == (0, inf):
            low, high = within(profile, "persons", one.of, one.window, self.counts(one.of, profile, on)[0])
        return low >= one.at_least or (high >= one.at_least and one.unknown != "skips")

    def counts(self, of: str, profile: Profile, on: date) -> tuple[int | None, int | None]:
        """Return persons and sensitive persons of a place whose data the profile's exporter has, in all it states.

        None: some workload or dataset does not state its count.
        """
        return self._counted(profile.exporter, of, on, everybody=True)

    def leaving(self, of: str, profile: Profile, on: date) -> tuple[int | None, int | None]:
        """Return the same of those whose data leave the place in the plan; of everybody if no plan was looked at."""
        if self.departures is None:
            return self.counts(of, profile, on)
        return self._counted(profile.exporter, of, on, everybody=False)

    def _counted(self, exporter: str, of: str, on: date, *, everybody: bool) -> tuple[int | None, int | None]:
        key = (exporter, of, on, everybody)
        if key not in self._counts:
            self._counts[key] = self._count(exporter, of, on, None if everybody else self.departures)
        return self._counts[key]

    def _count(
        self, exporter: str, of: str, on: date, departures: Departures | None
    ) -> tuple[int | None, int | None]:
        persons: int | None = 0
        sensitive: int | None = 0
        for source in self._sources:
            if source.exporter != exporter or not source.personal:
                continue
            if departures is not None and not departures.leaves(source, of, self.groups, on):
                continue
            here = {s for s in source.subjects if self.groups.within(s, (of,), on)}
            persons = _add(persons, here, source.persons)
            if source.sensitive:
                own = source.sensitive_persons if here <= set(source.sensitive_persons) else source.persons
                sensitive = _add(sensitive, here, own)
        return (None, None) if persons is None or sensitive is None else (persons, sensitive)


SPANS = ("day", "month", "since_january_1", "12_months")
"""Times over which numbers are counted, each inside the next."""


def within(profile: Profile, what: str, of: str, window: str, summed: int | None) -> tuple[float, float]:
    """Return the least and the most that a number may be over a law's window, by what exporter or data state."""
    own = [(number, over) for unit, place, number, over in profile.counts if (unit, place) == (what, of)]
    if not own:
        return (0, inf) if summed is None else (summed, summed)
    shorter = [n for n, over in own if not over or not window or SPANS.index(over) <= SPANS.index(window)]
    longer = [n for n, over in own if not over or not window or SPANS.index(over) >= SPANS.index(window)]
    return max(shorter, default=0), min(longer, default=inf)


def _add(total: int | None, places: set[str], stated: Mapping[str, int]) -> int | None:
    if total is None or places - set(stated):
        return None
    return total + sum(stated[place] for place in places)
