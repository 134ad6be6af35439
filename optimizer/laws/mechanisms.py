"""Which mechanisms of a law are open to an exporter, and what identifies the charge of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import inf
from typing import TypeVar

from .grammar import Ways, any_of, named_in
from .rows import LawRow, Mechanism
from .scopes import Subject
from .triggers import Volumes, in_window
from .types import Destination, Level, MechanismKey

KEY_PARTS = ("exporter", "importer", "country", "group", "data", "law", "region")


DENIES = {"denial": "a licence is denied", "denial_presumed": "denial is presumed; only a grant of it by name opens it"}
"""Reviews that close a mechanism, in words."""
REVIEWED = {
    "approval_presumed": "{0}: applied for and, as is presumed, approved",
    "silent_consent": "{0}: filed, and not refused within the time for it",
}
"""What is taken as met where a regulator decides and consent is presumed."""
T = TypeVar("T")


@dataclass(frozen=True)
class Offer:
    """What is left of a law's ways: `needs` (all of them, any one key of each), approvals still missing, or nothing.

    `denied`: nothing is left because a regulator denies, or is presumed to.
    """

    level: Level
    needs: tuple[tuple[MechanismKey, ...], ...] = ()
    approvals: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    reason: str = ""
    denied: bool = False


@dataclass
class _Sorted:
    """A law's mechanisms at one place: those that are to be had, with their keys, and why others are not.

    `stated`: those that the stated state of the data is, each with a sentence.
    """

    keys: dict[str, MechanismKey] = field(default_factory=dict)
    stated: dict[str, str] = field(default_factory=dict)
    conditions: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    closed: dict[str, str] = field(default_factory=dict)
    denied: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class MechanismDesk:
    """Hands out mechanisms. `granted` are approvals that a scenario's patches granted, as (law, mechanism or "*")."""

    mechanisms: Mapping[str, Mechanism]
    granted: frozenset[tuple[str, str]] = frozenset()

    def offer(
        self,
        law: LawRow,
        level: Level,
        ways: Ways,
        destination: Destination,
        subject: Subject,
        *,
        alone: bool = False,
    ) -> Offer:
        """Sort out the ways of a matched `cond` or `approve` clause (or of an exemption).

        A way drops out if one of its mechanisms does not cover the case, is not held and has no cost, or was not
        granted by a regulator. Of the tiers the first with a way left decides. None left: approval if only a grant is
        missing, forbidden otherwise. `alone`: one rule is looked at by itself, its trigger taken as given, so that
        volumes and gates inside `cond` do not close anything.
        """
        conditions: list[str] = []
        if law.trigger.volumes is not None and not alone:
            banded, note = self._band(law.trigger.volumes, ways, subject)
            if not banded:
                return Offer(Level.FREE, conditions=(f"{law.id}: {note}",))
            ways = banded
            conditions.append(f"{law.id}: {note}")
        found = self._sort(law, level, named_in(ways), destination, subject, alone=alone)
        for number, tier in enumerate(ways):
            left = [way for way in tier if all(name in found.keys or name in found.stated for name in way)]
            if not left:
                continue
            stated = [name for name in named_in((tuple(left),)) if name in found.stated]
            conditions += [f"{law.id}: {found.stated[name]}" for name in stated]
            left = [tuple(name for name in way if name in found.keys) for way in left]
            if () in left:
                return Offer(Level.FREE, conditions=tuple(conditions))
            names = dict.fromkeys(name for way in left for name in way)
            if number:
                conditions.append(f"{law.id}: {_worded(ways[:number])} is not to be had")
            conditions += [f"{law.id}: {found.conditions[name]}" for name in names if found.conditions[name]]
            needs = tuple(tuple(found.keys[name] for name in need) for need in needed(left))
            later = f" (only where it is not to be had: {_worded(ways[number + 1 :])})" if ways[number + 1 :] else ""
            reason = f"needs {_worded((tuple(left),))}{later}"
            return Offer(Level.CONDITIONAL, needs, conditions=tuple(conditions), reason=reason)
        approvals = tuple(
            dict.fromkeys(
                name
                for tier in ways
                for way in tier
                if not any(other in found.closed for other in way)
                for name in way
                if name in found.waiting
            )
        )
        if approvals:
            reason = f"needs a grant of {' or '.join(approvals)}"
            return Offer(Level.APPROVAL, approvals=approvals, conditions=tuple(conditions), reason=reason)
        reason = "no available mechanism (" + "; ".join(f"{name}: {why}" for name, why in found.closed.items()) + ")"
        denied = bool(found.denied)
        return Offer(Level.FORBIDDEN, conditions=tuple(conditions), reason=reason, denied=denied)

    def _sort(
        self,
        law: LawRow,
        level: Level,
        names: Iterable[str],
        destination: Destination,
        subject: Subject,
        *,
        alone: bool,
    ) -> _Sorted:
        found, reviews = _Sorted(), dict(law.trigger.review)
        for name in names:
            mechanism, review = self.mechanisms[name], reviews.get(name)
            why, condition = self._closed(mechanism, destination, subject, alone=alone)
            granted = self._granted(law.id, name, subject)
            if not why and review is not None and self._denied(law.id, name, review, subject):
                why = DENIES[review]
                found.denied.append(name)
            if why:
                found.closed[name] = why
            elif mechanism.state_alone and mechanism.fits(subject.profile.state):
                found.stated[name] = f"{name}: {mechanism.assumes or mechanism.state_told} (as is stated)"
            elif self._waits(mechanism, level, review, alone=alone) and not granted:
                found.waiting.append(name)
            elif not granted and not self._available(name, subject):
                found.closed[name] = "not held and without a stated cost"
            else:
                texts = condition, REVIEWED.get(review or "", "").format(name)
                found.conditions[name] = "; ".join(text for text in texts if text)
                found.keys[name] = MechanismKey(name, self.key(mechanism, law, destination, subject))
        return found

    def within_window(self, ways: Ways, retention_hours: float) -> Ways:
        """The ways of which a mechanism states how long data may be kept, and bears this retention."""

        def bears(name: str) -> bool:
            limit = self.mechanisms[name].max_retention_hours
            return limit is not None and retention_hours <= limit

        tiers = (tuple(way for way in tier if any(map(bears, way))) for tier in ways)
        return tuple(tier for tier in tiers if tier)

    def windows(self, ways: Ways, retention_hours: float) -> tuple[str, ...]:
        """The condition that each mechanism with such a window puts on what is kept, in a sentence."""
        limits = ((name, self.mechanisms[name].max_retention_hours) for name in named_in(ways))
        return tuple(
            f"{name}: what is kept there is deleted within {limit:g} h ({retention_hours:g} h stated)"
            for name, limit in limits
            if limit is not None
        )

    def _waits(self, mechanism: Mechanism, level: Level, review: str | None, *, alone: bool) -> bool:
        """True if a regulator decides on a mechanism and nothing says that it consents."""
        if review is not None:
            return review == "case_by_case"
        return level is Level.APPROVAL or (mechanism.gate and not alone)

    def _denied(self, law: str, mechanism: str, review: str, subject: Subject) -> bool:
        """True if a regulator denies a mechanism, or is presumed to and did not grant this one by name."""
        by_name = (law, mechanism) in self.granted or (law, mechanism) in subject.context.approvals
        return review == "denial" or (review == "denial_presumed" and not by_name)

    def _granted(self, law: str, mechanism: str, subject: Subject) -> bool:
        granted = self.granted | subject.context.approvals
        return (law, mechanism) in granted or (law, "*") in granted

    def _available(self, mechanism: str, subject: Subject) -> bool:
        held = subject.context.mechanisms
        return held is None or mechanism in held

    def _closed(
        self, mechanism: Mechanism, destination: Destination, subject: Subject, *, alone: bool
    ) -> tuple[str, str]:
        """(why the mechanism cannot cover this case, condition taken as met)."""
        if mechanism.available_from is not None and not alone and subject.on < mechanism.available_from:
            return f"available from {mechanism.available_from.isoformat()}", ""
        if mechanism.not_in and subject.groups.place_in(destination.place, mechanism.not_in, subject.on):
            return f"not for {destination.place}", ""
        if mechanism.covers == "group":
            if destination.provider is None:
                return "", f"{mechanism.id}: importer is inside the exporter's group (importer unknown)"
            if destination.provider not in subject.context.group_members:
                return f"{destination.provider} is outside the exporter's group", ""
        unfit = not mechanism.fits(subject.profile.state)
        if unfit and (subject.profile.state or subject.context.mechanisms is not None):
            return f"the data are not stated to be {mechanism.state_told}", ""
        if unfit:
            return "", f"{mechanism.id}: {mechanism.assumes or mechanism.name} ({mechanism.state_told}: not stated)"
        limit = mechanism.max_retention_hours
        retention = subject.profile.retention_hours
        if limit is not None and retention is not None and retention > limit:
            return f"inputs are kept {retention:g} h, more than {limit:g} h", ""
        if limit is not None and retention is None:
            return "", f"{mechanism.id}: inputs are dropped within {limit:g} h (retention not stated)"
        return "", mechanism.assumes and f"{mechanism.id}: {mechanism.assumes}"

    def _band(self, volumes: Volumes, ways: Ways, subject: Subject) -> tuple[Ways, str]:
        """Ways of the volume band (none = nothing is asked), and the sentence that says which band.

        What is not stated counts as the highest number that what is stated leaves open; the milder bands are named.
        """
        flags = subject.profile.flags & set(volumes.exempt_flags)
        if flags:
            return (), f"exempt by {', '.join(sorted(flags))}"
        persons, sensitive = subject.counts(volumes.of, volumes.window)
        who = f"persons of {volumes.of} who leave{in_window(volumes.window)}"
        if persons is not None and sensitive is not None:
            found = volumes.tier(persons, sensitive)
            told = f"{persons} {who}, {sensitive} with sensitive data"
            return (ways if found is None else any_of(volumes.tiers[found].ways)), told
        most = inf if persons is None else persons
        last = volumes.tier(most, most if sensitive is None else sensitive)
        fewest = volumes.tier(persons or sensitive or 0, sensitive or 0)
        milder = volumes.tiers[fewest:last]
        told = f"number of {who} is not stated and counts as the highest" + "".join(f"; {one.told}" for one in milder)
        return (ways if last is None else any_of(volumes.tiers[last].ways)), told

    def key(self, mechanism: Mechanism, law: LawRow, destination: Destination, subject: Subject) -> tuple[str, ...]:
        """The identity of the fixed charge, part by part as the mechanism's charge scope says; "*" = not known."""
        profile = subject.profile
        parts = {
            "exporter": profile.exporter or "*",
            "importer": destination.provider or "*",
            "country": destination.country,
            "group": subject.context.group or profile.exporter or "*",
            "data": subject.label,
            "law": law.id,
            "region": destination.region or "*",
        }
        return tuple(parts[name] for name in mechanism.key)


def needed(ways: Iterable[tuple[T, ...]]) -> tuple[tuple[T, ...], ...]:
    """Return what ways come to: one thing of each set must be had, `(A&B)|C` is A or C, and B or C."""
    found = {frozenset(choice): tuple(dict.fromkeys(choice)) for choice in product(*ways)}
    return tuple(names for one, names in found.items() if not any(other < one for other in found))


def _worded(ways: Ways) -> str:
    """Ways in words: `A or (B and C)`."""
    return " or ".join(f"({' and '.join(way)})" if len(way) > 1 else way[0] for tier in ways for way in tier)
