"""Accelerator export rules: which chip may be in which country and with which provider.

The rules are about hardware and its buyer, never about the tenant's data. A chip that a catalogue observes in a region
got there lawfully or not, but its licence is not the tenant's to buy: observed capacity counts as licensed, and the
rules bind only hypothetical capacity (and the tenant, where a rule says so).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan

from .grammar import Match, Membership, match_rule, worst
from .mechanisms import MechanismDesk
from .operators import Operators
from .outcomes import SILENT, Outcome, combine
from .remarks import Remark
from .rows import LawRow
from .scopes import Subject
from .triggers import AcceleratorTest
from .types import AcceleratorFacts, Destination, Level, Verdict

TPP_A = 4800.0
TPP_DENSE = 1600.0
DENSITY_A = 5.92
BAND_TPP = 21_000.0
BAND_GB_PER_S = 6_500.0


def _figure(value: float | None) -> float | None:
    """A figure, or None where a table holds NaN."""
    return None if value is None or isnan(value) else value


def export_class(accelerator: AcceleratorFacts) -> frozenset[str]:
    """Classes an accelerator falls in: "3A090.a", "cn_band" (case by case to CN/MO), "above_band", "unknown".

    3A090.a: TPP ≥ 4,800, or TPP ≥ 1,600 with a performance density ≥ 5.92, for data-centre chips (15 CFR 774 Supp. 1).
    The band of 2026: TPP < 21,000 and memory bandwidth < 6,500 GB/s. A missing figure that would decide puts the chip
    into "unknown", which counts as inside every class.
    """
    tpp, density = _figure(accelerator.tpp), _figure(accelerator.performance_density)
    if tpp is None:
        return frozenset({"unknown"})
    if not accelerator.data_centre and tpp < TPP_A:
        return frozenset()
    if tpp < TPP_DENSE:
        return frozenset()
    if tpp < TPP_A:
        if density is None:
            return frozenset({"unknown"})
        if density < DENSITY_A:
            return frozenset()
    bandwidth = _figure(accelerator.memory_bandwidth_gb_per_s)
    if tpp >= BAND_TPP or (bandwidth is not None and bandwidth >= BAND_GB_PER_S):
        return frozenset({"3A090.a", "above_band"})
    if bandwidth is None:
        return frozenset({"3A090.a", "unknown"})
    return frozenset({"3A090.a", "cn_band"})


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
        outcomes = []
        for law in laws:
            test = law.trigger.accelerator
            if test is None or self._inside(self.destination.place, law.trigger.home):
                continue
            outcome = self._law(law, test)
            if outcome.named:
                outcomes.append((law, (), outcome))
        return combine("processing", outcomes)

    def _inside(self, place: str, terms: tuple[str, ...]) -> bool:
        return self.subject.groups.place_in(place, terms, self.subject.on)

    def _touches(self, test: AcceleratorTest, classes: frozenset[str]) -> bool:
        if test.classes and "unknown" not in classes and not classes & set(test.classes):
            return False
        if test.vendor_not and self.accelerator.vendor_country in test.vendor_not:
            return False
        if test.sites and not self._inside(self.destination.place, test.sites):
            return False
        if test.site_flags and not self.site_flags & set(test.site_flags):
            return False
        if test.tenant_hq:
            seat = self.subject.profile.exporter_hq
            return seat is not None and self._inside(seat, test.tenant_hq)
        if test.provider_hq_test:
            provider = self.destination.provider
            if provider is None:
                return False
            return self.operators.facts(provider, self.subject.context).bis_hq_test != "no"
        return True

    def _rule(self, law: LawRow) -> Match:
        places = tuple(dict.fromkeys((self.destination.place, self.destination.country)))
        groups = self.subject.groups

        def holds(term: str) -> Membership:
            if term in groups:
                return groups.membership(term, places, self.subject.on, lambda _: (False, ""))
            return Membership(term in places)

        return worst([match_rule(rule, holds) for rule in self.subject.rules(law, "processing")])

    def _law(self, law: LawRow, test: AcceleratorTest) -> Outcome:
        classes = export_class(self.accelerator)
        if not self._touches(test, classes):
            return SILENT
        name, place = self.accelerator.name, self.destination.place
        if test.tenant_hq or test.vendor_not:
            who = self.subject.profile.exporter_hq if test.tenant_hq else self.accelerator.vendor_country
            return Outcome(Level.FORBIDDEN, reason=f"{name} is closed to {who} by this rule")
        match = self._rule(law)
        if match.level is Level.FREE:
            return SILENT
        if not self.hypothetical and not test.even_observed:
            where = self.destination.region or place
            seen = Remark(f"{law.id}: observed capacity counts as licensed", "", f"{name} in {where}")
            return Outcome(Level.FREE, conditions=(seen,))
        if test.deny_above_class and classes & {"above_band", "unknown"}:
            return Outcome(Level.FORBIDDEN, reason=f"presumption of denial for {name} to {place}")
        offer = self.desk.offer(law, match.level, match.ways, self.destination, self.subject)
        return Outcome(offer.level, offer=offer, conditions=offer.conditions, reason=offer.reason)
