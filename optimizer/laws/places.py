"""Is a place in a set? Countries, subdivisions and dated groups, with the conditions of partial members."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from fnmatch import fnmatchcase
from functools import cached_property

from .grammar import Match, Membership
from .remarks import worded
from .rows import GroupMember

NOT_A_MEMBER = Membership(False)
MEMBER = Membership(True)

ConditionTest = Callable[[str], "tuple[bool | None, str]"]
"""Whether a member's condition is met (None: nobody knows), and the sentence that says so."""
_SECTOR = re.compile(r"sector in \{([^}]*)\}")


class Groups:
    """The dated country groups; immutable. An empty group is nobody, in a deny list and in a free list alike."""

    def __init__(self, members: Mapping[str, tuple[GroupMember, ...]]) -> None:
        self._members = dict(members)
        # What rules say of places on days, shared by all judges of these groups.
        self.matches: dict[tuple[str, str, date], Match] = {}
        self._by_place: dict[tuple[str, str], tuple[GroupMember, ...]] = {}
        self._inside: dict[tuple[str, tuple[str, ...], date], bool] = {}
        for group, rows in self._members.items():
            for row in rows:
                key = (group, row.member)
                self._by_place[key] = (*self._by_place.get(key, ()), row)

    @cached_property
    def sectors(self) -> frozenset[str]:
        """Every sector that some member's condition asks for."""
        conditions = {row.condition for rows in self._members.values() for row in rows}
        return frozenset().union(*map(condition_sectors, conditions))

    def __contains__(self, group: str) -> bool:
        return group in self._members

    @property
    def ids(self) -> tuple[str, ...]:
        """Every group id, also of the empty ones."""
        return tuple(self._members)

    def rows_of(self, group: str) -> tuple[GroupMember, ...] | None:
        """All rows of a group, None if there is no such group."""
        return self._members.get(group)

    def rows(self, group: str) -> tuple[GroupMember, ...]:
        """All rows of a group, valid or not."""
        return self._members[group]

    def mapping(self) -> dict[str, tuple[GroupMember, ...]]:
        """A copy of the table, for patches."""
        return dict(self._members)

    def members(self, group: str, on: date) -> frozenset[str]:
        """Members on that day, conditional ones included."""
        return frozenset(row.member for row in self._members[group] if row.valid(on))

    def membership(self, group: str, places: Iterable[str], on: date, test: ConditionTest) -> Membership:
        """Whether one of `places` (a subdivision and its country) is in `group`; conditions are put to `test`."""
        conditional = NOT_A_MEMBER
        for place in places:
            for row in self._by_place.get((group, place), ()):
                if not row.valid(on):
                    continue
                if not row.condition:
                    return MEMBER
                met, sentence = test(row.condition)
                told = worded(sentence, after=f" ({place} in {group})")
                if met:
                    conditional = Membership(True, told)
                elif met is None and not conditional.holds:
                    conditional = Membership(False, unknown=told)
        return conditional

    def expand(self, terms: Iterable[str], on: date) -> frozenset[str]:
        """Countries and subdivisions behind a set of terms (not for `*`)."""
        found: set[str] = set()
        for term in terms:
            found |= self.members(term, on) if term in self._members else {term}
        return frozenset(found)

    def place_in(self, place: str, terms: Iterable[str], on: date) -> bool:
        """True if a place is in a set of terms; a subdivision is in its country, a country not in its subdivision."""
        key = (place, tuple(terms), on)
        found = self._inside.get(key)
        if found is None:
            found = self._inside[key] = self._is_in(*key)
        return found

    def _is_in(self, place: str, terms: tuple[str, ...], on: date) -> bool:
        country = place.partition("-")[0]
        for term in terms:
            if term in ("*", place, country):
                return True
            if term in self._members and self.membership(term, (place, country), on, _always).holds:
                return True
        return False


def _always(_: str) -> tuple[bool, str]:
    return True, ""


def region_selected(selector: str, *, country: str, place: str, region: str | None, on: date, groups: Groups) -> bool:
    """True if a holder's region selector ("*", places, groups, "provider:region" patterns, joined by "|") covers it."""
    for part in selector.split("|"):
        if part == "*":
            return True
        if ":" in part:
            if region is not None and fnmatchcase(region, part):
                return True
        elif groups.place_in(place, (part,), on) or part == country:
            return True
    return False


def condition_sectors(condition: str) -> frozenset[str]:
    """The sectors of a `sector in {…}` condition; anything it only alludes to ("and others by order") is left out."""
    found = _SECTOR.search(condition)
    if not found:
        return frozenset()
    words = (part.strip() for part in found.group(1).split(","))
    return frozenset(word for word in words if re.fullmatch(r"[a-z_]+", word))


def importer_status_needed(condition: str) -> str | None:
    """The importer status a group condition asks for, or None if it is not about the importer (or not understood)."""
    if "DPF" in condition:
        if "UK" in condition:
            return "UK_BRIDGE"
        return "SWISS_DPF" if "Swiss" in condition else "DPF"
    if any(word in condition for word in ("PIPEDA", "private sector", "business operator")):
        return "PRIVATE"
    return None
