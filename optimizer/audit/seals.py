"""Levels of sovereignty that policies ask for, read once more from the table of findings and what the instance states.

Sovereignty is no law: the law pack only carries its table. What a policy trusts binds an objective from below; ceilings
and assessments bind it from above; what nobody bounds lies anywhere from 0 to 4.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from optimizer.audit.facts import Region
from optimizer.audit.law_text import covers_region
from optimizer.instance.rules import Sovereignty

if TYPE_CHECKING:
    from optimizer.audit.desk import Desk

NAMES = [f"SOV-{n}" for n in range(1, 9)]
TOP = 4
Bounds = dict[str, tuple[int, int]]


class SealBook:
    """What is known of the levels of regions' providers."""

    def __init__(self, desk: Desk) -> None:
        operators = desk.pack.operators
        self._findings: tuple[Any, ...] = operators.findings
        self._weights = {name: one.weight_percent for name, one in operators.objectives.items()}
        self._groups = desk.tests.groups
        inline = desk.world.instance.catalogue.inline
        self._own = {p.id: {str(k): v for k, v in p.seal.items()} for p in inline.providers} if inline else {}
        self._answer = desk.world.instance.laws.unknown.seal
        self._accepts = desk.world.instance.legal_assertions.accepts

    def stated(self, region: Region) -> bool:
        """Return True if the instance states levels of a region's provider itself."""
        return bool(self._own.get(region.provider))

    def bounds(self, policy: Sovereignty, region: Region, on: date) -> Bounds:
        """Return from which to which each level may be."""
        own = self._own.get(region.provider)
        if own:
            return {name: (own[name], own[name]) if name in own else (0, TOP) for name in NAMES}
        low, high = dict.fromkeys(NAMES, 0), dict.fromkeys(NAMES, TOP)
        for one in self._findings:
            counts = one.kind == "ceiling" or one.kind in policy.trust
            if one.provider != region.provider or not counts:
                continue
            if not covers_region(one.region, place=region.place, region=region.id, on=on, groups=self._groups):
                continue
            for name in NAMES if one.objective == "*" else [one.objective]:
                low[name] = max(low[name], one.least or 0)
                high[name] = min(high[name], TOP if one.most is None else one.most)
        return {name: (min(low[name], high[name]), high[name]) for name in NAMES}

    def score(self, bounds: Bounds) -> float | None:
        """Return the weighted score in per cent, where every level is known."""
        if any(low != high for low, high in bounds.values()):
            return None
        return sum(self._weights[name] * low / TOP for name, (low, _) in bounds.items())

    def reached(self, policy: Sovereignty, bounds: Bounds) -> str:
        """Return whether what a policy asks is reached: yes, no or unknown."""
        said = []
        for name, least in policy.min_seal.items():
            low, high = bounds[name]
            said.append("yes" if low >= least else "no" if high < least else "unknown")
        if policy.min_sovereignty_score is not None:
            highest = sum(self._weights[name] * high / TOP for name, (_, high) in bounds.items())
            known = "yes" if self.score(bounds) is not None else "unknown"
            said.append("no" if highest < policy.min_sovereignty_score else known)
        return "no" if "no" in said else "unknown" if "unknown" in said else "yes"

    @staticmethod
    def rule(policy: Sovereignty, provider: str) -> str:
        """Return the rule under which what a policy asks is confirmed."""
        least = [policy.min_seal.get(name) for name in NAMES]  # type: ignore[call-overload]
        if None not in least and len(set(least)) == 1:
            words = [f"SEAL {least[0]}"]
        else:
            words = [f"{name} {value}" for name, value in zip(NAMES, least, strict=True) if value is not None]
        if policy.min_sovereignty_score is not None:
            words.append(f"score {policy.min_sovereignty_score:g}")
        return f"seal:{provider}/{', '.join(words)}"

    def broken(self, policy: Sovereignty, region: Region, on: date) -> list[tuple[str, str]]:
        """Return (kind, reason) of what a region breaks of a policy."""
        bounds = self.bounds(policy, region, on)
        how = self.reached(policy, bounds)
        if how == "no":
            return [("sovereignty", f"{region.provider} is below what the policy asks for")]
        rule = self.rule(policy, region.provider)
        accepted = any(a.rule == rule and on <= a.expires for a in self._accepts)
        if how == "unknown" and self._answer == "refuse" and not accepted:
            return [("sovereignty_unknown", f"nobody knows whether {region.provider} reaches what the policy asks for")]
        return []

    def questions(self, policy: Sovereignty, region: Region) -> list[str]:
        """Return the rules to confirm where a policy selects a region."""
        return [] if self._answer == "admit" or self.stated(region) else [self.rule(policy, region.provider)]


def span(low: int, high: int) -> str:
    """Return a level, or from which to which it may be."""
    return str(low) if low == high else f"{low}-{high}"
