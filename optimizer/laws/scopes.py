"""Does a trigger's scope hold for a profile? Yes with assumptions, or no with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import inf

from .grammar import Rule
from .places import Groups
from .profiles import Vocabulary
from .rows import LawRow
from .triggers import WINDOWS, Scope, Threshold, Volume, in_window
from .types import DataProfile, LegalContext


@dataclass(frozen=True)
class ScopeResult:
    """`why` is empty if the scope holds; `near`: the place matched although something else did not."""

    assumptions: tuple[str, ...] = ()
    why: str = ""
    near: bool = False

    @property
    def met(self) -> bool:
        """True if the scope holds for the profile."""
        return not self.why


@dataclass(frozen=True)
class Between:
    """A number that is at least and at most so much."""

    least: int
    most: float

    @property
    def known_most(self) -> int | None:
        """The most that it can be; None if nothing bounds it."""
        return None if self.most == inf else int(self.most)


NOT_STATED = Between(0, inf)


@dataclass(frozen=True)
class Subject:
    """A profile with its categories expanded by what they imply, on one day and in one context."""

    profile: DataProfile
    categories: frozenset[str]
    on: date
    context: LegalContext
    groups: Groups
    vocabulary: Vocabulary

    @cached_property
    def label(self) -> str:
        """A readable name of the data: categories at jurisdictions."""
        return f"{'+'.join(sorted(self.profile.categories))}@{'+'.join(sorted(self.profile.subjects))}"

    def rules(self, law: LawRow, activity: str) -> tuple[Rule, ...]:
        """The rules of a law for these data: all must be met (`Rules.of`)."""
        spoken = law.data_categories
        words = self.vocabulary
        parts = (part for part in words.parts(self.profile) if "any" in spoken or part & spoken)
        return law.rule(activity).of(parts, lambda name: words.closures.get(name, frozenset()))

    def test(self, scope: Scope) -> ScopeResult:
        """Put the profile's part of a scope to the test, cheapest and most telling fields first."""
        assumptions: list[str] = []
        why = self._places(scope, assumptions)
        if why:
            return ScopeResult(why=why, near=self._near(scope))
        why = self._facts(scope, assumptions)
        if why:
            return ScopeResult(why=why, near=True)
        return ScopeResult(tuple(assumptions))

    def _inside(self, places: Iterable[str], terms: tuple[str, ...]) -> str | None:
        return next((p for p in sorted(places) if self.groups.place_in(p, terms, self.on)), None)

    def _places(self, scope: Scope, assumptions: list[str]) -> str:
        profile = self.profile
        exporter = (profile.exporter_country,) if profile.exporter_country else ()
        persons, stated = profile.places(scope.basis)
        by = f" by {' or '.join(scope.basis)}" if scope.basis else ""
        if scope.where and not self._inside((*persons, *exporter), scope.where):
            return f"neither persons{by} nor exporter are in {_set(scope.where)}"
        if scope.subjects and not self._inside(persons, scope.subjects):
            return f"no persons{by} in {_set(scope.subjects)}"
        if not stated and (scope.subjects or (scope.where and not self._inside(exporter, scope.where))):
            there = self._inside(persons, scope.subjects or scope.where)
            assumptions.append(f"persons of {there} count there{by} (not stated)")
        if scope.exporter:
            if exporter:
                if not self._inside(exporter, scope.exporter):
                    return f"exporter is not established in {_set(scope.exporter)}"
            else:
                assumed = self._inside(profile.subjects, scope.exporter)
                if not assumed:
                    return f"exporter is not known to be established in {_set(scope.exporter)}"
                assumptions.append(f"exporter is established in {assumed} (not stated)")
        if scope.exporter_hq and not self._inside(_maybe(profile.exporter_hq), scope.exporter_hq):
            return f"exporter's headquarters are not known to be in {_set(scope.exporter_hq)}"
        return ""

    def _near(self, scope: Scope) -> bool:
        """The persons or the exporter are in the law's reach, only not as the scope asks."""
        terms = (*scope.where, *scope.subjects, *scope.exporter)
        countries = tuple(t.partition("-")[0] for t in terms)
        places = (*self.profile.subjects, *_maybe(self.profile.exporter_country))
        return bool(self._inside(places, countries))

    def _facts(self, scope: Scope, assumptions: list[str]) -> str:
        profile = self.profile
        if scope.categories and not self.categories & set(scope.categories):
            return f"categories hold none of {_set(scope.categories)}"
        lacking = [c for c in scope.all_categories if c not in self.categories]
        if lacking:
            return f"categories lack {_set(lacking)}"
        if scope.flags and not profile.flags & set(scope.flags):
            return f"no flag of {_set(scope.flags)}"
        if scope.state and not any(set(way.split("&")) <= profile.state for way in scope.state):
            return f"the data are not stated to be {' or '.join(scope.state).replace('&', ' and ')}"
        if scope.who and not (profile.exporter_roles | profile.sectors) & set(scope.who):
            stated = self._stated(scope)
            if stated or scope.unstated == "skips":
                unstated = "" if stated else " (no status stated)"
                return f"exporter's roles and sectors hold none of {_set(scope.who)}{unstated}"
            assumptions.append(f"exporter is one of {_set(scope.who)} (no status stated)")
        why = self._volume(scope.persons, assumptions) if scope.persons is not None else ""
        for one in scope.counts:
            why = why or self._threshold(one, assumptions)
        return why

    def _stated(self, scope: Scope) -> frozenset[str]:
        """The roles that answer a scope's question: who decides on the data, or else what status the exporter has."""
        roles, gdpr = self.profile.exporter_roles, self.vocabulary.gdpr_roles
        return roles & gdpr if gdpr.issuperset(scope.who) else roles - gdpr

    def _volume(self, volume: Volume, assumptions: list[str]) -> str:
        persons, sensitive = self.held(volume.of)
        every = self._between("persons", volume.of, volume.window, persons)
        some = self._between("sensitive_persons", volume.of, volume.window, sensitive)
        some = Between(some.least, min(some.most, every.most))  # no more of them than there are persons
        limits = ((every, volume.at_least, "persons"), (some, volume.sensitive_at_least, "sensitive persons"))
        asked = [(number, limit, word) for number, limit, word in limits if limit is not None]
        told = f"number of persons of {volume.of}{in_window(volume.window)}"
        return self._reached(asked, told, volume.unknown, assumptions)

    def _threshold(self, one: Threshold, assumptions: list[str]) -> str:
        """Why a number of another unit does not reach its threshold, "" if it does."""
        number, word = self._between(one.what, one.of, one.window, None), one.what.replace("_", " ")
        if one.stands_in and number == NOT_STATED:
            persons = self._between("persons", one.of, one.window, self.held(one.of)[0])
            if persons != NOT_STATED:
                number = persons
                assumptions.append(f"persons of {one.of} stand for {one.told}")
        return self._reached([(number, one.at_least, word)], f"number of {one.told}", one.unknown, assumptions)

    @staticmethod
    def _reached(
        asked: Iterable[tuple[Between, int, str]], told: str, unknown: str, assumptions: list[str]
    ) -> str:
        """Why none of some numbers reaches its limit, "" if one does, or may and counts as if it did."""
        asked = list(asked)
        if any(number.least >= limit for number, limit, _ in asked):
            return ""
        if any(number.most >= limit for number, limit, _ in asked):
            text = f"{told} is not stated"
            if unknown == "skips":
                return text
            assumptions.append(f"{text}: the threshold counts as reached")
            return ""
        below = ", ".join(f"{number.most:.0f} {word} < {limit}" for number, limit, word in asked)
        return f"below the threshold: {below}"

    def _between(self, what: str, of: str, window: str, summed: int | None) -> Between:
        """What is known of a number over a law's window: what the exporter states, else what its data add up to.

        What was counted over a longer time is the most that it can be, over a shorter one the least.
        """
        stated = [one for one in self.profile.counts if (one.what, one.of) == (what, of)]
        if not stated:
            return NOT_STATED if summed is None else Between(summed, summed)
        order = tuple(WINDOWS)
        least, most = 0, inf
        for one in stated:
            same = not window or not one.window or one.window == window
            if same or order.index(one.window) > order.index(window):
                most = min(most, one.number)
            if same or order.index(one.window) < order.index(window):
                least = max(least, one.number)
        return Between(least, most)

    def counts(self, of: str, window: str = "") -> tuple[int | None, int | None]:
        """The most persons and sensitive persons of a place who may leave over a law's window; None = unknown.

        Sensitive data without a count counts everybody.
        """
        persons, sensitive = self._counts(of, self.context.persons_leaving)
        every = self._between("persons", of, window, persons)
        some = self._between("sensitive_persons", of, window, sensitive)
        return every.known_most, some.known_most

    def held(self, of: str) -> tuple[int | None, int | None]:
        """Persons and sensitive persons of a place whose data the exporter has, leaving or not."""
        context = self.context
        return self._counts(of, context.persons_leaving if context.persons_held is None else context.persons_held)

    def _counts(
        self, of: str, stated: Mapping[tuple[str, str], tuple[int, int]] | None
    ) -> tuple[int | None, int | None]:
        if stated is not None and (self.profile.exporter, of) in stated:
            return stated[self.profile.exporter, of]
        persons = self._sum(self.profile.persons, of)
        if "sensitive" not in self.categories:
            return persons, 0
        sensitive = self._sum(self.profile.sensitive_persons, of)
        return persons, persons if sensitive is None else sensitive

    def _sum(self, counts: tuple[tuple[str, int], ...], of: str) -> int | None:
        inside = {p for p in self.profile.subjects if self.groups.place_in(p, (of,), self.on)}
        known = {p: n for p, n in counts if self.groups.place_in(p, (of,), self.on)}
        if inside - set(known):
            return None
        return sum(known.values())


def _maybe(text: str | None) -> tuple[str, ...]:
    return (text,) if text else ()


def _set(words: Iterable[str]) -> str:
    return "{" + ", ".join(words) + "}"
