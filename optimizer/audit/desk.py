"""Everything the audit asks about law and policy in one place: law book, profiles, scopes, operators, chips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.audit.law_check import Safeguards
from optimizer.audit.law_profiles import Profiles
from optimizer.audit.law_rules import LawBook
from optimizer.audit.law_text import GroupBook
from optimizer.audit.law_triggers import Operator, Tests
from optimizer.audit.scopes import Scopes
from optimizer.audit.seals import SealBook
from optimizer.audit.world import World
from optimizer.plan.models import Plan

if TYPE_CHECKING:
    from optimizer.laws import LawPack

CLASS_TPP, DENSE_TPP, CLASS_DENSITY = 4800.0, 1600.0, 5.92
BAND_TPP, BAND_GB_PER_S = 21_000.0, 6_500.0


@dataclass(frozen=True)
class Chip:
    """What export rules look at: the classes of a chip (`unknown` counts as inside all), and its vendor's home."""

    classes: frozenset[str]
    vendor_country: str


class Desk:
    """Law and policy of one instance, ready to be asked. `book` is None if the instance binds no law."""

    def __init__(self, world: World, plan: Plan) -> None:
        from optimizer.laws import load_laws

        instance = world.instance
        self.world = world
        binding = instance.laws.use != "none"
        self.pack: LawPack = load_laws(
            instance.laws.use if binding else "world",
            patches=instance.laws.patches if binding else (),
            as_of=instance.laws.as_of,
        )
        streams = {workload: tuple(named) for workload, named in world.streams.items()}
        self.profiles = Profiles(instance, streams, self.pack.vocabulary.implies)
        self._inline = _inline_operators(world)
        operators = {
            name: Operator(facts.control_ownership, facts.control_strict, facts.control_known, facts.bis_hq_test)
            for name, facts in self.pack.operators.providers.items()
        } | self._inline
        certificates = frozenset(
            (p.id, scheme)
            for p in (instance.catalogue.inline.providers if instance.catalogue.inline else ())
            for scheme in p.certifications
        )
        self.book = LawBook(self.pack, instance, self.profiles, operators, certificates) if binding else None
        groups = GroupBook(self.pack.groups.rows, self.pack.groups.ids)
        self.tests = Tests(
            groups=groups,
            operators=operators,
            holders=self.pack.operators.holders,
            levels=self.pack.operators.levels,
            importer_status=instance.legal_assertions.importer_status,
            certificates=certificates,
            sources=self.profiles.sources,
            gdpr_roles=self.pack.vocabulary.gdpr_roles,
        )
        self.scopes = Scopes(groups, world.calendar.dates, world.calendar.ids)
        self.safeguards = Safeguards(world, self.book, plan)
        self.seals = SealBook(self)
        self._chips: dict[str, Chip] = {}

    def policy_operator(self, provider: str) -> Operator:
        """Return who controls a provider by the catalogue's (or the instance's own) table."""
        if provider in self._inline:
            return self._inline[provider]
        return self.world.operator(provider) or Operator()

    def chip(self, accelerator: str) -> Chip:
        """Return the export facts of an accelerator; missing figures make the class unknown."""
        if accelerator not in self._chips:
            tpp, bandwidth, vendor = self.world.chip_figures(accelerator)
            self._chips[accelerator] = Chip(export_classes(tpp, bandwidth), vendor)
        return self._chips[accelerator]


def export_classes(tpp: float | None, gb_per_s: float | None) -> frozenset[str]:
    """Return the export classes by total processing performance and memory bandwidth (15 CFR 774 Supp. 1, 3A090)."""
    if tpp is None:
        return frozenset({"unknown"})
    if tpp < CLASS_TPP:
        return frozenset() if tpp < DENSE_TPP else frozenset({"unknown"})
    if tpp >= BAND_TPP or (gb_per_s is not None and gb_per_s >= BAND_GB_PER_S):
        return frozenset({"3A090.a", "above_band"})
    return frozenset({"3A090.a", "unknown" if gb_per_s is None else "cn_band"})


def _inline_operators(world: World) -> dict[str, Operator]:
    """Return who controls the providers of an inline catalogue; what is not stated is not known."""
    inline = world.instance.catalogue.inline
    if inline is None:
        return {}
    found = {region.provider: Operator() for region in inline.regions}
    for provider in inline.providers:
        owners = frozenset({provider.headquarters or "", provider.parent or ""} - {""})
        control = owners | frozenset(provider.control or ())
        found[provider.id] = Operator(owners or control, control, provider.control is not None)
    return found
