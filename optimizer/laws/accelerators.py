"""Accelerator export rules: which chip may be in which country and with which provider.

The rules are about hardware and its buyer, never about the tenant's data. A chip that a catalogue observes in a region
got there lawfully or not, but its licence is not the tenant's to buy: observed capacity counts as licensed, and the
rules bind only hypothetical capacity (and the tenant, where a rule says so).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from .grammar import Membership, match_rule
from .judge import Outcome, combine
from .mechanisms import MechanismDesk
from .operators import Operators
from .places import Groups
from .rows import LawRow
from .scopes import Subject
from .triggers import AcceleratorTest
from .types import AcceleratorFacts, DataProfile, Destination, LegalContext, Level, Verdict

TPP_A = 4800.0
TPP_DENSE = 1600.0
DENSITY_A = 5.92
BAND_TPP = 21_000.0
BAND_GB_PER_S = 6_500.0


def export_class(accelerator: AcceleratorFacts) -> frozenset[str]:
    """Classes an accelerator falls in: "3A090.a", "cn_band" (case by case to CN/MO), "above_band", "unknown".

    3A090.a: TPP ≥ 4,800, or TPP ≥ 1,600 with a performance density ≥ 5.92, for data-centre chips (15 CFR 774 Supp. 1).
    The band of 2026: TPP < 21,000 and memory bandwidth < 6,500 GB/s. A missing figure that would decide puts the chip
    into "unknown", which counts as inside every class.
    """
    tpp, density = accelerator.tpp, accelerator.performance_density
    if tpp is None or tpp != tpp:
        return frozenset({"unknown"})
    if not accelerator.data_centre and tpp < TPP_A:
        return frozenset()
    if tpp < TPP_DENSE:
        return frozenset()
    if tpp < TPP_A:
        if density is None or density != density:
            return frozenset({"unknown"})
        if density < DENSITY_A:
            return frozenset()
    bandwidth = accelerator.memory_bandwidth_gb_per_s
    if tpp >= BAND_TPP or (bandwidth is not None and bandwidth >= BAND_GB_PER_S):
        return frozenset({"3A090.a", "above_band"})
    if bandwidth is None or bandwidth != bandwidth:
        return frozenset({"3A090.a", "unknown"})
    return frozenset({"3A090.a", "cn_band"})


def judge_accelerator(
    laws: Iterable[LawRow],
    *,
    accelerator: AcceleratorFacts,
    destination: Destination,
    tenant_hq: str | None,
    on: date,
    context: LegalContext,
    hypothetical: bool,
    operators: Operators,
    desk: MechanismDesk,
    groups: Groups,
    site_flags: frozenset[str],
) -> Verdict:
    """The verdict of all accelerator laws for one chip at one destination (see the module's docstring)."""
    profile = DataProfile(frozenset({"any"}), exporter=destination.provider or "", exporter_hq=tenant_hq)
    subject = Subject(profile, profile.categories, on, context, groups)
    classes = export_class(accelerator)
    outcomes = []
    for law in laws:
        test = law.trigger.accelerator
        if test is None or (law.trigger.home and groups.place_in(destination.place, law.trigger.home, on)):
            continue
        if not hypothetical and not test.even_observed:
            outcome = _observed(law, test, accelerator, classes, destination, operators, subject, site_flags)
        else:
            outcome = _outcome(
                law, test, accelerator, classes, destination, operators, subject, site_flags, desk
            )
        if outcome.named:
            outcomes.append((law, (), outcome))
    return combine("processing", outcomes)


_SILENT = Outcome(Level.FREE, named=False)


def _touches(
    test: AcceleratorTest,
    accelerator: AcceleratorFacts,
    classes: frozenset[str],
    destination: Destination,
    operators: Operators,
    subject: Subject,
    site_flags: frozenset[str],
) -> bool:
    if test.classes and "unknown" not in classes and not classes & set(test.classes):
        return False
    if test.vendor_not and accelerator.vendor_country in test.vendor_not:
        return False
    if test.sites and not subject.groups.place_in(destination.place, test.sites, subject.on):
        return False
    if test.site_flags and not site_flags & set(test.site_flags):
        return False
    if test.tenant_hq:
        hq = subject.profile.exporter_hq
        return hq is not None and subject.groups.place_in(hq, test.tenant_hq, subject.on)
    if test.provider_hq_test:
        if destination.provider is None:
            return False
        return operators.facts(destination.provider, subject.context).bis_hq_test != "no"
    return True


def _rule_outcome(law: LawRow, destination: Destination, subject: Subject) -> tuple[Level, tuple[str, ...]]:
    places = tuple(dict.fromkeys((destination.place, destination.country)))

    def holds(term: str) -> Membership:
        if term in subject.groups:
            return subject.groups.membership(term, places, subject.on, lambda _: (False, ""))
        return Membership(term in places)

    match = match_rule(law.rule("processing"), holds)
    return match.level, match.mechanisms


def _observed(
    law: LawRow,
    test: AcceleratorTest,
    accelerator: AcceleratorFacts,
    classes: frozenset[str],
    destination: Destination,
    operators: Operators,
    subject: Subject,
    site_flags: frozenset[str],
) -> Outcome:
    """Observed capacity counts as licensed; the law is named only if it would have bound the chip there."""
    if not _touches(test, accelerator, classes, destination, operators, subject, site_flags):
        return _SILENT
    level, _ = _rule_outcome(law, destination, subject)
    if level is Level.FREE:
        return _SILENT
    text = f"{law.id}: {accelerator.name} observed in {destination.region or destination.place} counts as licensed"
    return Outcome(Level.FREE, conditions=(text,))


def _outcome(
    law: LawRow,
    test: AcceleratorTest,
    accelerator: AcceleratorFacts,
    classes: frozenset[str],
    destination: Destination,
    operators: Operators,
    subject: Subject,
    site_flags: frozenset[str],
    desk: MechanismDesk,
) -> Outcome:
    if not _touches(test, accelerator, classes, destination, operators, subject, site_flags):
        return _SILENT
    if test.tenant_hq or test.vendor_not:
        who = subject.profile.exporter_hq if test.tenant_hq else accelerator.vendor_country
        return Outcome(Level.FORBIDDEN, reason=f"{accelerator.name} is closed to {who} by this rule")
    level, mechanisms = _rule_outcome(law, destination, subject)
    if level is Level.FREE:
        return _SILENT
    if test.deny_above_class and classes & {"above_band", "unknown"}:
        return Outcome(
            Level.FORBIDDEN, reason=f"presumption of denial for {accelerator.name} to {destination.place}"
        )
    offer = desk.offer(law, level, mechanisms, destination, subject)
    return Outcome(offer.level, offer=offer, conditions=offer.conditions, reason=offer.reason)
