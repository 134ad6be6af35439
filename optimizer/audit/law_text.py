"""The rule grammar and country groups, read a second time (law taxonomy, sections 2, 5 and 7), for the audit.

    rule := "none" | clause (";" clause)*      clause := verb ":" term ("+" term)* ["@" tier (">" tier)*]
    tier := way ("|" way)*                     way := mechanism ("&" mechanism)*, maybe in brackets
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from typing import Protocol

FREE_VERBS = ("only", "free", "copy", "primary")
IMPORTER_LISTS = {
    "DPF": "EU-US DPF list",
    "UK_BRIDGE": "UK Extension to the EU-US DPF",
    "SWISS_DPF": "Swiss-US DPF",
}
"""Importer lists that group conditions name, and the certificate scheme that holds their members."""


class Member(Protocol):
    """A row of the group table."""

    @property
    def member(self) -> str:
        """The country or subdivision."""

    @property
    def valid_from(self) -> date | None:
        """First day, None if open."""

    @property
    def valid_to(self) -> date | None:
        """Last day, None if open."""

    @property
    def condition(self) -> str:
        """What must hold for the membership to count, "" if nothing."""


Tier = tuple[tuple[str, ...], ...]
"""Alternatives, each of mechanisms that are needed together."""


def single(names: Iterable[str]) -> tuple[Tier, ...]:
    """Return one tier in which any one mechanism will do."""
    tier = tuple((name,) for name in names)
    return (tier,) if tier else ()


@dataclass(frozen=True)
class Clause:
    """A verb, the terms of its set, and its ways: tiers of alternatives, each of mechanisms needed together."""

    verb: str
    terms: tuple[str, ...]
    ways: tuple[Tier, ...]


@dataclass(frozen=True)
class Reading:
    """What a rule says of a destination: free, conditional, approval or forbidden; `named`: a clause speaks of it."""

    level: str
    ways: tuple[Tier, ...] = ()
    named: bool = False
    denied: bool = False

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """Every mechanism of its ways."""
        return tuple(name for tier in self.ways for way in tier for name in way)


@cache
def parse(rule: str) -> tuple[Clause, ...]:
    """Return the clauses of a rule; none for "none" and for an empty text."""
    clauses = []
    for part in (piece.strip() for piece in rule.split(";")):
        if part in ("", "none"):
            continue
        body, _, ways = part.partition("@")
        verb, _, terms = body.partition(":")
        clauses.append(Clause(verb.strip(), _split(terms, "+"), _ways(ways)))
    return tuple(clauses)


def _ways(text: str) -> tuple[Tier, ...]:
    tiers = (_split(tier, "|") for tier in _split(text, ">"))
    return tuple(tuple(_split(way.strip("()"), "&") for way in tier) for tier in tiers)


@cache
def by_category(text: str) -> tuple[tuple[str, str], ...]:
    """Return the rules of an activity by category of data: `sensitive = …, * = …`, or one for all (`*`)."""
    if "=" not in text:
        return (("*", text),)
    halves = (part.split("=") for part in text.split(","))
    return tuple((category.strip(), rule.strip()) for category, rule in halves)


def together(readings: Sequence[Reading]) -> Reading:
    """Return what rules say that must all be met: the worst of them; where several ask, one way of each."""
    order = ("free", "conditional", "approval", "forbidden")
    level = max((one.level for one in readings), key=order.index, default="free")
    worst = [one for one in readings if one.level == level]
    ways: tuple[Tier, ...] = ()
    for one in dict.fromkeys(reading.ways for reading in worst if reading.ways):
        ways = tuple(
            tuple(tuple(dict.fromkeys((*way, *more))) for way in tier for more in other)
            for tier in ways for other in one
        ) if ways else one  # fmt: skip
    return Reading(level, ways, any(one.named for one in worst), any(one.denied for one in worst))


def read(rule: str, member: Callable[[str], bool]) -> Reading:
    """Return what a rule says of the destination that `member(term)` speaks for.

    deny first, then the free verbs, then cond, then approve; `*` is whoever no clause names. Unmatched: forbidden if
    the rule has an `only` or `free` clause, else free.
    """
    clauses = parse(rule)
    if not clauses:
        return Reading("free")
    hits = [c for c in clauses if any(term != "*" and member(term) for term in c.terms)]
    if not hits:
        hits = [c for c in clauses if "*" in c.terms]
    verbs = {c.verb: c for c in reversed(hits)}
    if "deny" in verbs:
        return Reading("forbidden", named=True, denied=True)
    if any(verb in verbs for verb in FREE_VERBS):
        return Reading("free", named=True)
    if "cond" in verbs:
        return Reading("conditional", verbs["cond"].ways, named=True)
    if "approve" in verbs:
        return Reading("approval", verbs["approve"].ways, named=True)
    closed = any(c.verb in ("only", "free") for c in clauses)
    return Reading("forbidden" if closed else "free")


def obligations(rule: str) -> list[Clause]:
    """Return the `copy` and `primary` clauses of a rule."""
    return [c for c in parse(rule) if c.verb in ("copy", "primary")]


class GroupBook:
    """Dated membership in country groups. `rows(group)` gives the table's rows, `ids` the groups there are."""

    def __init__(self, rows: Callable[[str], Iterable[Member]], ids: Iterable[str]) -> None:
        self._rows: dict[str, tuple[Member, ...]] = {group: tuple(rows(group)) for group in ids}
        self._by_member: dict[str, dict[str, list[Member]]] = {}

    def __contains__(self, group: str) -> bool:
        return group in self._rows

    def conditions(self, group: str, places: Iterable[str], on: date) -> list[str]:
        """Return the conditions ("" = none) under which one of the places is a member on a day; [] if none is."""
        if group not in self._by_member:
            members: dict[str, list[Member]] = {}
            for row in self._rows[group]:
                members.setdefault(row.member, []).append(row)
            self._by_member[group] = members
        found = self._by_member[group]
        return [r.condition for place in dict.fromkeys(places) for r in found.get(place, ()) if _on(r, on)]

    def members(self, group: str, on: date) -> set[str]:
        """Return all members on a day, conditional ones included."""
        return {r.member for r in self._rows[group] if _on(r, on)}

    def firm_members(self, group: str, on: date) -> set[str]:
        """Return the members on a day whose membership hangs on no condition."""
        return {r.member for r in self._rows[group] if _on(r, on) and not r.condition}

    def within(self, place: str, terms: Iterable[str], on: date) -> bool:
        """Return True if a country or subdivision lies in a set of terms; a subdivision lies in its country."""
        country = place.partition("-")[0]
        return any(
            term in ("*", place, country)
            or (term in self._rows and bool(self.conditions(term, (place, country), on)))
            for term in terms
        )


def sectors_of(condition: str) -> set[str]:
    """Return the words of a `sector in {…}` condition."""
    found = re.search(r"sector in \{([^}]*)\}", condition)
    if found is None:
        return set()
    return {w.strip() for w in found.group(1).split(",") if re.fullmatch(r"[a-z_]+", w.strip())}


def importer_list(condition: str) -> str | None:
    """Return the list a condition wants the importer on (`PRIVATE`: a private business), None if about neither."""
    if "DPF" in condition:
        return "UK_BRIDGE" if "UK" in condition else "SWISS_DPF" if "Swiss" in condition else "DPF"
    if any(words in condition for words in ("PIPEDA", "private sector", "business operator")):
        return "PRIVATE"
    return None


def covers_region(selector: str, *, place: str, region: str | None, on: date, groups: GroupBook) -> bool:
    """Return True if a certificate's region selector (`*`, places, groups, `provider:region` patterns) fits."""
    for part in selector.split("|"):
        if part == "*" or (":" in part and region is not None and fnmatchcase(region, part)):
            return True
        if ":" not in part and groups.within(place, (part,), on):
            return True
    return False


def _split(text: str, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(separator) if part.strip())


def _on(row: Member, day: date) -> bool:
    return (row.valid_from is None or row.valid_from <= day) and (row.valid_to is None or day <= row.valid_to)
