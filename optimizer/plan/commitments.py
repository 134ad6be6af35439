"""Which commitments a plan draws on, and how much of each is idle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import numpy as np

from optimizer.compile.assemble import Compiled
from optimizer.compile.commitments import named_groups
from optimizer.compile.world import World
from optimizer.instance.rules import Commitment
from optimizer.plan.rows import CommitmentUse, Placement

if TYPE_CHECKING:
    from optimizer.plan.placements import Lines

ROUNDING = 1e-9
"""Parts of an instance below this come from splitting instances over streams."""


def drawn_of(compiled: Compiled, lines: Lines) -> dict[int, dict[str, float]]:
    """Return by line how many instances each commitment gives, for the lines on committed offers, owned or bought.

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
    bought = world.text("bought_as")[slots.offer[lines.slot]]
    drawn |= {k: {bought[k]: float(lines.instances[k])} for k in np.flatnonzero(bought != "").tolist()}
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


def commitments_used(world: World, placements: Iterable[Placement]) -> tuple[CommitmentUse, ...]:
    """Return every commitment with the most instances of it that placements hold at once, and what idle ones cost."""
    held: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in placements:
        for name, count in row.commitments.items():
            held[name][row.period] += count
    listed = on_demand_prices(world) if world.instance.commitments else {}
    uses = []
    for one in world.instance.commitments:
        most = max(held[one.id].values(), default=0.0)
        whole = round(most)
        used = float(whole) if abs(most - whole) <= ROUNDING * max(1.0, most) else most
        hours = sum(max(0.0, one.instances - held[one.id][period.id]) * period.hours for period in world.periods)
        price = listed.get((one.region, one.sku)) if one.usd_per_hour is None else one.usd_per_hour
        known: Literal["stated", "on_demand"] = "on_demand" if one.usd_per_hour is None else "stated"
        uses.append(
            CommitmentUse(
                id=one.id, region_id=one.region, sku=one.sku, instances=one.instances, used=used,
                idle=max(0.0, one.instances - used), idle_usd=None if price is None else price * hours,
                idle_price=None if price is None else known,
            )
        )  # fmt: skip
    return tuple(uses)


def on_demand_prices(world: World) -> dict[tuple[str, str], float]:
    """Return the price of an instance-hour on demand by region and SKU, where one is known."""
    price, on_demand = world.column("price_usd_per_hour"), world.text("purchase") == "on_demand"
    region, sku = world.text("region_id"), world.text("sku")
    found = np.flatnonzero(on_demand & ~np.isnan(price)).tolist()
    return {(region[o], sku[o]): float(price[o]) for o in found}
