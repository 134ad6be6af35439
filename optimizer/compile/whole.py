"""Limits of devices that are no whole number: what they let be had, as a warning by name."""

from __future__ import annotations

import math

from optimizer.compile.offers import CPU
from optimizer.compile.pools import matches, quota_id
from optimizer.compile.world import World

SAME = 1e-9
"""Part of a limit by which it may be off a whole number: rounding."""


def fractional_limits(world: World) -> tuple[str, ...]:
    """Return a warning for each quota of devices that grants a part of one: of whole devices so many fewer are had.

    None for a quota under which nothing but parts of devices is sold.
    """
    quotas = world.instance.quotas
    is_whole = (world.text("accelerator") != CPU) & (world.offers["devices"].to_numpy(dtype=float) >= 1.0)
    stated: list[tuple[str, object, bool]] = [("quotas.default_devices", quotas.default_devices, bool(is_whole.any()))]
    stated += [
        (quota_id(one), one.devices, bool((matches(one, world) & is_whole).any()))
        for one in quotas.limits if _is_part(one.devices)
    ]  # fmt: skip
    return tuple(
        f"quota {name} grants {limit:,.6g} devices; devices are whole, and {math.floor(limit)} of them can be had"
        for name, limit, of_whole in stated if of_whole and isinstance(limit, float) and _is_part(limit)
    )  # fmt: skip


def _is_part(limit: object) -> bool:
    """Whether a limit is a figure, and no whole number."""
    return isinstance(limit, float) and abs(limit - round(limit)) > SAME * max(1.0, abs(limit))
