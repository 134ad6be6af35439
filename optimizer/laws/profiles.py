"""The vocabulary of profiles: categories with what they imply, roles, sectors and flags; a typo is an error."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..errors import InputError, Issue
from ..suggest import did_you_mean, unknown_name
from .codes import check_place
from .operators import STATUSES
from .triggers import WINDOWS
from .types import BASES, DataProfile, LegalContext, Tenant


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words a profile may use, each with its meaning in a sentence.

    `roles` are all that an exporter may state; `gdpr_roles` those of them that say who decides on purposes and means,
    which says nothing of a status (bank, hospital, public body …).
    """

    categories: Mapping[str, str]
    implies: Mapping[str, frozenset[str]]
    roles: Mapping[str, str]
    gdpr_roles: frozenset[str]
    sectors: Mapping[str, str]
    flags: Mapping[str, str]
    units: Mapping[str, str] = field(default_factory=dict)
    party_lists: Mapping[str, str] = field(default_factory=dict)
    end_uses: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, data: Mapping[str, Mapping[str, Any]]) -> Vocabulary:
        """From the mappings of vocabulary.yaml: category → {is, implies}, other words → sentence."""
        categories = data.get("categories", {})
        return cls(
            categories={name: str(entry.get("is", "")) for name, entry in categories.items()},
            implies={name: frozenset(entry.get("implies", "").split()) for name, entry in categories.items()},
            roles={k: str(v) for kind in ("gdpr_roles", "roles") for k, v in data.get(kind, {}).items()},
            gdpr_roles=frozenset(data.get("gdpr_roles", {})),
            sectors={k: str(v) for k, v in data.get("sectors", {}).items()},
            flags={k: str(v) for k, v in data.get("flags", {}).items()},
            units={k: str(v) for k, v in data.get("units", {}).items()},
            party_lists={k: str(v) for k, v in data.get("party_lists", {}).items()},
            end_uses={k: str(v) for k, v in data.get("end_uses", {}).items()},
            states={k: str(v) for k, v in data.get("states", {}).items()},
        )

    @cached_property
    def closures(self) -> Mapping[str, frozenset[str]]:
        """Every category with all it implies, itself included."""
        return {name: self._closure({name}) for name in self.categories}

    def _closure(self, found: set[str]) -> frozenset[str]:
        queue = list(found)
        while queue:
            for implied in self.implies.get(queue.pop(), frozenset()) - found:
                found.add(implied)
                queue.append(implied)
        return frozenset(found)

    def parts(self, profile: DataProfile) -> tuple[frozenset[str], ...]:
        """What data consist of: each stated category with all it implies; persons' data are personal besides."""
        parts = tuple(self.closures.get(name, frozenset({name})) for name in sorted(profile.categories))
        personal = profile.subjects and "non_personal" not in profile.categories
        if personal and not any("personal" in part for part in parts):
            return (*parts, frozenset({"personal"}))
        return parts

    def expand(self, profile: DataProfile) -> frozenset[str]:
        """Categories with all they imply; data about persons are personal unless they are called non_personal."""
        return frozenset().union(*self.parts(profile))

    def check(self, profile: DataProfile) -> None:
        """Refuse words, places and figures that nobody knows.

        Raises:
            InputError: all problems of the profile together.
        """
        issues: list[Issue] = []
        if not profile.categories:
            issues.append(Issue("no data category", where="categories", maybe="say personal or non_personal"))
        for where, words, known in (
            ("categories", profile.categories, self.categories),
            ("exporter_roles", profile.exporter_roles, self.roles),
            ("sectors", profile.sectors, self.sectors),
            ("flags", profile.flags, self.flags),
            ("counts", {one.what for one in profile.counts}, self.units),
            ("counts", {one.window for one in profile.counts if one.window}, WINDOWS),
            ("state", profile.state, self.states),
        ):
            issues.extend(_unknown(where, words, known))
        places = [("subjects", s) for s in sorted(profile.subjects)]
        places += [("exporter_country", profile.exporter_country)] if profile.exporter_country else []
        places += [("exporter_hq", profile.exporter_hq)] if profile.exporter_hq else []
        places += [("counts", one.of) for one in profile.counts]
        issues.extend(issue for where, place in places if (issue := check_place(place, where)))
        for where, counts in (("persons", profile.persons), ("sensitive_persons", profile.sensitive_persons)):
            issues.extend(
                Issue(f"{place}: {count} persons", where=where)
                for place, count in counts
                if not isinstance(count, int) or count < 0
            )
            issues.extend(
                Issue(f"{place} is not among the subjects", where=where)
                for place, _ in counts
                if place not in profile.subjects
            )
        for basis, stated in profile.by_basis:
            if basis not in BASES:
                issues.extend(_unknown("subjects_by", (basis,), dict.fromkeys(BASES, "")))
            issues += [issue for place in sorted(stated) if (issue := check_place(place, f"subjects_by.{basis}"))]
        hours = profile.retention_hours
        if hours is not None and not hours >= 0:
            issues.append(Issue(f"retention of {hours} hours", where="retention_hours"))
        if issues:
            raise InputError(issues)

    def check_tenant(self, tenant: Tenant) -> None:
        """Refuse seats and end uses that nobody knows.

        Raises:
            InputError: all problems of the tenant together.
        """
        seats = (("tenant.headquarters", tenant.headquarters), ("tenant.parent", tenant.parent))
        issues = [issue for where, seat in seats if seat and (issue := check_place(seat, where))]
        issues += _unknown("tenant.end_use", tenant.end_use, self.end_uses)
        if issues:
            raise InputError(issues)


def check_context(
    context: LegalContext, *, laws: Collection[str], mechanisms: Collection[str], schemes: Collection[str],
    party_lists: Collection[str] = (),
) -> None:  # fmt: skip
    """Refuse assertions about laws, mechanisms, importer lists or certificates that do not exist.

    An operator that the context itself describes may hold schemes that only its policies know.

    Raises:
        InputError: all of them together.
    """
    asserted = [("mechanisms", m, mechanisms) for m in sorted(context.mechanisms or ())]
    asserted += [("approvals", law, laws) for law, _ in sorted(context.approvals)]
    asserted += [("approvals", m, mechanisms) for _, m in sorted(context.approvals) if m != "*"]
    asserted += [("overrides", override.law_id, laws) for override in context.overrides]
    asserted += [
        ("importer_status", s, STATUSES) for status in context.importer_status.values() for s in sorted(status)
    ]
    asserted += [("parties", name, party_lists) for party in context.parties.values() for name in sorted(party.lists)]
    asserted += [
        ("certificates", scheme, schemes)
        for provider, scheme in sorted(context.certificates)
        if provider not in context.providers
    ]
    issues = [
        unknown_name(f"unknown id {word!r}", word, known, where=where)
        for where, word, known in asserted
        if word not in known
    ]
    if issues:
        raise InputError(issues)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Advice that names the known words most like `word`, or None."""
    return did_you_mean(word, known)


def _unknown(where: str, words: Iterable[str], known: Mapping[str, str]) -> Iterable[Issue]:
    for word in sorted(words):
        if word not in known:
            maybe = did_you_mean(word, known) or f"use one of {', '.join(sorted(known))}"
            yield Issue(f"unknown word {word!r}", where=where, maybe=maybe)
