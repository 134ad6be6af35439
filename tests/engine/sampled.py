"""How many of the random instances a run of the tests tries: all with `DOMICILE_SAMPLE=1`, two in five by default."""

from __future__ import annotations

import os
from math import ceil

SHARE = float(os.environ.get("DOMICILE_SAMPLE", "0.4"))


def sampled(seeds: range) -> range:
    """Return the first seeds of a range, as many as the share of it that is tried."""
    return seeds[: most(len(seeds))]


def most(examples: int) -> int:
    """Return the number of examples tried of so many, at least one."""
    return max(1, ceil(SHARE * examples))
