"""What laws ask to be done besides keeping copies, found once more for the audit: by when, how often, for whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from optimizer.audit.duties import Due
from optimizer.audit.law_profiles import Profile
from optimizer.audit.law_rules import LawBook

AT_HOME = frozenset({"copy", "primary", "backup"})


@dataclass
class _Case:
    """A duty with the days on which data that it speaks of are somewhere, and where they are worked on."""

    duty: Any
    days: set[date] = field(default_factory=set)
    away: set[date] = field(default_factory=set)
    worked: set[str] = field(default_factory=set)
    workloads: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)


class DeedBook:
    """Collects the duties that reach the data of a plan; `due` says what its actions have to say of them."""

    def __init__(self, laws: LawBook, start: date) -> None:
        self._laws = laws
        self._start = start
        self._cases: dict[tuple[str, str], _Case] = {}

    def add(
        self, profile: Profile, places: Iterable[str], seats: Iterable[str], on: date, *, workload: str = "",
        dataset: str = "",
    ) -> None:  # fmt: skip
        """Note that data are in some places, and seen from the seats of an operator, on a day."""
        worked = set(places)
        there = worked | set(seats) | set(profile.onward or ())
        for row in self._laws.reaching(profile, on):
            for duty in row.trigger.duties:
                plain = duty.kind in ("copy", "primary") and not (
                    duty.before or duty.frequency or duty.retain or duty.on_request or duty.instead
                    or duty.processing_in
                )  # fmt: skip
                if plain or self._laws.set_aside_everywhere(row.id, on):
                    continue
                case = self._cases.setdefault((row.id, duty.kind), _Case(duty))
                case.days.add(on)
                if not all(self._laws.groups.within(place, duty.places, on) for place in there):
                    case.away.add(on)
                if workload:
                    case.workloads.add(workload)
                    case.worked |= worked
                case.datasets |= {dataset} - {""}

    def due(self) -> dict[str, Due]:
        """Return by rule what has to be done; not what is done another way, nor before a transfer that never is."""
        found = {}
        for (law, kind), case in self._cases.items():
            duty, first = case.duty, min(case.days)
            elsewhere = [p for p in case.worked if not self._laws.groups.within(p, duty.processing_in, first)]
            done = duty.processing_in and case.workloads and not elsewhere
            if done or (duty.before == "transfer" and not case.away):
                continue
            when = {"collection": self._start, "transfer": min(case.away, default=first)}.get(duty.before, first)
            whose = ("keep_at_home", "data engineer") if kind in AT_HOME else (
                "file_notification", "regulatory affairs officer")  # fmt: skip
            one = Due(*whose, law, when, None, duty.before or None, duty.frequency or None, duty.on_request)
            one.workloads, one.datasets = case.workloads, case.datasets
            found[f"duty:{law}/{kind}"] = one
        return found
