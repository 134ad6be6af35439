"""The law pack: load it, patch it, ask it.

    pack = load_laws()
    verdicts = pack.judge(profile, Destination("US", provider="aws"), on=date(2027, 1, 1))

Tables are immutable; a scenario's patches make a new pack.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from ..errors import InputError
from ..suggest import unknown_name
from .accelerators import Case, about_chip, export_classes, tenant_facts
from .codes import check_place
from .coverage import Coverage, Profiled
from .grammar import Match, Membership, duty_clauses, match_rule, parse_rule
from .judge import Bench, Judge
from .mechanisms import MechanismDesk
from .narrowing import bound_by, narrowed
from .operators import Operators
from .outcomes import nothing_to_see
from .places import Groups, importer_status_needed
from .profiles import Vocabulary, check_context
from .rows import LawRow, Mechanism
from .scopes import Subject
from .sorting import Sorted, sort_law
from .tables import raise_if
from .triggers import DutyTerms
from .types import (
    NO_CONTEXT,
    UNSTATED,
    AcceleratorFacts,
    DataProfile,
    Destination,
    Duty,
    LegalContext,
    Party,
    Tenant,
    Verdict,
    Verdicts,
)

if TYPE_CHECKING:
    from ..changes.laws import LawPatch

_MEMO_LIMIT = 20_000


@dataclass
class _Memo:
    """What was judged in one context: judges by profile, day and law, benches by what can be told apart."""

    judges: dict[tuple[DataProfile, date, str | None], Judge] = field(default_factory=dict)
    benches: dict[tuple[object, ...], Bench] = field(default_factory=dict)
    sorted: dict[tuple[DataProfile, date], dict[str, Sorted]] = field(default_factory=dict)
    earlier: tuple[frozenset[str], dict[tuple[DataProfile, date], dict[str, Sorted]]] | None = None
    """Laws that an earlier pack had otherwise, and how it sorted all."""


@dataclass(frozen=True, eq=False)
class LawPack:
    """Laws, groups, mechanisms and operators of one state of knowledge.

    `laws` maps an id to its row as the tables have it; amendments of a scenario that start on a date are seen through
    `law(id, on)`. `sha256` covers the shipped files, `patches` repeats what was changed on top. `parties` are those
    that it carries, looked up by whoever wrote it: the world's carries none.
    """

    version: str
    sha256: str
    laws: Mapping[str, LawRow]
    groups: Groups
    mechanisms: Mapping[str, Mechanism]
    operators: Operators
    vocabulary: Vocabulary
    coverage: Coverage
    source: str = "world"
    as_of: date | None = None
    patches: tuple[LawPatch, ...] = ()
    amendments: Mapping[str, tuple[tuple[date, LawRow], ...]] = field(default_factory=dict)
    granted: frozenset[tuple[str, str]] = frozenset()
    parties: Mapping[str, Party] = field(default_factory=dict)
    _active: dict[tuple[date, bool], tuple[LawRow, ...]] = field(default_factory=dict, repr=False)
    _chip_laws: dict[tuple[date, bool], tuple[LawRow, ...]] = field(default_factory=dict, repr=False)
    _capacity_laws: dict[tuple[date, bool, AcceleratorFacts | None], tuple[tuple[LawRow, bool], ...]] = field(
        default_factory=dict, repr=False
    )

    def law(self, law_id: str, on: date | None = None) -> LawRow:
        """The row of a law as amended on a day.

        Raises:
            InputError: unknown law.
        """
        if law_id not in self.laws:
            raise InputError(unknown_name(f"unknown law {law_id!r}", law_id, self.laws))
        row = self.laws[law_id]
        for start, amended in self.amendments.get(law_id, ()):
            if on is None or start <= on:
                row = amended
        return row

    def with_parties(self, context: LegalContext) -> LegalContext:
        """The context with the parties that the pack carries besides those that it states itself."""
        return replace(context, parties={**self.parties, **context.parties}) if self.parties else context

    def active(self, on: date, *, advisory: bool = False) -> tuple[LawRow, ...]:
        """Laws in force on a day, guidance included if `advisory`."""
        found = self._active.get((on, advisory))
        if found is None:
            rows = (self.law(law_id, on) for law_id in self.laws)
            found = tuple(row for row in rows if row.active(on, advisory=advisory))
            self._active[on, advisory] = found
        return found

    def tells_apart(self, tenant: Tenant, on: date, *, advisory: bool = False) -> tuple[bool | None, ...]:
        """What rules on capacity find of a tenant on a day: tenants of whom they find the same are alike to them."""
        nobody = DataProfile(frozenset({"any"}))
        subject = Subject(nobody, nobody.categories, on, NO_CONTEXT, self.groups, self.vocabulary)
        tests = (law.trigger.accelerator for law in self.accelerator_laws(on, advisory=advisory))
        return tuple(known for test in tests if test is not None for known, *_ in tenant_facts(test, tenant, subject))

    def accelerator_laws(self, on: date, *, advisory: bool = False) -> tuple[LawRow, ...]:
        """The rules on chips in force on a day, looked up once per day: they are asked about every chip and place."""
        found = self._chip_laws.get((on, advisory))
        if found is None:
            found = tuple(row for row in self.active(on, advisory=advisory) if row.effect == "accelerator")
            self._chip_laws[on, advisory] = found
        return found

    def judge(
        self,
        profile: DataProfile,
        destination: Destination,
        on: date,
        context: LegalContext = NO_CONTEXT,
        law: str | None = None,
    ) -> Verdicts:
        """Storage, processing and access of `profile` at `destination` on a day.

        With `law`, that rule alone, its trigger taken as given and its status ignored.

        Raises:
            InputError: unknown category, role, flag, country or law, all together.
        """
        raise_if([i for i in (check_place(destination.place, "destination"),) if i])
        return nothing_to_see(self.judge_for(profile, on, context, law).at(destination))

    def judge_for(
        self, profile: DataProfile, on: date, context: LegalContext = NO_CONTEXT, law: str | None = None
    ) -> Judge:
        """The judge of a profile on a day, to be asked about many destinations with `.at(destination)`."""
        judges, key = self.memo_of(context).judges, (profile, on, law)
        found = judges.get(key)
        if found is None:
            if len(judges) > _MEMO_LIMIT:
                judges.clear()
            found = judges[key] = self._build(profile, on, context, law)
        return found

    def memo_of(self, context: LegalContext) -> _Memo:
        """What was judged in a context, remembered for as long as it lives."""
        found: _Memo | None = context.memo.get(self)
        if found is None:
            self.check_context(context)
            found = context.memo.setdefault(self, _Memo())
        return found

    def check_context(self, context: LegalContext) -> None:
        """Refuse assertions about laws, mechanisms, lists or certificates that do not exist.

        Raises:
            InputError: all of them together.
        """
        check_context(
            context, laws=self.laws, mechanisms=self.mechanisms, schemes=self.operators.schemes,
            party_lists=self.vocabulary.party_lists,
        )  # fmt: skip

    @property
    def own(self) -> tuple[str, ...]:
        """The laws that a user added, or put in the place of the world's."""
        return tuple(law for law, row in self.laws.items() if row.own)

    def warnings(self) -> tuple[str, ...]:
        """What a scenario's patches do that higher law forbids: localisation of non-personal data inside the EU."""
        from .loading import loaded

        shipped = loaded(self.source).laws
        return tuple(
            f"{row.id}: EU-FFD-4 bars a member state from localising non-personal data except for public security"
            for row in self.laws.values()
            if (row.own or row.id not in shipped)
            and row.data_categories & {"any", "non_personal"}
            and set(row.jurisdictions) & {*self.groups.expand(("EU27",), row.in_force_from or date.max), "EU"}
            and any(c.verb == "only" for a in ("storage", "processing") for c in row.rule(a).clauses)
        )

    def applicable(self, profile: DataProfile, on: date, context: LegalContext = NO_CONTEXT) -> tuple[LawRow, ...]:
        """Laws with a rule whose trigger the profile meets (those that also ask for an operator included)."""
        return tuple(bound.law for bound in self.judge_for(profile, on, context).bound)

    def duties(self, profile: DataProfile, on: date, context: LegalContext = NO_CONTEXT) -> tuple[Duty, ...]:
        """Copies and first databases that the applicable laws ask for, unless set aside everywhere by an override."""
        found = []
        for bound in self.judge_for(profile, on, context).bound:
            if _set_aside(bound.law.id, profile, on, context):
                continue
            for kind, terms in dict.fromkeys(clause for rule in bound.storage for clause in duty_clauses(rule)):
                said = next((one.told for one in bound.law.trigger.duties if one.kind == kind), "")
                found.append(Duty(bound.law.id, kind, self.groups.expand(terms, on), said))
        return tuple(found)

    def deeds(self, profile: DataProfile, on: date, context: LegalContext = NO_CONTEXT) -> tuple[Duty, ...]:
        """All that the applicable laws ask to be done: the duties, and what they ask besides and no rule can hold."""
        found = list(self.duties(profile, on, context))
        known = {(duty.law, duty.kind) for duty in found}
        for law, one in self.terms(profile, on, context):
            if (law.id, one.kind) not in known:
                found.append(Duty(law.id, one.kind, self.groups.expand(one.places, on), one.told))
        return tuple(found)

    def terms(
        self, profile: DataProfile, on: date, context: LegalContext = NO_CONTEXT
    ) -> tuple[tuple[LawRow, DutyTerms], ...]:
        """Each duty that an applicable law states, with all its terms, unless set aside everywhere by an override."""
        laws = (bound.law for bound in self.judge_for(profile, on, context).bound if bound.law.trigger.duties)
        found = ((law, one) for law in laws for one in law.trigger.duties)
        return tuple(pair for pair in found if not _set_aside(pair[0].id, profile, on, context))

    def judge_capacity(
        self,
        *,
        accelerator: AcceleratorFacts | None,
        destination: Destination,
        tenant: Tenant = UNSTATED,
        on: date,
        context: LegalContext = NO_CONTEXT,
        hypothetical: bool = False,
        site_flags: frozenset[str] = frozenset(),
    ) -> Verdict:
        """Whether a tenant may use capacity of a provider in a place, with a chip or (None) without.

        Capacity that a catalogue observes counts as licensed unless `hypothetical`. Where nobody looked at the rules of
        the place, that of a chip in any export class is unknown.
        """
        categories = frozenset({"any"})
        licensee = DataProfile(categories, exporter=destination.provider or "")
        case = Case(
            accelerator=accelerator,
            destination=destination,
            tenant=tenant,
            subject=Subject(licensee, categories, on, context, self.groups, self.vocabulary),
            operators=self.operators,
            desk=MechanismDesk(self.mechanisms, self.granted),
            site_flags=site_flags,
            hypothetical=hypothetical,
        )
        key = (on, context.advisory, accelerator)
        laws = self._capacity_laws.get(key)
        if laws is None:
            every = self.accelerator_laws(on, advisory=context.advisory)
            about = ((law, about_chip(law.trigger.accelerator, accelerator)) for law in every)
            laws = tuple((law, fits is True) for law, fits in about if fits is not False)
            self._capacity_laws[key] = laws
        verdict = case.judge(laws)
        if accelerator is None or not export_classes(accelerator):
            return verdict
        coverage = Profiled(self.coverage, case.subject, controlled=True)
        return coverage.temper(verdict, coverage.of((destination.place,)))

    def evaluate_rule(
        self, rule_text: str, destination: Destination, on: date, *, importer_conditions_met: bool = True
    ) -> Match:
        """One rule string alone against a destination: the oracle's level, no law around it."""
        places = tuple(dict.fromkeys((destination.place, destination.country)))

        def test(condition: str) -> tuple[bool, str]:
            if importer_status_needed(condition) is not None:
                return importer_conditions_met, condition
            return False, condition

        def holds(term: str) -> Membership:
            if term in self.groups:
                return self.groups.membership(term, places, on, test)
            return Membership(term in places)

        return match_rule(parse_rule(rule_text), holds)

    def _build(self, profile: DataProfile, on: date, context: LegalContext, law: str | None) -> Judge:
        self.vocabulary.check(profile)
        categories = self.vocabulary.expand(profile)
        subject = Subject(profile, categories, on, context, self.groups, self.vocabulary)
        alone = law is not None
        found = [Sorted(bound_by(self.law(law, on), subject))] if law is not None else self._sorted(subject).values()
        bound = tuple(one.bound for one in found if one.bound is not None)
        unmodelled = tuple(one.unmodelled for one in found if one.unmodelled is not None)
        risky = tuple(one.risky for one in found if one.risky is not None)
        seen = narrowed(subject, bound, self.mechanisms)
        key = (seen, alone, *(tuple(one.key for one in lot) for lot in (bound, unmodelled, risky)))
        benches = self.memo_of(context).benches
        bench = benches.get(key)
        if bench is None:
            if len(benches) > _MEMO_LIMIT:
                benches.clear()
            bench = benches[key] = Bench(
                subject=seen, bound=bound, unmodelled=unmodelled, risky=risky, operators=self.operators,
                desk=MechanismDesk(self.mechanisms, self.granted), alone=alone,
            )  # fmt: skip
        coverage = None if alone else Profiled(self.coverage, subject, tuple(one.law for one in bound))
        return Judge(bench, tuple(one.missed for one in found if one.missed is not None), coverage)

    def _sorted(self, subject: Subject) -> dict[str, Sorted]:
        """Where each law in force belongs for a subject, by law; of laws as an earlier pack had them, as it found."""
        memo, key = self.memo_of(subject.context), (subject.profile, subject.on)
        touched, earlier = memo.earlier or (frozenset(), {})
        known = earlier.get(key)
        found = {}
        for row in self.active(subject.on, advisory=subject.context.advisory):
            if known is None or row.id in touched:
                place = sort_law(row, subject)
                if place is not None:
                    found[row.id] = place
            elif row.id in known:
                found[row.id] = known[row.id]
        if len(memo.sorted) > _MEMO_LIMIT:
            memo.sorted.clear()
        memo.sorted[key] = found
        return found


def _set_aside(law: str, profile: DataProfile, on: date, context: LegalContext) -> bool:
    return any(
        o.law_id == law
        and on <= o.expires
        and not (o.countries or o.providers)
        and (not o.exporters or profile.exporter in o.exporters)
        and (not o.activities or "storage" in o.activities)
        for o in context.overrides
    )
