"""What is known of the sovereignty of the regions that a plan uses, where a policy asks; it is no law."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.compile.assemble import Compiled
from optimizer.compile.sovereignty import SovereigntyPolicies
from optimizer.instance.rules import Sovereignty
from optimizer.laws.sovereignty import OBJECTIVES, evidence
from optimizer.plan.legal_rows import SovereigntyUse
from optimizer.plan.placements import Lines
from optimizer.plan.policy_uses import uses_of


def sovereignty_of(
    compiled: Compiled, lines: Lines, copied: NDArray[np.float64]
) -> tuple[SovereigntyUse, ...]:
    """Return one row per policy and region that it selects, with the levels known on the first day it is used."""
    world = compiled.world
    asked = [policy for policy in world.instance.policies if isinstance(policy, Sovereignty)]
    book = SovereigntyPolicies(world, compiled.law_view)
    rows = []
    for policy in asked:
        first: dict[int, int] = {}
        for use in uses_of(compiled, lines, copied, policy.scope):
            first[use.region] = min(use.period, first.get(use.region, use.period))
        for region, period in sorted(first.items()):
            levels = book.levels(policy, world.period_dates[period])[region]
            place = world.regions.iloc[region]
            rows.append(
                SovereigntyUse(
                    policy=policy.id,
                    provider=str(place["provider"]),
                    region_id=str(place["region_id"]),
                    seal=_span(min(x.least for x in levels.values()), min(x.most for x in levels.values())),
                    score=book.book.score(levels),
                    levels=tuple(f"{name} {_span(levels[name].least, levels[name].most)}" for name in OBJECTIVES),
                    evidence=evidence(levels, (name for name in OBJECTIVES if levels[name].by)),
                )
            )
    return tuple(rows)


def _span(least: int, most: int) -> str:
    """Return a level, or from which to which it may be."""
    return str(least) if least == most else f"{least}-{most}"
