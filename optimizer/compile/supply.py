"""Which transfer mechanisms the instance can use, from when, and at what price.

A mechanism is there if it is held (nothing to pay), granted by a regulator for that law, or has a stated cost and
enough time between what is known today (`laws.as_of`) and the day it is needed. One with none of these is unavailable,
never free.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from optimizer.compile.judgements import Need
from optimizer.instance.rules import HeldMechanism
from optimizer.laws.types import MechanismKey, Requirement

if TYPE_CHECKING:
    from optimizer.compile.world import World

HOURS_PER_YEAR = 8760.0


class Supplied(NamedTuple):
    """What of a requirement can be had, None if nothing; and what was assumed to say so, one sentence each."""

    need: Need | None
    assumed: tuple[str, ...]


class MechanismSupply:
    """Answers what of a requirement is available on a day. `inputs`: all that the answers depend on."""

    def __init__(self, world: World) -> None:
        self._pack = world.laws
        self._as_of = world.instance.laws.as_of
        self._held = world.instance.legal_assertions.mechanisms_held
        approvals = world.instance.legal_assertions.approvals
        self._granted = frozenset((a.law, a.mechanism) for a in approvals)
        if self._pack is not None:
            self._granted |= self._pack.granted
        years = world.total_hours / HOURS_PER_YEAR
        self._cost_usd = {
            cost.id: (cost.one_off_usd / cost.amortisation_years + cost.yearly_usd) * years
            for cost in world.instance.mechanism_costs
        }
        self._supplied: dict[tuple[Requirement, date], Supplied] = {}

    @property
    def inputs(self) -> tuple[object, ...]:
        """What the answers depend on."""
        mechanisms = None if self._pack is None else self._pack.mechanisms
        return mechanisms, self._as_of, self._held, self._granted, frozenset(self._cost_usd)

    def cost_usd(self, key: MechanismKey) -> float:
        """Return what one purchase costs over the horizon, (one_off / amortisation_years + yearly) x hours / 8760.

        A mechanism without a stated cost is only ever used because it is held or granted: 0.
        """
        return self._cost_usd.get(key.mechanism, 0.0)

    def need(self, requirement: Requirement, on: date) -> Supplied:
        """Return what of a requirement's mechanisms can be had on a day."""
        key = (requirement, on)
        if key not in self._supplied:
            self._supplied[key] = self._supply(requirement, on)
        return self._supplied[key]

    def _supply(self, requirement: Requirement, on: date) -> Supplied:
        told: dict[str, None] = {}
        held = tuple(k for k in requirement.mechanisms if self._is_held(requirement.law, k, told))
        buy = tuple(k for k in requirement.mechanisms if k not in held and self._can_be_bought(k, on))
        if not held and not buy:
            return Supplied(None, tuple(told))
        sets = tuple(sorted((*held, *buy), key=_order)), tuple(sorted(held, key=_order))
        return Supplied(Need(*sets, (requirement.law,)), tuple(told))

    def _is_held(self, law: str, key: MechanismKey, told: dict[str, None]) -> bool:
        """Nothing is to be paid: held for this charge, or granted for this law."""
        if (law, key.mechanism) in self._granted or (law, "*") in self._granted:
            return True
        return any(self._covers(held, key, told) for held in self._held if held.id == key.mechanism)

    def _covers(self, held: HeldMechanism, key: MechanismKey, told: dict[str, None]) -> bool:
        assert self._pack is not None
        names = self._pack.mechanisms[key.mechanism].key
        parts = dict(zip(names, key.key, strict=True))
        if "group" in parts:
            parts.setdefault("exporter", parts["group"])
        for name in ("exporter", "importer", "country"):
            stated = getattr(held, name)
            if stated is None:
                continue
            if name not in parts:
                per = " and ".join(names) or "organisation"
                what = f"{held.id} is held for {name} {stated}, but is charged per {per}"
                told[f"{what}: it was not counted as held"] = None
                return False
            if stated not in (parts[name], parts[name].partition("-")[0]):
                return False
        return True

    def _can_be_bought(self, key: MechanismKey, on: date) -> bool:
        """One of unknown lead time can: that it will be there in time is an open action of the plan."""
        if key.mechanism not in self._cost_usd:
            return False
        assert self._pack is not None
        lead = self._pack.mechanisms[key.mechanism].lead_time_days
        return lead is None or self._as_of is None or (on - self._as_of).days >= lead


def _order(key: MechanismKey) -> tuple[str, tuple[str, ...]]:
    return key.mechanism, key.key
