"""Sovereignty as policies of the user's own ask for it: where levels are reached, and what is to be confirmed there."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.sites import destinations
from optimizer.instance.rules import Sovereignty
from optimizer.laws.sovereignty import OBJECTIVES, Levels, Met, SovereigntyBook, asked_for, evidence, rule_of

if TYPE_CHECKING:
    from optimizer.compile.law import LawView
    from optimizer.compile.world import World

Bools = NDArray[np.bool_]


class SovereigntyPolicies:
    """What is known of the levels of every region's provider, and what policies make of it."""

    def __init__(self, world: World, law: LawView) -> None:
        self._world, self._law = world, law
        inline = world.instance.catalogue.inline
        providers = inline.providers if inline is not None else ()
        self._stated = {p.id: {str(name): level for name, level in p.seal.items()} for p in providers if p.seal}
        self._found: dict[tuple[tuple[str, ...], date], tuple[Levels, ...]] = {}

    @cached_property
    def book(self) -> SovereigntyBook:
        """The objectives and findings of the law pack, which an instance that checks no law asks as well."""
        return self._law.operators.sovereignty

    def levels(self, policy: Sovereignty, on: date) -> tuple[Levels, ...]:
        """Return what is known in each region, of findings that a policy trusts."""
        key = (policy.trust, on)
        if key not in self._found:
            known: dict[tuple[str | None, ...], Levels] = {}
            found = []
            for place in destinations(self._world, "instance"):
                where = (place.provider, place.place, place.region if self._by_region else None)
                if where not in known:
                    stated = self._stated.get(place.provider or "")
                    known[where] = self.book.levels(place, on, trust=policy.trust, stated=stated)
                found.append(known[where])
            self._found[key] = tuple(found)
        return self._found[key]

    @cached_property
    def _by_region(self) -> bool:
        return any(":" in one.region for one in self.book.findings)

    def met(self, policy: Sovereignty, region: int, on: date) -> Met:
        """Return whether a region's provider has what a policy asks for."""
        levels = self.levels(policy, on)[region]
        return self.book.meets(levels, *_asks(policy))

    def out(self, policy: Sovereignty, on: date) -> tuple[Bools, Bools]:
        """Return the regions that a policy shuts: below its level, and not known where that is refused; [regions]."""
        met = [self.met(policy, region, on) for region in range(len(self._world.regions))]
        below = np.array([one is Met.NO for one in met], dtype=bool)
        refused = [one is Met.UNKNOWN and self._refuses(policy, region, on) for region, one in enumerate(met)]
        return below, np.array(refused, dtype=bool)

    def told(self, policy: Sovereignty, region: int, on: date) -> str:
        """Return what is known of the objectives that a policy asks about."""
        asked = [name for name in OBJECTIVES if name in policy.min_seal or policy.min_sovereignty_score is not None]
        return f"{self._provider(region)}: {evidence(self.levels(policy, on)[region], asked)}"

    def rule(self, policy: Sovereignty, region: int) -> str:
        """Return the rule under which somebody confirms or accepts what a policy asks for of a region's provider."""
        return rule_of(self._provider(region), asked_for(*_asks(policy)))

    def question(self, policy: Sovereignty, region: int, on: date) -> tuple[tuple[str, str], ...]:
        """Return (rule, what is to be confirmed) where a policy rests on a finding, or on what nobody knows."""
        if self._world.instance.laws.unknown.seal == "admit" or self._provider(region) in self._stated:
            return ()
        asked = asked_for(*_asks(policy))
        known = "reaches" if self.met(policy, region, on) is Met.YES else "is not known to reach"
        told = f"{self._provider(region)} {known} {asked} with the service used: {self.told(policy, region, on)}"
        return ((self.rule(policy, region), told),)

    def _refuses(self, policy: Sovereignty, region: int, on: date) -> bool:
        refuse = self._world.instance.laws.unknown.seal == "refuse"
        return refuse and not self._law.context.accepted(self.rule(policy, region), on)

    def _provider(self, region: int) -> str:
        return str(self._world.regions["provider"].iloc[region])


def _asks(policy: Sovereignty) -> tuple[dict[str, int], float | None]:
    """Return the least level by objective and the least score that a policy asks for."""
    return {str(name): level for name, level in policy.min_seal.items()}, policy.min_sovereignty_score
