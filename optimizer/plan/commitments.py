"""Which commitments a plan draws on, and how much of each is idle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from optimizer.compile.assemble import Compiled
from optimizer.compile.commitments import named_groups
from optimizer.instance.rules import Commitment
from optimizer.plan.rows import CommitmentUse, Placement

if TYPE_CHECKING:
    from optimizer.plan.placements import Lines

ROUNDING = 1e-9
"""Parts of an instance below this come from splitting instances over streams."""


def drawn_of(compiled: Compiled, lines: Lines) -> dict[int, dict[str, float]]:
    """Return by line how many instances each commitment gives, for the lines on committed offers.

    In every period the commitments to one SKU in one region are used up in the order in which they are stated.
    """
    slots, world = compiled.problem.slots, compiled.world
    names = world.text("commitment")[slots.offer[lines.slot]]
    groups = named_groups(world.instance)
    left: dict[tuple[str, int], list[list[float]]] = {}
    drawn: dict[int, dict[str, float]] = {}
    for k in np.flatnonzero(names != "").tolist():
        group = groups[names[k]]
        key = (names[k], int(slots.period[lines.slot[k]]))
        drawn[k] = _draw(group, left.setdefault(key, [[c.instances] for c in group]), float(lines.instances[k]))
    return drawn


def _draw(group: tuple[Commitment, ...], left: list[list[float]], wanted: float) -> dict[str, float]:
    """Take instances from commitments in their order; `left` of each goes down. The last gives what rounding leaves."""
    taken: dict[str, float] = {}
    for at, (commitment, room) in enumerate(zip(group, left, strict=True)):
        last = at == len(group) - 1
        part = wanted if last else min(wanted, room[0])
        if part <= ROUNDING and not (last and not taken):
            continue
        taken[commitment.id] = part
        room[0] -= part
        wanted -= part
        if wanted <= ROUNDING:
            break
    return taken


def commitments_used(commitments: Iterable[Commitment], placements: Iterable[Placement]) -> tuple[CommitmentUse, ...]:
    """Return every commitment with the most instances of it that placements hold at once."""
    held: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in placements:
        for name, count in row.commitments.items():
            held[name][row.period] += count
    uses = []
    for one in commitments:
        most = max(held[one.id].values(), default=0.0)
        whole = round(most)
        used = float(whole) if abs(most - whole) <= ROUNDING * max(1.0, most) else most
        uses.append(
            CommitmentUse(
                id=one.id, region_id=one.region, sku=one.sku, instances=one.instances, used=used,
                idle=max(0.0, one.instances - used),
            )
        )  # fmt: skip
    return tuple(uses)
