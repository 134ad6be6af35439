"""What laws require of exporters and operators, tested once more for the audit: control, seat, certificates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from optimizer.audit.law_profiles import Profile, User
from optimizer.audit.law_triggers import Held, Place, Tests
from optimizer.instance.models import Instance
from optimizer.instance.rules import StatedParty


@dataclass(frozen=True)
class Operated:
    """What a law requires of an operator: why it fails, by which mechanisms that is healed, certificates to look at."""

    fails: str = ""
    healing: tuple[str, ...] = ()
    certificates: tuple[Held, ...] = ()


class OperatorTests:
    """Tests what laws require of operators, with what an instance makes of certificates that nobody knows."""

    def __init__(self, tests: Tests, instance: Instance, carried: Mapping[str, Any]) -> None:
        self._tests = tests
        self._answer = instance.laws.unknown.certificate or "refuse"
        self._accepts = instance.legal_assertions.accepts
        self._parties = dict(carried) | {one.name: _stated(one) for one in instance.legal_assertions.parties}

    def usable(self, held: Held, on: date) -> bool:
        """Return True if a law takes a certificate as held."""
        accepted = any(a.rule == held.rule and on <= a.expires for a in self._accepts)
        return held.usable(self._answer, accepted)

    def of(self, row: Any, profile: Profile, at: Place, activity: str, on: date) -> Operated:
        """Return what a law requires of exporter and operator for an activity, and how far that is met."""
        healing: tuple[str, ...] = ()
        certificates: list[Held] = []
        for requires in row.trigger.requires:
            applies = requires.when is None or self._tests.holds(requires.when, profile, on)
            if activity not in requires.activities or not applies:
                continue
            asked = [
                self._tests.certified([(c.scheme, c.at_least) for c in any_of], at, on)
                for any_of in (() if at.recipient else requires.certificates)
            ]
            fails, unseen = self._listed(requires.parties, profile, at) if requires.parties else ("", [])
            fails = fails or self._controlled(requires, profile, at, on)
            fails = fails or ("" if at.recipient else _uncertified(requires, asked, at))
            if requires.instead and (fails or not all(self.usable(held, on) for held in asked)):
                healing = requires.instead
            elif fails:
                return Operated(fails)
            else:
                certificates += [held for held in asked if held.rule] + unseen
        return Operated("", healing, tuple(certificates))

    def _listed(self, test: Any, profile: Profile, at: Place) -> tuple[str, list[Held]]:
        """Return why a party is shut out by a list, "" if none is known to be; and those that nobody looked up."""
        unseen = []
        for who in test.of:
            name = at.provider if who == "operator" else profile.exporter
            known = self._shut_out(name, test, ()) if name else "maybe"
            if known == "yes":
                return f"{name} is on {', '.join(test.lists)}, or owned by who is", []
            if known == "maybe" and name and self._parties and not at.recipient:
                unseen.append(Held("listed", f"party:{name}/{'+'.join(test.lists)}"))
        return "", unseen

    def users(self, test: Any, operator: str, user: User) -> tuple[str, str, list[Held]]:
        """Return whether one whom a rule on capacity asks about is shut out ("yes", "maybe", "no"), who is, and those
        that nobody looked up."""
        named = {"operator": [operator], "tenant": [user.name], "customers": list(user.customers) or [""]}
        unseen = []
        for who in test.of:
            for name in named[who]:
                known = self._shut_out(name or who, test, ())
                if known == "yes":
                    return known, name, []
                if known == "maybe":
                    unseen.append(Held("listed", f"party:{name or who}/{'+'.join(test.lists)}"))
        return ("maybe" if unseen else "no"), "", unseen if self._parties else []

    def _shut_out(self, name: str, test: Any, above: tuple[str, ...]) -> str:
        """Return "yes" for a party that is on a list or owned by who is, "maybe" where nobody knows, else "no"."""
        party = self._parties.get(name)
        if party is None or set(party.lists) & set(test.lists):
            return "maybe" if party is None else "yes"
        held = {"yes": 0.0, "maybe": 0.0, "no": 0.0}
        for owner, percent in party.owners if test.owned_at_least is not None else ():
            if owner not in (*above, name):
                held[self._shut_out(owner, test, (*above, name))] += percent
        enough = test.owned_at_least or 101.0
        return "yes" if held["yes"] >= enough else "maybe" if held["yes"] + held["maybe"] >= enough else "no"

    def _controlled(self, requires: Any, profile: Profile, at: Place, on: date) -> str:
        """Return why the exporter's seat or the operator's control is not what a law requires, "" if it is."""
        home, groups = profile.exporter_country, self._tests.groups
        if requires.exporter and home and not groups.within(home, requires.exporter, on):
            return f"the exporter is established in {home}, not in {'+'.join(requires.exporter)}"
        if (requires.control_within or requires.control_outside) and not at.recipient:
            operator = self._tests.operator(at.provider)
            if not operator.known:
                return f"who controls {at.provider} is not known"
            exposed = sorted(operator.strict - {"EU"})
            inside, outside = requires.control_within, requires.control_outside
            if inside and not all(groups.within(j, inside, on) for j in exposed):
                return f"{at.provider} is exposed to {', '.join(exposed)}, beyond {'+'.join(inside)}"
            if outside and any(groups.within(j, outside, on) for j in exposed):
                return f"{at.provider} is exposed to {', '.join(exposed)}"
        return ""


@dataclass(frozen=True)
class _Looked:
    """A party as somebody looked it up."""

    lists: frozenset[str]
    owners: tuple[tuple[str, float], ...]


def _stated(one: StatedParty) -> _Looked:
    return _Looked(frozenset(one.lists), tuple((owner.name, owner.percent) for owner in one.owners))


def _uncertified(requires: Any, asked: Iterable[Held], at: Place) -> str:
    for alternatives, held in zip(requires.certificates, asked, strict=True):
        if held.how == "no":
            names = " or ".join(c.scheme for c in alternatives)
            return f"{at.provider} is not known to hold {names} for {at.service} in {at.region or at.place}"
    return ""
