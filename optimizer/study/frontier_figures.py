"""What a frontier says of an amount: between what the least cost of it lies, and between what the best amount does.

Points are as the record of a frontier holds them: each a plan (its cost and amount), and what is proven beside it: no
plan that costs at most `cap_usd` is better than `amount_bound`; along providers no plan of the amount costs less than
`cost_bound_usd`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Point = Mapping[str, Any]
ROUNDING = 1e-6
"""Part of an amount by which it may miss what is asked for: the tolerance of audits."""


def best_amount(points: Sequence[Point], over: str) -> tuple[float, float]:
    """Return between what the best amount of all plans lies, whatever it costs."""
    last = points[-1]
    bound = last["amount"] if last["amount_bound"] is None else last["amount_bound"]
    if over == "providers":  # every number below was tried
        bound = min(point["amount"] for point in points)
        return float(bound), float(bound)
    return min(bound, last["amount"]), max(bound, last["amount"])


def cost_to_reach(points: Sequence[Point], over: str, bound_usd: float | None, amount: float) -> tuple[float, float]:
    """Return between what the least cost of an amount lies, in parts of the cost of the first point; infinity where no
    plan has it.

    `bound_usd`: no plan costs less.
    """
    first = points[0]["cost_usd"]
    reached = [point for point in points if _is_as_good(point["amount"], amount, over)]
    high = min((point["cost_usd"] for point in reached), default=math.inf)
    low = 0.0 if bound_usd is None else min(bound_usd, first)
    if over == "providers":
        low = max([low, *(point["cost_bound_usd"] or 0.0 for point in reached[:1])])
    else:
        for point in points:
            if point["amount_bound"] is not None and not _is_as_good(point["amount_bound"], amount, over):
                low = max(low, math.inf if point["cap_usd"] is None else point["cap_usd"])
    return (min(low, high) / first, high / first) if first > 0 else (-math.inf, math.inf)


def _is_as_good(amount: float, asked: float, over: str) -> bool:
    room = ROUNDING * abs(asked)
    return amount >= asked - room if over == "outside" else amount <= asked + room
