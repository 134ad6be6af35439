"""Kinds of machines by the names that providers give them."""

from __future__ import annotations

import re
from functools import lru_cache

BURSTABLE = re.compile(
    r"^(t[234][ag]?\.|standard_b\d|b\d+m?l?s|e2-(micro|small|medium)$|f1-micro$|g1-small$|ecs\.t[56]|.*burstable)",
    re.IGNORECASE,
)
"""AWS T, Azure B, Google's shared cores, Alibaba t5 and t6, and what says so itself: credits pay for bursts above a
share of a processor, so that no steady load runs at full speed."""


@lru_cache(maxsize=4096)
def is_burstable(sku: str) -> bool:
    """Return whether a SKU of the catalogue is a burstable machine, by its name."""
    return BURSTABLE.match(sku) is not None
