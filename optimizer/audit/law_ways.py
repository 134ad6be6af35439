"""What of a law's ways can be had by an exporter at a place, tested once more for the audit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import product
from math import inf
from typing import TYPE_CHECKING, Any

from optimizer.audit.law_profiles import Profile
from optimizer.audit.law_text import Tier, single
from optimizer.audit.law_triggers import Place, Tests, within
from optimizer.instance.models import Instance

if TYPE_CHECKING:
    from optimizer.laws import LawPack

Option = tuple[str, tuple[str, ...]]
"""A mechanism and the key of its charge."""
Asked = tuple[tuple[Option, ...], ...]
"""What one law asks for: of each of these any one."""


class Ways:
    """The mechanisms of a pack, with what the instance holds, prices and was granted."""

    def __init__(self, pack: LawPack, instance: Instance, tests: Tests) -> None:
        said = instance.legal_assertions
        self._pack = pack
        self._said = said
        self._tests = tests
        self._as_of = instance.laws.as_of
        self._granted = {(a.law, a.mechanism) for a in said.approvals} | set(pack.granted)
        self._priced = {c.id for c in instance.mechanism_costs}
        self._stated = self._priced | {held.id for held in said.mechanisms_held}

    def open(
        self, row: Any, ways: tuple[Tier, ...], profile: Profile, at: Place, on: date, *, gate: bool
    ) -> tuple[str, str, Asked]:
        """Return (level, reason, what is asked) of ways: conditional, approval, lacking, or free if none is needed.

        Of the tiers the first counts of which a way is to be had; `gate`: a regulator decides on each mechanism.
        """
        if row.trigger.volumes is not None:
            band = self._band(row.trigger.volumes, ways, profile, on)
            if band is None:
                return "free", "", ()
            ways = band
        waiting: dict[str, None] = {}
        review, denied = dict(row.trigger.review), False
        for tier in ways:
            whole: list[tuple[str, ...]] = []
            for way in tier:
                each = [self._state(name, row.id, profile, at, on, gate=gate, review=review) for name in way]
                denied = denied or "denied" in each
                if all(state in ("open", "fact") for state in each):
                    whole.append(tuple(name for name, state in zip(way, each, strict=True) if state == "open"))
                elif not {"closed", "denied"} & set(each):
                    waiting.update((name, None) for name, state in zip(way, each, strict=True) if state == "waiting")
            if () in whole:
                return "free", "", ()
            if whole:
                return self._asked(row.id, whole, profile, at, on)
        if waiting:
            return "approval", f"needs a grant of {' or '.join(waiting)}", ()
        if denied:
            return "forbidden", "a licence is denied, or denial is presumed", ()
        named = ", ".join(name for tier in ways for way in tier for name in way)
        return "lacking", f"none of {named or 'no mechanism'} is available", ()

    def _state(
        self, name: str, law: str, profile: Profile, at: Place, on: date, *, gate: bool, review: Mapping[str, str]
    ) -> str:
        """Return whether a mechanism is open (granted, held by somebody, priced), waits for a grant, closed or denied,
        or is a fact of the data.

        `review`: how the regulator decides on it under this law, where the law says.
        """
        terms = self._pack.mechanisms[name]
        if not self._covers(terms, profile, at, on):
            return "closed"
        if terms.state and not any(words <= profile.state for words in terms.state):
            return "closed"
        if terms.state_alone:
            return "fact"
        policy = review.get(name, "case_by_case" if gate or terms.gate else "")
        if policy == "denial" or (policy == "denial_presumed" and (law, name) not in self._granted):
            return "denied"
        if self.granted(law, name):
            return "open"
        if policy == "case_by_case":
            return "waiting"
        return "open" if name in self._stated else "closed"

    def _asked(
        self, law: str, whole: list[tuple[str, ...]], profile: Profile, at: Place, on: date
    ) -> tuple[str, str, Asked]:
        """Return what ways come to: of each choice of one mechanism per way, those to be had in time."""
        choices = {frozenset(choice): dict.fromkeys(choice) for choice in product(*whole)}
        asked: list[tuple[Option, ...]] = []
        for one, names in choices.items():
            if any(other < one for other in choices):
                continue
            options = [(name, self._key(self._pack.mechanisms[name], law, profile, at)) for name in names]
            there = tuple(o for o in options if self._to_be_had(o, law, on))
            if not there:
                return "lacking", f"none of {', '.join(names)} is available", ()
            asked.append(there)
        return "conditional", "", tuple(asked)

    def _to_be_had(self, option: Option, law: str, on: date) -> bool:
        name = option[0]
        granted = self.granted(law, name) or self.held(option)
        return granted or (name in self._priced and self._in_time(name, on))

    def _covers(self, terms: Any, profile: Profile, at: Place, on: date) -> bool:
        if terms.available_from is not None and on < terms.available_from:
            return False
        if getattr(terms, "not_in", ()) and self._tests.groups.within(at.place, terms.not_in, on):
            return False
        if terms.covers == "group" and at.provider not in self._said.group_members:
            return False
        limit = terms.max_retention_hours
        return limit is None or (profile.retention_hours is not None and profile.retention_hours <= limit)

    def granted(self, law: str, mechanism: str) -> bool:
        """Return True if a regulator granted the mechanism under a law."""
        return (law, mechanism) in self._granted or (law, "*") in self._granted

    def held(self, option: Option) -> bool:
        """Return True if the organisation holds a mechanism for a charge, as far as the key can tell."""
        name, key = option
        if name not in self._pack.mechanisms:
            return False
        parts = dict(zip(self._pack.mechanisms[name].key, key, strict=False))
        parts.setdefault("exporter", parts.get("group", ""))

        def fits(asked: str | None, part: str) -> bool:
            has = parts.get(part, "")
            return asked is None or (has != "" and asked in (has, has.partition("-")[0]))

        return any(
            h.id == name
            and fits(h.exporter, "exporter")
            and fits(h.importer, "importer")
            and fits(h.country, "country")
            for h in self._said.mechanisms_held
        )

    def _in_time(self, mechanism: str, on: date) -> bool:
        """Return True unless the mechanism's lead time, counted from what is known today, outlasts the day."""
        lead, today = self._pack.mechanisms[mechanism].lead_time_days, self._as_of
        return lead is None or today is None or today + timedelta(days=lead) <= on

    def _band(
        self, volumes: Any, ways: tuple[Tier, ...], profile: Profile, on: date
    ) -> tuple[Tier, ...] | None:
        """Return the ways of the volume tier that fits, None if it asks for nothing."""
        if profile.flags & set(volumes.exempt_flags):
            return None
        summed = self._tests.leaving(volumes.of, profile, on)
        persons, sensitive = (
            None if most == inf else most
            for most in (
                within(profile, what, volumes.of, volumes.window, number)[1]
                for what, number in zip(("persons", "sensitive_persons"), summed, strict=True)
            )
        )
        if persons is None or sensitive is None:  # as many as no limit holds
            open_ended = [tier for tier in volumes.tiers if tier.persons_below is None and tier.sensitive_below is None]
            return single(open_ended[0].mechanisms) if open_ended else ways
        for tier in volumes.tiers:
            below = tier.persons_below is None or persons < tier.persons_below
            if below and (tier.sensitive_below is None or sensitive < tier.sensitive_below):
                return None if tier.mechanisms == ("free",) else single(tier.mechanisms)
        return ways

    @staticmethod
    def _key(terms: Any, law: str, profile: Profile, at: Place) -> tuple[str, ...]:
        parts = {
            "exporter": profile.exporter or "*",
            "importer": at.provider or "*",
            "country": at.country,
            "group": profile.exporter or "*",
            "data": f"{'+'.join(sorted(profile.stated_categories))}@{'+'.join(sorted(profile.subjects))}",
            "law": law,
            "region": at.region or "*",
        }
        return tuple(parts[name] for name in terms.key)
