"""Accelerator export rules: which chip may be in which country and with which provider.

The rules are about hardware and its buyer, never about the tenant's data. A chip that a catalogue observes in a region
got there lawfully or not, but its licence is not the tenant's to buy: observed capacity counts as licensed, and the
rules bind only hypothetical capacity (and the tenant, where a rule says so).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isnan

from .grammar import Match, Membership, match_rule, worst
from .mechanisms import MechanismDesk
from .operators import Operators
from .outcomes import SILENT, Outcome, Said, combine
from .remarks import Remark
from .rows import LawRow
from .scopes import Subject
from .triggers import AcceleratorTest
from .types import AcceleratorFacts, Destination, Level, Verdict

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


@dataclass(frozen=True)
class Case:
    """One chip at one destination for one tenant; `subject` holds the day, the context and the tenant's seat."""

    accelerator: AcceleratorFacts
    destination: Destination
    subject: Subject
    operators: Operators
    desk: MechanismDesk
    site_flags: frozenset[str]
    hypothetical: bool

    def judge(self, laws: Iterable[LawRow]) -> Verdict:
        """The verdict of all accelerator laws (see the module's docstring)."""
        outcomes: list[Said] = []
        asked: list[str] = []
        classes = export_classes(self.accelerator)
        for law in laws:
            test = law.trigger.accelerator
            if test is None or self._inside(self.destination.place, law.trigger.home):
                continue
            outcome = self._law(law, test, classes)
            if outcome is None or outcome.named:
                aside = self._set_aside(law)
                outcome = Outcome(Level.FREE, conditions=(aside,)) if aside else outcome
            if outcome is None:
                asked.append(law.id)
            elif outcome.named:
                outcomes.append((law, (), outcome))
        verdict = combine("processing", outcomes)
        return self._with_question(verdict, asked, classes) if asked else verdict

    def _with_question(self, verdict: Verdict, asked: list[str], classes: ExportClasses) -> Verdict:
        """The verdict, with what has to be found out of the chip before these laws can be read."""
        rule, context = f"chip:{self.accelerator.name}", self.subject.context
        missing = " and ".join(classes.missing) or "its vendor's country"
        text = f"{', '.join(asked)}: {missing} of {self.accelerator.name} not known, which decides"
        refuses = context.unknown_law == "refuse" and not context.accepted(rule, self.subject.on)
        return replace(
            verdict,
            level=max(verdict.level, Level.UNKNOWN),
            unknown=(*verdict.unknown, (rule, text)),
            refused=(*verdict.refused, *((rule,) if refuses else ())),
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

    def _elsewhere(self, test: AcceleratorTest) -> bool:
        """True if the rule is about other chips by name, other sites, tenants or operators, whatever the class."""
        if test.named and self.accelerator.name not in test.named:
            return True
        if test.sites and not self._inside(self.destination.place, test.sites):
            return True
        if test.site_flags and not self.site_flags & set(test.site_flags):
            return True
        if test.tenant_hq:
            seat = self.subject.profile.exporter_hq
            return seat is None or not self._inside(seat, test.tenant_hq)
        if test.provider_hq_test:
            provider = self.destination.provider
            return provider is None or self._headquarters(provider) == "no"
        return False

    def _headquarters(self, provider: str) -> str:
        return self.operators.facts(provider, self.subject.context).bis_hq_test

    def _of_chip(self, test: AcceleratorTest, classes: ExportClasses) -> bool | None:
        """Whether the rule is about such a chip by class and vendor; None where a figure is missing that decides."""
        vendor = self.accelerator.vendor_country
        if vendor in test.vendor_not or (
            test.vendor_within and vendor is not None and vendor not in test.vendor_within
        ):
            return False
        in_class = not test.classes or bool(classes.inside & set(test.classes))
        if not in_class and not classes.unknown & set(test.classes):
            return False
        return True if in_class and not (test.vendor_within and vendor is None) else None

    def _rule(self, law: LawRow) -> Match:
        places = tuple(dict.fromkeys((self.destination.place, self.destination.country)))
        groups = self.subject.groups

        def holds(term: str) -> Membership:
            if term in groups:
                return groups.membership(term, places, self.subject.on, lambda _: (False, ""))
            return Membership(term in places)

        return worst([match_rule(rule, holds) for rule in self.subject.rules(law, "processing")])

    def _law(self, law: LawRow, test: AcceleratorTest, classes: ExportClasses) -> Outcome | None:
        """What a law says of the chip; None if a figure is missing that decides whether it says anything."""
        about = self._of_chip(test, classes)
        if about is False or self._elsewhere(test):
            return SILENT
        name, place = self.accelerator.name, self.destination.place
        if law.trigger.risk and not about:
            return SILENT
        if law.trigger.risk:
            return Outcome(Level.FREE, conditions=(Remark(f"{law.id}: {law.trigger.risk}", "", name),))
        if (test.tenant_hq or test.vendor_not) and law.rule("processing").is_none:
            who = self.subject.profile.exporter_hq if test.tenant_hq else self.accelerator.vendor_country
            return Outcome(Level.FORBIDDEN, reason=f"{name} is closed to {who} by this rule")
        match = self._rule(law)
        if match.level is Level.FREE:
            return SILENT
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
        if about is None or (test.deny_above_class and "cn_band" not in classes.inside):
            return None
        if match.level is Level.FORBIDDEN:
            return Outcome(Level.FORBIDDEN, reason=f"a licence for {name} to {place} is denied, or presumed to be")
        offer = self.desk.offer(law, match.level, match.ways, self.destination, self.subject)
        return Outcome(offer.level, offer=offer, conditions=offer.conditions, reason=offer.reason)
