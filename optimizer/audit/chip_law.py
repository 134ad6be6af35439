"""Rules on capacity, read once more for the audit: who may use which chip, or any machine, where, and on which proof.

What a catalogue shows on sale counts as licensed. What nobody but the instance says is on sale does not: the rules bind
it, and what a rule asks of the chip or of its user and nobody states has to be found out. Rules that ask for the user
and name no chip are about machines, endpoints and storage alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from optimizer.audit.facts import CPU, Offer, Region
from optimizer.audit.law_profiles import Profile, User
from optimizer.audit.law_rules import CHIP_KINDS, Need, Ruling
from optimizer.audit.law_triggers import Held, Place

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
    """What rules on capacity say of an offer: as laws say it of data, `looking` at it at all, `asks`: the rules under
    which what they ask and nobody knows is found out, and `of_users` those that are about any capacity.
    """

    ruling: Ruling = field(default_factory=Ruling)
    looking: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()
    of_users: frozenset[str] = frozenset()


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


def ruling_on(desk: Desk, offer: Offer, user: User, on: date) -> ChipRuling:
    """Return what the rules on capacity say of an offer to somebody."""
    bare = offer.endpoint or offer.accelerator in ("", CPU)
    return _ruling(desk, offer.region, None if bare else offer.accelerator, user, on, own=offer.own)


def _ruling(desk: Desk, region: Region, name: str | None, user: User, on: date, *, own: bool) -> ChipRuling:
    key = region.id, name, own, user, on  # all that a reading looks at
    if key not in desk.chip_rulings:
        desk.chip_rulings[key] = _Reading(desk, region, name, user, on, own=own).all()
    return desk.chip_rulings[key]


def ruling_of(desk: Desk, line: Line, on: date) -> ChipRuling:
    """Return what the rules on capacity say of a line."""
    return ruling_on(desk, line.offer, desk.profiles.user(line.workload.id), on)


def ruling_at_rest(desk: Desk, region: Region, on: date) -> ChipRuling:
    """Return what the rules on capacity say of data kept in a region, by the instance's tenant."""
    return _ruling(desk, region, None, desk.profiles.user(None), on, own=False)


def is_chip_rule(row: Any) -> bool:
    """Return True if a law is an export rule by its kind alone."""
    return bool(set(row.kind.split("+")) & CHIP_KINDS) and not row.trigger.effect


def of_any_capacity(test: Any) -> bool:
    """Return True if a rule asks who uses capacity, and for no chip."""
    about_chips = (test.classes, test.named, test.vendor_not, test.vendor_within, test.site_flags)
    return not any(about_chips) and any((test.tenant, test.end_use, test.parties))


class _Reading:
    """The rules on capacity as they meet one place and operator on a day, for one user; `chip` None: no chip."""

    def __init__(self, desk: Desk, region: Region, name: str | None, user: User, on: date, *, own: bool) -> None:
        assert desk.book is not None
        self.book, self.region, self.on = desk.book, region, on
        self.chip = desk.chip(name) if name is not None else None
        self.name, self.user, self.own = name or "capacity", user, own
        self.at = replace(Place.of(region, "instance"), region=None)
        self.found = Ruling()
        self.asks: set[str] = set()

    def all(self) -> ChipRuling:
        """Return what all of them say."""
        looking, of_users = [], []
        for row in self.book.active(self.on):
            test = row.trigger.accelerator
            if test is None or not (row.trigger.effect == "accelerator" or is_chip_rule(row)):
                continue
            if self.chip is None and not of_any_capacity(test):
                continue
            looking.append(row.id)
            of_users += [row.id] if of_any_capacity(test) else []
            doubts = self._doubts(test)
            if doubts is not None and not (row.trigger.home and self._within(row.trigger.home)):
                self._read(row, test, doubts)
        return ChipRuling(self.found, frozenset(looking), frozenset(self.asks), frozenset(of_users))

    def _within(self, terms: Any) -> bool:
        return self.book.groups.within(self.region.place, terms, self.on)

    def _operator(self) -> str:
        return self.book.tests.operator(self.region.provider).bis_hq_test

    def _doubts(self, test: Any) -> frozenset[str] | None:
        """Return what is not known of all that a rule asks; None if something known takes it elsewhere."""
        if test.site_flags or (test.sites and not self._within(test.sites)):
            return None
        if test.provider_hq_test and self._operator() == "no":
            return None
        if test.operator_control:
            operator = self.book.tests.operator(self.region.provider)
            reach = operator.strict - {"EU"}
            if operator.known and not any(self.book.groups.within(j, test.operator_control, self.on) for j in reach):
                return None
        if test.parties and self._parties(test)[0] == "no":
            return None
        of_chip = self._of_chip(test)
        of_user = self._of_user(test)
        return None if of_chip is None or of_user is None else of_chip | of_user

    def _parties(self, test: Any) -> tuple[str, str, list[Held]]:
        return self.book.operators.users(test.parties, self.region.provider, self.user)

    def _of_chip(self, test: Any) -> frozenset[str] | None:
        if self.chip is None:
            return frozenset()
        vendor, asked = self.chip.vendor_country, set(test.classes)
        if (test.named and self.name not in test.named) or (vendor and vendor in test.vendor_not):
            return None
        if vendor and test.vendor_within and vendor not in test.vendor_within:
            return None
        if asked and not asked & (self.chip.inside | self.chip.open):
            return None
        sure = (not asked or asked & self.chip.inside) and (vendor or not test.vendor_within)
        return frozenset() if sure else frozenset({f"chip:{self.name}"})

    def _of_user(self, test: Any) -> frozenset[str] | None:
        doubts = set()
        seats, open_ = self.user.seats, self.user.incomplete
        if test.own_seat_only:
            seats, open_ = frozenset(filter(None, (self.user.own_seat,))), self.user.own_seat is None
        if test.tenant and not any(self.book.groups.within(seat, test.tenant, self.on) for seat in seats):
            if not open_:
                return None
            doubts.add("tenant:seat")
        if test.end_use and not self.user.uses & set(test.end_use):
            if self.user.uses:
                return None
            doubts.add("tenant:end_use")
        return frozenset(doubts)

    def _read(self, row: Any, test: Any, doubts: frozenset[str]) -> None:
        name, where = self.name, self.region.id
        chip_open = any(doubt.startswith("chip:") for doubt in doubts)
        if row.trigger.risk:
            return None if chip_open else self._name(row.id)
        if (test.tenant or test.vendor_not) and row.processing_rule in ("", "none"):
            if self.book.set_aside(row.id, self.at, self.on):
                return self._name(row.id)
            if doubts and not chip_open:
                return self._ask(doubts)
            return self._forbid(row.id, f"{name} is closed to its user, or for its vendor")
        reading = self.book.chip_reading(row, self.at, self.on)
        if reading.level == "free":
            return None
        known, who, unseen = self._parties(test) if test.parties else ("yes", "", [])
        if known == "maybe" and not (self.own or test.even_observed):
            return None
        aside = self.book.set_aside(row.id, self.at, self.on)
        unproved = test.provider_hq_test and self._operator() != "yes"
        if aside or unproved or not (self.own or test.even_observed):
            return self._name(row.id)
        if known == "maybe":
            self.found = replace(self.found, confirm=(*self.found.confirm, *(held.rule for held in unseen)))
            return self._name(row.id)
        inside = self.chip.inside if self.chip else frozenset()
        if test.deny_above_class and "above_band" in inside:
            return self._forbid(row.id, f"{name} in {where}: above the band")
        if doubts or (test.deny_above_class and "cn_band" not in inside):
            return self._ask(doubts or {f"chip:{name}"})
        if reading.level == "forbidden":
            return self._forbid(row.id, f"{name} in {where}: {who or 'its user'} is not to have it")
        return self._safeguard(row, reading)

    def _ask(self, doubts: Iterable[str]) -> None:
        self.asks |= set(doubts)

    def _safeguard(self, row: Any, reading: Any) -> None:
        nobody = Profile(frozenset({"any"}), frozenset({"any"}), exporter=self.region.provider)
        level, why, asked = self.book.chip_safeguards(row, reading, nobody, self.at, self.on)
        said = f"{self.name} in {self.region.id}: {why}"
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
