"""What the laws that bind a subject can still look at of it, once a place is asked about.

Whether a law binds is settled by the whole profile, place or not; what it then says of a place depends on little of it.
Subjects with the same laws bound the same way and the same rest share one bench: of the hundreds of profiles in an
estate (exporters times countries of their customers) the laws tell a few dozen apart. The bench gets the narrowed
subject and nothing else, so that profiles of one bench cannot but get the same verdicts; that narrowing takes nothing
away that some law asks for is tested against benches with whole subjects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .grammar import Rule
from .rows import LawRow, Mechanism
from .scopes import Subject
from .triggers import Requires, Scope
from .types import ACTIVITIES, DataProfile

RULED = (*ACTIVITIES, "transit")
"""What a law may have a rule on."""


@dataclass(frozen=True)
class Bound:
    """A law that binds a subject: assumptions made to get there, and scopes still to be put to the destination.

    `requires`: what it asks of operator or exporter, of that what is asked of this subject; `storage`, `processing`,
    `access` and `transit`: its rules for this subject's data, all of which must be met.
    """

    law: LawRow
    assumptions: tuple[str, ...] = ()
    open_scopes: tuple[Scope, ...] = ()
    requires: tuple[Requires, ...] = ()
    storage: tuple[Rule, ...] = ()
    processing: tuple[Rule, ...] = ()
    access: tuple[Rule, ...] = ()
    transit: tuple[Rule, ...] = ()

    def rules(self, activity: str) -> tuple[Rule, ...]:
        """The rules of an activity."""
        found: tuple[Rule, ...] = getattr(self, activity)
        return found

    @property
    def key(self) -> tuple[object, ...]:
        """The same for the same law bound in the same way, among the laws of one day."""
        rules = tuple(tuple(rule.text for rule in self.rules(activity)) for activity in RULED)
        return self.law.id, self.assumptions, self.open_scopes, self.requires, rules


def bound_by(
    law: LawRow, subject: Subject, assumptions: tuple[str, ...] = (), open_scopes: tuple[Scope, ...] = ()
) -> Bound:
    """Return the law as it binds a subject, with what it requires in this case."""
    asked = (r for r in law.trigger.requires if r.when is None or subject.test(r.when).met)
    rules = (subject.rules(law, activity) for activity in RULED)
    return Bound(law, assumptions, open_scopes, tuple(asked), *rules)


def narrowed(subject: Subject, bound: Sequence[Bound], mechanisms: Mapping[str, Mechanism]) -> Subject:
    """Return the subject without what none of the laws that bind it looks at when it is put to a place."""
    laws = [one.law for one in bound]
    offered = [mechanisms[name] for law in laws for name in law.all_mechanisms() if name in mechanisms]
    parts = {part for mechanism in offered for part in mechanism.key}
    bands = [law.trigger.volumes for law in laws if law.trigger.volumes is not None]
    exempting = {flag for law in laws for flag in law.trigger.exemption_flags}
    exempting.update(flag for band in bands for flag in band.exempt_flags)
    counted = bool(bands)
    described = counted or "data" in parts
    named = counted or bool(parts & {"exporter", "group"}) or any(o.exporters for o in subject.context.overrides)
    tests = [requires.parties for one in bound for requires in one.requires if requires.parties]
    named = named or any("exporter" in test.of for test in tests)
    seated = any(requires.exporter for one in bound for requires in one.requires)
    limited = any(mechanism.max_retention_hours is not None for mechanism in offered)
    whole, words = subject.profile, subject.groups.sectors
    profile = DataProfile(
        categories=whole.categories if described else frozenset(),
        subjects=whole.subjects if described else frozenset(),
        persons=whole.persons if counted else (),
        sensitive_persons=whole.sensitive_persons if counted else (),
        counts=whole.counts if counted else (),
        exporter=whole.exporter if named else "",
        exporter_country=whole.exporter_country if seated else "",
        sectors=whole.sectors & words,
        flags=whole.flags & exempting,
        retention_hours=whole.retention_hours if limited else None,
        state=whole.state if any(mechanism.state for mechanism in offered) else frozenset(),
        via=whole.via if any(not rule.is_none for one in bound for rule in one.transit) else (),
        onward=whole.onward if bound else (),
    )
    categories = subject.categories & (words | {"sensitive"} if counted else words)
    return replace(subject, profile=profile, categories=categories)
