"""The laws, interpreted a second time from their tables: which bind, what they allow where, which safeguard they ask.

Nothing here calls the evaluator of `optimizer.laws`; only its tables (laws, groups, triggers, mechanisms, holders) are
read. A ruling ANDs over laws: the worst decides and every law behind it is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from optimizer.audit.law_operators import Operated, OperatorTests
from optimizer.audit.law_profiles import Profile, Profiles
from optimizer.audit.law_text import GroupBook, Reading, by_category, obligations, read, single, together
from optimizer.audit.law_triggers import Operator, Place, Tests
from optimizer.audit.law_ways import Asked, Option, Ways
from optimizer.instance.models import Instance

if TYPE_CHECKING:
    from optimizer.laws import LawPack

IN_FORCE = {"in_force", "repealed", "superseded", "enacted_not_yet_in_force", "enacted_phasing_in"}
GUIDANCE = {"guidance", "guidance_reported"}
BINDING_KINDS = {
    "HARD_LOCAL", "STORE_ONLY", "LOCAL_COPY", "LOCAL_PRIMARY", "ALLOWLIST", "CONDITIONAL", "APPROVAL_GATE", "DENYLIST",
    "VOLUME", "OPERATOR_CONTROL", "PERSONNEL",
}  # fmt: skip
CHIP_KINDS = {"ACCEL_EXPORT", "ACCEL_LOCAL"}


def binds(row: Any) -> bool:
    """Return True if a law rules on data: by its trigger, else by its kind."""
    kinds = set(row.kind.split("+"))
    effect = row.trigger.effect or ("rule" if kinds & BINDING_KINDS and not kinds & CHIP_KINDS else "")
    return bool(effect == "rule")


@dataclass(frozen=True)
class Need:
    """A law asks for any one of these safeguards, and maybe for others besides."""

    law: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Ruling:
    """What all laws together say. `forbids`, `approvals` (missing) and `lacks` (no safeguard): (law, reason).

    `laws` say something of the place; `may_speak` adds those that only ask something of operators, and found it met.
    `withheld` are (law, rule) of certificates that nobody knows to be held, `confirm` the rules of those it rests on.
    """

    forbids: tuple[tuple[str, str], ...] = ()
    approvals: tuple[tuple[str, str], ...] = ()
    lacks: tuple[tuple[str, str], ...] = ()
    needs: tuple[Need, ...] = ()
    laws: tuple[str, ...] = ()
    may_speak: tuple[str, ...] = ()
    withheld: tuple[tuple[str, str], ...] = ()
    confirm: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """True if no law stands against it (safeguards may still have to be bought)."""
        return not (self.forbids or self.approvals or self.lacks or self.withheld)


@dataclass(frozen=True)
class Obligation:
    """A law asks for a copy in one of `places`."""

    law: str
    kind: str
    places: frozenset[str]


class LawBook:
    """The law tables of one instance, with what the instance asserts."""

    def __init__(self, pack: LawPack, instance: Instance, profiles: Profiles, operators: dict[str, Operator],
                 certificates: frozenset[tuple[str, str]]) -> None:  # fmt: skip
        self._pack = pack
        said = instance.legal_assertions
        self._said = said
        self._profiles = profiles
        self.groups = GroupBook(pack.groups.rows, pack.groups.ids)
        self.tests = Tests(
            groups=self.groups,
            operators=operators,
            holders=pack.operators.holders,
            levels=pack.operators.levels,
            importer_status=said.importer_status,
            certificates=certificates,
            sources=profiles.sources,
            gdpr_roles=pack.vocabulary.gdpr_roles,
        )
        self.ways = Ways(pack, instance, self.tests)
        self.operators = OperatorTests(self.tests, instance, pack.parties)
        self._active: dict[date, tuple[Any, ...]] = {}
        self._memo: dict[tuple[Any, ...], Ruling] = {}
        self.rulings_at: dict[tuple[Profile, tuple[str, str, str], date], list[tuple[str, Ruling]]] = {}
        self._reach: dict[tuple[Profile, date], tuple[tuple[Any, tuple[Any, ...]], ...]] = {}

    def law(self, law_id: str, on: date) -> Any:
        """Return a law's row as amended on a day."""
        row = self._pack.laws[law_id]
        for start, amended in self._pack.amendments.get(law_id, ()):
            if start <= on:
                row = amended
        return row

    def active(self, on: date) -> tuple[Any, ...]:
        """Return the laws in force on a day; guidance too if the instance takes it as advisory."""
        if on not in self._active:
            statuses = IN_FORCE | (GUIDANCE if self._said.advisory else set())
            rows = (self.law(law_id, on) for law_id in self._pack.laws)
            self._active[on] = tuple(
                row
                for row in rows
                if (row.status in statuses or (row.status in GUIDANCE and row.trigger.risk and row.trigger.accelerator))
                and row.in_force_from is not None
                and row.in_force_from <= on
                and (row.in_force_to is None or on <= row.in_force_to)
            )
        return self._active[on]

    def ruling(self, profile: Profile, at: Place, activity: str, on: date) -> Ruling:
        """Return what the laws say of storing or processing a profile's data at a destination on a day, or of having
        access to them from there: the rule of processing, without what is asked of operators who store or process.
        """
        key = (profile, at, activity, on)
        if key not in self._memo:
            self._memo[key] = self._rule(profile, at, activity, on)
        return self._memo[key]

    def _reaching(self, profile: Profile, on: date) -> tuple[tuple[Any, tuple[Any, ...]], ...]:
        """Return the laws that reach a profile's data on a day, each with its scopes; the same at every place."""
        key = (profile, on)
        if key not in self._reach:
            found = ((row, self.tests.reaching(row.trigger, profile, on)) for row in self._binding(profile, on))
            self._reach[key] = tuple((row, scopes) for row, scopes in found if scopes is not None)
        return self._reach[key]

    def passing(self, profile: Profile, on: date) -> list[tuple[str, Ruling]]:
        """Return the rulings on data that pass places on their way, and on those that are sent on, as is stated.

        Of a route that nobody states: the laws that leave only some open, each to be confirmed.
        """
        found = []
        for place in profile.via or ():
            at = Place(place.partition("-")[0], place, "", None, "instance")
            found.append(("transit", self.ruling(profile, at, "transit", on)))
        for place in profile.onward or ():
            at = Place(place.partition("-")[0], place, f"recipient in {place}", None, "instance", recipient=True)
            found.append(("onward transfer", self.ruling(profile, at, "processing", on)))
        if profile.via is None:
            asking = [
                row.id
                for row in self.reaching(profile, on)
                if any(rule not in ("", "none", "free:*") for rule in self._rules(row, profile, "transit"))
                and not self.set_aside(row.id, Place("", "", "", None, "instance"), on)
            ]
            if asking:
                confirm = tuple(f"route:{law}" for law in asking)
                found.append(("transit", Ruling(laws=tuple(asking), confirm=confirm)))
        return found

    def reaching(self, profile: Profile, on: date) -> list[Any]:
        """Return the laws that reach a profile's data on a day, wherever they are."""
        return [row for row, _ in self._reaching(profile, on)]

    def _binding(self, profile: Profile, on: date) -> Iterable[Any]:
        for row in self.active(on):
            if binds(row) and ("any" in row.data_categories or row.data_categories & profile.categories):
                yield row

    def _rule(self, profile: Profile, at: Place, activity: str, on: date) -> Ruling:
        forbids: list[tuple[str, str]] = []
        approvals: list[tuple[str, str]] = []
        lacks: list[tuple[str, str]] = []
        needs: list[Need] = []
        laws: list[str] = []
        may_speak: list[str] = []
        withheld: list[tuple[str, str]] = []
        confirm: list[str] = []
        for row, scopes in self._reaching(profile, on):
            if not self.tests.binds(scopes, at, on):
                continue
            aside = self._has_no_say(row, at, on)
            operated = Operated() if aside else self.operators.of(row, profile, at, activity, on)
            level, reason, asked = self._one(row, profile, at, activity, on, operated=operated)
            for held in operated.certificates if level != "forbidden" else ():
                if self.operators.usable(held, on):
                    confirm.append(held.rule)
                else:
                    withheld.append((row.id, held.rule))
            reading = self._read(row, profile, at, activity, on)
            speaks = reading.named or reading.level != "free" or level != "free"
            laws += [row.id] if speaks else []
            may_speak += [row.id] if speaks or row.trigger.requires else []
            if level == "forbidden":
                forbids.append((row.id, reason))
            elif level == "approval":
                approvals.append((row.id, reason))
            elif level == "lacking":
                lacks.append((row.id, reason))
            elif level == "conditional":
                needs += [Need(row.id, options) for options in asked]
        return Ruling(
            tuple(forbids), tuple(approvals), tuple(lacks), tuple(needs), tuple(laws), tuple(may_speak),
            tuple(withheld), tuple(confirm),
        )  # fmt: skip

    def _one(
        self, row: Any, profile: Profile, at: Place, activity: str, on: date, *, operated: Operated
    ) -> tuple[str, str, Asked]:
        """Return (level, reason, what it asks) of one law; level free, conditional, approval, lacking or forbidden."""
        trigger, healing = row.trigger, operated.healing
        if self._has_no_say(row, at, on):
            return "free", "", ()
        if operated.fails:
            return "forbidden", operated.fails, ()
        reading = self._read(row, profile, at, activity, on)
        if reading.level == "free":
            ways = single(healing)
            return self.ways.open(row, ways, profile, at, on, gate=False) if healing else ("free", "", ())
        if activity == "storage" and reading.level == "forbidden" and not reading.denied:
            reading = self._passing(row, profile, at, on) or reading
        ways = reading.ways
        if reading.level == "forbidden":
            if not set(trigger.exemption_flags) & profile.flags:
                how = "denied" if reading.denied else "not among the places left open"
                return "forbidden", f"{at.place} is {how} for {activity}", ()
            ways = single(row.mechanisms)
        return self.ways.open(row, ways, profile, at, on, gate=reading.level == "approval")

    def _rules(self, row: Any, profile: Profile, activity: str) -> list[str]:
        text = row.storage_rule if activity == "storage" else row.processing_rule
        text = row.access_rule or text if activity == "access" else text
        text = row.transit_rule if activity == "transit" else text
        return self._profiles.rules(text, row.data_categories, profile)

    def _read(self, row: Any, profile: Profile, at: Place, activity: str, on: date) -> Reading:
        """Return what a law's rules for a profile's data say of a place."""

        def member(term: str) -> bool:
            return self.tests.member(term, profile, at, on)

        return together([read(rule, member) for rule in self._rules(row, profile, activity)])

    def _passing(self, row: Any, profile: Profile, at: Place, on: date) -> Reading | None:
        """Return how a law bears data that pass through a place its storage rule leaves closed; None if it does not.

        Its processing rule must open the place by a mechanism that says within how many hours data are deleted, and
        the data must be kept no longer. Data at rest, and laws that count persons, have no such way.
        """
        kept = profile.retention_hours
        if kept is None or row.trigger.volumes is not None or set(row.trigger.exemption_flags) & profile.flags:
            return None
        worked = self._read(row, profile, at, "processing", on)
        limits = {name: self._pack.mechanisms[name].max_retention_hours for name in worked.mechanisms}
        bear = {name for name, hours in limits.items() if hours is not None and kept <= hours}
        tiers = (tuple(way for way in tier if bear & set(way)) for tier in worked.ways)
        ways = tuple(tier for tier in tiers if tier)
        return Reading(worked.level, ways, named=True) if ways else None

    def set_aside(self, law: str, at: Place, on: date) -> bool:
        """Return True if somebody set a law aside for a place and its operator on a day."""
        return any(
            o.law == law
            and on <= o.expires
            and (not o.countries or at.country in o.countries or at.place in o.countries)
            and (not o.providers or at.provider in o.providers)
            for o in self._said.overrides
        )

    def _has_no_say(self, row: Any, at: Place, on: date) -> bool:
        """Return True if somebody set a law aside at a place, or it holds that place to be home."""
        home = row.trigger.home and self.groups.within(at.place, row.trigger.home, on)
        return bool(home) or self.set_aside(row.id, at, on)

    def knows(self, mechanism: str) -> bool:
        """Return True if the law pack has a mechanism of this name."""
        return mechanism in self._pack.mechanisms

    def key_of(self, mechanism: str) -> tuple[str, ...]:
        """Return what a mechanism is charged once for: the parts of its key."""
        key: tuple[str, ...] = self._pack.mechanisms[mechanism].key
        return key

    def support_seats(self, home: Place, on: date) -> list[Place]:
        """Return the countries from which the provider is known to support and operate; none if nobody knows."""
        chosen = self._said.support.get(home.provider, "")
        lines = [one for one in self._pack.operators.support.get(home.provider, ()) if one.choice == chosen]
        countries: set[str] = set()
        for term in (term for one in lines for term in one.terms):
            countries |= self.groups.members(term, on) if term in self.groups else {term}
        if "(region)" in countries:
            countries = (countries - {"(region)"}) | {home.country}
        return [home.in_country(country) for country in sorted(countries - {"EU"})]

    def support_read(self, provider: str) -> bool:
        """Return True if somebody read from where a provider supports, under the terms that hold."""
        chosen = self._said.support.get(provider, "")
        lines = [one for one in self._pack.operators.support.get(provider, ()) if one.choice == chosen]
        return all(one.confidence == "verified in page" for one in lines)

    def rules_on_access(self, profile: Profile, on: date) -> bool:
        """Return True if some law that reaches a profile's data rules on who sees them from elsewhere."""
        every = (rule for row, _ in self._reaching(profile, on) for rule in self._rules(row, profile, "access"))
        return any(rule not in ("", "none") for rule in every)

    def chip_reading(self, row: Any, at: Place, on: date) -> Reading:
        """Return what an export rule says of a place."""

        def member(term: str) -> bool:
            if term not in self.groups:
                return term in (at.place, at.country)
            return "" in self.groups.conditions(term, {at.place, at.country}, on)

        return read(dict(by_category(row.processing_rule)).get("*", "none"), member)

    def chip_safeguards(
        self, row: Any, reading: Reading, nobody: Profile, at: Place, on: date
    ) -> tuple[str, str, Asked]:
        """Return the level an export rule comes to, why, and what it asks for, for a place it leaves open."""
        return self.ways.open(row, reading.ways, nobody, at, on, gate=reading.level == "approval")

    def set_aside_everywhere(self, law: str, on: date) -> bool:
        """Return True if somebody set a law aside on a day, whatever the place and the operator."""
        everywhere = (o for o in self._said.overrides if not (o.countries or o.providers))
        return any(o.law == law and on <= o.expires for o in everywhere)

    def obligations(self, profile: Profile, on: date) -> list[Obligation]:
        """Return the copies that the laws binding a profile ask for, less those set aside everywhere."""
        nowhere = Place("", "", "", None, "storage")
        found = []
        for row, scopes in self._reaching(profile, on):
            rules = self._rules(row, profile, "storage")
            asks = dict.fromkeys(clause for rule in rules for clause in obligations(rule))
            if not asks or not self.tests.binds(scopes, nowhere, on):
                continue
            if self.set_aside_everywhere(row.id, on):
                continue
            for clause in asks:
                places: set[str] = set()
                for term in clause.terms:
                    places |= self.groups.members(term, on) if term in self.groups else {term}
                found.append(Obligation(row.id, clause.verb, frozenset(places)))
        return found
