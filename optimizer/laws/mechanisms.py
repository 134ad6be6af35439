"""Which mechanisms of a law are open to an exporter, and what identifies the charge of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .rows import LawRow, Mechanism
from .scopes import Subject
from .triggers import Volumes
from .types import Destination, Level, MechanismKey

KEY_PARTS = ("exporter", "importer", "country", "group", "data", "law", "region")


@dataclass(frozen=True)
class Offer:
    """What is left of a law's mechanisms: keys to buy (any one), approvals still missing, or nothing."""

    level: Level
    keys: tuple[MechanismKey, ...] = ()
    approvals: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class MechanismDesk:
    """Hands out mechanisms. `granted` are approvals that a scenario's patches granted, as (law, mechanism or "*")."""

    mechanisms: Mapping[str, Mechanism]
    granted: frozenset[tuple[str, str]] = frozenset()

    def offer(
        self,
        law: LawRow,
        level: Level,
        mechanisms: tuple[str, ...],
        destination: Destination,
        subject: Subject,
        *,
        alone: bool = False,
    ) -> Offer:
        """Sort out the mechanisms of a matched `cond` or `approve` clause (or of an exemption).

        Mechanisms that do not cover the case, are not held and have no cost, or that a regulator has not granted, drop
        out. None left: approval if only a grant is missing, forbidden otherwise. `alone`: one rule is looked at by
        itself, its trigger taken as given, so that volumes and gates inside `cond` do not close anything.
        """
        conditions: list[str] = []
        if law.trigger.volumes is not None and not alone:
            banded, note = self._band(law.trigger.volumes, mechanisms, subject)
            if banded is None:
                return Offer(Level.FREE, conditions=(f"{law.id}: {note}",))
            mechanisms = banded
            conditions.append(f"{law.id}: {note}")
        keys, approvals, closed = [], [], []
        for name in mechanisms:
            mechanism = self.mechanisms[name]
            why, condition = self._closed(mechanism, destination, subject, alone=alone)
            if why:
                closed.append(f"{name}: {why}")
                continue
            granted = self._granted(law.id, name, subject)
            gate = level is Level.APPROVAL or (mechanism.gate and not alone)
            if gate and not granted:
                approvals.append(name)
                continue
            if not granted and not self._available(name, subject):
                closed.append(f"{name}: not held and without a stated cost")
                continue
            if condition:
                conditions.append(f"{law.id}: {condition}")
            keys.append(MechanismKey(name, self.key(mechanism, law, destination, subject)))
        if keys:
            return Offer(Level.CONDITIONAL, tuple(keys), conditions=tuple(conditions), reason=_any(keys))
        if approvals:
            reason = f"needs a grant of {' or '.join(approvals)}"
            return Offer(Level.APPROVAL, approvals=tuple(approvals), conditions=tuple(conditions), reason=reason)
        reason = "no available mechanism (" + "; ".join(closed) + ")"
        return Offer(Level.FORBIDDEN, conditions=tuple(conditions), reason=reason)

    def within_window(self, names: tuple[str, ...], retention_hours: float) -> tuple[str, ...]:
        """The mechanisms that state how long data may be kept, and bear this retention."""
        limits = ((name, self.mechanisms[name].max_retention_hours) for name in names)
        return tuple(name for name, limit in limits if limit is not None and retention_hours <= limit)

    def windows(self, names: tuple[str, ...], retention_hours: float) -> tuple[str, ...]:
        """The condition that each of these mechanisms puts on what is kept, in a sentence."""
        return tuple(
            f"{name}: what is kept there is deleted within {self.mechanisms[name].max_retention_hours:g} h"
            f" ({retention_hours:g} h stated)"
            for name in names
        )

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
        limit = mechanism.max_retention_hours
        retention = subject.profile.retention_hours
        if limit is not None and retention is not None and retention > limit:
            return f"inputs are kept {retention:g} h, more than {limit:g} h", ""
        if limit is not None and retention is None:
            return "", f"{mechanism.id}: inputs are dropped within {limit:g} h (retention not stated)"
        return "", mechanism.assumes and f"{mechanism.id}: {mechanism.assumes}"

    def _band(
        self, volumes: Volumes, mechanisms: tuple[str, ...], subject: Subject
    ) -> tuple[tuple[str, ...] | None, str]:
        """Mechanisms of the volume band (None = nothing is asked), and the sentence that says which band."""
        flags = subject.profile.flags & set(volumes.exempt_flags)
        if flags:
            return None, f"exempt by {', '.join(sorted(flags))}"
        persons, sensitive = subject.counts(volumes.of)
        if persons is None or sensitive is None:
            names = volumes.if_unknown or mechanisms
            return names, f"number of persons of {volumes.of} who leave is not stated; no exemption taken"
        for tier in volumes.tiers:
            below = tier.persons_below is None or persons < tier.persons_below
            if below and (tier.sensitive_below is None or sensitive < tier.sensitive_below):
                counted = f"{persons} persons of {volumes.of} leave, {sensitive} with sensitive data"
                if tier.mechanisms == ("free",):
                    return None, counted
                return tier.mechanisms, counted
        return mechanisms, f"{persons} persons of {volumes.of} leave"

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


def _any(keys: list[MechanismKey]) -> str:
    return "needs " + " or ".join(k.mechanism for k in keys)
