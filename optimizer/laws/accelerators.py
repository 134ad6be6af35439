"""Rules on capacity: which chip may be in which country and with which operator, and who may use what.

Rules on chips are about hardware and its buyer, rules on users (sanctions) about any machine, endpoint or storage;
neither is about the data. A chip that a catalogue observes in a region got there lawfully or not, but its licence is
not the tenant's to buy: observed capacity counts as licensed, and rules on chips bind only hypothetical capacity (and
the tenant, where a rule says so). What a rule asks is a list of facts, each of which fits, does not, or is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import isnan

from .grammar import Match, Membership, match_rule, worst
from .mechanisms import MechanismDesk
from .operators import Operators
from .outcomes import SILENT, Outcome, Said, combine
from .parties import listed_users, not_looked_up
from .remarks import Remark
from .requirements import places
from .rows import LawRow
from .scopes import Subject
from .triggers import AcceleratorTest
from .types import AcceleratorFacts, Destination, Level, Tenant, Verdict

TPP_A = 4800.0
TPP_B = 2400.0
TPP_DENSE = 1600.0
DENSITY_A = 5.92
DENSITY_DENSE_B = 3.2
DENSITY_B = 1.6
BAND_TPP = 21_000.0
BAND_GB_PER_S = 6_500.0
CLASSES = frozenset({"3A090.a", "3A090.b", "cn_band", "above_band"})


@dataclass(frozen=True)
class ExportClasses:
    """The export classes a chip is `inside`, those that a missing figure leaves `unknown`, and which figures miss.

    3A090.a: TPP ≥ 4,800, or TPP ≥ 1,600 with a performance density ≥ 5.92. 3A090.b: TPP of 2,400 to 4,800 with a
    density of 1.6 to 5.92, or TPP ≥ 1,600 with a density of 3.2 to 5.92. Both are of data-centre chips, and of any with
    TPP ≥ 4,800 (15 CFR 774 Supp. 1). cn_band: TPP < 21,000 and memory bandwidth < 6,500 GB/s, decided case by case for
    China since 2026-01-15; above_band: one of the two is at or over its limit. A missing figure puts a chip neither
    into a class nor above one.
    """

    inside: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """True if export rules speak of the chip, or may."""
        return bool(self.inside or self.unknown)


def _figure(value: float | None) -> float | None:
    """A figure, or None where a table holds NaN."""
    return None if value is None or isnan(value) else value


def export_classes(accelerator: AcceleratorFacts) -> ExportClasses:
    """The export classes of an accelerator, as far as its figures say (`ExportClasses`)."""
    tpp = _figure(accelerator.tpp)
    if tpp is None:
        return ExportClasses(unknown=CLASSES, missing=("total processing performance",))
    if tpp < TPP_DENSE or (tpp < TPP_A and not accelerator.data_centre):
        return ExportClasses()
    band = _band(tpp, _figure(accelerator.memory_bandwidth_gb_per_s))
    if tpp >= TPP_A:
        return ExportClasses(frozenset({"3A090.a"}) | band.inside, band.unknown, band.missing)
    density = _figure(accelerator.performance_density)
    if density is None:
        either = frozenset({"3A090.a", "3A090.b"})
        return ExportClasses(band.inside, either | band.unknown, ("performance density", *band.missing))
    if density >= DENSITY_A:
        return ExportClasses(frozenset({"3A090.a"}) | band.inside, band.unknown, band.missing)
    if density >= DENSITY_DENSE_B or (tpp >= TPP_B and density >= DENSITY_B):
        return ExportClasses(frozenset({"3A090.b"}) | band.inside, band.unknown, band.missing)
    return ExportClasses()


def _band(tpp: float, gb_per_s: float | None) -> ExportClasses:
    """In or above the band of China, by the figures that there are."""
    if tpp >= BAND_TPP or (gb_per_s is not None and gb_per_s >= BAND_GB_PER_S):
        return ExportClasses(frozenset({"above_band"}))
    if gb_per_s is None:
        return ExportClasses(unknown=frozenset({"cn_band"}), missing=("memory bandwidth",))
    return ExportClasses(frozenset({"cn_band"}))


Fact = tuple[bool | None, str, str]
"""Whether what a rule asks fits (None: not known), under which rule it is found out, and what is missing, in words."""


def _of_class(test: AcceleratorTest, classes: ExportClasses) -> bool | None:
    """Whether a rule is about a chip by its class; None where a figure is missing that decides."""
    asked = set(test.classes)
    if not asked or classes.inside & asked:
        return True
    return None if classes.unknown & asked else False


def _of_vendor(test: AcceleratorTest, vendor: str | None) -> bool | None:
    """Whether a rule is about the chips of a vendor's country; one that nobody states is not known to be inside."""
    if vendor in test.vendor_not:
        return False
    if not test.vendor_within:
        return True
    return None if vendor is None else vendor in test.vendor_within


def figure_of(accelerator: AcceleratorFacts | None, classes: ExportClasses) -> tuple[str, str]:
    """The rule under which what is missing of a chip is found out, and what that is."""
    name = accelerator.name if accelerator else ""
    return f"chip:{name}", f"{' and '.join(classes.missing) or 'the country of the vendor'} of {name}"


def about_chip(test: AcceleratorTest | None, accelerator: AcceleratorFacts | None) -> bool | None:
    """Whether a rule on capacity is about a chip, by name, class and vendor; None where a figure is missing.

    Without a chip: whether it is about any capacity.
    """
    if test is None or (accelerator is not None and test.named and accelerator.name not in test.named):
        return False
    if accelerator is None:
        return test.any_capacity
    facts = (_of_class(test, export_classes(accelerator)), _of_vendor(test, accelerator.vendor_country))
    return False if False in facts else None if None in facts else True


def tenant_facts(test: AcceleratorTest, tenant: Tenant, subject: Subject) -> Iterator[Fact]:
    """What a rule asks of the user: where it or its parent sits, and what for; what is not stated is not known."""
    if test.tenant:
        asked = Tenant(tenant.headquarters, tenant.headquarters) if test.own_seat_only else tenant
        missing = "its headquarters" if test.own_seat_only else asked.unstated
        inside = any(subject.groups.place_in(seat, test.tenant, subject.on) for seat in asked.seats)
        known = True if inside else None if asked.unstated else False
        yield known, "tenant:seat", f"where the tenant has {missing}"
    if test.end_use:
        fits = bool(tenant.end_use & set(test.end_use)) if tenant.end_use else None
        yield fits, "tenant:end_use", "what the tenant uses it for"


@dataclass(frozen=True)
class Case:
    """Capacity at one destination for one tenant, with a chip or without; `subject` holds the day and the context."""

    accelerator: AcceleratorFacts | None
    destination: Destination
    tenant: Tenant
    subject: Subject
    operators: Operators
    desk: MechanismDesk
    site_flags: frozenset[str]
    hypothetical: bool

    def judge(self, laws: Iterable[tuple[LawRow, bool]]) -> Verdict:
        """The verdict of all laws on such capacity, each with whether what is known of the chip decides that it is one
        (see the module's docstring)."""
        outcomes: list[Said] = []
        asked: dict[tuple[str, str], list[str]] = {}
        classes = export_classes(self.accelerator) if self.accelerator else ExportClasses()
        figure = figure_of(self.accelerator, classes)
        for law, sure in laws:
            test = law.trigger.accelerator
            facts = None if test is None else self._missing(test, [] if sure else [figure])
            if test is None or facts is None or self._inside(self.destination.place, law.trigger.home):
                continue
            outcome = self._law(law, test, [rule for rule, _ in facts], classes)
            if outcome is None or outcome.named:
                aside = self._set_aside(law)
                outcome = Outcome(Level.FREE, conditions=(aside,)) if aside else outcome
            if outcome is None:
                for rule, missing in dict.fromkeys(facts) or [figure]:
                    asked.setdefault((rule, missing), []).append(law.id)
            elif outcome.named:
                outcomes.append((law, (), outcome))
        verdict = combine("processing", outcomes)
        for (rule, missing), names in asked.items():
            verdict = self._with_question(verdict, rule, f"{', '.join(names)}: {missing} is not known, which decides")
        return verdict

    def _with_question(self, verdict: Verdict, rule: str, text: str) -> Verdict:
        """The verdict, with what has to be found out of the chip or the tenant before some laws can be read."""
        context = self.subject.context
        answer = context.unknown_tenant if rule.startswith("tenant:") else context.unknown_law
        refuses = answer == "refuse" and not context.accepted(rule, self.subject.on)
        return replace(
            verdict,
            level=max(verdict.level, Level.UNKNOWN),
            unknown=(*verdict.unknown, (rule, text)),
            refused=tuple(dict.fromkeys((*verdict.refused, *((rule,) if refuses else ())))),
        )

    def _set_aside(self, law: LawRow) -> str:
        for override in self.subject.context.overrides:
            if override.law_id == law.id and override.covers(
                exporter="", destination=self.destination, activity="processing", on=self.subject.on
            ):
                until = override.expires.isoformat()
                return f"{law.id}: set aside by {override.author} until {until}: {override.basis}"
        return ""

    def _inside(self, place: str, terms: tuple[str, ...]) -> bool:
        return self.subject.groups.place_in(place, terms, self.subject.on)

    def _missing(self, test: AcceleratorTest, found: list[tuple[str, str]]) -> list[tuple[str, str]] | None:
        """What is not known of all that a rule asks, `found` of the chip; None once something takes it elsewhere."""
        for fits, rule, missing in self._facts(test):
            if fits is False:
                return None
            if fits is None:
                found.append((rule, missing))
        return found

    def _facts(self, test: AcceleratorTest) -> Iterator[Fact]:
        """All that a rule asks of the site, the operator and the user."""
        if test.sites:
            yield self._inside(self.destination.place, test.sites), "", ""
        if test.site_flags:
            yield bool(self.site_flags & set(test.site_flags)), "", ""
        provider = self.destination.provider
        if test.provider_hq_test:
            yield provider is not None and self._headquarters(provider) != "no", "", ""
        if test.operator_control:
            yield provider is not None and self._controlled(provider, test.operator_control), "", ""
        if test.parties:
            yield self._listed(test)[0] is not False, "", ""
        yield from tenant_facts(test, self.tenant, self.subject)

    def _listed(self, test: AcceleratorTest) -> tuple[bool | None, str]:
        """Whether one whom a rule asks about is on a list, or owned by who is; True for a rule without lists."""
        if test.parties is None:
            return True, ""
        return listed_users(test.parties, self.destination.provider, self.tenant, self.subject.context.parties)

    def _open_parties(self, law: LawRow, test: AcceleratorTest) -> Outcome:
        """What a law says while nobody looked up some of those whom it asks about."""
        if test.parties is None or not (self.hypothetical or test.even_observed):
            return SILENT
        told, confirm = not_looked_up(
            law.id, test.parties, self.destination.provider, self.tenant, self.subject.context.parties
        )
        return Outcome(Level.FREE, conditions=tuple(told), confirm=tuple(confirm))

    def _controlled(self, provider: str, terms: tuple[str, ...]) -> bool:
        """True if an operator can be compelled from there; one of which nobody knows counts as such."""
        facts = self.operators.facts(provider, self.subject.context)
        return not facts.control_known or any(self._inside(place, terms) for place in places(facts.control_strict))

    def _headquarters(self, provider: str) -> str:
        return self.operators.facts(provider, self.subject.context).bis_hq_test

    def _rule(self, law: LawRow) -> Match:
        names = tuple(dict.fromkeys((self.destination.place, self.destination.country)))
        groups = self.subject.groups

        def holds(term: str) -> Membership:
            if term in groups:
                return groups.membership(term, names, self.subject.on, lambda _: (False, ""))
            return Membership(term in names)

        return worst([match_rule(rule, holds) for rule in self.subject.rules(law, "processing")])

    @property
    def _what(self) -> str:
        return self.accelerator.name if self.accelerator else "capacity"

    def _law(self, law: LawRow, test: AcceleratorTest, missing: list[str], classes: ExportClasses) -> Outcome | None:
        """What a law says of capacity that nothing known takes out of it; None if what is missing decides."""
        name, place = self._what, self.destination.place
        of_chip = [rule for rule in missing if rule.startswith("chip:")]
        if law.trigger.risk:
            return SILENT if of_chip else self._risk(law, missing)
        if law.rule("processing").is_none and (test.tenant or test.vendor_not):
            if missing and not of_chip:
                return None
            vendor = self.accelerator and self.accelerator.vendor_country
            who = " or ".join(self.tenant.seats) if test.tenant else vendor
            return Outcome(Level.FORBIDDEN, reason=f"{name} is closed to {who} by this rule")
        match = self._rule(law)
        if match.level is Level.FREE:
            return SILENT
        if self._listed(test)[0] is None:
            return self._open_parties(law, test)
        if not self.hypothetical and not test.even_observed:
            where = self.destination.region or place
            seen = Remark(f"{law.id}: observed capacity counts as licensed", "", f"{name} in {where}")
            return Outcome(Level.FREE, conditions=(seen,))
        provider = self.destination.provider
        if test.provider_hq_test and provider is not None and self._headquarters(provider) != "yes":
            text = f"{law.id}: neither seat nor ultimate parent of the operator is in D:5 or Macau, which nobody stated"
            return Outcome(Level.FREE, conditions=(Remark(text, "", provider),))
        if test.deny_above_class and "above_band" in classes.inside:
            return Outcome(Level.FORBIDDEN, reason=f"presumption of denial for {name} to {place}")
        if missing or (test.deny_above_class and "cn_band" not in classes.inside):
            return None
        return self._decided(law, test, match)

    def _decided(self, law: LawRow, test: AcceleratorTest, match: Match) -> Outcome:
        """What a law says of capacity that it is known to be about."""
        what = f"a licence for {self._what} to {self.destination.place}"
        if match.level is Level.FORBIDDEN:
            reason = f"{what} is denied, or presumed to be"
            if test.parties:
                reason = self._listed(test)[1]
            elif test.any_capacity:
                seats = (self.tenant.headquarters,) if test.own_seat_only else self.tenant.seats
                reason = f"a tenant seated in {' or '.join(map(str, seats))} is not to be served"
                provider = self.destination.provider or ""
                if test.operator_control and not self.operators.facts(provider, self.subject.context).control_known:
                    reason += f" (who controls {provider} is not known)"
            return Outcome(Level.FORBIDDEN, reason=reason)
        offer = self.desk.offer(law, match.level, match.ways, self.destination, self.subject)
        return Outcome(offer.level, offer=offer, conditions=offer.conditions, reason=offer.reason)

    def _risk(self, law: LawRow, missing: list[str]) -> Outcome:
        """A risk that is told, and of which user if that is not stated."""
        words = {"tenant:seat": "the tenant's seats are not stated", "tenant:end_use": "its end use is not stated"}
        text = "; ".join([f"{law.id}: {law.trigger.risk}", *(words[rule] for rule in missing)])
        return Outcome(Level.FREE, conditions=(Remark(text, "", self._what),))
