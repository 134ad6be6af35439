"""Export rules on accelerators, read once more for the audit: who may use which chip where, and on which proof.

What a catalogue shows on sale counts as licensed. What nobody but the instance says is on sale does not: the rules bind
it, and a rule that cannot be read for want of a figure of the chip has to be found out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from optimizer.audit.facts import CPU, Offer
from optimizer.audit.law_profiles import Profile
from optimizer.audit.law_rules import CHIP_KINDS, Need, Ruling
from optimizer.audit.law_triggers import Place

if TYPE_CHECKING:
    from optimizer.audit.desk import Desk
    from optimizer.audit.lines import Line

EVERY_CLASS = frozenset({"3A090.a", "3A090.b", "cn_band", "above_band"})


@dataclass(frozen=True)
class Chip:
    """What export rules look at: the classes it is `inside`, those `open` for want of a figure, its vendor's home."""

    inside: frozenset[str]
    open: frozenset[str]
    vendor_country: str

    @property
    def controlled(self) -> bool:
        """Return True if export rules speak of it, or may."""
        return bool(self.inside | self.open)


@dataclass(frozen=True)
class ChipRuling:
    """What export rules say of an offer: as laws say it of data, `looking` at chips at all, and what they `ask`."""

    ruling: Ruling = field(default_factory=Ruling)
    looking: frozenset[str] = frozenset()
    asks: tuple[str, ...] = ()


def classes_of(
    tpp: float | None, density: float | None, gb_per_s: float | None
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the classes that the figures put a chip into, and those that a missing figure leaves open (3A090)."""
    if tpp is None:
        return frozenset(), EVERY_CLASS
    if tpp < 1600:
        return frozenset(), frozenset()
    inside: set[str] = set()
    undecided: set[str] = set()
    if tpp >= 4800 or (density is not None and density >= 5.92):
        inside.add("3A090.a")
    elif density is None:
        undecided |= {"3A090.a", "3A090.b"}
    elif density >= (1.6 if tpp >= 2400 else 3.2):
        inside.add("3A090.b")
    else:
        return frozenset(), frozenset()
    if tpp >= 21_000 or (gb_per_s or 0) >= 6_500:
        inside.add("above_band")
    elif gb_per_s is None:
        undecided.add("cn_band")
    else:
        inside.add("cn_band")
    return frozenset(inside), frozenset(undecided)


def ruling_on(desk: Desk, offer: Offer, data: Any, on: date) -> ChipRuling:
    """Return what the export rules say of the chip of an offer, for the tenant whose data these are."""
    if offer.endpoint or offer.accelerator in ("", CPU):
        return ChipRuling()
    seat = desk.profiles.tenant_hq(data)
    key = offer.region.id, offer.accelerator, offer.own, seat, on  # all that a reading looks at
    if key not in desk.chip_rulings:
        desk.chip_rulings[key] = _Reading(desk, offer, seat, on).all()
    return desk.chip_rulings[key]


def ruling_of(desk: Desk, line: Line, on: date) -> ChipRuling:
    """Return what the export rules say of the chip of a line."""
    return ruling_on(desk, line.offer, line.workload.data, on)


def is_chip_rule(row: Any) -> bool:
    """Return True if a law is an export rule by its kind alone."""
    return bool(set(row.kind.split("+")) & CHIP_KINDS) and not row.trigger.effect


class _Reading:
    """The export rules as they meet one offer on a day, for one tenant."""

    def __init__(self, desk: Desk, offer: Offer, seat: str, on: date) -> None:
        assert desk.book is not None
        self.book, self.offer, self.on = desk.book, offer, on
        self.chip = desk.chip(offer.accelerator)
        self.seat, self.region = seat, offer.region
        self.at = replace(Place.of(offer.region, "instance"), region=None)
        self.found = Ruling()
        self.asks: list[str] = []

    def all(self) -> ChipRuling:
        """Return what all of them say."""
        looking = []
        for row in self.book.active(self.on):
            test = row.trigger.accelerator
            if test is None or not (row.trigger.effect == "accelerator" or is_chip_rule(row)):
                continue
            looking.append(row.id)
            certain = self._concerned(test)
            if certain is not None and not (row.trigger.home and self._within(row.trigger.home)):
                self._read(row, test, certain)
        return ChipRuling(self.found, frozenset(looking), tuple(self.asks))

    def _within(self, terms: Any) -> bool:
        return self.book.groups.within(self.region.place, terms, self.on)

    def _operator(self) -> str:
        return self.book.tests.operator(self.region.provider).bis_hq_test

    def _concerned(self, test: Any) -> bool | None:
        """Return whether a rule is certainly about this chip, place, tenant and operator; None if it is not."""
        vendor = self.chip.vendor_country
        elsewhere = (
            test.site_flags
            or (test.named and self.offer.accelerator not in test.named)
            or (test.sites and not self._within(test.sites))
            or (test.tenant_hq and not (self.seat and self.book.groups.within(self.seat, test.tenant_hq, self.on)))
            or (test.provider_hq_test and not test.tenant_hq and self._operator() == "no")
            or (vendor and vendor in test.vendor_not)
            or (vendor and test.vendor_within and vendor not in test.vendor_within)
        )
        asked = set(test.classes)
        if elsewhere or (asked and not asked & (self.chip.inside | self.chip.open)):
            return None
        return bool(not asked or asked & self.chip.inside) and bool(vendor or not test.vendor_within)

    def _read(self, row: Any, test: Any, certain: bool) -> None:
        name, where = self.offer.accelerator, self.region.id
        if row.trigger.risk:
            return self._name(row.id) if certain else None
        if (test.tenant_hq or test.vendor_not) and row.processing_rule in ("", "none"):
            if self.book.set_aside(row.id, self.at, self.on):
                return self._name(row.id)
            return self._forbid(row.id, f"{name} is closed to {self.seat or self.chip.vendor_country}")
        reading = self.book.chip_reading(row, self.at, self.on)
        if reading.level == "free":
            return None
        aside = self.book.set_aside(row.id, self.at, self.on)
        unproved = test.provider_hq_test and self._operator() != "yes"
        if aside or unproved or not (self.offer.own or test.even_observed):
            return self._name(row.id)
        if test.deny_above_class and "above_band" in self.chip.inside:
            return self._forbid(row.id, f"{name} in {where}: above the band")
        if not certain or (test.deny_above_class and "cn_band" not in self.chip.inside):
            self.asks.append(row.id)
            return None
        if reading.level == "forbidden":
            return self._forbid(row.id, f"{name} in {where}: forbidden")
        return self._safeguard(row, reading)

    def _safeguard(self, row: Any, reading: Any) -> None:
        nobody = Profile(frozenset({"any"}), frozenset({"any"}), exporter=self.region.provider)
        level, why, asked = self.book.chip_safeguards(row, reading, nobody, self.at, self.on)
        said = f"{self.offer.accelerator} in {self.region.id}: {why}"
        if level == "conditional":
            needs = tuple(Need(row.id, options) for options in asked)
            self.found = replace(self.found, needs=(*self.found.needs, *needs))
        elif level == "forbidden":
            self.found = replace(self.found, forbids=(*self.found.forbids, (row.id, said)))
        elif level == "approval":
            self.found = replace(self.found, approvals=(*self.found.approvals, (row.id, said)))
        else:
            self.found = replace(self.found, lacks=(*self.found.lacks, (row.id, said)))
        self._name(row.id)

    def _name(self, law: str) -> None:
        self.found = replace(self.found, laws=(*self.found.laws, law))

    def _forbid(self, law: str, why: str) -> None:
        self.found = replace(self.found, forbids=(*self.found.forbids, (law, why)))
        self._name(law)
