"""The judge: one profile on one day in one context, asked about many destinations.

Laws compose by AND. Each law gives an outcome per activity; the worst level decides and every law that had a say is
named. A judge is made once per (profile, day, context). What it says of places is found on a `Bench`, which it shares
with all profiles that the laws cannot tell apart there (`narrowing`), and which remembers its answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from .certificates import VERIFIED
from .coverage import Profiled
from .grammar import Match, Membership, Rule, any_of, match_rule, worst
from .mechanisms import MechanismDesk
from .narrowing import Bound
from .operators import Operators
from .outcomes import Outcome, Said, combine
from .places import Groups, condition_sectors
from .remarks import Remark, worded
from .requirements import Requirements, places
from .rows import LawRow
from .scopes import Subject
from .triggers import Scope
from .types import (
    FREE_VERDICT,
    Destination,
    Level,
    Verdict,
    Verdicts,
)


@dataclass(frozen=True, eq=False)
class Judge:
    """Judges destinations for one profile; build it through `LawPack.judge_for`.

    `bench` finds the verdicts; `not_triggered` (law, why) is the profile's own, and so is what is known of the
    jurisdictions that it touches (`coverage`; None where one law is judged alone).
    """

    bench: Bench
    not_triggered: tuple[tuple[str, str], ...] = ()
    coverage: Profiled | None = None

    @property
    def bound(self) -> tuple[Bound, ...]:
        """The laws with a rule that bind the profile."""
        return self.bench.bound

    def onward(self, place: str) -> Verdict:
        """What is said of data that are sent on to somebody in a place, from wherever they are."""
        found = combine("onward", self.bench.sent_on(place))
        return found if self.coverage is None else self.coverage.temper(found, self.coverage.of((place,)))

    def at(self, destination: Destination) -> Verdicts:
        """The verdicts for a destination."""
        found = replace(self.bench.at(destination), not_triggered=self.not_triggered)
        if self.coverage is None:
            return found
        known = self.coverage.of((destination.place,))
        seats = self.bench.seats(destination)
        seen = self.coverage.of(seats) if seats else tuple(one for one in known if one.side == "origin")
        return replace(
            found,
            storage=self.coverage.temper(found.storage, known),
            processing=self.coverage.temper(found.processing, known),
            access=self.coverage.temper(found.access, seen),
            coverage=tuple(dict.fromkeys((*known, *seen))),
        )


class Bench:
    """Judges destinations for all subjects that are one when `narrowed`; it never sees what is not in there."""

    def __init__(
        self,
        *,
        subject: Subject,
        bound: tuple[Bound, ...],
        unmodelled: tuple[Bound, ...],
        risky: tuple[Bound, ...],
        operators: Operators,
        desk: MechanismDesk,
        alone: bool = False,
    ) -> None:
        self.subject = subject
        self.bound = bound
        self._unmodelled = unmodelled
        self._risky = risky
        self._operators = operators
        self._desk = desk
        self._alone = alone
        self._requirements = Requirements(subject, operators, alone=alone)
        self._by_region = any(r.certificates for b in bound for r in b.law.trigger.requires)
        shared = not any(o.activities for o in subject.context.overrides)
        self._same = frozenset(b.law.id for b in bound if shared and _same_for_both(b))
        open_scopes = [scope for b in (*bound, *unmodelled, *risky) for scope in b.open_scopes]
        self._by_service = self._by_region or operators.status_by_service or any(s.services for s in open_scopes)
        self._risk_by_place = any(scope.destinations for b in risky for scope in b.open_scopes)
        self._memo: dict[Destination, Verdicts] = {}
        self._equal: dict[Verdicts, Verdicts] = {}
        self._from: dict[tuple[str | None, ...], tuple[Verdict, tuple[str, ...]]] = {}
        self._residual: dict[tuple[str | None, ...], tuple[str, ...]] = {}

    @property
    def laws(self) -> frozenset[str]:
        """Every law it may have a word from."""
        return frozenset(b.law.id for b in (*self.bound, *self._unmodelled, *self._risky))

    @property
    def groups(self) -> Groups:
        """The dated groups it judges by."""
        return self.subject.groups

    @property
    def on(self) -> date:
        """The day it judges."""
        return self.subject.on

    def at(self, destination: Destination) -> Verdicts:
        """The verdicts for a destination; equal ones are one object."""
        key = destination
        if not self._by_region:
            service = destination.service if self._by_service else "instance"
            if destination.region is not None or destination.service != service:
                key = Destination(destination.country, destination.subdivision, destination.provider, None, service)
        found = self._memo.get(key)
        if found is None:
            found = self._judge(key)
            found = self._memo[key] = self._equal.setdefault(found, found)
        return found

    def _judge(self, destination: Destination) -> Verdicts:
        here = Place(destination, self)
        stored = self._outcomes("storage", here, {})
        processed = self._outcomes("processing", here, {law.id: outcome for law, _, outcome in stored})
        storage, processing = combine("storage", stored), combine("processing", processed)
        operator = (destination.provider, destination.region, destination.service, destination.country)
        if operator not in self._from:
            self._from[operator] = self._access(destination)
        access, risks = self._from[operator]
        exposed = (destination.provider, destination.service, destination.place if self._risk_by_place else None)
        if exposed not in self._residual:
            self._residual[exposed] = self._risks(destination)
        return Verdicts(
            storage=storage,
            processing=processing,
            access=access,
            passing=self.passing,
            unmodelled=tuple(b.law.id for b in self._unmodelled if self._open(b, destination) is not None),
            residual_risks=(*risks, *self._residual[exposed]),
        )

    def transit(self, destination: Destination) -> Verdict:
        """What laws say of data that pass a place without being kept or worked on; most say nothing."""
        return combine("transit", self._transit(destination))

    @cached_property
    def passing(self) -> Verdict:
        """Transit and onward transfer as the profile states them; of a route that it does not, what is taken as met."""
        profile, said = self.subject.profile, []
        for place in profile.via or ():
            country, _, subdivision = place.partition("-")
            said += _worded(self._transit(Destination(country, subdivision or None)), f"on the way through {place}")
        for place in profile.onward or ():
            said += _worded(self.sent_on(place), f"sent on to {place}")
        return combine("passing", [*said, *(self._route_unstated() if profile.via is None else ())])

    def _transit(self, destination: Destination) -> list[Said]:
        here, found = Place(destination, self), list[Said]()
        for bound in self.bound:
            assumptions = self._open(bound, destination) if _ruled(bound.transit) else None
            if assumptions is not None:
                outcome = self._law(bound, "transit", destination, here.match(bound.transit))
                found += [(bound.law, assumptions, outcome)] if outcome.named else []
        return found

    def sent_on(self, place: str) -> list[Said]:
        """What laws say of data that are sent on to somebody in a place, from wherever they are."""
        country, _, subdivision = place.partition("-")
        to = Destination(country, subdivision or None, f"recipient in {place}", is_recipient=True)
        return self._outcomes("processing", Place(to, self), {})

    def _route_unstated(self) -> list[Said]:
        """Of laws that leave only some routes open: that nobody stated which the data take."""
        found = list[Said]()
        for bound in self.bound:
            rules = [rule.text for rule in bound.transit if not (rule.is_none or rule.is_free)]
            if rules and not self._override(bound.law, "transit", Destination("")):
                told = f"{bound.law.id}: the data keep to routes that it leaves open ({'; '.join(rules)}), not stated"
                question = f"which places the data pass is not stated (via), and {bound.law.id} rules on it"
                outcome = Outcome(Level.FREE, conditions=(told,), confirm=((f"route:{bound.law.id}", question),))
                found.append((bound.law, bound.assumptions, outcome))
        return found

    def condition(self, condition: str, destination: Destination) -> tuple[bool | None, str]:
        """Test a group member's condition; one that nobody understands is not met."""
        importer = self._operators.importer_condition(condition, destination, self.on, self.subject.context)
        if importer is not None:
            return importer
        sectors = condition_sectors(condition)
        met = bool(sectors & (self.subject.profile.sectors | self.subject.categories))
        return met, condition

    def _outcomes(self, activity: str, here: Place, before: Mapping[str, Outcome]) -> list[Said]:
        """What every law that has a say says of one activity; `before`: outcomes of storage, reused where the law is
        the same for both."""
        found: list[Said] = []
        for bound in self.bound:
            law = bound.law
            match = here.match(bound.rules(activity))
            if activity == "storage":
                match = self._until_deleted(bound, here, match)
            if match.verb is None and match.level is Level.FREE and not law.trigger.requires:
                continue
            assumptions = self._open(bound, here.destination)
            if assumptions is None:
                continue
            outcome = before.get(law.id) if law.id in self._same else None
            outcome = outcome or self._law(bound, activity, here.destination, match)
            if outcome.named:
                found.append((law, assumptions, outcome))
        return found

    def _until_deleted(self, bound: Bound, here: Place, match: Match) -> Match:
        """Storage that a law leaves open nowhere else, where its own processing rule bears data for a limited time.

        What is deleted within the window of a mechanism of the processing rule (`max_retention_hours`) is no more than
        its processing: storage then needs such a mechanism. Data at rest (no retention stated), a `deny` and longer
        retention stay refused; so does a law whose mechanisms depend on persons who leave.
        """
        profile = self.subject.profile
        if match.level is not Level.FORBIDDEN or match.verb is not None or profile.retention_hours is None:
            return match
        law = bound.law
        if law.trigger.volumes is not None or set(law.trigger.exemption_flags) & profile.flags:
            return match
        processing = here.match(bound.processing)
        ways = self._desk.within_window(processing.ways, profile.retention_hours)
        if not ways:
            return match
        told = self._desk.windows(ways, profile.retention_hours)
        return Match(processing.level, processing.verb, ways, (*processing.conditions, *told))

    def _open(self, bound: Bound, destination: Destination) -> tuple[str, ...] | None:
        """Assumptions under which a law binds at this destination, or None if it does not."""
        if not bound.open_scopes:
            return bound.assumptions
        for scope in bound.open_scopes:
            met = self._destination_scope(scope, destination)
            if met is not None:
                return (*bound.assumptions, *met)
        return None

    def _destination_scope(self, scope: Scope, destination: Destination) -> tuple[str, ...] | None:
        if scope.services and destination.service not in scope.services:
            return None
        if scope.destinations and not self.groups.place_in(destination.place, scope.destinations, self.on):
            return None
        if not scope.provider_control:
            return ()
        if destination.provider is None:
            return None
        facts = self._operators.facts(destination.provider, self.subject.context)
        if not facts.control_known:
            within = ", ".join(scope.provider_control)
            return (Remark(f"control unknown, counted as within {within}", "", facts.provider),)
        reach = any(self.groups.place_in(j, scope.provider_control, self.on) for j in places(facts.control_strict))
        return () if reach else None

    def _law(self, bound: Bound, activity: str, destination: Destination, match: Match) -> Outcome:
        law = bound.law
        if law.trigger.home and self.groups.place_in(destination.place, law.trigger.home, self.on):
            return Outcome(Level.FREE)
        outcome = self._unless_set_aside(bound, activity, destination, match)
        if outcome.level is Level.FREE and not outcome.confirm:
            return outcome
        override = self._override(law, activity, destination)
        return Outcome(Level.FREE, conditions=(override,)) if override else outcome

    def _unless_set_aside(self, bound: Bound, activity: str, destination: Destination, match: Match) -> Outcome:
        asked = self._requirements.of(bound.law, bound.requires, activity, destination)
        if asked.failed and not asked.healing:
            return Outcome(Level.FORBIDDEN, reason=asked.failed)
        if asked.healing and match.level is Level.FREE:
            match = Match(Level.CONDITIONAL, "cond", any_of(asked.healing))
        outcome = self._outcome(bound.law, destination, match, tuple(asked.conditions))
        return outcome.asking(asked) if asked.unknown or asked.confirm else outcome

    def _outcome(self, law: LawRow, destination: Destination, match: Match, conditions: tuple[str, ...]) -> Outcome:
        if match.conditions:
            conditions = (*conditions, *(worded(text, before=f"{law.id}: ") for text in match.conditions))
        if match.level is Level.FREE:
            named = match.verb is not None or bool(conditions)
            return Outcome(Level.FREE, named=named, conditions=conditions)
        ways = match.ways
        if match.level is Level.FORBIDDEN:
            if not set(law.trigger.exemption_flags) & self.subject.profile.flags:
                return self._closed(law, destination, match)
            ways = any_of(law.mechanisms)
        offer = self._desk.offer(law, match.level, ways, destination, self.subject, alone=self._alone)
        level = offer.level
        told = (*conditions, *offer.conditions)
        return Outcome(level, offer=offer, conditions=told, reason=offer.reason, free_if=match.free_if)

    @staticmethod
    def _closed(law: LawRow, destination: Destination, match: Match) -> Outcome:
        """What a rule leaves closed; where the importer is not named yet, on the condition that would open it."""
        if match.free_if and destination.provider is None:
            told = tuple(worded(text, before=f"{law.id}: ") for text in match.free_if)
            return Outcome(Level.CONDITIONAL, conditions=told, free_if=match.free_if)
        where = "denied" if match.verb == "deny" else "not among the places it leaves open"
        return Outcome(Level.FORBIDDEN, reason=f"{destination.place} is {where}", free_if=match.free_if)

    def _override(self, law: LawRow, activity: str, destination: Destination) -> str:
        for override in self.subject.context.overrides:
            if override.law_id == law.id and override.covers(
                exporter=self.subject.profile.exporter, destination=destination, activity=activity, on=self.on
            ):
                return (
                    f"{law.id}: set aside by {override.author} until {override.expires.isoformat()}: {override.basis}"
                )
        return ""

    def _access(self, destination: Destination) -> tuple[Verdict, tuple[str, ...]]:
        """Access from the provider's support countries, as far as they are known; unknown is a residual risk."""
        if all(rule.is_none for bound in self.bound for rule in bound.rules("access")):
            return FREE_VERDICT, ()
        seats = self.seats(destination)
        if not seats:
            return self._access_unknown(destination), ()
        said: dict[Said, None] = {}
        for country in seats:
            seat = Destination(country, None, destination.provider, destination.region, destination.service)
            said.update(dict.fromkeys(self._outcomes("access", Place(seat, self), {})))
        worst = combine("access", said)
        return replace(worst, confirm=self._support_to_confirm(destination)), ()

    def _support_to_confirm(self, destination: Destination) -> tuple[tuple[str, str], ...]:
        """What nobody read of the countries from which the provider supports."""
        who = destination.provider or ""
        chosen = self.subject.context.support.get(who, "")
        lines = [one for one in self._operators.support.get(who, ()) if one.choice == chosen]
        told = [
            f"that {who} supports from {'|'.join(one.terms)} ({one.condition}) is to be confirmed: {one.confidence}"
            for one in lines
            if one.confidence != VERIFIED
        ]
        return tuple((f"access:{who}", text) for text in told)

    def seats(self, destination: Destination) -> tuple[str, ...]:
        """The countries from which the provider is known to support and operate; none if nobody knows."""
        chosen = self.subject.context.support
        return self._operators.seats(destination.provider, destination.country, self.on, chosen)

    def _access_unknown(self, destination: Destination) -> Verdict:
        who = destination.provider or "a provider that is not named"
        rule = f"access:{destination.provider or '*'}"
        lines = self._operators.support.get(destination.provider or "", ())
        choices = "; ".join(f"{one.choice}: {one.condition}" for one in lines)
        told = Remark("the countries of support and operation are not known", "", who)
        if choices:
            told = Remark("which terms of support hold is not stated", choices, who)
        context = self.subject.context
        refused = context.unknown_access == "refuse" and not context.accepted(rule, self.on)
        return Verdict(Level.UNKNOWN, unknown=((rule, told),), refused=(rule,) if refused else ())

    def _risks(self, destination: Destination) -> tuple[str, ...]:
        if destination.provider is None:
            return ()
        facts = self._operators.facts(destination.provider, self.subject.context)
        found: list[str] = []
        for bound in self._risky:
            if self._open(bound, destination) is None:
                continue
            law, trigger = bound.law, bound.law.trigger
            if not facts.control_known:
                found.append(Remark(f"{law.id}: {trigger.risk}", "control unknown", facts.provider))
                continue
            exposed = places(facts.control_strict)
            hit = [j for j in exposed if self.groups.place_in(j, trigger.risk_control, self.on)]
            if trigger.risk_control_outside:
                hit += [j for j in exposed if not self.groups.place_in(j, trigger.risk_control_outside, self.on)]
            if hit:
                found.append(Remark(f"{law.id}: {trigger.risk}", f"exposed to {', '.join(hit)}", facts.provider))
        return tuple(found)


class Place:
    """A destination as rules see it: which of their terms hold there."""

    def __init__(self, destination: Destination, bench: Bench) -> None:
        self.destination = destination
        self._bench = bench
        self._places = tuple(dict.fromkeys((destination.place, destination.country)))
        self._holds: dict[str, Membership] = {}
        self._conditional: set[str] = set()

    def match(self, rules: tuple[Rule, ...]) -> Match:
        """What rules say here that must all be met."""
        return self._match(rules[0]) if len(rules) == 1 else worst([self._match(rule) for rule in rules])

    def _match(self, rule: Rule) -> Match:
        """What the rule says here; remembered for every judge unless a member's condition had to be tested."""
        key = (rule.text, self._places[0], self._bench.on)
        memo = self._bench.groups.matches
        found = memo.get(key)
        if found is None:
            found = match_rule(rule, self.holds)
            if not self._conditional & rule.terms():
                memo[key] = found
        return found

    def holds(self, term: str) -> Membership:
        """Whether the place is in a term."""
        found = self._holds.get(term)
        if found is None:
            groups = self._bench.groups
            if term in groups:
                found = groups.membership(term, self._places, self._bench.on, lambda text: self._test(term, text))
            else:
                found = Membership(term in self._places)
            self._holds[term] = found
        return found

    def _test(self, term: str, condition: str) -> tuple[bool | None, str]:
        self._conditional.add(term)
        return self._bench.condition(condition, self.destination)


def _ruled(rules: tuple[Rule, ...]) -> bool:
    return any(not rule.is_none for rule in rules)


def _worded(said: list[Said], where: str) -> list[Said]:
    """What laws said, with where the data pass or are sent on before each reason."""
    return [
        (law, assumptions, replace(one, reason=f"{where}: {one.reason}" if one.reason else ""))
        for law, assumptions, one in said
    ]


def _same_for_both(bound: Bound) -> bool:
    """True if storage and processing get the same outcome from a law."""
    same = all(r.activities == ("storage", "processing") for r in bound.law.trigger.requires)
    return same and bound.storage == bound.processing
