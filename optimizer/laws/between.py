"""Rules that begin, end or are amended between two days: laws, members of groups, certificates, mechanisms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from .operators import STATUS_SCHEMES
from .pack import LawPack
from .rows import LawRow
from .types import ACTIVITIES

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Turn:
    """Something that is otherwise from `day` on: `kind` law, member, certificate or mechanism.

    `id` names the law, the group, the scheme or the mechanism, `who` the instrument, the member or the holder; `what`
    is what happens (`begins`, `ends`, `joins`, `holds` …), `source` where it stands.
    """

    day: date
    kind: str
    id: str
    what: str
    who: str
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**asdict(self), "day": self.day.isoformat()}


def turns_between(pack: LawPack, before: date, after: date, *, advisory: bool = False) -> tuple[Turn, ...]:
    """Return what is otherwise from a day after `before`, up to and with `after`, in order of days.

    `advisory`: guidance counts as law. Rules without a date, and proposals that no scenario activates, never turn.
    """
    found = [*_laws(pack, advisory), *_members(pack), *_certificates(pack), *_mechanisms(pack)]
    inside = {turn for turn in found if before < turn.day <= after}
    return tuple(sorted(inside, key=lambda t: (t.day, t.kind, t.id, t.what, t.who)))


def bearing_on(pack: LawPack, turns: Iterable[Turn], laws: frozenset[str]) -> tuple[Turn, ...]:
    """Return those of some turns that can change what these laws say: their own, of what they name, of importers."""
    words: set[str] = set()
    for law in laws & pack.laws.keys():
        for row in (pack.laws[law], *(row for _, row in pack.amendments.get(law, ()))):
            words |= _named(row)
    words.update(STATUS_SCHEMES.values())

    def bears(turn: Turn) -> bool:
        if turn.kind == "certificate":
            return any(f"{turn.id} ".startswith(f"{scheme} ") for scheme in words)
        return turn.id in (laws if turn.kind == "law" else words)

    return tuple(turn for turn in turns if bears(turn))


def _named(row: LawRow) -> set[str]:
    """Groups, mechanisms and certification schemes in a law's rules and trigger."""
    trigger = row.trigger
    words = {term for activity in ACTIVITIES for term in row.rule(activity).terms()}
    words.update(trigger.home, row.all_mechanisms())
    for scope in (*trigger.scopes, *trigger.unless):
        words.update(scope.where, scope.subjects, scope.exporter, scope.exporter_hq, scope.destinations)
        words.update(scope.provider_control)
    for requires in trigger.requires:
        words.update(requires.control_within, requires.control_outside, requires.exporter)
        words.update(one.scheme for alternatives in requires.certificates for one in alternatives)
    if trigger.accelerator is not None:
        test = trigger.accelerator
        words.update(test.tenant, test.operator_control, test.sites)
    return words


def _laws(pack: LawPack, advisory: bool) -> Iterator[Turn]:
    for law, first in pack.laws.items():
        amendments = pack.amendments.get(law, ())
        for start, row in amendments:
            yield _turn(row, start, "is amended")
        for row in (first, *(row for _, row in amendments)):
            if row.in_force_from is None or not row.active(row.in_force_from, advisory=advisory):
                continue
            yield _turn(row, row.in_force_from, "begins")
            if row.in_force_to is not None and row.in_force_to < date.max:
                yield _turn(row, row.in_force_to + _DAY, "ends")


def _turn(row: LawRow, day: date, what: str) -> Turn:
    parts = (row.provision and f"{row.provision}:", row.citation, row.source_url, f"({row.confidence})")
    return Turn(day, "law", row.id, what, row.instrument, " ".join(filter(None, parts)))


def _members(pack: LawPack) -> Iterator[Turn]:
    for group in pack.groups.ids:
        rows = pack.groups.rows(group)
        for row in rows:
            who = f"{row.member} ({row.condition})" if row.condition else row.member
            alike = [other for other in rows if (other.member, other.condition) == (row.member, row.condition)]
            source = " ".join(filter(None, (row.source, f"({row.confidence})" if row.confidence else "")))
            start, end = row.valid_from, _after(row.valid_to)
            if start is not None and not any(other.valid(start - _DAY) for other in alike):
                yield Turn(start, "member", group, "joins", who, source)
            if end is not None and not any(other.valid(end) for other in alike):
                yield Turn(end, "member", group, "leaves", who, source)


def _certificates(pack: LawPack) -> Iterator[Turn]:
    for row in pack.operators.holders:
        if row.status != "held":
            continue
        name = " ".join(filter(None, (row.scheme, row.level)))
        who = f"{row.provider} ({row.service}, {row.region})"
        source = ", ".join(filter(None, (row.note, row.confidence)))
        if row.held_from is not None:
            yield Turn(row.held_from, "certificate", name, "holds", who, source)
        end = _after(row.valid_to)
        if end is not None:
            yield Turn(end, "certificate", name, "holds no longer", who, source)


def _mechanisms(pack: LawPack) -> Iterator[Turn]:
    for one in pack.mechanisms.values():
        if one.available_from is not None:
            yield Turn(one.available_from, "mechanism", one.id, "can be used:", one.name, one.citation)


def _after(last: date | None) -> date | None:
    """The first day on which something is over that holds to the end of `last`."""
    return last + _DAY if last is not None and last < date.max else None
