"""Which transfer mechanisms the instance can use, from when, and at what price.

A mechanism is there if it is held (nothing to pay), granted by a regulator for that law, or has a stated cost and
enough time between what is known today (`laws.as_of`) and the day it is needed. One with none of these is unavailable,
never free.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from optimizer.compile.judgements import Need
from optimizer.instance.rules import HeldMechanism
from optimizer.laws.types import MechanismKey, Requirement

if TYPE_CHECKING:
    from optimizer.compile.world import World

HOURS_PER_YEAR = 8760.0


class MechanismSupply:
    """Answers what of a requirement is available on a day; gathers `warnings` about what it had to assume."""

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
        self._warnings: dict[str, None] = {}
        self._needs: dict[tuple[Requirement, date], Need | None] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was assumed so far, one sentence each."""
        return tuple(self._warnings)

    def cost_usd(self, key: MechanismKey) -> float:
        """Return what one purchase costs over the horizon, (one_off / amortisation_years + yearly) x hours / 8760.

        A mechanism without a stated cost is only ever used because it is held or granted: 0.
        """
        return self._cost_usd.get(key.mechanism, 0.0)

    def need(self, requirement: Requirement, on: date) -> Need | None:
        """Return what of a requirement's mechanisms can be had on a day, or None if nothing can."""
        key = (requirement, on)
        if key not in self._needs:
            self._needs[key] = self._need(requirement, on)
        return self._needs[key]

    def _need(self, requirement: Requirement, on: date) -> Need | None:
        held = tuple(k for k in requirement.mechanisms if self.is_held(requirement.law, k))
        buy = tuple(k for k in requirement.mechanisms if k not in held and self._can_be_bought(k, on))
        if not held and not buy:
            return None
        return Need(tuple(sorted((*held, *buy), key=_order)), tuple(sorted(held, key=_order)), (requirement.law,))

    def is_held(self, law: str, key: MechanismKey) -> bool:
        """Return True if nothing is to be paid: held for this charge, or granted for this law."""
        if (law, key.mechanism) in self._granted or (law, "*") in self._granted:
            return True
        return any(self._covers(held, key) for held in self._held if held.id == key.mechanism)

    def _covers(self, held: HeldMechanism, key: MechanismKey) -> bool:
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
                self._warnings[f"{what}: it was not counted as held"] = None
                return False
            if stated not in (parts[name], parts[name].partition("-")[0]):
                return False
        return True

    def _can_be_bought(self, key: MechanismKey, on: date) -> bool:
        if key.mechanism not in self._cost_usd:
            return False
        assert self._pack is not None
        lead = self._pack.mechanisms[key.mechanism].lead_time_days
        if lead is None:
            self._warnings[f"lead time of {key.mechanism} is not known; taken as met"] = None
            return True
        if lead > 0 and self._as_of is None:
            what = f"{key.mechanism} takes {lead} days and laws.as_of is not stated; taken as met"
            self._warnings[what] = None
            return True
        return self._as_of is None or (on - self._as_of).days >= lead


def _order(key: MechanismKey) -> tuple[str, tuple[str, ...]]:
    return key.mechanism, key.key
