"""Days on which the law can change its mind: between two of them one verdict stands for all.

A horizon of a year has hundreds of dates, and the law a handful of turning points inside it: laws and amendments that
start or end, group memberships, certificates, mechanisms that become available, overrides that expire.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.instance.models import Instance
    from optimizer.laws.pack import LawPack

_DAY = timedelta(days=1)


def representatives(pack: LawPack, instance: Instance, dates: Sequence[date]) -> dict[date, date]:
    """Return for each date the first of `dates` (sorted) that is under the same law."""
    turns = sorted(set(turning_points(pack, instance)))
    first: dict[int, date] = {}
    return {on: first.setdefault(bisect_right(turns, on), on) for on in sorted(dates)}


def turning_points(pack: LawPack, instance: Instance) -> Iterator[date]:
    """Yield every first day of a new state of the law, in no order and some of them twice."""
    rows = [row for law in pack.laws for row in (pack.laws[law], *(row for _, row in pack.amendments.get(law, ())))]
    yield from _spans((row.in_force_from, row.in_force_to) for row in rows)
    yield from (start for amended in pack.amendments.values() for start, _ in amended)
    for group in pack.groups.ids:
        yield from _spans((member.valid_from, member.valid_to) for member in pack.groups.rows(group))
    yield from _spans((holder.held_from, holder.valid_to) for holder in pack.operators.holders)
    yield from _spans((mechanism.available_from, None) for mechanism in pack.mechanisms.values())
    yield from _spans((None, override.expires) for override in instance.legal_assertions.overrides)
    yield from _spans((None, accepted.expires) for accepted in instance.legal_assertions.accepts)
    if instance.laws.as_of is not None:
        for mechanism in pack.mechanisms.values():
            yield instance.laws.as_of + timedelta(days=mechanism.lead_time_days or 0)


def _spans(spans: Iterable[tuple[date | None, date | None]]) -> Iterator[date]:
    for first, last in spans:
        if first is not None:
            yield first
        if last is not None and last < date.max:
            yield last + _DAY
