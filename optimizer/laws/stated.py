"""What a question states besides the data, from the texts of the command line: counts, lists, terms, parties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ..errors import InputError, Issue
from .loading import load_laws
from .operators import STATUSES as IMPORTER_LISTS
from .triggers import WINDOWS
from .types import Count, LegalContext, Party


def counted(persons: Iterable[str], where: str = "persons") -> dict[str, int]:
    """Counts of persons by place, from texts like `DE=120000`.

    Raises:
        InputError: a text that is no place and whole number, all together.
    """
    counts: dict[str, int] = {}
    issues = []
    for text in persons:
        place, _, count = text.partition("=")
        if not count.isdecimal() or not count.isascii():
            issues.append(Issue(f"{text!r} is no count of persons", where=where, maybe="write it like DE=120000"))
        else:
            counts[place] = int(count)
    if issues:
        raise InputError(issues)
    return counts


def stated_counts(texts: Iterable[str]) -> list[Count]:
    """Numbers that an exporter states, from texts like `daily_users:TR=5000000` or `persons:CN=80000:12_months`.

    Raises:
        InputError: a text that is no unit, place and whole number, with a known window if any; all together.
    """
    found, issues = [], []
    for text in texts:
        head, _, tail = text.partition("=")
        what, _, of = head.partition(":")
        number, _, window = tail.partition(":")
        good = what and of and number.isdecimal() and number.isascii() and (not window or window in WINDOWS)
        if not good:
            maybe = f"write it like daily_users:TR=5000000:day; windows are {', '.join(WINDOWS)}"
            issues.append(Issue(f"{text!r} is no count", where="count", maybe=maybe))
        else:
            found.append(Count(what, of, int(number), window))
    if issues:
        raise InputError(issues)
    return found


def asserted(
    importer_status: Iterable[str],
    provider: str | None,
    *,
    support: str | None = None,
    guidance: bool = False,
    parties: Mapping[str, Party] = MappingProxyType({}),
) -> LegalContext:
    """What a question states besides the data: lists that the operator stands on, its terms of support that hold,
    whether guidance counts, and the parties that were looked up.

    Raises:
        InputError: a list or terms without an operator, or that nobody knows of it; an unknown list of parties.
    """
    status = frozenset(importer_status)
    issues = [
        Issue(f"unknown list {name!r}", where="importer_status", maybe=f"use one of {', '.join(IMPORTER_LISTS)}")
        for name in sorted(status - set(IMPORTER_LISTS))
    ]
    lists = load_laws().vocabulary.party_lists
    issues += [
        Issue(f"unknown list {name!r}", where=f"party {party.name}", maybe=f"use one of {', '.join(lists)}")
        for party in parties.values()
        for name in sorted(party.lists - set(lists))
    ]
    if support is not None:
        operators = load_laws().operators
        known = [one.choice for one in operators.support.get(operators.catalogue_id(provider or ""), ()) if one.choice]
        if support not in known:
            maybe = f"use one of {', '.join(known)}" if known else "leave it out: no terms of this operator are known"
            issues.append(Issue(f"{support!r} are no terms of support of {provider}", where="support", maybe=maybe))
    if status and not provider:
        issues.append(Issue("is whose?", where="importer_status", maybe="name the operator with --provider"))
    if issues:
        raise InputError(issues)
    return LegalContext(
        importer_status={provider: status} if provider and status else {},
        support={load_laws().operators.catalogue_id(provider): support} if provider and support else {},
        advisory=guidance,
        parties=parties,
    )
