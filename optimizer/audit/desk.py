"""Everything the audit asks about law and policy in one place: law book, profiles, scopes, operators, chips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.audit.chip_law import Chip, ChipRuling, classes_of
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


class Desk:
    """Law and policy of one instance, ready to be asked. `book` is None if the instance binds no law."""

    def __init__(self, world: World, plan: Plan) -> None:
        from optimizer.laws import load_laws
        from optimizer.laws.loading import laws_of

        instance = world.instance
        self.world = world
        binding = instance.laws.use != "none"
        self.pack: LawPack = laws_of(instance.laws, instance.folder) or load_laws()
        streams = {workload: tuple(named) for workload, named in world.streams.items()}
        self.profiles = Profiles(instance, streams, self.pack.vocabulary.implies)
        groups = GroupBook(self.pack.groups.rows, self.pack.groups.ids)
        self._inline = _inline_operators(world, groups if binding else None)
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
        self.chip_rulings: dict[tuple[object, ...], ChipRuling] = {}

    def policy_operator(self, provider: str) -> Operator:
        """Return who controls a provider by the catalogue's (or the instance's own) table."""
        if provider in self._inline:
            return self._inline[provider]
        return self.world.operator(provider) or Operator()

    def chip(self, accelerator: str) -> Chip:
        """Return the export facts of an accelerator; missing figures leave its classes open."""
        if accelerator not in self._chips:
            tpp, density, bandwidth, vendor = self.world.chip_figures(accelerator)
            self._chips[accelerator] = Chip(*classes_of(tpp, density, bandwidth), vendor)
        return self._chips[accelerator]


def _inline_operators(world: World, groups: GroupBook | None) -> dict[str, Operator]:
    """Return who controls the providers of an inline catalogue; what is not stated is not known."""
    inline = world.instance.catalogue.inline
    if inline is None:
        return {}
    found = {region.provider: Operator() for region in inline.regions}
    for provider in inline.providers:
        owners = frozenset({provider.headquarters or "", provider.parent or ""} - {""})
        control = owners | frozenset(provider.control or ())
        known = provider.control is not None
        seats = _seats_test(control, groups, world) if known and groups is not None else "unknown"
        found[provider.id] = Operator(owners or control, control, known, seats)
    return found


def _seats_test(control: frozenset[str], groups: GroupBook, world: World) -> str:
    """Return whether any of the jurisdictions is in group D:5 of the EAR, or Macau, when the horizon starts."""
    if "BIS_D5" not in groups:
        return "unknown"
    start = world.instance.horizon.start
    return "yes" if any(groups.within(place, ("BIS_D5", "MO"), start) for place in control) else "no"
