"""Which regions the policies leave open to copies: of datasets, and of what laws oblige workloads to keep.

A copy is there from the start of the horizon to its end: a region that a policy rules out in one period is out. A copy
of a dataset belongs to no workload and no period, so that a scope with `workloads`, `tags` or `periods` does not select
it; a copy that a law obliges a workload to keep belongs to that workload, and is there in every period.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.certificates import CertificatePolicies
from optimizer.compile.evidence import Evidences, worded
from optimizer.compile.ledger import Exclusion
from optimizer.compile.policies import allowed_regions, control_evidence, control_reach, place_words
from optimizer.compile.scope import region_scope, workload_scope
from optimizer.compile.sovereignty import SovereigntyPolicies
from optimizer.instance.base import Scope
from optimizer.instance.rules import AllowedPlaces, ExcludeControl, RequireCertification, Sovereignty

if TYPE_CHECKING:
    from optimizer.compile.law import LawView
    from optimizer.compile.world import World

Bools = NDArray[np.bool_]
PlacePolicy = AllowedPlaces | ExcludeControl | RequireCertification | Sovereignty
STORAGE = "storage"
"""The service whose certificates count for a copy."""


def selects_copies(scope: Scope) -> bool:
    """Return True if a scope can select copies of datasets, which belong to no workload and no period."""
    return not (scope.workloads or scope.tags or scope.periods)


class RestingPolicies:
    """Answers for copies which regions the policies rule out, and by which of them."""

    def __init__(self, world: World, law: LawView) -> None:
        self._world, self._certificates = world, CertificatePolicies(law)
        self._sovereignty = SovereigntyPolicies(world, law)
        self._policies = tuple(p for p in world.instance.policies if isinstance(p, PlacePolicy))
        self._out: dict[int, tuple[Exclusion, ...]] = {}

    def exclusions(self, owner: int | None) -> tuple[Exclusion, ...]:
        """Return what is ruled out for copies of what workload number `owner` retains, or of a dataset; [regions]."""
        found: list[Exclusion] = []
        for k, policy in enumerate(self._policies):
            if owner is None:
                selected = selects_copies(policy.scope)
            else:
                selected = bool(workload_scope(policy.scope, self._world)[owner])
            if selected:
                found += self._of(k, policy)
        return tuple(found)

    def _of(self, k: int, policy: PlacePolicy) -> tuple[Exclusion, ...]:
        if k not in self._out:
            scope = region_scope(policy.scope, self._world)
            rows = [(reason, np.any(out & scope, axis=1), told) for reason, out, told in self._ruled_out(policy)]
            self._out[k] = tuple(
                Exclusion(reason, policy.id, np.asarray(out), evidence=told)
                for reason, out, told in rows
                if np.any(out)
            )
        return self._out[k]

    def _ruled_out(self, policy: PlacePolicy) -> tuple[tuple[str, Bools, Evidences], ...]:
        """Return (reason, mask, evidence) of what a policy rules out wherever it is asked; [regions, periods or 1]."""
        regions = self._world.regions
        provider, name = (regions[column].to_numpy(dtype=object) for column in ("provider", "region_id"))
        if isinstance(policy, ExcludeControl):
            reached, unknown = control_reach(self._world, policy, regions["provider"].astype(str))
            known, nobody = control_evidence(self._world, policy, provider)
            return ("control", reached[:, None], known), ("control_unknown", unknown[:, None], nobody)
        if isinstance(policy, RequireCertification):
            word = " and " if policy.need == "all" else " or "
            told = worded(lambda r: f"storage in {name[r]} is not known to hold {word.join(policy.schemes)}")
            return (("certification", ~self._certified(policy), told),)
        if isinstance(policy, Sovereignty):
            masks = [self._sovereignty.out(policy, on) for on in self._world.period_dates]
            below, refused = (np.stack(part, axis=1) for part in zip(*masks, strict=True))
            known = worded(lambda r: self._sovereignty.told(policy, r, self._world.period_dates[0]))
            return ("sovereignty", below, known), ("sovereignty_unknown", refused, known)
        country = regions["country"].to_numpy(dtype=object)
        return (("places", ~allowed_regions(self._world, policy), worded(lambda r: place_words(policy, country[r]))),)

    def _certified(self, policy: RequireCertification) -> Bools:
        """Return which (region, period) holds the certificates for storage; [regions, periods]."""
        days = dict.fromkeys(self._world.period_dates)
        by_day = {on: self._certificates.open(policy, STORAGE, on) for on in days}
        return np.stack([by_day[on] for on in self._world.period_dates], axis=1)
